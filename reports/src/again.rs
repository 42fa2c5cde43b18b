//! A run made again: what is the same, and what differs.

use serde::Serialize;
use socio_record::{Record, Run};

/// What differs between a run and the one made again from its manifest.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Again {
    /// What decides the answers and is not as it was: field, then, now.
    pub inputs: Vec<(String, String, String)>,
    /// Samples whose records are the same but for times.
    pub same: usize,
    /// Samples that differ: the id, and in what.
    pub differ: Vec<(String, String)>,
    /// Samples that were finished then, and are not there now.
    pub missing: usize,
    /// Samples that were not finished then.
    pub new: usize,
}

impl Again {
    /// Holds a run made again against the first.
    /// Where `limit` says so, of its first samples alone.
    pub fn of(first: &Run, again: &Run, limit: Option<usize>) -> Self {
        let wanted: Option<std::collections::BTreeSet<&str>> =
            limit.map(|n| first.samples.iter().take(n).map(|s| s.id.as_str()).collect());
        let mut told = Self { inputs: first.manifest.differences(&again.manifest), ..Self::default() };
        for (id, was) in first.records.iter().filter(|(id, _)| wanted.as_ref().is_none_or(|w| w.contains(id.as_str())))
        {
            match again.records.get(id).map(|is| differences(was, is)) {
                None => told.missing += 1,
                Some(parts) if parts.is_empty() => told.same += 1,
                Some(parts) => told.differ.push((id.clone(), parts.join(", "))),
            }
        }
        told.new += again.records.keys().filter(|id| !first.records.contains_key(*id)).count();
        told
    }

    /// Whether everything that was made again is the same.
    pub fn reproduced(&self) -> bool {
        self.differ.is_empty() && self.missing == 0 && self.same > 0
    }
}

/// In what two records of a sample differ, times aside.
fn differences(was: &Record, is: &Record) -> Vec<String> {
    let mut parts = Vec::new();
    let mut note = |differ: bool, what: String| {
        if differ {
            parts.push(what);
        }
    };
    note(was.status != is.status, format!("status ({} then, {} now)", was.status, is.status));
    note(was.query != is.query, "query".to_owned());
    note(was.satellite != is.satellite, "satellite pixels".to_owned());
    note(was.map != is.map, "map pixels".to_owned());
    note(was.truth != is.truth, "truth".to_owned());
    note(was.stages.len() != is.stages.len(), "number of stages".to_owned());
    for (a, b) in was.stages.iter().zip(&is.stages) {
        note(a.text != b.text, format!("words of {}", a.name));
        note(a.request != b.request, format!("request of {}", a.name));
        note(prompts(a) != prompts(b), format!("prompts of {}", a.name));
        note(a.mask != b.mask, format!("mask of {}", a.name));
    }
    let iou = |r: &Record| r.score.and_then(|s| s.counts.iou()).map_or("–".to_owned(), |v| format!("{v:.3}"));
    note(was.score != is.score, format!("score (IoU {} then, {} now)", iou(was), iou(is)));
    parts
}

fn prompts(stage: &socio_record::Stage) -> String {
    let all: Vec<_> = stage.objects.iter().map(|o| (o.bbox, &o.points, &o.background)).collect();
    serde_json::to_string(&all).unwrap_or_default()
}
