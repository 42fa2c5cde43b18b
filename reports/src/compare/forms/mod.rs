//! A check told: to people, to machines, to a pull request, to a test runner.

mod json;
mod junit;
mod markdown;
mod picture;
mod words;

pub use json::json;
pub use junit::{JunitError, junit};
pub use markdown::{MARKDOWN_LIMIT, markdown};
pub use picture::pictures;
pub use words::{headline, tables};

#[cfg(test)]
mod tests;
