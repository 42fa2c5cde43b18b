//! `calibrate`, `rescore`, `reproduce`: a run once more, with other seeds, by another profile, or just as it was.

use std::path::Path;

use clap::Parser;
use serde_json::json;
use socio_record::{ExitCode, Manifest, Run, Writer};
use socio_reports::again::Again;
use socio_reports::compare::{calibrate, proposed, spread_table};
use socio_reports::digest::Digest;
use socio_reports::metrics::{Profile, RESAMPLES};
use socio_reports::table::{Format, render};
use socio_reports::{Options, by_profile, recount};

use super::judge::keep;
use super::report::{profile, rule};
use super::run;
use crate::cli::{CalibrateArgs, Cli, Command, ReproduceArgs, RescoreArgs};
use crate::failure::{Failure, Outcome};
use crate::progress;

/// Samples that differ, named at most.
const NAMED: usize = 10;

pub(crate) fn calibrated(mut args: CalibrateArgs) -> Outcome {
    let as_json = args.run.running.json;
    let profile = profile(args.run.report.profile.as_deref())?;
    let digests = if args.done.is_empty() {
        let name = args.run.running.name.take().unwrap_or_else(|| "calibrate".to_owned());
        let seed = args.run.settings.seed;
        let mut digests = Vec::new();
        for i in 0..args.times {
            args.run.settings.seed = seed + i;
            args.run.running.name = Some(format!("{name}-seed{}", seed + i));
            digests.extend(run::perform(&args.run, None)?.iter().map(Digest::of));
        }
        digests
    } else {
        args.done.iter().map(|r| Digest::open(r)).collect::<Result<Vec<_>, _>>()?
    };
    for (i, digest) in digests.iter().enumerate() {
        if let Some(twin) = digests[..i].iter().find(|d| d.manifest.id == digest.manifest.id) {
            let (a, b) = (twin.path.display(), digest.path.display());
            return Err(Failure::usage(format!("{a} and {b} are one run: expected runs of several seeds")));
        }
    }
    let spreads = calibrate(&digests, profile, rule(args.run.report.instances), RESAMPLES)
        .map_err(|e| Failure::new(ExitCode::INCOMPARABLE, e))?;
    if spreads.is_empty() {
        return Err(Failure::input(
            "nothing to calibrate: expected two or more runs of one method on the same samples",
        ));
    }
    let limits = proposed(&spreads);
    let table = spread_table(&spreads, &digests);
    if as_json {
        let rows = spreads.iter().map(|s| json!({ "name": s.name, "measure": s.measure.label(), "values": s.values, "detectable": s.detectable, "limit": s.limit }));
        say!("{:#}", json!({ "proposed": limits, "spreads": rows.collect::<Vec<_>>() }));
    } else {
        say_part!("{}", render(&[table], Format::Terminal { styled: progress::styled() }));
        if spreads.iter().all(|s| !s.measure.more_is_better() || s.values.iter().all(|v| *v == s.values[0])) {
            say!(
                "The seeds make no difference: this reference is deterministic, and any change of its figures is a change of what was done."
            );
        }
        say!("Proposed: {}", limits.iter().map(|l| format!("--limit {l}")).collect::<Vec<_>>().join(" "));
    }
    match args.save {
        Some(path) => {
            let seed = digests.first().map(|d| d.manifest.seed);
            let first = digests.into_iter().filter(|d| Some(d.manifest.seed) == seed).collect();
            keep(first, limits, &path, false)
        }
        None => Ok(ExitCode::OK),
    }
}

pub(crate) fn rescored(args: &RescoreArgs) -> Outcome {
    let profiles: Vec<Profile> = match args.profile.as_slice() {
        [all] if all == "all" => Profile::ALL.into(),
        names => names.iter().map(|n| Profile::named(n)).collect::<Result<_, _>>().map_err(Failure::usage)?,
    };
    let mut records = Vec::new();
    let mut writer = None;
    if let Some(out) = &args.out {
        let [profile] = profiles[..] else {
            return Err(Failure::usage("--out keeps a run of one profile: name it with --profile"));
        };
        let manifest = Manifest { profile: profile.name.to_owned(), ..Run::manifest(&args.run)? };
        if out.join("manifest.json").exists() {
            return Err(Failure::input(format!("{} is a run already: give another --out", out.display())));
        }
        let mut samples = Vec::new();
        Run::chosen(&args.run, |s| samples.push(s))?;
        let made = Run::begin(out, &manifest, &samples)?;
        writer = Some(Writer::open(&made.log_path("rescored"))?);
    }
    let recounted = recount(&args.run, |record| {
        if let Some(writer) = &mut writer
            && let Err(e) = writer.append(record)
        {
            records.push(e);
        }
    })?;
    if let Some(e) = records.into_iter().next() {
        return Err(e.into());
    }
    let options = Options { rule: rule(args.instances), ..Options::default() };
    let table = by_profile(&recounted.digest, &profiles, &options);
    let format = if args.json { Format::Json } else { Format::Terminal { styled: progress::styled() } };
    say_part!("{}", render(&[table], format));
    for (id, why) in recounted.wrong.iter().take(NAMED) {
        eprintln!("record {id}: {why}");
    }
    if recounted.wrong.len() > NAMED {
        eprintln!("and {} more records", recounted.wrong.len() - NAMED);
    }
    if let (Some(out), false) = (&args.out, args.json) {
        say!("{}", out.display());
    }
    Ok(ExitCode::OK)
}

