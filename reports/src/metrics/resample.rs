//! The cluster bootstrap's inner loop: clusters are drawn with replacement, and their rows added.
//!
//! Draw `k` of resample `r` of `n` clusters takes the `r n + k`-th number of one SplitMix sequence. Its state is a counter,
//! so any resample can be made by itself: the result does not depend on the number of threads.

use std::num::NonZero;
use std::thread;

use socio_dataset::hash::SplitMix;

use crate::digest::Word;

/// The same for every table, so that a report is a pure function of its records.
const SEED: u64 = 0x50C1_0BEC;
/// What SplitMix adds to its state for each number.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// Fewer additions than this are not worth a thread.
const WORTH_A_THREAD: usize = 4_000_000;
/// Additions at most, so that a report over a million records ends; there are always [`FEWEST`] resamples.
const MOST: usize = 400_000_000;
/// Resamples at least.
const FEWEST: usize = 1_000;

/// Rows of sums, one a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Clusters {
    width: usize,
    stride: usize,
    rows: Vec<f64>,
}

impl Clusters {
    /// No cluster yet, of rows of so many columns.
    pub(crate) fn new(width: usize) -> Self {
        Self { width, stride: width.next_multiple_of(4), rows: Vec::new() }
    }

    /// A new cluster's row, all zero.
    pub(crate) fn add(&mut self) -> usize {
        self.rows.resize(self.rows.len() + self.stride, 0.0);
        self.len() - 1
    }

    /// The row of a cluster.
    pub(crate) fn row(&mut self, cluster: usize) -> &mut [f64] {
        &mut self.rows[cluster * self.stride..][..self.width]
    }

    /// How many clusters there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.stride
    }

    /// The sums over all clusters.
    pub(crate) fn total(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        for row in self.rows.chunks_exact(self.stride) {
            sums.iter_mut().zip(row).for_each(|(s, v)| *s += v);
        }
        sums
    }

    /// What `take` makes of the sums without one cluster each, for those of which it makes something.
    pub(crate) fn left_out(&self, take: impl Fn(&[f64]) -> Option<f64>) -> Vec<f64> {
        let total = self.total();
        let mut sums = total.clone();
        let without = |row: &[f64]| {
            sums.iter_mut().zip(&total).zip(row).for_each(|((s, t), v)| *s = t - v);
            take(&sums)
        };
        self.rows.chunks_exact(self.stride).filter_map(without).collect()
    }

    /// How many resamples are made where `wanted` are asked for: fewer where clusters are very many, and each says more.
    pub(crate) fn draws(&self, wanted: usize) -> usize {
        draws(self.len(), wanted)
    }

    /// What `take` makes of the sums of each resample, in their order.
    pub(crate) fn resampled<T: Send>(&self, draws: usize, take: impl Fn(&[f64]) -> T + Sync) -> Vec<T> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let work = draws.saturating_mul(self.len());
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(work / WORTH_A_THREAD + 1);
        let share = draws.div_ceil(threads);
        if threads == 1 {
            return self.share(0..draws, &take);
        }
        thread::scope(|scope| {
            let shares: Vec<_> = (0..threads)
                .map(|t| t * share..((t + 1) * share).min(draws))
                .map(|range| scope.spawn(|| self.share(range, &take)))
                .collect();
            shares.into_iter().flat_map(|s| s.join().unwrap_or_default()).collect()
        })
    }

    fn share<T>(&self, range: std::ops::Range<usize>, take: &impl Fn(&[f64]) -> T) -> Vec<T> {
        match self.stride {
            4 => self.summed::<4, T>(range, take),
            8 => self.summed::<8, T>(range, take),
            12 => self.summed::<12, T>(range, take),
            16 => self.summed::<16, T>(range, take),
            _ => self.summed_any(range, take),
        }
    }

    /// Rows of a known length stay in registers while they are added.
    fn summed<const N: usize, T>(&self, range: std::ops::Range<usize>, take: &impl Fn(&[f64]) -> T) -> Vec<T> {
        let (rows, _) = self.rows.as_chunks::<N>();
        range.map(|draw| take(&summed_rows(rows, random(draw, rows.len()))[..self.width])).collect()
    }

    fn summed_any<T>(&self, range: std::ops::Range<usize>, take: &impl Fn(&[f64]) -> T) -> Vec<T> {
        let n = self.len();
        let mut sums = vec![0.0; self.stride];
        range
            .map(|draw| {
                sums.fill(0.0);
                let mut random = random(draw, n);
                for _ in 0..n {
                    let row = &self.rows[random.below(n as u64) as usize * self.stride..][..self.stride];
                    sums.iter_mut().zip(row).for_each(|(s, v)| *s += v);
                }
                take(&sums[..self.width])
            })
            .collect()
    }
}

