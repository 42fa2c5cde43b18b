//! A scene: one window of the ground with its places, from real geodata or from the embedded city, and the samples
//! that are asked of it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use image::RgbImage;
use serde_json::{Map, Value, json};
use socio_map::{Feature, Layers, Names, Rendered, Request, Style, Words, Xy};

use crate::store::{Encoded, Extras, FieldProblem, Image, Origin};
use crate::{Level, Mask, picture};

/// A place of a scene, in pixels of its pictures.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its id where it comes from, as `way/206057139`.
    pub id: String,
    /// What it is called.
    pub names: Names,
    /// Its class.
    pub class: String,
    /// Its function.
    pub function: String,
    /// Its rings, by the even-odd rule.
    pub rings: Vec<Vec<Xy>>,
}

/// Where a scene is and whom it comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// The region.
    pub region: String,
    /// The reference system of the pixels, as `EPSG:3857`; none for generated scenes.
    pub crs: Option<String>,
    /// West, south, east, north in degrees.
    pub bounds: Option<[f64; 4]>,
    /// Metres on the ground a pixel.
    pub gsd_m: f64,
    /// Where imagery and vectors come from.
    pub source: String,
    /// Under which licences.
    pub licence: String,
    /// Whom to name.
    pub attribution: String,
}

/// What is asked of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The sample's id.
    pub id: String,
    /// The level.
    pub level: Level,
    /// The query text.
    pub text: String,
    /// The class of the chosen place.
    pub class: String,
    /// Its function.
    pub function: String,
}

/// A window of the ground.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Its key: samples of one scene share it, and intervals are clustered by it.
    pub key: String,
    /// The group that no split may cut.
    pub group: String,
    /// The satellite view.
    pub satellite: RgbImage,
    /// What the map shows.
    pub features: Vec<Feature>,
    /// The places that can be asked for.
    pub places: Vec<Place>,
    /// Where it is and whom it comes from.
    pub provenance: Provenance,
}

/// The JPEG quality that `jpeg92` or the like names; `None` for `png`.
///
/// # Errors
/// When it is neither: with what was expected.
pub fn satellite_format(text: &str) -> Result<Option<u8>, &'static str> {
    let quality = text.strip_prefix("jpeg").and_then(|q| q.parse().ok()).filter(|q| (1..=100).contains(q));
    match (text, quality) {
        ("png", _) => Ok(None),
        (_, Some(quality)) => Ok(Some(quality)),
        _ => Err("expected png, or jpeg with a quality, as jpeg92"),
    }
}

/// How the pictures of a sample are made.
#[derive(Debug, Clone)]
pub struct Look {
    /// The map's style.
    pub style: Arc<Style>,
    /// The language of its labels.
    pub words: Words,
    /// What it shows beside roads and places.
    pub layers: Layers,
    /// The satellite view as JPEG of this quality (1 to 100); PNG where absent.
    pub jpeg: Option<u8>,
}

impl Scene {
    /// The places that an ask is about: of its name (and class), its class, or its function.
    pub fn asked(&self, ask: &Ask) -> Vec<&Place> {
        self.places
            .iter()
            .filter(|p| match ask.level {
                Level::Name => same(&p.names, &ask.text) && p.class == ask.class,
                Level::Class => p.class == ask.class,
                Level::Function => p.function == ask.function,
            })
            .collect()
    }

    /// The pixels of places.
    pub fn mask(&self, places: &[&Place]) -> Mask {
        let (width, height) = self.satellite.dimensions();
        let mut whole = Mask::new(width, height);
        for place in places {
            // One by one: rings of two places that touch must not cut holes into each other.
            let mut one = Mask::new(width, height);
            one.fill_rings(&place.rings);
            whole = whole.or(&one).unwrap_or(whole);
        }
        whole
    }

    /// Draws the map.
    pub fn map(&self, look: &Look) -> Rendered {
        let (width, height) = self.satellite.dimensions();
        let request = Request {
            width,
            height,
            resolution: self.provenance.gsd_m,
            style: &look.style,
            words: look.words,
            layers: look.layers,
            satellite: Some(&self.satellite),
        };
        socio_map::render(&self.features, &request)
    }

