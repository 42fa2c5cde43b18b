//! Splits that do not leak: whole groups go to train, val and test, 6 to 1 to 3, stratified over levels and classes.

mod groups;

use std::collections::BTreeMap;

pub use groups::{Located, groups};

use crate::hash::FieldHasher;

/// The names of the splits, in the order of [`SHARES`].
pub const SPLITS: [&str; 3] = ["train", "val", "test"];
/// The paper's shares, 6 to 1 to 3.
pub const SHARES: [f64; 3] = [0.6, 0.1, 0.3];

/// How much more the split's own size counts than the share of one label: in small sets rare labels would else pull
/// it off.
const WHOLE: f64 = 8.0;

/// A sample to be put into a split.
#[derive(Debug, Clone)]
pub struct Item {
    /// The group that stays together.
    pub group: String,
    /// What is to be spread in the shares: its level, its class.
    pub labels: Vec<String>,
}

/// How far a split's share of a label is from what it should be.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Deviation {
    /// The label.
    pub label: String,
    /// Samples that carry it.
    pub samples: u64,
    /// The split that is furthest off.
    pub split: &'static str,
    /// Its share less the share that it should have, in percent points.
    pub points: f64,
}

/// Puts items into splits (indices of [`SPLITS`], one an item): greedy iterative stratification over groups. Groups with
/// rare labels choose first, each the split that leaves the squared deviations smallest; then groups move while that
/// makes them smaller. Ties go by a hash of the seed and the group, so the order of the items does not matter.
pub fn assign(items: &[Item], seed: u64) -> Vec<usize> {
    let mut table = Table::new(items, seed);
    table.greedy();
    table.settle();
    items.iter().map(|item| table.groups[&item.group].split.unwrap_or(0)).collect()
}

/// The furthest deviation of each label, the largest first.
pub fn deviations(items: &[Item], splits: &[usize]) -> Vec<Deviation> {
    let mut counts: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for (item, split) in items.iter().zip(splits) {
        for label in item.labels.iter().map(String::as_str).chain(["all"]) {
            counts.entry(label).or_default()[*split] += 1;
        }
    }
    let mut found: Vec<Deviation> = counts
        .into_iter()
        .map(|(label, counts)| {
            let samples: u64 = counts.iter().sum();
            let off = |s: usize| (counts[s] as f64 / samples as f64 - SHARES[s]) * 100.0;
            let worst = (0..3).max_by(|a, b| off(*a).abs().total_cmp(&off(*b).abs())).unwrap_or(0);
            Deviation { label: label.to_owned(), samples, split: SPLITS[worst], points: off(worst) }
        })
        .collect();
    found.sort_by(|a, b| b.points.abs().total_cmp(&a.points.abs()).then(a.label.cmp(&b.label)));
    found
}

struct Group {
    /// Samples of each label (an index) in the group; the last label is the samples themselves.
    counts: Vec<(usize, f64)>,
    key: u64,
    split: Option<usize>,
}

struct Table {
    groups: BTreeMap<String, Group>,
    /// Samples of each label in all, and in each split so far.
    totals: Vec<f64>,
    held: Vec<[f64; 3]>,
}

impl Table {
    fn new(items: &[Item], seed: u64) -> Self {
        let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
        for label in items.iter().flat_map(|i| &i.labels) {
            labels.entry(label).or_insert(0);
        }
        // Numbered by name: the order of the items must not matter.
        for (n, index) in labels.values_mut().enumerate() {
            *index = n;
        }
        let all = labels.len();
        let mut groups: BTreeMap<String, (BTreeMap<usize, f64>, u64)> = BTreeMap::new();
        let mut totals = vec![0.0; all + 1];
        for item in items {
            let key = || FieldHasher::default().field(seed.to_le_bytes()).field(&item.group).number();
            let (counts, _) = groups.entry(item.group.clone()).or_insert_with(|| (BTreeMap::new(), key()));
            for label in item.labels.iter().map(|l| labels[l.as_str()]).chain([all]) {
                *counts.entry(label).or_default() += 1.0;
                totals[label] += 1.0;
            }
        }
        let groups = groups
            .into_iter()
            .map(|(name, (counts, key))| (name, Group { counts: counts.into_iter().collect(), key, split: None }))
            .collect();
        Self { groups, held: vec![[0.0; 3]; totals.len()], totals }
    }

