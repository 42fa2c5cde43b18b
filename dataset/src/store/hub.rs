//! Datasets on the Hugging Face hub, through `hf-hub` and its cache.
//!
//! `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` and `HF_TOKEN` are honoured. Offline (`--offline`, `HF_HUB_OFFLINE=1`) is done
//! here, over hf-hub's cache: the crate has no such mode. What was downloaded is checked against its hash, which the
//! crate does not do either.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};

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

/// The hub, or its cache, did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A name that is not `OWNER/NAME`.
    #[error("`hub:{0}` is not of the form hub:OWNER/NAME")]
    Name(String),
    /// Offline, and not in the cache.
    #[error("offline, and {repository} at revision `{revision}` is not in the cache {}: run once without --offline (and HF_HUB_OFFLINE)", cache.display())]
    NotCached {
        /// `OWNER/NAME`.
        repository: String,
        /// What was asked for.
        revision: String,
        /// The cache folder.
        cache: PathBuf,
    },
    /// The hub answered with an error, or not at all.
    #[error("the hub at {endpoint} did not give {what}: {why}")]
    Request {
        /// The hub's address.
        endpoint: String,
        /// What was asked for.
        what: String,
        /// The answer, and what to do.
        why: String,
    },
    /// A repository without parquet files.
    #[error("{repository} at {revision} has no parquet files (looked for data/<split>-00000-of-0000N.parquet)")]
    NoParquet {
        /// `OWNER/NAME`.
        repository: String,
        /// The commit.
        revision: String,
    },
    /// A file name that would leave the cache folder.
    #[error("the hub lists a file named `{0}`: refused, it would leave the cache folder")]
    Unsafe(String),
    /// A download whose hash is not the one that the hub told.
    #[error("{file} arrived damaged: its SHA-256 is {found}, the hub told {expected}; it was removed, run again")]
    Damaged {
        /// The file.
        file: String,
        /// Hash of what arrived.
        found: String,
        /// Hash that was told.
        expected: String,
    },
    /// The cache folder cannot be used.
    #[error("the cache folder {} cannot be used: {source}", path.display())]
    Cache {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Files of one commit, in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Local paths.
    pub files: Vec<PathBuf>,
    /// The commit.
    pub revision: String,
}

/// The parquet files of a dataset repository: from the cache, downloaded where they are not there yet.
///
/// # Errors
/// See [`HubError`].
pub fn fetch(repository: &str, options: &HubOptions) -> Result<Fetched, HubError> {
    let word =
        |s: &str| !s.is_empty() && !s.starts_with('.') && s.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    if !repository.split_once('/').is_some_and(|(owner, name)| word(owner) && word(name)) {
        return Err(HubError::Name(repository.to_owned()));
    }
    if options.offline { from_cache(repository, options) } else { from_hub(repository, options) }
}

fn from_cache(repository: &str, options: &HubOptions) -> Result<Fetched, HubError> {
    let folder = options.cache.join(Repo::dataset(repository.to_owned()).folder_name());
    let wanted = options.wanted();
    let commit = fs::read_to_string(folder.join("refs").join(wanted))
        .map_or_else(|_| wanted.to_owned(), |c| c.trim().to_owned());
    let snapshot = folder.join("snapshots").join(&commit);
    let found = super::parquet_files(&snapshot).unwrap_or_default();
    if found.is_empty() {
        return Err(HubError::NotCached {
            repository: repository.to_owned(),
            revision: wanted.to_owned(),
            cache: options.cache.clone(),
        });
    }
    Ok(Fetched { files: found, revision: commit })
}

