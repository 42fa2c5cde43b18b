//! From files to a model behind its seam: which architecture a folder or file holds, and building it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use socio_backend::{BackendError, Segmenter, Vlm};
use socio_models::qwen2_5_vl::{self, Config, PictureConfig, Qwen2_5Vl, Tokenizer};
use socio_models::sam::sam1::{self, EncoderConfig, Sam1, Sam1Config};
use socio_models::sam::sam2::{self, Sam2, Sam2Config, Size};
use socio_models::sam::tiny_vit::PatchEmbed;
use socio_models::weights::{self, Random};
use socio_models::{DType, ModelError, Tensor, Vars, Weights};

use crate::engine::Pixels;
use crate::init::STD;
use crate::lite_medsam::LiteMedSam;
use crate::network::{Network, Placed};
use crate::place::Place;
use crate::sam::SamSegmenter;
use crate::sanity;
use crate::told::told;
use crate::vlm::{Identity, Load, QwenVlm};

/// What a model is.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// Qwen2.5-VL.
    Qwen(Box<Config>),
    /// SAM 1 and its descendants.
    Sam1(Sam1Config),
    /// SAM 2 and SAM 2.1.
    Sam2(Sam2Config),
}

impl Architecture {
    /// By a `config.json`.
    ///
    /// # Errors
    /// When it is none that is known here, or describes what cannot be built.
    pub fn of_config(text: &str) -> Result<Self, ModelError> {
        let bad = |why: String| ModelError::Config { field: "config.json".to_owned(), why };
        let value: Value = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        sanity::check(&value)?;
        match value.get("model_type").and_then(Value::as_str) {
            Some("qwen2_5_vl") => Ok(Self::Qwen(Box::new(Config::parse(text)?))),
            Some("sam2" | "sam2_video") => Ok(Self::Sam2(Sam2Config::from_json(text)?)),
            Some("sam") => Ok(Self::Sam1(Sam1Config::from_json(text)?)),
            Some(other) => {
                Err(bad(format!("model_type `{other}` is not known here; qwen2_5_vl, sam, sam2 and sam2_video are")))
            }
            None if value.get("arch").is_some() => Ok(Self::Sam2(Sam2Config::from_json(text)?)),
            None if value.get("kind").is_some() => Ok(Self::Sam1(Sam1Config::from_json(text)?)),
            None => Err(bad("has no model_type".to_owned())),
        }
    }

    /// By a checkpoint's own keys and shapes: Meta publishes SAM without a configuration.
    ///
    /// # Errors
    /// When it is neither SAM 1 nor SAM 2.
    pub fn of_weights(weights: &dyn Weights) -> Result<Self, ModelError> {
        if weights.keys().iter().any(|k| k.starts_with("image_encoder.trunk.")) {
            return Ok(Self::Sam2(Size::of(weights)?.config()));
        }
        Ok(Self::Sam1(Sam1Config::of_weights(weights)?))
    }

    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Qwen(_) => "Qwen2.5-VL",
            Self::Sam1(_) => "SAM 1",
            Self::Sam2(_) => "SAM 2",
        }
    }
}

/// A model that was found, not yet built.
pub struct Found {
    /// What it is.
    pub architecture: Architecture,
    weights: Box<dyn Weights>,
    beside: Beside,
}

/// Where a model's tokenizer, and the sizes of its pictures, are.
enum Beside {
    /// In the folder of its weights.
    Folder(PathBuf),
    /// In the program, by name.
    Program(&'static str, Files),
    /// A tokenizer of another folder; without one, bytes are its tokens.
    Nowhere(Option<PathBuf>),
}

/// A model's files that are part of the program, by name.
pub type Files = &'static [(&'static str, &'static [u8])];

impl Found {
    /// In a folder, or in a checkpoint of its own.
    ///
    /// # Errors
    /// When there is no model, or one that is not known here.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let folder = if path.is_dir() { Some(path.to_owned()) } else { None };
        let weights = weights::open(path)?;
        let config = folder.as_ref().map(|f| f.join("config.json")).filter(|f| f.is_file());
        let architecture = match config {
            Some(file) => {
                let wrong = |why: String| ModelError::File { path: file.clone(), why };
                let text = std::fs::read_to_string(&file).map_err(|e| wrong(e.to_string()))?;
                Architecture::of_config(&text).map_err(|e| wrong(e.to_string()))?
            }
            None => Architecture::of_weights(weights.as_ref())?,
        };
        Ok(Self { architecture, weights, beside: folder.map_or(Beside::Nowhere(None), Beside::Folder) })
    }

