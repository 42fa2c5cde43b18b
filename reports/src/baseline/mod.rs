//! Baselines: the counts of one or several runs as a small text file that lives in git, a line a sample, so that a pull
//! request shows which samples moved.

mod line;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use socio_dataset::files::{self, FileError};
use socio_record::Manifest;

use crate::digest::Digest;
use crate::metrics::Profile;

/// Version of this layout.
const SCHEMA: u32 = 1;
/// What the file is, for whoever opens it.
const ABOUT: &str = "A baseline of socio-bench: `socio-bench check RUN... --baseline FILE` holds runs against it; `socio-bench baseline save` makes it anew. A row: level, status, inputs, scene, class, function, region, intersection, truth area, predicted area, resized, then pairs matched/instances predicted/instances of the truth by components, contour boxes and emitted objects, seconds, id. Words stand as their place in `words`.";

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// There is none.
    #[error("there is no baseline at {}: make one with `socio-bench baseline save RUN... --out {}`", .0.display(), .0.display())]
    Missing(PathBuf),
    /// The file system.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is none.
    #[error("{}: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
}

/// A baseline.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Its limits, as `check` takes them where it is given none.
    pub limits: Vec<String>,
    /// Its runs.
    pub runs: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: u32,
    about: String,
    limits: Vec<String>,
    runs: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    manifest: Manifest,
    chosen: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<u64>,
    words: Vec<String>,
    rows: Vec<String>,
}

impl Baseline {
    /// Without times, memory, and the machine and program that they are of: the same text wherever its runs are made.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        for run in &mut self.runs {
            run.forget_times();
        }
        self
    }

    /// As the text of its file.
    ///
    /// # Errors
    /// Never, but for what the JSON writer may say.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        // How a run was asked for is no part of what it is held against.
        let kept = |digest: &Digest| Kept {
            manifest: Manifest { command: Vec::new(), ..digest.manifest.clone() },
            chosen: digest.chosen,
            memory: digest.peak_memory(),
            words: digest.words.texts().map(str::to_owned).collect(),
            rows: (0..digest.entries.len()).map(|at| line::write(digest, at)).collect(),
        };
        let file = File {
            schema: SCHEMA,
            about: ABOUT.to_owned(),
            limits: self.limits.clone(),
            runs: self.runs.iter().map(kept).collect(),
        };
        Ok(serde_json::to_string_pretty(&file)? + "\n")
    }

    /// Reads one.
    ///
    /// # Errors
    /// When there is none, or it is of a newer version or damaged.
    pub fn open(path: &Path) -> Result<Self, BaselineError> {
        if !path.exists() {
            return Err(BaselineError::Missing(path.to_owned()));
        }
        let broken = |why: String| BaselineError::Broken { path: path.to_owned(), why };
        let text = files::read_text(path)?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| broken(format!("is no baseline: {e}")))?;
        match value["schema"].as_u64() {
            Some(found) if found > u64::from(SCHEMA) => {
                return Err(broken(format!("has schema {found}, this version reads {SCHEMA}: update socio-bench")));
            }
            Some(_) if value["runs"].is_array() => {}
            _ => return Err(broken("is no baseline: it has no schema and runs".to_owned())),
        }
        let file: File = serde_json::from_value(value).map_err(|e| broken(format!("is no baseline: {e}")))?;
        let digest = |(i, kept): (usize, Kept)| -> Result<Digest, BaselineError> {
            let own = |why: String| broken(format!("run {}: {why}", i + 1));
            if kept.manifest.schema > socio_record::SCHEMA {
                return Err(own(format!("its manifest has schema {}: update socio-bench", kept.manifest.schema)));
            }
            Profile::named(&kept.manifest.profile).map_err(|e| own(e.to_string()))?;
            let mut digest = Digest::begin(path, kept.manifest);
            for word in &kept.words {
                digest.words.take(word);
            }
            for (n, row) in kept.rows.iter().enumerate() {
                line::read(&mut digest, row).map_err(|why| broken(format!("run {}, row {}: {why}", i + 1, n + 1)))?;
            }
            digest.sort();
            if digest.entries.len() < kept.rows.len() {
                return Err(own(format!(
                    "{} of its rows are of a sample that has one",
                    kept.rows.len() - digest.entries.len()
                )));
            }
            if kept.chosen < kept.rows.len() {
                return Err(own(format!("{} rows of {} samples", kept.rows.len(), kept.chosen)));
            }
            (digest.chosen, digest.memory) = (kept.chosen, kept.memory);
            digest.missing = kept.chosen.saturating_sub(digest.entries.len());
            Ok(digest)
        };
        Ok(Self { limits: file.limits, runs: file.runs.into_iter().enumerate().map(digest).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests;
