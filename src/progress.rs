//! Progress on a terminal, silence in a pipe.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A bar on standard error with rate and time left; hidden where that is no terminal.
pub(crate) fn bar(total: u64, what: &str) -> ProgressBar {
    let hidden = !std::io::stderr().is_terminal();
    let bar = ProgressBar::with_draw_target(
        Some(total),
        if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() },
    );
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {rate} {eta} left {msg}") {
        bar.set_style(with_rate(style));
    }
    bar.set_prefix(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The rate to one decimal.
fn with_rate(style: ProgressStyle) -> ProgressStyle {
    style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.1}/s", state.per_sec());
    })
}

/// A counter for work of unknown length.
pub(crate) fn counter(what: &str) -> ProgressBar {
    let bar = bar(0, what);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {pos} ({rate})") {
        bar.set_style(with_rate(style));
    }
    bar
}

/// Whether bold and underline may be used on standard output.
pub(crate) fn styled() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
