//! Two runs of the same samples: what changed, how sure that is, and whether it is within limits.

mod calibrate;
mod change;
mod forms;
mod judge;
mod latency;
mod limit;
mod measures;
mod moved;
mod outcome;
mod pair;

pub use calibrate::{Spreads, calibrate, proposed, spread_table};
pub use change::{ALPHA, Change, POWER, paired_change};
pub use forms::{JunitError, MARKDOWN_LIMIT, headline, json, junit, markdown, pictures, tables};
pub use judge::{Evidence, Verdict, holm};
pub use limit::{Bound, Limit, LimitError, Measure, Slice};
pub use measures::{Asked, Comparison, Gate, Row, compare, compare_all};
pub use moved::Moved;
pub use outcome::{Check, Checked, check, name_of};
pub use pair::{Allowed, Incomparable, Pairs, pairs};

#[cfg(test)]
mod tests;
