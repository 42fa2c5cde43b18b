//! What a queue hands out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::LeaseError;
use super::hold::Lease;

/// What there is to do.
#[derive(Debug)]
pub enum Next {
    /// These samples.
    Claim(Claim),
    /// All that is left is held by others: ask again after this long.
    Wait(Duration),
    /// Every sample has its record.
    Finished,
}

/// How far all processes of a run are together. Chunks count whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Samples of the run.
    pub samples: usize,
    /// Of these, in chunks that are done.
    pub finished: usize,
    /// Of these, in chunks that somebody works on.
    pub held: usize,
}

/// A chunk that is this process's to do, until it is finished, lost, or dropped (then it is anyone's after a term).
#[derive(Debug)]
pub struct Claim {
    pub(super) lease: Arc<Lease>,
    pub(super) missing: BTreeSet<String>,
}

impl Claim {
    /// Its samples that have no record; at least one.
    pub fn missing(&self) -> &BTreeSet<String> {
        &self.missing
    }

    /// Whether a record of it may be written now: to be asked directly before. After a `false` it is another's, for good.
    ///
    /// # Errors
    /// When the file system does not tell. Nothing may be written then.
    pub fn holds(&self) -> Result<bool, LeaseError> {
        self.lease.holds()
    }

    /// Whether it is known to be lost, or finished; asks nobody, so that work on it can be left cheaply.
    pub fn is_over(&self) -> bool {
        self.lease.is_over()
    }

    /// Marks it as done. Only when all its missing samples have records that are synced to the disk. `false` where it was
    /// lost meanwhile: whoever took it over finds the records and marks it.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn finish(&self) -> Result<bool, LeaseError> {
        self.lease.finish()
    }
}
