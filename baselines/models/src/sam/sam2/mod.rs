//! SAM 2 and SAM 2.1 for single images.
//!
//! Source: Meta's `sam2` 1.1.0, as its `SAM2ImagePredictor` uses it. What serves videos (memory, object pointers) is left
//! out, and the weights of it are not read.

mod config;
mod hiera;
mod json;
mod layout;
mod neck;
mod published;

pub use config::Sam2Config;
pub use layout::metas_names;
pub use published::{REPOSITORIES, Size};

use super::decoder::{Features, MaskDecoder, Masks};
use super::prompt::{Prompt, PromptEncoder};
use crate::layers::{Conv2d, ConvShape, Linear};
use crate::{ModelError, Result, Tensor, Vars};
use hiera::Hiera;
use neck::Neck;

/// SAM 2.
pub struct Sam2<T> {
    config: Sam2Config,
    trunk: Hiera<T>,
    neck: Neck<T>,
    /// What the decoder sees of the two finer levels.
    high: Option<[Linear<T>; 2]>,
    /// `[1, 1, 1, d_model]`.
    no_memory: Option<T>,
    prompts: PromptEncoder<T>,
    decoder: MaskDecoder<T>,
}

impl<T: Tensor> Sam2<T> {
    /// The weights under Meta's names below `vars`, the root of a checkpoint ([`metas_names`] makes one of
    /// transformers' such). [`Self::load`] does the same and checks that nothing is left over.
    ///
    /// # Errors
    /// When the configuration describes no network, or a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, config: &Sam2Config) -> Result<Self> {
        config.check()?;
        let dim = config.d_model;
        let encoder = vars.at("image_encoder");
        let decoder = vars.at("sam_mask_decoder");
        let narrow = |name: &str, output: usize| {
            Conv2d::new(&decoder.at(name), ConvShape::new(dim, output, 1), true)?.into_linear()
        };
        let high = if config.use_high_res_features {
            Some([narrow("conv_s0", dim / 8)?, narrow("conv_s1", dim / 4)?])
        } else {
            None
        };
        let no_memory = if config.directly_add_no_mem_embed {
            Some(vars.tensor("no_mem_embed", &[1, 1, dim])?.reshape(&[1, 1, 1, dim])?)
        } else {
            None
        };
        Ok(Self {
            config: config.clone(),
            trunk: Hiera::new(&encoder.at("trunk"), config)?,
            neck: Neck::new(&encoder.at("neck"), &config.widths(), dim)?,
            high,
            no_memory,
            prompts: PromptEncoder::new(&vars.at("sam_prompt_encoder"), config.prompts())?,
            decoder: MaskDecoder::new(&decoder, config.decoder())?,
        })
    }

    /// As [`Self::new`], of a source that holds nothing else but what SAM 2 needs for videos.
    ///
    /// # Errors
    /// As [`Self::new`], and when the source holds weights that this architecture does not know.
    pub fn load(vars: &Vars<'_, T>, config: &Sam2Config) -> Result<Self> {
        let network = Self::new(vars, config)?;
        vars.finish(|key| {
            layout::of_other_parts(key)
                || (!config.directly_add_no_mem_embed && matches!(key, "no_mem_embed" | "no_memory_embedding"))
        })?;
        Ok(network)
    }

    /// Its configuration.
    pub fn config(&self) -> &Sam2Config {
        &self.config
    }

    /// Side of the image that it takes, in pixels.
    pub fn side(&self) -> usize {
        self.config.image_size
    }

    /// Side of the masks that it gives (and takes), in pixels.
    pub fn mask_side(&self) -> usize {
        4 * self.config.grid()
    }

    /// Its prompt encoder.
    pub fn prompts(&self) -> &PromptEncoder<T> {
        &self.prompts
    }

    /// Looks at images: normalised pixels `[images, 3, image_size, image_size]` ([`super::frame::Frame::pixels`]).
    ///
    /// # Errors
    /// When they are of another size.
    pub fn encode(&self, pixels: &T) -> Result<Features<T>> {
        self.encode_seen(pixels, &mut |_, _| {})
    }

    /// As [`Self::encode`]; `seen` is shown what passes, channels last: `patch_embed`, `pos_embed`, `block/{i}`,
    /// `fpn/{i}` (finest first) and `high_res/{i}`.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_seen(&self, pixels: &T, seen: &mut dyn FnMut(&str, &T)) -> Result<Features<T>> {
        let (side, shape) = (self.side(), pixels.shape());
        if shape.len() != 4 || shape[1..] != [3, side, side] {
            return Err(ModelError::op("SAM 2", format!("pixels of shape {shape:?}, not [images, 3, {side}, {side}]")));
        }
        let levels = self.neck.forward(&self.trunk.forward(pixels, seen)?)?;
        for (i, level) in levels.iter().enumerate() {
            seen(&format!("fpn/{i}"), level);
        }
        // The coarsest level has served its sum (`scalp: 1`); the decoder's own 1 x 1 convolutions of the finer ones are
        // applied here, once an image (`SAM2Base.forward_image`).
        let [fine, coarse, low] = [&levels[0], &levels[1], &levels[2]];
        let high = match &self.high {
            Some([of_fine, of_coarse]) => {
                let high = [of_fine.forward(fine)?, of_coarse.forward(coarse)?];
                seen("high_res/0", &high[0]);
                seen("high_res/1", &high[1]);
                Some(high)
            }
            None => None,
        };
        let low = match &self.no_memory {
            Some(no_memory) => low.add(no_memory)?,
            None => low.clone(),
        };
        Ok(Features { low, high })
    }

    /// The masks of objects in one image.
    ///
    /// * `features`: of one image.
    /// * `prompts`: one an object, all of one kind ([`PromptEncoder::embed`]), in pixels of the network's input
    ///   ([`super::frame::Frame::point`]); an empty one asks for what stands out.
    /// * `mask`: logits of an earlier answer, `[objects or 1, 1, mask_side, mask_side]`.
    /// * `three`: three masks of different extents each; else one.
    ///
    /// Meta's predictor asks for three by default; of them that of the highest predicted IoU ([`super::frame::best`]) is
    /// brought to the image's size ([`super::frame::Frame::mask`]).
    ///
    /// # Errors
    /// When prompts are of several kinds, or shapes do not go together.
    pub fn decode(
        &self,
        features: &Features<T>,
        prompts: &[Prompt],
        mask: Option<&T>,
        three: bool,
    ) -> Result<Masks<T>> {
        let sparse = self.prompts.embed(prompts)?;
        let dense = match mask {
            Some(logits) => self.prompts.mask(logits)?,
            None => self.prompts.no_mask().clone(),
        };
        self.decoder.forward(features, self.prompts.positions(), sparse.as_ref(), &dense, three)
    }
}
