//! The kit of segmenters.

use std::thread;

use socio_dataset::{Bbox, Point};

use super::noise;
use crate::{BackendError, Embedding, Prompt, Segmenter};

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
    findings.extend(extremes(segmenter));
    findings.extend(together(segmenter));
    findings
}

/// Prompts that nobody means, and an embedding that is another's.
fn extremes(segmenter: &dyn Segmenter) -> Vec<String> {
    let mut findings = Vec::new();
    let image = noise(48, 40, 11);
    let Ok(embedding) = segmenter.embed(&image) else { return findings };
    let far = [1e30, -1e30, f64::MAX, f64::MIN_POSITIVE].map(|v| Prompt::from(Bbox::from([0.0, 0.0, v, v])));
    let many: Vec<Prompt> = (0..40).map(|i| Bbox::from([f64::from(i), 0.0, f64::from(i) + 8.0, 30.0]).into()).collect();
    for (what, prompts) in [("boxes beyond all bounds", far.to_vec()), ("forty boxes", many)] {
        match segmenter.prompt(&embedding, &prompts) {
            Ok(segments) if segments.len() == prompts.len() => {}
            Ok(segments) => findings.push(format!("{what}: {} segments for {} prompts", segments.len(), prompts.len())),
            Err(e) => findings.push(format!("{what} failed: {e}")),
        }
    }
    let beside = Prompt { background: vec![Point { x: 5.0, y: 5.0 }], ..Prompt::default() };
    if segmenter.caps().points && segmenter.prompt(&embedding, &[beside]).is_err() {
        findings.push("a point beside the object alone failed".to_owned());
    }
    if segmenter.prompt(&Embedding::new((48, 40), Alien), &[Bbox::from([1.0, 1.0, 9.0, 9.0]).into()]).is_ok_and(|s| {
        // One that keeps nothing of an image has nothing to mistake.
        s.iter().any(|s| s.score.is_some())
    }) {
        findings.push("it took the embedding of another backend".to_owned());
    }
    findings
}

/// What no backend keeps of an image.
struct Alien;

/// Threads that ask at once get what each gets alone.
fn together(segmenter: &dyn Segmenter) -> Vec<String> {
    if !segmenter.caps().deterministic {
        return Vec::new();
    }
    let ask = |seed: u64| {
        let embedding = segmenter.embed(&noise(40, 32, seed)).ok()?;
        segmenter.prompt(&embedding, &[Bbox::from([4.0, 4.0, 30.0, 28.0]).into()]).ok()
    };
    let alone: Vec<_> = (0..4).map(ask).collect();
    let at_once: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || ask(seed))).collect();
        threads.into_iter().map(|t| t.join().ok().flatten()).collect()
    });
    if alone == at_once {
        Vec::new()
    } else {
        vec!["asked by several threads at once, it answers otherwise".to_owned()]
    }
}
