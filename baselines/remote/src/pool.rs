//! All endpoints: who is given the next request.

use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::Options;
use crate::address::Address;
use crate::endpoint::{Endpoint, Load, Place};
use crate::failure::{Failure, Kind};
use crate::nap::SLICE;

pub(crate) struct Pool {
    state: Mutex<State>,
    changed: Condvar,
    options: Options,
}

struct State {
    endpoints: Vec<Endpoint>,
    /// Since when none is well.
    down: Option<Instant>,
}

/// A place that is given back, whatever happens to who has it.
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    place: Option<Place>,
    pub(crate) endpoint: usize,
    pub(crate) address: Address,
}

impl Pool {
    pub(crate) fn new(addresses: &[Address], options: &Options) -> Self {
        let endpoints = addresses.iter().map(|a| Endpoint::new(a.clone(), options)).collect();
        let state = Mutex::new(State { endpoints, down: None });
        Self { state, changed: Condvar::new(), options: options.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How all do.
    pub(crate) fn loads(&self) -> Vec<Load> {
        self.state().endpoints.iter().map(|e| e.load(&self.options)).collect()
    }

    /// An endpoint that did not answer when it was first asked.
    pub(crate) fn is_out(&self, endpoint: usize, why: &str) {
        let mut state = self.state();
        if let Some(e) = state.endpoints.get_mut(endpoint) {
            e.is_out(why, Instant::now(), &self.options);
        }
        state.look(&self.options);
    }

    /// Whether no endpoint can be reached.
    pub(crate) fn is_deserted(&self) -> bool {
        self.state().is_deserted(&self.options)
    }

    /// Waits for a place at one whose rest is over, or else at the least full that is well; at another than `last` where
    /// there is one. The wait ends at `end`, when it is stopped, and when all have been failing for longer than
    /// anyone has patience.
    pub(crate) fn place(&self, last: Option<usize>, end: Option<Instant>) -> Result<Lease<'_>, Failure> {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            if self.options.stop.load(Ordering::Relaxed) {
                return Err(Failure::stopped());
            }
            if let Some(at) = state.best(now, last, &self.options) {
                let endpoint = &mut state.endpoints[at];
                let place = Some(endpoint.take(at));
                return Ok(Lease { pool: self, place, endpoint: at, address: endpoint.address.clone() });
            }
            if end.is_some_and(|end| now >= end) {
                return Err(state.failure("no endpoint came free in time", &self.options));
            }
            if state.down.is_some_and(|since| now.duration_since(since) >= self.options.patience) {
                return Err(state.failure("all endpoints are failing", &self.options));
            }
            // Somebody gives a place back, or a rest ends, or it is stopped, which nobody is told of.
            let waits = state.endpoints.iter().filter_map(|e| e.until(now)).map(|t| t - now);
            let wait = waits.chain([SLICE]).min().unwrap_or(SLICE);
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// One whose rest is over comes first, for a single request: nothing else would find out that it is well again.
    fn best(&self, now: Instant, last: Option<usize>, options: &Options) -> Option<usize> {
        let free = self.endpoints.iter().enumerate().filter(|(_, e)| e.has_room(now, options));
        let rank = |(at, e): &(usize, &Endpoint)| (last == Some(*at), !e.is_down(options), e.fullness(), e.given);
        let best = free.min_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3))
        });
        best.map(|(at, _)| at)
    }

    /// Notes whether any is well.
    fn look(&mut self, options: &Options) {
        if self.endpoints.iter().all(|e| e.is_down(options)) {
            self.down.get_or_insert_with(Instant::now);
        } else {
            self.down = None;
        }
    }

    fn is_deserted(&self, options: &Options) -> bool {
        self.endpoints.iter().all(|e| e.is_gone(options))
    }

    fn failure(&self, what: &str, options: &Options) -> Failure {
        let kind = if self.is_deserted(options) { Kind::Unreachable } else { Kind::Down };
        Failure::new(kind, format!("{what}: {}", self.reasons()))
    }

    fn reasons(&self) -> String {
        let why: Vec<&str> = self.endpoints.iter().map(Endpoint::why).filter(|w| !w.is_empty()).collect();
        if why.is_empty() { "all are busy".to_owned() } else { why.join("; ") }
    }
}

