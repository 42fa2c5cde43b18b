//! Qwen2.5-VL as a [`Vlm`].

use std::sync::{Mutex, PoisonError};

use image::RgbImage;
use socio_backend::{BackendError, Completion, Finish, Sampling, Vlm, VlmCaps, VlmReply, VlmRequest, VlmTimings};
use socio_dataset::hash;
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
        let fingerprint = hash::FieldHasher::default()
            .field(weights)
            .field(tokenizer.to_json()?)
            .field(format!("{pictures:?} {pixels:?}"))
            .field(PROCESSING)
            .field(place.library)
            .field(format!("{}/{}", place.compute, place.matrices));
        let caps = VlmCaps {
            name: format!("{}:{name}", place.library),
            max_batch: batch.max(1),
            max_images: usize::MAX,
            log_probabilities: true,
            deterministic: true,
            fingerprint: fingerprint.hex(16),
        };
        let merge = model.config.vision.spatial_merge_size;
        Ok(Self { model: Mutex::new(model), tokenizer, pictures, pixels, merge, place, caps })
    }

    /// The processor's steps: each image at the size that the model sees, cut into patches; the chat, with as many image
    /// tokens as each image has merged patches.
    fn ready(&self, request: &VlmRequest) -> Result<Ready, ModelError> {
        let images: Vec<Patches> = request.images.iter().map(|i| self.picture(i)).collect::<Result<_, _>>()?;
        let grids: Vec<Grid> = images.iter().map(|p| p.grid).collect();
        let ids = Chat::new(&grids, &request.text).ids(&self.tokenizer, self.merge)?;
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
            timings: VlmTimings { vision: times.vision, prefill: times.prefill, tokens: times.tokens.clone() },
        })
    }

    /// Answers requests of one way of sampling together; when that fails, one at a time, so that one that cannot be answered
    /// does not spoil the others.
    fn batch(&self, requests: &[(&VlmRequest, Ready)]) -> Vec<Result<VlmReply, ModelError>> {
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
        let mut waiting: Vec<(usize, (&VlmRequest, Ready))> = Vec::new();
        for (i, request) in requests.iter().enumerate() {
            match self.ready(request) {
                Ok(ready) => waiting.push((i, (request, ready))),
                Err(e) => replies[i] = Some(Err(e)),
            }
        }
        while let Some((_, (first, _))) = waiting.first() {
            let sampling = first.sampling;
            let (mut now, later): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|(_, (r, _))| r.sampling == sampling);
            waiting = now.split_off(now.len().min(self.caps.max_batch));
            waiting.extend(later);
            let (places, batch): (Vec<_>, Vec<_>) = now.into_iter().unzip();
            for (place, reply) in places.into_iter().zip(self.batch(&batch)) {
                replies[place] = Some(reply);
            }
        }
        let none = || Err(ModelError::Input("no answer was made".to_owned()));
        replies.into_iter().map(|r| r.unwrap_or_else(none).map_err(told(&self.caps.name, "answering"))).collect()
    }
}
