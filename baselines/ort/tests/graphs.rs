//! Qwen2.5-VL and SAM 2 as graphs against their reference implementations, and through the seams' kit. Needs onnxruntime.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test: it prints how near it came")]

use std::path::{Path, PathBuf};

use socio_backend::{Target, conformance};
use socio_local::Load;
use socio_models::ModelError;
use socio_models::parity::{Stage, qwen2_5_vl, sam2};
use socio_models::qwen2_5_vl::Config;
use socio_models::sam::sam2::Sam2Config;
use socio_ort::Runtime;
use socio_ort::networks::{Graphs, How, Qwen, Sam2};

/// Difference over what was expected.
const TOLERANCE: f64 = 1e-4;
/// The part of a mask's pixels that may lie on the other side of zero.
const PIXELS: f64 = 1e-3;
const HOW: How = How { target: Target::Cpu, threads: 2 };

fn fixtures(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(path)
}

/// onnxruntime, where it is; where real assets have to be used, it has to be there too.
fn runtime() -> Option<Runtime> {
    match Runtime::load(None) {
        Ok(runtime) => Some(runtime),
        Err(e) if std::env::var_os("SOCIO_REQUIRE_ASSETS").is_some() => panic!("{e}"),
        Err(e) => {
            println!("not tried: {e}");
            None
        }
    }
}

fn hold(what: &str, stages: &[Stage], tolerance: impl Fn(&str) -> f64) {
    let worst = stages.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    println!("{what}: {} stages, worst {} at {:.1e}", stages.len(), worst.0, worst.1);
    for (stage, error) in stages {
        assert!(*error <= tolerance(stage), "{what}: {stage} is off by {error:.1e}");
    }
}

#[test]
fn qwens_graphs_answer_as_the_reference_does() {
    let Some(runtime) = runtime() else { return };
    let config = Config::read(&fixtures("onnx/qwen_c/config.json")).unwrap();
    let graphs = Qwen::open(&runtime, &fixtures("onnx/qwen_c"), config, HOW).unwrap();
    let stages = qwen2_5_vl::answers(&graphs, &fixtures("qwen2_5_vl/c"), |seen| Ok(seen.to_vec())).unwrap();
    hold("qwen_c", &stages, |_| TOLERANCE);
}

#[test]
fn sams_graphs_mask_as_the_reference_does() {
    let Some(runtime) = runtime() else { return };
    let folder = fixtures("onnx/sam2_tiny_like");
    let config = Sam2Config::from_json(&std::fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
    let mut graphs = Sam2::open(&runtime, &folder, &config, HOW).unwrap();
    let stages = sam2::masks(&mut graphs, &fixtures("sam2/tiny_like")).unwrap();
    assert!(stages.len() > 12);
    hold("sam2_tiny_like", &stages, |stage| if stage.ends_with("mask") { PIXELS } else { TOLERANCE });
}

#[test]
fn graphs_pass_the_kit() {
    let Some(runtime) = runtime() else { return };
    let graphs = Graphs::find(&fixtures("onnx/qwen_tiny")).unwrap();
    assert!(graphs.is_vlm());
    let vlm = graphs.vlm("tiny", Load { batch: 4, kept: 1 << 20 }, &runtime, HOW).unwrap();
    assert_eq!(conformance::vlm(vlm.as_ref()), Vec::<String>::new());
    let graphs = Graphs::find(&fixtures("onnx/sam2_tiny_like")).unwrap();
    let segmenter = graphs.segmenter("tiny", &runtime, HOW).unwrap();
    assert_eq!(conformance::segmenter(segmenter.as_ref()), Vec::<String>::new());
}

#[test]
fn what_is_no_graph_is_told() {
    let Some(runtime) = runtime() else { return };
    let folder = tempfile::tempdir().unwrap();
    let none = Graphs::find(folder.path()).err().unwrap().to_string();
    assert!(none.contains("holds no graphs") && none.contains("ci/export"), "{none}");
    // The graphs of a segmenter under the names of a language model's.
    for entry in std::fs::read_dir(fixtures("onnx/sam2_tiny_like")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let wrong = folder.path().join("vision_encoder.onnx");
    std::fs::write(&wrong, b"no graph").unwrap();
    let sam = Graphs::find(folder.path()).unwrap().segmenter("x", &runtime, HOW).err().unwrap().to_string();
    assert!(sam.contains("vision_encoder.onnx") && sam.contains("onnxruntime refuses it"), "{sam}");
    std::fs::copy(fixtures("onnx/qwen_tiny/vision_encoder.onnx"), &wrong).unwrap();
    let sam = Graphs::find(folder.path()).unwrap().segmenter("x", &runtime, HOW).err().unwrap().to_string();
    assert!(sam.contains("has no output `image_embeddings.0`"), "{sam}");
    let vlm = Graphs::find(folder.path()).unwrap().vlm("x", Load { batch: 1, kept: 0 }, &runtime, HOW).err().unwrap();
    assert!(vlm.to_string().contains("is a segmenter"), "{vlm}");
    let config = Config::read(&fixtures("onnx/qwen_c/config.json")).unwrap();
    assert!(matches!(Qwen::open(&runtime, folder.path(), config, HOW), Err(ModelError::File { .. })));
}
