//! `run`, `score`, `validate-predictions`.

use std::collections::BTreeSet;
use std::path::Path;

use socio_baselines::predictions;
use socio_dataset::hash::sha256_hex;
use socio_dataset::store::{Dataset, Fields};
use socio_harness::{Event, Job, Scored, choose, code, execute, fingerprint, machine};
use socio_record::{Data, ExitCode, Manifest, RECORD_SCHEMA, Run, SCHEMA, SampleEntry, Selection, Status, forget};
use socio_reports::metrics::Profile;
use socio_reports::table::{Format, render};

use super::{report, setup};
use crate::cli::{DataArgs, MethodArgs, ReportOptions, ResourceArgs, RunArgs, RunningArgs, ScoreArgs, SelectArgs};
use crate::failure::{Failure, Outcome};
use crate::progress;

/// What is run on: a dataset, the chosen samples, and their hash.
struct On<'a> {
    dataset: &'a Dataset,
    split: &'a str,
    selection: Selection,
    samples: Vec<SampleEntry>,
    fingerprint: String,
}

pub(crate) fn run(args: RunArgs) -> Outcome {
    let methods = setup::method_names(&args.method);
    let mut plan: Vec<(String, Option<String>)> = Vec::new();
    for method in methods {
        if setup::entry(&method)?.segmenter {
            plan.extend(args.segmenter.iter().map(|s| (method.clone(), Some(s.clone()))));
        } else {
            plan.push((method, None));
        }
    }
    go(&plan, &args.data, &args.select, &args.settings, &args.resources, &args.report, &args.running)
}

pub(crate) fn score(args: ScoreArgs) -> Outcome {
    let plan = [(format!("predictions:{}", args.folder.display()), None)];
    let settings =
        MethodArgs { reader: "null".to_owned(), seed: 42, centre_share: None, exec_timeout: std::time::Duration::ZERO };
    let resources = ResourceArgs { models: None, onnxruntime: None };
    go(&plan, &args.data, &args.select, &settings, &resources, &args.report, &args.running)
}

fn go(
    plan: &[(String, Option<String>)],
    data: &DataArgs,
    select: &SelectArgs,
    settings: &MethodArgs,
    resources: &ResourceArgs,
    options: &ReportOptions,
    running: &RunningArgs,
) -> Outcome {
    let profile = options.profile.as_deref().map_or(Ok(Profile::STRICT), Profile::named).map_err(Failure::usage)?;
    if running.in_flight == Some(0) {
        return Err(Failure::usage("--in-flight 0 works on nothing: expected 1 or more"));
    }
    let dataset = setup::dataset(data)?;
    let selection = setup::selection(select)?;
    let resources = setup::resources(resources, running.deterministic);
    let mut segmenters = setup::Segmenters::new(&resources);
    // Everything that can be missing is found missing before anything runs.
    let mut ready = Vec::new();
    for (method, segmenter) in plan {
        ready.push(setup::ready(method, segmenter.as_deref(), settings, &mut segmenters, Some(&dataset))?);
    }
    let ids = choose(&dataset, &data.split, &selection)?;
    let bar = progress::bar(ids.len() as u64, "hash inputs");
    let (samples, fingerprint) = fingerprint(&dataset, &data.split, &ids, |n| bar.set_position(n as u64))?;
    bar.finish_and_clear();
    let on = On { dataset: &dataset, split: &data.split, selection, samples, fingerprint };
    let names = names(&on, &ready, running)?;
    let mut runs = Vec::new();
    for (one, name) in ready.iter().zip(names) {
        runs.push(execute_one(&on, one, settings.seed, profile, running, &running.runs.join(name))?);
    }
    let options = report::options(options)?;
    let report = socio_reports::report(&runs, &options).map_err(Failure::input)?;
    let format = if running.json { Format::Json } else { Format::Terminal { styled: progress::styled() } };
    say_part!("{}", render(&report.tables, format));
    if !running.json {
        for run in &runs {
            say!("{}", run.path.display());
        }
    }
    verdict(&runs, running)
}

fn execute_one(
    on: &On<'_>,
    ready: &setup::Ready,
    seed: u64,
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
        selection: on.selection.clone(),
        method: ready.info.clone(),
        models: ready.model_infos.clone(),
        seed,
        profile: profile.name.to_owned(),
        machine: machine(),
    }
    .with_id();
    if running.fresh {
        forget(folder)?;
    }
    let hierarchy = setup::hierarchy()?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let job = Job {
        dataset: on.dataset,
        samples: &on.samples,
        manifest: &manifest,
        scored: Scored { contestant: &ready.contestant, models: &ready.models, seed, hierarchy: &hierarchy },
        shard: running.shard,
        in_flight: if running.deterministic { 1 } else { running.in_flight.unwrap_or(threads) },
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
        let name = match &running.name {
            Some(name) if ready.len() > 1 => format!("{name}-{label}"),
            Some(name) => name.clone(),
            None => format!("{}-{}-{label}", slug(&base_name(on.dataset.location())), slug(on.split)),
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
    let ids = choose(&dataset, &data.split, &setup::selection(select)?)?;
    let wanted: BTreeSet<String> = ids.into_iter().collect();
    let mut broken = None;
    let samples: Vec<_> = dataset
        .read(&data.split, Some(&wanted), Fields::MASK)?
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
