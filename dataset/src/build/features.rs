//! What a map shows of OpenStreetMap's objects.

use std::collections::BTreeMap;

use socio_geo::vectors::{Object, Shape};
use socio_geo::{Bounds, Mercator};
use socio_map::{Feature, Geometry, Green, Group, Kind, Land, Names, Road, Xy};

use super::places::names;
use crate::Hierarchy;

/// An object with its box, so that those of a window are found without projecting everything again.
pub(super) struct Placed {
    kind: Kind,
    names: Names,
    shape: Projected,
    bounds: Bounds,
    rank: f64,
}

enum Projected {
    Point(Mercator),
    Line(Vec<Mercator>),
    Area(Vec<Vec<Mercator>>),
}

/// The objects that maps can show, in the order of the file; an area that is a place also gets an icon.
pub(super) fn placed(objects: &[Object], hierarchy: &Hierarchy) -> Vec<Placed> {
    let mut all = Vec::new();
    for object in objects {
        let shape = match &object.shape {
            Shape::Point(p) => Projected::Point((*p).into()),
            Shape::Line(line) => Projected::Line(line.iter().map(|p| (*p).into()).collect()),
            Shape::Area(rings) => {
                Projected::Area(rings.iter().map(|r| r.iter().map(|p| (*p).into()).collect()).collect())
            }
        };
        let Some(bounds) = Bounds::of(shape.points()) else { continue };
        let names = names(object);
        if let Some((kind, rank)) = icon(object, &names, hierarchy)
            && let Some(at) = shape.anchor(bounds)
        {
            let at_only = Bounds { west: at.x, south: at.y, east: at.x, north: at.y };
            all.push(Placed { kind, names: names.clone(), shape: Projected::Point(at), bounds: at_only, rank });
        }
        if let Some(kind) = kind(&object.tags, &shape) {
            // A place's name stands beside its icon; water, green and streets carry theirs.
            let own = matches!(kind, Kind::Road(_) | Kind::Water | Kind::Green(_) | Kind::District);
            let names = if own { names } else { Names::default() };
            all.push(Placed { kind, names, shape, bounds, rank: 0.0 });
        }
    }
    all
}

/// The features of a window, in pixels.
pub(super) fn seen(placed: &[Placed], window: &Bounds, size: u32) -> Vec<Feature> {
    let to = pixels(window, size);
    // Wide roads and icons reach in from outside.
    let margin = (window.east - window.west) * 0.05;
    let wide = Bounds {
        west: window.west - margin,
        south: window.south - margin,
        east: window.east + margin,
        north: window.north + margin,
    };
    let near =
        |b: &Bounds| b.west <= wide.east && wide.west <= b.east && b.south <= wide.north && wide.south <= b.north;
    placed
        .iter()
        .filter(|p| near(&p.bounds))
        .map(|p| Feature {
            kind: p.kind.clone(),
            geometry: match &p.shape {
                Projected::Point(at) => Geometry::Point(to(*at)),
                Projected::Line(line) => Geometry::Line(line.iter().map(|p| to(*p)).collect()),
                Projected::Area(rings) => {
                    Geometry::Area(rings.iter().map(|r| r.iter().map(|p| to(*p)).collect()).collect())
                }
            },
            names: p.names.clone(),
            rank: p.rank,
        })
        .collect()
}

/// From Web Mercator to pixels of a window.
pub(super) fn pixels(window: &Bounds, size: u32) -> impl Fn(Mercator) -> Xy + Copy {
    let (west, north) = (window.west, window.north);
    let scale = f64::from(size) / (window.east - window.west);
    move |p: Mercator| [(p.x - west) * scale, (north - p.y) * scale]
}

impl Projected {
    fn points(&self) -> Vec<Mercator> {
        match self {
            Self::Point(p) => vec![*p],
            Self::Line(line) => line.clone(),
            Self::Area(rings) => rings.concat(),
        }
    }

    /// Where an icon stands: a point itself, a spot well inside an area.
    fn anchor(&self, bounds: Bounds) -> Option<Mercator> {
        match self {
            Self::Point(p) => Some(*p),
            Self::Line(_) => None,
            Self::Area(rings) => {
                let near: Vec<Vec<Xy>> =
                    rings.iter().map(|r| r.iter().map(|p| [p.x - bounds.west, bounds.north - p.y]).collect()).collect();
                let [x, y] = socio_map::inside_point(&near)?;
                Some(Mercator { x: x + bounds.west, y: bounds.north - y })
            }
        }
    }
}

