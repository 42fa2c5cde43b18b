use image::RgbImage;
use proptest::prelude::*;
use serde_json::Value;

use super::kernel::{Kernel, PRECISION_BITS};
use super::{Filter, ResizeError, resize};
use crate::hash::sha256_hex;

/// Written by `ci/fixtures_torch/processing.py`.
const FIXTURE: &str = include_str!("../../../tests/fixtures/processing.json");

/// The noise of the fixture's generator: `channels` values a pixel, one value spread over all three where it is 1.
fn noise(seed: u64, (width, height): (u32, u32), channels: u64) -> RgbImage {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let pixels = u64::from(width) * u64::from(height);
    let bytes = if channels == 3 {
        (0..pixels * 3).map(|_| next()).collect()
    } else {
        (0..pixels).flat_map(|_| [next(); 3]).collect()
    };
    RgbImage::from_raw(width, height, bytes).unwrap()
}

fn size(value: &Value) -> (u32, u32) {
    serde_json::from_value(value.clone()).unwrap()
}

/// Columns first, as Pillow 13 does for some sizes.
fn columns_first(image: &RgbImage, (width, height): (u32, u32), filter: Filter) -> RgbImage {
    resize(&resize(image, image.width(), height, filter).unwrap(), width, height, filter).unwrap()
}

#[test]
fn bytes_are_pillows() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let version = fixture["versions"]["pillow"].as_str().unwrap();
    let reorders = version.split('.').next().unwrap().parse::<u32>().unwrap() >= 13;
    let rows = fixture["resize"].as_array().unwrap();
    assert!(rows.len() >= 30);
    for row in rows {
        let (from, to, channels) = (size(&row["from"]), size(&row["to"]), row["channels"].as_u64().unwrap());
        let image = noise(row["seed"].as_u64().unwrap(), from, channels);
        let lost = [i64::from(from.0) - i64::from(to.0), i64::from(from.1) - i64::from(to.1)];
        for (name, filter) in [("bicubic", Filter::Bicubic), ("bilinear", Filter::Bilinear)] {
            let got = if reorders && lost[1] > 0 && lost[1] > 2 * lost[0] {
                columns_first(&image, to, filter)
            } else {
                resize(&image, to.0, to.1, filter).unwrap()
            };
            let step = if channels == 3 { 1 } else { 3 };
            let bytes: Vec<u8> = got.as_raw().iter().step_by(step).copied().collect();
            assert_eq!(sha256_hex(&bytes), row[name].as_str().unwrap(), "{from:?} to {to:?}, {name}");
        }
    }
}

/// What Pillow 11.3 and 12.0 give for the sizes of the fixture at which Pillow 13 changes the order of the passes.
#[test]
fn rows_come_first_whatever_the_shape() {
    let cases = [
        (
            119,
            (640, 480),
            (644, 476),
            "fa9fe5b8d2dc2669a98cbc2a39402621875e509c8b7ef21a72ba17c610f843b8",
            Filter::Bicubic,
        ),
        (
            119,
            (640, 480),
            (644, 476),
            "2bf92292297cadfb01e322945c0734c369654207693094bb7319c775f6297bde",
            Filter::Bilinear,
        ),
        (125, (7, 11), (100, 3), "cd464656a9889e831b9a65b8bef806722fddbd7d647365746d1d9d867bd41f7e", Filter::Bicubic),
        (125, (7, 11), (100, 3), "d8e6ff0cc1894af170bcc428590f877239b5a1d9963aec24d3d61fecd154cd0d", Filter::Bilinear),
        (
            127,
            (255, 257),
            (257, 255),
            "3fa8149caf8773fe07ac77f6512c31792a2e5528b1f9ecc4eef8f40b58453356",
            Filter::Bicubic,
        ),
        (
            127,
            (255, 257),
            (257, 255),
            "4f742d3c3d9eb26ab71af7068a4ba990368fc0c22e4cec73c1f428b9ad2065bc",
            Filter::Bilinear,
        ),
    ];
    for (seed, from, (width, height), hash, filter) in cases {
        let got = resize(&noise(seed, from, 3), width, height, filter).unwrap();
        assert_eq!(sha256_hex(got.as_raw()), hash, "{from:?} to {width}x{height}, {filter:?}");
    }
}

#[test]
fn the_processor_of_qwen_resizes_so() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    for row in fixture["images"].as_array().unwrap() {
        let (from, to) = (size(&row["size"]), size(&row["resized"]));
        let got = resize(&noise(row["seed"].as_u64().unwrap(), from, 3), to.0, to.1, Filter::Bicubic).unwrap();
        assert_eq!(sha256_hex(got.as_raw()), row["resized_sha256"].as_str().unwrap(), "{from:?} to {to:?}");
    }
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let dot = RgbImage::from_pixel(1, 1, image::Rgb([7, 8, 9]));
    let empty = ResizeError::Empty { from: (1, 1), to: (0, 5) };
    assert_eq!(resize(&dot, 0, 5, Filter::Bicubic), Err(empty));
    assert!(resize(&dot, 5, 0, Filter::Bicubic).is_err());
    assert!(resize(&RgbImage::new(0, 3), 5, 5, Filter::Bilinear).is_err());
    assert!(resize(&RgbImage::new(3, 0), 5, 5, Filter::Bilinear).is_err());
    assert_eq!(resize(&dot, 1 << 20, 1 << 20, Filter::Bicubic), Err(ResizeError::TooLarge(1 << 20, 1 << 20)));
    // A tall source and a wide result: what lies between is larger than either.
    let tall = RgbImage::new(1, 1 << 15);
    assert_eq!(resize(&tall, 1 << 15, 1, Filter::Bicubic), Err(ResizeError::TooLarge(1 << 15, 1 << 15)));
    assert!(resize(&dot, 4, 3, Filter::Bicubic).unwrap().pixels().all(|p| p.0 == [7, 8, 9]));
}

proptest! {
    #[test]
    fn one_colour_stays_it(w in 1_u32..70, h in 1_u32..70, nw in 1_u32..70, nh in 1_u32..70, colour: [u8; 3]) {
        let image = RgbImage::from_pixel(w, h, image::Rgb(colour));
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            let got = resize(&image, nw, nh, filter).unwrap();
            prop_assert_eq!(got.dimensions(), (nw, nh));
            prop_assert!(got.pixels().all(|p| p.0 == colour));
        }
    }

    /// The sums of the passes are 32 bits wide, as Pillow's.
    #[test]
    fn sums_do_not_overflow(from in 1_u32..3000, to in 1_u32..3000) {
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for (first, weights) in Kernel::new(from, to, filter).windows() {
                prop_assert!(!weights.is_empty() && first + weights.len() <= from as usize);
                let reach: i64 = weights.iter().map(|w| i64::from(*w).abs()).sum();
                prop_assert!(reach < 3 << (PRECISION_BITS - 1), "{} weights, {}", weights.len(), reach);
            }
        }
    }
}
