//! Operations on pictures `[batch, channels, h, w]`.

use super::{Plain, memory};
use crate::{ModelError, Result};

/// How many places a kernel has along a side, or none where it has no place.
fn places(side: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(side)?;
    Some(padded.checked_sub(kernel)?.checked_div(stride)? + 1)
}

/// The pixel that lies `k` into the kernel at place `place`, or none where that is padding.
fn pixel(place: usize, k: usize, stride: usize, padding: usize, side: usize) -> Option<usize> {
    (place * stride + k).checked_sub(padding).filter(|&at| at < side)
}

pub(super) fn conv2d(
    x: &Plain,
    weight: &Plain,
    bias: Option<&Plain>,
    stride: usize,
    padding: usize,
    groups: usize,
) -> Result<Plain> {
    memory::same_type("conv2d", x, std::iter::once(weight).chain(bias))?;
    let [batch, input, h, w] = memory::sizes("conv2d", "the picture", x)?;
    let [output, depth, kh, kw] = memory::sizes("conv2d", "the weight", weight)?;
    if groups == 0 || !output.is_multiple_of(groups) || depth.checked_mul(groups) != Some(input) {
        let why = format!("shape {:?} and a weight {:?} in {groups} groups", x.shape, weight.shape);
        return Err(ModelError::op("conv2d", why));
    }
    if let Some(bias) = bias {
        memory::expect("conv2d", "the bias", bias, &[output])?;
    }
    let (Some(rows), Some(columns)) = (places(h, kh, stride, padding), places(w, kw, stride, padding)) else {
        let why = format!("no place for a kernel {kh}x{kw} with stride {stride}, padding {padding} on {:?}", x.shape);
        return Err(ModelError::op("conv2d", why));
    };
    let shape = [batch, output, rows, columns];
    let mut values = memory::room("conv2d", &shape)?;
    let (data, weights, shifts) = (x.data(), weight.data(), bias.map(Plain::data));
    for b in 0..batch {
        for o in 0..output {
            let first = o / (output / groups) * depth;
            for row in 0..rows {
                for column in 0..columns {
                    let mut sum = shifts.as_ref().map_or(0.0, |shifts| f64::from(shifts[o]));
                    for i in 0..depth {
                        for ky in 0..kh {
                            for kx in 0..kw {
                                let Some(y) = pixel(row, ky, stride, padding, h) else { continue };
                                let Some(x) = pixel(column, kx, stride, padding, w) else { continue };
                                let value = data[((b * input + first + i) * h + y) * w + x];
                                let weight = weights[((o * depth + i) * kh + ky) * kw + kx];
                                sum += f64::from(value) * f64::from(weight);
                            }
                        }
                    }
                    values.push(sum as f32);
                }
            }
        }
    }
    Plain::of("conv2d", values, &shape, x.dtype)
}

pub(super) fn max_pool2d(x: &Plain, size: usize) -> Result<Plain> {
    let [batch, channels, h, w] = memory::sizes("max_pool2d", "the picture", x)?;
    if size == 0 || size > h || size > w {
        return Err(ModelError::op("max_pool2d", format!("squares of {size} on {:?}", x.shape)));
    }
    let shape = [batch, channels, h / size, w / size];
    let mut values = memory::room("max_pool2d", &shape)?;
    let data = x.data();
    for plane in 0..memory::count("max_pool2d", &[batch, channels])? {
        for row in 0..h / size {
            for column in 0..w / size {
                let mut largest = f32::NEG_INFINITY;
                for y in row * size..(row + 1) * size {
                    for x in column * size..(column + 1) * size {
                        let value = data[(plane * h + y) * w + x];
                        largest = if value.is_nan() || value > largest { value } else { largest };
                    }
                }
                values.push(largest);
            }
        }
    }
    Plain::of("max_pool2d", values, &shape, x.dtype)
}

pub(super) fn upsample_nearest(x: &Plain, factor: usize) -> Result<Plain> {
    let [batch, channels, h, w] = memory::sizes("upsample_nearest", "the picture", x)?;
    let (Some(rows), Some(columns), 1..) = (h.checked_mul(factor), w.checked_mul(factor), factor) else {
        return Err(ModelError::op("upsample_nearest", format!("{:?} {factor} times", x.shape)));
    };
    let shape = [batch, channels, rows, columns];
    let mut values = memory::room("upsample_nearest", &shape)?;
    let data = x.data();
    for plane in 0..memory::count("upsample_nearest", &[batch, channels])? {
        for row in 0..rows {
            for column in 0..columns {
                values.push(data[(plane * h + row / factor) * w + column / factor]);
            }
        }
    }
    Plain::of("upsample_nearest", values, &shape, x.dtype)
}

#[cfg(test)]
mod tests {
    use crate::oracle::Plain;
    use crate::{DType, Tensor};

    fn plain(values: &[f32], shape: &[usize]) -> Plain {
        Plain::new(values.to_vec(), shape, DType::F32, &()).unwrap()
    }

