//! Records as a Parquet table, for data frames: one row a record, counts at full precision, masks as COCO RLE text.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use socio_dataset::files::{self, FileError};
use socio_record::{Record, Rule, Run};

/// A table that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file system.
    #[error(transparent)]
    File(#[from] FileError),
    /// The writer.
    #[error("cannot write the Parquet table: {0}")]
    Parquet(#[from] ParquetError),
    /// The columns.
    #[error("cannot build the Parquet table: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}

/// Writes the records of some runs; returns how many.
///
/// # Errors
/// When the file system refuses.
pub fn export(runs: &[Run], path: &Path) -> Result<usize, ExportError> {
    let rows: Vec<(&Run, &Record)> = runs.iter().flat_map(|run| run.records.values().map(move |r| (run, r))).collect();
    let batch = batch(&rows)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    files::write_with(path, |file| {
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close()?;
        Ok::<_, ExportError>(())
    })?;
    Ok(rows.len())
}

type Rows<'a> = [(&'a Run, &'a Record)];

fn batch(rows: &Rows<'_>) -> Result<RecordBatch, ExportError> {
    let mut fields: Vec<Field> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut add = |name: &str, kind: DataType, column: ArrayRef| {
        fields.push(Field::new(name, kind, true));
        columns.push(column);
    };
    let text = |of: &dyn Fn(&Run, &Record) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|(run, r)| of(run, r)).collect::<StringArray>())
    };
    let whole = |of: &dyn Fn(&Record) -> Option<u64>| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, r)| of(r)).collect::<UInt64Array>())
    };
    add("run", DataType::Utf8, text(&|run, _| Some(run.manifest.id.clone())));
    add("method", DataType::Utf8, text(&|run, _| Some(run.manifest.method.label.clone())));
    add(
        "oracle",
        DataType::Boolean,
        Arc::new(rows.iter().map(|(run, _)| Some(run.manifest.method.oracle)).collect::<BooleanArray>()),
    );
    add("id", DataType::Utf8, text(&|_, r| Some(r.id.clone())));
    add("level", DataType::Utf8, text(&|_, r| r.level.map(|l| l.label().to_owned())));
    add("query", DataType::Utf8, text(&|_, r| Some(r.query.clone())));
    add("class", DataType::Utf8, text(&|_, r| r.class.clone()));
    add("function", DataType::Utf8, text(&|_, r| r.function.clone()));
    add("scene", DataType::Utf8, text(&|_, r| Some(r.scene.clone())));
    add("status", DataType::Utf8, text(&|_, r| Some(r.status.label().to_owned())));
    add("message", DataType::Utf8, text(&|_, r| r.message.clone()));
    add("intersection", DataType::UInt64, whole(&|r| r.score.map(|s| s.counts.intersection)));
    add("union", DataType::UInt64, whole(&|r| r.score.map(|s| s.counts.union)));
    add("truth_area", DataType::UInt64, whole(&|r| r.score.map(|s| s.truth_area)));
    add("predicted_area", DataType::UInt64, whole(&|r| r.score.map(|s| s.predicted_area)));
    for rule in Rule::ALL {
        let name = |part: &str| format!("{}_{part}", rule.label().replace('-', "_"));
        add(&name("matched"), DataType::UInt64, whole(&|r| r.score.map(|s| s.matches(rule).matched)));
        add(&name("predicted"), DataType::UInt64, whole(&|r| r.score.map(|s| s.matches(rule).predicted)));
        add(&name("truth"), DataType::UInt64, whole(&|r| r.score.map(|s| s.matches(rule).truth)));
    }
    add("stages", DataType::UInt64, whole(&|r| Some(r.stages.len() as u64)));
    add("text", DataType::Utf8, text(&|_, r| r.stages.last().and_then(|s| s.text.clone())));
    add("mask_rle", DataType::Utf8, text(&|_, r| r.stages.last().and_then(|s| serde_json::to_string(&s.mask).ok())));
    add("truth_rle", DataType::Utf8, text(&|_, r| r.truth.as_ref().and_then(|t| serde_json::to_string(t).ok())));
    let seconds = rows.iter().map(|(_, r)| r.timings.get("total").copied());
    add("seconds", DataType::Float64, Arc::new(seconds.collect::<Float64Array>()));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
