//! Reference systems: longitude and latitude, Web Mercator, and all others by their EPSG code.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
use std::fmt;

use proj4rs::Proj;

/// The radius of Web Mercator's sphere, in metres.
const RADIUS: f64 = 6_378_137.0;

/// Longitude and latitude in degrees (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LonLat {
    /// Degrees east, `-180..=180`.
    pub lon: f64,
    /// Degrees north, `-90..=90`.
    pub lat: f64,
}

/// Web Mercator (EPSG:3857) in metres, x to the east and y to the north.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mercator {
    /// Metres east.
    pub x: f64,
    /// Metres north.
    pub y: f64,
}

impl From<LonLat> for Mercator {
    fn from(p: LonLat) -> Self {
        let lat = p.lat.clamp(-89.999, 89.999).to_radians();
        Self { x: RADIUS * p.lon.to_radians(), y: RADIUS * libm::log(libm::tan(FRAC_PI_4 + lat / 2.0)) }
    }
}

impl From<Mercator> for LonLat {
    fn from(p: Mercator) -> Self {
        let lat = 2.0 * libm::atan(libm::exp(p.y / RADIUS)) - FRAC_PI_2;
        Self { lon: (p.x / RADIUS).to_degrees(), lat: lat.to_degrees() }
    }
}

/// Metres on the ground for one metre of Web Mercator at a northing.
pub fn metres_at(y: f64) -> f64 {
    1.0 / libm::cosh(y / RADIUS)
}

/// A rectangle of Web Mercator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Western edge.
    pub west: f64,
    /// Southern edge.
    pub south: f64,
    /// Eastern edge.
    pub east: f64,
    /// Northern edge.
    pub north: f64,
}

impl Bounds {
    /// The tile of an XYZ pyramid (Web Mercator, y counted from the north).
    pub fn of_tile(zoom: u32, x: u64, y: u64) -> Self {
        let side = 2.0 * PI * RADIUS / libm::exp2(f64::from(zoom));
        let (west, north) = (x as f64 * side - PI * RADIUS, PI * RADIUS - y as f64 * side);
        Self { west, south: north - side, east: west + side, north }
    }

    /// A square around a point.
    pub fn around(centre: Mercator, side: f64) -> Self {
        let half = side / 2.0;
        Self { west: centre.x - half, south: centre.y - half, east: centre.x + half, north: centre.y + half }
    }

    /// The smallest rectangle around points; `None` for no points.
    pub fn of(points: impl IntoIterator<Item = Mercator>) -> Option<Self> {
        points.into_iter().fold(None, |bounds: Option<Self>, p| {
            let b = bounds.unwrap_or(Self { west: p.x, south: p.y, east: p.x, north: p.y });
            Some(Self {
                west: b.west.min(p.x),
                south: b.south.min(p.y),
                east: b.east.max(p.x),
                north: b.north.max(p.y),
            })
        })
    }

    /// Whether two rectangles share inner points.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.west < other.east && other.west < self.east && self.south < other.north && other.south < self.north
    }

    /// The middle.
    pub fn centre(&self) -> Mercator {
        Mercator { x: f64::midpoint(self.west, self.east), y: f64::midpoint(self.south, self.north) }
    }

    /// West, south, east, north in degrees.
    pub fn degrees(&self) -> [f64; 4] {
        let low = LonLat::from(Mercator { x: self.west, y: self.south });
        let high = LonLat::from(Mercator { x: self.east, y: self.north });
        [low.lon, low.lat, high.lon, high.lat]
    }
}

/// A reference system that coordinates come in.
pub enum Crs {
    /// Longitude and latitude in degrees: EPSG:4326 and OGC:CRS84, longitude first.
    Degrees,
    /// Web Mercator, EPSG:3857.
    Mercator,
    /// Any other.
    Other {
        /// Its EPSG code.
        code: u16,
        /// Its projection, and that of degrees.
        projections: Box<(Proj, Proj)>,
    },
}

impl fmt::Debug for Crs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EPSG:{}", self.code())
    }
}

