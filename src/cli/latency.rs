//! Arguments of `latency`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{AskedArgs, DataArgs, MethodArgs, ResourceArgs, SelectArgs};

#[derive(Args)]
pub(crate) struct LatencyArgs {
    /// How queries come; several run one after another.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "single-stream")]
    pub(crate) scenario: Vec<Load>,
    /// Seconds that each test lasts at least; MLPerf asks 600.
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS", value_parser = positive)]
    pub(crate) min_duration: f64,
    /// Queries that each test has at least.
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) min_queries: u64,
    /// Queries that are asked before and not counted [default: two for each in flight].
    #[arg(long, value_name = "N")]
    pub(crate) warm_up: Option<usize>,
    /// Arrivals a second, on average (server).
    #[arg(long, value_parser = positive, required_if_eq("scenario", "server"))]
    pub(crate) qps: Option<f64>,
    /// Seconds within which 99 of 100 queries have to be answered (server).
    #[arg(long, value_name = "SECONDS", value_parser = positive, required_if_eq("scenario", "server"))]
    pub(crate) bound: Option<f64>,
    /// Queries worked on at once (offline, server) [default: the number of processors].
    #[arg(long)]
    pub(crate) in_flight: Option<usize>,
    /// The method.
    #[arg(long, default_value = "oracle-box")]
    pub(crate) method: String,
    #[command(flatten)]
    pub(crate) asked: AskedArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) settings: MethodArgs,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
    /// Write every query as JSON, a file a scenario (its name goes before the extension where there are several).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// terminal, markdown, latex, csv or json.
    #[arg(long, default_value = "terminal")]
    pub(crate) format: String,
    #[arg(long, help = "Same as --format json")]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Load {
    /// The next query when the last is answered
    SingleStream,
    /// All queries at once
    Offline,
    /// As a Poisson process, with a bound on latency
    Server,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(v) if v > 0.0 && v.is_finite() => Ok(v),
        _ => Err(format!("`{text}`: expected a number above 0")),
    }
}