    /// A model that is part of the program: a folder's files, by name.
    ///
    /// # Errors
    /// When it has no `config.json` or `model.safetensors`, or they are not what they should be.
    pub fn within(name: &'static str, files: Files) -> Result<Self, ModelError> {
        let config = file(name, files, "config.json")?;
        let architecture = Architecture::of_config(&String::from_utf8_lossy(config))?;
        let weights = weights::SafeTensors::within(name, file(name, files, "model.safetensors")?)?;
        Ok(Self { architecture, weights: Box::new(weights), beside: Beside::Program(name, files) })
    }

    /// Weights that nobody trained: for timing at true size. A Qwen2.5-VL without `tokenizer` speaks bytes.
    ///
    /// # Errors
    /// When the tokenizer of bytes cannot be made.
    pub fn random(
        mut architecture: Architecture,
        seed: u64,
        stored: DType,
        tokenizer: Option<PathBuf>,
    ) -> Result<Self, ModelError> {
        if let (Architecture::Qwen(config), None) = (&mut architecture, &tokenizer) {
            let bytes = Tokenizer::bytes()?;
            config.image_token = bytes.special("<|image_pad|>")?;
        }
        let weights = Box::new(Random::new(seed, STD, stored));
        Ok(Self { architecture, weights, beside: Beside::Nowhere(tokenizer) })
    }

    /// Builds it as a [`Vlm`].
    ///
    /// # Errors
    /// When it is no vision-language model, or a file is missing or not what it should be.
    pub fn vlm<T: Tensor>(self, name: &str, load: Load, place: Place<T>) -> Result<Arc<dyn Vlm>, BackendError> {
        let full = format!("{}:{name}", place.library);
        self.build_vlm(name, load, place).map_err(told(&full, "loading"))
    }

    fn build_vlm<T: Tensor>(self, name: &str, load: Load, place: Place<T>) -> Result<Arc<dyn Vlm>, ModelError> {
        let Architecture::Qwen(config) = self.architecture else {
            return Err(ModelError::Input(format!(
                "{name} is a {}: a segmenter, not a vision-language model",
                self.architecture.name()
            )));
        };
        let (tokenizer, pixels) = self.beside.read()?;
        goes_with(&tokenizer, &config)?;
        let fingerprint = self.weights.fingerprint();
        let weights = qwen2_5_vl::published(self.weights);
        let vars = Vars::new(weights.as_ref(), place.compute, &place.device).with_matrices(place.matrices);
        let model = Qwen2_5Vl::<T>::new(&config, &vars)?;
        let identity = Identity { library: place.library, name, weights: &fingerprint, numbers: &place.numbers() };
        Ok(Arc::new(QwenVlm::new(model, tokenizer, pixels, &identity, load, move |step| place.run(step))?))
    }

    /// Builds it as a [`Segmenter`].
    ///
    /// # Errors
    /// When it is no segmenter, or the weights are not what they should be.
    pub fn segmenter<T: Tensor>(self, name: &str, place: Place<T>) -> Result<Arc<dyn Segmenter>, BackendError> {
        let full = format!("{}:{name}", place.library);
        self.build_segmenter(name, place).map_err(told(&full, "loading"))
    }

    fn build_segmenter<T: Tensor>(self, name: &str, place: Place<T>) -> Result<Arc<dyn Segmenter>, ModelError> {
        let (weights, numbers) = (self.weights.fingerprint(), place.numbers());
        let configuration = format!("{:?}", self.architecture);
        let identity = Identity { library: place.library, name, weights: &weights, numbers: &numbers };
        let network = match self.architecture {
            Architecture::Qwen(_) => {
                return Err(ModelError::Input(format!(
                    "{name} is a Qwen2.5-VL: a vision-language model, not a segmenter"
                )));
            }
            Architecture::Sam1(config) => {
                let weights = sam1::metas_names(self.weights);
                let vars = Vars::new(weights.as_ref(), place.compute, &place.device).with_matrices(place.matrices);
                let network = Sam1::load(&vars, &config)?;
                // LiteMedSAM's encoder takes its image as it is, in a window round the box.
                if matches!(&config.encoder, EncoderConfig::TinyVit(t) if t.patch_embed == PatchEmbed::Pointwise) {
                    return Ok(Arc::new(LiteMedSam::new(network, &identity, &configuration, place)));
                }
                Network::Sam1(Box::new(network))
            }
            Architecture::Sam2(config) => {
                let weights = sam2::metas_names(self.weights);
                let vars = Vars::new(weights.as_ref(), place.compute, &place.device).with_matrices(place.matrices);
                Network::Sam2(Box::new(Sam2::load(&vars, &config)?))
            }
        };
        Ok(Arc::new(SamSegmenter::new(Placed { network, place }, &identity, &configuration)))
    }
}

