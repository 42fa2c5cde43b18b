//! Arguments of what holds runs against each other: `compare`, `check`, `baseline`, `calibrate`, `rescore`, `reproduce`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Instances, RunArgs};

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The run before, or a baseline's file.
    pub(crate) before: PathBuf,
    /// The run after.
    pub(crate) after: PathBuf,
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
    #[command(flatten)]
    pub(crate) told: ToldArgs,
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Folders of runs.
    #[arg(required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// The baseline: a file of `baseline save`, or a run's folder.
    #[arg(long)]
    pub(crate) baseline: PathBuf,
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
    #[command(flatten)]
    pub(crate) told: ToldArgs,
}

#[derive(Args)]
pub(crate) struct JudgingArgs {
    /// A limit that gates, as giou=-0.5, ciou@class=-1%, f1@*=-2, p95=+10%, failures=0, moved=0, giou>=50; several separated by
    /// commas or blanks [default of check: the baseline's own, else giou=-0.5 and errors=0].
    #[arg(long = "limit", value_name = "LIMIT", allow_hyphen_values = true)]
    pub(crate) limits: Vec<String>,
    /// Metric profile for both [default: their own, which must be one].
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// What F1 takes for an instance.
    #[arg(long, value_enum, default_value = "components")]
    pub(crate) instances: Instances,
    /// What becomes of samples that only one of the two has, or with other inputs.
    #[arg(long, value_enum, default_value = "fail")]
    pub(crate) on_missing: OnMissing,
    /// Compare although one method was asked with other prompts or read by another grammar.
    #[arg(long)]
    pub(crate) other_prompts: bool,
    /// Whether what so few samples cannot tell counts as a failure.
    #[arg(long, value_enum, default_value = "fail")]
    pub(crate) inconclusive: Inconclusive,
    /// Draws of the bootstrap.
    #[arg(long, default_value_t = socio_reports::metrics::RESAMPLES, value_parser = draws)]
    pub(crate) resamples: usize,
    /// How many samples that lost are named.
    #[arg(long, default_value_t = 20)]
    pub(crate) most: usize,
}

#[derive(Args)]
pub(crate) struct ToldArgs {
    /// terminal, markdown, json or junit.
    #[arg(long, value_enum, default_value = "terminal")]
    pub(crate) format: ToldFormat,
    #[arg(long, help = "Same as --format json")]
    pub(crate) json: bool,
    /// Write the comment for a pull request.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Write JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write JSON (docs/schemas/check.schema.json).
    #[arg(long, value_name = "FILE")]
    pub(crate) json_out: Option<PathBuf>,
    /// Draw the differences of each run with their intervals (SVG; several runs get a number before the extension).
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// Append the comment to the file that GITHUB_STEP_SUMMARY names.
    #[arg(long)]
    pub(crate) step_summary: bool,
    /// Name in the comment's marker, by which the next comment takes its place [default: the baseline's file name].
    #[arg(long)]
    pub(crate) comment_name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnMissing {
    /// The runs are incomparable
    Fail,
    /// Compare what both have, and say so
    Intersect,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Inconclusive {
    /// Exit with 0, and say so
    Pass,
    /// Exit with 11
    Fail,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToldFormat {
    Terminal,
    Markdown,
    Json,
    Junit,
}

#[derive(Subcommand)]
pub(crate) enum BaselineCommand {
    /// Keep the counts of finished runs as a small file for git
    #[command(after_help = "\
Examples:
  socio-bench baseline save runs/a --out ci/baselines/a.json
  socio-bench baseline save runs/city-ood-* --out ci/baselines/ood.json --limit giou=-0.5 --limit failures=0")]
    Save {
        /// Folders of runs.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The file.
        #[arg(long)]
        out: PathBuf,
        /// Leave out times, memory and machine: the same bytes wherever the runs are made.
        #[arg(long)]
        without_times: bool,
        /// Limits that `check` takes where it is given none [default: those of the file, where there is one].
        #[arg(long = "limit", value_name = "LIMIT", allow_hyphen_values = true)]
        limits: Vec<String>,
    },
    /// The baselines of a folder
    List {
        /// The folder.
        #[arg(default_value = "ci/baselines")]
        folder: PathBuf,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// What a baseline holds: its runs, figures and limits
    Show {
        /// The file.
        file: PathBuf,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
}

#[derive(Args)]
pub(crate) struct CalibrateArgs {
    /// Finished runs of several seeds, instead of running any.
    pub(crate) done: Vec<PathBuf>,
    /// How many seeds are run, from --seed on.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=100))]
    pub(crate) times: u64,
    /// Keep the first run as a baseline with the proposed limits.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Args)]
pub(crate) struct RescoreArgs {
    /// The run's folder.
    pub(crate) run: PathBuf,
    /// Metric profiles, separated by commas, or `all`.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub(crate) profile: Vec<String>,
    /// What F1 takes for an instance.
    #[arg(long, value_enum, default_value = "components")]
    pub(crate) instances: Instances,
    /// Write the run anew, its own profile the one that is asked for.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[arg(long, help = "Print JSON")]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ReproduceArgs {
    /// The run's folder.
    pub(crate) run: PathBuf,
    /// The data, where it is elsewhere now.
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// Folder of model files, where it is elsewhere now.
    #[arg(long)]
    pub(crate) models: Option<PathBuf>,
    /// Let the program run that an `exec:` run's manifest names: look at it first.
    #[arg(long)]
    pub(crate) allow_exec: bool,
    /// Folder for the new run.
    #[arg(long, default_value = "runs")]
    pub(crate) runs: PathBuf,
    /// Only the first N samples.
    #[arg(long)]
    pub(crate) limit: Option<usize>,
    #[arg(long, help = "Print JSON")]
    pub(crate) json: bool,
}

fn draws(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (100..=10_000_000).contains(&n) => Ok(n),
        _ => Err(format!("`{text}`: expected 100 to 10000000")),
    }
}
