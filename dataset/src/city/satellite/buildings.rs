//! Buildings and trees: what stands, throws a shadow and hides what is below.

use socio_map::Xy;

use super::brush::{Brush, lit};
use crate::city::layout::{Leaf, Rect, Warp};
use crate::city::quarter::Built;
use crate::hash::SplitMix;

type Colour = [u8; 3];

/// What stands, collected so that all shadows are laid before all roofs.
#[derive(Default)]
pub(super) struct Stand {
    parts: Vec<Part>,
    trees: Vec<Tree>,
}

/// A part of a building: one rectangle of roof.
struct Part {
    quad: Vec<Xy>,
    height: f64,
    colour: Colour,
    roof: Roof,
    seed: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Roof {
    Flat,
    /// Two slopes with the ridge along the first side, or along the second.
    Ridge(bool),
}

struct Tree {
    at: Xy,
    radius: f64,
    seed: u64,
}

impl Stand {
    pub(super) fn tree(&mut self, at: Xy, radius: f64, seed: u64) {
        self.trees.push(Tree { at, radius, seed });
    }

    fn block(&mut self, warp: &Warp, rect: Rect, height: f64, colour: Colour, pitched: bool, seed: u64) {
        if rect.width() < 2.5 || rect.height() < 2.5 {
            return;
        }
        let roof = if pitched { Roof::Ridge(rect.width() >= rect.height()) } else { Roof::Flat };
        self.parts.push(Part { quad: warp.quad(&rect), height, colour, roof, seed });
    }

    /// Lays shadows, then crowns, then roofs.
    pub(super) fn draw(&self, brush: &mut Brush<'_>, (direction, ratio): ([f64; 2], f64)) {
        let cast = |height: f64| [direction[0] * height * ratio, direction[1] * height * ratio];
        for part in &self.parts {
            let [dx, dy] = cast(part.height);
            let mut points = part.quad.clone();
            points.extend(part.quad.iter().map(|p| [p[0] + dx, p[1] + dy]));
            brush.shade(&hull(points));
        }
        for tree in &self.trees {
            let [dx, dy] = cast(tree.radius * 1.5);
            brush.shade_disc([tree.at[0] + dx, tree.at[1] + dy], tree.radius);
        }
        brush.lay_shadows(0.5);
        for tree in &self.trees {
            draw_tree(brush, tree, direction);
        }
        for part in &self.parts {
            draw_part(brush, part, direction);
        }
    }
}

fn draw_tree(brush: &mut Brush<'_>, tree: &Tree, away: [f64; 2]) {
    let mut random = SplitMix(tree.seed);
    let tone = [(52.0 + random.between(-12.0, 14.0)) as u8, (76.0 + random.between(-14.0, 18.0)) as u8, 42];
    brush.disc(tree.at, tree.radius, tone, 1.0);
    let towards = |by: f64| [tree.at[0] - away[0] * tree.radius * by, tree.at[1] - away[1] * tree.radius * by];
    brush.disc(towards(0.3), tree.radius * 0.62, lit(tone, 0.24), 0.9);
    brush.disc(towards(0.5), tree.radius * 0.28, lit(tone, 0.45), 0.8);
}

fn draw_part(brush: &mut Brush<'_>, part: &Part, away: [f64; 2]) {
    let mut random = SplitMix(part.seed);
    let q = &part.quad;
    let middle = |a: Xy, b: Xy| [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])];
    match part.roof {
        Roof::Ridge(along) => {
            let (a, b, halves) = if along {
                let (l, r) = (middle(q[0], q[3]), middle(q[1], q[2]));
                (l, r, [vec![q[0], q[1], r, l], vec![l, r, q[2], q[3]]])
            } else {
                let (t, l) = (middle(q[0], q[1]), middle(q[3], q[2]));
                (t, l, [vec![q[0], t, l, q[3]], vec![t, q[1], q[2], l]])
            };
            let centre = middle(a, b);
            for half in &halves {
                let c = half.iter().fold([0.0, 0.0], |s, p| [s[0] + p[0] / 4.0, s[1] + p[1] / 4.0]);
                // The slope that looks to the sun is the lighter one.
                let sunny = (c[0] - centre[0]) * away[0] + (c[1] - centre[1]) * away[1] < 0.0;
                brush.polygon(half, lit(part.colour, if sunny { 0.1 } else { -0.16 }), 1.0);
            }
            brush.line(&[a, b], false, lit(part.colour, 0.2), 0.35, 0.7);
        }
        Roof::Flat => {
            brush.polygon(q, part.colour, 1.0);
            brush.line(q, true, lit(part.colour, 0.2), 0.6, 0.85);
            let at = |s: f64, t: f64| {
                let lerp = |a: Xy, b: Xy, t: f64| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
                lerp(lerp(q[0], q[1], s), lerp(q[3], q[2], s), t)
            };
            for _ in 0..random.below(5) {
                let (s, t) = (random.between(0.1, 0.75), random.between(0.1, 0.75));
                let (ds, dt) = (random.between(0.05, 0.18), random.between(0.05, 0.18));
                let unit = [at(s, t), at(s + ds, t), at(s + ds, t + dt), at(s, t + dt)];
                brush.polygon(&unit, lit(part.colour, random.between(-0.35, 0.25)), 0.9);
            }
        }
    }
}

