//! How likely a policy finds what was said.

use socio_models::qwen2_5_vl::{Beginning, Behind, Grid, PictureConfig, Qwen2_5Vl, patches, positions};
use socio_models::{Autograd, DType, ModelError, Result, Vars};

use super::recorder::Spoken;

/// Answers to one prompt.
#[derive(Debug, Clone, Default)]
pub struct Group {
    grids: Vec<Grid>,
    /// The images' patches, one image after the other.
    patches: Vec<f32>,
    prompt: Vec<u32>,
    /// The answers' tokens.
    pub answers: Vec<Vec<u32>>,
}

impl Group {
    /// Of what was said to one prompt, the same for all; images have to be of the size that the network sees.
    ///
    /// # Errors
    /// When prompts differ, or an image is of another size.
    pub fn new(config: &socio_models::qwen2_5_vl::Config, spoken: &[Spoken]) -> Result<Self> {
        let Some(first) = spoken.first() else { return Ok(Self::default()) };
        if spoken.iter().any(|s| s.prompt != first.prompt) {
            return Err(ModelError::Input("answers of one group to different prompts".to_owned()));
        }
        let mut group = Self { prompt: first.prompt.clone(), ..Self::default() };
        for image in &first.images {
            let (w, h) = (image.width() as usize, image.height() as usize);
            let cut = patches(image.as_raw(), w, h, &PictureConfig::of(&config.vision))?;
            group.grids.push(cut.grid);
            group.patches.extend(cut.values);
        }
        group.answers = spoken.iter().map(|s| s.answer.clone()).collect();
        Ok(group)
    }

    /// Natural logarithms of the probabilities of all the answers' tokens, answer after answer: `[tokens]`.
    ///
    /// # Errors
    /// When the library fails.
    pub fn chances<T: Autograd>(&self, model: &Qwen2_5Vl<T>, vars: &Vars<'_, T>) -> Result<T> {
        let (config, hidden) = (&model.config, model.config.text.hidden_size);
        let all: usize = self.grids.iter().map(|g| g.patches()).sum();
        let pixels = T::new(self.patches.clone(), &[all, config.vision.patch()], vars.dtype(), vars.device())?;
        let seen = model.vision.forward(&pixels, &self.grids)?;
        // The prompt's last token is each row's first: it tells the answers' first.
        let (last, before) = self.prompt.split_last().ok_or_else(|| ModelError::Input("an empty prompt".to_owned()))?;
        let (places, next) = positions(config, &self.prompt, &self.grids)?;
        let x = model.embed(before, Some(&seen))?.reshape(&[1, before.len(), hidden])?;
        let mut beginning = Beginning::default();
        model.text.forward(&x, &places[..before.len()], &[0], &mut beginning)?;

        let rows = self.answers.len();
        let longest = self.answers.iter().map(Vec::len).max().unwrap_or(0);
        let (mut ids, mut from, mut targets) = (Vec::with_capacity(rows * longest), Vec::new(), Vec::new());
        for (i, answer) in self.answers.iter().enumerate() {
            let own = std::iter::once(*last).chain(answer.iter().copied().take(answer.len().saturating_sub(1)));
            ids.extend(own.chain(std::iter::repeat(0)).take(longest));
            from.extend((0..answer.len()).map(|t| (i * longest + t) as u32));
            targets.extend(answer);
        }
        let x = model.text.embed(&ids)?.reshape(&[rows, longest, hidden])?;
        let row: Vec<_> = (0..longest).map(|t| [next - 1 + t as i64; 3]).collect();
        let mut behind = Behind::new(&beginning, vec![0; rows]);
        let y = model.text.forward(&x, &row.repeat(rows), &vec![0; rows], &mut behind)?;
        let y = y.reshape(&[rows * longest, hidden])?.select(0, &from)?;
        model.text.logits(&y)?.cast(DType::F32)?.log_softmax()?.pick(&targets)
    }

