//! From names to ready methods and models; what is there, and why something is not.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use socio_backend::{BackendError, MapReader, NullReader, NullSegmenter, NullVlm, Offer, Role, Segmenter, Vlm};
use socio_dataset::store::HubOptions;
use socio_ort::{LiteMedSam, PpOcr, Runtime};
use socio_remote::Remote;

use crate::FillSegmenter;
use crate::answers::RecordedVlm;
use crate::definition::{Definition, DefinitionError};
use crate::networks::{self, Library, Running};
use crate::paced::PacedVlm;

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
    /// How model servers are reached.
    pub remote: socio_remote::Options,
}

impl Resources {
    pub(crate) fn runtime(&self) -> Result<Runtime, BackendError> {
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
pub const SEGMENTERS: [&str; 7] =
    ["fill", "lite-medsam", "candle:NAME", "tch:NAME", "ort:FOLDER", "OWNER/NAME", "null"];

/// A segmenter by name.
///
/// # Errors
/// When there is none of that name, or it is not available here.
pub fn segmenter(name: &str, resources: &Resources) -> Result<Arc<dyn Segmenter>, BackendError> {
    match name {
        "fill" => Ok(Arc::new(FillSegmenter::default())),
        "null" => Ok(Arc::new(NullSegmenter::default())),
        "lite-medsam" => {
            let folder = resources.lite_medsam()?;
            Ok(Arc::new(LiteMedSam::load(&resources.runtime()?, &folder, resources.threads)?))
        }
        other => match networks::named(other) {
            Some((library, what)) => networks::open(library, what, resources)?.segmenter(resources),
            None => Err(unknown(other, &SEGMENTERS, "segmenter")),
        },
    }
}

/// Names of the vision-language models, `replay:RUN` aside, which the harness adds.
pub const VLMS: [&str; 7] =
    ["candle:NAME", "tch:NAME", "ort:FOLDER", "remote:MODEL", "OWNER/NAME", "answers:DIR", "null"];

/// A vision-language model by name.
///
/// # Errors
/// When there is none of that name, or it is not available here.
pub fn vlm(name: &str, resources: &Resources) -> Result<Arc<dyn Vlm>, BackendError> {
    if let Some((speaks, computes)) = paced(name) {
        return Ok(Arc::new(PacedVlm::new(vlm(speaks, resources)?, vlm(computes, resources)?)));
    }
    if let Some(folder) = name.strip_prefix("answers:") {
        let open = RecordedVlm::open(folder.as_ref());
        let opened = open.map_err(|e| BackendError::Unavailable { backend: name.to_owned(), why: e.to_string() })?;
        return Ok(Arc::new(opened));
    }
    if let Some(model) = name.strip_prefix("remote:") {
        return Ok(Arc::new(Remote::connect(model, resources.remote.clone())?));
    }
    match (name, networks::named(name)) {
        ("null", _) => Ok(Arc::new(NullVlm::default())),
        (_, Some((library, what))) => networks::open(library, what, resources)?.vlm(resources),
        (other, None) => Err(unknown(other, &VLMS, "vision-language model")),
    }
}

/// Recorded answers and the model in whose time they come: `answers:DIR@candle:NAME`.
fn paced(name: &str) -> Option<(&str, &str)> {
    let (speaks, computes) = name.rsplit_once('@').filter(|(speaks, _)| speaks.starts_with("answers:"))?;
    (Library::ALL.iter().map(|l| l.name()).chain(["remote"]))
        .any(|l| computes.strip_prefix(l).is_some_and(|rest| rest.starts_with(':')))
        .then_some((speaks, computes))
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
    let mut offers = Vec::new();
    for library in Library::ALL {
        for (what, role, about) in NETWORKS {
            // As graphs there are no others (docs/backends.md).
            if library == Library::Ort && !matches!(what, "socioreasoner-3b" | "qwen2.5-vl-3b" | "sam2-hiera-large") {
                continue;
            }
            let name = format!("{}:{what}", library.name());
            let here = networks::here(library, what, resources).map_err(|e| match e {
                BackendError::Unavailable { why, .. } => why,
                other => other.to_string(),
            });
            offers.push(Offer::checked(&name, role, about, here));
        }
    }
    offers.extend([
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
        Offer::ready("answers:DIR", Role::Vlm, "answers from texts: stage1/<id>.txt and stage2/<id>.txt"),
        Offer::ready("replay:RUN", Role::Vlm, "answers from a recorded run"),
        Offer::ready("replay:RUN", Role::Segmenter, "answers from a recorded run"),
    ]);
    offers
}

/// The networks that a list of backends names, each on every library; others work too.
const NETWORKS: [(&str, Role, &str); 7] = [
    ("socioreasoner-nano-sft", Role::Vlm, "SocioReasoner-nano after SFT alone; part of the program"),
    ("sam2-nano", Role::Segmenter, "SAM-2-nano; boxes and points; part of the program"),
    ("socioreasoner-3b", Role::Vlm, "SocioReasoner-3B, the paper's; a folder or OWNER/NAME works too"),
    ("qwen2.5-vl-3b", Role::Vlm, "Qwen2.5-VL; 7b, 32b and 72b too"),
    ("sam2-hiera-large", Role::Segmenter, "SAM 2; boxes and points; tiny, small, base-plus and sam2.1 too"),
    ("mobile-sam", Role::Segmenter, "MobileSAM; boxes and points; sam-vit-base, -large, -huge too"),
    ("lite-medsam", Role::Segmenter, "LiteMedSAM; boxes"),
];

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
    /// Cannot be asked here: its masks come as a folder.
    Predictions,
}

/// A method of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The name to choose it by.
    pub name: String,
    /// What it is to a table.
    pub kind: Kind,
    /// Whether it asks a vision-language model.
    pub vlm: bool,
    /// Whether it prompts a segmenter.
    pub segmenter: bool,
    /// Whether it reads the map.
    pub reader: bool,
    /// What it does, in a line.
    pub about: String,
    /// Where it is from; empty for our own.
    pub source: String,
    /// The rows of the paper's tables that it answers to, as `1: SocioReasoner-3B`.
    pub paper: Vec<String>,
    /// The published checkpoint that is asked so, where there is one.
    pub checkpoint: Option<String>,
    /// What the paper's checkpoint of these rows was trained as, where that is not published.
    pub trained: Option<String>,
}

