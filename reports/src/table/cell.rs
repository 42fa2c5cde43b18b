//! What stands in a cell, and how it is printed: one place for numbers, so that every form prints the same.

use crate::metrics::Figure;

/// How a cell stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// Not at all.
    #[default]
    None,
    /// The best of its column: bold, as in the paper.
    Best,
    /// The second best: underlined.
    Second,
}

/// The figures of several seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (of a sample: divided by one less than there are).
    pub deviation: f64,
    /// How many there are.
    pub seeds: usize,
}

impl Spread {
    /// Of two or more values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let seeds = values.len();
        let mean = values.iter().sum::<f64>() / seeds as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (seeds > 1).then(|| Self { mean, deviation: (squares / (seeds - 1) as f64).sqrt(), seeds })
    }
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// So many of so many.
    Share(u64, u64),
    /// A figure in percent; with its interval where it has a width.
    Figure(Option<Figure>, Mark),
    /// A figure in percent over several seeds.
    Spread(Option<Spread>, Mark),
    /// A difference in percentage points; with its interval where it has a width.
    Change(Option<Figure>),
    /// Seconds.
    Seconds(Option<f64>),
    /// Any other number, with so many decimals.
    Number(Option<f64>, usize),
}

/// What stands beside a printed number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aside {
    Nothing,
    Interval(String, String),
    Deviation(String),
    Percent(String),
}

/// A cell in print: its number or words, and what stands beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Print {
    /// `None` where there is nothing to tell: each form has its own dash.
    pub(crate) value: Option<String>,
    pub(crate) aside: Aside,
    pub(crate) mark: Mark,
}

impl Cell {
    /// A figure without a mark.
    pub fn figure(figure: Option<Figure>) -> Self {
        Self::Figure(figure, Mark::None)
    }

    /// A published figure, which has no interval.
    pub fn exact(value: Option<f64>) -> Self {
        Self::figure(value.map(|value| Figure { value, low: value, high: value }))
    }

    /// An empty cell.
    pub fn empty() -> Self {
        Self::Text(String::new())
    }

    pub(crate) fn print(&self) -> Print {
        let interval = |f: &Figure, print: fn(f64) -> String| {
            if f.high > f.low { Aside::Interval(print(f.low), print(f.high)) } else { Aside::Nothing }
        };
        let (value, aside, mark) = match self {
            Self::Text(text) => (Some(text.clone()), Aside::Nothing, Mark::None),
            Self::Count(n) | Self::Share(n, 0) => (Some(n.to_string()), Aside::Nothing, Mark::None),
            Self::Share(n, of) => {
                let percent = Aside::Percent(printed(100.0 * *n as f64 / *of as f64));
                (Some(n.to_string()), percent, Mark::None)
            }
            Self::Figure(figure, mark) => {
                let aside = figure.as_ref().map_or(Aside::Nothing, |f| interval(f, printed));
                (figure.map(|f| printed(f.value)), aside, *mark)
            }
            Self::Spread(spread, mark) => {
                let aside = spread.map_or(Aside::Nothing, |s| Aside::Deviation(printed(s.deviation)));
                (spread.map(|s| printed(s.mean)), aside, *mark)
            }
            Self::Change(change) => {
                let aside = change.as_ref().map_or(Aside::Nothing, |f| interval(f, signed));
                (change.map(|f| signed(f.value)), aside, Mark::None)
            }
            Self::Seconds(s) => (s.map(seconds), Aside::Nothing, Mark::None),
            Self::Number(n, decimals) => (n.map(|n| format!("{n:.decimals$}")), Aside::Nothing, Mark::None),
        };
        Print { value, aside, mark }
    }

    /// The number by which a column is ranked or sorted.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Text(_) => None,
            Self::Count(n) | Self::Share(n, _) => Some(*n as f64),
            Self::Figure(f, _) | Self::Change(f) => f.map(|f| f.value),
            Self::Spread(s, _) => s.map(|s| s.mean),
            Self::Seconds(n) | Self::Number(n, _) => *n,
        }
    }

    /// All its numbers at full precision, the first without a name: what forms for machines have.
    pub(super) fn numbers(&self) -> Vec<(&'static str, Option<f64>)> {
        let first = ("", self.number());
        match self {
            Self::Figure(f, _) | Self::Change(f) => {
                let known = f.filter(|f| f.high > f.low);
                vec![first, ("low", known.map(|f| f.low)), ("high", known.map(|f| f.high))]
            }
            Self::Spread(s, _) => {
                vec![first, ("sd", s.map(|s| s.deviation)), ("seeds", s.map(|s| s.seeds as f64))]
            }
            Self::Share(_, of) => vec![first, ("of", Some(*of as f64))],
            _ => vec![first],
        }
    }

    /// Its mark, where a cell of its kind is ranked.
    pub(super) fn mark_mut(&mut self) -> Option<&mut Mark> {
        match self {
            Self::Figure(_, mark) | Self::Spread(_, mark) => Some(mark),
            _ => None,
        }
    }
}

/// A figure to one decimal, as the paper prints.
pub(crate) fn printed(value: f64) -> String {
    // No "-0.0": figures are never negative, rounding noise may be.
    format!("{:.1}", value.max(0.0))
}

/// A difference to one decimal, with its sign.
pub(crate) fn signed(value: f64) -> String {
    let text = format!("{value:+.1}");
    if text == "-0.0" { "+0.0".to_owned() } else { text }
}

/// A time with three digits that count, in seconds, milliseconds or microseconds.
pub(crate) fn seconds(value: f64) -> String {
    let (value, unit) = match value.abs() {
        v if v >= 0.9995 || v == 0.0 || !v.is_finite() => (value, "s"),
        v if v >= 0.000_999_5 => (value * 1e3, "ms"),
        _ => (value * 1e6, "µs"),
    };
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let cases = [(2.71, "2.71 s"), (0.0421, "42.1 ms"), (0.9999, "1.00 s"), (123.4, "123 s"), (5e-6, "5.00 µs")];
        for (value, text) in cases {
            assert_eq!(seconds(value), text);
        }
    }

    #[test]
    fn a_spread_is_that_of_a_sample() {
        let s = Spread::of(&[50.0, 52.0, 54.0]).unwrap();
        assert_eq!((s.mean, s.deviation, s.seeds), (52.0, 2.0, 3));
        assert_eq!(Spread::of(&[1.0]), None);
        assert_eq!((signed(-0.04), signed(1.25)), ("+0.0".to_owned(), "+1.2".to_owned()));
    }
}
