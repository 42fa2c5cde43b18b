//! Hub parquet: `data/<split>-00000-of-0000N.parquet` with the columns `id, problem, map_image, sat_image, mask_label`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::errors::ParquetError;

use super::encoded::Origin;
use super::{Encoded, Extras, FieldProblem, Fields, Image, Samples, StoreError, in_order};
use crate::files::FileError;

/// SocioSeg's own columns, in the order in which we write them.
pub(super) const COLUMNS: [&str; 5] = ["id", "problem", "map_image", "sat_image", "mask_label"];

/// Rows decoded at a time: three images each, so a few megabytes.
const BATCH_ROWS: usize = 8;

#[derive(Debug)]
pub(super) struct ParquetStore {
    splits: BTreeMap<String, Vec<PathBuf>>,
}

impl ParquetStore {
    /// One file by itself: a shard too, without the others that its name promises.
    pub(super) fn open_one(file: &Path) -> Result<Self, StoreError> {
        let (builder, path) = builder(file)?;
        check_schema(builder.schema(), path)?;
        Ok(Self { splits: BTreeMap::from([(split_of(file).0, vec![file.to_owned()])]) })
    }

    pub(super) fn open(files: Vec<PathBuf>) -> Result<Self, StoreError> {
        let mut splits: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let mut promised: BTreeMap<String, (usize, PathBuf)> = BTreeMap::new();
        for file in files {
            let (split, shards) = split_of(&file);
            if let Some(n) = shards {
                promised.insert(split.clone(), (n, file.clone()));
            }
            splits.entry(split).or_default().push(file);
        }
        for (split, (expected, example)) in promised {
            let found = &splits[&split];
            for i in 0..expected {
                let name = shard_name(&split, i, expected);
                if !found.iter().any(|f| f.file_name().is_some_and(|n| *n == *name)) {
                    let missing = example.with_file_name(name).display().to_string();
                    return Err(StoreError::MissingShard { split, found: found.len(), expected, missing });
                }
            }
        }
        for file in splits.values().flatten() {
            let (builder, path) = builder(file)?;
            check_schema(builder.schema(), path)?;
        }
        Ok(Self { splits })
    }

    /// Adds a suite's files, a folder of its own whose only split has the folder's name here.
    pub(super) fn with_suite(mut self, name: &str, files: Vec<PathBuf>) -> Result<Self, StoreError> {
        for (split, files) in Self::open(files)?.splits {
            let name = if split == "test" { name.to_owned() } else { format!("{name}-{split}") };
            self.splits.insert(name, files);
        }
        Ok(self)
    }

    /// The files of a split.
    pub(super) fn files(&self, split: &str) -> &[PathBuf] {
        self.splits.get(split).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn splits(&self) -> Vec<String> {
        in_order(self.splits.keys().cloned().collect())
    }

    /// The extra columns of all files of a split; a file that lacks one has nulls in it.
    pub(super) fn extra_schema(&self, split: &str) -> Result<SchemaRef, StoreError> {
        let mut fields: Vec<Arc<Field>> = Vec::new();
        let mut told = std::collections::HashMap::new();
        for file in self.splits.get(split).into_iter().flatten() {
            let schema = Arc::clone(builder(file)?.0.schema());
            for field in schema.fields().iter().filter(|f| !COLUMNS.contains(&f.name().as_str())) {
                match fields.iter().find(|f| f.name() == field.name()) {
                    None => fields.push(Arc::clone(field)),
                    Some(known) if known.data_type() == field.data_type() => {}
                    Some(known) => {
                        let (name, here, there) = (field.name(), field.data_type(), known.data_type());
                        let why = format!("column `{name}` is of type {here} here and of type {there} in another file");
                        return Err(StoreError::Schema { path: file.clone(), why });
                    }
                }
            }
            told.extend(schema.metadata().clone());
        }
        Ok(Arc::new(Schema::new(fields).with_metadata(told)))
    }

    pub(super) fn read<'a>(&'a self, split: &str, wanted: Option<&'a BTreeSet<String>>, fields: Fields) -> Samples<'a> {
        let files = self.splits.get(split).map(Vec::as_slice).unwrap_or_default();
        Box::new(Rows { files: files.iter(), wanted, fields, open: None, ready: VecDeque::new() })
    }
}

/// The split of a file name, and how many shards it promises: `test-00001-of-00003.parquet` is `test` and 3.
fn split_of(file: &Path) -> (String, Option<usize>) {
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some((rest, count)) = stem.rsplit_once("-of-")
        && let (Some((split, index)), Ok(count)) = (rest.rsplit_once('-'), count.parse())
        && index.parse::<usize>().is_ok()
    {
        return (split.to_owned(), Some(count));
    }
    (stem, None)
}

/// The file name of a shard, as the hub's tools write it.
pub(super) fn shard_name(split: &str, index: usize, count: usize) -> String {
    format!("{split}-{index:05}-of-{count:05}.parquet")
}

type Builder = ParquetRecordBatchReaderBuilder<File>;

fn builder(path: &Path) -> Result<(Builder, &Path), StoreError> {
    let file = File::open(path).map_err(FileError::because("open", path))?;
    let builder = guarded(|| Builder::try_new(file)).map_err(corrupt(path, None))?;
    Ok((builder, path))
}

fn corrupt(path: &Path, row: Option<u64>) -> impl FnOnce(ParquetError) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Parquet { path, row, source }
}

