//! Qwen2.5-VL against transformers: a folder of `ci/fixtures_torch/qwen2_5_vl.py`.

use std::path::Path;

use super::Stage;
use super::reference::{Fixture, relative};
use crate::qwen2_5_vl::{
    Cache, Config, Decoder, Grid, Patches, Plan, Prompt, Qwen2_5Vl, Sampler, Settings, generate, positions,
};
use crate::{DType, ModelError, Result, Tensor, Vars, weights};

/// The cases of every fixture.
const CASES: usize = 4;

/// A fixture's model on a tensor library, and what the reference gave.
pub struct Subject<T: Tensor> {
    /// The model.
    pub model: Qwen2_5Vl<T>,
    fixture: Fixture,
    device: T::Device,
}

impl<T: Tensor> Subject<T> {
    /// Loads `config.json`, the weights and `expected.safetensors` of a folder.
    ///
    /// # Errors
    /// When a file is missing or not what it should be.
    pub fn load(folder: &Path, device: &T::Device) -> Result<Self> {
        let config = Config::read(&folder.join("config.json"))?;
        Self::with(folder, config, device)
    }

    /// As [`Self::load`] with another configuration than the folder's: to see that a wrong one is noticed.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn with(folder: &Path, config: Config, device: &T::Device) -> Result<Self> {
        Self::kept_in(folder, config, DType::F32, device)
    }

    /// As [`Self::with`], matrices kept in another type while what flows is 32 bits wide.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn kept_in(folder: &Path, config: Config, matrices: DType, device: &T::Device) -> Result<Self> {
        let source = weights::open(folder)?;
        let vars = Vars::new(source.as_ref(), DType::F32, device).with_matrices(matrices);
        let model = Qwen2_5Vl::new(&config, &vars)?;
        Ok(Self { model, fixture: Fixture::read(&folder.join("expected.safetensors"))?, device: device.clone() })
    }

    /// A case's tokens and images.
    ///
    /// # Errors
    /// When the fixture lacks something.
    pub fn case(&self, case: usize) -> Result<(Vec<u32>, Vec<Patches>)> {
        self::case(&self.fixture, &self.model.config, case)
    }

    /// Every stage of every case: windows, vision tower, positions, hidden states, logits.
    ///
    /// # Errors
    /// When the fixture lacks something or the library fails.
    pub fn stages(&self) -> Result<Vec<Stage>> {
        let mut stages = Vec::new();
        for case in 0..CASES {
            let (ids, images) = self.case(case)?;
            let grids: Vec<Grid> = images.iter().map(|i| i.grid).collect();
            let vectors = self.vision(case, &images, &grids, &mut stages)?;
            let (places, next) = positions(&self.model.config, &ids, &grids)?;
            let by_axis: Vec<f32> = (0..3).flat_map(|a| places.iter().map(move |p| p[a] as f32)).collect();
            let wanted: Vec<f32> =
                self.fixture.integers(&format!("case{case}.position_ids"))?.iter().map(|v| *v as f32).collect();
            stages.push((format!("case{case}.position_ids"), relative(&by_axis, &wanted)));
            let delta = self.fixture.integers(&format!("case{case}.rope_delta"))?;
            let found = next - ids.len() as i64;
            stages.push((format!("case{case}.rope_delta"), if delta == [found] { 0.0 } else { f64::INFINITY }));
            let text = &self.model.text;
            let x = self.model.embed(&ids, vectors.as_ref())?;
            let size = self.model.config.text.hidden_size;
            let mut cache = Cache::new(self.model.config.text.layers);
            let hidden =
                text.traced(&x.reshape(&[1, ids.len(), size])?, &places, &[], &mut cache, &mut |stage, x| {
                    let name = format!("case{case}.{stage}");
                    stages.push((name.clone(), self.apart(&name, x)?));
                    Ok(())
                })?;
            let name = format!("case{case}.logits");
            stages.push((name.clone(), self.apart(&name, &text.logits(&hidden)?)?));
        }
        Ok(stages)
    }

    fn vision(&self, case: usize, images: &[Patches], grids: &[Grid], stages: &mut Vec<Stage>) -> Result<Option<T>> {
        if images.is_empty() {
            return Ok(None);
        }
        let c = &self.model.config.vision;
        let plan = Plan::new(c, grids)?;
        let window_index = self.fixture.integers(&format!("case{case}.vision.window_index"))?;
        let same = window_index.iter().map(|v| *v as u32).eq(plan.order.iter().copied());
        stages.push((format!("case{case}.vision.window_index"), if same { 0.0 } else { f64::INFINITY }));
        let ends = self.fixture.integers(&format!("case{case}.vision.cu_window_seqlens"))?;
        let mut end = 0;
        let found = std::iter::once(0).chain(plan.windows.iter().map(|n| {
            end += *n as i64;
            end
        }));
        let same = found.eq(ends.iter().copied());
        stages.push((format!("case{case}.vision.cu_window_seqlens"), if same { 0.0 } else { f64::INFINITY }));
        let values: Vec<f32> = images.iter().flat_map(|i| i.values.iter().copied()).collect();
        let pixels = T::new(values, &[plan.patches(), c.patch()], DType::F32, &self.device)?;
        let merged = self.model.vision.traced(&pixels, grids, &mut |stage, x| {
            let name = format!("case{case}.vision.{stage}");
            stages.push((name.clone(), self.apart(&name, x)?));
            Ok(())
        })?;
        Ok(Some(merged))
    }

    fn apart(&self, name: &str, x: &T) -> Result<f64> {
        Ok(relative(&x.values()?, &self.fixture.values(name)?.1))
    }

    /// Greedy answers of 64 tokens, cached, one prompt at a time and all together; how far log-probabilities and the gap of the
    /// two largest logits are, and logits of cached steps from those of one pass over the same tokens.
    ///
    /// # Errors
    /// When an answer is another than the reference's, the fixture lacks something, or the library fails.
    pub fn greedy(&self) -> Result<Vec<Stage>> {
        let mut stages = greedy(&self.model, &self.fixture)?;
        for number in 0..CASES {
            let (ids, images) = self.case(number)?;
            let prompt = Prompt { ids, images: images.iter().collect(), seeds: vec![0] };
            let stage = format!("case{number}.cached against whole");
            stages.push((stage, self.cached(&prompt, &greedy_tokens(&self.fixture, number)?)?));
        }
        let (ids, images) = self.case(1)?;
        let prompt = Prompt { ids, images: images.iter().collect(), seeds: vec![0] };
        stages.push(("draws that share a prefix".to_owned(), draws(&self.model, &prompt)?));
        Ok(stages)
    }

    /// The logits after each of `tokens` one at a time through the cache, against one pass over all of them.
    fn cached(&self, prompt: &Prompt<'_>, tokens: &[u32]) -> Result<f64> {
        let (model, size) = (&self.model, self.model.config.text.hidden_size);
        let grids: Vec<Grid> = prompt.images.iter().map(|i| i.grid).collect();
        let (mut places, next) = positions(&model.config, &prompt.ids, &grids)?;
        let vectors =
            if grids.is_empty() {
                None
            } else {
                let values: Vec<f32> = prompt.images.iter().flat_map(|i| i.values.iter().copied()).collect();
                let patches = grids.iter().map(|g| g.patches()).sum();
                Some(model.vision.forward(
                    &T::new(values, &[patches, model.config.vision.patch()], DType::F32, &self.device)?,
                    &grids,
                )?)
            };
        let start = model.embed(&prompt.ids, vectors.as_ref())?;
        let mut step_by_step = Cache::new(model.config.text.layers);
        let length = prompt.ids.len();
        model.text.forward(&start.reshape(&[1, length, size])?, &places, &[], &mut step_by_step)?;
        let mut found = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            let x = model.text.embed(&[*token])?.reshape(&[1, 1, size])?;
            let hidden = model.text.forward(&x, &[[next + i as i64; 3]], &[], &mut step_by_step)?;
            found.extend(model.text.logits(&hidden)?.values()?);
        }
        let whole = T::cat(&[start, model.text.embed(tokens)?], 0)?;
        places.extend((0..tokens.len()).map(|i| [next + i as i64; 3]));
        let mut cache = Cache::new(model.config.text.layers);
        let hidden =
            model.text.forward(&whole.reshape(&[1, length + tokens.len(), size])?, &places, &[], &mut cache)?;
        let expected = model.text.logits(&hidden.narrow(1, length, tokens.len())?)?.values()?;
        Ok(relative(&found, &expected))
    }
}

