//! A quarter with its meaning: which sites are places, what they are called, and the windows that samples look through.

use std::collections::BTreeSet;

use socio_map::{Feature, Geometry, Green, Group, Kind as MapKind, Land, Names, Road, Xy};

use super::classes::{Classes, Sight};
use super::layout::{self, Layout, StreetKind};
use super::plan::{Planned, Quarter};
use super::region::{Region, region};
use super::words::{self, Way};
use crate::Level;
use crate::hash::SplitMix;

/// Sides of windows, in metres.
const SMALLEST: f64 = 190.0;
const LARGEST: f64 = 1150.0;
/// Targets are chosen this near to the quarter's middle.
const NEAR: f64 = 235.0;
/// How far a window's middle may be from its target's, as a share of its side: the paper's published boxes are centred
/// within 100 of 768 pixels.
const OFF: f64 = 100.0 / 768.0;

/// A site that is a place.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    /// Index of the site.
    pub(crate) site: usize,
    /// Index of the class.
    pub(crate) class: usize,
    pub(crate) names: Names,
    /// Where its icon stands.
    pub(crate) anchor: Xy,
    /// Who gets room on the map first.
    rank: f64,
}

/// A sample's window and text.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The query in English.
    pub(crate) text: String,
    /// The query as signs have it: of a name, in the script of the place.
    pub(crate) local: String,
    /// The sites that are marked.
    pub(crate) sites: Vec<usize>,
    pub(crate) centre: Xy,
    /// Metres.
    pub(crate) side: f64,
}

/// A quarter, complete.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) region: &'static Region,
    pub(crate) seed: u64,
    pub(crate) layout: Layout,
    pub(crate) meanings: Vec<Meaning>,
    /// What shows of each site from above.
    pub(crate) sights: Vec<Sight>,
    /// One for each sample planned, in their order.
    pub(crate) views: Vec<View>,
}

/// Builds a quarter.
pub(crate) fn build(quarter: &Quarter, classes: &Classes) -> Built {
    let region = region(quarter.region);
    let layout = layout::lay(region, quarter.seed);
    let mut settler = Settler {
        region,
        classes,
        layout: &layout,
        random: SplitMix(quarter.seed).at(77),
        taken: BTreeSet::new(),
        called: BTreeSet::new(),
        meanings: Vec::new(),
    };
    let views = quarter.asks.iter().map(|ask| settler.target(ask)).collect();
    settler.rest(&quarter.asks);
    let meanings = settler.meanings;
    let mut sights = vec![Sight::Plain; layout.sites.len()];
    for meaning in &meanings {
        sights[meaning.site] = classes.kinds[meaning.class].sight;
    }
    decoys(&layout, &meanings, &mut sights, &mut SplitMix(quarter.seed).at(78));
    Built { region, seed: quarter.seed, layout, meanings, sights, views }
}

/// Sites without a meaning that look as if they had one: courts and lawns stand between houses too.
fn decoys(layout: &Layout, meanings: &[Meaning], sights: &mut [Sight], random: &mut SplitMix) {
    let named: BTreeSet<usize> = meanings.iter().map(|m| m.site).collect();
    for (i, site) in layout.sites.iter().enumerate().filter(|(i, _)| !named.contains(i)) {
        if random.chance(0.09) {
            sights[i] = match random.below(5) {
                0 if site.area > 4000.0 => Sight::Pitch,
                1 if site.area > 700.0 => Sight::Courts,
                2 => Sight::Parking,
                3 if site.area < 4000.0 => Sight::Pool,
                _ => Sight::Park,
            };
        }
    }
}

struct Settler<'a> {
    region: &'static Region,
    classes: &'a Classes,
    layout: &'a Layout,
    random: SplitMix,
    taken: BTreeSet<usize>,
    called: BTreeSet<String>,
    meanings: Vec<Meaning>,
}

