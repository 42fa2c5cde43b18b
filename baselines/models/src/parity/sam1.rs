//! SAM 1 against the code that it was published with, on any tensor library.
//!
//! The fixtures are made by `ci/fixtures_torch/sam1.py`, which describes them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::Stage;
use super::expected::{Expected, bytes, each_tensor, json, wrong};
use super::prompts::{Answering, Cases, KINDS};
use crate::sam::Family;
use crate::sam::decoder::Features;
use crate::sam::frame::Frame;
use crate::sam::prompt::Prompt;
use crate::sam::sam1::{EncoderConfig, Sam1, Sam1Config, metas_names};
use crate::sam::tiny_vit::TinyVitConfig;
use crate::{DType, Result, Tensor, Vars, weights};

/// The pictures; the first is that of the stages on the way.
const IMAGES: [&str; 3] = ["small", "wide", "tall"];

/// Runs a folder of fixtures (`tests/fixtures/sam1/vit_like`, say) in `f32`, with the weights of one of its files:
/// `model.safetensors`, `model.pth`, or `hf.safetensors`, which goes with `hf_config.json`.
///
/// # Errors
/// When the fixtures are not there, the weights do not load or an operation fails.
pub fn run<T: Tensor>(folder: &Path, checkpoint: &str, device: &T::Device) -> Result<Vec<Stage>> {
    let path = folder.join(if checkpoint.starts_with("hf") { "hf_config.json" } else { "config.json" });
    let config = Sam1Config::from_json(&String::from_utf8(bytes(&path)?).map_err(|e| wrong(&path, &e))?)?;
    let Cases { cases } = json(&folder.join("expected.json"))?;
    let mut run = Run::<T>::new(&folder.join(checkpoint), &config, Expected::of_folder(folder)?, device)?;
    let mut pictures = BTreeMap::new();
    each_tensor(&folder.join("../images.safetensors"), |name, _, shape, bytes| {
        pictures.insert(name.to_owned(), (shape.to_vec(), bytes.to_vec()));
    })?;
    for image in IMAGES {
        let missing = || wrong(folder, &format!("has no picture {image} beside it, or not {image}/resized"));
        let (shape, _) = pictures.get(image).ok_or_else(missing)?;
        // Resizing as Pillow does is the caller's part of SAM 1, not this crate's.
        let (_, resized) = pictures.get(&format!("{image}/resized")).ok_or_else(missing)?;
        let frame = Frame::new(Family::Sam1, shape[1], shape[0], config.side())?;
        let pixels = frame.pixels(resized)?;
        run.compare(format!("{image}/transformed"), &pixels);
        let features = run.encode(pixels, &format!("{image}/image_embed"), image == IMAGES[0])?;
        let Run { network, expected, stages, .. } = &mut run;
        let answering = Answering {
            family: Family::Sam1,
            frame,
            encoder: network.prompts(),
            mask_side: network.mask_side(),
            decode: &|prompts, mask, three| network.decode(&features, prompts, mask, three),
        };
        for case in cases.iter().filter(|case| case.image == image) {
            answering.check(case, expected, stages)?;
        }
    }
    Ok(run.stages)
}

/// Runs the real LiteMedSAM (`file` is its `lite_medsam.safetensors`) on the picture that `fixture`, the file
/// `tests/fixtures/sam1/lite_medsam/expected.json`, names: `rgb` are the bytes `[256, 256, 3]` of that crop. Of each stage
/// some 16 values are compared.
///
/// # Errors
/// As [`run`].
pub fn lite_medsam<T: Tensor>(file: &Path, fixture: &Path, rgb: &[u8], device: &T::Device) -> Result<Vec<Stage>> {
    let config = Sam1Config::of_encoder(EncoderConfig::TinyVit(TinyVitConfig::LITE_MEDSAM));
    let LiteMedSam { bbox } = json(fixture)?;
    let mut run = Run::<T>::new(file, &config, Expected::of_file(fixture)?, device)?;
    let (low, high) = rgb.iter().fold((u8::MAX, u8::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let range = (f32::from(high) - f32::from(low)).max(1e-8);
    let plane = |channel: usize| rgb.iter().skip(channel).step_by(3);
    let pixels: Vec<f32> = (0..3).flat_map(plane).map(|v| (f32::from(*v) - f32::from(low)) / range).collect();
    run.compare("input".to_owned(), &pixels);
    let features = run.encode(pixels, "image_embed", true)?;
    let prompts = [Prompt { bbox: Some(bbox), points: Vec::new() }];
    if let Some(sparse) = run.network.prompts().embed(&prompts)? {
        run.compare("sparse".to_owned(), &sparse.values()?);
    }
    for (three, kind) in KINDS {
        let masks = run.network.decode(&features, &prompts, None, three)?;
        run.compare(format!("{kind}/low_res"), &masks.logits.values()?);
        run.compare(format!("{kind}/iou"), &masks.iou.values()?);
    }
    Ok(run.stages)
}

/// The prompt of LiteMedSAM's fixture, in pixels of the network's input.
#[derive(Deserialize)]
struct LiteMedSam {
    #[serde(rename = "box")]
    bbox: [f32; 4],
}

/// A network, what is expected of it, and how far it was from that so far.
struct Run<T: Tensor> {
    network: Sam1<T>,
    expected: Expected,
    device: T::Device,
    stages: Vec<Stage>,
}

impl<T: Tensor> Run<T> {
    fn new(checkpoint: &Path, config: &Sam1Config, expected: Expected, device: &T::Device) -> Result<Self> {
        let source = metas_names(weights::open(checkpoint)?);
        let network = Sam1::load(&Vars::new(source.as_ref(), DType::F32, device), config)?;
        let mut run = Self { network, expected, device: device.clone(), stages: Vec::new() };
        let positions = run.network.prompts().positions().permute(&[0, 2, 1])?.values()?;
        run.compare("dense_pe".to_owned(), &positions);
        Ok(run)
    }

    fn compare(&mut self, name: String, found: &[f32]) {
        let error = self.expected.error(&name, found);
        self.stages.push((name, error));
    }

    /// Looks at a picture; the stages on the way are compared where they are `known`, the embedding as `name`.
    fn encode(&mut self, pixels: Vec<f32>, name: &str, known: bool) -> Result<Features<T>> {
        let side = self.network.side();
        let pixels = T::new(pixels, &[1, 3, side, side], DType::F32, &self.device)?;
        let mut seen = Vec::new();
        let features = self.network.encode_seen(&pixels, &mut |stage, x| seen.push((stage.to_owned(), x.clone())))?;
        for (stage, x) in seen.into_iter().filter(|_| known) {
            self.compare(stage, &x.values()?);
        }
        self.compare(name.to_owned(), &features.low.permute(&[0, 3, 1, 2])?.values()?);
        Ok(features)
    }
}
