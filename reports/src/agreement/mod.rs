//! The same samples answered in several ways: which answers are equal, where the others part, and whether that explains the
//! whole difference between the tables.

mod flip;
mod told;

use socio_record::{Record, Rule};

use crate::metrics::{Metric, Profile, Tally};

pub use flip::{Answer, Flip, MaskDifference};
pub use told::{LEAST, table};

/// The samples answered in one way; every way has the same samples in the same order.
pub struct Trial<'a> {
    /// How, as tables name it.
    pub name: String,
    /// The records.
    pub records: &'a [Record],
    /// Whether numbers were of 32 bits and the likeliest token was taken each time: only then the share of equal answers is
    /// held against a limit.
    pub gated: bool,
    /// What the answer to a request was made of, by the request's hash.
    pub heard: &'a dyn Fn(&str) -> Option<Answer>,
}

/// One way held against the first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// How the samples were answered.
    pub name: String,
    /// Samples.
    pub samples: usize,
    /// Answers of the model that were asked for by both with the same request.
    pub answers: usize,
    /// Of these, those with equal text.
    pub equal: usize,
    /// Answers to requests that are not equal any more, since an earlier answer of the sample parted or a mask differs.
    pub followed: usize,
    /// Where the others part.
    pub flips: Vec<Flip>,
    /// Samples whose answers are all equal and whose masks are not.
    pub masks: Vec<MaskDifference>,
    /// The figures.
    pub figures: Vec<Beside>,
    /// Whether a limit applies.
    pub gated: bool,
}

/// A figure in percent, beside the first way's.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Beside {
    /// Its name, as `cIoU`.
    pub name: String,
    /// Of the first way.
    pub first: Option<f64>,
    /// Of this one.
    pub here: Option<f64>,
    /// Of this one, with the first's records where answers part.
    pub without_flips: Option<f64>,
}

impl Agreement {
    /// The share of equal answers; 1 where there are none.
    pub fn share(&self) -> f64 {
        if self.answers == 0 { 1.0 } else { self.equal as f64 / self.answers as f64 }
    }

    /// Whether what is left of the difference, once samples with a flip are taken from the first way, is none: the flips
    /// explain all of it. Where a segmenter's masks differ by pixels something is left, and told.
    pub fn explained(&self) -> bool {
        self.figures.iter().all(|f| f.first == f.without_flips)
    }
}

/// Holds a way against the first.
pub fn agreement(first: &Trial<'_>, other: &Trial<'_>, profile: &Profile) -> Agreement {
    let mut told = Agreement {
        name: other.name.clone(),
        samples: other.records.len(),
        answers: 0,
        equal: 0,
        followed: 0,
        flips: Vec::new(),
        masks: Vec::new(),
        figures: Vec::new(),
        gated: first.gated && other.gated,
    };
    let (mut of_first, mut of_other, mut of_rest) = (Tally::default(), Tally::default(), Tally::default());
    for (was, is) in first.records.iter().zip(other.records) {
        let mut parted = was.stages.len() != is.stages.len() || was.status != is.status;
        for (a, b) in was.stages.iter().zip(&is.stages) {
            let (Some(before), Some(after)) = (&a.text, &b.text) else { continue };
            if a.request != b.request {
                told.followed += 1;
                parted = true;
                continue;
            }
            told.answers += 1;
            if before == after {
                told.equal += 1;
                continue;
            }
            parted = true;
            let heard = |trial: &Trial<'_>| a.request.as_deref().and_then(trial.heard);
            told.flips.push(Flip::of(was, &a.name, (before, after), (heard(first), heard(other))));
        }
        if !parted && let Some(difference) = MaskDifference::of(was, is) {
            told.masks.push(difference);
        }
        let counted = |r: &Record| r.score.map(|s| profile.counted(r.status, &s));
        let (a, b) = (counted(was), counted(is));
        of_first += &a.unwrap_or_default();
        of_other += &b.unwrap_or_default();
        of_rest += &(if parted { a } else { b }).unwrap_or_default();
    }
    for metric in [Metric::Ciou, Metric::Giou, Metric::F1(Rule::Components)] {
        let value = |tally: &Tally| metric.of(tally, profile);
        let (first, here, without_flips) = (value(&of_first), value(&of_other), value(&of_rest));
        told.figures.push(Beside { name: metric.label(), first, here, without_flips });
    }
    told
}

#[cfg(test)]
mod tests;
