//! Which device to run on, and with how many threads.

use socio_backend::{DeviceState, Target};
use socio_models::{ModelError, Result};
use tch::{Cuda, Device};

/// The device.
///
/// # Errors
/// When it is not there; the message says why and what to do.
pub fn device(target: Target) -> Result<Device> {
    match target {
        Target::Cpu => Ok(Device::Cpu),
        Target::Auto => Ok(Device::cuda_if_available()),
        Target::Cuda(n) => match no_cuda(n) {
            None => Ok(Device::Cuda(n)),
            Some(why) => Err(ModelError::Input(why)),
        },
    }
}

/// Why there is no GPU of that number, if so.
fn no_cuda(n: usize) -> Option<String> {
    if !Cuda::is_available() {
        let why = "libtorch finds no CUDA device: it is one for the CPU, its part for CUDA is not linked, or there is no GPU \
                   or driver (docs/backends.md, section 5); or choose the device cpu";
        return Some(why.to_owned());
    }
    let devices = Cuda::device_count().max(0) as usize;
    (n >= devices).then(|| format!("libtorch finds {devices} CUDA devices; number {n} is none of them"))
}

/// Every device, or why it is not there.
pub fn states() -> Vec<DeviceState> {
    let state = |device, why_not| DeviceState { library: "tch", device, dtypes: "f32, bf16, f16", why_not };
    vec![state("cpu", None), state("cuda", no_cuda(0))]
}

/// Says how many threads of libtorch work for the thread that calls (0 for one a processor), before it computes anything.
pub fn start(threads: usize) {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        n => n,
    };
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
}

/// The CPU.
pub fn cpu() -> Device {
    Device::Cpu
}
