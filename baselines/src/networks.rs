//! Networks by name on a tensor library: `candle:` and a known name, a folder or file, or a repository of the hub.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use socio_backend::{BackendError, Segmenter, Vlm};
use socio_candle::{Candle, Precision, Target};
use socio_dataset::files;
use socio_dataset::hub::HubError;
use socio_local::{Architecture, Found, Load, Place};
pub use socio_local::{Plan, Written, plan};
use socio_models::DType;
use socio_models::qwen2_5_vl;
use socio_models::sam::sam1::{EncoderConfig, Sam1Config};
use socio_models::sam::sam2;
use socio_models::sam::tiny_vit::TinyVitConfig;
use socio_models::sam::vit::VitConfig;

use crate::registry::Resources;

/// Answers on their way together at most.
const BATCH: usize = 8;
/// Bytes in which images' vectors and prompts' beginnings are kept.
const KEPT: usize = 512 << 20;

/// A network that is known by name.
#[derive(Debug, Clone)]
pub struct Known {
    /// The name.
    pub name: String,
    /// Whether it is a vision-language model; else a segmenter.
    pub vlm: bool,
    /// Its repository on the Hugging Face hub, where it has one.
    pub repository: Option<&'static str>,
    /// Its `config.json`, where random weights can be made for it.
    pub config: Value,
}

/// Every network that is known by name.
pub fn known() -> Vec<Known> {
    let mut all = Vec::new();
    for size in qwen2_5_vl::Size::ALL {
        let repository = match size {
            qwen2_5_vl::Size::Tiny => None,
            qwen2_5_vl::Size::B3 => Some("Qwen/Qwen2.5-VL-3B-Instruct"),
            qwen2_5_vl::Size::B7 => Some("Qwen/Qwen2.5-VL-7B-Instruct"),
            qwen2_5_vl::Size::B32 => Some("Qwen/Qwen2.5-VL-32B-Instruct"),
            qwen2_5_vl::Size::B72 => Some("Qwen/Qwen2.5-VL-72B-Instruct"),
        };
        all.push(Known { name: format!("qwen2.5-vl-{}", size.name()), vlm: true, repository, config: size.json() });
    }
    let config = qwen2_5_vl::Size::B3.json();
    let socioreasoner = Some("vvangfaye/SocioReasoner-3B");
    all.push(Known { name: "socioreasoner-3b".to_owned(), vlm: true, repository: socioreasoner, config });
    for (repository, size) in sam2::REPOSITORIES {
        let name = repository.trim_start_matches("facebook/").to_owned();
        all.push(Known { name, vlm: false, repository: Some(repository), config: json!({ "arch": size.config() }) });
    }
    let vit = |config| EncoderConfig::Vit(config);
    let tiny = |config| EncoderConfig::TinyVit(config);
    for (name, repository, encoder) in [
        ("sam-vit-base", Some("facebook/sam-vit-base"), vit(VitConfig::vit_b())),
        ("sam-vit-large", Some("facebook/sam-vit-large"), vit(VitConfig::vit_l())),
        ("sam-vit-huge", Some("facebook/sam-vit-huge"), vit(VitConfig::vit_h())),
        ("mobile-sam", Some("dhkim2810/MobileSAM"), tiny(TinyVitConfig::MOBILE_SAM)),
        ("lite-medsam", None, tiny(TinyVitConfig::LITE_MEDSAM)),
    ] {
        let config = json!(Sam1Config::of_encoder(encoder));
        all.push(Known { name: name.to_owned(), vlm: false, repository, config });
    }
    all
}

/// What a name says of a network where it says any: what stands behind `candle:`; a known name or a repository of the hub
/// or a folder of a network without it.
pub fn named(name: &str) -> Option<&str> {
    let folder = Path::new(name).join("config.json").is_file();
    let bare = (by_name(name).is_some() && name != "lite-medsam") || is_repository(name) || folder;
    name.strip_prefix("candle:").or_else(|| bare.then_some(name))
}

fn by_name(name: &str) -> Option<Known> {
    known().into_iter().find(|k| k.name == name)
}

/// How a network is to run.
#[derive(Debug, Clone, Default)]
pub struct Running {
    /// Where.
    pub device: Target,
    /// The type of numbers; bf16 for a vision-language model and f32 for a segmenter where not given.
    pub dtype: Option<DType>,
    /// Random weights of this seed for a known name or a `config.json`, instead of looking for any.
    pub random: Option<u64>,
    /// The tokenizer of a Qwen2.5-VL of random weights; without it, it speaks bytes.
    pub tokenizer: Option<PathBuf>,
    /// Answers on their way together at most.
    pub batch: Option<usize>,
    /// Bytes in which images' vectors and prompts' beginnings are kept; 0 keeps nothing.
    pub kept: Option<usize>,
}

/// A network that was found: its weights are mapped, nothing of it is built.
pub struct Opened {
    found: Found,
    name: String,
}

/// Finds a network.
///
/// # Errors
/// When there is none of that name, or none that is known here.
pub fn open(what: &str, resources: &Resources) -> Result<Opened, BackendError> {
    let (found, name) = find(what, resources)?;
    Ok(Opened { found, name })
}

impl Opened {
    /// Whether it is a vision-language model; else it is a segmenter.
    pub fn is_vlm(&self) -> bool {
        matches!(self.found.architecture, Architecture::Qwen(_))
    }

