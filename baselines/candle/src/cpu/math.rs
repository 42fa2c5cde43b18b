//! Elementary functions that compilers can do several at a time: no branches, no tables, within a few units in the last
//! place of `f32`.

/// `e^x`; below -87 it is 0 to within the smallest normal number, above 88 it is held at `e^88`.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, so that the remainder is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = x.clamp(-87.0, 88.0);
    // Round to the nearest whole number by adding and taking away 1.5 * 2^23.
    let shifted = clamped * LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = clamped - n * LN2_HIGH - n * LN2_LOW;
    let mut p = 1.987_569_2e-4_f32;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let value = p * r * r + r + 1.0;
    let scale = f32::from_bits(((n as i32 + 127) as u32) << 23);
    // What lies far below is 0 (masked scores are -inf).
    if x < -87.0 { 0.0 } else { value * scale }
}

/// The error function, by a ratio of polynomials on `[-4, 4]`, beyond which it is 1 or -1 to the last place.
#[inline(always)]
pub(crate) fn erf(wide: f32) -> f32 {
    let x = wide.clamp(-4.0, 4.0);
    let s = x * x;
    let mut p = -2.726_142_3e-10_f32;
    p = p * s + 2.770_681_4e-8;
    p = p * s - 2.101_024e-6;
    p = p * s - 5.692_506_5e-5;
    p = p * s - 7.349_906_4e-4;
    p = p * s - 2.954_6e-3;
    p = p * s - 1.609_603_3e-2;
    let mut q = -1.456_607_2e-5_f32;
    q = q * s - 2.133_740_6e-4;
    q = q * s - 1.682_827e-3;
    q = q * s - 7.373_329_2e-3;
    q = q * s - 1.426_473_9e-2;
    if wide.abs() < 4.0 { x * p / q } else { wide.signum() }
}

/// `x * Phi(x)`.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Applies a function to every value, as many at a time as the processor can, on all threads.
pub(crate) fn map(values: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0f32; values.len()];
    super::chunks(&mut out, 1, |start, part| {
        let source = &values[start..][..part.len()];
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (o, v) in part.iter_mut().zip(source) {
                    *o = f(*v);
                }
            },
        );
    });
    out
}

/// `f` of every value and the value beside it in `other`, which is gone through again and again.
pub(crate) fn zip(values: &[f32], other: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0f32; values.len()];
    if other.len() == values.len() {
        super::chunks(&mut out, 1, |start, part| {
            let sides = values[start..].iter().zip(&other[start..]);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || part.iter_mut().zip(sides).for_each(|(o, (a, b))| *o = f(*a, *b)),
            );
        });
        return out;
    }
    super::chunks(&mut out, other.len(), |start, part| {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (i, to) in part.chunks_mut(other.len()).enumerate() {
                    let from = &values[start + i * other.len()..];
                    for ((o, a), b) in to.iter_mut().zip(from).zip(other) {
                        *o = f(*a, *b);
                    }
                }
            },
        );
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_within_a_few_units_of_the_last_place() {
        for i in -100_000..=100_000 {
            let x = i as f32 * 1e-3;
            let want = f64::from(x).exp();
            if (-86.0..88.0).contains(&x) {
                assert!((f64::from(exp(x)) - want).abs() <= 3e-7 * want, "exp({x}) = {}", exp(x));
            }
            let want = libm_erf(f64::from(x));
            assert!((f64::from(erf(x)) - want).abs() <= 4e-7, "erf({x}) = {}", erf(x));
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!((gelu(-30_000.0), gelu(30_000.0)), (0.0, 30_000.0));
        assert!(exp(200.0).is_finite() && (sigmoid(-200.0)).abs() < 1e-30 && sigmoid(200.0) == 1.0);
    }

    /// By its series (small arguments) and continued fraction: enough for a test.
    fn libm_erf(x: f64) -> f64 {
        if x.abs() > 5.0 {
            return x.signum();
        }
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 && n < 400.0 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }
}
