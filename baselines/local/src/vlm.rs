//! Qwen2.5-VL as a [`Vlm`].

use std::sync::{Mutex, PoisonError};

use image::RgbImage;
use socio_backend::{BackendError, Completion, Finish, Sampling, Vlm, VlmCaps, VlmReply, VlmRequest, VlmTimings};
use socio_dataset::pillow::{self, Filter};
use socio_models::qwen2_5_vl::{
    Chat, Drawn, Grid, Patches, PictureConfig, Prompt, Qwen2_5Vl, Sampler, Settings, Stop, Times, Tokenizer, patches,
    smart_resize,
};
use socio_models::{ModelError, Tensor};

use crate::place::Place;
use crate::told::told;

/// Counts up when the steps round the network change, so that runs do not mix.
const PROCESSING: &str = "qwen2.5-vl-processor-v1";

/// A Qwen2.5-VL as a [`Vlm`].
pub struct QwenVlm<T: Tensor> {
    model: Mutex<Qwen2_5Vl<T>>,
    tokenizer: Tokenizer,
    pictures: PictureConfig,
    pixels: Pixels,
    merge: usize,
    place: Place<T>,
    caps: VlmCaps,
}

/// How many pixels the model sees of an image at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels {
    /// A smaller image is enlarged.
    pub min: usize,
    /// A larger image is made smaller.
    pub max: usize,
}

impl Pixels {
    /// As `preprocessor_config.json` of the published models has it.
    pub const PUBLISHED: Self = Self { min: 56 * 56, max: 28 * 28 * 16384 };
}

/// A request made ready: its tokens and its images' patches.
struct Ready {
    ids: Vec<u32>,
    images: Vec<Patches>,
}

impl<T: Tensor> QwenVlm<T> {
    /// `name` as tables name it; `weights` a hash of the weights; `batch` the most prompts that are computed together.
    ///
    /// # Errors
    /// When the tokenizer has more tokens than the model, or cannot be written down.
    pub fn new(
        name: &str,
        model: Qwen2_5Vl<T>,
        tokenizer: Tokenizer,
        pixels: Pixels,
        weights: &str,
        batch: usize,
        place: Place<T>,
    ) -> Result<Self, ModelError> {
        let pictures = PictureConfig::of(&model.config.vision);
        let processing = format!("{PROCESSING} {pictures:?} {pixels:?}");
        let configuration = format!("{:?} {}", model.config, tokenizer.to_json()?);
        let caps = VlmCaps {
            name: format!("{}:{name}", place.library),
            max_batch: batch.max(1),
            max_images: usize::MAX,
            log_probabilities: true,
            deterministic: true,
            fingerprint: place.fingerprint(weights, &configuration, &processing),
        };
        let merge = model.config.vision.spatial_merge_size;
        Ok(Self { model: Mutex::new(model), tokenizer, pictures, pixels, merge, place, caps })
    }

    /// The processor's steps: each image at the size that the model sees, cut into patches; the chat, with as many image
    /// tokens as each image has merged patches.
    fn ready(&self, request: &VlmRequest) -> Result<Ready, ModelError> {
        let images: Vec<Patches> = request.images.iter().map(|i| self.picture(i)).collect::<Result<_, _>>()?;
        let grids: Vec<Grid> = images.iter().map(|p| p.grid).collect();
        let chat = match &request.system {
            Some(system) => Chat::with_system(system, &grids, &request.text),
            None => Chat::new(&grids, &request.text),
        };
        let ids = chat.ids(&self.tokenizer, self.merge)?;
        Ok(Ready { ids, images })
    }

