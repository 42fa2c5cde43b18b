//! The thread that renews what a process holds, every third of the term.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::hold::Lease;
use super::ticket::Span;

#[derive(Debug)]
pub(super) struct Keeper {
    kept: Arc<Kept>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Kept {
    leases: Mutex<Leases>,
    over: Condvar,
}

#[derive(Debug, Default)]
struct Leases {
    /// A lease that nobody has any more is not renewed: it ends with its term.
    held: Vec<Weak<Lease>>,
    over: bool,
}

impl Keeper {
    pub(super) fn start(term: Duration) -> Self {
        let kept = Arc::new(Kept::default());
        let mine = Arc::clone(&kept);
        Self { kept, thread: Some(thread::spawn(move || mine.renew_all(term / 3))) }
    }

    pub(super) fn keep(&self, lease: &Arc<Lease>) {
        self.kept.leases.lock().unwrap_or_else(PoisonError::into_inner).held.push(Arc::downgrade(lease));
    }

    /// Whether this process holds a chunk, as far as it knows.
    pub(super) fn keeps(&self, span: Span) -> bool {
        let leases = self.kept.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.held.iter().filter_map(Weak::upgrade).any(|l| l.span == span && !l.is_over())
    }
}

impl Kept {
    fn renew_all(&self, every: Duration) {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        while !leases.over {
            leases = self.over.wait_timeout(leases, every).unwrap_or_else(PoisonError::into_inner).0;
            leases.held.retain(|l| l.upgrade().is_some_and(|l| !l.is_over()));
            let live: Vec<_> = leases.held.iter().filter_map(Weak::upgrade).collect();
            // A folder that answers slowly must not hold up whoever takes another chunk.
            drop(leases);
            for lease in live {
                // What cannot be renewed now is tried again with the next turn, and asked about before a record is written.
                let _ = lease.renew();
            }
            leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.kept.leases.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        self.kept.over.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
