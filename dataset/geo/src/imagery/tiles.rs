//! XYZ tiles: `z/x/y.png`, or flat files whose names hold the three numbers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::affine::Affine;
use super::{Raster, dimensions};
use crate::crs::{Bounds, Crs};
use crate::error::GeoError;

pub(super) struct Tile {
    zoom: u32,
    x: u64,
    y: u64,
    path: PathBuf,
}

/// The tiles of a folder at its finest zoom; `None` for a folder of something else.
pub(super) fn find(folder: &Path, skipped: &mut Vec<GeoError>) -> Result<Option<Vec<Tile>>, GeoError> {
    let mut tiles = Vec::new();
    for entry in sorted(folder)? {
        if entry.is_dir() {
            let Some(zoom) = number(&entry).filter(|z| *z <= 24) else { continue };
            for column in sorted(&entry)?.into_iter().filter(|p| p.is_dir()) {
                let Some(x) = number(&column) else { continue };
                for path in sorted(&column)?.into_iter().filter(|p| is_picture(p)) {
                    let Some(y) = number(&path) else { continue };
                    tiles.push(Tile { zoom: zoom as u32, x, y, path });
                }
            }
        } else if is_picture(&entry) {
            tiles.extend(flat(entry));
        }
    }
    // The zoom that most tiles have; of pyramids, whose every level is whole, that is the finest.
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for tile in &tiles {
        *counts.entry(tile.zoom).or_default() += 1;
    }
    let Some((zoom, _)) = counts.into_iter().max_by_key(|(zoom, n)| (*n, *zoom)) else { return Ok(None) };
    let (kept, others): (Vec<Tile>, Vec<Tile>) = tiles.into_iter().partition(|t| t.zoom == zoom);
    // Coarser levels of a pyramid are no loss; strays that look finer are told.
    let strays = others.into_iter().filter(|t| t.zoom > zoom);
    skipped
        .extend(strays.map(|t| GeoError::content(&t.path, format!("is of zoom {}, most tiles are of {zoom}", t.zoom))));
    Ok(Some(kept))
}

pub(super) fn rasters(tiles: Vec<Tile>, skipped: &mut Vec<GeoError>) -> Vec<Raster> {
    let raster = |tile: Tile| {
        let size = dimensions(&tile.path)?;
        let b = Bounds::of_tile(tile.zoom, tile.x, tile.y);
        Raster::new(tile.path, size, Crs::Mercator, Affine::from_bounds(b.west, b.south, b.east, b.north, size))
    };
    tiles.into_iter().filter_map(|t| raster(t).map_err(|e| skipped.push(e)).ok()).collect()
}

/// A file as `OAM-386690-220241-19.tif`: the last three numbers are x, y, zoom, or zoom, x, y.
fn flat(path: PathBuf) -> Option<Tile> {
    let stem = path.file_stem()?.to_str()?;
    let numbers: Vec<u64> =
        stem.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).map_while(|n| n.parse().ok()).collect();
    let [.., a, b, c] = numbers.as_slice() else { return None };
    let fits = |zoom: u64, x: u64, y: u64| zoom <= 24 && x < 1 << zoom && y < 1 << zoom;
    let orders = [(*c, *a, *b), (*a, *b, *c)];
    let (zoom, x, y) = orders.into_iter().find(|(zoom, x, y)| *zoom >= 10 && fits(*zoom, *x, *y))?;
    Some(Tile { zoom: zoom as u32, x, y, path })
}

pub(super) fn sorted(folder: &Path) -> Result<Vec<PathBuf>, GeoError> {
    let entries = fs::read_dir(folder).map_err(GeoError::read(folder))?;
    let mut paths =
        entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(GeoError::read(folder))?;
    paths.sort();
    Ok(paths)
}

fn number(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

pub(super) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    matches!(extension.as_str(), "png" | "jpg" | "jpeg" | "tif" | "tiff")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_the_numbers_in_either_order() {
        for (name, expected) in [
            ("OAM-386690-220241-19.tif", Some((19, 386_690, 220_241))),
            ("19_386690_220241.png", Some((19, 386_690, 220_241))),
            ("photo-2024-06-01.jpg", None),
            ("a.png", None),
        ] {
            let tile = flat(PathBuf::from(name)).map(|t| (t.zoom, t.x, t.y));
            assert_eq!(tile, expected, "{name}");
        }
    }

    #[test]
    fn a_window_over_two_tiles_of_a_pyramid_shows_both() {
        let folder = tempfile::tempdir().unwrap();
        let (zoom, x, y) = (17_u32, 67_000_u64, 44_000_u64);
        let tile = |z: u32, x: u64, y: u64, colour: [u8; 3]| {
            let place = folder.path().join(format!("{z}/{x}"));
            fs::create_dir_all(&place).unwrap();
            image::RgbImage::from_pixel(256, 256, image::Rgb(colour)).save(place.join(format!("{y}.png"))).unwrap();
        };
        tile(zoom, x, y, [200, 0, 0]);
        tile(zoom, x + 1, y, [0, 200, 0]);
        tile(zoom - 1, x / 2, y / 2, [0, 0, 200]);
        let imagery = crate::imagery::Imagery::open(folder.path(), None).unwrap();
        assert_eq!((imagery.files(), imagery.skipped().len()), (2, 0), "the coarser level is left alone");
        let (left, right) = (Bounds::of_tile(zoom, x, y), Bounds::of_tile(zoom, x + 1, y));
        let middle = Bounds { west: left.centre().x, east: right.centre().x, ..left };
        for size in [64, 256] {
            let window = imagery.cut(&middle, size).unwrap();
            assert_eq!(window.missing, 0.0);
            assert_eq!(window.image.get_pixel(size / 4, size / 2).0, [200, 0, 0]);
            assert_eq!(window.image.get_pixel(size * 3 / 4, size / 2).0, [0, 200, 0]);
        }
        // Half of it beyond the imagery: missing, and black.
        let beyond = Bounds { west: right.centre().x, east: right.east + (right.east - right.west) / 2.0, ..right };
        let window = imagery.cut(&beyond, 64).unwrap();
        assert!((window.missing - 0.5).abs() < 0.02, "{}", window.missing);
        assert_eq!(window.image.get_pixel(60, 32).0, [0, 0, 0]);
    }
}
