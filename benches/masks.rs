//! Mask operations at SocioSeg's size (768 x 768): bit-packed, against a plain byte a pixel in the same run.
#![allow(missing_docs, clippy::unwrap_used, reason = "benches")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use socio_dataset::hash::SplitMix;
use socio_dataset::{Mask, Rle};
use socio_record::score;

const SIDE: u32 = 768;

/// Blocks as places are: a few rectangles of some 150 pixels.
fn blocks(seed: u64) -> Mask {
    let mut random = SplitMix(seed);
    (0..4).fold(Mask::new(SIDE, SIDE), |mask, _| {
        let (x, y) = (random.below(600) as f64, random.below(600) as f64);
        let (w, h) = (60.0 + random.below(140) as f64, 60.0 + random.below(140) as f64);
        mask.or(&Mask::from_bbox(SIDE, SIDE, [x, y, x + w, y + h].into())).unwrap()
    })
}

fn plain(mask: &Mask) -> Vec<u8> {
    mask.to_grey().into_raw()
}

fn plain_counts(a: &[u8], b: &[u8]) -> (u64, u64) {
    a.iter().zip(b).fold((0, 0), |(i, u), (a, b)| (i + u64::from(*a > 0 && *b > 0), u + u64::from(*a > 0 || *b > 0)))
}

fn plain_run_lengths(pixels: &[u8]) -> Vec<u64> {
    let side = SIDE as usize;
    let (mut lengths, mut value, mut run) = (Vec::new(), false, 0);
    for x in 0..side {
        for y in 0..side {
            let set = pixels[y * side + x] > 0;
            if set != value {
                lengths.push(run);
                (value, run) = (set, 0);
            }
            run += 1;
        }
    }
    lengths.push(run);
    lengths
}

fn root(parents: &mut [u32], mut i: u32) -> u32 {
    while parents[i as usize] != i {
        parents[i as usize] = parents[parents[i as usize] as usize];
        i = parents[i as usize];
    }
    i
}

/// Two-pass labelling over pixels with a union-find, as textbooks have it.
fn plain_components(pixels: &[u8]) -> usize {
    let side = SIDE as usize;
    let mut parents: Vec<u32> = (0..pixels.len() as u32).collect();
    for y in 0..side {
        for x in 0..side {
            let here = y * side + x;
            if pixels[here] == 0 {
                continue;
            }
            for (dx, dy) in [(-1i64, 0i64), (-1, -1), (0, -1), (1, -1)] {
                let (nx, ny) = (x as i64 + dx, y as i64 + dy);
                if nx >= 0 && ny >= 0 && nx < side as i64 {
                    let there = ny as usize * side + nx as usize;
                    if pixels[there] > 0 {
                        let (a, b) = (root(&mut parents, here as u32), root(&mut parents, there as u32));
                        parents[a.max(b) as usize] = a.min(b);
                    }
                }
            }
        }
    }
    (0..pixels.len()).filter(|i| pixels[*i] > 0 && root(&mut parents, *i as u32) == *i as u32).count()
}

fn masks(c: &mut Criterion) {
    let (a, b) = (blocks(1), blocks(2));
    let (pa, pb) = (plain(&a), plain(&b));
    let counts = a.counts(&b).unwrap();
    assert_eq!((counts.intersection, counts.union), plain_counts(&pa, &pb));
    assert_eq!(a.run_lengths(), plain_run_lengths(&pa));
    assert_eq!(a.components().len(), plain_components(&pa));
    let mut group = c.benchmark_group("counts");
    group.bench_function("bits", |t| t.iter(|| black_box(&a).counts(black_box(&b))));
    group.bench_function("bytes", |t| t.iter(|| plain_counts(black_box(&pa), black_box(&pb))));
    group.finish();
    let mut group = c.benchmark_group("run lengths");
    group.bench_function("bits", |t| t.iter(|| black_box(&a).run_lengths()));
    group.bench_function("bytes", |t| t.iter(|| plain_run_lengths(black_box(&pa))));
    group.finish();
    let mut group = c.benchmark_group("components");
    group.bench_function("runs", |t| t.iter(|| black_box(&a).components()));
    group.bench_function("pixels", |t| t.iter(|| plain_components(black_box(&pa))));
    group.finish();
    let rle = Rle::from(&a);
    let png = a.to_png().unwrap();
    let mut group = c.benchmark_group("one mask");
    group.bench_function("rle encode", |t| t.iter(|| Rle::from(black_box(&a))));
    group.bench_function("rle decode", |t| t.iter(|| black_box(&rle).to_mask()));
    group.bench_function("contour boxes", |t| t.iter(|| black_box(&a).contour_boxes()));
    group.bench_function("resize 768 to 756", |t| t.iter(|| black_box(&a).resized(756, 756)));
    group.bench_function("png decode", |t| t.iter(|| Mask::from_image_bytes(black_box(&png))));
    group.bench_function("png encode", |t| t.iter(|| black_box(&a).to_png()));
    group.bench_function("score, all rules", |t| t.iter(|| score(black_box(&a), black_box(&b), &[])));
    group.finish();
}

criterion_group!(benches, masks);
criterion_main!(benches);
