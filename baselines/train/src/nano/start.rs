//! First parameters: spread as wide as what goes into them, and heads that can tell rows and columns from the first step on.
//!
//! Nothing tells a visual token where in its picture it stands but the rotary angle to a token that always stands at one
//! place. Trained from random weights, small networks take very long to find that out. So some heads of the first layer begin
//! with it: their queries and keys are constants by which a visual token attends to `<|vision_start|>` the more, the further up
//! (or left) it stands. They are trained like all others.

use socio_models::qwen2_5_vl::Config;

use socio_dataset::hash::SplitMix;

use crate::parameters::Parameters;

/// Where the score of a head's anchor and of all other tokens together are alike, for each head of an axis: rows and columns
/// at different places of the picture.
const LEVELS: [f32; 3] = [3.5, 5.0, 6.5];
/// How far a score goes from there.
const REACH: f32 = 4.0;
/// How many wave lengths tell a coordinate, and the shortest, in pixels.
const WAVES: usize = 16;
const SHORTEST: f64 = 8.0;

/// Spreads matrices by the root of what goes into them, times `spread`.
pub fn scale(parameters: &mut Parameters, spread: f32) {
    for (key, p) in parameters.0.iter_mut().filter(|(_, p)| p.shape.len() > 1) {
        let into: usize = p.shape[1..].iter().product();
        let scale = if key.contains("embed_tokens") { 0.5 } else { (into as f32).powf(-0.5) };
        p.values.iter_mut().for_each(|v| *v *= spread * scale);
    }
}

/// Coordinates begin alike where they are near: their vectors, as words that are read and as words that are written, are waves
/// of many lengths along the numbers, turned into the width of the model at random.
pub fn numbers(parameters: &mut Parameters, ids: &[u32], seed: u64) {
    let mut random = SplitMix(seed).at(23);
    let span = 2.0 * ids.len() as f64;
    let length = |k: usize| span * (SHORTEST / span).powf(k as f64 / (WAVES - 1) as f64);
    let mut turned: Vec<Vec<f32>> = Vec::new();
    for key in ["model.embed_tokens.weight", "lm_head.weight"] {
        let Some(p) = parameters.0.get_mut(key) else { continue };
        let size = p.shape[1];
        if turned.is_empty() {
            let row = |_| (0..size).map(|_| random.between(-1.0, 1.0) as f32).collect();
            turned = (0..2 * WAVES).map(row).collect();
        }
        // As wide as the other words.
        let scale = (p.values.iter().map(|v| v * v).sum::<f32>() / p.values.len() as f32 * 3.0 / WAVES as f32).sqrt();
        for (n, id) in ids.iter().enumerate() {
            let waves: Vec<f32> = (0..WAVES)
                .flat_map(|k| {
                    let angle = std::f64::consts::TAU * n as f64 / length(k);
                    [angle.cos() as f32, angle.sin() as f32]
                })
                .collect();
            for (j, v) in p.values[*id as usize * size..][..size].iter_mut().enumerate() {
                *v = scale * waves.iter().zip(&turned).map(|(w, row)| w * row[j]).sum::<f32>();
            }
        }
    }
}

/// Anchors the first six heads of the first layer: three for rows, three for columns, for pictures of `tokens` by `tokens`.
/// Smaller networks stay as they are.
pub fn anchor(parameters: &mut Parameters, config: &Config, tokens: usize) {
    let (text, size) = (&config.text, config.text.hidden_size);
    let (head, half) = (text.head(), text.head() / 2);
    let [time, height, width] = text.sections;
    if text.key_heads < 2 * LEVELS.len() || text.key_heads != text.heads || time == 0 || height == 0 || width == 0 {
        return;
    }
    // One entry of the vectors is the anchor's alone.
    let own = size - 1;
    let mut edit = |key: &str, change: &mut dyn FnMut(&mut [f32])| {
        if let Some(p) = parameters.0.get_mut(key) {
            change(&mut p.values);
        }
    };
    edit("model.embed_tokens.weight", &mut |v| {
        v.chunks_exact_mut(size).for_each(|row| row[own] = 0.0);
        v[config.vision_start as usize * size + own] = 4.0 * (size as f32).sqrt();
    });
    edit("visual.merger.mlp.2.weight", &mut |v| {
        let inner = v.len() / size;
        v[own * inner..(own + 1) * inner].fill(0.0);
    });
    let frequency = |i: usize| text.rope_theta.powf(-(i as f64) / half as f64) as f32;
    let middle = f32::midpoint(tokens as f32, 1.0);
    let layer = |part: &str| format!("model.layers.0.self_attn.{part}");
    let heads: Vec<(usize, usize, f32)> = (0..2 * LEVELS.len())
        .map(|h| {
            let (first, count) = if h < LEVELS.len() { (time, height) } else { (time + height, width) };
            // The frequency that turns least below half a circle over the picture.
            let best = (first..first + count).min_by(|a, b| {
                let off = |i: usize| (frequency(i) * tokens as f32 - 1.6).abs();
                off(*a).total_cmp(&off(*b))
            });
            (h, best.unwrap_or(first), LEVELS[h % LEVELS.len()])
        })
        .collect();
    let root = (head as f32).sqrt();
    // After the norm, the anchor's own entry is about the root of the width.
    let norm = (size as f32).sqrt();
    for part in ["q_proj.weight", "k_proj.weight"] {
        edit(&layer(part), &mut |v| v[..2 * LEVELS.len() * head * size].iter_mut().for_each(|w| *w *= 0.1));
    }
    for (h, channel, level) in heads {
        // Scores are alpha * kappa / root * cos(angle + phase); for the constant part the angle is that of one step in time.
        let (theta, one) = (frequency(channel), frequency(0));
        let phase = std::f32::consts::FRAC_PI_2 - theta * middle;
        let (steep, flat) = ((REACH * root).sqrt(), (level * root).sqrt());
        edit(&layer("q_proj.bias"), &mut |b| {
            let b = &mut b[h * head..(h + 1) * head];
            (b[channel], b[channel + half]) = (steep * phase.cos(), steep * phase.sin());
            (b[0], b[half]) = (flat * one.cos(), -flat * one.sin());
        });
        edit(&layer("k_proj.weight"), &mut |w| {
            for (row, value) in [(channel, steep), (channel + half, 0.0), (0, flat), (half, 0.0)] {
                let row = &mut w[(h * head + row) * size..][..size];
                row.fill(0.0);
                row[own] = value / norm;
            }
        });
    }
}
