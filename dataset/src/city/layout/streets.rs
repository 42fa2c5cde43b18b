//! The street network: lines across the whole quarter, and streets inside its cells.

use socio_map::{Road, Xy};

use super::warp::Warp;
use super::{Morphology, Rect, half_width};
use crate::hash::SplitMix;

/// What a band of the plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreetKind {
    Road(Road),
    River,
    Rail,
}

impl StreetKind {
    pub(crate) fn half(self) -> f64 {
        match self {
            Self::Road(road) => half_width(road),
            Self::River => 27.0,
            Self::Rail => 9.0,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Street {
    pub(crate) kind: StreetKind,
    /// On the flat plan.
    pub(crate) from: Xy,
    pub(crate) to: Xy,
    /// On the ground; filled when the plan is complete.
    pub(crate) line: Vec<Xy>,
}

impl Street {
    fn new(kind: StreetKind, from: Xy, to: Xy) -> Self {
        Self { kind, from, to, line: Vec::new() }
    }
}

pub(super) struct Net {
    pub(super) streets: Vec<Street>,
    pub(super) cells: Vec<Cell>,
}

/// A rectangle between streets, and how far beyond each of its sides (left, upper, right, lower) the middle of the street
/// there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) rect: Rect,
    pub(super) reach: [f64; 4],
}

/// A line across the quarter.
struct Band {
    at: f64,
    kind: StreetKind,
}

pub(super) fn net(morphology: Morphology, random: &mut SplitMix) -> Net {
    let extent = Warp::extent();
    let (across, down) = match morphology {
        Morphology::Grid => ([92.0, 130.0], [120.0, 180.0]),
        Morphology::Superblocks => ([300.0, 420.0], [300.0, 420.0]),
        Morphology::Radial => ([110.0, 160.0], [150.0, 220.0]),
        Morphology::Organic => ([150.0, 260.0], [150.0, 260.0]),
        Morphology::Sprawl => ([74.0, 92.0], [220.0, 340.0]),
    };
    let xs = bands(morphology, extent.x0, extent.x1, across, random);
    let mut ys = bands(morphology, extent.y0, extent.y1, down, random);
    // One river or railway a quarter at most, where two would meet in a tangle.
    for band in &mut ys {
        if !matches!(band.kind, StreetKind::Road(_)) {
            band.kind = StreetKind::Road(Road::Tertiary);
        }
    }
    let mut streets: Vec<Street> = Vec::new();
    for band in &xs {
        streets.push(Street::new(band.kind, [band.at, extent.y0], [band.at, extent.y1]));
    }
    for band in &ys {
        streets.push(Street::new(band.kind, [extent.x0, band.at], [extent.x1, band.at]));
    }
    let mut cells = Vec::new();
    for x in xs.windows(2) {
        for y in ys.windows(2) {
            let halves = [x[0].kind, y[0].kind, x[1].kind, y[1].kind].map(StreetKind::half);
            let road = |kind: StreetKind, half: f64| if matches!(kind, StreetKind::Road(_)) { half } else { 0.0 };
            let reach = [
                road(x[0].kind, halves[0]),
                road(y[0].kind, halves[1]),
                road(x[1].kind, halves[2]),
                road(y[1].kind, halves[3]),
            ];
            let rect = Rect {
                x0: x[0].at + halves[0],
                y0: y[0].at + halves[1],
                x1: x[1].at - halves[2],
                y1: y[1].at - halves[3],
            };
            cells.push(Cell { rect, reach });
        }
    }
    Net { streets, cells: cells.into_iter().filter(|c| c.rect.is_proper()).collect() }
}

fn bands(morphology: Morphology, from: f64, to: f64, spacing: [f64; 2], random: &mut SplitMix) -> Vec<Band> {
    let mut bands = Vec::new();
    let mut at = from + random.between(0.0, spacing[0]);
    let special = random.chance(0.55).then(|| 2 + random.below(9) as usize);
    let river = random.chance(0.6);
    while at < to {
        let n = bands.len();
        let kind = if special == Some(n) {
            if river { StreetKind::River } else { StreetKind::Rail }
        } else {
            StreetKind::Road(class(morphology, n, random))
        };
        bands.push(Band { at, kind });
        at += random.between(spacing[0], spacing[1]) + kind.half();
    }
    bands
}

/// The class of the n-th line of a direction.
fn class(morphology: Morphology, n: usize, random: &mut SplitMix) -> Road {
    match morphology {
        Morphology::Grid if n % 6 == 2 => Road::Primary,
        Morphology::Grid if n % 3 == 2 => Road::Secondary,
        Morphology::Grid | Morphology::Sprawl if n.is_multiple_of(2) => Road::Tertiary,
        Morphology::Superblocks => match random.below(6) {
            0 => Road::Trunk,
            1 | 2 => Road::Primary,
            _ => Road::Secondary,
        },
        Morphology::Radial if n % 5 == 1 => Road::Trunk,
        Morphology::Radial if n % 5 == 3 => Road::Secondary,
        Morphology::Organic => match random.below(5) {
            0 => Road::Secondary,
            1 | 2 => Road::Tertiary,
            _ => Road::Residential,
        },
        Morphology::Sprawl if n % 7 == 3 => Road::Secondary,
        Morphology::Grid | Morphology::Radial | Morphology::Sprawl => Road::Residential,
    }
}

/// Splits a cell into blocks by streets of its own, which are added to `streets`.
pub(super) fn blocks(
    morphology: Morphology,
    cell: Cell,
    streets: &mut Vec<Street>,
    random: &mut SplitMix,
) -> Vec<Rect> {
    let (largest, first, then) = match morphology {
        Morphology::Superblocks => (175.0, Road::Residential, Road::Service),
        Morphology::Organic => (82.0, Road::Residential, Road::Service),
        Morphology::Radial => (150.0, Road::Residential, Road::Service),
        Morphology::Grid | Morphology::Sprawl => return vec![cell.rect],
    };
    let mut blocks = Vec::new();
    let mut open = vec![(cell, 0)];
    while let Some((Cell { rect, reach }, depth)) = open.pop() {
        let long = rect.width().max(rect.height());
        // Some blocks stay whole: there the large places fit.
        if long < largest || depth > 0 && long < largest * 1.9 && random.chance(0.3) {
            blocks.push(rect);
            continue;
        }
        let road = if depth == 0 { first } else { then };
        let (half, share) = (half_width(road), random.between(0.36, 0.64));
        let kind = StreetKind::Road(road);
        let [left, upper, right, lower] = reach;
        // Streets end in the middle of those that they meet; a river or a railway they only reach.
        if rect.width() >= rect.height() {
            let at = rect.x0 + rect.width() * share;
            streets.push(Street::new(kind, [at, rect.y0 - upper], [at, rect.y1 + lower]));
            let (a, b) = (Rect { x1: at - half, ..rect }, Rect { x0: at + half, ..rect });
            open.push((Cell { rect: a, reach: [left, upper, half, lower] }, depth + 1));
            open.push((Cell { rect: b, reach: [half, upper, right, lower] }, depth + 1));
        } else {
            let at = rect.y0 + rect.height() * share;
            streets.push(Street::new(kind, [rect.x0 - left, at], [rect.x1 + right, at]));
            let (a, b) = (Rect { y1: at - half, ..rect }, Rect { y0: at + half, ..rect });
            open.push((Cell { rect: a, reach: [left, upper, right, half] }, depth + 1));
            open.push((Cell { rect: b, reach: [left, half, right, lower] }, depth + 1));
        }
    }
    blocks
}
