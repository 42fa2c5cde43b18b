//! The loss of a part of a batch: what visual tokens say of themselves, and the answers to questions.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use socio_models::qwen2_5_vl::{Beginning, Behind, PictureConfig, Qwen2_5Vl, patches};
use socio_models::{Autograd, DType, Result, Vars};

use super::dense::{Dense, Labels};
use super::refine::Drawn;
use super::teach::{Classroom, Row};
use crate::course::Told;
use crate::parameters::{Parameter, Parameters};

/// How much each part of the loss counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// What the vision tower's tokens say: classes and functions of icons, where they stand, edges of sites.
    pub eye: f32,
    /// The same of the language model's vectors, after `layer` of its layers, and what satellite tokens say they are.
    pub mind: f32,
    /// The answers.
    pub answer: f32,
    /// What a coordinate that repeats the prompt's counts beside other tokens of answers.
    #[serde(default = "once")]
    pub copied: f32,
    /// After how many layers of the language model.
    pub layer: usize,
    /// What a token without an icon or a place counts beside one with.
    pub none: f32,
    /// What boxes and places count beside classes.
    pub place: f32,
    /// How far around a coordinate its neighbours count too: the deviation of a normal distribution, in pixels; 0 for the
    /// coordinate alone.
    pub spread: f32,
    /// Which heads are shown where to look.
    #[serde(default)]
    pub look: Option<Look>,
}

fn once() -> f32 {
    1.0
}

/// Heads of the language model that are shown where to look while an answer's coordinates are written: at the icon, or at the
/// site.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Their layer, from 0.
    pub layer: usize,
    /// How many, from the layer's first.
    pub heads: usize,
    /// What it counts.
    pub count: f32,
}

/// What the frozen eye sees of each scene: worked out once.
#[derive(Debug, Default)]
pub struct Seen(Vec<OnceLock<Vec<f32>>>);

impl Seen {
    /// Of so many scenes.
    pub fn new(scenes: usize) -> Self {
        Self(std::iter::repeat_with(OnceLock::new).take(scenes).collect())
    }

    fn of(&self, scene: usize, see: impl FnOnce() -> Result<Vec<f32>>) -> Result<Vec<f32>> {
        let Some(cell) = self.0.get(scene) else { return see() };
        if let Some(known) = cell.get() {
            return Ok(known.clone());
        }
        let values = see()?;
        Ok(cell.get_or_init(|| values).clone())
    }
}

/// A map's bytes and a satellite view's.
pub type Pictures<'a> = [Cow<'a, [u8]>; 2];

/// What is known of scenes.
pub struct Known<'a> {
    /// A scene's map and satellite view.
    pub pictures: &'a dyn Fn(&Shown) -> Result<Pictures<'a>>,
    /// What their tokens should say.
    pub dense: &'a dyn Fn(usize) -> Dense,
    /// What those of a square should.
    pub crop: &'a dyn Fn(&Crop) -> Dense,
    /// What the eye sees of them, where it stays as it is.
    pub seen: Option<&'a Seen>,
}

/// A part of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The scenes.
    pub scenes: Vec<Shown>,
    /// The questions about them.
    pub rows: Vec<Row>,
    /// Squares cut out of pictures, for the eye alone.
    pub crops: Vec<Crop>,
}

/// A lesson's pictures as the model is shown them.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The lesson.
    pub scene: usize,
    /// What is drawn on them.
    pub drawn: Option<Drawn>,
}

/// A square cut out of a lesson's pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Crop {
    /// The lesson.
    pub scene: usize,
    /// Of its map (0) or its satellite view (1).
    pub picture: usize,
    /// Its upper left corner, in pixels of what the model sees.
    pub corner: [usize; 2],
    /// Tokens of its side.
    pub tokens: usize,
    /// What is drawn on the pictures.
    pub drawn: Option<Drawn>,
}

