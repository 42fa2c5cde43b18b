//! JSON for machines: figures at full precision, intervals as pairs.

use serde_json::{Map, Value, json};

use super::{Cell, Mark, Table};
use crate::metrics::Figure;

/// Version of this layout.
const SCHEMA: u32 = 1;

pub(super) fn render(tables: &[Table]) -> String {
    let value = json!({ "schema": SCHEMA, "tables": tables.iter().map(table).collect::<Vec<_>>() });
    format!("{value:#}\n")
}

fn table(table: &Table) -> Value {
    let mut names: Vec<String> = (0..table.columns.len()).map(|i| table.heading(i)).collect();
    // A key holds one cell: columns of one heading are numbered.
    for (i, name) in names.iter_mut().enumerate() {
        let before = (0..i).filter(|j| table.heading(*j) == table.heading(i)).count();
        if before > 0 {
            name.push_str(&format!(" ({})", before + 1));
        }
    }
    let row = |row: &super::Row| {
        let cells: Map<String, Value> = names.iter().cloned().zip(row.cells.iter().map(cell)).collect();
        let group = ["method", "reference", "published"].get(usize::from(row.group)).copied().unwrap_or("other");
        json!({ "group": group, "cells": cells })
    };
    json!({
        "key": table.key,
        "title": table.title,
        "columns": names,
        "rows": table.rows.iter().map(row).collect::<Vec<_>>(),
        "notes": table.notes,
        "source": table.source,
    })
}

fn cell(cell: &Cell) -> Value {
    let interval = |f: &Figure| (f.high > f.low).then_some([f.low, f.high]);
    let told = |mark: &Mark| match mark {
        Mark::None => Value::Null,
        Mark::Best => "best".into(),
        Mark::Second => "second".into(),
    };
    match cell {
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Count(n) => Value::from(*n),
        Cell::Share(n, of) => json!({ "count": n, "of": of }),
        Cell::Figure(None, _) | Cell::Spread(None, _) | Cell::Change(None) => Value::Null,
        Cell::Figure(Some(f), mark) => {
            json!({ "percent": f.value, "interval95": interval(f), "mark": told(mark) })
        }
        Cell::Spread(Some(s), mark) => {
            json!({ "percent": s.mean, "deviation": s.deviation, "seeds": s.seeds, "mark": told(mark) })
        }
        Cell::Change(Some(f)) => json!({ "points": f.value, "interval95": interval(f) }),
        Cell::Seconds(seconds) => json!({ "seconds": seconds }),
        Cell::Number(number, _) => Value::from(*number),
    }
}
