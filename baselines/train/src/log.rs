//! What a training run says: to whoever listens, and as JSON lines in its folder.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use socio_dataset::files::FileError;

use crate::TrainError;

/// What is told while a run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Pictures are drawn before training begins. Not in the log.
    Drawing {
        /// So many by now.
        count: usize,
    },
    /// Some steps were made.
    Step {
        /// The last one's number, from 1 on.
        step: u64,
        /// The stage.
        stage: String,
        /// The mean weighed loss since the line before.
        loss: f64,
        /// Its parts, means since the line before.
        parts: BTreeMap<String, f64>,
        /// The last gradients' norm before it was brought down.
        norm: f64,
        /// The rate.
        rate: f64,
        /// Samples a second since the line before.
        per_s: f64,
    },
    /// How far it is.
    Check {
        /// After this step.
        step: u64,
        /// By name.
        figures: BTreeMap<String, f64>,
    },
}

/// The log: one JSON object a line, appended to.
pub(crate) struct Log {
    file: std::fs::File,
    path: PathBuf,
}

impl Log {
    pub(crate) fn open(out: &Path) -> Result<Self, TrainError> {
        let path = out.join("log.jsonl");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        Ok(Self { file: file.map_err(FileError::because("open", &path))?, path })
    }

    pub(crate) fn write(&mut self, event: &Event) -> Result<(), TrainError> {
        let line = serde_json::to_string(event).map_err(|e| TrainError::Input(e.to_string()))?;
        Ok(writeln!(self.file, "{line}").map_err(FileError::because("write", &self.path))?)
    }
}

/// The log of a run's folder. A run that was ended and went on from its checkpoint told some steps twice: the later lines
/// hold.
///
/// # Errors
/// When it cannot be read; a last line that was not finished is left out.
pub fn read(out: &Path) -> Result<Vec<Event>, TrainError> {
    let path = out.join("log.jsonl");
    let text = socio_dataset::files::read_text(&path)?;
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let mut steps: BTreeMap<u64, Event> = BTreeMap::new();
    let mut checks: BTreeMap<u64, Event> = BTreeMap::new();
    for (i, line) in lines.iter().enumerate() {
        match serde_json::from_str::<Event>(line) {
            Ok(event @ Event::Step { step, .. }) => drop(steps.insert(step, event)),
            Ok(event @ Event::Check { step, .. }) => drop(checks.insert(step, event)),
            Ok(Event::Drawing { .. }) => {}
            Err(_) if i + 1 == lines.len() => {}
            Err(e) => return Err(TrainError::Input(format!("{}, line {}: {e}", path.display(), i + 1))),
        }
    }
    Ok(steps.into_values().chain(checks.into_values()).collect())
}

/// The curves of a log by name: `loss`, each part of it, `norm`, `rate`, and what checks found, as `(step, value)`.
pub fn figures(events: &[Event]) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut all: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let mut add =
        |name: &str, step: u64, value: f64| all.entry(name.to_owned()).or_default().push((step as f64, value));
    for event in events {
        match event {
            Event::Drawing { .. } => {}
            Event::Step { step, loss, parts, norm, rate, .. } => {
                add("loss", *step, *loss);
                add("norm", *step, *norm);
                add("rate", *step, *rate);
                for (name, value) in parts {
                    add(name, *step, *value);
                }
            }
            Event::Check { step, figures } => {
                for (name, value) in figures {
                    add(&format!("val {name}"), *step, *value);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_ended_told_some_steps_twice() {
        let folder = tempfile::tempdir().unwrap();
        let step = |step: u64, loss: f64| Event::Step {
            step,
            stage: "a".to_owned(),
            loss,
            parts: BTreeMap::from([("words".to_owned(), loss / 2.0)]),
            norm: 1.0,
            rate: 0.5,
            per_s: 3.0,
        };
        let check = Event::Check { step: 20, figures: BTreeMap::from([("box".to_owned(), 0.25)]) };
        let mut log = Log::open(folder.path()).unwrap();
        for event in [&step(10, 4.0), &step(20, 3.0), &check, &step(20, 2.0)] {
            log.write(event).unwrap();
        }
        drop(log);
        let path = folder.path().join("log.jsonl");
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"event\":\"st")).unwrap();
        let events = read(folder.path()).unwrap();
        assert_eq!(events, [step(10, 4.0), step(20, 2.0), check]);
        let figures = figures(&events);
        assert_eq!(figures["loss"], [(10.0, 4.0), (20.0, 2.0)]);
        assert_eq!(figures["words"], [(10.0, 2.0), (20.0, 1.0)]);
        assert_eq!(figures["val box"], [(20.0, 0.25)]);
        std::fs::write(&path, format!("nonsense\n{whole}")).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("line 1"));
    }
}
