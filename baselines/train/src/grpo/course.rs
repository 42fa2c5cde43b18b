//! Staged-reward GRPO as a course: rounds of two stages, each so many steps of the optimiser.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use socio_backend::{Sampling, Segmenter, Vlm};
use socio_baselines::Models;
use socio_baselines::definition::{Definition, Overrides};
use socio_baselines::reasoner::Settings;
use socio_baselines::reward::{Profile, Rules};
use socio_dataset::city::{City, Spec};
use socio_dataset::hash::{FieldHasher, SplitMix};
use socio_local::{Identity, Load, Pixels, QwenVlm};
use socio_models::qwen2_5_vl::{Config, Qwen2_5Vl, Tokenizer};
use socio_models::{Autograd, DType, Tensor, Vars};

use super::asks::of_lesson;
use super::chances::Group;
use super::recorder::Recorder;
use super::rollout::{Actor, Asked, First, Rollout};
use super::{Objective, Tokens, advantages, surrogate};
use crate::TrainError;
use crate::course::{Course, Place, Told};
use crate::nano::lessons::Lessons;
use crate::nano::policy::is_head;
use crate::nano::recipe::Sizes;
use crate::nano::vocabulary;
use crate::optim::{self, Schedule};
use crate::parameters::Parameters;

/// What is learned, by whose rules, and how long.
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
    /// At how many pixels a side pictures are given to the method, which brings them to the sizes that its models know: 768 is
    /// the city's own.
    pub pictures: u32,
    /// The policy's sizes.
    pub sizes: Sizes,
    /// The method that asks it, both stages.
    pub method: String,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What answers are worth.
    pub rules: Rules,
    /// What is made of that.
    pub objective: Objective,
    /// Answers to each prompt (G).
    pub group: usize,
    /// Samples of a round.
    pub batch: usize,
    /// Steps of the optimiser that each stage's answers are used for, each of a share of the samples.
    pub updates: usize,
    /// Whose optimiser.
    pub optimiser: optim::Settings,
    /// Gradients' norms above it are brought down to it.
    pub clip: f64,
    /// How the rate goes, over all steps: `2 * updates` a round.
    pub schedule: Schedule,
}

/// What one sample's answers in one stage come to.
pub struct Lesson {
    groups: Vec<(Group, Tokens)>,
    told: Told,
}

/// A round on its way.
struct Round {
    number: u64,
    asked: Vec<Asked>,
    firsts: Vec<Vec<First>>,
    /// Of each stage, what it is trained on; the second's follows later in the paper's profile.
    lessons: [Vec<Arc<Lesson>>; 2],
}

/// A recipe with all that it needs.
pub struct Reinforced<'a> {
    recipe: &'a Recipe,
    lessons: Lessons,
    check: Lessons,
    checked: usize,
    config: Config,
    tokenizer: Tokenizer,
    settings: Settings,
    segmenter: Arc<dyn Segmenter>,
    reference: Parameters,
    round: Mutex<Option<Round>>,
}

impl<'a> Reinforced<'a> {
    /// From a policy's parameters, which are the reference too. Lessons are kept in the folder `cache`.
    ///
    /// # Errors
    /// When the recipe names no method of two stages, or lessons cannot be drawn.
    pub fn new(
        recipe: &'a Recipe,
        (policy, segmenter): (Parameters, Arc<dyn Segmenter>),
        cache: &Path,
        checked: usize,
        told: &dyn Fn(usize),
    ) -> Result<Self, TrainError> {
        let side = recipe.sizes.side;
        let tokenizer = vocabulary::tokenizer(side)?;
        let config = recipe.sizes.config(&tokenizer)?;
        let input = |e: String| TrainError::Input(e);
        let found = Definition::find(&recipe.method).map_err(|e| input(e.to_string()))?;
        let found = found.ok_or_else(|| input(format!("there is no method `{}`", recipe.method)))?;
        let overrides = Overrides { sampling: Some(recipe.sampling), square: Some(side), ..Overrides::default() };
        let settings = found.ready(&overrides).map_err(|e| input(e.to_string()))?.settings;
        let from: Vec<&str> = recipe.from.iter().map(String::as_str).collect();
        let open = |city: &str| Ok::<_, TrainError>(Arc::new(City::open(Spec::parse(city)?)?));
        let lessons = Lessons::open(cache, &open(&recipe.city)?, &from, recipe.pictures, told)?;
        let check = Lessons::open(cache, &open(&recipe.check)?, &["val"], recipe.pictures, told)?;
        let reference = Parameters(policy.0.into_iter().filter(|(key, _)| !is_head(key)).collect());
        let round = Mutex::new(None);
        Ok(Self { recipe, lessons, check, checked, config, tokenizer, settings, segmenter, reference, round })
    }