    fn picture(&self, image: &RgbImage) -> Result<Patches, ModelError> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (h, w) = smart_resize(height, width, self.pictures.factor(), self.pixels.min, self.pixels.max)?;
        let input = |e: pillow::ResizeError| ModelError::Input(e.to_string());
        let seen = pillow::resize(image, w as u32, h as u32, Filter::Bicubic).map_err(input)?;
        patches(seen.as_raw(), w, h, &self.pictures)
    }

    fn answer(&self, requests: &[(&VlmRequest, Ready)]) -> Result<(Vec<Vec<Drawn>>, Times), ModelError> {
        let prompts: Vec<Prompt<'_>> = requests
            .iter()
            .map(|(request, ready)| Prompt {
                ids: ready.ids.clone(),
                images: ready.images.iter().collect(),
                seeds: request.seeds.clone(),
            })
            .collect();
        let Sampling { temperature, top_k, top_p, max_new_tokens } = requests[0].0.sampling;
        let settings = Settings {
            sampler: Sampler { temperature, top_k, top_p },
            max_new_tokens: max_new_tokens as usize,
            stop: self.tokenizer.stops().to_vec(),
        };
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        // Lent out whole, since a library's tensors need not be shareable between threads.
        let model: &mut Qwen2_5Vl<T> = &mut model;
        let generated = self.place.run(move || model.generate(&prompts, &settings, &|| false))?;
        Ok((generated.answers, generated.times))
    }

    fn reply(
        &self,
        (request, ready): &(&VlmRequest, Ready),
        drawn: Vec<Drawn>,
        times: &Times,
    ) -> Result<VlmReply, ModelError> {
        let completion = |d: Drawn| {
            Ok(Completion {
                text: self.tokenizer.decode(&d.tokens)?,
                tokens: d.tokens,
                log_probabilities: request.log_probabilities.then_some(d.log_probabilities),
                finish: match d.stop {
                    Stop::Token => Finish::Stop,
                    Stop::Length => Finish::Length,
                },
            })
        };
        Ok(VlmReply {
            completions: drawn.into_iter().map(completion).collect::<Result<_, ModelError>>()?,
            prompt_tokens: ready.ids.clone(),
            image_tokens: ready.images.iter().map(|p| p.grid.tokens(self.merge)).sum(),
            timings: VlmTimings { vision: times.vision, prefill: times.prefill, tokens: times.tokens.clone() },
        })
    }

    /// Answers requests of one way of sampling together; when that fails, one at a time, so that one that cannot be answered
    /// does not spoil the others.
    fn batch(&self, requests: &[(&VlmRequest, Ready)]) -> Vec<Result<VlmReply, ModelError>> {
        if requests.is_empty() {
            return Vec::new();
        }
        match self.answer(requests) {
            Ok((answers, times)) => {
                requests.iter().zip(answers).map(|(request, drawn)| self.reply(request, drawn, &times)).collect()
            }
            Err(_) if requests.len() > 1 => requests.chunks(1).flat_map(|one| self.batch(one)).collect(),
            Err(e) => vec![Err(e)],
        }
    }
}

impl<T: Tensor> Vlm for QwenVlm<T> {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let mut replies: Vec<Option<Result<VlmReply, ModelError>>> = requests.iter().map(|_| None).collect();
        let mut waiting: Vec<usize> = (0..requests.len()).collect();
        while let Some(first) = waiting.first() {
            let kind = bits(&requests[*first].sampling);
            let (mut now, later): (Vec<usize>, Vec<usize>) =
                waiting.into_iter().partition(|i| bits(&requests[*i].sampling) == kind);
            waiting = now.split_off(now.len().min(self.caps.max_batch));
            waiting.extend(later);
            // Images are only made ready for the batch that is next: patches take memory.
            let mut batch = Vec::with_capacity(now.len());
            now.retain(|i| match self.ready(&requests[*i]) {
                Ok(ready) => {
                    batch.push((&requests[*i], ready));
                    true
                }
                Err(e) => {
                    replies[*i] = Some(Err(e));
                    false
                }
            });
            for (place, reply) in now.into_iter().zip(self.batch(&batch)) {
                replies[place] = Some(reply);
            }
        }
        let none = || Err(ModelError::Input("no answer was made".to_owned()));
        replies.into_iter().map(|r| r.unwrap_or_else(none).map_err(told(&self.caps.name, "answering"))).collect()
    }
}

/// What tells two ways of sampling apart, numbers that are none included.
fn bits(sampling: &Sampling) -> [u32; 4] {
    [sampling.temperature.to_bits(), sampling.top_k, sampling.top_p.to_bits(), sampling.max_new_tokens]
}
