//! A policy that keeps what it was asked and what it said, token by token, so that it can be trained on it.

use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;
use socio_backend::{BackendError, Finish, Vlm, VlmCaps, VlmReply, VlmRequest};

/// What was asked and said once.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// The images, at the size at which they were shown.
    pub images: Vec<Arc<RgbImage>>,
    /// The prompt's tokens, image placeholders included.
    pub prompt: Vec<u32>,
    /// The answer's, with the stop token where it ended by itself.
    pub answer: Vec<u32>,
    /// The answer.
    pub text: String,
}

/// A [`Vlm`] that keeps all of it.
pub struct Recorder {
    inner: Arc<dyn Vlm>,
    stop: u32,
    spoken: Mutex<Vec<Spoken>>,
}

impl Recorder {
    /// Round a model whose answers end with the token `stop`.
    pub fn new(inner: Arc<dyn Vlm>, stop: u32) -> Self {
        Self { inner, stop, spoken: Mutex::new(Vec::new()) }
    }

    /// What was said since it was asked for last, in that order.
    pub fn take(&self) -> Vec<Spoken> {
        std::mem::take(&mut *self.spoken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Vlm for Recorder {
    fn caps(&self) -> &VlmCaps {
        self.inner.caps()
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let replies = self.inner.ask(requests);
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        for (request, reply) in requests.iter().zip(&replies) {
            let Ok(reply) = reply else { continue };
            for said in &reply.completions {
                let mut answer = said.tokens.clone();
                if said.finish == Finish::Stop {
                    answer.push(self.stop);
                }
                let (images, prompt) = (request.images.clone(), reply.prompt_tokens.clone());
                spoken.push(Spoken { images, prompt, answer, text: said.text.clone() });
            }
        }
        replies
    }
}
