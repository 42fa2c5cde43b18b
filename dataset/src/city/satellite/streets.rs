//! Roads, rails and rivers from above.

use socio_map::{Road, Xy};

use super::brush::{Brush, lit, mixed};
use super::buildings::Stand;
use crate::city::layout::StreetKind;
use crate::city::quarter::Built;
use crate::hash::SplitMix;

pub(super) fn all(brush: &mut Brush<'_>, built: &Built) {
    let [soil, grass, paving, asphalt] = built.region.ground;
    let streets = || built.layout.streets.iter();
    for street in streets() {
        match street.kind {
            StreetKind::River => {
                brush.polygon(&built.banks(street, StreetKind::River.half() - 1.0), lit(grass, -0.12), 1.0);
                brush.polygon(&built.banks(street, StreetKind::River.half() - 5.0), [62, 78, 76], 1.0);
            }
            StreetKind::Rail => {
                brush.line(&street.line, false, lit(soil, -0.12), 13.0, 1.0);
                for offset in [-2.6, 2.6] {
                    brush.line(&beside(&street.line, offset - 0.7), false, lit(soil, -0.45), 0.3, 0.9);
                    brush.line(&beside(&street.line, offset + 0.7), false, lit(soil, -0.45), 0.3, 0.9);
                }
            }
            StreetKind::Road(_) => {}
        }
    }
    // Kerbs of all before carriageways of all, so that crossings open.
    for street in streets() {
        if let StreetKind::Road(road) = street.kind {
            brush.line(&street.line, false, lit(paving, 0.02), street.kind.half() * 2.0 - 0.8, 1.0);
            if road == Road::Trunk {
                brush.line(&street.line, false, lit(grass, -0.1), street.kind.half() * 2.0 - 5.0, 1.0);
            }
        }
    }
    for street in streets() {
        let StreetKind::Road(road) = street.kind else { continue };
        let tone = if road <= Road::Secondary { asphalt } else { mixed(asphalt, paving, 0.25) };
        brush.line(&street.line, false, tone, carriageway(road), 1.0);
    }
    for street in streets() {
        let StreetKind::Road(road) = street.kind else { continue };
        if road <= Road::Primary {
            brush.line(&street.line, false, lit(grass, -0.05), 2.2, 0.9);
        } else if road <= Road::Tertiary {
            brush.dashes(&street.line, [214, 212, 200], 0.35, [4.0, 5.0]);
        }
        if road <= Road::Secondary {
            let lane = carriageway(road) / 4.0;
            for offset in [-lane, lane] {
                brush.dashes(&beside(&street.line, offset), [206, 206, 200], 0.3, [4.0, 6.0]);
            }
        }
    }
}

/// Metres of asphalt.
fn carriageway(road: Road) -> f64 {
    let half = StreetKind::Road(road).half();
    2.0 * half - if road <= Road::Secondary { 8.0 } else { 4.2 }
}

/// A line beside another, metres to its right.
fn beside(line: &[Xy], metres: f64) -> Vec<Xy> {
    let n = line.len();
    (0..n)
        .map(|i| {
            let (a, b) = (line[i.saturating_sub(1)], line[(i + 1).min(n - 1)]);
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let long = libm::hypot(dx, dy).max(1e-9);
            [line[i][0] - dy / long * metres, line[i][1] + dx / long * metres]
        })
        .collect()
}

/// Rows of trees on pavements, and cars on the road.
pub(super) fn trees_and_cars(brush: &mut Brush<'_>, built: &Built, stand: &mut Stand) {
    for (i, street) in built.layout.streets.iter().enumerate() {
        let StreetKind::Road(road) = street.kind else { continue };
        let mut random = SplitMix(built.seed).at(4000 + i as u64);
        let leafy = random.chance(if road <= Road::Secondary { 0.8 } else { 0.45 });
        let (kerb, gap) = (street.kind.half() - 1.6, random.between(7.0, 12.0));
        let lane = carriageway(road) / 4.0;
        for w in street.line.windows(2) {
            let (dx, dy) = (w[1][0] - w[0][0], w[1][1] - w[0][1]);
            let long = libm::hypot(dx, dy);
            let (ux, uy) = (dx / long.max(1e-9), dy / long.max(1e-9));
            let at = |along: f64, right: f64| [w[0][0] + ux * along - uy * right, w[0][1] + uy * along + ux * right];
            let mut along = random.between(0.0, gap);
            while along < long {
                if leafy && road != Road::Service {
                    for side in [-kerb, kerb] {
                        if random.chance(0.8) {
                            stand.tree(at(along, side), random.between(1.6, 2.9), random.next_u64());
                        }
                    }
                }
                if random.chance(if road <= Road::Secondary { 0.3 } else { 0.13 }) {
                    let right = if random.chance(0.5) { lane } else { -lane };
                    car(brush, at(along, right + random.between(-0.4, 0.4)), [ux, uy], &mut random);
                }
                along += gap;
            }
        }
    }
}

/// A car, 4.4 by 1.9 metres, along a direction.
pub(super) fn car(brush: &mut Brush<'_>, [x, y]: Xy, [ux, uy]: Xy, random: &mut SplitMix) {
    const COLOURS: [[u8; 3]; 6] =
        [[226, 226, 224], [42, 44, 48], [150, 152, 156], [94, 98, 104], [134, 42, 38], [48, 70, 112]];
    let colour = COLOURS[random.below(6) as usize];
    let corner = |a: f64, b: f64| [x + ux * a - uy * b, y + uy * a + ux * b];
    let shape = |l: f64, w: f64| [corner(-l, -w), corner(l, -w), corner(l, w), corner(-l, w)];
    brush.shade(&shape(2.35, 1.15));
    brush.polygon(&shape(2.2, 0.95), colour, 1.0);
    brush.polygon(&shape(0.9, 0.8), lit(colour, -0.35), 0.8);
}
