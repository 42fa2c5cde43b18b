//! The few classes that look like themselves from above: pitches, courts, pools, parks, golf, graves, car parks, fields.

use socio_map::Xy;

use super::brush::{Brush, lit, mixed};
use super::buildings::Stand;
use super::streets::car;
use crate::city::classes::Sight;
use crate::city::layout::{Leaf, Rect, Site};
use crate::city::quarter::Built;
use crate::hash::SplitMix;

const WHITE: [u8; 3] = [226, 226, 218];

/// Paints what shows of a site, and says which of its parcels are left to be built on: all of a site that looks like any
/// other, none of an open one.
pub(super) fn paint(
    brush: &mut Brush<'_>,
    built: &Built,
    sight: Sight,
    site: &Site,
    stand: &mut Stand,
    random: &mut SplitMix,
) -> Vec<Leaf> {
    let Some(largest) = site.leaves.iter().map(|l| l.rect).reduce(|a, b| if a.area() >= b.area() { a } else { b })
    else {
        return Vec::new();
    };
    let whole = bounds(site);
    let grass = built.region.ground[1];
    let mut at = Painter { brush, built };
    match sight {
        Sight::Plain => return site.leaves.clone(),
        Sight::Pitch => at.pitch(free(site, whole, largest), grass, random),
        Sight::Courts => at.courts(free(site, whole, largest), random),
        Sight::Pool => {
            at.pool(largest, random);
            // The rest of the site is built up.
            return site.leaves.iter().filter(|l| l.rect != largest).cloned().collect();
        }
        Sight::Park => at.park(site, whole, grass, stand, random),
        Sight::Golf => at.golf(site, whole, grass, random),
        Sight::Graves => at.rows(site, lit(grass, 0.04), lit(grass, -0.2), [176, 172, 164], [2.4, 3.2]),
        Sight::Parking => at.parking(site, random),
        Sight::Fields => at.rows(site, built.region.ground[0], lit(grass, -0.1), lit(grass, 0.1), [6.0, 2.2]),
    }
    Vec::new()
}

/// The part of a site that a field may take: all of it where it is a rectangle; of one without a corner the larger of
/// the two rectangles that it is made of.
fn free(site: &Site, whole: Rect, largest: Rect) -> Rect {
    let parcels: f64 = site.leaves.iter().map(|l| l.rect.area()).sum();
    if parcels > whole.area() * 0.98 {
        return whole;
    }
    // Full-width and full-height bands of parcels.
    let bands = [(true, whole.y0, whole.y1), (false, whole.x0, whole.x1)].into_iter().flat_map(|(lying, from, to)| {
        let edges =
            site.leaves.iter().flat_map(move |l| if lying { [l.rect.y0, l.rect.y1] } else { [l.rect.x0, l.rect.x1] });
        edges.flat_map(move |e| {
            if lying {
                [Rect { y0: from, y1: e, ..whole }, Rect { y0: e, y1: to, ..whole }]
            } else {
                [Rect { x0: from, x1: e, ..whole }, Rect { x0: e, x1: to, ..whole }]
            }
        })
    });
    let covered = |r: &Rect| {
        let inside = site.leaves.iter().map(|l| overlap(&l.rect, r)).sum::<f64>();
        r.is_proper() && inside > r.area() * 0.98
    };
    bands.filter(covered).fold(largest, |a, b| if b.area() > a.area() { b } else { a })
}

/// Square metres that two rectangles share.
fn overlap(a: &Rect, b: &Rect) -> f64 {
    Rect { x0: a.x0.max(b.x0), y0: a.y0.max(b.y0), x1: a.x1.min(b.x1), y1: a.y1.min(b.y1) }.area()
}

fn bounds(site: &Site) -> Rect {
    site.leaves
        .iter()
        .map(|l| l.rect)
        .fold(Rect { x0: f64::INFINITY, y0: f64::INFINITY, x1: f64::NEG_INFINITY, y1: f64::NEG_INFINITY }, |a, b| {
            Rect { x0: a.x0.min(b.x0), y0: a.y0.min(b.y0), x1: a.x1.max(b.x1), y1: a.y1.max(b.y1) }
        })
}

struct Painter<'a, 'b> {
    brush: &'a mut Brush<'b>,
    built: &'a Built,
}

impl Painter<'_, '_> {
    fn quad(&self, rect: &Rect) -> Vec<Xy> {
        self.built.layout.warp.quad(rect)
    }

    fn pitch(&mut self, rect: Rect, grass: [u8; 3], random: &mut SplitMix) {
        let rect = rect.inset(rect.width().min(rect.height()) * 0.06);
        let green = lit(mixed(grass, [70, 122, 62], 0.7), random.between(-0.1, 0.1));
        if rect.width().min(rect.height()) > 45.0 && random.chance(0.6) {
            // A running track around it.
            let ring = self.rounded(&rect);
            self.brush.polygon(&ring, [158, 82, 66], 1.0);
            let inner = self.rounded(&rect.inset(8.0));
            self.brush.polygon(&inner, green, 1.0);
            for lane in [2.0, 4.0, 6.0] {
                let line = self.rounded(&rect.inset(lane));
                self.brush.line(&line, true, WHITE, 0.25, 0.6);
            }
            self.marks(&rect.inset(16.0), green);
        } else {
            self.marks(&rect, green);
        }
    }

