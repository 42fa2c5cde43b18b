//! Labels of places beside their icons, and of areas in their middles.

use tiny_skia::Transform;

use super::room::{Quad, Room, upright};
use super::{Label, LabelKind, Placed, spot};
use crate::feature::{Feature, Geometry, Kind, Xy};
use crate::font;
use crate::render::Request;
use crate::shape;
use crate::style::{Plate, TextLook};

/// English names longer than this are broken in two lines.
const LINE: usize = 17;

/// How a block of lines sits at a spot.
#[derive(Clone, Copy)]
enum Side {
    Right,
    Left,
    Below,
    Above,
    Over,
}

pub(super) fn places(features: &[Feature], request: &Request<'_>, room: &mut Room, placed: &mut Placed) {
    let poi = &request.style.poi;
    let plate = f64::from(if poi.plate == Plate::None { poi.icon_px } else { poi.plate_px }) + 2.0;
    for index in by_rank(features, |k| matches!(k, Kind::Place { .. })) {
        let feature = &features[index];
        let (Kind::Place { group, .. }, Some([x, y])) = (&feature.kind, spot(feature)) else { continue };
        // Plates on whole pixels have even edges.
        let at = [libm::floor(x) + 0.5, libm::floor(y) + 0.5];
        let icon = upright(at[0] - plate / 2.0, at[1] - plate / 2.0, plate, plate);
        if !room.free(&[icon]) {
            placed.crowded_out.push(index);
            continue;
        }
        room.take(&[icon]);
        placed.icons.push((index, at));
        let block = Block::new(&request.words.lines(&feature.names), &poi.look(*group));
        let sides = [Side::Right, Side::Left, Side::Below, Side::Above];
        if let Some(label) = block.place(at, plate / 2.0 + 2.0, &sides, room, LabelKind::Place, index) {
            placed.labels.push(label);
        }
    }
}

pub(super) fn areas(features: &[Feature], request: &Request<'_>, room: &mut Room, labels: &mut Vec<Label>) {
    let style = &request.style.label;
    for index in by_rank(features, |k| matches!(k, Kind::Water | Kind::Green(_) | Kind::District)) {
        let feature = &features[index];
        let (kind, look) = match feature.kind {
            Kind::Water => (LabelKind::Water, &style.water),
            Kind::Green(_) => (LabelKind::Green, &style.green),
            _ => (LabelKind::District, &style.place),
        };
        let block = Block::new(&request.words.lines(&feature.names), look);
        let at = match &feature.geometry {
            Geometry::Point(at) => Some(*at),
            // A name wider than what it names would be read as its neighbour's.
            Geometry::Area(rings) => shape::inside_point(rings).filter(|_| block.width <= width(rings) * 1.1),
            Geometry::Line(_) => None,
        };
        let Some(at) = at else { continue };
        labels.extend(block.place(at, 0.0, &[Side::Over], room, kind, index));
    }
}

fn width(rings: &[Vec<Xy>]) -> f64 {
    let xs = || rings.iter().flatten().map(|p| p[0]);
    xs().fold(f64::NEG_INFINITY, f64::max) - xs().fold(f64::INFINITY, f64::min)
}

/// Indices of features of a kind, the highest rank first.
fn by_rank(features: &[Feature], kind: impl Fn(&Kind) -> bool) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..features.len()).filter(|i| kind(&features[*i].kind)).collect();
    indices.sort_by(|a, b| features[*b].rank.total_cmp(&features[*a].rank).then(a.cmp(b)));
    indices
}

/// Lines of text laid out, not yet anywhere.
struct Block {
    lines: Vec<(String, font::Line)>,
    look: TextLook,
    width: f64,
    height: f64,
}

impl Block {
    fn new(lines: &[String], look: &TextLook) -> Self {
        let lines: Vec<_> = lines
            .iter()
            .flat_map(|l| broken(l))
            .map(|l| {
                let line = font::line(&l, look.px, look.bold);
                (l, line)
            })
            .collect();
        let width = lines.iter().map(|(_, l)| f64::from(l.width)).fold(0.0, f64::max);
        let height = lines.iter().map(|(_, l)| f64::from(l.ascent + l.descent)).sum();
        Self { lines, look: look.clone(), width, height }
    }

    /// Places the block on the first side that has room.
    fn place(
        &self,
        [x, y]: Xy,
        gap: f64,
        sides: &[Side],
        room: &mut Room,
        kind: LabelKind,
        feature: usize,
    ) -> Option<Label> {
        if self.lines.is_empty() {
            return None;
        }
        let pad = f64::from(self.look.halo_px) + 0.5;
        for side in sides {
            let (left, top) = match side {
                Side::Right => (x + gap + pad, y - self.height / 2.0),
                Side::Left => (x - gap - pad - self.width, y - self.height / 2.0),
                Side::Below => (x - self.width / 2.0, y + gap + pad),
                Side::Above => (x - self.width / 2.0, y - gap - pad - self.height),
                Side::Over => (x - self.width / 2.0, y - self.height / 2.0),
            };
            // Upright text is crispest on whole pixels.
            let (left, mut top) = (libm::round(left), libm::round(top));
            let mut quads: Vec<Quad> = Vec::new();
            let mut paths = Vec::new();
            for (_, line) in &self.lines {
                let (width, height) = (f64::from(line.width), f64::from(line.ascent + line.descent));
                let start = match side {
                    Side::Right => left,
                    Side::Left => left + libm::round(self.width - width),
                    _ => left + libm::round((self.width - width) / 2.0),
                };
                quads.push(upright(start, top, width, height));
                let base = libm::roundf(top as f32 + line.ascent);
                let moved = |p: tiny_skia::Path| p.transform(Transform::from_translate(start as f32, base));
                paths.extend(line.path.clone().and_then(moved));
                top += libm::round(height);
            }
            let padded: Vec<Quad> = quads
                .iter()
                .map(|q| upright(q[0][0] - pad, q[0][1] - 0.5, q[1][0] - q[0][0] + 2.0 * pad, q[2][1] - q[1][1] + 1.0))
                .collect();
            if room.free(&padded) {
                room.take(&padded);
                let lines = self.lines.iter().map(|(text, _)| text.clone()).collect();
                return Some(Label { kind, feature, lines, quads, paths, look: self.look.clone() });
            }
        }
        None
    }
}

/// A long text in two lines, broken at the space nearest to its middle.
fn broken(text: &str) -> Vec<String> {
    let count = text.chars().count();
    if count <= LINE {
        return vec![text.to_owned()];
    }
    let nearest = text
        .char_indices()
        .enumerate()
        .filter(|(_, (_, c))| *c == ' ')
        .min_by_key(|(i, _)| (2 * i).abs_diff(count))
        .map(|(_, (byte, _))| byte);
    match nearest {
        Some(at) => vec![text[..at].to_owned(), text[at + 1..].to_owned()],
        None => vec![text.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_broken_at_the_middle_space() {
        assert_eq!(broken("Linjiang No. 3 Middle School"), ["Linjiang No. 3", "Middle School"]);
        assert_eq!(broken("Jinan Zoo"), ["Jinan Zoo"]);
        assert_eq!(broken("Verylongnamewithoutspaces"), ["Verylongnamewithoutspaces"]);
    }
}