/// The parameters of the heads that read visual tokens while training lasts; they are no part of the network. A head gives
/// classes, functions, and of a point two numbers or of a box four: the eye's as such, the mind's as
/// vectors that the language model's own head turns into chances of coordinates.
pub fn heads(hidden: usize, labels: &Labels, random: &mut socio_dataset::hash::SplitMix) -> Parameters {
    let [classes, functions] = labels.sizes();
    let mut made = Parameters::default();
    let scale = (hidden as f64).powf(-0.5);
    let mut make = |key: String, shape: [usize; 2]| {
        let values = (0..shape[0] * shape[1]).map(|_| (random.between(-1.0, 1.0) * scale) as f32).collect();
        made.0.insert(format!("{key}.weight"), Parameter { shape: shape.to_vec(), values });
        made.0.insert(format!("{key}.bias"), Parameter { shape: vec![shape[0]], values: vec![0.0; shape[0]] });
    };
    for (picture, more) in [("map", 2), ("satellite", 4)] {
        make(format!("dense.eye.{picture}"), [classes + functions + more, hidden]);
        make(format!("dense.mind.{picture}"), [classes + functions, hidden]);
        for i in 0..more {
            make(format!("dense.mind.{picture}.at{i}"), [hidden, hidden]);
        }
    }
    made
}

/// Whether a key is of the heads.
pub fn is_head(key: &str) -> bool {
    key.starts_with("dense.")
}

/// What a loss is taken of.
pub struct Learner<'a, T: Autograd> {
    /// Prompts and sizes.
    pub room: &'a Classroom,
    /// Numbers of classes.
    pub labels: &'a Labels,
    /// How much each part counts.
    pub counts: &'a Counts,
    /// Ids of the coordinates' tokens, from 0 on.
    pub numbers: &'a [u32],
    /// The type that flows through the networks.
    pub compute: DType,
    /// Where.
    pub device: T::Device,
}