impl Settler<'_> {
    /// Settles the places of a sample and opens its window.
    fn target(&mut self, ask: &Planned) -> View {
        let kind = &self.classes.kinds[ask.class];
        let wanted = kind.area * libm::exp2(self.random.between(-0.7, 0.7));
        let first = self.nearest_size(wanted, |c| c[0].abs().max(c[1].abs()) <= NEAR);
        let Some(first) = first else {
            let text = kind.name.clone();
            return View { local: text.clone(), text, sites: Vec::new(), centre: [0.0, 0.0], side: 400.0 };
        };
        let mut sites = vec![first];
        self.taken.insert(first);
        let area = self.layout.sites[first].area;
        let guess = (area * ask.instances as f64 / ask.share).sqrt().clamp(SMALLEST, LARGEST);
        let middle = self.layout.sites[first].centre;
        for _ in 1..ask.instances {
            let apart = |c: Xy| {
                let d = libm::hypot(c[0] - middle[0], c[1] - middle[1]);
                d > 1.3 * area.sqrt() && d < 0.36 * guess
            };
            if let Some(more) = self.nearest_size(area, apart) {
                self.taken.insert(more);
                sites.push(more);
            }
        }
        let total: f64 = sites.iter().map(|s| self.layout.sites[*s].area).sum();
        let mut local = None;
        let mut text = match ask.level {
            Level::Function => kind.function.clone(),
            Level::Class | Level::Name => kind.name.clone(),
        };
        for site in &sites {
            let names = self.settle(*site, ask.class, 10.0);
            if ask.level == Level::Name {
                local = Some(names.local.clone());
                text = names.english.unwrap_or(names.local);
            }
        }
        let (centre, side) = self.window(&sites, total, ask.share);
        View { local: local.unwrap_or_else(|| text.clone()), text, sites, centre, side }
    }

    /// The free site whose size is nearest to one, among those whose middle fits.
    fn nearest_size(&self, area: f64, fits: impl Fn(Xy) -> bool) -> Option<usize> {
        let sites = self.layout.sites.iter().enumerate();
        let free = sites.filter(|(i, s)| !self.taken.contains(i) && fits(s.centre));
        let off = |a: f64| libm::fabs(libm::log(a / area));
        free.min_by(|a, b| off(a.1.area).total_cmp(&off(b.1.area))).map(|(i, _)| i)
    }

    /// A window in which the places take their share of the picture and are whole.
    fn window(&mut self, sites: &[usize], area: f64, share: f64) -> (Xy, f64) {
        let points = || sites.iter().flat_map(|s| self.layout.sites[*s].ring.iter());
        let edge = |axis: usize, start: f64, pick: fn(f64, f64) -> f64| points().map(|p| p[axis]).fold(start, pick);
        let (x0, x1) = (edge(0, f64::INFINITY, f64::min), edge(0, f64::NEG_INFINITY, f64::max));
        let (y0, y1) = (edge(1, f64::INFINITY, f64::min), edge(1, f64::NEG_INFINITY, f64::max));
        let reach = (x1 - x0).max(y1 - y0);
        let side = (area / share).sqrt().clamp(SMALLEST, LARGEST).max(reach * 1.12);
        let spare = ((side * 0.97 - reach) / 2.0).clamp(0.0, OFF * side);
        let off = |random: &mut SplitMix| random.between(-spare, spare);
        let (dx, dy) = (off(&mut self.random), off(&mut self.random));
        ([f64::midpoint(x0, x1) + dx, f64::midpoint(y0, y1) + dy], side)
    }

    /// Makes a site a place with a name of its own.
    fn settle(&mut self, site: usize, class: usize, rank: f64) -> Names {
        let kind = &self.classes.kinds[class];
        let mut names = words::place(self.region.language, &kind.name, &mut self.random);
        for _ in 0..12 {
            let english = names.english.clone().unwrap_or_default();
            if self.called.insert(english) {
                break;
            }
            names = words::place(self.region.language, &kind.name, &mut self.random);
        }
        let anchor = self.anchor(site);
        self.meanings.push(Meaning { site, class, names: names.clone(), anchor, rank });
        names
    }

    /// A random spot of a site: an icon says where a place is, not where it ends.
    fn anchor(&mut self, site: usize) -> Xy {
        let site = &self.layout.sites[site];
        let spread = site.area.sqrt() * 0.6;
        for _ in 0..12 {
            let (dx, dy) = (self.random.between(-spread, spread), self.random.between(-spread, spread));
            let at = [site.centre[0] + dx, site.centre[1] + dy];
            // Not on the very edge either, where the icon would stand on the neighbour's ground.
            let inside = [[0.0, 0.0], [4.0, 4.0], [-4.0, 4.0], [4.0, -4.0], [-4.0, -4.0]];
            if inside
                .iter()
                .all(|d| socio_map::contains(std::slice::from_ref(&site.ring), [at[0] + d[0], at[1] + d[1]]))
            {
                return at;
            }
        }
        site.centre
    }

    /// Gives some of the other sites a meaning that spoils no sample's count.
    fn rest(&mut self, asks: &[Planned]) {
        let spoils = |class: usize| {
            asks.iter().any(|ask| {
                let (asked, other) = (&self.classes.kinds[ask.class], &self.classes.kinds[class]);
                match ask.level {
                    Level::Name => false,
                    Level::Class => asked.name == other.name,
                    Level::Function => asked.function == other.function,
                }
            })
        };
        let allowed: Vec<usize> = (0..self.classes.kinds.len()).filter(|c| !spoils(*c)).collect();
        // What is near to what is asked for: other classes of its function, other places of a named one's class.
        let near: Vec<usize> = allowed
            .iter()
            .copied()
            .filter(|c| asks.iter().any(|a| self.classes.kinds[a.class].function == self.classes.kinds[*c].function))
            .collect();
        for site in 0..self.layout.sites.len() {
            if self.taken.contains(&site) || !self.random.chance(self.region.named) {
                continue;
            }
            let pool = if self.random.chance(0.3) && !near.is_empty() { &near } else { &allowed };
            let area = self.layout.sites[site].area;
            if let Some(class) = drawn(pool, area, self.classes, &mut self.random) {
                let rank = libm::log(area) / 10.0 + self.random.unit();
                self.settle(site, class, rank);
            }
        }
    }
}

