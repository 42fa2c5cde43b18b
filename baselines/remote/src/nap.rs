//! Waits that end when someone says stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a wait goes on after a stop at most.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Sleeps; false when it was stopped.
pub(crate) fn nap(time: Duration, stop: &AtomicBool) -> bool {
    let end = Instant::now() + time;
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(SLICE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nap_ends_early_when_stopped() {
        let stop = AtomicBool::new(false);
        assert!(nap(Duration::from_millis(1), &stop));
        let start = Instant::now();
        thread::scope(|s| {
            s.spawn(|| stop.store(true, Ordering::Relaxed));
            assert!(!nap(Duration::from_mins(1), &stop));
        });
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
