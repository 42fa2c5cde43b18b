//! Qwen2.5-VL as three graphs: vision, embeddings, decoder.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ort::value::DynValue;
use socio_models::qwen2_5_vl::{Config, Decoder, Patches, Place, Position, Stretch};
use socio_models::{DType, ModelError, Result};

use super::How;
use super::opened::{Device, Opened, failed};
use super::past::Past;
use super::value::{dtype_of, integers, numbers, values};
use crate::Runtime;

pub(crate) const DECODER: &str = "decoder_model_merged.onnx";

/// The three graphs.
pub struct Qwen {
    config: Config,
    vision: Mutex<Opened>,
    embeddings: Mutex<Opened>,
    decoder: Mutex<Opened>,
    /// The type of the cache and of what goes from graph to graph.
    dtype: DType,
    device: Device,
    /// `past_key_values.0.key` and so on, and what comes of each.
    names: Vec<(String, String)>,
    /// Whether the decoder is told how many logits are wanted.
    last_alone: bool,
}

impl Qwen {
    /// Opens the graphs of a folder.
    ///
    /// # Errors
    /// When a file is missing, is no graph, or has other inputs or outputs.
    pub fn open(runtime: &Runtime, folder: &Path, config: Config, how: How) -> Result<Self> {
        let (device, threads) = how.device()?;
        let open = |name: &str, inputs: &[&str], outputs: &[&str]| {
            Opened::open(runtime, &folder.join(name), (inputs, outputs), (device, threads))
        };
        let vision = open("vision_encoder.onnx", &["pixel_values", "image_grid_thw"], &["image_features"])?;
        let embeddings = open("embed_tokens.onnx", &["input_ids"], &["inputs_embeds"])?;
        let names: Vec<(String, String)> = (0..config.text.layers)
            .flat_map(|i| ["key", "value"].map(|kv| (format!("past_key_values.{i}.{kv}"), format!("present.{i}.{kv}"))))
            .collect();
        let mut inputs = vec!["inputs_embeds", "attention_mask", "position_ids"];
        inputs.extend(names.iter().map(|(past, _)| past.as_str()));
        let mut outputs = vec!["logits"];
        outputs.extend(names.iter().map(|(_, present)| present.as_str()));
        let decoder = open(DECODER, &inputs, &outputs)?;
        let embeds = decoder.session.inputs().iter().find(|i| i.name() == "inputs_embeds");
        let dtype = embeds.and_then(|i| dtype_of(i.dtype()));
        let dtype = dtype.ok_or_else(|| decoder.wrong("`inputs_embeds` is of no type of numbers known here".into()))?;
        let last_alone = decoder.has_input("num_logits_to_keep");
        let (vision, embeddings, decoder) = (Mutex::new(vision), Mutex::new(embeddings), Mutex::new(decoder));
        Ok(Self { config, vision, embeddings, decoder, dtype, device, names, last_alone })
    }

    /// A hash of all three files.
    pub(crate) fn hash(&self) -> String {
        [&self.vision, &self.embeddings, &self.decoder].map(|g| locked(g).hash().to_owned()).concat()
    }

    /// What the numbers are and where they are computed.
    pub(crate) fn numbers(&self) -> String {
        format!("ort {} {}", self.device.name(), self.dtype)
    }

