//! A load test: queries come as a scenario has them, and each is timed from when it was due.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use socio_dataset::hash::SplitMix;
use socio_dataset::store::Encoded;
use socio_record::{LoadQuery, Scenario, Terms};

use crate::sample::{Scored, work};

/// Queries as they are due: endless, their samples in one random order over and over, so that each is asked equally often
/// and never soon after itself: what a model keeps of the last few images answers nothing.
struct Queue {
    scenario: Scenario,
    arrivals: SplitMix,
    order: Vec<usize>,
    due: f64,
    issued: usize,
}

impl Queue {
    fn new(terms: &Terms, samples: usize) -> Self {
        let seeds = SplitMix(terms.seed);
        let (mut random, arrivals) = (seeds.at(1), seeds.at(2));
        let mut order: Vec<usize> = (0..samples).collect();
        for i in (1..samples).rev() {
            order.swap(i, random.below(i as u64 + 1) as usize);
        }
        Self { scenario: terms.scenario, arrivals, order, due: 0.0, issued: 0 }
    }

    /// The next query's sample, and when it is due, in seconds from the beginning.
    fn next(&mut self) -> (usize, f64) {
        if let Scenario::Server { target_qps, .. } = self.scenario {
            // Gaps of a Poisson process.
            self.due += -(1.0 - self.arrivals.unit()).ln() / target_qps;
        }
        let sample = self.order.get(self.issued % self.order.len().max(1)).copied().unwrap_or_default();
        self.issued += 1;
        (sample, self.due)
    }

    /// Whether enough was issued for the terms, `now` seconds after the beginning.
    fn enough(&self, terms: &Terms, now: f64) -> bool {
        let duration = if matches!(self.scenario, Scenario::Server { .. }) { self.due } else { now };
        duration >= terms.min_duration && self.issued >= terms.min_query_count
    }
}

/// Asks the samples, which are in memory, as the terms have it; `tell` is called after each counted query. Returns the
/// queries in the order in which they were due.
///
/// At least one sample and one query in flight are needed; a single stream has one in flight whatever the terms say.
pub fn load(
    samples: &[Encoded],
    scored: &Scored<'_>,
    terms: &Terms,
    tell: impl Fn(&LoadQuery) + Sync,
) -> Vec<LoadQuery> {
    let workers = match terms.scenario {
        Scenario::SingleStream => 1,
        Scenario::Offline | Scenario::Server { .. } => terms.in_flight.max(1),
    };
    if samples.is_empty() {
        return Vec::new();
    }
    let queue = Queue::new(terms, samples.len());
    warm_up(samples, &queue.order, scored, terms.warm_up, workers);
    let queue = Mutex::new(queue);
    let start = Instant::now();
    let worker = |number: usize| {
        let mut queries = Vec::new();
        loop {
            let (sample, due) = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                let now = start.elapsed().as_secs_f64();
                if queue.enough(terms, now) {
                    return queries;
                }
                let (sample, due) = queue.next();
                // A single stream's next query is due when the last is answered; an offline one's at the beginning.
                (sample, if matches!(terms.scenario, Scenario::SingleStream) { now } else { due })
            };
            let wait = due - start.elapsed().as_secs_f64();
            if wait > 0.0 {
                thread::sleep(Duration::from_secs_f64(wait));
            }
            let begun = start.elapsed().as_secs_f64();
            let record = work(&samples[sample], Duration::ZERO, scored, number as u32);
            let done = start.elapsed().as_secs_f64();
            let tokens = record.stages.iter().filter_map(|s| s.tokens).map(|t| t.completion).sum();
            let query = LoadQuery { sample, due, begun, done, status: record.status, tokens };
            tell(&query);
            queries.push(query);
        }
    };
    let mut queries = thread::scope(|scope| {
        let worker = &worker;
        let spawned: Vec<_> = (0..workers).map(|n| scope.spawn(move || worker(n))).collect();
        spawned.into_iter().filter_map(|w| w.join().ok()).flatten().collect::<Vec<_>>()
    });
    queries.sort_by(|a, b| a.due.total_cmp(&b.due).then(a.begun.total_cmp(&b.begun)));
    queries
}

/// Asks some queries whose times count for nothing, as many at once as will be: the last of the order, so that no model still
/// knows the images of the first that count.
fn warm_up(samples: &[Encoded], order: &[usize], scored: &Scored<'_>, queries: usize, workers: usize) {
    thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || {
                for i in (worker..queries).step_by(workers) {
                    let at = order[(order.len() - queries % order.len() + i) % order.len()];
                    let _ = work(&samples[at], Duration::ZERO, scored, worker as u32);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(scenario: Scenario) -> Terms {
        Terms { scenario, min_duration: 10.0, min_query_count: 5, warm_up: 0, in_flight: 1, seed: 3 }
    }

    #[test]
    fn arrivals_are_poisson_and_samples_equally_often() {
        let server = Scenario::Server { target_qps: 20.0, target_latency: 1.0 };
        let mut queue = Queue::new(&terms(server), 7);
        let drawn: Vec<(usize, f64)> = (0..70_000).map(|_| queue.next()).collect();
        for sample in 0..7 {
            assert_eq!(drawn.iter().filter(|(s, _)| *s == sample).count(), 10_000);
        }
        let gaps: Vec<f64> = drawn.windows(2).map(|w| w[1].1 - w[0].1).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // Of an exponential distribution the deviation is the mean.
        assert!((mean - 0.05).abs() < 0.001 && (variance.sqrt() - mean).abs() < 0.002, "{mean} {variance}");
        let mut again = Queue::new(&terms(server), 7);
        assert!(drawn.iter().all(|d| again.next() == *d), "the same for one seed");
    }

    #[test]
    fn a_test_ends_when_both_duration_and_count_are_met() {
        let terms = terms(Scenario::SingleStream);
        let mut queue = Queue::new(&terms, 3);
        assert!(!queue.enough(&terms, 20.0), "no query yet");
        (0..5).for_each(|_| _ = queue.next());
        assert!(!queue.enough(&terms, 9.0) && queue.enough(&terms, 10.0));
    }
}
