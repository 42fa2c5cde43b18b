//! What computes networks, by name, and the place where they run on candle.

use socio_backend::{BackendError, DeviceState};
use socio_candle::{Candle, Precision};
use socio_local::Place;
use socio_models::DType;
use socio_ort::networks::How;

use super::{libtorch, unavailable};
use crate::registry::Resources;

/// What computes a network: a tensor library from its weights, or onnxruntime from graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// candle, always built in.
    Candle,
    /// libtorch, through the crate tch: the feature `tch`.
    Tch,
    /// onnxruntime, loaded at run time.
    Ort,
}

impl Library {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Candle, Self::Tch, Self::Ort];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Tch => "tch",
            Self::Ort => "ort",
        }
    }

    /// The library before a colon, and what stands behind it.
    pub(super) fn of(name: &str) -> Option<(Self, &str)> {
        let (head, rest) = name.split_once(':')?;
        Self::ALL.into_iter().find(|l| l.name() == head).map(|l| (l, rest))
    }

    /// An error under the name that was asked for.
    pub(super) fn told(self, error: BackendError) -> BackendError {
        match error {
            BackendError::Unavailable { backend, why } => unavailable(&format!("{}:{backend}", self.name()), why),
            other => other,
        }
    }

    /// Whether this build has it.
    ///
    /// # Errors
    /// When it has not; the message says what to do.
    pub(super) fn check(self, what: &str) -> Result<(), BackendError> {
        match self {
            Self::Candle | Self::Ort => Ok(()),
            Self::Tch => match libtorch::MISSING {
                None => Ok(()),
                Some(why) => Err(unavailable(&format!("tch:{what}"), why.to_owned())),
            },
        }
    }
}

/// Every device of every library, or why it is not there.
pub fn devices(resources: &Resources) -> Vec<DeviceState> {
    let runtime = resources.runtime();
    let ort = socio_ort::networks::states(runtime.as_ref().map_err(ToString::to_string));
    [socio_candle::states(), libtorch::states(), ort].concat()
}

/// How graphs run.
pub(super) fn how(resources: &Resources) -> How {
    How { target: resources.running.device, threads: resources.threads }
}

/// Where networks run on candle; `default` where no type of numbers is asked for.
pub(super) fn candle(resources: &Resources, default: DType) -> Result<Place<Candle>, BackendError> {
    let device = socio_candle::device(resources.running.device).map_err(|e| unavailable("candle", e.to_string()))?;
    let precision = Precision::on(&device, resources.running.dtype.unwrap_or(default));
    let device_name = if device.is_cpu() { "cpu" } else { "gpu" };
    Place::new("candle", (device, device_name), (precision.compute, precision.matrices), resources.threads)
}
