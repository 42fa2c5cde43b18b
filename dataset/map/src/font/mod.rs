//! Text: shaped with Noto Sans, and with GNU Unifont for the scripts that it lacks.
//!
//! Both come with crates (OFL-1.1). Noto Sans has Latin, Greek and Cyrillic outlines; Unifont has a 16-pixel bitmap of
//! every character of the basic plane, Chinese and Japanese among them, which is traced here. No font of the system is
//! ever asked.

mod bitmap;

use std::sync::OnceLock;

use harfrust::font::Font;
use harfrust::{Buffer, ShaperFont};
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};
use tiny_skia::{Path, PathBuilder};

/// One line of text as outlines: the base line at y 0, the first letter at x 0, pixels.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) path: Option<Path>,
    pub(crate) width: f32,
    /// Above the base line, accents on capitals included.
    pub(crate) ascent: f32,
    /// Below the base line.
    pub(crate) descent: f32,
}

struct Face {
    shaper: Font,
    outlines: FontRef<'static>,
    units: f32,
}

fn face(bold: bool) -> Option<&'static Face> {
    static REGULAR: OnceLock<Option<Face>> = OnceLock::new();
    static BOLD: OnceLock<Option<Face>> = OnceLock::new();
    let (cell, bytes) = if bold { (&BOLD, notosans::BOLD_TTF) } else { (&REGULAR, notosans::REGULAR_TTF) };
    cell.get_or_init(|| {
        let outlines = FontRef::new(bytes).ok()?;
        let units = f32::from(outlines.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        Some(Face { shaper: Font::new(bytes, 0)?, outlines, units })
    })
    .as_ref()
}

/// Lays one line of text out, `px` pixels an em.
pub(crate) fn line(text: &str, px: f32, bold: bool) -> Line {
    let mut path = PathBuilder::new();
    let mut x = 0.0;
    let (mut ascent, mut descent) = (0.95 * px, 0.25 * px);
    let Some(face) = face(bold) else { return Line { path: None, width: 0.0, ascent, descent } };
    for (outlined, run) in runs(text, face) {
        if outlined {
            x = shape(face, &run, px, x, &mut path);
        } else {
            // On whole pixels the bitmap stays crisp.
            x = libm::ceilf(x);
            let scale = bitmap::scale(px);
            for c in run.chars() {
                x += bitmap::push(c, x, scale, &mut path);
            }
            ascent = ascent.max(bitmap::ASCENT * scale);
            descent = descent.max(bitmap::DESCENT * scale);
        }
    }
    Line { path: path.finish(), width: x, ascent, descent }
}

/// Whether a text can be set letter by letter with these fonts.
pub(crate) fn writes(text: &str) -> bool {
    let joined = |c: char| matches!(u32::from(c), 0x0590..=0x08FF | 0x0900..=0x109F | 0x1780..=0x17FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF);
    !text.chars().any(joined)
}

/// Splits a text where the font changes; white space stays with the run before it.
fn runs(text: &str, face: &Face) -> Vec<(bool, String)> {
    let charmap = face.outlines.charmap();
    let mut runs: Vec<(bool, String)> = Vec::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        let outlined = charmap.map(c).is_some();
        match runs.last_mut() {
            Some((o, run)) if *o == outlined || c.is_whitespace() => run.push(c),
            _ => runs.push((outlined, c.to_string())),
        }
    }
    runs
}

fn shape(face: &Face, run: &str, px: f32, mut x: f32, path: &mut PathBuilder) -> f32 {
    let scale = px / face.units;
    let mut buffer = Buffer::new();
    buffer.push_str(run);
    buffer.guess_segment_properties();
    if harfrust::shape(&ShaperFont::new(&face.shaper), &mut buffer, harfrust::ShapeOptions::default()).is_err() {
        return x;
    }
    for (glyph, place) in buffer.glyph_infos().iter().zip(buffer.glyph_positions()) {
        let mut pen = Pen { path, scale, x: x + place.x_offset as f32 * scale, y: -(place.y_offset as f32) * scale };
        if let Some(outline) = face.outlines.outline_glyphs().get(GlyphId::new(glyph.glyph_id)) {
            // A glyph that does not draw leaves its room empty.
            let _ = outline.draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut pen);
        }
        x += place.x_advance as f32 * scale;
    }
    x
}

/// Scales a glyph's outline into the path; fonts have y up, pictures down.
struct Pen<'a> {
    path: &'a mut PathBuilder,
    scale: f32,
    x: f32,
    y: f32,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let ((cx, cy), (x, y)) = (self.at(cx, cy), self.at(x, y));
        self.path.quad_to(cx, cy, x, y);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let ((ax, ay), (bx, by), (x, y)) = (self.at(ax, ay), self.at(bx, by), self.at(x, y));
        self.path.cubic_to(ax, ay, bx, by, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finnish_swedish_and_russian_letters_are_outlined_and_chinese_is_traced() {
        for (text, outlined) in
            [("Töölönkatu", true), ("Åbovägen", true), ("Школа", true), ("济南动物园", false), ("さくら", false)]
        {
            let parts = runs(text, face(false).unwrap());
            assert_eq!(parts, [(outlined, text.to_owned())]);
            let line = line(text, 13.0, false);
            assert!(line.path.is_some() && line.width > 20.0, "{text}: {}", line.width);
        }
    }

    #[test]
    fn what_cannot_be_set_is_left_out() {
        for (text, can) in [("Helsinki", true), ("济南", true), ("كابول", false), ("बनेपा", false), ("תל אביב", false)]
        {
            assert_eq!(writes(text), can, "{text}");
        }
    }

    #[test]
    fn scripts_mix_in_one_line() {
        let parts = runs("Bus 南京路 Stop", face(false).unwrap());
        assert_eq!(
            parts.iter().map(|(o, t)| (*o, t.as_str())).collect::<Vec<_>>(),
            [(true, "Bus "), (false, "南京路 "), (true, "Stop")]
        );
    }

    #[test]
    fn accents_are_part_of_the_ink() {
        let (plain, dotted) = (line("O", 100.0, false), line("Ö", 100.0, false));
        let top = |l: &Line| l.path.as_ref().unwrap().bounds().top();
        assert!(top(&dotted) < top(&plain) - 10.0);
        assert!(-top(&dotted) <= dotted.ascent);
    }
}
