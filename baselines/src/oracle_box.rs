//! The true instance boxes prompt the segmenter: what box prompting with that segmenter can reach.

use socio_backend::Prompt;
use socio_dataset::{Query, Truth};

use crate::Context;
use crate::method::{Answer, Failure, Models, Oracle, segment};

/// Prompts the segmenter with the box of each 8-connected component of the truth.
pub struct OracleBox;

impl Oracle for OracleBox {
    fn answer(&self, query: &Query, truth: &Truth, models: &Models, context: &mut Context) -> Result<Answer, Failure> {
        let prompts: Vec<Prompt> = truth.mask.components().iter().map(|c| c.bbox().into()).collect();
        Ok(segment("answer", query, prompts, models, context)?.into())
    }
}
