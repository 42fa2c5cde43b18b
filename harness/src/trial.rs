//! The same samples once more, in another way: as many in flight, in another order, in other shares.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socio_backend::{BackendError, Vlm, VlmCaps, VlmReply, VlmRequest};
use socio_dataset::hash::SplitMix;
use socio_dataset::store::Encoded;
use socio_record::Record;

use crate::Shard;
use crate::sample::{Scored, work};

/// In which order samples are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they were chosen.
    Given,
    /// The last first.
    Reversed,
    /// Drawn by this seed.
    Shuffled(u64),
}

/// How samples are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Samples worked on at once (at least one).
    pub in_flight: usize,
    /// In which order they are begun.
    pub order: Order,
    /// In how many shares, one after the other.
    pub shards: u32,
}

/// Works on samples that are in memory; the records come in the order of the samples, whatever the way. `tell` is called
/// after each.
pub fn trial(samples: &[Encoded], scored: &Scored<'_>, way: Way, tell: impl Fn() + Sync) -> Vec<Record> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    match way.order {
        Order::Given => {}
        Order::Reversed => order.reverse(),
        Order::Shuffled(seed) => {
            let mut random = SplitMix(seed);
            for i in (1..order.len()).rev() {
                order.swap(i, random.below(i as u64 + 1) as usize);
            }
        }
    }
    let mut records: BTreeMap<usize, Record> = BTreeMap::new();
    for shard in Shard::all(way.shards) {
        let share: Vec<usize> = order.iter().copied().filter(|i| shard.holds(&samples[*i].id)).collect();
        let next = AtomicUsize::new(0);
        let worker = |number: usize| {
            let mut own = Vec::new();
            while let Some(at) = share.get(next.fetch_add(1, Ordering::Relaxed)) {
                own.push((*at, work(&samples[*at], Duration::ZERO, scored, number as u32)));
                tell();
            }
            own
        };
        records.extend(thread::scope(|scope| {
            let worker = &worker;
            let spawned: Vec<_> = (0..way.in_flight.max(1)).map(|n| scope.spawn(move || worker(n))).collect();
            spawned.into_iter().filter_map(|w| w.join().ok()).flatten().collect::<Vec<_>>()
        }));
    }
    records.into_values().collect()
}

/// What one answer was made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// Its tokens; empty where the backend does not tell them.
    pub tokens: Vec<u32>,
    /// The gap between the two largest logits at each token, and at the stop token.
    pub gaps: Vec<f32>,
}

/// A model that is listened to: what each answer was made of is kept by the hash of its request.
pub struct Listening {
    inner: Arc<dyn Vlm>,
    heard: Mutex<BTreeMap<String, Heard>>,
}

impl Listening {
    /// Listens to a model.
    pub fn to(inner: Arc<dyn Vlm>) -> Self {
        Self { inner, heard: Mutex::default() }
    }

    /// What was heard until now.
    pub fn heard(&self) -> BTreeMap<String, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Vlm for Listening {
    fn caps(&self) -> &VlmCaps {
        self.inner.caps()
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let told = self.caps().log_probabilities;
        let wanted: Vec<VlmRequest> = requests
            .iter()
            .map(|r| VlmRequest { log_probabilities: r.log_probabilities || told, ..r.clone() })
            .collect();
        let replies = self.inner.ask(&wanted);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for (request, reply) in requests.iter().zip(&replies) {
            let completions = reply.iter().flat_map(|r| &r.completions);
            for (seed, completion) in request.seeds.iter().zip(completions) {
                let gaps = completion.gaps.clone().unwrap_or_default();
                heard.insert(request.key(*seed), Heard { tokens: completion.tokens.clone(), gaps });
            }
        }
        replies
    }
}
