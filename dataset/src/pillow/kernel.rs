//! Which source pixels make a pixel of the result, and with what weights.

/// How far the weights of a filter reach and how they fall off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A triangle over one pixel to each side: `BILINEAR`.
    Bilinear,
    /// Keys' cubic with a = -0.5 over two pixels to each side: `BICUBIC`, which is `Image.resize`'s default.
    Bicubic,
}

impl Filter {
    /// Pixels to each side that have a weight, at a scale of 1 or more.
    const fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    /// The weight at a distance in pixels. The order of operations decides the last bit and is Pillow's; none of them
    /// may be fused.
    fn weight(self, distance: f64) -> f64 {
        const A: f64 = -0.5;
        let x = distance.abs();
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            _ => 0.0,
        }
    }
}

/// Binary places of a weight: 8 bits of a value and two for sums outside of 0..1 are kept free in 32.
pub(super) const PRECISION_BITS: u32 = 32 - 8 - 2;

/// The weights of one axis, those of each pixel of the result after the other.
pub(super) struct Kernel {
    /// First source pixel and number of weights, one a pixel of the result.
    windows: Vec<(usize, usize)>,
    weights: Vec<i32>,
}

impl Kernel {
    /// From `source` pixels to `target`, both at least 1.
    pub(super) fn new(source: u32, target: u32, filter: Filter) -> Self {
        let scale = f64::from(source) / f64::from(target);
        // Reducing widens the filter so that every source pixel counts; enlarging leaves it as it is.
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let step = 1.0 / stretch;
        let mut kernel = Self { windows: Vec::with_capacity(target as usize), weights: Vec::new() };
        let mut window = Vec::new();
        for at in 0..target {
            let center = (f64::from(at) + 0.5) * scale;
            // Casts truncate to 0 as C's do, and a negative start becomes 0.
            let first = (center - support + 0.5).max(0.0) as u32;
            let end = ((center + support + 0.5) as u32).min(source);
            window.clear();
            window.extend((first..end).map(|x| filter.weight((f64::from(x) - center + 0.5) * step)));
            let sum: f64 = window.iter().sum();
            kernel.windows.push((first as usize, window.len()));
            kernel.weights.extend(window.iter().map(|w| fixed(if sum == 0.0 { *w } else { w / sum })));
        }
        kernel
    }

    /// The first source pixel and the weights from there on, for each pixel of the result in order.
    pub(super) fn windows(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let mut rest = self.weights.as_slice();
        self.windows.iter().map(move |&(first, count)| {
            let (these, after) = rest.split_at(count);
            rest = after;
            (first, these)
        })
    }
}

/// Rounded to the nearest multiple of 2^-22, halves away from 0.
fn fixed(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << PRECISION_BITS);
    (if weight < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
}
