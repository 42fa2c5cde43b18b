//! One table over the sets of a suite: in domain beside out of distribution, as the paper's Table 4.

use super::lines::{Line, With, lines};
use super::{column, name_of, notes};
use crate::digest::Digest;
use crate::paper::Paper;
use crate::table::{Cell, Row, Table};

/// A row a method, the figures of each set beside each other.
pub(super) fn table(digests: &[Digest], sets: &[Option<&str>], with: With<'_>) -> Result<Table, toml::de::Error> {
    let metrics = with.metrics();
    let by_set: Vec<Vec<Line<'_>>> =
        sets.iter().map(|set| lines(digests.iter().filter(|d| name_of(d) == *set))).collect();
    let mut labels: Vec<(u8, &str)> = Vec::new();
    for line in by_set.iter().flatten() {
        if !labels.iter().any(|(_, label)| *label == line.label) {
            labels.push((line.group, &line.label));
        }
    }
    labels.sort_by_key(|(group, _)| *group);
    let titled = |set: Option<&str>| digests.iter().find(|d| name_of(d) == set).and_then(|d| d.manifest.set.as_ref());
    let mut columns = vec![column("", "Method")];
    for set in sets {
        let title = titled(*set).map_or("no suite", |s| s.title.as_str());
        columns.extend(metrics.iter().map(|m| column(title, &m.label())));
    }
    let mut rows: Vec<Row> = (labels.iter())
        .map(|(group, label)| {
            let mut row = vec![Cell::Text((*label).to_owned())];
            for of_set in &by_set {
                match of_set.iter().find(|l| l.label == *label) {
                    Some(line) => row.extend(line.cells(with, &metrics, |_, _| true)),
                    None => row.extend(metrics.iter().map(|_| Cell::figure(None))),
                }
            }
            Row { group: *group, cells: row }
        })
        .collect();
    let sizes: Vec<String> = sets
        .iter()
        .filter_map(|set| {
            let data = &digests.iter().find(|d| name_of(d) == *set)?.manifest.data;
            Some(format!("{} {} samples of split {}", titled(*set)?.title, data.samples, data.split))
        })
        .collect();
    let mut told = vec![format!("{}.", sizes.join("; "))];
    told.extend(notes::few_scenes(&by_set.iter().flatten().cloned().collect::<Vec<_>>()));
    if with.options.with_paper {
        rows.extend(published(sets, with)?);
        told.push(notes::published("4"));
    }
    let suite = digests.iter().find_map(|d| d.manifest.set.as_ref()).map_or("", |s| s.suite.as_str());
    let all: Vec<Line<'_>> = by_set.into_iter().flatten().collect();
    let mut table = Table {
        key: "sets".to_owned(),
        title: format!("Suite {suite}, all levels of each set: percent, with 95 % intervals"),
        columns,
        rows,
        notes: told,
        source: notes::source(&all, with),
    };
    table.mark_best();
    Ok(table)
}

/// The rows of the paper's Table 4 under the sets that are of its kinds.
fn published(sets: &[Option<&str>], with: With<'_>) -> Result<Vec<Row>, toml::de::Error> {
    let paper = Paper::embedded()?;
    let kind = |set: Option<&str>| match set {
        Some("id") => Some("id"),
        Some("region") => Some("ood-region"),
        Some(s) if s.starts_with("style-") => Some("ood-map-style"),
        _ => None,
    };
    let rows = paper.methods("4").into_iter().map(|method| {
        let mut cells = vec![Cell::Text(format!("{method} (published)"))];
        for set in sets {
            let wanted = kind(*set);
            let found =
                paper.table("4").find(|r| r.method == method && wanted.is_some() && r.dataset.as_deref() == wanted);
            cells.extend(with.metrics().iter().map(|m| Cell::exact(found.and_then(|r| r.figure(*m)))));
        }
        Row { group: 2, cells }
    });
    Ok(rows.collect())
}
