//! The two passes over interleaved RGB bytes.
//!
//! Sums stay within 32 bits: the absolute weights of a window add up to less than 1.5 x 2^22.

use super::kernel::{Kernel, PRECISION_BITS};

/// Half of the last place that is kept, which makes the shift of [`clip`] round.
const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// A sum of weighted bytes back to a byte.
fn clip(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Rows of `width` pixels to rows of as many pixels as the kernel has windows.
pub(super) fn horizontal(source: &[u8], width: usize, kernel: &Kernel) -> Vec<u8> {
    let columns: Vec<_> = kernel.windows().collect();
    let mut out = Vec::with_capacity(source.len() / width * columns.len());
    for row in source.chunks_exact(width * 3) {
        let (pixels, _) = row.as_chunks::<3>();
        for &(first, weights) in &columns {
            let (mut red, mut green, mut blue) = (HALF, HALF, HALF);
            for (&[r, g, b], &weight) in pixels[first..].iter().zip(weights) {
                red += i32::from(r) * weight;
                green += i32::from(g) * weight;
                blue += i32::from(b) * weight;
            }
            out.extend([clip(red), clip(green), clip(blue)]);
        }
    }
    out
}

/// Rows of `width` pixels to as many rows as the kernel has windows.
pub(super) fn vertical(source: &[u8], width: usize, kernel: &Kernel) -> Vec<u8> {
    let stride = width * 3;
    let mut sums = vec![HALF; stride];
    let mut out = Vec::new();
    for (first, weights) in kernel.windows() {
        sums.fill(HALF);
        // Whole rows at a time: this is what a compiler turns into vector instructions.
        for (row, &weight) in source[first * stride..].chunks_exact(stride).zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| clip(sum)));
    }
    out
}
