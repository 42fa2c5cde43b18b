//! From prompts to drawn answers: each prompt read by itself, then one token at a time of all of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decoder::Decoder;
use super::grid::Grid;
use super::picture::Patches;
use super::reading::Reading;
use super::rows::{Drawn, Rows, Settings};
use crate::{ModelError, Result};

/// One prompt and how often to answer it.
#[derive(Debug, Clone)]
pub struct Prompt<'a> {
    /// Its tokens; each image's tokens are there as often as it has merged patches.
    pub ids: Vec<u32>,
    /// Its images, in the order of their tokens.
    pub images: Vec<&'a Patches>,
    /// One answer a seed; randomness depends on the seed and the token's number alone.
    pub seeds: Vec<u64>,
}

/// Where the time of a batch went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    /// The vision tower, over all images of the batch.
    pub vision: Duration,
    /// The prompts' tokens, and the first token of each answer.
    pub prefill: Duration,
    /// Each token after the first, over all rows.
    pub tokens: Vec<Duration>,
}

/// The answers to a batch of prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// Of each prompt, one answer a seed.
    pub answers: Vec<Vec<Drawn>>,
    /// Where the time went.
    pub times: Times,
}

/// Answers prompts of any lengths together. Draws of one prompt share its prefill.
///
/// # Errors
/// When a prompt is empty or longer than the model's positions, its images do not go with its tokens, the logits are not
/// numbers, or the library fails. `cancelled` is asked between steps.
pub fn generate<D: Decoder>(
    decoder: &D,
    prompts: &[Prompt<'_>],
    settings: &Settings,
    cancelled: &dyn Fn() -> bool,
) -> Result<Generated> {
    let settings = Arc::new(settings.clone());
    let mut times = Times::default();
    let mut answers: Vec<Vec<Option<Drawn>>> = prompts.iter().map(|p| vec![None; p.seeds.len()]).collect();
    let mut rows: Rows<D, (usize, usize)> = Rows::default();
    let go_on = || if cancelled() { Err(ModelError::Cancelled) } else { Ok(()) };
    let mut ended = Vec::new();
    for (i, prompt) in prompts.iter().enumerate() {
        go_on()?;
        let start = Instant::now();
        let images: Vec<D::Seen> = prompt.images.iter().map(|image| decoder.see(image)).collect::<Result<_>>()?;
        let grids: Vec<Grid> = prompt.images.iter().map(|p| p.grid).collect();
        times.vision += start.elapsed();
        go_on()?;
        let start = Instant::now();
        let reading = Reading::new(decoder.config(), &prompt.ids, &grids)?;
        let first = reading.first(decoder, &images)?;
        let prefilled = reading.rest(decoder, &images, first.as_ref())?;
        let draws = prompt.seeds.iter().enumerate().map(|(draw, seed)| ((i, draw), *seed));
        ended.extend(rows.join(decoder, prefilled, &settings, draws)?);
        times.prefill += start.elapsed();
    }
    while !rows.is_empty() {
        go_on()?;
        let start = Instant::now();
        ended.extend(rows.step(decoder)?);
        times.tokens.push(start.elapsed());
    }
    for ((prompt, draw), drawn) in ended {
        answers[prompt][draw] = Some(drawn);
    }
    Ok(Generated { answers: answers.into_iter().map(|a| a.into_iter().flatten().collect()).collect(), times })
}