    fn greedy(&mut self) {
        let mut order: Vec<(f64, f64, u64, String)> = self
            .groups
            .iter()
            .map(|(name, g)| {
                let rarest = g.counts.iter().map(|(l, _)| self.totals[*l]).fold(f64::INFINITY, f64::min);
                let size = g.counts.last().map_or(0.0, |(_, n)| *n);
                (rarest, -size, g.key, name.clone())
            })
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)).then(a.3.cmp(&b.3)));
        for (_, _, _, name) in order {
            self.place(&name);
        }
    }

    /// Puts a group where it does the least harm; says whether that is another split than before.
    fn place(&mut self, name: &str) -> bool {
        let Some(group) = self.groups.get_mut(name) else { return false };
        let before = group.split.take();
        if let Some(split) = before {
            for (label, n) in &group.counts {
                self.held[*label][split] -= n;
            }
        }
        let harm = |split: usize| -> f64 {
            let of = |(label, n): &(usize, f64)| {
                let (total, held) = (self.totals[*label], self.held[*label][split]);
                let off = held - total * SHARES[split];
                // What the square grows by, against what the label can bear.
                let weight = if *label + 1 == self.totals.len() { WHOLE } else { 1.0 };
                weight * (2.0 * off * n + n * n) / (total * SHARES[split])
            };
            group.counts.iter().map(of).sum()
        };
        let harms = [0, 1, 2].map(harm);
        // From a place that the group's own hash chooses, so that ties fall evenly.
        let start = (group.key % 3) as usize;
        let mut best = before.unwrap_or(start);
        for split in (0..3).map(|i| (start + i) % 3) {
            if harms[split] < harms[best] - 1e-12 {
                best = split;
            }
        }
        for (label, n) in &group.counts {
            self.held[*label][best] += n;
        }
        group.split = Some(best);
        before != Some(best)
    }

    fn settle(&mut self) {
        let mut names: Vec<(u64, String)> = self.groups.iter().map(|(n, g)| (g.key, n.clone())).collect();
        names.sort();
        for _ in 0..30 {
            let moved = names.iter().filter(|(_, n)| self.place(n)).count();
            if moved == 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::SplitMix;

    /// Items of SocioSeg's proportions in groups of 1 to `largest`.
    fn like_socioseg(seed: u64, largest: u64) -> Vec<Item> {
        let mut random = SplitMix(seed);
        let mut items = Vec::new();
        let (mut group, mut left) = (0, 0);
        for n in 0..13_966_u64 {
            if left == 0 {
                (group, left) = (group + 1, 1 + random.below(largest));
            }
            left -= 1;
            let level = if n % 1000 < 387 {
                "name"
            } else if n % 1000 < 814 {
                "class"
            } else {
                "function"
            };
            // Long-tailed: the n-th class about 1/(n+6) as common, cut off by rejection.
            let class = loop {
                let c = random.below(90);
                if random.chance(6.0 / (c as f64 + 6.0)) {
                    break c;
                }
            };
            let class = if level == "function" { format!("f{}", class % 10) } else { format!("c{class}") };
            items.push(Item { group: format!("g{group}"), labels: vec![level.to_owned(), class] });
        }
        items
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]
        #[test]
        fn shares_hold_at_full_size(seed in 0..1_000_000_u64, largest in 1..8_u64) {
            let items = like_socioseg(seed, largest);
            let splits = assign(&items, seed);
            for d in deviations(&items, &splits) {
                if ["name", "class", "function", "all"].contains(&d.label.as_str()) {
                    prop_assert!(d.points.abs() <= 0.5, "{d:?}");
                } else if d.samples >= 50 {
                    prop_assert!(d.points.abs() <= 2.0, "{d:?}");
                }
            }
            let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
            for (item, split) in items.iter().zip(&splits) {
                prop_assert_eq!(*homes.entry(&item.group).or_insert(*split), *split);
            }
        }

        #[test]
        fn the_order_of_samples_does_not_matter(seed in 0..1000_u64) {
            let mut items = like_socioseg(seed, 5);
            items.truncate(900);
            let before = assign(&items, 1);
            let mut order: Vec<usize> = (0..items.len()).collect();
            order.sort_by_key(|i| FieldHasher::default().field(seed.to_le_bytes()).field(i.to_le_bytes()).number());
            let shuffled: Vec<Item> = order.iter().map(|i| items[*i].clone()).collect();
            let after = assign(&shuffled, 1);
            for (place, i) in order.iter().enumerate() {
                prop_assert_eq!(after[place], before[*i]);
            }
        }
    }

    #[test]
    fn few_samples_are_split_as_well_as_can_be() {
        let items: Vec<Item> =
            (0..10).map(|i| Item { group: i.to_string(), labels: vec!["name".to_owned()] }).collect();
        let splits = assign(&items, 0);
        assert_eq!([0, 1, 2].map(|s| splits.iter().filter(|x| **x == s).count()), [6, 1, 3]);
        assert!(assign(&[], 0).is_empty());
    }
}
