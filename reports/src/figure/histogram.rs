//! How values are spread: counts over bins.

use super::about::About;
use super::axis::{Scale, step, ticks};
use super::frame::Frame;
use super::legend::{Swatch, list};
use super::number::{at, count, plain, sane};
use super::series::Series;
use super::svg::{PAD, Svg, WIDTH};
use super::text::short;

/// Counts over bins of one width, a stepped outline a series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Its name.
    pub about: About,
    /// What is counted, as `IoU of a sample`.
    pub measure: String,
    /// Where the first bin starts, in the units of `measure`.
    pub low: f64,
    /// Where the last bin ends; above `low`.
    pub high: f64,
    /// The series; the i-th value counts the i-th bin. The longest says how many bins there are, what others lack is
    /// zero.
    pub series: Vec<Series<u64>>,
}

/// The height of the plot.
const HIGH: f64 = 230.0;

impl Histogram {
    /// Counts values into bins between two limits. A bin holds its lower end, the last one its upper end too; what lies
    /// outside or is no number is in none.
    #[must_use]
    pub fn count(values: &[f64], low: f64, high: f64, bins: usize) -> Vec<u64> {
        let mut counts = vec![0; bins];
        for value in values.iter().filter(|v| (low..=high).contains(*v)) {
            // Rounded before it is cut: 0.15 is in the bin from 0.15, whatever its last bit.
            let place = (value - low) / (high - low) * bins as f64;
            let bin = ((place * 1e9).round() / 1e9) as usize;
            if let Some(n) = counts.get_mut(bin.min(bins.saturating_sub(1))) {
                *n += 1;
            }
        }
        counts
    }

    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        let bins = self.series.iter().map(|s| s.values.len()).max().unwrap_or(0);
        let most = self.series.iter().flat_map(|s| &s.values).copied().max().unwrap_or(0);
        let (Some(low), Some(high)) = (sane(self.low), sane(self.high)) else {
            return self.about.blank("The bins have no limits.");
        };
        if most == 0 || low >= high {
            return self.about.blank("There is nothing to count.");
        }
        let mut svg = Svg::default();
        let mut top = self.about.head(&mut svg);
        if self.series.len() > 1 {
            let key = |s: &Series<u64>| (Swatch::Line(s.line(), s.dash(), None), s.name.clone());
            top = list(&mut svg, &self.series.iter().map(key).collect::<Vec<_>>(), (PAD, top), WIDTH - 2.0 * PAD);
        }
        top += Frame::TOP;
        // Counts are whole: no ticks between them.
        let tick = step(most as f64, 5).max(1.0);
        let ceiling = (most as f64 / tick).ceil() * tick;
        let ys: Vec<_> = ticks(0.0, ceiling, (ceiling / tick) as usize).into_iter().map(|v| (v, label(v))).collect();
        let wide = ys.iter().map(|(_, l)| super::svg::Pen::QUIET.width(l)).fold(0.0, f64::max);
        let left = PAD + (wide + 8.0).max(Frame::LEFT - 20.0);
        let frame = Frame {
            x: Scale::linear((low, high), (left, WIDTH - PAD - 12.0)),
            y: Scale::linear((0.0, ceiling), (top + HIGH, top)),
        };
        let xs: Vec<_> = ticks(low, high, 10).into_iter().map(|v| (v, plain(v))).collect();
        frame.draw(&mut svg, &xs, &ys, (&self.measure, "samples"));
        for series in &self.series {
            let d = steps(series, bins, &frame);
            // Filled where few overlap.
            if self.series.len() <= 2 {
                svg.path(&series.fill(), &d, " fill-opacity=\".12\"");
            }
            let look = format!(" stroke-width=\"1.75\" stroke-linejoin=\"round\" fill=\"none\"{}", series.dash());
            svg.path(&series.line(), &d, &look);
        }
        self.about.finish(svg, &self.describe(bins), top + HIGH + Frame::FOOT + 2.0)
    }

    fn describe(&self, bins: usize) -> Vec<String> {
        let (low, high) = (plain(self.low), plain(self.high));
        let mut desc = vec![format!("Counts of {} in {bins} bins from {low} to {high}.", short(&self.measure))];
        let start = |bin: usize| plain(self.low + (self.high - self.low) * bin as f64 / bins as f64);
        for series in self.series.iter().take(12) {
            let total: u64 = series.values.iter().fold(0, |sum, n| sum.saturating_add(*n));
            // The first of equals.
            let peak = series.values.iter().enumerate().rev().max_by_key(|(_, n)| **n);
            let peak = peak.filter(|(_, n)| **n > 0).map_or(String::new(), |(bin, n)| {
                format!(", most ({}) from {} to {}", count(*n), start(bin), start(bin + 1))
            });
            desc.push(format!("{}: {} samples{peak}.", short(&series.name), count(total)));
        }
        desc
    }
}

