//! A run as figures see it: one small entry a sample, without masks or words. Some 0.65 kB a sample with its
//! scene, so that a million of them fit where the records would not.

mod phases;
mod words;

use std::path::{Path, PathBuf};

use socio_dataset::Level;
use socio_record::{Machine, Manifest, Run, RunError, SampleEntry, Score, Status, Summary, When};

pub use phases::Phases;
pub use words::{Word, Words};

/// What is known of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The sample.
    pub id: Box<str>,
    /// Hash of its inputs, from the run's list of samples.
    pub inputs: Option<Box<str>>,
    /// The level that the id tells.
    pub level: Option<Level>,
    /// The scene, one of the digest's words.
    pub scene: Word,
    /// The class.
    pub class: Option<Word>,
    /// The function.
    pub function: Option<Word>,
    /// The region.
    pub region: Option<Word>,
    /// How it ended.
    pub status: Status,
    /// Counts of the answer; absent where there is no truth.
    pub score: Option<Score>,
    /// Width and height of the truth, in pixels.
    pub size: Option<(u32, u32)>,
    /// The first of several stages.
    pub first: Option<Box<First>>,
    /// Tokens of all prompts, and of all completions.
    pub tokens: Option<(u32, u32)>,
    /// When and where it was worked on.
    pub when: Option<When>,
}

/// How the first of several stages ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct First {
    /// How it ended.
    pub status: Status,
    /// Counts of its mask.
    pub score: Option<Score>,
}

/// A run, digested.
#[derive(Debug, Clone)]
pub struct Digest {
    /// The run's folder, or the baseline's file.
    pub path: PathBuf,
    /// What was run.
    pub manifest: Manifest,
    /// Samples that were chosen.
    pub chosen: usize,
    /// Of these, without a record.
    pub missing: usize,
    /// One a record, by id.
    pub entries: Vec<Entry>,
    /// Scenes, classes, functions and regions.
    pub words: Words,
    /// Seconds by phase, a value an entry.
    pub phases: Phases,
    /// Most memory of a process, in bytes, where it is told apart from the samples (a baseline).
    pub(crate) memory: Option<u64>,
}

/// The name of the second stage of a method that has two.
const SECOND: &str = "refine";
/// What a row of a first stage alone has in its label.
pub(crate) const STAGE_1: &str = ", stage 1";

