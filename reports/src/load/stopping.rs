//! MLPerf's early stopping: how many queries a percentile needs before it may be quoted, and which order statistic is an
//! upper bound of it (inference rules, "Early Stopping"; LoadGen's `early_stopping.cc`, confidence 99 %, tolerance 0).

/// 1 less the confidence.
const DOUBT: f64 = 0.01;

/// Queries that are needed in all, where `late` of them are over the latency that is claimed for a share `p`.
pub fn needed(late: usize, p: f64) -> usize {
    // The smallest number of queries within the latency that makes so few late ones unlikely were p not reached.
    let unlikely = |within: usize| incomplete_beta(within as f64, late as f64 + 1.0, p) <= DOUBT;
    let mut high = 1;
    while !unlikely(high) && high < 1 << 40 {
        high *= 2;
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if unlikely(middle) { high = middle } else { low = middle }
    }
    high + late
}

/// The most queries of `n` that may lie above an upper bound of the share `p`; `None` where `n` are too few for any bound.
pub fn over_latency(n: usize, p: f64) -> Option<usize> {
    if n < needed(1, p) {
        return None;
    }
    let (mut low, mut high) = (1, n);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if needed(middle, p) <= n { low = middle } else { high = middle }
    }
    Some(low)
}

/// The regularised incomplete beta function `I_x(a, b)`, by its continued fraction (Lentz).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return f64::from(u8::from(x >= 1.0));
    }
    // It converges fast on one side of the mean; the other side follows by symmetry.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let tiny = 1e-300;
    let keep = |v: f64| if v.abs() < tiny { tiny } else { v };
    let (mut c, mut d) = (1.0, 1.0 / keep(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / keep(1.0 + term * d);
            c = keep(1.0 + term / c);
            fraction *= d * c;
        }
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_loadgens() {
        // Needed in all for so many late ones, checked against the logs of LoadGen 6.0.17.
        for (p, row) in [
            (0.9, [44, 64, 81, 127, 197, 1_246]),
            (0.95, [90, 130, 165, 259, 398, 2_504]),
            (0.99, [459, 662, 838, 1_307, 2_010, 12_571]),
        ] {
            for (late, want) in [0, 1, 2, 5, 10, 100].into_iter().zip(row) {
                assert_eq!(needed(late, p), want, "p {p}, {late} late");
            }
        }
        assert_eq!(over_latency(63, 0.9), None);
        // 1,024 queries at p90: the 945th smallest.
        assert_eq!(1_024 - over_latency(1_024, 0.9).unwrap() + 1, 945);
        assert_eq!(over_latency(665, 0.9), Some(48));
    }

    #[test]
    fn the_beta_function_is_scipys() {
        for (a, b, x, want) in
            [(2.0, 3.0, 0.4, 0.5248), (0.5, 0.5, 0.25, 1.0 / 3.0), (50.0, 2.0, 0.9, 0.030_922_651_243_920_68)]
        {
            let got = incomplete_beta(a, b, x);
            assert!((got - want).abs() < 1e-10, "{a} {b} {x}: {got}");
        }
    }
}
