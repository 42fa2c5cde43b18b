//! The kit of the seams, on networks that candle runs; small ones of random weights.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Rgb, RgbImage};
use socio_backend::{Cancel, Finish, Sampling, Segmenter, Vlm, VlmRequest, conformance};
use socio_candle::Candle;
use socio_local::{Found, Load, Place, plan};
use socio_models::DType;
use socio_models::qwen2_5_vl::Size;
use socio_models::sam::sam1::{EncoderConfig, Sam1Config};
use socio_models::sam::tiny_vit::TinyVitConfig;

fn place(threads: usize) -> Place<Candle> {
    Place::new("candle", (candle_core::Device::Cpu, "cpu"), (DType::F32, DType::F32), threads).unwrap()
}

fn fixtures(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(path)
}

/// The smallest Qwen2.5-VL, in a folder made for it.
fn tiny(threads: usize) -> Arc<dyn Vlm> {
    let folder = tempfile::tempdir().unwrap();
    let place_of = folder.path().join("tiny");
    plan(&Size::Tiny.json().to_string(), None).unwrap().write(5, DType::F32, &place_of).unwrap();
    Found::open(&place_of).unwrap().vlm("tiny", Load { batch: 4, kept: 1 << 20 }, place(threads)).unwrap()
}

fn request(size: u32, text: &str, seeds: &[u64], sampling: Sampling) -> VlmRequest {
    let image = RgbImage::from_fn(size, size / 2 + 20, |x, y| Rgb([(x * 3) as u8, (y * 5) as u8, (x + y) as u8]));
    VlmRequest {
        images: vec![Arc::new(image)],
        text: text.to_owned(),
        sampling,
        seeds: seeds.to_vec(),
        log_probabilities: true,
        system: None,
        sample: String::new(),
        stage: String::new(),
        cancel: Cancel::default(),
    }
}

#[test]
fn qwen_passes_the_kit() {
    let findings = conformance::vlm(tiny(2).as_ref());
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn answers_do_not_depend_on_the_batch_the_order_or_the_threads() {
    let sampling = Sampling { max_new_tokens: 12, ..Sampling::RELEASED };
    let requests = [
        request(90, "Find the school.", &[1, 2, 3], sampling),
        request(200, "And where is the temple, if there is one at all?", &[7], sampling),
        request(64, "Park?", &[9, 1], Sampling { max_new_tokens: 5, ..Sampling::GREEDY }),
        request(120, "x", &[4], sampling),
    ];
    let model = tiny(2);
    let texts = |model: &dyn Vlm, requests: &[VlmRequest]| -> Vec<Vec<Vec<u32>>> {
        let replies = model.ask(requests).into_iter().map(Result::unwrap);
        replies.map(|r| r.completions.into_iter().map(|c| c.tokens).collect()).collect()
    };
    let together = texts(model.as_ref(), &requests);
    let alone: Vec<_> = requests.iter().flat_map(|r| texts(model.as_ref(), std::slice::from_ref(r))).collect();
    assert_eq!(together, alone);
    let mut turned = requests.to_vec();
    turned.reverse();
    let mut back = texts(model.as_ref(), &turned);
    back.reverse();
    assert_eq!(together, back);
    assert_eq!(together, texts(tiny(1).as_ref(), &requests));
    assert_ne!(together[0][0], together[0][1], "two seeds draw two answers");
    assert_eq!(together[2][0], together[2][1], "greedy answers do not look at the seed");
}

#[test]
fn a_request_that_cannot_be_answered_does_not_spoil_the_others() {
    let good = request(60, "Find it.", &[1], Sampling { max_new_tokens: 3, ..Sampling::GREEDY });
    let mut narrow = good.clone();
    narrow.images = vec![Arc::new(RgbImage::new(1000, 2))];
    let replies = tiny(1).ask(&[good.clone(), narrow, good]);
    assert!(replies[0].is_ok() && replies[2].is_ok());
    let why = replies[1].as_ref().unwrap_err().to_string();
    assert!(why.contains("200"), "{why}");
    let reply = replies[0].as_ref().unwrap();
    assert_eq!(reply.completions[0].finish, Finish::Length);
    assert_eq!(reply.timings.tokens.len(), 2);
    assert!(reply.completions[0].log_probabilities.as_ref().unwrap().iter().all(|l| *l <= 0.0));
}

fn segmenters() -> Vec<Arc<dyn Segmenter>> {
    let folder = tempfile::tempdir().unwrap();
    let lite = folder.path().join("lite");
    let tiny = TinyVitConfig { img_size: 64, ..TinyVitConfig::LITE_MEDSAM };
    let config = serde_json::json!(Sam1Config::of_encoder(EncoderConfig::TinyVit(tiny)));
    plan(&config.to_string(), None).unwrap().write(1, DType::F32, &lite).unwrap();
    let open = |path: PathBuf| Found::open(&path).unwrap().segmenter("x", place(2)).unwrap();
    vec![
        open(fixtures("sam2/tiny_like")),
        open(fixtures("sam1/vit_like")),
        open(fixtures("sam1/tiny_vit_like")),
        open(lite),
    ]
}

#[test]
fn every_sam_passes_the_kit() {
    for segmenter in segmenters() {
        let findings = conformance::segmenter(segmenter.as_ref());
        assert!(findings.is_empty(), "{}: {findings:#?}", segmenter.caps().name);
    }
}

#[test]
fn a_segmenter_is_no_vision_language_model_and_the_other_way_round() {
    let why = Found::open(&fixtures("sam2/tiny_like"))
        .unwrap()
        .vlm("s", Load { batch: 1, kept: 0 }, place(1))
        .err()
        .unwrap()
        .to_string();
    assert!(why.contains("is a SAM 2: a segmenter"), "{why}");
    let why = Found::open(&fixtures("qwen2_5_vl/a")).unwrap().segmenter("q", place(1)).err().unwrap().to_string();
    assert!(why.contains("a vision-language model"), "{why}");
}
