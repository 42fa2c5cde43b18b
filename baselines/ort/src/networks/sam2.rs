//! SAM 2 as two graphs: encoder, and prompts to masks.

use std::path::Path;

use ort::value::DynValue;
use socio_models::sam::prompt::Prompt;
use socio_models::sam::sam2::Sam2Config;
use socio_models::sam::{Family, Promptable, frame};
use socio_models::{DType, ModelError, Result};

use super::How;
use super::opened::{Device, Opened, failed};
use super::value::{integers, numbers, values};
use crate::Runtime;

pub(crate) const DECODER: &str = "prompt_encoder_mask_decoder.onnx";
const LEVELS: [&str; 3] = ["image_embeddings.0", "image_embeddings.1", "image_embeddings.2"];

/// The two graphs.
pub struct Sam2 {
    encoder: Opened,
    decoder: Opened,
    side: usize,
}

impl Sam2 {
    /// Opens the graphs of a folder.
    ///
    /// # Errors
    /// When a file is missing, is no graph, or has other inputs or outputs.
    pub fn open(runtime: &Runtime, folder: &Path, config: &Sam2Config, how: How) -> Result<Self> {
        let how = how.device()?;
        let encoder = Opened::open(runtime, &folder.join("vision_encoder.onnx"), (&["pixel_values"], &LEVELS), how)?;
        let mut inputs = vec!["input_points", "input_labels", "input_boxes"];
        inputs.extend(LEVELS);
        let decoder = Opened::open(runtime, &folder.join(DECODER), (&inputs, &["iou_scores", "pred_masks"]), how)?;
        Ok(Self { encoder, decoder, side: config.image_size })
    }

    /// A hash of both files.
    pub(crate) fn hash(&self) -> String {
        [self.encoder.hash(), self.decoder.hash()].concat()
    }

    /// Where it is computed.
    pub(crate) fn numbers(&self) -> String {
        format!("ort {}", self.encoder.device.name())
    }
}

impl Promptable for Sam2 {
    type Seen = [DynValue; 3];

    fn family(&self) -> Family {
        Family::Sam2
    }

    fn side(&self) -> usize {
        self.side
    }

    fn mask_side(&self) -> usize {
        self.side / 4
    }

    fn encode(&mut self, pixels: Vec<f32>) -> Result<Self::Seen> {
        let failed = failed("vision_encoder");
        let pixels = numbers(&[1, 3, self.side, self.side], pixels, DType::F32)?;
        let session = &mut self.encoder.session;
        let mut binding = session.create_binding().map_err(&failed)?;
        binding.bind_input("pixel_values", &pixels).map_err(&failed)?;
        let memory = self.encoder.device.memory()?;
        for name in LEVELS {
            binding.bind_output_to_device(name, &memory).map_err(&failed)?;
        }
        let mut out = session.run_binding(&binding).map_err(&failed)?;
        let mut take =
            |name: &str| out.remove(name).ok_or_else(|| ModelError::op("vision_encoder", format!("gave no `{name}`")));
        Ok([take(LEVELS[0])?, take(LEVELS[1])?, take(LEVELS[2])?])
    }

    fn best(&mut self, seen: &mut Self::Seen, marks: Prompt) -> Result<(f32, Vec<f32>)> {
        let failed = failed("prompt_encoder_mask_decoder");
        let points: Vec<f32> = marks.points.iter().flat_map(|c| c.at).collect();
        let labels: Vec<i64> = marks.points.iter().map(|c| i64::from(c.on)).collect();
        let count = labels.len();
        let boxes: Vec<f32> = marks.bbox.into_iter().flatten().collect();
        let session = &mut self.decoder.session;
        let mut binding = session.create_binding().map_err(&failed)?;
        let points = numbers(&[1, 1, count, 2], points, DType::F32)?;
        binding.bind_input("input_points", &points).map_err(&failed)?;
        binding.bind_input("input_labels", &integers(&[1, 1, count], labels)?).map_err(&failed)?;
        let boxes = numbers(&[1, boxes.len() / 4, 4], boxes, DType::F32)?;
        binding.bind_input("input_boxes", &boxes).map_err(&failed)?;
        for (name, level) in LEVELS.iter().zip(&*seen) {
            binding.bind_input(*name, level).map_err(&failed)?;
        }
        let here = Device::Cpu.memory()?;
        for name in ["iou_scores", "pred_masks"] {
            binding.bind_output_to_device(name, &here).map_err(&failed)?;
        }
        let out = session.run_binding(&binding).map_err(&failed)?;
        let read = |name: &'static str| {
            let missing = || ModelError::op("prompt_encoder_mask_decoder", format!("gave no `{name}`"));
            values(out.get(name).ok_or_else(missing)?).map(|(_, values)| values)
        };
        let (iou, logits) = (read("iou_scores")?, read("pred_masks")?);
        let (best, each) = (frame::best(&iou), self.side / 4 * (self.side / 4));
        let own = logits.chunks_exact(each).nth(best).map(<[f32]>::to_vec);
        let own =
            own.ok_or_else(|| ModelError::op("prompt_encoder_mask_decoder", "gave fewer masks than estimates"))?;
        Ok((iou[best], own))
    }
}
