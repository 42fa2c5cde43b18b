//! Shares of a run for several processes or machines.

use std::fmt;
use std::str::FromStr;

use socio_dataset::hash::FieldHasher;

use crate::QueueOptions;

/// Shard `index` of `count`, from 1: the samples whose id's hash falls to it, whatever the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Which samples of a run a process works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Those of its shard, whatever others do.
    Shard(Shard),
    /// Those that it takes from the queue in the run's folder, beside others that do.
    Queue(QueueOptions),
}

/// A text that names no shard.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` names no shard: expected i/n with 1 <= i <= n, as 2/4")]
pub struct ShardError(String);

impl Shard {
    /// The whole run.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// All shards of so many (at least one).
    pub fn all(count: u32) -> impl Iterator<Item = Self> {
        let count = count.max(1);
        (1..=count).map(move |index| Self { index, count })
    }

    /// Whether a sample falls to this shard.
    pub fn holds(self, id: &str) -> bool {
        FieldHasher::default().field("shard").field(id).number() % u64::from(self.count) == u64::from(self.index - 1)
    }

    /// The name of its writer.
    pub fn writer(self) -> String {
        format!("shard-{}-of-{}", self.index, self.count)
    }
}

impl Share {
    /// The shard that all its samples are of.
    pub fn shard(self) -> Shard {
        match self {
            Self::Shard(shard) => shard,
            Self::Queue(_) => Shard::WHOLE,
        }
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, count)) if index >= 1 && index <= count => Ok(Self { index, count }),
            _ => Err(ShardError(text.to_owned())),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_falls_to_one_shard_of_about_equal_size() {
        let shards: Vec<Shard> = (1..=4).map(|i| format!("{i}/4").parse().unwrap()).collect();
        let mut sizes = [0; 4];
        for n in 0..4000 {
            let id = format!("name_{n:04}");
            let held: Vec<usize> = (0..4).filter(|i| shards[*i].holds(&id)).collect();
            assert_eq!(held.len(), 1);
            sizes[held[0]] += 1;
        }
        assert!(sizes.iter().all(|s| (900..1100).contains(s)), "{sizes:?}");
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "1", "0/2", "3/2", "a/b", "1/0", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
