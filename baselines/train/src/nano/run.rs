//! A training run of nano, from its recipe: stages one after the other, a log, checkpoints, and how well it points.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use socio_dataset::city::{City, Spec};
use socio_dataset::files::{self, FileError};
use socio_dataset::hash::{FieldHasher, SplitMix};
use socio_models::ghost::{Asked, Ghost};
use socio_models::qwen2_5_vl::{Config, Qwen2_5Vl};
use socio_models::weights::Random;
use socio_models::{Autograd, DType, Vars};

use super::dense::{Dense, Labels, Square};
use super::evaluate::{Item, Pointed, answers, score};
use super::lessons::Lessons;
use super::policy::{Counts, Crop, Learner, Part, Told, heads, is_head};
use super::recipe::Sizes;
use super::start;
use super::teach::{Classroom, Manner, Question, asked, questions};
use super::vocabulary;
use crate::checkpoint::{Checkpoint, Header};
use crate::crew;
use crate::library::Task;
use crate::optim::{AdamW, Schedule, Settings};
use crate::parameters::{Gradients, Parameters, gradients};
use crate::TrainError;

/// What is learned, from what, and how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Everything random follows from it.
    pub seed: u64,
    /// The city whose splits `from` are learned from.
    pub city: String,
    /// Its splits.
    pub from: Vec<String>,
    /// The city whose split `val` tells how far it is.
    pub check: String,
    /// How widely the first weights are spread, times the root of what goes into them.
    pub spread: f32,
    /// Whether some heads begin with telling rows and columns ([`start::anchor`]).
    #[serde(default)]
    pub anchored: bool,
    /// The optimiser.
    pub optimiser: Settings,
    /// Gradients' norms above it are brought down to it.
    pub clip: f64,
    /// The sizes.
    pub sizes: Sizes,
    /// The stages.
    pub stage: Vec<Stage>,
}

/// A stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What it is called.
    pub name: String,
    /// How its rate goes, over its own steps.
    pub schedule: Schedule,
    /// Scenes of a step.
    pub scenes: usize,
    /// Scenes of a part: one thread computes it at once.
    pub part: usize,
    /// Squares of a part that are cut out of maps, two tokens a side, and out of satellite views, four a side, for the eye.
    #[serde(default)]
    pub crops: [usize; 2],
    /// Parts of crops alone, where a step has no scenes.
    #[serde(default)]
    pub crop_parts: usize,
    /// Questions about each scene.
    pub questions: usize,
    /// The share of questions by name among those that the city does not ask itself.
    pub names: f64,
    /// The share of answers that think.
    pub thinking: f64,
    /// What the loss counts.
    pub counts: Counts,
    /// Beginnings of keys that stay as they are.
    #[serde(default)]
    pub frozen: Vec<String>,
    /// The type that flows through the networks: `f32` or `bf16`.
    #[serde(default)]
    pub bf16: bool,
}

/// What is told while it goes on.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Lessons are drawn.
    Drawing {
        /// So many by now.
        count: usize,
    },
    /// A step was made.
    Step {
        /// Its number, from 1 on.
        step: u64,
        /// The stage.
        stage: String,
        /// The weighed loss.
        loss: f64,
        /// Its parts, means since the last line.
        parts: BTreeMap<String, f64>,
        /// The gradients' norm before it was brought down.
        norm: f64,
        /// The rate.
        rate: f64,
        /// Scenes a second since the last line.
        scenes_per_s: f64,
    },
    /// How well it points.
    Check {
        /// After this step.
        step: u64,
        /// By level and manner.
        figures: BTreeMap<String, Pointed>,
    },
}

/// Where and how a run goes.
#[derive(Debug, Clone)]
pub struct How {
    /// Its folder: log, checkpoint, model.
    pub out: PathBuf,
    /// Where drawn lessons are kept.
    pub cache: PathBuf,
    /// Threads.
    pub threads: usize,
    /// Steps between lines of the log, checks and checkpoints.
    pub every: [u64; 3],
    /// Questions of a check.
    pub checked: usize,
    /// The step after which to stop, where not at the end.
    pub until: Option<u64>,
    /// Parameters to begin with, where not random ones.
    pub start: Option<PathBuf>,
}

/// A run.
pub struct Run<'a> {
    /// What is learned.
    pub recipe: &'a Recipe,
    /// Where.
    pub how: &'a How,
    /// Who is told.
    pub told: &'a (dyn Fn(&Event) + Sync),
}

