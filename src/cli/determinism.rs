//! Arguments of `determinism`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DataArgs, MethodArgs, ResourceArgs, SelectArgs};

#[derive(Args)]
pub(crate) struct DeterminismArgs {
    /// The method.
    #[arg(long, default_value = "socioreasoner")]
    pub(crate) method: String,
    /// Its vision-language models, separated by commas: the others are held against the first.
    #[arg(long, value_delimiter = ',')]
    pub(crate) vlm: Vec<String>,
    /// Its segmenters: one for all models, or one for each.
    #[arg(long, value_delimiter = ',', default_value = "fill")]
    pub(crate) segmenter: Vec<String>,
    /// Samples in flight, and answers computed together; the first is what the others are held against.
    #[arg(long = "batches", value_delimiter = ',', default_value = "1,4,8", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) batches: Vec<u64>,
    /// Orders in which samples are begun; the first is what the others are held against.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "given,reversed,shuffled")]
    pub(crate) order: Vec<Ordered>,
    /// In how many shares the samples are gone through.
    #[arg(long, value_delimiter = ',', default_value = "1,3", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) shards: Vec<u64>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) settings: MethodArgs,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
    /// Write every flip as JSON.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// terminal, markdown, latex, csv or json.
    #[arg(long, default_value = "terminal")]
    pub(crate) format: String,
    #[arg(long, help = "Same as --format json")]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ordered {
    Given,
    Reversed,
    Shuffled,
}
