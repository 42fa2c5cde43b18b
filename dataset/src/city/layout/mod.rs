//! The plan of a quarter: streets, and the sites between them.
//!
//! Everything is laid out on a flat plan of straight lines and rectangles, in metres, and then bent onto the ground by
//! the region's warp. Ground coordinates are metres from the quarter's middle, x to the right and y down.

mod sites;
mod streets;
mod warp;

use socio_map::{Road, Xy};

pub(crate) use sites::{Leaf, Site};
pub(crate) use streets::{Street, StreetKind};
pub(crate) use warp::{Warp, noise};

use super::region::Region;
use crate::hash::SplitMix;

/// How streets run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Morphology {
    /// Straight streets at right angles.
    Grid,
    /// Wide roads far apart, lanes inside.
    Superblocks,
    /// Rings and spokes.
    Radial,
    /// An old town: narrow and crooked.
    Organic,
    /// Low houses along winding streets.
    Sprawl,
}

/// Half the side of a quarter, in metres.
pub(crate) const HALF: f64 = 820.0;

/// A rectangle of the flat plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x0: f64,
    pub(crate) y0: f64,
    pub(crate) x1: f64,
    pub(crate) y1: f64,
}

impl Rect {
    pub(crate) fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    pub(crate) fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    pub(crate) fn area(&self) -> f64 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    pub(crate) fn centre(&self) -> Xy {
        [f64::midpoint(self.x0, self.x1), f64::midpoint(self.y0, self.y1)]
    }

    /// Smaller by a margin on all sides.
    pub(crate) fn inset(&self, by: f64) -> Self {
        Self { x0: self.x0 + by, y0: self.y0 + by, x1: self.x1 - by, y1: self.y1 - by }
    }

    pub(crate) fn is_proper(&self) -> bool {
        self.x1 > self.x0 && self.y1 > self.y0
    }

    pub(crate) fn corners(&self) -> [Xy; 4] {
        [[self.x0, self.y0], [self.x1, self.y0], [self.x1, self.y1], [self.x0, self.y1]]
    }
}

/// A quarter laid out: nothing of it has a name or a meaning yet.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) warp: Warp,
    pub(crate) streets: Vec<Street>,
    pub(crate) sites: Vec<Site>,
}

/// Lays a quarter out. The same seed gives the same quarter.
pub(crate) fn lay(region: &Region, seed: u64) -> Layout {
    let random = SplitMix(seed);
    let warp = Warp::new(region.morphology, &mut random.at(1));
    let net = streets::net(region.morphology, &mut random.at(2));
    let mut streets = net.streets;
    let mut sites = Vec::new();
    for (i, cell) in net.cells.iter().enumerate() {
        let mut random = random.at(1000 + i as u64);
        let blocks = streets::blocks(region.morphology, *cell, &mut streets, &mut random);
        for block in blocks {
            sites::fill(region, block, &warp, &mut sites, &mut random);
        }
    }
    for street in &mut streets {
        street.line = warp.line(street.from, street.to);
    }
    Layout { warp, streets, sites }
}

/// Metres from the middle of a road to where parcels begin.
pub(crate) fn half_width(road: Road) -> f64 {
    match road {
        Road::Motorway => 20.0,
        Road::Trunk => 17.0,
        Road::Primary => 14.0,
        Road::Secondary => 11.0,
        Road::Tertiary => 8.5,
        Road::Residential => 6.0,
        Road::Service => 4.0,
        Road::Path => 2.5,
    }
}
