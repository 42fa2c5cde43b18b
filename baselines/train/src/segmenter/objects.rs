//! What there is to cut in a lesson, and the marks that ask for it.

use serde::{Deserialize, Serialize};
use socio_dataset::Mask;
use socio_dataset::city::Facts;
use socio_dataset::hash::SplitMix;
use socio_dataset::map::{Xy, contains};
use socio_models::sam::prompt::{Click, Prompt};

use crate::nano::dense::hull;

/// The least side of an object, in pixels of the network's input: less shows nothing.
const LEAST: f64 = 4.0;

/// How an object is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Marks {
    /// By a box.
    Box,
    /// By points.
    Points,
    /// By both.
    Both,
}

/// An object of a picture, in pixels of the network's input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    /// Its outline.
    pub(super) ring: Vec<Xy>,
    /// Its box.
    pub(super) bbox: [f64; 4],
}

/// The objects of a lesson at `side` pixels: places and other sites, those that are large enough to be seen.
pub(super) fn objects(facts: &Facts, side: usize) -> Vec<Object> {
    let scale = side as f64 / f64::from(facts.size);
    let rings = facts.places.iter().map(|p| &p.ring).chain(&facts.others);
    let seen = rings.filter_map(|ring| {
        let ring: Vec<Xy> = ring.iter().map(|p| p.map(|v| v * scale)).collect();
        let bbox = hull(&ring, side as f64)?;
        (bbox[2] - bbox[0] >= LEAST && bbox[3] - bbox[1] >= LEAST).then_some(Object { ring, bbox })
    });
    seen.collect()
}

impl Object {
    /// How much of each of `cells` by `cells` squares of the picture it covers, 0 to 1: sampled four by four.
    pub(super) fn cover(&self, side: usize, cells: usize) -> Vec<f32> {
        const FINE: usize = 4;
        let scale = (cells * FINE) as f64 / side as f64;
        let ring: Vec<Xy> = self.ring.iter().map(|p| p.map(|v| v * scale)).collect();
        let size = (cells * FINE) as u32;
        let mut mask = Mask::new(size, size);
        mask.fill_rings(&[ring]);
        let mut cover = vec![0.0; cells * cells];
        for y in 0..size {
            for x in 0..size {
                if mask.get(x, y) {
                    cover[y as usize / FINE * cells + x as usize / FINE] += 1.0 / (FINE * FINE) as f32;
                }
            }
        }
        cover
    }

    /// A point inside it and inside the picture.
    fn inside(&self, side: f64, random: &mut SplitMix) -> Xy {
        let [x0, y0, x1, y1] = self.bbox;
        let ring = std::slice::from_ref(&self.ring);
        // A thin outline may be missed; its box's middle is near it.
        for _ in 0..32 {
            let at = [random.between(x0, x1), random.between(y0, y1)];
            if contains(ring, at) {
                return at;
            }
        }
        [f64::midpoint(x0, x1), f64::midpoint(y0, y1)].map(|v| v.clamp(0.0, side))
    }

    /// Marks of it. `loose` is how far, at most, the sides of a box are off: a share of the box's own.
    pub(super) fn marked(&self, marks: Marks, points: usize, loose: f64, side: usize, random: &mut SplitMix) -> Prompt {
        let whole = side as f64;
        let [x0, y0, x1, y1] = self.bbox;
        let (w, h) = (x1 - x0, y1 - y0);
        let mut off = |v: f64, size: f64| (v + random.between(-loose, loose) * size).clamp(0.0, whole);
        let bbox = [off(x0, w), off(y0, h), off(x1, w), off(y1, h)];
        let click = |at: Xy| Click { at: at.map(|v| v as f32), on: true };
        Prompt {
            bbox: (marks != Marks::Points).then_some(bbox.map(|v| v as f32)),
            points: match marks {
                Marks::Box => Vec::new(),
                _ => (0..points).map(|_| click(self.inside(whole, random))).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_lie_on_what_they_mark() {
        let ring = vec![[8.0, 8.0], [24.0, 8.0], [24.0, 16.0], [8.0, 16.0]];
        let object = Object { bbox: [8.0, 8.0, 24.0, 16.0], ring };
        let cover = object.cover(32, 8);
        assert_eq!(cover.iter().sum::<f32>(), 4.0 * 2.0);
        assert_eq!((cover[2 * 8 + 2], cover[2 * 8 + 6], cover[4 * 8 + 2]), (1.0, 0.0, 0.0));
        let mut random = SplitMix(3);
        let marked = object.marked(Marks::Both, 3, 0.0, 32, &mut random);
        assert_eq!(marked.bbox, Some([8.0, 8.0, 24.0, 16.0]));
        assert_eq!(marked.points.len(), 3);
        assert!(
            marked.points.iter().all(|p| p.on && (8.0..=24.0).contains(&p.at[0]) && (8.0..=16.0).contains(&p.at[1]))
        );
        assert!(object.marked(Marks::Points, 1, 0.1, 32, &mut random).bbox.is_none());
        let loose = object.marked(Marks::Box, 1, 0.25, 32, &mut random);
        assert!(
            loose.points.is_empty()
                && loose.bbox.is_some_and(|b| (b[0] - 8.0).abs() <= 4.0 && (b[3] - 16.0).abs() <= 2.0)
        );
    }
}