    /// The satellite view as a file.
    ///
    /// # Errors
    /// When it does not encode.
    pub fn satellite_file(&self, jpeg: Option<u8>) -> Result<Image, FieldProblem> {
        let (bytes, name) = match jpeg {
            Some(quality) => (picture::to_jpeg(&self.satellite, quality)?, "sat.jpg"),
            None => (picture::to_png(&self.satellite)?, "sat.png"),
        };
        Ok(Image { bytes, path: Some(name.to_owned()) })
    }

    /// The sample of an ask, encoded, with the columns of [`columns`].
    pub fn sample(
        &self,
        ask: &Ask,
        split: &str,
        look: &Look,
        satellite: Result<Image, FieldProblem>,
        map: Result<Image, FieldProblem>,
    ) -> Encoded {
        let places = self.asked(ask);
        let mask = self.mask(&places);
        let told = Told { split, style: &look.style.name, area: Some(mask.area()), instances: Some(places.len()) };
        let fields = fields(ask, &self.key, &self.group, &self.provenance, self.satellite.dimensions(), &told);
        let file = mask.to_png().map(|bytes| Image { bytes, path: Some("mask.png".to_owned()) });
        Encoded {
            id: ask.id.clone(),
            origin: Origin { file: PathBuf::from(&self.key), row: None },
            problem: Ok(ask.text.clone()),
            satellite,
            map,
            mask: file.map_err(FieldProblem::from),
            extras: Extras::from_json(&fields, &columns()),
        }
    }
}

/// A map as a file.
///
/// # Errors
/// When it does not encode.
pub fn map_file(map: &RgbImage) -> Result<Image, FieldProblem> {
    Ok(Image { bytes: picture::to_png(map)?, path: Some("map.png".to_owned()) })
}

/// What is known of a sample beside its scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) split: &'a str,
    pub(crate) style: &'a str,
    pub(crate) area: Option<u64>,
    pub(crate) instances: Option<usize>,
}

/// The extra columns of a sample as JSON.
pub(crate) fn fields(
    ask: &Ask,
    scene: &str,
    group: &str,
    from: &Provenance,
    (width, height): (u32, u32),
    told: &Told<'_>,
) -> Map<String, Value> {
    let [west, south, east, north] =
        from.bounds.map_or([Value::Null, Value::Null, Value::Null, Value::Null], |b| b.map(Value::from));
    // A function is asked for whatever the class of the place that it was chosen for.
    let class = Some(&ask.class).filter(|c| ask.level != Level::Function && !c.is_empty());
    let function = Some(&ask.function).filter(|f| !f.is_empty());
    let value = json!({
        "split": told.split, "level": ask.level.label(), "class": class, "function": function,
        "region": from.region, "style": told.style, "scene": scene, "group": group,
        "gsd_m": from.gsd_m, "crs": from.crs, "west": west, "south": south, "east": east, "north": north,
        "width": width, "height": height, "area_px": told.area, "instances": told.instances,
        "source": from.source, "licence": from.licence, "attribution": from.attribution,
    });
    value.as_object().cloned().unwrap_or_default()
}

/// The columns beside SocioSeg's own that built data has, flat and typed.
pub fn columns() -> SchemaRef {
    static COLUMNS: OnceLock<SchemaRef> = OnceLock::new();
    let make = || {
        let text = ["split", "level", "class", "function", "region", "style", "scene", "group"];
        let place = [("gsd_m", DataType::Float64), ("crs", DataType::Utf8)];
        let edges = ["west", "south", "east", "north"].map(|n| (n, DataType::Float64));
        let counts = ["width", "height", "area_px", "instances"].map(|n| (n, DataType::Int64));
        let from = ["source", "licence", "attribution"];
        let fields = text
            .map(|n| (n, DataType::Utf8))
            .into_iter()
            .chain(place)
            .chain(edges)
            .chain(counts)
            .chain(from.map(|n| (n, DataType::Utf8)))
            .map(|(name, kind)| Field::new(name, kind, true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    };
    Arc::clone(COLUMNS.get_or_init(make))
}

/// Whether a place is called so, in either language.
fn same(names: &Names, text: &str) -> bool {
    names.local == text || names.english.as_deref() == Some(text)
}