impl Digest {
    /// Reads a run, one record in memory at a time.
    ///
    /// # Errors
    /// When it is no run, or damaged.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut digest = Self::begin(path, Run::manifest(path)?);
        Run::summaries(path, |summary| digest.push(summary))?;
        digest.finish(path)?;
        Ok(digest)
    }

    /// Orders what was read, and reads the list of samples.
    pub(crate) fn finish(&mut self, path: &Path) -> Result<(), RunError> {
        self.sort();
        let mut chosen = 0;
        Run::chosen(path, |sample| {
            chosen += 1;
            self.chose(sample);
        })?;
        self.chosen = chosen;
        Ok(())
    }

    /// Digests a run that is in memory.
    pub fn of(run: &Run) -> Self {
        let mut digest = Self::begin(&run.path, run.manifest.clone());
        for record in run.records.values() {
            digest.push(Summary::from(record));
        }
        digest.sort();
        digest.chosen = run.samples.len();
        for sample in &run.samples {
            digest.chose(sample.clone());
        }
        digest
    }

    pub(crate) fn begin(path: &Path, manifest: Manifest) -> Self {
        let (entries, words, phases) = (Vec::new(), Words::default(), Phases::default());
        Self { path: path.to_owned(), manifest, chosen: 0, missing: 0, entries, words, phases, memory: None }
    }

    pub(crate) fn push(&mut self, summary: Summary) {
        let words = &mut self.words;
        let first = (summary.stages.iter().position(|s| s.name == SECOND).filter(|at| *at > 0))
            .and_then(|second| summary.stages.get(second - 1))
            .map(|s| Box::new(First { status: s.status, score: s.score }));
        let told: Vec<_> = summary.stages.iter().filter_map(|s| s.tokens).collect();
        let sum = |of: fn(&socio_record::Tokens) -> usize| told.iter().map(of).sum::<usize>() as u32;
        self.phases.push(self.entries.len(), &summary.timings);
        self.entries.push(Entry {
            id: summary.id.into(),
            inputs: None,
            level: summary.level,
            scene: words.take(&summary.scene),
            class: summary.class.map(|c| words.take(&c)),
            function: summary.function.map(|f| words.take(&f)),
            region: summary.region.map(|r| words.take(&r)),
            status: summary.status,
            score: summary.score,
            size: summary.truth.map(|t| (t.size[1], t.size[0])),
            first,
            tokens: (!told.is_empty()).then(|| (sum(|t| t.prompt), sum(|t| t.completion))),
            when: summary.trace,
        });
    }

    /// Brings entries into the order of their ids, the first of each kept, and words into theirs.
    pub(crate) fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        // Stable: of several records of a sample the one that was read first stays first.
        order.sort_by(|a, b| self.entries[*a].id.cmp(&self.entries[*b].id));
        order.dedup_by(|later, first| self.entries[*later].id == self.entries[*first].id);
        if order.len() != self.entries.len() || order.iter().enumerate().any(|(i, o)| i != *o) {
            let mut old: Vec<Option<Entry>> = std::mem::take(&mut self.entries).into_iter().map(Some).collect();
            self.entries = order.iter().filter_map(|i| old[*i].take()).collect();
            self.phases.reorder(&order);
        }
        let renamed = self.words.sort();
        let new = |word: &mut Word| *word = renamed[*word as usize];
        for entry in &mut self.entries {
            new(&mut entry.scene);
            [&mut entry.class, &mut entry.function, &mut entry.region].into_iter().flatten().for_each(new);
        }
    }

    fn chose(&mut self, sample: SampleEntry) {
        match self.position(&sample.id) {
            Some(at) => self.entries[at].inputs = Some(sample.inputs.into()),
            None => self.missing += 1,
        }
    }

    /// Leaves out all that another machine, or another day, would have otherwise.
    pub(crate) fn forget_times(&mut self) {
        self.phases = Phases::default();
        self.memory = None;
        self.manifest.machine = Machine::default();
        self.manifest.code.executable.clear();
        for entry in &mut self.entries {
            entry.when = None;
        }
    }

    /// Most memory of a process, in bytes, where it was told.
    pub fn peak_memory(&self) -> Option<u64> {
        self.memory.or_else(|| self.entries.iter().filter_map(|e| e.when?.memory).max())
    }

    /// The sample in the middle of all by its time; none where none was timed.
    pub fn middle(&self) -> Option<&str> {
        let total = |i: usize| Some((self.phases.seconds("total", i)?, i));
        let mut timed: Vec<(f64, usize)> = (0..self.entries.len()).filter_map(total).collect();
        timed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        timed.get(timed.len() / 2).map(|(_, i)| &*self.entries[*i].id)
    }

    /// Where a sample's entry is.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.entries.binary_search_by(|e| (*e.id).cmp(id)).ok()
    }

    /// The run as it would be had its method ended before its second stage; told in its label.
    #[must_use]
    pub fn stopped_after_first(mut self) -> Self {
        for entry in &mut self.entries {
            if let Some(first) = entry.first.take() {
                (entry.status, entry.score) = (first.status, first.score);
            }
        }
        // What the whole took is not what its first stage would have taken.
        self.phases = Phases::default();
        self.memory = None;
        for entry in &mut self.entries {
            (entry.when, entry.tokens) = (None, None);
        }
        let label = &mut self.manifest.method.label;
        if !label.contains(STAGE_1) {
            label.push_str(STAGE_1);
        }
        self
    }
}
