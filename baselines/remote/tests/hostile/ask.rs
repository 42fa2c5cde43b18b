//! What tests ask, and how patiently.

use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;
use socio_backend::{BackendError, Cancel, Sampling, Vlm, VlmReply, VlmRequest};
use socio_remote::{Options, Remote};

use crate::server::{MODEL, Server};

/// Options that lose no time with waiting.
pub(crate) fn quick(server: &Server) -> Options {
    Options {
        tries: 4,
        back_off: Duration::from_millis(1),
        longest_back_off: Duration::from_millis(4),
        rest: Duration::from_millis(2),
        connect: Duration::from_secs(10),
        silence: Duration::from_secs(20),
        timeout: Duration::from_secs(30),
        ..Options::at(&server.base())
    }
}

pub(crate) fn remote(options: Options) -> Remote {
    Remote::connect(MODEL, options).unwrap()
}

pub(crate) fn request(text: &str) -> VlmRequest {
    VlmRequest {
        images: vec![Arc::new(RgbImage::from_pixel(3, 2, image::Rgb([1, 2, 3])))],
        system: None,
        text: text.to_owned(),
        sampling: Sampling { max_new_tokens: 16, ..Sampling::GREEDY },
        seeds: vec![1],
        log_probabilities: false,
        sample: String::new(),
        stage: String::new(),
        cancel: Cancel::default(),
    }
}

/// The one reply to one request.
pub(crate) fn one(remote: &Remote, request: VlmRequest) -> Result<VlmReply, BackendError> {
    let mut replies = remote.ask(&[request]);
    assert_eq!(replies.len(), 1);
    replies.remove(0)
}

/// The text of the answer to a text.
pub(crate) fn ask(remote: &Remote, text: &str) -> Result<String, BackendError> {
    let mut reply = one(remote, request(text))?;
    assert_eq!(reply.completions.len(), 1);
    Ok(reply.completions.remove(0).text)
}