fn from_hub(repository: &str, options: &HubOptions) -> Result<Fetched, HubError> {
    let failed = |what: &str, error: &ApiError| HubError::Request {
        endpoint: options.endpoint.clone(),
        what: what.to_owned(),
        why: explain(error),
    };
    let cache = Cache::new(options.cache.clone());
    let api = ApiBuilder::from_cache(cache.clone())
        .with_endpoint(options.endpoint.clone())
        .with_token(options.token.clone())
        .with_progress(false)
        .build()
        .map_err(|e| failed(repository, &e))?;
    let at = |revision: &str| Repo::with_revision(repository.to_owned(), RepoType::Dataset, revision.to_owned());
    let named = at(options.wanted());
    let info = api
        .repo(named.clone())
        .info()
        .map_err(|e| failed(&format!("{repository} at revision `{}`", options.wanted()), &e))?;
    // Every file from the commit that the listing speaks of, even if the branch moves meanwhile.
    let commit = at(&info.sha);
    let mut names: Vec<String> =
        info.siblings.into_iter().map(|s| s.rfilename).filter(|n| n.ends_with(".parquet")).collect();
    // As in a folder: those in data/, else those beside the card.
    let in_data = names.iter().any(|n| n.starts_with("data/"));
    names.retain(|n| if in_data { n.starts_with("data/") } else { !n.contains('/') });
    names.sort();
    let mut files = Vec::new();
    for name in names {
        if name.starts_with('/') || name.split(['/', '\\']).any(|part| part == ".." || part.is_empty()) {
            return Err(HubError::Unsafe(name));
        }
        let path = match cache.repo(commit.clone()).get(&name) {
            Some(path) => path,
            None => download(&api, &commit, &name, options).map_err(|e| failed(&name, &e))?,
        };
        check(&path, &name)?;
        files.push(path);
    }
    if files.is_empty() {
        return Err(HubError::NoParquet { repository: repository.to_owned(), revision: info.sha });
    }
    // So that the branch's name is found offline.
    cache
        .repo(named)
        .create_ref(&info.sha)
        .map_err(|source| HubError::Cache { path: options.cache.clone(), source })?;
    Ok(Fetched { files, revision: info.sha })
}

fn download(api: &Api, commit: &Repo, name: &str, options: &HubOptions) -> Result<PathBuf, ApiError> {
    let meter = || Meter { tell: options.progress.clone(), name: name.to_owned(), done: 0, total: 0 };
    let repo = api.repo(commit.clone());
    repo.download_with_progress(name, meter()).or_else(|error| {
        // A partial file as long as the whole, or longer, is never accepted by the server: begin anew, once.
        let stuck = match &error {
            ApiError::RequestError(e) => matches!(**e, ureq::Error::StatusCode(416)),
            ApiError::InvalidResume => true,
            _ => false,
        };
        if !stuck {
            return Err(error);
        }
        let blobs = options.cache.join(commit.folder_name()).join("blobs");
        for entry in fs::read_dir(&blobs).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|e| e == "part") {
                let _ = fs::remove_file(entry.path());
            }
        }
        repo.download_with_progress(name, meter())
    })
}

/// Compares a file with the hash that names its blob, where that is a SHA-256 (large files), once: a marker beside the
/// blob says that it was done.
fn check(path: &Path, name: &str) -> Result<(), HubError> {
    let trouble = |source| HubError::Cache { path: path.to_owned(), source };
    let blob = fs::canonicalize(path).map_err(trouble)?;
    let expected = blob.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let marker = blob.with_extension("sha256-checked");
    if expected.len() != 64 || !expected.bytes().all(|b| b.is_ascii_hexdigit()) || marker.exists() {
        return Ok(());
    }
    let found = crate::hash::sha256_file(&blob).map_err(trouble)?;
    if found != expected.to_lowercase() {
        let _ = fs::remove_file(&blob);
        let _ = fs::remove_file(path);
        return Err(HubError::Damaged { file: name.to_owned(), found, expected });
    }
    // A cache that cannot be written to is checked again next time.
    let _ = fs::write(marker, b"");
    Ok(())
}

fn explain(error: &ApiError) -> String {
    if let ApiError::RequestError(e) = error {
        return match **e {
            ureq::Error::StatusCode(401 | 403) => {
                "it refused us (401/403): the repository is private or gated; set HF_TOKEN to a token that may read it"
                    .to_owned()
            }
            ureq::Error::StatusCode(404) => "no such repository, revision or file (404)".to_owned(),
            ureq::Error::StatusCode(429) => {
                "too many requests (429): wait a while and run again; what has arrived is kept".to_owned()
            }
            ureq::Error::StatusCode(code) => format!("HTTP status {code}; what has arrived is kept, run again"),
            ref other => format!("{other}; what has arrived is kept, run again (or --offline for the cache alone)"),
        };
    }
    format!("{error}; what has arrived is kept, run again")
}

struct Meter {
    tell: Option<DownloadProgress>,
    name: String,
    done: u64,
    total: u64,
}

impl Progress for Meter {
    fn init(&mut self, size: usize, _filename: &str) {
        (self.total, self.done) = (size as u64, 0);
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        if let Some(tell) = &self.tell {
            tell(&self.name, self.done, self.total);
        }
    }

    fn finish(&mut self) {}
}
