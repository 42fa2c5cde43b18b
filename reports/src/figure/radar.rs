//! A radar: one axis a category, from the middle outwards.

use super::about::About;
use super::around::{Label, RADIUS, Side, at, write};
use super::axis::{percent_limit, ticks};
use super::legend::{Swatch, list};
use super::number::{fixed, plain, sane};
use super::series::Series;
use super::svg::{PAD, Pen, Svg, WIDTH, marker, outline};
use super::text::{clip, short};

/// Percentages by category around a circle, clockwise from the top.
///
/// The eye takes the area for the whole, and the area grows with the square and depends on the order: give what is
/// compared by number in [`Bars`](super::Bars) as well.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Radar {
    /// Its name.
    pub about: About,
    /// What is measured, as `gIoU, %`.
    pub measure: String,
    /// The categories: 3 to 24. Fewer make no radar; of more, the first 24 are shown and the rest counted.
    pub categories: Vec<String>,
    /// The series; the i-th value, in percent from 0 to 100, is of the i-th category. A line breaks where one is
    /// missing.
    pub series: Vec<Series<Option<f64>>>,
}

/// A series of values, of which some may be missing.
type Values = Series<Option<f64>>;

impl Radar {
    /// The fewest and the most categories.
    pub const CATEGORIES: std::ops::RangeInclusive<usize> = 3..=24;

    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        let shown = self.categories.len().min(*Self::CATEGORIES.end());
        if shown < *Self::CATEGORIES.start() || self.series.is_empty() {
            return self.about.blank("There are too few categories for a radar: it takes three.");
        }
        let mut svg = Svg::default();
        let y = self.about.head(&mut svg);
        let key = |(i, s): (usize, &Series<_>)| (Swatch::Line(s.line(), s.dash(), Some((s.fill(), i))), s.name.clone());
        let items: Vec<_> = self.series.iter().enumerate().map(key).collect();
        let y = list(&mut svg, &items, (PAD, y), WIDTH - 2.0 * PAD);
        let labels: Vec<Label> =
            self.categories.iter().take(shown).enumerate().map(|(i, c)| Label::of(c, i, shown)).collect();
        // The sides' labels may need more height than the circle has; the label at the top stands above them.
        let sides =
            [Side::Right, Side::Left].map(|side| labels.iter().filter(|l| l.side == side).map(Label::high).sum());
        let half = sides.into_iter().fold(2.0 * (RADIUS + 8.0), f64::max) / 2.0;
        let room = |side| labels.iter().filter(|l| l.side == side).map(Label::high).fold(0.0, f64::max);
        let middle = (WIDTH / 2.0, y + room(Side::Top) + 4.0 + half);
        let most = self.series.iter().flat_map(|s| s.values.iter().take(shown).flatten().filter_map(|v| sane(*v)));
        let most = percent_limit(most.fold(0.0, f64::max));
        web(&mut svg, middle, shown, most);
        // All areas below all lines, which they would tint.
        for series in &self.series {
            let points: Option<Vec<_>> = points(series, middle, (shown, most)).into_iter().collect();
            if let Some(points) = points {
                svg.path(&series.fill(), &outline(points, true), " fill-opacity=\".07\"");
            }
        }
        for (i, series) in self.series.iter().enumerate() {
            self.ring(&mut svg, middle, (shown, most), (i, series));
        }
        values(&mut svg, middle, most);
        let foot = write(&mut svg, middle, half, &labels);
        let foot = (0..shown).map(|i| at(middle, i, shown, RADIUS).1).fold(foot, f64::max) + 6.0;
        svg.text(Pen::QUIET.middle(), middle.0, foot + 10.0, &clip(&self.measure, Pen::QUIET.size, WIDTH - 2.0 * PAD));
        self.about.finish(svg, &self.describe(shown), foot + 26.0)
    }

    /// One series' line with its points.
    fn ring(&self, svg: &mut Svg, middle: (f64, f64), (shown, most): (usize, f64), (shape, series): (usize, &Values)) {
        let points = points(series, middle, (shown, most));
        let look = format!(" stroke-width=\"1.75\" stroke-linejoin=\"round\" fill=\"none\"{}", series.dash());
        if points.iter().all(Option::is_some) {
            svg.path(&series.line(), &outline(points.iter().flatten().copied(), true), &look);
        } else {
            let next = points.iter().cycle().skip(1);
            let pairs = points.iter().zip(next).filter_map(|(a, b)| Some([(*a)?, (*b)?]));
            let d: String = pairs.map(|pair| outline(pair, false)).collect();
            svg.path(&series.line(), &d, &look);
        }
        for (i, point) in points.into_iter().enumerate() {
            let (Some(point), Some(value), Some(label)) = (point, value(series, i), self.categories.get(i)) else {
                continue;
            };
            let [label, name] = [label, &series.name].map(String::as_str).map(short);
            svg.open_hint(&format!("{label}, {name}: {}", fixed(value, 1)));
            svg.path(&series.fill(), &marker(shape, point, 3.0), "");
            svg.close();
        }
    }

    fn describe(&self, shown: usize) -> Vec<String> {
        let mut desc =
            vec![format!("A radar of {} by {shown} categories, {} series.", short(&self.measure), self.series.len())];
        if self.categories.len() > shown {
            desc.push(format!("{} more categories are not shown.", self.categories.len() - shown));
        }
        for series in self.series.iter().take(12) {
            desc.push(format!("{}:", short(&series.name)));
            let told = |(i, category): (usize, &String)| Some((short(category), fixed(value(series, i)?, 1)));
            let told: Vec<_> = self.categories.iter().take(shown).enumerate().filter_map(told).collect();
            for (i, (category, value)) in told.iter().enumerate() {
                desc.push(format!("{category} {value}{}", if i + 1 < told.len() { ';' } else { '.' }));
            }
        }
        desc
    }
}

