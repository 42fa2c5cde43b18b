//! What a load test is on disk: the terms it was made on, and every query.
//!
//! Scenarios are named after MLPerf Inference's, whose rules they follow where a benchmark of one method can
//! (docs/latency.md lists what differs).

use serde::{Deserialize, Serialize};

use crate::{Code, Data, Machine, MethodInfo, ModelInfo, Status};

/// Version of this layout.
pub const LOAD_SCHEMA: u32 = 1;

/// How queries come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "scenario")]
pub enum Scenario {
    /// The next query when the last is answered: latency.
    SingleStream,
    /// All queries at once: throughput.
    Offline,
    /// Queries arrive by themselves, as a Poisson process, and each has to be answered within a bound.
    Server {
        /// Arrivals a second, on average.
        target_qps: f64,
        /// Seconds within which 99 of 100 queries have to be answered, from when they were due.
        target_latency: f64,
    },
}

impl Scenario {
    /// As MLPerf writes it.
    pub fn label(self) -> &'static str {
        match self {
            Self::SingleStream => "SingleStream",
            Self::Offline => "Offline",
            Self::Server { .. } => "Server",
        }
    }

    /// The share of queries whose latency is the scenario's.
    pub fn percentile(self) -> f64 {
        match self {
            Self::SingleStream => 0.9,
            Self::Offline | Self::Server { .. } => 0.99,
        }
    }
}

/// The terms of a load test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// How queries come.
    #[serde(flatten)]
    pub scenario: Scenario,
    /// Seconds that it lasts at least.
    pub min_duration: f64,
    /// Queries that it has at least.
    pub min_query_count: usize,
    /// Queries that are asked before, and not counted.
    pub warm_up: usize,
    /// Queries worked on at once at most.
    pub in_flight: usize,
    /// Seed of arrivals and of the samples' order.
    pub seed: u64,
}

/// One query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadQuery {
    /// Its sample, as its place among the test's samples.
    pub sample: usize,
    /// Seconds from the beginning at which it was due.
    pub due: f64,
    /// At which it was taken up.
    pub begun: f64,
    /// At which it was answered.
    pub done: f64,
    /// How it ended.
    pub status: Status,
    /// Tokens that were drawn.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tokens: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl LoadQuery {
    /// Seconds from when it was due to its answer: waiting counts, however late it was taken up.
    pub fn latency(&self) -> f64 {
        self.done - self.due
    }
}

/// A load test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadLog {
    /// Version of this layout.
    pub schema: u32,
    /// The program.
    pub code: Code,
    /// The dataset.
    pub data: Data,
    /// The method.
    pub method: MethodInfo,
    /// Its models.
    pub models: Vec<ModelInfo>,
    /// The machine.
    pub machine: Machine,
    /// The terms.
    pub terms: Terms,
    /// Samples that were in memory before the clock started.
    pub samples: Vec<String>,
    /// Samples of the whole split.
    pub split_samples: usize,
    /// The queries, in the order in which they were due.
    pub queries: Vec<LoadQuery>,
    /// Most memory of the process, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}
