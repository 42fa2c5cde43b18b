//! What is told: metrics, intervals and tables, all from records alone.
//!
//! No report re-runs a model or opens a dataset: it is a pure function of a run's files. docs/metrics.md defines each figure.

pub mod again;
pub mod agreement;
pub mod baseline;
pub mod compare;
pub mod digest;
pub mod export;
pub mod figure;
pub mod html;
pub mod load;
mod markup;
pub mod metrics;
pub mod paper;
pub mod plots;
mod recount;
mod report;
#[cfg(test)]
mod simulated;
pub mod table;
pub mod trace;

pub use recount::{Recounted, recount};
pub use report::{Kind, Options, Report, UnknownKind, by_profile, profile_of, report, worst};
