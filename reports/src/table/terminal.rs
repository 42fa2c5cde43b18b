//! For people at a terminal: blocks below each other where other forms set columns side by side, so that twelve figures and
//! their intervals fit a window.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, CellAlignment, Table as Grid};

use super::{Aside, Cell, Mark, Row, Table};

/// Tables below each other. What neighbours share of their source stands once, below the last of them.
pub(super) fn render(tables: &[Table], styled: bool) -> String {
    let mut out = String::new();
    for (i, table) in tables.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        out.push_str(&one(table, styled));
        let next = tables.get(i + 1).map_or(&[][..], |t| &t.source);
        if next != table.source {
            out.extend(table.source.iter().map(|s| format!("{s}\n")));
        }
    }
    out
}

fn one(table: &Table, styled: bool) -> String {
    let mut grid = Grid::new();
    grid.load_style(UTF8_FULL_CONDENSED.with_rounded_corners());
    grid.force_no_tty();
    if styled {
        grid.enforce_styling();
    }
    let blocks = blocks(table);
    let widest = blocks.iter().map(|b| b.columns.len()).max().unwrap_or(0);
    let heads = blocks.last().map(|b| b.columns.clone()).unwrap_or_default();
    grid.set_header(heads.iter().map(|c| &table.columns[*c].name).map(|n| centred(n)).collect::<Vec<_>>());
    for block in &blocks {
        if !block.heading.is_empty() {
            let heading = comfy_table::Cell::new(block.heading);
            let mut line = vec![if styled { heading.add_attribute(Attribute::Italic) } else { heading }];
            line.resize_with(widest, || comfy_table::Cell::new(""));
            grid.add_row(line);
        }
        let mut group = None;
        for row in &table.rows {
            if group.is_some_and(|g| g != row.group) && block.heading.is_empty() {
                grid.add_row(vec![""; widest]);
            }
            group = Some(row.group);
            grid.add_row(line(row, block, styled, widest));
        }
    }
    let notes: String = table.notes.iter().map(|n| format!("{n}\n")).collect();
    format!("{}\n{grid}\n{notes}", table.title)
}

/// Some columns of the table under a heading.
struct Block<'a> {
    heading: &'a str,
    columns: Vec<usize>,
}

/// One block a heading over columns, where there are several; columns before the first heading stand in each block, those
/// behind the last in the last.
fn blocks(table: &Table) -> Vec<Block<'_>> {
    let groups = table.groups();
    let mut at = 0;
    let mut names: Vec<Vec<&str>> = Vec::new();
    for (over, n) in &groups {
        if !over.is_empty() {
            names.push(table.columns[at..at + n].iter().map(|c| c.name.as_str()).collect());
        }
        at += n;
    }
    // Columns of other names do not fit below each other.
    if names.len() < 2 || names.iter().any(|n| *n != names[0]) {
        return vec![Block { heading: "", columns: (0..table.columns.len()).collect() }];
    }
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let (mut first, mut at) = (Vec::new(), 0);
    for (over, n) in groups {
        let own = at..at + n;
        at += n;
        match (over.is_empty(), blocks.last_mut()) {
            (true, None) => first.extend(own),
            (true, Some(last)) => last.columns.extend(own),
            (false, _) => blocks.push(Block { heading: over, columns: first.iter().copied().chain(own).collect() }),
        }
    }
    blocks
}

fn line(row: &Row, block: &Block<'_>, styled: bool, widest: usize) -> Vec<comfy_table::Cell> {
    let indent = if block.heading.is_empty() { "" } else { "  " };
    let mut cells: Vec<comfy_table::Cell> = Vec::with_capacity(widest);
    for (i, column) in block.columns.iter().enumerate() {
        cells.push(match row.cells.get(*column) {
            Some(Cell::Text(text)) if i == 0 => comfy_table::Cell::new(format!("{indent}{text}")),
            Some(c) => cell(c, styled),
            None => comfy_table::Cell::new(""),
        });
    }
    cells.resize_with(widest, || comfy_table::Cell::new(""));
    cells
}

fn centred(text: &str) -> comfy_table::Cell {
    comfy_table::Cell::new(text).set_alignment(CellAlignment::Center)
}

fn cell(cell: &Cell, styled: bool) -> comfy_table::Cell {
    let print = cell.print();
    let Some(value) = print.value else { return comfy_table::Cell::new("–").set_alignment(CellAlignment::Left) };
    // Without styles the marks still have to be seen.
    let value = match (styled, print.mark) {
        (false, Mark::Best) => format!("*{value}"),
        (false, Mark::Second) => format!("_{value}"),
        _ => value,
    };
    let text = match (cell, print.aside) {
        (Cell::Figure(..), Aside::Nothing) => format!("{value:>6}"),
        (_, Aside::Nothing) => value,
        (_, Aside::Interval(low, high)) => format!("{value:>6}  {low:>4}–{high}"),
        (_, Aside::Deviation(sd)) => format!("{value:>6} ± {sd}"),
        (_, Aside::Percent(percent)) => format!("{value} {:>8}", format!("({percent} %)")),
    };
    let grid = comfy_table::Cell::new(text);
    let grid = match cell {
        // Intervals line up to the left, beside a value of one width.
        Cell::Text(_) | Cell::Figure(..) | Cell::Spread(..) | Cell::Change(_) => grid,
        _ => grid.set_alignment(CellAlignment::Right),
    };
    match (styled, print.mark) {
        (true, Mark::Best) => grid.add_attribute(Attribute::Bold),
        (true, Mark::Second) => grid.add_attribute(Attribute::Underlined),
        _ => grid,
    }
}
