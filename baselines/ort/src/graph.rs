//! One ONNX graph: named f32 tensors in and out.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{Tensor, ValueType};
use socio_backend::BackendError;
use socio_dataset::{files, hash};

use crate::{BACKEND, Runtime};

/// A loaded graph. onnxruntime's session is used by one caller at a time.
pub struct Graph {
    session: Mutex<Session>,
    path: PathBuf,
    hash: String,
}

/// A dense f32 tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Vec<f32>,
}

impl Graph {
    /// Loads a graph and checks that it has the named inputs, in this order.
    ///
    /// # Errors
    /// When the file is missing, is no ONNX graph, or has other inputs.
    pub fn load(runtime: &Runtime, path: &Path, inputs: &[&str], threads: usize) -> Result<Self, BackendError> {
        let wrong = |why: String| BackendError::Model { path: path.to_owned(), why };
        let bytes = files::read(path).map_err(|e| wrong(e.source.to_string()))?;
        let build = || -> Result<Session, ort::Error> {
            Session::builder(&runtime.environment)?
                .with_intra_threads(threads)?
                .with_inter_threads(1)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?
                .commit_from_memory(&bytes)
        };
        let session = build().map_err(|e| wrong(format!("onnxruntime refuses it: {}", e.message())))?;
        let found: Vec<&str> = session.inputs().iter().map(ort::value::Outlet::name).collect();
        if found != inputs {
            return Err(wrong(format!("its inputs are [{}], expected [{}]", found.join(", "), inputs.join(", "))));
        }
        for input in session.inputs() {
            if !matches!(input.dtype(), ValueType::Tensor { .. }) {
                return Err(wrong(format!("input {} is no tensor", input.name())));
            }
        }
        Ok(Self { session: Mutex::new(session), path: path.to_owned(), hash: hash::sha256_hex(&bytes) })
    }

    /// SHA-256 of the file.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Runs the graph; `doing` is what an error says it was doing. The outputs come in the graph's order.
    ///
    /// # Errors
    /// When onnxruntime does.
    pub fn run(&self, inputs: Vec<(&'static str, Array)>, doing: &'static str) -> Result<Vec<Array>, BackendError> {
        let failed = |e: ort::Error| {
            let why = e.message().to_owned();
            if why.to_lowercase().contains("failed to allocate") || why.contains("bad_alloc") {
                BackendError::OutOfMemory { backend: BACKEND.to_owned(), doing }
            } else {
                BackendError::Inference { backend: format!("{BACKEND} ({})", self.path.display()), doing, why }
            }
        };
        let mut named: Vec<(&str, SessionInputValue<'_>)> = Vec::new();
        for (name, array) in inputs {
            named.push((name, Tensor::from_array((array.shape, array.values)).map_err(failed)?.into()));
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(named).map_err(failed)?;
        (0..outputs.len())
            .map(|i| {
                let (shape, values) = outputs[i].try_extract_tensor::<f32>().map_err(failed)?;
                let shape = shape.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect();
                Ok(Array { shape, values: values.to_vec() })
            })
            .collect()
    }
}
