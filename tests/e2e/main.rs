//! End to end, through the binary: every command of the README, real files, real processes.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod bad_input;
mod data;
mod hub;
mod kill;
mod metrics;
mod methods;
mod models;
mod real;
mod report;
mod run;
mod support;
