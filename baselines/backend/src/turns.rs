//! What many threads ask of one model, computed together: whoever waits drives.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A model that works on several jobs at once, step by step; jobs come and go between steps.
pub trait Engine: Send {
    /// What is asked.
    type Job: Send;
    /// What comes of it.
    type Reply: Send;

    /// Whether a job may come in beside those that are in. One that comes alone always may.
    fn room(&self, job: &Self::Job) -> bool;

    /// Takes a job in.
    fn admit(&mut self, ticket: u64, job: Self::Job);

    /// Goes one step on with all that are in; gives those that are finished.
    fn step(&mut self) -> Vec<(u64, Self::Reply)>;

    /// Gives up all that are in, after a step that panicked.
    fn abandon(&mut self) -> Vec<(u64, Self::Reply)>;
}

/// The queue before an engine. A job starts as soon as there is room, and a finished one makes room at once: nothing waits
/// for a timer or for a batch to fill. No thread of its own: of the threads that wait for answers, one at a time drives.
pub struct Turns<E: Engine> {
    engine: Mutex<E>,
    queue: Mutex<Queue<E>>,
    changed: Condvar,
}

struct Queue<E: Engine> {
    next: u64,
    waiting: VecDeque<(u64, E::Job)>,
    ready: BTreeMap<u64, E::Reply>,
    driven: bool,
}

impl<E: Engine> Turns<E> {
    /// Before an engine that works on nothing yet.
    pub fn new(engine: E) -> Self {
        let queue = Queue { next: 0, waiting: VecDeque::new(), ready: BTreeMap::new(), driven: false };
        Self { engine: Mutex::new(engine), queue: Mutex::new(queue), changed: Condvar::new() }
    }

    /// Asks and waits; replies come in the order of the jobs.
    pub fn ask(&self, jobs: Vec<E::Job>) -> Vec<E::Reply> {
        let mut queue = self.queue();
        let tickets: Vec<u64> = (queue.next..).take(jobs.len()).collect();
        queue.next += jobs.len() as u64;
        queue.waiting.extend(tickets.iter().copied().zip(jobs));
        loop {
            if tickets.iter().all(|t| queue.ready.contains_key(t)) {
                let replies = tickets.iter().filter_map(|t| queue.ready.remove(t)).collect();
                // Another of those that wait has to drive now.
                self.changed.notify_all();
                return replies;
            }
            if queue.driven {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.driven = true;
            drop(queue);
            let finished = self.drive();
            queue = self.queue();
            queue.driven = false;
            if !finished.is_empty() {
                queue.ready.extend(finished);
                self.changed.notify_all();
            }
        }
    }

    /// One step, with those that came in the meantime.
    fn drive(&self) -> Vec<(u64, E::Reply)> {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut queue = self.queue();
            if !queue.waiting.front().is_some_and(|(_, job)| engine.room(job)) {
                break;
            }
            let Some((ticket, job)) = queue.waiting.pop_front() else { break };
            drop(queue);
            engine.admit(ticket, job);
        }
        match catch_unwind(AssertUnwindSafe(|| engine.step())) {
            Ok(finished) => finished,
            Err(_) => engine.abandon(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<E>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    /// Counts each job down, all at once; a job of 666 panics.
    #[derive(Default)]
    struct Counting {
        at_once: usize,
        most: usize,
        steps: usize,
        jobs: Vec<(u64, u32, u32)>,
    }

    impl Engine for Counting {
        type Job = u32;
        type Reply = Result<(u32, usize), &'static str>;

        fn room(&self, _: &u32) -> bool {
            self.jobs.len() < self.at_once
        }

        fn admit(&mut self, ticket: u64, job: u32) {
            self.jobs.push((ticket, job, job));
            self.most = self.most.max(self.jobs.len());
        }

        fn step(&mut self) -> Vec<(u64, Self::Reply)> {
            self.steps += 1;
            assert!(self.jobs.iter().all(|j| j.1 != 666), "a step that panics");
            let most = self.most;
            let mut ended = Vec::new();
            self.jobs.retain_mut(|(ticket, asked, left)| {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ended.push((*ticket, Ok((*asked, most))));
                }
                *left > 0
            });
            ended
        }

        fn abandon(&mut self) -> Vec<(u64, Self::Reply)> {
            self.jobs.drain(..).map(|j| (j.0, Err("given up"))).collect()
        }
    }

    #[test]
    fn every_thread_gets_its_own_replies_in_order() {
        let turns = Turns::new(Counting { at_once: 4, ..Counting::default() });
        thread::scope(|scope| {
            for t in 0..16u32 {
                let turns = &turns;
                scope.spawn(move || {
                    for round in 0..20 {
                        let jobs: Vec<u32> = (1..=t % 4 + 1).map(|j| j * 7 + round % 5).collect();
                        let replies = turns.ask(jobs.clone());
                        assert_eq!(replies.iter().map(|r| r.unwrap().0).collect::<Vec<_>>(), jobs);
                        assert!(replies.iter().all(|r| r.unwrap().1 <= 4));
                    }
                });
            }
        });
        assert!(turns.ask(Vec::new()).is_empty());
    }

    #[test]
    fn a_finished_job_makes_room_at_once() {
        // A long one and ten short ones, two at once: the short ones pass while the long one goes on.
        let turns = Turns::new(Counting { at_once: 2, ..Counting::default() });
        let replies = turns.ask([vec![100], vec![10; 10]].concat());
        assert_eq!(replies.len(), 11);
        assert_eq!(turns.engine.lock().unwrap().steps, 100);
    }

    #[test]
    fn what_panics_takes_nobody_else_down() {
        let turns = Turns::new(Counting { at_once: 1, ..Counting::default() });
        let (fine, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for t in 0..8 {
                let (turns, fine, lost) = (&turns, &fine, &lost);
                scope.spawn(move || match turns.ask(vec![if t == 3 { 666 } else { 5 }])[0] {
                    Ok(_) => fine.fetch_add(1, Ordering::Relaxed),
                    Err(_) => lost.fetch_add(1, Ordering::Relaxed),
                });
            }
        });
        assert_eq!((fine.into_inner(), lost.into_inner()), (7, 1));
    }
}
