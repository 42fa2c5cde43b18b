//! The values of candle's CPU tensors as slices.

use candle_core::{CpuStorage, Storage, StorageRef, Tensor};
use half::{bf16, f16};
use socio_models::{ModelError, Result};

use crate::cpu;

/// The values of a tensor on the CPU, readable while this lives.
pub(crate) struct Slice<'a> {
    storage: StorageRef<'a>,
    offset: usize,
}

/// Values of one of the types that tensors are made of here.
pub(crate) enum Values<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    F16(&'a [f16]),
}

impl<'a> Slice<'a> {
    /// From the tensor's first value on; strides are the tensor's own.
    pub(crate) fn new(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, offset: layout.start_offset() }
    }

    /// The values as 32-bit numbers; as many as the storage has left.
    pub(crate) fn f32(&self) -> Result<&[f32]> {
        match self.values()? {
            Values::F32(v) => Ok(v),
            _ => Err(ModelError::op("read", "not 32-bit numbers")),
        }
    }

    /// The values of any of our types.
    pub(crate) fn values(&self) -> Result<Values<'_>> {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(v)) => Ok(Values::F32(&v[self.offset..])),
            Storage::Cpu(CpuStorage::BF16(v)) => Ok(Values::Bf16(&v[self.offset..])),
            Storage::Cpu(CpuStorage::F16(v)) => Ok(Values::F16(&v[self.offset..])),
            _ => Err(ModelError::op("read", "not on the CPU, or not of a type that networks run in")),
        }
    }
}

/// The same values in order, one after the other in memory; the tensor itself where it is so already.
pub(crate) fn contiguous(tensor: &Tensor) -> Result<Tensor> {
    if tensor.is_contiguous() {
        return Ok(tensor.clone());
    }
    let slice = Slice::new(tensor);
    let own = if tensor.track_op() { None } else { slice.f32().ok() };
    let Some(values) = own else { return tensor.contiguous().map_err(failed("contiguous")) };
    let made = cpu::place::contiguous(values, 0, tensor.dims(), tensor.stride());
    Tensor::from_vec(made, tensor.dims(), tensor.device()).map_err(failed("contiguous"))
}

/// Values beyond which it is asked first whether the system has room for them.
const LARGE: usize = 1 << 24;

/// That the system would give the memory of a result: candle and Rust's vectors end the program where it does not.
pub(crate) fn room(op: &'static str, sizes: &[usize]) -> Result<()> {
    let count = sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let asked = match count {
        Some(n) if n < LARGE => return Ok(()),
        Some(n) => Vec::<f32>::new().try_reserve_exact(n).is_ok(),
        None => false,
    };
    if asked { Ok(()) } else { Err(ModelError::Memory(format!("{op}: for shape {sizes:?}"))) }
}

/// candle's error as ours, under the name of the operation.
pub(crate) fn failed(op: &'static str) -> impl Fn(candle_core::Error) -> ModelError {
    move |e| {
        let text = e.to_string();
        // candle passes on CUDA's own words.
        if text.to_lowercase().contains("out of memory") || text.contains("OUT_OF_MEMORY") {
            return ModelError::Memory(format!("{op}: {text}"));
        }
        ModelError::op(op, text)
    }
}
