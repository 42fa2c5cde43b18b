//! The paired bootstrap at the size of SocioSeg's test split, against the same by whole tallies in the same run.
//!
//! `taskset -c 0 cargo bench --bench reports` for one core.
#![allow(missing_docs, clippy::unwrap_used, reason = "benches")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use socio_dataset::hash::SplitMix;
use socio_record::{Matches, Rule};
use socio_reports::compare::paired_change;
use socio_reports::metrics::{Metric, Profile, RESAMPLES, Tally};

/// Samples of SocioSeg's test split, each a scene of its own: the most clusters that there can be.
const SAMPLES: u32 = 4_190;

fn tally(random: &mut SplitMix) -> Tally {
    let union = 1_000 + random.below(50_000);
    let intersection = random.below(union);
    let matches = Matches { matched: random.below(2), predicted: 1, truth: 1 };
    Tally {
        samples: 1,
        failed: 0,
        iou: intersection as f64 / union as f64,
        intersection,
        union,
        instances: [matches; 4],
    }
}

fn bootstrap(c: &mut Criterion) {
    let mut random = SplitMix(1);
    let pairs: Vec<(u32, Tally, Tally)> = (0..SAMPLES).map(|i| (i, tally(&mut random), tally(&mut random))).collect();
    let metrics = [Metric::Giou, Metric::Ciou, Metric::F1(Rule::Components)];
    let profile = Profile::STRICT;
    let mut group = c.benchmark_group("10,000 paired resamples of 4,190 scenes");
    group.sample_size(10);
    group.bench_function("columns of sums", |b| {
        b.iter(|| paired_change(black_box(pairs.iter().copied()), &metrics, &profile, RESAMPLES));
    });
    group.bench_function("whole tallies", |b| {
        b.iter(|| {
            let mut random = SplitMix(2);
            let mut differences = Vec::with_capacity(RESAMPLES);
            for _ in 0..RESAMPLES {
                let mut sums = [Tally::default(); 2];
                for _ in 0..SAMPLES {
                    let (_, before, after) = &pairs[random.below(u64::from(SAMPLES)) as usize];
                    sums[0] += before;
                    sums[1] += after;
                }
                differences.push(metrics.map(|m| (m.of(&sums[0], &profile), m.of(&sums[1], &profile))));
            }
            black_box(differences)
        });
    });
    group.finish();
}

criterion_group!(benches, bootstrap);
criterion_main!(benches);
