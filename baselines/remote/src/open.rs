//! Requests while their draws are on their way.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock};

use image::RgbImage;
use socio_backend::{BackendError, VlmRequest};

use crate::Seen;
use crate::answer::Answer;
use crate::picture;

/// A request while its draws are on their way.
pub(crate) struct Open<'a> {
    pub(crate) request: &'a VlmRequest,
    images: OnceLock<Result<Vec<String>, String>>,
    /// Whether a draw has failed: the others are of no use then.
    pub(crate) failed: AtomicBool,
    pub(crate) draws: Mutex<Vec<Option<Result<Answer, BackendError>>>>,
}

impl<'a> Open<'a> {
    pub(crate) fn new(request: &'a VlmRequest) -> Self {
        let draws = Mutex::new(request.seeds.iter().map(|_| None).collect());
        Self { request, images: OnceLock::new(), failed: AtomicBool::new(false), draws }
    }

    /// Its images as they are sent, made once for all draws.
    pub(crate) fn images(&self, seen: Option<Seen>) -> Result<&[String], String> {
        let made = self.images.get_or_init(|| {
            let url = |image: &RgbImage| match seen {
                Some(seen) => picture::data_url(&seen.resized(image)?),
                None => picture::data_url(image),
            };
            let urls = self.request.images.iter().map(|i| url(i));
            urls.collect::<Result<_, String>>().map_err(|e| format!("an image: {e}"))
        });
        made.as_deref().map_err(Clone::clone)
    }
}
