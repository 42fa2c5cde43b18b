//! Which city: `city`, or `city:samples=13966,new=3200,seed=7,style=web,words=both`.

use std::sync::Arc;

use socio_map::{Layers, Style, StyleError, Words};

use crate::scene::{Look, satellite_format};

/// A specification of the city.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Everything follows from it.
    pub seed: u64,
    /// In-domain samples: train, val and test together.
    pub samples: usize,
    /// Samples of the new regions.
    pub new: usize,
    /// The map's style: an embedded one's name, or the path of a style file.
    pub style: String,
    /// The language of its labels.
    pub words: Words,
    /// What it shows beside roads and places.
    pub layers: Layers,
    /// Pixels of a side.
    pub size: u32,
    /// The satellite view as JPEG of this quality; PNG where absent.
    pub jpeg: Option<u8>,
    /// Threads to draw on; all processors where absent. Changes nothing but the time.
    pub threads: Option<usize>,
}

impl Default for Spec {
    /// 480 in-domain samples and 96 of the new regions, enough to try things on at once.
    fn default() -> Self {
        Self {
            seed: 0,
            samples: 480,
            new: 96,
            style: "pale".to_owned(),
            words: Words::English,
            layers: Layers::RoadsAndPlaces,
            size: 768,
            jpeg: Some(92),
            threads: None,
        }
    }
}

/// A city that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CityError {
    /// A specification that does not parse.
    #[error(
        "city option `{option}`: {why}; a city is written as city:samples=480,new=96,seed=0,style=pale,words=english,layers=places,size=768,satellite=jpeg92"
    )]
    Option {
        /// The option.
        option: String,
        /// What is wrong with it.
        why: String,
    },
    /// The map style.
    #[error(transparent)]
    Style(#[from] StyleError),
    /// A style file that cannot be read.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// The embedded hierarchy.
    #[error("{0}")]
    Hierarchy(String),
}

impl Spec {
    /// Reads what follows `city`: nothing, or `:` and options.
    ///
    /// # Errors
    /// When an option is unknown or its value out of range.
    pub fn parse(text: &str) -> Result<Self, CityError> {
        let mut spec = Self::default();
        let options = text.strip_prefix("city").unwrap_or(text).trim_start_matches(':');
        for option in options.split(',').filter(|o| !o.trim().is_empty()) {
            let wrong = |why: &str| CityError::Option { option: option.to_owned(), why: why.to_owned() };
            let (key, value) = option.split_once('=').ok_or_else(|| wrong("expected key=value"))?;
            let number = |low: u64, high: u64| {
                let found = value.trim().parse::<u64>().ok().filter(|n| (low..=high).contains(n));
                found.ok_or_else(|| wrong(&format!("expected a whole number from {low} to {high}")))
            };
            match key.trim() {
                "seed" => spec.seed = number(0, u64::MAX)?,
                "samples" => spec.samples = number(1, 1_000_000)? as usize,
                "new" => spec.new = number(0, 1_000_000)? as usize,
                "size" => spec.size = number(64, 4096)? as u32,
                "threads" => spec.threads = Some(number(1, 1024)? as usize),
                "style" => value.trim().clone_into(&mut spec.style),
                "words" => {
                    spec.words = match value.trim() {
                        "local" => Words::Local,
                        "english" => Words::English,
                        "both" => Words::Both,
                        _ => return Err(wrong("expected local, english or both")),
                    }
                }
                "layers" => {
                    spec.layers = match value.trim() {
                        "places" => Layers::RoadsAndPlaces,
                        "full" => Layers::Full,
                        _ => return Err(wrong("expected places (roads and places) or full")),
                    }
                }
                "satellite" => spec.jpeg = satellite_format(value.trim()).map_err(wrong)?,
                _ => return Err(wrong("no such option")),
            }
        }
        Ok(spec)
    }

    /// The whole specification, as a location that opens the same city.
    pub fn location(&self) -> String {
        let words = match self.words {
            Words::Local => "local",
            Words::English => "english",
            Words::Both => "both",
        };
        let layers = if self.layers == Layers::Full { "full" } else { "places" };
        let satellite = self.jpeg.map_or_else(|| "png".to_owned(), |q| format!("jpeg{q}"));
        format!(
            "city:samples={},new={},seed={},style={},words={words},layers={layers},size={},satellite={satellite}",
            self.samples, self.new, self.seed, self.style, self.size
        )
    }

    pub(super) fn look(&self) -> Result<Look, CityError> {
        Ok(Look { style: Arc::new(style(&self.style)?), words: self.words, layers: self.layers, jpeg: self.jpeg })
    }
}

/// A style by its name, or from a file that ends in `.toml`.
///
/// # Errors
/// When there is none of that name, or the file is no style.
pub fn style(name: &str) -> Result<Style, CityError> {
    let path = std::path::Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        let text = std::fs::read_to_string(path).map_err(crate::files::FileError::because("read", path))?;
        return Ok(Style::parse(&text, name)?);
    }
    Ok(Style::embedded(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_opens_the_same_city() {
        for text in
            ["city", "city:seed=7,style=dark,words=both", "city:samples=20,new=0,size=256,satellite=png,layers=full"]
        {
            let spec = Spec::parse(text).unwrap();
            assert_eq!(Spec::parse(&spec.location()).unwrap(), spec, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, part) in [
            ("city:samples=0", "whole number from 1"),
            ("city:colour=red", "no such option"),
            ("city:words=latin", "local, english or both"),
            ("city:satellite=gif", "jpeg92"),
            ("city:seed", "key=value"),
        ] {
            assert!(Spec::parse(text).unwrap_err().to_string().contains(part), "{text}");
        }
        assert!(style("nowhere").unwrap_err().to_string().contains("pale"));
    }
}
