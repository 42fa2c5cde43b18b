//! Figures from counts: profiles, tallies, intervals.

mod bootstrap;
mod columns;
mod interval;
mod profile;
mod resample;
mod tally;

pub(crate) use bootstrap::FEW_SCENES;
pub use bootstrap::{Figure, RESAMPLES, figures};
pub(crate) use columns::Columns;
pub(crate) use interval::{Z975, student, student_chance};
pub use profile::{Profile, UnknownProfile};
pub(crate) use resample::{draws, gathered, quantile};
pub use tally::{Metric, Tally};
