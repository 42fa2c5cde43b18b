//! What figures are given.

use super::number::sane;

/// The classes of text on the areas of each hue.
const INK: [&str; 8] = ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"];

/// One series of a figure, as one method or one phase.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series<T> {
    /// What the legend calls it.
    pub name: String,
    /// Its colour: one of eight, by the remainder; given here and not by its place, so that a method keeps its colour
    /// across figures. From 8 on lines are dashed and areas paler.
    pub hue: usize,
    /// Its values, as each figure says.
    pub values: Vec<T>,
}

impl<T> Series<T> {
    /// A series.
    pub fn new(name: impl Into<String>, hue: usize, values: Vec<T>) -> Self {
        Self { name: name.into(), hue, values }
    }

    /// The class of its areas.
    pub(super) fn fill(&self) -> String {
        format!("s{}", self.hue % 8)
    }

    /// The class of text on its areas.
    pub(super) fn ink(&self) -> &'static str {
        // Pale areas are near the paper.
        INK.get(self.hue).copied().unwrap_or("fg")
    }

    /// How opaque its areas are, as an attribute with a space before it: paler where the colours come round again.
    pub(super) fn opacity(&self) -> &'static str {
        match self.hue / 8 {
            0 => " fill-opacity=\".85\"",
            1 => " fill-opacity=\".5\"",
            _ => " fill-opacity=\".25\"",
        }
    }

    /// The class of its lines.
    pub(super) fn line(&self) -> String {
        format!("l{}", self.hue % 8)
    }

    /// The dash of its lines, as an attribute with a space before it; empty for a full line.
    pub(super) fn dash(&self) -> &'static str {
        match self.hue / 8 {
            0 => "",
            1 => " stroke-dasharray=\"6 3\"",
            _ => " stroke-dasharray=\"2 3\"",
        }
    }
}

/// A value and, where it is known, its interval; in the units of the figure it is in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The limits of its 95 % interval, lower first.
    pub limits: Option<(f64, f64)>,
}

impl Estimate {
    /// A value with its interval; limits that are equal, as those of a single sample, are no interval.
    #[must_use]
    pub fn new(value: f64, low: f64, high: f64) -> Self {
        Self { value, limits: (low != high).then_some((low, high)) }
    }

    /// A value alone.
    #[must_use]
    pub fn alone(value: f64) -> Self {
        Self { value, limits: None }
    }

    /// What of it can be drawn: `None` where the value is no number.
    pub(super) fn sane(self) -> Option<Self> {
        let limits = self.limits.and_then(|(a, b)| Some((sane(a)?, sane(b)?)));
        Some(Self { value: sane(self.value)?, limits: limits.map(|(a, b)| (a.min(b), a.max(b))) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_wrap() {
        let of = |hue| Series::<f64>::new("", hue, vec![]);
        assert_eq!((of(3).fill(), of(11).line(), of(3).dash()), ("s3".into(), "l3".into(), ""));
        assert!(of(usize::MAX).dash().contains("dash"));
        assert_eq!((of(7).ink(), of(8).ink()), ("i7", "fg"));
    }

    #[test]
    fn what_is_no_number_is_not_drawn() {
        assert_eq!(Estimate::new(f64::NAN, 0.0, 1.0).sane(), None);
        assert_eq!(Estimate::new(1.0, f64::NAN, 1.0).sane(), Some(Estimate::alone(1.0)));
        assert_eq!(Estimate::new(1.0, 2.0, 0.0).sane(), Some(Estimate::new(1.0, 0.0, 2.0)));
        assert_eq!(Estimate::new(1.0, 1.0, 1.0), Estimate::alone(1.0));
    }
}
