//! The `socio-bench` binary: parses, composes, prints. No logic.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "only the binary prints")]
#![allow(rustdoc::invalid_html_tags, reason = "help texts name files as <id>.png")]

mod cli;
mod commands;
mod failure;
mod progress;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::dispatch(cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let mut err = std::io::stderr().lock();
            // A closed standard error leaves the exit code to tell.
            let _ = writeln!(err, "error: {failure}");
            ExitCode::from(failure.code)
        }
    }
}
