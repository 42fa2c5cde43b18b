//! The name/class/function hierarchy as data: `hierarchy.toml`, embedded.

mod tags;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Level;

const TEXT: &str = include_str!("../../hierarchy.toml");

/// A function of places: the highest level (paper Fig. 6b).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// The query text.
    pub name: String,
    /// English display name.
    pub en: String,
    /// Chinese display name.
    pub zh: String,
}

/// A class of places (paper Fig. 6d, others as `source` says).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// The query text.
    pub name: String,
    /// English display name.
    pub en: String,
    /// Chinese display name.
    pub zh: String,
    /// The function that it serves.
    pub function: String,
    /// Whether only the out-of-distribution regions have it.
    pub unseen: bool,
    /// Where the class comes from: `paper`, `added` or `osm`.
    pub source: String,
    /// OpenStreetMap tags, `key=value`.
    pub osm: Vec<String>,
    /// Lower-case words that speak for the class on a map label, English and Chinese.
    pub keywords: Vec<String>,
}

/// Classes and the functions they serve.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hierarchy {
    /// Version of the file.
    pub version: u32,
    /// All functions.
    #[serde(rename = "function")]
    pub functions: Vec<Function>,
    /// All classes.
    #[serde(rename = "class")]
    pub classes: Vec<Class>,
}

