//! A network's errors as the seams tell them.

use socio_backend::BackendError;
use socio_models::ModelError;

/// The error of backend `name` while it was `doing` something.
pub fn told(name: &str, doing: &'static str) -> impl Fn(ModelError) -> BackendError {
    move |error| match error {
        ModelError::File { path, why } => BackendError::Model { path, why },
        ModelError::Memory(_) => BackendError::OutOfMemory { backend: name.to_owned(), doing },
        ModelError::Cancelled => BackendError::Cancelled { backend: name.to_owned() },
        other => BackendError::Inference { backend: name.to_owned(), doing, why: other.to_string() },
    }
}