/// The keys and shapes of a network's weights.
///
/// # Errors
/// When no network can be built of the configuration.
pub fn keys(config: &Config) -> Result<Vec<(String, Vec<usize>)>, TrainError> {
    let asked = Asked::default();
    Qwen2_5Vl::<Ghost>::new(config, &Vars::new(&asked, DType::F32, &()))?;
    Ok(asked.weights())
}

fn open(city: &str) -> Result<Arc<City>, TrainError> {
    Ok(Arc::new(City::open(Spec::parse(city)?)?))
}

impl Recipe {
    /// Its own hash: a checkpoint is of one recipe.
    pub fn hash(&self) -> String {
        FieldHasher::default().field(serde_json::to_string(self).unwrap_or_default()).hex(32)
    }

    fn steps(&self) -> u64 {
        self.stage.iter().map(|s| s.schedule.steps).sum()
    }

    /// The stage of a step and the step's number in it.
    fn stage(&self, step: u64) -> Option<(usize, u64)> {
        let mut left = step;
        for (i, stage) in self.stage.iter().enumerate() {
            if left < stage.schedule.steps {
                return Some((i, left));
            }
            left -= stage.schedule.steps;
        }
        None
    }

    /// First parameters: each matrix is spread by the root of what goes into it.
    fn start(&self, config: &Config, labels: &Labels) -> Result<Parameters, TrainError> {
        let mut made = Parameters::from_weights(&Random::new(self.seed, 1.0, DType::F32), &keys(config)?)?;
        start::scale(&mut made, self.spread);
        if self.anchored {
            start::anchor(&mut made, config, self.sizes.tokens());
        }
        let mut random = SplitMix(self.seed).at(17);
        made.0.extend(heads(config.text.hidden_size, labels, &mut random).0);
        Ok(made)
    }
}

