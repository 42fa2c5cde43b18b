//! From any layout to raw folders or hub parquet, sample by sample.

use std::path::{Path, PathBuf};

use super::{Dataset, Fields, ParquetWriter, RawWriter, StoreError};

/// What to write.
#[derive(Debug, Clone)]
pub struct ConvertOptions {
    /// Hub parquet, as against raw folders.
    pub parquet: bool,
    /// Begin a new parquet shard after this many bytes of images.
    pub shard_bytes: usize,
    /// Only these splits; all where empty.
    pub splits: Vec<String>,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Converted {
    /// Samples of each split, as `(split, samples)`.
    pub splits: Vec<(String, u64)>,
    /// Samples that were there already (raw folders only).
    pub kept: u64,
    /// Parquet files written.
    pub files: Vec<PathBuf>,
    /// Columns that the raw layout cannot hold.
    pub lost_columns: Vec<String>,
}

/// Writes every sample of `dataset` under `out`; `progress` is called after each.
///
/// # Errors
/// When a sample is unusable (nothing is skipped silently), the output is there already, or the disk refuses.
pub fn convert(
    dataset: &Dataset,
    out: &Path,
    options: &ConvertOptions,
    mut progress: impl FnMut(&str, u64),
) -> Result<Converted, StoreError> {
    let splits = if options.splits.is_empty() { dataset.splits() } else { options.splits.clone() };
    let mut done = Converted::default();
    for split in splits {
        let samples = dataset.read(&split, None, Fields::ALL)?;
        let mut count = 0;
        if options.parquet {
            let mut writer = ParquetWriter::create(out, &split, &dataset.extra_schema(&split)?, options.shard_bytes)?;
            for sample in samples {
                writer.write(sample?)?;
                count += 1;
                progress(&split, count);
            }
            done.files.extend(writer.finish()?);
        } else {
            let mut writer = RawWriter::create(out, &split)?;
            for sample in samples {
                done.kept += u64::from(!writer.write(&sample?)?);
                count += 1;
                progress(&split, count);
            }
            done.lost_columns.extend(writer.lost_columns().iter().cloned());
        }
        done.splits.push((split, count));
    }
    Ok(done)
}
