//! Imagery: rasters with a place on the ground, cut and resampled on demand.

mod affine;
mod cache;
mod geotiff;
mod tiles;
mod window;

use std::path::{Path, PathBuf};

use crate::crs::{Bounds, Crs, LonLat, Mercator};
use crate::error::GeoError;
use affine::Affine;
use cache::Cache;
pub use window::Window;

/// One raster: where its pixels are, and where to read them.
#[derive(Debug)]
pub(crate) struct Raster {
    path: PathBuf,
    width: u32,
    height: u32,
    crs: Crs,
    /// From pixels (the upper left corner of the upper left one at 0, 0) to the reference system.
    place: Affine,
    bounds: Bounds,
    /// Pixels of a chunk: of a tile or strip of a TIFF, else the whole picture.
    chunk: (u32, u32),
    tiff: bool,
    /// A grey value that stands for no data.
    no_data: Option<u8>,
    /// Whether a fourth band is opacity.
    opacity: bool,
}

/// Imagery of one or several files.
#[derive(Debug)]
pub struct Imagery {
    rasters: Vec<Raster>,
    /// Metres of Web Mercator a pixel, of the finest raster.
    finest: f64,
    skipped: Vec<GeoError>,
    cache: Cache,
}

impl Imagery {
    /// Opens a GeoTIFF, a folder of GeoTIFFs, a folder of XYZ tiles (`z/x/y.png`, or flat files whose names end in
    /// `x-y-z` or `z-x-y`), or a picture whose `bounds` (west, south, east, north in degrees) are given.
    ///
    /// Files of a folder that cannot be used are passed over and told by [`Imagery::skipped`].
    ///
    /// # Errors
    /// When nothing usable is there.
    pub fn open(path: &Path, bounds: Option<[f64; 4]>) -> Result<Self, GeoError> {
        let mut skipped = Vec::new();
        let rasters = if path.is_dir() {
            let found = if geotiff::is_in(path)? { None } else { tiles::find(path, &mut skipped)? };
            match found {
                Some(found) => tiles::rasters(found, &mut skipped),
                None => geotiff::folder(path, &mut skipped)?,
            }
        } else if let Some(bounds) = bounds {
            vec![picture(path, bounds)?]
        } else {
            vec![geotiff::open(path)?]
        };
        let finest = rasters.iter().map(Raster::resolution).fold(f64::INFINITY, f64::min);
        if rasters.is_empty() {
            let first = skipped.first().map(|e| format!("; the first of {}: {e}", skipped.len())).unwrap_or_default();
            let why = format!("no usable imagery: expected GeoTIFFs or XYZ tiles{first}");
            return Err(GeoError::content(path, why));
        }
        Ok(Self { rasters, finest, skipped, cache: Cache::default() })
    }

    /// Files that could not be used, and why.
    pub fn skipped(&self) -> &[GeoError] {
        &self.skipped
    }

    /// How many files hold the pixels.
    pub fn files(&self) -> usize {
        self.rasters.len()
    }

    /// Metres of Web Mercator a pixel, of the finest file.
    pub fn finest(&self) -> f64 {
        self.finest
    }

    /// The reference systems that the files are in, as `EPSG:3857`.
    pub fn systems(&self) -> Vec<String> {
        let mut systems: Vec<String> = self.rasters.iter().map(|r| format!("EPSG:{}", r.crs.code())).collect();
        systems.sort();
        systems.dedup();
        systems
    }

    /// The rectangle around all files.
    pub fn bounds(&self) -> Bounds {
        let corners = self.rasters.iter().flat_map(|r| {
            let b = r.bounds;
            [Mercator { x: b.west, y: b.south }, Mercator { x: b.east, y: b.north }]
        });
        Bounds::of(corners).unwrap_or(Bounds { west: 0.0, south: 0.0, east: 0.0, north: 0.0 })
    }

    /// Cuts a window of `size` × `size` pixels; later files lie over earlier ones. Finer imagery is averaged down, so that
    /// nothing aliases.
    ///
    /// # Errors
    /// When a file that was usable when it was opened can no longer be read.
    pub fn cut(&self, bounds: &Bounds, size: u32) -> Result<Window, GeoError> {
        window::cut(&self.rasters, &self.cache, self.finest, bounds, size)
    }
}

impl Raster {
    fn new(path: PathBuf, size: (u32, u32), crs: Crs, place: Affine) -> Result<Self, GeoError> {
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        let edge = (0..=8).map(|i| f64::from(i) / 8.0);
        let outline = edge.flat_map(|t| [(t * w, 0.0), (t * w, h), (0.0, t * h), (w, t * h)]);
        let points: Vec<Mercator> = outline
            .filter_map(|(u, v)| {
                let (x, y) = place.apply(u, v);
                crs.to_mercator(x, y).filter(|m| m.x.is_finite() && m.y.is_finite())
            })
            .collect();
        match Bounds::of(points) {
            Some(bounds) if bounds.east > bounds.west && bounds.north > bounds.south => Ok(Self {
                path,
                width: size.0,
                height: size.1,
                crs,
                place,
                bounds,
                chunk: size,
                tiff: false,
                no_data: None,
                opacity: true,
            }),
            _ => Err(GeoError::content(&path, "its georeference places it nowhere on the earth")),
        }
    }

    /// Metres of Web Mercator a pixel, in the middle, however it is turned.
    fn resolution(&self) -> f64 {
        let (u, v) = (f64::from(self.width) / 2.0, f64::from(self.height) / 2.0);
        let at = |u: f64, v: f64| {
            let (x, y) = self.place.apply(u, v);
            self.crs.to_mercator(x, y)
        };
        match (at(u, v), at(u + 1.0, v), at(u, v + 1.0)) {
            (Some(o), Some(a), Some(b)) => libm::sqrt(((a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x)).abs()),
            _ => (self.bounds.east - self.bounds.west) / f64::from(self.width.max(1)),
        }
    }
}

fn picture(path: &Path, [west, south, east, north]: [f64; 4]) -> Result<Raster, GeoError> {
    let inside = west < east && south < north && west >= -180.0 && east <= 180.0 && south > -85.06 && north < 85.06;
    if !inside {
        let why =
            "bounds must be west,south,east,north in degrees with west < east, south < north, within Web Mercator";
        return Err(GeoError::content(path, why));
    }
    let size = dimensions(path)?;
    let (low, high) =
        (Mercator::from(LonLat { lon: west, lat: south }), Mercator::from(LonLat { lon: east, lat: north }));
    let place = Affine::from_bounds(low.x, low.y, high.x, high.y, size);
    Raster::new(path.to_owned(), size, Crs::Mercator, place)
}

/// Width and height of a picture, by its header.
fn dimensions(path: &Path) -> Result<(u32, u32), GeoError> {
    let reader = image::ImageReader::open(path).and_then(image::ImageReader::with_guessed_format);
    let reader = reader.map_err(GeoError::read(path))?;
    reader.into_dimensions().map_err(|e| GeoError::content(path, format!("is no picture that can be read: {e}")))
}