impl Task for Run<'_> {
    type Output = Checkpoint;

    fn on<T: Autograd>(self, device: T::Device) -> Result<Checkpoint, TrainError>
    where
        T::Device: Sync,
    {
        let Self { recipe, how, told } = self;
        files::create_dir(&how.out)?;
        let drawing = |count| told(&Event::Drawing { count });
        let from: Vec<&str> = recipe.from.iter().map(String::as_str).collect();
        let lessons = Lessons::open(&how.cache, &open(&recipe.city)?, &from, recipe.sizes.side, &drawing)?;
        let check = Lessons::open(&how.cache, &open(&recipe.check)?, &["val"], recipe.sizes.side, &drawing)?;
        let tokenizer = vocabulary::tokenizer(recipe.sizes.side)?;
        let numbers = vocabulary::numbers(&tokenizer, recipe.sizes.side)?;
        let config = recipe.sizes.config(&tokenizer)?;
        let labels = Labels::embedded()?;
        let room = Classroom::new(config.clone(), tokenizer, recipe.sizes.side)?;
        let state = how.out.join("state.safetensors");
        let mut now = if state.is_file() {
            let found = Checkpoint::read(&state)?;
            if found.header.recipe != recipe.hash() {
                return Err(TrainError::Checkpoint { path: state, why: "is of another recipe; choose another folder".to_owned() });
            }
            found
        } else {
            let mut parameters = recipe.start(&config, &labels)?;
            if let Some(start) = &how.start {
                for (key, p) in Checkpoint::read(start)?.parameters.0 {
                    if parameters.0.get(&key).is_some_and(|own| own.shape == p.shape) {
                        parameters.0.insert(key, p);
                    }
                }
            }
            Checkpoint { header: Header { recipe: recipe.hash(), step: 0 }, parameters, optimiser: AdamW::default() }
        };
        let mut log = Log::open(&how.out)?;
        let end = how.until.unwrap_or(u64::MAX).min(recipe.steps());
        let (mut since, mut sums, mut made, mut seen) = (Instant::now(), BTreeMap::<&str, f64>::new(), 0u64, 0usize);
        let mut grown = AdamW::default();
        std::mem::swap(&mut grown, &mut now.optimiser);
        while now.header.step < end {
            let step = now.header.step;
            let Some((index, within)) = recipe.stage(step) else { break };
            let stage = &recipe.stage[index];
            let trained = |key: &str| !stage.frozen.iter().any(|f| key.starts_with(f.as_str()));
            let parts = parts(recipe, stage, step, &lessons, &room)?;
            let learner = |device: &T::Device| Learner::<T> {
                room: &room,
                labels: &labels,
                counts: &stage.counts,
                numbers: &numbers,
                compute: if stage.bf16 { DType::Bf16 } else { DType::F32 },
                device: device.clone(),
            };
            let work = |i: usize| -> Result<(Gradients, f64, Told), TrainError> {
                let part: &Part = &parts[i];
                let variables = now.parameters.variables::<T>(&trained, &device)?;
                let pictures = |scene: usize| lessons.pictures(scene);
                let tokens = recipe.sizes.tokens();
                let dense = |scene: usize| {
                    let facts = lessons.facts(scene);
                    Dense::of(facts, &labels, Square::whole(facts, tokens))
                };
                let crop = |c: Crop| Dense::of(lessons.facts(c.scene), &labels, square(c, &lessons, tokens));
                let (loss, told) = learner(&device).loss(&variables, part, &pictures, &dense, &crop)?;
                let value = loss.detach().values()?.first().copied().unwrap_or(f32::NAN);
                Ok((gradients(&loss, &variables, &trained)?, f64::from(value), told))
            };
            let done = crew::each(parts.len(), how.threads, &T::alone, &work)?;
            let (mut whole, mut loss) = (Gradients::default(), 0.0);
            for (g, value, parts) in done {
                whole.add(g);
                loss += value;
                for (name, value) in parts {
                    *sums.entry(name).or_default() += value;
                }
            }
            loss /= parts.len() as f64;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { step, loss });
            }
            whole.scale(1.0 / parts.len() as f32);
            let norm = whole.clip(recipe.clip);
            let rate = stage.schedule.at(within);
            grown.step(&mut now.parameters, &whole, &recipe.optimiser, rate, &|_| 1.0);
            now.header.step += 1;
            made += parts.len() as u64;
            seen += stage.scenes;
            let step = now.header.step;
            let due = |every: u64| every > 0 && (step.is_multiple_of(every) || step == end);
            if due(how.every[0]) {
                let parts = sums.iter().map(|(k, v)| ((*k).to_owned(), v / made as f64)).collect();
                let scenes_per_s = seen as f64 / since.elapsed().as_secs_f64();
                let event = Event::Step { step, stage: stage.name.clone(), loss, parts, norm, rate, scenes_per_s };
                log.write(&event)?;
                told(&event);
                (since, made, seen) = (Instant::now(), 0, 0);
                sums.clear();
            }
            if due(how.every[1]) && stage.counts.answer > 0.0 {
                let figures = checked::<T>(&now.parameters, &room, &device, &check, how)?;
                let event = Event::Check { step, figures };
                log.write(&event)?;
                told(&event);
                since = Instant::now();
                seen = 0;
            }
            if due(how.every[2]) {
                std::mem::swap(&mut grown, &mut now.optimiser);
                now.write(&state)?;
                std::mem::swap(&mut grown, &mut now.optimiser);
            }
        }
        std::mem::swap(&mut grown, &mut now.optimiser);
        Ok(now)
    }
}

/// The parts of a step: which scenes and questions depends on seed and step alone.
fn parts(recipe: &Recipe, stage: &Stage, step: u64, lessons: &Lessons, room: &Classroom) -> Result<Vec<Part>, TrainError> {
    let mut random = SplitMix(recipe.seed).at(step.wrapping_mul(2).wrapping_add(1));
    let mut parts = Vec::new();
    let mut left = stage.scenes;
    while left > 0 {
        let count = left.min(stage.part.max(1));
        left -= count;
        let scenes: Vec<usize> = (0..count).map(|_| random.below(lessons.len() as u64) as usize).collect();
        let mut rows = Vec::new();
        if stage.counts.answer > 0.0 {
            for (i, scene) in scenes.iter().enumerate() {
                let facts = lessons.facts(*scene);
                for question in questions(facts, recipe.sizes.side, stage.questions, stage.names, &mut random) {
                    let manner = if random.chance(stage.thinking) { Manner::Thinking } else { Manner::Plain };
                    rows.push(room.row(i, &question, manner)?);
                }
            }
        }
        let crops = crops(recipe, stage.crops, lessons, &mut random);
        parts.push(Part { scenes, rows, crops });
    }
    for _ in 0..stage.crop_parts {
        let crops = crops(recipe, stage.crops, lessons, &mut random);
        parts.push(Part { scenes: Vec::new(), rows: Vec::new(), crops });
    }
    Ok(parts)
}

