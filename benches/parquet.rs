//! One pass over a split: parquet against raw folders, encoded and decoded, in the same run. Over the Banepa set where the
//! assets are there, else over generated scenes.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "benches")]

use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use socio_dataset::store::{ConvertOptions, Dataset, Fields, HubOptions, convert};

fn open(path: &Path) -> Dataset {
    Dataset::open(path.to_str().unwrap(), &HubOptions::from_env()).unwrap()
}

fn pass(dataset: &Dataset, decode: bool) -> usize {
    dataset
        .read("test", None, Fields::ALL)
        .unwrap()
        .map(|s| s.unwrap())
        .filter(|s| !decode || s.decode().is_ok())
        .count()
}

fn split(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let assets = std::env::var_os("SOCIO_ASSETS").map(PathBuf::from);
    let assets = assets.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/assets"));
    let mut raw = assets.join("banepa_socioseg");
    if !raw.is_dir() {
        eprintln!("no real assets: scenes of the embedded city");
        raw = folder.path().join("raw");
        let city = Dataset::open("city:samples=60,new=0,satellite=png", &HubOptions::from_env()).unwrap();
        let options = ConvertOptions { parquet: false, shard_bytes: 0, splits: vec!["test".to_owned()] };
        convert(&city, &raw, &options, |_, _| {}).unwrap();
    }
    let raw = open(&raw);
    let hub = folder.path().join("hub");
    let options = ConvertOptions { parquet: true, shard_bytes: 500 << 20, splits: Vec::new() };
    convert(&raw, &hub, &options, |_, _| {}).unwrap();
    let hub = open(&hub);
    let samples = pass(&raw, true);
    assert_eq!(pass(&hub, true), samples);
    let mut group = c.benchmark_group("one pass over a split");
    group.throughput(Throughput::Elements(samples as u64)).sample_size(10);
    group.bench_function("parquet, ids and texts", |t| t.iter(|| hub.index("test").unwrap().len()));
    group.bench_function("parquet, encoded", |t| t.iter(|| pass(&hub, false)));
    group.bench_function("raw, encoded", |t| t.iter(|| pass(&raw, false)));
    group.bench_function("parquet, decoded", |t| t.iter(|| pass(&hub, true)));
    group.bench_function("raw, decoded", |t| t.iter(|| pass(&raw, true)));
    group.finish();
}

criterion_group!(benches, split);
criterion_main!(benches);
