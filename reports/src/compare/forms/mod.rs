//! A check told: to people, to machines, to a pull request, to a test runner.

mod json;
mod junit;
mod markdown;
mod words;

pub use json::json;
pub use junit::{JunitError, junit};
pub use markdown::{MARKDOWN_LIMIT, markdown};
pub use words::{headline, tables};

#[cfg(test)]
mod tests;
