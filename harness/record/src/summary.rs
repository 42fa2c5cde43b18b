//! What figures need of a record: no masks, no words. Read from a log one line at a time, so that a report over a million
//! records never holds more than one of them whole.

use std::collections::BTreeMap;

use serde::Deserialize;
use socio_dataset::Level;

use crate::{Record, Score, Stage, Status, Tokens};

/// A record without its masks and texts; the fields are the [`Record`]'s.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Summary {
    /// Version of the record's layout.
    pub schema: u32,
    /// The sample.
    pub id: String,
    /// The level.
    pub level: Option<Level>,
    /// The scene.
    pub scene: String,
    /// The class.
    #[serde(default)]
    pub class: Option<String>,
    /// The function.
    #[serde(default)]
    pub function: Option<String>,
    /// The region.
    #[serde(default)]
    pub region: Option<String>,
    /// How it ended.
    pub status: Status,
    /// The truth's size.
    #[serde(default)]
    pub truth: Option<Size>,
    /// The stages.
    pub stages: Vec<StageSummary>,
    /// Counts of the answer.
    #[serde(default)]
    pub score: Option<Score>,
    /// Seconds by phase.
    #[serde(default)]
    pub timings: BTreeMap<String, f64>,
    /// When and where it was worked on.
    #[serde(default)]
    pub trace: Option<When>,
}

/// Height and width of a mask, as its RLE begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Size {
    /// Height and width in pixels, in this order.
    pub size: [u32; 2],
}

/// What figures need of a stage.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StageSummary {
    /// Its name.
    pub name: String,
    /// Tokens of the exchange.
    #[serde(default)]
    pub tokens: Option<Tokens>,
    /// How it ended.
    #[serde(default)]
    pub status: Status,
    /// Counts of its mask.
    #[serde(default)]
    pub score: Option<Score>,
}

/// What figures need of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct When {
    /// The process.
    pub process: u32,
    /// Which of its samples in flight.
    pub worker: u32,
    /// Seconds since 1970 at which the sample was begun.
    pub begun: f64,
    /// Most memory that the process had had, in bytes.
    #[serde(default)]
    pub memory: Option<u64>,
}

impl From<&Stage> for StageSummary {
    fn from(stage: &Stage) -> Self {
        Self { name: stage.name.clone(), tokens: stage.tokens, status: stage.status, score: stage.score }
    }
}

impl From<&Record> for Summary {
    fn from(record: &Record) -> Self {
        Self {
            schema: record.schema,
            id: record.id.clone(),
            level: record.level,
            scene: record.scene.clone(),
            class: record.class.clone(),
            function: record.function.clone(),
            region: record.region.clone(),
            status: record.status,
            truth: record.truth.as_ref().map(|t| Size { size: t.size }),
            stages: record.stages.iter().map(StageSummary::from).collect(),
            score: record.score,
            timings: record.timings.clone(),
            trace: record.trace.as_ref().map(|t| When {
                process: t.process,
                worker: t.worker,
                begun: t.begun,
                memory: t.memory,
            }),
        }
    }
}
