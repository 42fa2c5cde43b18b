//! Where two answers to one request part, and how near the other answer was.

use serde::Serialize;
use socio_record::Record;

/// Characters of an answer that are shown around the place where it parts.
const SHOWN: usize = 24;

/// What an answer was made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// The gap between the two largest logits at each token, and at the stop token.
    pub gaps: Vec<f32>,
}

/// Two answers to one request that are not equal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// The sample.
    pub sample: String,
    /// The stage.
    pub stage: String,
    /// The first token that differs, from 0; absent where tokens are not known.
    pub token: Option<usize>,
    /// The gap of the two largest logits there, of the first way and of the other: how near the other answer was.
    pub gap: Option<[f32; 2]>,
    /// The texts from shortly before the place where they part.
    pub texts: [String; 2],
}

impl Flip {
    pub(super) fn of(
        record: &Record,
        stage: &str,
        (was, is): (&str, &str),
        heard: (Option<Answer>, Option<Answer>),
    ) -> Self {
        let at = was.chars().zip(is.chars()).take_while(|(a, b)| a == b).count();
        let shown = |text: &str| text.chars().skip(at.saturating_sub(SHOWN / 2)).take(SHOWN).collect::<String>();
        let heard = heard.0.zip(heard.1).filter(|(a, b)| !(a.tokens.is_empty() || b.tokens.is_empty()));
        let token = heard.as_ref().map(|(a, b)| a.tokens.iter().zip(&b.tokens).take_while(|(a, b)| a == b).count());
        let gap = heard.zip(token).and_then(|((a, b), at)| Some([*a.gaps.get(at)?, *b.gaps.get(at)?]));
        let (sample, stage) = (record.id.clone(), stage.to_owned());
        Self { sample, stage, token, gap, texts: [shown(was), shown(is)] }
    }
}

/// Masks that differ though every answer is equal: the segmenter's own rounding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaskDifference {
    /// The sample.
    pub sample: String,
    /// Pixels that are set in one and not in the other; absent where the masks are of two sizes or cannot be read.
    pub pixels: Option<u64>,
}

impl MaskDifference {
    /// Of the last stage's masks, where they differ.
    pub(super) fn of(was: &Record, is: &Record) -> Option<Self> {
        let (a, b) = (&was.stages.last()?.mask, &is.stages.last()?.mask);
        if a == b {
            return None;
        }
        let pixels = a.to_mask().ok().zip(b.to_mask().ok()).and_then(|(a, b)| Some(a.xor(&b).ok()?.area()));
        Some(Self { sample: was.id.clone(), pixels })
    }
}
