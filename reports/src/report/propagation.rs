//! Error propagation: what the second stage made of the first stage's mask. The paper says that it "amplifies" errors of
//! stage 1 (its failure cases); here each sample's IoU after stage 1 stands against that after stage 2.

use super::lines::{Line, With};
use super::{column, notes};
use crate::compare::{Change, paired_change};
use crate::digest::Entry;
use crate::metrics::{Metric, Profile, Tally};
use crate::table::{Cell, Row, Table};

/// A smaller difference of IoUs is no change: a pixel's worth of rounding between two sizes.
const CHANGE: f64 = 0.01;
/// From here on a mask is on its target: the paper's threshold for a match.
const FOUND: f64 = 0.5;
/// Below this a sample is one of the paper's failure cases.
pub(super) const FAILURE: f64 = 0.1;
/// Bands of the first stage's IoU.
const BANDS: [(f64, f64, &str); 4] = [
    (0.0, FAILURE, "below 0.1"),
    (FAILURE, FOUND, "0.1 to 0.5"),
    (FOUND, 0.75, "0.5 to 0.75"),
    (0.75, f64::INFINITY, "0.75 or more"),
];

/// IoU after stage 1 and after stage 2, in `0..=1`.
pub(crate) fn ious(entry: &Entry, profile: &Profile) -> Option<(f64, f64)> {
    let (one, two) = tallies(entry, profile)?;
    Some((one.iou, two.iou))
}

fn tallies(entry: &Entry, profile: &Profile) -> Option<(Tally, Tally)> {
    let first = entry.first.as_ref()?;
    Some((profile.counted(first.status, &first.score?), profile.tally(entry)?))
}

/// What a sample's second stage did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Helped,
    Unchanged,
    /// Worse, from a mask that was on its target.
    Harmed,
    /// Worse still, from a mask that was off already.
    Amplified,
}

pub(crate) fn effect((one, two): (f64, f64)) -> Effect {
    match two - one {
        d if d > CHANGE => Effect::Helped,
        d if d >= -CHANGE => Effect::Unchanged,
        _ if one > FOUND => Effect::Harmed,
        _ => Effect::Amplified,
    }
}

/// The table over all samples, and the one by bands of the first stage's IoU; none where no row has two stages.
pub(super) fn tables(lines: &[Line<'_>], with: With<'_>) -> Vec<Table> {
    let two: Vec<Line<'_>> = lines.iter().filter(|l| l.entries().any(|(_, e)| e.first.is_some())).cloned().collect();
    if two.is_empty() {
        return Vec::new();
    }
    vec![overall(&two, with), banded(&two, with)]
}

fn overall(lines: &[Line<'_>], with: With<'_>) -> Table {
    let names = ["n", "stage 1", "stage 2", "change", "helped", "unchanged", "harmed", "amplified", "found", "lost"];
    let mut columns = vec![column("", "Method")];
    columns.extend(names.map(|n| {
        let over = if matches!(n, "stage 1" | "stage 2" | "change") { "gIoU" } else { "" };
        column(over, n)
    }));
    let rows = lines.iter().map(|line| {
        let all: Vec<(f64, f64)> = line.entries().filter_map(|(_, e)| ious(e, &with.profile)).collect();
        let n = all.len() as u64;
        let mean = |of: fn(&(f64, f64)) -> f64| (n > 0).then(|| 100.0 * all.iter().map(of).sum::<f64>() / n as f64);
        let count = |of: &dyn Fn(&(f64, f64)) -> bool| Cell::Share(all.iter().filter(|x| of(x)).count() as u64, n);
        let is = |wanted: Effect| count(&move |x| effect(*x) == wanted);
        let cells = vec![
            Cell::Text(line.label.clone()),
            Cell::Count(n),
            Cell::exact(mean(|x| x.0)),
            Cell::exact(mean(|x| x.1)),
            Cell::Change(change(line, with).map(|c| c.figure())),
            is(Effect::Helped),
            is(Effect::Unchanged),
            is(Effect::Harmed),
            is(Effect::Amplified),
            count(&|x| x.0 <= FOUND && x.1 > FOUND),
            count(&|x| x.0 > FOUND && x.1 <= FOUND),
        ];
        Row { group: line.group, cells }
    });
    Table {
        key: "propagation".to_owned(),
        title: "Error propagation: what stage 2 made of stage 1's mask".to_owned(),
        columns,
        rows: rows.collect(),
        notes: vec![format!(
            "helped, harmed: IoU changed by more than {CHANGE}; harmed: from above {FOUND}; amplified: from {FOUND} or less, so that an error of stage 1 grew; found, lost: crossed {FOUND}. change: with its 95 % interval, paired by sample."
        )],
        source: notes::source(lines, with),
    }
}

/// gIoU of stage 2 less that of stage 1, over the same samples.
fn change(line: &Line<'_>, with: With<'_>) -> Option<Change> {
    let [run] = line.runs.as_slice() else { return None };
    let pairs = run.entries.iter().filter_map(|e| {
        let (one, two) = tallies(e, &with.profile)?;
        Some((e.scene, one, two))
    });
    paired_change(pairs, &[Metric::Giou], &with.profile, with.options.resamples).pop()?
}

fn banded(lines: &[Line<'_>], with: With<'_>) -> Table {
    let mut columns = vec![column("", "Stage 1's IoU")];
    for line in lines {
        columns.extend(["n", "stage 1", "stage 2", "helped", "worse"].map(|n| column(&line.label, n)));
    }
    let rows = BANDS.iter().map(|(low, high, name)| {
        let mut cells = vec![Cell::Text((*name).to_owned())];
        for line in lines {
            let all = line.entries().filter_map(|(_, e)| ious(e, &with.profile));
            let own: Vec<(f64, f64)> = all.filter(|x| x.0 >= *low && x.0 < *high).collect();
            let n = own.len() as u64;
            let mean = |of: fn(&(f64, f64)) -> f64| (n > 0).then(|| 100.0 * own.iter().map(of).sum::<f64>() / n as f64);
            let of = |keep: fn(Effect) -> bool| own.iter().filter(|x| keep(effect(**x))).count() as u64;
            cells.extend([
                Cell::Count(n),
                Cell::exact(mean(|x| x.0)),
                Cell::exact(mean(|x| x.1)),
                Cell::Share(of(|e| e == Effect::Helped), n),
                Cell::Share(of(|e| matches!(e, Effect::Harmed | Effect::Amplified)), n),
            ]);
        }
        Row { group: 0, cells }
    });
    Table {
        key: "propagation-bands".to_owned(),
        title: "Error propagation by how good stage 1's mask was: gIoU in percent".to_owned(),
        columns,
        rows: rows.collect(),
        notes: Vec::new(),
        source: notes::source(lines, with),
    }
}