    /// Builds it on candle as a vision-language model.
    ///
    /// # Errors
    /// When it is none, or a file is not what it should be.
    pub fn vlm(self, resources: &Resources) -> Result<Arc<dyn Vlm>, BackendError> {
        let Running { batch, kept, .. } = resources.running;
        let load = Load { batch: batch.unwrap_or(BATCH), kept: kept.unwrap_or(KEPT) };
        self.found.vlm::<Candle>(&self.name, load, place(resources, DType::Bf16)?)
    }

    /// Builds it on candle as a segmenter.
    ///
    /// # Errors
    /// When it is none, or a file is not what it should be.
    pub fn segmenter(self, resources: &Resources) -> Result<Arc<dyn Segmenter>, BackendError> {
        self.found.segmenter::<Candle>(&self.name, place(resources, DType::F32)?)
    }
}

/// A vision-language model on candle.
///
/// # Errors
/// When there is none of that name, or it cannot be loaded.
pub fn vlm(what: &str, resources: &Resources) -> Result<Arc<dyn Vlm>, BackendError> {
    open(what, resources)?.vlm(resources)
}

/// A segmenter on candle.
///
/// # Errors
/// When there is none of that name, or it cannot be loaded.
pub fn segmenter(what: &str, resources: &Resources) -> Result<Arc<dyn Segmenter>, BackendError> {
    open(what, resources)?.segmenter(resources)
}

/// Whether a network of that name is here, without loading it.
///
/// # Errors
/// When it is not; the message says what to do.
pub fn here(what: &str, resources: &Resources) -> Result<(), BackendError> {
    locate(what, resources, true).map(drop)
}

fn place(resources: &Resources, default: DType) -> Result<Place<Candle>, BackendError> {
    let device = socio_candle::device(resources.running.device).map_err(|e| unavailable("candle", e.to_string()))?;
    let precision = Precision::on(&device, resources.running.dtype.unwrap_or(default));
    let device_name = if device.is_cpu() { "cpu" } else { "gpu" };
    Place::new("candle", (device, device_name), (precision.compute, precision.matrices), resources.threads)
}

fn unavailable(what: &str, why: String) -> BackendError {
    BackendError::Unavailable { backend: what.to_owned(), why }
}

fn find(what: &str, resources: &Resources) -> Result<(Found, String), BackendError> {
    let full = format!("candle:{what}");
    let told = |e: socio_models::ModelError| unavailable(&full, e.to_string());
    let running = &resources.running;
    if let Some(seed) = running.random {
        let config = match by_name(what) {
            Some(known) => known.config.to_string(),
            None if Path::new(what).is_file() => {
                files::read_text(what.as_ref()).map_err(|e| unavailable(&full, e.to_string()))?
            }
            None => return Err(unavailable(&full, unknown())),
        };
        let architecture = Architecture::of_config(&config).map_err(told)?;
        let default = if matches!(architecture, Architecture::Qwen(_)) { DType::Bf16 } else { DType::F32 };
        let stored = running.dtype.unwrap_or(default);
        let found = Found::random(architecture, seed, stored, running.tokenizer.clone()).map_err(told)?;
        return Ok((found, format!("{what}-random-{seed}")));
    }
    let path = locate(what, resources, false)?;
    Ok((Found::open(&path).map_err(told)?, what.to_owned()))
}

fn unknown() -> String {
    let names: Vec<String> = known().into_iter().map(|k| k.name).collect();
    format!("no such folder or file, no repository OWNER/NAME, and none of the known names: {}", names.join(", "))
}

/// Whether a name is `OWNER/NAME`, perhaps with a revision behind an `@`.
fn is_repository(what: &str) -> bool {
    let repository = what.split('@').next().unwrap_or_default();
    repository.split('/').count() == 2 && !repository.starts_with(['.', '/']) && !repository.ends_with('/')
}

/// The folder or file of a network: as it stands, in the models' folder, or from the hub's cache or the hub.
fn locate(what: &str, resources: &Resources, cache_alone: bool) -> Result<PathBuf, BackendError> {
    let full = format!("candle:{what}");
    if Path::new(what).exists() {
        return Ok(what.into());
    }
    if what == "lite-medsam" {
        let file = resources.models.join("lite_medsam").join("lite_medsam.safetensors");
        return if file.is_file() {
            Ok(file)
        } else {
            let why = format!(
                "no file {} (name the folder above with --models; docs/backends.md says where it is from)",
                file.display()
            );
            Err(unavailable(&full, why))
        };
    }
    let folder = resources.models.join(what);
    if !what.is_empty() && folder.is_dir() {
        return Ok(folder);
    }
    let repository = match by_name(what) {
        Some(known) => known.repository.map(str::to_owned).ok_or_else(|| {
            let make = format!("socio-bench models init {what} --out {}", folder.display());
            unavailable(&full, format!("it is published nowhere: make one of random weights with `{make}`"))
        })?,
        None if is_repository(what) => what.to_owned(),
        None => return Err(unavailable(&full, unknown())),
    };
    let mut hub = resources.hub.clone();
    hub.offline |= cache_alone;
    match socio_dataset::hub::model(&repository, &hub) {
        Ok(files) => Ok(files.folder),
        Err(HubError::NotCached { .. }) if cache_alone && !resources.hub.offline => {
            Err(unavailable(&full, format!("not fetched yet: {repository} comes from the hub at its first use")))
        }
        Err(e) => Err(unavailable(&full, e.to_string())),
    }
}
