//! Writing what was planned: all of it, or nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use socio_geo::imagery::Imagery;

use super::{BuildOptions, Plan, Skipped};
use crate::files::{self, FileError};
use crate::hash::sha256_hex;
use crate::scene::{columns, map_file};
use crate::split::{self, Deviation};
use crate::store::{Dataset, Encoded, FieldProblem, Fields, ParquetWriter, RawWriter, StoreError};
use crate::{city, parallel};

/// Windows with more than this share without imagery are passed over.
const MISSING: f64 = 0.005;
/// So are windows whose grey values vary less than this (standard deviation, of 255).
const BLANK: f64 = 3.0;

/// How a set is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Hub parquet, as against raw folders.
    pub parquet: bool,
    /// Begin a new parquet shard after this many bytes of images.
    pub shard_bytes: usize,
    /// Threads to draw on; the output does not depend on it.
    pub threads: usize,
}

/// What was built.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Built {
    /// Samples of each split.
    pub splits: BTreeMap<String, u64>,
    /// Scenes.
    pub scenes: u64,
    /// What was passed over, counted by reason.
    pub skipped: Skipped,
    /// How far shares of levels and classes are from 6 to 1 to 3, the furthest first.
    pub deviations: Vec<Deviation>,
}

/// A build that failed. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Geodata.
    #[error(transparent)]
    Geo(#[from] socio_geo::GeoError),
    /// Nothing to build.
    #[error("nothing to build: no place passed the filters ({0})")]
    Nothing(String),
}

/// The samples of a window with their splits, or why it was passed over.
type Drawn = Result<Vec<(String, Encoded)>, &'static str>;

/// Cuts, draws and writes every planned scene to `out`, which must not be there yet; `progress` is called after each.
///
/// # Errors
/// When imagery cannot be read, nothing is left after the filters, or the disk refuses. Nothing is left then.
pub fn write(
    plan: Plan,
    imagery: Imagery,
    options: &BuildOptions,
    out: &Path,
    how: &WriteOptions,
    mut progress: impl FnMut(u64),
) -> Result<Built, BuildError> {
    let mut built = Built { skipped: plan.skipped.clone(), deviations: plan.deviations.clone(), ..Built::default() };
    let mut set = SetWriter::create(out, how)?;
    let count = plan.scenes.len();
    let (plan, imagery, shared) = (Arc::new(plan), Arc::new(imagery), options.clone());
    let work = move |i: usize| -> Result<Drawn, BuildError> {
        let planned = &plan.scenes[i];
        let window = imagery.cut(&planned.bounds, shared.size)?;
        if window.missing > MISSING {
            return Ok(Err("windows with gaps in the imagery"));
        }
        if window.contrast < BLANK {
            return Ok(Err("windows of blank imagery"));
        }
        let scene = plan.scene(planned, window.image, &shared);
        // Encoded once: all that is asked of a scene shows the same two pictures.
        let refuse = |p: FieldProblem| StoreError::Sample { id: planned.key.clone(), why: p.to_string() };
        let satellite = scene.satellite_file(shared.look.jpeg).map_err(refuse)?;
        let map = map_file(&scene.map(&shared.look).image).map_err(refuse)?;
        let sample = |ask| {
            let (satellite, map) = (Ok(satellite.clone()), Ok(map.clone()));
            (planned.split.clone(), scene.sample(ask, &planned.split, &shared.look, satellite, map))
        };
        Ok(Ok(planned.asks.iter().map(sample).collect()))
    };
    for (done, result) in parallel::in_order(0..count, how.threads, work).enumerate() {
        match result? {
            Ok(samples) => {
                built.scenes += 1;
                for (split, sample) in samples {
                    set.write(&split, sample)?;
                }
            }
            Err(reason) => *built.skipped.entry(reason.to_owned()).or_default() += 1,
        }
        progress(done as u64 + 1);
    }
    if built.scenes == 0 {
        let reasons: Vec<String> = built.skipped.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        return Err(BuildError::Nothing(reasons.join(", ")));
    }
    built.splits = set.finish(options.seed, options.buffer, &built.skipped)?;
    Ok(built)
}

