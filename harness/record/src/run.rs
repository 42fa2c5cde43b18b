//! A run folder: made, gone on with, read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use socio_dataset::files::{self, FileError};

use crate::line::{seal, unseal};
use crate::{LogError, Manifest, Record, SCHEMA, Summary, Writer, log};

/// A chosen sample and the hash of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleEntry {
    /// The sample.
    pub id: String,
    /// Hash of its text and images.
    pub inputs: String,
}

/// A run folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No manifest there.
    #[error("{} is no run: it has no manifest.json", .0.display())]
    NotARun(PathBuf),
    /// A manifest or sample list that does not parse.
    #[error("{}: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A folder of a newer version.
    #[error("{} has schema {found}, this version reads {SCHEMA}: update socio-bench", path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its schema.
        found: u64,
    },
    /// The folder is a run of something else.
    #[error("{} is a run with other inputs:\n{}\nGive another --name, or --fresh to begin anew.", path.display(), differences.join("\n"))]
    Changed {
        /// The run.
        path: PathBuf,
        /// A line a difference.
        differences: Vec<String>,
    },
    /// Runs to merge that are of different things.
    #[error("{} and {} are runs of different things:\n{}", first.display(), second.display(), differences.join("\n"))]
    Incomparable {
        /// The first run.
        first: PathBuf,
        /// The run that differs.
        second: PathBuf,
        /// A line a difference.
        differences: Vec<String>,
    },
    /// The file system.
    #[error(transparent)]
    File(#[from] FileError),
    /// A log.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A run: its manifest, its samples, and the records so far.
#[derive(Debug, Clone)]
pub struct Run {
    /// The folder.
    pub path: PathBuf,
    /// What was run.
    pub manifest: Manifest,
    /// The chosen samples, in the order of the dataset.
    pub samples: Vec<SampleEntry>,
    /// The first complete record of each sample, by id.
    pub records: BTreeMap<String, Record>,
}

const MANIFEST: &str = "manifest.json";
const SAMPLES: &str = "samples.jsonl";
const RECORDS: &str = "records";

impl Run {
    /// Makes the folder, or goes on with it where it is a run of the very same inputs.
    ///
    /// # Errors
    /// [`RunError::Changed`] with the differences where it is a run of something else; else what is broken.
    pub fn begin(path: &Path, manifest: &Manifest, samples: &[SampleEntry]) -> Result<Self, RunError> {
        if path.join(MANIFEST).exists() {
            return Self::go_on(path, manifest, samples);
        }
        if let Some(log) = logs(path)?.into_iter().next() {
            // Another process of the same run may have begun it since.
            if path.join(MANIFEST).exists() {
                return Self::go_on(path, manifest, samples);
            }
            let why = "records without a manifest: they are of another run; remove them, or give --fresh".to_owned();
            return Err(RunError::Broken { path: log, why });
        }
        let broken = |path: PathBuf| move |e: &dyn std::fmt::Display| RunError::Broken { path, why: e.to_string() };
        let mut lines = String::new();
        for sample in samples {
            lines.push_str(&seal(sample).map_err(|e| broken(path.join(SAMPLES))(&e))?);
        }
        files::write(&path.join(SAMPLES), lines.as_bytes())?;
        let mut text = serde_json::to_string_pretty(manifest).map_err(|e| broken(path.join(MANIFEST))(&e))?;
        text.push('\n');
        // The manifest last: a folder that has one is whole.
        files::write(&path.join(MANIFEST), text.as_bytes())?;
        Ok(Self {
            path: path.to_owned(),
            manifest: manifest.clone(),
            samples: samples.to_vec(),
            records: BTreeMap::new(),
        })
    }

    fn go_on(path: &Path, manifest: &Manifest, samples: &[SampleEntry]) -> Result<Self, RunError> {
        let old = Self::open(path)?;
        let mut differences: Vec<String> = old
            .manifest
            .differences(manifest)
            .into_iter()
            .map(|(field, was, is)| format!("  {field}: was {was}, is {is}"))
            .collect();
        differences.extend(sample_differences(&old.samples, samples));
        if differences.is_empty() {
            return Ok(old);
        }
        Err(RunError::Changed { path: path.to_owned(), differences })
    }

    /// Reads a run.
    ///
    /// # Errors
    /// When it is none, of a newer version, or damaged.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let manifest = Self::manifest(path)?;
        let mut samples = Vec::new();
        Self::chosen(path, |s| samples.push(s))?;
        let mut run = Self { path: path.to_owned(), manifest, samples, records: BTreeMap::new() };
        for file in logs(path)? {
            for record in log::read(&file)?.0 {
                run.records.entry(record.id.clone()).or_insert(record);
            }
        }
        Ok(run)
    }

    /// Hands out what figures need of each record, log by log, one in memory at a time. Of a sample with several records
    /// the first is the one that counts.
    ///
    /// # Errors
    /// When it is no run, or damaged.
    pub fn summaries(path: &Path, mut take: impl FnMut(Summary)) -> Result<(), RunError> {
        for file in logs(path)? {
            log::each(&file, &mut take)?;
        }
        Ok(())
    }

    /// Hands out whole records, as [`Run::summaries`].
    ///
    /// # Errors
    /// As there.
    pub fn each(path: &Path, mut take: impl FnMut(Record)) -> Result<(), RunError> {
        for file in logs(path)? {
            log::each(&file, &mut take)?;
        }
        Ok(())
    }

    /// Hands out the chosen samples in the order of the dataset, one in memory at a time.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn chosen(path: &Path, mut take: impl FnMut(SampleEntry)) -> Result<(), RunError> {
        let path = path.join(SAMPLES);
        let file = fs::File::open(&path).map_err(FileError::because("read", &path))?;
        for (i, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(FileError::because("read", &path))?;
            let wrong = |e| RunError::Broken { path: path.clone(), why: format!("line {}: {e}", i + 1) };
            take(unseal(&line).map_err(wrong)?);
        }
        Ok(())
    }

    /// Reads a run's manifest alone.
    ///
    /// # Errors
    /// When there is none, or it is of a newer version or no manifest of a run.
    pub fn manifest(path: &Path) -> Result<Manifest, RunError> {
        let manifest_path = path.join(MANIFEST);
        if !manifest_path.is_file() {
            return Err(RunError::NotARun(path.to_owned()));
        }
        let text = files::read_text(&manifest_path)?;
        let broken = |why: String| RunError::Broken { path: manifest_path.clone(), why };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
        let found = value["schema"].as_u64().unwrap_or(0);
        if found > u64::from(SCHEMA) {
            return Err(RunError::Newer { path: manifest_path, found });
        }
        serde_json::from_value(value).map_err(|e| broken(e.to_string()))
    }

    /// The log file of a writer.
    pub fn log_path(&self, writer: &str) -> PathBuf {
        self.path.join(RECORDS).join(format!("{writer}.jsonl"))
    }

    /// Samples that have no record yet.
    pub fn missing(&self) -> impl Iterator<Item = &SampleEntry> {
        self.samples.iter().filter(|s| !self.records.contains_key(&s.id))
    }

    /// Whether every chosen sample has its record.
    pub fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }
}

