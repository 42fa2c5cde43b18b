//! Runs drawn at random, for tests of statistics: scenes with several samples of three levels, hard and easy ones, large
//! and small targets, and pairs of runs that have most of that in common.

use std::path::Path;

use socio_dataset::hash::SplitMix;
use socio_dataset::{Counts, Level};
use socio_record::{
    Code, Data, Machine, Manifest, Matches, MethodInfo, RECORD_SCHEMA, SCHEMA, Score, Selection, Status, Summary,
};

use crate::digest::Digest;

/// What is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Scenes, each with one to four samples.
    pub(crate) scenes: usize,
    /// How far answers lose against those of the same seed without a loss: a share of their IoU.
    pub(crate) loss: f64,
    /// The level that loses; all where `None`.
    pub(crate) level: Option<Level>,
    /// Noise of a run's own: 0 for the very same answers each time.
    pub(crate) noise: f64,
    /// Seed of the run's own noise.
    pub(crate) own: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { scenes: 40, loss: 0.0, level: None, noise: 0.2, own: 1 }
    }
}

/// A manifest with nothing in it that anyone asks for.
pub(crate) fn manifest() -> Manifest {
    Manifest {
        schema: SCHEMA,
        record_schema: RECORD_SCHEMA,
        id: "0123456789ab".to_owned(),
        code: Code { version: "0.0.0".to_owned(), executable: String::new() },
        data: Data {
            location: "simulated".to_owned(),
            kind: "simulated".to_owned(),
            revision: None,
            split: "test".to_owned(),
            fingerprint: "f".to_owned(),
            samples: 0,
        },
        set: None,
        selection: Selection::default(),
        method: MethodInfo {
            name: "simulated".to_owned(),
            label: "simulated".to_owned(),
            oracle: false,
            reference: false,
            parameters: std::collections::BTreeMap::new(),
            remarks: Vec::new(),
        },
        models: Vec::new(),
        seed: 42,
        profile: "strict".to_owned(),
        machine: Machine::default(),
        command: Vec::new(),
    }
}

/// A run of the scenes of `seed`: their samples, hardness and targets are the same for every plan of that seed.
pub(crate) fn digest(plan: &Plan, seed: u64) -> Digest {
    let mut scenes = SplitMix(seed);
    let mut own = SplitMix(seed ^ plan.own.wrapping_mul(0xA5A5_5A5A_1234_5677));
    let mut digest = Digest::begin(Path::new("simulated"), manifest());
    let mut n = 0;
    for scene in 0..plan.scenes {
        // Every third scene is hard for any method.
        let easy = if scenes.chance(0.35) { 0.15 } else { 0.7 };
        for _ in 0..=scenes.below(4) {
            n += 1;
            let level = [Level::Name, Level::Class, Level::Function][scenes.below(3) as usize];
            let truth_area = (500.0 * (scenes.unit() * 4.0).exp()) as u64;
            let truths = 1 + u64::from(scenes.chance(0.15)) + u64::from(scenes.chance(0.05));
            let base = (easy + 0.35 * (scenes.unit() - 0.5)).clamp(0.0, 0.98);
            let mut iou = (base + plan.noise * (own.unit() - 0.5)).clamp(0.0, 0.98);
            if plan.level.is_none_or(|l| l == level) {
                iou *= 1.0 - plan.loss;
            }
            digest.push(summary(n, scene, level, (truth_area, truths), iou, own.chance(0.02)));
        }
    }
    digest.chosen = n;
    digest.sort();
    digest
}

/// A sample whose answer has the IoU asked for, as nearly as pixels allow.
fn summary(n: usize, scene: usize, level: Level, (truth_area, truths): (u64, u64), iou: f64, fails: bool) -> Summary {
    // A mask of the target's size moved aside: I / (2 T - I) = IoU.
    let intersection = ((2.0 * truth_area as f64 * iou / (1.0 + iou)).round() as u64).min(truth_area);
    let counts = Counts { intersection, union: 2 * truth_area - intersection };
    let found = u64::from(iou > 0.5) * truths.min(2);
    let m = Matches { matched: found, predicted: truths, truth: truths };
    let whole = Matches { matched: u64::from(counts.iou().is_some_and(|i| i > 0.5)), predicted: 1, truth: 1 };
    let score = Score { counts, truth_area, predicted_area: truth_area, resized: false, instances: [m, whole, m, m] };
    Summary {
        schema: RECORD_SCHEMA,
        id: format!("{}_{n:05}", level.prefix()),
        level: Some(level),
        scene: format!("scene {scene}"),
        class: None,
        function: None,
        region: None,
        status: if fails { Status::NoAnswer } else { Status::Ok },
        truth: None,
        stages: Vec::new(),
        score: Some(score),
        timings: std::collections::BTreeMap::new(),
        trace: None,
    }
}

/// A record with nothing in it.
pub(crate) fn record(id: &str) -> socio_record::Record {
    socio_record::Record {
        schema: RECORD_SCHEMA,
        id: id.to_owned(),
        level: None,
        query: String::new(),
        scene: id.to_owned(),
        class: None,
        function: None,
        region: None,
        satellite: None,
        map: None,
        status: Status::Ok,
        message: None,
        truth: None,
        stages: Vec::new(),
        score: None,
        timings: std::collections::BTreeMap::new(),
        trace: None,
    }
}
