//! The figures against an independent plain computation over `Vec<bool>`, on random masks of many shapes.

use socio_dataset::Mask;
use socio_dataset::hash::SplitMix;
use socio_record::{Rule, Status, score};
use socio_reports::metrics::{Metric, Profile, Tally};

struct Plain {
    width: usize,
    truth: Vec<bool>,
    found: Vec<bool>,
}

fn random(rng: &mut SplitMix, width: usize, height: usize) -> Vec<bool> {
    let mut pixels = vec![false; width * height];
    match rng.below(6) {
        0 => {}
        1 => pixels.fill(true),
        2 => {
            // The border alone.
            for (i, p) in pixels.iter_mut().enumerate() {
                let (x, y) = (i % width, i / width);
                *p = x == 0 || y == 0 || x == width - 1 || y == height - 1;
            }
        }
        3 => {
            let share = 1 + rng.below(9);
            for p in &mut pixels {
                *p = rng.below(10) < share;
            }
        }
        _ => {
            for _ in 0..=rng.below(5) {
                let (x0, y0) = (rng.below(width as u64) as usize, rng.below(height as u64) as usize);
                let (w, h) = (1 + rng.below(20) as usize, 1 + rng.below(20) as usize);
                for y in y0..(y0 + h).min(height) {
                    for x in x0..(x0 + w).min(width) {
                        pixels[y * width + x] = true;
                    }
                }
            }
        }
    }
    pixels
}

fn parts(pixels: &[bool], width: usize) -> Vec<Vec<usize>> {
    let mut seen = vec![false; pixels.len()];
    let height = pixels.len() / width;
    let mut all = Vec::new();
    for start in 0..pixels.len() {
        if !pixels[start] || seen[start] {
            continue;
        }
        let (mut stack, mut part) = (vec![start], Vec::new());
        seen[start] = true;
        while let Some(i) = stack.pop() {
            part.push(i);
            let (x, y) = ((i % width) as i64, (i / width) as i64);
            for dy in -1..=1 {
                for dx in -1..=1 {
                    let (nx, ny) = (x + dx, y + dy);
                    if nx >= 0 && ny >= 0 && nx < width as i64 && ny < height as i64 {
                        let n = ny as usize * width + nx as usize;
                        if pixels[n] && !seen[n] {
                            seen[n] = true;
                            stack.push(n);
                        }
                    }
                }
            }
        }
        part.sort_unstable();
        all.push(part);
    }
    all
}

fn iou_of(a: &[usize], b: &[usize]) -> f64 {
    let shared = a.iter().filter(|i| b.binary_search(i).is_ok()).count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}

#[test]
fn figures_agree_to_1e_12() {
    let mut rng = SplitMix(2026);
    let mut all = Vec::new();
    let mut samples = Vec::new();
    for i in 0..400 {
        let (width, height) = (1 + rng.below(150) as usize, 1 + rng.below(60) as usize);
        let (truth, found) = (random(&mut rng, width, height), random(&mut rng, width, height));
        let mask = |p: &[bool]| Mask::from_fn(width as u32, height as u32, |x, y| p[y as usize * width + x as usize]);
        let (t, f) = (mask(&truth), mask(&found));
        let counted = score(&t, &f, std::slice::from_ref(&f));
        let status = if i % 17 == 0 { Status::NoAnswer } else { Status::Ok };
        let none = score(&t, &Mask::new(width as u32, height as u32), &[]);
        samples.push((status, if i % 17 == 0 { none } else { counted }));
        let found = if i % 17 == 0 { vec![false; found.len()] } else { found };
        all.push(Plain { width, truth, found });
    }
    for profile in Profile::ALL {
        let mut tally = Tally::default();
        for (status, score) in &samples {
            tally += &profile.counted(*status, score);
        }
        // Plainly: sums over pixels, one division at the end.
        let (mut sum, mut inter, mut union, mut tp, mut np, mut nt) = (0.0, 0u64, 0u64, 0u64, 0u64, 0u64);
        for (i, p) in all.iter().enumerate() {
            let both = p.truth.iter().zip(&p.found).filter(|(a, b)| **a && **b).count() as u64;
            let either = p.truth.iter().zip(&p.found).filter(|(a, b)| **a || **b).count() as u64;
            (inter, union) = (inter + both, union + either);
            sum += match (profile.name, either) {
                ("strict", 0) if i % 17 == 0 => 0.0,
                ("visionreasoner", 0) => 0.0,
                (_, 0) => 1.0,
                ("lisa", n) => both as f64 / (n as f64 + 1e-5),
                (_, n) => both as f64 / n as f64,
            };
            let (a, b) = (parts(&p.truth, p.width), parts(&p.found, p.width));
            // Parts of one mask are disjoint, so above one half no part has two partners.
            tp += a.iter().map(|x| b.iter().filter(|y| iou_of(x, y) > 0.5).count() as u64).sum::<u64>();
            (nt, np) = (nt + a.len() as u64, np + b.len() as u64);
        }
        let n = all.len() as f64;
        let (giou, ciou) = match profile.name {
            "lisa" => (sum / (n + 1e-5), inter as f64 / (union as f64 + 1e-10)),
            _ => (sum / n, inter as f64 / union as f64),
        };
        let close = |metric: Metric, want: f64| {
            let got = metric.of(&tally, &profile).unwrap() / 100.0;
            assert!((got - want).abs() < 1e-12, "{} {metric:?}: {got} and {want}", profile.name);
        };
        close(Metric::Giou, giou);
        close(Metric::Ciou, ciou);
        close(Metric::F1(Rule::Components), 2.0 * tp as f64 / (np + nt) as f64);
        close(Metric::Precision(Rule::Components), tp as f64 / np as f64);
        close(Metric::Recall(Rule::Components), tp as f64 / nt as f64);
    }
}
