//! From names to ready methods and models; what is there, and why something is not.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use socio_backend::{BackendError, MapReader, NullReader, NullSegmenter, NullVlm, Offer, Role, Segmenter, Vlm};
use socio_dataset::store::HubOptions;
use socio_ort::{LiteMedSam, PpOcr, Runtime};

use crate::FillSegmenter;
use crate::networks::{self, Running};

/// Where models and libraries are.
#[derive(Debug, Clone)]
pub struct Resources {
    /// The folder that holds `lite_medsam/` and `ocr/`.
    pub models: PathBuf,
    /// The onnxruntime library, where the environment is not to be asked.
    pub onnxruntime: Option<PathBuf>,
    /// Threads that one model may use.
    pub threads: usize,
    /// How the Hugging Face hub is reached.
    pub hub: HubOptions,
    /// How networks on a tensor library run.
    pub running: Running,
}

impl Resources {
    fn runtime(&self) -> Result<Runtime, BackendError> {
        Runtime::load(self.onnxruntime.as_deref())
    }

    /// The folder of a model's files, checked to hold them.
    fn folder(&self, folder: &str, name: &str, files: &[&str]) -> Result<PathBuf, BackendError> {
        let place = self.models.join(folder);
        match files.iter().find(|f| !place.join(f).is_file()) {
            None => Ok(place),
            Some(missing) => Err(BackendError::Unavailable {
                backend: name.to_owned(),
                why: format!(
                    "no file {} (run `socio-bench models fetch {name}`, or name the folder above with --models)",
                    place.join(missing).display()
                ),
            }),
        }
    }

    fn lite_medsam(&self) -> Result<PathBuf, BackendError> {
        self.folder("lite_medsam", "lite-medsam", &["lite_medsam_encoder.onnx", "lite_medsam_decoder.onnx"])
    }

    fn pp_ocr(&self) -> Result<PathBuf, BackendError> {
        self.folder("ocr", "pp-ocrv5", &["ppocrv5_det.onnx", "ppocrv5_rec.onnx", "ppocr_keys_v5.txt"])
    }
}

/// Names of the segmenters, `replay:RUN` aside, which the harness adds.
pub const SEGMENTERS: [&str; 4] = ["fill", "lite-medsam", "candle:NAME", "null"];

/// A segmenter by name.
///
/// # Errors
/// When there is none of that name, or it is not available here.
pub fn segmenter(name: &str, resources: &Resources) -> Result<Arc<dyn Segmenter>, BackendError> {
    if let Some(what) = name.strip_prefix("candle:") {
        return networks::segmenter(what, resources);
    }
    match name {
        "fill" => Ok(Arc::new(FillSegmenter::default())),
        "null" => Ok(Arc::new(NullSegmenter::default())),
        "lite-medsam" => {
            let folder = resources.lite_medsam()?;
            Ok(Arc::new(LiteMedSam::load(&resources.runtime()?, &folder, resources.threads)?))
        }
        other => Err(unknown(other, &SEGMENTERS, "segmenter")),
    }
}

/// Names of the vision-language models, `replay:RUN` aside, which the harness adds.
pub const VLMS: [&str; 2] = ["candle:NAME", "null"];

/// A vision-language model by name.
///
/// # Errors
/// When there is none of that name, or it is not available here.
pub fn vlm(name: &str, resources: &Resources) -> Result<Arc<dyn Vlm>, BackendError> {
    match (name, name.strip_prefix("candle:")) {
        (_, Some(what)) => networks::vlm(what, resources),
        ("null", _) => Ok(Arc::new(NullVlm::default())),
        (other, _) => Err(unknown(other, &VLMS, "vision-language model")),
    }
}

/// Names of the map readers.
pub const READERS: [&str; 2] = ["pp-ocrv5", "null"];

/// A map reader by name.
///
/// # Errors
/// When there is none of that name, or it is not available here.
pub fn reader(name: &str, resources: &Resources) -> Result<Arc<dyn MapReader>, BackendError> {
    match name {
        "null" => Ok(Arc::new(NullReader)),
        "pp-ocrv5" => {
            let folder = resources.pp_ocr()?;
            Ok(Arc::new(PpOcr::load(&resources.runtime()?, &folder, resources.threads)?))
        }
        other => Err(unknown(other, &READERS, "map reader")),
    }
}

fn unknown(name: &str, known: &[&str], kind: &str) -> BackendError {
    BackendError::Unavailable {
        backend: name.to_owned(),
        why: format!("there is no {kind} of that name; there are {}", known.join(", ")),
    }
}

