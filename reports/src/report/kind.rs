//! The tables there are, by name.

use std::fmt;
use std::str::FromStr;

/// A table, or two that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Methods by level (Table 1).
    Main,
    /// Instances under the four rules.
    Rules,
    /// How samples ended.
    Statuses,
    /// The sets of a suite side by side (Table 4).
    Sets,
    /// Without reflection, without refinement, whole (Tables 2 and 5).
    Ablation,
    /// Number of points (Tables 3 and 6).
    Points,
    /// Zero-shot models (Table 9).
    ZeroShot,
    /// The multi-class setting (Table 10).
    MultiClass,
    /// By region (Table 7).
    Regions,
    /// By class.
    Classes,
    /// By function.
    Functions,
    /// By number of instances.
    Instances,
    /// By size of the target.
    Sizes,
    /// What stage 2 made of stage 1's mask.
    Propagation,
    /// How samples fail.
    Failures,
    /// Seconds a sample and by phase (Table 8).
    Latency,
    /// The worst samples.
    Worst,
}

impl Kind {
    /// What a report has where nothing is asked for.
    pub const USUAL: &'static [Self] = &[Self::Main, Self::Rules, Self::Statuses];

    /// All of them, with their names and what they are.
    pub const ALL: [(Self, &'static str, &'static str); 17] = [
        (Self::Main, "main", "methods by level (the paper's Table 1)"),
        (Self::Rules, "rules", "F1, precision and recall of instances under the four rules"),
        (Self::Statuses, "statuses", "how samples ended"),
        (Self::Sets, "sets", "the sets of a suite side by side: in domain and out of it, SFT and RL (Table 4)"),
        (Self::Ablation, "ablation", "without reflection, without refinement, whole (Tables 2 and 5)"),
        (Self::Points, "points", "one, two, three points (Tables 3 and 6)"),
        (Self::ZeroShot, "zero-shot", "zero-shot models, cIoU and gIoU (Table 9)"),
        (Self::MultiClass, "multi-class", "class and function side by side (Table 10)"),
        (Self::Regions, "regions", "by region (Table 7)"),
        (Self::Classes, "classes", "by class, with counts"),
        (Self::Functions, "functions", "by function, with counts"),
        (Self::Instances, "instances", "by number of instances"),
        (Self::Sizes, "sizes", "by size of the target"),
        (Self::Propagation, "propagation", "what stage 2 made of stage 1's mask"),
        (Self::Failures, "failures", "how samples fail"),
        (Self::Latency, "latency", "seconds a sample and by phase (Table 8)"),
        (Self::Worst, "worst", "the worst samples"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _, _)| *kind == self).map_or("", |(_, name, _)| name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name of no table.
#[derive(Debug, thiserror::Error)]
#[error("no table `{name}`; there are {}, or `all`", known())]
pub struct UnknownKind {
    name: String,
}

fn known() -> String {
    Kind::ALL.map(|(_, name, _)| name).join(", ")
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.iter().find(|(_, name, _)| *name == text);
        found.map(|(kind, _, _)| *kind).ok_or_else(|| UnknownKind { name: text.to_owned() })
    }
}
