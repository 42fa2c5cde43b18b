//! For people at a terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, CellAlignment, Table as Grid};

use super::{Cell, Mark, Table, interval, printed};

pub(super) fn render(table: &Table, styled: bool) -> String {
    let mut grid = Grid::new();
    grid.load_style(UTF8_FULL_CONDENSED.with_rounded_corners());
    grid.force_no_tty();
    if styled {
        grid.enforce_styling();
    }
    let headings = table.columns.iter().map(|c| {
        let text = if c.over.is_empty() { c.name.clone() } else { format!("{}\n{}", c.over, c.name) };
        comfy_table::Cell::new(text).set_alignment(CellAlignment::Center)
    });
    grid.set_header(headings.collect::<Vec<_>>());
    let mut group = None;
    for row in &table.rows {
        if group.is_some_and(|g| g != row.group) {
            grid.add_row(vec![""; table.columns.len()]);
        }
        group = Some(row.group);
        grid.add_row(row.cells.iter().map(|c| cell(c, styled)).collect::<Vec<_>>());
    }
    let notes: String = table.notes.iter().map(|n| format!("{n}\n")).collect();
    format!("{}\n{grid}\n{notes}", table.title)
}

fn cell(cell: &Cell, styled: bool) -> comfy_table::Cell {
    match cell {
        Cell::Text(text) => comfy_table::Cell::new(text),
        Cell::Count(n) => comfy_table::Cell::new(n).set_alignment(CellAlignment::Right),
        Cell::Figure(None, _) => comfy_table::Cell::new("–").set_alignment(CellAlignment::Right),
        Cell::Figure(Some(f), mark) => {
            let value = printed(f.value);
            // Without styles the marks still have to be seen.
            let value = match (styled, mark) {
                (false, Mark::Best) => format!("*{value}"),
                (false, Mark::Second) => format!("_{value}"),
                _ => value,
            };
            let text = interval(f).map_or(value.clone(), |(low, high)| format!("{value}\n{low}–{high}"));
            let cell = comfy_table::Cell::new(text).set_alignment(CellAlignment::Right);
            match (styled, mark) {
                (true, Mark::Best) => cell.add_attribute(Attribute::Bold),
                (true, Mark::Second) => cell.add_attribute(Attribute::Underlined),
                _ => cell,
            }
        }
    }
}
