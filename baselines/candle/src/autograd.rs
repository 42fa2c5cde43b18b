//! Gradients by candle's own record of operations.

use candle_core::{D, Tensor as Inner, Var};
use socio_models::{Autograd, ModelError, Result};

use crate::Candle;
use crate::slices::{contiguous, failed};

fn made(op: &'static str, result: candle_core::Result<Inner>) -> Result<Candle> {
    result.map(Candle).map_err(failed(op))
}

impl Autograd for Candle {
    fn variable(&self) -> Result<Self> {
        made("variable", Var::from_tensor(&self.0.detach()).map(|v| v.as_tensor().clone()))
    }

    fn detach(&self) -> Self {
        Self(self.0.detach())
    }

    fn gradients(&self, variables: &[Self]) -> Result<Vec<Option<Self>>> {
        let store = self.0.backward().map_err(failed("gradients"))?;
        Ok(variables.iter().map(|v| store.get(&v.0).map(|g| Self(g.detach()))).collect())
    }

    fn exp(&self) -> Result<Self> {
        made("exp", self.0.exp())
    }

    fn ln(&self) -> Result<Self> {
        made("ln", self.0.log())
    }

    fn clamp(&self, low: f32, high: f32) -> Result<Self> {
        made("clamp", self.0.clamp(low, high))
    }

    fn minimum(&self, other: &Self) -> Result<Self> {
        made("minimum", self.0.minimum(&other.0))
    }

    fn log_softmax(&self) -> Result<Self> {
        let shifted = || {
            let less = self.0.broadcast_sub(&self.0.detach().max_keepdim(D::Minus1)?)?;
            less.broadcast_sub(&less.exp()?.sum_keepdim(D::Minus1)?.log()?)
        };
        made("log_softmax", shifted())
    }

    fn pick(&self, indices: &[u32]) -> Result<Self> {
        let &[rows, columns] = self.0.dims() else {
            return Err(ModelError::op("pick", format!("of shape {:?}, not of rows", self.0.dims())));
        };
        if indices.len() != rows || indices.iter().any(|i| *i as usize >= columns) {
            return Err(ModelError::op("pick", format!("{} indices of shape {:?}", indices.len(), self.0.dims())));
        }
        let picked = || {
            let indices = Inner::from_slice(indices, (rows, 1), self.0.device())?;
            self.0.contiguous()?.gather(&indices, 1)?.reshape(rows)
        };
        made("pick", picked())
    }

    fn sum(&self) -> Result<Self> {
        made("sum", contiguous(&self.0)?.sum_all().and_then(|s| s.reshape(1)))
    }
}
