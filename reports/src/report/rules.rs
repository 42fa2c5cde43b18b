//! Instances: F1, precision and recall over all samples, by what counts as an instance.

use socio_record::Rule;

use super::lines::{Line, With};
use super::{column, notes};
use crate::metrics::Metric;
use crate::table::{Cell, Row, Table};

pub(super) fn table(lines: &[Line<'_>], with: With<'_>) -> Table {
    let mut columns = vec![column("", "Method")];
    for rule in Rule::ALL {
        columns.extend(["F1", "P", "R"].map(|name| column(rule.label(), name)));
    }
    let metrics: Vec<Metric> =
        Rule::ALL.into_iter().flat_map(|r| [Metric::F1(r), Metric::Precision(r), Metric::Recall(r)]).collect();
    let rows = lines.iter().map(|line| {
        let mut row = vec![Cell::Text(line.label.clone())];
        row.extend(line.cells(with, &metrics, |_, _| true));
        Row { group: line.group, cells: row }
    });
    let mut table = Table {
        key: "instance-rules".to_owned(),
        title: "Instances under the four rules, all levels: F1, precision and recall at IoU > 0.5, pooled".to_owned(),
        columns,
        rows: rows.collect(),
        notes: [format!(
            "The main table's F1 is `{}`: our choice, the paper names no rule.",
            with.options.rule.label()
        )]
        .into_iter()
        .chain(notes::few_scenes(lines))
        .collect(),
        source: notes::source(lines, with),
    };
    table.mark_best();
    table
}
