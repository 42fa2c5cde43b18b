//! Gradients by libtorch's own record of operations.

use socio_models::{Autograd, Result};
use tch::{Kind, TchError, Tensor as Inner};

use crate::Torch;
use crate::check::{expect, failed, same_kind, wrong};

fn made(op: &'static str, result: Result<Inner, TchError>) -> Result<Torch> {
    result.map(Torch).map_err(failed(op))
}

impl Autograd for Torch {
    fn alone() {
        tch::set_num_threads(1);
    }

    fn variable(&self) -> Result<Self> {
        made(
            "variable",
            self.0.f_detach_copy().and_then(|t| t.f_contiguous()).and_then(|t| t.f_set_requires_grad(true)),
        )
    }

    fn detach(&self) -> Self {
        Self(self.0.detach())
    }

    fn gradients(&self, variables: &[Self]) -> Result<Vec<Option<Self>>> {
        let inputs: Vec<&Inner> = variables.iter().map(|v| &v.0).collect();
        let found = Inner::f_run_backward(&[&self.0], &inputs, false, false).map_err(failed("gradients"))?;
        Ok(found.into_iter().map(|g| g.defined().then_some(Self(g))).collect())
    }

    fn exp(&self) -> Result<Self> {
        made("exp", self.0.f_exp())
    }

    fn ln(&self) -> Result<Self> {
        made("ln", self.0.f_log())
    }

    fn clamp(&self, low: f32, high: f32) -> Result<Self> {
        made("clamp", self.0.f_clamp(f64::from(low), f64::from(high)))
    }

    fn minimum(&self, other: &Self) -> Result<Self> {
        same_kind("minimum", &self.0, [&other.0])?;
        expect("minimum", "the other", &other.0, &self.0.size())?;
        made("minimum", self.0.f_minimum(&other.0))
    }

    fn log_softmax(&self) -> Result<Self> {
        made("log_softmax", self.0.f_log_softmax(-1, None))
    }

    fn pick(&self, indices: &[u32]) -> Result<Self> {
        let Ok((rows, columns)) = self.0.size2() else {
            return Err(wrong("pick", format!("of shape {:?}, not of rows", self.0.size())));
        };
        if indices.len() as i64 != rows || indices.iter().any(|i| i64::from(*i) >= columns) {
            return Err(wrong("pick", format!("{} indices of shape {:?}", indices.len(), self.0.size())));
        }
        let indices: Vec<i64> = indices.iter().map(|i| i64::from(*i)).collect();
        let picked = || {
            let indices = Inner::f_from_slice(&indices)?.f_to(self.0.device())?.f_unsqueeze(1)?;
            self.0.f_gather(1, &indices, false)?.f_squeeze_dim(1)
        };
        made("pick", picked())
    }

    fn sum(&self) -> Result<Self> {
        made("sum", self.0.f_sum(Kind::Float).and_then(|s| s.f_reshape([1])))
    }
}
