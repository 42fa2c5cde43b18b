//! Deterministic restyles of a map *image*: for datasets without vectors, the released SocioSeg above all.
//!
//! Eight kinds at five severities each. Satellite view, mask and text stay byte for byte what they are.

mod colour;
mod filter;
mod labels;

use std::fmt;
use std::str::FromStr;

use image::RgbImage;

use crate::picture;

/// What is done to a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Other colours for the same things: brightness runs over a ramp of foreign hues.
    Palette,
    /// A night map: light and dark change places, hues stay.
    Dark,
    /// Less colour, down to grey.
    Monochrome,
    /// All hues turned, up to the opposite ones.
    Hue,
    /// Thin lines fade into their ground.
    LineThinning,
    /// Labels out of focus.
    LabelBlur,
    /// Labels gone, more of them the higher the severity.
    LabelRemoval,
    /// JPEG at ever lower quality.
    Compression,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Palette,
        Self::Dark,
        Self::Monochrome,
        Self::Hue,
        Self::LineThinning,
        Self::LabelBlur,
        Self::LabelRemoval,
        Self::Compression,
    ];

    /// Its name, as in suites and datasets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Palette => "palette",
            Self::Dark => "dark",
            Self::Monochrome => "monochrome",
            Self::Hue => "hue",
            Self::LineThinning => "line-thinning",
            Self::LabelBlur => "label-blur",
            Self::LabelRemoval => "label-removal",
            Self::Compression => "compression",
        }
    }
}

/// A restyle: a kind and how severe it is, written `dark@3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Restyle {
    /// What is done.
    pub kind: Kind,
    /// How much, `1..=5`.
    pub severity: u8,
}

/// A text that is no restyle.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no restyle: expected a kind and a severity from 1 to 5, as dark@3; kinds: {kinds}", kinds = Kind::ALL.map(Kind::name).join(", "))]
pub struct RestyleError(String);

impl FromStr for Restyle {
    type Err = RestyleError;

    fn from_str(text: &str) -> Result<Self, RestyleError> {
        let wrong = || RestyleError(text.to_owned());
        let (name, severity) = text.split_once('@').ok_or_else(wrong)?;
        let kind = Kind::ALL.into_iter().find(|k| k.name() == name).ok_or_else(wrong)?;
        let severity = severity.parse().ok().filter(|s| (1..=5).contains(s)).ok_or_else(wrong)?;
        Ok(Self { kind, severity })
    }
}

impl fmt::Display for Restyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.kind.name(), self.severity)
    }
}

impl Restyle {
    /// Restyles a map. `seed` chooses which labels are removed; everything else follows from the map alone.
    pub fn apply(self, map: &RgbImage, seed: u64) -> RgbImage {
        let t = f64::from(self.severity) / 5.0;
        match self.kind {
            Kind::Palette => colour::palette(map, t),
            Kind::Dark => colour::dark(map, t),
            Kind::Monochrome => colour::monochrome(map, t),
            Kind::Hue => colour::hue(map, t),
            Kind::LineThinning => filter::thinned(map, self.severity),
            Kind::LabelBlur => labels::blurred(map, self.severity),
            Kind::LabelRemoval => labels::removed(map, t, seed),
            Kind::Compression => {
                let quality = [50, 30, 18, 10, 5][usize::from(self.severity.clamp(1, 5)) - 1];
                // What JPEG cannot hold (a map without pixels) stays as it is.
                let squeezed = picture::to_jpeg(map, quality).and_then(|bytes| picture::decode_rgb(&bytes));
                squeezed.unwrap_or_else(|_| map.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::city::{City, Spec};
    use crate::hash;
    use crate::store::Fields;

    fn map() -> RgbImage {
        let city = std::sync::Arc::new(City::open(Spec::parse("city:samples=12,new=0").unwrap()).unwrap());
        let sample = city.read("train", None, Fields::ALL).next().unwrap().unwrap();
        sample.decode_query().unwrap().map.unwrap().as_ref().clone()
    }

    /// Mean squared difference of the channels.
    fn change(a: &RgbImage, b: &RgbImage) -> f64 {
        let square = |x: &u8, y: &u8| u64::from(x.abs_diff(*y)).pow(2);
        let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(x, y)| square(x, y)).sum();
        sum as f64 / a.as_raw().len() as f64
    }

    #[test]
    fn a_higher_severity_changes_more_and_every_kind_is_deterministic() {
        let map = map();
        for kind in Kind::ALL {
            let mut last = 0.0;
            for severity in 1..=5 {
                let restyle = Restyle { kind, severity };
                let (once, again) = (restyle.apply(&map, 9), restyle.apply(&map, 9));
                assert_eq!(hash::pixels(&once), hash::pixels(&again), "{restyle}");
                assert_eq!(once.dimensions(), map.dimensions());
                let now = change(&map, &once);
                assert!(now >= last && now > 0.0, "{restyle}: {now} after {last}");
                last = now;
            }
        }
    }

    #[test]
    fn names_there_and_back() {
        for text in ["dark@3", "line-thinning@1", "compression@5"] {
            assert_eq!(text.parse::<Restyle>().unwrap().to_string(), text);
        }
        for text in ["dark", "dark@0", "dark@6", "night@2", "@", ""] {
            assert!(text.parse::<Restyle>().unwrap_err().to_string().contains("label-removal"), "{text}");
        }
    }
}
