//! What several commands set up: datasets, resources, methods.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use socio_backend::{Segmenter, SharedEmbeddings};
use socio_baselines::networks::Running;
use socio_baselines::predictions;
use socio_baselines::registry::{self, Entry, Kind, Resources};
use socio_baselines::{
    CentreBox, Contestant, Exec, MapOcr, Models, OracleBox, PAPER_FOREGROUND_SHARE, Predictions, WholeImage,
};
use socio_dataset::store::{Dataset, HubOptions};
use socio_dataset::{Hierarchy, files, stats};
use socio_harness::ReplaySegmenter;
use socio_record::{MethodInfo, ModelInfo, Selection};

use crate::cli::{DataArgs, HubArgs, MethodArgs, ResourceArgs, SelectArgs};
use crate::failure::Failure;
use crate::progress;

/// Images whose embedding is kept for the next query on them.
const RECENT_IMAGES: usize = 16;

pub(crate) fn dataset(data: &DataArgs) -> Result<Dataset, Failure> {
    open(data.location(), &data.hub)
}

/// Opens a folder on disk.
pub(crate) fn plain(folder: &Path) -> Result<Dataset, Failure> {
    Ok(Dataset::open(&folder.display().to_string(), &HubOptions::from_env())?)
}

impl DataArgs {
    /// Where the data is: the embedded city where nothing is given.
    pub(crate) fn location(&self) -> &str {
        self.data.as_deref().unwrap_or("city")
    }

    pub(crate) fn split(&self) -> &str {
        self.split.as_deref().unwrap_or("test")
    }
}

pub(crate) fn open(location: &str, hub: &HubArgs) -> Result<Dataset, Failure> {
    let mut options = HubOptions::from_env();
    options.revision.clone_from(&hub.revision);
    options.offline |= hub.offline;
    let bar = Mutex::new(None);
    options.progress = Some(Arc::new(move |name: &str, done, total| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| progress::bar(total, "download"));
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(name.to_owned());
    }));
    Ok(Dataset::open(location, &options)?)
}

pub(crate) fn selection(args: &SelectArgs) -> Result<Selection, Failure> {
    let mut ids = Vec::new();
    for id in &args.ids {
        match id.strip_prefix('@') {
            Some(file) => {
                let text = files::read_text(file.as_ref())?;
                ids.extend(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
            }
            None => ids.push(id.clone()),
        }
    }
    if !args.ids.is_empty() && ids.iter().all(String::is_empty) {
        return Err(Failure::usage("--ids names no sample: expected ids, or a file with an id a line"));
    }
    ids.sort();
    ids.dedup();
    let mut levels: Vec<String> = args.level.iter().map(|l| l.prefix().to_owned()).collect();
    levels.sort();
    levels.dedup();
    if args.limit == Some(0) {
        return Err(Failure::usage("--limit 0 chooses nothing: expected 1 or more"));
    }
    Ok(Selection { limit: args.limit, levels, ids })
}

/// The folder of model files: as given, else `SOCIO_MODELS`, else in the user's cache.
pub(crate) fn models_folder(given: Option<&PathBuf>) -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    given.cloned().or_else(|| set("SOCIO_MODELS")).unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(env::home_dir()?.join(".cache")));
        cache.unwrap_or_else(|| PathBuf::from(".")).join("socio-bench/models")
    })
}

pub(crate) fn resources(args: &ResourceArgs, deterministic: bool) -> Resources {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Resources {
        models: models_folder(args.models.as_ref()),
        onnxruntime: args.onnxruntime.clone(),
        hub: HubOptions::from_env(),
        running: Running {
            device: args.device,
            dtype: args.dtype,
            batch: deterministic.then_some(1),
            ..Running::default()
        },
        threads: if deterministic { 1 } else { threads },
    }
}

pub(crate) fn hierarchy() -> Result<Hierarchy, Failure> {
    Hierarchy::embedded().map_err(Failure::input)
}

/// Names given with commas between them; what follows `exec:` is one command, commas included, and a folder of
/// predictions may have commas too where it stands by itself.
pub(crate) fn method_names(given: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for value in given {
        let mut rest = value.as_str();
        let whole = |rest: &str| {
            let folder = rest.strip_prefix("predictions:").filter(|_| rest == value);
            rest.starts_with("exec:") || folder.is_some_and(|f| Path::new(f).is_dir())
        };
        while !whole(rest) {
            let Some((name, behind)) = rest.split_once(',') else { break };
            names.push(name.to_owned());
            rest = behind;
        }
        names.push(rest.to_owned());
    }
    names
}

/// Segmenters by name, each loaded once.
pub(crate) struct Segmenters<'a> {
    resources: &'a Resources,
    loaded: BTreeMap<String, Arc<dyn Segmenter>>,
}

impl<'a> Segmenters<'a> {
    pub(crate) fn new(resources: &'a Resources) -> Self {
        Self { resources, loaded: BTreeMap::new() }
    }

