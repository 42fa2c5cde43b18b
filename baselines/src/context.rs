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
    said: Vec<Said>,
}

/// What a model said in a stage, kept whether or not an answer comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The stage.
    pub stage: &'static str,
    /// The text, letter by letter.
    pub text: String,
    /// Hash of the model's request.
    pub request: Option<String>,
    /// Tokens, where a vision-language model said it.
    pub tokens: Option<Tokens>,
}

/// How many tokens an exchange with a vision-language model took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// The prompt's, those of images among them.
    pub prompt: usize,
    /// Of these, what stands for images.
    pub image: usize,
    /// Drawn.
    pub completion: usize,
    /// Whether the limit of tokens cut the completion.
    pub cut: bool,
}

impl Context {
    /// The context of a sample.
    pub fn new(run_seed: u64, sample: &str) -> Self {
        Self { run_seed, sample: sample.to_owned(), phases: BTreeMap::new(), said: Vec::new() }
    }

    /// The seed of a stage's draw.
    pub fn seed(&self, stage: &str, draw: u32) -> u64 {
        hash::draw_seed(self.run_seed, &self.sample, stage, draw)
    }

    /// Does some work and adds its time to a phase.
    pub fn time<T>(&mut self, phase: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.spent(phase, start.elapsed());
        result
    }

    /// Adds a time that was measured elsewhere to a phase.
    pub fn spent(&mut self, phase: &str, time: Duration) {
        *self.phases.entry(phase.to_owned()).or_default() += time;
    }

    /// Keeps what was said in a stage, by no vision-language model.
    pub fn said(&mut self, stage: &'static str, text: String, request: Option<String>) {
        self.keep(Said { stage, text, request, tokens: None });
    }

    /// Keeps what a model said in a stage.
    pub fn keep(&mut self, said: Said) {
        self.said.push(said);
    }

    /// The sample.
    pub fn sample(&self) -> &str {
        &self.sample
    }

    /// What models said so far.
    pub fn all_said(&self) -> &[Said] {
        &self.said
    }

    /// Time spent by phase.
    pub fn phases(&self) -> &BTreeMap<String, Duration> {
        &self.phases
    }
}
