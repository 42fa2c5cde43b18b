//! SAM 1 against the code it was published with (`ci/fixtures_torch/sam1.py`), by the oracle; and whether published
//! checkpoints load.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

mod names;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use names::Names;
use serde_json::Value;
use socio_models::ghost::Ghost;
use socio_models::oracle::Plain;
use socio_models::parity::sam1::run;
use socio_models::sam::prompt::Prompt;
use socio_models::sam::sam1::{EncoderConfig, Sam1, Sam1Config, metas_names};
use socio_models::sam::tiny_vit::TinyVitConfig;
use socio_models::sam::vit::VitConfig;
use socio_models::weights::open;
use socio_models::{DType, ModelError, Tensor, Vars, Weights};

/// Sums in f64 with one rounding an operation, against sums in f32.
const TOLERANCE: f64 = 1e-4;
/// Of masks: pixels whose logits lie next to zero.
const MASK_TOLERANCE: f64 = 1e-3;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sam1")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn passes(variant: &str, checkpoint: &str) {
    let stages = run::<Plain>(&fixtures().join(variant), checkpoint, &()).unwrap();
    let within = |stage: &str, error: f64| error <= if stage.ends_with("/mask") { MASK_TOLERANCE } else { TOLERANCE };
    // An error that is not a number is within nothing.
    let off: Vec<_> = stages.iter().filter(|(stage, error)| !within(stage, *error)).collect();
    assert!(off.is_empty(), "{variant}/{checkpoint}: {off:#?}");
    assert!(stages.len() > 100, "{variant}/{checkpoint}: only {} stages", stages.len());
}

#[test]
fn the_vit_agrees_with_its_reference() {
    passes("vit_like", "model.safetensors");
}

#[test]
fn so_it_does_under_transformers_names() {
    passes("vit_like", "hf.safetensors");
}

#[test]
fn the_tiny_vit_agrees_with_its_reference() {
    passes("tiny_vit_like", "model.safetensors");
}

#[test]
fn so_it_does_from_a_checkpoint_of_pytorch() {
    passes("tiny_vit_like", "model.pth");
}

fn keys() -> Value {
    serde_json::from_str(&read(&fixtures().join("keys.json"))).unwrap()
}

/// Builds the network without numbers: every weight that it asks for is there and of the right shape, and no other.
fn build(weights: &dyn Weights, config: &Sam1Config) -> Result<(), ModelError> {
    Sam1::<Ghost>::load(&Vars::new(weights, DType::F32, &()), config).map(|_| ())
}

#[test]
fn published_checkpoints_have_the_weights_that_are_asked_for() {
    let keys = keys();
    let vit = |vit| Sam1Config::of_encoder(EncoderConfig::Vit(vit));
    let mobile = Sam1Config::of_encoder(EncoderConfig::TinyVit(TinyVitConfig::MOBILE_SAM));
    for (name, config) in [
        ("sam_vit_b", vit(VitConfig::vit_b())),
        ("sam_vit_l", vit(VitConfig::vit_l())),
        ("sam_vit_h", vit(VitConfig::vit_h())),
        ("mobile_sam", mobile),
    ] {
        let names = Names::of(&[&keys["all"], &keys[name]]);
        assert_eq!(Sam1Config::of_weights(&names).unwrap(), config, "{name}");
        build(&names, &config).unwrap();
    }
    let theirs = metas_names(Box::new(Names::of(&[&keys["transformers_vit_b"]])));
    let config = Sam1Config::of_weights(theirs.as_ref()).unwrap();
    assert_eq!(config, vit(VitConfig::vit_b()));
    build(theirs.as_ref(), &config).unwrap();
}

#[test]
fn another_checkpoint_is_refused() {
    let keys = keys();
    let config = Sam1Config::default();
    let sound = || Names::of(&[&keys["all"], &keys["sam_vit_b"]]).0;

    let mut missing = sound();
    missing.remove("image_encoder.blocks.7.attn.rel_pos_w").unwrap();
    let error = build(&Names(missing), &config).unwrap_err();
    assert!(matches!(&error, ModelError::Missing { name, .. } if name == "image_encoder.blocks.7.attn.rel_pos_w"));

    let mut extra = sound();
    extra.insert("image_encoder.blocks.12.norm1.weight".to_owned(), vec![768]);
    assert!(matches!(build(&Names(extra), &config).unwrap_err(), ModelError::Extra { count: 1, .. }));

    let large = Names::of(&[&keys["all"], &keys["sam_vit_l"]]);
    assert!(matches!(build(&large, &config).unwrap_err(), ModelError::WrongShape { .. }));

    let none = Names(BTreeMap::from([("conv.weight".to_owned(), vec![1])]));
    assert!(Sam1Config::of_weights(&none).is_err());
}

#[test]
fn inputs_of_another_size_are_refused() {
    for variant in ["vit_like", "tiny_vit_like"] {
        let folder = fixtures().join(variant);
        let config = Sam1Config::from_json(&read(&folder.join("config.json"))).unwrap();
        let weights = open(folder.join("model.safetensors")).unwrap();
        let network = Sam1::<Plain>::load(&Vars::new(weights.as_ref(), DType::F32, &()), &config).unwrap();
        let zeros = |shape: &[usize]| Plain::zeros(shape, DType::F32, &()).unwrap();
        assert!(network.encode(&zeros(&[1, 3, 128, 112])).is_err());
        assert!(network.encode(&zeros(&[1, 1, 128, 128])).is_err());
        assert!(network.encode(&zeros(&[3, 128, 128])).is_err());
        let features = network.encode(&zeros(&[2, 3, 128, 128])).unwrap();
        assert_eq!(features.low.shape(), [2, 8, 8, 32]);
        let one = features.image(1).unwrap();
        assert!(network.decode(&features, &[Prompt::default()], None, true).is_err(), "two images");
        assert!(network.decode(&one, &[], None, true).is_err(), "no prompt");
        let small = zeros(&[1, 1, 16, 16]);
        assert!(network.decode(&one, &[Prompt::default()], Some(&small), true).is_err(), "a mask of another size");
        let masks = network.decode(&one, &[Prompt::default()], None, false).unwrap();
        assert_eq!((masks.logits.shape(), masks.iou.shape()), (vec![1, 1, 32, 32], vec![1, 1]));
        assert_eq!(network.mask_side(), 32);
    }
}

#[test]
fn the_real_lite_medsam_has_the_weights_that_are_asked_for() {
    let required = std::env::var("SOCIO_REQUIRE_ASSETS").is_ok_and(|v| v == "1");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let assets = std::env::var_os("SOCIO_ASSETS").map_or_else(|| root.join("../shared/assets"), PathBuf::from);
    let file = assets.join("lite_medsam/lite_medsam.safetensors");
    if !file.is_file() {
        assert!(!required, "SOCIO_REQUIRE_ASSETS=1 and no file {}", file.display());
        eprintln!("skipped: no file {}", file.display());
        return;
    }
    let weights = open(&file).unwrap();
    let config = Sam1Config::of_weights(weights.as_ref()).unwrap();
    assert_eq!(config.encoder, EncoderConfig::TinyVit(TinyVitConfig::LITE_MEDSAM));
    assert_eq!((config.side(), weights.keys().len()), (256, 435));
    build(weights.as_ref(), &config).unwrap();
    let network = Sam1::<Plain>::load(&Vars::new(weights.as_ref(), DType::F32, &()), &config).unwrap();
    assert_eq!((network.side(), network.mask_side()), (256, 256));
}
