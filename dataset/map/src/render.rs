//! From features to a picture, and what was written on it.

use image::RgbImage;

use crate::canvas::Canvas;
use crate::feature::{Feature, Names};
use crate::label::{self, Label};
use crate::paint;
use crate::style::Style;

/// What is drawn beside roads, rails, places and their labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layers {
    /// Nothing: as SocioSeg's maps. Areas painted by class would give the masks away.
    #[default]
    RoadsAndPlaces,
    /// Land use, green, water, buildings, and the names of areas.
    Full,
}

/// The language of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// As written at the place.
    Local,
    /// English where known, else local.
    #[default]
    English,
    /// Local, and English below it.
    Both,
}

impl Words {
    /// The lines of a label; none for a feature without a name, or with one in a script whose letters change with their
    /// neighbours (Arabic, Hebrew, those of India and Southeast Asia): no font for them comes with a crate.
    pub fn lines(self, names: &Names) -> Vec<String> {
        let writable = |text: &&str| crate::font::writes(text);
        let local = Some(names.local.trim()).filter(writable).unwrap_or_default();
        let english = names.english.as_deref().map(str::trim).filter(|e| !e.is_empty()).filter(writable);
        let lines = match self {
            Self::Local => vec![if local.is_empty() { english.unwrap_or_default() } else { local }],
            Self::English => vec![english.unwrap_or(local)],
            Self::Both => match english {
                Some(english) if english != local => vec![local, english],
                _ => vec![local],
            },
        };
        lines.into_iter().filter(|l| !l.is_empty()).map(str::to_owned).collect()
    }
}

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Metres on the ground a pixel: widths of roads follow it.
    pub resolution: f64,
    /// The look.
    pub style: &'a Style,
    /// The language of labels.
    pub words: Words,
    /// What is drawn beside roads and places.
    pub layers: Layers,
    /// The satellite view, for styles whose ground it is; without one they use their background colour.
    pub satellite: Option<&'a RgbImage>,
}

/// A map, and the labels on it.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The picture.
    pub image: RgbImage,
    /// What is written on it, in the order of placing.
    pub labels: Vec<Label>,
    /// Places whose icon found no room, as indices of features.
    pub crowded_out: Vec<usize>,
}

/// Draws a map. Same input, same pixels.
pub fn render(features: &[Feature], request: &Request<'_>) -> Rendered {
    let style = request.style;
    let ground = request.satellite.filter(|s| style.satellite && s.dimensions() == (request.width, request.height));
    let mut canvas = match ground {
        Some(picture) => Canvas::veiled(picture, style.satellite_veil),
        None => Canvas::filled(request.width, request.height, style.background),
    };
    paint::paint(&mut canvas, features, style, request.resolution, request.layers);
    let placed = label::place(features, request);
    label::draw(&mut canvas, features, style, &placed);
    Rendered { image: canvas.into_rgb(), labels: placed.labels, crowded_out: placed.crowded_out }
}
