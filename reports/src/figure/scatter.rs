//! Two figures of each sample against each other.

use super::about::About;
use super::axis::Scale;
use super::frame::Frame;
use super::legend::Swatch;
use super::number::{count, fixed, share};
use super::series::Series;
use super::svg::{PAD, Pen, Svg, WIDTH};
use super::text::{short, wrap};

/// Dots in the unit square about its diagonal, as the IoU of stage 1 against that of stage 2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scatter {
    /// Its name.
    pub about: About,
    /// What is drawn to the right, as `IoU after stage 1`.
    pub x: String,
    /// What is drawn upwards.
    pub y: String,
    /// The dots in groups, as helped, harmed and unchanged: `(x, y)`, each from 0 to 1. What lies outside or is no
    /// number is left out and counted. Later groups lie over earlier ones.
    pub groups: Vec<Series<(f64, f64)>>,
}

/// The side of the square.
const SIDE: f64 = 420.0;

impl Scatter {
    /// The most dots that are drawn; of more, these many evenly by their order, so the same ones each time.
    pub const DRAWN: usize = 4000;

    /// The figure as SVG.
    #[must_use]
    pub fn render(&self) -> String {
        let groups: Vec<Vec<(f64, f64)>> =
            self.groups.iter().map(|g| g.values.iter().copied().filter(inside).collect()).collect();
        let total: usize = groups.iter().map(Vec::len).sum();
        if total == 0 {
            return self.about.blank("There are no samples to show.");
        }
        let mut svg = Svg::default();
        let top = self.about.head(&mut svg) + Frame::TOP - 4.0;
        let left = PAD + Frame::LEFT - 12.0;
        let frame = Frame {
            x: Scale::linear((0.0, 1.0), (left, left + SIDE)),
            y: Scale::linear((0.0, 1.0), (top + SIDE, top)),
        };
        frame.draw(&mut svg, &frame.x.ticks(5), &frame.y.ticks(5), (&self.x, &self.y));
        svg.line("axis", (left, top + SIDE), (left + SIDE, top), " stroke-dasharray=\"4 3\"");
        let mut seen = 0;
        for (group, points) in self.groups.iter().zip(&groups) {
            svg.open(&format!("class=\"{}\" fill-opacity=\".5\"", group.fill()));
            for (x, y) in points {
                if drawn(seen, total) {
                    svg.dot((frame.x.place(*x), frame.y.place(*y)), 2.5);
                }
                seen += 1;
            }
            svg.close();
        }
        let foot = self.key(&mut svg, &groups, total, (left + SIDE + 24.0, top));
        self.about.finish(svg, &self.describe(&groups, total), foot.max(top + SIDE + Frame::FOOT) + 2.0)
    }

    /// The groups with their counts, beside the square; returns the height below them.
    fn key(&self, svg: &mut Svg, groups: &[Vec<(f64, f64)>], total: usize, (x, top): (f64, f64)) -> f64 {
        let room = WIDTH - PAD - x;
        let mut y = top + 8.0;
        for (group, points) in self.groups.iter().zip(groups) {
            Swatch::Dot(group.fill()).draw(svg, x - 5.0, y);
            let name = wrap(&group.name, Pen::LABEL.size, room - 17.0, 2);
            let more = (name.len() as f64 - 1.0) * Pen::LABEL.leading();
            svg.lines(Pen::LABEL, x + 17.0, y + more / 2.0, &name, &group.name);
            y += more + 16.0;
            svg.text(Pen::QUIET, x + 17.0, y, &told(points.len(), total));
            y += 24.0;
        }
        y += 6.0;
        for (what, number) in self.notes(groups, total) {
            let mut lines = wrap(&what, Pen::QUIET.size, room, 3);
            lines.push(number);
            let high = lines.len() as f64 * Pen::QUIET.leading();
            svg.lines(Pen::QUIET, x, y + high / 2.0 - 8.0, &lines, "");
            y += high + 8.0;
        }
        y
    }

