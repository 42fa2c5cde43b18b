//! Which windows are cut and what is asked of each, before any picture is made.

use std::collections::{BTreeMap, BTreeSet};

use socio_geo::{Bounds, Mercator, metres_at};

use super::features::{self, Placed, pixels};
use super::places::{Area, areas};
use super::{BuildOptions, Inputs, Skipped};
use crate::hash::{FieldHasher, SplitMix};
use crate::scene::{Ask, Place, Provenance, Scene};
use crate::split::{self, Item, Located, groups};
use crate::{Hierarchy, Level};

/// How far a window's middle may be from its place's, as a share of its side: the paper's published boxes are centred
/// within 100 of 768 pixels.
const OFF: f64 = 100.0 / 768.0;
/// Parts of other places that a window cuts off count from so many pixels on.
const PART: u64 = 16;

/// A window to be cut.
#[derive(Debug, Clone)]
pub struct PlannedScene {
    /// Its key, after the place it was chosen for.
    pub key: String,
    /// Its group, that no split may cut.
    pub group: String,
    /// Its split.
    pub split: String,
    /// Its bounds in Web Mercator.
    pub bounds: Bounds,
    /// What is asked of it.
    pub asks: Vec<Ask>,
}

/// All windows, and what was passed over.
pub struct Plan {
    /// The windows, in the order of their places.
    pub scenes: Vec<PlannedScene>,
    /// What was passed over, counted by reason.
    pub skipped: Skipped,
    /// How far each level's and class's share is from what it should be.
    pub deviations: Vec<split::Deviation>,
    areas: Vec<Area>,
    placed: Vec<Placed>,
}

/// Plans the scenes.
pub fn plan(inputs: &Inputs<'_>, options: &BuildOptions) -> Plan {
    let mut plan = Plan {
        scenes: Vec::new(),
        skipped: Skipped::new(),
        deviations: Vec::new(),
        areas: areas(inputs.objects, inputs.hierarchy),
        placed: features::placed(inputs.objects, inputs.hierarchy),
    };
    let whole = inputs.imagery.bounds();
    let mut located = Vec::new();
    let mut numbers: BTreeMap<Level, u32> = BTreeMap::new();
    for index in 0..plan.areas.len() {
        let bounds = match window(&plan.areas[index], whole, inputs.imagery.finest(), options) {
            Ok(bounds) => bounds,
            Err(reason) => {
                skip(&mut plan.skipped, reason);
                continue;
            }
        };
        let found = asks(&plan, index, &bounds, inputs.hierarchy, options);
        for reason in found.skipped {
            skip(&mut plan.skipped, reason);
        }
        let (mut asks, ids) = (found.asks, found.places);
        if asks.is_empty() {
            continue;
        }
        for ask in &mut asks {
            let number = numbers.entry(ask.level).or_default();
            *number += 1;
            ask.id = format!("{}_{number:06}", ask.level.prefix());
        }
        located.push(Located {
            keys: ids,
            bounds: Some([bounds.west, bounds.south, bounds.east, bounds.north]),
            scale: metres_at(bounds.centre().y),
        });
        let key = plan.areas[index].id.clone();
        plan.scenes.push(PlannedScene { key, group: String::new(), split: String::new(), bounds, asks });
    }
    divide(&mut plan, &located, options);
    plan
}

fn skip(skipped: &mut Skipped, reason: &str) {
    *skipped.entry(reason.to_owned()).or_default() += 1;
}

/// Groups the scenes and gives each its split.
fn divide(plan: &mut Plan, located: &[Located], options: &BuildOptions) {
    let groups = groups(located, options.buffer);
    let names: Vec<String> = groups.iter().map(|g| plan.scenes[*g].key.clone()).collect();
    let items: Vec<Item> = plan
        .scenes
        .iter()
        .zip(&names)
        .flat_map(|(scene, group)| {
            scene.asks.iter().map(move |ask| {
                let what = if ask.level == Level::Function { &ask.function } else { &ask.class };
                Item { group: group.clone(), labels: vec![ask.level.label().to_owned(), what.clone()] }
            })
        })
        .collect();
    let splits = split::assign(&items, options.seed);
    let mut next = splits.iter();
    for (scene, group) in plan.scenes.iter_mut().zip(names) {
        let own = next.by_ref().take(scene.asks.len()).last().copied().unwrap_or(0);
        scene.split = options.only_split.clone().unwrap_or_else(|| split::SPLITS[own].to_owned());
        scene.group = group;
    }
    if options.only_split.is_none() {
        plan.deviations = split::deviations(&items, &splits);
    }
}

