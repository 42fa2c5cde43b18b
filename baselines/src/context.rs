//! What a method gets beside its query: seeds that depend on the sample alone, and a clock.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use socio_dataset::hash;

/// One sample's draw of a run.
#[derive(Debug, Clone)]
pub struct Context {
    run_seed: u64,
    sample: String,
    begun: Instant,
    spans: Vec<Span>,
    said: Vec<Said>,
}

/// A stretch of time spent on one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// On what.
    pub phase: Cow<'static, str>,
    /// When it began, from the beginning of the sample.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
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
        Self { run_seed, sample: sample.to_owned(), begun: Instant::now(), spans: Vec::new(), said: Vec::new() }
    }

    /// The seed of a stage's draw.
    pub fn seed(&self, stage: &str, draw: u32) -> u64 {
        hash::draw_seed(self.run_seed, &self.sample, stage, draw)
    }

    /// Does some work and keeps its time under a phase.
    pub fn time<T>(&mut self, phase: &'static str, work: impl FnOnce() -> T) -> T {
        let at = self.begun.elapsed();
        let result = work();
        let took = self.begun.elapsed().saturating_sub(at);
        self.spans.push(Span { phase: Cow::Borrowed(phase), at, took });
        result
    }

    /// Parts of what was timed last, measured where it was done, one behind the other.
    pub fn parts(&mut self, parts: &[(&'static str, Duration)]) {
        let mut at = self.spans.last().map_or(Duration::ZERO, |s| s.at);
        for (phase, took) in parts {
            self.spans.push(Span { phase: Cow::Borrowed(*phase), at, took: *took });
            at += *took;
        }
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

    /// When the sample was begun.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// What time was spent on, in the order in which it ended.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Time spent by phase.
    pub fn phases(&self) -> BTreeMap<&str, Duration> {
        let mut phases: BTreeMap<&str, Duration> = BTreeMap::new();
        for span in &self.spans {
            *phases.entry(&span.phase).or_default() += span.took;
        }
        phases
    }
}
