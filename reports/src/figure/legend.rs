//! Legends: a list of names, or a table of names with figures.

use super::svg::{Pen, Svg, marker, outline};
use super::text::clip;

/// What stands before a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Swatch {
    /// An area of a class, and how opaque it is.
    Area(String, &'static str),
    /// A line of a class, with its dash, and a marker of another class by its shape.
    Line(String, &'static str, Option<(String, usize)>),
    /// A dot of a class.
    Dot(String),
    /// Nothing.
    None,
}

/// The width of a swatch with the space after it.
const SWATCH: f64 = 22.0;
/// The distance of rows.
const ROW: f64 = 18.0;
/// The most a name may take in a list.
const NAME: f64 = 300.0;

impl Swatch {
    /// Draws it from `x`, about the height `y`.
    pub(super) fn draw(&self, svg: &mut Svg, x: f64, y: f64) {
        match self {
            Self::Area(class, opacity) => {
                svg.rect(class, (x + 4.0, y - 5.0), (10.0, 10.0), &format!(" rx=\"2\"{opacity}"));
            }
            Self::Line(class, dash, shape) => {
                svg.path(
                    class,
                    &outline([(x, y), (x + 16.0, y)], false),
                    &format!(" stroke-width=\"2\" fill=\"none\"{dash}"),
                );
                if let Some((fill, shape)) = shape {
                    svg.path(fill, &marker(*shape, (x + 8.0, y), 3.2), "");
                }
            }
            Self::Dot(class) => svg.path(class, &marker(0, (x + 9.0, y), 4.0), ""),
            Self::None => {}
        }
    }
}

/// A list in as many rows as it takes, from `(x, y)` and so wide; returns the height below it.
pub(super) fn list(svg: &mut Svg, items: &[(Swatch, String)], (left, top): (f64, f64), width: f64) -> f64 {
    let (mut x, mut y) = (left, top + ROW / 2.0);
    for (swatch, whole) in items {
        let name = clip(whole, Pen::LABEL.size, NAME.min(width - SWATCH));
        let wide = SWATCH + Pen::LABEL.width(&name);
        if x > left && x + wide > left + width {
            (x, y) = (left, y + ROW);
        }
        swatch.draw(svg, x, y);
        svg.lines(Pen::LABEL, x + SWATCH, y, &[name], whole);
        x += wide + 18.0;
    }
    if items.is_empty() { top } else { y + ROW / 2.0 + 8.0 }
}

/// A table of figures by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// The heads of the columns of figures, each of one or two lines, with a marker's shape before it where it has one.
    pub(super) heads: Vec<(Option<usize>, Vec<String>)>,
    /// Swatch, name, figures.
    pub(super) rows: Vec<(Swatch, String, Vec<String>)>,
    /// Whether the last row is set off as a sum.
    pub(super) sum: bool,
}

impl Table {
    /// Draws it from `(x, y)`, at most so wide; returns the height below it.
    pub(super) fn draw(&self, svg: &mut Svg, (left, top): (f64, f64), width: f64) -> f64 {
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let columns: Vec<f64> = (self.heads.iter().enumerate())
            .map(|(i, (shape, head))| {
                let mark = if shape.is_some() { 14.0 } else { 0.0 };
                let head = widest(&mut head.iter().map(|line| Pen::QUIET.width(line) + mark));
                let cells = self.rows.iter().filter_map(|(_, _, cells)| cells.get(i));
                head.max(widest(&mut cells.map(|c| Pen::LABEL.width(c)))) + 24.0
            })
            .collect();
        let room = (width - SWATCH - columns.iter().sum::<f64>()).max(60.0);
        let names: Vec<String> = self.rows.iter().map(|(_, name, _)| clip(name, Pen::LABEL.size, room)).collect();
        let mut ends = Vec::with_capacity(columns.len());
        let mut x = left + SWATCH + widest(&mut names.iter().map(|n| Pen::LABEL.width(n)));
        for column in columns {
            x += column;
            ends.push(x);
        }
        let high = self.heads.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0) as f64 * Pen::QUIET.leading();
        for ((shape, head), end) in self.heads.iter().zip(&ends) {
            // On the table's side, as heads of different heights stand in tables.
            let middle = top + high - head.len() as f64 * Pen::QUIET.leading() / 2.0;
            svg.lines(Pen::QUIET.end(), *end, middle, head, &head.join(" "));
            if let (Some(shape), Some(first)) = (shape, head.first()) {
                svg.path("muted", &marker(*shape, (end - Pen::QUIET.width(first) - 8.0, middle), 3.2), "");
            }
        }
        let mut y = top + high + ROW / 2.0 + 2.0;
        for (i, ((swatch, whole, cells), name)) in self.rows.iter().zip(names).enumerate() {
            if self.sum && i + 1 == self.rows.len() {
                svg.line("axis", (left, y - ROW / 2.0 + 2.0), (x, y - ROW / 2.0 + 2.0), "");
                y += 4.0;
            }
            swatch.draw(svg, left, y);
            svg.lines(Pen::LABEL, left + SWATCH, y, &[name], whole);
            for (cell, end) in cells.iter().zip(&ends) {
                svg.text(Pen::LABEL.end(), *end, y, cell);
            }
            y += ROW;
        }
        y - ROW / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_list_breaks_into_rows_that_fit() {
        let mut svg = Svg::default();
        let items: Vec<_> =
            (0..9).map(|i| (Swatch::Area("s0".into(), ""), format!("A method with a name {i}"))).collect();
        assert!(list(&mut svg, &items, (16.0, 0.0), 688.0) > 2.0 * ROW);
        assert_eq!(list(&mut svg, &[], (16.0, 5.0), 688.0), 5.0);
        let text = svg.finish("f", "", &[], 90.0);
        check::sound(&text);
        check::laid_out(&text);
    }

    #[test]
    fn a_table_cuts_names_before_figures() {
        let mut svg = Svg::default();
        let head = |h: &str| (Some(1), vec![h.to_owned()]);
        let row = |name: &str| (Swatch::None, name.to_owned(), vec!["1.0 s".to_owned(), "2.0 s".to_owned()]);
        let rows = vec![row(&"long ".repeat(60)), row("total"), row("ragged")];
        let below =
            Table { heads: vec![head("p50"), head("p95")], rows, sum: true }.draw(&mut svg, (16.0, 10.0), 688.0);
        let text = svg.finish("f", "", &[], below + 10.0);
        check::sound(&text);
        check::laid_out(&text);
        assert!(text.contains('…') && text.contains("2.0 s"));
    }
}
