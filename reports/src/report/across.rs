//! One table over the sets of a suite: in domain beside out of distribution, as the paper's Table 4.

use socio_record::Run;

use super::{Options, Ours, cells, column, name_of};
use crate::metrics::{Metric, Profile};
use crate::table::{Cell, Row, Table};

/// A row a method, the figures of each set beside each other.
pub(super) fn table(runs: &[Run], sets: &[Option<&str>], profile: &Profile, options: &Options) -> Table {
    let metrics = [Metric::Ciou, Metric::Giou, Metric::F1(options.rule)];
    let ours: Vec<Ours<'_>> = runs.iter().map(|r| Ours::of(r, profile)).collect();
    let mut labels: Vec<(u8, &str)> = Vec::new();
    for one in &ours {
        if !labels.iter().any(|(_, label)| *label == one.label) {
            labels.push((one.group, &one.label));
        }
    }
    labels.sort_by_key(|(group, _)| *group);
    let mut columns = vec![column("", "Method")];
    for set in sets {
        let title = runs.iter().find(|r| name_of(r) == *set).and_then(|r| r.manifest.set.as_ref());
        let title = title.map_or("no suite", |s| s.title.as_str());
        columns.extend(metrics.iter().map(|m| column(title, &m.label())));
    }
    let rows = labels.iter().map(|(group, label)| {
        let mut row = vec![Cell::Text((*label).to_owned())];
        for set in sets {
            // Of several runs of one method on a set the first; their own tables tell them apart.
            match ours.iter().find(|o| o.label == *label && name_of(o.run) == *set) {
                Some(one) => row.extend(cells(one.figures(|_| true, &metrics, profile, options))),
                None => row.extend(cells(vec![None; metrics.len()])),
            }
        }
        Row { group: *group, cells: row }
    });
    let rows = rows.collect();
    let size = |set: Option<&str>| {
        let run = runs.iter().find(|r| name_of(r) == set)?;
        let info = run.manifest.set.as_ref()?;
        let data = &run.manifest.data;
        Some(format!("{} {} samples of split {}", info.title, data.samples, data.split))
    };
    let sizes: Vec<String> = sets.iter().copied().filter_map(size).collect();
    let suite = runs.iter().find_map(|r| r.manifest.set.as_ref()).map_or("", |s| s.suite.as_str());
    let mut table = Table {
        key: "sets".to_owned(),
        title: format!("Suite {suite}, all levels of each set: percent, with 95 % intervals"),
        columns,
        rows,
        notes: vec![format!("{}.", sizes.join("; "))],
    };
    table.mark_best();
    table
}
