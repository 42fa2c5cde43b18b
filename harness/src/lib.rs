//! Who asks and measures: chooses samples, keeps N of them in flight, scores, logs, resumes.

mod choose;
mod error;
mod event;
mod execute;
mod lease;
mod load;
mod machine;
mod replay;
mod sample;
mod shard;
mod suite;
mod trial;

pub use choose::{choose, fingerprint};
pub use error::HarnessError;
pub use event::Event;
pub use execute::{Job, execute, first_stage};
pub use lease::{Claim, LeaseError, Next, Progress, Queue, QueueOptions, clear_queue};
pub use load::load;
pub use machine::{code, machine};
pub use replay::{ReplaySegmenter, ReplayVlm, prompt_of};
pub use sample::{Scored, work};
pub use shard::{Shard, ShardError, Share};
pub use suite::{Row, Set, Suite, SuiteError};
pub use trial::{Heard, Listening, Order, Way, trial};
