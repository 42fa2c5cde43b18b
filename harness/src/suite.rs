//! Suites as data: which sets of which data are run, by which methods.

use std::path::Path;

use serde::Deserialize;
use socio_dataset::Level;
use socio_dataset::restyle::Restyle;

macro_rules! embedded {
    ($($name:literal),*) => { &[$(($name, include_str!(concat!("../suites/", $name, ".toml")))),*] };
}

const EMBEDDED: &[(&str, &str)] =
    embedded!["smoke", "id", "main", "ablation", "points", "ood", "ood-style", "ood-region", "style-stress"];

/// A suite.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Its name, as in runs.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Methods that run when none are asked for.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Their segmenters.
    #[serde(default)]
    pub segmenters: Vec<String>,
    /// What runs instead where the data is the embedded city and the user names neither methods nor models: the models that are
    /// part of the program know the city.
    #[serde(default, rename = "city")]
    pub city: Vec<Row>,
    /// The data of sets that name none, where the user names none; the embedded city where absent.
    pub data: Option<String>,
    /// The sets, in the order of the table.
    #[serde(rename = "set")]
    pub sets: Vec<Set>,
}

/// A method with its models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The method.
    pub method: String,
    /// Whom it asks.
    pub vlm: Option<String>,
    /// Whom it prompts.
    pub segmenter: Option<String>,
    /// The model was trained as this method asks.
    #[serde(default)]
    pub trained: bool,
}

/// A set of a suite: one column group of its table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its name, as in runs.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// The split.
    pub split: String,
    /// A dataset of its own, whatever the user names.
    pub data: Option<String>,
    /// What is done to the maps, as `dark@3`.
    pub restyle: Option<String>,
    /// Only these levels; all where empty.
    #[serde(default)]
    pub levels: Vec<String>,
    /// Only the first so many.
    pub limit: Option<usize>,
}

/// A suite that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// No embedded suite of that name.
    #[error("no suite `{name}`; there are: {known}; or give the path of a suite file (*.toml)")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] socio_dataset::files::FileError),
    /// A file that is no suite.
    #[error("suite {origin}: {why}")]
    Content {
        /// The file or the name.
        origin: String,
        /// What is wrong, and where.
        why: String,
    },
}

impl Suite {
    /// The embedded suites.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// An embedded suite, or one from a file that ends in `.toml`.
    ///
    /// # Errors
    /// When there is none of that name, or the file is no suite.
    pub fn open(name: &str) -> Result<Self, SuiteError> {
        if Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
            return Self::parse(&socio_dataset::files::read_text(name.as_ref())?, name);
        }
        let Some((_, text)) = EMBEDDED.iter().find(|(n, _)| *n == name) else {
            let known = Self::names().collect::<Vec<_>>().join(", ");
            return Err(SuiteError::Unknown { name: name.to_owned(), known });
        };
        Self::parse(text, name)
    }

    /// Reads a suite from TOML; `origin` is told when it is wrong.
    ///
    /// # Errors
    /// When it is no suite.
    pub fn parse(text: &str, origin: &str) -> Result<Self, SuiteError> {
        let wrong = |why: String| SuiteError::Content { origin: origin.to_owned(), why };
        let suite: Self = toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        let plain = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                && !name.starts_with('.')
        };
        if !plain(&suite.name) {
            return Err(wrong(format!("name `{}`: expected letters, digits, `-`, `_`, `.`", suite.name)));
        }
        if suite.sets.is_empty() {
            return Err(wrong("it has no [[set]]".to_owned()));
        }
        for (i, set) in suite.sets.iter().enumerate() {
            if !plain(&set.name) || suite.sets[..i].iter().any(|s| s.name == set.name) {
                return Err(wrong(format!(
                    "set `{}`: expected a name of its own in letters, digits, `-`, `_`, `.`",
                    set.name
                )));
            }
            if let Some(restyle) = &set.restyle {
                restyle.parse::<Restyle>().map_err(|e| wrong(format!("set `{}`: {e}", set.name)))?;
            }
            for level in &set.levels {
                level.parse::<Level>().map_err(|e| wrong(format!("set `{}`: {e}", set.name)))?;
            }
            if set.limit == Some(0) {
                return Err(wrong(format!("set `{}`: limit 0 chooses nothing", set.name)));
            }
        }
        Ok(suite)
    }
}

impl Set {
    /// Where the set's samples are: its own data, else the user's, else the suite's, else the embedded city.
    pub fn location(&self, suite: &Suite, given: Option<&str>) -> String {
        let data = self.data.as_deref().or(given).or(suite.data.as_deref()).unwrap_or("city");
        self.restyle.as_ref().map_or_else(|| data.to_owned(), |restyle| format!("restyle:{restyle}:{data}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_suite_is_one() {
        for name in Suite::names() {
            let suite = Suite::open(name).unwrap();
            assert_eq!(suite.name, name);
            assert!(!suite.methods.is_empty());
        }
        assert_eq!(Suite::open("style-stress").unwrap().sets.len(), 41);
    }

    #[test]
    fn data_comes_from_the_set_then_the_user_then_the_suite() {
        let text = "name = 'x'\ntitle = 'x'\ndata = 'city:seed=3'\n[[set]]\nname = 'a'\ntitle = 'a'\nsplit = 'test'\nrestyle = 'dark@2'\n[[set]]\nname = 'b'\ntitle = 'b'\nsplit = 'test'\ndata = 'mine'";
        let suite = Suite::parse(text, "x").unwrap();
        assert_eq!(suite.sets[0].location(&suite, None), "restyle:dark@2:city:seed=3");
        assert_eq!(suite.sets[0].location(&suite, Some("yours")), "restyle:dark@2:yours");
        assert_eq!(suite.sets[1].location(&suite, Some("yours")), "mine");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let with = |set: &str| format!("name = 'x'\ntitle = 'x'\n{set}");
        for (text, part) in [
            (with(""), "missing field `set`"),
            (with("[[set]]\nname = 'a'\ntitle = 'a'\nsplit = 't'\nrestyle = 'night@2'"), "no restyle"),
            (with("[[set]]\nname = 'a/b'\ntitle = 'a'\nsplit = 't'"), "name of its own"),
            (with("[[set]]\nname = 'a'\ntitle = 'a'\nsplit = 't'\nlevels = ['clas']"), "expected name, class"),
            (with("colour = 'red'"), "colour"),
        ] {
            let told = Suite::parse(&text, "mine.toml").unwrap_err().to_string();
            assert!(told.contains(part) && told.contains("mine.toml"), "{told}");
        }
        assert!(Suite::open("oood").unwrap_err().to_string().contains("style-stress"));
    }
}
