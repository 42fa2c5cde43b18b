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

    /// The part that a sample is in: what orders parts of which counts do not, and the word that it is, where it is one.
    fn of<'a>(self, digest: &'a Digest, entry: &Entry) -> Option<(u64, &'a str)> {
        let word = |w: Option<Word>| w.map(|w| (0, digest.words.text(w)));
        match self {
            Self::Class => word(entry.class),
            Self::Function => word(entry.function),
            Self::Region => word(entry.region),
            Self::Instances => Some((entry.score?.matches(Rule::Components).truth.min(MANY), "")),
            Self::Size => {
                let (width, height) = entry.size?;
                let share = 100.0 * entry.score?.truth_area as f64 / (f64::from(width) * f64::from(height)).max(1.0);
                Some((SIZES.iter().position(|s| share < *s).unwrap_or(SIZES.len()) as u64, ""))
            }
        }
    }

    /// Whether a sample is in a part.
    pub(crate) fn holds(self, digest: &Digest, entry: &Entry, part: &Part) -> bool {
        self.of(digest, entry).is_some_and(|(order, word)| order == part.order && word == part.word)
    }

    /// A part's name in tables.
    fn label(self, order: u64, word: &str) -> String {
        let at = order as usize;
        match self {
            Self::Class | Self::Function | Self::Region => word.to_owned(),
            Self::Instances if order >= MANY => format!("{MANY} or more"),
            Self::Instances => order.to_string(),
            Self::Size => match (at, SIZES.get(at)) {
                (0, Some(most)) => format!("below {most} %"),
                (_, Some(most)) => format!("{} to {most} %", SIZES[at - 1]),
                _ => format!("{} % or more", SIZES[SIZES.len() - 1]),
            },
        }
    }
}

/// Samples of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    order: u64,
    word: String,
    /// Its name in tables.
    pub(crate) label: String,
    /// The most samples that a row has of it.
    pub(crate) samples: u64,
}

/// The parts that samples are in: sizes and counts in their order, words by how many there are.
pub(crate) fn parts(lines: &[Line<'_>], by: By) -> Vec<Part> {
    let mut most: BTreeMap<(u64, &str), u64> = BTreeMap::new();
    for line in lines {
        let mut own: BTreeMap<(u64, &str), u64> = BTreeMap::new();
        let Some(run) = line.runs.first() else { continue };
        for entry in run.entries.iter().filter(|e| e.score.is_some()) {
            if let Some(part) = by.of(run, entry) {
                *own.entry(part).or_default() += 1;
            }
        }
        for (part, n) in own {
            let known = most.entry(part).or_default();
            *known = n.max(*known);
        }
    }
    let part = |((order, word), samples): ((u64, &str), u64)| Part {
        order,
        word: word.to_owned(),
        label: by.label(order, word),
        samples,
    };
    let mut parts: Vec<Part> = most.into_iter().map(part).collect();
    parts.sort_by(|a, b| a.order.cmp(&b.order).then(b.samples.cmp(&a.samples)).then(a.word.cmp(&b.word)));
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
    let rows = parts.into_iter().map(|part| {
        let mut row = vec![Cell::Text(part.label.clone()), Cell::Count(part.samples)];
        for line in lines {
            row.extend(line.cells(with, &metrics, |d, e| by.holds(d, e, &part)));
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
    for part in &parts {
        let over = format!("{} (n = {})", part.label, part.samples);
        columns.extend(metrics.iter().map(|m| column(&over, &m.label())));
    }
    columns.extend(metrics.iter().map(|m| column("All", &m.label())));
    let mut rows: Vec<Row> = (lines.iter())
        .map(|line| {
            let mut row = vec![Cell::Text(line.label.clone())];
            for part in &parts {
                row.extend(line.cells(with, &metrics, |d, e| By::Region.holds(d, e, part)));
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
