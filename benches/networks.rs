//! What networks spend their time in: this project's kernels beside candle's own operations, in one run. Ratios are what to read.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;

use candle_core::{D, DType as Kind, Device, Tensor as Inner};
use criterion::{Criterion, criterion_group, criterion_main};
use socio_candle::Candle;
use socio_models::{DType, Mask, Tensor};

fn random(shape: &[usize]) -> (Candle, Inner) {
    let inner = Inner::randn(0f32, 1.0, shape, &Device::Cpu).unwrap();
    let values = inner.flatten_all().unwrap().to_vec1().unwrap();
    (Candle::new(values, shape, DType::F32, &Device::Cpu).unwrap(), inner)
}

/// TinyViT's depthwise 3 x 3 at its largest map, and a dense 3 x 3 of SAM's neck.
fn convolutions(c: &mut Criterion) {
    for (name, channels, side, groups) in
        [("depthwise 3x3, 256 x 256 x 256", 256, 256, 256), ("dense 3x3, 256 x 64 x 64", 256, 64, 1)]
    {
        let (ours, theirs) = random(&[1, channels, side, side]);
        let (w, v) = random(&[channels, channels / groups, 3, 3]);
        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("ours", |b| b.iter(|| black_box(ours.conv2d(&w, None, 1, 1, groups).unwrap())));
        group.bench_function("candle", |b| b.iter(|| black_box(theirs.conv2d(&v, 1, 1, 1, groups).unwrap())));
        group.finish();
    }
}

/// A global block of SAM ViT-B, a third of its heads.
fn attention(c: &mut Criterion) {
    let ((q, qi), (k, ki), (v, vi)) = (random(&[1, 4, 4096, 64]), random(&[1, 4, 4096, 64]), random(&[1, 4, 4096, 64]));
    let mut group = c.benchmark_group("attention, 4 heads of 64, 4096 by 4096");
    group.sample_size(10);
    group.bench_function("ours", |b| b.iter(|| black_box(q.attention(&k, &v, 0.125, Mask::None).unwrap())));
    group.bench_function("candle", |b| {
        b.iter(|| {
            let scores = (qi.matmul(&ki.t().unwrap()).unwrap() * 0.125).unwrap();
            let e = scores.broadcast_sub(&scores.max_keepdim(D::Minus1).unwrap()).unwrap().exp().unwrap();
            let p = e.broadcast_div(&e.sum_keepdim(D::Minus1).unwrap()).unwrap();
            black_box(p.matmul(&vi).unwrap())
        });
    });
    group.finish();
}

/// A feed-forward matrix of Qwen2.5-VL-3B kept in 16 bits: one token, and a prompt.
fn matrices(c: &mut Criterion) {
    let (w, wi) = random(&[11_008, 2048]);
    let (w, wi) = (w.cast(DType::Bf16).unwrap(), wi.to_dtype(Kind::BF16).unwrap().t().unwrap());
    for rows in [1, 512] {
        let (x, xi) = random(&[rows, 2048]);
        let xi = xi.to_dtype(Kind::BF16).unwrap();
        let mut group = c.benchmark_group(format!("{rows} rows by a bf16 matrix of 11008 x 2048"));
        group.sample_size(10);
        group.bench_function("ours", |b| b.iter(|| black_box(x.linear(&w, None).unwrap())));
        group.bench_function("candle", |b| b.iter(|| black_box(xi.matmul(&wi).unwrap())));
        group.finish();
    }
}

fn activations(c: &mut Criterion) {
    let (x, xi) = random(&[4096, 3072]);
    let mut group = c.benchmark_group("GELU, 4096 x 3072");
    group.sample_size(10);
    group.bench_function("ours", |b| b.iter(|| black_box(x.gelu().unwrap())));
    group.bench_function("candle", |b| b.iter(|| black_box(xi.gelu_erf().unwrap())));
    group.finish();
    let mut group = c.benchmark_group("a transposed map made contiguous, 4096 x 3072");
    group.sample_size(10);
    group
        .bench_function("ours", |b| b.iter(|| black_box(x.permute(&[1, 0]).unwrap().reshape(&[4096 * 3072]).unwrap())));
    group.bench_function("candle", |b| b.iter(|| black_box(xi.t().unwrap().contiguous().unwrap())));
    group.finish();
}

criterion_group!(benches, convolutions, attention, matrices, activations);
criterion_main!(benches);
