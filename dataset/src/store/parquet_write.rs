//! Writing hub parquet that the Python `datasets` library opens with its image columns decoded.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, StructArray, new_null_array};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use arrow_select::concat::concat;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::{Map, Value, json};

use super::parquet_read::{COLUMNS, shard_name};
use super::{Encoded, Extras, FieldProblem, Image, StoreError};
use crate::files::{self, FileError};

/// The hub's viewer serves row groups of images best at 100 rows or fewer.
const GROUP_ROWS: usize = 100;
/// And no reader should have to hold much more than this for one.
const GROUP_BYTES: usize = 100 << 20;

/// Writes one split as `data/<split>-00000-of-0000N.parquet`, a suite's (`ood-...`) as `<suite>/test-...`. Shards are written under hidden names and renamed when all
/// are whole, because only then N is known.
pub struct ParquetWriter {
    folder: PathBuf,
    split: String,
    suite: bool,
    shard_bytes: usize,
    schema: SchemaRef,
    extra: SchemaRef,
    finished: Vec<PathBuf>,
    open: Option<ArrowWriter<File>>,
    group: Vec<Row>,
    group_bytes: usize,
    shard_size: usize,
}

struct Row {
    id: String,
    problem: String,
    images: [Image; 3],
    extras: Extras,
}

impl ParquetWriter {
    /// A writer of one split under `root`, with the extra columns of `extra`. A new shard begins after `shard_bytes`.
    ///
    /// # Errors
    /// When the folder cannot be created, or holds the split already.
    pub fn create(root: &Path, split: &str, extra: &SchemaRef, shard_bytes: usize) -> Result<Self, StoreError> {
        // A suite has a folder of its own, in which its split is `test`: a hub's split names allow no dash.
        let suite = super::is_suite(split);
        let (folder, split) = if suite { (root.join(split), "test") } else { (root.join("data"), split) };
        files::create_dir(&folder)?;
        let begins = format!("{split}-");
        if let Some(old) = files::list(&folder)?
            .into_iter()
            .find(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&begins)) && super::is_parquet(p))
        {
            return Err(StoreError::Exists(old));
        }
        Ok(Self {
            folder,
            split: split.to_owned(),
            suite,
            shard_bytes,
            schema: schema_with(extra),
            extra: Arc::clone(extra),
            finished: Vec::new(),
            open: None,
            group: Vec::new(),
            group_bytes: 0,
            shard_size: 0,
        })
    }

    /// Adds one sample; images keep their bytes.
    ///
    /// # Errors
    /// When a field of the sample is unusable or the disk refuses.
    pub fn write(&mut self, sample: Encoded) -> Result<(), StoreError> {
        let id = sample.id;
        let refuse = |field: &str, problem: FieldProblem| StoreError::Sample {
            id: id.clone(),
            why: format!("{field}: {problem}"),
        };
        let problem = sample.problem.map_err(|p| refuse("problem", p))?;
        let images = [
            sample.map.map_err(|p| refuse("map_image", p))?,
            sample.satellite.map_err(|p| refuse("sat_image", p))?,
            sample.mask.map_err(|p| refuse("mask_label", p))?,
        ];
        let size: usize = images.iter().map(|i| i.bytes.len()).sum();
        if self.group.len() == GROUP_ROWS
            || (!self.group.is_empty() && self.group_bytes + size > GROUP_BYTES.min(self.shard_bytes))
        {
            self.flush_group()?;
        }
        // The column says what the file's name says.
        let extras = if self.suite { sample.extras.with_text("split", "test") } else { sample.extras };
        self.group.push(Row { id, problem, images, extras });
        self.group_bytes += size;
        Ok(())
    }

    /// Writes what is left and gives the shards their names; returns their paths. A split without samples becomes one
    /// shard without rows.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, StoreError> {
        if !self.group.is_empty() || self.finished.is_empty() && self.open.is_none() {
            self.flush_group()?;
        }
        self.close_shard()?;
        let count = self.finished.len();
        let mut named = Vec::new();
        for (i, partial) in std::mem::take(&mut self.finished).into_iter().enumerate() {
            let path = self.folder.join(shard_name(&self.split, i, count));
            fs::rename(&partial, &path).map_err(FileError::because("write", &path))?;
            named.push(path);
        }
        Ok(named)
    }

    fn partial_path(&self, index: usize) -> PathBuf {
        self.folder.join(format!(".partial-{}-{index:05}.parquet", self.split))
    }

    /// Writes the rows so far as one row group.
    fn flush_group(&mut self) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.group);
        if self.open.is_some() && self.shard_size + self.group_bytes > self.shard_bytes {
            self.close_shard()?;
        }
        let path = self.partial_path(self.finished.len());
        let failed = |source: ParquetError| StoreError::Write { path: path.clone(), source };
        if self.open.is_none() {
            let file = File::create(&path).map_err(FileError::because("create", &path))?;
            let properties = properties(&self.schema);
            self.open = Some(ArrowWriter::try_new(file, Arc::clone(&self.schema), Some(properties)).map_err(failed)?);
            self.shard_size = 0;
        }
        let batch = self.batch(&rows)?;
        if let Some(writer) = self.open.as_mut() {
            writer.write(&batch).and_then(|()| writer.flush()).map_err(failed)?;
        }
        self.shard_size += std::mem::take(&mut self.group_bytes);
        Ok(())
    }

    fn close_shard(&mut self) -> Result<(), StoreError> {
        let path = self.partial_path(self.finished.len());
        if let Some(mut writer) = self.open.take() {
            let failed = |source: ParquetError| StoreError::Write { path: path.clone(), source };
            writer.finish().map_err(failed)?;
            writer.inner().sync_data().map_err(FileError::because("write", &path))?;
            self.finished.push(path);
        }
        Ok(())
    }

    fn batch(&self, rows: &[Row]) -> Result<RecordBatch, StoreError> {
        let text = |of: fn(&Row) -> &str| {
            let mut column = StringBuilder::new();
            for row in rows {
                column.append_value(of(row));
            }
            Arc::new(column.finish()) as ArrayRef
        };
        let image = |which: usize| {
            let (mut bytes, mut path) = (BinaryBuilder::new(), StringBuilder::new());
            for row in rows {
                bytes.append_value(&row.images[which].bytes);
                path.append_option(row.images[which].path.as_deref());
            }
            Arc::new(StructArray::new(image_fields(), vec![Arc::new(bytes.finish()), Arc::new(path.finish())], None))
                as ArrayRef
        };
        let mut columns = vec![text(|r| &r.id), text(|r| &r.problem), image(0), image(1), image(2)];
        for field in self.extra.fields() {
            let missing = new_null_array(field.data_type(), 1);
            let values: Vec<&dyn arrow_array::Array> =
                rows.iter().map(|r| r.extras.column(field.name()).unwrap_or(&missing).as_ref()).collect();
            columns.push(if values.is_empty() {
                new_null_array(field.data_type(), 0)
            } else {
                self.concat(rows, &values)?
            });
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| self.misfit(rows, &e.to_string()))
    }

    fn concat(&self, rows: &[Row], values: &[&dyn arrow_array::Array]) -> Result<ArrayRef, StoreError> {
        concat(values).map_err(|e| self.misfit(rows, &e.to_string()))
    }

    fn misfit(&self, rows: &[Row], why: &str) -> StoreError {
        let id = rows.first().map(|r| r.id.clone()).unwrap_or_default();
        StoreError::Columns { id, why: format!("split {}: {why}", self.split) }
    }
}

