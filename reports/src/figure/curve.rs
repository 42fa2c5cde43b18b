//! Cumulative distributions of times.

use super::about::About;
use super::axis::{Scale, log_limits, step};
use super::frame::Frame;
use super::legend::{Swatch, Table};
use super::number::{at, count, seconds};
use super::series::Series;
use super::svg::{PAD, Svg, WIDTH, marker};
use super::text::short;

/// The share of samples that took at most so many seconds, a step curve a series, marked at p50, p95 and p99. Times lie
/// on a scale of logarithms where the longest is more than 30 times the shortest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Its name.
    pub about: About,
    /// What is measured, as `latency of a sample, seconds`.
    pub measure: String,
    /// The series; each value a time in seconds, in any order. What is no number is left out.
    pub series: Vec<Series<f64>>,
}

/// The quantiles that are marked: name, share, marker.
const MARKED: [(&str, f64, usize); 3] = [("p50", 0.5, 0), ("p95", 0.95, 3), ("p99", 0.99, 2)];
/// The most steps of a curve: about as many as it has places to the right.
const STEPS: usize = 600;
/// The height of the plot.
const HIGH: f64 = 250.0;

impl Curve {
    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        let sorted: Vec<Vec<f64>> = self.series.iter().map(|s| sorted(&s.values)).collect();
        let low = sorted.iter().filter_map(|s| s.first()).copied().fold(f64::INFINITY, f64::min);
        let high = sorted.iter().filter_map(|s| s.last()).copied().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return self.about.blank("No times were recorded.");
        }
        let mut svg = Svg::default();
        let top = self.about.head(&mut svg) + Frame::TOP - 4.0;
        let log = low > 0.0 && high / low > 30.0;
        let frame = Frame { x: scale(low, high, log), y: Scale::linear((0.0, 100.0), (top + HIGH, top)) };
        let name = if log { format!("{} (log scale)", self.measure.trim()) } else { self.measure.clone() };
        let ys = frame.y.ticks(5).into_iter().map(|(v, label)| (v, format!("{label} %"))).collect::<Vec<_>>();
        frame.draw(&mut svg, &frame.x.ticks(7), &ys, (&name, "share of samples that took at most so long"));
        for (series, times) in self.series.iter().zip(&sorted) {
            let look = format!(" stroke-width=\"1.75\" stroke-linejoin=\"round\" fill=\"none\"{}", series.dash());
            svg.path(&series.line(), &steps(times, &frame), &look);
        }
        // Over all the curves.
        for (series, times) in self.series.iter().zip(&sorted) {
            for (name, share, shape) in MARKED {
                let Some(time) = quantile(times, share) else { continue };
                svg.open_hint(&format!("{}, {name}: {}", short(&series.name), seconds(time)));
                let place = (frame.x.place(time), frame.y.place(100.0 * share));
                svg.path(&format!("halo {}", series.fill()), &marker(shape, place, 4.0), " stroke-width=\"1.5\"");
                svg.close();
            }
        }
        let foot = top + HIGH + Frame::FOOT + 4.0;
        let foot = self.table(&sorted).draw(&mut svg, (PAD, foot), WIDTH - 2.0 * PAD);
        self.about.finish(svg, &self.describe(&sorted, log), foot + PAD)
    }

    fn table(&self, sorted: &[Vec<f64>]) -> Table {
        let head = |(name, _, shape): (&str, f64, usize)| (Some(shape), vec![name.to_owned()]);
        let row = |(series, times): (&Series<f64>, &Vec<f64>)| {
            let figures = MARKED.map(|(_, share, _)| quantile(times, share).map_or("–".to_owned(), seconds));
            let cells = [count(times.len() as u64)].into_iter().chain(figures).collect();
            (Swatch::Line(series.line(), series.dash(), None), series.name.clone(), cells)
        };
        let heads = [(None, vec!["n".to_owned()])].into_iter().chain(MARKED.map(head)).collect();
        Table { heads, rows: self.series.iter().zip(sorted).map(row).collect(), sum: false }
    }

    fn describe(&self, sorted: &[Vec<f64>], log: bool) -> Vec<String> {
        let kind = if log { "a scale of logarithms" } else { "a linear scale" };
        let mut desc = vec![format!("Cumulative distributions of {}, on {kind}.", short(&self.measure))];
        for (series, times) in self.series.iter().zip(sorted).take(12) {
            let told = MARKED
                .iter()
                .filter_map(|(name, share, _)| Some(format!("{name} {}", seconds(quantile(times, *share)?))));
            let told = told.collect::<Vec<_>>().join(", ");
            desc.push(format!("{}: {} samples; {told}.", short(&series.name), count(times.len() as u64)));
        }
        let left_out =
            self.series.iter().map(|s| s.values.len()).sum::<usize>() - sorted.iter().map(Vec::len).sum::<usize>();
        if left_out > 0 {
            desc.push(format!("{} without a time left out.", count(left_out as u64)));
        }
        desc
    }
}