pub(crate) fn reproduced(args: &ReproduceArgs) -> Outcome {
    let first = Run::open(&args.run)?;
    let manifest = &first.manifest;
    if manifest.command.is_empty() {
        return Err(Failure::input(format!(
            "{} does not tell the command that made it (it is of an older version): run it by hand",
            args.run.display()
        )));
    }
    if let Some(program) = manifest.method.name.strip_prefix("exec:").filter(|_| !args.allow_exec) {
        return Err(Failure::usage(format!("this runs the program `{program}` of the manifest: --allow-exec lets it")));
    }
    let words = std::iter::once("socio-bench").chain(manifest.command.iter().map(String::as_str));
    let cli = Cli::try_parse_from(words)
        .map_err(|e| Failure::input(format!("the command of {} is none of this version: {e}", args.run.display())))?;
    let mut asked = match cli.command {
        Command::Run(asked) => *asked,
        Command::Score(asked) => run::as_run(*asked),
        Command::Calibrate(asked) => asked.run,
        _ => return Err(Failure::input(format!("{} was made by no `run` or `score`", args.run.display()))),
    };
    asked.running.runs.clone_from(&args.runs);
    asked.running.name = Some(free_name(&args.runs, &folder_name(&args.run)));
    asked.running.fresh = false;
    asked.running.sharing.shard = socio_harness::Shard::WHOLE;
    asked.running.sharing.queue = false;
    asked.settings.seed = manifest.seed;
    if let Some(data) = &args.data {
        asked.data.data = Some(data.clone());
    }
    if let Some(models) = &args.models {
        asked.resources.models = Some(models.clone());
    }
    if let Some(limit) = args.limit {
        asked.select.limit = Some(asked.select.limit.map_or(limit, |own| own.min(limit)));
    }
    let again = run::perform(&asked, Some(manifest))?;
    let again = again.first().ok_or_else(|| {
        Failure::input(format!(
            "the command of {} makes no run of {} any more",
            args.run.display(),
            manifest.method.label
        ))
    })?;
    let mut told = Again::of(&first, again, args.limit);
    if args.limit.is_some() {
        // What was left out on purpose is no difference.
        let limited = |field: &str| matches!(field, "data.fingerprint" | "data.samples" | "selection");
        told.inputs.retain(|(field, _, _)| !limited(field));
    }
    if args.json {
        say!("{:#}", json!({ "reproduced": told.reproduced(), "run": again.path.display().to_string(), "what": told }));
    } else {
        tell(&told, &first, again);
    }
    Ok(if told.reproduced() { ExitCode::OK } else { ExitCode::DIFFERS })
}

fn tell(told: &Again, first: &Run, again: &Run) {
    for (field, was, is) in &told.inputs {
        say!("{field}: was {was}, is {is}");
    }
    let (a, b) = (&first.manifest.code.executable, &again.manifest.code.executable);
    if a != b {
        say!("executable: was {a}, is {b} (not held against it)");
    }
    if first.manifest.machine != again.manifest.machine {
        say!("machine: was {}, is {}", first.manifest.machine.processor, again.manifest.machine.processor);
    }
    for (id, what) in told.differ.iter().take(NAMED) {
        say!("{id}: {what}");
    }
    if told.differ.len() > NAMED {
        say!("and {} more samples", told.differ.len() - NAMED);
    }
    let all = told.same + told.differ.len();
    say!("{} of {all} samples are the same, times aside", told.same);
    if told.missing > 0 {
        say!("{} samples of then are not there now", told.missing);
    }
    if told.new > 0 {
        say!("{} samples had not been finished then", told.new);
    }
    say!("{}", again.path.display());
}

/// A name that no run has: what is there is nobody's to overwrite.
fn free_name(runs: &Path, of: &str) -> String {
    let taken = |name: &str| runs.join(name).exists();
    let mut name = format!("{of}-again");
    for i in 2.. {
        if !taken(&name) {
            break;
        }
        name = format!("{of}-again-{i}");
    }
    name
}

fn folder_name(path: &Path) -> String {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(|| "run".to_owned(), |n| n.to_string_lossy().into_owned())
}