    /// Stripes, lines and circle of a pitch.
    fn marks(&mut self, rect: &Rect, green: [u8; 3]) {
        if !rect.is_proper() {
            return;
        }
        let lying = rect.width() >= rect.height();
        for i in 0..8 {
            let (a, b) = (f64::from(i) / 8.0, f64::from(i + 1) / 8.0);
            let stripe = if lying {
                Rect { x0: rect.x0 + rect.width() * a, x1: rect.x0 + rect.width() * b, ..*rect }
            } else {
                Rect { y0: rect.y0 + rect.height() * a, y1: rect.y0 + rect.height() * b, ..*rect }
            };
            let quad = self.quad(&stripe);
            self.brush.polygon(&quad, lit(green, if i % 2 == 0 { 0.05 } else { -0.05 }), 1.0);
        }
        let inner = rect.inset(rect.width().min(rect.height()) * 0.05);
        let quad = self.quad(&inner);
        self.brush.line(&quad, true, WHITE, 0.4, 0.9);
        let half = if lying {
            let x = inner.centre()[0];
            [[x, inner.y0], [x, inner.y1]]
        } else {
            let y = inner.centre()[1];
            [[inner.x0, y], [inner.x1, y]]
        };
        let half = half.map(|p| self.built.layout.warp.point(p));
        self.brush.line(&half, false, WHITE, 0.4, 0.9);
        let radius = rect.width().min(rect.height()) * 0.14;
        let circle = self.circle(inner.centre(), radius);
        self.brush.line(&circle, true, WHITE, 0.4, 0.9);
    }

    fn circle(&self, [x, y]: Xy, radius: f64) -> Vec<Xy> {
        (0..24)
            .map(|i| {
                let angle = f64::from(i) / 24.0 * std::f64::consts::TAU;
                self.built.layout.warp.point([x + radius * libm::cos(angle), y + radius * libm::sin(angle)])
            })
            .collect()
    }

    /// A rectangle with round ends.
    fn rounded(&self, rect: &Rect) -> Vec<Xy> {
        let radius = rect.width().min(rect.height()) / 2.0;
        let [cx, cy] = rect.centre();
        let (rx, ry) = ((rect.width() / 2.0 - radius).max(0.0), (rect.height() / 2.0 - radius).max(0.0));
        (0..32)
            .map(|i| {
                let angle = (f64::from(i) + 0.5) / 32.0 * std::f64::consts::TAU;
                let (c, s) = (libm::cos(angle), libm::sin(angle));
                let point = [cx + rx * c.signum() + radius * c, cy + ry * s.signum() + radius * s];
                self.built.layout.warp.point(point)
            })
            .collect()
    }

    fn courts(&mut self, rect: Rect, random: &mut SplitMix) {
        const GROUNDS: [[u8; 3]; 4] = [[66, 104, 138], [78, 128, 92], [150, 86, 64], [96, 92, 130]];
        let ground = GROUNDS[random.below(4) as usize];
        let quad = self.quad(&rect.inset(1.5));
        self.brush.polygon(&quad, lit(ground, -0.15), 1.0);
        let (across, down) = (
            (rect.width() / 20.0).floor().clamp(1.0, 6.0) as i32,
            (rect.height() / 34.0).floor().clamp(1.0, 5.0) as i32,
        );
        for i in 0..across {
            for j in 0..down {
                let (w, h) = (rect.width() / f64::from(across), rect.height() / f64::from(down));
                let (x0, y0) = (rect.x0 + w * f64::from(i), rect.y0 + h * f64::from(j));
                let court = Rect { x0, y0, x1: x0 + w, y1: y0 + h }.inset(w.min(h) * 0.16);
                let quad = self.quad(&court);
                self.brush.polygon(&quad, lit(ground, 0.12), 1.0);
                self.brush.line(&quad, true, WHITE, 0.35, 0.95);
                let y = court.centre()[1];
                let net = [[court.x0, y], [court.x1, y]].map(|p| self.built.layout.warp.point(p));
                self.brush.line(&net, false, WHITE, 0.35, 0.95);
            }
        }
    }

    fn pool(&mut self, rect: Rect, random: &mut SplitMix) {
        let deck = rect.inset(1.0);
        let quad = self.quad(&deck);
        self.brush.polygon(&quad, [188, 180, 166], 1.0);
        let basin = deck.inset(deck.width().min(deck.height()) * random.between(0.2, 0.3));
        if basin.is_proper() {
            let quad = self.quad(&basin);
            self.brush.polygon(&quad, [74, 158, 182], 1.0);
            self.brush.line(&quad, true, WHITE, 0.6, 0.9);
        }
    }