/// The icon of an object with a class or, where it is named, of what kind it may be; larger and named places first.
fn icon(object: &Object, names: &Names, hierarchy: &Hierarchy) -> Option<(Kind, f64)> {
    let class = hierarchy.of_tags(&object.tags);
    let named = !names.local.is_empty();
    let area = matches!(object.shape, Shape::Area(_));
    let (class, group) = match class {
        Some(c) => (c.name.clone(), Group::of_function(&c.function)),
        // A name alone deserves an icon where it is a building's or a place's of some trade.
        None if named => {
            let trade =
                ["building", "amenity", "shop", "tourism", "leisure", "office", "historic", "craft", "healthcare"];
            trade.iter().any(|k| object.tags.contains_key(*k)).then(|| ("Others".to_owned(), Group::Other))?
        }
        None => return None,
    };
    // Land use without a name is a colour of the ground and no place; so are pitches and lawns.
    let ground = ["landuse", "leisure", "natural"].iter().any(|k| object.tags.contains_key(*k));
    if !named && ground {
        return None;
    }
    Some((Kind::Place { class, group }, f64::from(u8::from(named)) * 2.0 + f64::from(u8::from(area))))
}

/// What an object's own shape is drawn as.
fn kind(tags: &BTreeMap<String, String>, shape: &Projected) -> Option<Kind> {
    let tag = |key: &str| tags.get(key).map(String::as_str);
    if tag("tunnel").is_some_and(|t| t != "no") && tag("highway").is_none_or(|h| h == "footway") {
        return None;
    }
    let kind = match shape {
        Projected::Point(_) => {
            return matches!(tag("place"), Some("suburb" | "quarter" | "neighbourhood")).then_some(Kind::District);
        }
        Projected::Line(_) => match (tag("highway"), tag("railway"), tag("waterway")) {
            (Some(highway), _, _) => Kind::Road(road(highway)?),
            (None, Some("rail" | "light_rail" | "tram" | "narrow_gauge"), _) => Kind::Rail,
            (None, None, Some("river" | "stream" | "canal" | "ditch")) => Kind::Water,
            _ => return None,
        },
        Projected::Area(_) => area(tags)?,
    };
    Some(kind)
}

fn road(highway: &str) -> Option<Road> {
    Some(match highway {
        "motorway" | "motorway_link" => Road::Motorway,
        "trunk" | "trunk_link" => Road::Trunk,
        "primary" | "primary_link" => Road::Primary,
        "secondary" | "secondary_link" => Road::Secondary,
        "tertiary" | "tertiary_link" => Road::Tertiary,
        "residential" | "unclassified" | "living_street" | "road" => Road::Residential,
        "service" | "pedestrian" => Road::Service,
        "footway" | "path" | "cycleway" | "steps" | "track" | "bridleway" => Road::Path,
        _ => return None,
    })
}

fn area(tags: &BTreeMap<String, String>) -> Option<Kind> {
    let tag = |key: &str| tags.get(key).map(String::as_str).unwrap_or_default();
    if tags.get("building").is_some_and(|b| b != "no") {
        return Some(Kind::Building);
    }
    if matches!(tag("natural"), "water" | "bay") || tag("waterway") == "riverbank" || tag("landuse") == "basin" {
        return Some(Kind::Water);
    }
    let green = match (tag("leisure"), tag("landuse"), tag("natural")) {
        ("park" | "garden" | "dog_park" | "playground", ..) => Some(Green::Park),
        ("pitch" | "track" | "stadium" | "sports_centre", ..) => Some(Green::Pitch),
        ("golf_course", ..) | (_, "grass" | "meadow" | "village_green" | "recreation_ground" | "farmland", _) => {
            Some(Green::Grass)
        }
        (_, "forest", _) | (_, _, "wood" | "scrub") => Some(Green::Wood),
        (_, "cemetery", _) => Some(Green::Cemetery),
        _ => (tag("amenity") == "grave_yard").then_some(Green::Cemetery),
    };
    if let Some(green) = green {
        return Some(Kind::Green(green));
    }
    let land = match (tag("amenity"), tag("landuse")) {
        ("school" | "university" | "college" | "kindergarten", _) | (_, "education") => Land::Education,
        ("hospital" | "clinic", _) => Land::Medical,
        (_, "residential") => Land::Residential,
        (_, "commercial" | "retail") => Land::Commercial,
        (_, "industrial" | "port" | "depot") => Land::Industrial,
        (_, "railway") => Land::Transport,
        (_, "religious" | "institutional" | "military") => Land::Civic,
        _ => return None,
    };
    Some(Kind::Land(land))
}
