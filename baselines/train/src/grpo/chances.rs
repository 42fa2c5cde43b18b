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
