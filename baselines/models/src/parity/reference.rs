//! What a reference implementation gave, as its script left it.

use std::path::{Path, PathBuf};

use crate::{ModelError, Result};

/// The tensors of a fixture's safetensors file.
pub(super) struct Fixture {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Fixture {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is missing or no safetensors file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| ModelError::File { path: path.to_owned(), why: e.to_string() })?;
        let fixture = Self { path: path.to_owned(), bytes };
        fixture.tensors()?;
        Ok(fixture)
    }

    fn tensors(&self) -> Result<safetensors::SafeTensors<'_>> {
        safetensors::SafeTensors::deserialize(&self.bytes).map_err(|e| self.wrong(e.to_string()))
    }

    fn wrong(&self, why: String) -> ModelError {
        ModelError::File { path: self.path.clone(), why }
    }

    /// Whether there is a tensor of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors().is_ok_and(|t| t.tensor(name).is_ok())
    }

    /// Shape and values of a tensor of floating-point numbers or bytes, as 32-bit numbers.
    ///
    /// # Errors
    /// When there is none of that name or type.
    pub(super) fn values(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let tensors = self.tensors()?;
        let view = tensors.tensor(name).map_err(|e| self.wrong(format!("{name}: {e}")))?;
        let data = view.data();
        let values = match view.dtype() {
            safetensors::Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            safetensors::Dtype::U8 => data.iter().map(|b| f32::from(*b)).collect(),
            other => return Err(self.wrong(format!("{name}: {other:?} where floats or bytes were expected"))),
        };
        Ok((view.shape().to_vec(), values))
    }

    /// Values of a tensor of whole numbers.
    ///
    /// # Errors
    /// When there is none of that name or type.
    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>> {
        let tensors = self.tensors()?;
        let view = tensors.tensor(name).map_err(|e| self.wrong(format!("{name}: {e}")))?;
        let data = view.data();
        match view.dtype() {
            safetensors::Dtype::I32 => {
                Ok(data.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect())
            }
            safetensors::Dtype::I64 => Ok(data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
            safetensors::Dtype::U8 => Ok(data.iter().map(|b| i64::from(*b)).collect()),
            other => Err(self.wrong(format!("{name}: {other:?} where whole numbers were expected"))),
        }
    }
}

/// The largest difference of two values, divided by the largest value of the reference; infinite where the numbers of
/// values differ or one is not a number.
pub(super) fn relative(found: &[f32], expected: &[f32]) -> f64 {
    if found.len() != expected.len() || found.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let scale = expected.iter().fold(0f64, |a, b| a.max(f64::from(b.abs())));
    let apart = found.iter().zip(expected).fold(0f64, |a, (x, y)| a.max(f64::from((x - y).abs())));
    if apart == 0.0 { 0.0 } else { apart / scale }
}
