//! Which device to run on, and what a network's numbers are kept in there.

use candle_core::Device;
use socio_backend::{DeviceState, Target};
use socio_models::{DType, ModelError, Result};

/// The types of a network's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// What flows, and small weights.
    pub compute: DType,
    /// Matrices.
    pub matrices: DType,
}

impl Precision {
    /// What `dtype` means on a device: the CPU has no arithmetic in 16 bits worth using, so there matrices alone are kept so
    /// and are widened as they are used; a GPU computes in it.
    pub fn on(device: &Device, dtype: DType) -> Self {
        let compute = if device.is_cpu() { DType::F32 } else { dtype };
        Self { compute, matrices: dtype }
    }
}

/// The device.
///
/// # Errors
/// When it is not there; the message says why and what to do.
pub fn device(target: Target) -> Result<Device> {
    match target {
        Target::Cpu => Ok(Device::Cpu),
        Target::Auto => {
            Ok(if cfg!(feature = "cuda") { Device::new_cuda(0).unwrap_or(Device::Cpu) } else { Device::Cpu })
        }
        Target::Cuda(_) if !cfg!(feature = "cuda") => Err(ModelError::Input(
            "this build has no CUDA: build with `--features cuda` (docs/backends.md) or choose the device cpu"
                .to_owned(),
        )),
        Target::Cuda(n) => Device::new_cuda(n).map_err(|e| ModelError::Input(format!("no CUDA device {n}: {e}"))),
    }
}

/// Every device, or why it is not there.
pub fn states() -> Vec<DeviceState> {
    let cpu = if cfg!(feature = "mkl") {
        "f32; bf16 and f16 for matrices, what flows is f32; with MKL"
    } else {
        "f32; bf16 and f16 for matrices, what flows is f32"
    };
    vec![
        DeviceState { library: "candle", device: "cpu", dtypes: cpu, why_not: None },
        DeviceState {
            library: "candle",
            device: "cuda",
            dtypes: "f32, bf16, f16",
            why_not: device(Target::Cuda(0)).err().map(|e| e.to_string()),
        },
    ]
}
