//! Vectors: what is where, with its tags.

mod geojson;
mod pbf;
mod rings;

use std::collections::BTreeMap;
use std::path::Path;

use crate::crs::LonLat;
use crate::error::GeoError;
use rings::{crossings, joined};

/// A ring or line in degrees.
pub type Line = Vec<LonLat>;

/// Where an object is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A spot.
    Point(LonLat),
    /// A line.
    Line(Line),
    /// Rings, outer and inner, by the even-odd rule.
    Area(Vec<Line>),
}

/// Something with tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its id, as `way/206057139`.
    pub id: String,
    /// OpenStreetMap tags, or the properties of a GeoJSON feature that are texts, numbers or flags.
    pub tags: BTreeMap<String, String>,
    /// Where it is.
    pub shape: Shape,
}

/// What a file held.
#[derive(Debug, Default)]
pub struct Vectors {
    /// The objects, in the order of the file (nodes, ways, relations for OpenStreetMap).
    pub objects: Vec<Object>,
    /// What could not be used, counted by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

impl Vectors {
    pub(crate) fn skip(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }
}

/// Reads OpenStreetMap PBF (`*.pbf`) or GeoJSON (anything else).
///
/// # Errors
/// When the file cannot be read to its end: a truncated file gives nothing, not a part.
pub fn read(path: &Path) -> Result<Vectors, GeoError> {
    let pbf = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("pbf"));
    if pbf { pbf::read(path) } else { geojson::read(path) }
}

/// An area's rings as a shape, or why it cannot be one.
pub(crate) fn area(rings: Vec<Line>) -> Result<Shape, &'static str> {
    let rings: Vec<Line> = rings.into_iter().filter(|r| r.len() >= 3).collect();
    if rings.is_empty() {
        return Err("areas of fewer than three points");
    }
    if let Some(reason) = implausible(rings.iter().flatten().copied()) {
        return Err(reason);
    }
    match crossings(&rings) {
        None => return Err("polygons too intricate to check"),
        Some(true) => return Err("polygons that cross themselves"),
        Some(false) => {}
    }
    Ok(Shape::Area(rings))
}

/// Points that no map can hold.
pub(crate) fn implausible(points: impl Iterator<Item = LonLat>) -> Option<&'static str> {
    let (mut west, mut east, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0_usize);
    for p in points {
        let inside = p.lon.abs() <= 180.0 && p.lat.abs() <= 90.0;
        if !inside {
            return Some("coordinates outside longitude and latitude");
        }
        (west, east, count) = (west.min(p.lon), east.max(p.lon), count + 1);
    }
    if east - west > 180.0 {
        return Some("shapes across the antimeridian");
    }
    (count > 200_000).then_some("shapes of more than 200,000 points")
}
