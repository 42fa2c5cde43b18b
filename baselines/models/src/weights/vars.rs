//! A place in a tree of weights, from which architectures take what they need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::Weights;
use crate::{DType, ModelError, Result, Tensor};

/// A place in a tree of weights: the source, the prefix of its keys, and where and in which type tensors are made.
pub struct Vars<'a, T: Tensor> {
    source: Source<'a, T>,
    prefix: String,
    device: T::Device,
    dtype: DType,
    matrices: DType,
    /// The source's keys that were read.
    used: Arc<Mutex<BTreeSet<String>>>,
}

/// What tensors are made of.
enum Source<'a, T> {
    Weights(&'a dyn Weights),
    /// Tensors that are there already.
    Bound(&'a BTreeMap<String, T>),
}

impl<T> Clone for Source<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Source<'_, T> {}

impl<T> Source<'_, T> {
    fn name(&self) -> String {
        match self {
            Self::Weights(weights) => weights.name(),
            Self::Bound(_) => "the parameters".to_owned(),
        }
    }

    fn origins(&self, key: &str) -> Vec<String> {
        match self {
            Self::Weights(weights) => weights.origins(key),
            Self::Bound(_) => vec![key.to_owned()],
        }
    }

    fn keys(&self) -> Vec<String> {
        match self {
            Self::Weights(weights) => weights.keys(),
            Self::Bound(tensors) => tensors.keys().cloned().collect(),
        }
    }
}

impl<T: Tensor> Clone for Vars<'_, T> {
    fn clone(&self) -> Self {
        Self {
            source: self.source,
            prefix: self.prefix.clone(),
            device: self.device.clone(),
            dtype: self.dtype,
            matrices: self.matrices,
            used: Arc::clone(&self.used),
        }
    }
}

impl<'a, T: Tensor> Vars<'a, T> {
    /// The root of the tree.
    pub fn new(weights: &'a dyn Weights, dtype: DType, device: &T::Device) -> Self {
        Self::of(Source::Weights(weights), dtype, device)
    }

    /// The root of a tree of tensors that are there already, by their keys: networks are then made of these very tensors
    /// (cast, where they are of another type), so that gradients reach them.
    pub fn bound(tensors: &'a BTreeMap<String, T>, dtype: DType, device: &T::Device) -> Self {
        Self::of(Source::Bound(tensors), dtype, device)
    }

    fn of(source: Source<'a, T>, dtype: DType, device: &T::Device) -> Self {
        Self { source, prefix: String::new(), device: device.clone(), dtype, matrices: dtype, used: Arc::default() }
    }

    /// The same place with matrices kept in a type of their own: narrower than what flows, where a library widens them as it
    /// multiplies.
    #[must_use]
    pub fn with_matrices(self, matrices: DType) -> Self {
        Self { matrices, ..self }
    }

    /// The place below this of that name, as `vars.at("blocks").at(3)`.
    #[must_use]
    pub fn at(&self, name: impl ToString) -> Self {
        Self { prefix: self.key(&name.to_string()), ..self.clone() }
    }

    /// Where tensors are made.
    pub fn device(&self) -> &T::Device {
        &self.device
    }

    /// The type tensors are made in.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The weight of that name below this place.
    ///
    /// # Errors
    /// When it is missing or of another shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<T> {
        self.optional(name, shape)?.ok_or_else(|| ModelError::Missing {
            source_name: self.source.name(),
            name: self.key(name),
            expected: shape.to_vec(),
        })
    }

    /// The matrix of that name below this place (or the table of an embedding), in the type that matrices are kept in.
    ///
    /// # Errors
    /// When it is missing or of another shape.
    pub fn matrix(&self, name: &str, shape: &[usize]) -> Result<T> {
        Self { dtype: self.matrices, ..self.clone() }.tensor(name, shape)
    }

    /// As [`Self::tensor`], or none where the source has no such key.
    ///
    /// # Errors
    /// When it is of another shape.
    pub fn optional(&self, name: &str, shape: &[usize]) -> Result<Option<T>> {
        let key = self.key(name);
        let fits = |found: Vec<usize>| {
            if found == shape {
                return Ok(());
            }
            let (source_name, expected) = (self.source.name(), shape.to_vec());
            Err(ModelError::WrongShape { source_name, name: key.clone(), expected, found })
        };
        let made = match self.source {
            Source::Bound(tensors) => {
                let Some(tensor) = tensors.get(&key) else { return Ok(None) };
                fits(tensor.shape())?;
                if tensor.dtype() == self.dtype { tensor.clone() } else { tensor.cast(self.dtype)? }
            }
            Source::Weights(weights) => {
                let Some(view) = weights.view(&key, shape)? else { return Ok(None) };
                fits(view.shape.clone())?;
                let made = T::from_bytes(&view.bytes, view.dtype, shape, self.dtype, &self.device)?;
                drop(view);
                weights.taken(&key);
                made
            }
        };
        self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(self.source.origins(&key));
        Ok(Some(made))
    }

    /// The values of a weight as plain numbers, for tables that are prepared when a network is loaded.
    ///
    /// # Errors
    /// As [`Self::tensor`].
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let wide = Self { dtype: DType::F32, ..self.clone() };
        wide.tensor(name, shape)?.values()
    }

    /// Whether the source holds that key below this place; a source of random weights holds none.
    pub fn has(&self, name: &str) -> bool {
        let (origins, keys) = (self.source.origins(&self.key(name)), self.source.keys());
        !origins.is_empty() && origins.iter().all(|key| keys.binary_search(key).is_ok())
    }

    /// Checks that every key of the source was asked for, but for those that `ignored` knows to belong to other parts.
    ///
    /// # Errors
    /// When some were not.
    pub fn finish(&self, ignored: impl Fn(&str) -> bool) -> Result<()> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let extra: Vec<String> = self.source.keys().into_iter().filter(|k| !used.contains(k) && !ignored(k)).collect();
        match extra.first() {
            None => Ok(()),
            Some(example) => {
                Err(ModelError::Extra { source_name: self.source.name(), count: extra.len(), example: example.clone() })
            }
        }
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}
