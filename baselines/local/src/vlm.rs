//! Qwen2.5-VL as a [`Vlm`], whatever computes it.

use std::sync::Arc;

use socio_backend::{
    BackendError, Completion, Finish, Sampling, Turns, Vlm, VlmCaps, VlmReply, VlmRequest, VlmTimings,
};
use socio_dataset::hash;
use socio_models::ModelError;
use socio_models::qwen2_5_vl::{Chat, Decoder, Drawn, Grid, PictureConfig, Sampler, Settings, Stop, Tokenizer};

use crate::engine::{Answered, Continuous, Job, Kept, Names, Picture, Pixels, Seer, Spent, Within};
use crate::told::told;

/// Counts up when the steps round the network change, so that runs do not mix.
const PROCESSING: &str = "qwen2.5-vl-processor-v2";

/// How much is answered at once, and how much is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Answers on their way at once at most (at least one). A request with more draws than that is answered by itself.
    pub batch: usize,
    /// Bytes in which images' vectors, and keys and values of prompts' beginnings, are kept for the next request on the same
    /// images; 0 keeps nothing. Answers do not depend on it.
    pub kept: usize,
}

/// What a network is called and where it runs.
pub struct Identity<'a> {
    /// The library, as `candle`.
    pub library: &'a str,
    /// The name, as tables name it.
    pub name: &'a str,
    /// Hash of the weights.
    pub weights: &'a str,
    /// The device, and the types of numbers there.
    pub numbers: &'a str,
}

/// A Qwen2.5-VL as a [`Vlm`]: what threads ask is answered together, as far as there is room.
pub struct QwenVlm<D: Decoder + Send> {
    turns: Turns<Continuous<D>>,
    tokenizer: Tokenizer,
    seer: Seer,
    names: Names,
    merge: usize,
    caps: VlmCaps,
}

impl Identity<'_> {
    /// What decides answers beside a request: the weights, the network's configuration, the steps round it, and the types of
    /// numbers on this library.
    pub(crate) fn fingerprint(&self, configuration: &str, processing: &str) -> String {
        let start = hash::FieldHasher::default().field(self.weights).field(configuration);
        start.field(processing).field(self.numbers).hex(16)
    }
}

/// Fewest and most pixels are the same where a model knows pictures of one size.
fn seen_square(pixels: Pixels) -> Option<u32> {
    let side = pixels.max.isqrt();
    (pixels.min == pixels.max && side * side == pixels.max).then_some(side as u32)
}

impl<D: Decoder + Send> QwenVlm<D> {
    /// `within` runs each step where the network's library wants to be called.
    ///
    /// # Errors
    /// When the tokenizer cannot be written down.
    pub fn new(
        model: D,
        tokenizer: Tokenizer,
        pixels: Pixels,
        identity: &Identity<'_>,
        load: Load,
        within: impl Fn(&mut (dyn FnMut() + Send)) + Send + 'static,
    ) -> Result<Self, ModelError> {
        let pictures = PictureConfig::of(&model.config().vision);
        let processing = format!("{PROCESSING} {pictures:?} {pixels:?}");
        let configuration = format!("{:?} {}", model.config(), tokenizer.to_json()?);
        let fingerprint = identity.fingerprint(&configuration, &processing);
        let batch = load.batch.max(1);
        let caps = VlmCaps {
            name: format!("{}:{}", identity.library, identity.name),
            max_batch: batch,
            max_images: usize::MAX,
            square: seen_square(pixels),
            log_probabilities: true,
            deterministic: true,
            fingerprint,
        };
        let merge = model.config().vision.spatial_merge_size;
        let seer = Seer { pictures, pixels };
        let within: Within = Box::new(within);
        let names = Names::default();
        let kept = Kept::new(load.kept, names.clone());
        let turns = Turns::new(Continuous::new(model, seer, batch, kept, within));
        Ok(Self { turns, tokenizer, seer, names, merge, caps })
    }

    /// The processor's steps: each image at the size that the model sees, cut into patches; the chat, with as many image
    /// tokens as each image has merged patches.
    fn job(&self, request: &VlmRequest) -> Result<Job, ModelError> {
        let picture = |image| {
            let picture = Picture::new(Arc::clone(image), self.seer.grid(image)?);
            // Here, on the thread that asks, while the network computes for others.
            if !self.names.has(&picture.key) {
                picture.cut(&self.seer)?;
            }
            Ok(picture)
        };
        let pictures: Vec<Picture> = request.images.iter().map(picture).collect::<Result<_, ModelError>>()?;
        let grids: Vec<Grid> = pictures.iter().map(|p| p.grid).collect();
        let chat = match &request.system {
            Some(system) => Chat::with_system(system, &grids, &request.text),
            None => Chat::new(&grids, &request.text),
        };
        let ids = chat.ids(&self.tokenizer, self.merge)?;
        let Sampling { temperature, top_k, top_p, max_new_tokens } = request.sampling;
        let settings = Arc::new(Settings {
            sampler: Sampler { temperature, top_k, top_p },
            max_new_tokens: max_new_tokens as usize,
            stop: self.tokenizer.stops().to_vec(),
        });
        let (seeds, cancel) = (request.seeds.clone(), request.cancel.clone());
        Ok(Job { ids, pictures, seeds, settings, cancel })
    }

    fn reply(&self, request: &VlmRequest, asked: Asked, answered: Answered) -> Result<VlmReply, ModelError> {
        let (drawn, Spent { vision, prefill, tokens }) = answered?;
        let completion = |d: Drawn| {
            Ok(Completion {
                text: self.tokenizer.decode(&d.tokens)?,
                length: d.tokens.len(),
                tokens: d.tokens,
                log_probabilities: request.log_probabilities.then_some(d.log_probabilities),
                gaps: request.log_probabilities.then_some(d.gaps),
                finish: match d.stop {
                    Stop::Token => Finish::Stop,
                    Stop::Length => Finish::Length,
                },
            })
        };
        Ok(VlmReply {
            completions: drawn.into_iter().map(completion).collect::<Result<_, ModelError>>()?,
            prompt_length: asked.ids.len(),
            prompt_tokens: asked.ids,
            image_tokens: asked.image_tokens,
            timings: VlmTimings { vision, prefill, tokens },
        })
    }
}

/// What is told of a prompt beside its answers.
struct Asked {
    ids: Vec<u32>,
    image_tokens: usize,
}

impl<D: Decoder + Send> Vlm for QwenVlm<D> {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let (mut jobs, mut asked) = (Vec::new(), Vec::new());
        for request in requests {
            asked.push(self.job(request).map(|job| {
                let image_tokens = job.pictures.iter().map(|p| p.grid.tokens(self.merge)).sum();
                let asked = Asked { ids: job.ids.clone(), image_tokens };
                jobs.push(job);
                asked
            }));
        }
        let mut answers = self.turns.ask(jobs).into_iter();
        let none = || Err(ModelError::Input("no answer was made".to_owned()));
        let reply = |(request, asked): (&VlmRequest, Result<Asked, ModelError>)| {
            asked.and_then(|asked| self.reply(request, asked, answers.next().unwrap_or_else(none)))
        };
        requests.iter().zip(asked).map(reply).map(|r| r.map_err(told(&self.caps.name, "answering"))).collect()
    }
}
