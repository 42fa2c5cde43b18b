//! SAM 2 against Meta's own code (`ci/fixtures_torch/sam2.py`), by the oracle; and whether published checkpoints load.

#![allow(clippy::unwrap_used)]

mod names;

use std::path::PathBuf;

use names::Names;
use serde_json::Value;
use socio_models::ghost::Ghost;
use socio_models::oracle::Plain;
use socio_models::parity::sam2 as parity;
use socio_models::sam::decoder::Features;
use socio_models::sam::prompt::{Click, Prompt};
use socio_models::sam::sam2::{Sam2, Sam2Config, Size, metas_names};
use socio_models::weights::open;
use socio_models::{DType, ModelError, Tensor, Vars, Weights};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sam2")
}

fn check(variant: &str, checkpoint: &str) {
    let stages = parity::run::<Plain>(&fixtures().join(variant), checkpoint, &()).unwrap();
    assert!(stages.len() > 100, "{} stages", stages.len());
    for (stage, error) in stages {
        // A mask's pixel whose logit is next to nothing may fall on either side.
        let tolerance = if stage.ends_with("mask") { 1e-3 } else { 1e-4 };
        assert!(error <= tolerance, "{variant}/{checkpoint} {stage}: off by {error:e}");
    }
}

#[test]
fn the_tiny_one_agrees_with_meta() {
    check("tiny_like", "model.safetensors");
}

#[test]
fn the_base_one_agrees_with_meta() {
    check("base_like", "model.safetensors");
}

#[test]
fn the_large_one_agrees_with_meta() {
    check("large_like", "model.safetensors");
}

#[test]
fn so_it_does_from_a_checkpoint_of_pytorch() {
    check("tiny_like", "model.pt");
}

#[test]
fn so_it_does_under_transformers_names_and_configuration() {
    check("tiny_like", "hf.safetensors");
    check("base_like", "hf.safetensors");
}

fn config(path: &str) -> Sam2Config {
    Sam2Config::from_json(&std::fs::read_to_string(fixtures().join(path)).unwrap()).unwrap()
}

#[test]
fn both_configurations_say_the_same() {
    for variant in ["tiny_like", "base_like"] {
        assert_eq!(config(&format!("{variant}/config.json")), config(&format!("{variant}/hf_config.json")));
    }
}

/// The published sizes as `keys.json` names them.
const SIZES: [(&str, Size); 4] =
    [("tiny", Size::Tiny), ("small", Size::Small), ("base_plus", Size::BasePlus), ("large", Size::Large)];

fn keys() -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join("keys.json")).unwrap()).unwrap()
}

#[test]
fn published_sizes_are_metas() {
    let keys = keys();
    for (name, size) in SIZES {
        assert_eq!(Sam2Config::from_json(&keys["sizes"][name].to_string()).unwrap(), size.config(), "{name}");
    }
}

/// Builds the network without numbers: every weight that it asks for is there and of the right shape, and no other.
fn build(weights: &dyn Weights, config: &Sam2Config) -> Result<(), ModelError> {
    Sam2::<Ghost>::load(&Vars::new(weights, DType::F32, &()), config).map(|_| ())
}

#[test]
fn published_checkpoints_have_the_weights_that_are_asked_for() {
    let keys = keys();
    for (name, size) in SIZES {
        let (meta, transformers) = (&keys["meta"], &keys["transformers"]);
        for names in [
            Names::of(&[&meta["all"], &meta[name]]),
            Names::of(&[&meta["all"], &meta[name], &keys["sam2.1_adds"]]),
            Names::of(&[&transformers["all"], &transformers[name]]),
        ] {
            let weights = metas_names(Box::new(names));
            assert_eq!(Size::of(weights.as_ref()).unwrap(), size, "{name}");
            build(weights.as_ref(), &size.config()).unwrap();
        }
    }
}

#[test]
fn another_checkpoint_is_refused() {
    let keys = keys();
    let sound = || Names::of(&[&keys["meta"]["all"], &keys["meta"]["tiny"]]).0;
    let tiny = Size::Tiny.config();

    let mut missing = sound();
    missing.remove("no_mem_embed").unwrap();
    let error = build(&Names(missing), &tiny).unwrap_err();
    assert!(matches!(&error, ModelError::Missing { name, .. } if name == "no_mem_embed"));

    let mut extra = sound();
    extra.insert("image_encoder.trunk.blocks.12.norm1.weight".to_owned(), vec![768]);
    assert!(matches!(build(&Names(extra.clone()), &tiny).unwrap_err(), ModelError::Extra { count: 1, .. }));
    assert!(Size::of(&Names(extra)).is_err());

    assert!(matches!(build(&Names(sound()), &Size::BasePlus.config()).unwrap_err(), ModelError::WrongShape { .. }));
    assert!(Size::of(&Names([("conv.weight".to_owned(), vec![1])].into())).is_err());

    let without = Sam2Config { directly_add_no_mem_embed: false, ..tiny };
    build(&Names(sound()), &without).unwrap();
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let weights = open(fixtures().join("tiny_like/model.safetensors")).unwrap();
    let vars = Vars::new(weights.as_ref(), DType::F32, &());
    let network = Sam2::<Plain>::load(&vars, &config("tiny_like/config.json")).unwrap();
    let zeros = |shape: &[usize]| Plain::zeros(shape, DType::F32, &()).unwrap();
    assert!(network.encode(&zeros(&[1, 3, 128, 96])).is_err());
    assert!(network.encode(&zeros(&[1, 1, 128, 128])).is_err());
    assert!(network.encode(&zeros(&[3, 128, 128])).is_err());

    let features = network.encode(&zeros(&[2, 3, 128, 128])).unwrap();
    assert_eq!(features.low.shape(), [2, 8, 8, 32]);
    let one = features.image(1).unwrap();
    let sides: Vec<_> = one.high.as_ref().unwrap().iter().map(Plain::shape).collect();
    assert_eq!(sides, [[1, 32, 32, 4], [1, 16, 16, 8]]);
    let boxed = Prompt { bbox: Some([8.0, 8.0, 40.0, 64.0]), points: Vec::new() };
    let clicked = Prompt { bbox: None, points: vec![Click { at: [20.0, 20.0], on: true }] };
    let refused = |features: &Features<Plain>, prompts: &[Prompt], mask: Option<&Plain>| {
        network.decode(features, prompts, mask, true).is_err()
    };
    assert!(refused(&features, std::slice::from_ref(&boxed), None), "two images");
    assert!(refused(&one, &[], None), "no prompt");
    assert!(refused(&one, &[boxed.clone(), clicked], None), "two kinds");
    assert!(refused(&one, std::slice::from_ref(&boxed), Some(&zeros(&[1, 1, 16, 16]))), "a mask of another size");

    let prompts = [boxed.clone(), boxed];
    let three = network.decode(&one, &prompts, None, true).unwrap();
    assert_eq!((three.logits.shape(), three.iou.shape()), (vec![2, 3, 32, 32], vec![2, 3]));
    assert_eq!(three.object.unwrap().shape(), [2, 1]);
    let single = network.decode(&one, &prompts, None, false).unwrap();
    assert_eq!((single.logits.shape(), single.iou.shape()), (vec![2, 1, 32, 32], vec![2, 1]));
    assert_eq!((network.side(), network.mask_side()), (128, 32));
}