/// Writes the embedded city, or some of its splits, to `out`.
///
/// # Errors
/// When the disk refuses. Nothing is left then.
pub fn write_city(
    dataset: &Dataset,
    seed: u64,
    splits: &[String],
    out: &Path,
    how: &WriteOptions,
    mut progress: impl FnMut(u64),
) -> Result<Built, BuildError> {
    let mut set = SetWriter::create(out, how)?;
    let mut built = Built::default();
    let mut scenes = std::collections::BTreeSet::new();
    let mut done = 0;
    for split in splits {
        for sample in dataset.read(split, None, Fields::ALL)? {
            let sample = sample?;
            scenes.extend(sample.extras.text("scene"));
            set.write(split, sample)?;
            done += 1;
            progress(done);
        }
    }
    built.scenes = scenes.len() as u64;
    built.splits = set.finish(seed, 0.0, &Skipped::new())?;
    built.deviations = dataset.deviations();
    Ok(built)
}

/// Writers of all splits, in a folder beside the output that takes its name when all is whole.
struct SetWriter {
    out: PathBuf,
    partial: tempfile::TempDir,
    how: WriteOptions,
    parquet: BTreeMap<String, ParquetWriter>,
    raw: BTreeMap<String, RawWriter>,
    ids: BTreeMap<String, Vec<String>>,
}

impl SetWriter {
    fn create(out: &Path, how: &WriteOptions) -> Result<Self, BuildError> {
        if out.exists() && files::list(out).map_or(true, |l| !l.is_empty()) {
            return Err(StoreError::Exists(out.to_owned()).into());
        }
        let beside = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        files::create_dir(beside)?;
        let partial = tempfile::Builder::new()
            .prefix(".partial-")
            .tempdir_in(beside)
            .map_err(FileError::because("create a folder in", beside))?;
        Ok(Self {
            out: out.to_owned(),
            partial,
            how: how.clone(),
            parquet: BTreeMap::new(),
            raw: BTreeMap::new(),
            ids: BTreeMap::new(),
        })
    }

    fn write(&mut self, split: &str, sample: Encoded) -> Result<(), BuildError> {
        let root = self.partial.path();
        self.ids.entry(split.to_owned()).or_default().push(sample.id.clone());
        if self.how.parquet {
            if !self.parquet.contains_key(split) {
                let writer = ParquetWriter::create(root, split, &columns(), self.how.shard_bytes)?;
                self.parquet.insert(split.to_owned(), writer);
            }
            if let Some(writer) = self.parquet.get_mut(split) {
                writer.write(sample)?;
            }
        } else {
            if !self.raw.contains_key(split) {
                self.raw.insert(split.to_owned(), RawWriter::create(root, split)?);
            }
            if let Some(writer) = self.raw.get_mut(split) {
                writer.write(&sample)?;
            }
        }
        Ok(())
    }

    /// Writes `splits.json` and gives the folder its name.
    fn finish(mut self, seed: u64, buffer: f64, skipped: &Skipped) -> Result<BTreeMap<String, u64>, BuildError> {
        for writer in std::mem::take(&mut self.parquet).into_values() {
            writer.finish()?;
        }
        let hash = |ids: &[String]| sha256_hex(ids.join("\n").as_bytes());
        let told = json!({
            "made_by": format!("socio-bench {}", env!("CARGO_PKG_VERSION")),
            "seed": seed, "shares": split::SHARES, "buffer_m": buffer, "skipped": skipped,
            "splits": self.ids.iter().map(|(split, ids)| (split.clone(), json!({
                "samples": ids.len(), "sha256_of_ids": hash(ids), "ids": ids,
            }))).collect::<serde_json::Map<_, _>>(),
        });
        files::write(&self.partial.path().join("splits.json"), format!("{told:#}\n").as_bytes())?;
        // An empty folder of that name is given way to.
        if self.out.exists() {
            std::fs::remove_dir(&self.out).map_err(FileError::because("replace", &self.out))?;
        }
        files::publish_dir(self.partial, &self.out)?;
        Ok(self.ids.iter().map(|(split, ids)| (split.clone(), ids.len() as u64)).collect())
    }
}

/// The splits of the city that are written when none are named: its own, and the new regions.
pub fn city_splits(dataset: &Dataset) -> Vec<String> {
    dataset.splits().into_iter().filter(|s| !s.starts_with(city::OTHER_STYLE)).collect()
}
