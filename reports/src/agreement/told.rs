//! Agreements as a table, and the flips below it.

use super::{Agreement, Flip};
use crate::table::{Cell, Column, Row, Table};

/// Flips that are named at most, of each way.
const NAMED: usize = 20;
/// The least share of equal answers, in 32 bits with the likeliest token taken each time.
pub const LEAST: f64 = 0.99;

/// One row a way; flips, differing masks and what they explain below. `first` names the way that all are held against.
pub fn table(first: &str, agreements: &[Agreement]) -> Table {
    let column = |name: &str| Column { over: String::new(), name: name.to_owned() };
    let mut columns = ["way", "equal answers", "others follow", "masks differ"].map(column).to_vec();
    let names = agreements.first().map(|a| a.figures.iter().map(|f| f.name.as_str()).collect::<Vec<_>>());
    columns.extend(names.unwrap_or_default().into_iter().map(column));
    let row = |a: &Agreement| {
        let mut cells = vec![
            Cell::Text(a.name.clone()),
            Cell::Share(a.equal as u64, a.answers as u64),
            Cell::Count(a.followed as u64),
            Cell::Count(a.masks.len() as u64),
        ];
        cells.extend(a.figures.iter().map(|f| Cell::Text(change(f.first, f.here))));
        Row { group: 0, cells }
    };
    Table {
        key: "determinism".to_owned(),
        title: format!("Held against: {first}"),
        columns,
        rows: agreements.iter().map(row).collect(),
        notes: agreements.iter().flat_map(notes).collect(),
        source: Vec::new(),
    }
}

/// A figure, and what became of it where it is another.
fn change(first: Option<f64>, here: Option<f64>) -> String {
    let print = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"));
    if first == here { print(first) } else { format!("{} → {}", print(first), print(here)) }
}

fn notes(a: &Agreement) -> Vec<String> {
    let mut lines: Vec<String> = a.flips.iter().take(NAMED).map(|flip| format!("{}: {}", a.name, line(flip))).collect();
    if a.flips.len() > NAMED {
        lines.push(format!("{}: and {} more flips", a.name, a.flips.len() - NAMED));
    }
    let pixels: Vec<u64> = a.masks.iter().filter_map(|m| m.pixels).collect();
    if let Some(most) = pixels.iter().max() {
        let all = pixels.iter().sum::<u64>();
        lines.push(format!(
            "{}: masks after equal answers differ by {all} pixels in all, {most} at most in one",
            a.name
        ));
    }
    let differs = a.figures.iter().any(|f| f.first != f.here);
    lines.push(match (differs, a.explained()) {
        (false, _) => format!("{}: the tables are equal", a.name),
        (true, true) => format!("{}: the flips explain the whole difference between the tables", a.name),
        (true, false) => format!("{}: what is left without the flips is of masks that differ by pixels", a.name),
    });
    lines
}

fn line(flip: &Flip) -> String {
    let Flip { sample, stage, texts: [was, is], .. } = flip;
    let at = flip.token.map_or(String::new(), |t| format!(" from token {t} on"));
    let gap = flip.gap.map_or(String::new(), |[a, b]| format!(", gap of the two largest logits {a:.2e} and {b:.2e}"));
    format!("{sample}, {stage}{at}{gap}: {was:?} became {is:?}")
}
