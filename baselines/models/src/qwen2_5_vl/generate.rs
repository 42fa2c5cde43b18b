//! From prompts to drawn answers: prefill, then one token at a time.

use std::time::{Duration, Instant};

use super::cache::Cache;
use super::grid::Grid;
use super::model::Qwen2_5Vl;
use super::picture::Patches;
use super::rope;
use super::sampler::{Sampler, uniform};
use crate::{ModelError, Result, Tensor};

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

/// How to answer.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How tokens are chosen.
    pub sampler: Sampler,
    /// Tokens after which an answer is cut.
    pub max_new_tokens: usize,
    /// Tokens that end an answer; they are not part of it.
    pub stop: Vec<u32>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A stop token.
    Token,
    /// The limit of tokens.
    Length,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its tokens, without the stop token.
    pub tokens: Vec<u32>,
    /// Natural logarithm of each token's probability under the model's own distribution.
    pub log_probabilities: Vec<f32>,
    /// The gap between the two largest logits at each token: how near another answer was.
    pub gaps: Vec<f32>,
    /// Why it ended.
    pub stop: Stop,
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

/// A row of the batch while it is answered.
struct Row {
    prompt: usize,
    seed: u64,
    drawn: Drawn,
    /// The position of its next token.
    next: i64,
    done: bool,
}

