//! `run`, `score`, `validate-predictions`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use socio_baselines::predictions;
use socio_dataset::city::Spec;
use socio_dataset::files;
use socio_dataset::hash::sha256_hex;
use socio_dataset::store::{Dataset, Fields};
use socio_harness::{
    Event, Job, QueueOptions, Scored, Set, Share, Suite, choose, clear_queue, code, execute, fingerprint, machine,
};
use socio_record::{
    Data, ExitCode, Manifest, RECORD_SCHEMA, Run, SCHEMA, SampleEntry, Selection, SetInfo, Status, forget,
};
use socio_reports::digest::Digest;
use socio_reports::metrics::Profile;
use socio_reports::table::{Format, render};

use super::setup::CITY;
use super::{report, setup};
use crate::cli::{
    AskingArgs, DataArgs, HubArgs, MethodArgs, ReportOptions, ResourceArgs, RunArgs, RunningArgs, ScoreArgs, SelectArgs,
};
use crate::failure::{Failure, Outcome};
use crate::progress;

/// What is run on: a dataset, the chosen samples, and their hash.
struct On<'a> {
    dataset: &'a Dataset,
    split: &'a str,
    set: Option<SetInfo>,
    selection: Selection,
    samples: Vec<SampleEntry>,
    fingerprint: String,
}

/// One set to run on: where it is, and what the suite says of it.
struct Place {
    location: String,
    split: String,
    set: Option<SetInfo>,
    levels: Vec<String>,
    limit: Option<usize>,
}

/// One run of a command.
type Planned = socio_harness::Row;

pub(crate) fn run(args: RunArgs) -> Outcome {
    let runs = perform(&args, None)?;
    tell(&runs, &args.report, &args.running)
}

/// Makes the runs of a command; with `only`, those of that run's method and set alone.
pub(crate) fn perform(args: &RunArgs, only: Option<&Manifest>) -> Result<Vec<Run>, Failure> {
    let suite = args.suite.as_deref().map(Suite::open).transpose()?;
    let or = |given: &[String], suite: Option<&Vec<String>>, default: &[&str]| -> Vec<String> {
        match suite.filter(|s| !s.is_empty()) {
            _ if !given.is_empty() => given.to_vec(),
            Some(suite) => suite.clone(),
            None => default.iter().map(|d| (*d).to_owned()).collect(),
        }
    };
    let methods = or(&args.method, suite.as_ref().map(|s| &s.methods), &["whole-image", "centre-box", "oracle-box"]);
    let segmenters = or(&args.segmenter, suite.as_ref().map(|s| &s.segmenters), &["fill"]);
    let mut plan: Vec<Planned> = Vec::new();
    // The models that are part of the program know the embedded city, and no other place.
    let own = args.method.is_empty() && args.vlm.is_empty() && args.segmenter.is_empty();
    let city = args.data.data.as_deref().is_none_or(|d| d == CITY || d.starts_with("city:"));
    let rows = suite.as_ref().map(|s| s.city.as_slice()).filter(|rows| own && city && !rows.is_empty());
    plan.extend(rows.unwrap_or_default().iter().filter(|r| only.is_none_or(|o| o.method.name == r.method)).cloned());
    let methods = if rows.is_some() { Vec::new() } else { methods };
    for method in setup::method_names(&methods) {
        let entry = setup::entry(&method)?;
        let name = if entry.vlm { &entry.name } else { &method };
        if only.is_some_and(|o| o.method.name != *name) {
            continue;
        }
        // A method that asks nobody runs once; one that asks, once with each.
        let each = |wanted: bool, names: &[String]| -> Vec<Option<String>> {
            if wanted && !names.is_empty() { names.iter().cloned().map(Some).collect() } else { vec![None] }
        };
        for vlm in each(entry.vlm, &args.vlm) {
            for segmenter in each(entry.segmenter, &segmenters) {
                plan.push(Planned { method: method.clone(), vlm: vlm.clone(), segmenter, trained: false });
            }
        }
    }
    let places = match &suite {
        Some(suite) => suite.sets.iter().map(|set| place_of(suite, set, args.data.data.as_deref())).collect(),
        None => vec![place(&args.data)],
    };
    let set_of = |m: &Manifest| m.set.as_ref().map(|s| s.name.clone());
    let places: Vec<Place> = places;
    let wanted = |p: &Place| only.is_none_or(|o| set_of(o) == p.set.as_ref().map(|s| s.name.clone()));
    let places: Vec<Place> = places.into_iter().filter(wanted).collect();
    let settings = (&args.select, &args.settings, &args.resources);
    go(&plan, &places, &args.data.hub, settings, &args.report, &args.running, only)
}

