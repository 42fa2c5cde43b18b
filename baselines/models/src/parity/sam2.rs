//! SAM 2 against Meta's own code, on any tensor library.
//!
//! The fixtures are made by `ci/fixtures_torch/sam2.py`, which describes them.

use std::path::Path;

use super::Stage;
use super::expected::{Expected, bytes, each_tensor, json, wrong};
use super::prompts::{Answering, Cases};
use crate::sam::frame::Frame;
use crate::sam::sam2::{Sam2, Sam2Config, metas_names};
use crate::sam::{Family, Promptable};
use crate::{DType, Result, Tensor, Vars, weights};

/// The pictures; the first is that of the stages on the way.
const IMAGES: [&str; 3] = ["small", "wide", "square"];

/// The masks of single objects, of anything that can be prompted: the part of an image's pixels on the other side of 0, and
/// the mask's predicted IoU.
///
/// # Errors
/// When the fixtures are not there or the network fails.
pub fn masks<P: Promptable>(network: &mut P, folder: &Path) -> Result<Vec<Stage>> {
    let Cases { cases } = json(&folder.join("expected.json"))?;
    let expected = Expected::of_folder(folder)?;
    let mut stages = Vec::new();
    for image in IMAGES {
        let (shape, rgb) = picture(folder, image)?;
        let frame = Frame::new(network.family(), shape[1], shape[0], network.side())?;
        let mut seen = network.encode(frame.pixels(&rgb)?)?;
        for case in cases.iter().filter(|case| case.image == image) {
            case.masked(network, &mut seen, &frame, &expected, &mut stages)?;
        }
    }
    Ok(stages)
}

/// A picture of the fixtures: its shape, and its pixels.
fn picture(folder: &Path, name: &str) -> Result<(Vec<usize>, Vec<u8>)> {
    let mut found = None;
    each_tensor(&folder.join("../images.safetensors"), |key, _, shape, bytes| {
        if key == name {
            found = Some((shape.to_vec(), bytes.to_vec()));
        }
    })?;
    found.ok_or_else(|| wrong(folder, &format!("has no picture {name} beside it")))
}

/// Runs a folder of fixtures (`tests/fixtures/sam2/tiny_like`, say) in `f32`, with the weights of one of its files:
/// `model.safetensors`, `model.pt`, or `hf.safetensors`, which goes with `hf_config.json`.
///
/// # Errors
/// When the fixtures are not there, the weights do not load or an operation fails.
pub fn run<T: Tensor>(folder: &Path, checkpoint: &str, device: &T::Device) -> Result<Vec<Stage>> {
    let path = folder.join(if checkpoint.starts_with("hf") { "hf_config.json" } else { "config.json" });
    let config = Sam2Config::from_json(&String::from_utf8(bytes(&path)?).map_err(|e| wrong(&path, &e))?)?;
    let source = metas_names(weights::open(folder.join(checkpoint))?);
    let network = Sam2::<T>::load(&Vars::new(source.as_ref(), DType::F32, device), &config)?;
    let Cases { cases } = json(&folder.join("expected.json"))?;
    let expected = Expected::of_folder(folder)?;

    let side = network.side();
    let compare = |name: String, found: &[f32]| {
        let error = expected.error(&name, found);
        (name, error)
    };
    let positions = network.prompts().positions().permute(&[0, 2, 1])?.values()?;
    let mut stages = vec![compare("dense_pe".to_owned(), &positions)];
    for image in IMAGES {
        let (shape, rgb) = picture(folder, image)?;
        let frame = Frame::new(Family::Sam2, shape[1], shape[0], side)?;
        let pixels = frame.pixels(&rgb)?;
        stages.push(compare(format!("{image}/transformed"), &pixels));
        let mut seen = Vec::new();
        let pixels = T::new(pixels, &[1, 3, side, side], DType::F32, device)?;
        let features = network.encode_seen(&pixels, &mut |name, x| seen.push((name.to_owned(), x.clone())))?;
        for (name, x) in seen.into_iter().filter(|_| image == IMAGES[0]) {
            // The trunk's stages have the channels last there too.
            let turned = name.starts_with("fpn/") || name.starts_with("high_res/");
            let x = if turned { x.permute(&[0, 3, 1, 2])? } else { x };
            stages.push(compare(name, &x.values()?));
        }
        let embedding = features.low.permute(&[0, 3, 1, 2])?.values()?;
        stages.push(compare(format!("{image}/image_embed"), &embedding));

        let answering = Answering {
            family: Family::Sam2,
            frame,
            encoder: network.prompts(),
            mask_side: network.mask_side(),
            decode: &|prompts, mask, three| network.decode(&features, prompts, mask, three),
        };
        for case in cases.iter().filter(|case| case.image == image) {
            answering.check(case, &expected, &mut stages)?;
        }
    }
    Ok(stages)
}