/// Fills parcels of a site with buildings of one manner: what is built does not tell what for.
pub(super) fn site(built: &Built, leaves: &[Leaf], stand: &mut Stand, random: &mut SplitMix) {
    let manner = random.below(4);
    let palette = built.region.roofs;
    let colour = palette[random.below(palette.len() as u64) as usize];
    for leaf in leaves {
        if random.chance(0.1) {
            continue;
        }
        let own = if random.chance(0.7) { colour } else { palette[random.below(palette.len() as u64) as usize] };
        leaf_buildings(&built.layout.warp, leaf, manner, lit(own, random.between(-0.12, 0.12)), stand, random);
    }
}

fn leaf_buildings(warp: &Warp, leaf: &Leaf, manner: u64, colour: Colour, stand: &mut Stand, random: &mut SplitMix) {
    let r = leaf.rect.inset(random.between(1.8, 5.0).min(leaf.rect.width().min(leaf.rect.height()) * 0.18));
    if !r.is_proper() {
        return;
    }
    let mut block = |rect: Rect, height: f64, pitched: bool, random: &mut SplitMix| {
        stand.block(warp, rect, height, colour, pitched, random.next_u64());
    };
    let area = r.area();
    let (w, h) = (r.width(), r.height());
    if area < 420.0 {
        let (fw, fh) = (random.between(0.55, 0.9), random.between(0.55, 0.9));
        let (x, y) = (r.x0 + w * (1.0 - fw) * random.unit(), r.y0 + h * (1.0 - fh) * random.unit());
        block(
            Rect { x0: x, y0: y, x1: x + w * fw, y1: y + h * fh },
            random.between(4.0, 8.0),
            random.chance(0.6),
            random,
        );
        return;
    }
    match manner {
        // Slabs in rows.
        0 => {
            let rows = ((if w > h { w } else { h }) / random.between(20.0, 30.0)).floor().max(1.0) as usize;
            let height = random.between(9.0, 24.0);
            for i in 0..rows {
                let (a, b) = (i as f64 / rows as f64, (i as f64 + random.between(0.42, 0.6)) / rows as f64);
                let rect = if w > h {
                    Rect { x0: r.x0 + w * a, x1: r.x0 + w * b, ..r }
                } else {
                    Rect { y0: r.y0 + h * a, y1: r.y0 + h * b, ..r }
                };
                block(rect, height, false, random);
            }
        }
        // Wings around a yard, some of them missing.
        1 => {
            let t = (w.min(h) * random.between(0.22, 0.34)).max(4.0);
            let height = random.between(7.0, 18.0);
            let pitched = random.chance(0.35);
            let wings = [
                Rect { y1: r.y0 + t, ..r },
                Rect { y0: r.y1 - t, ..r },
                Rect { x1: r.x0 + t, y0: r.y0 + t, y1: r.y1 - t, ..r },
                Rect { x0: r.x1 - t, y0: r.y0 + t, y1: r.y1 - t, ..r },
            ];
            for wing in wings {
                if random.chance(0.75) {
                    block(wing, height, pitched, random);
                }
            }
        }
        // A hall.
        2 => {
            let rect = Rect { x1: r.x0 + w * random.between(0.6, 0.95), y1: r.y0 + h * random.between(0.6, 0.95), ..r };
            block(rect, random.between(6.0, 13.0), random.chance(0.3), random);
        }
        // A tower on its base.
        _ => {
            let rect = Rect { x1: r.x0 + w * random.between(0.6, 0.9), y1: r.y0 + h * random.between(0.5, 0.9), ..r };
            block(rect, random.between(6.0, 10.0), false, random);
            let (tw, th) = (rect.width() * random.between(0.35, 0.6), rect.height() * random.between(0.35, 0.6));
            let (x, y) =
                (rect.x0 + (rect.width() - tw) * random.unit(), rect.y0 + (rect.height() - th) * random.unit());
            block(Rect { x0: x, y0: y, x1: x + tw, y1: y + th }, random.between(20.0, 46.0), false, random);
        }
    }
}

/// Scatters trees over parcels.
pub(super) fn trees(built: &Built, leaves: &[Leaf], stand: &mut Stand, random: &mut SplitMix) {
    let wild = random.between(0.2, 1.8);
    for leaf in leaves {
        let count = (leaf.rect.area() / 1000.0 * built.region.trees * wild + random.unit()) as u64;
        for _ in 0..count.min(60) {
            let at = [random.between(leaf.rect.x0, leaf.rect.x1), random.between(leaf.rect.y0, leaf.rect.y1)];
            stand.tree(built.layout.warp.point(at), random.between(1.5, 4.2), random.next_u64());
        }
    }
}

/// The convex hull of points (Andrew's monotone chain).
fn hull(mut points: Vec<Xy>) -> Vec<Xy> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let cross = |o: Xy, a: Xy, b: Xy| (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
    let half = |points: &mut dyn Iterator<Item = Xy>| {
        let mut chain: Vec<Xy> = Vec::new();
        for p in points {
            while chain.len() > 1 && cross(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0 {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut ring = half(&mut points.iter().copied());
    ring.extend(half(&mut points.iter().rev().copied()));
    ring
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hull_leaves_inner_points_out() {
        let ring = hull(vec![[0.0, 0.0], [4.0, 0.0], [2.0, 1.0], [4.0, 4.0], [0.0, 4.0], [2.0, 2.0]]);
        assert_eq!(ring.len(), 4);
        assert_eq!(socio_map::area(&ring).abs(), 16.0);
    }
}
