//! Everything but labels and icons, drawn from the ground up.

use crate::Colour;
use crate::canvas::{Canvas, Pen, area_path, line_path, lines_path};
use crate::feature::{Feature, Geometry, Kind, Road, Xy};
use crate::render::Layers;
use crate::style::{Fill, Style};

/// Draws areas (where the layers have them), rails and roads.
pub(crate) fn paint(canvas: &mut Canvas, features: &[Feature], style: &Style, resolution: f64, layers: Layers) {
    // Areas over a satellite view would hide what it is there for.
    if layers == Layers::Full && !style.satellite {
        areas(canvas, features, |kind| match kind {
            Kind::Land(land) => Some(style.land(*land)),
            _ => None,
        });
        areas(canvas, features, |kind| match kind {
            Kind::Green(green) => Some(style.green(*green)),
            _ => None,
        });
        water(canvas, features, style);
        areas(canvas, features, |kind| (*kind == Kind::Building).then_some(&style.building));
    }
    rails(canvas, features, style);
    roads(canvas, features, style, resolution);
}

fn areas<'a>(canvas: &mut Canvas, features: &[Feature], look: impl Fn(&Kind) -> Option<&'a Fill>) {
    for feature in features {
        if let (Some(look), Geometry::Area(rings)) = (look(&feature.kind), &feature.geometry) {
            area(canvas, rings, look.fill, look.line);
        }
    }
}

fn area(canvas: &mut Canvas, rings: &[Vec<Xy>], fill: Colour, line: Option<Colour>) {
    let Some(path) = area_path(rings) else { return };
    canvas.fill(&path, fill, 1.0);
    if let Some(line) = line {
        canvas.stroke(&path, &Pen::solid(line, 1.0));
    }
}

fn water(canvas: &mut Canvas, features: &[Feature], style: &Style) {
    let look = &style.water;
    for feature in features.iter().filter(|f| f.kind == Kind::Water) {
        match &feature.geometry {
            Geometry::Area(rings) => area(canvas, rings, look.fill, look.line),
            Geometry::Line(points) => {
                if let Some(path) = line_path(points) {
                    canvas.stroke(&path, &Pen::solid(look.fill, look.line_px));
                }
            }
            Geometry::Point(_) => {}
        }
    }
}

fn rails(canvas: &mut Canvas, features: &[Feature], style: &Style) {
    let look = &style.rail;
    for feature in features.iter().filter(|f| f.kind == Kind::Rail) {
        let Geometry::Line(points) = &feature.geometry else { continue };
        let Some(path) = line_path(points) else { continue };
        canvas.stroke(&path, &Pen::solid(look.fill, look.px));
        if let Some(gap) = look.gap {
            let dash = look.dash.or(Some([8.0, 8.0]));
            canvas.stroke(&path, &Pen { dash, butt: true, ..Pen::solid(gap, (look.px - 1.4).max(0.8)) });
        }
    }
}

/// All casings before all fills, narrow classes before wide ones: crossings of one class open into each other, and wide
/// roads run over narrow ones. A class is one path, so that half-transparent roads get no denser where they cross.
fn roads(canvas: &mut Canvas, features: &[Feature], style: &Style, resolution: f64) {
    let paths = Road::ALL.map(|road| {
        let lines = features.iter().filter(|f| f.kind == Kind::Road(road)).filter_map(|f| match &f.geometry {
            Geometry::Line(points) => Some(points.as_slice()),
            _ => None,
        });
        (style.road(road), lines_path(lines))
    });
    for (look, path) in paths.iter().rev() {
        if let (Some(casing), Some(path)) = (look.casing, path) {
            let width = look.width(resolution) + 2.0 * look.casing_px;
            canvas.stroke(path, &Pen { opacity: look.opacity, ..Pen::solid(casing, width) });
        }
    }
    for (look, path) in paths.iter().rev() {
        if let Some(path) = path {
            let pen = Pen { opacity: look.opacity, dash: look.dash, ..Pen::solid(look.fill, look.width(resolution)) };
            canvas.stroke(path, &pen);
        }
    }
}
