//! Tensors of onnxruntime to and from plain numbers.

use half::{bf16, f16};
use ort::memory::AllocationDevice;
use ort::value::{DynTensor, DynTensorValueType, DynValue, Tensor, TensorElementType, ValueType};
use socio_models::{DType, ModelError, Result};

use super::opened::failed;

/// A tensor of integers.
pub(crate) fn integers(shape: &[usize], values: Vec<i64>) -> Result<DynValue> {
    Ok(Tensor::from_array((shape.to_vec(), values)).map_err(failed("a tensor"))?.into_dyn())
}

/// A tensor of numbers of a type.
pub(crate) fn numbers(shape: &[usize], values: Vec<f32>, dtype: DType) -> Result<DynValue> {
    let shape = shape.to_vec();
    let failed = failed("a tensor");
    Ok(match dtype {
        DType::F32 => Tensor::from_array((shape, values)).map_err(failed)?.into_dyn(),
        DType::F16 => {
            let narrow: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
            Tensor::from_array((shape, narrow)).map_err(failed)?.into_dyn()
        }
        DType::Bf16 => {
            let narrow: Vec<bf16> = values.into_iter().map(bf16::from_f32).collect();
            Tensor::from_array((shape, narrow)).map_err(failed)?.into_dyn()
        }
    })
}

/// The type of a tensor's numbers.
pub(crate) fn dtype_of(kind: &ValueType) -> Option<DType> {
    match kind.tensor_type()? {
        TensorElementType::Float32 => Some(DType::F32),
        TensorElementType::Float16 => Some(DType::F16),
        TensorElementType::Bfloat16 => Some(DType::Bf16),
        _ => None,
    }
}

/// A tensor's shape and its numbers, widened; from a device they are copied here.
pub(crate) fn values(value: &DynValue) -> Result<(Vec<usize>, Vec<f32>)> {
    let failed = failed("reading a tensor");
    let view = value.view().downcast::<DynTensorValueType>().map_err(&failed)?;
    let here;
    let tensor: &DynTensor = if view.memory_info().is_cpu_accessible() {
        &view
    } else {
        here = view.to(AllocationDevice::CPU, 0).map_err(&failed)?;
        &here
    };
    let shape: Vec<usize> = tensor.shape().iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect();
    let numbers = match tensor.data_type() {
        TensorElementType::Float32 => tensor.try_extract_tensor::<f32>().map_err(&failed)?.1.to_vec(),
        TensorElementType::Float16 => {
            tensor.try_extract_tensor::<f16>().map_err(&failed)?.1.iter().map(|v| v.to_f32()).collect()
        }
        TensorElementType::Bfloat16 => {
            tensor.try_extract_tensor::<bf16>().map_err(&failed)?.1.iter().map(|v| v.to_f32()).collect()
        }
        other => return Err(ModelError::op("reading a tensor", format!("its numbers are {other:?}"))),
    };
    Ok((shape, numbers))
}
