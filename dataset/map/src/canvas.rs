//! The picture being drawn on: tiny-skia behind the few calls that a map needs.

use image::RgbImage;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8, StrokeDash, Transform,
};

use crate::Colour;
use crate::feature::Xy;

pub(crate) struct Canvas {
    // None for a picture without pixels, on which nothing is drawn.
    pixmap: Option<Pixmap>,
}

/// How a line is drawn.
pub(crate) struct Pen {
    pub(crate) colour: Colour,
    pub(crate) width: f32,
    pub(crate) opacity: f32,
    pub(crate) dash: Option<[f32; 2]>,
    /// Whether the ends are cut straight; round else.
    pub(crate) butt: bool,
}

impl Pen {
    pub(crate) fn solid(colour: Colour, width: f32) -> Self {
        Self { colour, width, opacity: 1.0, dash: None, butt: false }
    }
}

impl Canvas {
    pub(crate) fn filled(width: u32, height: u32, colour: Colour) -> Self {
        let mut pixmap = Pixmap::new(width, height);
        if let Some(p) = pixmap.as_mut() {
            let [r, g, b] = colour.0;
            p.fill(tiny_skia::Color::from_rgba8(r, g, b, 255));
        }
        Self { pixmap }
    }

    /// A picture under a black veil of `0..=1`.
    pub(crate) fn veiled(picture: &RgbImage, veil: f32) -> Self {
        let mut pixmap = Pixmap::new(picture.width(), picture.height());
        let keep = ((1.0 - veil.clamp(0.0, 1.0)) * 256.0) as u32;
        let dim = |v: u8| (u32::from(v) * keep / 256) as u8;
        if let Some(p) = pixmap.as_mut() {
            for (to, from) in p.pixels_mut().iter_mut().zip(picture.pixels()) {
                let [r, g, b] = from.0.map(dim);
                // A colour of full opacity is always a valid one.
                *to = PremultipliedColorU8::from_rgba(r, g, b, 255).unwrap_or(PremultipliedColorU8::TRANSPARENT);
            }
        }
        Self { pixmap }
    }

    pub(crate) fn fill(&mut self, path: &Path, colour: Colour, opacity: f32) {
        if let Some(p) = self.pixmap.as_mut() {
            p.fill_path(path, &paint(colour, opacity), FillRule::EvenOdd, Transform::identity(), None);
        }
    }

    /// Fills text, whose glyphs may overlap.
    pub(crate) fn fill_text(&mut self, path: &Path, colour: Colour) {
        if let Some(p) = self.pixmap.as_mut() {
            p.fill_path(path, &paint(colour, 1.0), FillRule::Winding, Transform::identity(), None);
        }
    }

    pub(crate) fn stroke(&mut self, path: &Path, pen: &Pen) {
        let stroke = tiny_skia::Stroke {
            width: pen.width,
            line_cap: if pen.butt || pen.dash.is_some() { LineCap::Butt } else { LineCap::Round },
            line_join: LineJoin::Round,
            dash: pen.dash.and_then(|d| StrokeDash::new(d.to_vec(), 0.0)),
            ..tiny_skia::Stroke::default()
        };
        if let Some(p) = self.pixmap.as_mut() {
            p.stroke_path(path, &paint(pen.colour, pen.opacity), &stroke, Transform::identity(), None);
        }
    }

    pub(crate) fn into_rgb(self) -> RgbImage {
        let Some(pixmap) = self.pixmap else { return RgbImage::new(0, 0) };
        let (width, height) = (pixmap.width(), pixmap.height());
        // Everything lies on an opaque ground, so premultiplied colours are the colours.
        let bytes = pixmap.data().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        RgbImage::from_raw(width, height, bytes).unwrap_or_default()
    }
}

fn paint(colour: Colour, opacity: f32) -> Paint<'static> {
    let [r, g, b] = colour.0;
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
    paint
}

/// An open line; `None` below two points or where a coordinate is not a number.
pub(crate) fn line_path(points: &[Xy]) -> Option<Path> {
    let mut path = PathBuilder::new();
    push(&mut path, points);
    if points.len() < 2 { None } else { path.finish() }
}

/// Several open lines as one path.
pub(crate) fn lines_path<'a>(lines: impl Iterator<Item = &'a [Xy]>) -> Option<Path> {
    let mut path = PathBuilder::new();
    for line in lines.filter(|l| l.len() > 1 && l.iter().flatten().all(|v| v.is_finite())) {
        push(&mut path, line);
    }
    path.finish()
}

/// Closed rings.
pub(crate) fn area_path(rings: &[Vec<Xy>]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for ring in rings.iter().filter(|r| r.len() > 2) {
        push(&mut path, ring);
        path.close();
    }
    path.finish()
}

fn push(path: &mut PathBuilder, points: &[Xy]) {
    for (i, [x, y]) in points.iter().enumerate() {
        let (x, y) = (*x as f32, *y as f32);
        if i == 0 {
            path.move_to(x, y);
        } else {
            path.line_to(x, y);
        }
    }
}
