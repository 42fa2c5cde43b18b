//! A forest plot: differences with their intervals.

use super::about::About;
use super::axis::{Scale, step, ticks};
use super::frame::labels;
use super::number::{sane, signed};
use super::series::Estimate;
use super::svg::{PAD, Pen, Svg, WIDTH, marker, outline};
use super::text::{clip, short, wrap};

/// One difference.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contrast {
    /// Of what, as `socio-class, gIoU`.
    pub label: String,
    /// The difference in points, new less old, with its interval; below, at or above zero. `None` where there is none.
    pub difference: Option<Estimate>,
    /// What it comes to, in a word, as `better`; may be empty.
    pub verdict: String,
}

/// Differences between two runs, downwards, about a line at zero. A mark is full where the interval keeps clear of
/// zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forest {
    /// Its name.
    pub about: About,
    /// What is measured, as `difference, points`.
    pub measure: String,
    /// Where the dashed line stands, in points and with its sign: −1 where a loss of one point is let pass.
    pub tolerance: Option<f64>,
    /// The differences, from the top.
    pub rows: Vec<Contrast>,
}

/// The height of a row.
const ROW: f64 = 30.0;

/// Where things stand.
struct Layout {
    x: Scale,
    decimals: usize,
    /// The ends of the labels, the values and the intervals, the start of the verdicts.
    label: f64,
    value: f64,
    interval: f64,
    verdict: f64,
    top: f64,
    foot: f64,
}

impl Forest {
    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        if self.rows.is_empty() {
            return self.about.blank("There are no differences to show.");
        }
        let mut svg = Svg::default();
        let y = self.about.head(&mut svg);
        let at = self.layout(y);
        self.axis(&mut svg, &at);
        for (i, row) in self.rows.iter().enumerate() {
            row.draw(&mut svg, &at, at.top + ROW * (i as f64 + 0.5));
        }
        self.about.finish(svg, &self.describe(), at.foot + 46.0)
    }

    /// The dashed line's place.
    fn line(&self) -> Option<f64> {
        self.tolerance.and_then(sane)
    }

    fn layout(&self, y: f64) -> Layout {
        let shown = |e: Estimate| e.limits.map_or([e.value; 2], |(low, high)| [low.min(e.value), high.max(e.value)]);
        let values = self.rows.iter().filter_map(Contrast::sane).flat_map(shown).chain([0.0]).chain(self.line());
        let (low, high) = values.fold((0.0, 0.0), |(low, high): (f64, f64), v| (low.min(v), high.max(v)));
        let pad = if high > low { (high - low) * 0.04 } else { 1.0 };
        let decimals = if step(high - low, 6) < 0.1 { 2 } else { 1 };
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let names = self.rows.iter().flat_map(|r| wrap(&r.label, Pen::LABEL.size, 220.0, 2));
        let label = PAD + widest(&mut names.map(|l| Pen::LABEL.width(&l)));
        let words = self.rows.iter().flat_map(|r| wrap(&r.verdict, Pen::LABEL.size, 110.0, 2));
        let verdict = WIDTH - PAD - widest(&mut words.map(|w| Pen::LABEL.width(&w)));
        let interval = verdict - 14.0;
        let wide = |of: fn(&Contrast, usize) -> String| {
            widest(&mut self.rows.iter().map(|r| Pen::LABEL.width(&of(r, decimals))))
        };
        let value = interval - wide(Contrast::interval) - 8.0;
        let x = Scale::linear((low - pad, high + pad), (label + 14.0, value - wide(Contrast::value) - 14.0));
        let top = y + 22.0;
        Layout { x, decimals, label, value, interval, verdict, top, foot: top + ROW * self.rows.len() as f64 + 2.0 }
    }

    fn axis(&self, svg: &mut Svg, at: &Layout) {
        let ((left, right), (low, high)) = (at.x.places(), at.x.limits());
        let decimals = usize::from(step(high - low, 5) < 1.0) + usize::from(step(high - low, 5) < 0.1);
        let marks: Vec<_> = ticks(low, high, 5).into_iter().map(|v| (v, signed(v, decimals))).collect();
        svg.open("stroke-width=\"1\"");
        for (v, _) in &marks {
            svg.line("grid", (at.x.place(*v), at.top), (at.x.place(*v), at.foot), "");
        }
        svg.line("axis", (at.x.place(0.0), at.top), (at.x.place(0.0), at.foot), "");
        svg.close();
        labels(svg, at.x, &marks, at.foot + 13.0);
        if let Some(line) = self.line() {
            let x = at.x.place(line);
            svg.line("axis", (x, at.top - 4.0), (x, at.foot), " stroke-dasharray=\"4 3\"");
            let words = clip(&format!("tolerance {}", signed(line, at.decimals)), Pen::QUIET.size, right - left);
            // Into the plot, so that it stays within it.
            let half = Pen::QUIET.width(&words) / 2.0;
            svg.text(Pen::QUIET.middle(), x.clamp(left + half, (right - half).max(left + half)), at.top - 12.0, &words);
        }
        let name = clip(&self.measure, Pen::QUIET.size, right - left);
        svg.text(Pen::QUIET.middle(), f64::midpoint(left, right), at.foot + 32.0, &name);
    }

    fn describe(&self) -> Vec<String> {
        let mut desc =
            vec![format!("Differences about zero, {} rows; measured: {}.", self.rows.len(), short(&self.measure))];
        if let Some(line) = self.line() {
            desc.push(format!("A dashed line stands at a tolerance of {}.", signed(line, 1)));
        }
        desc.push("A mark is full where its interval keeps clear of zero.".to_owned());
        for row in self.rows.iter().take(40) {
            let verdict = if row.verdict.is_empty() { String::new() } else { format!(", {}", short(&row.verdict)) };
            let figures = format!("{} {}", row.value(1), row.interval(1));
            desc.push(format!("{}: {}{verdict}.", short(&row.label), figures.trim_end()));
        }
        if self.rows.len() > 40 {
            desc.push(format!("And {} more.", self.rows.len() - 40));
        }
        desc
    }
}

