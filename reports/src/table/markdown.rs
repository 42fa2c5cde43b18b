//! GitHub's Markdown.

use comfy_table::Table as Grid;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{Cell, Mark, Table, interval, printed};

pub(super) fn render(table: &Table) -> String {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN);
    grid.force_no_tty();
    let heading = |c: &super::Column| escape(&format!("{} {}", c.over, c.name));
    grid.set_header(table.columns.iter().map(heading).collect::<Vec<_>>());
    for row in &table.rows {
        grid.add_row(row.cells.iter().map(cell).collect::<Vec<_>>());
    }
    let text = grid.to_string();
    let mut lines: Vec<String> = text.lines().map(|l| l.trim_end().to_owned()).collect();
    if let Some(rule) = lines.get_mut(1) {
        // comfy-table knows no alignment row: words to the left, numbers to the right.
        let aligned = (0..table.columns.len()).map(|i| if table.holds_words(i) { "---" } else { "---:" });
        *rule = format!("| {} |", aligned.collect::<Vec<_>>().join(" | "));
    }
    let notes: String = table.notes.iter().map(|n| format!("- {}\n", escape(n))).collect();
    let gap = if notes.is_empty() { "" } else { "\n" };
    format!("**{}**\n\n{}\n{gap}{notes}", escape(&table.title), lines.join("\n"))
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Count(n) => n.to_string(),
        Cell::Figure(None, _) => "–".to_owned(),
        Cell::Figure(Some(f), mark) => {
            let value = printed(f.value);
            let value = match mark {
                Mark::Best => format!("**{value}**"),
                Mark::Second => format!("<u>{value}</u>"),
                Mark::None => value,
            };
            interval(f).map_or(value.clone(), |(low, high)| format!("{value} <sub>{low}–{high}</sub>"))
        }
    }
}

/// Text that stays text, in one cell of one line.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '[' | '\\' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
