//! What several commands set up: datasets, resources, methods.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use socio_backend::{Cost, Segmenter, SharedEmbeddings, Vlm};
use socio_baselines::networks::Running;
use socio_baselines::reasoner::Reasoner;
use socio_baselines::registry::{self, Entry, Kind, Resources};
use socio_baselines::{
    CentreBox, Contestant, Exec, MapOcr, Models, OracleBox, PAPER_FOREGROUND_SHARE, Predictions, WholeImage,
};
use socio_baselines::{predictions, remote};
use socio_dataset::store::{Dataset, HubOptions};
use socio_dataset::{Hierarchy, files, stats};
use socio_harness::{ReplaySegmenter, ReplayVlm};
use socio_record::{ExitCode, MethodInfo, ModelInfo, Selection};

use super::asking;
use crate::cli::{DataArgs, HubArgs, MethodArgs, RemoteArgs, ResourceArgs, SelectArgs};
use crate::failure::Failure;
use crate::progress;

/// The embedded city.
pub(crate) const CITY: &str = "city";
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
        self.data.as_deref().unwrap_or(CITY)
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

pub(crate) fn resources(args: &ResourceArgs, deterministic: bool) -> Result<Resources, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Resources {
        models: models_folder(args.models.as_ref()),
        onnxruntime: args.onnxruntime.clone(),
        hub: HubOptions::from_env(),
        running: Running {
            device: args.device,
            dtype: args.dtype,
            batch: if deterministic { Some(1) } else { args.batch.map(|n| n as usize) },
            kept: args.keep.map(|mib| (mib as usize) << 20),
            ..Running::default()
        },
        threads: if deterministic { 1 } else { threads },
        remote: servers(&args.remote)?,
    })
}

/// How model servers are reached.
fn servers(args: &RemoteArgs) -> Result<remote::Options, Failure> {
    let own = remote::Options::default();
    let wrong = |e: serde_json::Error| Failure::usage(format!("--request-extra is no JSON object: {e}"));
    let most = args.server_load.map_or(own.max_in_flight, usize::from);
    Ok(remote::Options {
        endpoints: args.endpoint.clone(),
        dialect: args.server.unwrap_or_default(),
        key_variable: args.key_variable.clone().unwrap_or(own.key_variable),
        max_in_flight: most,
        first_in_flight: own.first_in_flight.min(most),
        tries: args.tries.unwrap_or(own.tries),
        timeout: args.request_timeout.unwrap_or(own.timeout),
        patience: args.patience.unwrap_or(own.patience),
        extra: args.request_extra.as_deref().map_or(Ok(own.extra), serde_json::from_str).map_err(wrong)?,
        seen: own.seen.filter(|_| !args.raw_images),
        ..own
    })
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

/// Models by name, each loaded once.
pub(crate) struct Loaded<'a> {
    recent: usize,
    resources: &'a Resources,
    segmenters: BTreeMap<String, Arc<dyn Segmenter>>,
    vlms: BTreeMap<String, Arc<dyn Vlm>>,
}

impl<'a> Loaded<'a> {
    pub(crate) fn new(resources: &'a Resources) -> Self {
        Self::keeping(resources, RECENT_IMAGES)
    }

    /// Models that keep the embeddings of so many images for the next query on them.
    pub(crate) fn keeping(resources: &'a Resources, recent: usize) -> Self {
        Self { recent, resources, segmenters: BTreeMap::new(), vlms: BTreeMap::new() }
    }

    /// Tells what servers were asked and what it cost.
    pub(crate) fn tell_costs(&self) {
        for (name, cost) in self.vlms.iter().filter_map(|(name, vlm)| Some((name, vlm.cost()?))) {
            let Cost { requests, answered, tries, prompt_tokens, completion_tokens, wasted_tokens, untold } = cost;
            let more = if untold > 0 { format!("; {untold} tries may have cost more") } else { String::new() };
            eprintln!(
                "{name}: {answered} of {requests} requests answered in {tries} tries; {prompt_tokens} prompt tokens, {completion_tokens} drawn, {wasted_tokens} wasted{more}"
            );
        }
    }

    fn segmenter(&mut self, name: &str) -> Result<Arc<dyn Segmenter>, Failure> {
        let recent = self.recent;
        once(&mut self.segmenters, name, || {
            let inner: Arc<dyn Segmenter> = match name.strip_prefix("replay:") {
                Some(run) => Arc::new(ReplaySegmenter::open(run.as_ref())?),
                None => registry::segmenter(name, self.resources)?,
            };
            Ok(Arc::new(SharedEmbeddings::new(inner, recent)))
        })
    }

    fn vlm(&mut self, name: &str) -> Result<Arc<dyn Vlm>, Failure> {
        once(&mut self.vlms, name, || match name.strip_prefix("replay:") {
            Some(run) => Ok(Arc::new(ReplayVlm::open(run.as_ref())?)),
            None => Ok(registry::vlm(name, self.resources)?),
        })
    }
}

/// The model of a name: as it was loaded, or loaded now.
fn once<T: ?Sized>(
    loaded: &mut BTreeMap<String, Arc<T>>,
    name: &str,
    load: impl FnOnce() -> Result<Arc<T>, Failure>,
) -> Result<Arc<T>, Failure> {
    if let Some(known) = loaded.get(name) {
        return Ok(Arc::clone(known));
    }
    let model = load()?;
    loaded.insert(name.to_owned(), Arc::clone(&model));
    Ok(model)
}