impl Lease<'_> {
    /// Gives the place back after an answer.
    pub(crate) fn succeed(mut self) {
        self.give_back(Endpoint::succeed);
    }

    /// Gives it back after a failure.
    pub(crate) fn fail(mut self, failure: &Failure) {
        let pool = self.pool;
        self.give_back(|endpoint, place| endpoint.fail(place, Some(failure), Instant::now(), &pool.options));
    }

    fn give_back(&mut self, end: impl FnOnce(&mut Endpoint, Place)) {
        let Some(place) = self.place.take() else { return };
        let mut state = self.pool.state();
        if let Some(endpoint) = state.endpoints.get_mut(place.endpoint) {
            end(endpoint, place);
        }
        state.look(&self.pool.options);
        drop(state);
        self.pool.changed.notify_all();
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let pool = self.pool;
        self.give_back(|endpoint, place| endpoint.fail(place, None, Instant::now(), &pool.options));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn pool(options: Options) -> Pool {
        let addresses = ["http://a/v1", "http://b/v1"].map(|a| Address::parse(a).unwrap());
        Pool::new(&addresses, &Options { first_in_flight: 2, ..options })
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(1)
    }

    #[test]
    fn requests_go_to_the_least_full_and_then_wait() {
        let pool = pool(Options::default());
        let leases: Vec<Lease<'_>> = (0..4).map(|_| pool.place(None, None).unwrap()).collect();
        assert_eq!(leases.iter().map(|l| l.endpoint).collect::<Vec<_>>(), [0, 1, 0, 1]);
        let full = pool.place(None, Some(soon())).err().unwrap();
        assert!(full.why.contains("all are busy"), "{full:?}");
        drop(leases);
        assert!(pool.loads().iter().all(|l| l.in_flight == 0));
        // One that failed here is tried there.
        assert_eq!(pool.place(Some(0), None).unwrap().endpoint, 1);
        assert_eq!(pool.place(Some(1), None).unwrap().endpoint, 0);
    }

    #[test]
    fn one_that_rests_is_left_alone() {
        let pool = pool(Options::default());
        pool.is_out(0, "a refused");
        for _ in 0..5 {
            pool.place(Some(1), None).unwrap().succeed();
        }
        assert_eq!(pool.loads().iter().map(|l| l.answered).collect::<Vec<_>>(), [0, 5]);
        assert_eq!(pool.loads()[0].ill.as_deref(), Some("a refused"));
    }

    #[test]
    fn patience_ends_when_all_are_down() {
        let pool = pool(Options { patience: Duration::ZERO, ..Options::default() });
        pool.is_out(0, "a refused");
        drop(pool.place(None, None).unwrap());
        pool.is_out(1, "b refused");
        let down = pool.place(None, None).err().unwrap();
        assert_eq!(
            (down.kind, down.why.as_str()),
            (Kind::Unreachable, "all endpoints are failing: a refused; b refused")
        );
        assert!(!down.kind.can_be_tried_again());
    }

    #[test]
    fn a_wait_ends_when_stopped_or_when_a_place_is_given_back() {
        let pool = pool(Options::default());
        let mut leases: Vec<Lease<'_>> = (0..4).map(|_| pool.place(None, None).unwrap()).collect();
        std::thread::scope(|s| {
            let waiting = s.spawn(|| pool.place(None, None).unwrap().endpoint);
            leases.remove(3).succeed();
            assert_eq!(waiting.join().unwrap(), 1);
        });
        pool.options.stop.store(true, Ordering::Relaxed);
        assert_eq!(pool.place(None, None).err().unwrap().kind, Kind::Stopped);
    }
}
