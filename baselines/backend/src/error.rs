//! What a backend can fail with.

use std::path::PathBuf;

/// A model that is not there, or did not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BackendError {
    /// The backend cannot be used on this machine or in this build.
    #[error("backend `{backend}` is not available: {why}")]
    Unavailable {
        /// Its name.
        backend: String,
        /// Why not, and what to do.
        why: String,
    },
    /// A model file that is missing or not what it should be.
    #[error("model file {}: {why}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A request that this backend cannot serve; its capabilities said so.
    #[error("backend `{backend}` does not take {what}")]
    Unsupported {
        /// Its name.
        backend: String,
        /// What it was asked for.
        what: String,
    },
    /// The model ran into an error.
    #[error("backend `{backend}` failed while {doing}: {why}")]
    Inference {
        /// Its name.
        backend: String,
        /// What it was doing.
        doing: &'static str,
        /// What it said.
        why: String,
    },
    /// Nobody waits for the answer any more.
    #[error("backend `{backend}` was told that its answer is not waited for")]
    Cancelled {
        /// Its name.
        backend: String,
    },
    /// Not enough memory.
    #[error("backend `{backend}` ran out of memory while {doing}")]
    OutOfMemory {
        /// Its name.
        backend: String,
        /// What it was doing.
        doing: &'static str,
    },
    /// A replay was asked for what its run did not record.
    #[error("the recorded run {} holds no answer to this request ({what})", run.display())]
    NotRecorded {
        /// The run's folder.
        run: PathBuf,
        /// What was asked.
        what: String,
    },
}
