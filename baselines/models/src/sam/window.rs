//! Square windows of a map of features.

use crate::layers::sizes;
use crate::{Result, Tensor};

/// How a `[batch, height, width, channels]` map is cut into windows of `side` x `side`, side by side from the upper left;
/// where they do not divide it, zeros are added at the right and below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) side: usize,
}

impl Windows {
    /// Of a map and the side of its windows, at least 1.
    pub(crate) fn of<T: Tensor>(x: &T, side: usize) -> Result<Self> {
        let [batch, height, width, _] = sizes(x, "windows")?;
        Ok(Self { batch, height, width, side })
    }

    /// Windows down and across.
    fn counts(&self) -> (usize, usize) {
        (self.height.div_ceil(self.side), self.width.div_ceil(self.side))
    }

    /// `[batch, height, width, channels]` to `[batch * windows, side * side, channels]`, window by window in rows.
    pub(crate) fn cut<T: Tensor>(&self, x: &T) -> Result<T> {
        let [batch, height, width, channels] = sizes(x, "cutting windows")?;
        let ((down, across), side) = (self.counts(), self.side);
        let mut x = x.clone();
        if down * side > height {
            x = x.pad(1, 0, down * side - height)?;
        }
        if across * side > width {
            x = x.pad(2, 0, across * side - width)?;
        }
        if down * across > 1 {
            x = x.reshape(&[batch, down, side, across, side, channels])?.permute(&[0, 1, 3, 2, 4, 5])?;
        }
        x.reshape(&[batch * down * across, side * side, channels])
    }

    /// The inverse of [`Self::cut`]: what was added is cut off.
    pub(crate) fn join<T: Tensor>(&self, x: &T) -> Result<T> {
        let [_, _, channels] = sizes(x, "joining windows")?;
        let (batch, (down, across), side) = (self.batch, self.counts(), self.side);
        let mut x = x.clone();
        if down * across > 1 {
            x = x.reshape(&[batch, down, across, side, side, channels])?.permute(&[0, 1, 3, 2, 4, 5])?;
        }
        x = x.reshape(&[batch, down * side, across * side, channels])?;
        if down * side > self.height {
            x = x.narrow(1, 0, self.height)?;
        }
        if across * side > self.width {
            x = x.narrow(2, 0, self.width)?;
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::DType;
    use crate::oracle::Plain;

    fn map(batch: usize, height: usize, width: usize) -> Plain {
        let count = batch * height * width;
        let values = (1..=count).map(|i| i as f32).collect();
        Plain::new(values, &[batch, height, width, 1], DType::F32, &()).unwrap()
    }

    #[test]
    fn windows_are_cut_in_rows_with_zeros_at_the_right_and_below() {
        let x = map(1, 3, 3);
        let windows = Windows::of(&x, 2).unwrap();
        let cut = windows.cut(&x).unwrap();
        assert_eq!(cut.shape(), [4, 4, 1]);
        assert_eq!(cut.values().unwrap(), [1., 2., 4., 5., 3., 0., 6., 0., 7., 8., 0., 0., 9., 0., 0., 0.]);
        assert_eq!(windows.join(&cut).unwrap().values().unwrap(), x.values().unwrap());
    }

    #[test]
    fn joining_undoes_cutting_at_any_size() {
        for (batch, height, width, side) in
            [(2, 4, 6, 2), (1, 5, 7, 3), (3, 2, 2, 2), (2, 2, 3, 5), (1, 4, 1, 4), (2, 3, 3, 1)]
        {
            let x = map(batch, height, width);
            let windows = Windows::of(&x, side).unwrap();
            let back = windows.join(&windows.cut(&x).unwrap()).unwrap();
            assert_eq!((back.shape(), back.values().unwrap()), (x.shape(), x.values().unwrap()), "{windows:?}");
        }
    }
}