/// Every backend, with why one is not available. Model files are looked for, not loaded; onnxruntime is loaded.
pub fn offers(resources: &Resources) -> Vec<Offer> {
    let graph = |files: Result<PathBuf, BackendError>| files.and_then(|_| resources.runtime()).map(drop);
    let here = |what: &str| networks::here(what, resources);
    vec![
        Offer::checked(
            "candle:socioreasoner-3b",
            Role::Vlm,
            "SocioReasoner-3B, the paper's; a folder or OWNER/NAME works too",
            here("socioreasoner-3b"),
        ),
        Offer::checked(
            "candle:qwen2.5-vl-3b",
            Role::Vlm,
            "Qwen2.5-VL on candle; 7b, 32b and 72b too",
            here("qwen2.5-vl-3b"),
        ),
        Offer::checked(
            "candle:sam2-hiera-large",
            Role::Segmenter,
            "SAM 2 on candle; boxes and points; tiny, small, base-plus and sam2.1 too",
            here("sam2-hiera-large"),
        ),
        Offer::checked(
            "candle:mobile-sam",
            Role::Segmenter,
            "MobileSAM on candle; boxes and points; sam-vit-base, -large, -huge too",
            here("mobile-sam"),
        ),
        Offer::checked(
            "candle:lite-medsam",
            Role::Segmenter,
            "LiteMedSAM on candle; boxes; needs no library",
            here("lite-medsam"),
        ),
        Offer::ready("fill", Role::Segmenter, "fills its boxes"),
        Offer::checked(
            "lite-medsam",
            Role::Segmenter,
            "LiteMedSAM (TinyViT, 9.8 M parameters) on onnxruntime; boxes",
            graph(resources.lite_medsam()),
        ),
        Offer::checked(
            "pp-ocrv5",
            Role::MapReader,
            "PP-OCRv5 on onnxruntime; English and Chinese",
            graph(resources.pp_ocr()),
        ),
        Offer::ready("null", Role::Vlm, "answers at once; measures the harness"),
        Offer::ready("null", Role::Segmenter, "empty masks at once; measures the harness"),
        Offer::ready("null", Role::MapReader, "reads nothing; measures the harness"),
        Offer::ready("replay:RUN", Role::Vlm, "answers from a recorded run"),
        Offer::ready("replay:RUN", Role::Segmenter, "answers from a recorded run"),
    ]
}

/// What a method is to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A contestant.
    Method,
    /// A floor: never ranked.
    Reference,
    /// Sees the truth: marked, never ranked.
    Oracle,
}

/// A method of the list.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Entry {
    /// The name to choose it by.
    pub name: &'static str,
    /// What it is to a table.
    pub kind: Kind,
    /// Whether it prompts a segmenter.
    pub segmenter: bool,
    /// Whether it reads the map.
    pub reader: bool,
    /// What it does, in a line.
    pub about: &'static str,
}

/// Every method.
pub const METHODS: [Entry; 6] = [
    Entry {
        name: "whole-image",
        kind: Kind::Reference,
        segmenter: false,
        reader: false,
        about: "marks every pixel: a floor",
    },
    Entry {
        name: "centre-box",
        kind: Kind::Reference,
        segmenter: true,
        reader: false,
        about: "a box in the middle, as large as the training masks: a floor",
    },
    Entry {
        name: "oracle-box",
        kind: Kind::Oracle,
        segmenter: true,
        reader: false,
        about: "the true instance boxes prompt the segmenter: an upper reference",
    },
    Entry {
        name: "map-ocr",
        kind: Kind::Method,
        segmenter: true,
        reader: true,
        about: "reads the map, matches labels to the query, prompts the segmenter there",
    },
    Entry {
        name: "predictions:DIR",
        kind: Kind::Method,
        segmenter: false,
        reader: false,
        about: "scores DIR/<id>.png, masks of any other tool",
    },
    Entry {
        name: "exec:CMD",
        kind: Kind::Method,
        segmenter: true,
        reader: false,
        about: "asks a program of yours, JSON lines in and out",
    },
];

/// The entry of a method's name; `predictions:DIR` and `exec:CMD` by what stands before the colon.
pub fn entry(name: &str) -> Option<Entry> {
    let head = |n: &str| n.split(':').next().unwrap_or_default().to_owned();
    METHODS
        .into_iter()
        .find(|e| e.name == name || (e.name.contains(':') && name.contains(':') && head(e.name) == head(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_arguments_are_found() {
        assert_eq!(entry("exec:python m.py").unwrap().name, "exec:CMD");
        assert_eq!(entry("whole-image").unwrap().kind, Kind::Reference);
        assert!(entry("exec").is_none() && entry("whole-image:x").is_none() && entry("").is_none());
    }

    #[test]
    fn what_is_missing_says_what_to_do() {
        let resources = Resources {
            models: "no/such/folder".into(),
            onnxruntime: None,
            threads: 1,
            hub: HubOptions::from_env(),
            running: Running::default(),
        };
        let why = segmenter("lite-medsam", &resources).err().unwrap().to_string();
        assert!(why.contains("no/such/folder/lite_medsam") && why.contains("models fetch lite-medsam"), "{why}");
        let why = segmenter("sam3", &resources).err().unwrap().to_string();
        assert!(why.contains("there are fill, lite-medsam, candle:NAME, null"), "{why}");
    }
}
