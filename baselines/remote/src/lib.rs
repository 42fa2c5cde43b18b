//! A [`Vlm`](socio_backend::Vlm) over model servers that speak OpenAI's chat completions with images: vLLM, SGLang,
//! llama.cpp, Ray Serve and `transformers serve`. It is the way past one machine.
//!
//! [`Remote::connect`] takes the model's name and [`Options`]; requests then go to the least loaded endpoint that is well.
//! What decides an answer is told in full with every request, so that no default of a server or of a model's
//! `generation_config.json` (a repetition penalty, a `min_p`) gets into it unseen; see [`Dialect`] for what each kind of
//! server is sent.
//!
//! # What is not done here
//!
//! Images are sent as PNG with exactly the pixels that the local path would see: resized as the reference resizes
//! ([`Options::seen`]), so that the server's processor, which may resize otherwise, finds nothing to do. Its least and
//! greatest number of pixels have to allow that size. Servers that take them by request get them through
//! [`Options::extra`], as `{"mm_processor_kwargs": {"min_pixels": 3136, "max_pixels": 12845056}}`.
//!
//! The user's text goes through the server's chat template and tokenizer. A server reads `<|im_end|>` in it as a special
//! token, where the local path keeps it as text.
//!
//! # What a reply holds
//!
//! Token ids where the server tells them (vLLM and SGLang do), else none, and the number that the server's `usage` tells,
//! which counts the stop token. Log-probabilities are of the model's own distribution where the server has it so (vLLM's
//! default); the gap of a token is the difference of the two largest. The time of the vision tower is not told apart: it is
//! part of the prefill, as are the network and the server's queue. A draw that shares a request with others is a request of
//! its own to the server, since every draw has its own seed; the reply has the times of the slowest.
//!
//! # What happens when a server does not answer well
//!
//! Time-outs, 408, 409, 425, 429, 500, 502, 503, 504, connections that fail and bodies that are cut off or are not what
//! they should be are tried again, elsewhere where there is an elsewhere, after a jittered wait, within
//! [`Options::tries`] and [`Options::budget`]; everything else fails at once. One reply comes of one request, whatever was
//! tried; the tokens of replies that were thrown away are counted apart ([`Cost::wasted_tokens`](socio_backend::Cost::wasted_tokens)). An endpoint that fails
//! [`Options::failures`] times in a row rests.
//!
//! # Keys
//!
//! A key is read from the environment ([`Options::key_variable`]) and sent as a bearer token. It is in no error, log,
//! `Debug` text or fingerprint, and redirects are not followed, so no other host gets it.

mod address;
mod answer;
mod back_off;
mod body;
mod broken;
mod dialect;
mod endpoint;
mod events;
mod failure;
mod key;
mod look;
mod models;
mod names;
mod nap;
mod open;
mod option_error;
mod options;
mod persist;
mod picture;
mod pool;
mod reading;
mod remote;
mod retry_after;
mod seen;
mod told;
mod usage;
mod wire;

pub use dialect::Dialect;
pub use endpoint::Load;
pub use option_error::OptionError;
pub use options::Options;
pub use remote::Remote;
pub use seen::Seen;
