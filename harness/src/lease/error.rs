//! What keeps a queue from being opened or gone on with.

use std::path::PathBuf;

use socio_dataset::files::FileError;

/// A queue that cannot be used. Losing a lease is none of these: it is an answer.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The file system.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder without what leases rest on, as object stores mounted as folders are.
    #[error("{} cannot hold a queue: {why}; share the run out with --shard i/n, which needs nothing of the kind", folder.display())]
    NotShared {
        /// The run's folder.
        folder: PathBuf,
        /// What it lacks.
        why: String,
    },
    /// Tickets of another list of samples, left behind by another run.
    #[error("{} is the queue of another run: remove that folder, no record is in it", .0.display())]
    Foreign(PathBuf),
    /// Tickets that are not there, so that their samples would never be handed out.
    #[error("{} lacks the tickets of {samples} samples: stop all processes, remove that folder (no record is in it) and go on", folder.display())]
    Incomplete {
        /// The folder of tickets.
        folder: PathBuf,
        /// Samples without a ticket.
        samples: usize,
    },
}