impl Crs {
    /// The system of an EPSG code; `None` where it is not known.
    pub fn of_code(code: u16) -> Option<Self> {
        match code {
            4326 => Some(Self::Degrees),
            3857 | 3785 => Some(Self::Mercator),
            _ => {
                let from = Proj::from_proj_string(crs_definitions::from_code(code)?.proj4).ok()?;
                let degrees = Proj::from_proj_string("+proj=longlat +datum=WGS84 +no_defs").ok()?;
                Some(Self::Other { code, projections: Box::new((from, degrees)) })
            }
        }
    }

    /// The EPSG code.
    pub fn code(&self) -> u16 {
        match self {
            Self::Degrees => 4326,
            Self::Mercator => 3857,
            Self::Other { code, .. } => *code,
        }
    }

    /// From this system to Web Mercator; `None` where a point has no image.
    pub fn to_mercator(&self, x: f64, y: f64) -> Option<Mercator> {
        match self {
            Self::Mercator => Some(Mercator { x, y }),
            Self::Degrees => Some(LonLat { lon: x, lat: y }.into()),
            Self::Other { projections, .. } => {
                let (from, degrees) = projections.as_ref();
                let mut point = if from.is_latlong() { (x.to_radians(), y.to_radians(), 0.0) } else { (x, y, 0.0) };
                proj4rs::transform::transform(from, degrees, &mut point).ok()?;
                Some(LonLat { lon: point.0.to_degrees(), lat: point.1.to_degrees() }.into())
            }
        }
    }

    /// From Web Mercator to this system; `None` where a point has no image.
    pub fn from_mercator(&self, p: Mercator) -> Option<(f64, f64)> {
        match self {
            Self::Mercator => Some((p.x, p.y)),
            Self::Degrees => {
                let p = LonLat::from(p);
                Some((p.lon, p.lat))
            }
            Self::Other { projections, .. } => {
                let (to, degrees) = projections.as_ref();
                let p = LonLat::from(p);
                let mut point = (p.lon.to_radians(), p.lat.to_radians(), 0.0);
                proj4rs::transform::transform(degrees, to, &mut point).ok()?;
                Some(if to.is_latlong() { (point.0.to_degrees(), point.1.to_degrees()) } else { (point.0, point.1) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mercator_there_and_back() {
        for (lon, lat) in [(85.52, 27.63), (-179.9, -66.0), (0.0, 0.0), (24.94, 60.17)] {
            let there = Mercator::from(LonLat { lon, lat });
            let back = LonLat::from(there);
            assert!((back.lon - lon).abs() < 1e-9 && (back.lat - lat).abs() < 1e-9);
            assert!((metres_at(there.y) - libm::cos(lat.to_radians())).abs() < 1e-9);
        }
    }

    #[test]
    fn the_tiles_of_banepa_are_where_its_catalogue_says() {
        // stac-item.json of the data: 85.518782..85.523263 east, 27.629193..27.634351 north (48 tiles of zoom 19).
        let all = Bounds { west: Bounds::of_tile(19, 386_690, 220_241).west, ..Bounds::of_tile(19, 386_695, 220_248) };
        let [west, south, east, _] = all.degrees();
        assert!((west - 85.518_8).abs() < 2e-4 && (east - 85.523).abs() < 3e-4, "{west} {east}");
        assert!((south - 27.629_2).abs() < 2e-4, "{south}");
    }

    #[test]
    fn utm_agrees_with_the_published_formula() {
        // EPSG:32645 (UTM 45N) of 87 E, 0 N is its false origin; 27.63 N on the central meridian is k0 times the arc.
        let utm = Crs::of_code(32645).unwrap();
        let origin = utm.to_mercator(500_000.0, 0.0).unwrap();
        let expected = Mercator::from(LonLat { lon: 87.0, lat: 0.0 });
        assert!((origin.x - expected.x).abs() < 1e-3 && origin.y.abs() < 1e-3);
        let p = Mercator::from(LonLat { lon: 85.52, lat: 27.63 });
        let (x, y) = utm.from_mercator(p).unwrap();
        let back = utm.to_mercator(x, y).unwrap();
        assert!((back.x - p.x).abs() < 1e-3 && (back.y - p.y).abs() < 1e-3);
        assert!(Crs::of_code(1).is_none());
    }
}
