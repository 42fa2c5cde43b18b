//! Comma-separated values (RFC 4180): one block a table, its key in the first column, figures at full precision.

use super::{Cell, Table};

pub(super) fn render(tables: &[Table]) -> String {
    let mut out = String::new();
    for table in tables {
        if !out.is_empty() {
            out.push('\n');
        }
        let figures: Vec<bool> = (0..table.columns.len()).map(|i| table.holds_figures(i)).collect();
        let mut heads = vec!["table".to_owned()];
        for (i, column) in table.columns.iter().enumerate() {
            let name = format!("{} {}", column.over, column.name).trim().to_owned();
            heads.push(name.clone());
            if figures[i] {
                heads.extend([format!("{name} low"), format!("{name} high")]);
            }
        }
        line(&mut out, &heads);
        for row in &table.rows {
            let mut fields = vec![table.key.clone()];
            for (i, cell) in row.cells.iter().enumerate() {
                match cell {
                    Cell::Text(text) => fields.push(text.clone()),
                    Cell::Count(n) => fields.push(n.to_string()),
                    Cell::Figure(None, _) => fields.extend([const { String::new() }; 3]),
                    Cell::Figure(Some(f), _) => {
                        let known = f.high > f.low;
                        fields.push(f.value.to_string());
                        fields.extend([f.low, f.high].map(|v| if known { v.to_string() } else { String::new() }));
                    }
                }
                if figures[i] && !matches!(cell, Cell::Figure(..)) {
                    fields.extend([const { String::new() }; 2]);
                }
            }
            line(&mut out, &fields);
        }
    }
    out
}

fn line(out: &mut String, fields: &[String]) {
    let quoted = fields.iter().map(|f| {
        if f.contains([',', '"', '\n', '\r']) { format!("\"{}\"", f.replace('"', "\"\"")) } else { f.clone() }
    });
    out.push_str(&quoted.collect::<Vec<_>>().join(","));
    out.push('\n');
}
