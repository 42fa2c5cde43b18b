//! One server: how many requests it is given at once, and whether it is well.

use std::time::Instant;

use crate::Options;
use crate::address::Address;
use crate::failure::{Failure, Kind};

/// What an overloaded server is left of its requests in flight.
const LESS: f64 = 0.5;
/// A rest is doubled so often at most.
const DOUBLINGS: u32 = 3;

/// How an endpoint does.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Its base address.
    pub address: String,
    /// Requests that it may be given at once just now, `1..=max_in_flight`.
    pub limit: usize,
    /// Requests that it has.
    pub in_flight: usize,
    /// Requests that it answered.
    pub answered: u64,
    /// What it last failed with, where it has failed so often that it rests or is only tried.
    pub ill: Option<String>,
}

/// A request's place at an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) endpoint: usize,
    /// Of how many decreases it knows: of requests that were in flight together only the first that fails counts.
    round: u64,
    /// Whether more than half of the places were in use when it was taken.
    busy: bool,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// Requests in flight at most; its whole part counts.
    limit: f64,
    most: f64,
    pub(crate) in_flight: usize,
    pub(crate) given: u64,
    answered: u64,
    round: u64,
    /// In a row.
    failures: u32,
    rests: u32,
    /// It is given nothing before.
    until: Option<Instant>,
    why: String,
    /// Whether it last failed because nobody was there.
    is_gone: bool,
}

impl Endpoint {
    pub(crate) fn new(address: Address, options: &Options) -> Self {
        Self {
            address,
            limit: options.first_in_flight as f64,
            most: options.max_in_flight as f64,
            in_flight: 0,
            given: 0,
            answered: 0,
            round: 0,
            failures: 0,
            rests: 0,
            until: None,
            why: String::new(),
            is_gone: false,
        }
    }

    pub(crate) fn load(&self, options: &Options) -> Load {
        Load {
            address: self.address.to_string(),
            limit: self.limit as usize,
            in_flight: self.in_flight,
            answered: self.answered,
            ill: self.is_down(options).then(|| self.why.clone()),
        }
    }

    /// Whether it fails so often that only one request at a time finds out whether it still does.
    pub(crate) fn is_down(&self, options: &Options) -> bool {
        self.failures >= options.failures
    }

    /// Whether nobody was there each time that it was asked of late.
    pub(crate) fn is_gone(&self, options: &Options) -> bool {
        self.is_gone && self.is_down(options)
    }

