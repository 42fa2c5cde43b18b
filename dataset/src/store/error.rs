//! What can be wrong with a whole store, as against one sample of it.

use std::path::PathBuf;

use crate::files::FileError;

/// A store that cannot be opened, read on or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No file or folder of that name.
    #[error("no data at {}: give a folder in SocioSeg's raw layout, a folder of parquet files, hub:OWNER/NAME, or city (the embedded city)", .0.display())]
    NotFound(PathBuf),
    /// A folder of neither layout.
    #[error(
        "{} holds neither data/<split>-00000-of-0000N.parquet nor <split>/<id>/{{sat,map,mask}}.png with question.json",
        .0.display()
    )]
    UnknownLayout(PathBuf),
    /// A split that is not there.
    #[error("{location} has no split `{split}`; it has: {}", found.join(", "))]
    NoSplit {
        /// What was opened.
        location: String,
        /// What was asked for.
        split: String,
        /// What there is.
        found: Vec<String>,
    },
    /// A split without samples.
    #[error("split `{split}` of {location} has no samples (zero rows)")]
    Empty {
        /// What was opened.
        location: String,
        /// The split.
        split: String,
    },
    /// Some of the shards that a shard's name promises are not there.
    #[error(
        "split `{split}` has {found} of {expected} shards: {missing} is missing; fetch or copy it beside the others"
    )]
    MissingShard {
        /// The split.
        split: String,
        /// Shards found.
        found: usize,
        /// Shards that their names promise.
        expected: usize,
        /// The first missing file name.
        missing: String,
    },
    /// A parquet file without the columns it should have.
    #[error("{}: {why}; expected the columns id, problem (text), map_image, sat_image, mask_label (struct of bytes and path)", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The column, and what is wrong with it.
        why: String,
    },
    /// A parquet file that is corrupt.
    #[error("{} is not readable as parquet{}: {source}", path.display(), row.map(|r| format!(" near row {r}")).unwrap_or_default())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The row near which reading stopped.
        row: Option<u64>,
        /// What the reader said.
        source: parquet::errors::ParquetError,
    },
    /// A parquet file that could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        source: parquet::errors::ParquetError,
    },
    /// Rows that do not fit the columns being written.
    #[error("cannot put sample `{id}` into the output's columns: {why}")]
    Columns {
        /// The sample.
        id: String,
        /// What does not fit.
        why: String,
    },
    /// A sample that cannot be written as it is.
    #[error("cannot write sample `{id}`: {why}")]
    Sample {
        /// The sample.
        id: String,
        /// Why not.
        why: String,
    },
    /// An output that is there already.
    #[error("{} is there already: choose another folder, or remove it first", .0.display())]
    Exists(PathBuf),
    /// A file or folder that could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A restyle.
    #[error(transparent)]
    Restyle(#[from] crate::restyle::RestyleError),
    /// The embedded city.
    #[error(transparent)]
    City(#[from] crate::city::CityError),
    /// The hub.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
}
