//! One table, many forms.

mod cell;
mod csv;
mod json;
mod latex;
mod markdown;
mod terminal;

use std::str::FromStr;

pub(crate) use cell::{Aside, Print};
pub use cell::{Cell, Mark, Spread};
pub(crate) use cell::{printed, seconds, signed};
pub(crate) use markdown::escape as escape_markdown;

/// A row; rows of one group stand together, apart from other groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which group: 0 methods, 1 references and oracles, 2 published.
    pub group: u8,
    /// One a column.
    pub cells: Vec<Cell>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What it is a part of, as `socio-name`; empty for none.
    pub over: String,
    /// Its own name, as `cIoU`.
    pub name: String,
}

/// A table with its title and what must be said with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// A short name for files and JSON.
    pub key: String,
    /// The title.
    pub title: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Lines below it.
    pub notes: Vec<String>,
    /// Whose figures these are: data, profile, samples, failures, runs. Apart from the notes, since neighbours often
    /// share it.
    pub source: Vec<String>,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal; with bold and underline where `styled`.
    Terminal {
        /// Whether to use them.
        styled: bool,
    },
    /// GitHub's Markdown.
    Markdown,
    /// LaTeX with `booktabs`.
    Latex,
    /// Comma-separated values, full precision.
    Csv,
    /// JSON, full precision.
    Json,
}

/// A word that names no form.
#[derive(Debug, thiserror::Error)]
#[error("unknown format `{0}`: expected terminal, markdown, latex, html, csv or json")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "terminal" => Ok(Self::Terminal { styled: false }),
            "markdown" | "md" => Ok(Self::Markdown),
            "latex" | "tex" => Ok(Self::Latex),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

/// Tables in a form, ending in a newline.
pub fn render(tables: &[Table], format: Format) -> String {
    match format {
        Format::Terminal { styled } => terminal::render(tables, styled),
        Format::Markdown => tables.iter().map(markdown::render).collect::<Vec<_>>().join("\n"),
        Format::Latex => tables.iter().map(latex::render).collect::<Vec<_>>().join("\n"),
        Format::Csv => csv::render(tables),
        Format::Json => json::render(tables),
    }
}

impl Table {
    /// Marks the best and second best figure of each column among the rows of group 0; equal figures (as printed, to one
    /// decimal) share a mark. One row alone is not the best of anything.
    pub fn mark_best(&mut self) {
        // Tenths as they are printed, so that figures that look alike are alike.
        let tenths = |v: f64| printed(v).replace('.', "").parse::<i64>().unwrap_or(0);
        for column in 0..self.columns.len() {
            let value = |row: &Row| {
                let cell = row.cells.get(column).filter(|_| row.group == 0)?;
                matches!(cell, Cell::Figure(..) | Cell::Spread(..)).then(|| cell.number().map(tenths))?
            };
            let values: Vec<i64> = self.rows.iter().filter_map(value).collect();
            let Some(best) = values.iter().max().copied().filter(|_| values.len() > 1) else { continue };
            let second = values.iter().filter(|v| **v < best).max().copied();
            for row in &mut self.rows {
                let own = value(row);
                if let Some(mark) = row.cells.get_mut(column).and_then(Cell::mark_mut) {
                    *mark = match own {
                        Some(v) if v == best => Mark::Best,
                        Some(v) if Some(v) == second => Mark::Second,
                        _ => Mark::None,
                    };
                }
            }
        }
    }

    /// The name of a column with what it is a part of.
    fn heading(&self, column: usize) -> String {
        self.columns.get(column).map_or(String::new(), |c| format!("{} {}", c.over, c.name).trim().to_owned())
    }

    /// Whether a column holds words alone (they stand to the left, numbers to the right).
    pub(crate) fn holds_words(&self, column: usize) -> bool {
        self.rows.iter().all(|r| matches!(r.cells.get(column), Some(Cell::Text(_)) | None))
    }

    /// The columns' headings over the columns, as `(heading, columns)`, equal neighbours joined.
    pub(crate) fn groups(&self) -> Vec<(&str, usize)> {
        let mut groups: Vec<(&str, usize)> = Vec::new();
        for column in &self.columns {
            match groups.last_mut() {
                Some((over, n)) if *over == column.over && !column.over.is_empty() => *n += 1,
                _ => groups.push((&column.over, 1)),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests;
