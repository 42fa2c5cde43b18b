//! Repositories of the Hugging Face hub, through `hf-hub` and its cache: [`fetch`] for datasets, [`model`] for models.
//!
//! `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` and `HF_TOKEN` are honoured. Offline (`--offline`, `HF_HUB_OFFLINE=1`) is done
//! here, over hf-hub's cache: the crate has no such mode. What was downloaded is checked against its hash, and what is in
//! the cache under another commit's name is not downloaded again; the crate does neither.

mod dataset;
mod error;
mod model;
mod snapshot;
#[cfg(test)]
mod tests;

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

pub use dataset::{Fetched, fetch};
pub use error::HubError;
pub use model::{ModelFiles, model};

/// Where files come from when nothing else is said.
const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Called with a file's name, the bytes here so far, and all its bytes.
pub type DownloadProgress = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// How the hub is reached.
#[derive(Clone)]
pub struct HubOptions {
    /// A branch, tag or commit; `main` where not given.
    pub revision: Option<String>,
    /// Use the cache alone.
    pub offline: bool,
    /// The hub's address.
    pub endpoint: String,
    /// Sent as a bearer token.
    pub token: Option<String>,
    /// The cache folder (`$HF_HOME/hub`).
    pub cache: PathBuf,
    /// Told how downloads go on.
    pub progress: Option<DownloadProgress>,
}

impl fmt::Debug for HubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token stays out of logs.
        f.debug_struct("HubOptions")
            .field("revision", &self.revision)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl HubOptions {
    /// The settings of the environment, as the Python library reads them.
    pub fn from_env() -> Self {
        let set = |name: &str| env::var(name).ok().filter(|v| !v.is_empty());
        let home = set("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
            Some(cache.or_else(|| Some(env::home_dir()?.join(".cache")))?.join("huggingface"))
        });
        let home = home.unwrap_or_else(|| PathBuf::from(".huggingface"));
        let stored = || fs::read_to_string(home.join("token")).ok().map(|t| t.trim().to_owned());
        Self {
            revision: None,
            offline: set("HF_HUB_OFFLINE")
                .is_some_and(|v| matches!(v.to_lowercase().as_str(), "1" | "true" | "yes" | "on")),
            endpoint: set("HF_ENDPOINT")
                .unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned())
                .trim_end_matches('/')
                .to_owned(),
            token: set("HF_TOKEN").or_else(stored).filter(|t| !t.is_empty()),
            cache: set("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from),
            progress: None,
        }
    }

    fn wanted(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }
}

/// Whether a text is `OWNER/NAME`.
fn names_repository(text: &str) -> bool {
    text.split_once('/').is_some_and(|(owner, name)| is_word(owner) && is_word(name))
}

/// Whether a text can be one part of a repository's name or of a revision.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
}
