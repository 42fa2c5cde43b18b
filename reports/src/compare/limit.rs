//! Limits of a gate, in a small grammar: `giou=-0.5`, `ciou@socio-class=-1%`, `p95=+10%`, `failures=0`.
//!
//! ```text
//! LIMIT   = NAME [ "@" SLICE ] ( "=" CHANGE | ">=" VALUE | "<=" VALUE )
//! NAME    = giou | ciou | f1 | precision | recall          metrics, in percent
//!         | mean | p50 | p90 | p95 | p99                    latency of a sample, in seconds
//!         | failures | errors | moved                       samples
//!         | memory                                          peak memory, in MiB
//! SLICE   = all | name | class | function | *               metrics only; `*` is each of them
//! CHANGE  = [+-] NUMBER [ "%" ]                             against the baseline: points, or a share of its value
//! ```
//!
//! `=` bounds how far a run may fall behind its baseline; `>=` and `<=` bound the value itself, whatever the baseline.

use std::fmt;
use std::str::FromStr;

use socio_dataset::Level;
use socio_record::Rule;

use crate::metrics::Metric;

/// A part of the samples that is judged by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slice {
    /// All samples.
    All,
    /// Those of a level.
    Level(Level),
}

impl Slice {
    /// All samples, then each level.
    pub const EACH: [Self; 4] =
        [Self::All, Self::Level(Level::Name), Self::Level(Level::Class), Self::Level(Level::Function)];

    /// Its name in tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Level(level) => level.label(),
        }
    }

    /// Whether a sample of a level is in it.
    pub fn holds(self, level: Option<Level>) -> bool {
        match self {
            Self::All => true,
            Self::Level(own) => level == Some(own),
        }
    }
}

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// A metric in percent; more is better.
    Metric(Metric),
    /// The quantile of seconds a sample, or their mean where there is none; less is better.
    Seconds(Option<f64>),
    /// Samples without a valid answer.
    Failures,
    /// Samples on which something broke.
    Errors,
    /// Samples whose status or counts are not what they were, for the better or the worse.
    Moved,
    /// Peak memory in MiB.
    Memory,
}

/// How far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// So much worse than the baseline, in the measure's unit.
    Worse(f64),
    /// Worse by such a share of the baseline's value, `0.1` for 10 %.
    WorseBy(f64),
    /// This value or better.
    Value(f64),
}

/// A limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Of what.
    pub measure: Measure,
    /// Over which samples; each slice where `None`.
    pub slice: Option<Slice>,
    /// How far.
    pub bound: Bound,
    text: String,
}

/// A text that is no limit.
#[derive(Debug, thiserror::Error)]
#[error("limit `{text}`: {why}")]
pub struct LimitError {
    text: String,
    why: String,
}