/// A class for a site: the commoner the likelier, and the better its size fits.
fn drawn(pool: &[usize], area: f64, classes: &Classes, random: &mut SplitMix) -> Option<usize> {
    let weight = |c: usize| {
        let kind = &classes.kinds[c];
        let ratio = (area / kind.area).max(kind.area / area);
        kind.weight / (ratio * ratio)
    };
    let whole: f64 = pool.iter().map(|c| weight(*c)).sum();
    let mut left = random.unit() * whole;
    for class in pool {
        left -= weight(*class);
        if left <= 0.0 {
            return Some(*class);
        }
    }
    pool.last().copied()
}

impl Built {
    /// What the map shows of the quarter, in the pixels of a window of `size` pixels.
    pub(crate) fn features(&self, view: &View, size: u32, classes: &Classes) -> Vec<Feature> {
        let to = pixels(view, size);
        let mut features = Vec::new();
        let mut random = SplitMix(self.seed).at(79);
        let feature = |kind, geometry, names, rank| Feature { kind, geometry, names, rank };
        for street in &self.layout.streets {
            let line: Vec<Xy> = street.line.iter().map(|p| to(*p)).collect();
            let (kind, way) = match street.kind {
                StreetKind::Road(road) => {
                    (MapKind::Road(road), if road <= Road::Primary { Way::Avenue } else { Way::Street })
                }
                StreetKind::Rail => (MapKind::Rail, Way::Street),
                StreetKind::River => (MapKind::Water, Way::River),
            };
            // Every street draws its name, so that a name does not depend on which streets are in the window.
            let names = words::way(self.region.language, way, &mut random);
            match street.kind {
                StreetKind::River => {
                    let half = StreetKind::River.half() - 3.0;
                    let bank = self.banks(street, half).into_iter().map(to).collect();
                    features.push(feature(kind, Geometry::Area(vec![bank]), names, 0.0));
                }
                StreetKind::Rail => features.push(feature(kind, Geometry::Line(line), Names::default(), 0.0)),
                // Alleys have no names worth a label.
                StreetKind::Road(Road::Service) => {
                    features.push(feature(kind, Geometry::Line(line), Names::default(), 0.0));
                }
                StreetKind::Road(_) => features.push(feature(kind, Geometry::Line(line), names, 0.0)),
            }
        }
        for meaning in &self.meanings {
            let kind = &classes.kinds[meaning.class];
            let ring: Vec<Xy> = self.layout.sites[meaning.site].ring.iter().map(|p| to(*p)).collect();
            let ground = ground(kind.sight, &kind.function);
            features.push(feature(ground, Geometry::Area(vec![ring]), Names::default(), 0.0));
            let place = MapKind::Place { class: kind.name.clone(), group: Group::of_function(&kind.function) };
            // What this window asks for is never crowded out by what another one does.
            let rank = if view.sites.contains(&meaning.site) { 20.0 } else { meaning.rank };
            features.push(feature(place, Geometry::Point(to(meaning.anchor)), meaning.names.clone(), rank));
        }
        let district = words::district(self.region.language, &mut random);
        features.push(feature(MapKind::District, Geometry::Point(to([0.0, 0.0])), district, -1.0));
        features
    }

