//! One record a sample: everything that a report, another profile or a replay needs, without the dataset.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use socio_dataset::{Bbox, Level, Point, Rle};

use crate::Score;

/// How a sample ended. A failed sample is a status that every table counts, never silently a zero or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Answered and scored.
    #[default]
    Ok,
    /// The method found nothing to mark.
    NoAnswer,
    /// The answer does not follow the grammar.
    BadGrammar,
    /// The sample's files are missing or broken.
    LoadError,
    /// The folder of predictions has none for this sample.
    MissingPrediction,
    /// The prediction does not decode.
    BadPrediction,
    /// A model failed.
    BackendError,
    /// A model ran out of memory.
    OutOfMemory,
    /// The method itself failed: a foreign program died, was too slow or spoke nonsense.
    MethodError,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::NoAnswer,
        Self::BadGrammar,
        Self::LoadError,
        Self::MissingPrediction,
        Self::BadPrediction,
        Self::BackendError,
        Self::OutOfMemory,
        Self::MethodError,
    ];

    /// Whether all is well.
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }

    /// Whether something broke, as against a method that answered badly or not at all: a run with errors is no success.
    pub fn is_error(self) -> bool {
        !matches!(self, Self::Ok | Self::NoAnswer | Self::BadGrammar)
    }

    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoAnswer => "no answer",
            Self::BadGrammar => "bad grammar",
            Self::LoadError => "load error",
            Self::MissingPrediction => "missing prediction",
            Self::BadPrediction => "bad prediction",
            Self::BackendError => "backend error",
            Self::OutOfMemory => "out of memory",
            Self::MethodError => "method error",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// One object of a stage: what prompted the segmenter, and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The box, in image pixels.
    #[serde(rename = "box", default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<Bbox>,
    /// Points, in image pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// Points beside the object, in image pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background: Vec<Point>,
    /// Its mask, before objects were merged.
    pub mask: Rle,
    /// The segmenter's own estimate of its IoU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// One stage of a method: what was said, what was prompted, what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name, as `localize`.
    pub name: String,
    /// What the model said, letter by letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Hash of the model's request, by which a replay finds the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Tokens of the exchange, where a vision-language model spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// The picture that boxes, points and the objects' masks are about, where it is not the satellite image itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
    /// How the stage ended; the sample ended as its last stage did.
    #[serde(default, skip_serializing_if = "Status::is_ok")]
    pub status: Status,
    /// Why it did not end well, or what of the model's answer was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The objects, in the method's order.
    pub objects: Vec<Object>,
    /// The union of the objects, at the size at which the method gave it.
    pub mask: Rle,
    /// Counts against the truth, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

/// A resized satellite image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Hash of its pixels.
    pub pixels: String,
}

/// Tokens of one exchange with a vision-language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// The prompt's, those of images among them.
    pub prompt: usize,
    /// Of these, what stands for images.
    pub image: usize,
    /// Drawn.
    pub completion: usize,
    /// Whether the limit of tokens cut the completion.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// What is known of one finished sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this layout ([`crate::RECORD_SCHEMA`]).
    pub schema: u32,
    /// The sample.
    pub id: String,
    /// The level that the id tells.
    pub level: Option<Level>,
    /// The query text; empty where it could not be read.
    pub query: String,
    /// The scene: the `scene` column, else the hash of the satellite pixels, else the id.
    pub scene: String,
    /// Class and function, from columns of these names or the query itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The region, from a column of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Hash of the satellite pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satellite: Option<String>,
    /// Hash of the map pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// How it ended.
    pub status: Status,
    /// Why, where it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The truth at native size; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Rle>,
    /// The method's stages; the last one's mask is its answer.
    pub stages: Vec<Stage>,
    /// Counts of the answer (an empty mask where there is none); absent where there is no truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Seconds by phase. Not part of what is reproducible.
    pub timings: BTreeMap<String, f64>,
    /// When and where it was worked on. Not part of what is reproducible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// When and where a sample was worked on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// A number of the process that did it: of its id and its beginning.
    pub process: u32,
    /// Which of the process's samples in flight, from 0.
    pub worker: u32,
    /// Seconds since 1970 at which it was begun.
    pub begun: f64,
    /// Most memory that the process had had when the sample was finished, in bytes, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// What time was spent on: the phase, seconds from the beginning of the sample, seconds that it took.
    pub spans: Vec<(String, f64, f64)>,
}

/// The name of the second stage of a method that has two.
const SECOND: &str = "refine";

impl Record {
    /// The record as it would be had the method ended before its second stage: status, message and score are those of the
    /// stage before, and it has no times. A record without a second stage is itself.
    #[must_use]
    pub fn stopped_after_first(&self) -> Self {
        let mut stopped = self.clone();
        let Some(second) = self.stages.iter().position(|s| s.name == SECOND) else { return stopped };
        stopped.stages.truncate(second);
        // What the whole took is not what its first stage would have taken.
        stopped.timings.clear();
        stopped.trace = None;
        if let Some(last) = stopped.stages.last() {
            stopped.status = last.status;
            stopped.message.clone_from(&last.message);
            stopped.score = last.score;
        }
        stopped
    }
}