/// A hierarchy file that does not parse.
#[derive(Debug, thiserror::Error)]
#[error("the hierarchy does not parse: {0}")]
pub struct HierarchyError(#[from] toml::de::Error);

impl Hierarchy {
    /// The hierarchy that comes with socio-bench: 10 functions and 114 classes, 24 of them unseen.
    ///
    /// # Errors
    /// Never for a released build: a test parses and lints the embedded file.
    pub fn embedded() -> Result<Self, HierarchyError> {
        Self::parse(TEXT)
    }

    /// Reads a hierarchy from TOML; [`Hierarchy::lint`] says whether it is consistent.
    ///
    /// # Errors
    /// When it is not TOML of this form.
    pub fn parse(text: &str) -> Result<Self, HierarchyError> {
        Ok(toml::from_str(text)?)
    }

    /// The class of that query text, whatever the case of its letters.
    pub fn class(&self, text: &str) -> Option<&Class> {
        self.classes.iter().find(|c| same(&c.name, text) || same(&c.en, text) || c.zh == text)
    }

    /// The function of that query text, whatever the case of its letters.
    pub fn function(&self, text: &str) -> Option<&Function> {
        self.functions.iter().find(|f| same(&f.name, text) || same(&f.en, text) || f.zh == text)
    }

    /// The level of a text by itself: a function's or a class's text is one, all else is a name.
    pub fn level_of(&self, text: &str) -> Level {
        if self.function(text).is_some() {
            Level::Function
        } else if self.class(text).is_some() {
            Level::Class
        } else {
            Level::Name
        }
    }

    /// The classes that a query at a level speaks of: the class itself, all classes of a function, none for a name.
    pub fn classes_of(&self, level: Level, text: &str) -> Vec<&Class> {
        match level {
            Level::Name => Vec::new(),
            Level::Class => self.class(text).into_iter().collect(),
            Level::Function => match self.function(text) {
                Some(f) => self.classes.iter().filter(|c| c.function == f.name).collect(),
                None => Vec::new(),
            },
        }
    }

    /// What is wrong with the hierarchy, a line each; empty when it is total (every class has a function that exists,
    /// every function has classes, every class words and, but for the rest class `Others`, tags) and consistent (no
    /// name, tag or word stands for two things).
    pub fn lint(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let mut owners: BTreeMap<(&str, String), &str> = BTreeMap::new();
        let functions: BTreeSet<&str> = self.functions.iter().map(|f| f.name.as_str()).collect();
        let mut claim = |kind, key: &str, owner, findings: &mut Vec<String>| {
            if let Some(first) = owners.insert((kind, key.to_lowercase()), owner) {
                findings.push(format!("{kind} `{key}` stands for both `{first}` and `{owner}`"));
            }
        };
        for f in &self.functions {
            claim("name", &f.name, &f.name, &mut findings);
            if !self.classes.iter().any(|c| c.function == f.name) {
                findings.push(format!("function `{}` has no class", f.name));
            }
            if f.en.trim().is_empty() || f.zh.trim().is_empty() {
                findings.push(format!("function `{}` lacks a display name", f.name));
            }
        }
        for c in &self.classes {
            claim("name", &c.name, &c.name, &mut findings);
            if !functions.contains(c.function.as_str()) {
                findings.push(format!("class `{}` has the unknown function `{}`", c.name, c.function));
            }
            if c.en.trim().is_empty() || c.zh.trim().is_empty() {
                findings.push(format!("class `{}` lacks a display name", c.name));
            }
            if c.osm.is_empty() && c.name != "Others" {
                findings.push(format!("class `{}` has no OSM tag", c.name));
            }
            if c.keywords.is_empty() && c.name != "Others" {
                findings.push(format!("class `{}` has no keyword", c.name));
            }
            for tag in &c.osm {
                if tag.split('=').filter(|part| !part.is_empty()).count() != 2 {
                    findings.push(format!("class `{}`: tag `{tag}` is not key=value", c.name));
                }
                claim("tag", tag, &c.name, &mut findings);
            }
            for word in &c.keywords {
                if word.trim() != word || word.is_empty() || *word != word.to_lowercase() {
                    findings.push(format!("class `{}`: keyword `{word}` is not plain lower case", c.name));
                }
                claim("keyword", word, &c.name, &mut findings);
            }
        }
        findings
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_hierarchy_is_total_and_consistent() {
        let h = Hierarchy::embedded().unwrap();
        assert_eq!(h.lint(), Vec::<String>::new());
        assert_eq!(h.functions.len(), 10);
        assert!(h.classes.len() >= 114);
        assert_eq!(h.classes.iter().filter(|c| c.unseen).count(), 24);
        assert_eq!(h.classes.iter().filter(|c| c.source == "paper").count(), 82);
    }

    #[test]
    fn the_classes_of_the_real_samples_are_known() {
        let h = Hierarchy::embedded().unwrap();
        for class in ["Supermarket", "Bakery", "Car Repair", "Temple", "Cinema", "Public Security Police"] {
            assert!(h.class(class).is_some(), "{class}");
        }
        assert!(h.classes_of(Level::Function, "educational").iter().any(|c| c.name == "School"));
        assert!(h.classes_of(Level::Name, "School").is_empty());
        assert_eq!(
            ["school", "Educational", "Ashok Stupa"].map(|t| h.level_of(t)),
            [Level::Class, Level::Function, Level::Name]
        );
    }

    #[test]
    fn the_lint_finds_what_it_is_for() {
        let text = r#"
            version = 1
            [[function]]
            name = "A"
            en = "A"
            zh = "甲"
            [[function]]
            name = "Empty"
            en = "Empty"
            zh = ""
            [[class]]
            name = "Zoo"
            en = "Zoo"
            zh = "动物园"
            function = "B"
            unseen = false
            source = "paper"
            osm = ["tourism"]
            keywords = ["Zoo"]
            [[class]]
            name = "zoo"
            en = "Zoo"
            zh = "动物园"
            function = "A"
            unseen = false
            source = "paper"
            osm = []
            keywords = ["zoo"]
        "#;
        let findings = Hierarchy::parse(text).unwrap().lint().join("\n");
        for part in [
            "`Zoo` and `zoo`",
            "unknown function `B`",
            "`Empty` has no class",
            "`Empty` lacks a display name",
            "`tourism` is not key=value",
            "`Zoo` is not plain lower case",
            "`zoo` has no OSM tag",
            "keyword `zoo`",
        ] {
            assert!(findings.contains(part), "{part} in\n{findings}");
        }
    }
}