impl<T: Tensor> Qwen2_5Vl<T> {
    /// Answers prompts of any lengths together: shorter ones are padded on the left, the padding is seen by none. Draws of one
    /// prompt share its prefill.
    ///
    /// # Errors
    /// When a prompt is empty or longer than the model's positions, its images do not go with its tokens, the logits are not
    /// numbers, or the library fails. `cancelled` is asked between steps.
    pub fn generate(
        &self,
        prompts: &[Prompt<'_>],
        settings: &Settings,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Generated> {
        let mut times = Times::default();
        if prompts.is_empty() {
            return Ok(Generated { answers: Vec::new(), times });
        }
        let start = Instant::now();
        let images: Vec<Option<T>> = prompts.iter().map(|p| self.see(p)).collect::<Result<_>>()?;
        times.vision = start.elapsed();
        if cancelled() {
            return Err(ModelError::Cancelled);
        }
        let start = Instant::now();
        let mut cache = Cache::new(self.config.text.layers);
        let (last, starts, next) = self.prefill(prompts, &images, &mut cache)?;
        let seeds = prompts.iter().enumerate().flat_map(|(i, p)| p.seeds.iter().map(move |s| (i, *s)));
        let empty =
            || Drawn { tokens: Vec::new(), log_probabilities: Vec::new(), gaps: Vec::new(), stop: Stop::Length };
        let mut rows: Vec<Row> =
            seeds.map(|(prompt, seed)| Row { prompt, seed, drawn: empty(), next: next[prompt], done: false }).collect();
        let mut logits = self.rows_of(&self.text.logits(&last)?)?;
        let mut tokens: Vec<u32> = Vec::new();
        // No answer goes beyond the positions that the model was trained for.
        let longest = prompts.iter().map(|p| p.ids.len()).max().unwrap_or(0);
        let limit = settings.max_new_tokens.min(self.config.text.max_positions - longest);
        if limit > 0 {
            for row in &mut rows {
                tokens.push(choose(row, &logits[row.prompt], settings, limit)?);
            }
        }
        times.prefill = start.elapsed();
        if limit == 0 {
            return Ok(Generated { answers: collect(prompts.len(), rows), times });
        }
        // The rows that go on, and where their keys and values lie in the cache.
        let mut alive: Vec<usize> = (0..rows.len()).filter(|r| !rows[*r].done).collect();
        let mut place: Vec<u32> = alive.iter().map(|r| rows[*r].prompt as u32).collect();
        let mut held: Vec<u32> = (0..prompts.len() as u32).collect();
        while !alive.is_empty() {
            if cancelled() {
                return Err(ModelError::Cancelled);
            }
            let start = Instant::now();
            if place != held {
                cache = cache.into_rows(&place)?;
            }
            let ids: Vec<u32> = alive.iter().map(|r| tokens[*r]).collect();
            let positions: Vec<_> = alive.iter().map(|r| [rows[*r].next; 3]).collect();
            let starts: Vec<usize> = alive.iter().map(|r| starts[rows[*r].prompt]).collect();
            let x = self.text.embed(&ids)?.reshape(&[ids.len(), 1, self.config.text.hidden_size])?;
            let hidden = self.text.forward(&x, &positions, &starts, &mut cache)?;
            logits = self.rows_of(&self.text.logits(&hidden)?)?;
            for (row, logits) in alive.iter().zip(&logits) {
                rows[*row].next += 1;
                tokens[*row] = choose(&mut rows[*row], logits, settings, limit)?;
            }
            times.tokens.push(start.elapsed());
            // Places in the cache as it is now; it is only copied when a row has finished.
            held = (0..alive.len() as u32).collect();
            place = held.iter().copied().filter(|i| !rows[alive[*i as usize]].done).collect();
            alive.retain(|r| !rows[*r].done);
        }
        Ok(Generated { answers: collect(prompts.len(), rows), times })
    }

    /// The vectors of a prompt's images.
    fn see(&self, prompt: &Prompt<'_>) -> Result<Option<T>> {
        if prompt.images.is_empty() {
            return Ok(None);
        }
        let grids: Vec<Grid> = prompt.images.iter().map(|p| p.grid).collect();
        let values: Vec<f32> = prompt.images.iter().flat_map(|p| p.values.iter().copied()).collect();
        let patch = self.config.vision.patch();
        let (device, dtype) = self.text.place();
        let pixels = T::new(values, &[grids.iter().map(|g| g.patches()).sum(), patch], dtype, &device)?;
        self.vision.forward(&pixels, &grids).map(Some)
    }

    /// Goes through all prompts; gives the last token's vector of each `[prompts, 1, hidden]`, the padding before each, and the
    /// position after each.
    fn prefill(
        &self,
        prompts: &[Prompt<'_>],
        images: &[Option<T>],
        cache: &mut Cache<T>,
    ) -> Result<(T, Vec<usize>, Vec<i64>)> {
        let size = self.config.text.hidden_size;
        let longest = prompts.iter().map(|p| p.ids.len()).max().unwrap_or(0);
        let (mut parts, mut positions, mut starts, mut next) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (prompt, images) in prompts.iter().zip(images) {
            let length = prompt.ids.len();
            if length == 0 || length > self.config.text.max_positions {
                let most = self.config.text.max_positions;
                return Err(ModelError::Input(format!("a prompt of {length} tokens; the model takes 1 to {most}")));
            }
            let grids: Vec<Grid> = prompt.images.iter().map(|p| p.grid).collect();
            let (own, after) = rope::positions(&self.config, &prompt.ids, &grids)?;
            positions.extend(std::iter::repeat_n([0; 3], longest - length).chain(own));
            starts.push(longest - length);
            next.push(after);
            let x = self.embed(&prompt.ids, images.as_ref())?.pad(0, longest - length, 0)?;
            parts.push(x.reshape(&[1, longest, size])?);
        }
        let hidden = self.text.forward(&T::cat(&parts, 0)?, &positions, &starts, cache)?;
        Ok((hidden.narrow(1, longest - 1, 1)?, starts, next))
    }

    /// Logits row by row.
    fn rows_of(&self, logits: &T) -> Result<Vec<Vec<f32>>> {
        Ok(logits.values()?.chunks_exact(self.config.text.vocab_size).map(<[f32]>::to_vec).collect())
    }
}

/// Chooses a row's next token and notes it.
fn choose(row: &mut Row, logits: &[f32], settings: &Settings, limit: usize) -> Result<u32> {
    let drawn = &mut row.drawn;
    let choice = settings.sampler.choose(logits, uniform(row.seed, drawn.tokens.len() as u64))?;
    if settings.stop.contains(&choice.token) {
        drawn.stop = Stop::Token;
        row.done = true;
        return Ok(choice.token);
    }
    drawn.tokens.push(choice.token);
    drawn.log_probabilities.push(choice.log_probability);
    drawn.gaps.push(gap(logits));
    row.done = drawn.tokens.len() >= limit;
    Ok(choice.token)
}

/// The largest logit less the second largest.
fn gap(logits: &[f32]) -> f32 {
    let (mut first, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
    for &v in logits {
        if v > first {
            (first, second) = (v, first);
        } else if v > second {
            second = v;
        }
    }
    first - second
}

fn collect(prompts: usize, rows: Vec<Row>) -> Vec<Vec<Drawn>> {
    let mut answers: Vec<Vec<Drawn>> = (0..prompts).map(|_| Vec::new()).collect();
    for row in rows {
        answers[row.prompt].push(row.drawn);
    }
    answers
}