/// The outline, from the foot at the left to the foot at the right.
fn steps(series: &Series<u64>, bins: usize, frame: &Frame) -> String {
    let ((left, right), foot) = (frame.x.places(), frame.y.place(0.0));
    let mut d = format!("M{} {}", at(left), at(foot));
    for bin in 0..bins {
        let n = series.values.get(bin).copied().unwrap_or(0);
        let end = left + (right - left) * (bin + 1) as f64 / bins as f64;
        d.push_str(&format!("V{}H{}", at(frame.y.place(n as f64)), at(end)));
    }
    d + &format!("V{}", at(foot))
}

/// A count's label, short where it is huge.
fn label(value: f64) -> String {
    if value < 1e6 { count(value.round() as u64) } else { plain(value) }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn histogram(series: usize, bins: usize) -> Histogram {
        let counts = |s: usize| (0..bins as u64).map(|i| (i * 37 + s as u64 * 11) % 90).collect();
        Histogram {
            about: About::new("iou", "IoU"),
            measure: "IoU of a sample".into(),
            low: 0.0,
            high: 1.0,
            series: (0..series).map(|s| Series::new(format!("Method {s}"), s, counts(s))).collect(),
        }
    }

    #[test]
    fn every_size_is_sound_and_laid_out() {
        for (series, bins) in [(0, 0), (1, 0), (1, 1), (2, 20), (5, 20), (200, 3), (3, 200)] {
            let svg = histogram(series, bins).render();
            check::sound(&svg);
            check::laid_out(&svg);
        }
    }

    #[test]
    fn values_fall_into_bins() {
        let values = [0.0, 0.05, 0.15, 0.1 + 0.2, 1.0, -0.1, 1.1, f64::NAN];
        let counts = Histogram::count(&values, 0.0, 1.0, 20);
        assert_eq!((counts[0], counts[1], counts[3], counts[6], counts[19]), (1, 1, 1, 1, 1));
        assert_eq!(counts.iter().sum::<u64>(), 5);
        assert!(Histogram::count(&values, 0.0, 1.0, 0).is_empty());
        assert_eq!(Histogram::count(&[1.0], 1.0, 1.0, 2), [1, 0]);
        assert_eq!(Histogram::count(&[1.0], f64::NAN, 1.0, 2), [0, 0]);
    }

    #[test]
    fn the_description_names_the_peak() {
        let mut figure = histogram(1, 4);
        figure.series[0].values = vec![1, 7, 7];
        figure.series.push(Series::new("other", 1, vec![0, 0, 0, 1200]));
        let svg = figure.render();
        assert!(svg.contains("Method 0: 15 samples, most (7) from 0.25 to 0.5.") && svg.contains("1,200 samples"));
    }

    #[test]
    fn nothing_hostile_breaks_it() {
        for text in check::hostile() {
            for (low, high) in
                [(0.0, 1.0), (-1e300, 1e300), (f64::NAN, 1.0), (1.0, 0.0), (1e-300, 1e-299), (0.0, f64::INFINITY)]
            {
                let mut figure = Histogram { low, high, ..histogram(2, 4) };
                figure.about.title.clone_from(&text);
                figure.measure.clone_from(&text);
                figure.series[0].name.clone_from(&text);
                figure.series[1].values = vec![u64::MAX, 0, u64::MAX];
                let svg = figure.render();
                check::sound(&svg);
                check::laid_out(&svg);
            }
        }
    }
}