/// Resamples of so many clusters where `wanted` are asked for.
pub(crate) fn draws(clusters: usize, wanted: usize) -> usize {
    wanted.min((MOST / clusters.max(1)).max(FEWEST))
}

/// The sum of as many drawn rows as there are. By itself, so that the sums' address goes nowhere and they stay in registers.
#[inline(never)]
fn summed_rows<const N: usize>(rows: &[[f64; N]], mut random: SplitMix) -> [f64; N] {
    let mut sums = [0.0; N];
    for _ in 0..rows.len() {
        let row = &rows[random.below(rows.len() as u64) as usize];
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums
}

/// The rows of some samples' scenes, in the order of the scenes' words.
pub(crate) fn gathered<T>(
    width: usize,
    samples: impl Iterator<Item = T> + Clone,
    scene: impl Fn(&T) -> Word,
    add: impl Fn(&mut [f64], T),
) -> Clusters {
    const NONE: u32 = u32::MAX;
    // First which scenes there are, then their sums: nothing is kept a sample.
    let mut places: Vec<u32> = Vec::new();
    for sample in samples.clone() {
        let at = scene(&sample) as usize;
        if at >= places.len() {
            places.resize(at + 1, NONE);
        }
        places[at] = 0;
    }
    let mut clusters = Clusters::new(width);
    for place in places.iter_mut().filter(|p| **p != NONE) {
        *place = clusters.add() as u32;
    }
    for sample in samples {
        let place = places[scene(&sample) as usize] as usize;
        add(clusters.row(place), sample);
    }
    clusters
}

/// The generator at the beginning of a resample.
fn random(draw: usize, clusters: usize) -> SplitMix {
    SplitMix(SEED.wrapping_add(STEP.wrapping_mul((draw as u64).wrapping_mul(clusters as u64))))
}

/// The quantile of sorted values, interpolated linearly (numpy's default).
pub(crate) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let low = sorted[at.floor() as usize];
    Some(low + (sorted[at.ceil() as usize] - low) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resample_is_the_same_on_any_number_of_threads_and_at_any_width() {
        for width in [1, 4, 7, 12, 13, 19] {
            let mut clusters = Clusters::new(width);
            for i in 0..37 {
                let at = clusters.add();
                clusters.row(at).iter_mut().enumerate().for_each(|(k, v)| *v = f64::from(i) * (k + 1) as f64);
            }
            let take = |sums: &[f64]| sums.to_vec();
            let whole = clusters.resampled(50, take);
            let parts: Vec<_> = [0..13, 13..14, 14..50].into_iter().flat_map(|r| clusters.share(r, &take)).collect();
            assert_eq!(whole, parts);
            // One sequence of numbers, as a loop over SplitMix gives it.
            let mut random = SplitMix(SEED);
            for sums in &whole {
                let drawn: f64 = (0..37).map(|_| random.below(37) as f64).sum();
                assert!((0..width).all(|k| sums[k] == drawn * (k + 1) as f64));
            }
        }
    }

    #[test]
    fn very_many_clusters_get_fewer_resamples() {
        let clusters = |n: usize| Clusters { width: 1, stride: 4, rows: vec![0.0; 4 * n] };
        assert_eq!(clusters(40_000).draws(10_000), 10_000);
        assert_eq!(clusters(400_000).draws(10_000), 1_000);
        assert_eq!(clusters(400_000).draws(200), 200);
    }
}
