//! Qwen2.5-VL on candle and on the oracle, stage by stage against transformers.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test: it prints how near it came")]

use std::path::{Path, PathBuf};

use candle_core::Device;
use socio_candle::Candle;
use socio_models::DType;
use socio_models::oracle::Plain;
use socio_models::parity::Stage;
use socio_models::parity::qwen2_5_vl::Subject;
use socio_models::qwen2_5_vl::Config;

/// Largest difference over largest value.
const TOLERANCE: f64 = 1e-4;

fn folder(variant: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/qwen2_5_vl").join(variant)
}

fn hold(what: &str, stages: &[Stage]) {
    let worst = stages.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    println!("{what}: {} stages, worst {} at {:.1e}", stages.len(), worst.0, worst.1);
    assert!(worst.1 <= TOLERANCE, "{what}: {} is off by {:.1e}", worst.0, worst.1);
}

#[test]
fn every_stage_on_candle() {
    for variant in ["a", "b", "c"] {
        let subject = Subject::<Candle>::load(&folder(variant), &Device::Cpu).unwrap();
        hold(&format!("candle {variant}"), &subject.stages().unwrap());
    }
}

#[test]
fn every_stage_on_the_oracle() {
    for variant in ["a", "b", "c"] {
        let subject = Subject::<Plain>::load(&folder(variant), &()).unwrap();
        hold(&format!("oracle {variant}"), &subject.stages().unwrap());
    }
}

#[test]
fn greedy_answers_are_the_references_alone_and_batched() {
    for variant in ["a", "b", "c"] {
        let subject = Subject::<Candle>::load(&folder(variant), &Device::Cpu).unwrap();
        hold(&format!("greedy {variant}"), &subject.greedy().unwrap());
    }
}

/// The weights of these two are stored in 16 bits, so keeping their matrices so changes nothing but the kernels.
#[test]
fn matrices_kept_in_sixteen_bits_give_the_same() {
    for variant in ["b", "c"] {
        let config = Config::read(&folder(variant).join("config.json")).unwrap();
        let subject = Subject::<Candle>::kept_in(&folder(variant), config, DType::Bf16, &Device::Cpu).unwrap();
        hold(&format!("bf16 matrices {variant}"), &subject.stages().unwrap());
        hold(&format!("bf16 matrices greedy {variant}"), &subject.greedy().unwrap());
    }
}

/// That the fixtures would tell: each wrong network has to be off by far more than the tolerance.
#[test]
fn wrong_networks_are_noticed() {
    type Wrong = (&'static str, fn(&mut Config));
    let wrong: [Wrong; 5] = [
        ("M-RoPE sections in another order", |c| c.text.sections.rotate_left(1)),
        ("another window", |c| c.vision.window_size *= 2),
        ("all blocks with full attention", |c| c.vision.fullatt_block_indexes = (0..c.vision.depth).collect()),
        ("another base of the rotary embedding", |c| c.text.rope_theta *= 10.0),
        ("another norm", |c| c.text.eps = 1e-2),
    ];
    for (what, change) in wrong {
        let mut config = Config::read(&folder("a").join("config.json")).unwrap();
        change(&mut config);
        let subject = Subject::<Candle>::with(&folder("a"), config, &Device::Cpu).unwrap();
        let worst = subject.stages().unwrap().iter().filter(|s| s.1.is_finite()).fold(0f64, |a, s| a.max(s.1));
        println!("{what}: off by {worst:.1e}");
        assert!(worst > 100.0 * TOLERANCE, "{what}: off by {worst:.1e} only");
    }
}
