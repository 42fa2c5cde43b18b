//! Shards of one run, made on several machines, brought together.

use std::fs;
use std::path::{Path, PathBuf};

use socio_dataset::files::{self, FileError};

use crate::line::seal;
use crate::{LogError, Run, RunError};

/// Writes the records of several runs of the same inputs into one new run, a log each, and reads it back.
///
/// # Errors
/// When they are not runs of the same inputs, one is damaged, `out` is a run already, or the file system refuses.
pub fn merge(inputs: &[PathBuf], out: &Path) -> Result<Run, RunError> {
    let runs: Vec<Run> = inputs.iter().map(|p| Run::open(p)).collect::<Result<_, _>>()?;
    let Some(first) = runs.first() else { return Err(RunError::NotARun(out.to_owned())) };
    for other in &runs[1..] {
        let differences: Vec<String> = first
            .manifest
            .differences(&other.manifest)
            .into_iter()
            .map(|(field, a, b)| format!("  {field}: {a} and {b}"))
            .collect();
        if !differences.is_empty() || first.samples != other.samples {
            return Err(RunError::Incomparable { first: first.path.clone(), second: other.path.clone(), differences });
        }
    }
    if out.join("manifest.json").exists() {
        return Err(RunError::Broken {
            path: out.to_owned(),
            why: "is a run already: merge into a new folder".to_owned(),
        });
    }
    let made = Run::begin(out, &first.manifest, &first.samples)?;
    let mut seen = std::collections::BTreeSet::new();
    for (i, run) in runs.iter().enumerate() {
        let path = made.log_path(&format!("merged-{:03}", i + 1));
        let mut lines = String::new();
        for record in run.records.values().filter(|r| seen.insert(r.id.clone())) {
            lines.push_str(&seal(record).map_err(|source| LogError::Line { path: path.clone(), line: 0, source })?);
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(FileError::because("create the folder", folder))?;
        }
        files::write(&path, lines.as_bytes())?;
    }
    Run::open(out)
}
