//! Who answers: methods as straight-line code over the seams.
//!
//! A method sees a [`socio_dataset::Query`], never the truth; an oracle, which needs it, implements [`Oracle`] and is marked in
//! every table. What is there to choose from is in [`registry`].

pub mod answer;
mod answers;
mod context;
pub mod definition;
mod exec;
pub mod fetch;
mod fill;
mod floors;
mod map_ocr;
mod method;
pub mod networks;
mod oracle_box;
mod paced;
pub mod predictions;
pub mod prompts;
pub mod reasoner;
pub mod registry;
pub mod render;
pub mod reward;
pub mod timing;

pub use answers::RecordedVlm;
pub use context::{Context, Said, Tokens};
pub use exec::Exec;
pub use fill::FillSegmenter;
pub use floors::{CentreBox, PAPER_FOREGROUND_SHARE, WholeImage};
pub use map_ocr::MapOcr;
pub use method::{Answer, Contestant, Failure, Frame, Method, Models, Oracle, StageAnswer, StageObject, segment};
pub use networks::devices;
pub use oracle_box::OracleBox;
pub use paced::PacedVlm;
pub use predictions::Predictions;
pub use socio_backend::Target;
pub use socio_models::{DType, ModelError};
pub use socio_remote as remote;
