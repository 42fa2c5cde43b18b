//! What is there to choose from, and why something is not.

use std::fmt;

use serde::Serialize;

/// Which seam a backend serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A vision-language model.
    Vlm,
    /// A promptable segmenter.
    Segmenter,
    /// A reader of map labels.
    MapReader,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vlm => "vlm",
            Self::Segmenter => "segmenter",
            Self::MapReader => "map reader",
        })
    }
}

/// One backend of a factory's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The name to choose it by.
    pub name: String,
    /// Which seam it serves.
    pub role: Role,
    /// What it is, in a line.
    pub about: String,
    /// Why it cannot be used here, in a line; `None` when it can.
    pub why_not: Option<String>,
}

impl Offer {
    /// A backend that is there.
    pub fn ready(name: &str, role: Role, about: &str) -> Self {
        Self { name: name.to_owned(), role, about: about.to_owned(), why_not: None }
    }

    /// A backend that is there only where `check` succeeds.
    pub fn checked<E: fmt::Display>(name: &str, role: Role, about: &str, check: Result<(), E>) -> Self {
        Self { why_not: check.err().map(|e| e.to_string()), ..Self::ready(name, role, about) }
    }
}