    fn embed(&self, ids: &[u32], rows: usize) -> Result<DynValue> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.config.text.vocab_size) {
            let size = self.config.text.vocab_size;
            return Err(ModelError::Input(format!("token {id} is beyond the vocabulary of {size}")));
        }
        let ids = integers(&[rows, ids.len() / rows.max(1)], ids.iter().map(|id| i64::from(*id)).collect())?;
        let mut graph = locked(&self.embeddings);
        let mut out = graph.session.run(ort::inputs!["input_ids" => ids]).map_err(failed("embed_tokens"))?;
        out.remove("inputs_embeds").ok_or_else(|| ModelError::op("embed_tokens", "gave no `inputs_embeds`"))
    }

    /// Vectors of a stretch's tokens, those of images in their places.
    fn with_images(&self, stretch: &Stretch<'_, Arc<Vec<f32>>>) -> Result<DynValue> {
        let embeds = self.embed(stretch.ids, 1)?;
        let places = stretch.ids.iter().enumerate().filter(|(_, id)| **id == self.config.image_token).map(|(i, _)| i);
        let size = self.config.text.hidden_size;
        let (wanted, given) =
            (places.clone().count(), stretch.images.iter().map(|i| i.len()).sum::<usize>() / size.max(1));
        if wanted != given {
            return Err(ModelError::Input(format!("the prompt has {wanted} image tokens, its images {given}")));
        }
        if wanted == 0 {
            return Ok(embeds);
        }
        let (shape, mut vectors) = values(&embeds)?;
        let mut rows = stretch.images.iter().flat_map(|image| image.chunks_exact(size));
        for (place, row) in places.zip(&mut rows) {
            vectors[place * size..(place + 1) * size].copy_from_slice(row);
        }
        numbers(&shape, vectors, self.dtype)
    }

    /// Goes through tokens behind a past; the cache stays where the decoder runs.
    fn go(
        &self,
        embeds: &DynValue,
        positions: &[Position],
        (rows, length): (usize, usize),
        (past, starts): (&Past, &[usize]),
    ) -> Result<(Past, Vec<f32>)> {
        let total = past.length + length;
        let start = |row: usize| starts.get(row).copied().unwrap_or(0);
        let mask = (0..rows).flat_map(|row| (0..total).map(move |i| i64::from(i >= start(row)))).collect();
        let by_axis = (0..3).flat_map(|axis| positions.iter().map(move |p| p[axis])).collect();
        let failed = failed("decoder");
        let mut graph = locked(&self.decoder);
        let mut binding = graph.session.create_binding().map_err(&failed)?;
        binding.bind_input("inputs_embeds", embeds).map_err(&failed)?;
        binding.bind_input("attention_mask", &integers(&[rows, total], mask)?).map_err(&failed)?;
        binding.bind_input("position_ids", &integers(&[3, rows, length], by_axis)?).map_err(&failed)?;
        if self.last_alone {
            binding.bind_input("num_logits_to_keep", &integers(&[], vec![1])?).map_err(&failed)?;
        }
        for ((name, _), value) in self.names.iter().zip(&past.layers) {
            binding.bind_input(name.as_str(), value).map_err(&failed)?;
        }
        let memory = graph.device.memory()?;
        binding.bind_output_to_device("logits", &Device::Cpu.memory()?).map_err(&failed)?;
        for (_, name) in &self.names {
            binding.bind_output_to_device(name.as_str(), &memory).map_err(&failed)?;
        }
        let mut out = graph.session.run_binding(&binding).map_err(&failed)?;
        let mut take =
            |name: &str| out.remove(name).ok_or_else(|| ModelError::op("decoder", format!("gave no `{name}`")));
        let layers = self.names.iter().map(|(_, name)| take(name)).collect::<Result<Vec<_>>>()?;
        let (shape, mut logits) = values(&take("logits")?)?;
        // A graph that is not told gives the logits of every token.
        if let [_, kept, vocabulary] = shape[..]
            && kept > 1
        {
            logits = logits
                .chunks_exact(kept * vocabulary)
                .flat_map(|row| &row[(kept - 1) * vocabulary..])
                .copied()
                .collect();
        }
        Ok((Past::new(layers, total, rows, (&self.config.text, self.dtype)), logits))
    }
}

fn locked(graph: &Mutex<Opened>) -> MutexGuard<'_, Opened> {
    graph.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Decoder for Qwen {
    type Seen = Arc<Vec<f32>>;
    type Past = Past;

    fn config(&self) -> &Config {
        &self.config
    }

    fn see(&self, image: &Patches) -> Result<Self::Seen> {
        let grid = image.grid;
        let pixels = numbers(&[grid.patches(), self.config.vision.patch()], image.values.clone(), DType::F32)?;
        let grid = integers(&[1, 3], [grid.t, grid.h, grid.w].map(|n| n as i64).into())?;
        let mut graph = locked(&self.vision);
        let out = graph.session.run(ort::inputs!["pixel_values" => pixels, "image_grid_thw" => grid]);
        let out = out.map_err(failed("vision_encoder"))?;
        let features = out.get("image_features");
        let features = features.ok_or_else(|| ModelError::op("vision_encoder", "gave no `image_features`"))?;
        values(features).map(|(_, values)| Arc::new(values))
    }

    fn read(
        &self,
        stretch: &Stretch<'_, Self::Seen>,
        before: Option<&Past>,
        _wanted: bool,
    ) -> Result<(Past, Vec<f32>)> {
        let embeds = self.with_images(stretch)?;
        let empty;
        let past = if let Some(past) = before {
            past
        } else {
            empty = Past::empty(&self.config.text, self.dtype)?;
            &empty
        };
        self.go(&embeds, stretch.positions, (1, stretch.ids.len()), (past, &[]))
    }

    fn gather(&self, pasts: Vec<Past>, rows: &[Place]) -> Result<Past> {
        Past::gather(pasts, rows, &self.config.text, self.dtype)
    }

    fn step(&self, past: &mut Past, tokens: &[u32], positions: &[Position], starts: &[usize]) -> Result<Vec<f32>> {
        let embeds = self.embed(tokens, tokens.len())?;
        let (next, logits) = self.go(&embeds, positions, (tokens.len(), 1), (past, starts))?;
        *past = next;
        Ok(logits)
    }

    fn seen_bytes(seen: &Self::Seen) -> usize {
        seen.len() * size_of::<f32>()
    }

    fn past_bytes(past: &Past) -> usize {
        past.bytes()
    }
}
