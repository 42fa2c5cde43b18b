//! What a method gets beside its query: seeds that depend on the sample alone, and a clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use socio_dataset::hash;

/// One sample's draw of a run.
#[derive(Debug, Clone)]
pub struct Context {
    run_seed: u64,
    sample: String,
    phases: BTreeMap<String, Duration>,
}

impl Context {
    /// The context of a sample.
    pub fn new(run_seed: u64, sample: &str) -> Self {
        Self { run_seed, sample: sample.to_owned(), phases: BTreeMap::new() }
    }

    /// The seed of a stage's draw.
    pub fn seed(&self, stage: &str, draw: u32) -> u64 {
        hash::draw_seed(self.run_seed, &self.sample, stage, draw)
    }

    /// Does some work and adds its time to a phase.
    pub fn time<T>(&mut self, phase: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        *self.phases.entry(phase.to_owned()).or_default() += start.elapsed();
        result
    }

    /// Time spent by phase.
    pub fn phases(&self) -> &BTreeMap<String, Duration> {
        &self.phases
    }
}
