//! Networks as ONNX graphs, in the layout of the public exports of each family; `ci/export` makes them from a checkpoint.

mod opened;
mod past;
mod qwen;
mod sam2;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use socio_backend::{BackendError, Segmenter, Target, Vlm};
use socio_local::{Architecture, Identity, Load, Pixels, QwenVlm, SamSegmenter, told};
use socio_models::ModelError;
use socio_models::qwen2_5_vl::Tokenizer;

use crate::{BACKEND, Runtime};

use opened::Device;
pub use opened::states;
pub use past::Past;
pub use qwen::Qwen;
pub use sam2::Sam2;

/// A folder of graphs that was found, not yet opened.
pub struct Graphs {
    architecture: Architecture,
    /// Where `config.json` is.
    folder: PathBuf,
    /// Where the graphs are: there, or in `onnx/` below it.
    place: PathBuf,
}

impl Graphs {
    /// Whether a folder holds graphs of a network.
    pub fn are_in(folder: &Path) -> bool {
        place(folder).is_some()
    }

    /// Looks what a folder holds.
    ///
    /// # Errors
    /// When there are no graphs, or their `config.json` is not what it should be.
    pub fn find(folder: &Path) -> Result<Self, ModelError> {
        let wrong = |path: PathBuf, why: String| ModelError::File { path, why };
        let place = place(folder).ok_or_else(|| {
            let why =
                format!("holds no graphs: expected {} or {} (ci/export makes them)", qwen::DECODER, sam2::DECODER);
            wrong(folder.to_owned(), why)
        })?;
        let config = folder.join("config.json");
        let text = std::fs::read_to_string(&config).map_err(|e| wrong(config.clone(), e.to_string()))?;
        let architecture = Architecture::of_config(&text).map_err(|e| wrong(config, e.to_string()))?;
        Ok(Self { architecture, folder: folder.to_owned(), place })
    }

    /// Whether it is a vision-language model; else it is a segmenter.
    pub fn is_vlm(&self) -> bool {
        matches!(self.architecture, Architecture::Qwen(_))
    }

    /// Opens it as a [`Vlm`].
    ///
    /// # Errors
    /// When it is none, or a file is not what it should be.
    pub fn vlm(self, name: &str, load: Load, runtime: &Runtime, how: How) -> Result<Arc<dyn Vlm>, BackendError> {
        let full = format!("{BACKEND}:{name}");
        self.open_vlm(name, load, runtime, how).map_err(told(&full, "loading"))
    }

    fn open_vlm(self, name: &str, load: Load, runtime: &Runtime, how: How) -> Result<Arc<dyn Vlm>, ModelError> {
        let Architecture::Qwen(config) = self.architecture else {
            return Err(ModelError::Input(format!("{name} is a segmenter, not a vision-language model")));
        };
        let tokenizer = Tokenizer::load(&self.folder.join("tokenizer.json"))?;
        socio_local::goes_with(&tokenizer, &config)?;
        let pixels = Pixels::read(&self.folder)?;
        let network = Qwen::open(runtime, &self.place, *config, how)?;
        let (weights, numbers) = (network.hash(), network.numbers());
        let identity = Identity { library: BACKEND, name, weights: &weights, numbers: &numbers };
        Ok(Arc::new(QwenVlm::new(network, tokenizer, pixels, &identity, load, |step| step())?))
    }

    /// Opens it as a [`Segmenter`].
    ///
    /// # Errors
    /// When it is none, or a file is not what it should be.
    pub fn segmenter(self, name: &str, runtime: &Runtime, how: How) -> Result<Arc<dyn Segmenter>, BackendError> {
        let full = format!("{BACKEND}:{name}");
        self.open_segmenter(name, runtime, how).map_err(told(&full, "loading"))
    }

    fn open_segmenter(self, name: &str, runtime: &Runtime, how: How) -> Result<Arc<dyn Segmenter>, ModelError> {
        let Architecture::Sam2(config) = &self.architecture else {
            return Err(ModelError::Input(format!("{name} is no SAM 2: no other segmenter is known as graphs")));
        };
        let network = Sam2::open(runtime, &self.place, config, how)?;
        let (weights, numbers) = (network.hash(), network.numbers());
        let identity = Identity { library: BACKEND, name, weights: &weights, numbers: &numbers };
        Ok(Arc::new(SamSegmenter::new(network, &identity, &format!("{:?}", self.architecture))))
    }
}

/// How graphs run.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Where.
    pub target: Target,
    /// Threads of each graph, on the CPU.
    pub threads: usize,
}

impl How {
    fn device(self) -> Result<(Device, usize), ModelError> {
        Ok((Device::of(self.target)?, self.threads))
    }
}

/// Where the graphs of a folder are.
fn place(folder: &Path) -> Option<PathBuf> {
    let holds = |place: &Path| [qwen::DECODER, sam2::DECODER].iter().any(|name| place.join(name).is_file());
    [folder.to_owned(), folder.join("onnx")].into_iter().find(|place| holds(place))
}