    /// How many tokens each answer has.
    pub fn lengths(&self) -> Vec<usize> {
        self.answers.iter().map(Vec::len).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Device;
    use image::{Rgb, RgbImage};
    use socio_backend::{Cancel, Sampling, Vlm, VlmRequest};
    use socio_candle::Candle;
    use socio_local::{Identity, Load, Pixels, QwenVlm};

    use socio_models::Tensor;

    use super::super::recorder::Recorder;
    use super::*;
    use crate::nano::course::keys;
    use crate::nano::recipe::Sizes;
    use crate::nano::{start, vocabulary};
    use crate::parameters::Parameters;

    fn sizes() -> Sizes {
        Sizes {
            side: 48,
            patch: 8,
            merge: 3,
            window: 6,
            depth: 2,
            full: vec![1],
            vision: 24,
            vision_inner: 24,
            vision_heads: 2,
            layers: 2,
            hidden: 32,
            inner: 32,
            heads: 2,
            key_heads: 1,
            theta: 30.0,
            sections: [2, 3, 3],
        }
    }

    /// What is trained on is what was drawn: the pass with gradients finds each token as likely as the one that drew it did.
    #[test]
    fn answers_are_as_likely_as_when_they_were_drawn() {
        let tokenizer = vocabulary::tokenizer(48).unwrap();
        let config = sizes().config(&tokenizer).unwrap();
        let random = socio_models::weights::Random::new(3, 1.0, DType::F32);
        let mut parameters = Parameters::from_weights(&random, &keys(&config).unwrap()).unwrap();
        start::scale(&mut parameters, 2.0);
        let tensors = parameters.tensors::<Candle>(&Device::Cpu).unwrap();
        let vars = Vars::bound(&tensors, DType::F32, &Device::Cpu);
        let model = || Qwen2_5Vl::<Candle>::new(&config, &vars).unwrap();
        let identity = Identity { library: "train", name: "policy", weights: "", numbers: "" };
        let (pixels, load) = (Pixels { min: 48 * 48, max: 48 * 48 }, Load { batch: 1, kept: 1 << 20 });
        let policy = QwenVlm::new(model(), tokenizer.clone(), pixels, &identity, load, |step| step()).unwrap();
        let policy = Recorder::new(Arc::new(policy), tokenizer.special("<|im_end|>").unwrap());
        let picture =
            |seed: u32| Arc::new(RgbImage::from_fn(48, 48, |x, y| Rgb([seed, x * 5, y * 5].map(|v| v as u8))));
        let request = VlmRequest {
            images: vec![picture(3), picture(200)],
            system: None,
            text: "Where is the Hospital?".to_owned(),
            sampling: Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, max_new_tokens: 9 },
            seeds: vec![1, 2, 3],
            log_probabilities: true,
            sample: String::new(),
            stage: String::new(),
            cancel: Cancel::default(),
        };
        let reply = policy.ask(&[request]).remove(0).unwrap();
        let spoken = policy.take();
        assert_eq!((spoken.len(), policy.take().len()), (3, 0));
        let group = Group::new(&config, &spoken).unwrap();
        let found = group.chances(&model(), &vars).unwrap().values().unwrap();
        let mut rest = found.as_slice();
        for (said, length) in reply.completions.iter().zip(group.lengths()) {
            let (own, others) = rest.split_at(length);
            rest = others;
            let drawn = said.log_probabilities.as_ref().unwrap();
            // The stop token is trained on, and its chance is not told.
            assert!(length == drawn.len() || length == drawn.len() + 1);
            for (a, b) in own.iter().zip(drawn) {
                assert!((a - b).abs() < 1e-4, "{own:?} {drawn:?}");
            }
        }
        assert!(rest.is_empty() && found.len() > 6);
        let mut other = spoken.clone();
        other[1].prompt.push(1);
        assert!(Group::new(&config, &other).is_err());
    }
}
