//! Weights in a `.safetensors` file.

use std::collections::BTreeMap;
use std::path::Path;

use ::safetensors::Dtype;
use ::safetensors::tensor::Metadata;

use super::mapped::{Entry, Stored, WeightFile};
use crate::{DType, Result};

/// The longest header that the format allows, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// A `.safetensors` file, mapped into memory.
pub struct SafeTensors;

impl SafeTensors {
    /// Opens a file and checks its header: every tensor has as many bytes as its shape and type say, and the tensors cover
    /// the rest of the file without gaps and without lying over one another.
    ///
    /// # Errors
    /// [`crate::ModelError::File`] when the file cannot be read or is not so.
    pub fn open(path: impl AsRef<Path>) -> Result<WeightFile> {
        WeightFile::open(path.as_ref(), tensors)
    }

    /// The same of a file that is part of the program; messages call it `name`.
    ///
    /// # Errors
    /// [`crate::ModelError::File`] when it is not so.
    pub fn within(name: impl AsRef<Path>, bytes: &'static [u8]) -> Result<WeightFile> {
        WeightFile::within(name.as_ref(), bytes, tensors)
    }
}

/// The tensors of a file, or what is wrong with it.
fn tensors(file: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Err("is too short for a safetensors file".to_owned());
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        return Err(format!("is no safetensors file: the header would have {length} bytes, {MAX_HEADER} are allowed"));
    }
    let Some((header, data)) = rest.split_at_checked(length as usize) else {
        return Err(format!("is cut short: the header has {length} bytes, {} are there", rest.len()));
    };
    // The library checks each tensor's size against its shape, and that each begins where the one before it ends. That the
    // last one ends with the file is checked here: the library's own sum can overflow when the offsets are near 2^64.
    let header: Metadata =
        serde_json::from_slice(header).map_err(|e| format!("has a wrong safetensors header: {e}"))?;
    if header.data_len() != data.len() {
        return Err(format!(
            "is damaged or cut short: the header tells of {} bytes of tensors, {} are there",
            header.data_len(),
            data.len()
        ));
    }
    let start = file.len() - data.len();
    let entry = |info: &::safetensors::tensor::TensorInfo| Entry {
        stored: stored(info.dtype),
        shape: info.shape.clone(),
        bytes: start + info.data_offsets.0..start + info.data_offsets.1,
        strides: None,
    };
    Ok(header.tensors().into_iter().map(|(key, info)| (key, entry(info))).collect())
}

fn stored(dtype: Dtype) -> Stored {
    match dtype {
        Dtype::F32 => Stored::Float(DType::F32),
        Dtype::BF16 => Stored::Float(DType::Bf16),
        Dtype::F16 => Stored::Float(DType::F16),
        Dtype::F64 => Stored::Double,
        other => Stored::Other(other.to_string()),
    }
}
