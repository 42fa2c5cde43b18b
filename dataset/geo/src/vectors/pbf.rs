//! OpenStreetMap PBF: three passes, so that only the nodes in use are held.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use osmpbf::{Element, ElementReader, RelMemberType};

use super::{Line, Object, Shape, Vectors, area, implausible, joined};
use crate::crs::LonLat;
use crate::error::GeoError;

type Tags = BTreeMap<String, String>;

struct Way {
    id: i64,
    tags: Tags,
    nodes: Vec<i64>,
}

pub(super) fn read(path: &Path) -> Result<Vectors, GeoError> {
    // Relations first: they say which untagged ways matter.
    let mut relations: Vec<(i64, Tags, Vec<i64>)> = Vec::new();
    each(path, |element| {
        if let Element::Relation(r) = element {
            let tags = owned(r.tags());
            if tags.get("type").is_some_and(|t| t == "multipolygon" || t == "boundary") && tags.len() > 1 {
                let ways = r.members().filter(|m| m.member_type == RelMemberType::Way).map(|m| m.member_id).collect();
                relations.push((r.id(), tags, ways));
            }
        }
    })?;
    let members: HashSet<i64> = relations.iter().flat_map(|r| r.2.iter().copied()).collect();
    let mut ways: Vec<Way> = Vec::new();
    each(path, |element| {
        if let Element::Way(w) = element {
            let tags = owned(w.tags());
            if !tags.is_empty() || members.contains(&w.id()) {
                ways.push(Way { id: w.id(), tags, nodes: w.refs().collect() });
            }
        }
    })?;
    let mut nodes: HashMap<i64, LonLat> = ways.iter().flat_map(|w| &w.nodes).map(|id| (*id, NOWHERE)).collect();
    let mut vectors = Vectors::default();
    each(path, |element| {
        let (id, lon, lat, tags) = match &element {
            Element::Node(n) => (n.id(), n.lon(), n.lat(), owned(n.tags())),
            Element::DenseNode(n) => (n.id(), n.lon(), n.lat(), owned(n.tags())),
            _ => return,
        };
        if let Some(at) = nodes.get_mut(&id) {
            *at = LonLat { lon, lat };
        }
        if tags.len() > usize::from(tags.contains_key("created_by")) {
            let shape = Shape::Point(LonLat { lon, lat });
            vectors.objects.push(Object { id: format!("node/{id}"), tags, shape });
        }
    })?;
    for way in &ways {
        if way.tags.is_empty() {
            continue;
        }
        match way_shape(way, &nodes) {
            Ok(shape) => {
                vectors.objects.push(Object { id: format!("way/{}", way.id), tags: way.tags.clone(), shape });
            }
            Err(reason) => vectors.skip(reason),
        }
    }
    let by_id: HashMap<i64, &Way> = ways.iter().map(|w| (w.id, w)).collect();
    for (id, tags, members) in relations {
        match relation_shape(&members, &by_id, &nodes) {
            Ok(shape) => vectors.objects.push(Object { id: format!("relation/{id}"), tags, shape }),
            Err(reason) => vectors.skip(reason),
        }
    }
    Ok(vectors)
}

/// A node that a way names and that the file does not hold.
const NOWHERE: LonLat = LonLat { lon: f64::NAN, lat: f64::NAN };

fn each(path: &Path, on: impl for<'a> FnMut(Element<'a>)) -> Result<(), GeoError> {
    let wrong = |e: osmpbf::Error| {
        GeoError::content(path, format!("is no whole OpenStreetMap PBF: {e}; it may be truncated, fetch it again"))
    };
    let reader = ElementReader::from_path(path).map_err(wrong)?;
    reader.for_each(on).map_err(wrong)
}

fn owned<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Tags {
    tags.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn located(ids: &[i64], nodes: &HashMap<i64, LonLat>) -> Result<Line, &'static str> {
    let line: Line = ids.iter().map(|id| nodes.get(id).copied().unwrap_or(NOWHERE)).collect();
    if line.iter().any(|p| p.lon.is_nan()) { Err("ways with missing nodes") } else { Ok(line) }
}

/// Closed ways are areas unless their tags speak of lines (OpenStreetMap's own rule, in short).
fn way_shape(way: &Way, nodes: &HashMap<i64, LonLat>) -> Result<Shape, &'static str> {
    let line = located(&way.nodes, nodes)?;
    let closed = way.nodes.len() > 3 && way.nodes.first() == way.nodes.last();
    let tag = |key: &str| way.tags.get(key).map(String::as_str);
    let linear = ["highway", "barrier", "railway", "waterway"].iter().any(|k| way.tags.contains_key(*k));
    let areal = ["building", "landuse", "amenity", "leisure", "tourism", "shop", "office"];
    let area_of = tag("area") == Some("yes") || !linear || areal.iter().any(|k| way.tags.contains_key(*k));
    if closed && area_of && tag("area") != Some("no") {
        return area(vec![line]);
    }
    if line.len() < 2 {
        return Err("ways of fewer than two nodes");
    }
    implausible(line.iter().copied()).map_or(Ok(Shape::Line(line)), Err)
}

fn relation_shape(members: &[i64], ways: &HashMap<i64, &Way>, nodes: &HashMap<i64, LonLat>) -> Result<Shape, &'static str> {
    let pieces: Option<Vec<Vec<i64>>> = members.iter().map(|id| ways.get(id).map(|w| w.nodes.clone())).collect();
    let rings = pieces.and_then(joined).ok_or("multipolygons with missing ways")?;
    area(rings.iter().map(|r| located(r, nodes)).collect::<Result<_, _>>()?)
}
