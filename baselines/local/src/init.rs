//! Making a model of random weights on disk: for tests, and for trying out what needs no trained one.

use std::io::{BufWriter, Write};
use std::path::Path;

use socio_dataset::files::{self, FileError};
use socio_models::ghost::{Asked, Ghost};
use socio_models::qwen2_5_vl::{Qwen2_5Vl, Tokenizer};
use socio_models::sam::sam1::Sam1;
use socio_models::sam::sam2::Sam2;
use socio_models::weights::{self, Random};
use socio_models::{DType, ModelError, Vars};

use crate::Architecture;
use crate::load::goes_with;

/// How widely weights are spread; the published models began so.
pub(crate) const STD: f32 = 0.02;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Weights.
    pub weights: u64,
    /// Bytes of the weights' file.
    pub bytes: u64,
}

/// A model that can be made.
pub struct Plan {
    config: String,
    keys: Vec<(String, Vec<usize>)>,
    tokenizer: Option<Vec<u8>>,
}

/// What a `config.json` asks for, and a tokenizer to go with it. Without one a Qwen2.5-VL speaks bytes, and the ids of its
/// special tokens are put into the configuration.
///
/// # Errors
/// When the configuration describes no network, or the tokenizer is not one that goes with it.
pub fn plan(config: &str, tokenizer: Option<&Path>) -> Result<Plan, ModelError> {
    let mut config = config.to_owned();
    let mut architecture = Architecture::of_config(&config)?;
    if matches!(architecture, Architecture::Qwen(_)) && tokenizer.is_none() {
        config = speaking_bytes(&config)?;
        architecture = Architecture::of_config(&config)?;
    }
    if tokenizer.is_some() && !matches!(architecture, Architecture::Qwen(_)) {
        return Err(ModelError::Input(format!("a {} has no tokenizer", architecture.name())));
    }
    let asked = Asked::default();
    let vars = Vars::<Ghost>::new(&asked, DType::F32, &());
    let mut text = None;
    match &architecture {
        Architecture::Qwen(config) => {
            let own = tokenizer.map_or_else(Tokenizer::bytes, Tokenizer::load)?;
            goes_with(&own, config)?;
            Qwen2_5Vl::new(config, &vars)?;
            text = Some(match tokenizer {
                Some(file) => files::read(file).map_err(|e| ModelError::Input(e.to_string()))?,
                None => own.to_json()?.into_bytes(),
            });
        }
        Architecture::Sam1(config) => drop(Sam1::new(&vars, config)?),
        Architecture::Sam2(config) => drop(Sam2::new(&vars, config)?),
    }
    Ok(Plan { config, keys: asked.weights(), tokenizer: text })
}

impl Plan {
    /// Writes `config.json`, `model.safetensors` and, for a Qwen2.5-VL, `tokenizer.json` into a new folder, whole or not at
    /// all. The weights go by the seed and their keys alone.
    ///
    /// # Errors
    /// When the folder is there already or cannot be written.
    pub fn write(&self, seed: u64, dtype: DType, out: &Path) -> Result<Written, FileError> {
        let failed = |e: String| FileError::because("write", out)(std::io::Error::other(e));
        if out.exists() {
            return Err(failed("it is there already; name another folder".to_owned()));
        }
        let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        files::create_dir(parent)?;
        let new = tempfile::Builder::new().prefix(".model-").tempdir_in(parent);
        let new = new.map_err(FileError::because("make a folder in", parent))?;
        files::write(&new.path().join("config.json"), self.config.as_bytes())?;
        if let Some(tokenizer) = &self.tokenizer {
            files::write(&new.path().join("tokenizer.json"), tokenizer)?;
        }
        let path = new.path().join("model.safetensors");
        let file = std::fs::File::create(&path).map_err(FileError::because("write", &path))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let bytes = weights::write(&Random::new(seed, STD, dtype), &self.keys, dtype, &mut file)
            .map_err(|e| failed(e.to_string()))?;
        file.flush().map_err(FileError::because("write", &path))?;
        drop(file);
        files::publish_dir(new, out)?;
        Ok(Written { weights: self.keys.iter().map(|(_, s)| s.iter().product::<usize>() as u64).sum(), bytes })
    }
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
