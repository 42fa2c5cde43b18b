//! Where a network runs.

use std::sync::Arc;

use socio_backend::BackendError;
use socio_models::{DType, Tensor};

/// A device, the types of numbers there, and the threads that work for it.
#[derive(Clone)]
pub struct Place<T: Tensor> {
    /// The library's name, as `candle`.
    pub library: &'static str,
    /// The device.
    pub device: T::Device,
    /// What flows, and small weights.
    pub compute: DType,
    /// Matrices.
    pub matrices: DType,
    device_name: &'static str,
    pool: Arc<rayon::ThreadPool>,
}

impl<T: Tensor> Place<T> {
    /// A place with `threads` threads of its own (0 for one a processor); `device` and what it is called, as `cpu`.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(
        library: &'static str,
        (device, device_name): (T::Device, &'static str),
        (compute, matrices): (DType, DType),
        threads: usize,
    ) -> Result<Self, BackendError> {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(move |i| format!("{library}-{i}")).build();
        let pool = pool
            .map_err(|e| BackendError::Unavailable { backend: library.to_owned(), why: format!("no threads: {e}") })?;
        Ok(Self { library, device, compute, matrices, device_name, pool: Arc::new(pool) })
    }

    /// The library, the device and the types of numbers there.
    pub(crate) fn numbers(&self) -> String {
        format!("{} {} {}/{}", self.library, self.device_name, self.compute, self.matrices)
    }

    /// Runs `f` on the place's threads; no gradient is wanted.
    pub fn run<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.pool.install(|| T::inference(f))
    }
}
