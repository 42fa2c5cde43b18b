//! The `socio-bench` binary: parses, composes, prints. No logic.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "only the binary prints")]
#![allow(rustdoc::invalid_html_tags, reason = "help texts name files as <id>.png")]

/// A line on standard output. A reader that went away (`| head`) is no error of ours.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)));
    }};
}

/// Text on standard output that brings its own newlines.
macro_rules! say_part {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!($($text)*));
    }};
}

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
