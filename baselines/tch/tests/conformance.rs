//! Every operation of the trait on libtorch against the plain oracle, and the networks against their references. Needs a
//! libtorch to run; with the feature `doc-only` it compiles.

#![cfg(feature = "tch")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test: it prints how near it came")]

use std::path::{Path, PathBuf};

use socio_models::parity::qwen2_5_vl::Subject;
use socio_models::parity::{Stage, sam1, sam2};
use socio_models::{DType, Mask, ModelError, Tensor, conformance};
use socio_tch::Torch;
use tch::Device;

const DEVICE: Device = Device::Cpu;
/// Of the largest value of a result.
const F32: f32 = 1e-5;
/// In 16 bits: libtorch rounds between the parts of some operations.
const REDUCED: f32 = 2e-2;
/// Difference over what was expected, of a stage of a network.
const TOLERANCE: f64 = 1e-4;
/// The part of a mask's pixels that may lie on the other side of zero.
const PIXELS: f64 = 1e-3;

fn operators(dtype: DType, seed: u64, tolerance: f32) {
    let agreements = conformance::operators::<Torch>(&DEVICE, dtype, seed, tolerance).unwrap_or_else(|e| panic!("{e}"));
    let worst = agreements.iter().max_by(|a, b| a.error.total_cmp(&b.error)).unwrap();
    println!("{dtype}: {} operations, worst {} at {:.1e}", agreements.len(), worst.operator, worst.error);
}

#[test]
fn libtorch_does_what_the_trait_says() {
    for seed in [1, 2, 3] {
        operators(DType::F32, seed, F32);
    }
}

#[test]
fn in_16_bits_too() {
    operators(DType::Bf16, 4, REDUCED);
    operators(DType::F16, 5, REDUCED);
}

fn tensor(values: &[f32], shape: &[usize]) -> Torch {
    Torch::new(values.to_vec(), shape, DType::F32, &DEVICE).unwrap()
}

fn counting(shape: &[usize]) -> Torch {
    let values: Vec<f32> = (1..=shape.iter().product::<usize>()).map(|i| i as f32).collect();
    tensor(&values, shape)
}

#[test]
fn weights_may_be_narrower_than_what_flows() {
    let (x, weight, bias) = (counting(&[2, 3]), counting(&[4, 3]), counting(&[4]));
    let expected = x.linear(&weight, Some(&bias)).unwrap().values().unwrap();
    assert_eq!(expected[..4], [15.0, 34.0, 53.0, 72.0]);
    let picture = counting(&[1, 2, 3, 3]);
    let kernel = counting(&[1, 2, 2, 2]);
    let convolved = picture.conv2d(&kernel, None, 1, 0, 1).unwrap().values().unwrap();
    for dtype in [DType::Bf16, DType::F16] {
        let narrow = |t: &Torch| t.cast(dtype).unwrap();
        let found = x.linear(&narrow(&weight), Some(&narrow(&bias))).unwrap();
        assert_eq!((found.dtype(), found.values().unwrap()), (DType::F32, expected.clone()));
        let found = picture.conv2d(&narrow(&kernel), None, 1, 0, 1).unwrap();
        assert_eq!((found.dtype(), found.values().unwrap()), (DType::F32, convolved.clone()));
    }
}