/// Removes what makes the folder a run, so that it can begin anew; other files stay. The records go first: whatever ends
/// this half way leaves a run with fewer records, never records without a run.
///
/// # Errors
/// When the folder is no run of ours, a process is writing it, or the file system refuses.
pub fn forget(path: &Path) -> Result<(), RunError> {
    if path.join(MANIFEST).exists() {
        Run::manifest(path)?;
    }
    let logs = logs(path)?;
    // Held until all are gone: nobody begins to write meanwhile.
    let _locks = logs.iter().map(|l| Writer::lock(l)).collect::<Result<Vec<_>, _>>()?;
    for file in logs.into_iter().chain([path.join(SAMPLES), path.join(MANIFEST)]) {
        match fs::remove_file(&file) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(FileError::because("remove", file)(e).into()),
        }
    }
    Ok(())
}

/// The logs of a run.
fn logs(path: &Path) -> Result<Vec<PathBuf>, RunError> {
    let folder = path.join(RECORDS);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let all = files::list(&folder)?;
    Ok(all.into_iter().filter(|f| f.extension().is_some_and(|e| e == "jsonl")).collect())
}

/// How two lists of samples differ, at most ten lines and a count of the rest.
fn sample_differences(old: &[SampleEntry], new: &[SampleEntry]) -> Vec<String> {
    let by_id = |list: &[SampleEntry]| -> BTreeMap<String, String> {
        list.iter().map(|s| (s.id.clone(), s.inputs.clone())).collect()
    };
    let (was, is) = (by_id(old), by_id(new));
    let mut lines: Vec<String> = was
        .iter()
        .filter_map(|(id, inputs)| match is.get(id) {
            None => Some(format!("  sample {id}: was there, is gone")),
            Some(now) if now != inputs => Some(format!("  sample {id}: its text or images changed")),
            Some(_) => None,
        })
        .collect();
    lines.extend(is.keys().filter(|id| !was.contains_key(*id)).map(|id| format!("  sample {id}: is new")));
    if lines.len() > 10 {
        let more = lines.len() - 10;
        lines.truncate(10);
        lines.push(format!("  and {more} more samples"));
    }
    lines
}
