//! Styles as data: one TOML file each, eight embedded.

use serde::Deserialize;

use crate::Colour;
use crate::feature::{Green, Group, Land, Road};

macro_rules! embedded {
    ($($name:literal),*) => { &[$(($name, include_str!(concat!("../styles/", $name, ".toml")))),*] };
}

const EMBEDDED: &[(&str, &str)] = embedded!["pale", "web", "carto", "mono", "dark", "hybrid", "atlas", "transit"];

/// How a map looks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Style {
    /// Its name, as in file names and datasets.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The cartography that it is a relative of.
    pub like: String,
    /// The ground.
    pub background: Colour,
    /// Whether the satellite view is the ground.
    #[serde(default)]
    pub satellite: bool,
    /// How much black lies over the satellite view, `0..=1`.
    #[serde(default)]
    pub(crate) satellite_veil: f32,
    road: Roads,
    pub(crate) rail: Rail,
    pub(crate) water: Water,
    green: Greens,
    land: Lands,
    pub(crate) building: Fill,
    pub(crate) poi: Poi,
    pub(crate) label: Labels,
}

/// A line's look.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stroke {
    pub(crate) fill: Colour,
    pub(crate) casing: Option<Colour>,
    #[serde(default = "one")]
    pub(crate) casing_px: f32,
    metres: f64,
    min_px: f64,
    max_px: f64,
    pub(crate) dash: Option<[f32; 2]>,
    #[serde(default = "one")]
    pub(crate) opacity: f32,
}

fn one() -> f32 {
    1.0
}

impl Stroke {
    /// Its width in pixels at a ground resolution in metres a pixel.
    pub(crate) fn width(&self, resolution: f64) -> f32 {
        (self.metres / resolution).clamp(self.min_px, self.max_px) as f32
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Roads {
    motorway: Stroke,
    trunk: Stroke,
    primary: Stroke,
    secondary: Stroke,
    tertiary: Stroke,
    residential: Stroke,
    service: Stroke,
    path: Stroke,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rail {
    pub(crate) fill: Colour,
    pub(crate) gap: Option<Colour>,
    pub(crate) px: f32,
    pub(crate) dash: Option<[f32; 2]>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Water {
    pub(crate) fill: Colour,
    pub(crate) line: Option<Colour>,
    pub(crate) line_px: f32,
}

/// An area's look.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fill {
    pub(crate) fill: Colour,
    pub(crate) line: Option<Colour>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Greens {
    park: Fill,
    grass: Fill,
    wood: Fill,
    pitch: Fill,
    cemetery: Fill,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lands {
    residential: Fill,
    commercial: Fill,
    industrial: Fill,
    education: Fill,
    medical: Fill,
    transport: Fill,
    civic: Fill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Plate {
    Disc,
    Square,
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Poi {
    pub(crate) icon_px: f32,
    pub(crate) plate: Plate,
    pub(crate) plate_px: f32,
    pub(crate) px: f32,
    #[serde(default)]
    pub(crate) bold: bool,
    pub(crate) text: Option<Colour>,
    pub(crate) halo: Colour,
    pub(crate) halo_px: f32,
    colour: std::collections::BTreeMap<Group, Colour>,
}

impl Poi {
    /// The colour of a group.
    pub(crate) fn colour(&self, group: Group) -> Colour {
        self.colour.get(&group).copied().unwrap_or(Colour([90, 90, 90]))
    }

    /// How a place's label looks.
    pub(crate) fn look(&self, group: Group) -> TextLook {
        TextLook {
            px: self.px,
            text: self.text.unwrap_or_else(|| self.colour(group)),
            halo: self.halo,
            halo_px: self.halo_px,
            bold: self.bold,
        }
    }
}

/// A label's look.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextLook {
    pub(crate) px: f32,
    pub(crate) text: Colour,
    pub(crate) halo: Colour,
    pub(crate) halo_px: f32,
    #[serde(default)]
    pub(crate) bold: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Labels {
    pub(crate) road: TextLook,
    pub(crate) water: TextLook,
    pub(crate) green: TextLook,
    pub(crate) place: TextLook,
}

/// A style that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StyleError {
    /// No embedded style of that name.
    #[error("no map style `{name}`; there are: {known}; or give the path of a style file (*.toml)")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A style file that does not parse.
    #[error("map style {origin}: {why}")]
    Parse {
        /// The file or the name.
        origin: String,
        /// What is wrong, and where.
        why: String,
    },
}

impl Style {
    /// The names of the embedded styles, SocioSeg's relative first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// An embedded style.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn embedded(name: &str) -> Result<Self, StyleError> {
        let Some((_, text)) = EMBEDDED.iter().find(|(n, _)| *n == name) else {
            let known = Self::names().collect::<Vec<_>>().join(", ");
            return Err(StyleError::Unknown { name: name.to_owned(), known });
        };
        Self::parse(text, name)
    }

    /// Reads a style from TOML; `origin` is told when it is wrong.
    ///
    /// # Errors
    /// When it is no style.
    pub fn parse(text: &str, origin: &str) -> Result<Self, StyleError> {
        let wrong = |why: String| StyleError::Parse { origin: origin.to_owned(), why };
        let style: Self = toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        let roads = Road::ALL.map(|r| (r, style.road(r)));
        if let Some((road, _)) = roads.iter().find(|(_, s)| s.min_px > s.max_px || s.metres <= 0.0 || s.min_px <= 0.0) {
            return Err(wrong(format!("road {road:?}: widths must be above 0 and min_px not above max_px")));
        }
        let texts =
            [style.poi.px, style.label.road.px, style.label.water.px, style.label.green.px, style.label.place.px];
        if !texts.iter().all(|px| (6.0..=48.0).contains(px)) {
            return Err(wrong("texts must be 6 to 48 px high".to_owned()));
        }
        Ok(style)
    }

    pub(crate) fn road(&self, road: Road) -> &Stroke {
        match road {
            Road::Motorway => &self.road.motorway,
            Road::Trunk => &self.road.trunk,
            Road::Primary => &self.road.primary,
            Road::Secondary => &self.road.secondary,
            Road::Tertiary => &self.road.tertiary,
            Road::Residential => &self.road.residential,
            Road::Service => &self.road.service,
            Road::Path => &self.road.path,
        }
    }

    pub(crate) fn green(&self, green: Green) -> &Fill {
        match green {
            Green::Park => &self.green.park,
            Green::Grass => &self.green.grass,
            Green::Wood => &self.green.wood,
            Green::Pitch => &self.green.pitch,
            Green::Cemetery => &self.green.cemetery,
        }
    }

    pub(crate) fn land(&self, land: Land) -> &Fill {
        match land {
            Land::Residential => &self.land.residential,
            Land::Commercial => &self.land.commercial,
            Land::Industrial => &self.land.industrial,
            Land::Education => &self.land.education,
            Land::Medical => &self.land.medical,
            Land::Transport => &self.land.transport,
            Land::Civic => &self.land.civic,
        }
    }
}

impl Road {
    /// All classes, from the widest.
    pub const ALL: [Self; 8] = [
        Self::Motorway,
        Self::Trunk,
        Self::Primary,
        Self::Secondary,
        Self::Tertiary,
        Self::Residential,
        Self::Service,
        Self::Path,
    ];
}
