//! What ends a run before its last sample.

use socio_backend::BackendError;
use socio_dataset::store::StoreError;
use socio_record::{LogError, RunError};

use crate::LeaseError;

/// A run that cannot begin or go on. What failed before is a status of its sample; all records so far are kept.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The dataset.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The queue.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// A backend that cannot be used any more: each further sample would fail as this one did, through no fault of its own.
    #[error("sample `{id}`: {error}; what was finished is kept, run the same command again to go on")]
    Gone {
        /// The first sample that it failed.
        id: String,
        /// Why.
        error: BackendError,
    },
    /// Ids that were asked for and are not there.
    #[error("split `{split}` has no sample {}", ids.join(", "))]
    UnknownIds {
        /// The split.
        split: String,
        /// The ids, ten at most.
        ids: Vec<String>,
    },
    /// Two samples of one id: their records could not be told apart.
    #[error("split `{split}` has two samples with the id `{id}`; `data verify` finds all of them")]
    DuplicateId {
        /// The split.
        split: String,
        /// The id.
        id: String,
    },
    /// A sample without an id.
    #[error("split `{split}` has a sample without an id ({origin})")]
    NoId {
        /// The split.
        split: String,
        /// Where it is.
        origin: String,
    },
    /// Samples that were there when they were chosen are not there when they are read.
    #[error("split `{split}` changed while it was read: {chosen} samples were chosen, {read} came")]
    Vanished {
        /// The split.
        split: String,
        /// Samples chosen.
        chosen: usize,
        /// Samples read.
        read: usize,
    },
    /// Another process began another run in this folder.
    #[error("{} was begun anew by another process: what this one finished is not in it", .0.display())]
    Replaced(std::path::PathBuf),
    /// The thread that reads the dataset broke down.
    #[error("reading the dataset broke down; what was finished is kept, run again")]
    Reader,
    /// No sample is left after the choice.
    #[error("no sample of split `{split}` fits --level, --ids and --limit")]
    NoSamples {
        /// The split.
        split: String,
    },
}
