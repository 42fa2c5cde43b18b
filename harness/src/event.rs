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
    /// What the processes of a queue have finished, this one among them; at least, since only whole parts are known of.
    Together {
        /// Samples of the run.
        finished: usize,
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
