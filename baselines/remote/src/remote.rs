//! The model of a server, behind the seam.

use std::env;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use socio_backend::{BackendError, Cost, Offer, Role, Vlm, VlmCaps, VlmReply, VlmRequest, VlmTimings};
use socio_dataset::hash::FieldHasher;

use crate::answer::Answer;
use crate::body::body;
use crate::key::Key;
use crate::look::look;
use crate::open::Open;
use crate::persist::Asking;
use crate::pool::Pool;
use crate::usage::Counters;
use crate::wire::Wire;
use crate::{Load, Options};

/// Counts up when what is sent or how replies are read changes, so that runs do not mix.
const PROCESSING: &str = "remote-v1";
const ASKING: &str = "asking the server";

/// A model that servers have.
///
/// Its fingerprint is of the model's name, the dialect and `extra`: what decides its answers as far as it is known here.
/// Addresses are not part of it, since the same model behind another address is the same; nor are the weights behind the
/// name, the server's own configuration, or the key. It is never `deterministic`: servers batch what they are asked, and
/// sums in another order are other sums.
pub struct Remote {
    model: String,
    options: Options,
    wire: Wire,
    pool: Pool,
    counters: Counters,
    caps: VlmCaps,
}

/// One draw of one request, and its place.
type Draw = (usize, usize);

impl Remote {
    /// Asks every endpoint for its models, and is ready where at least one answers: those that do not rest.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] for options or a key that cannot be (see [`Options::check`]), when no endpoint
    /// answers, and when one refuses the key, redirects, or has other models and not this one.
    pub fn connect(model: &str, options: Options) -> Result<Self, BackendError> {
        let name = format!("remote:{model}");
        let unavailable = |why: String| BackendError::Unavailable { backend: name.clone(), why };
        if model.trim().is_empty() {
            return Err(unavailable("no model: name one that the server has".to_owned()));
        }
        options.check().map_err(|e| unavailable(e.to_string()))?;
        let key = Key::find(&options.key_variable, |v| env::var_os(v)).map_err(|e| unavailable(e.to_string()))?;
        let addresses = options.addresses().map_err(|e| unavailable(e.to_string()))?;
        let wire = Wire::new(&options, &addresses, key);
        let pool = Pool::new(&addresses, &options);
        let caps = VlmCaps {
            name: name.clone(),
            max_batch: options.max_in_flight.saturating_mul(options.endpoints.len()),
            max_images: usize::MAX,
            square: None,
            log_probabilities: options.log_probabilities && options.dialect.tells_log_probabilities(),
            deterministic: false,
            fingerprint: fingerprint(model, &options),
        };
        look(&wire, &pool, &addresses, model, &options).map_err(|e| match e.told(&name, "looking for the model") {
            BackendError::Inference { why, .. } => unavailable(why),
            other => other,
        })?;
        Ok(Self { model: model.to_owned(), options, wire, pool, counters: Counters::default(), caps })
    }

    /// Whether a model can be asked, as [`Remote::connect`] finds it.
    pub fn offer(model: &str, options: Options) -> Offer {
        let about = "a model of an OpenAI-compatible server (vLLM, SGLang, llama.cpp, Ray Serve, transformers serve)";
        Offer::checked(&format!("remote:{model}"), Role::Vlm, about, Self::connect(model, options).map(|_| ()))
    }

    /// How each endpoint does, in the order of the options.
    pub fn endpoints(&self) -> Vec<Load> {
        self.pool.loads()
    }

    /// Ends all waits and all requests that are on their way; they fail, and so does everything that is asked afterwards.
    pub fn stop(&self) {
        self.options.stop.store(true, Ordering::Relaxed);
        self.wire.shut_down();
    }
}

fn fingerprint(model: &str, options: &Options) -> String {
    let extra = serde_json::Value::Object(options.extra.clone()).to_string();
    let seen = format!("{:?}", options.seen);
    FieldHasher::default().field(PROCESSING).field(model).field(options.dialect.name()).field(extra).field(seen).hex(32)
}

