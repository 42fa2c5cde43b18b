//! How many samples ended how; nothing where all are well.

use socio_record::Status;

use super::lines::{Line, With};
use super::{column, notes};
use crate::table::{Cell, Row, Table};

pub(super) fn table(lines: &[Line<'_>], with: With<'_>) -> Option<Table> {
    let seen: Vec<Status> =
        (Status::ALL.into_iter()).filter(|s| lines.iter().any(|l| l.entries().any(|(_, e)| e.status == *s))).collect();
    let open = |line: &Line<'_>| line.runs.iter().map(|r| r.missing as u64).sum::<u64>();
    if seen.iter().all(|s| *s == Status::Ok) && lines.iter().all(|l| open(l) == 0) {
        return None;
    }
    let mut columns = vec![column("", "Method")];
    columns.extend(seen.iter().map(|s| column("", s.label())));
    columns.extend([column("", "not run"), column("", "without truth")]);
    let rows = lines.iter().map(|line| {
        let count = |s: &Status| line.entries().filter(|(_, e)| e.status == *s).count() as u64;
        let mut row = vec![Cell::Text(line.label.clone())];
        row.extend(seen.iter().map(|s| Cell::Count(count(s))));
        let unscored = line.entries().filter(|(_, e)| e.score.is_none()).count() as u64;
        row.extend([Cell::Count(open(line)), Cell::Count(unscored)]);
        Row { group: line.group, cells: row }
    });
    Some(Table {
        key: "statuses".to_owned(),
        title: "How samples ended".to_owned(),
        columns,
        rows: rows.collect(),
        notes: vec!["Samples without truth cannot be scored: they are in no figure.".to_owned()],
        source: notes::source(lines, with),
    })
}
