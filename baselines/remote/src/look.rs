//! The first look at all servers: who is there, and has the model.

use std::thread;

use crate::address::Address;
use crate::failure::{Failure, Kind};
use crate::nap::nap;
use crate::pool::Pool;
use crate::wire::Wire;
use crate::{Options, back_off, models};

/// Asks all endpoints at once for their models; those that do not answer rest.
///
/// # Errors
/// When none answers, or one says no in a way that will not pass.
pub(crate) fn look(
    wire: &Wire,
    pool: &Pool,
    addresses: &[Address],
    model: &str,
    options: &Options,
) -> Result<(), Failure> {
    let ask = |at| ask(wire, at, model, options);
    let looks: Vec<Result<(), Failure>> = thread::scope(|s| {
        let all: Vec<_> = addresses.iter().map(|at| s.spawn(move || ask(at))).collect();
        all.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(Failure::stopped()))).collect()
    });
    let answered = looks.iter().any(Result::is_ok);
    let mut first = None;
    for (endpoint, look) in looks.into_iter().enumerate() {
        let Err(failure) = look else { continue };
        if !failure.kind.can_be_tried_again() {
            return Err(failure);
        }
        pool.is_out(endpoint, &failure.why);
        first = first.or(Some(failure));
    }
    match first.filter(|_| !answered) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

fn ask(wire: &Wire, at: &Address, model: &str, options: &Options) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        let Err(failure) = models::check(wire, at, model, options) else { return Ok(()) };
        tries += 1;
        // A server that is loading says 503; one that is not there will not be there in a second.
        let again = failure.kind.is_too_much() || failure.kind == Kind::Server;
        let wait = back_off::wait(options, 0, tries).max(failure.after.unwrap_or_default());
        if !again || tries >= options.tries || !nap(wait.min(options.longest_retry_after), &options.stop) {
            return Err(failure);
        }
    }
}
