//! Scales and the places of ticks.

use super::number::plain;

/// From values to places along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    log: bool,
}

impl Scale {
    /// Values from `values.0` to `values.1` between the places `places.0` and `places.1`.
    pub(super) fn linear(values: (f64, f64), places: (f64, f64)) -> Self {
        Self { low: values.0, high: values.1, start: places.0, end: places.1, log: false }
    }

    /// The same by logarithms; both values are above zero.
    pub(super) fn log(values: (f64, f64), places: (f64, f64)) -> Self {
        Self { log: true, ..Self::linear(values, places) }
    }

    /// Both ends, as values.
    pub(super) fn limits(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Both ends, as places.
    pub(super) fn places(&self) -> (f64, f64) {
        (self.start, self.end)
    }

    /// Where a value stands; beyond the ends, at the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let on = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).ln() } else { v };
        let share = (on(value) - on(self.low)) / (on(self.high) - on(self.low));
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 };
        self.start + share * (self.end - self.start)
    }

    /// The scale's ticks with their labels, about so many where it is linear.
    pub(super) fn ticks(&self, about: usize) -> Vec<(f64, String)> {
        let values = if self.log { log_ticks(self.low, self.high) } else { ticks(self.low, self.high, about) };
        values.into_iter().map(|v| (v, plain(v))).collect()
    }
}

/// A step of 1, 2 or 5 times a power of ten that makes about so many of a span.
pub(super) fn step(span: f64, about: usize) -> f64 {
    let raw = span / about.max(1) as f64;
    if !raw.is_finite() || raw <= 0.0 {
        return 1.0;
    }
    let ten = 10f64.powf(raw.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|t| t * ten >= raw * 0.999).unwrap_or(10.0);
    times * ten
}

/// Round values from `low` to `high`, both included.
pub(super) fn ticks(low: f64, high: f64, about: usize) -> Vec<f64> {
    let step = step(high - low, about);
    let first = (low / step - 1e-6).ceil();
    (0..100).map(|k| (first + f64::from(k)) * step).take_while(|v| *v <= high + step * 1e-6).collect()
}

/// Round values from `low` to `high` on a scale of logarithms: fewer to a power of ten, the more powers there are.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor(), high.log10().ceil());
    if !(first.is_finite() && last.is_finite()) {
        return Vec::new();
    }
    let powers = last - first;
    let times: &[f64] = match powers {
        p if p <= 3.0 => &[1.0, 2.0, 5.0],
        p if p <= 5.0 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let stride = (powers / 8.0).ceil().max(1.0);
    (0..=(powers / stride) as i32)
        .flat_map(|k| times.iter().map(move |t| t * 10f64.powf(first + stride * f64::from(k))))
        .filter(|v| *v >= low * 0.999 && *v <= high * 1.001)
        .collect()
}

/// Limits at values of 1, 2 or 5 times a power of ten, about values above zero.
pub(super) fn log_limits(low: f64, high: f64) -> (f64, f64) {
    let ten = |v: f64| 10f64.powf(v.log10().floor());
    let below = [5.0, 2.0, 1.0].into_iter().map(|t| t * ten(low)).find(|v| *v <= low * 1.001);
    let above = [1.0, 2.0, 5.0].into_iter().map(|t| t * ten(high)).find(|v| *v >= high * 0.999);
    (below.unwrap_or(low), above.unwrap_or(10.0 * ten(high)))
}

/// Where an axis of percent that starts at zero ends, for values up to `most`: not always at 100, else small values
/// could not be told apart.
pub(super) fn percent_limit(most: f64) -> f64 {
    [5.0, 10.0, 20.0, 40.0, 60.0, 80.0].into_iter().find(|l| most <= *l).unwrap_or(100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(-3.2, 4.1, 6), [-2.0, 0.0, 2.0, 4.0]);
        assert_eq!(ticks(1.0, 1.0, 5), [1.0]);
        assert_eq!(log_ticks(0.5, 20.0), [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        assert_eq!(log_limits(0.13, 7.0), (0.1, 10.0));
        assert_eq!([0.0, 5.1, 81.0, 1e9].map(percent_limit), [5.0, 10.0, 100.0, 100.0]);
    }

    #[test]
    fn no_limits_make_many_ticks_or_fail() {
        for (low, high) in [(0.0, 0.0), (5.0, -5.0), (-1e12, 1e12), (1e12, 1e12), (f64::NAN, 1.0), (0.0, f64::INFINITY)]
        {
            assert!(ticks(low, high, 5).len() <= 100);
            assert!(Scale::linear((low, high), (0.0, 10.0)).place(3.0).is_finite());
        }
        for (low, high) in [(1e-300, 1e300), (1.0, 1.0), (f64::NAN, 1.0), (0.0, 1.0)] {
            assert!(log_ticks(low, high).len() <= 20, "{low} {high}");
            assert!(Scale::log((low, high), (0.0, 10.0)).place(0.0).is_finite());
        }
    }

    #[test]
    fn places() {
        let log = Scale::log((1.0, 100.0), (0.0, 10.0));
        assert_eq!([1.0, 10.0, 100.0, 1e9, -1.0].map(|v| log.place(v)), [0.0, 5.0, 10.0, 10.0, 0.0]);
        assert_eq!(Scale::linear((0.0, 4.0), (10.0, 0.0)).place(1.0), 7.5);
    }
}
