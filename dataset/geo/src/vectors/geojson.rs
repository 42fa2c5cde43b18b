//! GeoJSON feature collections, also in the reference system that the old `crs` member names.

use std::fs;
use std::path::Path;

use geojson::{Feature, GeoJson, GeometryValue, Position};
use serde_json::Value;

use super::{Line, Object, Shape, Vectors, area, implausible};
use crate::crs::{Crs, LonLat};
use crate::error::GeoError;

pub(super) fn read(path: &Path) -> Result<Vectors, GeoError> {
    let text = fs::read_to_string(path).map_err(GeoError::read(path))?;
    let json: GeoJson = text.parse().map_err(|e: geojson::Error| {
        GeoError::content(path, format!("is no readable GeoJSON: {e}; expected a FeatureCollection"))
    })?;
    let GeoJson::FeatureCollection(collection) = json else {
        return Err(GeoError::content(path, "is no FeatureCollection"));
    };
    let crs = system(collection.foreign_members.as_ref().and_then(|m| m.get("crs"))).ok_or_else(|| {
        GeoError::content(path, "names a `crs` that is not known here: reproject it to longitude and latitude")
    })?;
    let mut vectors = Vectors::default();
    let mut outside = 0;
    let mut total = 0;
    for (row, feature) in collection.features.iter().enumerate() {
        total += 1;
        match shapes(feature, &crs) {
            Ok(shapes) => {
                let (id, several) = (id(feature, row), shapes.len() > 1);
                for (part, shape) in shapes.into_iter().enumerate() {
                    let id = if several { format!("{id}/{part}") } else { id.clone() };
                    vectors.objects.push(Object { id, tags: tags(feature), shape });
                }
            }
            Err(reason) => {
                outside += u64::from(reason.starts_with("coordinates"));
                vectors.skip(reason);
            }
        }
    }
    if total > 0 && outside == total {
        let why = "has no coordinates within longitude and latitude: it looks projected and names no `crs`";
        return Err(GeoError::content(path, why));
    }
    Ok(vectors)
}

/// The system that a `crs` member names, as `urn:ogc:def:crs:EPSG::3857` or `EPSG:3857`.
fn system(member: Option<&Value>) -> Option<Crs> {
    let Some(name) = member.and_then(|m| m["properties"]["name"].as_str()) else { return Some(Crs::Degrees) };
    if name.ends_with("CRS84") {
        return Some(Crs::Degrees);
    }
    Crs::of_code(name.rsplit(':').next()?.parse().ok()?)
}

fn id(feature: &Feature, row: usize) -> String {
    let property = |name: &str| {
        feature.property(name).and_then(|v| match v {
            Value::String(text) => Some(text.clone()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        })
    };
    if let (Some(kind), Some(id)) = (property("osm_type"), property("osm_id")) {
        return format!("{kind}/{id}");
    }
    match &feature.id {
        Some(geojson::feature::Id::String(text)) => text.clone(),
        Some(geojson::feature::Id::Number(n)) => n.to_string(),
        None => property("@id").or_else(|| property("id")).unwrap_or_else(|| format!("feature/{row}")),
    }
}

fn tags(feature: &Feature) -> std::collections::BTreeMap<String, String> {
    let Some(properties) = &feature.properties else { return std::collections::BTreeMap::new() };
    let text = |value: &Value| match value {
        Value::String(t) => Some(t.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(if *b { "yes" } else { "no" }.to_owned()),
        _ => None,
    };
    properties.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()
}

/// The shapes of a feature: one, or one for each part of several points or lines.
fn shapes(feature: &Feature, crs: &Crs) -> Result<Vec<Shape>, &'static str> {
    let geometry = feature.geometry.as_ref().ok_or("features without a geometry")?;
    let point = |p: &Position| -> Result<LonLat, &'static str> {
        let (Some(x), Some(y)) = (p.as_slice().first(), p.as_slice().get(1)) else {
            return Err("coordinates of fewer than two numbers");
        };
        match crs {
            Crs::Degrees => Ok(LonLat { lon: *x, lat: *y }),
            _ => crs.to_mercator(*x, *y).map(LonLat::from).ok_or("coordinates outside their reference system"),
        }
    };
    let line = |l: &[Position]| l.iter().map(point).collect::<Result<Line, _>>();
    let checked = |shape: Shape| {
        let points: Line = match &shape {
            Shape::Point(p) => vec![*p],
            Shape::Line(l) => l.clone(),
            Shape::Area(rings) => rings.concat(),
        };
        if matches!(&shape, Shape::Line(l) if l.len() < 2) {
            return Err("lines of fewer than two points");
        }
        implausible(points.into_iter()).map_or(Ok(shape), Err)
    };
    let one = |shape: Result<Shape, &'static str>| shape.map(|s| vec![s]);
    match &geometry.value {
        GeometryValue::Point { coordinates } => one(checked(Shape::Point(point(coordinates)?))),
        GeometryValue::LineString { coordinates } => one(checked(Shape::Line(line(coordinates)?))),
        GeometryValue::MultiPoint { coordinates } => {
            coordinates.iter().map(|p| checked(Shape::Point(point(p)?))).collect()
        }
        GeometryValue::MultiLineString { coordinates } => {
            coordinates.iter().map(|l| checked(Shape::Line(line(l)?))).collect()
        }
        GeometryValue::Polygon { coordinates } => {
            one(area(coordinates.iter().map(|r| line(r)).collect::<Result<_, _>>()?))
        }
        GeometryValue::MultiPolygon { coordinates } => {
            one(area(coordinates.iter().flatten().map(|r| line(r)).collect::<Result<_, _>>()?))
        }
        GeometryValue::GeometryCollection { .. } => Err("geometries other than points, lines and polygons"),
    }
}
