//! SocioSeg's raw layout: `{split}/<id>/{map,sat,mask}.png` and `question.json` with the field `problem`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::{Schema, SchemaRef};
use serde_json::{Map, Value};

use super::encoded::Origin;
use super::{Encoded, Extras, FieldProblem, Fields, Image, Samples, StoreError, extras, in_order};
use crate::files::{self, FileError};
use crate::picture;

#[derive(Debug)]
pub(super) struct RawStore {
    /// The folder of each split.
    splits: BTreeMap<String, PathBuf>,
    /// The extra columns of splits that were read: finding them takes every question of the split.
    columns: Mutex<BTreeMap<String, SchemaRef>>,
}

impl RawStore {
    /// A folder of split folders, or one split folder alone.
    pub(super) fn open(root: &Path) -> Result<Self, StoreError> {
        let mut splits = BTreeMap::new();
        for folder in files::list(root)?.into_iter().filter(|p| p.is_dir()) {
            if holds_samples(&folder)? {
                splits.insert(listed_name(&folder), folder);
            }
        }
        if splits.is_empty() && holds_samples(root)? {
            splits.insert(name_of(root), root.to_owned());
        }
        if splits.is_empty() {
            // Empty split folders are a set without samples, not an unknown layout.
            for split in ["train", "val", "test"] {
                if root.join(split).is_dir() {
                    splits.insert(split.to_owned(), root.join(split));
                }
            }
        }
        if splits.is_empty() {
            return Err(StoreError::UnknownLayout(root.to_owned()));
        }
        Ok(Self { splits, columns: Mutex::default() })
    }

    pub(super) fn splits(&self) -> Vec<String> {
        in_order(self.splits.keys().cloned().collect())
    }

    pub(super) fn extra_schema(&self, split: &str) -> Result<SchemaRef, StoreError> {
        let Some(folder) = self.splits.get(split) else { return Ok(Arc::new(Schema::empty())) };
        let mut known = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.get(split) {
            return Ok(Arc::clone(schema));
        }
        let rows: Vec<_> = sample_folders(folder)?.iter().filter_map(|f| question(f).ok()).map(|q| q.1).collect();
        let schema = extras::infer(rows.iter());
        known.insert(split.to_owned(), Arc::clone(&schema));
        Ok(schema)
    }

    pub(super) fn read<'a>(
        &'a self,
        split: &str,
        wanted: Option<&'a BTreeSet<String>>,
        fields: Fields,
    ) -> Result<Samples<'a>, StoreError> {
        let Some(folder) = self.splits.get(split) else { return Ok(Box::new(std::iter::empty())) };
        let schema = self.extra_schema(split)?;
        let folders = sample_folders(folder)?;
        Ok(Box::new(
            folders
                .into_iter()
                .filter(move |f| wanted.is_none_or(|w| w.contains(&listed_name(f))))
                .map(move |f| Ok(read_sample(f, fields, &schema))),
        ))
    }
}

/// The name under which a folder is listed; that of a link is the link's.
fn listed_name(folder: &Path) -> String {
    folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name of a folder that was given, as `.` may be.
fn name_of(folder: &Path) -> String {
    let absolute = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether some folder inside looks like a sample: any one of its four files is enough.
fn holds_samples(folder: &Path) -> Result<bool, StoreError> {
    Ok(sample_folders(folder)?
        .iter()
        .any(|f| ["question.json", "sat.png", "map.png", "mask.png"].iter().any(|n| f.join(n).is_file())))
}

/// The sample folders of a split, sorted by id; hidden ones (half-written) are passed over.
fn sample_folders(split: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let hidden = |p: &Path| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    Ok(files::list(split)?.into_iter().filter(|p| p.is_dir() && !hidden(p)).collect())
}

fn read_sample(folder: PathBuf, fields: Fields, schema: &SchemaRef) -> Encoded {
    let (problem, extra) = match question(&folder) {
        Ok((problem, extra)) => (problem, Extras::from_json(&extra, schema)),
        Err(problem) => (Err(problem), Extras::default()),
    };
    let image = |name: &str, wanted: bool| {
        if !wanted {
            return Err(FieldProblem::NotRead);
        }
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Image { bytes, path: Some(name.to_owned()) }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(FieldProblem::Missing),
            Err(e) => Err(FileError::because("read", path)(e).into()),
        }
    };
    Encoded {
        id: listed_name(&folder),
        problem,
        satellite: image("sat.png", fields.images),
        map: image("map.png", fields.images),
        mask: image("mask.png", fields.mask),
        extras: extra,
        origin: Origin { file: folder, row: None },
    }
}

type Question = (Result<String, FieldProblem>, Map<String, Value>);

/// The problem and the other fields of a sample's `question.json`.
fn question(folder: &Path) -> Result<Question, FieldProblem> {
    let path = folder.join("question.json");
    let text = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(FieldProblem::Missing),
        Err(e) => return Err(FileError::because("read", path)(e).into()),
    };
    let json = |why: String| FieldProblem::Json(format!("question.json {why}"));
    let mut fields: Map<String, Value> =
        serde_json::from_slice(&text).map_err(|e| json(format!("is not a JSON object: {e}")))?;
    let problem = match fields.remove("problem") {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        Some(Value::String(_)) => Err(json("has an empty `problem`".to_owned())),
        Some(_) => Err(json("has a `problem` that is not a text".to_owned())),
        None => Err(json("has no field `problem`".to_owned())),
    };
    Ok((problem, fields))
}

