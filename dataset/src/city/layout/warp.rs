//! How the flat plan lies on the ground.

use std::f64::consts::TAU;

use socio_map::Xy;

use super::{HALF, Morphology, Rect};
use crate::hash::SplitMix;

/// Metres between points of a bent line.
const STEP: f64 = 14.0;

/// From the flat plan to the ground.
#[derive(Debug, Clone)]
pub(crate) struct Warp {
    morphology: Morphology,
    /// Cosine and sine of the turn.
    turn: [f64; 2],
    seed: u64,
    phase: f64,
}

impl Warp {
    pub(crate) fn new(morphology: Morphology, random: &mut SplitMix) -> Self {
        let angle = match morphology {
            Morphology::Superblocks => random.between(-0.06, 0.06),
            Morphology::Grid => random.between(-0.5, 0.5),
            Morphology::Radial | Morphology::Organic | Morphology::Sprawl => random.between(0.0, TAU),
        };
        Self {
            morphology,
            turn: [libm::cos(angle), libm::sin(angle)],
            seed: random.next_u64(),
            phase: random.between(0.0, TAU),
        }
    }

    pub(crate) fn point(&self, [u, v]: Xy) -> Xy {
        let bend = |amplitude: f64, length: f64, [u, v]: Xy| {
            [
                u + amplitude * noise(self.seed, u / length, v / length),
                v + amplitude * noise(self.seed ^ 0x5bd1, u / length, v / length),
            ]
        };
        let [x, y] = match self.morphology {
            Morphology::Superblocks => bend(5.0, 400.0, [u, v]),
            Morphology::Grid => [u, v],
            Morphology::Radial => {
                // Rings about a centre outside the quarter, which keeps their stretch between a half and one and a half.
                let (radius, turn) = (1700.0 + u, v / 1700.0);
                [radius * libm::cos(turn) - 1700.0, radius * libm::sin(turn)]
            }
            Morphology::Organic => bend(9.0, 85.0, bend(46.0, 320.0, [u, v])),
            Morphology::Sprawl => {
                let wave = |t: f64| 26.0 * libm::sin(t / 92.0 + self.phase);
                [u + wave(v), v + wave(u * 0.8)]
            }
        };
        [x * self.turn[0] - y * self.turn[1], x * self.turn[1] + y * self.turn[0]]
    }

    /// A straight line of the plan on the ground.
    pub(crate) fn line(&self, a: Xy, b: Xy) -> Vec<Xy> {
        let long = libm::hypot(b[0] - a[0], b[1] - a[1]);
        let steps = if self.morphology == Morphology::Grid { 1 } else { (long / STEP).ceil().max(1.0) as usize };
        (0..=steps)
            .map(|i| {
                let t = i as f64 / steps as f64;
                self.point([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t])
            })
            .collect()
    }

    /// A polygon of the plan on the ground.
    pub(crate) fn ring(&self, corners: &[Xy]) -> Vec<Xy> {
        let mut ring = Vec::new();
        for (a, b) in corners.iter().zip(corners.iter().cycle().skip(1)) {
            let mut side = self.line(*a, *b);
            side.pop();
            ring.extend(side);
        }
        ring
    }

    /// A small thing, whose sides stay straight.
    pub(crate) fn quad(&self, rect: &Rect) -> Vec<Xy> {
        rect.corners().iter().map(|c| self.point(*c)).collect()
    }

    /// The rectangle of the plan that a quarter takes up.
    pub(crate) fn extent() -> Rect {
        // A turned square reaches further than its sides.
        let half = HALF * 1.35;
        Rect { x0: -half, y0: -half, x1: half, y1: half }
    }
}

/// Smooth noise in `-1..=1`, about one hill a unit: values at whole numbers, joined by a polynomial.
pub(crate) fn noise(seed: u64, x: f64, y: f64) -> f64 {
    let (x0, y0) = (libm::floor(x), libm::floor(y));
    let fade = |t: f64| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (fx, fy) = (fade(x - x0), fade(y - y0));
    let value = |dx: i64, dy: i64| lattice(seed, x0 as i64 + dx, y0 as i64 + dy);
    let top = value(0, 0) + (value(1, 0) - value(0, 0)) * fx;
    let bottom = value(0, 1) + (value(1, 1) - value(0, 1)) * fx;
    top + (bottom - top) * fy
}

/// A random value in `-1..=1` at a whole place.
pub(crate) fn lattice(seed: u64, x: i64, y: i64) -> f64 {
    let mut h = seed ^ (x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (y as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    ((h ^ (h >> 32)) >> 40) as f64 / 8_388_607.5 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_bounded_and_continuous() {
        let mut last = noise(7, -3.0, 0.3);
        for i in 0..6000 {
            let value = noise(7, -3.0 + f64::from(i) * 0.001, 0.3);
            assert!(value.abs() <= 1.0 && (value - last).abs() < 0.01);
            last = value;
        }
    }

    #[test]
    fn no_warp_folds_the_plan() {
        for morphology in
            [Morphology::Grid, Morphology::Superblocks, Morphology::Radial, Morphology::Organic, Morphology::Sprawl]
        {
            let warp = Warp::new(morphology, &mut SplitMix(3));
            for i in -40..40 {
                for j in -40..40 {
                    let at = [f64::from(i) * 20.0, f64::from(j) * 20.0];
                    let [p, q, r] = [at, [at[0] + 1.0, at[1]], [at[0], at[1] + 1.0]].map(|p| warp.point(p));
                    let cross = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
                    assert!(cross > 0.1, "{morphology:?} at {at:?}: {cross}");
                }
            }
        }
    }
}
