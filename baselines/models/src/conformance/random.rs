//! Random numbers (splitmix64).

use super::operand::Operand;

/// A sequence of random numbers that a seed decides.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0 and below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below `n`, which is not 0.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        (self.unit() * f64::from(n)) as u32
    }

    /// Of the normal distribution.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Normally distributed values of this spread about 0. One that is alone is not negative: nothing then cancels in a
    /// result of one value, of which an error would be large.
    pub(super) fn spread(&mut self, shape: &[usize], spread: f64) -> Operand {
        let count = shape.iter().product::<usize>();
        let operand = Operand::packed(shape, (0..count).map(|_| (self.normal() * spread) as f32).collect());
        if count == 1 { operand.map(f32::abs) } else { operand }
    }

    /// Normally distributed values of spread 1 about 0.
    pub(super) fn operand(&mut self, shape: &[usize]) -> Operand {
        self.spread(shape, 1.0)
    }

    /// Cosines and sines of random angles.
    pub(super) fn turns(&mut self, shape: &[usize]) -> [Operand; 2] {
        let count = shape.iter().product::<usize>();
        let angles: Vec<f64> = (0..count).map(|_| self.unit() * std::f64::consts::TAU).collect();
        [f64::cos, f64::sin].map(|f| Operand::packed(shape, angles.iter().map(|&angle| f(angle) as f32).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn values_are_spread_as_said() {
        let values = Random::new(3).spread(&[100, 100], 2.0).values;
        let mean = values.iter().sum::<f32>() / 1e4;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 1e4;
        assert!(mean.abs() < 0.1 && (variance - 4.0).abs() < 0.2, "{mean} {variance}");
    }
}