fn file(name: &str, files: Files, wanted: &str) -> Result<&'static [u8], ModelError> {
    let found = files.iter().find(|(file, _)| *file == wanted).map(|(_, bytes)| *bytes);
    found.ok_or_else(|| ModelError::File { path: PathBuf::from(name).join(wanted), why: "is not there".to_owned() })
}

impl Beside {
    fn read(&self) -> Result<(Tokenizer, Pixels), ModelError> {
        const TOKENIZER: &str = "tokenizer.json";
        Ok(match self {
            Self::Folder(folder) => (Tokenizer::load(&folder.join(TOKENIZER))?, Pixels::read(folder)?),
            Self::Nowhere(Some(file)) => (Tokenizer::load(file)?, Pixels::PUBLISHED),
            Self::Nowhere(None) => (Tokenizer::bytes()?, Pixels::PUBLISHED),
            Self::Program(name, files) => {
                let pixels = file(name, files, Pixels::FILE)?;
                let tokenizer = Tokenizer::parse(file(name, files, TOKENIZER)?, &PathBuf::from(name).join(TOKENIZER))?;
                (tokenizer, Pixels::parse(&String::from_utf8_lossy(pixels), &PathBuf::from(name).join(Pixels::FILE))?)
            }
        })
    }
}

/// That a tokenizer is of the model: the same token stands for an image, and the model knows all of them.
///
/// # Errors
/// When it is of another.
pub fn goes_with(tokenizer: &Tokenizer, config: &Config) -> Result<(), ModelError> {
    let image = tokenizer.special("<|image_pad|>")?;
    if image == config.image_token && tokenizer.size() <= config.text.vocab_size {
        return Ok(());
    }
    Err(ModelError::Input(format!(
        "the tokenizer is of another model: its image token is {image} of {} tokens, the configuration's {} of {}",
        tokenizer.size(),
        config.image_token,
        config.text.vocab_size
    )))
}

impl Pixels {
    const FILE: &'static str = "preprocessor_config.json";

    /// As a folder's `preprocessor_config.json` has it, in either of its spellings; the published ones where there is none.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(Self::FILE);
        if !path.is_file() {
            return Ok(Self::PUBLISHED);
        }
        let wrong = |why: String| ModelError::File { path: path.clone(), why };
        Self::parse(&std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?, &path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ModelError> {
        let wrong = |why: String| ModelError::File { path: path.to_owned(), why };
        let value: Value = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let field = |name: &str, edge: &str, default: usize| {
            let found = value.get(name).or_else(|| value.get("size")?.get(edge)).filter(|v| !v.is_null());
            found.map_or(Ok(default), |v| {
                v.as_u64()
                    .map(|n| n as usize)
                    .ok_or_else(|| wrong(format!("`{name}` is {v}; expected a number of pixels")))
            })
        };
        // The rest is fixed here: a file that asks for something else would get wrong pixels.
        let fixed = [
            ("image_mean", serde_json::json!(PictureConfig::PUBLISHED.mean)),
            ("image_std", serde_json::json!(PictureConfig::PUBLISHED.std)),
        ];
        for (name, expected) in fixed {
            let numbers = |v: &Value| Some(v.as_array()?.iter().filter_map(Value::as_f64).collect::<Vec<_>>());
            let near = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-6);
            if let Some(found) = value.get(name)
                && !near(&numbers(found).unwrap_or_default(), &numbers(&expected).unwrap_or_default())
            {
                return Err(wrong(format!("`{name}` is {found}; Qwen2.5-VL's is {expected}")));
            }
        }
        let published = Self::PUBLISHED;
        let found = Self {
            min: field("min_pixels", "shortest_edge", published.min)?,
            max: field("max_pixels", "longest_edge", published.max)?,
        };
        if found.min == 0 || found.min > found.max {
            return Err(wrong(format!(
                "asks for {} to {} pixels; expected 1 or more, and at least as many at most",
                found.min, found.max
            )));
        }
        Ok(found)
    }
}
