//! The worst samples of each row, for whoever wants to look at them.

use super::lines::{Line, With};
use super::{column, notes};
use crate::digest::{Digest, Entry};
use crate::metrics::Profile;
use crate::table::{Cell, Row, Table};

/// The ids of a run's worst samples, the worst first: lowest IoU, of equal ones the largest miss in pixels.
pub fn worst<'a>(digest: &'a Digest, profile: &Profile, most: usize) -> Vec<(&'a Entry, f64)> {
    let mut all: Vec<(&Entry, f64, u64)> = digest
        .entries
        .iter()
        .filter_map(|e| profile.tally(e).map(|t| (e, t.iou, t.union - t.intersection.min(t.union))))
        .collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.2.cmp(&a.2)).then(a.0.id.cmp(&b.0.id)));
    all.into_iter().take(most).map(|(entry, iou, _)| (entry, iou)).collect()
}

pub(super) fn table(lines: &[Line<'_>], with: With<'_>) -> Table {
    let columns = ["Method", "sample", "level", "class", "status", "stage 1", "IoU"].map(|n| column("", n));
    let mut rows = Vec::new();
    for line in lines {
        let Some(run) = line.runs.first() else { continue };
        for (entry, iou) in worst(run, &with.profile, with.options.worst) {
            let first = super::propagation::ious(entry, &with.profile).map(|(one, _)| 100.0 * one);
            let cells = vec![
                Cell::Text(line.label.clone()),
                Cell::Text(entry.id.to_string()),
                Cell::Text(entry.level.map_or("", |l| l.label()).to_owned()),
                Cell::Text(entry.class.map_or("", |c| run.words.text(c)).to_owned()),
                Cell::Text(entry.status.label().to_owned()),
                Cell::exact(first),
                Cell::exact(Some(100.0 * iou)),
            ];
            rows.push(Row { group: line.group, cells });
        }
    }
    let pictures = "Their pictures: `report --format html --data DATA`, or `data show DATA --run RUN --ids ...`.";
    let told = notes::first_seed(lines).into_iter().chain([pictures.to_owned()]).collect();
    Table {
        key: "worst".to_owned(),
        title: "The worst samples: IoU in percent".to_owned(),
        columns: columns.into(),
        rows,
        notes: told,
        source: notes::source(lines, with),
    }
}