    /// The counts of both margins, and what was left out: what, and how many.
    fn notes(&self, groups: &[Vec<(f64, f64)>], total: usize) -> Vec<(String, String)> {
        let above = |of: fn(&(f64, f64)) -> f64| groups.iter().flatten().filter(|p| of(p) > 0.5).count();
        let (x, y) = (above(|p| p.0), above(|p| p.1));
        let mut notes = vec![
            (format!("{} above 0.5", short(&self.x)), told(x, total)),
            (format!("{} above 0.5", short(&self.y)), told(y, total)),
        ];
        if total > Self::DRAWN {
            let drawn = format!("{} of {}", count(Self::DRAWN as u64), count(total as u64));
            notes.push(("samples drawn, evenly by their order".to_owned(), drawn));
        }
        let left_out = self.groups.iter().map(|g| g.values.len()).sum::<usize>() - total;
        if left_out > 0 {
            notes.push(("left out without a value".to_owned(), count(left_out as u64)));
        }
        notes
    }

    fn describe(&self, groups: &[Vec<(f64, f64)>], total: usize) -> Vec<String> {
        let mut desc = vec![format!(
            "Dots of {} samples: {} to the right, {} upwards, both from 0 to 1, with the diagonal where both are equal.",
            count(total as u64),
            short(&self.x),
            short(&self.y)
        )];
        for (group, points) in self.groups.iter().zip(groups).take(12) {
            desc.push(format!("{}: {}.", short(&group.name), told(points.len(), total)));
        }
        let mean = |of: fn(&(f64, f64)) -> f64| groups.iter().flatten().map(of).sum::<f64>() / total as f64;
        desc.push(format!("Means: {} to the right, {} upwards.", fixed(mean(|p| p.0), 3), fixed(mean(|p| p.1), 3)));
        desc.extend(self.notes(groups, total).into_iter().map(|(what, number)| format!("{what}: {number}.")));
        desc
    }
}

/// Whether a dot lies in the square.
fn inside((x, y): &(f64, f64)) -> bool {
    (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y)
}

/// Whether the i-th of all dots is among those drawn.
fn drawn(i: usize, total: usize) -> bool {
    let before = |i: usize| i as u128 * Scatter::DRAWN as u128 / total.max(1) as u128;
    total <= Scatter::DRAWN || before(i + 1) > before(i)
}

/// A count with its share.
fn told(n: usize, total: usize) -> String {
    format!("{} ({} %)", count(n as u64), fixed(share(n as f64, total as f64), 1))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn scatter(sizes: &[usize]) -> Scatter {
        let dots = |n: usize| (0..n).map(|i| ((i * 37 % 101) as f64 / 101.0, (i * 53 % 97) as f64 / 97.0)).collect();
        Scatter {
            about: About::new("stages", "Stage 1 against stage 2"),
            x: "IoU after stage 1".into(),
            y: "IoU after stage 2".into(),
            groups: sizes.iter().enumerate().map(|(g, n)| Series::new(format!("Group {g}"), g, dots(*n))).collect(),
        }
    }

    #[test]
    fn every_size_is_sound_and_laid_out() {
        for sizes in [&[][..], &[0, 0], &[1], &[20, 30, 40], &[1; 200]] {
            let svg = scatter(sizes).render();
            check::sound(&svg);
            check::laid_out(&svg);
        }
    }

    #[test]
    fn too_many_are_thinned_and_that_is_said() {
        let svg = scatter(&[6001, 3000]).render();
        assert_eq!(svg.matches("<circle").count(), Scatter::DRAWN);
        assert!(
            svg.contains("samples drawn, evenly by their order: 4,000 of 9,001.")
                && svg.contains("Group 0: 6,001 (66.7 %).")
        );
        assert_eq!(scatter(&[4000]).render().matches("<circle").count(), 4000);
    }

    #[test]
    fn margins_are_counted() {
        let mut figure = scatter(&[0]);
        figure.groups[0].values = vec![(0.6, 0.4), (0.9, 0.9), (0.0, 1.0), (f64::NAN, 0.1), (2.0, 0.1)];
        let svg = figure.render();
        assert!(
            svg.contains("IoU after stage 1 above 0.5: 2 (66.7 %).") && svg.contains("left out without a value: 2.")
        );
        assert!(svg.contains("Means: 0.500 to the right, 0.767 upwards."));
    }

    #[test]
    fn nothing_hostile_breaks_it() {
        for text in check::hostile() {
            let mut figure = scatter(&[5, 5]);
            figure.about.title.clone_from(&text);
            (figure.x, figure.y) = (text.clone(), text.clone());
            figure.groups[0].name.clone_from(&text);
            figure.groups[1].values = check::NUMBERS.map(|v| (v, v)).to_vec();
            let svg = figure.render();
            check::sound(&svg);
            check::laid_out(&svg);
        }
    }
}
