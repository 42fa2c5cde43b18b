//! What a run is on disk: a manifest, one record a sample in append-only logs, and what exit codes mean.
//!
//! ```text
//! runs/<name>/manifest.json          what was run: schema, hashes, seeds, machine
//! runs/<name>/samples.jsonl          which samples, and the hash of each one's inputs
//! runs/<name>/records/<writer>.jsonl one complete line a finished sample; every process writes only its own file
//! ```
//!
//! A report is a pure function of these files.

mod exit;
mod line;
mod load;
mod log;
mod manifest;
mod merge;
mod record;
mod run;
mod score;
mod summary;

pub use exit::ExitCode;
pub use line::{LineError, seal, unseal};
pub use load::{LOAD_SCHEMA, LoadLog, LoadQuery, Scenario, Terms};
pub use log::{LogError, Writer};
pub use manifest::{Code, Data, Machine, Manifest, MethodInfo, ModelInfo, RECORD_SCHEMA, SCHEMA, Selection, SetInfo};
pub use merge::merge;
pub use record::{Frame, Object, Record, Stage, Status, Tokens, Trace};
pub use run::{Run, RunError, SampleEntry, forget};
pub use score::{Matches, Rule, Score, score};
pub use summary::{Size, StageSummary, Summary, When};
