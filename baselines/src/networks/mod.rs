//! Networks by name: `candle:` or `tch:` and a known name, a folder or file, or a repository of the hub; `ort:` and a folder of
//! graphs.

mod known;
mod library;
mod libtorch;
mod locate;
mod shipped;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use socio_backend::{BackendError, Segmenter, Target, Vlm};
use socio_dataset::files;
use socio_local::{Architecture, Found, Load};
pub use socio_local::{Plan, Written, plan};
use socio_models::DType;
use socio_ort::Runtime;
use socio_ort::networks::Graphs;

use crate::registry::Resources;

use known::by_name;
pub use known::{Known, known};
pub use library::{Library, devices};
use locate::{is_repository, locate, unknown};

/// Answers on their way together at most.
const BATCH: usize = 8;
/// Bytes in which images' vectors and prompts' beginnings are kept.
const KEPT: usize = 512 << 20;

/// What a name says of a network where it says any: what stands behind `candle:` or another library's name; a known name or
/// a repository of the hub or a folder of a network without it, on candle then.
pub fn named(name: &str) -> Option<(Library, &str)> {
    let folder = Path::new(name).join("config.json").is_file();
    let bare = (by_name(name).is_some() && name != "lite-medsam") || is_repository(name) || folder;
    Library::of(name).or_else(|| bare.then_some((Library::Candle, name)))
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

impl Running {
    fn load(&self) -> Load {
        Load { batch: self.batch.unwrap_or(BATCH), kept: self.kept.unwrap_or(KEPT) }
    }
}

/// A network that was found: its weights are mapped, nothing of it is built.
pub struct Opened {
    name: String,
    what: What,
}

/// Weights for a tensor library, or graphs.
enum What {
    Weights(Library, Found),
    Graphs(Graphs, Runtime),
}

/// Finds a network.
///
/// # Errors
/// When there is none of that name, or none that is known here.
pub fn open(library: Library, what: &str, resources: &Resources) -> Result<Opened, BackendError> {
    library.check(what)?;
    let told = |e| library.told(e);
    if library == Library::Ort {
        let folder = locate::graphs(what, resources).map_err(told)?;
        let graphs = Graphs::find(&folder).map_err(|e| told(unavailable(what, e.to_string())))?;
        return Ok(Opened { name: what.to_owned(), what: What::Graphs(graphs, resources.runtime()?) });
    }
    let (found, name) = find(what, resources).map_err(told)?;
    Ok(Opened { name, what: What::Weights(library, found) })
}

impl Opened {
    /// Whether it is a vision-language model; else it is a segmenter.
    pub fn is_vlm(&self) -> bool {
        match &self.what {
            What::Weights(_, found) => matches!(found.architecture, Architecture::Qwen(_)),
            What::Graphs(graphs, _) => graphs.is_vlm(),
        }
    }

    /// Builds it as a vision-language model.
    ///
    /// # Errors
    /// When it is none, or a file is not what it should be.
    pub fn vlm(self, resources: &Resources) -> Result<Arc<dyn Vlm>, BackendError> {
        let load = resources.running.load();
        let name = &self.name;
        match self.what {
            What::Graphs(graphs, runtime) => graphs.vlm(name, load, &runtime, library::how(resources)),
            What::Weights(Library::Tch, found) => libtorch::vlm(found, name, load, resources),
            What::Weights(_, found) => found.vlm(name, load, library::candle(resources, DType::Bf16)?),
        }
    }

    /// Builds it as a segmenter.
    ///
    /// # Errors
    /// When it is none, or a file is not what it should be.
    pub fn segmenter(self, resources: &Resources) -> Result<Arc<dyn Segmenter>, BackendError> {
        let name = &self.name;
        match self.what {
            What::Graphs(graphs, runtime) => graphs.segmenter(name, &runtime, library::how(resources)),
            What::Weights(Library::Tch, found) => libtorch::segmenter(found, name, resources),
            What::Weights(_, found) => found.segmenter(name, library::candle(resources, DType::F32)?),
        }
    }
}

/// Whether a network of that name is here, without loading it.
///
/// # Errors
/// When it is not; the message says what to do.
pub fn here(library: Library, what: &str, resources: &Resources) -> Result<(), BackendError> {
    library.check(what)?;
    if library == Library::Ort {
        return locate::graphs(what, resources).map(drop).map_err(|e| library.told(e));
    }
    if shipped::names().any(|(name, _)| name == what) {
        return Ok(());
    }
    locate(what, resources, true).map(drop).map_err(|e| library.told(e))
}

fn unavailable(what: &str, why: String) -> BackendError {
    BackendError::Unavailable { backend: what.to_owned(), why }
}

fn find(what: &str, resources: &Resources) -> Result<(Found, String), BackendError> {
    let told = |e: socio_models::ModelError| unavailable(what, e.to_string());
    let running = &resources.running;
    if let Some(seed) = running.random {
        let config = match by_name(what) {
            Some(known) => known.config.to_string(),
            None if Path::new(what).is_file() => {
                files::read_text(what.as_ref()).map_err(|e| unavailable(what, e.to_string()))?
            }
            None => return Err(unavailable(what, unknown())),
        };
        let architecture = Architecture::of_config(&config).map_err(told)?;
        let default = if matches!(architecture, Architecture::Qwen(_)) { DType::Bf16 } else { DType::F32 };
        let stored = running.dtype.unwrap_or(default);
        let found = Found::random(architecture, seed, stored, running.tokenizer.clone()).map_err(told)?;
        return Ok((found, format!("{what}-random-{seed}")));
    }
    if let Some(found) = shipped::find(what) {
        return Ok((found.map_err(told)?, what.to_owned()));
    }
    let path = locate(what, resources, false)?;
    Ok((Found::open(&path).map_err(told)?, what.to_owned()))
}