    fn counting(shape: &[usize]) -> Plain {
        let values: Vec<f32> = (1..=shape.iter().product::<usize>()).map(|i| i as f32).collect();
        plain(&values, shape)
    }

    fn values(x: &Plain) -> Vec<f32> {
        x.values().unwrap()
    }

    #[test]
    fn a_kernel_is_laid_over_the_picture_unturned() {
        let x = counting(&[1, 1, 3, 3]);
        let kernel = plain(&[1.0, 2.0, 0.0, -1.0], &[1, 1, 2, 2]);
        // 1 + 2 * 2 - 5 and so on.
        let y = x.conv2d(&kernel, None, 1, 0, 1).unwrap();
        assert_eq!((y.shape(), values(&y)), (vec![1, 1, 2, 2], vec![0.0, 2.0, 6.0, 8.0]));
        let y = x.conv2d(&kernel, Some(&plain(&[100.0], &[1])), 1, 0, 1).unwrap();
        assert_eq!(values(&y), [100.0, 102.0, 106.0, 108.0]);
    }

    #[test]
    fn padding_and_stride() {
        let x = counting(&[1, 1, 3, 3]);
        let ones = plain(&[1.0; 9], &[1, 1, 3, 3]);
        let y = x.conv2d(&ones, None, 1, 1, 1).unwrap();
        assert_eq!(values(&y), [12.0, 21.0, 16.0, 27.0, 45.0, 33.0, 24.0, 39.0, 28.0]);
        let y = x.conv2d(&ones, None, 2, 1, 1).unwrap();
        assert_eq!((y.shape(), values(&y)), (vec![1, 1, 2, 2], vec![12.0, 16.0, 24.0, 28.0]));
        // The last column finds no place with stride 2.
        let row = counting(&[1, 1, 1, 4]);
        let y = row.conv2d(&plain(&[1.0, 10.0, 100.0], &[1, 1, 1, 3]), None, 2, 0, 1).unwrap();
        assert_eq!((y.shape(), values(&y)), (vec![1, 1, 1, 1], vec![321.0]));
    }

    #[test]
    fn groups_see_their_own_channels() {
        let x = plain(&[1.0, 2.0, 3.0, 4.0], &[1, 4, 1, 1]);
        let weight = plain(&[1.0, 10.0, 1.0, 100.0], &[2, 2, 1, 1]);
        assert_eq!(values(&x.conv2d(&weight, None, 1, 0, 2).unwrap()), [21.0, 403.0]);
        let depthwise = plain(&[1.0, 10.0, 100.0, 1000.0], &[4, 1, 1, 1]);
        assert_eq!(values(&x.conv2d(&depthwise, None, 1, 0, 4).unwrap()), [1.0, 20.0, 300.0, 4000.0]);
        // Two outputs a group.
        let weight = plain(&[1.0, 2.0, 3.0, 4.0], &[4, 1, 1, 1]);
        let y = plain(&[1.0, 10.0], &[1, 2, 1, 1]).conv2d(&weight, None, 1, 0, 2).unwrap();
        assert_eq!(values(&y), [1.0, 2.0, 30.0, 40.0]);
    }

    #[test]
    fn convolutions_that_do_not_fit_are_refused() {
        let (x, weight) = (counting(&[1, 4, 3, 3]), counting(&[2, 2, 2, 2]));
        for (stride, padding, groups) in [(1, 0, 1), (0, 0, 2), (1, 0, 0), (1, 0, 4), (1, usize::MAX, 2)] {
            assert!(x.conv2d(&weight, None, stride, padding, groups).is_err(), "{stride} {padding} {groups}");
        }
        assert!(x.conv2d(&weight, Some(&counting(&[4])), 1, 0, 2).is_err());
        assert!(x.conv2d(&counting(&[2, 2, 4, 4]), None, 1, 0, 2).is_err());
        assert!(x.conv2d(&counting(&[2, 2]), None, 1, 0, 2).is_err());
        assert!(x.conv2d(&weight, None, 1, 0, 2).is_ok());
    }

    #[test]
    fn pooling_leaves_a_remainder_out() {
        let x = counting(&[1, 2, 3, 5]).affine(-1.0, 0.0).unwrap();
        let y = x.max_pool2d(2).unwrap();
        assert_eq!((y.shape(), values(&y)), (vec![1, 2, 1, 2], vec![-1.0, -3.0, -16.0, -18.0]));
        assert!(x.max_pool2d(0).is_err());
        assert!(x.max_pool2d(4).is_err());
    }

    #[test]
    fn upsampling_repeats_pixels() {
        let y = counting(&[1, 1, 1, 2]).upsample_nearest(2).unwrap();
        assert_eq!((y.shape(), values(&y)), (vec![1, 1, 2, 4], vec![1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]));
        assert!(y.upsample_nearest(0).is_err());
        assert!(y.upsample_nearest(usize::MAX).is_err());
    }
}
