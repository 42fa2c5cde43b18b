//! The seam of vision-language models.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use image::RgbImage;
use serde::{Deserialize, Serialize};
use socio_dataset::hash::{self, FieldHasher};

use crate::BackendError;

/// How tokens are chosen. The released inference draws with temperature 1, top-k 100, then top-p 0.8.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 for greedy.
    pub temperature: f32,
    /// Keep the k likeliest tokens; 0 for all.
    pub top_k: u32,
    /// Then the fewest of these that hold this probability, in `0..=1`.
    pub top_p: f32,
    /// Tokens after which a completion is cut.
    pub max_new_tokens: u32,
}

impl Sampling {
    /// The likeliest token each time.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, top_p: 1.0, max_new_tokens: 2048 };
    /// As the released inference draws (`examples/infer/rlvr_megatron.yaml`).
    pub const RELEASED: Self = Self { temperature: 1.0, top_k: 100, top_p: 0.8, max_new_tokens: 2048 };
}

/// Says that an answer is not waited for any more. Clones say it of the same requests.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// From now on: what has not been answered ends with [`BackendError::Cancelled`], soon.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that was said.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One request: images, the user's text, and how to draw.
#[derive(Debug, Clone)]
pub struct VlmRequest {
    /// Images in the order in which the chat names them (SocioReasoner: map first, satellite second).
    pub images: Vec<Arc<RgbImage>>,
    /// The system prompt; the model's own default where absent.
    pub system: Option<String>,
    /// The user's text; the backend puts it into its model's chat template.
    pub text: String,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// One completion a seed.
    pub seeds: Vec<u64>,
    /// Whether log-probabilities of the chosen tokens are wanted, and the gaps beside them.
    pub log_probabilities: bool,
    /// The sample that is asked about, for recorded answers and for logs: no model sees it. Empty where there is none.
    pub sample: String,
    /// The stage that asks, likewise.
    pub stage: String,
    /// Whether it is still waited for.
    pub cancel: Cancel,
}

impl VlmRequest {
    /// What a recorded run knows one draw of a request by: a hash of the images' pixels, the text, how tokens are chosen
    /// and the draw's seed (32 hexadecimal characters).
    pub fn key(&self, seed: u64) -> String {
        let sampling = self.sampling;
        let start = FieldHasher::default()
            .field(&self.text)
            .field(seed.to_le_bytes())
            .field(sampling.temperature.to_le_bytes())
            .field(sampling.top_k.to_le_bytes())
            .field(sampling.top_p.to_le_bytes())
            .field(sampling.max_new_tokens.to_le_bytes());
        let start = self.system.iter().fold(start, |h, system| h.field("system").field(system));
        self.images.iter().fold(start, |h, image| h.field(hash::shared_pixels(image))).hex(32)
    }
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// A stop token.
    Stop,
    /// The limit of tokens.
    Length,
}

/// One drawn answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The text, special tokens left out.
    pub text: String,
    /// Ids of its tokens; empty where the backend counts them and does not tell them.
    pub tokens: Vec<u32>,
    /// How many they are.
    pub length: usize,
    /// Natural logarithms of their probabilities, one a token, where asked for.
    pub log_probabilities: Option<Vec<f32>>,
    /// The largest logit less the second largest, one a token and one more where a stop token was drawn, where asked for
    /// with the probabilities: how near another answer was.
    pub gaps: Option<Vec<f32>>,
    /// Why it ended.
    pub finish: Finish,
}

impl Completion {
    /// A text whose tokens nobody counted.
    pub fn untold(text: String) -> Self {
        let tokens = Vec::new();
        Self { text, tokens, length: 0, log_probabilities: None, gaps: None, finish: Finish::Stop }
    }
}

/// Where the time of a reply went; of requests that were answered together, each is told the time of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VlmTimings {
    /// The vision tower.
    pub vision: Duration,
    /// The prompt's tokens, and the first token of each completion.
    pub prefill: Duration,
    /// Each token after the first; one time a step, whatever the number of completions.
    pub tokens: Vec<Duration>,
}

impl VlmTimings {
    /// All tokens after the first.
    pub fn decode(&self) -> Duration {
        self.tokens.iter().sum()
    }
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct VlmReply {
    /// One completion a seed, in their order.
    pub completions: Vec<Completion>,
    /// Ids of the prompt's tokens, image placeholders included; empty where the backend does not tell them.
    pub prompt_tokens: Vec<u32>,
    /// How many they are.
    pub prompt_length: usize,
    /// How many of them stand for images: what the vision tower gave.
    pub image_tokens: usize,
    /// Where the time went.
    pub timings: VlmTimings,
}

impl VlmReply {
    /// Completions that took no model and no time.
    pub fn untold(completions: Vec<Completion>) -> Self {
        let timings = VlmTimings::default();
        Self { completions, prompt_tokens: Vec::new(), prompt_length: 0, image_tokens: 0, timings }
    }
}

/// What a vision-language backend can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlmCaps {
    /// The backend and model, as `candle:Qwen2.5-VL-3B`.
    pub name: String,
    /// Largest number of requests it computes at once.
    pub max_batch: usize,
    /// Largest number of images in a request.
    pub max_images: usize,
    /// The side of the squares that it knows, in pixels, where it knows those of one size alone: it sees and answers in them.
    pub square: Option<u32>,
    /// Whether it can tell log-probabilities, and the gaps beside them.
    pub log_probabilities: bool,
    /// Whether equal requests get equal answers.
    pub deterministic: bool,
    /// Hash of what decides its answers (weights, configuration).
    pub fingerprint: String,
}

/// What was asked of a server and what it cost, as far as the server told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Requests that were asked, each with one or more draws.
    pub requests: u64,
    /// Of these, those that were answered.
    pub answered: u64,
    /// Requests sent: one a draw, and one more for each time that one had to be sent again.
    pub tries: u64,
    /// Tokens of the prompts of answered requests; each draw counts its prompt.
    pub prompt_tokens: u64,
    /// Tokens of their completions.
    pub completion_tokens: u64,
    /// Tokens of replies that came and were not used.
    pub wasted_tokens: u64,
    /// Tries that may have cost something that nobody told: where this is not 0, the tokens are too few.
    pub untold: u64,
}

/// A vision-language model.
pub trait Vlm: Send + Sync {
    /// What it can do.
    fn caps(&self) -> &VlmCaps;

    /// What it cost so far, where it is a server that counts.
    fn cost(&self) -> Option<Cost> {
        None
    }

    /// Answers each request; the answers come in the order of the requests, and one that fails does not spoil the others.
    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>>;
}
