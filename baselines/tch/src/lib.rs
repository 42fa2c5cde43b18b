//! `Torch`: the `Tensor` of `socio-models` on libtorch, through the crate `tch`. Nothing of the architectures is here.
//!
//! Without the feature `tch` this crate is empty and needs nothing. With it, building needs a libtorch of the version that
//! `tch` was made for, which `LIBTORCH` names; with `doc-only` it compiles without one, but cannot be linked.

#[cfg(feature = "tch")]
mod attention;
#[cfg(feature = "tch")]
mod autograd;
#[cfg(feature = "tch")]
mod check;
#[cfg(feature = "tch")]
mod device;
#[cfg(feature = "tch")]
mod linear;
#[cfg(feature = "tch")]
mod tensor;

#[cfg(feature = "tch")]
pub use device::{cpu, device, start, states};
#[cfg(feature = "tch")]
pub use tensor::Torch;