/// What is a number, ascending.
fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().filter(|v| v.abs() <= 1e12).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The time that at least this share took at most, by the nearest rank; a time that was measured.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// The scale of times: round limits with every curve's ends inside.
fn scale(low: f64, high: f64, log: bool) -> Scale {
    let places = (PAD + Frame::LEFT - 4.0, WIDTH - PAD - 12.0);
    if log {
        return Scale::log(log_limits(low, high), places);
    }
    let (low, high) = (low.min(0.0), if high > 0.0 { high } else { (low.min(0.0) + 1.0).max(0.0) });
    let step = step(high - low, 7);
    Scale::linear(((low / step).floor() * step, (high / step).ceil() * step), places)
}

/// The step curve, from the foot at the shortest time to the top at the longest.
fn steps(sorted: &[f64], frame: &Frame) -> String {
    let Some(first) = sorted.first() else { return String::new() };
    let mut d = format!("M{} {}", at(frame.x.place(*first)), at(frame.y.place(0.0)));
    let n = sorted.len();
    let count = n.min(STEPS);
    for k in 1..=count {
        // All of few; of many, evenly spaced ranks with the last among them.
        let rank = k * n / count;
        let Some(time) = sorted.get(rank - 1) else { continue };
        let share = 100.0 * rank as f64 / n as f64;
        d.push_str(&format!("H{}V{}", at(frame.x.place(*time)), at(frame.y.place(share))));
    }
    d
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn curve(series: usize, n: usize, spread: f64) -> Curve {
        let times =
            |s: usize| (0..n).map(|i| 0.5 + (i * 7919 % n.max(1)) as f64 / n as f64 * spread + s as f64).collect();
        Curve {
            about: About::new("latency", "Latency"),
            measure: "latency of a sample, seconds".into(),
            series: (0..series).map(|s| Series::new(format!("Method {s}"), s, times(s))).collect(),
        }
    }

    #[test]
    fn every_size_is_sound_and_laid_out() {
        for (series, n) in [(0, 0), (2, 0), (1, 1), (3, 50), (200, 2), (2, 20_000)] {
            for spread in [0.0, 3.0, 5000.0] {
                let svg = curve(series, n, spread).render();
                check::sound(&svg);
                check::laid_out(&svg);
                assert!(svg.len() < 300_000);
            }
        }
    }

    #[test]
    fn quantiles_are_by_the_nearest_rank() {
        let times: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([0.5, 0.95, 0.99].map(|q| quantile(&times, q)), [Some(50.0), Some(95.0), Some(99.0)]);
        assert_eq!((quantile(&[7.0], 0.5), quantile(&[], 0.5)), (Some(7.0), None));
    }

    #[test]
    fn logarithms_where_times_are_far_apart() {
        let of = |times: &[f64]| {
            let series = vec![Series::new("m", 0, times.to_vec())];
            Curve { series, ..curve(0, 0, 0.0) }.render()
        };
        assert!(of(&[1.0, 31.0]).contains("(log scale)") && of(&[1.0, 31.0]).contains("p50 1.00 s, p95 31.0 s"));
        assert!(!of(&[1.0, 29.0]).contains("(log scale)") && !of(&[0.0, 29.0]).contains("(log scale)"));
        assert!(of(&[f64::NAN, 1.0]).contains("1 without a time left out."));
    }

    #[test]
    fn nothing_hostile_breaks_it() {
        for text in check::hostile() {
            let mut figure = curve(2, 5, 1.0);
            figure.about.title.clone_from(&text);
            figure.measure.clone_from(&text);
            figure.series[0].name.clone_from(&text);
            for numbers in [&check::NUMBERS[..], &[1e-300, 1e300], &[-1.0], &[1e-12, 1e12], &[0.0]] {
                figure.series[1].values = numbers.to_vec();
                figure.series[0].values = numbers.to_vec();
                let svg = figure.render();
                check::sound(&svg);
                check::laid_out(&svg);
            }
        }
    }
}