/// What answers are, of anything that can be asked for them: the vision tower's vectors as `values` reads them, greedy answers
/// of 64 tokens one prompt at a time and all together, and several draws of one prompt against each alone.
///
/// # Errors
/// When an answer is another than the reference's, the fixture lacks something, or the network fails.
pub fn answers<D: Decoder>(
    decoder: &D,
    folder: &Path,
    values: impl Fn(&D::Seen) -> Result<Vec<f32>>,
) -> Result<Vec<Stage>> {
    let fixture = Fixture::read(&folder.join("expected.safetensors"))?;
    let mut stages = greedy(decoder, &fixture)?;
    for number in 0..CASES {
        let (_, images) = case(&fixture, decoder.config(), number)?;
        let name = format!("case{number}.vision.merged");
        let mut found = Vec::new();
        for image in &images {
            found.extend(values(&decoder.see(image)?)?);
        }
        if !images.is_empty() {
            stages.push((name.clone(), relative(&found, &fixture.values(&name)?.1)));
        }
    }
    let (ids, images) = case(&fixture, decoder.config(), 1)?;
    let prompt = Prompt { ids, images: images.iter().collect(), seeds: vec![0] };
    stages.push(("draws that share a prefix".to_owned(), draws(decoder, &prompt)?));
    Ok(stages)
}

