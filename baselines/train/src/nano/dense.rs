//! What every visual token of a lesson could say: for teaching the eye before the tongue.
//!
//! Map tokens: which icon stands in them, and where. Satellite tokens: the box of the site under their middle, and what its
//! icon on the map says it is.

use std::collections::HashMap;

use socio_dataset::Hierarchy;
use socio_dataset::city::Facts;
use socio_dataset::map::{Xy, contains};

use crate::TrainError;

/// Numbers of classes and functions; 0 stands for none.
#[derive(Debug, Clone)]
pub struct Labels {
    classes: HashMap<String, u32>,
    functions: HashMap<String, u32>,
}

/// What the tokens of one lesson's two pictures should say, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dense {
    /// Map: class and function of the icon in it, 0 where there is none.
    pub icon: Vec<[u32; 2]>,
    /// Map: where the icon stands, in sides of the picture.
    pub at: Vec<[f32; 2]>,
    /// Satellite: class and function of the place under its middle; 0 where there is none, or none with an icon.
    pub place: Vec<[u32; 2]>,
    /// Satellite: box of the site under its middle, in sides of the picture; none where there is none.
    pub site: Vec<Option<[f32; 4]>>,
}

impl Labels {
    /// Those of the embedded hierarchy that training shows.
    ///
    /// # Errors
    /// Never for a released build.
    pub fn embedded() -> Result<Self, TrainError> {
        let hierarchy = Hierarchy::embedded().map_err(|e| TrainError::Input(e.to_string()))?;
        let number = |names: Vec<String>| names.into_iter().zip(1..).collect::<HashMap<_, _>>();
        Ok(Self {
            classes: number(hierarchy.classes.iter().filter(|c| !c.unseen).map(|c| c.name.clone()).collect()),
            functions: number(hierarchy.functions.iter().map(|f| f.name.clone()).collect()),
        })
    }

    /// How many classes and functions there are, none included.
    pub fn sizes(&self) -> [usize; 2] {
        [self.classes.len() + 1, self.functions.len() + 1]
    }

    fn of(&self, class: &str, function: &str) -> [u32; 2] {
        [self.classes.get(class).copied().unwrap_or(0), self.functions.get(function).copied().unwrap_or(0)]
    }
}

/// The hull `[x0, y0, x1, y1]` of a ring, cut at a picture of `size` pixels; none where nothing of it is inside.
pub fn hull(ring: &[Xy], size: f64) -> Option<[f64; 4]> {
    let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let b = ring.iter().fold(start, |b, p| [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])]);
    let cut = b.map(|v| v.clamp(0.0, size));
    (cut[2] > cut[0] && cut[3] > cut[1]).then_some(cut)
}

/// A square of a lesson's pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Square {
    /// Its upper left corner, in the pixels of the facts.
    pub corner: Xy,
    /// Pixels of its side, in those of the facts.
    pub side: f64,
    /// Tokens of its side.
    pub tokens: usize,
}

impl Square {
    /// The whole of a lesson's pictures.
    pub fn whole(facts: &Facts, tokens: usize) -> Self {
        Self { corner: [0.0; 2], side: f64::from(facts.size), tokens }
    }
}

impl Dense {
    /// Of a square of a lesson.
    pub fn of(facts: &Facts, labels: &Labels, square: Square) -> Self {
        let Square { corner: [left, top], side, tokens } = square;
        let (all, cell) = (tokens * tokens, side / tokens as f64);
        let mut dense =
            Self { icon: vec![[0; 2]; all], at: vec![[0.0; 2]; all], place: vec![[0; 2]; all], site: vec![None; all] };
        for place in &facts.places {
            let Some([x, y]) = place.icon.map(|[x, y]| [x - left, y - top]) else { continue };
            if x < 0.0 || y < 0.0 || x >= side || y >= side {
                continue;
            }
            let token = (y / cell) as usize * tokens + (x / cell) as usize;
            if let (Some(icon), Some(at)) = (dense.icon.get_mut(token), dense.at.get_mut(token)) {
                *icon = labels.of(&place.class, &place.function);
                *at = [(x / side) as f32, (y / side) as f32];
            }
        }
        let places = facts.places.iter().map(|p| {
            let what = if p.icon.is_some() { labels.of(&p.class, &p.function) } else { [0; 2] };
            (&p.ring, what)
        });
        for (ring, what) in places.chain(facts.others.iter().map(|ring| (ring, [0; 2]))) {
            let moved: Vec<Xy> = ring.iter().map(|[x, y]| [x - left, y - top]).collect();
            let Some(site) = hull(&moved, side) else { continue };
            let first = |v: f64| (v / cell - 0.5).ceil().max(0.0) as usize;
            for (row, column) in (first(site[1])..tokens).flat_map(|y| (first(site[0])..tokens).map(move |x| (y, x))) {
                let middle = [(column as f64 + 0.5) * cell, (row as f64 + 0.5) * cell];
                if middle[0] < site[2] && middle[1] < site[3] && contains(std::slice::from_ref(&moved), middle) {
                    dense.place[row * tokens + column] = what;
                    dense.site[row * tokens + column] = Some(site.map(|v| (v / side) as f32));
                }
            }
        }
        dense
    }
}
