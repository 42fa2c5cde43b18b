//! One draw, tried until it is answered or there is no use any more.

use std::time::Instant;

use socio_backend::Cancel;

use crate::answer::Answer;
use crate::failure::{Failure, Kind};
use crate::nap::nap;
use crate::pool::Pool;
use crate::usage::Counters;
use crate::wire::Wire;
use crate::{Options, back_off};

/// What all draws share.
pub(crate) struct Asking<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) pool: &'a Pool,
    pub(crate) counters: &'a Counters,
    pub(crate) options: &'a Options,
    pub(crate) model: &'a str,
    pub(crate) cancel: &'a Cancel,
}

impl Asking<'_> {
    /// Sends a body until an answer comes. `request` is a hash of what is asked, for the waits between tries.
    pub(crate) fn persist(&self, body: &[u8], request: u64, log_probabilities: bool) -> Result<Answer, Failure> {
        let (mut tries, mut last) = (0, None);
        let mut begun: Option<Instant> = None;
        let mut before: Option<Failure> = None;
        loop {
            if self.cancel.is_cancelled() {
                return Err(Failure::cancelled());
            }
            let end = begun.map(|b| b + self.options.budget);
            let lease = match (self.pool.place(last, end), before) {
                (Ok(lease), _) => lease,
                // What went wrong with this draw says more than that there is no place for it.
                (Err(e), Some(before)) if e.kind != Kind::Stopped => {
                    return Err(Failure { why: format!("{}, then {}", before.why, e.why), ..e });
                }
                (Err(e), _) => return Err(e),
            };
            let begun = *begun.get_or_insert_with(Instant::now);
            tries += 1;
            last = Some(lease.endpoint);
            self.counters.attempt();
            let answer = self.wire.ask(&lease.address, body, self.model, log_probabilities, self.cancel);
            let failure = match answer {
                Ok(answer) => {
                    lease.succeed();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            lease.fail(&failure);
            if failure.wasted.is_some() || failure.kind.may_have_cost() {
                self.counters.waste(failure.wasted);
            }
            let wait = back_off::wait(self.options, request, tries);
            let spent = begun.elapsed();
            if failure.kind == Kind::Absent && self.pool.is_deserted() {
                // Nobody was there to try it with. How long that may last is the pool's patience.
                tries -= 1;
            } else if !failure.kind.can_be_tried_again() || (tries == 1 && self.options.tries == 1) {
                return Err(failure);
            } else if tries >= self.options.tries || spent + wait > self.options.budget {
                let why = format!("{} (the last of {tries} tries in {:.1} s)", failure.why, spent.as_secs_f64());
                return Err(Failure { why, ..failure });
            }
            if !nap(wait, &self.options.stop) {
                return Err(Failure::stopped());
            }
            before = Some(failure);
        }
    }
}