fn plain(name: &str, kind: Kind, [vlm, segmenter, reader]: [bool; 3], about: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        kind,
        vlm,
        segmenter,
        reader,
        about: about.to_owned(),
        source: String::new(),
        paper: Vec::new(),
        checkpoint: None,
        trained: None,
    }
}

fn defined(definition: Definition) -> Entry {
    Entry {
        source: definition.source,
        paper: definition.paper,
        checkpoint: definition.checkpoint,
        trained: definition.trained.map(|t| t.how),
        ..plain(&definition.name, Kind::Method, [true, true, false], &definition.about)
    }
}

/// Every method: ours, those that are prompted, and those that can only come as predictions.
///
/// # Errors
/// Never for a released build: a test reads all definitions.
pub fn methods() -> Result<Vec<Entry>, DefinitionError> {
    let no = [false, false, false];
    let segmenter = [false, true, false];
    let mut all = vec![
        plain("whole-image", Kind::Reference, no, "marks every pixel: a floor"),
        plain("centre-box", Kind::Reference, segmenter, "a box in the middle, as large as the training masks: a floor"),
        plain(
            "oracle-box",
            Kind::Oracle,
            segmenter,
            "the true instance boxes prompt the segmenter: an upper reference",
        ),
        plain(
            "map-ocr",
            Kind::Method,
            [false, true, true],
            "reads the map, matches labels to the query, prompts the segmenter there",
        ),
        plain("predictions:DIR", Kind::Method, no, "scores DIR/<id>.png, masks of any other tool"),
        plain("exec:CMD", Kind::Method, segmenter, "asks a program of yours, JSON lines in and out"),
        plain("FILE.toml", Kind::Method, [true, true, false], "a method of your own: prompts and a grammar"),
    ];
    all.extend(Definition::embedded()?.into_iter().map(defined));
    let outside: Outside = toml::from_str(include_str!("../outside.toml"))
        .map_err(|e| DefinitionError::Content { origin: "outside.toml".to_owned(), why: e.to_string() })?;
    all.extend(outside.method.into_iter().map(|m| Entry {
        source: m.source,
        paper: m.paper,
        ..plain(&m.name, Kind::Predictions, no, &m.about)
    }));
    Ok(all)
}

#[derive(Deserialize)]
struct Outside {
    method: Vec<OutsideMethod>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutsideMethod {
    name: String,
    about: String,
    source: String,
    paper: Vec<String>,
}

/// The entry of a method's name; `predictions:DIR` and `exec:CMD` by what stands before the colon, a file of one's own by
/// what it says. `None` where there is none of that name.
///
/// # Errors
/// When a file is no method.
pub fn entry(name: &str) -> Result<Option<Entry>, DefinitionError> {
    let head = |n: &str| n.split(':').next().unwrap_or_default().to_owned();
    let listed = methods()?
        .into_iter()
        .find(|e| e.name == name || (e.name.contains(':') && name.contains(':') && head(&e.name) == head(name)));
    match listed {
        Some(entry) => Ok(Some(entry)),
        None => match Definition::find(name)? {
            Some(own) if methods()?.iter().any(|e| e.name == own.name) => {
                let why = format!("name `{}` is that of a method of socio-bench: give it another", own.name);
                Err(DefinitionError::Content { origin: name.to_owned(), why })
            }
            found => Ok(found.map(defined)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_arguments_are_found() {
        let name = |asked: &str| entry(asked).unwrap().map(|e| e.name);
        assert_eq!(name("exec:python m.py").unwrap(), "exec:CMD");
        assert_eq!(name("socioreasoner").unwrap(), "socioreasoner");
        assert!(name("exec").is_none() && name("whole-image:x").is_none() && name("").is_none());
        assert!(entry("nowhere/mine.toml").is_err());
    }

    #[test]
    fn what_is_missing_says_what_to_do() {
        let resources = Resources {
            models: "no/such/folder".into(),
            onnxruntime: None,
            threads: 1,
            hub: HubOptions::from_env(),
            running: Running::default(),
            remote: socio_remote::Options::default(),
        };
        let why = segmenter("lite-medsam", &resources).err().unwrap().to_string();
        assert!(why.contains("no/such/folder/lite_medsam") && why.contains("models fetch lite-medsam"), "{why}");
        let why = segmenter("sam3", &resources).err().unwrap().to_string();
        assert!(
            why.contains("there are fill, lite-medsam, candle:NAME, tch:NAME, ort:FOLDER, OWNER/NAME, null"),
            "{why}"
        );
    }
}
