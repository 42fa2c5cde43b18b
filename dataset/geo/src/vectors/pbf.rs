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
    whole(path)?;
    // Relations first: they say which untagged ways matter.
    let mut relations: Vec<(i64, Tags, Vec<i64>)> = Vec::new();
    each(path, |element| {
        if let Element::Relation(r) = element {
            let tags = owned(r.tags());
            if tags.get("type").is_some_and(|t| t == "multipolygon" || t == "boundary") && tags.len() > 1 {
                let mut ways: Vec<i64> =
                    r.members().filter(|m| m.member_type == RelMemberType::Way).map(|m| m.member_id).collect();
                // A way that is listed twice would cancel itself.
                let mut seen = HashSet::new();
                ways.retain(|w| seen.insert(*w));
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
    let wrong = |e: &dyn std::fmt::Display| {
        GeoError::content(path, format!("is no whole OpenStreetMap PBF: {e}; it may be truncated, fetch it again"))
    };
    let reader = ElementReader::from_path(path).map_err(|e| wrong(&e))?;
    // The decoder meets some hostile bytes with a panic.
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reader.for_each(on)));
    read.map_err(|_| wrong(&"the decoder gave up on corrupt data"))?.map_err(|e| wrong(&e))
}

/// Whether the file begins with a header and goes on after it: the decoder takes an empty file for a whole one. (A file
/// that is cut exactly between two blobs cannot be told from a whole one: the format has no end.)
fn whole(path: &Path) -> Result<(), GeoError> {
    let wrong = |why: &str| {
        GeoError::content(path, format!("is no whole OpenStreetMap PBF: {why}; it may be truncated, fetch it again"))
    };
    let length = std::fs::metadata(path).map_err(GeoError::read(path))?.len();
    let file = std::fs::File::open(path).map_err(GeoError::read(path))?;
    let mut blobs = 0_u64;
    let mut reader =
        osmpbf::BlobReader::new_seekable(std::io::BufReader::new(file)).map_err(|e| wrong(&e.to_string()))?;
    while let Some(header) = reader.next_header_skip_blob() {
        let (header, _) = header.map_err(|e| wrong(&e.to_string()))?;
        if blobs == 0 && header.blob_type() != osmpbf::BlobType::OsmHeader {
            return Err(wrong("its first blob is no header"));
        }
        blobs += 1;
    }
    if blobs < 2 || length < 64 {
        return Err(wrong("it holds no data"));
    }
    Ok(())
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
    let tag = |key: &str| way.tags.get(key).map(String::as_str).unwrap_or_default();
    let road = !matches!(tag("highway"), "" | "services" | "rest_area" | "platform");
    let rail = matches!(tag("railway"), "rail" | "tram" | "light_rail" | "narrow_gauge" | "subway" | "monorail");
    let stream = matches!(tag("waterway"), "river" | "stream" | "canal" | "ditch" | "drain");
    // A fence says nothing of what it stands around.
    let fence_alone = way.tags.contains_key("barrier") && tag("barrier") != "toll_booth" && way.tags.len() == 1;
    let main = ["building", "landuse", "amenity", "leisure", "tourism", "shop", "office"];
    let linear = (road || rail || stream) && !main.iter().any(|k| way.tags.contains_key(*k)) || fence_alone;
    let area_of = tag("area") == "yes" || !linear;
    if closed && area_of && tag("area") != "no" {
        return area(vec![line]);
    }
    if line.len() < 2 {
        return Err("ways of fewer than two nodes");
    }
    implausible(line.iter().copied()).map_or(Ok(Shape::Line(line)), Err)
}

fn relation_shape(
    members: &[i64],
    ways: &HashMap<i64, &Way>,
    nodes: &HashMap<i64, LonLat>,
) -> Result<Shape, &'static str> {
    let pieces: Option<Vec<Vec<i64>>> = members.iter().map(|id| ways.get(id).map(|w| w.nodes.clone())).collect();
    let rings = pieces.and_then(joined).ok_or("multipolygons with missing ways")?;
    area(rings.iter().map(|r| located(r, nodes)).collect::<Result<_, _>>()?)
}
