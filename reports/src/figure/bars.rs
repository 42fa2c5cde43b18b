//! Bars by category, with whiskers.

use super::about::About;
use super::axis::{Scale, percent_limit, ticks};
use super::frame::labels;
use super::legend::{Swatch, list};
use super::number::{count, fixed, plain};
use super::series::{Estimate, Series};
use super::svg::{PAD, Pen, Svg, WIDTH, outline};
use super::text::{clip, short, wrap};

/// A group of bars, as one class of places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Category {
    /// Its name.
    pub label: String,
    /// How many samples it holds, where that is known.
    pub n: Option<u64>,
}

/// Horizontal bars of percentages: categories downwards, in each a bar for each series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bars {
    /// Its name.
    pub about: About,
    /// What is measured, as `gIoU, %`.
    pub measure: String,
    /// The categories, from the top.
    pub categories: Vec<Category>,
    /// The series; the i-th value, in percent from 0 to 100, is of the i-th category. What is missing is shown as
    /// missing.
    pub series: Vec<Series<Option<Estimate>>>,
}

/// The widest that labels may be.
const LABELS: f64 = 220.0;
/// Between the last tick and the edge: room for a value at a full bar's end.
const ENDS: f64 = 40.0;

/// From this height on the axis is labelled above too.
const TALL: f64 = 480.0;

/// Where things stand.
struct Layout {
    labels: Vec<Vec<String>>,
    /// The end of the labels, and that of the counts.
    ends: (f64, f64),
    x: Scale,
    bar: f64,
    /// The height of a category.
    group: f64,
    top: f64,
    foot: f64,
}

impl Bars {
    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        if self.categories.is_empty() || self.series.is_empty() {
            return self.about.blank("There are no categories to show.");
        }
        let mut svg = Svg::default();
        let mut y = self.about.head(&mut svg);
        if self.series.len() > 1 {
            let items: Vec<_> =
                self.series.iter().map(|s| (Swatch::Area(s.fill(), s.opacity()), s.name.clone())).collect();
            y = list(&mut svg, &items, (PAD, y), WIDTH - 2.0 * PAD);
        }
        let layout = self.layout(y);
        self.axis(&mut svg, &layout);
        for (i, category) in self.categories.iter().enumerate() {
            self.group(&mut svg, &layout, i, category);
        }
        self.about.finish(svg, &self.describe(), layout.foot + 46.0)
    }

    /// The value of a series for a category, where there is one.
    fn value(series: &Series<Option<Estimate>>, i: usize) -> Option<Estimate> {
        series.values.get(i).copied().flatten().and_then(Estimate::sane)
    }

    fn layout(&self, y: f64) -> Layout {
        let bar = if self.series.len() == 1 { 15.0 } else { 12.0 };
        let labels: Vec<_> = self.categories.iter().map(|c| wrap(&c.label, Pen::LABEL.size, LABELS, 2)).collect();
        let wide = labels.iter().flatten().map(|l| Pen::LABEL.width(l)).fold(30.0, f64::max);
        let counts = self.categories.iter().filter_map(|c| c.n).map(|n| Pen::QUIET.width(&count(n)) + 14.0);
        let ends = (PAD + wide, PAD + wide + counts.fold(0.0, f64::max));
        let most = (self.series.iter())
            .flat_map(|s| (0..self.categories.len()).filter_map(|i| Self::value(s, i)))
            .fold(0.0, |most: f64, e| most.max(e.value).max(e.limits.map_or(0.0, |l| l.1)));
        let lines = labels.iter().map(Vec::len).max().unwrap_or(1);
        let group = (self.series.len() as f64 * bar + 9.0).max(lines as f64 * Pen::LABEL.leading() + 6.0);
        let x = Scale::linear((0.0, percent_limit(most)), (ends.1 + 18.0, WIDTH - PAD - ENDS));
        // A line of heads, where there are any.
        let tall = group * self.categories.len() as f64 > TALL;
        let top = y + if tall || self.categories.iter().any(|c| c.n.is_some()) { 16.0 } else { 2.0 };
        Layout { labels, ends, x, bar, group, top, foot: top + group * self.categories.len() as f64 + 2.0 }
    }

    fn axis(&self, svg: &mut Svg, at: &Layout) {
        let (left, right) = at.x.places();
        let most = at.x.limits().1;
        let marks: Vec<_> = ticks(0.0, most, 5).into_iter().map(|v| (v, plain(v))).collect();
        svg.open("stroke-width=\"1\"");
        for (v, _) in &marks {
            let class = if *v == 0.0 { "axis" } else { "grid" };
            svg.line(class, (at.x.place(*v), at.top), (at.x.place(*v), at.foot), "");
        }
        svg.close();
        labels(svg, at.x, &marks, at.foot + 13.0);
        // Above too, where the foot is far.
        if at.foot - at.top > TALL {
            labels(svg, at.x, &marks, at.top - 9.0);
        }
        if self.categories.iter().any(|c| c.n.is_some()) {
            svg.text(Pen::QUIET.end(), at.ends.1, at.top - 9.0, "n");
        }
        let name = clip(&self.measure, Pen::QUIET.size, right - left);
        svg.text(Pen::QUIET.middle(), f64::midpoint(left, right), at.foot + 32.0, &name);
    }

    fn group(&self, svg: &mut Svg, at: &Layout, i: usize, category: &Category) {
        let middle = at.top + 2.0 + at.group * (i as f64 + 0.5);
        if let Some(lines) = at.labels.get(i) {
            svg.lines(Pen::LABEL.end(), at.ends.0, middle, lines, &category.label);
        }
        if let Some(n) = category.n {
            svg.text(Pen::QUIET.end(), at.ends.1, middle, &count(n));
        }
        let mut y = middle - at.bar * self.series.len() as f64 / 2.0;
        for series in &self.series {
            svg.open_hint(&hint(&category.label, series, Self::value(series, i)));
            bar(svg, at, y, series, Self::value(series, i));
            svg.close();
            y += at.bar;
        }
    }

    fn describe(&self) -> Vec<String> {
        let mut desc = vec![format!(
            "Horizontal bars of {}: {} categories, {} series.",
            short(&self.measure),
            self.categories.len(),
            self.series.len()
        )];
        for series in self.series.iter().take(12) {
            let values: Vec<_> = (self.categories.iter().enumerate())
                .filter_map(|(i, c)| Some((Self::value(series, i)?.value, &c.label)))
                .collect();
            let low = values.iter().min_by(|a, b| a.0.total_cmp(&b.0));
            let high = values.iter().max_by(|a, b| a.0.total_cmp(&b.0));
            let name = short(&series.name);
            desc.push(match (low, high) {
                (Some(low), Some(high)) => format!(
                    "{name}: from {} ({}) to {} ({}), mean of {} categories {}.",
                    fixed(low.0, 1),
                    short(low.1),
                    fixed(high.0, 1),
                    short(high.1),
                    values.len(),
                    fixed(values.iter().map(|v| v.0).sum::<f64>() / values.len() as f64, 1)
                ),
                _ => format!("{name}: no values."),
            });
        }
        desc
    }
}

