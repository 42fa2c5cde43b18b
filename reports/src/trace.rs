//! A run as a trace that Chrome (`chrome://tracing`) and Perfetto open, and one sample's time as a picture.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use socio_dataset::files::{self, FileError};
use socio_record::{Record, Run, RunError};

use crate::figure::{About, Series, Stacked, standalone};
use crate::report::latency::{leaf_phases, leaf_seconds};
use crate::table::seconds;

/// A trace that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Of an older version, or a first stage taken from the whole's log.
    #[error("{} tells no times: it is of an older version, or a first stage taken from the whole's log", .0.display())]
    NoTimes(PathBuf),
}

/// The events of a record: the whole sample, and each of its phases.
pub fn events(record: &Record) -> Vec<Value> {
    let Some(trace) = &record.trace else { return Vec::new() };
    let micros = |s: f64| (s * 1e6).round();
    let event = |name: &str, category: &str, at: f64, took: f64| {
        json!({
            "name": name, "cat": category, "ph": "X", "ts": micros(trace.begun + at), "dur": micros(took),
            "pid": trace.process, "tid": trace.worker, "args": { "sample": record.id },
        })
    };
    let total = record.timings.get("total").copied().unwrap_or(0.0);
    let mut all = vec![event(&record.id, "sample", 0.0, total)];
    if let Some(whole) = all.first_mut() {
        whole["args"] = json!({ "query": record.query, "status": record.status, "level": record.level });
    }
    all.extend(trace.spans.iter().map(|(phase, at, took)| event(phase, "phase", *at, *took)));
    all
}

/// Writes the trace of a run, or of one of its samples, one record in memory at a time; returns how many samples it has.
/// Those without a trace are left out, and so is all but the first record of a sample.
///
/// # Errors
/// When the run cannot be read, tells no times, or the file cannot be written; then there is no file.
pub fn write(run: &Path, sample: Option<&str>, path: &Path) -> Result<usize, TraceError> {
    let label = Run::manifest(run)?.method.label;
    let refused = || FileError::because("write", path);
    files::write_with(path, |file| {
        let mut out = BufWriter::new(file);
        let (mut seen, mut processes, mut samples) = (BTreeSet::new(), BTreeSet::new(), 0);
        let mut failed = out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[").err();
        Run::each(run, |record| {
            let wanted = sample.is_none_or(|s| s == record.id) && seen.insert(record.id.clone());
            let (true, Some(trace), None) = (wanted, &record.trace, &failed) else { return };
            let mut all = events(&record);
            if processes.insert(trace.process) {
                all.push(json!({ "name": "process_name", "ph": "M", "pid": trace.process, "args": { "name": label } }));
            }
            for event in all {
                let comma = if samples > 0 { "," } else { "" };
                samples += usize::from(event["cat"] == "sample");
                let comma = if event["cat"] == "sample" { comma } else { "," };
                failed = failed.take().or_else(|| write!(out, "{comma}\n{event}").err());
            }
        })?;
        failed.map_or_else(|| out.write_all(b"\n]}\n").and_then(|()| out.flush()), Err).map_err(refused())?;
        if samples > 0 { Ok(samples) } else { Err(TraceError::NoTimes(run.to_owned())) }
    })
}

/// One sample's time as a picture (SVG): a bar for each time it went through, phase by phase.
pub fn picture(record: &Record) -> String {
    let told = |phase: &str| record.timings.get(phase).copied();
    let phases = leaf_phases().zip(leaf_seconds(told)).map(|((_, name), s)| (name.trim_start_matches("of it: "), s));
    let phases = phases.filter(|(_, s)| *s > 0.0);
    let stacked = Stacked {
        about: About::new("sample", format!("{}: {}", record.id, seconds(told("total").unwrap_or(0.0)))),
        measure: "seconds".to_owned(),
        rows: vec![record.query.clone()],
        phases: phases.enumerate().map(|(i, (name, s))| Series::new(name, i, vec![s])).collect(),
    };
    standalone(&stacked.render())
}
