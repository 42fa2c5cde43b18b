//! Comma-separated values (RFC 4180): one block a table, its key in the first column, figures at full precision.

use super::{Cell, Table};

pub(super) fn render(tables: &[Table]) -> String {
    let mut out = String::new();
    for table in tables {
        if !out.is_empty() {
            out.push('\n');
        }
        // What cells of a column have beside their number: low and high, sd and seeds, of.
        let beside: Vec<Vec<&str>> = (0..table.columns.len()).map(|i| beside(table, i)).collect();
        let mut heads = vec!["table".to_owned()];
        for (i, beside) in beside.iter().enumerate() {
            let name = table.heading(i);
            heads.push(name.clone());
            heads.extend(beside.iter().map(|b| format!("{name} {b}")));
        }
        line(&mut out, &heads);
        for row in &table.rows {
            let mut fields = vec![table.key.clone()];
            for (cell, beside) in row.cells.iter().zip(&beside) {
                let numbers = cell.numbers();
                let of = |name: &str| numbers.iter().find(|(n, _)| *n == name).and_then(|(_, v)| *v);
                let text = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
                fields.push(if let Cell::Text(words) = cell { words.clone() } else { text(of("")) });
                fields.extend(beside.iter().map(|b| text(of(b))));
            }
            line(&mut out, &fields);
        }
    }
    out
}

fn beside(table: &Table, column: usize) -> Vec<&'static str> {
    let mut names = Vec::new();
    for cell in table.rows.iter().filter_map(|r| r.cells.get(column)) {
        for (name, _) in cell.numbers().into_iter().skip(1) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn line(out: &mut String, fields: &[String]) {
    let quoted = fields.iter().map(|f| {
        if f.contains([',', '"', '\n', '\r']) { format!("\"{}\"", f.replace('"', "\"\"")) } else { f.clone() }
    });
    out.push_str(&quoted.collect::<Vec<_>>().join(","));
    out.push('\n');
}
