//! How nano is taught, from its recipe: stages one after the other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use socio_dataset::city::{City, Spec};
use socio_dataset::hash::{FieldHasher, SplitMix};
use socio_models::ghost::{Asked, Ghost};
use socio_models::qwen2_5_vl::{Config, Qwen2_5Vl};
use socio_models::weights::Random;
use socio_models::{Autograd, DType, Vars};

use super::dense::{Dense, Labels, Square};
use super::evaluate::{Item, Pointed, answers, score};
use super::lessons::Lessons;
use super::policy::{Counts, Crop, Known, Learner, Part, Seen, Shown, heads, is_head};
use super::recipe::Sizes;
use super::refine::Drawn;
use super::start;
use super::teach::{Classroom, Manner, Question, asked, questions};
use super::vocabulary;
use crate::TrainError;
use crate::course::{Course, Place, Told};
use crate::optim::{Schedule, Settings};
use crate::parameters::Parameters;

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
    /// Squares of a part that are cut out of pictures, for the eye alone.
    #[serde(default)]
    pub crops: Vec<Crops>,
    /// Parts of crops alone, where a step has no scenes.
    #[serde(default)]
    pub crop_parts: usize,
    /// Questions about each scene.
    pub questions: usize,
    /// The share of questions by name among those that the city does not ask itself.
    pub names: f64,
    /// The share of answers that think.
    pub thinking: f64,
    /// Of each scene's questions so many are asked in the second stage too, each about pictures of its own.
    #[serde(default)]
    pub refined: usize,
    /// Points of an object in the second stage (mu).
    #[serde(default = "two")]
    pub points: usize,
    /// How far the boxes that the second stage is shown are off at most, as a share of their sides; every second one's are
    /// exact.
    #[serde(default)]
    pub loose: f64,
    /// What the loss counts.
    pub counts: Counts,
    /// Beginnings of keys that stay as they are.
    #[serde(default)]
    pub frozen: Vec<String>,
    /// The type that flows through the networks: `f32` or `bf16`.
    #[serde(default)]
    pub bf16: bool,
}

fn two() -> usize {
    2
}

/// Squares that are cut out of pictures of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crops {
    /// Of maps (0) or of satellite views (1).
    pub picture: usize,
    /// Tokens of a side.
    pub tokens: usize,
    /// How many.
    pub count: usize,
    /// The share of them on which a place is drawn as the second stage shows it.
    #[serde(default)]
    pub drawn: f64,
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
    fn start(&self, config: &Config, labels: &Labels, numbers: &[u32]) -> Result<Parameters, TrainError> {
        let mut made = Parameters::from_weights(&Random::new(self.seed, 1.0, DType::F32), &keys(config)?)?;
        start::scale(&mut made, self.spread);
        if self.anchored {
            start::numbers(&mut made, numbers, self.seed);
        }
        if self.anchored {
            start::anchor(&mut made, config, self.sizes.tokens());
        }
        let mut random = SplitMix(self.seed).at(17);
        made.0.extend(heads(config.text.hidden_size, labels, &mut random).0);
        Ok(made)
    }
}

/// A recipe with all that it needs: lessons, words, prompts.
pub struct Nano<'a> {
    recipe: &'a Recipe,
    lessons: Lessons,
    check: Lessons,
    numbers: Vec<u32>,
    labels: Labels,
    room: Classroom,
    /// What the eye sees, for each run of stages that leave it as it is.
    seen: Vec<Seen>,
    /// Questions of a check.
    checked: usize,
}

impl<'a> Nano<'a> {
    /// Opens lessons in the folder `cache`, drawing them where they are not there yet; `told` hears how many are drawn.
    ///
    /// # Errors
    /// When the recipe describes no network, or lessons cannot be drawn.
    pub fn new(recipe: &'a Recipe, cache: &Path, checked: usize, told: &dyn Fn(usize)) -> Result<Self, TrainError> {
        let side = recipe.sizes.side;
        let from: Vec<&str> = recipe.from.iter().map(String::as_str).collect();
        let lessons = Lessons::open(cache, &open(&recipe.city)?, &from, side, told)?;
        let check = Lessons::open(cache, &open(&recipe.check)?, &["val"], side, told)?;
        let tokenizer = vocabulary::tokenizer(side)?;
        let numbers = vocabulary::numbers(&tokenizer, side)?;
        let config = recipe.sizes.config(&tokenizer)?;
        let room = Classroom::new(config, tokenizer, side)?;
        let seen = recipe.stage.iter().map(|_| Seen::new(lessons.len())).collect();
        Ok(Self { recipe, lessons, check, numbers, labels: Labels::embedded()?, room, seen, checked })
    }

