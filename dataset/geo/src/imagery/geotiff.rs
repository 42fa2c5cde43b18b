//! GeoTIFF: the georeference from its tags, the pixels chunk by chunk.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::RgbaImage;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::affine::Affine;
use super::{Raster, tiles};
use crate::crs::Crs;
use crate::error::GeoError;

const PIXEL_SCALE: Tag = Tag::Unknown(33550);
const TIE_POINTS: Tag = Tag::Unknown(33922);
const TRANSFORMATION: Tag = Tag::Unknown(34264);
const KEYS: Tag = Tag::Unknown(34735);
const NO_DATA: Tag = Tag::Unknown(42113);
const SAMPLES: Tag = Tag::Unknown(277);
const PLANAR: Tag = Tag::Unknown(284);
const PREDICTOR: Tag = Tag::Unknown(317);
const EXTRA: Tag = Tag::Unknown(338);

/// GeoKeys: the kind of model (1: projected) and of raster space, the geographic and the projected system.
const MODEL_TYPE: u16 = 1024;
const RASTER_TYPE: u16 = 1025;
const GEOGRAPHIC: u16 = 2048;
const PROJECTED: u16 = 3072;

type Reader = Decoder<BufReader<File>>;

fn reader(path: &Path) -> Result<Reader, GeoError> {
    let file = File::open(path).map_err(GeoError::read(path))?;
    Decoder::new(BufReader::new(file)).map_err(|e| GeoError::content(path, format!("is no readable TIFF: {e}")))
}

/// Whether a file is a TIFF with a place on the ground.
pub(super) fn has_georeference(path: &Path) -> bool {
    reader(path).is_ok_and(|mut r| [TIE_POINTS, TRANSFORMATION].iter().any(|t| matches!(r.find_tag(*t), Ok(Some(_)))))
}

/// Whether a folder holds a GeoTIFF: then its other pictures are no tiles.
pub(super) fn is_in(folder: &Path) -> Result<bool, GeoError> {
    Ok(tiles::sorted(folder)?.iter().any(|p| p.is_file() && tiles::is_picture(p) && has_georeference(p)))
}

/// The GeoTIFFs of a folder.
pub(super) fn folder(path: &Path, skipped: &mut Vec<GeoError>) -> Result<Vec<Raster>, GeoError> {
    let files = tiles::sorted(path)?.into_iter().filter(|p| p.is_file() && tiles::is_picture(p));
    Ok(files.filter_map(|p| open(&p).map_err(|e| skipped.push(e)).ok()).collect())
}

