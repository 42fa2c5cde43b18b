//! Tables by what samples are of: class, function, region, number of instances, size of the target.

use std::collections::BTreeMap;

use socio_record::Rule;

use super::lines::{Line, With};
use super::{column, notes};
use crate::digest::{Digest, Entry, Word};
use crate::table::{Cell, Row, Table};

/// A way to part samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Class,
    Function,
    Region,
    Instances,
    Size,
}

/// Upper bounds of the target's share of the image, in percent; the paper's mean is 3.7 %.
const SIZES: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
/// From so many instances on they are one part.
const MANY: u64 = 4;

impl By {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Class => "classes",
            Self::Function => "functions",
            Self::Region => "regions",
            Self::Instances => "instances",
            Self::Size => "sizes",
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Class => "Class",
            Self::Function => "Function",
            Self::Region => "Region",
            Self::Instances => "Instances",
            Self::Size => "Target's share of the image",
        }
    }

    fn note(self) -> Option<&'static str> {
        match self {
            Self::Class | Self::Function | Self::Region => None,
            Self::Instances => Some("Instances of the truth: its 8-connected components."),
            Self::Size => Some("The paper's test split has a mean share of about 3.7 % (docs/metrics.md)."),
        }
    }

    /// The part that a sample is in, with a number that orders parts of which counts do not.
    pub(crate) fn part(self, digest: &Digest, entry: &Entry) -> Option<(u64, String)> {
        let word = |w: Option<Word>| w.map(|w| (0, digest.words.text(w).to_owned()));
        match self {
            Self::Class => word(entry.class),
            Self::Function => word(entry.function),
            Self::Region => word(entry.region),
            Self::Instances => {
                let n = entry.score?.matches(Rule::Components).truth;
                Some((n.min(MANY), if n >= MANY { format!("{MANY} or more") } else { n.to_string() }))
            }
            Self::Size => {
                let (width, height) = entry.size?;
                let share = 100.0 * entry.score?.truth_area as f64 / (f64::from(width) * f64::from(height)).max(1.0);
                let at = SIZES.iter().position(|s| share < *s).unwrap_or(SIZES.len());
                let text = match (at, SIZES.get(at)) {
                    (0, Some(most)) => format!("below {most} %"),
                    (_, Some(most)) => format!("{} to {most} %", SIZES[at - 1]),
                    _ => format!("{} % or more", SIZES[SIZES.len() - 1]),
                };
                Some((at as u64, text))
            }
        }
    }
}

/// The parts that samples are in, with the most samples that a row has of each: sizes and counts in their order, words
/// by how many there are.
pub(crate) fn parts(lines: &[Line<'_>], by: By) -> Vec<((u64, String), u64)> {
    let mut most: BTreeMap<(u64, String), u64> = BTreeMap::new();
    for line in lines {
        let mut own: BTreeMap<(u64, String), u64> = BTreeMap::new();
        let Some(run) = line.runs.first() else { continue };
        for entry in run.entries.iter().filter(|e| e.score.is_some()) {
            if let Some(part) = by.part(run, entry) {
                *own.entry(part).or_default() += 1;
            }
        }
        for (part, n) in own {
            let known = most.entry(part).or_default();
            *known = n.max(*known);
        }
    }
    let mut parts: Vec<_> = most.into_iter().collect();
    parts.sort_by(|(a, n), (b, m)| a.0.cmp(&b.0).then(m.cmp(n)).then(a.1.cmp(&b.1)));
    parts
}

pub(super) fn table(lines: &[Line<'_>], with: With<'_>, by: By) -> Option<Table> {
    let parts = parts(lines, by);
    if parts.is_empty() {
        return None;
    }
    let metrics = with.metrics();
    let mut columns = vec![column("", by.heading()), column("", "n")];
    for line in lines {
        columns.extend(metrics.iter().map(|m| column(&line.label, &m.label())));
    }
    let rows = parts.into_iter().map(|(part, n)| {
        let mut row = vec![Cell::Text(part.1.clone()), Cell::Count(n)];
        for line in lines {
            row.extend(line.cells(with, &metrics, |d, e| by.part(d, e).as_ref() == Some(&part)));
        }
        Row { group: 0, cells: row }
    });
    let told = match by {
        By::Class | By::Function => format!("By {}, every level that tells one", by.heading().to_lowercase()),
        By::Region => "By region".to_owned(),
        By::Instances => "By how many instances the truth has".to_owned(),
        By::Size => "By how much of the image the truth covers".to_owned(),
    };
    Some(Table {
        key: by.key().to_owned(),
        title: format!("{told}: percent, with 95 % intervals"),
        columns,
        rows: rows.collect(),
        notes: (by.note().map(str::to_owned).into_iter())
            .chain(notes::few_scenes(lines))
            .chain(notes::marks(lines))
            .collect(),
        source: notes::source(lines, with),
    })
}

/// A row a method, a column group a region, as the paper's Table 7 has all methods on new regions.
pub(super) fn regions(lines: &[Line<'_>], with: With<'_>) -> Result<Option<Table>, toml::de::Error> {
    let parts = parts(lines, By::Region);
    if parts.is_empty() {
        return Ok(None);
    }
    let metrics = with.metrics();
    let mut columns = vec![column("", "Method")];
    for (part, n) in &parts {
        columns.extend(metrics.iter().map(|m| column(&format!("{} (n = {n})", part.1), &m.label())));
    }
    columns.extend(metrics.iter().map(|m| column("All", &m.label())));
    let mut rows: Vec<Row> = (lines.iter())
        .map(|line| {
            let mut row = vec![Cell::Text(line.label.clone())];
            for (part, _) in &parts {
                row.extend(line.cells(with, &metrics, |d, e| By::Region.part(d, e).as_ref() == Some(part)));
            }
            row.extend(line.cells(with, &metrics, |_, _| true));
            Row { group: line.group, cells: row }
        })
        .collect();
    let mut told = notes::warnings(lines);
    told.extend(notes::marks(lines));
    if with.options.with_paper && notes::set_is(lines, "region") {
        for published in crate::paper::Paper::embedded()?.table("7") {
            let mut cells = vec![Cell::Text(format!("{} (published)", published.method))];
            cells.resize_with(columns.len() - metrics.len(), || Cell::exact(None));
            cells.extend(metrics.iter().map(|m| Cell::exact(published.figure(*m))));
            rows.push(Row { group: 2, cells });
        }
        told.push(notes::published("7"));
    }
    let mut table = Table {
        key: "regions".to_owned(),
        title: "By region, all levels: percent, with 95 % intervals".to_owned(),
        columns,
        rows,
        notes: told,
        source: notes::source(lines, with),
    };
    table.mark_best();
    Ok(Some(table))
}
