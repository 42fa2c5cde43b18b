//! Stable hashes: the same on every machine, version of Rust and run.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};

/// SHA-256 of the bytes, in lower-case hexadecimal (64 characters).
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of bytes, as bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of a file, read as it is hashed.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_file(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}

/// Lower-case hexadecimal of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

/// A hash of several fields in which no field can run into the next (each is preceded by its length).
#[derive(Default)]
pub struct FieldHasher(Sha256);

impl FieldHasher {
    /// Adds one field.
    #[must_use]
    pub fn field(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// The first `characters` (at most 64) of the hexadecimal digest.
    pub fn hex(self, characters: usize) -> String {
        let mut text = hex(&self.0.finalize());
        text.truncate(characters);
        text
    }

    /// The first eight bytes of the digest as a number.
    pub fn number(self) -> u64 {
        let digest = self.0.finalize();
        u64::from_le_bytes([digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]])
    }
}

/// How many images' hashes are remembered: those of the samples in flight.
const REMEMBERED: usize = 64;

/// [`pixels`] of a shared image, remembered for as long as the image lives: scenes, embeddings and requests ask for the same
/// ones again. What a `Weak` still points to cannot have been changed, since a change needs the only reference.
pub fn shared_pixels(image: &Arc<image::RgbImage>) -> String {
    static RECENT: Mutex<VecDeque<(Weak<image::RgbImage>, String)>> = Mutex::new(VecDeque::new());
    let known = |recent: &VecDeque<(Weak<image::RgbImage>, String)>| {
        let same = |weak: &Weak<image::RgbImage>| std::ptr::eq(weak.as_ptr(), Arc::as_ptr(image));
        recent.iter().find(|(weak, _)| same(weak) && weak.strong_count() > 0).map(|(_, hash)| hash.clone())
    };
    if let Some(hash) = known(&RECENT.lock().unwrap_or_else(PoisonError::into_inner)) {
        return hash;
    }
    let hash = pixels(image);
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    recent.retain(|(weak, _)| weak.strong_count() > 0);
    recent.push_front((Arc::downgrade(image), hash.clone()));
    recent.truncate(REMEMBERED);
    hash
}

/// The key of a scene: a hash of the decoded satellite pixels (width, height, RGB), 32 hexadecimal characters.
pub fn pixels(image: &image::RgbImage) -> String {
    FieldHasher::default()
        .field(image.width().to_le_bytes())
        .field(image.height().to_le_bytes())
        .field(image.as_raw())
        .hex(32)
}

/// The seed of one random draw: it depends on the run's seed, the sample, the stage and the draw, never on order,
/// batch, threads or shard.
pub fn draw_seed(run_seed: u64, sample: &str, stage: &str, draw: u32) -> u64 {
    FieldHasher::default().field(run_seed.to_le_bytes()).field(sample).field(stage).field(draw.to_le_bytes()).number()
}

/// SplitMix64: a small generator whose whole state is one number, for resampling and generated scenes.
#[derive(Debug, Clone)]
pub struct SplitMix(pub u64);

impl SplitMix {
    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound` (multiply-shift; its bias is below 2^-32 for bounds under 2^32). Zero for a zero bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `0.0..1.0`, of 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `low..high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with a probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the items; `None` of none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }

    /// A generator for one thing among many: independent of how many numbers others drew.
    #[must_use]
    pub fn at(&self, key: u64) -> Self {
        let mut child = Self(self.0 ^ key.wrapping_mul(0xD1B5_4A32_D192_ED03));
        child.next_u64();
        Self(child.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_image_is_the_one_that_was_hashed() {
        let mut image = Arc::new(image::RgbImage::from_pixel(4, 3, image::Rgb([1; 3])));
        let first = shared_pixels(&image);
        assert_eq!((first.clone(), shared_pixels(&Arc::clone(&image))), (pixels(&image), first.clone()));
        // A change takes the only reference, or makes another image.
        Arc::make_mut(&mut image).put_pixel(0, 0, image::Rgb([2; 3]));
        assert_ne!(shared_pixels(&image), first);
        assert_eq!(shared_pixels(&image), pixels(&image));
        for value in 0..200 {
            let image = Arc::new(image::RgbImage::from_pixel(4, 3, image::Rgb([value; 3])));
            assert_eq!(shared_pixels(&image), pixels(&image));
        }
    }

    #[test]
    fn fields_do_not_run_together() {
        let one = FieldHasher::default().field("ab").field("c").number();
        let two = FieldHasher::default().field("a").field("bc").number();
        assert_ne!(one, two);
    }

    #[test]
    fn hashes_are_pinned() {
        // A change here changes every run's seeds and shards: it needs a new manifest schema.
        assert_eq!(draw_seed(42, "name_0001", "stage1", 0), 8_128_532_112_033_018_265);
        assert_eq!(sha256_hex(b"abc")[..16], *"ba7816bf8f01cfea");
        assert_eq!(SplitMix(0).next_u64(), 0xE220_A839_7B1D_CDAF);
    }
}
