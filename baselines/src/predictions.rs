//! Masks from any other tool: a folder of images named by sample id.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use socio_dataset::files::{self, FileError};
use socio_dataset::hash::{FieldHasher, sha256_hex};
use socio_dataset::store::Encoded;
use socio_dataset::{Mask, Query};

use crate::Context;
use crate::method::{Answer, Failure, Method, Models, StageAnswer, StageObject};

/// Reads `<folder>/<id>.png`; any nonzero pixel is foreground.
pub struct Predictions {
    /// The folder.
    pub folder: PathBuf,
}

impl Method for Predictions {
    fn answer(&self, query: &Query, _: &Models, _: &mut Context) -> Result<Answer, Failure> {
        let path = path_of(&self.folder, &query.id)
            .ok_or_else(|| Failure::BadPrediction(format!("the id `{}` cannot be the name of a file", query.id)))?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::MissingPrediction(format!("no file {}", path.display())));
            }
            Err(e) => return Err(Failure::BadPrediction(FileError::because("read", path)(e).to_string())),
        };
        let mask =
            Mask::from_image_bytes(&bytes).map_err(|e| Failure::BadPrediction(format!("{}: {e}", path.display())))?;
        let object = StageObject { prompt: socio_backend::Prompt::default(), mask: mask.clone(), score: None };
        Ok(StageAnswer::new("answer", vec![object], mask).into())
    }
}

/// Where the prediction of a sample is; `None` for an id that would leave the folder.
fn path_of(folder: &Path, id: &str) -> Option<PathBuf> {
    let plain = !id.is_empty() && !id.contains(['/', '\\']) && id != "..";
    plain.then(|| folder.join(format!("{id}.png")))
}

/// A hash of all images of a folder of predictions, by name and content (16 hexadecimal characters): what a run over it
/// depends on.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn fingerprint(folder: &Path) -> Result<String, FileError> {
    let mut hasher = FieldHasher::default();
    for path in files::list(folder)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "png") && p.is_file()) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        hasher = hasher.field(name).field(sha256_hex(&files::read(&path)?));
    }
    Ok(hasher.hex(16))
}

/// One thing wrong with a folder of predictions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `P101` missing, `P102` does not decode, `P103` other size than the truth, `P201` no sample of that id, `P202`
    /// empty, `P203` values other than 0 and 255.
    pub code: &'static str,
    /// Whether a run over it would have failed samples, or resize.
    pub error: bool,
    /// The file.
    pub file: String,
    /// The sample, where there is one.
    pub id: Option<String>,
    /// What was found, and what was expected.
    pub message: String,
}

/// Checks the predictions for the given samples (with their masks read), and files that belong to none.
///
/// # Errors
/// When the folder cannot be listed.
pub fn validate<'a>(folder: &Path, samples: impl Iterator<Item = &'a Encoded>) -> Result<Vec<Finding>, FileError> {
    let mut findings = Vec::new();
    let mut known = BTreeSet::new();
    for sample in samples {
        let Some(path) = path_of(folder, &sample.id) else { continue };
        known.insert(path.clone());
        let mut find = |code: &'static str, message: String| {
            findings.push(Finding {
                code,
                error: code < "P2",
                file: path.display().to_string(),
                id: Some(sample.id.clone()),
                message,
            });
        };
        if !path.is_file() {
            find("P101", "missing: its sample would count as failed".to_owned());
            continue;
        }
        let decoded = files::read(&path)
            .map_err(|e| e.to_string())
            .and_then(|bytes| socio_dataset::picture::decode(&bytes).map_err(|e| e.to_string()));
        let image = match decoded {
            Ok(image) => image,
            Err(why) => {
                find("P102", why);
                continue;
            }
        };
        if let Ok(truth) = sample.decode_mask()
            && truth.size() != (image.width(), image.height())
        {
            let (w, h) = truth.size();
            find("P103", format!("{}x{} pixels, the truth has {w}x{h}", image.width(), image.height()));
        }
        if Mask::from_image(&image).is_ok_and(|m| m.is_empty()) {
            find("P202", "no pixel is set".to_owned());
        }
        let strays = socio_dataset::picture::grey(&image).iter().filter(|v| !matches!(v, 0 | 255)).count();
        if strays > 0 {
            find("P203", format!("{strays} pixels are neither 0 nor 255 (every nonzero pixel counts as foreground)"));
        }
    }
    for path in files::list(folder)?.into_iter().filter(|p| p.is_file() && !known.contains(p)) {
        findings.push(Finding {
            code: "P201",
            error: false,
            file: path.display().to_string(),
            id: None,
            message: "no chosen sample has this id: it is not scored".to_owned(),
        });
    }
    Ok(findings)
}
