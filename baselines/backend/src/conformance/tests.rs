//! The kit against backends that do one thing wrong each.

use socio_dataset::{Bbox, Mask};

use super::{segmenter, vlm};
use crate::{
    BackendError, Completion, Embedding, Finish, NullSegmenter, Prompt, Segment, Segmenter, SegmenterCaps, Vlm,
    VlmCaps, VlmReply, VlmRequest,
};

/// A model that echoes its text, letter by letter, with one fault.
struct Faulty {
    caps: VlmCaps,
    fault: &'static str,
    asked: std::sync::atomic::AtomicUsize,
}

impl Faulty {
    fn new(fault: &'static str) -> Self {
        let caps = VlmCaps {
            name: "faulty".to_owned(),
            max_batch: 4,
            max_images: 3,
            square: None,
            log_probabilities: fault != "secretive",
            deterministic: true,
            fingerprint: "f".to_owned(),
        };
        Self { caps, fault, asked: std::sync::atomic::AtomicUsize::new(0) }
    }

    fn answer(&self, request: &VlmRequest, beside: usize) -> Result<VlmReply, BackendError> {
        let backend = || "faulty".to_owned();
        let number = self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if request.images.len() > self.caps.max_images && self.fault != "greedy for images" {
            return Err(BackendError::Unsupported { backend: backend(), what: "so many images".to_owned() });
        }
        let narrow = request.images.iter().any(|i| i.width() > 200 * i.height());
        if narrow || request.sampling.temperature.is_nan() || request.sampling.temperature < 0.0 {
            return Err(BackendError::Inference { backend: backend(), doing: "answering", why: "odd".to_owned() });
        }
        if request.cancel.is_cancelled() {
            return Err(BackendError::Cancelled { backend: backend() });
        }
        if request.sampling.max_new_tokens > 1000 && self.fault != "deaf" {
            while !request.cancel.is_cancelled() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            return Err(BackendError::Cancelled { backend: backend() });
        }
        let limit = request.sampling.max_new_tokens as usize + usize::from(self.fault == "talkative");
        let mut text: String = format!("{:>9}", request.text).chars().rev().take(limit).collect();
        match self.fault {
            "fickle" => text = number.to_string(),
            "distracted" if beside > 1 => text.push('x'),
            _ => {}
        }
        let length = text.chars().count().min(limit);
        let told = match self.fault {
            "secretive" | "unasked" => true,
            _ => request.log_probabilities,
        };
        let one = Completion {
            length,
            finish: Finish::Length,
            log_probabilities: told.then(|| vec![if self.fault == "sure" { 0.5 } else { -0.5 }; length]),
            gaps: told.then(|| vec![1.0; if self.fault == "gapless" { 0 } else { length }]),
            ..Completion::untold(text)
        };
        let draws = request.seeds.len() - usize::from(self.fault == "lazy" && request.seeds.len() > 1);
        let prompt_length = if self.fault == "short" { 30.min(request.text.len()) + 1 } else { request.text.len() + 1 };
        Ok(VlmReply { prompt_length, ..VlmReply::untold(vec![one; draws]) })
    }
}

impl Vlm for Faulty {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let replies = requests.iter().map(|r| self.answer(r, requests.len()));
        if self.fault == "forgetful" { replies.skip(1).collect() } else { replies.collect() }
    }
}

#[test]
fn a_faultless_model_passes() {
    assert_eq!(vlm(&Faulty::new("none")), Vec::<String>::new());
}

#[test]
fn every_fault_of_a_model_is_found() {
    for (fault, sign) in [
        ("secretive", "log-probabilities are not told just where"),
        ("unasked", "log-probabilities are not told just where"),
        ("greedy for images", "more than its capabilities say"),
        ("talkative", "longer than its limit"),
        ("fickle", "asked again, it answers otherwise"),
        ("distracted", "otherwise than beside others"),
        ("sure", "a log-probability above 0"),
        ("gapless", "not one gap a token"),
        ("lazy", "not one completion a seed"),
        ("short", "it was cut"),
        ("deaf", "cancelled on its way"),
        ("forgetful", "replies for"),
    ] {
        let findings = vlm(&Faulty::new(fault));
        assert!(findings.iter().any(|f| f.contains(sign)), "{fault}: {findings:#?}");
    }
}

/// A segmenter that fills its boxes, with one fault.
struct Careless(NullSegmenter, &'static str);

impl Segmenter for Careless {
    fn caps(&self) -> &SegmenterCaps {
        self.0.caps()
    }

    fn embed(&self, image: &std::sync::Arc<image::RgbImage>) -> Result<Embedding, BackendError> {
        Ok(Embedding::new(image.dimensions(), 7u8))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        if self.1 != "trusting" {
            embedding.get::<u8>("careless")?;
        }
        let (w, h) = embedding.size;
        let of = |p: &Prompt| {
            let bbox = p.bbox.unwrap_or(Bbox::from([0.0, 0.0, 2.0, 2.0]));
            let finite = [bbox.x0, bbox.y0, bbox.x1, bbox.y1].iter().all(|v| v.is_finite());
            let mask = if finite { Mask::from_bbox(w, h, bbox) } else { Mask::new(w, h) };
            Segment { mask: if self.1 == "infinite" { Mask::full(w, h) } else { mask }, score: Some(0.5) }
        };
        let mut all: Vec<Segment> = prompts.iter().map(of).collect();
        if self.1 == "jealous" && all.len() > 1 {
            all[1] = Segment { mask: Mask::full(w, h), score: None };
        }
        if self.1 == "small" {
            for segment in &mut all {
                segment.mask = Mask::new(1, 1);
            }
        }
        Ok(all)
    }
}

#[test]
fn every_fault_of_a_segmenter_is_found() {
    assert_eq!(segmenter(&Careless(NullSegmenter::default(), "none")), Vec::<String>::new());
    for (fault, sign) in [
        ("trusting", "the embedding of another backend"),
        ("infinite", "a box that is not finite gave a mask"),
        ("jealous", "depends on the prompts beside it"),
        ("small", "not of the image's size"),
    ] {
        let findings = segmenter(&Careless(NullSegmenter::default(), fault));
        assert!(findings.iter().any(|f| f.contains(sign)), "{fault}: {findings:#?}");
    }
}
