//! The loop of training, whatever is learned: batches, gradients, steps, the log and the checkpoints.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use socio_dataset::files;
use socio_models::Autograd;

use crate::TrainError;
use crate::checkpoint::{Checkpoint, Header};
use crate::crew;
use crate::library::Task;
use crate::log::{Event, Log};
use crate::optim::{AdamW, Settings};
use crate::parameters::{Gradients, Parameters, gradients};

/// The parts of a loss, before they are weighed, by name.
pub type Told = BTreeMap<&'static str, f64>;

/// What is learned: which batches, and what is lost on them. All that is random goes by the recipe's seed and the step's
/// number, so that a run goes on from a checkpoint as if it had never stopped.
pub trait Course: Sync {
    /// What one thread computes at once.
    type Part: Sync;

    /// What tells this course from any other: a checkpoint is of one.
    fn hash(&self) -> String;

    /// Steps in all.
    fn steps(&self) -> u64;

    /// The name of a step's stage, its rate, and how many samples it takes, steps counted from 0.
    fn pace(&self, step: u64) -> (&str, f64, usize);

    /// How the optimiser goes on, and the norm that gradients are brought down to.
    fn optimiser(&self) -> (&Settings, f64);

    /// Whether a step trains a parameter.
    fn trained(&self, step: u64, key: &str) -> bool;

    /// Whether a run may stop and go on before a step.
    fn whole(&self, _step: u64) -> bool {
        true
    }

    /// The first parameters.
    ///
    /// # Errors
    /// When none can be made.
    fn start(&self) -> Result<Parameters, TrainError>;

    /// The parts of a step's batch.
    ///
    /// # Errors
    /// When they cannot be made.
    fn parts<T: Autograd>(&self, step: u64, now: &Parameters, at: &Place<'_, T>) -> Result<Vec<Self::Part>, TrainError>
    where
        T::Device: Sync;

    /// What is lost on a part; the step's loss is the mean over its parts.
    ///
    /// # Errors
    /// When the library fails.
    fn loss<T: Autograd>(
        &self,
        step: u64,
        variables: &BTreeMap<String, T>,
        part: &Self::Part,
        device: &T::Device,
    ) -> Result<(T, Told), TrainError>;

    /// How far it is.
    ///
    /// # Errors
    /// When the library fails.
    fn check<T: Autograd>(&self, now: &Parameters, at: &Place<'_, T>) -> Result<BTreeMap<String, f64>, TrainError>
    where
        T::Device: Sync;
}

/// Where something is computed.
pub struct Place<'a, T: Autograd> {
    /// The device.
    pub device: &'a T::Device,
    /// Threads.
    pub threads: usize,
}

impl<T: Autograd> Place<'_, T> {
    /// Does `work` on each of `count` parts; results come in their order.
    ///
    /// # Errors
    /// The first part's that failed.
    pub fn each<R: Send>(
        &self,
        count: usize,
        work: &(dyn Fn(usize) -> Result<R, TrainError> + Sync),
    ) -> Result<Vec<R>, TrainError> {
        crew::each(count, self.threads, &T::alone, work)
    }
}

/// Where and how a run goes.
#[derive(Debug, Clone)]
pub struct How {
    /// Its folder: log, checkpoint, model.
    pub out: PathBuf,
    /// Threads.
    pub threads: usize,
    /// Steps between lines of the log.
    pub log: u64,
    /// Steps between checks; 0 for none but the last.
    pub check: u64,
    /// Steps between checkpoints.
    pub save: u64,
    /// The step after which to stop, where not at the end.
    pub until: Option<u64>,
    /// A checkpoint whose parameters to begin with, those of the same key and shape; the others are random ones.
    pub start: Option<PathBuf>,
}

/// The name of a run's checkpoint in its folder.
pub const STATE: &str = "state.safetensors";

/// A run of a course. It goes on from its folder's checkpoint.
pub struct Run<'a, C> {
    /// What is learned.
    pub course: &'a C,
    /// Where and how.
    pub how: &'a How,
    /// Who is told.
    pub told: &'a (dyn Fn(&Event) + Sync),
}

