//! Making a model of random weights on disk: for tests, and for trying out what needs no trained one.

use std::io::{BufWriter, Write};
use std::path::Path;

use socio_backend::BackendError;
use socio_dataset::files;
use socio_models::ghost::{Asked, Ghost};
use socio_models::qwen2_5_vl::{Qwen2_5Vl, Tokenizer};
use socio_models::sam::sam1::Sam1;
use socio_models::sam::sam2::Sam2;
use socio_models::weights::{self, Random};
use socio_models::{DType, ModelError, Vars};

use crate::Architecture;
use crate::load::goes_with;

/// How widely weights are spread; the published models began so.
const STD: f32 = 0.02;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Weights.
    pub weights: u64,
    /// Bytes of the weights' file.
    pub bytes: u64,
}

/// Writes `config.json`, `model.safetensors` and, for a Qwen2.5-VL, `tokenizer.json` into a new folder, whole or not at all.
/// The weights go by the seed and their keys alone. `tokenizer` is copied; without it the model speaks bytes, and the ids of
/// its special tokens are put into the configuration.
///
/// # Errors
/// When the folder is there already or cannot be written, or the configuration describes no network.
pub fn init(
    config: &str,
    tokenizer: Option<&Path>,
    seed: u64,
    dtype: DType,
    out: &Path,
) -> Result<Written, BackendError> {
    let wrong = |why: String| BackendError::Model { path: out.to_owned(), why };
    let model = |e: ModelError| wrong(e.to_string());
    if out.exists() {
        return Err(wrong("is there already; name another folder".to_owned()));
    }
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files::create_dir(parent).map_err(|e| wrong(e.to_string()))?;
    let new = tempfile::Builder::new().prefix(".model-").tempdir_in(parent).map_err(|e| wrong(e.to_string()))?;
    let mut config = config.to_owned();
    let mut architecture = Architecture::of_config(&config).map_err(model)?;
    if matches!(architecture, Architecture::Qwen(_)) && tokenizer.is_none() {
        config = speaking_bytes(&config).map_err(model)?;
        architecture = Architecture::of_config(&config).map_err(model)?;
    }
    let asked = Asked::default();
    let vars = Vars::<Ghost>::new(&asked, DType::F32, &());
    if tokenizer.is_some() && !matches!(architecture, Architecture::Qwen(_)) {
        return Err(wrong(format!("a {} has no tokenizer", architecture.name())));
    }
    match &architecture {
        Architecture::Qwen(config) => {
            let own = tokenizer.map_or_else(Tokenizer::bytes, Tokenizer::load).map_err(model)?;
            goes_with(&own, config).map_err(model)?;
            Qwen2_5Vl::new(config, &vars).map_err(model)?;
            let text = match tokenizer {
                Some(file) => files::read(file).map_err(|e| wrong(e.to_string()))?,
                None => own.to_json().map_err(model)?.into_bytes(),
            };
            files::write(&new.path().join("tokenizer.json"), &text).map_err(|e| wrong(e.to_string()))?;
        }
        Architecture::Sam1(config) => drop(Sam1::new(&vars, config).map_err(model)?),
        Architecture::Sam2(config) => drop(Sam2::new(&vars, config).map_err(model)?),
    }
    files::write(&new.path().join("config.json"), config.as_bytes()).map_err(|e| wrong(e.to_string()))?;
    let keys = asked.weights();
    let file = std::fs::File::create(new.path().join("model.safetensors")).map_err(|e| wrong(e.to_string()))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let bytes = weights::write(&Random::new(seed, STD, dtype), &keys, dtype, &mut file).map_err(model)?;
    file.flush().map_err(|e| wrong(e.to_string()))?;
    drop(file);
    files::publish_dir(new, out).map_err(|e| wrong(e.to_string()))?;
    Ok(Written { weights: keys.iter().map(|(_, s)| s.iter().product::<usize>() as u64).sum(), bytes })
}

/// A configuration with the special tokens of the tokenizer of bytes.
fn speaking_bytes(config: &str) -> Result<String, ModelError> {
    let bad = |e: serde_json::Error| ModelError::Config { field: "config.json".to_owned(), why: e.to_string() };
    let mut value: serde_json::Value = serde_json::from_str(config).map_err(bad)?;
    let bytes = Tokenizer::bytes()?;
    for (field, token) in [
        ("image_token_id", "<|image_pad|>"),
        ("vision_start_token_id", "<|vision_start|>"),
        ("vision_end_token_id", "<|vision_end|>"),
        ("eos_token_id", "<|im_end|>"),
        ("bos_token_id", "<|endoftext|>"),
    ] {
        value[field] = bytes.special(token)?.into();
    }
    serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(bad)
}
