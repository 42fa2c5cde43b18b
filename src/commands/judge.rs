//! `compare`, `check`, `baseline`.

use std::path::{Path, PathBuf};

use serde_json::json;
use socio_dataset::files;
use socio_record::ExitCode;
use socio_reports::baseline::{Baseline, BaselineError};
use socio_reports::compare::{
    Allowed, Asked, Check, Limit, check, headline, json as told_json, junit, markdown, name_of, pictures, tables,
};
use socio_reports::digest::Digest;
use socio_reports::table::{Format, render};
use socio_reports::{Kind, Options, report};

use super::report::{profile, rule};
use crate::cli::{BaselineCommand, CheckArgs, CompareArgs, Inconclusive, JudgingArgs, OnMissing, ToldArgs, ToldFormat};
use crate::failure::{Failure, Outcome};
use crate::progress;

/// What gates where neither the command line nor the baseline says so: the headline metric, and that nothing breaks.
const USUAL: [&str; 2] = ["giou=-0.5", "errors=0"];

pub(crate) fn compare_runs(args: CompareArgs) -> Outcome {
    if !args.before.exists() {
        return Err(Failure::input(format!("no run and no baseline at {}", args.before.display())));
    }
    let mut before = baseline_of(&args.before)?;
    let runs = [Digest::open(&args.after)?];
    // Of a baseline of several runs the one that is of the same set and row.
    if before.runs.len() > 1 {
        before.runs.retain(|b| name_of(&b.manifest) == name_of(&runs[0].manifest));
    }
    // Two methods on one set are what a comparison is for.
    let asked = asked(&args.judging, Vec::new(), true)?;
    let strict = args.judging.inconclusive == Inconclusive::Fail && !asked.limits.is_empty();
    tell(&check(&before.runs, &runs, &asked, strict), &args.told, &args.before)
}

pub(crate) fn check_runs(args: CheckArgs) -> Outcome {
    let missing = !args.baseline.exists();
    let baseline = if missing {
        // Every form is written all the same: the next step of a pipeline reads it.
        eprintln!("{}", BaselineError::Missing(args.baseline.clone()));
        Baseline { limits: Vec::new(), runs: Vec::new() }
    } else {
        baseline_of(&args.baseline)?
    };
    let runs = args.runs.iter().map(|r| Digest::open(r)).collect::<Result<Vec<_>, _>>()?;
    let own = if baseline.limits.is_empty() { USUAL.map(str::to_owned).into() } else { baseline.limits.clone() };
    parsed(&own).map_err(|e| Failure::input(format!("{}: {e}", args.baseline.display())))?;
    let asked = asked(&args.judging, own, false)?;
    let strict = args.judging.inconclusive == Inconclusive::Fail;
    tell(&check(&baseline.runs, &runs, &asked, strict), &args.told, &args.baseline)
}

/// A baseline's file, or a run's folder as a baseline of that run.
fn baseline_of(path: &Path) -> Result<Baseline, Failure> {
    if path.is_dir() {
        return Ok(Baseline { limits: Vec::new(), runs: vec![Digest::open(path)?] });
    }
    Ok(Baseline::open(path)?)
}

fn asked(args: &JudgingArgs, usual: Vec<String>, method: bool) -> Result<Asked, Failure> {
    // A variable of a pipeline that is empty says nothing, and takes no limit away.
    let given = parsed(&args.limits)?;
    Ok(Asked {
        profile: profile(args.profile.as_deref())?,
        rule: rule(args.instances),
        resamples: args.resamples,
        limits: if given.is_empty() { parsed(&usual)? } else { given },
        allowed: Allowed { intersect: args.on_missing == OnMissing::Intersect, prompts: args.other_prompts, method },
        most: args.most,
    })
}

fn parsed(limits: &[String]) -> Result<Vec<Limit>, Failure> {
    let parts = limits.iter().flat_map(|l| l.split([',', ' '])).filter(|l| !l.is_empty());
    parts.map(|l| l.parse().map_err(Failure::usage)).collect()
}

/// Writes every form that is asked for, then says what came of it.
fn tell(check: &Check, told: &ToldArgs, baseline: &Path) -> Outcome {
    let stem = || baseline.file_stem().map_or_else(|| "run".to_owned(), |s| s.to_string_lossy().into_owned());
    let comment = markdown(check, &told.comment_name.clone().unwrap_or_else(stem));
    let xml = || junit(check).map_err(|e| Failure::new(ExitCode::OUTPUT, e));
    let value = || format!("{:#}\n", told_json(check));
    if let Some(path) = &told.markdown {
        files::write(path, comment.as_bytes())?;
    }
    if let Some(path) = &told.junit {
        files::write(path, xml()?.as_bytes())?;
    }
    if let Some(path) = &told.json_out {
        files::write(path, value().as_bytes())?;
    }
    if let Some(path) = &told.picture {
        for (i, svg) in pictures(check).iter().enumerate() {
            let numbered = path.with_extension(format!("{}.svg", i + 1));
            files::write(if i == 0 { path } else { &numbered }, svg.as_bytes())?;
        }
    }
    if told.step_summary {
        append_summary(&comment)?;
    }
    let (code, verdict) = check.verdict();
    match if told.json { ToldFormat::Json } else { told.format } {
        ToldFormat::Json => say_part!("{}", value()),
        ToldFormat::Junit => say_part!("{}", xml()?),
        ToldFormat::Markdown => say_part!("{comment}"),
        ToldFormat::Terminal => {
            say_part!("{}", render(&tables(check, false), Format::Terminal { styled: progress::styled() }));
            say!("");
            for line in headline(check) {
                say!("{line}");
            }
            let limits = if check.limits.is_empty() { "none".to_owned() } else { check.limits.join(", ") };
            say!("{verdict} (exit code {code}); limits: {limits}");
        }
    }
    Ok(code)
}

