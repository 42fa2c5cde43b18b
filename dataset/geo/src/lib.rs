//! Real geodata: imagery that is cut and resampled on demand, and vectors with their tags.
//!
//! Scenes are cut in Web Mercator (EPSG:3857), whose pixels are square and whose north is up; what comes in another
//! reference system is projected. Ground lengths are Mercator lengths times the cosine of the latitude.

mod crs;
mod error;
pub mod imagery;
pub mod vectors;

pub use crs::{Bounds, Crs, LonLat, Mercator, metres_at};
pub use error::GeoError;
