//! For those who publish data: dataset card, Croissant metadata, GeoParquet index, gallery.

mod card;
mod croissant;
mod gallery;
mod index;

use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::files::{self, FileError};
use crate::hash;
use crate::store::{Dataset, Fields, StoreError, is_suite};

pub use gallery::{GalleryOptions, gallery};

/// What the publisher says of a set.
#[derive(Debug, Clone)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its licences as the hub writes them, with commas between: `cc-by-4.0,odbl`, `apache-2.0`, `other`.
    pub licence: String,
    /// How it is cited.
    pub cite: String,
    /// The day of publication, as `2026-11-23`.
    pub date: String,
}

/// One data file of a set.
#[derive(Debug)]
struct DataFile {
    /// Its path in the folder, with `/`.
    path: String,
    rows: u64,
    /// Uncompressed bytes of its columns, as the hub's `num_bytes`.
    bytes: u64,
    size: u64,
    sha256: String,
}

/// A configuration: the in-domain splits, or one suite.
#[derive(Debug)]
struct Config {
    /// `default`, `ood-region`, ...
    name: String,
    folder: String,
    /// Splits by the names of their files.
    splits: Vec<(String, Vec<DataFile>)>,
    schema: SchemaRef,
}

/// A sample without its images.
struct Line {
    file: String,
    id: String,
    problem: String,
    fields: Map<String, Value>,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Samples in the index.
    pub samples: u64,
    /// Configurations.
    pub configs: Vec<String>,
}

/// A set that cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A parquet file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: parquet::errors::ParquetError,
    },
    /// A set in another layout.
    #[error("{} is no folder of hub parquet: make one with `socio-bench data convert ... --to parquet`", .0.display())]
    Layout(PathBuf),
    /// A row that cannot be told.
    #[error("{0}")]
    Row(String),
}

/// Writes `index.parquet`, `croissant.json` and `README.md` into a folder of hub parquet, in this order: each tells the
/// hashes or sizes of what is before it.
///
/// # Errors
/// When the folder is no hub parquet, a file is corrupt, or the disk refuses.
pub fn publish(dataset: &Dataset, folder: &Path, about: &About) -> Result<Published, PublishError> {
    if !folder.join("data").is_dir() || dataset.splits().iter().any(|s| dataset.parquet_files(s).is_empty()) {
        return Err(PublishError::Layout(folder.to_owned()));
    }
    let configs = configs(dataset, folder)?;
    let lines = lines(dataset, folder)?;
    let index = folder.join("index.parquet");
    index::write(&index, &lines, &configs[0].schema)?;
    let told = croissant::json(&configs, &lines, about, &data_file(folder, &index)?);
    let croissant = folder.join("croissant.json");
    files::write(&croissant, format!("{told:#}\n").as_bytes())?;
    let readme = folder.join("README.md");
    files::write(&readme, card::text(&configs, &lines, about).as_bytes())?;
    Ok(Published {
        files: vec![index, croissant, readme],
        samples: lines.len() as u64,
        configs: configs.into_iter().map(|c| c.name).collect(),
    })
}

fn configs(dataset: &Dataset, folder: &Path) -> Result<Vec<Config>, PublishError> {
    let own: Vec<String> = dataset.splits().into_iter().filter(|s| !is_suite(s)).collect();
    let mut configs = Vec::new();
    let first = own.first().or(dataset.splits().first()).cloned().unwrap_or_default();
    let mut splits = Vec::new();
    for split in &own {
        splits.push((split.clone(), data_files(dataset, folder, split)?));
    }
    configs.push(Config {
        name: "default".to_owned(),
        folder: "data".to_owned(),
        splits,
        schema: dataset.extra_schema(&first)?,
    });
    for suite in dataset.splits().into_iter().filter(|s| is_suite(s)) {
        configs.push(Config {
            splits: vec![("test".to_owned(), data_files(dataset, folder, &suite)?)],
            schema: dataset.extra_schema(&suite)?,
            folder: suite.clone(),
            name: suite,
        });
    }
    Ok(configs)
}

fn data_files(dataset: &Dataset, folder: &Path, split: &str) -> Result<Vec<DataFile>, PublishError> {
    dataset.parquet_files(split).iter().map(|p| data_file(folder, p)).collect()
}

fn data_file(folder: &Path, path: &Path) -> Result<DataFile, PublishError> {
    let file = std::fs::File::open(path).map_err(FileError::because("open", path))?;
    let size = file.metadata().map_err(FileError::because("read", path))?.len();
    let wrong = |source| PublishError::Parquet { path: path.to_owned(), source };
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
    let groups = reader.metadata().row_groups();
    Ok(DataFile {
        path: relative(folder, path),
        rows: groups.iter().map(|g| g.num_rows() as u64).sum(),
        bytes: groups.iter().map(|g| g.total_byte_size() as u64).sum(),
        size,
        sha256: hash::sha256_file(path).map_err(FileError::because("read", path))?,
    })
}

fn relative(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// All samples, in the order of the files.
fn lines(dataset: &Dataset, folder: &Path) -> Result<Vec<Line>, PublishError> {
    let mut lines = Vec::new();
    for split in dataset.splits() {
        for sample in dataset.read(&split, None, Fields::TEXT)? {
            let sample = sample?;
            let problem = sample.text().map_err(|e| PublishError::Row(e.to_string()))?.to_owned();
            let file = relative(folder, &sample.origin.file);
            lines.push(Line { file, id: sample.id.clone(), problem, fields: sample.extras.to_json().0 });
        }
    }
    Ok(lines)
}

impl Line {
    fn number(&self, column: &str) -> Option<f64> {
        self.fields.get(column).and_then(Value::as_f64)
    }

    fn text(&self, column: &str) -> Option<&str> {
        self.fields.get(column).and_then(Value::as_str)
    }

    /// West, south, east, north, where all are told.
    fn bounds(&self) -> Option<[f64; 4]> {
        Some([self.number("west")?, self.number("south")?, self.number("east")?, self.number("north")?])
    }
}

/// The rectangle around all samples that have one: west, south, east, north.
fn around(lines: &[Line]) -> Option<[f64; 4]> {
    lines
        .iter()
        .filter_map(Line::bounds)
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
}
