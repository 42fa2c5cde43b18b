//! How samples fail: without an answer, in the wrong place, or at the right place with the wrong edge (the paper's two kinds
//! of failure case, those below an IoU of 0.1), and those in between.

use socio_record::{Rule, Score, Status};

use super::lines::{Line, With};
use super::propagation::FAILURE;
use super::{column, notes};
use crate::digest::Entry;
use crate::metrics::Profile;
use crate::table::{Cell, Row, Table};

/// From this share on, a mask and its target are in the same place.
const SAME_PLACE: f64 = 0.5;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A valid answer with an IoU above 0.5.
    Found,
    /// A valid answer with an IoU from 0.1 to 0.5.
    Rough,
    /// Below 0.1: less than half of the target is marked, and less than half of what is marked is target.
    Misplaced,
    /// Below 0.1, and most of the target is marked: far too much besides.
    TooLarge,
    /// Below 0.1, and most of what is marked is target: far too little.
    TooSmall,
    /// Nothing said, or nothing marked.
    NoAnswer,
    /// Words that no grammar takes.
    BadGrammar,
    /// Something broke, or the mask is of a size that the profile does not take.
    Error,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Found,
        Self::Rough,
        Self::Misplaced,
        Self::TooLarge,
        Self::TooSmall,
        Self::NoAnswer,
        Self::BadGrammar,
        Self::Error,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Rough => "rough",
            Self::Misplaced => "misplaced",
            Self::TooLarge => "too large",
            Self::TooSmall => "too small",
            Self::NoAnswer => "no answer",
            Self::BadGrammar => "bad grammar",
            Self::Error => "error",
        }
    }

    /// Of a scored sample.
    pub(crate) fn of(entry: &Entry, profile: &Profile) -> Option<Self> {
        let (score, tally) = (entry.score?, profile.tally(entry)?);
        let iou = tally.iou;
        Some(match entry.status {
            Status::NoAnswer => Self::NoAnswer,
            Status::BadGrammar => Self::BadGrammar,
            s if s.is_error() => Self::Error,
            // A mask that the profile does not take, of another size.
            _ if tally.failed > 0 => Self::Error,
            _ if iou > 0.5 => Self::Found,
            _ if iou >= FAILURE => Self::Rough,
            _ if score.predicted_area == 0 => Self::NoAnswer,
            _ => Self::misses(&score),
        })
    }

    fn misses(score: &Score) -> Self {
        let share = |of: u64| score.counts.intersection as f64 / of.max(1) as f64;
        if share(score.truth_area) >= SAME_PLACE {
            Self::TooLarge
        } else if share(score.predicted_area) >= SAME_PLACE {
            Self::TooSmall
        } else {
            Self::Misplaced
        }
    }
}

/// Whether a truth of several instances was answered with one: models collapse to the dominant one (paper, A.9).
fn collapsed(entry: &Entry, profile: &Profile) -> Option<bool> {
    let m = entry.score?.matches(Rule::Components);
    let answered = profile.tally(entry)?.failed == 0;
    (m.truth > 1 && answered).then_some(m.predicted == 1)
}

pub(super) fn table(lines: &[Line<'_>], with: With<'_>) -> Table {
    let mut columns = vec![column("", "Method")];
    columns.extend(Kind::ALL.map(|k| {
        let over = match k {
            Kind::Found | Kind::Rough => "",
            Kind::Misplaced | Kind::TooLarge | Kind::TooSmall => "IoU below 0.1",
            Kind::NoAnswer | Kind::BadGrammar | Kind::Error => "no mask",
        };
        column(over, k.label())
    }));
    columns.push(column("", "collapsed"));
    let rows = lines.iter().map(|line| {
        let kinds: Vec<Kind> = line.entries().filter_map(|(_, e)| Kind::of(e, &with.profile)).collect();
        let n = kinds.len() as u64;
        let count = |kind: Kind| Cell::Share(kinds.iter().filter(|k| **k == kind).count() as u64, n);
        let several: Vec<bool> = line.entries().filter_map(|(_, e)| collapsed(e, &with.profile)).collect();
        let mut cells = vec![Cell::Text(line.label.clone())];
        cells.extend(Kind::ALL.map(count));
        cells.push(Cell::Share(several.iter().filter(|c| **c).count() as u64, several.len() as u64));
        Row { group: line.group, cells }
    });
    let about = "found: IoU above 0.5; rough: 0.1 to 0.5. Below 0.1 (the paper's failure cases): misplaced is a failure of \
        localisation; too large (half or more of the target is marked) and too small (half or more of what is marked is \
        target) are of the boundary. collapsed: one component for a truth of several, of those answered.";
    Table {
        key: "failures".to_owned(),
        title: "How samples fail".to_owned(),
        columns,
        rows: rows.collect(),
        notes: vec![about.to_owned()],
        source: notes::source(lines, with),
    }
}

#[cfg(test)]
mod tests {
    use socio_dataset::Counts;

    use super::*;

    #[test]
    fn misses_are_told_apart_by_place_and_size() {
        let score = |intersection: u64, truth_area: u64, predicted_area: u64| Score {
            counts: Counts { intersection, union: truth_area + predicted_area - intersection },
            truth_area,
            predicted_area,
            ..Score::default()
        };
        assert_eq!(Kind::misses(&score(90, 100, 5000)), Kind::TooLarge);
        assert_eq!(Kind::misses(&score(5, 100, 6)), Kind::TooSmall);
        assert_eq!(Kind::misses(&score(0, 100, 100)), Kind::Misplaced);
        assert_eq!(Kind::misses(&score(10, 100, 100)), Kind::Misplaced);
    }
}
