//! What the reference computed, as `ci/fixtures_torch/common.py` stores it.

use std::collections::BTreeMap;
use std::path::Path;

use ::safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{ModelError, Result};

/// Stages of a computation by their names.
#[derive(Default)]
pub(super) struct Expected {
    floats: BTreeMap<String, Thinned>,
    bits: BTreeMap<String, Vec<u8>>,
}

/// A tensor of which only every `step`-th value is kept, counted through all of it.
#[derive(Deserialize)]
struct Thinned {
    shape: Vec<usize>,
    step: usize,
    values: Vec<f32>,
}

/// What `expected.json` tells of a tensor of `expected.safetensors`.
#[derive(Deserialize)]
struct Note {
    shape: Vec<usize>,
    step: Option<usize>,
}

#[derive(Deserialize)]
struct Notes {
    tensors: BTreeMap<String, Note>,
}

#[derive(Deserialize)]
struct Stages {
    stages: BTreeMap<String, Thinned>,
}

impl Expected {
    /// Of a folder with `expected.json` and `expected.safetensors`.
    pub(super) fn of_folder(folder: &Path) -> Result<Self> {
        let Notes { tensors: mut notes } = json(&folder.join("expected.json"))?;
        let mut all = Self::default();
        each_tensor(&folder.join("expected.safetensors"), |name, dtype, _, bytes| {
            let Some(Note { shape, step }) = notes.remove(name) else { return };
            match (dtype, step) {
                (Dtype::F32, step) => {
                    let values = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                    all.floats.insert(name.to_owned(), Thinned { shape, step: step.unwrap_or(1), values });
                }
                (Dtype::U8, None) => {
                    all.bits.insert(name.to_owned(), bytes.to_vec());
                }
                // Labels and pictures: what they lead to is compared.
                _ => {}
            }
        })?;
        Ok(all)
    }

    /// Of a file that holds the values themselves, below `stages`.
    pub(super) fn of_file(path: &Path) -> Result<Self> {
        let Stages { stages } = json(path)?;
        Ok(Self { floats: stages, bits: BTreeMap::new() })
    }

    /// Whether there are values of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.floats.contains_key(name)
    }

    /// The values of that name, none where there are none or only some are kept.
    pub(super) fn whole(&self, name: &str) -> Option<&[f32]> {
        let all = self.floats.get(name)?;
        (all.values.len() == all.shape.iter().product::<usize>()).then_some(&all.values)
    }

    /// How far values are from those of that name: the norm of the difference over the norm of what was expected, infinite
    /// where there is nothing of that name or not as many.
    pub(super) fn error(&self, name: &str, found: &[f32]) -> f64 {
        let Some(expected) = self.floats.get(name) else { return f64::INFINITY };
        if found.len() != expected.shape.iter().product::<usize>() {
            return f64::INFINITY;
        }
        let pairs = || found.iter().step_by(expected.step.max(1)).zip(&expected.values);
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let apart = norm(&mut pairs().map(|(f, e)| f64::from(*f) - f64::from(*e)));
        apart / norm(&mut pairs().map(|(_, e)| f64::from(*e))).max(f64::MIN_POSITIVE)
    }

    /// The part of pixels that are not as in the mask of that name (packed, the highest bit first), infinite as above.
    pub(super) fn mask_error(&self, name: &str, found: &[bool]) -> f64 {
        match self.bits.get(name) {
            Some(bits) if bits.len() == found.len().div_ceil(8) => {
                let wrong = found.iter().enumerate().filter(|(i, on)| ((bits[i / 8] >> (7 - i % 8)) & 1 == 1) != **on);
                wrong.count() as f64 / found.len() as f64
            }
            _ => f64::INFINITY,
        }
    }
}

/// Reads a file of JSON.
pub(super) fn json<D: DeserializeOwned>(path: &Path) -> Result<D> {
    serde_json::from_slice(&bytes(path)?).map_err(|e| wrong(path, &e))
}

/// Calls for each tensor of a safetensors file: its name, type, shape and bytes.
pub(super) fn each_tensor(path: &Path, mut call: impl FnMut(&str, Dtype, &[usize], &[u8])) -> Result<()> {
    let file = bytes(path)?;
    for (name, tensor) in SafeTensors::deserialize(&file).map_err(|e| wrong(path, &e))?.tensors() {
        call(&name, tensor.dtype(), tensor.shape(), tensor.data());
    }
    Ok(())
}

pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| wrong(path, &e))
}

pub(super) fn wrong(path: &Path, why: &dyn ToString) -> ModelError {
    ModelError::File { path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_and_of_what_was_kept() {
        let mut all = Expected::default();
        let kept = Thinned { shape: vec![2, 3], step: 3, values: vec![3.0, 4.0] };
        all.floats.insert("a".to_owned(), kept);
        all.bits.insert("m".to_owned(), vec![0b1000_0000, 0b0100_0000]);
        assert_eq!(all.error("a", &[3.0, 9.0, 9.0, 4.0, 9.0, 9.0]), 0.0);
        assert_eq!(all.error("a", &[3.0, 0.0, 0.0, 9.0, 0.0, 0.0]), 1.0);
        assert!(all.error("a", &[3.0; 5]).is_infinite() && all.error("b", &[]).is_infinite());
        let mut mask = [false; 10];
        (mask[0], mask[9]) = (true, true);
        assert_eq!(all.mask_error("m", &mask), 0.0);
        mask[1] = true;
        assert_eq!(all.mask_error("m", &mask), 0.1);
        assert!(all.mask_error("m", &mask[..8]).is_infinite() && all.mask_error("a", &mask).is_infinite());
    }
}
