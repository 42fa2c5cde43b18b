//! What a method is, and what it answers.

use std::sync::Arc;

use socio_backend::{BackendError, MapReader, Prompt, Segmenter, Vlm};
use socio_dataset::{Mask, Query, Truth};

use crate::Context;

/// The models that a method may ask; those it does not need are absent.
#[derive(Clone, Default)]
pub struct Models {
    /// A vision-language model.
    pub vlm: Option<Arc<dyn Vlm>>,
    /// A promptable segmenter.
    pub segmenter: Option<Arc<dyn Segmenter>>,
    /// A map reader.
    pub reader: Option<Arc<dyn MapReader>>,
}

/// One object of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageObject {
    /// What prompted the segmenter; empty where nothing did.
    pub prompt: Prompt,
    /// Its mask.
    pub mask: Mask,
    /// The segmenter's own estimate of its IoU.
    pub score: Option<f64>,
}

/// The picture that a stage's prompts are about, where it is not the satellite image itself: a resized one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Hash of its pixels, by which a replay finds its prompts.
    pub pixels: String,
}

/// What one stage came to.
#[derive(Debug, Clone)]
pub struct StageAnswer {
    /// The stage's name, as `localize`.
    pub name: &'static str,
    /// The objects; their prompts and masks are in the pixels of `frame`, where there is one.
    pub objects: Vec<StageObject>,
    /// Their union, in the satellite image's pixels.
    pub mask: Mask,
    /// What the prompts are about, where it is not the satellite image.
    pub frame: Option<Frame>,
    /// Why it came to nothing; the mask is empty then.
    pub failure: Option<Failure>,
    /// What of the model's answer was left out.
    pub remark: Option<String>,
}

impl StageAnswer {
    /// A stage that came to something.
    pub fn new(name: &'static str, objects: Vec<StageObject>, mask: Mask) -> Self {
        Self { name, objects, mask, frame: None, failure: None, remark: None }
    }
}

/// What a method answers: the last stage's mask, or why that one failed.
#[derive(Debug, Clone)]
pub struct Answer {
    /// At least one stage.
    pub stages: Vec<StageAnswer>,
}

impl From<StageAnswer> for Answer {
    fn from(stage: StageAnswer) -> Self {
        Self { stages: vec![stage] }
    }
}

/// Why a method has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// It found nothing to mark.
    #[error("{0}")]
    NoAnswer(String),
    /// A model's answer does not follow the grammar.
    #[error("{0}")]
    BadGrammar(String),
    /// No prediction for this sample.
    #[error("{0}")]
    MissingPrediction(String),
    /// A prediction that does not decode.
    #[error("{0}")]
    BadPrediction(String),
    /// A model failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The method itself failed.
    #[error("{0}")]
    Method(String),
}

/// Answers queries.
pub trait Method: Send + Sync {
    /// Marks what the query asks for.
    ///
    /// # Errors
    /// Why there is no answer.
    fn answer(&self, query: &Query, models: &Models, context: &mut Context) -> Result<Answer, Failure>;
}

/// Answers queries knowing the truth: an upper reference, no contestant.
pub trait Oracle: Send + Sync {
    /// Marks what the query asks for.
    ///
    /// # Errors
    /// Why there is no answer.
    fn answer(&self, query: &Query, truth: &Truth, models: &Models, context: &mut Context) -> Result<Answer, Failure>;
}

/// A method or an oracle.
pub enum Contestant {
    /// Sees the query.
    Method(Box<dyn Method>),
    /// Sees the truth too.
    Oracle(Box<dyn Oracle>),
}

/// Prompts the segmenter on the satellite image and merges the objects: how both stages of every method end.
///
/// # Errors
/// When there is no segmenter, or it fails.
pub fn segment(
    name: &'static str,
    query: &Query,
    prompts: Vec<Prompt>,
    models: &Models,
    context: &mut Context,
) -> Result<StageAnswer, Failure> {
    let segmenter = models.segmenter.as_ref().ok_or_else(|| Failure::Method("it needs a segmenter".to_owned()))?;
    let embedding = context.time("embed", || segmenter.embed(&query.satellite))?;
    let segments = context.time("segment", || segmenter.prompt(&embedding, &prompts))?;
    let (width, height) = query.satellite.dimensions();
    let mut mask = Mask::new(width, height);
    let mut objects = Vec::with_capacity(segments.len());
    for (prompt, segment) in prompts.into_iter().zip(segments) {
        mask = mask.or(&segment.mask).map_err(|e| Failure::Method(format!("a segment is of the wrong size: {e}")))?;
        objects.push(StageObject { prompt, mask: segment.mask, score: segment.score });
    }
    Ok(StageAnswer::new(name, objects, mask))
}
