//! Where weights come from: files, or a random start.

mod cover;
mod folder;
mod mapped;
mod pickle;
mod pt;
mod random;
mod renamed;
mod safetensors;
#[cfg(test)]
mod tests;
mod vars;
mod write;
mod zipped;

pub use folder::{Sharded, open};
pub use mapped::WeightFile;
pub use pt::Pt;
pub use random::Random;
pub use renamed::{Origin, Renamed};
pub use safetensors::SafeTensors;
pub use vars::Vars;
pub use write::write;

use std::borrow::Cow;

use crate::{DType, Result};

/// A weight as a source holds it.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The type its bytes are in.
    pub dtype: DType,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Little-endian values in order; as many as the shape has, of `dtype`'s size. Perhaps not aligned.
    pub bytes: Cow<'a, [u8]>,
}

/// A source of named weights.
pub trait Weights: Send + Sync {
    /// What messages call it: the file, the folder, `random weights`.
    fn name(&self) -> String;

    /// The weight of a key, or none where the source has no such key. `shape` is what the caller expects; a source that
    /// makes its weights makes them so, a file gives what it has.
    ///
    /// # Errors
    /// When the source holds the key but cannot give it as floating-point values.
    fn view(&self, key: &str, shape: &[usize]) -> Result<Option<View<'_>>>;

    /// The weight of a key was taken, and its place in a file need not stay in memory. It can be had again all the same.
    fn taken(&self, _key: &str) {}

    /// Every key it holds, in order; empty for a source that makes what it is asked for.
    fn keys(&self) -> Vec<String>;

    /// The keys among [`Self::keys`] that the weight of `key` is taken from, whether they are there or not: itself, but for
    /// a source that renames.
    fn origins(&self, key: &str) -> Vec<String> {
        vec![key.to_owned()]
    }

    /// A SHA-256 in hexadecimal that tells these weights from others, for the record of a run. It is quick, since it looks at
    /// no more than the ends of each weight.
    fn fingerprint(&self) -> String {
        cover::of(self)
    }
}
