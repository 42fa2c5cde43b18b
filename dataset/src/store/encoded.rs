//! A sample as a store holds it: images still encoded, each field with its own error.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::Extras;
use crate::files::FileError;
use crate::mask::MaskError;
use crate::picture::{self, PictureError};
use crate::{Level, Mask, Query, Sample, Truth};

/// An encoded image of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The file's bytes, PNG or JPEG.
    pub bytes: Vec<u8>,
    /// The file name that the store gives it, as `sat.png`.
    pub path: Option<String>,
}

/// What is wrong with one field of a sample.
#[derive(Debug, thiserror::Error)]
pub enum FieldProblem {
    /// The file is not there, or the value is null.
    #[error("missing")]
    Missing,
    /// The field was not asked for.
    #[error("not read")]
    NotRead,
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// `question.json` is not JSON, or `problem` is not a text in it.
    #[error("{0}")]
    Json(String),
    /// The image does not decode.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The mask does not decode.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// The image is not of the satellite image's size.
    #[error("is {}x{} pixels, the satellite image {}x{}: they must be registered pixel by pixel", found.0, found.1, expected.0, expected.1)]
    Size {
        /// Width and height found.
        found: (u32, u32),
        /// Width and height of the satellite image.
        expected: (u32, u32),
    },
}

/// A field of a sample that cannot be used: where, which and why.
#[derive(Debug, thiserror::Error)]
#[error("sample `{id}` ({origin}), field {field}: {problem}")]
pub struct FieldError {
    /// The sample.
    pub id: String,
    /// The file (and row) it comes from.
    pub origin: String,
    /// `problem`, `sat_image`, `map_image` or `mask_label`.
    pub field: &'static str,
    /// What is wrong.
    pub problem: FieldProblem,
}

/// Where a sample comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// A folder (raw layout) or a parquet file.
    pub file: PathBuf,
    /// The row of a parquet file, from 0.
    pub row: Option<u64>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        self.row.map_or(Ok(()), |row| write!(f, " row {row}"))
    }
}

/// A sample whose images are still encoded. A field that could not be read holds its problem, so that one bad file
/// spoils one sample and a check can tell everything that is wrong with it.
#[derive(Debug)]
pub struct Encoded {
    /// The id.
    pub id: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The query text.
    pub problem: Result<String, FieldProblem>,
    /// The satellite image.
    pub satellite: Result<Image, FieldProblem>,
    /// The map.
    pub map: Result<Image, FieldProblem>,
    /// The mask.
    pub mask: Result<Image, FieldProblem>,
    /// Columns beside SocioSeg's own.
    pub extras: Extras,
}

impl Encoded {
    /// The level that the id's prefix tells.
    pub fn level(&self) -> Option<Level> {
        Level::of_id(&self.id)
    }

    /// The query text, or why there is none.
    ///
    /// # Errors
    /// When `problem` is missing or no text.
    pub fn text(&self) -> Result<&str, FieldError> {
        self.problem.as_deref().map_err(|p| self.error("problem", copy(p)))
    }

    /// Decodes the mask alone.
    ///
    /// # Errors
    /// When it is missing or does not decode.
    pub fn decode_mask(&self) -> Result<Mask, FieldError> {
        let image = self.mask.as_ref().map_err(|p| self.error("mask_label", copy(p)))?;
        Mask::from_image_bytes(&image.bytes).map_err(|e| self.error("mask_label", e.into()))
    }

    /// Decodes what a method sees. The map must be of the satellite image's size: they are registered.
    ///
    /// # Errors
    /// When a field is missing, does not decode or has another size.
    pub fn decode_query(&self) -> Result<Query, FieldError> {
        let text = self.text()?.to_owned();
        let rgb = |field, image: &Result<Image, FieldProblem>| {
            let image = image.as_ref().map_err(|p| self.error(field, copy(p)))?;
            picture::decode_rgb(&image.bytes).map_err(|e| self.error(field, e.into()))
        };
        let satellite = rgb("sat_image", &self.satellite)?;
        let map = rgb("map_image", &self.map)?;
        if map.dimensions() != satellite.dimensions() {
            let problem = FieldProblem::Size { found: map.dimensions(), expected: satellite.dimensions() };
            return Err(self.error("map_image", problem));
        }
        Ok(Query {
            id: self.id.clone(),
            text,
            level: self.level(),
            satellite: Arc::new(satellite),
            map: Some(Arc::new(map)),
        })
    }

    /// Decodes the whole sample. The mask must be of the satellite image's size.
    ///
    /// # Errors
    /// When a field is missing, does not decode or has another size.
    pub fn decode(&self) -> Result<Sample, FieldError> {
        let query = self.decode_query()?;
        let mask = self.decode_mask()?;
        if mask.size() != query.satellite.dimensions() {
            let problem = FieldProblem::Size { found: mask.size(), expected: query.satellite.dimensions() };
            return Err(self.error("mask_label", problem));
        }
        Ok(Sample { query, truth: Some(Truth { mask }) })
    }

    /// A hash of all that a run depends on: text, the encoded images and extra columns (16 hexadecimal characters). Fields
    /// that cannot be read count as such.
    pub fn fingerprint(&self) -> String {
        let bytes = |image: &Result<Image, FieldProblem>| match image {
            Ok(image) => crate::hash::sha256_hex(&image.bytes),
            Err(problem) => format!("! {problem}"),
        };
        crate::hash::FieldHasher::default()
            .field(self.problem.as_deref().unwrap_or("!"))
            .field(bytes(&self.satellite))
            .field(bytes(&self.map))
            .field(bytes(&self.mask))
            .field(self.extras.canonical())
            .hex(16)
    }

    /// The error of a field of this sample.
    pub fn error(&self, field: &'static str, problem: FieldProblem) -> FieldError {
        FieldError { id: self.id.clone(), origin: self.origin.to_string(), field, problem }
    }
}

/// A problem told again: a system's error does not clone, its text does.
fn copy(problem: &FieldProblem) -> FieldProblem {
    match problem {
        FieldProblem::Missing => FieldProblem::Missing,
        FieldProblem::NotRead => FieldProblem::NotRead,
        other => FieldProblem::Json(other.to_string()),
    }
}
