//! Lessons of the city, drawn once and kept at the size that the model sees.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use socio_dataset::city::{City, Facts, GENERATION};
use socio_dataset::files::{self, FileError};
use socio_dataset::pillow::{self, Filter};
use socio_dataset::{hash, parallel};

use crate::TrainError;

/// What a folder of lessons holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    city: String,
    generation: u32,
    splits: Vec<String>,
    side: u32,
    count: usize,
}

/// Lessons on disk, their pictures mapped into memory.
pub struct Lessons {
    side: u32,
    pixels: Mmap,
    facts: Vec<Facts>,
}

impl Lessons {
    /// The lessons of a city's splits at `side` pixels, from a folder below `cache`; drawn and kept there where they are not
    /// yet. `told` hears how many are drawn.
    ///
    /// # Errors
    /// When the city cannot be drawn, or the folder not be written or read.
    pub fn open(
        cache: &Path,
        city: &Arc<City>,
        splits: &[&str],
        side: u32,
        told: &dyn Fn(usize),
    ) -> Result<Self, TrainError> {
        let splits: Vec<String> = splits.iter().map(|s| (*s).to_owned()).collect();
        let of = format!("{}\n{GENERATION}\n{}\n{side}", city.spec().location(), splits.join(","));
        let folder = cache.join(format!("lessons-{}", &hash::sha256_hex(of.as_bytes())[..16]));
        if !folder.join("lessons.json").is_file() {
            draw(cache, &folder, city, &splits, side, told)?;
        }
        Self::read(&folder)
    }

    fn read(folder: &Path) -> Result<Self, TrainError> {
        let told = files::read_text(&folder.join("lessons.json"))?;
        let wrong = |name: &str, why: String| TrainError::Input(format!("{}: {why}", folder.join(name).display()));
        let told: Told = serde_json::from_str(&told).map_err(|e| wrong("lessons.json", e.to_string()))?;
        let open = |name: &str| {
            let path = folder.join(name);
            File::open(&path).map_err(FileError::because("open", path))
        };
        let mut facts = Vec::with_capacity(told.count);
        for line in BufReader::new(open("facts.jsonl")?).lines() {
            let line = line.map_err(FileError::because("read", folder.join("facts.jsonl")))?;
            facts.push(serde_json::from_str(&line).map_err(|e| wrong("facts.jsonl", e.to_string()))?);
        }
        let file = open("pixels.bin")?;
        #[allow(unsafe_code, reason = "the file is ours, published whole by a rename and never written again")]
        // SAFETY: nothing changes or shortens the file while it is mapped.
        let pixels = unsafe { Mmap::map(&file) }.map_err(FileError::because("map", folder.join("pixels.bin")))?;
        if facts.len() != told.count || pixels.len() != told.count * 2 * picture(told.side) {
            return Err(wrong(
                "lessons.json",
                "the files beside it are of another number of lessons; delete the folder".to_owned(),
            ));
        }
        Ok(Self { side: told.side, pixels, facts })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Pixels of a side.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// The bytes of a lesson's map and satellite view, rows of interleaved RGB.
    pub fn pictures(&self, index: usize) -> [&[u8]; 2] {
        let size = picture(self.side);
        [0, 1].map(|which| &self.pixels[(2 * index + which) * size..][..size])
    }

    /// What is known of a lesson.
    pub fn facts(&self, index: usize) -> &Facts {
        &self.facts[index]
    }
}

fn picture(side: u32) -> usize {
    side as usize * side as usize * 3
}

fn draw(
    cache: &Path,
    folder: &PathBuf,
    city: &Arc<City>,
    splits: &[String],
    side: u32,
    told: &dyn Fn(usize),
) -> Result<(), TrainError> {
    files::create_dir(cache)?;
    let partial = tempfile::Builder::new().prefix(".lessons-").tempdir_in(cache);
    let partial = partial.map_err(FileError::because("make a folder in", cache))?;
    let create = |name: &str| {
        let path = partial.path().join(name);
        File::create(&path).map(BufWriter::new).map_err(FileError::because("create", path))
    };
    let (mut pixels, mut facts, mut count) = (create("pixels.bin")?, create("facts.jsonl")?, 0);
    for split in splits {
        let resized = parallel::in_order(city.lessons(split), parallel::processors(), move |lesson| {
            let small = |image| pillow::resize(image, side, side, Filter::Bicubic).map(image::RgbImage::into_raw);
            Ok((small(&lesson.map)?, small(&lesson.satellite)?, lesson.facts))
        });
        for drawn in resized {
            let (map, satellite, known) = drawn.map_err(|e: pillow::ResizeError| TrainError::Input(e.to_string()))?;
            let line = serde_json::to_string(&known).map_err(|e| TrainError::Input(e.to_string()))?;
            let put = pixels.write_all(&map).and_then(|()| pixels.write_all(&satellite));
            put.and_then(|()| writeln!(facts, "{line}")).map_err(FileError::because("write", folder))?;
            count += 1;
            told(count);
        }
    }
    for file in [&mut pixels, &mut facts] {
        file.flush().map_err(FileError::because("write", folder))?;
    }
    let (city, splits) = (city.spec().location(), splits.to_vec());
    let told = Told { city, generation: GENERATION, splits, side, count };
    let told = serde_json::to_vec_pretty(&told).map_err(|e| TrainError::Input(e.to_string()))?;
    files::write(&partial.path().join("lessons.json"), &told)?;
    files::publish_dir(partial, folder)?;
    Ok(())
}