/// The i-th value, where there is one.
fn value(series: &Values, i: usize) -> Option<f64> {
    series.values.get(i).copied().flatten().and_then(sane)
}

/// Where a series stands on each axis.
fn points(series: &Values, middle: (f64, f64), (shown, most): (usize, f64)) -> Vec<Option<(f64, f64)>> {
    let place = |i| Some(at(middle, i, shown, RADIUS * (value(series, i)? / most).clamp(0.0, 1.0)));
    (0..shown).map(place).collect()
}

/// Rings and axes.
fn web(svg: &mut Svg, middle: (f64, f64), n: usize, most: f64) {
    svg.open("fill=\"none\" stroke-width=\"1\"");
    for tick in ticks(0.0, most, 5).into_iter().filter(|t| *t > 0.0) {
        svg.path("grid", &outline((0..n).map(|i| at(middle, i, n, RADIUS * tick / most)), true), "");
    }
    for i in 0..n {
        svg.line("grid", middle, at(middle, i, n, RADIUS), "");
    }
    svg.close();
}

/// The rings' values, over the lines.
fn values(svg: &mut Svg, middle: (f64, f64), most: f64) {
    let pen = Pen { class: "muted halo", size: 9.5, ..Pen::QUIET.end() };
    for tick in ticks(0.0, most, 5).into_iter().filter(|t| *t > 0.0) {
        svg.text(pen, middle.0 - 4.0, middle.1 - RADIUS * tick / most, &plain(tick));
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn radar(categories: usize, series: usize) -> Radar {
        let names = ["Home Furnishing and Building Materials Market", "School", "Car Dealership", "Sport and cultural"];
        let values = |s: usize| (0..categories).map(|i| Some((i * 17 + s * 31) as f64 % 100.0)).collect();
        Radar {
            about: About::new("radar", "gIoU by class"),
            measure: "gIoU, %".into(),
            categories: (0..categories).map(|i| format!("{} {i}", names[i % names.len()])).collect(),
            series: (0..series).map(|s| Series::new(format!("Method {s}"), s, values(s))).collect(),
        }
    }

    #[test]
    fn every_size_is_sound_and_laid_out() {
        for categories in (0..=25).chain([200]) {
            for series in [0, 1, 3, 20] {
                let svg = radar(categories, series).render();
                check::sound(&svg);
                check::laid_out(&svg);
            }
        }
        assert!(radar(30, 1).render().contains("6 more categories are not shown."));
    }

    #[test]
    fn labels_that_are_all_long_stand_apart() {
        for n in Radar::CATEGORIES {
            let mut figure = radar(n, 1);
            figure.categories = vec!["Home Furnishing and Building Materials Market of a rather long name".into(); n];
            check::laid_out(&figure.render());
        }
    }

    #[test]
    fn a_missing_value_breaks_the_line() {
        let mut figure = radar(4, 1);
        figure.series[0].values = vec![Some(10.0), None, Some(30.0)];
        let svg = figure.render();
        assert!(svg.contains(" 30.0.") && !svg.contains("fill-opacity"));
        figure.series[0].values = vec![Some(10.0), Some(20.0), Some(30.0), Some(40.0)];
        assert!(figure.render().contains("fill-opacity"));
    }

    #[test]
    fn nothing_hostile_breaks_it() {
        for text in check::hostile() {
            let mut figure = radar(check::NUMBERS.len(), 2);
            figure.about.title.clone_from(&text);
            figure.measure.clone_from(&text);
            figure.categories.fill(text.clone());
            figure.series[0].name.clone_from(&text);
            figure.series[1].values = check::NUMBERS.map(Some).to_vec();
            let svg = figure.render();
            check::sound(&svg);
            check::laid_out(&svg);
        }
    }
}
