//! A file mapped into memory, and the tensors that lie in it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::{View, Weights};
use crate::{DType, ModelError, Result};

/// A file that is not empty, mapped for reading, or part of the program.
pub(super) struct Mapped {
    path: PathBuf,
    held: Held,
}

/// What holds the bytes.
enum Held {
    Map(Mmap),
    Program(&'static [u8]),
}

/// What a file holds a tensor's elements as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stored {
    /// As networks take them.
    Float(DType),
    /// 64-bit floats, rounded to 32 bits when they are read.
    Double,
    /// Anything else, by its name: known to be there, never read as weights.
    Other(String),
}

impl Stored {
    /// Bytes an element takes, of those that are read.
    fn size(&self) -> Option<usize> {
        match self {
            Self::Float(dtype) => Some(dtype.size()),
            Self::Double => Some(8),
            Self::Other(_) => None,
        }
    }
}

/// A tensor of a file. Whoever makes one has checked that it lies inside the file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The type of its elements.
    pub(super) stored: Stored,
    /// Its shape.
    pub(super) shape: Vec<usize>,
    /// Where its bytes are in the file; where there are strides, from its first element to the end of its storage.
    pub(super) bytes: Range<usize>,
    /// Elements from one index to the next of each dimension, for a tensor that does not lie in order. Every element is
    /// inside `bytes`, there are not more of them than the storage has, and dimensions of size 1 have stride 0.
    pub(super) strides: Option<Vec<usize>>,
}

/// An error that names a file.
pub(super) fn wrong(path: &Path, why: impl ToString) -> ModelError {
    ModelError::File { path: path.to_owned(), why: why.to_string() }
}

impl Mapped {
    /// Maps a file.
    ///
    /// # Errors
    /// When it cannot be read, is no file or is empty.
    pub(super) fn open(path: &Path) -> Result<Self> {
        // Before it is opened: opening a pipe would wait for someone to write to it.
        let about = fs::metadata(path).map_err(|e| wrong(path, e))?;
        if !about.is_file() {
            return Err(wrong(path, "is not a file"));
        }
        if about.len() == 0 {
            return Err(wrong(path, "is empty"));
        }
        let file = File::open(path).map_err(|e| wrong(path, e))?;
        #[allow(
            unsafe_code,
            reason = "a mapping is what lets weights go from the file to the device without a copy between"
        )]
        // SAFETY: the mapping is read-only and lives as long as every slice of it. What no program can rule out is that
        // someone else writes to the file or shortens it meanwhile, which whoever does it to weights in use has to answer
        // for, as with every reader that maps files. All that is read from it as numbers, offsets and text was checked
        // against the mapping's length, not against what the file says.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| wrong(path, e))?;
        Ok(Self { path: path.to_owned(), held: Held::Map(map) })
    }

    /// Lets go of the memory that holds these bytes of the file: a model is not to be in memory twice while it is loaded.
    /// What is read again comes from the file again.
    pub(super) fn let_go(&self, bytes: &Range<usize>) {
        let Held::Map(map) = &self.held else { return };
        #[cfg(unix)]
        #[allow(
            unsafe_code,
            reason = "halves the memory that loading takes: from 14.1 to 7.2 GiB for Qwen2.5-VL-3B (docs/performance.md)"
        )]
        // SAFETY: the mapping is of a file and read-only, so its pages hold nothing that is not in the file; those that are
        // read again are filled from it again. The range was checked to lie inside the mapping.
        unsafe {
            // Advice that the system does not take changes nothing.
            let _ = map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, bytes.start, bytes.len());
        }
        #[cfg(not(unix))]
        let _ = (map, bytes);
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.held {
            Held::Map(map) => map,
            Held::Program(bytes) => bytes,
        }
    }

    /// A tensor's values: borrowed from the mapping where they lie in order in a type that networks take.
    ///
    /// # Errors
    /// When they are no floating-point numbers.
    pub(super) fn view(&self, key: &str, entry: &Entry) -> Result<View<'_>> {
        let (dtype, size) = match (&entry.stored, entry.stored.size()) {
            (Stored::Float(dtype), Some(size)) => (*dtype, size),
            (Stored::Double, Some(size)) => (DType::F32, size),
            (Stored::Other(name), _) => {
                return Err(wrong(&self.path, format!("`{key}` holds {name} numbers, which cannot be weights")));
            }
            (_, None) => return Err(wrong(&self.path, format!("`{key}` holds numbers of no known size"))),
        };
        let stored = &self.bytes()[entry.bytes.clone()];
        let mut bytes = match &entry.strides {
            None => Cow::Borrowed(stored),
            Some(strides) => Cow::Owned(gather(stored, &entry.shape, strides, size)),
        };
        if entry.stored == Stored::Double {
            bytes = Cow::Owned(narrow(&bytes));
        }
        Ok(View { dtype, shape: entry.shape.clone(), bytes })
    }
}

/// The elements of a tensor in order, from a storage in which they lie `strides` apart.
fn gather(storage: &[u8], shape: &[usize], strides: &[usize], size: usize) -> Vec<u8> {
    let count: usize = shape.iter().product();
    let mut out = Vec::with_capacity(count * size);
    let (mut index, mut at) = (vec![0; shape.len()], 0);
    for _ in 0..count {
        out.extend_from_slice(&storage[at * size..][..size]);
        for dim in (0..shape.len()).rev() {
            index[dim] += 1;
            at += strides[dim];
            if index[dim] < shape[dim] {
                break;
            }
            at -= strides[dim] * shape[dim];
            index[dim] = 0;
        }
    }
    out
}

/// Little-endian 64-bit floats as little-endian 32-bit floats.
fn narrow(bytes: &[u8]) -> Vec<u8> {
    let (wide, _) = bytes.as_chunks::<8>();
    wide.iter().flat_map(|&v| (f64::from_le_bytes(v) as f32).to_le_bytes()).collect()
}

/// A file of weights, mapped into memory: what [`super::SafeTensors::open`] and [`super::Pt::open`] give.
pub struct WeightFile {
    file: Mapped,
    tensors: BTreeMap<String, Entry>,
}

impl WeightFile {
    /// Opens a file of the format whose tensors `read` finds, or says what is wrong with it.
    ///
    /// # Errors
    /// When it cannot be read or is not of that format.
    pub(super) fn open(
        path: &Path,
        read: impl FnOnce(&[u8]) -> Result<BTreeMap<String, Entry>, String>,
    ) -> Result<Self> {
        let file = Mapped::open(path)?;
        let tensors = read(file.bytes()).map_err(|why| wrong(path, why))?;
        Ok(Self { file, tensors })
    }

    /// A file that is part of the program; messages call it `name`.
    ///
    /// # Errors
    /// When it is not of the format that `read` reads.
    pub(super) fn within(
        name: &Path,
        bytes: &'static [u8],
        read: impl FnOnce(&[u8]) -> Result<BTreeMap<String, Entry>, String>,
    ) -> Result<Self> {
        let tensors = read(bytes).map_err(|why| wrong(name, why))?;
        Ok(Self { file: Mapped { path: name.to_owned(), held: Held::Program(bytes) }, tensors })
    }
}

impl Weights for WeightFile {
    fn name(&self) -> String {
        self.file.path().display().to_string()
    }

    fn view(&self, key: &str, _shape: &[usize]) -> Result<Option<View<'_>>> {
        self.tensors.get(key).map(|entry| self.file.view(key, entry)).transpose()
    }

    fn taken(&self, key: &str) {
        if let Some(entry) = self.tensors.get(key) {
            self.file.let_go(&entry.bytes);
        }
    }

    fn keys(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }
}
