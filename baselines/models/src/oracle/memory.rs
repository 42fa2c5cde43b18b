//! Counting, making and rounding values.

use half::{bf16, f16};

use super::Plain;
use crate::{DType, ModelError, Result};

/// The nearest value that the type holds; ties to even.
pub(crate) fn round(value: f32, dtype: DType) -> f32 {
    match dtype {
        DType::F32 => value,
        DType::Bf16 => bf16::from_f32(value).to_f32(),
        DType::F16 => f16::from_f32(value).to_f32(),
    }
}

/// How many values a shape has. The product of its sizes other than 0 has to be countable too, so that no stride and no
/// part of the product overflows.
pub(super) fn count(op: &'static str, shape: &[usize]) -> Result<usize> {
    let product = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size.max(1)));
    match product.filter(|&n| isize::try_from(n).is_ok()) {
        None => Err(ModelError::op(op, format!("shape {shape:?} has more values than can be counted"))),
        Some(_) if shape.contains(&0) => Ok(0),
        Some(n) => Ok(n),
    }
}

/// Room for the values of a shape, empty.
pub(super) fn room(op: &'static str, shape: &[usize]) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    let out_of_memory = |_| ModelError::Memory(format!("{op}: for shape {shape:?}"));
    values.try_reserve_exact(count(op, shape)?).map_err(out_of_memory)?;
    Ok(values)
}

/// Zeros for a shape.
pub(super) fn zeros(op: &'static str, shape: &[usize]) -> Result<Vec<f32>> {
    let mut values = room(op, shape)?;
    values.resize(count(op, shape)?, 0.0);
    Ok(values)
}

/// The values of little-endian bytes of a type.
pub(super) fn parse(bytes: &[u8], stored: DType, shape: &[usize]) -> Result<Vec<f32>> {
    let expected = count("from_bytes", shape)?;
    if expected.checked_mul(stored.size()) != Some(bytes.len()) {
        let why = format!("{} bytes for shape {shape:?} of {expected} values of {stored}", bytes.len());
        return Err(ModelError::op("from_bytes", why));
    }
    Ok(match stored {
        DType::F32 => bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        DType::Bf16 => bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
        DType::F16 => bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
    })
}

/// Refuses operands of different types.
pub(super) fn same_type<'a>(op: &'static str, x: &Plain, others: impl IntoIterator<Item = &'a Plain>) -> Result<()> {
    match others.into_iter().find(|other| other.dtype != x.dtype) {
        None => Ok(()),
        Some(other) => Err(ModelError::op(op, format!("operands of types {} and {}", x.dtype, other.dtype))),
    }
}

/// The sizes of a tensor of rank `N`.
pub(super) fn sizes<const N: usize>(op: &'static str, what: &str, x: &Plain) -> Result<[usize; N]> {
    let found = || ModelError::op(op, format!("{what} has shape {:?}, not of {N} dimensions", x.shape));
    x.shape.as_slice().try_into().map_err(|_| found())
}

/// Refuses an operand of another shape than it has to have.
pub(super) fn expect(op: &'static str, what: &str, x: &Plain, shape: &[usize]) -> Result<()> {
    if x.shape == shape {
        return Ok(());
    }
    Err(ModelError::op(op, format!("{what} has shape {:?}, not {shape:?}", x.shape)))
}

/// Size of the last dimension.
pub(super) fn last(op: &'static str, x: &Plain) -> Result<usize> {
    x.shape.last().copied().ok_or_else(|| ModelError::op(op, "of a tensor without dimensions"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    #[test]
    fn values_are_rounded_to_the_type_and_remember_it() {
        let x = Plain::new(vec![1.0 + 1.0 / 256.0, 3.0 + 1.0 / 4096.0, 1e6], &[3], DType::F32, &()).unwrap();
        let bf16 = x.cast(DType::Bf16).unwrap();
        assert_eq!((bf16.dtype(), bf16.values().unwrap()), (DType::Bf16, vec![1.0, 3.0, 999_424.0]));
        let f16 = x.cast(DType::F16).unwrap();
        assert_eq!(f16.values().unwrap(), [1.0 + 1.0 / 256.0, 3.0, f32::INFINITY]);
        // 256 + 1 has no place in bf16.
        let big = Plain::new(vec![256.0], &[1], DType::Bf16, &()).unwrap();
        assert_eq!(big.affine(1.0, 1.0).unwrap().values().unwrap(), [256.0]);
        assert!(big.add(&x.narrow(0, 0, 1).unwrap()).unwrap_err().to_string().contains("bf16 and f32"));
    }

    #[test]
    fn bytes_are_read_at_any_alignment_and_counted() {
        let bytes: Vec<u8> = std::iter::once(7).chain([1.5_f32, -2.0].iter().flat_map(|v| v.to_le_bytes())).collect();
        let x = Plain::from_bytes(&bytes[1..], DType::F32, &[2, 1], DType::F32, &()).unwrap();
        assert_eq!(x.values().unwrap(), [1.5, -2.0]);
        let halves: Vec<u8> = [0x80, 0x3f, 0x00, 0xc0].to_vec();
        let x = Plain::from_bytes(&halves, DType::Bf16, &[2], DType::F32, &()).unwrap();
        assert_eq!((x.dtype(), x.values().unwrap()), (DType::F32, vec![1.0, -2.0]));
        assert!(Plain::from_bytes(&bytes, DType::F32, &[2], DType::F32, &()).is_err());
        assert!(Plain::from_bytes(&[], DType::F32, &[usize::MAX, 2], DType::F32, &()).is_err());
    }

    #[test]
    fn shapes_beyond_counting_and_beyond_memory_are_errors() {
        assert!(Plain::zeros(&[usize::MAX, 2], DType::F32, &()).is_err());
        assert!(Plain::zeros(&[usize::MAX, usize::MAX, 0], DType::F32, &()).is_err());
        let many = Plain::zeros(&[isize::MAX as usize], DType::F32, &());
        assert!(matches!(many, Err(ModelError::Memory(_))));
        assert!(Plain::zeros(&[3, 0], DType::F32, &()).unwrap().values().unwrap().is_empty());
    }
}