/// A decoder that meets hostile bytes may panic where it should return an error; we make it one.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("the decoder gave up on corrupt data".to_owned())))
}

fn check_schema(schema: &Schema, path: &Path) -> Result<(), StoreError> {
    let wrong = |why: String| Err(StoreError::Schema { path: path.to_owned(), why });
    for name in COLUMNS {
        let Ok(field) = schema.field_with_name(name) else {
            let found: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            return wrong(format!("it has no column `{name}`; it has: {}", found.join(", ")));
        };
        let fits =
            if name == "id" || name == "problem" { is_text(field.data_type()) } else { is_image(field.data_type()) };
        if !fits {
            return wrong(format!("column `{name}` is of type {}", field.data_type()));
        }
    }
    Ok(())
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_bytes(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

fn is_image(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => {
            let typed = |name: &str, test: fn(&DataType) -> bool| {
                fields.iter().any(|f: &Arc<Field>| f.name() == name && test(f.data_type()))
            };
            typed("bytes", is_bytes) && fields.iter().all(|f| f.name() != "path" || is_text(f.data_type()))
        }
        other => is_bytes(other),
    }
}

/// Streams the rows of several files.
struct Rows<'a> {
    files: std::slice::Iter<'a, PathBuf>,
    wanted: Option<&'a BTreeSet<String>>,
    fields: Fields,
    open: Option<OpenFile<'a>>,
    ready: VecDeque<Encoded>,
}

struct OpenFile<'a> {
    path: &'a Path,
    reader: ParquetRecordBatchReader,
    /// Row numbers that are still to come, in order.
    rows: std::vec::IntoIter<u64>,
    at: u64,
}

impl Iterator for Rows<'_> {
    type Item = Result<Encoded, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(sample) = self.ready.pop_front() {
                return Some(Ok(sample));
            }
            if self.open.is_none() {
                match open(self.files.next()?, self.wanted, self.fields) {
                    Ok(file) => self.open = Some(file),
                    Err(e) => {
                        self.files = [].iter();
                        return Some(Err(e));
                    }
                }
            }
            let file = self.open.as_mut()?;
            match guarded(|| file.reader.next().transpose().map_err(ParquetError::from)) {
                Ok(Some(batch)) => {
                    let fields = self.fields;
                    let rows = (0..batch.num_rows()).map(|i| {
                        file.at = file.rows.next().unwrap_or(file.at + 1);
                        row(&batch, i, fields, Origin { file: file.path.to_owned(), row: Some(file.at) })
                    });
                    self.ready.extend(rows);
                }
                Ok(None) => self.open = None,
                Err(e) => {
                    let error = corrupt(file.path, Some(file.at))(e);
                    self.open = None;
                    self.files = [].iter();
                    return Some(Err(error));
                }
            }
        }
    }
}

fn open<'a>(path: &'a Path, wanted: Option<&BTreeSet<String>>, fields: Fields) -> Result<OpenFile<'a>, StoreError> {
    let (builder, _) = builder(path)?;
    let all = builder.metadata().file_metadata().num_rows().unsigned_abs();
    let (selection, rows) = match wanted {
        None => (None, (0..all).collect()),
        Some(wanted) => {
            let keep = wanted_rows(path, wanted)?;
            let rows: Vec<u64> = (0..all).filter(|i| keep.get(*i as usize) == Some(&true)).collect();
            (Some(selection(&keep)), rows)
        }
    };
    let left_out: &[&str] = match (fields.images, fields.mask) {
        (true, true) => &[],
        (true, false) => &["mask_label"],
        (false, true) => &["map_image", "sat_image"],
        (false, false) => &["map_image", "sat_image", "mask_label"],
    };
    let roots = builder.schema().fields().iter().enumerate();
    let roots: Vec<usize> = roots.filter(|(_, f)| !left_out.contains(&f.name().as_str())).map(|(i, _)| i).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let mut builder = builder.with_batch_size(BATCH_ROWS).with_projection(mask);
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    let reader = guarded(|| builder.build()).map_err(corrupt(path, None))?;
    Ok(OpenFile { path, reader, rows: rows.into_iter(), at: 0 })
}

