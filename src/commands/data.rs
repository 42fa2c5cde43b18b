//! `data`: its commands, and those on whole sets.

use std::path::Path;

use serde_json::json;
use socio_dataset::stats::{SplitStats, stats};
use socio_dataset::store::{ConvertOptions, Dataset, convert};
use socio_dataset::verify::{Severity, verify};
use socio_record::ExitCode;

use super::{build, publish, setup, show};
use crate::cli::{DataCommand, HubArgs, Layout};
use crate::failure::{Failure, Outcome};
use crate::progress;

pub(crate) fn command(command: DataCommand) -> Outcome {
    match command {
        DataCommand::Convert { input, out, to, split, shard_mib, hub, json } => {
            let parquet = matches!(to, Layout::Parquet);
            if shard_mib == 0 {
                return Err(Failure::usage("--shard-mib 0 leaves no room: expected 1 or more"));
            }
            let options = ConvertOptions { parquet, shard_bytes: shard_mib << 20, splits: split };
            convert_command(setup::open(&input, &hub)?, &out, &options, json)
        }
        DataCommand::Verify { input, split, buffer, hub, json } => {
            if buffer.is_nan() || buffer < 0.0 {
                return Err(Failure::usage("--buffer: expected metres, 0 or more"));
            }
            verify_command(&input, &split, buffer, &hub, json)
        }
        DataCommand::Stats { input, split, hub, json } => stats_command(&input, &split, &hub, json),
        DataCommand::Build(args) => build::command(*args),
        DataCommand::Restyle { input, out, restyle, to, split, hub, json } => {
            let dataset = setup::open(&input, &hub)?.restyled(restyle);
            let options =
                ConvertOptions { parquet: matches!(to, Layout::Parquet), shard_bytes: 500 << 20, splits: split };
            convert_command(dataset, &out, &options, json)
        }
        DataCommand::Map(args) => build::map(*args),
        DataCommand::Probe { data, split, json } => build::probe(&data, &split, json),
        DataCommand::Publish { folder, name, licence, cite, json } => {
            publish::command(&folder, name, licence, cite, json)
        }
        DataCommand::Gallery { input, out, split, limit, hub } => {
            publish::gallery(&setup::open(&input, &hub)?, &input, &out, split, limit)
        }
        DataCommand::Show { input, split, select, run, columns, side, out, hub } => {
            let dataset = setup::open(&input, &hub)?;
            show::sheet(&dataset, &split, &setup::selection(&select)?, &run, columns, side, &out)
        }
    }
}

fn convert_command(dataset: Dataset, out: &Path, options: &ConvertOptions, as_json: bool) -> Outcome {
    let bar = progress::counter("convert");
    let done = convert(&dataset, out, options, |_, n| bar.set_position(n))?;
    bar.finish_and_clear();
    if as_json {
        say!("{:#}", json!(done));
        return Ok(ExitCode::OK);
    }
    for (split, samples) in &done.splits {
        say!("{split}: {samples} samples");
    }
    for file in &done.files {
        say!("{}", file.display());
    }
    if done.kept > 0 {
        say!("{} samples were there already and stay as they are", done.kept);
    }
    if !done.lost_columns.is_empty() {
        say!("WARNING: the raw layout has no place for the columns {}", done.lost_columns.join(", "));
    }
    Ok(ExitCode::OK)
}

fn verify_command(input: &str, splits: &[String], buffer: f64, hub: &HubArgs, as_json: bool) -> Outcome {
    let dataset = setup::open(input, hub)?;
    let bar = progress::counter("verify");
    let report = verify(&dataset, splits, buffer, |n| bar.set_position(n))?;
    bar.finish_and_clear();
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    if as_json {
        say!("{:#}", json!({ "errors": errors, "warnings": warnings, "report": report }));
    } else {
        for f in &report.findings {
            let row = f.row.map(|r| format!(" row {r}")).unwrap_or_default();
            say!("{:?} {}: {}{row}, sample {}, {}: {}", f.code, f.code.title(), f.file, f.id, f.field, f.message);
        }
        say!(
            "{} samples of {} scenes in {}: {errors} errors, {warnings} warnings",
            report.samples,
            report.scenes,
            report.splits.iter().map(|(s, n)| format!("{s} ({n})")).collect::<Vec<_>>().join(", ")
        );
    }
    Ok(if errors > 0 { ExitCode::FINDINGS } else { ExitCode::OK })
}

fn stats_command(input: &str, splits: &[String], hub: &HubArgs, as_json: bool) -> Outcome {
    let dataset = setup::open(input, hub)?;
    let bar = progress::counter("stats");
    let all = stats(&dataset, splits, |n| bar.set_position(n))?;
    bar.finish_and_clear();
    if as_json {
        say!("{:#}", json!(all.into_iter().collect::<std::collections::BTreeMap<_, _>>()));
        return Ok(ExitCode::OK);
    }
    for (split, stats) in &all {
        print_stats(split, stats);
    }
    Ok(ExitCode::OK)
}

fn print_stats(split: &str, stats: &SplitStats) {
    let sizes: Vec<String> = stats.sizes.iter().map(|(s, n)| format!("{s} ({n})")).collect();
    say!("{split}: {} different satellite files, masks of {}", stats.scenes, sizes.join(", "));
    say!(
        "  {:16} {:>8} {:>13} {:>10} {:>15} {:>6}",
        "level",
        "samples",
        "foreground %",
        "instances",
        "multi-instance",
        "empty"
    );
    for (level, g) in &stats.levels {
        say!(
            "  {level:16} {:>8} {:>13.2} {:>10.2} {:>15} {:>6}",
            g.samples,
            g.foreground_percent,
            g.instances,
            g.multi_instance,
            g.empty
        );
    }
    let line = |list: &[(String, u64)]| list.iter().map(|(t, n)| format!("{t} {n}")).collect::<Vec<_>>().join(", ");
    if !stats.classes.is_empty() {
        say!("  classes: {}", line(&stats.classes));
    }
    if !stats.functions.is_empty() {
        say!("  functions: {}", line(&stats.functions));
    }
}