impl Drop for ParquetWriter {
    /// What was not finished is taken away.
    fn drop(&mut self) {
        let open = self.open.take().map(|_| self.partial_path(self.finished.len()));
        for partial in self.finished.drain(..).chain(open) {
            let _ = fs::remove_file(partial);
        }
    }
}

fn image_fields() -> Fields {
    vec![Field::new("bytes", DataType::Binary, true), Field::new("path", DataType::Utf8, true)].into()
}

/// SocioSeg's columns, then the extra ones, with the `huggingface` key that tells `datasets` which are images.
fn schema_with(extra: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = COLUMNS
        .iter()
        .map(|name| {
            let text = matches!(*name, "id" | "problem");
            let kind = if text { DataType::Utf8 } else { DataType::Struct(image_fields()) };
            Arc::new(Field::new(*name, kind, true))
        })
        .collect();
    fields.extend(extra.fields().iter().map(|f| Arc::new(f.as_ref().clone().with_nullable(true))));
    let told: Map<String, Value> = extra
        .metadata()
        .get("huggingface")
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .and_then(|v| v["info"]["features"].as_object().cloned())
        .unwrap_or_default();
    let mut features = Map::new();
    for field in &fields {
        let feature = match COLUMNS.iter().position(|c| c == field.name()) {
            Some(0 | 1) => json!({"dtype": "string", "_type": "Value"}),
            Some(_) => json!({"_type": "Image"}),
            None => told.get(field.name()).cloned().unwrap_or_else(|| feature_of(field.data_type())),
        };
        features.insert(field.name().clone(), feature);
    }
    let info = json!({"info": {"features": features}}).to_string();
    Arc::new(Schema::new(fields).with_metadata(std::collections::HashMap::from([("huggingface".to_owned(), info)])))
}

/// The `datasets` feature of an Arrow type.
fn feature_of(kind: &DataType) -> Value {
    let value = |dtype: &str| json!({"dtype": dtype, "_type": "Value"});
    match kind {
        DataType::Boolean => value("bool"),
        DataType::Float32 => value("float32"),
        DataType::Float64 => value("float64"),
        DataType::Binary => value("binary"),
        DataType::LargeBinary => value("large_binary"),
        DataType::LargeUtf8 => value("large_string"),
        DataType::Utf8 | DataType::Utf8View => value("string"),
        DataType::List(item) | DataType::LargeList(item) => {
            json!({"feature": feature_of(item.data_type()), "_type": "List"})
        }
        DataType::Struct(fields) => {
            Value::Object(fields.iter().map(|f| (f.name().clone(), feature_of(f.data_type()))).collect())
        }
        other => value(&other.to_string().to_lowercase()),
    }
}

fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("socio-bench {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(
            schema.metadata().get("huggingface").map(|v| vec![KeyValue::new("huggingface".to_owned(), v.clone())]),
        );
    for name in &COLUMNS[2..] {
        // Image files are compressed already; a dictionary or statistics of them would only cost.
        let bytes = ColumnPath::new(vec![(*name).to_owned(), "bytes".to_owned()]);
        properties = properties
            .set_column_compression(bytes.clone(), Compression::UNCOMPRESSED)
            .set_column_dictionary_enabled(bytes.clone(), false)
            .set_column_statistics_enabled(bytes, EnabledStatistics::None);
    }
    properties.build()
}
