//! Decoded chunks, the latest used kept, bounded in bytes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbaImage;

use super::{Raster, geotiff};
use crate::error::GeoError;

/// Bytes of decoded pixels kept.
const BYTES: usize = 256 << 20;

#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    chunks: HashMap<(usize, u32), (u64, Arc<RgbaImage>)>,
    bytes: usize,
    clock: u64,
}

impl Cache {
    /// A chunk of a raster, decoded once while it is kept.
    pub(super) fn chunk(&self, index: usize, raster: &Raster, chunk: u32) -> Result<Arc<RgbaImage>, GeoError> {
        if let Some(found) = self.touch((index, chunk)) {
            return Ok(found);
        }
        // Decoded outside the lock: two threads may decode one chunk, which costs time and is no error.
        let picture = if raster.tiff { geotiff::chunk(raster, chunk)? } else { picture(&raster.path)? };
        let picture = Arc::new(picture);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += picture.len();
        kept.clock += 1;
        let now = kept.clock;
        if let Some((_, old)) = kept.chunks.insert((index, chunk), (now, Arc::clone(&picture))) {
            kept.bytes -= old.len();
        }
        while kept.bytes > BYTES && kept.chunks.len() > 1 {
            let oldest = kept.chunks.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key);
            let Some((_, old)) = oldest.and_then(|key| kept.chunks.remove(&key)) else { break };
            kept.bytes -= old.len();
        }
        Ok(picture)
    }

    fn touch(&self, key: (usize, u32)) -> Option<Arc<RgbaImage>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let (used, picture) = kept.chunks.get_mut(&key)?;
        *used = now;
        Some(Arc::clone(picture))
    }
}

fn picture(path: &Path) -> Result<RgbaImage, GeoError> {
    let reader = image::ImageReader::open(path).and_then(image::ImageReader::with_guessed_format);
    let reader = reader.map_err(GeoError::read(path))?;
    let picture = reader.decode().map_err(|e| GeoError::content(path, format!("does not decode: {e}")))?;
    Ok(picture.into_rgba8())
}
