//! Which tensor library trains.

use std::str::FromStr;

use candle_core::Device;
use socio_candle::Candle;
use socio_models::Autograd;

use crate::TrainError;

/// A library that records gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// candle, always built in.
    Candle,
    /// libtorch: the feature `tch`.
    Tch,
}

impl FromStr for Library {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "candle" => Ok(Self::Candle),
            "tch" => Ok(Self::Tch),
            _ => Err(format!("`{name}` is no library that trains; candle and tch are")),
        }
    }
}

/// Something that is done on whichever library.
pub trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    ///
    /// # Errors
    /// As the task says.
    fn on<T: Autograd>(self, device: T::Device) -> Result<Self::Output, TrainError>
    where
        T::Device: Sync;
}

impl Library {
    /// The fastest one of this build.
    pub fn best() -> Self {
        if cfg!(feature = "tch") { Self::Tch } else { Self::Candle }
    }

    /// Does a task on it, on the CPU.
    ///
    /// # Errors
    /// When this build has it not, and the task's own.
    pub fn run<K: Task>(self, task: K) -> Result<K::Output, TrainError> {
        match self {
            Self::Candle => task.on::<Candle>(Device::Cpu),
            #[cfg(feature = "tch")]
            Self::Tch => task.on::<socio_tch::Torch>(socio_tch::cpu()),
            #[cfg(not(feature = "tch"))]
            Self::Tch => Err(TrainError::Input(
                "this build has no libtorch: build with `--features tch` (docs/backends.md, section 5), or train on candle".to_owned(),
            )),
        }
    }
}