    /// What it last failed with.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// When it can be given something again, if not now.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|t| *t > now)
    }

    pub(crate) fn has_room(&self, now: Instant, options: &Options) -> bool {
        let limit = if self.is_down(options) { 1 } else { self.limit as usize };
        self.until(now).is_none() && self.in_flight < limit
    }

    /// How full it is, to compare: what it has and would get, of what it may have.
    pub(crate) fn fullness(&self) -> f64 {
        (self.in_flight + 1) as f64 / self.limit.floor()
    }

    pub(crate) fn take(&mut self, endpoint: usize) -> Place {
        self.in_flight += 1;
        self.given += 1;
        Place { endpoint, round: self.round, busy: self.in_flight * 2 > self.limit as usize }
    }

    /// A request came back well: one more in flight, or, once there were too many, one more for each round. Only where
    /// places are used, since otherwise nothing was learnt of more.
    pub(crate) fn succeed(&mut self, place: Place) {
        if place.busy {
            self.limit = (self.limit + if self.round == 0 { 1.0 } else { 1.0 / self.limit }).min(self.most);
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        self.answered += 1;
        self.is_well();
    }

    /// A request came back with a failure, or (`None`) for a reason that is not the endpoint's.
    pub(crate) fn fail(&mut self, place: Place, failure: Option<&Failure>, now: Instant, options: &Options) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(failure) = failure else { return };
        if failure.kind.is_too_much() && place.round == self.round {
            self.limit = (self.limit * LESS).max(1.0);
            self.round += 1;
        }
        if failure.kind.is_ill() {
            self.is_gone = failure.kind == Kind::Absent;
            self.is_ill(&failure.why, now, options);
        } else if failure.kind != Kind::Stopped {
            // Whoever says no is there.
            self.is_well();
        }
        if let Some(after) = failure.after.filter(|_| failure.kind.can_be_tried_again()) {
            let until = now + after.min(options.longest_retry_after);
            self.until = self.until.max(Some(until));
        }
    }

    /// Counts a failure; the last of several in a row begins a rest. What was in flight before adds nothing to that.
    pub(crate) fn is_ill(&mut self, why: &str, now: Instant, options: &Options) {
        why.clone_into(&mut self.why);
        if self.is_down(options) && self.until(now).is_some() {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.is_down(options) {
            let rest = options.rest.saturating_mul(1 << self.rests.min(DOUBLINGS));
            self.until = self.until.max(Some(now + rest));
            self.rests += 1;
        }
    }

    /// Puts it to rest at once.
    pub(crate) fn is_out(&mut self, why: &str, now: Instant, options: &Options) {
        self.failures = self.failures.max(options.failures.saturating_sub(1));
        self.is_gone = true;
        self.is_ill(why, now, options);
    }

    fn is_well(&mut self) {
        if self.rests > 0 {
            self.until = None;
        }
        self.failures = 0;
        self.rests = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn options() -> Options {
        let rest = Duration::from_secs(10);
        Options { max_in_flight: 16, first_in_flight: 2, failures: 3, rest, ..Options::at("http://host/v1") }
    }

    fn endpoint(options: &Options) -> Endpoint {
        Endpoint::new(options.addresses().unwrap().remove(0), options)
    }

    fn failure(kind: Kind) -> Failure {
        Failure::new(kind, "why".to_owned())
    }

    /// All places are taken; then `end` is done to each.
    fn round(e: &mut Endpoint, options: &Options, now: Instant, mut end: impl FnMut(&mut Endpoint, Place)) -> usize {
        let mut places = Vec::new();
        while e.has_room(now, options) {
            places.push(e.take(0));
        }
        for place in &places {
            end(e, *place);
        }
        places.len()
    }

    #[test]
    fn the_limit_grows_then_halves_then_grows_slowly() {
        let (options, now) = (options(), Instant::now());
        let mut e = endpoint(&options);
        let well = |e: &mut Endpoint, place| e.succeed(place);
        // The half of a round that was taken last counts.
        let sizes: Vec<usize> = (0..9).map(|_| round(&mut e, &options, now, well)).collect();
        assert!(sizes.windows(2).all(|w| w[0] <= w[1]), "{sizes:?}");
        assert_eq!(sizes[..9], [2, 3, 5, 8, 12, 16, 16, 16, 16]);
        // Sixteen that were in flight together are one sign, not sixteen.
        let many = round(&mut e, &options, now, |e, p| e.fail(p, Some(&failure(Kind::Busy)), now, &options));
        assert_eq!((many, e.load(&options).limit, e.in_flight), (16, 8, 0));
        let before = e.limit;
        round(&mut e, &options, now, well);
        assert!(e.limit > before && e.limit <= before + 1.0, "{}", e.limit);
        for expected in [4, 2, 1, 1] {
            round(&mut e, &options, now, |e, p| e.fail(p, Some(&failure(Kind::Busy)), now, &options));
            assert_eq!(e.load(&options).limit, expected);
        }
        for _ in 0..500 {
            round(&mut e, &options, now, well);
        }
        assert_eq!(e.load(&options).limit, 16);
    }

    #[test]
    fn nothing_is_learnt_from_places_that_were_not_used() {
        let (options, now) = (options(), Instant::now());
        let mut e = endpoint(&options);
        for _ in 0..100 {
            assert!(e.has_room(now, &options));
            let place = e.take(0);
            e.succeed(place);
        }
        assert_eq!(e.load(&options).limit, 2);
    }

    #[test]
    fn an_endpoint_that_fails_rests_longer_each_time_and_is_tried_by_one() {
        let (options, mut now) = (options(), Instant::now());
        let mut e = endpoint(&options);
        let ill = failure(Kind::Server);
        for _ in 0..2 {
            let place = e.take(0);
            e.fail(place, Some(&ill), now, &options);
            assert!(e.has_room(now, &options) && e.load(&options).ill.is_none());
        }
        for rest in [10, 20, 40, 80, 80] {
            assert!(e.has_room(now, &options));
            let place = e.take(0);
            if rest > 10 {
                assert!(!e.has_room(now, &options), "one finds out");
            }
            e.fail(place, Some(&ill), now, &options);
            assert_eq!(e.until(now), Some(now + Duration::from_secs(rest)));
            // One that was sent before is no further failure.
            let late = Place { endpoint: 0, round: 0, busy: false };
            e.fail(late, Some(&ill), now + Duration::from_secs(1), &options);
            assert_eq!(e.until(now), Some(now + Duration::from_secs(rest)));
            now += Duration::from_secs(rest);
        }
        assert_eq!(e.load(&options).ill.as_deref(), Some("why"));
        let place = e.take(0);
        e.succeed(place);
        assert!(e.load(&options).ill.is_none());
        e.take(0);
        assert!(e.has_room(now, &options), "as many as before");
    }

    #[test]
    fn retry_after_is_heeded_within_bounds_and_is_no_illness() {
        let options = Options { longest_retry_after: Duration::from_mins(1), ..options() };
        let mut now = Instant::now();
        let mut e = endpoint(&options);
        for (after, expected) in [(7, 7), (6, 7), (3600, 60)] {
            let place = e.take(0);
            let after = Some(Duration::from_secs(after));
            e.fail(place, Some(&Failure { after, ..failure(Kind::Busy) }), now, &options);
            assert_eq!(e.until(now), Some(now + Duration::from_secs(expected)));
            assert!(!e.has_room(now, &options) && e.load(&options).ill.is_none());
        }
        now += Duration::from_mins(1);
        assert!(e.has_room(now, &options));
        // One that is there again and has too much to do is not ill, and still not to be asked before.
        e.is_out("refused", now, &options);
        now += Duration::from_hours(1);
        let place = e.take(0);
        e.fail(place, Some(&Failure { after: Some(Duration::from_secs(9)), ..failure(Kind::Busy) }), now, &options);
        assert_eq!((e.until(now), e.load(&options).ill), (Some(now + Duration::from_secs(9)), None));
    }

    #[test]
    fn one_that_says_no_is_there() {
        let (options, now) = (options(), Instant::now());
        let mut e = endpoint(&options);
        for kind in [Kind::Cut, Kind::Garbled, Kind::Rejected, Kind::Connection, Kind::Timeout, Kind::TooLong] {
            let place = e.take(0);
            e.fail(place, Some(&failure(kind)), now, &options);
        }
        assert_eq!(e.failures, 0);
        let place = e.take(0);
        e.fail(place, None, now, &options);
        assert_eq!((e.failures, e.in_flight), (0, 0));
        e.is_out("refused", now, &options);
        assert!(e.is_down(&options) && !e.has_room(now, &options));
    }
}
