//! Values that go on, as losses over steps: one panel a value, one below the other.

use super::about::About;
use super::axis::{Scale, log_limits, step};
use super::frame::Frame;
use super::legend::{Swatch, list};
use super::number::plain;
use super::series::Series;
use super::svg::{PAD, Svg, WIDTH, outline};
use super::text::short;

/// A place on a panel: to the right, and up.
pub type Place = (f64, f64);

/// Panels of lines over one axis. A panel whose values are all above 0, the largest more than 30 times the smallest, lies on a
/// scale of logarithms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// Its name.
    pub about: About,
    /// What lies to the right, as `step`.
    pub across: String,
    /// The panels: what is measured, and its series of `(right, up)`, in any order. What is no number is left out.
    pub panels: Vec<(String, Vec<Series<Place>>)>,
}

/// The height of a panel's plot.
const HIGH: f64 = 150.0;
/// The most points of a line: about as many as it has places to the right. The points between are averaged.
const POINTS: usize = 300;

impl Lines {
    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        let sane = |(x, y): &(f64, f64)| x.abs() <= 1e12 && y.abs() <= 1e12;
        let panels: Vec<(&str, Vec<Series<Place>>)> = self
            .panels
            .iter()
            .map(|(up, series)| {
                let kept = series.iter().map(|s| {
                    let mut values: Vec<(f64, f64)> = s.values.iter().copied().filter(sane).collect();
                    values.sort_by(|a, b| a.0.total_cmp(&b.0));
                    Series::new(s.name.clone(), s.hue, thinned(&values))
                });
                (up.as_str(), kept.filter(|s| !s.values.is_empty()).collect::<Vec<_>>())
            })
            .filter(|(_, series)| !series.is_empty())
            .collect();
        if panels.is_empty() {
            return self.about.blank("Nothing was recorded.");
        }
        let xs = || panels.iter().flat_map(|(_, s)| s).flat_map(|s| &s.values).map(|v| v.0);
        let (low, high) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
        let across = linear(low.min(0.0), high, 7, (PAD + Frame::LEFT - 4.0, WIDTH - PAD - 12.0));
        let mut svg = Svg::default();
        let mut top = self.about.head(&mut svg);
        let mut desc = Vec::new();
        for (up, series) in &panels {
            top += Frame::TOP - 4.0;
            let ys = || series.iter().flat_map(|s| &s.values).map(|v| v.1);
            let (low, high) = (ys().fold(f64::INFINITY, f64::min), ys().fold(f64::NEG_INFINITY, f64::max));
            let log = low > 0.0 && high / low > 30.0;
            let places = (top + HIGH, top);
            let y = if log { Scale::log(log_limits(low, high), places) } else { linear(low.min(0.0), high, 5, places) };
            let frame = Frame { x: across, y };
            let name = if log { format!("{up} (log scale)") } else { (*up).to_owned() };
            frame.draw(&mut svg, &frame.x.ticks(7), &frame.y.ticks(5), (&self.across, &name));
            for s in series {
                let points = s.values.iter().map(|(x, y)| (frame.x.place(*x), frame.y.place(*y)));
                let look = format!(" stroke-width=\"1.75\" stroke-linejoin=\"round\" fill=\"none\"{}", s.dash());
                svg.path(&s.line(), &outline(points, false), &look);
                if let (Some(first), Some(last)) = (s.values.first(), s.values.last()) {
                    let told = [first.1, last.1].map(plain);
                    desc.push(format!("{up}, {}: from {} to {}.", short(&s.name), told[0], told[1]));
                }
            }
            top += HIGH + Frame::FOOT + 6.0;
        }
        let mut names: Vec<(Swatch, String)> = Vec::new();
        for s in panels.iter().flat_map(|(_, s)| s) {
            if names.iter().all(|(_, known)| *known != s.name) {
                names.push((Swatch::Line(s.line(), s.dash(), None), s.name.clone()));
            }
        }
        let foot = list(&mut svg, &names, (PAD, top), WIDTH - 2.0 * PAD);
        desc.truncate(40);
        self.about.finish(svg, &desc, foot + PAD)
    }
}

/// A scale with round limits round both ends.
fn linear(low: f64, high: f64, ticks: usize, places: (f64, f64)) -> Scale {
    let high = if high > low { high } else { low + 1.0 };
    let step = step(high - low, ticks);
    Scale::linear(((low / step).floor() * step, (high / step).ceil() * step), places)
}

/// Means of runs of points, where there are too many.
fn thinned(values: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let run = values.len().div_ceil(POINTS).max(1);
    let mean = |run: &[(f64, f64)]| {
        let n = run.len() as f64;
        (run.iter().map(|v| v.0).sum::<f64>() / n, run.iter().map(|v| v.1).sum::<f64>() / n)
    };
    values.chunks(run).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn panels_have_scales_of_their_own() {
        let falling: Vec<(f64, f64)> = (1..=2000).map(|i| (f64::from(i), 100.0 / f64::from(i))).collect();
        let lines = Lines {
            about: About::new("curves", "Training"),
            across: "step".to_owned(),
            panels: vec![
                (
                    "loss".to_owned(),
                    vec![Series::new("a", 0, falling.clone()), Series::new("b", 1, vec![(1.0, f64::NAN)])],
                ),
                ("rate".to_owned(), vec![Series::new("a", 0, vec![(0.0, 1.0), (2000.0, 2.0)])]),
                ("nothing".to_owned(), vec![]),
            ],
        };
        let svg = lines.render();
        check::sound(&svg);
        assert!(svg.contains("loss (log scale)") && svg.contains(">rate<") && !svg.contains("nothing"), "{svg}");
        assert!(thinned(&falling).len() <= POINTS);
        check::sound(&Lines::default().render());
        for name in check::hostile() {
            let series = vec![Series::new(name.clone(), 9, vec![(0.0, -1e300), (f64::INFINITY, 0.0), (1.0, 0.0)])];
            check::sound(
                &Lines {
                    about: About::new(name.clone(), name.clone()),
                    across: name.clone(),
                    panels: vec![(name, series)],
                }
                .render(),
            );
        }
    }
}
