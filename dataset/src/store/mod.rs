//! Where samples live: raw folders, hub parquet, the hub itself, and generated scenes.
//!
//! A store hands samples out one by one, still encoded, so a set larger than memory streams through; decoding is the
//! caller's, on as many threads as it likes.

mod convert;
mod encoded;
mod error;
mod extras;
mod parquet_read;
mod parquet_write;
mod raw;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use convert::{ConvertOptions, Converted, convert};
pub use encoded::{Encoded, FieldError, FieldProblem, Image, Origin};
pub use error::StoreError;
pub use extras::Extras;
pub use parquet_write::ParquetWriter;
pub use raw::RawWriter;

pub use crate::hub::{self, HubOptions};

use crate::city::{City, Spec};
use crate::hash::FieldHasher;
use crate::picture;
use crate::restyle::Restyle;
use parquet_read::ParquetStore;
use raw::RawStore;

/// Which images to read: ids and texts always come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// Satellite and map.
    pub images: bool,
    /// The mask.
    pub mask: bool,
}

impl Fields {
    /// Everything.
    pub const ALL: Self = Self { images: true, mask: true };
    /// The mask, without the images.
    pub const MASK: Self = Self { images: false, mask: true };
    /// Ids and texts alone.
    pub const TEXT: Self = Self { images: false, mask: false };
}

/// Samples as they are read; an error of the store itself (a corrupt file) ends the stream.
pub type Samples<'a> = Box<dyn Iterator<Item = Result<Encoded, StoreError>> + Send + 'a>;

/// A set of samples in one or more splits.
#[derive(Debug)]
pub struct Dataset {
    source: Source,
    restyle: Option<Restyle>,
    location: String,
    revision: Option<String>,
}

#[derive(Debug)]
enum Source {
    Raw(RawStore),
    Parquet(ParquetStore),
    City(Arc<City>),
}

impl Dataset {
    /// Opens `city` (the embedded city, with options as [`Spec`] has them), `hub:OWNER/NAME`, a folder in the raw layout, a folder of hub parquet, or one parquet file.
    ///
    /// # Errors
    /// When nothing is there, it is of neither layout, a shard is missing or a schema is wrong, or the hub cannot be
    /// reached.
    pub fn open(location: &str, hub: &HubOptions) -> Result<Self, StoreError> {
        if let Some(rest) = location.strip_prefix("restyle:") {
            let (restyle, inner) = rest.split_once(':').unwrap_or((rest, "city"));
            return Ok(Self::open(inner, hub)?.restyled(restyle.parse()?));
        }
        if let Some(repository) = location.strip_prefix("hub:") {
            let fetched = hub::fetch(repository, hub)?;
            return Ok(Self {
                source: Source::Parquet(ParquetStore::open(fetched.files)?),
                location: location.to_owned(),
                restyle: None,
                revision: Some(fetched.revision),
            });
        }
        if location == "city" || location.starts_with("city:") {
            return Self::city(Spec::parse(location)?);
        }
        let path = Path::new(location);
        let source = if path.is_file() {
            Source::Parquet(ParquetStore::open_one(path)?)
        } else if path.is_dir() {
            let (files, suites) = (parquet_files(path)?, suites(path)?);
            if files.is_empty() && suites.is_empty() {
                Source::Raw(RawStore::open(path)?)
            } else {
                let mut store = ParquetStore::open(files)?;
                for (name, files) in suites {
                    store = store.with_suite(&name, files)?;
                }
                Source::Parquet(store)
            }
        } else {
            return Err(StoreError::NotFound(path.to_owned()));
        };
        Ok(Self { source, location: location.to_owned(), restyle: None, revision: None })
    }

    /// The embedded city.
    ///
    /// # Errors
    /// When its map style is not there.
    pub fn city(spec: Spec) -> Result<Self, StoreError> {
        let location = spec.location();
        Ok(Self { source: Source::City(Arc::new(City::open(spec)?)), location, restyle: None, revision: None })
    }

    /// The same set with its maps restyled as they are read; satellite views, masks and texts stay byte for byte.
    #[must_use]
    pub fn restyled(self, restyle: Restyle) -> Self {
        let location = format!("restyle:{restyle}:{}", self.location);
        Self { restyle: Some(restyle), location, ..self }
    }

    /// What everything in a generated set follows from: such a set need not be drawn to know whether it is the same one.
    pub fn generation(&self) -> Option<String> {
        match &self.source {
            Source::City(_) => Some(format!("{} generation {}", self.location, crate::city::GENERATION)),
            Source::Raw(_) | Source::Parquet(_) => None,
        }
    }

    /// What is written on the map of a sample, and where; known of generated sets alone.
    pub fn labels(&self, split: &str, id: &str) -> Vec<socio_map::Label> {
        match &self.source {
            Source::City(city) => city.labels(split, id),
            Source::Raw(_) | Source::Parquet(_) => Vec::new(),
        }
    }

    /// How far the shares of levels and classes are from 6 to 1 to 3; for generated sets.
    pub fn deviations(&self) -> Vec<crate::split::Deviation> {
        match &self.source {
            Source::City(city) => city.deviations(),
            Source::Raw(_) | Source::Parquet(_) => Vec::new(),
        }
    }

