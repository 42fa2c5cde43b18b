//! The kit of the seams, on networks that libtorch runs; small ones of random weights.

#![cfg(feature = "tch")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

use socio_backend::conformance;
use socio_local::{Found, Load, Place, plan};
use socio_models::DType;
use socio_models::qwen2_5_vl::Size;
use socio_tch::Torch;
use tch::Device;

fn place(dtype: DType) -> Place<Torch> {
    let place = Place::new("tch", (Device::Cpu, "cpu"), (dtype, dtype), 1).unwrap();
    place.run(|| socio_tch::start(2));
    place
}

fn fixtures(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(path)
}

#[test]
fn qwen_passes_the_kit() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = folder.path().join("tiny");
    plan(&Size::Tiny.json().to_string(), None).unwrap().write(5, DType::F32, &tiny).unwrap();
    let vlm = Found::open(&tiny).unwrap().vlm("tiny", Load { batch: 4, kept: 1 << 20 }, place(DType::F32)).unwrap();
    assert_eq!(conformance::vlm(vlm.as_ref()), Vec::<String>::new());
}

#[test]
fn every_sam_passes_the_kit() {
    for folder in ["sam2/tiny_like", "sam1/vit_like", "sam1/tiny_vit_like"] {
        let segmenter = Found::open(&fixtures(folder)).unwrap().segmenter("x", place(DType::F32)).unwrap();
        assert_eq!(conformance::segmenter(segmenter.as_ref()), Vec::<String>::new(), "{folder}");
    }
}
