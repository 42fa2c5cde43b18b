//! End to end, through the binary: every command of the README, real files, real processes.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout, clippy::naive_bytecount, reason = "tests")]

mod backends;
mod bad_input;
mod build;
mod data;
mod harm;
mod hub;
mod judge;
mod kill;
mod latency;
mod maps;
mod methods;
mod metrics;
mod models;
mod networks;
mod page;
mod queue;
mod real;
mod reasoner;
mod report;
mod run;
mod scenes;
mod server;
mod support;
mod train;
