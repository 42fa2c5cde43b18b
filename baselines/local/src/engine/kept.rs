//! What was computed before and may be wanted again: images' vectors, and keys and values of prompts' beginnings.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use socio_models::qwen2_5_vl::Decoder;

/// Something kept.
enum Entry<D: Decoder> {
    Image(D::Seen),
    Beginning(D::Past),
}

/// The latest of both kinds, as many as fit in so many bytes; what was not used for longest goes first.
pub(crate) struct Kept<D: Decoder> {
    limit: usize,
    held: usize,
    /// The latest used first.
    entries: VecDeque<(String, usize, Entry<D>)>,
    names: Names,
}

/// What is kept now, for those who would otherwise make ready what is not needed.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<Mutex<BTreeSet<String>>>);

impl Names {
    /// Whether something of that key is kept. It may be gone a moment later.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    fn change<R>(&self, change: impl FnOnce(&mut BTreeSet<String>) -> R) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<D: Decoder> Kept<D> {
    /// Within `limit` bytes; 0 keeps nothing.
    pub(crate) fn new(limit: usize, names: Names) -> Self {
        Self { limit, held: 0, entries: VecDeque::new(), names }
    }

    /// An image's vectors.
    pub(super) fn image(&mut self, key: &str) -> Option<D::Seen> {
        match self.find(key)? {
            Entry::Image(seen) => Some(seen.clone()),
            Entry::Beginning(_) => None,
        }
    }

    /// Keys and values of a prompt's beginning.
    pub(super) fn beginning(&mut self, key: &str) -> Option<&D::Past> {
        match self.find(key)? {
            Entry::Beginning(past) => Some(past),
            Entry::Image(_) => None,
        }
    }

    pub(super) fn keep_image(&mut self, key: &str, seen: &D::Seen) {
        self.keep(key, D::seen_bytes(seen), Entry::Image(seen.clone()));
    }

    pub(super) fn keep_beginning(&mut self, key: &str, past: D::Past) {
        self.keep(key, D::past_bytes(&past), Entry::Beginning(past));
    }

    /// Lets go of everything: memory ran short.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.names.change(BTreeSet::clear);
        self.held = 0;
    }

    fn find(&mut self, key: &str) -> Option<&Entry<D>> {
        let at = self.entries.iter().position(|(k, ..)| k == key)?;
        let entry = self.entries.remove(at)?;
        self.entries.push_front(entry);
        self.entries.front().map(|(.., entry)| entry)
    }

    fn keep(&mut self, key: &str, bytes: usize, entry: Entry<D>) {
        if bytes > self.limit || self.find(key).is_some() {
            return;
        }
        self.held += bytes;
        self.names.change(|names| names.insert(key.to_owned()));
        self.entries.push_front((key.to_owned(), bytes, entry));
        while self.held > self.limit {
            let Some((key, bytes, _)) = self.entries.pop_back() else { return };
            self.names.change(|names| names.remove(&key));
            self.held -= bytes;
        }
    }
}