/// The window of a place: a square whose side follows the place's size, near it, and within the imagery.
fn window(area: &Area, whole: Bounds, finest: f64, options: &BuildOptions) -> Result<Bounds, &'static str> {
    let b = area.bounds;
    if !b.overlaps(&whole) {
        return Err("places without imagery");
    }
    if b.west < whole.west || b.south < whole.south || b.east > whole.east || b.north > whole.north {
        return Err("places cut by the border of the imagery");
    }
    // Ground metres to Mercator's.
    let scale = metres_at(b.centre().y);
    let [low, high] = options.sides;
    let low = (low / scale).max(finest * f64::from(options.size));
    let high = (high / scale).max(low);
    let reach = (b.east - b.west).max(b.north - b.south);
    if reach * 1.05 > high {
        return Err("places larger than the largest window");
    }
    let side = ((area.ground / options.share).sqrt() / scale).clamp(low, high).max(reach * 1.1).min(high);
    if side > (whole.east - whole.west).min(whole.north - whole.south) {
        return Err("places whose window is larger than the imagery");
    }
    let pixel = side * scale / f64::from(options.size);
    if area.ground / (pixel * pixel) < options.smallest as f64 {
        return Err("places that are too small");
    }
    let mut random = SplitMix(FieldHasher::default().field(options.seed.to_le_bytes()).field(&area.id).number());
    let spare = ((side - reach * 1.04) / 2.0).clamp(0.0, OFF * side);
    let mut off = || random.between(-spare, spare);
    let centre = Mercator { x: b.centre().x + off(), y: b.centre().y + off() };
    // Pushed inside where the imagery ends; the place stays inside because it is within the imagery itself.
    let half = side / 2.0;
    let centre = Mercator {
        x: centre.x.clamp(whole.west + half, whole.east - half),
        y: centre.y.clamp(whole.south + half, whole.north - half),
    };
    Ok(Bounds::around(centre, side))
}

struct Found {
    asks: Vec<Ask>,
    /// Ids of all places that are asked for.
    places: Vec<String>,
    skipped: Vec<&'static str>,
}

/// What is asked of a place's window.
fn asks(plan: &Plan, index: usize, bounds: &Bounds, hierarchy: &Hierarchy, options: &BuildOptions) -> Found {
    let area = &plan.areas[index];
    let ask = |level: Level, text: &str| Ask {
        id: String::new(),
        level,
        text: text.to_owned(),
        class: area.class.clone(),
        function: area.function.clone(),
    };
    let mut found = Found { asks: Vec::new(), places: Vec::new(), skipped: Vec::new() };
    let inside: Vec<&Area> = plan.areas.iter().filter(|a| a.bounds.overlaps(bounds)).collect();
    let wanted = |level: Level| options.levels.contains(&level);
    let name = area.names.english.as_deref().unwrap_or(&area.names.local);
    if wanted(Level::Name) && !name.is_empty() {
        let alike = |a: &&&Area| a.id != area.id && (a.names.local == name || a.names.english.as_deref() == Some(name));
        if hierarchy.level_of(name) != Level::Name || inside.iter().filter(alike).any(|a| a.class != area.class) {
            found.skipped.push("ambiguous names");
        } else {
            found.asks.push(ask(Level::Name, name));
        }
    }
    if !area.class.is_empty() {
        if wanted(Level::Class) {
            found.asks.push(ask(Level::Class, &area.class));
        }
        if wanted(Level::Function) {
            found.asks.push(ask(Level::Function, &area.function));
        }
    }
    let asked: BTreeSet<&str> = inside
        .iter()
        .filter(|a| a.id == area.id || (!area.function.is_empty() && a.function == area.function))
        .map(|a| a.id.as_str())
        .collect();
    found.places = asked.into_iter().map(str::to_owned).collect();
    found
}

impl Plan {
    /// Makes the scene of a window around its satellite view.
    pub fn scene(&self, planned: &PlannedScene, satellite: image::RgbImage, options: &BuildOptions) -> Scene {
        let size = options.size;
        let to = pixels(&planned.bounds, size);
        let places = self.areas.iter().filter(|a| a.bounds.overlaps(&planned.bounds)).map(|a| Place {
            id: a.id.clone(),
            names: a.names.clone(),
            class: a.class.clone(),
            function: a.function.clone(),
            rings: a.rings.iter().map(|r| r.iter().map(|p| to(*p)).collect()).collect(),
        });
        let seen = |place: &Place| {
            let mut mask = crate::Mask::new(size, size);
            mask.fill_rings(&place.rings);
            mask.area() >= PART
        };
        let [source, licence, attribution] = options.source.clone();
        let scale = metres_at(planned.bounds.centre().y);
        Scene {
            key: planned.key.clone(),
            group: planned.group.clone(),
            satellite,
            features: features::seen(&self.placed, &planned.bounds, size),
            places: places.filter(seen).collect(),
            provenance: Provenance {
                region: options.region.clone(),
                crs: Some("EPSG:3857".to_owned()),
                bounds: Some(planned.bounds.degrees()),
                gsd_m: (planned.bounds.east - planned.bounds.west) * scale / f64::from(size),
                source,
                licence,
                attribution,
            },
        }
    }
}
