//! What stands round Qwen2.5-VL against the references (`ci/fixtures_torch/processing.py`): sizes, pixel values, chat
//! text, token ids, the sampler's probabilities.
//!
//! Tests that need the real tokenizer are skipped with a message where the assets are absent; that is an error where
//! `SOCIO_REQUIRE_ASSETS=1`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::PathBuf;

use image::RgbImage;
use safetensors::SafeTensors;
use serde_json::Value;
use socio_dataset::hash::sha256_hex;
use socio_dataset::pillow;
use socio_models::qwen2_5_vl::{Chat, Grid, PictureConfig, Sampler, Tokenizer, patches, smart_resize};

/// The first special token, and the first id that Qwen2.5-VL does not have.
const SPECIAL: u32 = 151_643;
const END: u32 = 151_665;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn fixture() -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join("tests/fixtures/processing.json")).unwrap()).unwrap()
}

fn tensors() -> Vec<u8> {
    std::fs::read(root().join("tests/fixtures/processing.safetensors")).unwrap()
}

fn floats(file: &SafeTensors<'_>, name: &str) -> (Vec<usize>, Vec<f32>) {
    let tensor = file.tensor(name).unwrap();
    let (values, rest) = tensor.data().as_chunks::<4>();
    assert!(tensor.dtype() == safetensors::Dtype::F32 && rest.is_empty());
    (tensor.shape().to_vec(), values.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn tokenizer() -> Option<Tokenizer> {
    let assets = std::env::var_os("SOCIO_ASSETS").map_or_else(|| root().join("../shared/assets"), PathBuf::from);
    let path = assets.join("qwen2_5_vl_tokenizer/tokenizer.json");
    if path.is_file() {
        return Some(Tokenizer::load(&path).unwrap());
    }
    let required = std::env::var("SOCIO_REQUIRE_ASSETS").is_ok_and(|v| v == "1");
    assert!(!required, "SOCIO_REQUIRE_ASSETS=1 and no file {}", path.display());
    eprintln!("skipped: no tokenizer at {}", path.display());
    None
}

/// The generator of the fixture's pictures.
fn noise(seed: u64, width: u32, height: u32) -> RgbImage {
    let mut state = seed;
    let bytes = (0..width as usize * height as usize * 3).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    RgbImage::from_raw(width, height, bytes.collect()).unwrap()
}

#[test]
fn sizes_are_the_references() {
    let fixture = &fixture()["smart_resize"];
    let (factor, min): (usize, usize) = (list(&fixture["factor"]), list(&fixture["min_pixels"]));
    let mut rows = 0;
    for (max, table) in fixture["by_max_pixels"].as_object().unwrap() {
        for [h, w, to_h, to_w] in list::<Vec<[usize; 4]>>(table) {
            let got = smart_resize(h, w, factor, min, max.parse().unwrap()).unwrap();
            assert_eq!(got, (to_h, to_w), "{h} x {w} within {max}");
            rows += 1;
        }
    }
    assert!(rows > 100);
    for [h, w] in list::<Vec<[usize; 2]>>(&fixture["too_long"]) {
        assert!(smart_resize(h, w, factor, min, 1 << 20).is_err(), "{h} x {w}");
    }
}

#[test]
fn pixel_values_are_the_references_to_the_last_bit() {
    let (fixture, bytes) = (fixture(), tensors());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (i, row) in fixture["images"].as_array().unwrap().iter().enumerate() {
        let (width, height): (u32, u32) = list(&row["size"]);
        let (to_h, to_w) = smart_resize(height as usize, width as usize, 28, 56 * 56, 768 * 768).unwrap();
        assert_eq!([to_w, to_h], list::<[usize; 2]>(&row["resized"]));
        let image = noise(list(&row["seed"]), width, height);
        let resized = pillow::resize(&image, to_w as u32, to_h as u32, pillow::Filter::Bicubic).unwrap();
        let got = patches(resized.as_raw(), to_w, to_h, &PictureConfig::PUBLISHED).unwrap();
        assert_eq!([[got.grid.t, got.grid.h, got.grid.w]], list::<[[usize; 3]; 1]>(&row["grid_thw"]));
        assert_eq!([got.grid.patches(), got.values.len() / got.grid.patches()], list::<[usize; 2]>(&row["shape"]));
        // The sample first: it tells more than a hash does.
        let stride: usize = list(&row["stride"]);
        let name = format!("image.{i}.{}", if stride == 1 { "values" } else { "sample" });
        let sample: Vec<f32> = got.values.iter().step_by(stride).copied().collect();
        assert_eq!(sample, floats(&file, &name).1, "{name}");
        let bytes: Vec<u8> = got.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(sha256_hex(&bytes), row["values_sha256"].as_str().unwrap(), "picture {i}");
    }
}

#[test]
fn the_chat_is_the_templates() {
    for row in fixture()["chat"].as_array().unwrap() {
        let images = vec![Grid { t: 1, h: 2, w: 2 }; list(&row["images"])];
        assert_eq!(Chat::new(&images, row["text"].as_str().unwrap()).text(), row["chat"].as_str().unwrap());
    }
}

#[test]
fn the_chats_tokens_are_the_references() {
    let Some(tokenizer) = tokenizer() else { return };
    let fixture = fixture();
    let tokens = fixture["tokens"].as_array().unwrap();
    for row in fixture["chat"].as_array().unwrap() {
        let images = vec![Grid { t: 1, h: 2, w: 2 }; list(&row["images"])];
        let want = tokens.iter().find(|t| t["text"] == row["chat"]).unwrap();
        let got = Chat::new(&images, row["text"].as_str().unwrap()).ids(&tokenizer, 2).unwrap();
        assert_eq!(got, list::<Vec<u32>>(&want["ids"]), "{}", row["chat"]);
    }
}

#[test]
fn tokens_are_the_references() {
    let Some(tokenizer) = tokenizer() else { return };
    let fixture = fixture();
    let (mut same, mut apart) = (0, 0);
    for row in fixture["tokens"].as_array().unwrap() {
        let (text, ids): (&str, Vec<u32>) = (row["text"].as_str().unwrap(), list(&row["ids"]));
        let got = tokenizer.encode(text).unwrap();
        let back = tokenizer.decode(&got).unwrap();
        if ids.iter().any(|id| (SPECIAL..=151_656).contains(id)) {
            // The reference reads special tokens from any text; here they stay text.
            assert!(!got.iter().any(|id| (SPECIAL..=151_656).contains(id)), "{text:?}: {got:?}");
            assert_eq!(back, text);
            apart += 1;
        } else {
            assert_eq!(got, ids, "{text:?}");
            assert_eq!(back, row.get("decoded").map_or(text, |d| d.as_str().unwrap()));
            same += 1;
        }
    }
    assert!(same >= 40 && apart >= 5);
    for row in fixture["decode"].as_array().unwrap() {
        let ids: Vec<u32> = list(&row["ids"]);
        assert_eq!(tokenizer.decode(&ids).unwrap(), row["without_special"].as_str().unwrap());
    }
}

/// The file is Qwen3's: with its tokens left in, `<think>` would be one that Qwen2.5-VL has never seen, and nothing
/// would fail.
#[test]
fn a_prompt_holds_no_token_that_qwen2_5_vl_does_not_have() {
    let Some(tokenizer) = tokenizer() else { return };
    assert_eq!(tokenizer.size(), END as usize);
    assert_eq!(tokenizer.stops(), [151_645, 151_643]);
    let picture = Grid { t: 1, h: 54, w: 54 };
    let fixture = fixture();
    for row in fixture["chat"].as_array().unwrap().iter().filter(|row| row["images"] == 2) {
        let text = row["text"].as_str().unwrap();
        assert!(text.contains("<think>"));
        let ids = Chat::new(&[picture; 2], text).ids(&tokenizer, 2).unwrap();
        assert!(ids.iter().all(|id| *id < END));
        assert_eq!(ids.iter().filter(|id| **id == 151_655).count(), 2 * 729);
    }
}

#[test]
fn probabilities_are_the_references() {
    let (fixture, bytes) = (fixture(), tensors());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (shape, logits) = floats(&file, "sampler.logits");
    let (_, wanted) = floats(&file, "sampler.probs");
    let rows = fixture["sampler"].as_array().unwrap();
    assert_eq!(rows.len(), shape[0]);
    for ((row, logits), wanted) in rows.iter().zip(logits.chunks(shape[1])).zip(wanted.chunks(shape[1])) {
        let number = |name: &str| row[name].as_f64().unwrap() as f32;
        let sampler =
            Sampler { temperature: number("temperature"), top_k: list(&row["top_k"]), top_p: number("top_p") };
        let mut got = vec![0.0_f32; shape[1]];
        for (id, probability) in sampler.distribution(logits).unwrap() {
            got[id as usize] = probability as f32;
        }
        let mut wanted = wanted.to_vec();
        assert_eq!(got.iter().filter(|p| **p > 0.0).count(), list::<usize>(&row["kept"]), "{row}");
        if row["ties"] == true {
            got.sort_by(f32::total_cmp);
            wanted.sort_by(f32::total_cmp);
        }
        for (id, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
            assert!((got - wanted).abs() <= 1e-5 * wanted + 1e-9, "{row}, {id}: {got}, the reference {wanted}");
        }
    }
}
