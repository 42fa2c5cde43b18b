//! Figures from counts: profiles, tallies, intervals.

mod bootstrap;
mod profile;
mod tally;

pub use bootstrap::{Figure, RESAMPLES, figures};
pub use profile::{Profile, UnknownProfile};
pub use tally::{Metric, Tally};
