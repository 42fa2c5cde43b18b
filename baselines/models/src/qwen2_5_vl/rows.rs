//! Answers that are drawn together: a row each, from prompts of any lengths, joining and leaving between steps.

use std::sync::Arc;

use super::cache::Place;
use super::decoder::Decoder;
use super::sampler::{Sampler, uniform};
use crate::Result;

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
    /// The gap between the two largest logits at each token, and at the stop token: how near another answer was.
    pub gaps: Vec<f32>,
    /// Why it ended.
    pub stop: Stop,
}

/// A prompt that was read.
pub struct Prefilled<P> {
    /// Its keys and values, as a batch of one row.
    pub past: P,
    /// Its tokens.
    pub length: usize,
    /// The position of the token that follows it.
    pub next: i64,
    /// Logits of that token.
    pub logits: Vec<f32>,
}

/// An answer on its way.
struct Row<K> {
    key: K,
    settings: Arc<Settings>,
    seed: u64,
    drawn: Drawn,
    /// The token that was drawn last.
    token: u32,
    /// Its position.
    next: i64,
    /// Tokens behind it whose keys and values are there.
    length: usize,
    /// Tokens that it may have at most.
    limit: usize,
    /// Where its keys and values are: among what is held, or among what has come since.
    place: (usize, usize),
    done: bool,
}

/// Answers on their way, each under a key of the caller's.
pub struct Rows<D: Decoder, K> {
    /// The batch as it was computed last, and the pasts of prompts that have come since.
    pasts: Vec<D::Past>,
    going: Vec<Row<K>>,
    /// Whether `pasts` is one batch of exactly these rows.
    gathered: bool,
}

impl<D: Decoder, K> Default for Rows<D, K> {
    fn default() -> Self {
        Self { pasts: Vec::new(), going: Vec::new(), gathered: true }
    }
}

impl<D: Decoder, K> Rows<D, K> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.going.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.going.is_empty()
    }

    /// Draws the first token of some answers to a prompt; those that go on are rows from now on, those that are at their end
    /// with it are given back.
    ///
    /// # Errors
    /// When the logits are not numbers; no row is added then.
    pub fn join(
        &mut self,
        decoder: &D,
        prompt: Prefilled<D::Past>,
        settings: &Arc<Settings>,
        draws: impl IntoIterator<Item = (K, u64)>,
    ) -> Result<Vec<(K, Drawn)>> {
        // No answer goes beyond the positions that the model was trained for.
        let room = decoder.config().text.max_positions.saturating_sub(prompt.length);
        let limit = settings.max_new_tokens.min(room);
        let (mut new, mut ended) = (Vec::new(), Vec::new());
        for (key, seed) in draws {
            let drawn =
                Drawn { tokens: Vec::new(), log_probabilities: Vec::new(), gaps: Vec::new(), stop: Stop::Length };
            let (next, length) = (prompt.next, prompt.length);
            let settings = Arc::clone(settings);
            let place = (self.pasts.len(), 0);
            let mut row = Row { key, settings, seed, drawn, token: 0, next, length, limit, place, done: limit == 0 };
            if !row.done {
                row.choose(&prompt.logits)?;
            }
            if row.done { ended.push((row.key, row.drawn)) } else { new.push(row) }
        }
        if !new.is_empty() {
            self.pasts.push(prompt.past);
            self.going.extend(new);
            self.gathered = false;
        }
        Ok(ended)
    }

    /// Draws one more token in every row; gives back those that are at their end.
    ///
    /// # Errors
    /// When memory does not suffice, the logits are not numbers, or the library fails: the rows are lost then.
    pub fn step(&mut self, decoder: &D) -> Result<Vec<(K, Drawn)>> {
        if self.going.is_empty() {
            return Ok(Vec::new());
        }
        let mut past = self.gather(decoder)?;
        let longest = self.going.iter().map(|r| r.length).max().unwrap_or(0);
        let tokens: Vec<u32> = self.going.iter().map(|r| r.token).collect();
        let positions: Vec<_> = self.going.iter().map(|r| [r.next; 3]).collect();
        let starts: Vec<usize> = self.going.iter().map(|r| longest - r.length).collect();
        let logits = decoder.step(&mut past, &tokens, &positions, &starts)?;
        let each = logits.len() / self.going.len();
        for (row, logits) in self.going.iter_mut().zip(logits.chunks_exact(each.max(1))) {
            row.next += 1;
            row.length += 1;
            row.choose(logits)?;
        }
        let before = self.going.len();
        let (ended, rows): (Vec<_>, Vec<_>) = self.going.drain(..).partition(|r| r.done);
        self.going = rows;
        self.gathered = self.going.len() == before;
        if !self.going.is_empty() {
            self.pasts.push(past);
        }
        Ok(ended.into_iter().map(|r| (r.key, r.drawn)).collect())
    }

    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.going.iter().map(|r| &r.key)
    }

    /// Keeps those whose keys are wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(&K) -> bool) {
        let before = self.going.len();
        self.going.retain(|r| wanted(&r.key));
        self.gathered &= self.going.len() == before;
        if self.going.is_empty() {
            self.clear();
        }
    }

    /// Gives all of them up.
    pub fn clear(&mut self) -> Vec<K> {
        self.pasts.clear();
        self.gathered = true;
        self.going.drain(..).map(|r| r.key).collect()
    }

    /// The batch of the rows as they are now. It is only made anew when rows came or went.
    fn gather(&mut self, decoder: &D) -> Result<D::Past> {
        let mut pasts = std::mem::take(&mut self.pasts);
        if self.gathered
            && let Some(past) = pasts.pop()
        {
            return Ok(past);
        }
        let place = |r: &Row<K>| Place { past: r.place.0, row: r.place.1, length: r.length };
        let places: Vec<Place> = self.going.iter().map(place).collect();
        for (i, row) in self.going.iter_mut().enumerate() {
            row.place = (0, i);
        }
        self.gathered = true;
        decoder.gather(pasts, &places)
    }
}

impl<K> Row<K> {
    /// Chooses the next token and notes it.
    fn choose(&mut self, logits: &[f32]) -> Result<()> {
        let drawn = &mut self.drawn;
        let choice = self.settings.sampler.choose(logits, uniform(self.seed, drawn.tokens.len() as u64))?;
        drawn.gaps.push(gap(logits));
        self.token = choice.token;
        if self.settings.stop.contains(&choice.token) {
            drawn.stop = Stop::Token;
            self.done = true;
            return Ok(());
        }
        drawn.tokens.push(choice.token);
        drawn.log_probabilities.push(choice.log_probability);
        self.done = drawn.tokens.len() >= self.limit;
        Ok(())
    }
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