/// For each row of a file, whether its id is wanted; reads the id column alone.
fn wanted_rows(path: &Path, wanted: &BTreeSet<String>) -> Result<Vec<bool>, StoreError> {
    let (builder, _) = builder(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["id"]);
    let reader = guarded(|| builder.with_projection(mask).build()).map_err(corrupt(path, None))?;
    let mut keep = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|e| corrupt(path, Some(keep.len() as u64))(e.into()))?;
        for i in 0..batch.num_rows() {
            keep.push(text(batch.column(0), i).is_some_and(|id| wanted.contains(id)));
        }
    }
    Ok(keep)
}

fn selection(keep: &[bool]) -> RowSelection {
    let runs = keep.chunk_by(|a, b| a == b);
    let selectors: Vec<RowSelector> =
        runs.map(|run| if run[0] { RowSelector::select(run.len()) } else { RowSelector::skip(run.len()) }).collect();
    selectors.into()
}

fn row(batch: &RecordBatch, i: usize, fields: Fields, origin: Origin) -> Encoded {
    let column = |name: &str| batch.column_by_name(name);
    let image = |name: &str, wanted: bool| match column(name) {
        _ if !wanted => Err(FieldProblem::NotRead),
        Some(array) => image(array, i).ok_or(FieldProblem::Missing),
        None => Err(FieldProblem::Missing),
    };
    let problem = match column("problem").and_then(|c| text(c, i)) {
        Some(text) if text.trim().is_empty() => Err(FieldProblem::Json("is an empty text".to_owned())),
        Some(text) => Ok(text.to_owned()),
        None => Err(FieldProblem::Missing),
    };
    Encoded {
        id: column("id").and_then(|c| text(c, i)).unwrap_or_default().to_owned(),
        problem,
        satellite: image("sat_image", fields.images),
        map: image("map_image", fields.images),
        mask: image("mask_label", fields.mask),
        extras: extras(batch, i),
        origin,
    }
}

fn extras(batch: &RecordBatch, i: usize) -> Extras {
    let schema = batch.schema();
    let others = schema.fields().iter().enumerate().filter(|(_, f)| !COLUMNS.contains(&f.name().as_str()));
    let others: Vec<usize> = others.map(|(i, _)| i).collect();
    batch.project(&others).map_or_else(|_| Extras::default(), |b| Extras::of_row(b.slice(i, 1)))
}

fn text(array: &ArrayRef, i: usize) -> Option<&str> {
    if array.is_null(i) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(i)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(i)),
        DataType::Utf8View => Some(array.as_string_view().value(i)),
        _ => None,
    }
}

fn bytes(array: &ArrayRef, i: usize) -> Option<Vec<u8>> {
    if array.is_null(i) {
        return None;
    }
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(i).to_vec()),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(i).to_vec()),
        DataType::BinaryView => Some(array.as_binary_view().value(i).to_vec()),
        _ => None,
    }
}

fn image(array: &ArrayRef, i: usize) -> Option<Image> {
    match array.as_any().downcast_ref::<StructArray>() {
        Some(image) if image.is_valid(i) => Some(Image {
            bytes: bytes(image.column_by_name("bytes")?, i)?,
            path: image.column_by_name("path").and_then(|p| text(p, i)).map(str::to_owned),
        }),
        Some(_) => None,
        None => Some(Image { bytes: bytes(array, i)?, path: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_names_are_the_hubs() {
        assert_eq!(split_of(Path::new("data/test-00001-of-00003.parquet")), ("test".to_owned(), Some(3)));
        assert_eq!(split_of(Path::new("ood-region.parquet")), ("ood-region".to_owned(), None));
        assert_eq!(shard_name("val", 0, 2), "val-00000-of-00002.parquet");
    }

    #[test]
    fn a_missing_shard_is_named() {
        let files =
            vec![PathBuf::from("d/test-00000-of-00003.parquet"), PathBuf::from("d/test-00002-of-00003.parquet")];
        let error = ParquetStore::open(files).unwrap_err().to_string();
        assert!(error.contains("2 of 3 shards: d/test-00001-of-00003.parquet is missing"), "{error}");
    }
}
