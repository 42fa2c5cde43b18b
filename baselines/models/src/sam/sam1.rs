//! SAM 1 whole: an image encoder, the prompt encoder and the mask decoder.
//!
//! Weights have Meta's names: `image_encoder.`, `prompt_encoder.`, `mask_decoder.`; [`metas_names`] gives them to checkpoints
//! of transformers. What descends from SAM 1 and keeps its names loads too: MedSAM, MobileSAM, LiteMedSAM.

mod config;
mod layout;

pub use config::{EncoderConfig, Sam1Config};
pub use layout::metas_names;

use super::decoder::{Features, MaskDecoder, Masks};
use super::prompt::{Prompt, PromptEncoder};
use super::tiny_vit::{self, TinyVit};
use super::vit::Vit;
use crate::{Result, Tensor, Vars};

/// SAM 1.
pub struct Sam1<T> {
    encoder: Encoder<T>,
    prompts: PromptEncoder<T>,
    decoder: MaskDecoder<T>,
    side: usize,
    grid: usize,
}

enum Encoder<T> {
    Vit(Vit<T>),
    TinyVit(TinyVit<T>),
}

impl<T: Tensor> Sam1<T> {
    /// The weights under Meta's names below `vars`, the root of a checkpoint ([`metas_names`] makes one of transformers'
    /// such). [`Self::load`] does the same and checks that nothing is left over.
    ///
    /// # Errors
    /// When the configuration describes no network, or a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, config: &Sam1Config) -> Result<Self> {
        let (decoder, prompts) = (config.decoder()?, config.prompts()?);
        let place = vars.at("image_encoder");
        let encoder = match &config.encoder {
            EncoderConfig::Vit(vit) => Encoder::Vit(Vit::new(&place, vit)?),
            EncoderConfig::TinyVit(tiny) => Encoder::TinyVit(TinyVit::new(&place, tiny)?),
        };
        Ok(Self {
            encoder,
            prompts: PromptEncoder::new(&vars.at("prompt_encoder"), prompts)?,
            decoder: MaskDecoder::new(&vars.at("mask_decoder"), decoder)?,
            side: prompts.side,
            grid: prompts.grid,
        })
    }

    /// As [`Self::new`], of a source that holds nothing else but what checkpoints keep beside the network.
    ///
    /// # Errors
    /// As [`Self::new`], and when the source holds weights that this architecture does not know.
    pub fn load(vars: &Vars<'_, T>, config: &Sam1Config) -> Result<Self> {
        let network = Self::new(vars, config)?;
        vars.finish(|key| {
            layout::is_repeated(key) || key.strip_prefix("image_encoder.").is_some_and(tiny_vit::is_unused)
        })?;
        Ok(network)
    }

    /// Side of the image that it takes, in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Side of the masks that it gives (and takes), in pixels.
    pub fn mask_side(&self) -> usize {
        4 * self.grid
    }

    /// The prompt encoder.
    pub fn prompts(&self) -> &PromptEncoder<T> {
        &self.prompts
    }

    /// Looks at images, as often as wanted to be prompted then: `[images, 3, side, side]`, brought to size and normalised as
    /// [`super::frame::Frame::pixels`] does for SAM and MobileSAM. (MedSAM and LiteMedSAM stretch values to `0..=1` by
    /// their minimum and maximum.)
    ///
    /// # Errors
    /// When they are of another shape.
    pub fn encode(&self, images: &T) -> Result<Features<T>> {
        self.encode_seen(images, &mut |_, _| {})
    }

    /// As [`Self::encode`]; `seen` is shown what the encoder's own `forward_seen` shows.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_seen(&self, images: &T, seen: &mut dyn FnMut(&str, &T)) -> Result<Features<T>> {
        let low = match &self.encoder {
            Encoder::Vit(vit) => vit.forward_seen(images, seen)?,
            Encoder::TinyVit(tiny) => tiny.forward_seen(images, seen)?,
        };
        Ok(Features { low, high: None })
    }

    /// The masks of objects in one image.
    ///
    /// * `features`: of one image.
    /// * `prompts`: one an object, all of one kind ([`PromptEncoder::embed`]); an empty one asks for what stands out.
    /// * `mask`: logits of an earlier answer, `[objects or 1, 1, mask_side, mask_side]`.
    /// * `three`: three masks of different extents each, as for a single point; else one.
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
