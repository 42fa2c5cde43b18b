//! JSON for machines: figures at full precision, intervals as pairs.

use serde_json::{Map, Value, json};

use super::{Cell, Mark, Table};

/// Version of this layout.
const SCHEMA: u32 = 1;

pub(super) fn render(tables: &[Table]) -> String {
    let value = json!({ "schema": SCHEMA, "tables": tables.iter().map(table).collect::<Vec<_>>() });
    format!("{value:#}\n")
}

fn table(table: &Table) -> Value {
    let names: Vec<String> = table.columns.iter().map(|c| format!("{} {}", c.over, c.name).trim().to_owned()).collect();
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
    })
}

fn cell(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Count(n) => Value::from(*n),
        Cell::Figure(None, _) => Value::Null,
        Cell::Figure(Some(f), mark) => {
            let interval = (f.high > f.low).then_some([f.low, f.high]);
            let mark = match mark {
                Mark::None => Value::Null,
                Mark::Best => "best".into(),
                Mark::Second => "second".into(),
            };
            json!({ "percent": f.value, "interval95": interval, "mark": mark })
        }
    }
}
