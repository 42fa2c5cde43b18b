//! Tests of the sources of weights, on files that they write themselves.

mod folder;
mod fuzz;
mod hostile;
mod pt;
mod random;
mod renamed;
mod safetensors;
mod vars;
mod write;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{View, Weights};
use crate::{DType, ModelError, Result};

/// A folder with these files; it goes when it is dropped.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// What opening a file of these bytes gives.
fn with_file<T>(bytes: &[u8], open: impl Fn(&Path) -> T) -> T {
    let folder = folder(&[("file", bytes)]);
    open(&folder.path().join("file"))
}

/// The files in the repository that PyTorch wrote.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

/// A weight's values and shape.
fn values(weights: &dyn Weights, key: &str) -> (Vec<f32>, Vec<usize>) {
    let view = weights.view(key, &[]).unwrap().unwrap_or_else(|| panic!("no {key}"));
    (numbers(&view), view.shape)
}

fn numbers(view: &View<'_>) -> Vec<f32> {
    let (twos, fours) = (view.bytes.as_chunks::<2>().0, view.bytes.as_chunks::<4>().0);
    match view.dtype {
        DType::F32 => fours.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        DType::Bf16 => twos.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect(),
        DType::F16 => twos.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
    }
}

/// Little-endian bytes of numbers.
fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// What is wrong with a file.
fn why<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("was read"),
        Err(ModelError::File { why, .. }) => why,
        Err(other) => panic!("another error: {other}"),
    }
}
