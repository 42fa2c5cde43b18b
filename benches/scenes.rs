//! Where the time of a built sample goes: the plan alone, masks, everything drawn; and maps restyled.
#![allow(missing_docs, clippy::unwrap_used, reason = "benches")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use socio_dataset::restyle::{Kind, Restyle};
use socio_dataset::store::{Dataset, Fields, HubOptions};

/// A city on one thread; a new one each time, because it keeps what it has drawn.
fn city() -> Dataset {
    Dataset::open("city:samples=40,new=0,threads=1", &HubOptions::from_env()).unwrap()
}

fn scenes(c: &mut Criterion) {
    let samples = city().index("train").unwrap().len();
    let mut group = c.benchmark_group("a split of the city, one thread");
    group.throughput(Throughput::Elements(samples as u64)).sample_size(10);
    for (name, fields) in [("texts", Fields::TEXT), ("masks", Fields::MASK), ("everything", Fields::ALL)] {
        group.bench_function(name, |t| {
            t.iter(|| city().read("train", None, fields).unwrap().map(Result::unwrap).count());
        });
    }
    group.finish();
    let sample = city().read("train", None, Fields::ALL).unwrap().next().unwrap().unwrap();
    let map = sample.decode_query().unwrap().map.unwrap();
    let mut group = c.benchmark_group("a map of 768 pixels restyled");
    group.sample_size(10);
    for kind in Kind::ALL {
        group.bench_function(kind.name(), |t| t.iter(|| Restyle { kind, severity: 3 }.apply(&map, 1)));
    }
    group.finish();
}

criterion_group!(benches, scenes);
criterion_main!(benches);