    fn park(&mut self, site: &Site, whole: Rect, grass: [u8; 3], stand: &mut Stand, random: &mut SplitMix) {
        self.brush.polygon(&site.ring, lit(grass, random.between(-0.06, 0.1)), 1.0);
        let [cx, cy] = whole.centre();
        // Paths from side to side through the middle.
        for k in 0..3 {
            let t = random.between(0.2, 0.8);
            let (a, b) = if k % 2 == 0 {
                ([whole.x0, whole.y0 + whole.height() * t], [whole.x1, whole.y1 - whole.height() * t])
            } else {
                ([whole.x0 + whole.width() * t, whole.y0], [whole.x1 - whole.width() * t, whole.y1])
            };
            let mut path = self.built.layout.warp.line(a, [cx, cy]);
            path.extend(self.built.layout.warp.line([cx, cy], b));
            self.clipped(site, &path, [186, 174, 150], 2.2);
        }
        if site.area > 5000.0 {
            let pond = self.circle(
                [cx + whole.width() * random.between(-0.15, 0.15), cy + whole.height() * random.between(-0.15, 0.15)],
                (site.area.sqrt() * random.between(0.09, 0.17)).max(5.0),
            );
            if pond.iter().all(|p| socio_map::contains(std::slice::from_ref(&site.ring), *p)) {
                self.brush.polygon(&pond, [70, 92, 90], 1.0);
                self.brush.line(&pond, true, [150, 146, 130], 0.8, 0.8);
            }
        }
        for _ in 0..((site.area / 90.0) as u64).min(260) {
            let spot = [random.between(whole.x0, whole.x1), random.between(whole.y0, whole.y1)];
            let spot = self.built.layout.warp.point(spot);
            let radius = random.between(2.0, 4.6);
            if random.chance(0.62) && socio_map::contains(std::slice::from_ref(&site.ring), spot) {
                stand.tree(spot, radius, random.next_u64());
            }
        }
    }

    fn golf(&mut self, site: &Site, whole: Rect, grass: [u8; 3], random: &mut SplitMix) {
        self.brush.polygon(&site.ring, lit(grass, -0.08), 1.0);
        for _ in 0..3 + (site.area / 4000.0) as u64 {
            let spot = [random.between(whole.x0, whole.x1), random.between(whole.y0, whole.y1)];
            let unit = site.area.sqrt();
            for (radius, colour) in
                [(0.14, lit(grass, 0.14)), (0.06, mixed(grass, [120, 170, 90], 0.8)), (0.03, [206, 192, 152])]
            {
                let shift = unit * (0.14 - radius);
                let blob = self.circle([spot[0] + shift * 0.6, spot[1]], unit * radius);
                if blob.iter().all(|p| socio_map::contains(std::slice::from_ref(&site.ring), *p)) {
                    self.brush.polygon(&blob, colour, 1.0);
                }
            }
        }
    }

    /// Lines of small things: graves, vines, beds.
    fn rows(&mut self, site: &Site, ground: [u8; 3], row: [u8; 3], thing: [u8; 3], [gap, step]: [f64; 2]) {
        self.brush.polygon(&site.ring, ground, 1.0);
        for leaf in &site.leaves {
            let r = leaf.rect.inset(1.5);
            let mut y = r.y0 + 1.0;
            while y < r.y1 && r.is_proper() {
                let line = self.built.layout.warp.line([r.x0, y], [r.x1, y]);
                self.brush.line(&line, false, row, gap * 0.45, 0.9);
                self.brush.dashes(&line, thing, gap * 0.3, [step * 0.45, step * 0.55]);
                y += gap;
            }
        }
    }

    fn parking(&mut self, site: &Site, random: &mut SplitMix) {
        let asphalt = self.built.region.ground[3];
        self.brush.polygon(&site.ring, lit(asphalt, 0.06), 1.0);
        for leaf in &site.leaves {
            let r = leaf.rect.inset(2.0);
            let mut y = r.y0 + 2.6;
            while y + 2.4 < r.y1 && r.is_proper() {
                let mut x = r.x0 + 1.4;
                while x + 1.4 < r.x1 {
                    let bay = [[x - 1.3, y - 2.5], [x - 1.3, y + 2.5]].map(|p| self.built.layout.warp.point(p));
                    self.brush.line(&bay, false, WHITE, 0.2, 0.6);
                    if random.chance(0.55) {
                        let (here, there) =
                            (self.built.layout.warp.point([x, y]), self.built.layout.warp.point([x, y + 1.0]));
                        let (dx, dy) = (there[0] - here[0], there[1] - here[1]);
                        let long = libm::hypot(dx, dy).max(1e-9);
                        car(self.brush, here, [dx / long, dy / long], random);
                    }
                    x += 2.6;
                }
                y += if random.chance(0.5) { 5.4 } else { 11.4 };
            }
        }
    }

    /// A line, only where it is on the site.
    fn clipped(&mut self, site: &Site, line: &[Xy], colour: [u8; 3], metres: f64) {
        for w in line.windows(2) {
            if w.iter().all(|p| socio_map::contains(std::slice::from_ref(&site.ring), *p)) {
                self.brush.line(w, false, colour, metres, 0.95);
            }
        }
    }
}
