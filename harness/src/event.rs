//! What happens during a run, for whoever shows it.

use socio_record::Status;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The run begins or goes on.
    Begun {
        /// Samples of this shard.
        total: usize,
        /// Of these, finished by an earlier process.
        done: usize,
    },
    /// A sample is finished and logged.
    Finished {
        /// The sample.
        id: String,
        /// How it ended.
        status: Status,
        /// Why, where it did not end well.
        message: Option<String>,
    },
}