/// A method with its models, ready to be asked.
pub(crate) struct Ready {
    pub(crate) contestant: Contestant,
    pub(crate) models: Models,
    pub(crate) info: MethodInfo,
    /// The row with the models' whole names, where their last parts do not tell two rows apart.
    pub(crate) whole_label: String,
    pub(crate) model_infos: Vec<ModelInfo>,
    /// The method of which this one is the first stage, where it is.
    pub(crate) whole: Option<MethodInfo>,
}

/// The entry of a method's name, of one that can be asked.
pub(crate) fn entry(name: &str) -> Result<Entry, Failure> {
    let found = registry::entry(name)?.ok_or_else(|| {
        let known: Vec<String> = registry::methods()
            .unwrap_or_default()
            .into_iter()
            .filter(|e| e.kind != Kind::Predictions)
            .map(|e| e.name)
            .collect();
        Failure::usage(format!("there is no method `{name}`; there are {}", known.join(", ")))
    })?;
    if found.kind == Kind::Predictions {
        return Err(Failure::usage(format!(
            "`{name}` cannot be prompted ({}; {}): write its masks as <id>.png into a folder and run --method predictions:DIR",
            found.about, found.source
        )));
    }
    Ok(found)
}

/// Whom a method asks.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) vlm: Option<&'a str>,
    pub(crate) segmenter: Option<&'a str>,
}

/// Makes a method ready; `dataset` is where centre-box learns its size, where it has a train split.
pub(crate) fn ready(
    name: &str,
    asked: Asked<'_>,
    settings: &MethodArgs,
    loaded: &mut Loaded<'_>,
    dataset: Option<&Dataset>,
) -> Result<Ready, Failure> {
    let entry = entry(name)?;
    let mut parameters: BTreeMap<String, Value> = BTreeMap::new();
    let mut remarks = Vec::new();
    let mut whole = None;
    let mut models = Models::default();
    let mut model_infos = Vec::new();
    let asked = Asked { segmenter: asked.segmenter.filter(|_| entry.segmenter), vlm: asked.vlm.filter(|_| entry.vlm) };
    if entry.vlm {
        let Some(vlm) = asked.vlm else {
            let own = entry.checkpoint.as_ref().map_or(String::new(), |c| format!("; its checkpoint is {c}"));
            return Err(Failure::usage(format!("{name} asks a vision-language model: name one with --vlm{own}")));
        };
        let model = loaded.vlm(vlm)?;
        let caps = model.caps();
        model_infos.push(ModelInfo {
            role: "vlm".to_owned(),
            name: caps.name.clone(),
            fingerprint: caps.fingerprint.clone(),
        });
        if caps.max_images < 2 {
            return Err(Failure::new(
                ExitCode::BACKEND,
                format!("{} takes {} images, {name} shows two", caps.name, caps.max_images),
            ));
        }
        models.vlm = Some(model);
    }
    if let Some(segmenter) = asked.segmenter {
        let model = loaded.segmenter(segmenter)?;
        let caps = model.caps();
        model_infos.push(ModelInfo {
            role: "segmenter".to_owned(),
            name: caps.name.clone(),
            fingerprint: caps.fingerprint.clone(),
        });
        if entry.vlm && !caps.points {
            remarks.push(format!("{} takes no points: boxes alone reach it", caps.name));
        }
        models.segmenter = Some(model);
    }
    if entry.reader {
        let reader = registry::reader(&settings.reader, loaded.resources)?;
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
        _ => match (
            entry.name.as_str(),
            asking::prompted(name, &settings.asking, models.vlm.as_ref().and_then(|v| v.caps().square))?,
        ) {
            (_, Some(prompted)) => {
                parameters.extend(prompted.parameters);
                remarks.extend(prompted.defined.remarks);
                whole = prompted.whole;
                Contestant::Method(Box::new(Reasoner { settings: prompted.defined.settings }))
            }
            ("whole-image", _) => Contestant::Method(Box::new(WholeImage)),
            ("centre-box", _) => Contestant::Method(Box::new(size()?)),
            ("map-ocr", _) => Contestant::Method(Box::new(MapOcr { hierarchy: hierarchy()?, size: size()? })),
            ("oracle-box", _) => Contestant::Oracle(Box::new(OracleBox)),
            (other, _) => return Err(Failure::usage(format!("method `{other}` needs what follows the colon"))),
        },
    };
    let row = |told: fn(&str) -> &str| {
        let mut row = if entry.vlm { entry.name.clone() } else { name.to_owned() };
        if let Some(vlm) = asked.vlm {
            row = format!("{row} ({})", told(vlm));
        }
        // Stopped by an option, it needs a row, and a folder, of its own.
        if whole.as_ref().is_some_and(|w: &asking::Whole| w.name == entry.name) {
            row.push_str(", stage 1");
        }
        match asked.segmenter {
            Some(segmenter) if entry.vlm => format!("{row} + {}", told(segmenter)),
            Some(segmenter) => format!("{row} + {segmenter}"),
            None => row,
        }
    };
    let (label, whole_label) = (row(short), row(|name| name));
    let info = MethodInfo {
        name: if entry.vlm { entry.name.clone() } else { name.to_owned() },
        label,
        oracle: entry.kind == Kind::Oracle,
        reference: entry.kind == Kind::Reference,
        parameters,
        remarks,
    };
    let whole = whole.map(|w: asking::Whole| MethodInfo { name: w.name, parameters: w.parameters, ..info.clone() });
    Ok(Ready { contestant, models, info, whole_label, model_infos, whole })
}

/// The last part of a model's name, as rows of tables name it.
fn short(name: &str) -> &str {
    let bare = name.strip_prefix("candle:").unwrap_or(name).trim_end_matches('/');
    bare.rsplit('/').next().unwrap_or(bare)
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
