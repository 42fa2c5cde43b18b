//! Grounds of sites, and the walls and hedges around them.

use super::brush::{Brush, lit, mixed};
use crate::city::layout::Site;
use crate::city::quarter::Built;
use crate::hash::SplitMix;

pub(super) fn site(brush: &mut Brush<'_>, built: &Built, site: &Site) {
    let mut random = SplitMix(site.seed).at(1);
    let [soil, grass, paving, asphalt] = built.region.ground;
    let base = match random.below(10) {
        0..=2 => mixed(soil, paving, random.between(0.2, 0.8)),
        3..=5 => mixed(grass, soil, random.between(0.0, 0.45)),
        6..=8 => mixed(paving, asphalt, random.between(0.0, 0.6)),
        _ => mixed(soil, grass, random.between(0.3, 0.7)),
    };
    let base = lit(base, random.between(-0.13, 0.13));
    brush.polygon(&site.ring, base, 1.0);
    // Yards, drives and lawns: patches that stay inside their parcel.
    for leaf in &site.leaves {
        if random.chance(0.6) {
            let (w, h) = (leaf.rect.width(), leaf.rect.height());
            let mut patch = leaf.rect.inset(random.between(0.6, 2.5));
            if random.chance(0.5) {
                patch.x1 = patch.x0 + w * random.between(0.25, 0.75);
            } else {
                patch.y1 = patch.y0 + h * random.between(0.25, 0.75);
            }
            if patch.is_proper() {
                let colour = if random.chance(0.5) { grass } else { mixed(paving, soil, random.unit()) };
                brush.polygon(&built.layout.warp.quad(&patch), lit(colour, random.between(-0.1, 0.1)), 0.75);
            }
        }
    }
}

/// What every site has whatever it is for: an edge.
pub(super) fn edge(brush: &mut Brush<'_>, built: &Built, site: &Site) {
    let mut random = SplitMix(site.seed).at(2);
    let [soil, grass, paving, _] = built.region.ground;
    let (colour, metres) = match random.below(4) {
        0 => (lit(grass, -0.42), random.between(1.6, 2.6)),
        1 => (lit(paving, 0.22), random.between(0.7, 1.1)),
        2 => (lit(soil, -0.38), random.between(0.8, 1.3)),
        _ => (mixed(lit(grass, -0.3), soil, 0.4), random.between(1.2, 2.0)),
    };
    brush.line(&site.ring, true, colour, metres, 0.95);
}
