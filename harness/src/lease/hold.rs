//! A held chunk: renewed, asked about, finished.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::LeaseError;
use super::folder::Tickets;
use super::ticket::{Hold, Span, State, Ticket};

/// The process, as it signs its leases.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) term: Duration,
    beats: AtomicU64,
}

impl Worker {
    pub(super) fn new(name: String, term: Duration) -> Self {
        Self { name, term, beats: AtomicU64::new(0) }
    }

    /// A ticket of this worker with a name that was never given.
    pub(super) fn sign(&self, span: Span) -> Ticket {
        let beat = self.beats.fetch_add(1, Ordering::Relaxed);
        Ticket { span, state: State::Held(Hold { worker: self.name.clone(), term: self.term, beat }) }
    }
}

/// When a rename last showed that the lease is held: the moment before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    steady: Instant,
    wall: SystemTime,
}

impl Proof {
    pub(super) fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// Whether that is less than `age` ago by both clocks of this machine. The steady one stands still while a laptop sleeps;
    /// the other may be set. Where either says so, or goes back, it is old.
    fn younger(self, age: Duration) -> bool {
        self.steady.elapsed() < age && self.wall.elapsed().is_ok_and(|e| e < age)
    }
}

/// A chunk that this process took.
#[derive(Debug)]
pub(super) struct Lease {
    tickets: Arc<Tickets>,
    worker: Arc<Worker>,
    pub(super) span: Span,
    /// The ticket's name and the last proof; nothing once it is lost or finished.
    held: Mutex<Option<(String, Proof)>>,
}

impl Lease {
    /// Tries to take a ticket in the state `was`; nothing where another was faster.
    pub(super) fn take(
        tickets: &Arc<Tickets>,
        worker: &Arc<Worker>,
        span: Span,
        was: &str,
    ) -> Result<Option<Self>, LeaseError> {
        let (ticket, proof) = (worker.sign(span), Proof::now());
        Ok(tickets.swap(was, &ticket)?.then(|| Self {
            tickets: Arc::clone(tickets),
            worker: Arc::clone(worker),
            span,
            held: Mutex::new(Some((ticket.to_string(), proof))),
        }))
    }

    /// Whether a record may be written now. Within half a term after a proof it is enough that the ticket is there; else, and
    /// at the least doubt, it is proved anew.
    pub(super) fn holds(&self) -> Result<bool, LeaseError> {
        let mut held = self.lock();
        match &*held {
            None => Ok(false),
            Some((name, proof)) if proof.younger(self.worker.term / 2) && self.tickets.shows(name) => Ok(true),
            Some(_) => self.renew_held(&mut held),
        }
    }

    /// Gives the ticket its next name, which begins its term anew; `false` where it is lost.
    pub(super) fn renew(&self) -> Result<bool, LeaseError> {
        self.renew_held(&mut self.lock())
    }

    fn renew_held(&self, held: &mut Option<(String, Proof)>) -> Result<bool, LeaseError> {
        let Some((name, _)) = &*held else { return Ok(false) };
        let (ticket, proof) = (self.worker.sign(self.span), Proof::now());
        let held_on = self.tickets.swap(name, &ticket)?;
        *held = held_on.then(|| (ticket.to_string(), proof));
        Ok(held_on)
    }

    /// Marks the chunk as done; `false` where the lease was lost, and it is another's to do so.
    pub(super) fn finish(&self) -> Result<bool, LeaseError> {
        let mut held = self.lock();
        let Some((name, _)) = &*held else { return Ok(false) };
        let done = self.tickets.swap(name, &Ticket { span: self.span, state: State::Done })?;
        *held = None;
        Ok(done)
    }

    /// Whether it is known to be over; asks nobody.
    pub(super) fn is_over(&self) -> bool {
        self.lock().is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Option<(String, Proof)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that slept sees it by one clock, a stopped process by both; a clock that was set tells nothing.
    #[test]
    fn a_proof_is_young_only_by_both_clocks() {
        let (now, hour) = (Proof::now(), Duration::from_hours(1));
        assert!(now.younger(hour));
        assert!(!Proof { wall: now.wall - hour, ..now }.younger(hour));
        assert!(!Proof { wall: now.wall + hour, ..now }.younger(hour));
        // A machine that was just started has no steady time an hour ago.
        std::thread::sleep(Duration::from_millis(2));
        assert!(!Proof { wall: SystemTime::now(), ..now }.younger(Duration::from_millis(1)));
    }
}
