//! A segmenter's recipe, and how it is taught.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use socio_dataset::Mask;
use socio_dataset::city::{City, Spec};
use socio_dataset::hash::{FieldHasher, SplitMix};
use socio_models::ghost::{Asked, Ghost};
use socio_models::sam::prompt::Prompt;
use socio_models::sam::sam2::{Sam2, Sam2Config};
use socio_models::sam::{Family, frame};
use socio_models::weights::Random;
use socio_models::{Autograd, DType, Vars};

use super::loss::loss;
use super::objects::{Marks, Object, objects};
use crate::TrainError;
use crate::course::{Course, Place, Told};
use crate::nano::lessons::Lessons;
use crate::nano::start;
use crate::optim::{Schedule, Settings};
use crate::parameters::{Parameter, Parameters};

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
    /// The optimiser.
    pub optimiser: Settings,
    /// Gradients' norms above it are brought down to it.
    pub clip: f64,
    /// How its rate goes.
    pub schedule: Schedule,
    /// Pictures of a step; one thread computes one at once.
    pub pictures: usize,
    /// Objects of a picture, at most.
    pub objects: usize,
    /// The shares of pictures whose objects are marked by boxes and by points; the others' are by both.
    pub shares: [f64; 2],
    /// How far the sides of a box are off at most, as a share of the box's own; every second picture's are exact.
    pub loose: f64,
    /// The network.
    pub network: Sam2Config,
}

/// A picture of a batch, with what is asked of it.
pub struct Part {
    scene: usize,
    prompts: Vec<Prompt>,
    objects: Vec<Object>,
}

/// A recipe with all that it needs.
pub struct Cutter<'a> {
    recipe: &'a Recipe,
    lessons: Lessons,
    check: Lessons,
    /// Pictures of a check.
    checked: usize,
}

impl<'a> Cutter<'a> {
    /// Opens lessons in the folder `cache`, drawing them where they are not there yet; `told` hears how many are drawn.
    ///
    /// # Errors
    /// When the recipe describes no network, or lessons cannot be drawn.
    pub fn new(recipe: &'a Recipe, cache: &Path, checked: usize, told: &dyn Fn(usize)) -> Result<Self, TrainError> {
        recipe.network.check()?;
        let side = recipe.network.image_size as u32;
        let from: Vec<&str> = recipe.from.iter().map(String::as_str).collect();
        let open = |city: &str| Ok::<_, TrainError>(Arc::new(City::open(Spec::parse(city)?)?));
        Ok(Self {
            lessons: Lessons::open(cache, &open(&recipe.city)?, &from, side, told)?,
            check: Lessons::open(cache, &open(&recipe.check)?, &["val"], side, told)?,
            recipe,
            checked,
        })
    }

    /// The network's input of a lesson's satellite view.
    fn pixels<T: Autograd>(&self, lessons: &Lessons, scene: usize, device: &T::Device) -> Result<T, TrainError> {
        let side = self.recipe.network.image_size;
        let frame = frame::Frame::new(Family::Sam2, side, side, side)?;
        let pixels = frame.pixels(lessons.pictures(scene)[1])?;
        Ok(T::new(pixels, &[1, 3, side, side], DType::F32, device)?)
    }
}

