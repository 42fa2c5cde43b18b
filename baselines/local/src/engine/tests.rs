//! The engine on a network of rules: what it answers is known, what it was asked is counted, and it fails where told.

use std::sync::{Arc, Mutex};

use image::{Rgb, RgbImage};
use socio_backend::{Cancel, Engine, Turns};
use socio_models::ModelError;
use socio_models::qwen2_5_vl::{
    Config, Decoder, Patches, PictureConfig, Place, Position, Sampler, Settings, Size, Stretch,
};

use super::*;

const VOCABULARY: usize = 64;
const STOP: u32 = 63;

/// What the network was asked, and where it fails.
#[derive(Default)]
struct Log {
    seen: usize,
    /// Tokens of each stretch that was read.
    read: Vec<usize>,
    /// Rows of each step.
    steps: Vec<usize>,
    /// A step of more rows than that fails for want of memory.
    memory: Option<usize>,
    /// A row whose sum of tokens is this makes its step fail.
    poison: Option<u64>,
}

/// The next token is a hash of the sum of all tokens before it; every twentieth sum stops.
struct Rules(Config, Arc<Mutex<Log>>);

fn next(sum: u64) -> u32 {
    if sum.is_multiple_of(20) { STOP } else { (sum.wrapping_mul(2_654_435_761) >> 7) as u32 % 60 }
}

fn logits(sum: u64) -> Vec<f32> {
    let mut row = vec![0.0; VOCABULARY];
    row[next(sum) as usize] = 9.0;
    row
}

impl Decoder for Rules {
    type Seen = u64;
    type Past = Vec<u64>;

    fn config(&self) -> &Config {
        &self.0
    }

    fn see(&self, image: &Patches) -> Result<u64, ModelError> {
        self.1.lock().unwrap().seen += 1;
        Ok(image.values.len() as u64)
    }

    fn read(
        &self,
        stretch: &Stretch<'_, u64>,
        before: Option<&Vec<u64>>,
        _: bool,
    ) -> Result<(Vec<u64>, Vec<f32>), ModelError> {
        self.1.lock().unwrap().read.push(stretch.ids.len());
        let own: u64 = stretch.ids.iter().map(|id| u64::from(*id)).sum();
        let sum = before.map_or(0, |b| b[0]) + own + stretch.images.iter().sum::<u64>();
        Ok((vec![sum], logits(sum)))
    }

    fn gather(&self, pasts: Vec<Vec<u64>>, rows: &[Place]) -> Result<Vec<u64>, ModelError> {
        Ok(rows.iter().map(|r| pasts[r.past][r.row]).collect())
    }

    fn step(&self, past: &mut Vec<u64>, tokens: &[u32], _: &[Position], _: &[usize]) -> Result<Vec<f32>, ModelError> {
        let mut log = self.1.lock().unwrap();
        log.steps.push(past.len());
        if log.memory.is_some_and(|most| past.len() > most) {
            return Err(ModelError::Memory("told to".to_owned()));
        }
        past.iter_mut().zip(tokens).for_each(|(sum, token)| *sum += u64::from(*token));
        if past.iter().any(|sum| Some(*sum) == log.poison) {
            return Err(ModelError::op("step", "told to"));
        }
        Ok(past.iter().flat_map(|sum| logits(*sum)).collect())
    }

    fn seen_bytes(_: &u64) -> usize {
        8
    }

    fn past_bytes(_: &Vec<u64>) -> usize {
        100
    }
}

fn config() -> Config {
    Config::parse(&Size::Tiny.json().to_string()).unwrap()
}

fn turns(log: &Arc<Mutex<Log>>, most: usize, kept: usize) -> Turns<Continuous<Rules>> {
    let seer = Seer { pictures: PictureConfig::of(&config().vision), pixels: Pixels { min: 28 * 28, max: 112 * 112 } };
    let rules = Rules(config(), Arc::clone(log));
    Turns::new(Continuous::new(rules, seer, most, Kept::new(kept, Names::default()), Box::new(|step| step())))
}

fn job(pictures: &[u8], text: &[u32], seeds: usize, tokens: usize) -> Job {
    let config = config();
    let seer = Seer { pictures: PictureConfig::of(&config.vision), pixels: Pixels { min: 28 * 28, max: 112 * 112 } };
    let picture = |shade: &u8| {
        let image = Arc::new(RgbImage::from_pixel(56, 84, Rgb([*shade; 3])));
        let grid = seer.grid(&image).unwrap();
        Picture::new(image, grid)
    };
    let pictures: Vec<Picture> = pictures.iter().map(picture).collect();
    let merge = config.vision.spatial_merge_size;
    let mut ids: Vec<u32> = pictures.iter().flat_map(|p| vec![config.image_token; p.grid.tokens(merge)]).collect();
    ids.extend(text);
    let settings = Settings { sampler: Sampler::GREEDY, max_new_tokens: tokens, stop: vec![STOP] };
    let seeds = (0..seeds as u64).collect();
    Job { ids, pictures, seeds, settings: Arc::new(settings), cancel: Cancel::default() }
}

fn tokens(answered: Answered) -> Vec<Vec<u32>> {
    answered.unwrap().0.into_iter().map(|d| d.tokens).collect()
}

/// Each answered by an engine of its own.
fn expected(jobs: impl IntoIterator<Item = Job>) -> Vec<Vec<Vec<u32>>> {
    let own = |job| tokens(turns(&Arc::default(), 1, 0).ask(vec![job]).pop().unwrap());
    jobs.into_iter().map(own).collect()
}

