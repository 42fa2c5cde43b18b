//! Since when others' leases look as they do, by this process's own clock. No lease tells a time, so no two clocks are compared:
//! machines may disagree by hours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What was seen first when.
#[derive(Debug, Default)]
pub(super) struct Watch {
    since: BTreeMap<String, Instant>,
}

impl Watch {
    /// Takes in what is there now; what is not is forgotten.
    pub(super) fn look<'a>(&mut self, names: impl Iterator<Item = &'a str>, now: Instant) {
        let old = std::mem::take(&mut self.since);
        self.since = names.map(|n| (n.to_owned(), old.get(n).copied().unwrap_or(now))).collect();
    }

    /// How long a name that is there still has until it was there for the whole term; zero where it was.
    pub(super) fn left(&self, name: &str, term: Duration, now: Instant) -> Duration {
        let seen = self.since.get(name).map_or(Duration::ZERO, |since| now.saturating_duration_since(*since));
        term.saturating_sub(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_the_same_for_a_whole_term_is_over() {
        let (mut watch, begun, term) = (Watch::default(), Instant::now(), Duration::from_mins(1));
        let at = |seconds| begun + Duration::from_secs(seconds);
        watch.look(["a.1", "b.1"].into_iter(), at(0));
        watch.look(["a.1", "b.2"].into_iter(), at(59));
        assert_eq!(watch.left("a.1", term, at(59)), Duration::from_secs(1));
        assert_eq!(watch.left("a.1", term, at(60)), Duration::ZERO);
        assert_eq!(watch.left("b.2", term, at(60)), Duration::from_secs(59));
        // Gone and back is another sight.
        watch.look(["b.2"].into_iter(), at(61));
        watch.look(["a.1"].into_iter(), at(62));
        assert_eq!(watch.left("a.1", term, at(63)), Duration::from_secs(59));
        assert_eq!(watch.left("never seen", term, at(63)), term);
    }
}
