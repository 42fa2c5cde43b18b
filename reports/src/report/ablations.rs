//! The paper's tables of its own variants: without reflection, without refinement, numbers of points, zero-shot models.

use super::levels::{self, ByLevel};
use super::lines::{Line, With, lines};
use super::{column, notes};
use crate::digest::{Digest, STAGE_1};
use crate::metrics::Metric;
use crate::paper::Paper;
use crate::table::{Cell, Row, Table};

/// A method and the name that the paper's table gives its row.
type Named = (&'static str, &'static str);

const STAGES: [Named; 3] = [
    ("socioreasoner-wo-reflection", "w/o reflection"),
    ("socioreasoner-wo-refinement", "w/o refinement"),
    ("socioreasoner", "Ours"),
];
const POINTS: [Named; 3] = [
    ("socioreasoner-1-point", "1 point"),
    ("socioreasoner-2-points", "2 points"),
    ("socioreasoner-3-points", "3 points"),
];

/// The runs of some methods, in the paper's order, named as there.
fn named<'a>(digests: impl Iterator<Item = &'a Digest> + Clone, names: &[Named]) -> Vec<Line<'a>> {
    let mut rows = Vec::new();
    for (method, name) in names {
        for mut line in lines(digests.clone().filter(|d| role(d) == *method)) {
            line.label = format!("{name}: {}", line.label);
            rows.push(line);
        }
    }
    rows
}

/// What a run is in these tables: a whole method that was stopped after its first stage is without refinement.
fn role(digest: &Digest) -> &str {
    let method = &digest.manifest.method;
    let stopped = method.name == STAGES[2].0 && method.label.contains(STAGE_1);
    if stopped { STAGES[1].0 } else { &method.name }
}

/// Multi-stage ablation (Tables 2 and 5). "Without refinement" is the same run's first stage, as in the paper, where no run
/// of its own is given.
pub(super) fn stages(digests: &[&Digest], with: With<'_>) -> Result<Option<Table>, toml::de::Error> {
    let own = digests.iter().any(|d| role(d) == STAGES[1].0);
    let whole = digests.iter().filter(|d| !own && role(d) == STAGES[2].0);
    let stopped: Vec<Digest> = whole.map(|d| Digest::clone(d).stopped_after_first()).collect();
    let all = digests.iter().copied().chain(&stopped);
    let rows = named(all, &STAGES);
    let key = ByLevel { key: "ablation", title: "Stages: ", metrics: &with.metrics(), paper: "2" };
    (!rows.is_empty()).then(|| levels::table(&rows, with, &key)).transpose()
}

/// Number of points (Tables 3 and 6).
pub(super) fn points(digests: &[&Digest], with: With<'_>) -> Result<Option<Table>, toml::de::Error> {
    let rows = named(digests.iter().copied(), &POINTS);
    let key = ByLevel { key: "points", title: "Points: ", metrics: &with.metrics(), paper: "3" };
    (!rows.is_empty()).then(|| levels::table(&rows, with, &key)).transpose()
}

/// Zero-shot models (Table 9): cIoU and gIoU, as there.
pub(super) fn zero_shot(digests: &[&Digest], with: With<'_>) -> Result<Option<Table>, toml::de::Error> {
    let rows = lines(digests.iter().copied().filter(|d| d.manifest.method.name == "zero-shot"));
    let key = ByLevel { key: "zero-shot", title: "Zero-shot: ", metrics: &[Metric::Ciou, Metric::Giou], paper: "9" };
    (!rows.is_empty()).then(|| levels::table(&rows, with, &key)).transpose()
}

/// The multi-class setting (Table 10): class and function side by side, pooled over samples as there, and as the mean over
/// classes that semantic segmentation prints (mIoU).
pub(super) fn multi_class(lines: &[Line<'_>], with: With<'_>) -> Result<Option<Table>, toml::de::Error> {
    use super::by::{By, parts};
    use socio_dataset::Level;
    let settings = [(Level::Class, By::Class), (Level::Function, By::Function)];
    if settings.iter().all(|(level, _)| lines.iter().all(|l| l.count(|_, e| e.level == Some(*level)) == 0)) {
        return Ok(None);
    }
    let metrics = with.metrics();
    let mut columns = vec![column("", "Method")];
    for (level, _) in settings {
        columns.extend(metrics.iter().map(|m| column(level.label(), &m.label())));
        columns.push(column(level.label(), "mIoU"));
    }
    let mut rows = Vec::new();
    for line in lines {
        let mut cells = vec![Cell::Text(line.label.clone())];
        for (level, by) in settings {
            cells.extend(line.cells(with, &metrics, |_, e| e.level == Some(level)));
            let each: Vec<f64> = parts(std::slice::from_ref(line), by)
                .iter()
                .filter_map(|part| {
                    let run = line.runs.first()?;
                    let of = |e: &crate::digest::Entry| e.level == Some(level) && by.holds(run, e, part);
                    let sum = super::lines::total(run, &with.profile, of);
                    (sum.samples > 0).then(|| Metric::Ciou.of(&sum, &with.profile))?
                })
                .collect();
            let mean = (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64);
            cells.push(Cell::exact(mean));
        }
        rows.push(Row { group: line.group, cells });
    }
    let mut told = vec![
        "mIoU: the mean over classes (functions) of each one's cIoU, in the first run of a row; the paper prints none."
            .to_owned(),
    ];
    told.extend(notes::marks(lines));
    if with.options.with_paper && notes::set_is(lines, "id") {
        rows.extend(published(&metrics)?);
        told.push(notes::published("10"));
    }
    let mut table = Table {
        key: "multi-class".to_owned(),
        title: "Multi-class setting: percent, with 95 % intervals".to_owned(),
        columns,
        rows,
        notes: told,
        source: notes::source(lines, with),
    };
    table.mark_best();
    Ok(Some(table))
}

fn published(metrics: &[Metric]) -> Result<Vec<Row>, toml::de::Error> {
    let paper = Paper::embedded()?;
    let rows = paper.methods("10").into_iter().map(|method| {
        let mut cells = vec![Cell::Text(format!("{method} (published)"))];
        for setting in ["multi-class:class", "multi-class:function"] {
            let found = paper.table("10").find(|r| r.method == method && r.setting.as_deref() == Some(setting));
            cells.extend(metrics.iter().map(|m| Cell::exact(found.and_then(|r| r.figure(*m)))));
            cells.push(Cell::exact(None));
        }
        Row { group: 2, cells }
    });
    Ok(rows.collect())
}