    /// A step's stage, the step's number in it, and which of what the eye saw is true of it.
    fn stage(&self, step: u64) -> Result<(&Stage, u64, Option<&Seen>), TrainError> {
        let found = self.recipe.stage(step);
        let (index, within) = found.ok_or_else(|| TrainError::Input(format!("no step {step} in the recipe")))?;
        let stages = &self.recipe.stage[..=index];
        let still = |s: &Stage| s.frozen.iter().any(|f| f == "visual.");
        let first = index - stages.iter().rev().take_while(|s| still(s)).count().saturating_sub(1);
        let stage = &stages[index];
        Ok((stage, within, self.seen.get(first).filter(|_| still(stage))))
    }
}

impl Course for Nano<'_> {
    type Part = Part;

    fn hash(&self) -> String {
        self.recipe.hash()
    }

    fn steps(&self) -> u64 {
        self.recipe.stage.iter().map(|s| s.schedule.steps).sum()
    }

    fn pace(&self, step: u64) -> (&str, f64, usize) {
        self.stage(step).map_or(("", 0.0, 0), |(s, within, _)| (s.name.as_str(), s.schedule.at(within), s.scenes))
    }

    fn optimiser(&self) -> (&Settings, f64) {
        (&self.recipe.optimiser, self.recipe.clip)
    }

    fn trained(&self, step: u64, key: &str) -> bool {
        self.stage(step).is_ok_and(|(s, ..)| !s.frozen.iter().any(|f| key.starts_with(f.as_str())))
    }

    fn start(&self) -> Result<Parameters, TrainError> {
        self.recipe.start(&self.room.config, &self.labels, &self.numbers)
    }

    fn parts<T: Autograd>(&self, step: u64, _: &Parameters, _: &Place<'_, T>) -> Result<Vec<Part>, TrainError>
    where
        T::Device: Sync,
    {
        parts(self.recipe, self.stage(step)?.0, step, &self.lessons, &self.room)
    }

    fn loss<T: Autograd>(
        &self,
        step: u64,
        variables: &BTreeMap<String, T>,
        part: &Part,
        device: &T::Device,
    ) -> Result<(T, Told), TrainError> {
        let (stage, _, seen) = self.stage(step)?;
        let learner = Learner::<T> {
            room: &self.room,
            labels: &self.labels,
            counts: &stage.counts,
            numbers: &self.numbers,
            compute: if stage.bf16 { DType::Bf16 } else { DType::F32 },
            device: device.clone(),
        };
        let tokens = self.recipe.sizes.tokens();
        let known = Known {
            pictures: &|shown| {
                let pictures = self.lessons.pictures(shown.scene);
                let Some(drawn) = &shown.drawn else { return Ok(pictures.map(Cow::Borrowed)) };
                let on = |picture: &[u8]| drawn.on(picture, self.lessons.side()).map(Cow::Owned);
                let failed = |e: TrainError| socio_models::ModelError::Input(e.to_string());
                Ok([on(pictures[0]).map_err(failed)?, on(pictures[1]).map_err(failed)?])
            },
            dense: &|scene| {
                let facts = self.lessons.facts(scene);
                Dense::of(facts, &self.labels, Square::whole(facts, tokens))
            },
            crop: &|c| Dense::of(self.lessons.facts(c.scene), &self.labels, square(c, &self.lessons, tokens)),
            seen,
        };
        Ok(learner.loss(variables, part, &known)?)
    }

    fn check<T: Autograd>(&self, now: &Parameters, at: &Place<'_, T>) -> Result<BTreeMap<String, f64>, TrainError>
    where
        T::Device: Sync,
    {
        if self.recipe.stage.iter().all(|s| s.counts.answer == 0.0) {
            return Ok(BTreeMap::new());
        }
        checked::<T>(now, &self.room, at, &self.check, self.checked)
    }
}

/// The parts of a step: which scenes and questions depends on seed and step alone.
fn parts(
    recipe: &Recipe,
    stage: &Stage,
    step: u64,
    lessons: &Lessons,
    room: &Classroom,
) -> Result<Vec<Part>, TrainError> {
    let mut random = SplitMix(recipe.seed).at(step.wrapping_mul(2).wrapping_add(1));
    let mut parts = Vec::new();
    let mut left = stage.scenes;
    while left > 0 {
        let count = left.min(stage.part.max(1));
        left -= count;
        let mut scenes = Vec::with_capacity(count);
        for _ in 0..count {
            let scene = random.below(lessons.len() as u64) as usize;
            scenes.push(Shown { scene, drawn: None });
        }
        let mut rows = Vec::new();
        if stage.counts.answer > 0.0 {
            for i in 0..count {
                let facts = lessons.facts(scenes[i].scene);
                let all = questions(facts, recipe.sizes.side, stage.questions, stage.names, &mut random);
                for question in &all {
                    rows.push(room.row(i, question, manner(stage, &mut random))?);
                }
                for _ in 0..stage.refined.min(all.len()) {
                    let mut drawn = Drawn::of(random.pick(&all).unwrap_or(&all[0]));
                    let question = all.iter().find(|q| q.boxes == drawn.boxes).unwrap_or(&all[0]);
                    if random.chance(0.5) {
                        loosen(&mut drawn.boxes, stage.loose, recipe.sizes.side, &mut random);
                    }
                    // Pictures with something drawn on them are dear: each is asked about both ways.
                    for manner in [Manner::Plain, Manner::Thinking] {
                        rows.push(room.refined(scenes.len(), question, &drawn.boxes, stage.points, manner)?);
                    }
                    scenes.push(Shown { scene: scenes[i].scene, drawn: Some(drawn) });
                }
            }
        }
        let crops = crops(recipe, &stage.crops, lessons, &mut random);
        parts.push(Part { scenes, rows, crops });
    }
    for _ in 0..stage.crop_parts {
        let crops = crops(recipe, &stage.crops, lessons, &mut random);
        parts.push(Part { scenes: Vec::new(), rows: Vec::new(), crops });
    }
    Ok(parts)
}

fn manner(stage: &Stage, random: &mut SplitMix) -> Manner {
    if random.chance(stage.thinking) { Manner::Thinking } else { Manner::Plain }
}

/// Moves the sides of boxes; none is turned over.
fn loosen(boxes: &mut [[u32; 4]], loose: f64, side: u32, random: &mut SplitMix) {
    for b in boxes {
        let size = [b[2] - b[0], b[3] - b[1]].map(f64::from);
        let mut moved = *b;
        for (i, v) in moved.iter_mut().enumerate() {
            *v = (f64::from(*v) + random.between(-loose, loose) * size[i % 2]).round().clamp(0.0, f64::from(side))
                as u32;
        }
        if moved[2] > moved[0] + 2 && moved[3] > moved[1] + 2 {
            *b = moved;
        }
    }
}

/// Squares of maps with an icon somewhere in them, most of them, and any squares of satellite views.
fn crops(recipe: &Recipe, kinds: &[Crops], lessons: &Lessons, random: &mut SplitMix) -> Vec<Crop> {
    let (side, token) = (recipe.sizes.side as usize, recipe.sizes.patch * recipe.sizes.merge);
    let mut made = Vec::new();
    for Crops { picture, tokens, count, drawn } in kinds.iter().copied() {
        let tokens = tokens.clamp(1, recipe.sizes.tokens());
        let most = (side - tokens * token) as u64;
        for _ in 0..count {
            let scene = random.below(lessons.len() as u64) as usize;
            let facts = lessons.facts(scene);
            let scale = side as f64 / f64::from(facts.size);
            let place = random.pick(&facts.places);
            let drawn = place.filter(|_| random.chance(drawn)).and_then(|p| Drawn::of_place(p, facts, side as u32));
            // What is drawn on, or has an icon, is in the square.
            let middle =
                drawn.as_ref().map(|d| d.boxes[0].map(f64::from)).map(|b| [b[0] + b[2], b[1] + b[3]].map(|v| v / 2.0));
            let at = place.and_then(|p| p.icon).filter(|_| picture == 0).map(|at| at.map(|v| v * scale)).or(middle);
            let corner = match at {
                Some(at) => at.map(|v| (v - random.unit() * (tokens * token) as f64).clamp(0.0, most as f64) as usize),
                None => [0; 2].map(|_: i32| random.below(most + 1) as usize),
            };
            made.push(Crop { scene, picture, corner, tokens, drawn });
        }
    }
    made
}

/// A crop in the pixels of its lesson's facts.
fn square(crop: &Crop, lessons: &Lessons, tokens: usize) -> Square {
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
    at: &Place<'_, T>,
    check: &Lessons,
    scenes: usize,
) -> Result<BTreeMap<String, f64>, TrainError>
where
    T::Device: Sync,
{
    let network =
        Parameters(parameters.0.iter().filter(|(k, _)| !is_head(k)).map(|(k, p)| (k.clone(), p.clone())).collect());
    let side = check.side();
    let mut groups: BTreeMap<String, Vec<(usize, Question)>> = BTreeMap::new();
    for scene in 0..check.len().min(scenes) {
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
                let tensors = network.tensors::<T>(at.device)?;
                let items: Vec<Item<'_>> =
                    chunks[i].iter().map(|(s, q)| Item { pictures: check.pictures(*s), question: q.clone() }).collect();
                Ok(answers::<T>(&tensors, room, at.device, &items, manner)?)
            };
            let said = at.each(chunks.len(), &work)?.concat();
            let questions: Vec<&Question> = items.iter().map(|(_, q)| q).collect();
            let Pointed { formed, iou, half, .. } = score(&questions, &said, side);
            for (what, value) in [("formed", formed), ("iou", iou), ("half", half)] {
                figures.insert(format!("{group} {name} {what}"), value);
            }
        }
    }
    Ok(figures)
}
