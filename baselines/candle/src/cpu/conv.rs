//! Convolutions: channel by channel directly, all others as matrix products over gathered patches.

use rayon::prelude::*;

use super::gemm::{Mat, gemm};

/// Values of the gathered patches kept at once: 4 MiB.
const GATHERED: usize = 1 << 20;

/// A convolution's sizes. Input `[batch, input, height, width]`, weight `[output, input / groups, kernel.0, kernel.1]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv {
    pub(crate) batch: usize,
    pub(crate) input: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) output: usize,
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) groups: usize,
}

impl Conv {
    /// Rows and columns of the result.
    pub(crate) fn size(&self) -> (usize, usize) {
        let side = |n: usize, k: usize| (n + 2 * self.padding - k) / self.stride + 1;
        (side(self.height, self.kernel.0), side(self.width, self.kernel.1))
    }

    /// Outputs along one axis whose input at kernel offset `k` lies inside: `first..last`.
    fn inside(&self, k: usize, outputs: usize, inputs: usize) -> (usize, usize) {
        let first = self.padding.saturating_sub(k).div_ceil(self.stride);
        // o * stride + k - padding <= inputs - 1
        let last = match (inputs + self.padding).checked_sub(k + 1) {
            None => 0,
            Some(room) => (room / self.stride + 1).min(outputs),
        };
        (first.min(last), last)
    }

    /// The convolution: `[batch, output, rows, columns]`.
    pub(crate) fn run(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let (rows, columns) = self.size();
        let plane = rows * columns;
        let mut out = vec![0f32; self.batch * self.output * plane];
        if let Some(bias) = bias {
            super::chunks(&mut out, plane, |start, part| {
                for (i, p) in part.chunks_exact_mut(plane.max(1)).enumerate() {
                    p.fill(bias[(start / plane + i) % self.output]);
                }
            });
        }
        if self.input == self.groups {
            self.channel_by_channel(x, weight, &mut out);
        } else {
            for b in 0..self.batch {
                for g in 0..self.groups {
                    self.group(x, weight, &mut out, (b, g));
                }
            }
        }
        out
    }

    /// Every output channel sees one input channel.
    fn channel_by_channel(&self, x: &[f32], weight: &[f32], out: &mut [f32]) {
        let (rows, columns) = self.size();
        let (kh, kw) = self.kernel;
        let repeat = self.output / self.input;
        out.par_chunks_mut(rows * columns).enumerate().for_each(|(p, to)| {
            let (b, o) = (p / self.output, p % self.output);
            let from = &x[(b * self.input + o / repeat) * self.height * self.width..][..self.height * self.width];
            let kernel = &weight[o * kh * kw..][..kh * kw];
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for oy in 0..rows {
                        let line = &mut to[oy * columns..][..columns];
                        for ky in 0..kh {
                            let Some(iy) =
                                (oy * self.stride + ky).checked_sub(self.padding).filter(|y| *y < self.height)
                            else {
                                continue;
                            };
                            let source = &from[iy * self.width..][..self.width];
                            for kx in 0..kw {
                                self.add_line(line, source, kx, kernel[ky * kw + kx]);
                            }
                        }
                    }
                },
            );
        });
    }

    /// Adds a line of the input times one weight of the kernel to a line of the output.
    #[inline(always)]
    fn add_line(&self, line: &mut [f32], source: &[f32], kx: usize, w: f32) {
        let (first, last) = self.inside(kx, line.len(), source.len());
        if first >= last {
            return;
        }
        let from = &source[first * self.stride + kx - self.padding..];
        let to = &mut line[first..last];
        if self.stride == 1 {
            for (o, v) in to.iter_mut().zip(from) {
                *o += w * v;
            }
        } else {
            for (o, v) in to.iter_mut().zip(from.iter().step_by(self.stride)) {
                *o += w * v;
            }
        }
    }

    /// One group of one image: patches gathered for some output rows at a time, then a matrix product.
    fn group(&self, x: &[f32], weight: &[f32], out: &mut [f32], (b, g): (usize, usize)) {
        let (rows, columns) = self.size();
        let (kh, kw) = self.kernel;
        let (inputs, outputs) = (self.input / self.groups, self.output / self.groups);
        let area = self.height * self.width;
        let x = &x[(b * self.input + g * inputs) * area..][..inputs * area];
        let depth = inputs * kh * kw;
        let weight = Mat::new(&weight[g * outputs * depth..][..outputs * depth], outputs, depth);
        let plane = rows * columns;
        let out = &mut out[(b * self.output + g * outputs) * plane..][..outputs * plane];
        if (kh, kw, self.stride, self.padding) == (1, 1, 1, 0) {
            gemm(out, plane, weight, Mat::new(x, inputs, plane), true, true);
            return;
        }
        let band = (GATHERED / (depth * columns).max(1)).clamp(1, rows.max(1));
        let mut patches = vec![0f32; depth * band * columns];
        for first in (0..rows).step_by(band) {
            let height = band.min(rows - first);
            let size = height * columns;
            let patches = &mut patches[..depth * size];
            super::chunks(patches, size, |start, part| {
                for (i, line) in part.chunks_exact_mut(size).enumerate() {
                    let d = start / size + i;
                    let (c, ky, kx) = (d / (kh * kw), d / kw % kh, d % kw);
                    self.gather(&x[c * area..][..area], (ky, kx), first, columns, line);
                }
            });
            gemm(&mut out[first * columns..], plane, weight, Mat::new(patches, depth, size), true, true);
        }
    }

    /// What kernel offset `(ky, kx)` sees for output rows from `first` on.
    fn gather(&self, channel: &[f32], (ky, kx): (usize, usize), first: usize, columns: usize, to: &mut [f32]) {
        let (from, last) = self.inside(kx, columns, self.width);
        for (i, line) in to.chunks_exact_mut(columns).enumerate() {
            let y = ((first + i) * self.stride + ky).checked_sub(self.padding).filter(|y| *y < self.height);
            let Some(y) = y.filter(|_| from < last) else {
                line.fill(0.0);
                continue;
            };
            line[..from].fill(0.0);
            line[last..].fill(0.0);
            let source = &channel[y * self.width + from * self.stride + kx - self.padding..];
            if self.stride == 1 {
                line[from..last].copy_from_slice(&source[..last - from]);
            } else {
                line[from..last].iter_mut().zip(source.iter().step_by(self.stride)).for_each(|(o, v)| *o = *v);
            }
        }
    }
}
