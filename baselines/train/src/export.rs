//! From a training run to a model's folder.

use std::borrow::Cow;
use std::io::{BufWriter, Write};
use std::path::Path;

use half::{bf16, f16};
use serde_json::json;
use socio_dataset::files::{self, FileError};
use socio_models::{DType, View, Weights, weights};

use crate::TrainError;
use crate::checkpoint::Checkpoint;
use crate::course::STATE;
use crate::nano::{self, vocabulary};
use crate::parameters::Parameters;
use crate::{recipes, segmenter};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Weights.
    pub weights: usize,
    /// Bytes of the weights' file.
    pub bytes: u64,
}

/// Parameters as they are stored in a type.
struct Stored<'a>(&'a Parameters, DType);

impl Weights for Stored<'_> {
    fn name(&self) -> String {
        "the run's parameters".to_owned()
    }

    fn view(&self, key: &str, _: &[usize]) -> socio_models::Result<Option<View<'_>>> {
        let Some(p) = self.0.0.get(key) else { return Ok(None) };
        let values = p.values.iter();
        let bytes = match self.1 {
            DType::F32 => values.flat_map(|v| v.to_le_bytes()).collect(),
            DType::F16 => values.flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
            DType::Bf16 => values.flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect::<Vec<u8>>(),
        };
        Ok(Some(View { dtype: self.1, shape: p.shape.clone(), bytes: Cow::Owned(bytes) }))
    }

    fn keys(&self) -> Vec<String> {
        self.0.0.keys().cloned().collect()
    }
}

/// Writes what the run in `run` has learned into the new folder `out`, whole or not at all: `config.json`,
/// `model.safetensors` in `dtype`, for a Qwen2.5-VL also `tokenizer.json` and `preprocessor_config.json`, and the recipe.
///
/// # Errors
/// When the run's recipe or checkpoint cannot be read, `out` is there already, or cannot be written.
pub fn export(run: &Path, dtype: DType, out: &Path) -> Result<Written, TrainError> {
    let text = files::read_text(&run.join(recipes::FILE))?;
    let state = Checkpoint::read(&run.join(STATE))?;
    let wrong = |e: serde_json::Error| TrainError::Input(format!("{}: {e}", run.join(recipes::FILE).display()));
    let mut documents: Vec<(&str, Vec<u8>)> = vec![(recipes::FILE, text.clone().into_bytes())];
    let pretty = |value: &serde_json::Value| serde_json::to_vec_pretty(value).map_err(wrong);
    let recipe: serde_json::Value = serde_json::from_str(&text).map_err(wrong)?;
    if recipe.get("network").is_some() {
        let recipe: segmenter::Recipe = serde_json::from_value(recipe).map_err(wrong)?;
        documents.push(("config.json", pretty(&json!({ "arch": recipe.network }))?));
    } else {
        let sizes = serde_json::from_value::<nano::course::Recipe>(recipe).map_err(wrong)?.sizes;
        let tokenizer = vocabulary::tokenizer(sizes.side)?;
        let pixels = u64::from(sizes.side).pow(2);
        documents.push(("config.json", pretty(&sizes.json(&tokenizer)?)?));
        documents.push(("tokenizer.json", tokenizer.to_json()?.into_bytes()));
        documents.push(("preprocessor_config.json", pretty(&json!({ "min_pixels": pixels, "max_pixels": pixels }))?));
    }
    if out.exists() {
        return Err(TrainError::Input(format!("{} is there already; name another folder", out.display())));
    }
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files::create_dir(parent)?;
    let new = tempfile::Builder::new().prefix(".model-").tempdir_in(parent);
    let new = new.map_err(FileError::because("make a folder in", parent))?;
    for (name, bytes) in &documents {
        files::write(&new.path().join(name), bytes)?;
    }
    let keys: Vec<(String, Vec<usize>)> = state
        .parameters
        .0
        .iter()
        .filter(|(key, _)| !nano::policy::is_head(key))
        .map(|(key, p)| (key.clone(), p.shape.clone()))
        .collect();
    let path = new.path().join("model.safetensors");
    let file = std::fs::File::create(&path).map_err(FileError::because("create", &path))?;
    let mut file = BufWriter::new(file);
    let bytes = weights::write(&Stored(&state.parameters, dtype), &keys, dtype, &mut file)?;
    file.flush().map_err(FileError::because("write", &path))?;
    drop(file);
    files::publish_dir(new, out)?;
    Ok(Written { weights: keys.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum(), bytes })
}
