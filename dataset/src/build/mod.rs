//! Scenes from real geodata, by the paper's procedure (its Fig. 7): choose a place, take a boundary around it whose extent
//! follows its size, add the other places inside, cut the satellite view, draw the map, rasterise the masks.

mod features;
mod places;
mod plan;
mod write;

use std::collections::BTreeMap;

use socio_geo::imagery::Imagery;
use socio_geo::vectors::Object;
use socio_geo::{Bounds, LonLat, Mercator, metres_at};

use crate::scene::Look;
use crate::{Hierarchy, Level};

pub use plan::{Plan, PlannedScene, plan};
pub use write::{BuildError, Built, WriteOptions, city_splits, write, write_city};

/// How scenes are built.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The region's name, as in its column.
    pub region: String,
    /// Pixels of a side.
    pub size: u32,
    /// The share of the picture that a chosen place should take: the paper's mean is 3.7 %.
    pub share: f64,
    /// Sides of windows, in metres on the ground; never finer than the imagery.
    pub sides: [f64; 2],
    /// Places of fewer pixels are passed over.
    pub smallest: u64,
    /// The levels to ask at.
    pub levels: Vec<Level>,
    /// Scenes closer than this many metres go to one split.
    pub buffer: f64,
    /// The seed of the splits and of where windows lie.
    pub seed: u64,
    /// All samples into one split of this name, instead of 6 to 1 to 3.
    pub only_split: Option<String>,
    /// How the pictures are made.
    pub look: Look,
    /// Where imagery and vectors come from, under which licences, and whom to name.
    pub source: [String; 3],
}

/// What was passed over, counted by reason.
pub type Skipped = BTreeMap<String, u64>;

/// What a build reads.
pub struct Inputs<'a> {
    /// The imagery.
    pub imagery: &'a Imagery,
    /// Vectors, in longitude and latitude.
    pub objects: &'a [Object],
    /// Tags to classes.
    pub hierarchy: &'a Hierarchy,
}

/// Draws one map of objects: `centre` in degrees, `side` in metres on the ground.
pub fn draw(
    objects: &[Object],
    hierarchy: &Hierarchy,
    [lon, lat]: [f64; 2],
    side: f64,
    size: u32,
    look: &Look,
    satellite: Option<&image::RgbImage>,
) -> socio_map::Rendered {
    let centre = Mercator::from(LonLat { lon, lat });
    let window = Bounds::around(centre, side / metres_at(centre.y));
    let features = features::seen(&features::placed(objects, hierarchy), &window, size);
    let request = socio_map::Request {
        width: size,
        height: size,
        resolution: side / f64::from(size),
        style: &look.style,
        words: look.words,
        layers: look.layers,
        satellite,
    };
    socio_map::render(&features, &request)
}
