//! A queue by leases in the run's folder: several processes, on one machine or on several that share a file system, work on one
//! run; none does what another does, the slowest does not decide, and what a killed one held is taken over.
//!
//! Each chunk of samples is a file whose *name* is its state ([`ticket`]), and each step is a rename from one name to another
//! ([`folder`]). A holder renames its ticket every third of the term. Whoever sees one name for a whole term, by its own clock,
//! renames it to its own; that succeeds if the name is still there, which proves that nobody renewed it meanwhile, however
//! stale the listing was. Before each record the holder looks whether it still holds, and throws the answer away if not.
//!
//! **Guaranteed.** At any moment a chunk has one holder at most. A chunk is done only when all its samples have records, and
//! the holder's own are on the disk. Nothing is lost: whatever is killed between any two calls, what it held is free after a
//! term, and the logs tell what of it is left to do. A process that was stopped, or cut off, for longer than a term writes
//! nothing that it had not begun to write.
//!
//! **Not guaranteed**, because no folder can: that no sample ever has two records. A process that is stopped for a term
//! *between* the look and the write writes that one record when it wakes; and one that is cut off from a network file system
//! may have written records that only arrive after others took over. Readers take the first record of a sample in the order
//! of the logs' names, the same one each time, so that counts and tables stay right.
//!
//! The records are the truth and the tickets a note: with all processes stopped the folder can be removed at any time.

mod claim;
mod error;
mod folder;
mod hold;
mod keeper;
mod logs;
mod part;
mod probe;
mod queue;
#[cfg(test)]
mod tests;
mod ticket;
mod watch;
mod worker;

use std::time::Duration;

pub use claim::{Claim, Next, Progress};
pub use error::LeaseError;
pub use folder::clear_queue;
pub(crate) use part::{Part, Parts};
pub use queue::Queue;

/// How a queue is taken part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueOptions {
    /// How long a lease of this process may go unrenewed before others take it over (at least 20 ms). Every lease tells its
    /// own: processes need not agree. Longer than the longest stall of the file system.
    pub term: Duration,
    /// Most samples of a chunk, at least one. Counts for whoever makes the queue; others take it as it is.
    pub chunk: usize,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { term: Duration::from_mins(1), chunk: usize::MAX }
    }
}