impl Contrast {
    fn sane(&self) -> Option<Estimate> {
        self.difference.and_then(Estimate::sane)
    }

    /// The difference in figures.
    fn value(&self, decimals: usize) -> String {
        self.sane().map_or("–".to_owned(), |e| signed(e.value, decimals))
    }

    /// Its interval in figures; empty where it has none.
    fn interval(&self, decimals: usize) -> String {
        let limits = self.sane().and_then(|e| e.limits);
        limits.map_or(String::new(), |(low, high)| format!("[{}, {}]", signed(low, decimals), signed(high, decimals)))
    }

    fn draw(&self, svg: &mut Svg, at: &Layout, y: f64) {
        svg.lines(Pen::LABEL.end(), at.label, y, &wrap(&self.label, Pen::LABEL.size, 220.0, 2), &self.label);
        svg.lines(Pen::LABEL, at.verdict, y, &wrap(&self.verdict, Pen::LABEL.size, 110.0, 2), &self.verdict);
        svg.text(Pen::LABEL.end(), at.value, y, &self.value(at.decimals));
        svg.text(Pen { class: "muted", ..Pen::LABEL.end() }, at.interval, y, &self.interval(at.decimals));
        let Some(Estimate { value, limits }) = self.sane() else { return };
        if let Some((low, high)) = limits {
            let ends = [low, high].map(|v| at.x.place(v));
            svg.path("l0", &outline(ends.map(|x| (x, y)), false), " stroke-width=\"2\"");
            for x in ends {
                svg.path("l0", &outline([(x, y - 4.0), (x, y + 4.0)], false), " stroke-width=\"1.5\"");
            }
        }
        let clear = limits.is_none_or(|(low, high)| low > 0.0 || high < 0.0);
        let class = if clear { "s0 l0" } else { "paper l0" };
        svg.path(class, &marker(1, (at.x.place(value), y), 4.5), " stroke-width=\"1.5\"");
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn forest(rows: usize) -> Forest {
        let row = |i: usize| {
            let value = (i * 7 % 11) as f64 - 4.0;
            let difference = (i % 9 != 8).then(|| Estimate::new(value, value - 1.5, value + 2.0));
            Contrast { label: format!("socio-class, metric {i}"), difference, verdict: "no worse".into() }
        };
        Forest {
            about: About::new("forest", "New less old"),
            measure: "difference, points".into(),
            tolerance: Some(-1.0),
            rows: (0..rows).map(row).collect(),
        }
    }

    #[test]
    fn every_size_is_sound_and_laid_out() {
        for rows in [0, 1, 2, 12, 200] {
            for tolerance in [None, Some(-1.0), Some(-30.0), Some(0.0), Some(f64::NAN)] {
                let svg = Forest { tolerance, ..forest(rows) }.render();
                check::sound(&svg);
                check::laid_out(&svg);
            }
        }
    }

    #[test]
    fn a_mark_is_full_where_the_interval_keeps_clear_of_zero() {
        let of = |low, high| {
            let row = Contrast { difference: Some(Estimate::new(1.0, low, high)), ..Contrast::default() };
            Forest { rows: vec![row], ..Forest::default() }.render().contains("s0 l0")
        };
        assert!(of(0.5, 2.0) && of(-2.0, -0.5) && !of(-0.5, 2.0));
        assert!(forest(3).render().contains("socio-class, metric 0: −4.0 [−5.5, −2.0], no worse."));
    }

    #[test]
    fn nothing_hostile_breaks_it() {
        for text in check::hostile() {
            for number in check::NUMBERS {
                let mut figure = forest(3);
                figure.about.title.clone_from(&text);
                figure.measure.clone_from(&text);
                figure.tolerance = Some(number);
                let difference = Some(Estimate::new(number, -number, 1.0));
                figure.rows[1] = Contrast { label: text.clone(), difference, verdict: text.clone() };
                let svg = figure.render();
                check::sound(&svg);
                check::laid_out(&svg);
            }
        }
    }
}
