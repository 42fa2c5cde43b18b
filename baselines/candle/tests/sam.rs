//! SAM 1 and SAM 2 on candle, stage by stage against Meta's packages; LiteMedSAM's real weights too.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test: it prints how near it came")]

use std::path::{Path, PathBuf};

use candle_core::Device;
use socio_candle::Candle;
use socio_models::parity::{Stage, sam1, sam2};

/// Norm of the difference over the norm of what was expected.
const TOLERANCE: f64 = 1e-4;
/// The part of a mask's pixels that may lie on the other side of zero.
const PIXELS: f64 = 1e-3;

fn fixtures(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(family)
}

fn hold(what: &str, stages: &[Stage]) {
    assert!(stages.len() > 20, "{what}: {} stages only", stages.len());
    let (masks, others): (Vec<&Stage>, Vec<&Stage>) = stages.iter().partition(|s| s.0.ends_with("mask"));
    for (kind, stages, tolerance) in [("stages", others, TOLERANCE), ("masks", masks, PIXELS)] {
        let worst = stages.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        println!("{what}: {} {kind}, worst {} at {:.1e}", stages.len(), worst.0, worst.1);
        assert!(worst.1 <= tolerance, "{what}: {} is off by {:.1e}", worst.0, worst.1);
    }
}

#[test]
fn sam2_of_every_layout() {
    for (variant, file) in [
        ("tiny_like", "model.pt"),
        ("tiny_like", "hf.safetensors"),
        ("base_like", "model.safetensors"),
        ("base_like", "hf.safetensors"),
        ("large_like", "model.safetensors"),
    ] {
        let stages = sam2::run::<Candle>(&fixtures("sam2").join(variant), file, &Device::Cpu).unwrap();
        hold(&format!("SAM 2 {variant} {file}"), &stages);
    }
}

#[test]
fn sam1_with_both_encoders() {
    for (variant, file) in
        [("vit_like", "model.safetensors"), ("vit_like", "hf.safetensors"), ("tiny_vit_like", "model.pth")]
    {
        let stages = sam1::run::<Candle>(&fixtures("sam1").join(variant), file, &Device::Cpu).unwrap();
        hold(&format!("SAM 1 {variant} {file}"), &stages);
    }
}

/// The real weights on a real crop, against the published Python package (`ci/fixtures_torch/sam1.py`).
#[test]
fn lite_medsam_with_its_real_weights() {
    let assets = std::env::var_os("SOCIO_ASSETS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/assets"), PathBuf::from);
    let file = assets.join("lite_medsam/lite_medsam.safetensors");
    if !file.is_file() {
        assert!(std::env::var_os("SOCIO_REQUIRE_ASSETS").is_none(), "no file {}", file.display());
        println!("skipped: no file {}", file.display());
        return;
    }
    let bytes = std::fs::read(assets.join("banepa_socioseg/test/class_0001/sat.png")).unwrap();
    let image = image::load_from_memory(&bytes).unwrap().to_rgb8();
    let expected = fixtures("sam1").join("lite_medsam/expected.json");
    // The crop that the script took.
    let crop = image::imageops::crop_imm(&image, 256, 256, 256, 256).to_image();
    let stages = sam1::lite_medsam::<Candle>(&file, &expected, crop.as_raw(), &Device::Cpu).unwrap();
    for (name, error) in &stages {
        println!("{name}: {error:.1e}");
        assert!(*error <= TOLERANCE, "{name} is off by {error:.1e}");
    }
    assert!(stages.len() >= 8, "{} stages only", stages.len());
}
