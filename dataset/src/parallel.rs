//! Work on several threads whose results come in order, a bounded number ahead of who takes them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// Results that are ready before their turn, at most, for each thread.
const AHEAD: usize = 3;

struct Shared<I, T> {
    state: Mutex<State<I, T>>,
    changed: Condvar,
}

struct State<I, T> {
    items: I,
    /// The number of the next item to be begun, and of the next result to be taken.
    begun: usize,
    taken: usize,
    /// No items are left, or nobody takes results any more.
    finished: bool,
    stopped: bool,
    ready: BTreeMap<usize, thread::Result<T>>,
}

/// Applies `work` to the items on `threads` threads; the results come in the order of the items, whatever the number of
/// threads. A panic of the work is passed on to who takes its result.
pub fn in_order<I, F, T>(items: I, threads: usize, work: F) -> impl Iterator<Item = T> + Send + use<I, F, T>
where
    I: Iterator + Send + 'static,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    let threads = threads.max(1);
    let state = State { items, begun: 0, taken: 0, finished: false, stopped: false, ready: BTreeMap::new() };
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
    let work = Arc::new(work);
    let spawn = |_| {
        let (shared, work) = (Arc::clone(&shared), Arc::clone(&work));
        thread::spawn(move || run(&shared, threads * AHEAD, work.as_ref()))
    };
    let threads = (0..threads).map(spawn).collect();
    Results { shared, threads }
}

fn run<I: Iterator, T>(shared: &Shared<I, T>, ahead: usize, work: &(impl Fn(I::Item) -> T + ?Sized)) {
    loop {
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.stopped && !state.finished && state.begun >= state.taken + ahead {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped || state.finished {
            return;
        }
        // What a panicking iterator says is its last result.
        let item = catch_unwind(AssertUnwindSafe(|| state.items.next()));
        let number = state.begun;
        let item = match item {
            Ok(Some(item)) => item,
            Ok(None) => {
                state.finished = true;
                shared.changed.notify_all();
                return;
            }
            Err(panic) => {
                state.ready.insert(number, Err(panic));
                state.begun += 1;
                state.finished = true;
                shared.changed.notify_all();
                return;
            }
        };
        state.begun += 1;
        drop(state);
        let result = catch_unwind(AssertUnwindSafe(|| work(item)));
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ready.insert(number, result);
        shared.changed.notify_all();
    }
}

struct Results<I, T> {
    shared: Arc<Shared<I, T>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl<I: Iterator, T> Iterator for Results<I, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let number = state.taken;
            if let Some(result) = state.ready.remove(&number) {
                state.taken += 1;
                self.shared.changed.notify_all();
                drop(state);
                match result {
                    Ok(result) => return Some(result),
                    Err(panic) => resume_unwind(panic),
                }
            }
            if state.finished && state.taken >= state.begun {
                return None;
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<I, T> Drop for Results<I, T> {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.shared.changed.notify_all();
        // Nothing works on behind the back of who stopped taking results.
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// As many threads as there are processors.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let squares: Vec<u64> = in_order(0..200_u64, threads, |n| {
                std::thread::sleep(std::time::Duration::from_micros((n * 37) % 90));
                n * n
            })
            .collect();
            assert_eq!(squares, (0..200).map(|n| n * n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_more_is_begun_than_is_wanted() {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let mut results = in_order(0..10_000, 2, move |n| {
            count.fetch_add(1, Ordering::SeqCst);
            n
        });
        assert_eq!(results.next(), Some(0));
        drop(results);
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert!(begun.load(Ordering::SeqCst) <= 1 + 2 * AHEAD + 2);
    }

    #[test]
    fn a_panic_reaches_who_takes_the_result() {
        let mut results = in_order(0..3, 2, |n| if n == 1 { panic!("at one") } else { n });
        assert_eq!(results.next(), Some(0));
        assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
        assert_eq!(results.next(), Some(2));
    }
}
