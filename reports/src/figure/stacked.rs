//! Where the time goes: stacked bars of phases.

use super::about::About;
use super::axis::{Scale, step};
use super::frame::labels;
use super::legend::{Swatch, Table};
use super::number::{fixed, sane, seconds, seconds_as, share};
use super::series::Series;
use super::svg::{PAD, Pen, Svg, WIDTH};
use super::text::{clip, short, wrap};

/// Horizontal bars of seconds, a bar a row and in it a segment a phase, with a table of the figures below.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stacked {
    /// Its name.
    pub about: About,
    /// What is measured, as `seconds a sample`.
    pub measure: String,
    /// The rows' names, from the top, as methods; one row needs none.
    pub rows: Vec<String>,
    /// The phases, from the left; the i-th value is the seconds of the i-th row, none where it is missing or not above
    /// zero.
    pub phases: Vec<Series<f64>>,
}

/// The most rows that the table gives a column each; of more it gives the mean.
const COLUMNS: usize = 4;

impl Stacked {
    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        let totals: Vec<f64> = (0..self.rows.len()).map(|i| self.phases.iter().map(|p| time(p, i)).sum()).collect();
        let most = totals.iter().copied().fold(0.0, f64::max);
        if most <= 0.0 {
            return self.about.blank("No time was recorded.");
        }
        let mut svg = Svg::default();
        let top = self.about.head(&mut svg);
        let foot = self.bars(&mut svg, top, &totals);
        let table = self.table(&totals);
        let foot = table.draw(&mut svg, (PAD, foot), WIDTH - 2.0 * PAD);
        self.about.finish(svg, &self.describe(&totals), foot + PAD)
    }

    fn bars(&self, svg: &mut Svg, top: f64, totals: &[f64]) -> f64 {
        let names: Vec<_> = self.rows.iter().map(|r| wrap(r, Pen::LABEL.size, 200.0, 2)).collect();
        let wide = names.iter().flatten().map(|l| Pen::LABEL.width(l)).fold(0.0, f64::max);
        let left = if wide > 0.0 { PAD + wide + 12.0 } else { PAD + 4.0 };
        let most = totals.iter().copied().fold(0.0, f64::max);
        let sums = totals.iter().map(|t| Pen::LABEL.width(&seconds(*t))).fold(0.0, f64::max);
        let x = Scale::linear((0.0, most), (left, WIDTH - PAD - sums - 8.0));
        let row = 36.0;
        let foot = top + row * totals.len() as f64;
        // One unit for all ticks, by the step between them.
        let (unit, times) = if step(most, 6) < 0.01 { ("ms", 1e3) } else { ("s", 1.0) };
        let marks: Vec<_> = (super::axis::ticks(0.0, most * times, 6).into_iter())
            .map(|v| (v / times, format!("{} {unit}", super::number::plain(v))))
            .collect();
        svg.open("stroke-width=\"1\"");
        for (v, _) in &marks {
            svg.line("grid", (x.place(*v), top), (x.place(*v), foot), "");
        }
        svg.close();
        labels(svg, x, &marks, foot + 11.0);
        for (i, ((name, whole), total)) in names.iter().zip(&self.rows).zip(totals).enumerate() {
            let middle = top + row * (i as f64 + 0.5);
            svg.lines(Pen::LABEL.end(), left - 12.0, middle, name, whole);
            self.segments(svg, x, middle, (i, *total));
            svg.text(Pen::LABEL, x.place(*total) + 8.0, middle, &seconds(*total));
        }
        let (start, end) = x.places();
        svg.text(Pen::QUIET.middle(), f64::midpoint(start, end), foot + 29.0, &clip(&self.measure, 11.0, end - start));
        foot + 50.0
    }

    fn segments(&self, svg: &mut Svg, x: Scale, middle: f64, (i, total): (usize, f64)) {
        let mut sum = 0.0;
        for phase in self.phases.iter().filter(|p| time(p, i) > 0.0) {
            let (from, to) = (x.place(sum), x.place(sum + time(phase, i)));
            sum += time(phase, i);
            let part = fixed(share(time(phase, i), total), 1);
            svg.open_hint(&format!("{}: {}, {part} %", short(&phase.name), seconds(time(phase, i))));
            // A gap of half a unit keeps neighbours of like colours apart.
            let wide = if to - from > 1.5 { to - from - 0.5 } else { to - from };
            svg.rect(&phase.fill(), (from, middle - 12.0), (wide, 24.0), phase.opacity());
            let words = format!("{} %", fixed(share(time(phase, i), total), 0));
            let pen = Pen { class: phase.ink(), ..Pen::QUIET.middle() };
            if pen.width(&words) + 8.0 < to - from {
                svg.text(pen, f64::midpoint(from, to), middle, &words);
            }
            svg.close();
        }
    }

    /// Seconds and shares: a column a row, or their mean where they are many.
    fn table(&self, totals: &[f64]) -> Table {
        let n = self.rows.len();
        let columns: Vec<Vec<usize>> =
            if n <= COLUMNS { (0..n).map(|i| vec![i]).collect() } else { vec![(0..n).collect()] };
        let heads = columns.iter().map(|rows| match (rows.as_slice(), n) {
            (_, 1) => Vec::new(),
            ([i], _) => wrap(self.rows.get(*i).map_or("", String::as_str), Pen::QUIET.size, 108.0, 2),
            _ => vec![format!("mean of {n}")],
        });
        let most = totals.iter().copied().fold(0.0, f64::max);
        let cell = |part: f64, whole: f64, n: usize| {
            // Shares of one width, so that the seconds stand in a column too.
            let share = fixed(share(part, whole), 1);
            let space = "\u{2007}".repeat(5usize.saturating_sub(share.len()));
            format!("{}\u{2007} {space}{share} %", seconds_as(part / n as f64, most))
        };
        let sum = |rows: &[usize], of: &dyn Fn(usize) -> f64| rows.iter().map(|i| of(*i)).sum::<f64>();
        let total = |i: usize| totals.get(i).copied().unwrap_or(0.0);
        let mut rows: Vec<_> = (self.phases.iter())
            .map(|phase| {
                let cells = columns.iter().map(|c| cell(sum(c, &|i| time(phase, i)), sum(c, &total), c.len()));
                (Swatch::Area(phase.fill(), phase.opacity()), phase.name.clone(), cells.collect())
            })
            .collect();
        let cells = columns.iter().map(|c| cell(sum(c, &total), sum(c, &total), c.len())).collect();
        rows.push((Swatch::None, "total".to_owned(), cells));
        Table { heads: heads.map(|h| (None, h)).collect(), rows, sum: true }
    }

    fn describe(&self, totals: &[f64]) -> Vec<String> {
        let mut desc = vec![format!(
            "Stacked bars of {}: {} rows, {} phases.",
            short(&self.measure),
            totals.len(),
            self.phases.len()
        )];
        for (i, (name, total)) in self.rows.iter().zip(totals).enumerate().take(12) {
            let name = if name.is_empty() { "all" } else { name };
            desc.push(format!("{}: {} in total.", short(name), seconds(*total)));
            for phase in self.phases.iter().filter(|p| time(p, i) > 0.0).take(16) {
                let part = fixed(share(time(phase, i), *total), 1);
                desc.push(format!("{} {}, {part} %.", short(&phase.name), seconds(time(phase, i))));
            }
        }
        desc
    }
}

