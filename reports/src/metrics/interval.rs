//! Intervals from bootstrap draws: bias-corrected and accelerated (BCa; Efron 1987), on a scale widened for the number of
//! clusters (Hesterberg 2015, section 5.5).
//!
//! Plain percentiles of cIoU and F1, which are skewed ratios, hold the truth less often than they say at a few hundred
//! scenes; docs/metrics.md has the simulated coverage of both.

use super::resample::quantile;

/// Draws of a figure, and what makes an interval of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draws {
    /// Sorted.
    values: Vec<f64>,
    /// How far the draws' middle lies from the figure, in standard errors.
    bias: f64,
    /// How fast the standard error changes with the figure.
    acceleration: f64,
    /// How much wider than a normal's the tails are, for the number of clusters.
    width: f64,
}

impl Draws {
    /// Of a figure `estimate`, its draws, and its values without one cluster each.
    pub(crate) fn new(estimate: f64, mut values: Vec<f64>, left_out: &[f64]) -> Self {
        values.sort_by(f64::total_cmp);
        let below = values.partition_point(|v| *v < estimate);
        let equal = values.partition_point(|v| *v <= estimate) - below;
        let share = (below as f64 + 0.5 * equal as f64) / values.len().max(1) as f64;
        let bias = inverse_normal(share);
        let n = left_out.len() as f64;
        let mean = left_out.iter().sum::<f64>() / n.max(1.0);
        let moment = |power: i32| left_out.iter().map(|v| (mean - v).powi(power)).sum::<f64>();
        let acceleration = moment(3) / (6.0 * moment(2).powf(1.5));
        let width = if n > 2.0 { student(Z975, n - 1.0) / Z975 * (n / (n - 1.0)).sqrt() } else { 1.0 };
        // At a bound of the scale all draws may lie on one side: then their percentiles have to do.
        let usable = bias.is_finite() && acceleration.is_finite();
        let (bias, acceleration) = if usable { (bias, acceleration) } else { (0.0, 0.0) };
        Self { values, bias, acceleration, width }
    }

    /// The end of the interval below which the truth lies with a chance of `level`.
    pub(crate) fn end(&self, level: f64) -> Option<f64> {
        let z = self.bias + self.width * inverse_normal(level);
        let at = normal(self.bias + z / (1.0 - self.acceleration * z));
        quantile(&self.values, at)
    }

    /// Lower and upper end of the 95 % interval.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        Some((self.end(0.025)?, self.end(0.975)?))
    }
}

/// The normal quantile of 97.5 %.
pub(crate) const Z975: f64 = 1.959_963_984_540_054;

/// The normal distribution.
pub(crate) fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Its inverse: Acklam's approximation (1.15e-9) and one step of Halley's on it.
pub(crate) fn inverse_normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    if p <= 0.0 || p >= 1.0 || p.is_nan() {
        return if p <= 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let horner = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |q: f64| horner(&C, q) / (horner(&D, q) * q + 1.0);
    let x = if p < 0.024_25 {
        tail((-2.0 * p.ln()).sqrt())
    } else if p > 1.0 - 0.024_25 {
        -tail((-2.0 * (1.0 - p).ln()).sqrt())
    } else {
        let q = p - 0.5;
        q * horner(&A, q * q) / (horner(&B, q * q) * q * q + 1.0)
    };
    let e = (normal(x) - p) * (2.0 * std::f64::consts::PI).sqrt() * (x * x / 2.0).exp();
    x - e / (1.0 + x * e / 2.0)
}

/// Student's quantile from the normal one (Wallace 1959; within 0.4 % from five degrees of freedom on).
pub(crate) fn student(z: f64, freedom: f64) -> f64 {
    let stretched = z * (8.0 * freedom + 3.0) / (8.0 * freedom + 1.0);
    (freedom * (stretched.powi(2) / freedom).exp_m1()).sqrt().copysign(z)
}

/// Student's distribution: the inverse of [`student`].
pub(crate) fn student_chance(t: f64, freedom: f64) -> f64 {
    let z = (freedom * (t.powi(2) / freedom).ln_1p()).sqrt() * (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0);
    normal(z.copysign(t))
}

#[cfg(test)]
mod tests {
    use socio_dataset::hash::SplitMix;

    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in
            [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.001, -3.090_232_306_167_813), (0.8, 0.841_621_233_572_914)]
        {
            assert!((inverse_normal(p) - z).abs() < 1e-12, "{p}: {}", inverse_normal(p));
            assert!((normal(z) - p).abs() < 1e-12);
        }
        assert!(inverse_normal(0.0).is_infinite() && inverse_normal(1.0).is_infinite());
        for (freedom, t) in [(5.0, 2.570_582), (29.0, 2.045_230), (199.0, 1.971_957)] {
            assert!((student(Z975, freedom) - t).abs() < 0.004 * t, "{freedom}");
            assert!((student_chance(-t, freedom) - 0.025).abs() < 3e-4, "{freedom}");
        }
    }

    /// scipy.stats.bootstrap(..., method="BCa") works from the same three things; here its textbook case: the mean of
    /// skewed data, whose interval has to reach further up than down.
    #[test]
    fn a_skewed_mean_reaches_further_up_than_its_percentiles() {
        let mut random = SplitMix(3);
        let data: Vec<f64> = (0..60).map(|_| -random.unit().max(1e-12).ln()).collect();
        let (n, sum) = (60.0, data.iter().sum::<f64>());
        let draws: Vec<f64> =
            (0..4_000).map(|_| (0..60).map(|_| data[random.below(60) as usize]).sum::<f64>() / n).collect();
        let left_out: Vec<f64> = data.iter().map(|v| (sum - v) / (n - 1.0)).collect();
        let bca = Draws::new(sum / n, draws.clone(), &left_out);
        let mut sorted = draws;
        sorted.sort_by(f64::total_cmp);
        let (low, high) = bca.interval().unwrap();
        assert!(bca.acceleration > 0.02, "{}", bca.acceleration);
        assert!(high > quantile(&sorted, 0.975).unwrap() && low > quantile(&sorted, 0.02).unwrap());
    }

    #[test]
    fn draws_that_do_not_vary_have_no_width() {
        let same = Draws::new(3.0, vec![3.0; 100], &[3.0; 10]);
        assert_eq!(same.interval(), Some((3.0, 3.0)));
        let bound = Draws::new(0.0, vec![1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]);
        assert!(bound.interval().is_some_and(|(l, h)| l >= 1.0 && h <= 3.0));
        assert_eq!(Draws::new(0.0, Vec::new(), &[]).interval(), None);
    }
}
