//! What is told: metrics, intervals and tables, all from records alone.
//!
//! No report re-runs a model or opens a dataset: it is a pure function of a run's files. docs/metrics.md defines each figure.

pub mod export;
pub mod metrics;
pub mod paper;
mod report;
pub mod table;

pub use report::{Options, Report, report};
