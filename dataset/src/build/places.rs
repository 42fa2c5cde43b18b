//! Places: areas with a name, a class, or both.

use socio_geo::vectors::{Object, Shape};
use socio_geo::{Bounds, Mercator, metres_at};
use socio_map::Names;

use crate::Hierarchy;

/// An area that can be asked for, in Web Mercator.
#[derive(Debug, Clone)]
pub(super) struct Area {
    pub(super) id: String,
    pub(super) names: Names,
    /// Empty where its tags speak of none.
    pub(super) class: String,
    pub(super) function: String,
    pub(super) rings: Vec<Vec<Mercator>>,
    pub(super) bounds: Bounds,
    /// Square metres on the ground.
    pub(super) ground: f64,
}

/// The areas among objects.
pub(super) fn areas(objects: &[Object], hierarchy: &Hierarchy) -> Vec<Area> {
    let mut areas = Vec::new();
    for object in objects {
        let Shape::Area(rings) = &object.shape else { continue };
        let names = names(object);
        let class = hierarchy.of_tags(&object.tags);
        if names.local.is_empty() && class.is_none() {
            continue;
        }
        let rings: Vec<Vec<Mercator>> = rings.iter().map(|r| r.iter().map(|p| Mercator::from(*p)).collect()).collect();
        let Some(bounds) = Bounds::of(rings.iter().flatten().copied()) else { continue };
        let scale = metres_at(bounds.centre().y);
        areas.push(Area {
            id: object.id.clone(),
            names,
            class: class.map(|c| c.name.clone()).unwrap_or_default(),
            function: class.map(|c| c.function.clone()).unwrap_or_default(),
            ground: ground(&rings, bounds) * scale * scale,
            rings,
            bounds,
        });
    }
    areas
}

/// The names of an object: as written there, and in English where that is told.
pub(super) fn names(object: &Object) -> Names {
    let tag = |key: &str| object.tags.get(key).map(|v| v.trim()).filter(|v| !v.is_empty()).map(str::to_owned);
    Names { local: tag("name").unwrap_or_default(), english: tag("name:en").or_else(|| tag("int_name")) }
}

/// Square metres of Mercator inside rings: outer ones less holes, by whether a ring lies in an odd number of others.
fn ground(rings: &[Vec<Mercator>], bounds: Bounds) -> f64 {
    // About the middle, so that far-off coordinates cost no digits.
    let near: Vec<Vec<[f64; 2]>> =
        rings.iter().map(|r| r.iter().map(|p| [p.x - bounds.west, bounds.north - p.y]).collect()).collect();
    near.iter()
        .enumerate()
        .map(|(i, ring)| {
            let around = near.iter().enumerate().filter(|(j, other)| {
                *j != i && ring.first().is_some_and(|p| socio_map::contains(std::slice::from_ref(*other), *p))
            });
            let hole = around.count() % 2 == 1;
            socio_map::area(ring).abs() * if hole { -1.0 } else { 1.0 }
        })
        .sum()
}
