//! A prompt read in two parts, so that the first can serve every query on the same images.

use super::config::Config;
use super::decoder::{Decoder, Stretch};
use super::grid::Grid;
use super::rope::{self, Position};
use super::rows::Prefilled;
use crate::{ModelError, Result};

/// A prompt that can be read: where its tokens stand, and where it is cut in two.
///
/// The cut is behind its last image. Both parts are always read one after the other, whether the first was kept from another
/// prompt or not, so that keeping it changes no number.
pub struct Reading<'a> {
    ids: &'a [u32],
    positions: Vec<Position>,
    next: i64,
    cut: usize,
}

impl<'a> Reading<'a> {
    /// Of a prompt whose images have these grids.
    ///
    /// # Errors
    /// When the prompt is empty or longer than the model's positions, or its images do not go with its tokens.
    pub fn new(config: &Config, ids: &'a [u32], grids: &[Grid]) -> Result<Self> {
        let most = config.text.max_positions;
        if ids.is_empty() || ids.len() > most {
            return Err(ModelError::Input(format!("a prompt of {} tokens; the model takes 1 to {most}", ids.len())));
        }
        let (positions, next) = rope::positions(config, ids, grids)?;
        let cut = match ids.iter().rposition(|id| *id == config.image_token) {
            Some(last) if last + 1 < ids.len() => last + 1,
            _ => 0,
        };
        Ok(Self { ids, positions, next, cut })
    }

    /// The tokens of the first part; none where there is nothing worth keeping.
    pub fn shared(&self) -> &'a [u32] {
        &self.ids[..self.cut]
    }

    /// Reads the first part, where there is one.
    ///
    /// # Errors
    /// When the images do not go with the tokens, or the network fails.
    pub fn first<D: Decoder>(&self, decoder: &D, images: &[D::Seen]) -> Result<Option<D::Past>> {
        if self.cut == 0 {
            return Ok(None);
        }
        let stretch = Stretch { ids: self.shared(), positions: &self.positions[..self.cut], images };
        decoder.read(&stretch, None, false).map(|(past, _)| Some(past))
    }

    /// Reads the rest behind the first part: all, images included, where there is no first part.
    ///
    /// # Errors
    /// As [`Self::first`].
    pub fn rest<D: Decoder>(
        &self,
        decoder: &D,
        images: &[D::Seen],
        first: Option<&D::Past>,
    ) -> Result<Prefilled<D::Past>> {
        let images = if self.cut == 0 { images } else { &[] };
        let stretch = Stretch { ids: &self.ids[self.cut..], positions: &self.positions[self.cut..], images };
        let (past, logits) = decoder.read(&stretch, first, true)?;
        Ok(Prefilled { past, length: self.ids.len(), next: self.next, logits })
    }
}
