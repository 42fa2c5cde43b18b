//! A process's share of a run, part by part: chunks of a queue, or all of a static shard at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use socio_record::{Run, Writer};

use super::{Claim, LeaseError, Next, Queue};
use crate::{HarnessError, Share};

/// Where parts come from.
pub(crate) enum Parts {
    /// A static shard: one part.
    Once(Option<BTreeSet<String>>),
    /// Chunks of a queue.
    Queue(Box<Queue>),
}

/// Samples to be worked on.
pub(crate) struct Part {
    pub(crate) ids: BTreeSet<String>,
    claim: Option<Claim>,
    left: AtomicUsize,
}

impl Parts {
    /// This process's share of what is `missing` of a run, and the name of the log that its records go to.
    pub(crate) fn of(share: Share, run: &Run, missing: BTreeSet<String>) -> Result<(Self, String), LeaseError> {
        let options = match share {
            Share::Shard(shard) => return Ok((Self::Once(Some(missing)), shard.writer())),
            Share::Queue(options) => options,
        };
        let ids = run.samples.iter().map(|s| s.id.clone()).collect();
        let queue = Queue::open(&run.path, ids, options)?;
        let writer = queue.writer().to_owned();
        Ok((Self::Queue(Box::new(queue)), writer))
    }

    /// The next part, waited for while others hold what is left; nothing when all is done, or `stopped` says so. `tell` is
    /// told how many samples all processes of a queue have finished.
    pub(crate) fn next(&mut self, stopped: &AtomicBool, tell: impl Fn(usize)) -> Result<Option<Part>, HarnessError> {
        let queue = match self {
            Self::Once(ids) => return Ok(ids.take().map(|ids| Part::new(ids, None))),
            Self::Queue(queue) => queue,
        };
        while !stopped.load(Ordering::Relaxed) {
            let next = queue.claim()?;
            tell(queue.progress().finished);
            match next {
                Next::Claim(claim) => return Ok(Some(Part::new(claim.missing().clone(), Some(claim)))),
                Next::Wait(time) => thread::sleep(time),
                Next::Finished => break,
            }
        }
        Ok(None)
    }

    /// Samples that may wait read. Those of a queue wait with whoever is fast.
    pub(crate) fn ahead(&self, workers: usize) -> usize {
        if matches!(self, Self::Queue(_)) { 1 } else { workers }
    }
}

impl Part {
    fn new(ids: BTreeSet<String>, claim: Option<Claim>) -> Self {
        Self { left: AtomicUsize::new(ids.len()), ids, claim }
    }

    /// Whether a record of it may be written; asked directly before.
    pub(crate) fn holds(&self) -> Result<bool, HarnessError> {
        Ok(self.claim.as_ref().map_or(Ok(true), Claim::holds)?)
    }

    /// Whether it is another's, as far as is known without asking.
    pub(crate) fn is_lost(&self) -> bool {
        self.claim.as_ref().is_some_and(Claim::is_over)
    }

    /// Whether it comes from a queue, which waits for every sample of it.
    pub(crate) fn is_claimed(&self) -> bool {
        self.claim.is_some()
    }

    /// One of its samples has its record. With the last one a chunk is synced to the disk, then marked.
    pub(crate) fn recorded(&self, writer: &Writer) -> Result<(), HarnessError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1
            && let Some(claim) = &self.claim
        {
            writer.sync()?;
            claim.finish()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use tempfile::tempdir;

    use super::*;
    use crate::QueueOptions;

    #[test]
    fn a_chunk_is_marked_with_its_last_record_and_not_before() {
        let run = tempdir().unwrap();
        let ids = (0..600).map(|n| format!("name_{n:04}")).collect();
        let options = QueueOptions { term: Duration::from_hours(1), ..QueueOptions::default() };
        let queue = Queue::open(run.path(), ids, options).unwrap();
        let writer = Writer::open(&run.path().join(format!("records/{}.jsonl", queue.writer()))).unwrap();
        let mut parts = Parts::Queue(Box::new(queue));
        let (stopped, done) = (AtomicBool::new(false), run.path().join("leases/00000000+3.done"));
        let part = parts.next(&stopped, |done| assert_eq!(done, 0)).unwrap().unwrap();
        assert_eq!(part.ids.len(), 3);
        for _ in 0..3 {
            assert!(!done.exists() && part.holds().unwrap() && !part.is_lost());
            part.recorded(&writer).unwrap();
        }
        assert!(done.exists() && !part.holds().unwrap());
        // What others hold is waited for, until somebody says to stop.
        stopped.store(true, Ordering::Relaxed);
        assert!(parts.next(&stopped, |_| ()).unwrap().is_none());
    }

    #[test]
    fn a_static_shard_is_one_part_that_nobody_can_take() {
        let run = tempdir().unwrap();
        let mut parts = Parts::Once(Some(BTreeSet::from(["a".to_owned()])));
        let stopped = AtomicBool::new(false);
        let part = parts.next(&stopped, |_| unreachable!()).unwrap().unwrap();
        let writer = Writer::open(&run.path().join("shard-1-of-1.jsonl")).unwrap();
        part.recorded(&writer).unwrap();
        assert!(part.holds().unwrap() && !part.is_lost() && !part.is_claimed());
        assert!(parts.next(&stopped, |_| ()).unwrap().is_none());
        assert_eq!(fs::read_dir(run.path()).unwrap().count(), 1);
    }
}
