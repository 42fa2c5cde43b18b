//! What is asked where, before anything is laid out: levels, classes and numbers of instances in the shares of the paper.

use super::classes::{Classes, shuffle};
use super::region::{IN_DOMAIN, NEW};
use crate::Level;
use crate::hash::{FieldHasher, SplitMix};

/// One sample to be.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) id: String,
    pub(crate) level: Level,
    /// Index into the classes of its set.
    pub(crate) class: usize,
    /// Places to be marked.
    pub(crate) instances: usize,
    /// The share of the picture that they should take.
    pub(crate) share: f64,
}

/// Samples whose windows lie in one quarter.
#[derive(Debug, Clone)]
pub(crate) struct Quarter {
    /// `q000017`, of the new regions `r000017`.
    pub(crate) key: String,
    pub(crate) seed: u64,
    /// Index of the region.
    pub(crate) region: usize,
    pub(crate) asks: Vec<Planned>,
}

/// Shares of the levels (paper Fig. 6a: 5,410, 5,958 and 2,598 of 13,966).
const LEVELS: [(Level, u64); 3] = [(Level::Name, 5410), (Level::Class, 5958), (Level::Function, 2598)];
const ALL: u64 = 13_966;
/// The share of samples with several instances (paper A.9: single to multiple 0.89 to 0.11).
const MULTIPLE: f64 = 0.11;

/// Mean share of the picture that is asked for, by level, in the paper's figures 3.3, 3.8 and 4.2 %. Targets are drawn
/// around what the clamps on a window's side leave of them.
fn mean_share(level: Level) -> f64 {
    match level {
        Level::Name => 0.033,
        Level::Class => 0.038,
        Level::Function => 0.042,
    }
}

/// The in-domain plan of `count` samples.
pub(crate) fn in_domain(seed: u64, count: usize, classes: &Classes) -> Vec<Quarter> {
    let mut random = SplitMix(FieldHasher::default().field("city").field(seed.to_le_bytes()).number());
    let mut asks = Vec::with_capacity(count);
    let (mut sum, mut done) = (0, 0);
    for (level, share) in LEVELS {
        sum += share;
        let until = ((count as u64 * sum + ALL / 2) / ALL) as usize;
        asks.extend(of_level(level, until - done, classes, &mut random));
        done = until;
    }
    shuffle(&mut asks, &mut random);
    grouped(asks, 'q', 0, IN_DOMAIN.len(), classes, &mut random)
}

/// The plan of the new regions: class level only (paper A.1.2).
pub(crate) fn new_regions(seed: u64, count: usize, classes: &Classes) -> Vec<Quarter> {
    let mut random = SplitMix(FieldHasher::default().field("new regions").field(seed.to_le_bytes()).number());
    let mut asks = of_level(Level::Class, count, classes, &mut random);
    shuffle(&mut asks, &mut random);
    grouped(asks, 'r', IN_DOMAIN.len(), NEW.len(), classes, &mut random)
}

fn of_level(level: Level, count: usize, classes: &Classes, random: &mut SplitMix) -> Vec<Planned> {
    let kinds = classes.quota(count, random);
    // Names are of one place; what is left of the paper's 11 % falls on the other levels.
    let multiple = if level == Level::Name { 0.0 } else { MULTIPLE * ALL as f64 / (LEVELS[1].1 + LEVELS[2].1) as f64 };
    kinds
        .into_iter()
        .map(|class| {
            let instances = if random.chance(multiple) { 2 + random.below(2).min(random.below(3)) as usize } else { 1 };
            // Twice as much or half as much is common; the mean of the factor is about one.
            let factor = libm::exp2(random.between(-1.25, 1.05));
            Planned { id: String::new(), level, class, instances, share: mean_share(level) * factor }
        })
        .collect()
}

/// Puts samples into quarters in which none spoils another's count of instances.
fn grouped(
    asks: Vec<Planned>,
    prefix: char,
    first_region: usize,
    regions: usize,
    classes: &Classes,
    random: &mut SplitMix,
) -> Vec<Quarter> {
    let mut quarters: Vec<(Quarter, usize)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for ask in asks {
        let fits = open.iter().position(|q| quarters[*q].0.asks.iter().all(|other| agree(&ask, other, classes)));
        let at = fits.map_or(quarters.len(), |at| open[at]);
        if fits.is_none() {
            let key = format!("{prefix}{at:05}");
            let region = first_region + random.below(regions as u64) as usize;
            let quarter = Quarter { key, seed: random.next_u64(), region, asks: Vec::new() };
            quarters.push((quarter, 1 + random.below(3) as usize));
            open.push(at);
            if open.len() > 6 {
                open.remove(0);
            }
        }
        let (quarter, room) = &mut quarters[at];
        quarter.asks.push(ask);
        if quarter.asks.len() >= *room {
            open.retain(|q| *q != at);
        }
    }
    let mut numbers = [0_u32; 3];
    let mut quarters: Vec<Quarter> = quarters.into_iter().map(|(q, _)| q).collect();
    for ask in quarters.iter_mut().flat_map(|q| &mut q.asks) {
        let number = &mut numbers[ask.level as usize];
        *number += 1;
        ask.id = format!("{}_{}{number:06}", ask.level.prefix(), if prefix == 'q' { "" } else { "r" });
    }
    quarters
}

/// Whether two samples may share a quarter: neither brings places that the other counts.
fn agree(a: &Planned, b: &Planned, classes: &Classes) -> bool {
    let counts = |asked: &Planned, brought: &Planned| {
        let (x, y) = (&classes.kinds[asked.class], &classes.kinds[brought.class]);
        match asked.level {
            Level::Name => false,
            Level::Class => x.name == y.name,
            Level::Function => x.function == y.function,
        }
    };
    !counts(a, b) && !counts(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_s_shares_come_out() {
        let (old, _) = Classes::embedded().unwrap();
        let quarters = in_domain(0, 13_966, &old);
        let all: Vec<&Planned> = quarters.iter().flat_map(|q| &q.asks).collect();
        assert_eq!(all.len(), 13_966);
        for (level, count) in LEVELS {
            assert_eq!(all.iter().filter(|a| a.level == level).count() as u64, count);
        }
        let multiple = all.iter().filter(|a| a.instances > 1).count() as f64 / all.len() as f64;
        assert!((multiple - 0.11).abs() < 0.01, "{multiple}");
        let mean = all.iter().map(|a| a.instances).sum::<usize>() as f64 / all.len() as f64;
        assert!((1.1..1.2).contains(&mean), "{mean}");
        let ids: std::collections::BTreeSet<&str> = all.iter().map(|a| a.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        assert!(quarters.len() > 2000 && quarters.iter().all(|q| q.asks.len() <= 3));
    }
}
