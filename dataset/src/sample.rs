//! A sample: what is asked of a method, and the truth where it is known.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::Mask;

/// The level of the hierarchy that a query is put at (paper section 3: socio-name, socio-class, socio-function).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The name of one place, as "Jinan Zoo".
    Name,
    /// A class of places, as "Zoo".
    Class,
    /// A function of places, as "Park and greenspace".
    Function,
}

impl Level {
    /// All three, in the paper's order.
    pub const ALL: [Self; 3] = [Self::Name, Self::Class, Self::Function];

    /// The level that an id's prefix encodes: `id.split("_", 1)[0]` in `name`, `class`, `function`, as the follow-up
    /// EVEREST reads SocioSeg's ids. No level column exists.
    pub fn of_id(id: &str) -> Option<Self> {
        id.split_once('_').and_then(|(prefix, _)| prefix.parse().ok())
    }

    /// The prefix of ids at this level.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Class => "class",
            Self::Function => "function",
        }
    }

    /// The paper's word for it, as `socio-name`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "socio-name",
            Self::Class => "socio-class",
            Self::Function => "socio-function",
        }
    }
}

/// A word that names no level.
#[derive(Debug, thiserror::Error)]
#[error("unknown level `{0}`: expected name, class or function")]
pub struct UnknownLevel(String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|l| l.prefix() == text || l.label() == text)
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// What a method may see of a sample. Cloning shares the images.
#[derive(Debug, Clone)]
pub struct Query {
    /// The sample's id; draws are seeded from it.
    pub id: String,
    /// The bare text, as `Jinan Zoo`; prompts put it between quotes.
    pub text: String,
    /// The level, where the id tells one.
    pub level: Option<Level>,
    /// The satellite image: RGB, 768×768 in SocioSeg.
    pub satellite: Arc<RgbImage>,
    /// The digital map, registered to the satellite image pixel by pixel; absent where a user has none.
    pub map: Option<Arc<RgbImage>>,
}

/// What is known to be right; only oracles and scoring see it.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The pixels asked for: any nonzero pixel of the mask image (paper's code, `convert("L") > 0`).
    pub mask: Mask,
}

/// A query, and its truth where it is known.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What a method may see.
    pub query: Query,
    /// What it is scored against.
    pub truth: Option<Truth>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_the_prefix_before_the_first_underscore() {
        assert_eq!(Level::of_id("name_0001"), Some(Level::Name));
        assert_eq!(Level::of_id("function_a_b"), Some(Level::Function));
        for id in ["names_1", "name", "1_name", "", "_", "Class_1"] {
            assert_eq!(Level::of_id(id), None, "{id}");
        }
    }

    #[test]
    fn words_of_both_kinds_parse() {
        assert_eq!("socio-class".parse::<Level>().unwrap(), Level::Class);
        assert!("clas".parse::<Level>().unwrap_err().to_string().contains("expected name"));
    }
}
