//! Embeddings shared between stages and queries on the same image.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use image::RgbImage;
use socio_dataset::hash;

use crate::{BackendError, Embedding, Prompt, Segment, Segmenter, SegmenterCaps};

type Slot = Arc<OnceLock<Result<Embedding, BackendError>>>;

/// A segmenter that looks at each image once as long as it is among the last `capacity` images seen. Two threads that ask
/// for the same image wait for one computation.
pub struct SharedEmbeddings {
    inner: Arc<dyn Segmenter>,
    capacity: usize,
    recent: Mutex<VecDeque<(String, Slot)>>,
}

impl SharedEmbeddings {
    /// Keeps the embeddings of up to `capacity` images (at least one).
    pub fn new(inner: Arc<dyn Segmenter>, capacity: usize) -> Self {
        Self { inner, capacity: capacity.max(1), recent: Mutex::default() }
    }

    fn slot(&self, key: String) -> Slot {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match recent.iter().position(|(k, _)| *k == key) {
            Some(i) => recent.remove(i),
            None => None,
        };
        let entry = entry.unwrap_or_else(|| (key, Slot::default()));
        let slot = Arc::clone(&entry.1);
        recent.push_front(entry);
        recent.truncate(self.capacity);
        slot
    }
}

impl Segmenter for SharedEmbeddings {
    fn caps(&self) -> &SegmenterCaps {
        self.inner.caps()
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        self.slot(hash::shared_pixels(image)).get_or_init(|| self.inner.embed(image)).clone()
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        self.inner.prompt(embedding, prompts)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::NullSegmenter;

    #[derive(Default)]
    struct Counting(NullSegmenter, AtomicUsize);

    impl Segmenter for Counting {
        fn caps(&self) -> &SegmenterCaps {
            self.0.caps()
        }
        fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.embed(image)
        }
        fn prompt(&self, e: &Embedding, p: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
            self.0.prompt(e, p)
        }
    }

    #[test]
    fn an_image_is_embedded_once_while_it_is_recent() {
        let counting = Arc::new(Counting::default());
        let shared = SharedEmbeddings::new(Arc::<Counting>::clone(&counting), 2);
        let image = |v: u8| Arc::new(RgbImage::from_pixel(2, 2, image::Rgb([v; 3])));
        for v in [1, 1, 2, 1, 3, 1] {
            shared.embed(&image(v)).unwrap();
        }
        assert_eq!(counting.1.load(Ordering::Relaxed), 3);
        shared.embed(&image(2)).unwrap();
        assert_eq!(counting.1.load(Ordering::Relaxed), 4);
    }
}
