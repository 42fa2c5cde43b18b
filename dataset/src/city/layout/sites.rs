//! Sites: one or several parcels that belong together, with an edge of their own.

use socio_map::Xy;

use super::{HALF, Rect, Warp};
use crate::city::region::Region;
use crate::hash::SplitMix;

/// A parcel of a site, on the flat plan.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) rect: Rect,
}

/// A site.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) leaves: Vec<Leaf>,
    /// Its outline on the ground.
    pub(crate) ring: Vec<Xy>,
    /// Square metres.
    pub(crate) area: f64,
    /// A point inside, about the middle.
    pub(crate) centre: Xy,
    /// The seed of everything on it.
    pub(crate) seed: u64,
}

/// Splits a block into sites.
pub(super) fn fill(region: &Region, block: Rect, warp: &Warp, sites: &mut Vec<Site>, random: &mut SplitMix) {
    // Far outside the quarter nothing is ever looked at.
    let [x, y] = warp.point(block.centre());
    if x.abs() > HALF + 150.0 || y.abs() > HALF + 150.0 {
        return;
    }
    divide(region, block, warp, sites, random);
}

fn divide(region: &Region, rect: Rect, warp: &Warp, sites: &mut Vec<Site>, random: &mut SplitMix) {
    let [low, high] = region.parcel;
    let smallest = rect.width().min(rect.height()) < high || rect.area() < 1.6 * low * high;
    // The larger a rectangle, the less likely it is one site.
    let whole = (2600.0 / rect.area()).min(0.5) + if rect.area() < 42_000.0 { 0.11 } else { 0.0 };
    if smallest || random.chance(whole) {
        site(region, rect, warp, sites, random);
        return;
    }
    let (a, b) = halves(rect, random.between(0.34, 0.66));
    divide(region, a, warp, sites, random);
    divide(region, b, warp, sites, random);
}

fn halves(rect: Rect, share: f64) -> (Rect, Rect) {
    if rect.width() >= rect.height() {
        let at = rect.x0 + rect.width() * share;
        (Rect { x1: at, ..rect }, Rect { x0: at, ..rect })
    } else {
        let at = rect.y0 + rect.height() * share;
        (Rect { y1: at, ..rect }, Rect { y0: at, ..rect })
    }
}

/// Makes one site of a rectangle; now and then a corner of a large one is another's.
fn site(region: &Region, rect: Rect, warp: &Warp, sites: &mut Vec<Site>, random: &mut SplitMix) {
    let mut leaves = Vec::new();
    parcels(region, rect, &mut leaves, random);
    let mut corners = rect.corners().to_vec();
    let (w, h) = (rect.width(), rect.height());
    if rect.area() > 2500.0 && w.min(h) > 2.2 * region.parcel[0] && random.chance(0.3) {
        let (cw, ch) = (w * random.between(0.28, 0.45), h * random.between(0.28, 0.45));
        let corner = random.below(4) as usize;
        let (right, low) = (corner == 1 || corner == 2, corner >= 2);
        let cut = Rect {
            x0: if right { rect.x1 - cw } else { rect.x0 },
            x1: if right { rect.x1 } else { rect.x0 + cw },
            y0: if low { rect.y1 - ch } else { rect.y0 },
            y1: if low { rect.y1 } else { rect.y0 + ch },
        };
        let outer = corners[corner];
        let inner = [if right { cut.x0 } else { cut.x1 }, if low { cut.y0 } else { cut.y1 }];
        // Clockwise round the missing corner.
        let (before, after) = if corner.is_multiple_of(2) {
            ([outer[0], inner[1]], [inner[0], outer[1]])
        } else {
            ([inner[0], outer[1]], [outer[0], inner[1]])
        };
        corners.splice(corner..=corner, [before, inner, after]);
        leaves.clear();
        for part in around(rect, cut) {
            parcels(region, part, &mut leaves, random);
        }
        push(vec![Leaf { rect: cut }], &cut.corners(), warp, sites, random);
    }
    push(leaves, &corners, warp, sites, random);
}

/// A rectangle without one of its corners, as two rectangles.
fn around(rect: Rect, cut: Rect) -> [Rect; 2] {
    let beside = if cut.x0 > rect.x0 { Rect { x1: cut.x0, ..rect } } else { Rect { x0: cut.x1, ..rect } };
    let past = if cut.y0 > rect.y0 {
        Rect { y0: rect.y0, y1: cut.y0, ..cut }
    } else {
        Rect { y0: cut.y1, y1: rect.y1, ..cut }
    };
    [beside, past]
}

fn push(leaves: Vec<Leaf>, corners: &[Xy], warp: &Warp, sites: &mut Vec<Site>, random: &mut SplitMix) {
    let ring = warp.ring(corners);
    let seed = random.next_u64();
    let Some(centre) = socio_map::inside_point(std::slice::from_ref(&ring)) else { return };
    let area = socio_map::area(&ring).abs();
    sites.push(Site { leaves, ring, area, centre, seed });
}

/// Splits a site into parcels, each for a building or two.
fn parcels(region: &Region, rect: Rect, leaves: &mut Vec<Leaf>, random: &mut SplitMix) {
    let [low, high] = region.parcel;
    let largest = random.between(low, high) * 1.7;
    if rect.width().max(rect.height()) < largest || rect.area() < low * high {
        leaves.push(Leaf { rect });
        return;
    }
    let (a, b) = halves(rect, random.between(0.4, 0.6));
    parcels(region, a, leaves, random);
    parcels(region, b, leaves, random);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::city::layout;
    use crate::city::region::{IN_DOMAIN, NEW};

    #[test]
    fn sites_are_whole_disjoint_and_of_all_sizes() {
        for region in IN_DOMAIN.iter().chain(&NEW) {
            let layout = layout::lay(region, 5);
            let areas: Vec<f64> = layout.sites.iter().map(|s| s.area).collect();
            assert!(areas.len() > 150, "{}: {}", region.name, areas.len());
            assert!(areas.iter().any(|a| *a > 9000.0), "{}: no large site", region.name);
            for site in &layout.sites {
                let parts: f64 = site.leaves.iter().map(|l| l.rect.area()).sum();
                // Rings and spokes stretch most: by a third near their middle, to one and a half far out.
                assert!((0.5..3.0).contains(&(parts / site.area)), "{}: {parts} of {}", region.name, site.area);
                assert!(socio_map::contains(std::slice::from_ref(&site.ring), site.centre));
            }
            // Random points are in one site at most.
            let mut random = SplitMix(1);
            for _ in 0..400 {
                let at = [random.between(-600.0, 600.0), random.between(-600.0, 600.0)];
                let holders = layout.sites.iter().filter(|s| socio_map::contains(std::slice::from_ref(&s.ring), at));
                assert!(holders.count() <= 1, "{} at {at:?}", region.name);
            }
        }
    }
}
