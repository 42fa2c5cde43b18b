//! What was asked, and what it cost.

use std::sync::atomic::{AtomicU64, Ordering};

use socio_backend::Cost;

/// Tokens of one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tokens {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
}

/// [`Cost`] as it grows.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    answered: AtomicU64,
    tries: AtomicU64,
    prompt: AtomicU64,
    completion: AtomicU64,
    wasted: AtomicU64,
    untold: AtomicU64,
}

impl Counters {
    pub(crate) fn requests(&self, more: usize) {
        add(&self.requests, more as u64);
    }

    pub(crate) fn attempt(&self) {
        add(&self.tries, 1);
    }

    pub(crate) fn answer(&self, replies: impl IntoIterator<Item = Option<Tokens>>) {
        add(&self.answered, 1);
        for reply in replies {
            match reply {
                Some(tokens) => {
                    add(&self.prompt, tokens.prompt);
                    add(&self.completion, tokens.completion);
                }
                None => add(&self.untold, 1),
            }
        }
    }

    pub(crate) fn waste(&self, reply: Option<Tokens>) {
        match reply {
            Some(tokens) => add(&self.wasted, tokens.prompt.saturating_add(tokens.completion)),
            None => add(&self.untold, 1),
        }
    }

    pub(crate) fn snapshot(&self) -> Cost {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Cost {
            requests: read(&self.requests),
            answered: read(&self.answered),
            tries: read(&self.tries),
            prompt_tokens: read(&self.prompt),
            completion_tokens: read(&self.completion),
            wasted_tokens: read(&self.wasted),
            untold: read(&self.untold),
        }
    }
}

/// Numbers are what servers say: one that is absurd must not wrap.
fn add(counter: &AtomicU64, more: u64) {
    // The closure never declines.
    let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.saturating_add(more)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_wasted_and_untold_are_apart() {
        let counters = Counters::default();
        counters.requests(1);
        counters.attempt();
        counters.attempt();
        counters.waste(Some(Tokens { prompt: 5, completion: 2 }));
        counters.waste(None);
        counters.answer([Some(Tokens { prompt: 10, completion: 3 }), None, Some(Tokens { prompt: 10, completion: 4 })]);
        let expected = Cost {
            requests: 1,
            answered: 1,
            tries: 2,
            prompt_tokens: 20,
            completion_tokens: 7,
            wasted_tokens: 7,
            untold: 2,
        };
        assert_eq!(counters.snapshot(), expected);
        counters.waste(Some(Tokens { prompt: u64::MAX, completion: u64::MAX }));
        assert_eq!(counters.snapshot().wasted_tokens, u64::MAX);
    }
}
