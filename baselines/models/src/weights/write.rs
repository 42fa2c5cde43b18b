//! Writing weights as a safetensors file, one at a time.

use std::io::Write;

use super::Weights;
use crate::{DType, ModelError, Result};

/// Writes the weights of these keys and shapes, which `source` holds in `dtype`; no more than one of them is in memory at a
/// time. Gives how many bytes were written.
///
/// # Errors
/// When the source has one of them not, or of another shape or type, or `out` fails.
pub fn write(source: &dyn Weights, keys: &[(String, Vec<usize>)], dtype: DType, out: &mut dyn Write) -> Result<u64> {
    let wrong = |why: String| ModelError::op("write", why);
    let named = match dtype {
        DType::F32 => "F32",
        DType::Bf16 => "BF16",
        DType::F16 => "F16",
    };
    let mut header = serde_json::Map::new();
    let mut end = 0u64;
    for (key, shape) in keys {
        let start = end;
        end += shape.iter().product::<usize>() as u64 * dtype.size() as u64;
        header.insert(key.clone(), serde_json::json!({ "dtype": named, "shape": shape, "data_offsets": [start, end] }));
    }
    let mut text = serde_json::Value::Object(header).to_string();
    // Data begins at a multiple of eight.
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(|e| wrong(e.to_string()));
    put(&(text.len() as u64).to_le_bytes())?;
    put(text.as_bytes())?;
    for (key, shape) in keys {
        let view = source.view(key, shape)?.ok_or_else(|| wrong(format!("{} has no weight `{key}`", source.name())))?;
        if view.shape != *shape || view.dtype != dtype {
            return Err(wrong(format!("`{key}` is {} {:?}, not {dtype} {shape:?}", view.dtype, view.shape)));
        }
        put(&view.bytes)?;
    }
    Ok(8 + text.len() as u64 + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{Random, SafeTensors};

    #[test]
    fn what_is_written_is_read_again() {
        let source = Random::new(3, 0.02, DType::Bf16);
        let keys = [("a.weight".to_owned(), vec![3, 5]), ("b.bias".to_owned(), vec![7])];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let written = write(&source, &keys, DType::Bf16, &mut std::fs::File::create(&path).unwrap()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), written);
        let read = SafeTensors::open(&path).unwrap();
        for (key, shape) in &keys {
            let (a, b) = (source.view(key, shape).unwrap().unwrap(), read.view(key, shape).unwrap().unwrap());
            assert_eq!((a.dtype, &a.shape, &a.bytes), (b.dtype, &b.shape, &b.bytes));
        }
        assert!(write(&source, &keys, DType::F32, &mut Vec::new()).is_err());
    }
}