/// Tokens of a crop's side, of maps and of satellite views.
const CROP: [usize; 2] = [2, 4];

/// Squares of maps with an icon somewhere in them, most of them, and any squares of satellite views.
fn crops(recipe: &Recipe, counts: [usize; 2], lessons: &Lessons, random: &mut SplitMix) -> Vec<Crop> {
    let (side, token) = (recipe.sizes.side as usize, recipe.sizes.patch * recipe.sizes.merge);
    let mut made = Vec::new();
    for (picture, (count, tokens)) in counts.into_iter().zip(CROP).enumerate() {
        let most = (side - tokens * token) as u64;
        for _ in 0..count {
            let scene = random.below(lessons.len() as u64) as usize;
            let facts = lessons.facts(scene);
            let scale = side as f64 / f64::from(facts.size);
            let icon = random.pick(&facts.places).and_then(|p| p.icon).filter(|_| picture == 0);
            let corner = match icon {
                Some(at) => at.map(|v: f64| {
                    (v * scale - random.unit() * (tokens * token) as f64).clamp(0.0, most as f64) as usize
                }),
                None => [0; 2].map(|_: i32| random.below(most + 1) as usize),
            };
            made.push(Crop { scene, picture, corner, tokens });
        }
    }
    made
}

/// A crop in the pixels of its lesson's facts.
fn square(crop: Crop, lessons: &Lessons, tokens: usize) -> Square {
    let size = f64::from(lessons.facts(crop.scene).size);
    let scale = size / f64::from(lessons.side());
    Square {
        corner: crop.corner.map(|v| v as f64 * scale),
        side: size * crop.tokens as f64 / tokens as f64,
        tokens: crop.tokens,
    }
}

/// Greedy answers to the city's own questions of `val`, and to others about the same scenes.
fn checked<T: Autograd>(
    parameters: &Parameters,
    room: &Classroom,
    device: &T::Device,
    check: &Lessons,
    how: &How,
) -> Result<BTreeMap<String, Pointed>, TrainError>
where
    T::Device: Sync,
{
    let network = Parameters(parameters.0.iter().filter(|(k, _)| !is_head(k)).map(|(k, p)| (k.clone(), p.clone())).collect());
    let side = check.side();
    let mut groups: BTreeMap<String, Vec<(usize, Question)>> = BTreeMap::new();
    for scene in 0..check.len().min(how.checked) {
        let facts = check.facts(scene);
        if let Some(question) = asked(facts, side) {
            groups.entry(format!("{:?}", question.level).to_lowercase()).or_default().push((scene, question));
        }
        let mut random = SplitMix(scene as u64).at(5);
        if let Some(other) = questions(facts, side, 2, 0.0, &mut random).into_iter().nth(1) {
            groups.entry("other".to_owned()).or_default().push((scene, other));
        }
    }
    let mut figures = BTreeMap::new();
    for (group, items) in groups {
        for (manner, name) in [(Manner::Plain, "plain"), (Manner::Thinking, "thinking")] {
            let chunks: Vec<&[(usize, Question)]> = items.chunks(16).collect();
            let work = |i: usize| -> Result<Vec<String>, TrainError> {
                let tensors = network.tensors::<T>(device)?;
                let items: Vec<Item<'_>> =
                    chunks[i].iter().map(|(s, q)| Item { pictures: check.pictures(*s), question: q.clone() }).collect();
                Ok(answers::<T>(&tensors, room, device, &items, manner)?)
            };
            let said = crew::each(chunks.len(), how.threads, &T::alone, &work)?.concat();
            let questions: Vec<&Question> = items.iter().map(|(_, q)| q).collect();
            figures.insert(format!("{group} {name}"), score(&questions, &said, side));
        }
    }
    Ok(figures)
}

/// The log: one JSON object a line, appended to.
struct Log {
    file: std::fs::File,
    path: PathBuf,
}

impl Log {
    fn open(out: &Path) -> Result<Self, TrainError> {
        let path = out.join("log.jsonl");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        Ok(Self { file: file.map_err(FileError::because("open", &path))?, path })
    }

    fn write(&mut self, event: &Event) -> Result<(), TrainError> {
        let line = serde_json::to_string(event).map_err(|e| TrainError::Input(e.to_string()))?;
        Ok(writeln!(self.file, "{line}").map_err(FileError::because("write", &self.path))?)
    }
}