/// One bar with its whisker and its value, from the height `y`.
fn bar(svg: &mut Svg, at: &Layout, y: f64, series: &Series<Option<Estimate>>, estimate: Option<Estimate>) {
    let (start, middle) = (at.x.place(0.0), y + at.bar / 2.0);
    let pen = Pen { size: 10.0, ..Pen::QUIET };
    let Some(Estimate { value, limits }) = estimate else {
        return svg.text(pen, start + 4.0, middle, "–");
    };
    let mut free = at.x.place(value);
    svg.rect(&series.fill(), (start, y + 0.75), (free - start, at.bar - 1.5), series.opacity());
    if let Some((low, high)) = limits.map(|(a, b)| (at.x.place(a), at.x.place(b))) {
        let [across, start, end] = [
            [(low, middle), (high, middle)],
            [(low, middle - 2.5), (low, middle + 2.5)],
            [(high, middle - 2.5), (high, middle + 2.5)],
        ]
        .map(|points| outline(points, false));
        let d = across + &start + &end;
        // With an edge, so that it is seen on a bar of any colour.
        svg.path("halo", &d, " stroke-width=\"3\" stroke-opacity=\".6\"");
        svg.path("axis", &d, "");
        free = free.max(high);
    }
    svg.text(Pen { class: "fg", ..pen }, free + 5.0, middle, &fixed(value, 1));
}

/// A bar's tooltip.
fn hint(label: &str, series: &Series<Option<Estimate>>, estimate: Option<Estimate>) -> String {
    let [label, name] = [label, &series.name].map(short);
    match estimate {
        None => format!("{label}, {name}: no value"),
        Some(Estimate { value, limits: None }) => format!("{label}, {name}: {}", fixed(value, 1)),
        Some(Estimate { value, limits: Some((low, high)) }) => {
            format!("{label}, {name}: {} ({}–{})", fixed(value, 1), fixed(low, 1), fixed(high, 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn bars(categories: usize, series: usize) -> Bars {
        let label = |i| format!("Class number {i} of many");
        let values = |s: usize| {
            let of = |i: usize| (i % 7 != 3).then(|| Estimate::new((i * 13 + s * 29) as f64 % 101.0, 20.0, 60.0));
            (0..categories).map(of).collect()
        };
        Bars {
            about: About::new("bars", "gIoU by class"),
            measure: "gIoU, %".into(),
            categories: (0..categories).map(|i| Category { label: label(i), n: Some(i as u64 * 700) }).collect(),
            series: (0..series).map(|s| Series::new(format!("Method {s}"), s, values(s))).collect(),
        }
    }

    #[test]
    fn every_size_is_sound_and_laid_out() {
        for (categories, series) in [(0, 3), (3, 0), (1, 1), (5, 3), (200, 1), (20, 12), (2, 200)] {
            let svg = bars(categories, series).render();
            check::sound(&svg);
            check::laid_out(&svg);
        }
        assert_eq!(bars(5, 2).render(), bars(5, 2).render());
    }

    #[test]
    fn the_description_tells_the_numbers() {
        let mut figure = bars(2, 1);
        figure.series[0].values = vec![Some(Estimate::alone(25.0)), Some(Estimate::alone(75.25))];
        let svg = figure.render();
        assert!(svg.contains(
            "from 25.0 (Class number 0 of many) to 75.2 (Class number 1 of many), mean of 2 categories 50.1."
        ));
        assert!(svg.contains(">75.2</text>") && svg.contains(">700</text>"));
    }

    #[test]
    fn nothing_hostile_breaks_it() {
        for text in check::hostile() {
            let mut figure = bars(check::NUMBERS.len(), 2);
            figure.about.title.clone_from(&text);
            figure.measure.clone_from(&text);
            figure.categories[1] = Category { label: text.clone(), n: Some(u64::MAX) };
            figure.series[0].name.clone_from(&text);
            figure.series[0].values = check::NUMBERS.map(|v| Some(Estimate::new(v, -v, v * 2.0))).to_vec();
            let svg = figure.render();
            check::sound(&svg);
            check::laid_out(&svg);
        }
    }
}
