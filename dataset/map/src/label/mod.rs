//! Labels: placed so that none covers another, an icon, or the border.

mod line;
mod place;
mod room;

use tiny_skia::{Path, Rect};

use crate::canvas::{Canvas, Pen};
use crate::feature::{Feature, Geometry, Kind, Xy};
use crate::icon;
use crate::render::Request;
use crate::style::{Plate, Style, TextLook};
pub use room::Quad;
use room::Room;

/// What a label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// A place with an icon.
    Place,
    /// A road.
    Road,
    /// Water.
    Water,
    /// Green.
    Green,
    /// A part of town.
    District,
}

/// A label on the map.
#[derive(Debug, Clone)]
pub struct Label {
    /// What it names.
    pub kind: LabelKind,
    /// The index of the feature it names.
    pub feature: usize,
    /// Its lines, from above.
    pub lines: Vec<String>,
    /// Where each line is: corners from its upper left one, clockwise as one reads.
    pub quads: Vec<Quad>,
    pub(crate) paths: Vec<Path>,
    pub(crate) look: TextLook,
}

/// What labelling decided.
pub(crate) struct Placed {
    pub(crate) labels: Vec<Label>,
    /// Icons drawn: the feature and the middle.
    pub(crate) icons: Vec<(usize, Xy)>,
    pub(crate) crowded_out: Vec<usize>,
}

/// Finds room for icons and labels: places by rank, then roads from the widest, then areas.
pub(crate) fn place(features: &[Feature], request: &Request<'_>) -> Placed {
    let mut room = Room::new(request.width, request.height);
    let mut placed = Placed { labels: Vec::new(), icons: Vec::new(), crowded_out: Vec::new() };
    place::places(features, request, &mut room, &mut placed);
    line::roads(features, request, &mut room, &mut placed.labels);
    if request.layers == crate::render::Layers::Full {
        place::areas(features, request, &mut room, &mut placed.labels);
    }
    placed
}

/// Draws icons, then labels: all halos before all letters, so that no halo covers a letter.
pub(crate) fn draw(canvas: &mut Canvas, features: &[Feature], style: &Style, placed: &Placed) {
    for (feature, at) in &placed.icons {
        draw_icon(canvas, &features[*feature], style, *at);
    }
    for label in &placed.labels {
        for path in &label.paths {
            canvas.stroke(path, &Pen::solid(label.look.halo, label.look.halo_px * 2.0));
        }
    }
    for label in &placed.labels {
        for path in &label.paths {
            canvas.fill_text(path, label.look.text);
        }
    }
}

fn draw_icon(canvas: &mut Canvas, feature: &Feature, style: &Style, [x, y]: Xy) {
    let Kind::Place { class, group } = &feature.kind else { return };
    let (poi, colour) = (&style.poi, style.poi.colour(*group));
    let (x, y, half) = (x as f32, y as f32, poi.plate_px / 2.0);
    let plate = match poi.plate {
        Plate::Disc => tiny_skia::PathBuilder::from_circle(x, y, half),
        Plate::Square => {
            Rect::from_xywh(x - half, y - half, poi.plate_px, poi.plate_px).map(tiny_skia::PathBuilder::from_rect)
        }
        Plate::None => None,
    };
    let glyph = icon::path(class, poi.icon_px, x, y);
    let ink = if let Some(plate) = plate {
        canvas.stroke(&plate, &Pen::solid(poi.halo, 2.0));
        canvas.fill(&plate, colour, 1.0);
        // On a plate the glyph is cut out in white, or in black where the plate is too light for it.
        let [r, g, b] = colour.0.map(u32::from);
        if 299 * r + 587 * g + 114 * b > 175_000 { crate::Colour([24, 24, 24]) } else { crate::Colour([255; 3]) }
    } else {
        if let Some(glyph) = &glyph {
            canvas.stroke(glyph, &Pen::solid(poi.halo, 2.0));
        }
        colour
    };
    if let Some(glyph) = glyph {
        canvas.fill(&glyph, ink, 1.0);
    }
}

/// The spot of a point feature.
fn spot(feature: &Feature) -> Option<Xy> {
    match feature.geometry {
        Geometry::Point(at) => Some(at),
        _ => None,
    }
}
