//! Recorded answers of other programs as a vision-language model: the released inference writes each sample's raw responses
//! to `result/stage1/<id>.txt` and `result/stage2/<id>.txt`, and what it said can be cut and scored here without a model.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use socio_backend::{BackendError, Completion, Vlm, VlmCaps, VlmReply, VlmRequest};
use socio_dataset::files::{self, FileError};
use socio_dataset::hash::{FieldHasher, sha256_hex};

use crate::reasoner::REFINE;

/// The folders of the two stages.
const STAGES: [&str; 2] = ["stage1", "stage2"];
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Answers each request with the text that is recorded for its sample and stage.
pub struct RecordedVlm {
    folder: PathBuf,
    caps: VlmCaps,
}

impl RecordedVlm {
    /// Opens a folder with `stage1` in it, and `stage2` where there is a second stage; all files are hashed.
    ///
    /// # Errors
    /// When there is no such folder, or a file cannot be read.
    pub fn open(folder: &Path) -> Result<Self, FileError> {
        let mut hasher = FieldHasher::default();
        for stage in STAGES {
            let place = folder.join(stage);
            if stage == STAGES[0] || place.is_dir() {
                for file in files::list(&place)?.into_iter().filter(|f| f.extension().is_some_and(|e| e == "txt")) {
                    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                    hasher = hasher.field(stage).field(name).field(sha256_hex(&files::read(&file)?));
                }
            }
        }
        let caps = VlmCaps {
            name: format!("answers:{}", folder.display()),
            max_batch: usize::MAX,
            max_images: usize::MAX,
            square: None,
            log_probabilities: false,
            deterministic: true,
            fingerprint: hasher.hex(16),
        };
        Ok(Self { folder: folder.to_owned(), caps })
    }

    fn text(&self, request: &VlmRequest) -> Result<String, BackendError> {
        let stage = STAGES[usize::from(request.stage == REFINE)];
        let missing = |what: String| BackendError::NotRecorded { run: self.folder.clone(), what };
        let id = &request.sample;
        if id.is_empty() || id.contains(['/', '\\']) || id == ".." {
            return Err(missing(format!("the id `{id}` cannot be the name of a file")));
        }
        let path = self.folder.join(stage).join(format!("{id}.txt"));
        match fs::metadata(&path) {
            Ok(about) if about.len() > LONGEST => Err(missing(format!("{stage}/{id}.txt is longer than 1 MiB"))),
            Ok(_) => files::read_text(&path).map_err(|e| missing(e.to_string())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(missing(format!("no file {stage}/{id}.txt"))),
            Err(e) => Err(missing(e.to_string())),
        }
    }
}

impl Vlm for RecordedVlm {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let reply = |request: &VlmRequest| {
            let completion = Completion::untold(self.text(request)?);
            Ok(VlmReply::untold(vec![completion; request.seeds.len()]))
        };
        requests.iter().map(reply).collect()
    }
}