    pub(crate) fn get(&mut self, name: &str) -> Result<Arc<dyn Segmenter>, Failure> {
        if let Some(known) = self.loaded.get(name) {
            return Ok(Arc::clone(known));
        }
        let inner: Arc<dyn Segmenter> = match name.strip_prefix("replay:") {
            Some(run) => Arc::new(ReplaySegmenter::open(run.as_ref())?),
            None => registry::segmenter(name, self.resources)?,
        };
        let shared: Arc<dyn Segmenter> = Arc::new(SharedEmbeddings::new(inner, RECENT_IMAGES));
        self.loaded.insert(name.to_owned(), Arc::clone(&shared));
        Ok(shared)
    }
}

/// A method with its models, ready to be asked.
pub(crate) struct Ready {
    pub(crate) contestant: Contestant,
    pub(crate) models: Models,
    pub(crate) info: MethodInfo,
    pub(crate) model_infos: Vec<ModelInfo>,
}

/// The entry of a method's name.
pub(crate) fn entry(name: &str) -> Result<Entry, Failure> {
    registry::entry(name).ok_or_else(|| {
        let known: Vec<&str> = registry::METHODS.iter().map(|e| e.name).collect();
        Failure::usage(format!("there is no method `{name}`; there are {}", known.join(", ")))
    })
}

/// Makes a method ready; `dataset` is where centre-box learns its size, where it has a train split.
pub(crate) fn ready(
    name: &str,
    segmenter: Option<&str>,
    settings: &MethodArgs,
    segmenters: &mut Segmenters<'_>,
    dataset: Option<&Dataset>,
) -> Result<Ready, Failure> {
    let entry = entry(name)?;
    let mut parameters: BTreeMap<String, Value> = BTreeMap::new();
    let mut models = Models::default();
    let mut model_infos = Vec::new();
    if let Some(segmenter) = segmenter.filter(|_| entry.segmenter) {
        let loaded = segmenters.get(segmenter)?;
        let caps = loaded.caps();
        model_infos.push(ModelInfo {
            role: "segmenter".to_owned(),
            name: caps.name.clone(),
            fingerprint: caps.fingerprint.clone(),
        });
        models.segmenter = Some(loaded);
    }
    if entry.reader {
        let reader = registry::reader(&settings.reader, segmenters.resources)?;
        model_infos.push(ModelInfo {
            role: "map reader".to_owned(),
            name: reader.name().to_owned(),
            fingerprint: reader.fingerprint().to_owned(),
        });
        models.reader = Some(reader);
    }
    let mut size = || -> Result<CentreBox, Failure> {
        let (share, source) = centre_share(settings, dataset)?;
        parameters.insert("centre_share".to_owned(), json!(share));
        parameters.insert("centre_share_from".to_owned(), json!(source));
        Ok(CentreBox { share })
    };
    let contestant = match name.split_once(':') {
        Some(("predictions", folder)) => {
            if !std::path::Path::new(folder).is_dir() {
                return Err(Failure::input(format!("no folder of predictions at {folder}")));
            }
            parameters.insert("folder".to_owned(), json!(folder));
            parameters.insert("masks".to_owned(), json!(predictions::fingerprint(folder.as_ref())?));
            Contestant::Method(Box::new(Predictions { folder: folder.into() }))
        }
        Some(("exec", command)) => {
            parameters.insert("command".to_owned(), json!(command));
            Contestant::Method(Box::new(Exec::new(command, settings.exec_timeout)))
        }
        _ => match entry.name {
            "whole-image" => Contestant::Method(Box::new(WholeImage)),
            "centre-box" => Contestant::Method(Box::new(size()?)),
            "map-ocr" => Contestant::Method(Box::new(MapOcr { hierarchy: hierarchy()?, size: size()? })),
            "oracle-box" => Contestant::Oracle(Box::new(OracleBox)),
            other => return Err(Failure::usage(format!("method `{other}` needs what follows the colon"))),
        },
    };
    let label = match segmenter.filter(|_| entry.segmenter) {
        Some(segmenter) => format!("{name} + {segmenter}"),
        None => name.to_owned(),
    };
    let info = MethodInfo {
        name: name.to_owned(),
        label,
        oracle: entry.kind == Kind::Oracle,
        reference: entry.kind == Kind::Reference,
        parameters,
    };
    Ok(Ready { contestant, models, info, model_infos })
}

/// The share of the image that centre-box marks, and where it is from.
fn centre_share(settings: &MethodArgs, dataset: Option<&Dataset>) -> Result<(f64, &'static str), Failure> {
    if let Some(share) = settings.centre_share {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Failure::usage(format!("--centre-share {share}: expected a number above 0 and up to 1")));
        }
        return Ok((share, "given"));
    }
    if let Some(dataset) = dataset.filter(|d| d.splits().iter().any(|s| s == "train"))
        && let Some(share) = stats::foreground_share(dataset, "train")?
    {
        return Ok((share, "train split"));
    }
    Ok((PAPER_FOREGROUND_SHARE, "paper"))
}
