//! A graph opened from its file, on a device.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ort::ep::{CUDA, ExecutionProvider};
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use socio_backend::{DeviceState, Target};
use socio_dataset::hash::{FieldHasher, sha256_hex};
use socio_models::{ModelError, Result};

use crate::Runtime;

/// Files up to this size are hashed whole, in bytes.
const WHOLE: u64 = 64 << 20;
/// Of larger ones so many pieces are, of so many bytes each.
const PIECES: (u64, usize) = (256, 4096);

/// Where graphs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    Cpu,
    Cuda(i32),
}

impl Device {
    /// The device of a target: `auto` is the first GPU where the library has CUDA's provider, else the CPU.
    ///
    /// # Errors
    /// When a GPU is asked for and the library has no provider for it.
    pub(crate) fn of(target: Target) -> Result<Self> {
        match (target, no_cuda()) {
            (Target::Cpu, _) | (Target::Auto, Some(_)) => Ok(Self::Cpu),
            (Target::Auto, None) => Ok(Self::Cuda(0)),
            (Target::Cuda(n), None) => Ok(Self::Cuda(i32::try_from(n).unwrap_or(i32::MAX))),
            (Target::Cuda(_), Some(why)) => Err(ModelError::Input(why)),
        }
    }

    /// What tables and fingerprints call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "gpu",
        }
    }

    /// Where a session's outputs that stay on the device are.
    pub(crate) fn memory(self) -> Result<MemoryInfo<'static>> {
        let info = match self {
            Self::Cpu => MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput),
            Self::Cuda(n) => MemoryInfo::new(AllocationDevice::CUDA, n, AllocatorType::Device, MemoryType::Default),
        };
        info.map_err(failed("memory"))
    }
}

/// Why CUDA's provider is not there, if so.
fn no_cuda() -> Option<String> {
    let has = CUDA::is_available().unwrap_or(false);
    (!has).then(|| {
        "this onnxruntime has no CUDA provider: name the library of the package onnxruntime-gpu, or choose the device cpu"
            .to_owned()
    })
}

/// Every device of a loaded library, or why it is not there.
pub fn states(runtime: std::result::Result<&Runtime, String>) -> Vec<DeviceState> {
    let state = |device, why_not| DeviceState { library: "ort", device, dtypes: "as the graph has them", why_not };
    match runtime {
        Ok(_) => vec![state("cpu", None), state("cuda", no_cuda())],
        Err(why) => vec![state("cpu", Some(why.clone())), state("cuda", Some(why))],
    }
}

/// An error of onnxruntime's in the terms of models.
pub(crate) fn failed(op: &'static str) -> impl Fn(ort::Error) -> ModelError {
    move |error| {
        let why = error.message();
        let lower = why.to_lowercase();
        if ["failed to allocate", "bad_alloc", "out of memory"].iter().any(|sign| lower.contains(sign)) {
            return ModelError::Memory(format!("{op}: {why}"));
        }
        ModelError::op(op, why)
    }
}

/// A session and the file that it is of.
pub(crate) struct Opened {
    pub(crate) session: Session,
    pub(crate) device: Device,
    path: PathBuf,
    hash: String,
}

impl Opened {
    /// Opens a graph from its path, so that weights beside it are found, and checks that it has these inputs and outputs.
    ///
    /// # Errors
    /// When the file is missing, is no ONNX graph, or lacks one of them.
    pub(crate) fn open(
        runtime: &Runtime,
        path: &Path,
        (inputs, outputs): (&[&str], &[&str]),
        (device, threads): (Device, usize),
    ) -> Result<Self> {
        let wrong = |why: String| ModelError::File { path: path.to_owned(), why };
        let hash = fingerprint(path).map_err(|e| wrong(e.to_string()))?;
        let build = || -> std::result::Result<Session, ort::Error> {
            let builder = Session::builder(&runtime.environment)?
                .with_intra_threads(threads)?
                .with_inter_threads(1)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?;
            let mut builder = match device {
                Device::Cpu => builder,
                Device::Cuda(n) => {
                    builder.with_execution_providers([CUDA::default().with_device_id(n).build().error_on_failure()])?
                }
            };
            builder.commit_from_file(path)
        };
        let session = build().map_err(|e| wrong(format!("onnxruntime refuses it: {}", e.message())))?;
        let names = |all: &[ort::value::Outlet]| all.iter().map(|o| o.name().to_owned()).collect::<Vec<_>>();
        for (kind, wanted, found) in
            [("input", inputs, names(session.inputs())), ("output", outputs, names(session.outputs()))]
        {
            if let Some(missing) = wanted.iter().find(|w| !found.iter().any(|f| f == *w)) {
                return Err(wrong(format!("has no {kind} `{missing}`; its {kind}s are {}", found.join(", "))));
            }
        }
        Ok(Self { session, device, path: path.to_owned(), hash })
    }

    /// Whether it has an input of that name.
    pub(crate) fn has_input(&self, name: &str) -> bool {
        self.session.inputs().iter().any(|i| i.name() == name)
    }

    /// A hash of the file and of the weights beside it.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    /// An error about the file.
    pub(crate) fn wrong(&self, why: String) -> ModelError {
        ModelError::File { path: self.path.clone(), why }
    }
}

/// A hash of a graph's file, and of the file of weights beside it where there is one.
fn fingerprint(path: &Path) -> std::io::Result<String> {
    let mut hasher = FieldHasher::default().field(one(path)?);
    let mut beside = path.as_os_str().to_owned();
    beside.push("_data");
    let beside = PathBuf::from(beside);
    if beside.is_file() {
        hasher = hasher.field(one(&beside)?);
    }
    Ok(hasher.hex(16))
}

/// Of a large file, pieces that are spread over all of it.
fn one(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size <= WHOLE {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        return Ok(sha256_hex(&bytes));
    }
    let (count, length) = PIECES;
    let mut hasher = FieldHasher::default().field(size.to_le_bytes());
    let mut piece = vec![0; length];
    for i in 0..count {
        file.seek(SeekFrom::Start(i * (size - length as u64) / (count - 1)))?;
        file.read_exact(&mut piece)?;
        hasher = hasher.field(&piece);
    }
    Ok(hasher.hex(64))
}
