//! What a language model has to do for answers to be drawn from it, whatever computes it: tensors of a library, or graphs.

use super::cache::{Cache, Place};
use super::config::Config;
use super::grid::Grid;
use super::model::Qwen2_5Vl;
use super::picture::Patches;
use super::rope::Position;
use crate::{Result, Tensor};

/// A stretch of one prompt: some of its tokens, in a row.
#[derive(Debug)]
pub struct Stretch<'a, S> {
    /// The tokens; each image's tokens are there as often as it has merged patches.
    pub ids: &'a [u32],
    /// Where they stand, counted over the whole prompt.
    pub positions: &'a [Position],
    /// The images that begin in it, in the order of their tokens.
    pub images: &'a [S],
}

/// A network that reads prompts and goes on from them, a token at a time.
///
/// A row's answer does not depend on the rows beside it but for rounding: shorter rows have padding before them, which none
/// sees.
///
/// # Errors
/// Every method fails when shapes do not go together, memory does not suffice or the library fails.
#[expect(clippy::missing_errors_doc, reason = "said once above, for all of them")]
pub trait Decoder {
    /// What the vision tower gave for an image; cloning shares it.
    type Seen: Clone + Send;
    /// Keys and values of the tokens of some rows, as long as the longest.
    type Past: Send;

    /// What the network was built from.
    fn config(&self) -> &Config;

    /// The vectors of an image.
    fn see(&self, image: &Patches) -> Result<Self::Seen>;

    /// Reads a stretch behind what was read of the same prompt before; gives all that was read, as a batch of one row, and
    /// the logits after the last token (none unless wanted). What was read before can be read on from again.
    fn read(
        &self,
        stretch: &Stretch<'_, Self::Seen>,
        before: Option<&Self::Past>,
        wanted: bool,
    ) -> Result<(Self::Past, Vec<f32>)>;

    /// Brings rows together, in the order of `rows`: the batch is as long as the longest of them.
    fn gather(&self, pasts: Vec<Self::Past>, rows: &[Place]) -> Result<Self::Past>;

    /// Goes one token on in every row; gives their logits, row after row. `starts` are the lengths of the padding before
    /// each row.
    fn step(&self, past: &mut Self::Past, tokens: &[u32], positions: &[Position], starts: &[usize])
    -> Result<Vec<f32>>;

    /// Bytes that an image's vectors take.
    fn seen_bytes(seen: &Self::Seen) -> usize;

    /// Bytes that keys and values take.
    fn past_bytes(past: &Self::Past) -> usize;
}

impl<T: Tensor> Decoder for Qwen2_5Vl<T> {
    type Seen = T;
    type Past = Cache<T>;

    fn config(&self) -> &Config {
        &self.config
    }

    fn see(&self, image: &Patches) -> Result<T> {
        let (device, dtype) = self.text.place();
        let grid: Grid = image.grid;
        let pixels = T::new(image.values.clone(), &[grid.patches(), self.config.vision.patch()], dtype, &device)?;
        self.vision.forward(&pixels, &[grid])
    }

    fn read(&self, stretch: &Stretch<'_, T>, before: Option<&Cache<T>>, wanted: bool) -> Result<(Cache<T>, Vec<f32>)> {
        let size = self.config.text.hidden_size;
        let images = if stretch.images.is_empty() { None } else { Some(T::cat(stretch.images, 0)?) };
        let tokens = stretch.ids.len();
        let x = self.embed(stretch.ids, images.as_ref())?.reshape(&[1, tokens, size])?;
        let mut cache = match before {
            Some(before) => before.copied(tokens)?,
            None => Cache::new(self.config.text.layers),
        };
        let hidden = self.text.forward(&x, stretch.positions, &[0], &mut cache)?;
        let logits = if wanted { self.text.logits(&hidden.narrow(1, tokens - 1, 1)?)?.values()? } else { Vec::new() };
        Ok((cache, logits))
    }

    fn gather(&self, pasts: Vec<Cache<T>>, rows: &[Place]) -> Result<Cache<T>> {
        Cache::gather(pasts, rows)
    }

    fn step(&self, past: &mut Cache<T>, tokens: &[u32], positions: &[Position], starts: &[usize]) -> Result<Vec<f32>> {
        let x = self.text.embed(tokens)?.reshape(&[tokens.len(), 1, self.config.text.hidden_size])?;
        let hidden = self.text.forward(&x, positions, starts, past)?;
        self.text.logits(&hidden)?.values()
    }

    fn seen_bytes(seen: &T) -> usize {
        seen.shape().iter().product::<usize>() * seen.dtype().size()
    }

    fn past_bytes(past: &Cache<T>) -> usize {
        past.bytes()
    }
}