    fn updates(&self) -> u64 {
        self.recipe.updates.max(1) as u64
    }

    fn actor<R>(
        &self,
        policy: &Arc<Recorder>,
        settings: &Settings,
        seed: u64,
        act: impl FnOnce(&Actor<'_>) -> Result<R, TrainError>,
    ) -> Result<R, TrainError> {
        let vlm: Arc<dyn Vlm> = Arc::clone(policy) as Arc<dyn Vlm>;
        let models = Models { vlm: Some(vlm), segmenter: Some(Arc::clone(&self.segmenter)), reader: None };
        act(&Actor { policy, models: &models, settings, rules: &self.recipe.rules, seed })
    }

    /// A policy that answers.
    fn policy<T: Tensor>(&self, now: &Parameters, device: &T::Device) -> Result<Arc<Recorder>, TrainError> {
        let tensors = now.tensors::<T>(device)?;
        let model = Qwen2_5Vl::<T>::new(&self.config, &Vars::bound(&tensors, DType::F32, device))?;
        let pixels = (self.recipe.sizes.side as usize).pow(2);
        let identity = Identity { library: "train", name: "policy", weights: "", numbers: "" };
        // What was seen of a sample's images serves all its answers.
        let load = Load { batch: 1, kept: 64 << 20 };
        let within = |step: &mut (dyn FnMut() + Send)| T::inference(step);
        let pixels = Pixels { min: pixels, max: pixels };
        let vlm = QwenVlm::new(model, self.tokenizer.clone(), pixels, &identity, load, within)?;
        Ok(Arc::new(Recorder::new(Arc::new(vlm), self.tokenizer.special("<|im_end|>")?)))
    }

    /// What a stage's answers to a sample are trained as.
    fn lesson<T: Autograd>(
        &self,
        stage: usize,
        rollouts: &[&Rollout],
        now: &Parameters,
        device: &T::Device,
    ) -> Result<Lesson, TrainError> {
        let rewards: Vec<f64> = rollouts.iter().map(|r| r.reward.total).collect();
        let gains = advantages(&rewards, self.recipe.objective.normalised);
        let same =
            rollouts.windows(2).all(|w| w[0].spoken.prompt == w[1].spoken.prompt && images(w[0]) == images(w[1]));
        let sets: Vec<Vec<usize>> =
            if same { vec![(0..rollouts.len()).collect()] } else { (0..rollouts.len()).map(|i| vec![i]).collect() };
        let [old, reference] = [now, &self.reference].map(|p| p.tensors::<T>(device));
        let (old, reference) = (old?, reference?);
        let mut groups = Vec::with_capacity(sets.len());
        for set in sets {
            let spoken: Vec<_> = set.iter().map(|i| rollouts[*i].spoken.clone()).collect();
            let group = Group::new(&self.config, &spoken)?;
            let chances = |tensors: &BTreeMap<String, T>| {
                let vars = Vars::bound(tensors, DType::F32, device);
                T::inference(|| group.chances(&Qwen2_5Vl::<T>::new(&self.config, &vars)?, &vars)?.values())
            };
            let lengths = group.lengths();
            let tokens = Tokens {
                old: chances(&old)?,
                reference: chances(&reference)?,
                advantages: set
                    .iter()
                    .zip(&lengths)
                    .flat_map(|(i, n)| std::iter::repeat_n(gains[*i] as f32, *n))
                    .collect(),
                lengths,
            };
            groups.push((group, tokens));
        }
        let names = [
            ["reward 1", "format 1", "accuracy 1", "length 1", "tokens 1"],
            ["reward 2", "format 2", "accuracy 2", "length 2", "tokens 2"],
        ][stage];
        let mean =
            |f: &dyn Fn(&Rollout) -> f64| rollouts.iter().map(|r| f(r)).sum::<f64>() / rollouts.len().max(1) as f64;
        let told = Told::from([
            (names[0], mean(&|r| r.reward.total)),
            (names[1], mean(&|r| r.reward.format)),
            (names[2], mean(&|r| r.reward.accuracy)),
            (names[3], mean(&|r| r.reward.length)),
            (names[4], mean(&|r| r.spoken.answer.len() as f64)),
        ]);
        Ok(Lesson { groups, told })
    }

    /// First answers of a round's samples; in the released code's profile the second ones too.
    fn begin<T: Autograd>(&self, number: u64, now: &Parameters, at: &Place<'_, T>) -> Result<Round, TrainError>
    where
        T::Device: Sync,
    {
        let mut random = SplitMix(self.recipe.seed).at(number);
        let mut asked = Vec::with_capacity(self.recipe.batch);
        // Some lessons ask for what cannot be asked; tries are bounded.
        for _ in 0..self.recipe.batch * 16 {
            if asked.len() == self.recipe.batch {
                break;
            }
            asked.extend(of_lesson(
                &self.lessons,
                random.below(self.lessons.len() as u64) as usize,
                self.recipe.sizes.side,
            )?);
        }
        let seed = SplitMix(self.recipe.seed).at(number ^ 0x5eed).next_u64();
        let released = self.recipe.rules.profile == Profile::Released;
        let work = |i: usize| {
            let policy = self.policy::<T>(now, at.device)?;
            self.actor(&policy, &self.settings, seed, |actor| {
                let firsts = actor.first(&asked[i], self.recipe.group as u32)?;
                let own: Vec<&Rollout> = firsts.iter().map(|f| &f.rollout).collect();
                let lesson = self.lesson::<T>(0, &own, now, at.device)?;
                let mut second = None;
                if released {
                    let all = firsts.iter().zip(0..).map(|(f, draw)| Ok(actor.second(&asked[i], f, draw)?.0));
                    let all: Vec<Rollout> = all.collect::<Result<_, TrainError>>()?;
                    second = Some(self.lesson::<T>(1, &all.iter().collect::<Vec<_>>(), now, at.device)?);
                }
                Ok((firsts, lesson, second))
            })
        };
        let done = at.each(asked.len(), &work)?;
        let mut round = Round { number, asked: Vec::new(), firsts: Vec::new(), lessons: [Vec::new(), Vec::new()] };
        for (firsts, lesson, second) in done {
            round.firsts.push(firsts);
            round.lessons[0].push(Arc::new(lesson));
            round.lessons[1].extend(second.map(Arc::new));
        }
        round.asked = asked;
        Ok(round)
    }

    /// Second answers behind the best first ones, of the policy as the first stage has left it (the paper's algorithm 1).
    fn go_on<T: Autograd>(&self, round: &mut Round, now: &Parameters, at: &Place<'_, T>) -> Result<(), TrainError>
    where
        T::Device: Sync,
    {
        let seed = SplitMix(self.recipe.seed).at(round.number ^ 0x5eed).next_u64();
        let (asked, all) = (&round.asked, &round.firsts);
        let work = |i: usize| {
            let policy = self.policy::<T>(now, at.device)?;
            self.actor(&policy, &self.settings, seed, |actor| {
                let total = |f: &First| f.rollout.reward.total;
                let best = all[i].iter().reduce(|best, f| if total(f) > total(best) { f } else { best });
                let Some(best) = best else { return Ok(None) };
                let draws = 0..self.recipe.group as u32;
                let seconds = draws.map(|draw| Ok(actor.second(&asked[i], best, draw)?.0));
                let seconds: Vec<Rollout> = seconds.collect::<Result<_, TrainError>>()?;
                Ok(Some(self.lesson::<T>(1, &seconds.iter().collect::<Vec<_>>(), now, at.device)?))
            })
        };
        let lessons = at.each(asked.len(), &work)?;
        round.lessons[1] = lessons.into_iter().flatten().map(Arc::new).collect();
        Ok(())
    }
}

fn images(rollout: &Rollout) -> Vec<&[u8]> {
    rollout.spoken.images.iter().map(|i| i.as_raw().as_slice()).collect()
}

impl Course for Reinforced<'_> {
    type Part = Arc<Lesson>;

    fn hash(&self) -> String {
        FieldHasher::default().field(serde_json::to_string(self.recipe).unwrap_or_default()).hex(32)
    }

    fn steps(&self) -> u64 {
        self.recipe.schedule.steps
    }

    fn pace(&self, step: u64) -> (&str, f64, usize) {
        let stage = if (step / self.updates()).is_multiple_of(2) { "stage 1" } else { "stage 2" };
        (stage, self.recipe.schedule.at(step), self.recipe.batch / self.recipe.updates.max(1))
    }

    fn optimiser(&self) -> (&optim::Settings, f64) {
        (&self.recipe.optimiser, self.recipe.clip)
    }

    fn trained(&self, _: u64, _: &str) -> bool {
        true
    }

    /// What was said in a round is nowhere kept.
    fn whole(&self, step: u64) -> bool {
        step.is_multiple_of(2 * self.updates())
    }

    fn start(&self) -> Result<Parameters, TrainError> {
        Ok(self.reference.clone())
    }

    fn parts<T: Autograd>(&self, step: u64, now: &Parameters, at: &Place<'_, T>) -> Result<Vec<Self::Part>, TrainError>
    where
        T::Device: Sync,
    {
        let updates = self.updates();
        let (number, stage, share) = (step / (2 * updates), (step / updates % 2) as usize, step % updates);
        let mut kept = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        if stage == 0 && share == 0 {
            *kept = Some(self.begin(number, now, at)?);
        }
        let round = kept.as_mut().filter(|r| r.number == number);
        let round = round.ok_or_else(|| TrainError::Input(format!("step {step} is inside a round")))?;
        if stage == 1 && share == 0 && self.recipe.rules.profile == Profile::Paper {
            self.go_on(round, now, at)?;
        }
        let all = &round.lessons[stage];
        let (from, to) = (all.len() as u64 * share / updates, all.len() as u64 * (share + 1) / updates);
        Ok(all[from as usize..to as usize].to_vec())
    }

    fn loss<T: Autograd>(
        &self,
        _: u64,
        variables: &BTreeMap<String, T>,
        part: &Self::Part,
        device: &T::Device,
    ) -> Result<(T, Told), TrainError> {
        let vars = Vars::bound(variables, DType::F32, device);
        let model = Qwen2_5Vl::<T>::new(&self.config, &vars)?;
        let share = 1.0 / part.groups.len().max(1) as f32;
        let mut sum: Option<T> = None;
        for (group, tokens) in &part.groups {
            let now = group.chances(&model, &vars)?;
            let loss = surrogate(&now, tokens, &self.recipe.objective)?.affine(share, 0.0)?;
            sum = Some(match sum {
                None => loss,
                Some(sum) => sum.add(&loss)?,
            });
        }
        let nothing = || T::new(vec![0.0], &[1], DType::F32, device);
        Ok((sum.map_or_else(nothing, Ok)?, part.told.clone()))
    }

    /// Mean IoU of both stages, by level, of greedy answers on `val`, and how many are well-formed.
    fn check<T: Autograd>(&self, now: &Parameters, at: &Place<'_, T>) -> Result<BTreeMap<String, f64>, TrainError>
    where
        T::Device: Sync,
    {
        let greedy = Sampling { max_new_tokens: self.recipe.sampling.max_new_tokens, ..Sampling::GREEDY };
        let settings = Settings { sampling: greedy, ..self.settings.clone() };
        let work = |index: usize| {
            let Some(asked) = of_lesson(&self.check, index, self.recipe.sizes.side)? else { return Ok(None) };
            let policy = self.policy::<T>(now, at.device)?;
            self.actor(&policy, &settings, 0, |actor| {
                let firsts = actor.first(&asked, 1)?;
                let Some(first) = firsts.first() else { return Ok(None) };
                let (second, stage) = actor.second(&asked, first, 0)?;
                let iou = stage.mask.counts(&asked.truth).ok().and_then(socio_dataset::Counts::iou).unwrap_or(0.0);
                let level = asked.query.level.map_or("all", socio_dataset::Level::prefix).to_owned();
                Ok(Some((level, iou, first.rollout.reward, second.reward)))
            })
        };
        let done = at.each(self.check.len().min(self.checked), &work)?;
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let mut add = |name: String, value: f64| {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + value, sum.1 + 1.0);
        };
        for (level, iou, first, second) in done.into_iter().flatten() {
            add(format!("{level} giou"), iou);
            add("reward 1".to_owned(), first.total);
            add("reward 2".to_owned(), second.total);
            add("format 1".to_owned(), first.format);
            add("format 2".to_owned(), second.format);
        }
        Ok(sums.into_iter().map(|(name, (sum, n))| (name, sum / n)).collect())
    }
}