/// Writes samples in the raw layout, each folder whole or not at all. A sample that is there already is passed over, so
/// an interrupted conversion goes on where it stopped.
#[derive(Debug)]
pub struct RawWriter {
    folder: PathBuf,
    lost_columns: BTreeSet<String>,
}

impl RawWriter {
    /// A writer of one split under `root`.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn create(root: &Path, split: &str) -> Result<Self, StoreError> {
        if split.is_empty() || split.starts_with('.') || split.contains(['/', '\\']) {
            let why = format!("split `{split}` cannot be the name of a folder");
            return Err(StoreError::Sample { id: "any".to_owned(), why });
        }
        let folder = root.join(split);
        files::create_dir(&folder)?;
        Ok(Self { folder, lost_columns: BTreeSet::new() })
    }

    /// Extra columns that the raw layout cannot hold, met so far.
    pub fn lost_columns(&self) -> &BTreeSet<String> {
        &self.lost_columns
    }

    /// Writes one sample; images that are not PNG are decoded and written as PNG. Says whether it was new.
    ///
    /// # Errors
    /// When a field of the sample is unusable, its id cannot be a folder's name, or the disk refuses.
    pub fn write(&mut self, sample: &Encoded) -> Result<bool, StoreError> {
        let refuse = |why: String| StoreError::Sample { id: sample.id.clone(), why };
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
        if sample.id.is_empty() || sample.id.starts_with('.') || !sample.id.chars().all(plain) {
            return Err(refuse("its id cannot be the name of a folder (letters, digits, `_`, `-`, `.`)".to_owned()));
        }
        let place = self.folder.join(&sample.id);
        if place.exists() {
            return Ok(false);
        }
        let (mut fields, lost) = sample.extras.to_json();
        self.lost_columns.extend(lost);
        let text = sample.text().map_err(|e| refuse(e.to_string()))?;
        fields.insert("problem".to_owned(), Value::from(text));
        let question = Value::Object(fields).to_string();

        let partial = tempfile::Builder::new()
            .prefix(".partial-")
            .tempdir_in(&self.folder)
            .map_err(FileError::because("create a folder in", &self.folder))?;
        for (name, field, image) in [
            ("sat.png", "sat_image", &sample.satellite),
            ("map.png", "map_image", &sample.map),
            ("mask.png", "mask_label", &sample.mask),
        ] {
            let bytes = match image {
                Ok(image) => as_png(&image.bytes).map_err(|e| refuse(format!("{field}: {e}")))?,
                Err(problem) => return Err(refuse(format!("{field}: {problem}"))),
            };
            files::write(&partial.path().join(name), &bytes)?;
        }
        files::write(&partial.path().join("question.json"), question.as_bytes())?;
        files::publish_dir(partial, &place)?;
        Ok(true)
    }
}

fn as_png(bytes: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, picture::PictureError> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(bytes.into());
    }
    picture::to_png(&picture::decode_rgb(bytes)?).map(Into::into)
}
