//! The command line.

mod data;
mod determinism;
mod judge;
mod latency;
mod train;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use socio_baselines::answer::Grammar;
use socio_baselines::remote::Dialect;
use socio_baselines::{DType, Target};
use socio_dataset::Level;
use socio_harness::Shard;

pub(crate) use data::{BuildArgs, DataCommand, Labels, LookArgs, MapArgs, MapLayers};
pub(crate) use determinism::{DeterminismArgs, Ordered};
pub(crate) use judge::{
    BaselineCommand, CalibrateArgs, CheckArgs, CompareArgs, Inconclusive, JudgingArgs, OnMissing, ReproduceArgs,
    RescoreArgs, ToldArgs, ToldFormat,
};
pub(crate) use latency::{LatencyArgs, Load};
pub(crate) use train::{GrpoArgs, TrainArgs, TrainCommand};

const EXIT_CODES: &str = "\
Exit codes (`socio-bench list exit-codes`): 0 success; 1 unexpected;
2 command line; 3 input; 4 output; 5 backend; 6 run exists with other
inputs; 7 network. Verdicts: 10 regressed, 11 inconclusive,
12 incomparable, 13 no baseline, 20 too many failed samples,
21 a check found errors.";

/// The benchmark and dataset-tooling suite for urban socio-semantic segmentation.
#[derive(Parser)]
#[command(version, about, after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run methods on a dataset and print the table
    ///
    /// With nothing given: the test split of the embedded city, the floors and the oracle, segmenter `fill`.
    /// Running the same command again goes on where it stopped.
    #[command(after_help = "\
Examples:
  socio-bench run --suite ood
  socio-bench run --suite style-stress --data SocioSeg --method map-ocr --segmenter lite-medsam
  socio-bench run --data SocioSeg --method whole-image,centre-box,oracle-box,map-ocr --segmenter fill,lite-medsam
  socio-bench run --data hub:vvangfaye/SocioSeg --split test --method map-ocr --segmenter lite-medsam --limit 100
  socio-bench run --data SocioSeg --method 'exec:python my_model.py' --segmenter fill --in-flight 2
  socio-bench run --data hub:vvangfaye/SocioSeg --method socioreasoner --vlm vvangfaye/SocioReasoner-3B --segmenter facebook/sam2-hiera-large
  socio-bench run --data SocioSeg --method socioreasoner,zero-shot --vlm my-checkpoint --segmenter sam2-hiera-large --greedy
  socio-bench run --data SocioSeg --method map-ocr --shard 1/4      (then `merge` the four)")]
    Run(Box<RunArgs>),
    /// Tables of finished (or unfinished) runs, from their records alone
    #[command(after_help = "\