impl Remote {
    fn draw(&self, open: &Open<'_>, seed: u64) -> Result<Answer, BackendError> {
        let unsupported = |what: String| BackendError::Unsupported { backend: self.caps.name.clone(), what };
        let request = open.request;
        if request.log_probabilities && !self.caps.log_probabilities {
            return Err(unsupported("requests for log-probabilities".to_owned()));
        }
        let images = open.images(self.options.seen).map_err(unsupported)?;
        let sent = body(&self.model, &self.options, request, images, seed).map_err(unsupported)?;
        let hash =
            FieldHasher::default().field(request.key(seed)).field(&request.sample).field(&request.stage).number();
        let asking = Asking {
            wire: &self.wire,
            pool: &self.pool,
            counters: &self.counters,
            options: &self.options,
            model: &self.model,
            cancel: &request.cancel,
        };
        asking.persist(&sent, hash, request.log_probabilities).map_err(|e| e.told(&self.caps.name, ASKING))
    }

    /// Takes draws until none is left.
    fn work(&self, open: &[Open<'_>], draws: &[Draw], next: &AtomicUsize) {
        while let Some(&(request, draw)) = draws.get(next.fetch_add(1, Ordering::Relaxed)) {
            let open = &open[request];
            if open.failed.load(Ordering::Relaxed) {
                continue;
            }
            let answer = self.draw(open, open.request.seeds[draw]);
            if answer.is_err() {
                open.failed.store(true, Ordering::Relaxed);
            }
            open.draws.lock().unwrap_or_else(PoisonError::into_inner)[draw] = Some(answer);
        }
    }

    /// One reply of a request's draws; the first that failed decides.
    fn reply(&self, open: Open<'_>) -> Result<VlmReply, BackendError> {
        let (mut answers, mut failure) = (Vec::new(), None);
        for draw in open.draws.into_inner().unwrap_or_else(PoisonError::into_inner) {
            match draw {
                Some(Ok(answer)) => answers.push(answer),
                Some(Err(e)) => failure = failure.or(Some(e)),
                None => {}
            }
        }
        if failure.is_none() && answers.len() < open.request.seeds.len() {
            let why = "a draw was never made".to_owned();
            failure = Some(BackendError::Inference { backend: self.caps.name.clone(), doing: ASKING, why });
        }
        if let Some(failure) = failure {
            for answer in &answers {
                self.counters.waste(answer.spent());
            }
            return Err(failure);
        }
        self.counters.answer(answers.iter().map(Answer::spent));
        let slowest = answers.iter().max_by_key(|a| a.time());
        let timings = slowest.map_or_else(VlmTimings::default, Answer::timings);
        let prompt_length = answers.first().map_or(0, Answer::prompt_length);
        let prompt_tokens = answers.first_mut().map(|a| std::mem::take(&mut a.prompt_tokens)).unwrap_or_default();
        let asked = open.request.log_probabilities;
        let completions = answers.into_iter().map(|a| a.completion(asked)).collect();
        Ok(VlmReply { completions, prompt_tokens, prompt_length, image_tokens: 0, timings })
    }
}

impl Vlm for Remote {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn cost(&self) -> Option<Cost> {
        Some(self.counters.snapshot())
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let open: Vec<Open<'_>> = requests.iter().map(Open::new).collect();
        let of = |(i, open): (usize, &Open<'_>)| (0..open.request.seeds.len()).map(move |draw| (i, draw));
        let draws: Vec<Draw> = open.iter().enumerate().flat_map(of).collect();
        self.counters.requests(requests.len());
        let next = AtomicUsize::new(0);
        let work = || self.work(&open, &draws, &next);
        thread::scope(|s| {
            // One draw needs no thread but this; more than can be in flight would only wait.
            for _ in 1..draws.len().min(self.caps.max_batch) {
                s.spawn(work);
            }
            work();
        });
        open.into_iter().map(|o| self.reply(o)).collect()
    }
}