#[test]
fn pixels_are_repeated_by_every_factor() {
    let x = counting(&[1, 1, 1, 7]);
    for factor in 1..65 {
        let row: Vec<f32> = (0..7 * factor).map(|at| (at / factor + 1) as f32).collect();
        assert_eq!(x.upsample_nearest(factor).unwrap().values().unwrap(), row.repeat(factor), "{factor}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let (x, square, picture) = (counting(&[2, 3]), counting(&[3, 3]), counting(&[1, 2, 3, 3]));
    let (number, none) = (counting(&[]), counting(&[0]));
    let half = square.cast(DType::F16).unwrap();
    let (four, most) = (counting(&[1, 2, 4, 2]), usize::MAX);
    let refused = [
        ("new", Torch::new(vec![0.0; 3], &[2], DType::F32, &DEVICE)),
        ("new of too many", Torch::new(vec![], &[most, 2], DType::F32, &DEVICE)),
        ("from_bytes", Torch::from_bytes(&[0; 7], DType::F32, &[2], DType::F32, &DEVICE)),
        ("zeros", Torch::zeros(&[most], DType::F32, &DEVICE)),
        ("zeros of too many", Torch::zeros(&[1 << 40, 1 << 40, 0], DType::F32, &DEVICE)),
        ("reshape", x.reshape(&[5])),
        ("reshape by -1", x.reshape(&[most, 3])),
        ("permute", x.permute(&[0, 0])),
        ("permute of fewer", x.permute(&[0])),
        ("permute by -1", x.permute(&[0, most])),
        ("narrow", x.narrow(1, 2, 2)),
        ("narrow of no dimension", x.narrow(2, 0, 1)),
        ("narrow from -1", x.narrow(1, most, 1)),
        ("narrow of a number", number.narrow(0, 0, 1)),
        ("cat of none", Torch::cat(&[], 0)),
        ("cat", Torch::cat(&[x.clone(), counting(&[3, 2])], 0)),
        ("cat of two types", Torch::cat(&[square.clone(), half.clone()], 0)),
        ("cat of two ranks", Torch::cat(&[x.clone(), none], 0)),
        ("cat along no dimension", Torch::cat(&[x.clone(), x.clone()], 2)),
        ("select", x.select(0, &[2])),
        ("select of no dimension", x.select(2, &[0])),
        ("select of a number", number.select(0, &[0])),
        ("pad", x.pad(2, 1, 1)),
        ("pad by too many", x.pad(1, most, 1)),
        ("pad beyond memory", x.pad(1, 1 << 61, 1 << 61)),
        ("expand", x.expand(&[2, 6])),
        ("expand by rank", x.expand(&[1, 2, 3])),
        ("expand by -1", x.expand(&[most, 3])),
        ("add", x.add(&counting(&[2]))),
        ("add of two types", square.add(&half)),
        ("matmul", x.matmul(&x)),
        ("matmul by a row", x.matmul(&counting(&[3]))),
        ("matmul of many by one", counting(&[2, 2, 3]).matmul(&counting(&[1, 3, 2]))),
        ("linear", x.linear(&counting(&[4, 2]), None)),
        ("linear by rank", x.linear(&counting(&[3]), None)),
        ("linear of a number", number.linear(&x, None)),
        ("linear by bias", x.linear(&square, Some(&counting(&[1])))),
        ("conv2d", picture.conv2d(&counting(&[1, 1, 2, 2]), None, 1, 0, 1)),
        ("conv2d by stride", picture.conv2d(&counting(&[1, 2, 2, 2]), None, 0, 0, 1)),
        ("conv2d by padding", picture.conv2d(&counting(&[1, 2, 2, 2]), None, 1, most / 2, 1)),
        ("conv2d by groups", picture.conv2d(&counting(&[1, 2, 2, 2]), None, 1, 0, 0)),
        ("conv2d by size", picture.conv2d(&counting(&[1, 2, 4, 2]), None, 1, 0, 1)),
        ("conv2d by rank", x.conv2d(&counting(&[1, 2, 2, 2]), None, 1, 0, 1)),
        ("conv2d by bias", picture.conv2d(&counting(&[1, 2, 2, 2]), Some(&x), 1, 0, 1)),
        ("max_pool2d", picture.max_pool2d(4)),
        ("max_pool2d by 0", picture.max_pool2d(0)),
        ("upsample_nearest", picture.upsample_nearest(0)),
        ("upsample_nearest by too many", picture.upsample_nearest(1 << 40)),
        ("upsample_nearest by rank", x.upsample_nearest(2)),
        ("softmax", number.softmax()),
        ("layer_norm", x.layer_norm(&counting(&[2]), &counting(&[3]), 1e-5)),
        ("rms_norm", x.rms_norm(&counting(&[1]), 1e-5)),
        ("rms_norm of two types", x.rms_norm(&counting(&[3]).cast(DType::Bf16).unwrap(), 1e-5)),
        ("rotary", four.rotary(&counting(&[1, 3, 1]), &counting(&[1, 3, 1]))),
        ("rotary of three", counting(&[1, 1, 1, 3]).rotary(&counting(&[1, 1, 1]), &counting(&[1, 1, 1]))),
        ("attention", four.attention(&four, &picture, 1.0, Mask::None)),
        ("attention of no keys", four.attention(&counting(&[1, 2, 0, 2]), &counting(&[1, 2, 0, 2]), 1.0, Mask::None)),
        ("attention of heads", four.attention(&counting(&[1, 3, 4, 2]), &counting(&[1, 3, 4, 2]), 1.0, Mask::None)),
        ("starts", four.attention(&four, &four, 1.0, Mask::Causal { starts: &[0, 0] })),
        ("blocks", four.attention(&four, &four, 1.0, Mask::Blocks(&[3, 2]))),
        ("blocks of too many", four.attention(&four, &four, 1.0, Mask::Blocks(&[most, 5]))),
        ("bias", four.attention(&four, &four, 1.0, Mask::Bias(&counting(&[1, 1, 1, 4])))),
        ("bias of two types", four.attention(&four, &four, 1.0, Mask::Bias(&half))),
        ("grid", four.attention(&four, &four, 1.0, Mask::Grid { rows: &four, columns: &counting(&[1, 2, 4, 3]) })),
    ];
    for (what, result) in refused {
        let error = result.err().unwrap_or_else(|| panic!("{what} is taken")).to_string();
        assert!(!error.contains("frame #"), "{what}: {error}");
    }
    assert!(x.store(0, 2, &counting(&[1, 3])).is_err());
    assert!(x.store(0, 0, &counting(&[1, 1])).is_err());
    assert!(x.store(2, 0, &x).is_err());
    assert!(square.store(0, 0, &half).is_err());
    assert!(counting(&[1, 3]).expand(&[2, 3]).unwrap().store(0, 0, &x).is_err());
    assert!(matches!(Torch::zeros(&[1 << 50], DType::F32, &DEVICE), Err(ModelError::Memory(_))));
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder)
}

fn hold(what: &str, stages: &[Stage]) {
    let (masks, others): (Vec<&Stage>, Vec<&Stage>) = stages.iter().partition(|s| s.0.ends_with("mask"));
    for (kind, stages, tolerance) in [("stages", others, TOLERANCE), ("masks", masks, PIXELS)] {
        let Some(worst) = stages.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        println!("{what}: {} {kind}, worst {} at {:.1e}", stages.len(), worst.0, worst.1);
        assert!(worst.1 <= tolerance, "{what}: {} is off by {:.1e}", worst.0, worst.1);
    }
}

#[test]
fn qwen2_5_vl_stage_by_stage_and_its_greedy_answers() {
    for variant in ["a", "b", "c"] {
        let subject = Subject::<Torch>::load(&fixtures("qwen2_5_vl").join(variant), &DEVICE).unwrap();
        hold(&format!("Qwen2.5-VL {variant}"), &subject.stages().unwrap());
        hold(&format!("greedy {variant}"), &subject.greedy().unwrap());
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
        let stages = sam2::run::<Torch>(&fixtures("sam2").join(variant), file, &DEVICE).unwrap();
        hold(&format!("SAM 2 {variant} {file}"), &stages);
    }
}

#[test]
fn sam1_with_both_encoders() {
    for (variant, file) in
        [("vit_like", "model.safetensors"), ("vit_like", "hf.safetensors"), ("tiny_vit_like", "model.pth")]
    {
        let stages = sam1::run::<Torch>(&fixtures("sam1").join(variant), file, &DEVICE).unwrap();
        hold(&format!("SAM 1 {variant} {file}"), &stages);
    }
}

#[test]
fn a_want_of_memory_is_an_error() {
    assert_eq!(conformance::memory::<Torch>(&DEVICE), Ok(()));
}

#[test]
fn gradients_are_those_of_the_operations() {
    for seed in [1, 2] {
        let slopes = conformance::gradients::<Torch>(&DEVICE, seed, 2e-3).unwrap_or_else(|e| panic!("{e}"));
        let worst = slopes.iter().max_by(|a, b| a.error.total_cmp(&b.error)).unwrap();
        println!("{} gradients, worst {} at {:.1e}", slopes.len(), worst.operator, worst.error);
    }
}
