//! Operands: values, and how they lie in memory.

use crate::oracle::{self, Plain};
use crate::{DType, Result, Tensor};

/// How an operand lies in memory, where the library has views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// In order.
    Packed,
    /// Its dimensions lie the other way round.
    Permuted,
    /// A part of a tensor that is larger in its first and its last dimension; what is round it is not a number, so that it
    /// shows where it is read.
    Narrowed,
    /// Its first dimension is one entry again and again, where it is not its only one (one number all over would make
    /// results of nothing but what rounding leaves).
    Expanded,
}

impl Layout {
    pub(super) const ALL: [Self; 4] = [Self::Packed, Self::Permuted, Self::Narrowed, Self::Expanded];
}

/// An operand of a case.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
    layout: Layout,
}

impl Operand {
    pub(super) fn packed(shape: &[usize], values: Vec<f32>) -> Self {
        Self { shape: shape.to_vec(), values, layout: Layout::Packed }
    }

    /// The same with each value turned into another.
    pub(super) fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        for value in &mut self.values {
            *value = f(*value);
        }
        self
    }

    /// The same values, rounded, in another layout; expanded, the first entry takes the place of all.
    pub(super) fn laid(&self, layout: Layout, dtype: DType) -> Self {
        let mut values: Vec<f32> = self.values.iter().map(|&value| oracle::round(value, dtype)).collect();
        let layout = if layout == Layout::Expanded && self.shape.len() < 2 { Layout::Packed } else { layout };
        if let (Layout::Expanded, Some(&size @ 1..)) = (layout, self.shape.first()) {
            values = values[..values.len() / size].repeat(size);
        }
        Self { shape: self.shape.clone(), values, layout }
    }

    /// Makes it with the library's operations.
    pub(super) fn make<T: Tensor>(&self, dtype: DType, device: &T::Device) -> Result<T> {
        let plain = Plain::new(self.values.clone(), &self.shape, dtype, &())?;
        let whole = |x: &Plain| T::new(x.values()?, &x.shape(), dtype, device);
        let Some(last) = self.shape.len().checked_sub(1) else { return whole(&plain) };
        match self.layout {
            Layout::Packed => whole(&plain),
            Layout::Permuted => {
                let turned: Vec<usize> = (0..=last).rev().collect();
                whole(&plain.permute(&turned)?)?.permute(&turned)
            }
            Layout::Narrowed => {
                let inner = surrounded(&plain, last)?;
                if last == 0 {
                    return whole(&inner)?.narrow(0, 2, self.shape[0]);
                }
                whole(&surrounded(&inner, 0)?)?.narrow(0, 2, self.shape[0])?.narrow(last, 2, self.shape[last])
            }
            Layout::Expanded => whole(&plain.narrow(0, 0, 1)?)?.expand(&self.shape),
        }
    }
}

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let layout = match self.layout {
            Layout::Packed => "packed",
            Layout::Permuted => "permuted",
            Layout::Narrowed => "narrowed",
            Layout::Expanded => "expanded",
        };
        write!(f, "{:?} {layout}", self.shape)
    }
}

/// Two entries before and one after along a dimension that are not numbers.
fn surrounded(x: &Plain, dim: usize) -> Result<Plain> {
    let mut shape = x.shape();
    shape[dim] = 1;
    let around = Plain::new(vec![f32::NAN; shape.iter().product()], &shape, x.dtype(), &())?;
    Plain::cat(&[around.clone(), around.clone(), x.clone(), around], dim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operand_is_the_same_in_every_layout() {
        for shape in [&[][..], &[1], &[4], &[3, 2], &[1, 3, 2]] {
            let count = shape.iter().product::<usize>();
            let operand = Operand::packed(shape, (0..count).map(|i| i as f32).collect());
            for layout in Layout::ALL {
                let laid = operand.laid(layout, DType::F16);
                let made: Plain = laid.make(DType::F16, &()).unwrap();
                assert_eq!((made.shape(), made.values().unwrap()), (shape.to_vec(), laid.values), "{layout:?}");
            }
        }
    }
}
