//! One command a file.

mod again;
mod asking;
mod build;
mod data;
mod determinism;
mod judge;
mod latency;
mod list;
mod models;
mod networks;
mod page;
mod predict;
mod publish;
mod report;
mod run;
mod setup;
mod show;
mod stages;
mod train;

use clap::CommandFactory;
use socio_record::{ExitCode, Run, merge};
use socio_reports::export::export;

use crate::cli::{Cli, Command};
use crate::failure::Outcome;

pub(crate) fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Run(args) => run::run(*args),
        Command::Score(args) => run::score(*args),
        Command::ValidatePredictions { folder, data, select, json } => run::validate(&folder, &data, &select, json),
        Command::Report(args) => report::command(args),
        Command::Latency(args) => latency::command(*args),
        Command::Trace { run, out, sample, picture } => {
            latency::trace(&run, &out, sample.as_deref(), picture.as_deref())
        }
        Command::Compare(args) => judge::compare_runs(args),
        Command::Check(args) => judge::check_runs(args),
        Command::Baseline(command) => judge::baseline(command),
        Command::Calibrate(args) => again::calibrated(*args),
        Command::Rescore(args) => again::rescored(&args),
        Command::Reproduce(args) => again::reproduced(&args),
        Command::Determinism(args) => determinism::command(&args),
        Command::Data(command) => data::command(command),
        Command::Merge { runs, out, json } => {
            let whole = merge(&runs, &out)?;
            let open = whole.missing().count();
            if json {
                say!(
                    "{}",
                    serde_json::json!({ "run": out.display().to_string(), "samples": whole.samples.len(), "missing": open })
                );
            } else {
                say!("{}: {} of {} samples", out.display(), whole.records.len(), whole.samples.len());
                if open > 0 {
                    say!("{open} samples are in none of the runs: run their shards, or go on in this folder");
                }
            }
            Ok(ExitCode::OK)
        }
        Command::Doctor { resources, json } => list::doctor(&resources, json),
        Command::List { what, json } => list::list(what, json),
        Command::Predict(args) => predict::command(*args),
        Command::Export { runs, out } => {
            let runs = runs.iter().map(|r| Run::open(r)).collect::<Result<Vec<_>, _>>()?;
            let rows = export(&runs, &out)?;
            say!("{}: {rows} records of {} runs", out.display(), runs.len());
            Ok(ExitCode::OK)
        }
        Command::Models(command) => models::command(command),
        Command::Train(command) => train::command(command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "socio-bench", &mut script);
            say_part!("{}", String::from_utf8_lossy(&script));
            Ok(ExitCode::OK)
        }
    }
}