fn case(fixture: &Fixture, config: &Config, case: usize) -> Result<(Vec<u32>, Vec<Patches>)> {
    let ids = fixture.integers(&format!("case{case}.input_ids"))?.into_iter().map(|id| id as u32).collect();
    let name = format!("case{case}.grid_thw");
    if !fixture.has(&name) {
        return Ok((ids, Vec::new()));
    }
    let (_, bytes) = fixture.values(&format!("case{case}.pixel_values_u8"))?;
    let mut values = bytes.iter().map(|b| (b - 128.0) / 32.0);
    let grids = fixture.integers(&name)?;
    let patch = config.vision.patch();
    let images = grids.chunks_exact(3).map(|g| {
        let grid = Grid { t: g[0] as usize, h: g[1] as usize, w: g[2] as usize };
        Patches { values: values.by_ref().take(grid.patches() * patch).collect(), grid }
    });
    Ok((ids, images.collect()))
}

fn greedy_tokens(fixture: &Fixture, case: usize) -> Result<Vec<u32>> {
    Ok(fixture.integers(&format!("case{case}.greedy"))?.into_iter().map(|id| id as u32).collect())
}

fn greedy<D: Decoder>(decoder: &D, fixture: &Fixture) -> Result<Vec<Stage>> {
    let mut stages = Vec::new();
    let cases: Vec<_> = (0..CASES).map(|c| case(fixture, decoder.config(), c)).collect::<Result<_>>()?;
    let prompts: Vec<Prompt<'_>> = cases
        .iter()
        .map(|(ids, images)| Prompt { ids: ids.clone(), images: images.iter().collect(), seeds: vec![0] })
        .collect();
    let settings = Settings { sampler: Sampler::GREEDY, max_new_tokens: 64, stop: Vec::new() };
    let together = generate(decoder, &prompts, &settings, &|| false)?;
    for (case, prompt) in prompts.iter().enumerate() {
        let wanted = greedy_tokens(fixture, case)?;
        let alone = generate(decoder, std::slice::from_ref(prompt), &settings, &|| false)?;
        for (how, answer) in [("alone", &alone.answers[0][0]), ("batched", &together.answers[case][0])] {
            if answer.tokens != wanted {
                let at = answer.tokens.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
                return Err(ModelError::Input(format!("case{case} {how}: another answer from token {at} on")));
            }
            for (what, values) in [("greedy_logprob", &answer.log_probabilities), ("greedy_gap", &answer.gaps)] {
                let (_, expected) = fixture.values(&format!("case{case}.{what}"))?;
                stages.push((format!("case{case}.{what} {how}"), relative(values, &expected)));
            }
        }
    }
    Ok(stages)
}

/// Several draws of one prompt, which share its prefill, against each alone.
fn draws<D: Decoder>(decoder: &D, prompt: &Prompt<'_>) -> Result<f64> {
    let settings = Settings { sampler: Sampler::RELEASED, max_new_tokens: 24, stop: Vec::new() };
    let seeds: Vec<u64> = (1..5).collect();
    let together = generate(decoder, &[Prompt { seeds: seeds.clone(), ..prompt.clone() }], &settings, &|| false)?;
    let mut worst = 0f64;
    for (seed, answer) in seeds.iter().zip(&together.answers[0]) {
        let alone = generate(decoder, &[Prompt { seeds: vec![*seed], ..prompt.clone() }], &settings, &|| false)?;
        if alone.answers[0][0].tokens != answer.tokens {
            return Err(ModelError::Input(format!("the draw of seed {seed} is another when drawn with others")));
        }
        worst = worst.max(relative(&answer.log_probabilities, &alone.answers[0][0].log_probabilities));
    }
    Ok(worst)
}
