//! The kit that every backend must pass, whatever its model: sizes, order, determinism, odd prompts.
//!
//! Each function returns what it found wrong, a line each; nothing for a backend that conforms. That the *answers* are
//! right is for each model's parity tests to show.

use std::sync::Arc;

use image::{Rgb, RgbImage};
use socio_dataset::hash::SplitMix;
use socio_dataset::{Bbox, Point};

use crate::{BackendError, Cancel, MapReader, Prompt, Sampling, Segmenter, Vlm, VlmRequest};

fn noise(width: u32, height: u32, seed: u64) -> Arc<RgbImage> {
    let mut random = SplitMix(seed);
    Arc::new(RgbImage::from_fn(width, height, |x, y| {
        let base = ((x * 3 + y * 2) % 200) as u8;
        Rgb([base, base.wrapping_add(random.below(40) as u8), 255 - base])
    }))
}

/// Checks a segmenter.
pub fn segmenter(segmenter: &dyn Segmenter) -> Vec<String> {
    let mut findings = Vec::new();
    let caps = segmenter.caps().clone();
    if caps.name.is_empty() || caps.fingerprint.is_empty() {
        findings.push("its name or fingerprint is empty".to_owned());
    }
    for (width, height) in [(64, 64), (37, 91), (1, 1), (300, 20)] {
        let what = format!("{width}x{height}");
        let image = noise(width, height, 7);
        let embedding = match segmenter.embed(&image) {
            Ok(e) => e,
            Err(e) => {
                findings.push(format!("{what}: embed failed: {e}"));
                continue;
            }
        };
        if embedding.size != (width, height) {
            findings.push(format!("{what}: the embedding says {:?}", embedding.size));
        }
        let (w, h) = (f64::from(width), f64::from(height));
        let whole = Bbox { x0: 0.0, y0: 0.0, x1: w, y1: h };
        let boxes: [Bbox; 7] = [
            whole,
            [w * 0.25, h * 0.25, w * 0.75, h * 0.75].into(),
            [-50.0, -50.0, w + 50.0, h + 50.0].into(),
            [w, h, 0.0, 0.0].into(),
            [w + 10.0, h + 10.0, w + 20.0, h + 20.0].into(),
            [f64::NAN, 0.0, f64::INFINITY, 1.0].into(),
            [0.0, 0.0, 0.0, 0.0].into(),
        ];
        let prompts: Vec<Prompt> = boxes.iter().copied().map(Prompt::from).collect();
        match segmenter.prompt(&embedding, &prompts) {
            Ok(segments) => {
                if segments.len() != prompts.len() {
                    findings.push(format!("{what}: {} segments for {} prompts", segments.len(), prompts.len()));
                }
                if segments.iter().any(|s| s.mask.size() != (width, height)) {
                    findings.push(format!("{what}: a mask is not of the image's size"));
                }
                if segments.get(5).is_some_and(|s| !s.mask.is_empty()) {
                    findings.push(format!("{what}: a box that is not finite gave a mask"));
                }
                if caps.deterministic && segmenter.prompt(&embedding, &prompts).ok().as_ref() != Some(&segments) {
                    findings.push(format!("{what}: asked again, it answers otherwise"));
                }
                let one = segmenter.prompt(&embedding, &prompts[1..2]).unwrap_or_default();
                if caps.deterministic && one.first() != segments.get(1) {
                    findings.push(format!("{what}: a prompt's mask depends on the prompts beside it"));
                }
            }
            Err(e) => findings.push(format!("{what}: boxes failed: {e}")),
        }
        let points = vec![Point { x: w / 2.0, y: h / 2.0 }];
        let points = Prompt { bbox: Some(whole), points, background: vec![Point { x: 0.5, y: 0.5 }] };
        match (caps.points, segmenter.prompt(&embedding, &[points])) {
            (true, Err(e)) => findings.push(format!("{what}: points failed: {e}")),
            (false, Ok(_)) => findings.push(format!("{what}: it took points though its capabilities say no")),
            (false, Err(e)) if !matches!(e, BackendError::Unsupported { .. }) => {
                findings.push(format!("{what}: points it does not take should be `Unsupported`, not: {e}"));
            }
            _ => {}
        }
        if !segmenter.prompt(&embedding, &[]).is_ok_and(|s| s.is_empty()) {
            findings.push(format!("{what}: no prompts should give no segments"));
        }
    }
    findings
}

/// Checks a vision-language model.
pub fn vlm(vlm: &dyn Vlm) -> Vec<String> {
    let mut findings = Vec::new();
    let caps = vlm.caps().clone();
    let request = |text: &str, seeds: &[u64]| VlmRequest {
        images: (0..2.min(caps.max_images)).map(|i| noise(56, 56, i as u64)).collect(),
        text: text.to_owned(),
        sampling: Sampling { max_new_tokens: 4, ..Sampling::GREEDY },
        seeds: seeds.to_vec(),
        log_probabilities: caps.log_probabilities,
        system: None,
        sample: String::new(),
        stage: String::new(),
        cancel: Cancel::default(),
    };
    let requests = [request("Find 'School'.", &[1]), request("Find 'Temple' with a longer text.", &[1, 2])];
    let replies = vlm.ask(&requests);
    if replies.len() != requests.len() {
        findings.push(format!("{} replies for {} requests", replies.len(), requests.len()));
    }
    for (request, reply) in requests.iter().zip(&replies) {
        match reply {
            Err(e) => findings.push(format!("it failed: {e}")),
            Ok(reply) => {
                if reply.completions.len() != request.seeds.len() {
                    findings.push("not one completion a seed".to_owned());
                }
                for c in &reply.completions {
                    if c.tokens.len() > 4 {
                        findings.push("a completion is longer than its limit".to_owned());
                    }
                    if c.log_probabilities.as_ref().is_some_and(|l| l.len() != c.tokens.len()) {
                        findings.push("not one log-probability a token".to_owned());
                    }
                }
            }
        }
    }
    if caps.deterministic {
        let texts = |replies: Vec<Result<crate::VlmReply, BackendError>>| -> Vec<_> {
            replies.into_iter().map(|r| r.map(|r| r.completions).ok()).collect()
        };
        if texts(vlm.ask(&requests)) != texts(replies) {
            findings.push("asked again, it answers otherwise".to_owned());
        }
    }
    if !vlm.ask(&[]).is_empty() {
        findings.push("no requests should give no replies".to_owned());
    }
    findings
}

/// Checks a map reader.
pub fn map_reader(reader: &dyn MapReader) -> Vec<String> {
    let mut findings = Vec::new();
    for (width, height) in [(64, 64), (1, 1), (100, 33)] {
        let image = noise(width, height, 3);
        match (reader.read(&image), reader.read(&image)) {
            (Ok(a), Ok(b)) if a != b => findings.push(format!("{width}x{height}: read again, it reads otherwise")),
            (Ok(labels), _) => {
                let inside =
                    |p: &Point| (0.0..=f64::from(width)).contains(&p.x) && (0.0..=f64::from(height)).contains(&p.y);
                if !labels.iter().flat_map(|l| &l.corners).all(inside) {
                    findings.push(format!("{width}x{height}: a label lies outside the map"));
                }
            }
            (Err(e), _) => findings.push(format!("{width}x{height}: {e}")),
        }
    }
    findings
}