pub(super) fn open(path: &Path) -> Result<Raster, GeoError> {
    let mut reader = reader(path)?;
    let wrong = |why: String| GeoError::content(path, why);
    let size = reader.dimensions().map_err(|e| wrong(format!("has no readable size: {e}")))?;
    let colour = match reader.colortype() {
        Ok(colour @ (ColorType::Gray(8) | ColorType::RGB(8) | ColorType::RGBA(8))) => colour,
        Ok(other) => {
            let why = format!(
                "has pixels of {other:?}: expected grey, RGB or RGBA of 8 bits; scale it (gdal_translate -ot Byte -scale)"
            );
            return Err(wrong(why));
        }
        Err(e) => return Err(wrong(format!("has pixels that cannot be read: {e}"))),
    };
    let number = |reader: &mut Reader, tag| reader.find_tag(tag).ok().flatten().and_then(|v| v.into_u16().ok());
    let samples = number(&mut reader, SAMPLES).unwrap_or(1);
    if number(&mut reader, PLANAR) == Some(2) && samples > 1 {
        return Err(wrong("keeps its bands apart (INTERLEAVE=BAND): expected INTERLEAVE=PIXEL".into()));
    }
    // The decoder takes the differences of the wrong neighbours then.
    if number(&mut reader, PREDICTOR).is_some_and(|p| p != 1) && samples != colour.num_samples() {
        return Err(wrong(format!(
            "has {samples} bands and a predictor: keep its first three (gdal_translate -b 1 -b 2 -b 3)"
        )));
    }
    let keys = reader.find_tag(KEYS).ok().flatten().and_then(|v| v.into_u16_vec().ok()).unwrap_or_default();
    // A projection of its own is no geographic system, whatever it rests on.
    let projected = key(&keys, MODEL_TYPE) == Some(1) || key(&keys, PROJECTED).is_some();
    let code = if projected { key(&keys, PROJECTED).filter(|c| *c != 32767) } else { key(&keys, GEOGRAPHIC) };
    let code = code
        .ok_or_else(|| wrong("has no EPSG code in its GeoKeys: expected a GeoTIFF; a picture needs --bounds".into()))?;
    let crs =
        Crs::of_code(code).ok_or_else(|| wrong(format!("is in EPSG:{code}, which is not known here: reproject it")))?;
    let mut place = place(&mut reader).ok_or_else(|| {
        wrong("has neither pixel scale with tie point nor a transformation: it says nowhere where it lies".into())
    })?;
    if key(&keys, RASTER_TYPE) == Some(2) {
        // Pixel is point: the tie point is the middle of a pixel, not its corner.
        let (x, y) = place.apply(-0.5, -0.5);
        place.0[2] = x;
        place.0[5] = y;
    }
    let no_data = reader.find_tag(NO_DATA).ok().flatten().and_then(|v| v.into_string().ok());
    let chunk = reader.chunk_dimensions();
    let raster = Raster::new(path.to_owned(), size, crs, place)?;
    let no_data = no_data.and_then(|t| t.trim_matches(['\0', ' ']).parse::<f64>().ok());
    let no_data = no_data.filter(|v| (0.0..=255.0).contains(v)).map(|v| v as u8);
    // A fourth band is opacity only where the file says so; else it is infrared or the like.
    let opacity = reader.find_tag(EXTRA).ok().flatten().and_then(|v| v.into_u16_vec().ok());
    let opacity = opacity.is_some_and(|e| matches!(e.first(), Some(1 | 2)));
    Ok(Raster { chunk, tiff: true, no_data, opacity, ..raster })
}

fn key(keys: &[u16], wanted: u16) -> Option<u16> {
    // Four numbers of header, then four a key; a short value stands in place (location 0).
    keys.get(4..)?.chunks_exact(4).find(|k| k[0] == wanted && k[1] == 0).map(|k| k[3])
}

fn place(reader: &mut Reader) -> Option<Affine> {
    let numbers = |reader: &mut Reader, tag| reader.find_tag(tag).ok().flatten().and_then(|v| v.into_f64_vec().ok());
    if let (Some(scale), Some(tie)) = (numbers(reader, PIXEL_SCALE), numbers(reader, TIE_POINTS))
        && let ([sx, sy, ..], [u, v, _, x, y, ..]) = (scale.as_slice(), tie.as_slice())
    {
        return Some(Affine([*sx, 0.0, x - u * sx, 0.0, -sy, y + v * sy]));
    }
    let m = numbers(reader, TRANSFORMATION)?;
    (m.len() == 16).then(|| Affine([m[0], m[1], m[3], m[4], m[5], m[7]]))
}

/// Reads one strip or tile, with its own size at the edges of the picture.
pub(super) fn chunk(raster: &Raster, index: u32) -> Result<RgbaImage, GeoError> {
    let path = &raster.path;
    let mut reader = reader(path)?;
    let wrong = |e: tiff::TiffError| GeoError::content(path, format!("breaks off or is damaged in chunk {index}: {e}"));
    let colour = reader.colortype().map_err(wrong)?;
    let (width, height) = reader.chunk_data_dimensions(index);
    let DecodingResult::U8(bytes) = reader.read_chunk(index).map_err(wrong)? else {
        return Err(GeoError::content(path, "has pixels that are not of 8 bits"));
    };
    let channels = usize::from(colour.num_samples());
    let mut picture = RgbaImage::new(width, height);
    for (to, from) in picture.pixels_mut().zip(bytes.chunks_exact(channels)) {
        let [r, g, b] = if channels < 3 { [from[0]; 3] } else { [from[0], from[1], from[2]] };
        let empty = raster.no_data.is_some_and(|n| [r, g, b] == [n; 3]);
        let alpha = if empty {
            0
        } else if channels == 4 && raster.opacity {
            from[3]
        } else {
            255
        };
        to.0 = [r, g, b, alpha];
    }
    Ok(picture)
}
