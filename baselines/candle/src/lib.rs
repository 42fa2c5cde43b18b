//! [`Candle`]: the `Tensor` of `socio-models` on candle, with this project's own kernels on the CPU, and the choice of
//! devices. Nothing of the architectures is here.

mod autograd;
mod composed;
mod cpu;
mod device;
mod slices;
#[allow(clippy::redundant_closure, reason = "a function's name is not inlined as a closure is")]
mod tensor;

pub use device::{Precision, device, states};
pub use tensor::Candle;
