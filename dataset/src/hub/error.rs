//! What can go wrong between the hub, its cache and us.

use std::io;
use std::path::PathBuf;

/// The hub, or its cache, did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A dataset's name that is not `OWNER/NAME`.
    #[error("`hub:{0}` is not of the form hub:OWNER/NAME")]
    Name(String),
    /// A model's name that is neither `OWNER/NAME` nor `OWNER/NAME@REVISION`.
    #[error("`{0}` is not of the form OWNER/NAME or OWNER/NAME@REVISION")]
    ModelName(String),
    /// Offline, and not in the cache.
    #[error("offline, and {what} at revision `{revision}` is not in the cache {}: run once without --offline (and HF_HUB_OFFLINE)", cache.display())]
    NotCached {
        /// `OWNER/NAME`, or a file of it.
        what: String,
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
    /// A dataset repository without parquet files.
    #[error("{repository} at {revision} has no parquet files (looked for data/<split>-00000-of-0000N.parquet)")]
    NoParquet {
        /// `OWNER/NAME`.
        repository: String,
        /// The commit.
        revision: String,
    },
    /// A model repository without weights, or with several that nothing chooses from.
    #[error(
        "{repository} at {revision} has no weights to take: looked for model.safetensors, \
         model.safetensors.index.json with its shards, one other .safetensors file, and one .pt or .pth file{}",
        if several.is_empty() { String::new() } else { format!("; it has several: {}", several.join(", ")) }
    )]
    NoWeights {
        /// `OWNER/NAME`.
        repository: String,
        /// The commit.
        revision: String,
        /// Files of weights of which none is the only one of its kind.
        several: Vec<String>,
    },
    /// A list of shards that cannot be followed.
    #[error("{} does not list the shards of a model: {why}", path.display())]
    Index {
        /// The file, in the cache.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A name that would leave the cache folder.
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