impl<T: Autograd> Learner<'_, T> {
    /// The loss of a part.
    ///
    /// # Errors
    /// When the library fails.
    pub fn loss(&self, variables: &BTreeMap<String, T>, part: &Part, known: &Known<'_>) -> Result<(T, Told)> {
        let (heads, network): (BTreeMap<_, _>, BTreeMap<_, _>) =
            variables.iter().map(|(k, t)| (k.clone(), t.clone())).partition(|(k, _)| is_head(k));
        let config = &self.room.config;
        let model = Qwen2_5Vl::<T>::new(config, &Vars::bound(&network, self.compute, &self.device))?;
        let (scenes, hidden) = (part.scenes.len(), config.text.hidden_size);
        let mut sum = Sum { total: None, told: Told::new() };
        if !part.crops.is_empty() {
            for crops in part.crops.chunk_by(|a, b| (a.picture, a.tokens) == (b.picture, b.tokens)) {
                self.crops(&model, &heads, crops, known, &mut sum)?;
            }
        }
        if scenes == 0 {
            return self.end(sum);
        }
        let grid = self.room.grid;
        let seen = match known.seen {
            None => self.see(&model, &part.scenes, known)?,
            Some(kept) => {
                let see = |s: &Shown| self.see(&model, std::slice::from_ref(s), known)?.cast(DType::F32)?.values();
                // What is drawn on is hardly ever the same twice.
                let own = |s: &Shown| if s.drawn.is_some() { see(s) } else { kept.of(s.scene, || see(s)) };
                let values: Vec<f32> = part.scenes.iter().map(own).collect::<Result<Vec<_>>>()?.concat();
                T::new(values, &[2 * scenes * model.image_tokens(grid), hidden], self.compute, &self.device)?
            }
        };
        let tokens = model.image_tokens(grid);
        let taught: Vec<Dense> = part.scenes.iter().map(|s| (known.dense)(s.scene)).collect();
        if self.counts.eye > 0.0 {
            let own = seen.reshape(&[scenes, 2, tokens, hidden])?;
            self.say(&heads, (&own, 0), &taught, self.counts.eye, &mut sum)?;
        }
        if self.counts.mind > 0.0 || self.counts.answer > 0.0 {
            let mut rows = Vec::with_capacity(scenes);
            for scene in 0..scenes {
                let images = seen.narrow(0, 2 * scene * tokens, 2 * tokens)?;
                rows.push(model.embed(&self.room.beginning, Some(&images))?);
            }
            let length = self.room.beginning.len();
            let x = T::cat(&rows, 0)?.reshape(&[scenes, length, hidden])?;
            let positions = self.room.positions.repeat(scenes);
            let mut beginning = Beginning::default();
            let (mut after, wanted) = (None, format!("hidden{}", self.counts.layer));
            model.text.traced(&x, &positions, &vec![0; scenes], &mut beginning, &mut |name, t: &T| {
                if name == wanted {
                    after = Some(t.clone());
                }
                Ok(())
            })?;
            if let (Some(after), true) = (after, self.counts.mind > 0.0) {
                let [first, second] = self.room.images();
                let pick = |start: usize| after.narrow(1, start, tokens)?.reshape(&[scenes, 1, tokens, hidden]);
                self.mind((&heads, &network), [pick(first)?, pick(second)?], &taught, &mut sum)?;
            }
            if self.counts.answer > 0.0 && !part.rows.is_empty() {
                self.answers(&model, &beginning, &part.rows, &mut sum)?;
            }
        }
        self.end(sum)
    }

    fn end(&self, sum: Sum<T>) -> Result<(T, Told)> {
        let nothing = || T::new(vec![0.0], &[1], DType::F32, &self.device);
        Ok((sum.total.map_or_else(nothing, Ok)?, sum.told))
    }

    /// What the eye sees of scenes' pictures: `[2 * scenes * tokens, hidden]`, each scene's map and then its satellite view.
    fn see(&self, model: &Qwen2_5Vl<T>, scenes: &[Shown], known: &Known<'_>) -> Result<T> {
        let (grid, vision) = (self.room.grid, &self.room.config.vision);
        let side = grid.h * vision.patch_size;
        let mut values = Vec::new();
        for scene in scenes {
            for picture in (known.pictures)(scene)? {
                values.extend(patches(&picture, side, side, &PictureConfig::of(vision))?.values);
            }
        }
        let shape = [2 * scenes.len() * grid.patches(), vision.patch()];
        let pixels = T::new(values, &shape, self.compute, &self.device)?;
        model.vision.forward(&pixels, &vec![grid; 2 * scenes.len()])
    }

    /// What the eye says of squares cut out of pictures of one kind, all of one size.
    fn crops(
        &self,
        model: &Qwen2_5Vl<T>,
        heads: &BTreeMap<String, T>,
        crops: &[Crop],
        known: &Known<'_>,
        sum: &mut Sum<T>,
    ) -> Result<()> {
        let (config, whole) = (&self.room.config, self.room.grid.h * self.room.config.vision.patch_size);
        let side = crops[0].tokens * config.vision.spatial_merge_size * config.vision.patch_size;
        let mut values = Vec::new();
        let mut grids = Vec::with_capacity(crops.len());
        for Crop { scene, picture, corner: [left, top], drawn, .. } in crops {
            let pictures = (known.pictures)(&Shown { scene: *scene, drawn: drawn.clone() })?;
            let from = &pictures[*picture];
            let rows = (*top..top + side).flat_map(|y| &from[(y * whole + left) * 3..][..side * 3]);
            let cut = patches(&rows.copied().collect::<Vec<u8>>(), side, side, &PictureConfig::of(&config.vision))?;
            values.extend(cut.values);
            grids.push(cut.grid);
        }
        let all: usize = grids.iter().map(|g| g.patches()).sum();
        let pixels = T::new(values, &[all, config.vision.patch()], self.compute, &self.device)?;
        let seen = model.vision.forward(&pixels, &grids)?;
        let tokens = crops[0].tokens * crops[0].tokens;
        let seen = seen.reshape(&[crops.len(), 1, tokens, config.text.hidden_size])?;
        let taught: Vec<Dense> = crops.iter().map(known.crop).collect();
        self.say(heads, (&seen, crops[0].picture), &taught, 1.0, sum)
    }

    /// The loss of what the eye's tokens `[scenes, pictures, tokens, hidden]` say; `first` is the kind of the first picture: map
    /// (0) or satellite view (1).
    fn say(
        &self,
        heads: &BTreeMap<String, T>,
        (tokens, first): (&T, usize),
        known: &[Dense],
        count: f32,
        sum: &mut Sum<T>,
    ) -> Result<()> {
        let shape = tokens.shape();
        let (rows, hidden) = (shape[0] * shape[2], shape[3]);
        let [classes, functions] = self.labels.sizes();
        let names = [["eye icon", "eye function", "eye point"], ["", "", "eye box"]];
        for (i, picture) in ["map", "satellite"].into_iter().enumerate().skip(first).take(shape[1]) {
            let x = tokens.narrow(1, i - first, 1)?.reshape(&[rows, hidden])?.cast(DType::F32)?;
            let said = through(heads, &format!("dense.eye.{picture}"), &x)?;
            // From above alone nothing says what a place is.
            if i == 0 {
                let what: Vec<[u32; 2]> = known.iter().flat_map(|d| &d.icon).copied().collect();
                for (k, (start, size)) in [(0, classes), (classes, functions)].into_iter().enumerate() {
                    let targets: Vec<u32> = what.iter().map(|w| w[k]).collect();
                    let loss = self.classes(&said.narrow(1, start, size)?, &targets)?;
                    sum.add(names[i][k], &loss, count)?;
                }
            }
            let (mut at, mut there): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
            let n = (shape[2] as f64).sqrt() as usize;
            // The eye has no place of its own in the picture: it tells places from its token's middle.
            let middle = |t: usize| [t % n, t / n].map(|v| (v as f32 + 0.5) / n as f32);
            // In sides of the usual crop.
            let unit = n as f32 / [2.0, 4.0][i];
            for dense in known {
                for t in 0..shape[2] {
                    let [x, y] = middle(t);
                    if i == 0 {
                        at.extend([dense.at[t][0] - x, dense.at[t][1] - y].map(|v| v * unit));
                        there.extend([f32::from(u8::from(dense.icon[t][1] > 0)); 2]);
                    } else {
                        let b = dense.site[t].unwrap_or_default();
                        at.extend([b[0] - x, b[1] - y, b[2] - x, b[3] - y].map(|v| v * unit));
                        there.extend([f32::from(u8::from(dense.site[t].is_some())); 4]);
                    }
                }
            }
            let wide = if i == 0 { 2 } else { 4 };
            let found = said.narrow(1, classes + functions, wide)?;
            let sites: f32 = there.iter().sum::<f32>().max(1.0);
            let (at, there) = (self.tensor(at, &[rows, wide])?, self.tensor(there, &[rows, wide])?);
            let off = found.sub(&at)?.mul(&there)?;
            let far = off.relu()?.add(&off.affine(-1.0, 0.0)?.relu()?)?.sum()?.affine(1.0 / sites, 0.0)?;
            sum.add(names[i][2], &far, count * self.counts.place)?;
        }
        Ok(())
    }

    /// The loss of what the language model's vectors `[scenes, 1, tokens, hidden]` of maps and satellite views say: what each
    /// token is of, and where it is, in the words of the answers.
    fn mind(
        &self,
        (heads, network): (&BTreeMap<String, T>, &BTreeMap<String, T>),
        pictures: [T; 2],
        known: &[Dense],
        sum: &mut Sum<T>,
    ) -> Result<()> {
        let [classes, functions] = self.labels.sizes();
        let (count, hidden) = (self.counts.mind, self.room.config.text.hidden_size);
        let side = (self.numbers.len() - 1) as f32;
        let ones = self.tensor(vec![1.0; hidden], &[hidden])?;
        let words = network.get("lm_head.weight").ok_or_else(|| missing("lm_head.weight"))?.select(0, self.numbers)?;
        let names = [["mind icon", "mind function", "mind point"], ["mind place", "mind group", "mind box"]];
        for ((i, picture), tokens) in ["map", "satellite"].into_iter().enumerate().zip(pictures) {
            let x = tokens.reshape(&[tokens.shape().iter().product::<usize>() / hidden, hidden])?;
            let x = x.cast(DType::F32)?.rms_norm(&ones, self.room.config.text.eps)?;
            let said = through(heads, &format!("dense.mind.{picture}"), &x)?;
            let what: Vec<[u32; 2]> =
                known.iter().flat_map(|d| if i == 0 { &d.icon } else { &d.place }).copied().collect();
            for (k, (start, size)) in [(0, classes), (classes, functions)].into_iter().enumerate() {
                let targets: Vec<u32> = what.iter().map(|w| w[k]).collect();
                let loss = self.classes(&said.narrow(1, start, size)?, &targets)?;
                sum.add(names[i][k], &loss, count)?;
            }
            let places: Vec<Option<Vec<f32>>> = known
                .iter()
                .flat_map(|d| {
                    (0..d.icon.len()).map(move |t| match i {
                        0 => (d.icon[t][1] > 0).then(|| d.at[t].to_vec()),
                        _ => d.site[t].map(|b| b.to_vec()),
                    })
                })
                .collect();
            let there: Vec<u32> = (0u32..).zip(&places).filter(|(_, p)| p.is_some()).map(|(t, _)| t).collect();
            let places: Vec<Vec<f32>> = places.into_iter().flatten().collect();
            if there.is_empty() {
                continue;
            }
            let x = x.select(0, &there)?;
            for k in 0..[2, 4][i] {
                let chances = through(heads, &format!("dense.mind.{picture}.at{k}"), &x)?.linear(&words, None)?;
                let wanted = places.iter().flat_map(|p| bell((p[k] * side).round() as usize, self.numbers.len(), NEAR));
                let wanted = self.tensor(wanted.collect(), &[there.len(), self.numbers.len()])?;
                let loss = chances.log_softmax()?.mul(&wanted)?.sum()?.affine(-1.0 / there.len() as f32, 0.0)?;
                sum.add(names[i][2], &loss, count * self.counts.place / [2.0, 4.0][i])?;
            }
        }
        Ok(())
    }

    /// How far the heads that are shown where to look do look elsewhere: the cross entropy of their attention with what they
    /// are shown.
    fn shown(&self, behind: &Behind<'_, T>, look: Look, rows: &[Row], longest: usize, sum: &mut Sum<T>) -> Result<()> {
        let Some(scores) = behind.scores(look.layer, look.heads)? else { return Ok(()) };
        let shape = scores.shape();
        let (before, all) = (shape[3] - longest, shape[3]);
        let mut asking = Vec::new();
        let (mut ahead, mut wanted) = (Vec::new(), Vec::new());
        for (i, row) in rows.iter().enumerate() {
            for head in 0..look.heads {
                for (at, tokens) in &row.looks {
                    asking.push(((i * look.heads + head) * longest + at - 1) as u32);
                    ahead.extend((0..all).map(|t| if t < before + at { 0.0 } else { -1e9 }));
                    let start = wanted.len();
                    wanted.resize(start + all, 0.0);
                    for t in tokens {
                        wanted[start + *t as usize] = 1.0 / tokens.len() as f32;
                    }
                }
            }
        }
        if asking.is_empty() {
            return Ok(());
        }
        let scores = scores.reshape(&[shape[0] * shape[1] * shape[2], all])?.select(0, &asking)?.cast(DType::F32)?;
        let ahead = self.tensor(ahead, &[asking.len(), all])?;
        let wanted = self.tensor(wanted, &[asking.len(), all])?;
        let loss = scores.add(&ahead)?.log_softmax()?.mul(&wanted)?.sum()?.affine(-1.0 / asking.len() as f32, 0.0)?;
        sum.add("look", &loss, look.count)
    }

    fn tensor(&self, values: Vec<f32>, shape: &[usize]) -> Result<T> {
        T::new(values, shape, DType::F32, &self.device)
    }

    /// Cross entropy, those of none counting less.
    fn classes(&self, logits: &T, targets: &[u32]) -> Result<T> {
        let weights: Vec<f32> = targets.iter().map(|t| if *t == 0 { self.counts.none } else { 1.0 }).collect();
        let whole: f32 = weights.iter().sum::<f32>().max(1e-6);
        let weights = self.tensor(weights, &[targets.len()])?;
        logits.log_softmax()?.pick(targets)?.mul(&weights)?.sum()?.affine(-1.0 / whole, 0.0)
    }

    /// The mean cross entropy of the tokens to be learned: of coordinates, of those that repeat the prompt's, and of all others.
    fn answers(&self, model: &Qwen2_5Vl<T>, beginning: &Beginning<T>, rows: &[Row], sum: &mut Sum<T>) -> Result<()> {
        let hidden = self.room.config.text.hidden_size;
        let longest = rows.iter().map(|r| r.ids.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(rows.len() * longest);
        let (mut from, mut targets, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        let numbers: std::collections::HashSet<u32> = self.numbers.iter().copied().collect();
        for (i, row) in rows.iter().enumerate() {
            ids.extend(&row.ids);
            ids.extend(std::iter::repeat_n(0, longest - row.ids.len()));
            from.extend((row.learned..row.ids.len()).map(|t| (i * longest + t - 1) as u32));
            targets.extend(&row.ids[row.learned..]);
            kinds.extend((row.learned..row.ids.len()).map(|t| match () {
                () if row.copied.contains(&t) => Kind::Copied,
                () if numbers.contains(&row.ids[t]) => Kind::Coordinate,
                () => Kind::Word,
            }));
        }
        let x = model.text.embed(&ids)?.reshape(&[rows.len(), longest, hidden])?;
        let row: Vec<_> = (0..longest).map(|t| [self.room.next + t as i64; 3]).collect();
        let mut behind = Behind::new(beginning, rows.iter().map(|r| r.scene as u32).collect());
        let y = model.text.forward(&x, &row.repeat(rows.len()), &vec![0; rows.len()], &mut behind)?;
        if let Some(look) = self.counts.look {
            self.shown(&behind, look, rows, longest, sum)?;
        }
        let y = y.reshape(&[rows.len() * longest, hidden])?.select(0, &from)?;
        let chances = model.text.logits(&y)?.cast(DType::F32)?.log_softmax()?;
        let vocabulary = self.room.config.text.vocab_size;
        let wanted = self.tensor(self.wanted(&targets, &kinds, vocabulary), &[targets.len(), vocabulary])?;
        let lost = chances.mul(&wanted)?;
        for (name, kind) in [("coordinates", Kind::Coordinate), ("copied", Kind::Copied), ("words", Kind::Word)] {
            let mine: Vec<f32> = kinds.iter().map(|k| f32::from(u8::from(*k == kind))).collect();
            let count: f32 = mine.iter().sum();
            if count == 0.0 {
                continue;
            }
            let share = count / targets.len().max(1) as f32;
            let mine = self.tensor(mine, &[targets.len(), 1])?;
            let loss = lost.mul(&mine)?.sum()?.affine(-1.0 / count, 0.0)?;
            let weight = if kind == Kind::Copied { self.counts.copied } else { 1.0 };
            sum.add(name, &loss, self.counts.answer * share * weight)?;
        }
        Ok(())
    }

    /// Of each target, how much every token is wanted.
    fn wanted(&self, targets: &[u32], kinds: &[Kind], vocabulary: usize) -> Vec<f32> {
        let value: HashMap<u32, usize> = self.numbers.iter().enumerate().map(|(n, id)| (*id, n)).collect();
        let mut wanted = vec![0.0; targets.len() * vocabulary];
        let spread = self.counts.spread;
        for (row, (target, kind)) in wanted.chunks_exact_mut(vocabulary).zip(targets.iter().zip(kinds)) {
            let soft = spread > 0.0 && *kind == Kind::Coordinate;
            let Some(n) = value.get(target).filter(|_| soft) else {
                row[*target as usize] = 1.0;
                continue;
            };
            for (id, share) in self.numbers.iter().zip(bell(*n, self.numbers.len(), spread)) {
                row[*id as usize] = share;
            }
        }
        wanted
    }
}

/// What an answer's token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A coordinate that is read off the pictures.
    Coordinate,
    /// One that repeats the prompt's.
    Copied,
    /// Anything else.
    Word,
}