/// GitHub's file is shared by all steps of a job: it alone is appended to.
fn append_summary(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|p| !p.is_empty()).map(PathBuf::from);
    let path = path.ok_or_else(|| Failure::usage("--step-summary: GITHUB_STEP_SUMMARY names no file"))?;
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut f| f.write_all(text.as_bytes()));
    written.map_err(|e| Failure::new(ExitCode::OUTPUT, format!("cannot write {}: {e}", path.display())))
}

pub(crate) fn baseline(command: BaselineCommand) -> Outcome {
    match command {
        BaselineCommand::Save { runs, out, limits, without_times } => save(&runs, &out, limits, without_times),
        BaselineCommand::List { folder, json } => list(&folder, json),
        BaselineCommand::Show { file, json } => show(&file, json),
    }
}

fn save(runs: &[PathBuf], out: &Path, limits: Vec<String>, without_times: bool) -> Outcome {
    let digests = runs.iter().map(|r| Digest::open(r)).collect::<Result<Vec<_>, _>>()?;
    let given: Vec<String> = parsed(&limits)?.iter().map(ToString::to_string).collect();
    let limits = if given.is_empty() && out.is_file() { Baseline::open(out)?.limits } else { given };
    keep(digests, limits, out, without_times)
}

/// Writes a baseline of finished runs that can be told apart.
pub(crate) fn keep(runs: Vec<Digest>, limits: Vec<String>, out: &Path, without_times: bool) -> Outcome {
    for (i, run) in runs.iter().enumerate() {
        if run.missing > 0 {
            return Err(Failure::input(format!(
                "{} is not finished: {} of {} samples have not run; the same command goes on with it",
                run.path.display(),
                run.missing,
                run.chosen
            )));
        }
        let same = |other: &&Digest| name_of(&other.manifest) == name_of(&run.manifest);
        if let Some(other) = runs[..i].iter().find(same) {
            return Err(Failure::usage(format!(
                "{} and {} are both runs of {}: a baseline holds one of each",
                other.path.display(),
                run.path.display(),
                name_of(&run.manifest)
            )));
        }
    }
    let baseline = Baseline { limits, runs };
    let baseline = if without_times { baseline.without_times() } else { baseline };
    let text = baseline.text().map_err(|e| Failure::new(ExitCode::OUTPUT, e))?;
    files::write(out, text.as_bytes())?;
    let samples: usize = baseline.runs.iter().map(|r| r.entries.len()).sum();
    say!("{}: {}, {samples} samples, {} bytes", out.display(), runs_told(baseline.runs.len()), text.len());
    Ok(ExitCode::OK)
}

fn runs_told(n: usize) -> String {
    format!("{n} run{}", if n == 1 { "" } else { "s" })
}

fn list(folder: &Path, as_json: bool) -> Outcome {
    let all = files::list(folder)?;
    let mut rows = Vec::new();
    for path in all.into_iter().filter(|p| p.extension().is_some_and(|e| e == "json")) {
        let baseline = Baseline::open(&path)?;
        let samples: usize = baseline.runs.iter().map(|r| r.entries.len()).sum();
        rows.push((path, baseline.runs.len(), samples, baseline.limits.join(", ")));
    }
    if as_json {
        let value = rows
            .iter()
            .map(|(p, runs, samples, limits)| json!({ "file": p.display().to_string(), "runs": runs, "samples": samples, "limits": limits.split(", ").filter(|l| !l.is_empty()).collect::<Vec<_>>() }));
        say!("{:#}", value.collect::<serde_json::Value>());
    } else {
        for (path, runs, samples, limits) in rows {
            let limits = if limits.is_empty() { "none of its own" } else { &limits };
            say!("{}  {}, {samples} samples; limits: {limits}", path.display(), runs_told(runs));
        }
    }
    Ok(ExitCode::OK)
}

fn show(file: &Path, as_json: bool) -> Outcome {
    let baseline = Baseline::open(file)?;
    let options = Options { tables: vec![Kind::Main, Kind::Statuses], ..Options::default() };
    let report = report(&baseline.runs, &options).map_err(Failure::input)?;
    if as_json {
        let tables: serde_json::Value =
            serde_json::from_str(&render(&report.tables, Format::Json)).map_err(Failure::input)?;
        say!("{:#}", json!({ "limits": baseline.limits, "report": tables }));
    } else {
        say_part!("{}", render(&report.tables, Format::Terminal { styled: progress::styled() }));
        let limits = if baseline.limits.is_empty() { "none of its own".to_owned() } else { baseline.limits.join(", ") };
        say!("Limits: {limits}.");
    }
    Ok(ExitCode::OK)
}
