//! The two networks as one, and their weights.

use super::config::Config;
use super::grid::Grid;
use super::text::Text;
use super::vision::Vision;
use crate::weights::{Origin, Renamed};
use crate::{ModelError, Result, Tensor, Vars, Weights};

/// A Qwen2.5-VL of any size.
pub struct Qwen2_5Vl<T> {
    /// What it was built from.
    pub config: Config,
    /// The vision tower.
    pub vision: Vision<T>,
    /// The language model.
    pub text: Text<T>,
}

impl<T: Tensor> Qwen2_5Vl<T> {
    /// Reads its weights under the published names (`visual.`, `model.`, `lm_head.`); every key has to be known.
    ///
    /// # Errors
    /// When a weight is missing, of another shape, or not known.
    pub fn new(config: &Config, vars: &Vars<'_, T>) -> Result<Self> {
        let model = Self {
            config: config.clone(),
            vision: Vision::new(&config.vision, &vars.at("visual"))?,
            text: Text::new(&config.text, &vars.at("model"), vars)?,
        };
        // A tied output layer may have been written all the same; tables of rotary frequencies are computed here.
        vars.finish(|key| (config.text.tied && key == "lm_head.weight") || key.ends_with("rotary_emb.inv_freq"))?;
        Ok(model)
    }

    /// Vectors of a prompt's tokens, its images' in their places: `[tokens, hidden]`.
    ///
    /// # Errors
    /// When the image tokens are not as many as the images' vectors.
    pub fn embed(&self, ids: &[u32], images: Option<&T>) -> Result<T> {
        let vectors = self.text.embed(ids)?;
        let Some(images) = images else { return Ok(vectors) };
        let (mut parts, mut start, mut used) = (Vec::new(), 0, 0);
        let available = images.shape()[0];
        while start < ids.len() {
            let image = ids[start] == self.config.image_token;
            let run = ids[start..].iter().take_while(|id| (**id == self.config.image_token) == image).count();
            if image {
                if used + run > available {
                    break;
                }
                parts.push(images.narrow(0, used, run)?);
                used += run;
            } else {
                parts.push(vectors.narrow(0, start, run)?);
            }
            start += run;
        }
        if start < ids.len() || used != available {
            let tokens = ids.iter().filter(|id| **id == self.config.image_token).count();
            return Err(ModelError::Input(format!("the prompt has {tokens} image tokens, its images {available}")));
        }
        T::cat(&parts, 0)
    }

    /// Tokens that an image of a grid takes in a prompt.
    pub fn image_tokens(&self, grid: Grid) -> usize {
        grid.tokens(self.config.vision.spatial_merge_size)
    }
}

/// A source whose keys may be under transformers' own module names (`model.visual.`, `model.language_model.`), read under
/// the published ones.
pub fn published(source: Box<dyn Weights>) -> Box<dyn Weights> {
    let keys = source.keys();
    if !keys.iter().any(|k| k.starts_with("model.language_model.") || k.starts_with("model.visual.")) {
        return source;
    }
    Box::new(Renamed::new(source, |key| {
        let other = match key.strip_prefix("model.") {
            Some(rest) => format!("model.language_model.{rest}"),
            None if key.starts_with("visual.") => format!("model.{key}"),
            None => key.to_owned(),
        };
        Some(Origin::Key(other))
    }))
}