/// The seconds of a phase in a row.
fn time(phase: &Series<f64>, row: usize) -> f64 {
    phase.values.get(row).copied().and_then(sane).unwrap_or(0.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn stacked(rows: usize, phases: usize) -> Stacked {
        let values = |p: usize| (0..rows).map(|i| (i * 3 + p * p * 7 % 5) as f64 * 0.37).collect();
        Stacked {
            about: About::new("time", "Where the time goes"),
            measure: "seconds a sample".into(),
            rows: (0..rows).map(|i| format!("Method {i}")).collect(),
            phases: (0..phases).map(|p| Series::new(format!("phase {p}"), p, values(p))).collect(),
        }
    }

    #[test]
    fn every_size_is_sound_and_laid_out() {
        for (rows, phases) in [(0, 0), (0, 3), (1, 5), (3, 6), (4, 2), (5, 9), (200, 6), (2, 200)] {
            let svg = stacked(rows, phases).render();
            check::sound(&svg);
            check::laid_out(&svg);
        }
    }

    #[test]
    fn the_table_has_seconds_and_shares() {
        let phases = vec![Series::new("stage 1", 0, vec![3.0]), Series::new("stage 2", 1, vec![1.0])];
        let svg = Stacked { rows: vec![String::new()], phases, ..Stacked::default() }.render();
        assert!(
            svg.contains(">3.000 s\u{2007} \u{2007}75.0 %</text>") && svg.contains(">4.000 s\u{2007} 100.0 %</text>")
        );
        assert!(svg.contains(">75 %</text>") && svg.contains("all: 4.00 s in total. stage 1 3.00 s, 75.0 %."));
    }

    #[test]
    fn many_rows_have_their_mean() {
        let phases = vec![Series::new("decode", 0, vec![1.0, 2.0, 3.0, 4.0, 5.0])];
        let svg = Stacked { phases, ..stacked(5, 0) }.render();
        assert!(svg.contains(">mean of 5</text>") && svg.contains(">3.000 s\u{2007} 100.0 %</text>"));
    }

    #[test]
    fn nothing_hostile_breaks_it() {
        for text in check::hostile() {
            for rows in [1, 4, check::NUMBERS.len()] {
                let mut figure = stacked(rows, 4);
                figure.about.title.clone_from(&text);
                figure.measure.clone_from(&text);
                figure.rows.fill(text.clone());
                figure.phases[0].name.clone_from(&text);
                figure.phases[1].values = check::NUMBERS.to_vec();
                let svg = figure.render();
                check::sound(&svg);
                check::laid_out(&svg);
            }
        }
    }
}
