//! Connected components, found over runs of set pixels rather than over pixels.

use super::Mask;
use crate::Bbox;

/// A horizontal run of set pixels: `x0..x1` of row `y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The row.
    pub y: u32,
    /// First pixel of the run.
    pub x0: u32,
    /// One past its last pixel.
    pub x1: u32,
}

/// A connected component: one instance of a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    runs: Vec<Run>,
    area: u64,
    corners: [u32; 4],
}

impl Component {
    /// The runs, from top to bottom and left to right.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Number of pixels.
    pub fn area(&self) -> u64 {
        self.area
    }

    /// The smallest half-open box round it.
    pub fn bbox(&self) -> Bbox {
        self.corners.map(f64::from).into()
    }

    /// Left, upper, right and lower edges (the last two outside), in whole pixels.
    pub fn corners(&self) -> [u32; 4] {
        self.corners
    }

    /// The component alone, in a mask of the given size.
    pub fn to_mask(&self, width: u32, height: u32) -> Mask {
        let mut mask = Mask::new(width, height);
        for run in &self.runs {
            mask.fill_row(run.y, run.x0, run.x1);
        }
        mask
    }

    /// Number of pixels that two components share.
    pub fn intersection(&self, other: &Self) -> u64 {
        let (mut mine, mut theirs) = (self.runs.as_slice(), other.runs.as_slice());
        let mut shared = 0;
        while let ([a, rest_a @ ..], [b, rest_b @ ..]) = (mine, theirs) {
            if a.y == b.y {
                shared += u64::from(a.x1.min(b.x1).saturating_sub(a.x0.max(b.x0)));
            }
            if (a.y, a.x1) <= (b.y, b.x1) {
                mine = rest_a;
            } else {
                theirs = rest_b;
            }
        }
        shared
    }

    /// Intersection over union with a whole mask, in `0..=1`.
    pub fn iou_with(&self, mask: &Mask) -> f64 {
        let shared: u64 = self.runs.iter().map(|r| mask.area_of_run(*r)).sum();
        let union = self.area + mask.area() - shared;
        if union == 0 { 0.0 } else { shared as f64 / union as f64 }
    }

    /// Intersection over union with another component, in `0..=1`.
    pub fn iou(&self, other: &Self) -> f64 {
        let shared = self.intersection(other);
        let union = self.area + other.area - shared;
        if union == 0 { 0.0 } else { shared as f64 / union as f64 }
    }

    fn of_run(run: Run) -> Self {
        Self { runs: vec![run], area: u64::from(run.x1 - run.x0), corners: [run.x0, run.y, run.x1, run.y + 1] }
    }

    fn push(&mut self, run: Run) {
        let [x0, y0, x1, y1] = self.corners;
        self.corners = [x0.min(run.x0), y0.min(run.y), x1.max(run.x1), y1.max(run.y + 1)];
        self.area += u64::from(run.x1 - run.x0);
        self.runs.push(run);
    }
}

/// Which pixels touch: by edges alone, or by corners too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Connectivity {
    Four,
    Eight,
}

impl Mask {
    /// Number of set pixels in a run.
    fn area_of_run(&self, run: Run) -> u64 {
        let (x0, x1) = (run.x0.min(self.width()), run.x1.min(self.width()));
        if x0 >= x1 || run.y >= self.height() {
            return 0;
        }
        let (first, last) = (x0 as usize / 64, (x1 as usize - 1) / 64);
        let row = self.row(run.y);
        let inside = |i: usize| {
            let head = if i == first { !0u64 << (x0 % 64) } else { !0 };
            let tail = if i == last { !0u64 >> (63 - (x1 - 1) % 64) } else { !0 };
            u64::from((row[i] & head & tail).count_ones())
        };
        (first..=last).map(inside).sum()
    }

    /// The runs of set pixels, from top to bottom and left to right.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for y in 0..self.height() {
            push_row_runs(self.row(y), self.width(), y, &mut runs);
        }
        runs
    }

    /// The 8-connected components, in the order of their first pixel from the top left.
    pub fn components(&self) -> Vec<Component> {
        self.components_by(Connectivity::Eight)
    }

    pub(super) fn components_by(&self, connectivity: Connectivity) -> Vec<Component> {
        let runs = self.runs();
        let mut parents: Vec<usize> = (0..runs.len()).collect();
        let slack = u32::from(connectivity == Connectivity::Eight);
        let mut above = 0;
        for (i, run) in runs.iter().enumerate() {
            // Runs of the row above that end before this one begins can touch no later run of this row either.
            while runs[above].y + 1 < run.y || (runs[above].y + 1 == run.y && runs[above].x1 + slack <= run.x0) {
                above += 1;
            }
            let mut other = above;
            while runs[other].y + 1 == run.y && runs[other].x0 < run.x1 + slack {
                join(&mut parents, other, i);
                other += 1;
            }
        }
        let mut slots = vec![usize::MAX; runs.len()];
        let mut components: Vec<Component> = Vec::new();
        for (i, run) in runs.into_iter().enumerate() {
            let root = root(&mut parents, i);
            if slots[root] == usize::MAX {
                slots[root] = components.len();
                components.push(Component::of_run(run));
            } else {
                components[slots[root]].push(run);
            }
        }
        components
    }
}

/// Appends the runs of a packed row.
pub(super) fn push_row_runs(words: &[u64], width: u32, y: u32, runs: &mut Vec<Run>) {
    let bits = words.len() as u32 * 64;
    // The first position at or after `from` whose bit is `value`.
    let next = |from: u32, value: bool| -> u32 {
        let mut x = from;
        while x < bits {
            let word = words[x as usize / 64];
            let seen = (if value { word } else { !word }) >> (x % 64);
            if seen != 0 {
                return x + seen.trailing_zeros();
            }
            x = (x / 64 + 1) * 64;
        }
        bits
    };
    let mut x = next(0, true);
    while x < bits {
        let end = next(x, false);
        runs.push(Run { y, x0: x, x1: end.min(width) });
        x = next(end, true);
    }
}

fn root(parents: &mut [usize], mut i: usize) -> usize {
    while parents[i] != i {
        parents[i] = parents[parents[i]];
        i = parents[i];
    }
    i
}

fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    // The earlier run leads, so that a component's slot is that of its first pixel.
    parents[a.max(b)] = a.min(b);
}