impl Course for Cutter<'_> {
    type Part = Part;

    fn hash(&self) -> String {
        FieldHasher::default().field(serde_json::to_string(self.recipe).unwrap_or_default()).hex(32)
    }

    fn steps(&self) -> u64 {
        self.recipe.schedule.steps
    }

    fn pace(&self, step: u64) -> (&str, f64, usize) {
        ("segmenter", self.recipe.schedule.at(step), self.recipe.pictures)
    }

    fn optimiser(&self) -> (&Settings, f64) {
        (&self.recipe.optimiser, self.recipe.clip)
    }

    fn trained(&self, _: u64, key: &str) -> bool {
        // Frequencies of positions are drawn once and stay (a buffer in Meta's code).
        !key.ends_with("gaussian_matrix")
    }

    fn start(&self) -> Result<Parameters, TrainError> {
        let asked = Asked::default();
        Sam2::<Ghost>::new(&Vars::new(&asked, DType::F32, &()), &self.recipe.network)?;
        let random = Random::new(self.recipe.seed, 1.0, DType::F32);
        let mut made = Parameters::from_weights(&random, &asked.weights())?;
        let (kept, mut spread): (BTreeMap<_, _>, BTreeMap<_, _>) =
            made.0.into_iter().partition(|(key, _)| key.ends_with("gaussian_matrix"));
        made = Parameters(std::mem::take(&mut spread));
        start::scale(&mut made, 1.0);
        // Low frequencies tell how far and which way two places lie apart over all of the picture.
        let slower = |(key, mut p): (String, Parameter)| {
            p.values.iter_mut().for_each(|v| *v *= SLOW);
            (key, p)
        };
        made.0.extend(kept.into_iter().map(slower));
        look_where_marked(&mut made);
        Ok(made)
    }

    fn parts<T: Autograd>(&self, step: u64, _: &Parameters, _: &Place<'_, T>) -> Result<Vec<Part>, TrainError>
    where
        T::Device: Sync,
    {
        let recipe = self.recipe;
        let side = recipe.network.image_size;
        let mut random = SplitMix(recipe.seed).at(step.wrapping_mul(2).wrapping_add(1));
        let mut parts = Vec::new();
        // A picture may be of fields alone; tries are bounded.
        for _ in 0..recipe.pictures * 8 {
            if parts.len() == recipe.pictures {
                break;
            }
            let scene = random.below(self.lessons.len() as u64) as usize;
            let mut all = objects(self.lessons.facts(scene), side);
            while all.len() > recipe.objects {
                all.swap_remove(random.below(all.len() as u64) as usize);
            }
            let u = random.unit();
            let marks = match recipe.shares {
                [boxes, _] if u < boxes => Marks::Box,
                [boxes, points] if u < boxes + points => Marks::Points,
                _ => Marks::Both,
            };
            let points = 1 + random.below(3) as usize;
            let loose = if random.chance(0.5) { 0.0 } else { recipe.loose };
            let prompts = all.iter().map(|o| o.marked(marks, points, loose, side, &mut random)).collect();
            if !all.is_empty() {
                parts.push(Part { scene, prompts, objects: all });
            }
        }
        Ok(parts)
    }

    fn loss<T: Autograd>(
        &self,
        _: u64,
        variables: &BTreeMap<String, T>,
        part: &Part,
        device: &T::Device,
    ) -> Result<(T, Told), TrainError> {
        let network = Sam2::<T>::new(&Vars::bound(variables, DType::F32, device), &self.recipe.network)?;
        let features = network.encode(&self.pixels(&self.lessons, part.scene, device)?)?;
        let masks = network.decode(&features, &part.prompts, None, true)?;
        let (side, cells) = (self.recipe.network.image_size, network.mask_side());
        let cover: Vec<f32> = part.objects.iter().flat_map(|o| o.cover(side, cells)).collect();
        Ok(loss(&masks, &cover)?)
    }

    /// Mean IoU of masks cut from exact boxes, from two points, and from both, at the pictures' own size.
    fn check<T: Autograd>(&self, now: &Parameters, at: &Place<'_, T>) -> Result<BTreeMap<String, f64>, TrainError>
    where
        T::Device: Sync,
    {
        let side = self.recipe.network.image_size;
        let ways = [("box", Marks::Box), ("points", Marks::Points), ("both", Marks::Both)];
        let work = |scene: usize| -> Result<[Vec<f64>; 3], TrainError> {
            let facts = self.check.facts(scene);
            let all = objects(facts, side);
            let mut found = [const { Vec::new() }; 3];
            if all.is_empty() {
                return Ok(found);
            }
            let tensors = now.tensors::<T>(at.device)?;
            let network = Sam2::<T>::new(&Vars::bound(&tensors, DType::F32, at.device), &self.recipe.network)?;
            let features = network.encode(&self.pixels(&self.check, scene, at.device)?)?;
            let whole = facts.size as usize;
            let frame = frame::Frame::new(Family::Sam2, whole, whole, side)?;
            let (cells, scale) = (network.mask_side(), f64::from(facts.size) / side as f64);
            for ((_, marks), found) in ways.iter().zip(&mut found) {
                let mut random = SplitMix(scene as u64).at(7);
                let prompts: Vec<Prompt> = all.iter().map(|o| o.marked(*marks, 2, 0.0, side, &mut random)).collect();
                let masks = network.decode(&features, &prompts, None, true)?;
                let (iou, logits) = (masks.iou.values()?, masks.logits.values()?);
                for (i, object) in all.iter().enumerate() {
                    let best = frame::best(&iou[3 * i..3 * i + 3]);
                    let inside = frame.mask(&logits[(3 * i + best) * cells * cells..][..cells * cells], cells)?;
                    let cut = Mask::from_fn(facts.size, facts.size, |x, y| inside[y as usize * whole + x as usize]);
                    let mut truth = Mask::new(facts.size, facts.size);
                    truth.fill_rings(&[object.ring.iter().map(|p| p.map(|v| v * scale)).collect()]);
                    found.push(cut.counts(&truth).ok().and_then(socio_dataset::Counts::iou).unwrap_or(0.0));
                }
            }
            Ok(found)
        };
        let done = at.each(self.check.len().min(self.checked), &work)?;
        let mean = |way: usize| {
            let all: Vec<f64> = done.iter().flat_map(|f| f[way].iter().copied()).collect();
            all.iter().sum::<f64>() / all.len().max(1) as f64
        };
        Ok(ways.iter().enumerate().map(|(i, (name, _))| ((*name).to_owned(), mean(i))).collect())
    }
}

/// Tokens of marks and pixels of the image begin with looking at each other where they stand at the same place: what asks and
/// what is asked go through the same matrix. From matrices that have nothing to do with each other small networks take very
/// long to find out that a mark tells a place.
fn look_where_marked(made: &mut Parameters) {
    let asking: Vec<String> = made.0.keys().filter(|k| k.ends_with("q_proj.weight") && crosses(k)).cloned().collect();
    for key in asking {
        let asked = key.replace("q_proj", "k_proj");
        if let Some(p) = made.0.get_mut(&asked) {
            p.values.iter_mut().for_each(|v| *v *= SHARP);
            let same = p.clone();
            made.0.insert(key, same);
        }
    }
}

/// The deviation of the frequencies of positions, in turns over half the picture.
const SLOW: f32 = 0.4;
/// How much larger those matrices begin than others.
const SHARP: f32 = 1.5;

fn crosses(key: &str) -> bool {
    ["cross_attn_token_to_image", "cross_attn_image_to_token", "final_attn_token_to_image"]
        .iter()
        .any(|a| key.contains(a))
}
