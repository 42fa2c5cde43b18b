//! What may go wrong while training.

use std::path::PathBuf;

use socio_dataset::city::CityError;
use socio_dataset::files::FileError;
use socio_models::ModelError;

/// A training run that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The city.
    #[error(transparent)]
    City(#[from] CityError),
    /// A checkpoint.
    #[error("checkpoint {}: {why}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Something asked for that cannot be.
    #[error("{0}")]
    Input(String),
    /// The loss is no number any more.
    #[error("the loss of step {step} is {loss}: lower the rate, or clip gradients harder")]
    Diverged {
        /// The step.
        step: u64,
        /// The loss.
        loss: f64,
    },
}
