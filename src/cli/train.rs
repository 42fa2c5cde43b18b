//! Arguments of `train`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use socio_train::library::Library;

use super::ResourceArgs;

#[derive(Subcommand)]
pub(crate) enum TrainCommand {
    /// SocioReasoner-nano, from nothing: its eye, its language model, its answers
    ///
    /// Run the same command again and it goes on where it stopped, to the last bit.
    #[command(after_help = "\
Examples:
  socio-bench train nano --out runs/nano
  socio-bench train nano --out runs/nano --print-recipe > nano.json
  socio-bench train nano --out runs/nano --recipe nano.json --threads 2 --until 500
  socio-bench train curves runs/nano --out curves.svg
  socio-bench train export runs/nano --out nano")]
    Nano(TrainArgs),
    /// SAM-2-nano: masks from boxes, points and both
    #[command(after_help = "\
Examples:
  socio-bench train segmenter --out runs/segmenter
  socio-bench train segmenter --out runs/segmenter --recipe mine.json --check-every 500")]
    Segmenter(TrainArgs),
    /// Staged-reward GRPO: a policy answers in both stages, is rewarded for what comes of it, and learns from that
    ///
    /// Answers are drawn by the method itself: its prompts, its grammar, its renderer, and a segmenter that cuts.
    #[command(after_help = "\
Examples:
  socio-bench train grpo --out runs/rl --policy runs/nano/state.safetensors --segmenter candle:sam2-nano
  socio-bench train grpo --out runs/rl --policy runs/nano/state.safetensors --segmenter candle:sam2-nano --recipe mine.json")]
    Grpo(Box<GrpoArgs>),
    /// The curves of training runs as a picture (SVG): losses, rates, checks
    Curves {
        /// Folders of runs.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The picture.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Which figures, separated by commas: parts of the loss, `loss`, `rate`, `norm`, or those of checks. Every one
        /// where none is given.
        #[arg(long, value_delimiter = ',')]
        show: Vec<String>,
    },
    /// What a run has learned, as a model that every command takes
    Export {
        /// The run's folder.
        run: PathBuf,
        /// The model's folder, a new one.
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value = "f16", help = "f32, bf16 or f16")]
        dtype: socio_baselines::DType,
    },
}

#[derive(Args)]
pub(crate) struct GrpoArgs {
    /// The checkpoint of the policy to begin with; it stays the reference.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// What cuts; it is not trained.
    #[arg(long)]
    pub(crate) segmenter: String,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}

#[derive(Args)]
pub(crate) struct TrainArgs {
    /// The run's folder: log, checkpoint, recipe. What is there already goes on.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The recipe (JSON); the one that the shipped model was made by where none is given.
    #[arg(long)]
    pub(crate) recipe: Option<PathBuf>,
    /// Print the recipe and do nothing.
    #[arg(long)]
    pub(crate) print_recipe: bool,
    /// Where drawn lessons are kept, several GB of them; the user's cache where none is given.
    #[arg(long)]
    pub(crate) cache: Option<PathBuf>,
    /// candle or tch; the faster one of this build where none is given.
    #[arg(long)]
    pub(crate) library: Option<Library>,
    /// Threads; all processors where none are given. What is learned does not depend on it.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Stop after this step; the same command without it goes on.
    #[arg(long)]
    pub(crate) until: Option<u64>,
    /// Begin with the parameters of this checkpoint, those of the same names and shapes.
    #[arg(long, value_name = "FILE")]
    pub(crate) start: Option<PathBuf>,
    /// Steps between lines of the log.
    #[arg(long, default_value_t = 50)]
    pub(crate) log_every: u64,
    /// Steps between checks on `val`; 0 checks at the end alone.
    #[arg(long, default_value_t = 1000)]
    pub(crate) check_every: u64,
    /// Steps between checkpoints.
    #[arg(long, default_value_t = 250)]
    pub(crate) save_every: u64,
    /// Scenes of a check.
    #[arg(long, default_value_t = 100)]
    pub(crate) checked: usize,
    /// Tell every line of the log as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
