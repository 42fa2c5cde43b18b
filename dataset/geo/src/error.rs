//! What can be wrong with geodata.

use std::path::{Path, PathBuf};

/// A file that cannot be used: which, why, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// It cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what was expected.
        why: String,
    },
}

impl GeoError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn content(path: &Path, why: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), why: why.into() }
    }
}