fn many() -> Vec<Job> {
    (1..30).map(|i| job(&[], &[i * 7, i], 1 + i as usize % 3, 3 + i as usize)).collect()
}

#[test]
fn answers_are_those_of_each_alone_and_a_finished_one_makes_room_at_once() {
    let log = Arc::default();
    let answers: Vec<_> = turns(&log, 5, 0).ask(many()).into_iter().map(tokens).collect();
    assert_eq!(answers, expected(many()));
    let log = log.lock().unwrap();
    assert!(log.steps.iter().all(|rows| *rows <= 5));
    // Rows times steps is the tokens after the first: no step was spent on a row that was at its end.
    let drawn: usize = answers.iter().flatten().map(Vec::len).sum();
    assert!(log.steps.iter().sum::<usize>() <= drawn);
    assert!(log.steps.iter().filter(|rows| **rows >= 4).count() * 2 > log.steps.len(), "{:?}", log.steps);
}

#[test]
fn images_and_beginnings_are_computed_once() {
    let jobs = || (1..8).map(|i| job(&[40, 90], &[i, i + 1], 1, 6)).chain([job(&[90], &[5], 1, 6)]);
    let (kept, fresh) = (Arc::default(), Arc::default());
    let with: Vec<_> = turns(&kept, 4, 1 << 20).ask(jobs().collect()).into_iter().map(tokens).collect();
    let without: Vec<_> = turns(&fresh, 4, 0).ask(jobs().collect()).into_iter().map(tokens).collect();
    assert_eq!(with, without);
    let (kept, fresh): (&Mutex<Log>, &Mutex<Log>) = (&kept, &fresh);
    let (kept, fresh) = (kept.lock().unwrap(), fresh.lock().unwrap());
    assert_eq!((kept.seen, fresh.seen), (2, 15));
    // Two beginnings, and eight ends; without keeping, as many beginnings as ends, in the same parts.
    assert_eq!((kept.read.len(), fresh.read.len()), (10, 16));
    assert!(fresh.read.chunks(2).all(|pair| pair[0] > pair[1]));
}

#[test]
fn no_more_is_kept_than_was_said() {
    let log = Arc::default();
    // Room for one beginning and a few images: the two sets of images drive each other out.
    let engine = turns(&log, 1, 130);
    for i in 0..4 {
        engine.ask(vec![job(&[i % 2, 7], &[1], 1, 2)]);
    }
    assert_eq!(log.lock().unwrap().read.len(), 8);
}

#[test]
fn want_of_memory_makes_batches_smaller_and_answers_all() {
    let log = Arc::new(Mutex::new(Log { memory: Some(2), ..Log::default() }));
    let answers: Vec<_> =
        turns(&log, 8, 1 << 20).ask((1..12).map(|i| job(&[], &[i], 1, 9)).collect()).into_iter().map(tokens).collect();
    assert_eq!(answers, expected((1..12).map(|i| job(&[], &[i], 1, 9))));
}

#[test]
fn memory_that_one_alone_lacks_is_an_error_and_not_a_loop() {
    let log = Arc::new(Mutex::new(Log { memory: Some(0), ..Log::default() }));
    let answers = turns(&log, 8, 1 << 20).ask((1..4).map(|i| job(&[], &[i], 1, 9)).collect());
    assert!(answers.iter().all(|a| matches!(a, Err(ModelError::Memory(_)))));
}

#[test]
fn one_that_fails_does_not_spoil_the_others() {
    // The sum of the poisoned one's prompt and its first token.
    let first = u64::from(next(1001));
    let log = Arc::new(Mutex::new(Log { poison: Some(1001 + first), ..Log::default() }));
    let jobs = || vec![job(&[], &[3], 2, 9), job(&[], &[1001], 1, 9), job(&[], &[5], 1, 9)];
    let answers = turns(&log, 8, 0).ask(jobs());
    assert!(matches!(&answers[1], Err(ModelError::Op { .. })));
    let fine = expected([job(&[], &[3], 2, 9), job(&[], &[5], 1, 9)]);
    let mut answers = answers.into_iter();
    assert_eq!(tokens(answers.next().unwrap()), fine[0]);
    assert_eq!(tokens(answers.nth(1).unwrap()), fine[1]);
}

#[test]
fn what_is_cancelled_leaves_and_the_others_stay() {
    let mut engine = {
        let seer = Seer { pictures: PictureConfig::of(&config().vision), pixels: Pixels::PUBLISHED };
        Continuous::new(Rules(config(), Arc::default()), seer, 4, Kept::new(0, Names::default()), Box::new(|s| s()))
    };
    let (gone, stays) = (job(&[], &[11], 2, 50), job(&[], &[13], 1, 4));
    let cancel = gone.cancel.clone();
    let right = expected([job(&[], &[13], 1, 4)]).remove(0);
    engine.admit(1, gone);
    engine.admit(2, stays);
    assert!(engine.step().is_empty());
    cancel.cancel();
    let mut ended = Vec::new();
    while ended.len() < 2 {
        ended.extend(engine.step());
    }
    assert!(matches!(&ended[0], (1, Err(ModelError::Cancelled))));
    let (ticket, answered) = ended.pop().unwrap();
    assert_eq!((ticket, tokens(answered)), (2, right));
}