/// How far around a coordinate its neighbours count in what visual tokens say.
const NEAR: f32 = 2.0;

/// Shares of a normal distribution around `middle`, of `count` numbers.
fn bell(middle: usize, count: usize, spread: f32) -> Vec<f32> {
    let weight = |n: usize| (-0.5 * ((n as f32 - middle as f32) / spread).powi(2)).exp();
    let whole: f32 = (0..count).map(weight).sum();
    (0..count).map(|n| weight(n) / whole).collect()
}

fn missing(key: &str) -> socio_models::ModelError {
    socio_models::ModelError::Input(format!("no `{key}`"))
}

/// Vectors through a head.
fn through<T: Autograd>(heads: &BTreeMap<String, T>, key: &str, x: &T) -> Result<T> {
    let of = |part: &str| {
        let key = format!("{key}.{part}");
        heads.get(&key).ok_or_else(|| missing(&key))
    };
    x.linear(of("weight")?, Some(of("bias")?))
}

/// The loss so far, and its parts.
struct Sum<T> {
    total: Option<T>,
    told: Told,
}

impl<T: Autograd> Sum<T> {
    fn add(&mut self, name: &'static str, loss: &T, count: f32) -> Result<()> {
        let value = loss.detach().values()?.first().copied().unwrap_or(0.0);
        *self.told.entry(name).or_default() += f64::from(value);
        let weighed = loss.affine(count, 0.0)?;
        self.total = Some(match self.total.take() {
            None => weighed,
            Some(total) => total.add(&weighed)?,
        });
        Ok(())
    }
}
