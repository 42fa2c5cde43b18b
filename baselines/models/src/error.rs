//! What building or running a network can fail with.

use std::path::PathBuf;

/// Why a network could not be loaded or run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// A file of weights or configuration that is missing or not what it should be.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        why: String,
    },
    /// A configuration that describes no network that can be built.
    #[error("configuration: `{field}` {why}")]
    Config {
        /// The field, as the file spells it.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// A weight that the architecture needs and the checkpoint has not.
    #[error("{source_name} has no weight `{name}` (expected with shape {expected:?})")]
    Missing {
        /// Where it was looked for.
        source_name: String,
        /// The weight's key.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A weight of another shape than the configuration asks for.
    #[error("{source_name}: weight `{name}` has shape {found:?}, the configuration asks for {expected:?}")]
    WrongShape {
        /// Where it lies.
        source_name: String,
        /// The weight's key.
        name: String,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// Weights that no part of the architecture asked for.
    #[error(
        "{source_name} holds {count} weights that this architecture does not know, `{example}` the first: is it the checkpoint of another model?"
    )]
    Extra {
        /// Where they lie.
        source_name: String,
        /// How many there are.
        count: usize,
        /// The first of them in order.
        example: String,
    },
    /// An operation that was given shapes that do not go together, or that the tensor library failed at.
    #[error("{op}: {why}")]
    Op {
        /// The operation.
        op: &'static str,
        /// What went wrong.
        why: String,
    },
    /// A request that this network cannot serve.
    #[error("{0}")]
    Input(String),
    /// The caller no longer wants the answer.
    #[error("cancelled")]
    Cancelled,
    /// Not enough memory for what was asked.
    #[error("out of memory: {0}")]
    Memory(String),
}

/// The result of building or running a network.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

impl ModelError {
    /// An operation that failed.
    pub fn op(op: &'static str, why: impl ToString) -> Self {
        Self::Op { op, why: why.to_string() }
    }
}