const NAMES: &str = "giou, ciou, f1, precision, recall, mean, p50, p90, p95, p99, failures, errors, moved, memory";

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Measure {
    fn named(name: &str) -> Option<Self> {
        let rule = Rule::Components;
        Some(match name {
            "giou" => Self::Metric(Metric::Giou),
            "ciou" => Self::Metric(Metric::Ciou),
            "f1" => Self::Metric(Metric::F1(rule)),
            "precision" => Self::Metric(Metric::Precision(rule)),
            "recall" => Self::Metric(Metric::Recall(rule)),
            "mean" => Self::Seconds(None),
            "p50" => Self::Seconds(Some(0.5)),
            "p90" => Self::Seconds(Some(0.9)),
            "p95" => Self::Seconds(Some(0.95)),
            "p99" => Self::Seconds(Some(0.99)),
            "failures" => Self::Failures,
            "errors" => Self::Errors,
            "moved" => Self::Moved,
            "memory" => Self::Memory,
            _ => return None,
        })
    }

    /// Its name in tables.
    pub fn label(self) -> String {
        match self {
            Self::Metric(Metric::Precision(_)) => "precision".to_owned(),
            Self::Metric(Metric::Recall(_)) => "recall".to_owned(),
            Self::Metric(metric) => metric.label(),
            Self::Seconds(None) => "mean latency".to_owned(),
            Self::Seconds(Some(q)) => format!("p{:.0} latency", 100.0 * q),
            Self::Failures => "failures".to_owned(),
            Self::Errors => "errors".to_owned(),
            Self::Moved => "samples that moved".to_owned(),
            Self::Memory => "peak memory, MiB".to_owned(),
        }
    }

    /// Whether more of it is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Self::Metric(_))
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let wrong = |why: String| LimitError { text: text.to_owned(), why };
        let at = text.find(['=', '<', '>']).ok_or_else(|| {
            wrong("expected NAME=CHANGE, NAME>=VALUE or NAME<=VALUE, as giou=-0.5, p95=+10% or failures<=3".to_owned())
        })?;
        let (head, tail) = text.split_at(at);
        let (sign, number) = match tail.strip_prefix("=").map(|n| ("=", n)) {
            Some(change) => change,
            None if tail.get(1..2) == Some("=") => (&tail[..2], &tail[2..]),
            None => return Err(wrong("after the name expected `=`, `>=` or `<=`".to_owned())),
        };
        let (name, slice) = head.split_once('@').map_or((head, None), |(n, s)| (n, Some(s)));
        let measure = Measure::named(name).ok_or_else(|| wrong(format!("there is no `{name}`; there are {NAMES}")))?;
        let slice = match slice {
            None | Some("all" | "All") => Some(Slice::All),
            Some(_) if !matches!(measure, Measure::Metric(_)) => {
                return Err(wrong(format!("`{name}` is of all samples: expected no `@`")));
            }
            Some("*") => None,
            Some(level) => Some(Slice::Level(level.parse().map_err(|_| {
                wrong(format!("there is no slice `{level}`; there are all, name, class, function and *"))
            })?)),
        };
        let (digits, percent) = number.strip_suffix('%').map_or((number, false), |d| (d, true));
        let value: f64 = digits
            .parse()
            .ok()
            .filter(|v: &f64| v.is_finite())
            .ok_or_else(|| wrong(format!("`{number}` is no number: expected one as -0.5, +10% or 3")))?;
        let better = measure.more_is_better();
        let bound = match (sign, percent) {
            ("=", _) if (better && value > 0.0) || (!better && value < 0.0) => {
                let way = if better { "a loss, as -0.5 or -1%" } else { "a growth, as +10% or +2" };
                return Err(wrong(format!("expected {way}, or 0: the limit says how much worse is allowed")));
            }
            ("=", true) => Bound::WorseBy(value.abs() / 100.0),
            ("=", false) if matches!(measure, Measure::Seconds(_) | Measure::Memory) && value != 0.0 => {
                return Err(wrong("expected a share, as +10%: times and memory are compared as ratios".to_owned()));
            }
            ("=", false) => Bound::Worse(value.abs()),
            (_, true) => return Err(wrong("a bound of the value itself takes no %".to_owned())),
            (">=", false) if better => Bound::Value(value),
            ("<=", false) if !better => Bound::Value(value),
            _ => {
                let want = if better { ">=" } else { "<=" };
                return Err(wrong(format!("expected `{want}` for `{name}`")));
            }
        };
        Ok(Self { measure, slice, bound, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        let read = |text: &str| text.parse::<Limit>().unwrap();
        assert_eq!(read("giou=-0.5").bound, Bound::Worse(0.5));
        assert_eq!(read("giou=-0.5").slice, Some(Slice::All));
        assert_eq!(read("ciou@socio-class=-1%").bound, Bound::WorseBy(0.01));
        assert_eq!(read("ciou@class=0").slice, Some(Slice::Level(Level::Class)));
        assert_eq!(read("f1@*=-2").slice, None);
        assert_eq!(read("p95=+10%").bound, Bound::WorseBy(0.1));
        assert_eq!(read("p99<=2.5").bound, Bound::Value(2.5));
        assert_eq!(read("failures=0").bound, Bound::Worse(0.0));
        assert_eq!(read("failures=+2").bound, Bound::Worse(2.0));
        assert_eq!(read("giou>=50").bound, Bound::Value(50.0));
        assert_eq!(read("giou>=50").to_string(), "giou>=50");
    }

    #[test]
    fn what_is_no_limit_is_told() {
        for (text, part) in [
            ("", "expected NAME=CHANGE"),
            ("giou", "expected NAME=CHANGE"),
            ("iou=-1", "there is no `iou`"),
            ("giou=+1", "a loss"),
            ("p95=-10%", "a growth"),
            ("p95=+1", "a share"),
            ("p95@name=+1%", "expected no `@`"),
            ("giou@nam=-1", "there is no slice"),
            ("giou=x", "is no number"),
            ("giou=NaN", "is no number"),
            ("giou<=50", "expected `>=`"),
            ("failures>=1", "expected `<=`"),
            ("giou>50", "expected `=`, `>=`"),
            ("giou>=50%", "takes no %"),
            ("é=1", "there is no `é`"),
            (">é=1", "expected `=`"),
        ] {
            let told = text.parse::<Limit>().unwrap_err().to_string();
            assert!(told.contains(part), "{text}: {told}");
        }
    }
}