    /// Both banks of a river, as one ring.
    pub(crate) fn banks(&self, street: &layout::Street, half: f64) -> Vec<Xy> {
        let (a, b) = (street.from, street.to);
        let across = if a[0] == b[0] { [half, 0.0] } else { [0.0, half] };
        let mut ring =
            self.layout.warp.line([a[0] - across[0], a[1] - across[1]], [b[0] - across[0], b[1] - across[1]]);
        ring.extend(self.layout.warp.line([b[0] + across[0], b[1] + across[1]], [a[0] + across[0], a[1] + across[1]]));
        ring
    }
}

/// How a full map paints the ground of a place.
fn ground(sight: Sight, function: &str) -> MapKind {
    match (sight, function) {
        (Sight::Graves, _) => MapKind::Green(Green::Cemetery),
        (Sight::Pitch | Sight::Courts, _) => MapKind::Green(Green::Pitch),
        (Sight::Golf | Sight::Fields, _) => MapKind::Green(Green::Grass),
        (_, "Park and greenspace") => MapKind::Green(Green::Park),
        (_, "Educational") => MapKind::Land(Land::Education),
        (_, "Medical") => MapKind::Land(Land::Medical),
        (_, "Industrial") => MapKind::Land(Land::Industrial),
        (_, "Residential") => MapKind::Land(Land::Residential),
        (_, "Transportation stations") => MapKind::Land(Land::Transport),
        (_, "Commercial service" | "Business office") => MapKind::Land(Land::Commercial),
        _ => MapKind::Land(Land::Civic),
    }
}

/// From metres of the quarter to pixels of a window.
pub(crate) fn pixels(view: &View, size: u32) -> impl Fn(Xy) -> Xy + Copy {
    let (scale, half) = (f64::from(size) / view.side, f64::from(size) / 2.0);
    let [cx, cy] = view.centre;
    move |[x, y]: Xy| [(x - cx) * scale + half, (y - cy) * scale + half]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::city::plan;

    #[test]
    fn windows_hold_as_many_places_as_planned() {
        let (classes, _) = Classes::embedded().unwrap();
        let (mut exact, mut all) = (0, 0);
        for quarter in plan::in_domain(3, 240, &classes) {
            let built = build(&quarter, &classes);
            for (ask, view) in quarter.asks.iter().zip(&built.views) {
                let target = &classes.kinds[ask.class];
                let inside = built.meanings.iter().filter(|m| {
                    let kind = &classes.kinds[m.class];
                    let asked = match ask.level {
                        Level::Name => m.names.english.as_deref() == Some(view.text.as_str()),
                        Level::Class => kind.name == target.name,
                        Level::Function => kind.function == target.function,
                    };
                    let [x, y] = built.layout.sites[m.site].centre;
                    asked && (x - view.centre[0]).abs().max((y - view.centre[1]).abs()) < view.side / 2.0
                });
                let inside = inside.count();
                assert!(inside >= 1 && inside <= ask.instances, "{}: {inside} of {}", ask.id, ask.instances);
                exact += usize::from(inside == ask.instances);
                all += 1;
            }
        }
        assert!(exact * 100 >= all * 96, "{exact} of {all}");
    }
}
