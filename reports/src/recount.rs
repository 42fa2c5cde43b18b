//! Counts made anew from the masks of a log: a check of what the records hold, and the ground for another profile.

use std::path::Path;

use socio_dataset::{Mask, Rle};
use socio_record::{Record, Run, RunError, Score, Stage, Summary, score};

use crate::digest::Digest;

/// A run with counts made anew from its masks.
#[derive(Debug, Clone)]
pub struct Recounted {
    /// The run.
    pub digest: Digest,
    /// Samples whose counts are not those of their masks, and why.
    pub wrong: Vec<(String, String)>,
}

/// Counts every mask of a run anew, one record in memory at a time; `take` gets each record as it is now counted.
///
/// # Errors
/// When it is no run, or damaged.
pub fn recount(path: &Path, mut take: impl FnMut(&Record)) -> Result<Recounted, RunError> {
    let mut wrong = Vec::new();
    let mut digest = Digest::begin(path, Run::manifest(path)?);
    Run::each(path, |mut record| {
        match counted(&record) {
            Ok((whole, stages)) => {
                let stage = record.stages.iter().zip(&stages).find(|(s, own)| s.score.is_some() && s.score != **own);
                if whole != record.score {
                    wrong.push((record.id.clone(), "its counts are not those of its masks".to_owned()));
                } else if let Some((stage, _)) = stage {
                    wrong.push((record.id.clone(), format!("the counts of {} are not those of its masks", stage.name)));
                }
                record.score = whole;
                record.stages.iter_mut().zip(stages).for_each(|(stage, score)| stage.score = score);
            }
            Err(why) => wrong.push((record.id.clone(), format!("{why}: its counts stay as they are"))),
        }
        take(&record);
        digest.push(Summary::from(&record));
    })?;
    digest.finish(path)?;
    Ok(Recounted { digest, wrong })
}

/// The counts of a record, and of each of its stages; none without a truth.
fn counted(record: &Record) -> Result<(Option<Score>, Vec<Option<Score>>), String> {
    let Some(truth) = &record.truth else { return Ok((None, vec![None; record.stages.len()])) };
    let truth = decode(truth)?;
    let of = |stage: &Stage| {
        let objects = stage.objects.iter().map(|o| decode(&o.mask)).collect::<Result<Vec<_>, _>>()?;
        Ok(score(&truth, &decode(&stage.mask)?, &objects))
    };
    let stages: Vec<Score> = record.stages.iter().map(of).collect::<Result<_, String>>()?;
    let none = || score(&truth, &Mask::new(truth.width(), truth.height()), &[]);
    Ok((Some(stages.last().copied().unwrap_or_else(none)), stages.into_iter().map(Some).collect()))
}

fn decode(rle: &Rle) -> Result<Mask, String> {
    rle.to_mask().map_err(|e| e.to_string())
}
