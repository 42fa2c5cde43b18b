//! Tables by level, as most of the paper's: the main comparison, the ablations, zero-shot models.

use socio_dataset::Level;

use super::lines::{Line, With};
use super::{column, notes};
use crate::metrics::{Metric, draws};
use crate::paper::Paper;
use crate::table::{Cell, Row, Table};

/// What sets one such table apart from another.
pub(super) struct ByLevel<'a> {
    /// Its key.
    pub(super) key: &'a str,
    /// What stands before the data in its title.
    pub(super) title: &'a str,
    /// The figures of each level.
    pub(super) metrics: &'a [Metric],
    /// The paper's table whose rows may stand beside.
    pub(super) paper: &'a str,
}

pub(super) fn table(lines: &[Line<'_>], with: With<'_>, what: &ByLevel<'_>) -> Result<Table, toml::de::Error> {
    let present: Vec<Level> = (Level::ALL.into_iter())
        .filter(|l| lines.iter().any(|line| line.count(|_, e| e.level == Some(*l)) > 0))
        .collect();
    let mut columns = vec![column("", "Method")];
    for over in present.iter().map(|l| l.label()).chain(["All"]) {
        columns.extend(what.metrics.iter().map(|m| column(over, &m.label())));
    }
    columns.extend([column("", "n"), column("", "failed")]);
    let ours = lines.iter().map(|line| {
        let mut row = vec![Cell::Text(line.label.clone())];
        for level in &present {
            row.extend(line.cells(with, what.metrics, |_, e| e.level == Some(*level)));
        }
        row.extend(line.cells(with, what.metrics, |_, _| true));
        row.extend([Cell::Count(line.scored()), Cell::Count(line.failed(&with.profile))]);
        Row { group: line.group, cells: row }
    });
    let mut rows: Vec<Row> = ours.collect();
    let mut notes = vec![format!(
        "Profile {}; F1 micro over {} at IoU > 0.5; intervals: {} cluster-bootstrap draws of scenes.",
        with.profile.name,
        with.options.rule.label(),
        draws(lines.iter().map(Line::scenes).max().unwrap_or(0), with.options.resamples)
    )];
    notes.extend(notes::warnings(lines));
    notes.extend(notes::marks(lines));
    if with.options.with_paper && notes::set_is(lines, "id") {
        rows.extend(published(what, &present)?);
        notes.push(notes::published(what.paper));
    }
    let mut table = Table {
        key: what.key.to_owned(),
        title: format!("{}{}: percent, with 95 % intervals", what.title, notes::data_of(lines)),
        columns,
        rows,
        notes,
        source: notes::source(lines, with),
    };
    table.mark_best();
    Ok(table)
}

/// The paper's rows, in its order.
fn published(what: &ByLevel<'_>, present: &[Level]) -> Result<Vec<Row>, toml::de::Error> {
    let paper = Paper::embedded()?;
    let rows = paper.methods(what.paper).into_iter().map(|method| {
        let mut cells = vec![Cell::Text(format!("{method} (published)"))];
        for setting in present.iter().map(|l| l.label()).chain(["all"]) {
            let found = paper.table(what.paper).find(|r| r.method == method && r.setting.as_deref() == Some(setting));
            cells.extend(what.metrics.iter().map(|m| Cell::exact(found.and_then(|r| r.figure(*m)))));
        }
        cells.extend([Cell::empty(), Cell::empty()]);
        Row { group: 2, cells }
    });
    Ok(rows.collect())
}