impl<C: Course> Run<'_, C> {
    fn begin(&self) -> Result<Checkpoint, TrainError> {
        let state = self.how.out.join(STATE);
        let recipe = self.course.hash();
        if state.is_file() {
            let found = Checkpoint::read(&state)?;
            if found.header.recipe != recipe {
                let why = "is of another recipe; choose another folder".to_owned();
                return Err(TrainError::Checkpoint { path: state, why });
            }
            return Ok(found);
        }
        let mut parameters = self.course.start()?;
        if let Some(start) = &self.how.start {
            for (key, p) in Checkpoint::read(start)?.parameters.0 {
                if parameters.0.get(&key).is_some_and(|own| own.shape == p.shape) {
                    parameters.0.insert(key, p);
                }
            }
        }
        Ok(Checkpoint { header: Header { recipe, step: 0 }, parameters, optimiser: AdamW::default() })
    }
}

/// What was told since the last line of the log.
struct Since {
    begun: Instant,
    samples: usize,
    losses: (f64, u64),
    parts: BTreeMap<&'static str, (f64, u64)>,
}

impl Since {
    fn new() -> Self {
        Self { begun: Instant::now(), samples: 0, losses: (0.0, 0), parts: BTreeMap::new() }
    }
}

impl<C: Course> Task for Run<'_, C> {
    type Output = Checkpoint;

    fn on<T: Autograd>(self, device: T::Device) -> Result<Checkpoint, TrainError>
    where
        T::Device: Sync,
    {
        let Self { course, how, told } = self;
        files::create_dir(&how.out)?;
        let mut now = self.begin()?;
        let mut log = Log::open(&how.out)?;
        let place = Place::<T> { device: &device, threads: how.threads };
        let end = how.until.unwrap_or(u64::MAX).min(course.steps());
        let (settings, most) = course.optimiser();
        let mut since = Since::new();
        let mut saved = 0;
        let mut tell = |event: Event| {
            told(&event);
            log.write(&event)
        };
        // A stop inside of what belongs together waits for its end.
        while now.header.step < end || !course.whole(now.header.step) {
            let step = now.header.step;
            let (stage, rate, samples) = course.pace(step);
            let trained = |key: &str| course.trained(step, key);
            let parts = course.parts::<T>(step, &now.parameters, &place)?;
            let work = |i: usize| {
                let variables = now.parameters.variables::<T>(&trained, &device)?;
                let (loss, told) = course.loss::<T>(step, &variables, &parts[i], &device)?;
                let value = loss.detach().values()?.first().copied().unwrap_or(f32::NAN);
                Ok((gradients(&loss, &variables, &trained)?, f64::from(value), told))
            };
            let done = place.each(parts.len(), &work)?;
            let (mut whole, mut loss) = (Gradients::default(), 0.0);
            for (g, value, parts) in done {
                whole.add(g);
                loss += value;
                for (name, value) in parts {
                    let sum = since.parts.entry(name).or_default();
                    *sum = (sum.0 + value, sum.1 + 1);
                }
            }
            loss /= parts.len().max(1) as f64;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { step, loss });
            }
            whole.scale(1.0 / parts.len().max(1) as f32);
            let norm = whole.clip(most);
            now.optimiser.step(&mut now.parameters, &whole, settings, rate, &|_| 1.0);
            now.header.step += 1;
            since.samples += samples;
            since.losses = (since.losses.0 + loss, since.losses.1 + 1);
            let (step, stage) = (now.header.step, stage.to_owned());
            let last = step >= end && course.whole(step);
            let due = |every: u64| last || (every > 0 && step.is_multiple_of(every));
            if due(how.log) {
                let parts = since.parts.iter().map(|(k, (sum, n))| ((*k).to_owned(), sum / *n as f64)).collect();
                let per_s = since.samples as f64 / since.begun.elapsed().as_secs_f64();
                let loss = since.losses.0 / since.losses.1 as f64;
                tell(Event::Step { step, stage, loss, parts, norm, rate, per_s })?;
                since = Since::new();
            }
            if due(how.check) {
                let begun = Instant::now();
                let figures = course.check::<T>(&now.parameters, &place)?;
                tell(Event::Check { step, figures })?;
                // The time of a check is none of the rate.
                since.begun += begun.elapsed();
            }
            saved += 1;
            if last || (saved >= how.save && course.whole(step)) {
                saved = 0;
                now.write(&how.out.join(STATE))?;
            }
        }
        Ok(now)
    }
}