    /// What it was opened as.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The commit of a hub dataset.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// How it is stored: `raw folders`, `parquet` or `generated`.
    pub fn kind(&self) -> &'static str {
        match self.source {
            Source::Raw(_) => "raw folders",
            Source::Parquet(_) => "parquet",
            Source::City(_) => "generated",
        }
    }

    /// The splits, in the order train, val, test, others by name.
    pub fn splits(&self) -> Vec<String> {
        match &self.source {
            Source::Raw(s) => s.splits(),
            Source::Parquet(s) => s.splits(),
            Source::City(city) => city.splits(),
        }
    }

    /// The parquet files of a split; none for other layouts.
    pub(crate) fn parquet_files(&self, split: &str) -> &[PathBuf] {
        match &self.source {
            Source::Parquet(s) => s.files(split),
            Source::Raw(_) | Source::City(_) => &[],
        }
    }

    /// The columns beside SocioSeg's own, as an Arrow schema.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn extra_schema(&self, split: &str) -> Result<arrow_schema::SchemaRef, StoreError> {
        self.need(split)?;
        match &self.source {
            Source::Raw(s) => s.extra_schema(split),
            Source::Parquet(s) => s.extra_schema(split),
            Source::City(_) => Ok(crate::scene::columns()),
        }
    }

    /// Reads the samples of a split: all, or those whose ids are `wanted`. Raw folders come sorted by id (as the
    /// released loader has them), parquet in the order of its rows.
    ///
    /// # Errors
    /// When the split does not exist or its first file cannot be read. What is wrong with one sample is told by that
    /// sample's fields.
    pub fn read<'a>(
        &'a self,
        split: &str,
        wanted: Option<&'a BTreeSet<String>>,
        fields: Fields,
    ) -> Result<Samples<'a>, StoreError> {
        self.need(split)?;
        let samples = match &self.source {
            Source::Raw(s) => s.read(split, wanted, fields)?,
            Source::Parquet(s) => s.read(split, wanted, fields),
            Source::City(city) => city.read(split, wanted, fields),
        };
        Ok(match self.restyle {
            Some(restyle) if fields.images => Box::new(samples.map(move |s| s.map(|s| restyled(s, restyle)))),
            _ => samples,
        })
    }

    /// Ids and texts of a split, without images, in the order of [`Dataset::read`].
    ///
    /// # Errors
    /// As [`Dataset::read`], and when the split has no samples.
    pub fn index(&self, split: &str) -> Result<Vec<Encoded>, StoreError> {
        let entries = self.read(split, None, Fields::TEXT)?.collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Err(StoreError::Empty { location: self.location.clone(), split: split.to_owned() });
        }
        Ok(entries)
    }

    fn need(&self, split: &str) -> Result<(), StoreError> {
        let splits = self.splits();
        if splits.iter().any(|s| s == split) {
            return Ok(());
        }
        Err(StoreError::NoSplit { location: self.location.clone(), split: split.to_owned(), found: splits })
    }
}

/// A sample with its map restyled; a map that does not decode stays as it is, for its reader to tell.
fn restyled(mut sample: Encoded, restyle: Restyle) -> Encoded {
    let map = sample.map.as_ref().ok().and_then(|m| picture::decode_rgb(&m.bytes).ok());
    if let Some(map) = map {
        let seed = FieldHasher::default().field("restyle").field(&sample.id).number();
        let file = crate::scene::map_file(&restyle.apply(&map, seed));
        sample.map = file;
        sample.extras = sample.extras.with_text("style", &restyle.to_string());
    }
    sample
}

/// The parquet files of a folder: in `data/`, else in the folder itself.
fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let data = folder.join("data");
    for place in [data.as_path(), folder] {
        if place.is_dir() {
            let files: Vec<_> = crate::files::list(place)?.into_iter().filter(|p| is_parquet(p)).collect();
            if !files.is_empty() {
                return Ok(files);
            }
        }
    }
    Ok(Vec::new())
}

/// Suites beside `data/`: folders of parquet files whose names begin with `ood-`, each a set of its own (a hub's split names allow no dash, its
/// configs and their folders do).
fn suites(folder: &Path) -> Result<Vec<(String, Vec<PathBuf>)>, StoreError> {
    let mut suites = Vec::new();
    for place in crate::files::list(folder)?.into_iter().filter(|p| p.is_dir()) {
        let name = place.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !is_suite(&name) {
            continue;
        }
        let files: Vec<_> = crate::files::list(&place)?.into_iter().filter(|p| is_parquet(p)).collect();
        if !files.is_empty() {
            suites.push((name, files));
        }
    }
    Ok(suites)
}

/// Whether a split is a suite's, which is stored in a folder of its own.
pub(crate) fn is_suite(split: &str) -> bool {
    split.starts_with("ood-")
}

fn is_parquet(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|e| e == "parquet")
}

/// Splits in their usual order: train, val, test, then others by name.
fn in_order(mut splits: Vec<String>) -> Vec<String> {
    let rank = |s: &String| ["train", "val", "test"].iter().position(|k| k == s).unwrap_or(3);
    splits.sort_by(|a, b| (rank(a), a).cmp(&(rank(b), b)));
    splits.dedup();
    splits
}