fn place(data: &DataArgs) -> Place {
    Place {
        location: data.location().to_owned(),
        split: data.split().to_owned(),
        set: None,
        levels: Vec::new(),
        limit: None,
    }
}

fn place_of(suite: &Suite, set: &Set, given: Option<&str>) -> Place {
    let info = SetInfo { suite: suite.name.clone(), name: set.name.clone(), title: set.title.clone() };
    Place {
        location: set.location(suite, given),
        split: set.split.clone(),
        set: Some(info),
        levels: set.levels.clone(),
        limit: set.limit,
    }
}

pub(crate) fn score(args: ScoreArgs) -> Outcome {
    run(as_run(args))
}

/// The run that `score` is: of the method that takes masks from a folder.
pub(crate) fn as_run(args: ScoreArgs) -> RunArgs {
    let settings = MethodArgs {
        asking: AskingArgs::default(),
        reader: "null".to_owned(),
        seed: 42,
        centre_share: None,
        exec_timeout: std::time::Duration::ZERO,
    };
    RunArgs {
        data: args.data,
        suite: None,
        method: vec![format!("predictions:{}", args.folder.display())],
        segmenter: Vec::new(),
        vlm: Vec::new(),
        select: args.select,
        settings,
        resources: ResourceArgs::default(),
        report: args.report,
        running: args.running,
    }
}

/// Samples worked on at once with a model server, where nothing else is said.
const REMOTE: usize = 32;

fn go(
    plan: &[Planned],
    places: &[Place],
    hub: &HubArgs,
    (select, settings, resources): (&SelectArgs, &MethodArgs, &ResourceArgs),
    options: &ReportOptions,
    running: &RunningArgs,
    only: Option<&Manifest>,
) -> Result<Vec<Run>, Failure> {
    let profile = options.profile.as_deref().map_or(Ok(Profile::STRICT), Profile::named).map_err(Failure::usage)?;
    if running.in_flight == Some(0) {
        return Err(Failure::usage("--in-flight 0 works on nothing: expected 1 or more"));
    }
    let remote = plan.iter().any(|p| p.vlm.as_deref().is_some_and(|v| v.starts_with("remote:")));
    let running = &RunningArgs { in_flight: Some(in_flight(running, resources, remote)), ..running.clone() };
    let selection = setup::selection(select)?;
    let mut resources = setup::resources(resources, running.deterministic)?;
    resources.hub.offline |= hub.offline;
    let mut loaded = setup::Loaded::new(&resources);
    // Everything that can be missing is found missing before anything runs. A dataset is opened once.
    let mut datasets: BTreeMap<&str, Dataset> = BTreeMap::new();
    for place in places {
        if !datasets.contains_key(place.location.as_str()) {
            datasets.insert(&place.location, setup::open(&place.location, hub)?);
        }
    }
    let mut all = Vec::new();
    for place in places {
        let dataset = &datasets[place.location.as_str()];
        let selection = narrowed(&selection, place);
        let ids = choose(dataset, &place.split, &selection)?;
        let mut ready = Vec::new();
        for one in plan {
            let asked = setup::Asked { vlm: one.vlm.as_deref(), segmenter: one.segmenter.as_deref() };
            let mut settings = settings.clone();
            settings.asking.trained_as.extend(one.trained.then(|| one.method.clone()));
            ready.push(setup::ready(&one.method, asked, &settings, &mut loaded, Some(dataset))?);
        }
        tell_apart(&mut ready);
        let bar = progress::bar(ids.len() as u64, "hash inputs");
        let (samples, fingerprint) = fingerprint(dataset, &place.split, &ids, |n| bar.set_position(n as u64))?;
        bar.finish_and_clear();
        let on = On { dataset, split: &place.split, set: place.set.clone(), selection, samples, fingerprint };
        let mut names = names(&on, &ready, running)?;
        if let (Some(name), true) = (&running.name, only.is_some()) {
            // One run made again has just the name that it was given.
            names.fill(name.clone());
        }
        all.push((on, ready, names));
    }
    let mut runs = Vec::new();
    for (on, ready, names) in &all {
        for (one, name) in ready.iter().zip(names) {
            if only.is_some_and(|o| o.method.label != one.info.label) {
                continue;
            }
            runs.push(execute_one(on, one, settings.seed, only, profile, running, &running.runs.join(name))?);
        }
    }
    loaded.tell_costs();
    Ok(runs)
}