Examples:
  socio-bench report runs/*
  socio-bench report runs/* --with-paper --format latex --out table.tex
  socio-bench report runs/a --profile socioreasoner --instances contour-boxes --by-class
  socio-bench report runs/* --format html --out report.html
  socio-bench report runs/* --table ablation,points,propagation,failures,latency --format markdown")]
    Report(ReportArgs),
    /// Time a method under load: one query after another, all at once, or as they arrive
    ///
    /// Scenarios are named after MLPerf Inference's. A test below MLPerf's own duration or number of queries is told as a
    /// short run.
    #[command(after_help = "\
Examples:
  socio-bench latency --scenario single-stream,offline --method oracle-box --segmenter candle:lite-medsam --data SocioSeg
  socio-bench latency --scenario server --qps 2 --bound 1.5 --method map-ocr --segmenter lite-medsam --data SocioSeg
  socio-bench latency --scenario single-stream --min-duration 600 --method socioreasoner --vlm my-checkpoint --segmenter sam2-hiera-large --data SocioSeg
  socio-bench latency --method socioreasoner --vlm null --segmenter null      (the harness itself)")]
    Latency(Box<LatencyArgs>),
    /// A run as a trace for Chrome or Perfetto, and one sample's time as a picture
    #[command(after_help = "\
Examples:
  socio-bench trace runs/a --out trace.json      (open it in chrome://tracing or ui.perfetto.dev)
  socio-bench trace runs/a --out trace.json --sample name_0001 --picture name_0001.svg")]
    Trace {
        /// The run's folder.
        run: PathBuf,
        /// The trace's file.
        #[arg(long)]
        out: PathBuf,
        /// Only this sample.
        #[arg(long)]
        sample: Option<String>,
        /// One sample's time as a picture (SVG): that of --sample, else the one in the middle of all by its time.
        #[arg(long, value_name = "FILE")]
        picture: Option<PathBuf>,
    },
    /// What changed between two runs of the same samples, with intervals
    #[command(after_help = "\
Examples:
  socio-bench compare runs/before runs/after
  socio-bench compare runs/socioreasoner runs/vision-reasoner --on-missing intersect
  socio-bench compare runs/before runs/after --limit giou@*=-0.5 --format markdown")]
    Compare(CompareArgs),
    /// Hold runs against a baseline: the gate of a pull request
    #[command(after_help = "\
Examples:
  socio-bench baseline save runs/a --out ci/baselines/a.json --limit giou=-0.5 --limit failures=0
  socio-bench check runs/a --baseline ci/baselines/a.json
  socio-bench check runs/city-ood-* --baseline ci/baselines/ood.json --limit 'giou@*=-0.5,p95=+10%' --junit junit.xml --markdown comment.md

A change that is meant: save the baseline again and commit it with the change.

Exit codes: 0 passed; 10 regressed; 11 inconclusive (--inconclusive pass lets it pass);
12 incomparable; 13 no baseline; 20 too many failures.")]
    Check(CheckArgs),
    /// Keep, list and show baselines
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Run a reference with several seeds and propose limits from its spread
    #[command(after_help = "\
Examples:
  socio-bench calibrate --times 5 --data SocioSeg --method socioreasoner --vlm my-checkpoint --segmenter sam2-hiera-large --save ci/baselines/a.json
  socio-bench calibrate runs/seed1 runs/seed2 runs/seed3")]
    Calibrate(Box<CalibrateArgs>),
    /// Another metric profile from a run's log alone: every mask is counted anew
    #[command(after_help = "\
Examples:
  socio-bench rescore runs/a
  socio-bench rescore runs/a --profile socioreasoner --out runs/a-socioreasoner")]
    Rescore(RescoreArgs),
    /// Run again from a run's manifest, and say what differs
    #[command(after_help = "\
Examples:
  socio-bench reproduce runs/a
  socio-bench reproduce runs/a --limit 20 --data /elsewhere/SocioSeg

Exit codes: 0 where every sample is the same, times aside; 14 where one is not.")]
    Reproduce(ReproduceArgs),
    /// Run the same samples at several batch sizes, orders and shards, and on several backends, and list every difference
    #[command(after_help = "\
Examples:
  socio-bench determinism --vlm socioreasoner-3b --segmenter sam2-hiera-large --greedy --dtype f32
  socio-bench determinism --vlm candle:M,tch:M --segmenter candle:S,tch:S --greedy --dtype f32 --limit 100

Every way is held against the first. Where numbers are of 32 bits and the likeliest token is taken each time, exit code 14
says that less than 99 % of answers are equal.")]
    Determinism(Box<DeterminismArgs>),
    /// Build, convert, check and look at datasets
    #[command(subcommand)]
    Data(DataCommand),
    /// Bring shards of one run together
    #[command(after_help = "Example:\n  socio-bench merge --out runs/whole runs/shard1 runs/shard2")]
    Merge {
        /// The runs.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The new run's folder.
        #[arg(long)]
        out: PathBuf,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// What can be used on this machine, and why something can not
    Doctor {
        #[command(flatten)]
        resources: ResourceArgs,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// What there is: methods, models, profiles, classes, suites, map styles, exit codes
    List {
        #[arg(value_enum)]
        what: Listing,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Ask a method about images of your own
    #[command(after_help = "\
Example:
  socio-bench predict --sat sat.png --map map.png --query 'Jinan Zoo' --method map-ocr --segmenter lite-medsam --out zoo.png
  socio-bench predict --sat sat.png --map map.png --query 'Jinan Zoo' --method socioreasoner --vlm vvangfaye/SocioReasoner-3B --segmenter facebook/sam2-hiera-large --stages zoo")]
    Predict(Box<PredictArgs>),
    /// Score a folder of masks named by sample id, from any other tool
    #[command(after_help = "Example:\n  socio-bench score my_masks --data SocioSeg")]
    Score(Box<ScoreArgs>),
    /// Check a folder of masks before it is scored
    #[command(after_help = "Example:\n  socio-bench validate-predictions my_masks --data SocioSeg --json")]
    ValidatePredictions {
        /// The folder of <id>.png.
        folder: PathBuf,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        select: SelectArgs,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Write records as a Parquet table, for data frames
    #[command(after_help = "Example:\n  socio-bench export runs/* --out records.parquet")]
    Export {
        /// The runs.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The Parquet file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Train the models that this suite ships, and others like them
    #[command(subcommand)]
    Train(TrainCommand),
    /// Fetch model files, pinned by hash
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Shell completions, to standard output
    #[command(
        after_help = "Example:\n  socio-bench completions bash > ~/.local/share/bash-completion/completions/socio-bench"
    )]
    Completions { shell: clap_complete::Shell },
}

#[derive(Args)]
pub(crate) struct DataArgs {
    /// A folder (raw layout or parquet), a parquet file, hub:OWNER/NAME, city or city:OPTIONS (the embedded city, the
    /// default) or restyle:KIND@SEVERITY:DATA.
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// The split [default: test].
    #[arg(long)]
    pub(crate) split: Option<String>,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
}

#[derive(Args)]
pub(crate) struct HubArgs {
    /// Branch, tag or commit of a hub dataset.
    #[arg(long)]
    pub(crate) revision: Option<String>,
    /// Use the hub's cache alone (as HF_HUB_OFFLINE=1).
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Args)]
pub(crate) struct SelectArgs {
    /// Only the first N samples.
    #[arg(long)]
    pub(crate) limit: Option<usize>,
    /// Only these levels: name, class, function.
    #[arg(long, value_delimiter = ',')]
    pub(crate) level: Vec<Level>,
    /// Only these ids; @FILE reads them from a file, one a line.
    #[arg(long, value_delimiter = ',')]
    pub(crate) ids: Vec<String>,
}

#[derive(Args, Clone, Default)]
pub(crate) struct ResourceArgs {
    /// Folder of model files [default: SOCIO_MODELS, else the user's cache].
    #[arg(long)]
    pub(crate) models: Option<PathBuf>,
    /// The onnxruntime library or its folder [default: ORT_DYLIB_PATH].
    #[arg(long)]
    pub(crate) onnxruntime: Option<PathBuf>,
    /// Where networks run: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: Target,
    /// What their numbers are kept in: f32, bf16 or f16 [default: bf16 for a vision-language model, f32 for a segmenter].
    #[arg(long)]
    pub(crate) dtype: Option<DType>,
    /// Answers that a vision-language model computes together at most [default: 8; 1 with --deterministic].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: Option<u32>,
    /// MiB in which a vision-language model keeps what it saw of images and of prompts' beginnings, for the next query on the
    /// same images; 0 keeps nothing [default: 512].
    #[arg(long, value_name = "MIB")]
    pub(crate) keep: Option<u32>,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// How the servers of `remote:MODEL` are reached.
#[derive(Args, Clone, Default)]
pub(crate) struct RemoteArgs {
    /// Base addresses of model servers for `remote:MODEL`, as http://host:8000/v1, separated by commas. The key, where one is
    /// needed, is in the environment: SOCIO_API_KEY.
    #[arg(long, value_delimiter = ',', value_name = "URL")]
    pub(crate) endpoint: Vec<String>,
    /// What kind of servers they are: engine (vLLM, SGLang, llama.cpp, Ray Serve), transformers, plain (OpenAI's own fields
    /// alone) [default: engine].
    #[arg(long, value_name = "KIND", value_parser = Dialect::from_str)]
    pub(crate) server: Option<Dialect>,
    /// The environment variable that holds their key.
    #[arg(long, value_name = "NAME")]
    pub(crate) key_variable: Option<String>,
    /// Requests in flight to one server at most [default: 32]; how many there are adapts to what it bears.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) server_load: Option<u16>,
    /// How often a request is sent at most [default: 6].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) tries: Option<u32>,
    /// Seconds that one try may take [default: 900].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) request_timeout: Option<Duration>,
    /// Seconds for which all servers may be failing before a run stops; the same command then goes on [default: 120].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) patience: Option<Duration>,
    /// JSON object that is merged into every request's body, as '{"mm_processor_kwargs": {"max_pixels": 12845056}}'.
    #[arg(long, value_name = "JSON")]
    pub(crate) request_extra: Option<String>,
    /// Send images as they are and leave resizing to the server's processor.
    #[arg(long)]
    pub(crate) raw_images: bool,
}

/// How a vision-language model is asked.
#[derive(Args, Clone, Default)]
pub(crate) struct AskingArgs {
    /// Stop after stage 1: the first mask is the answer. Where a finished run of the whole method is among --runs, its log
    /// is scored and nothing runs.
    #[arg(long, value_name = "STAGE", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) stop_after: Option<u8>,
    /// At most so many points of an object reach the segmenter.
    #[arg(long, value_name = "N")]
    pub(crate) max_points: Option<usize>,
    /// Not in the paper: localise again, up to so many times, where the coarse mask contradicts its box
    /// (docs/socioreasoner.md).
    #[arg(long, alias = "relocalize", value_name = "TIMES", default_value_t = 0, num_args = 0..=1, default_missing_value = "1", require_equals = true)]
    pub(crate) relocalise: usize,
    /// Not in the paper: each object gets as few of its points as serve it (docs/socioreasoner.md).
    #[arg(long)]
    pub(crate) points_by_need: bool,
    /// How answers are read [default: the method's own]: socioreasoner, strict, or a peer's (docs/socioreasoner.md).
    #[arg(long)]
    pub(crate) grammar: Option<Grammar>,
    /// Take the likeliest token each time, instead of drawing as the released inference does.
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p"])]
    pub(crate) greedy: bool,
    /// Temperature of the draws [default: the method's, 1 as released].
    #[arg(long)]
    pub(crate) temperature: Option<f32>,
    /// Draw among the k likeliest tokens, 0 for all [default: the method's, 100 as released].
    #[arg(long)]
    pub(crate) top_k: Option<u32>,
    /// Then among the fewest that hold this probability [default: the method's, 0.8 as released].
    #[arg(long)]
    pub(crate) top_p: Option<f32>,
    /// Tokens after which an answer is cut [default: the method's, 2048 as released].
    #[arg(long)]
    pub(crate) max_new_tokens: Option<u32>,
    /// Methods that the checkpoint was trained as: their rows are then without the remark that it was not.
    #[arg(long, value_delimiter = ',', value_name = "METHOD")]
    pub(crate) trained_as: Vec<String>,
}

/// Whom one method asks.
#[derive(Args)]
pub(crate) struct AskedArgs {
    /// Its segmenter.
    #[arg(long, default_value = "fill")]
    pub(crate) segmenter: String,
    /// Its vision-language model, where it asks one.
    #[arg(long)]
    pub(crate) vlm: Option<String>,
}

#[derive(Args, Clone)]
pub(crate) struct MethodArgs {
    #[command(flatten)]
    pub(crate) asking: AskingArgs,
    /// Map reader of map-ocr.
    #[arg(long, default_value = "pp-ocrv5")]
    pub(crate) reader: String,
    /// Seed of every draw.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Share of the image that centre-box marks, in 0..1 [default: that of the train split, else the paper's 0.037].
    #[arg(long)]
    pub(crate) centre_share: Option<f64>,
    /// Give a program of exec: up after so many seconds.
    #[arg(long, default_value = "600", value_parser = seconds)]
    pub(crate) exec_timeout: Duration,
}

#[derive(Args)]
pub(crate) struct ReportOptions {
    /// Metric profile: strict, socioreasoner, lisa, visionreasoner [default: the run's own].
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// What F1 takes for an instance.
    #[arg(long, value_enum, default_value = "components")]
    pub(crate) instances: Instances,
    /// Tables, separated by commas: `socio-bench list tables`, or `all` [default: main, rules and statuses].
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) table: Vec<String>,
    /// Add tables by class and by function.
    #[arg(long)]
    pub(crate) by_class: bool,
    /// How many samples of each row the table of the worst has.
    #[arg(long, default_value_t = 10)]
    pub(crate) worst: usize,
    /// Set the paper's rows beside ours.
    #[arg(long)]
    pub(crate) with_paper: bool,
}

#[derive(Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Run a suite: several sets, one table (`socio-bench list suites`, or a *.toml of your own).
    #[arg(long, conflicts_with = "split")]
    pub(crate) suite: Option<String>,
    /// Methods, separated by commas: `socio-bench list methods` [default: the suite's, else
    /// whole-image,centre-box,oracle-box].
    #[arg(long)]
    pub(crate) method: Vec<String>,
    /// Segmenters, separated by commas; methods that prompt one run once with each [default: the suite's, else fill].
    #[arg(long, value_delimiter = ',')]
    pub(crate) segmenter: Vec<String>,
    /// Vision-language models, separated by commas; methods that ask one run once with each (docs/backends.md).
    #[arg(long, value_delimiter = ',')]
    pub(crate) vlm: Vec<String>,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) settings: MethodArgs,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
    #[command(flatten)]
    pub(crate) report: ReportOptions,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
}

#[derive(Args, Clone)]
pub(crate) struct RunningArgs {
    /// Folder of runs.
    #[arg(long, default_value = "runs")]
    pub(crate) runs: PathBuf,
    /// Name of the run [default: from data, method and segmenter]; with several, a prefix.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Begin anew: forget what the run has.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Samples worked on at once [default: the number of processors, or --batch where that is more].
    #[arg(long)]
    pub(crate) in_flight: Option<usize>,
    /// One sample at a time, models on one thread: two runs are equal byte for byte, timings aside.
    #[arg(long)]
    pub(crate) deterministic: bool,
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    /// Exit with 20 when more samples than this end in an error.
    #[arg(long, default_value_t = 0)]
    pub(crate) max_errors: usize,
    #[arg(long, help = "Print the report as JSON")]
    pub(crate) json: bool,
}

/// Which samples of a run this process works on.
#[derive(Args, Clone)]
pub(crate) struct SharingArgs {
    /// Share of the samples: i/n.
    #[arg(long, default_value = "1/1")]
    pub(crate) shard: Shard,
    /// Take samples from the run's queue, beside other processes with the same command on the same folder.
    #[arg(long, conflicts_with_all = ["shard", "fresh"])]
    pub(crate) queue: bool,
    /// Seconds without a sign of life after which others take over what this process holds.
    #[arg(long, requires = "queue", default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) lease: u32,
}

#[derive(Args)]
pub(crate) struct ScoreArgs {
    /// The folder of <id>.png.
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) report: ReportOptions,
    #[command(flatten)]
    pub(crate) running: RunningArgs,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Folders of runs.
    #[arg(required = true)]
    pub(crate) runs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) options: ReportOptions,
    /// terminal, markdown, latex, html (one page of its own), csv or json.
    #[arg(long, default_value = "terminal")]
    pub(crate) format: String,
    /// Where the pictures of the page's samples are [default: where each run says its data is, unless that is a hub].
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// How many samples of each run the page shows; 0 for none.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub(crate) gallery: usize,
    /// The page's title.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Write the plots as SVG files into a folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) figures: Option<PathBuf>,
    /// Write to a file instead of standard output.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Score the first stage of methods that have two, from the records alone.
    #[arg(long, value_name = "STAGE", value_parser = clap::value_parser!(u8).range(1..=1))]
    pub(crate) stop_after: Option<u8>,
    /// Count every mask anew and compare with what the records hold.
    #[arg(long)]
    pub(crate) recount: bool,
    #[arg(long, help = "Same as --format json")]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// The satellite image.
    #[arg(long)]
    pub(crate) sat: PathBuf,
    /// The map, of the same size.
    #[arg(long)]
    pub(crate) map: Option<PathBuf>,
    /// A place's name, a class or a function.
    #[arg(long)]
    pub(crate) query: String,
    /// Level of the query [default: found in the hierarchy].
    #[arg(long)]
    pub(crate) level: Option<Level>,
    /// The method.
    #[arg(long, default_value = "map-ocr")]
    pub(crate) method: String,
    #[command(flatten)]
    pub(crate) asked: AskedArgs,
    /// A folder for pictures of each stage: boxes, points and what was cut, on map and satellite image.
    #[arg(long, value_name = "DIR")]
    pub(crate) stages: Option<PathBuf>,
    /// Where the mask goes.
    #[arg(long, default_value = "mask.png")]
    pub(crate) out: PathBuf,
    /// Where the picture of the mask on the satellite image goes.
    #[arg(long)]
    pub(crate) overlay: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: MethodArgs,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
    #[arg(long, help = "Print the answer as JSON")]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum ModelsCommand {
    /// The models that can be fetched
    List {
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Fetch one; what arrived of an interrupted download is gone on with
    #[command(after_help = "\
Examples:
  socio-bench models fetch pp-ocrv5
  socio-bench models fetch lite-medsam --from /mnt/models")]
    Fetch {
        /// Its name.
        name: String,
        /// A folder, or an address, that has the files, instead of where they are published.
        #[arg(long)]
        from: Option<String>,
        /// Folder of model files [default: SOCIO_MODELS, else the user's cache].
        #[arg(long)]
        models: Option<PathBuf>,
    },
    /// Make a network of random weights: for tests, and for trying out what needs no trained one
    #[command(after_help = "\
Examples:
  socio-bench models init qwen2.5-vl-tiny --out tiny-vlm
  socio-bench models init sam2-hiera-tiny --out tiny-sam2 --seed 7
  socio-bench models init my-config.json --tokenizer tokenizer.json --dtype bf16 --out mine")]
    Init {
        /// A known name (see list networks), or a config.json.
        config: String,
        /// The folder to make.
        #[arg(long)]
        out: PathBuf,
        /// Seed of the weights.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// What the weights are written in: f32, bf16 or f16.
        #[arg(long, default_value = "f32")]
        dtype: DType,
        /// A tokenizer.json to put beside a Qwen2.5-VL [default: one that speaks bytes].
        #[arg(long)]
        tokenizer: Option<PathBuf>,
        #[arg(long, help = "Print JSON")]
        json: bool,
    },
    /// Ask a vision-language model about some images
    #[command(after_help = "\
Examples:
  socio-bench models ask candle:tiny-vlm --image map.png --image sat.png --text 'Find the school.' --max-new-tokens 32
  socio-bench models ask candle:Qwen/Qwen2.5-VL-3B-Instruct --image sat.png --text 'What is this?' --greedy --json")]
    Ask(Box<AskArgs>),
    /// Time a network on this machine: loading, each phase, peak memory
    #[command(after_help = "\
Examples:
  socio-bench models time sam2-hiera-large --random 0
  socio-bench models time qwen2.5-vl-3b --random 0 --tokenizer tokenizer.json --image map.png --image sat.png --tokens 16
  socio-bench models time ./my-model --repeats 5 --json")]
    Time(Box<TimeArgs>),
}

#[derive(Args)]
pub(crate) struct AskArgs {
    /// The model: candle:NAME, where NAME is a known name, a folder, or OWNER/NAME on the hub.
    pub(crate) model: String,
    /// An image; give it again for more, in their order.
    #[arg(long = "image", value_name = "FILE")]
    pub(crate) images: Vec<PathBuf>,
    /// The user's text.
    #[arg(long)]
    pub(crate) text: String,
    /// Take the likeliest token each time, instead of drawing as the released inference does.
    #[arg(long)]
    pub(crate) greedy: bool,
    /// Tokens after which the answer is cut.
    #[arg(long, default_value_t = 512)]
    pub(crate) max_new_tokens: u32,
    /// Seed of the draw; give it again for several draws.
    #[arg(long = "seed", default_value = "42")]
    pub(crate) seeds: Vec<u64>,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
    #[arg(long, help = "Print JSON: text, tokens, log-probabilities, times")]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct TimeArgs {
    /// The network: a known name, a folder or file, or OWNER/NAME on the hub.
    pub(crate) model: String,
    /// Random weights of this seed, for a known name or a config.json: no others are needed.
    #[arg(long, value_name = "SEED")]
    pub(crate) random: Option<u64>,
    /// The tokenizer.json of a random Qwen2.5-VL [default: one that speaks bytes].
    #[arg(long, requires = "random")]
    pub(crate) tokenizer: Option<PathBuf>,
    /// An image to look at; give it again for more [default: drawn ones of 768 x 768, two for a Qwen2.5-VL].
    #[arg(long = "image", value_name = "FILE")]
    pub(crate) images: Vec<PathBuf>,
    /// Tokens to draw.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tokens: u32,
    /// How often, after one round that is not counted.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repeats: u64,
    /// Threads [default: one a processor].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) threads: Option<u64>,
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
    #[arg(long, help = "Print JSON")]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Layout {
    /// {split}/<id>/{sat,map,mask}.png and question.json
    Raw,
    /// data/<split>-00000-of-0000N.parquet
    Parquet,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Listing {
    Methods,
    Vlms,
    Segmenters,
    Networks,
    Readers,
    Profiles,
    Classes,
    Functions,
    Suites,
    Tables,
    Styles,
    Restyles,
    ExitCodes,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Instances {
    /// 8-connected components of the mask
    Components,
    /// The whole mask
    WholeMask,
    /// Boxes of outer contours
    ContourBoxes,
    /// Objects as the method emitted them
    Emitted,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    Duration::try_from_secs_f64(value).map_err(|e| e.to_string())
}
