//! GitHub's Markdown.

use comfy_table::Table as Grid;
use comfy_table::presets::ASCII_MARKDOWN;

use super::{Aside, Cell, Mark, Print, Table};

pub(super) fn render(table: &Table) -> String {
    let mut grid = Grid::new();
    grid.load_style(ASCII_MARKDOWN);
    grid.force_no_tty();
    grid.set_header((0..table.columns.len()).map(|i| escape(&table.heading(i))).collect::<Vec<_>>());
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
    let notes: String = table.notes.iter().chain(&table.source).map(|n| format!("- {}\n", escape(n))).collect();
    let gap = if notes.is_empty() { "" } else { "\n" };
    format!("**{}**\n\n{}\n{gap}{notes}", escape(&table.title), lines.join("\n"))
}

fn cell(cell: &Cell) -> String {
    let Print { value, aside, mark } = cell.print();
    let Some(value) = value else { return "–".to_owned() };
    let value = escape(&value);
    let value = match mark {
        Mark::Best => format!("**{value}**"),
        Mark::Second => format!("<u>{value}</u>"),
        Mark::None => value,
    };
    match aside {
        Aside::Nothing => value,
        Aside::Interval(low, high) => format!("{value} <sub>{low}–{high}</sub>"),
        Aside::Deviation(sd) => format!("{value} ± {sd}"),
        Aside::Percent(percent) => format!("{value} <sub>{percent} %</sub>"),
    }
}

/// Text that stays text, in one cell of one line.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '[' | '~' | '&' | '#' | '\\' => out.extend(['\\', c]),
            // Nobody is called by a name in a table: a mention needs its letters right behind the sign.
            '@' if !out.ends_with(char::is_alphanumeric) => out.push_str("@\u{200b}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