/// Samples worked on at once: enough for the batch that a model computes, or for a server to have something to batch.
fn in_flight(running: &RunningArgs, resources: &ResourceArgs, remote: bool) -> usize {
    if running.deterministic {
        return 1;
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let batch = resources.batch.map_or(if remote { REMOTE } else { 1 }, |n| n as usize);
    running.in_flight.unwrap_or(threads.max(batch))
}

/// Prints the tables of the runs, and where they are.
fn tell(runs: &[Run], options: &ReportOptions, running: &RunningArgs) -> Outcome {
    let told = report::options(options)?;
    let digests: Vec<Digest> = runs.iter().map(Digest::of).collect();
    let report = socio_reports::report(&digests, &told).map_err(Failure::input)?;
    report::warn_without(&report, options);
    let format = if running.json { Format::Json } else { Format::Terminal { styled: progress::styled() } };
    say_part!("{}", render(&report.tables, format));
    if !running.json {
        for run in runs {
            say!("{}", run.path.display());
        }
    }
    verdict(runs, running)
}

/// Gives rows of one label, which are of models with one last name, their models' whole names.
fn tell_apart(ready: &mut [setup::Ready]) {
    let labels: Vec<String> = ready.iter().map(|r| r.info.label.clone()).collect();
    for one in ready {
        if labels.iter().filter(|l| **l == one.info.label).count() > 1 {
            one.info.label.clone_from(&one.whole_label);
        }
    }
}

/// The user's selection within the suite's: levels of both, the smaller limit.
fn narrowed(selection: &Selection, place: &Place) -> Selection {
    let mut narrow = selection.clone();
    if narrow.levels.is_empty() {
        narrow.levels.clone_from(&place.levels);
    } else if !place.levels.is_empty() {
        narrow.levels.retain(|l| place.levels.contains(l));
        // Nothing in common is told as such, and not taken for "all".
        if narrow.levels.is_empty() {
            narrow.levels.push("none".to_owned());
        }
    }
    narrow.limit = [narrow.limit, place.limit].into_iter().flatten().min();
    narrow
}

fn execute_one(
    on: &On<'_>,
    ready: &setup::Ready,
    seed: u64,
    only: Option<&Manifest>,
    profile: Profile,
    running: &RunningArgs,
    folder: &Path,
) -> Result<Run, Failure> {
    let manifest = Manifest {
        schema: SCHEMA,
        record_schema: RECORD_SCHEMA,
        id: String::new(),
        code: code(),
        data: Data {
            location: on.dataset.location().to_owned(),
            kind: on.dataset.kind().to_owned(),
            revision: on.dataset.revision().map(str::to_owned),
            split: on.split.to_owned(),
            fingerprint: on.fingerprint.clone(),
            samples: on.samples.len(),
        },
        set: on.set.clone(),
        selection: on.selection.clone(),
        method: ready.info.clone(),
        models: ready.model_infos.clone(),
        seed,
        profile: profile.name.to_owned(),
        machine: machine(),
        // A run made again is of the command that made the first.
        command: only.map_or_else(own_command, |o| o.command.clone()),
    }
    .with_id();
    let whole = match &ready.whole {
        // A run that is made again asks anew.
        Some(_) if only.is_some() => None,
        Some(whole) => finished(&running.runs, &Manifest { method: whole.clone(), ..manifest.clone() }.with_id())?,
        None => None,
    };
    if running.fresh {
        forget(folder)?;
        clear_queue(folder, "forgotten");
    }
    let share = if running.sharing.queue {
        let term = std::time::Duration::from_secs(u64::from(running.sharing.lease));
        Share::Queue(QueueOptions { term, ..QueueOptions::default() })
    } else {
        Share::Shard(running.sharing.shard)
    };
    if let Some(found) = whole {
        eprintln!("{}: stage 1 of the finished run {}, from its log", folder.display(), found.path.display());
        return Ok(socio_harness::first_stage(&found, folder, &manifest, &on.samples, share.shard())?);
    }
    let hierarchy = setup::hierarchy()?;
    let job = Job {
        dataset: on.dataset,
        samples: &on.samples,
        manifest: &manifest,
        scored: Scored { contestant: &ready.contestant, models: &ready.models, seed, hierarchy: &hierarchy },
        share,
        in_flight: running.in_flight.unwrap_or(1),
        folder,
    };
    let bar = progress::bar(on.samples.len() as u64, &ready.info.label);
    let result = execute(&job, |event| match event {
        Event::Begun { total, done } => {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            // The rate is of this process, not of what an earlier one did.
            bar.reset_eta();
        }
        Event::Together { finished } => bar.set_position(bar.position().max(finished as u64)),
        Event::Finished { id, status, message } => {
            if status.is_error() {
                let line = format!("{id}: {status}: {}", message.unwrap_or_default());
                if bar.is_hidden() { eprintln!("{line}") } else { bar.println(line) }
            }
            bar.inc(1);
        }
    });
    bar.finish_and_clear();
    Ok(result?)
}

/// The words of this command.
fn own_command() -> Vec<String> {
    std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect()
}

/// A finished run of exactly this, among all runs.
fn finished(runs: &Path, manifest: &Manifest) -> Result<Option<Run>, Failure> {
    let folders = if runs.is_dir() { files::list(runs)? } else { Vec::new() };
    for folder in folders.into_iter().filter(|f| Run::manifest(f).is_ok_and(|m| m.id == manifest.id)) {
        let run = Run::open(&folder)?;
        if run.is_complete() {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// The name of each method's run: of its own, one folder deep.
fn names(on: &On<'_>, ready: &[setup::Ready], running: &RunningArgs) -> Result<Vec<String>, Failure> {
    if let Some(name) = &running.name
        && (name.trim().is_empty() || name.starts_with('.') || name.contains(['/', '\\']))
    {
        return Err(Failure::usage(format!("--name `{name}`: expected the name of one folder (--runs says where)")));
    }
    let mut names: Vec<String> = Vec::new();
    for one in ready {
        let label = slug(&one.info.label);
        // A suite's runs carry its name and the set's.
        let within = on.set.as_ref().map(|s| format!("{}-{}", s.suite, s.name));
        let name = if let Some(name) = &running.name {
            let label = (ready.len() > 1).then_some(label);
            [Some(name.clone()), within, label].into_iter().flatten().collect::<Vec<_>>().join("-")
        } else {
            let within = within.unwrap_or_else(|| slug(on.split));
            // What a set does to its maps is in the set's name already.
            let location = on.dataset.location();
            let inner = location.strip_prefix("restyle:").and_then(|r| r.split_once(':')).map(|(_, inner)| inner);
            let base = base_name(inner.filter(|_| on.set.is_some()).unwrap_or(location));
            format!("{}-{within}-{label}", slug(&base))
        };
        if names.contains(&name) {
            return Err(Failure::usage(format!("`{}` is asked for twice: one run of each is enough", one.info.label)));
        }
        names.push(name);
    }
    Ok(names)
}

/// The last part of a location, as a run's name begins; of a path, links and dots resolved.
fn base_name(location: &str) -> String {
    if let Some((restyle, inner)) = location.strip_prefix("restyle:").and_then(|r| r.split_once(':')) {
        return format!("{}-{}", base_name(inner), restyle.replace('@', "-"));
    }
    if location.starts_with("city:") {
        // Only what differs from the city that comes by itself is worth a place in the name.
        let plain = Spec::default().location();
        let own: Vec<&str> = location.split([':', ',']).filter(|o| !plain.split([':', ',']).any(|p| p == *o)).collect();
        return [vec!["city"], own].concat().join("-").replace('=', "");
    }
    let resolved = std::fs::canonicalize(location).map_or_else(|_| location.to_owned(), |p| p.display().to_string());
    resolved.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(location).to_owned()
}

/// A text as part of a folder's name: letters, digits, `.` and `_` as they are, anything else one `-`. A text with a path or
/// command in it, of which that leaves too little, gets a hash of all of it behind.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '.' | '_') {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    let trimmed: String = out.trim_matches(['-', '.']).chars().take(64).collect();
    if text.contains([':', '/']) || text.chars().count() > 64 {
        return format!("{trimmed}-{}", &sha256_hex(text.as_bytes())[..8]);
    }
    trimmed
}

fn verdict(runs: &[Run], running: &RunningArgs) -> Outcome {
    let errors: usize = runs.iter().flat_map(|r| r.records.values()).filter(|r| r.status.is_error()).count();
    if errors <= running.max_errors {
        return Ok(ExitCode::OK);
    }
    let mut kinds: Vec<String> = Vec::new();
    for status in Status::ALL.into_iter().filter(|s| s.is_error()) {
        let n = runs.iter().flat_map(|r| r.records.values()).filter(|r| r.status == status).count();
        if n > 0 {
            kinds.push(format!("{n} {status}"));
        }
    }
    let text = format!(
        "{errors} samples ended in an error ({}); --max-errors allows {}",
        kinds.join(", "),
        running.max_errors
    );
    Err(Failure::new(ExitCode::FAILURES, text))
}

pub(crate) fn validate(folder: &Path, data: &DataArgs, select: &SelectArgs, json: bool) -> Outcome {
    let dataset = setup::dataset(data)?;
    let ids = choose(&dataset, data.split(), &setup::selection(select)?)?;
    let wanted: BTreeSet<String> = ids.into_iter().collect();
    let mut broken = None;
    let samples: Vec<_> = dataset
        .read(data.split(), Some(&wanted), Fields::MASK)?
        .map_while(|s| s.map_err(|e| broken = Some(e)).ok())
        .collect();
    if let Some(e) = broken {
        return Err(e.into());
    }
    let findings = predictions::validate(folder, samples.iter())?;
    let errors = findings.iter().filter(|f| f.error).count();
    if json {
        say!("{:#}", serde_json::json!({ "samples": samples.len(), "errors": errors, "findings": findings }));
    } else {
        for f in &findings {
            say!("{} {}: {}", f.code, f.file, f.message);
        }
        say!("{} samples: {errors} errors, {} warnings", samples.len(), findings.len() - errors);
    }
    Ok(if errors > 0 { ExitCode::FINDINGS } else { ExitCode::OK })
}
