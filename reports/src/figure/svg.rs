//! SVG text, element by element.

use super::number::at;
use super::text::{clean, escape};

/// The width of every figure in its own units, which are pixels at its natural size.
pub(super) const WIDTH: f64 = 720.0;
/// Left free at the edges.
pub(super) const PAD: f64 = 16.0;

/// Where text stands from its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pen {
    pub(super) class: &'static str,
    pub(super) size: f64,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
}

impl Pen {
    /// Names of rows and series.
    pub(super) const LABEL: Self = Self { class: "fg", size: 12.0, anchor: Anchor::Start, bold: false };
    /// Ticks, names of axes, heads of columns.
    pub(super) const QUIET: Self = Self { class: "muted", size: 11.0, anchor: Anchor::Start, bold: false };
    /// The title.
    pub(super) const HEAD: Self = Self { class: "fg", size: 15.0, anchor: Anchor::Start, bold: true };

    /// The same, about its middle.
    pub(super) const fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }

    /// The same, to its end.
    pub(super) const fn end(self) -> Self {
        Self { anchor: Anchor::End, ..self }
    }

    /// The distance of lines.
    pub(super) fn leading(self) -> f64 {
        self.size * 1.2
    }

    /// How wide text stands.
    pub(super) fn width(self, text: &str) -> f64 {
        // Bold letters are wider by about a tenth.
        super::text::width(text, self.size) * if self.bold { 1.1 } else { 1.0 }
    }
}

/// A figure under construction.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

impl Svg {
    /// Opens a group; `attributes` are the caller's own text.
    pub(super) fn open(&mut self, attributes: &str) {
        self.body.push_str(&format!("<g {attributes}>\n"));
    }

    /// Opens a group with a tooltip.
    pub(super) fn open_hint(&mut self, hint: &str) {
        self.body.push_str(&format!("<g><title>{}</title>\n", escape(hint)));
    }

    /// Closes a group.
    pub(super) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// A line; what its width is, the group or `more`, attributes with a space before them, say.
    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64), more: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(at);
        self.body
            .push_str(&format!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{more}/>\n"));
    }

    /// An area from `from`, so wide and so high.
    pub(super) fn rect(&mut self, class: &str, from: (f64, f64), size: (f64, f64), more: &str) {
        let [x, y, w, h] = [from.0, from.1, size.0.max(0.0), size.1.max(0.0)].map(at);
        self.body
            .push_str(&format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{more}/>\n"));
    }

    /// A path.
    pub(super) fn path(&mut self, class: &str, d: &str, more: &str) {
        self.body.push_str(&format!("<path class=\"{class}\" d=\"{d}\"{more}/>\n"));
    }

    /// A dot; its class is its group's.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64) {
        let [x, y, r] = [x, y, radius].map(at);
        self.body.push_str(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>\n"));
    }

    /// One line of text; `y` is the middle of its small letters' height, not its foot.
    pub(super) fn text(&mut self, pen: Pen, x: f64, y: f64, words: &str) {
        if words.is_empty() {
            return;
        }
        let anchor = match pen.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let bold = if pen.bold { " font-weight=\"600\"" } else { "" };
        let edge = if pen.class.ends_with("halo") { " stroke-width=\"3\"" } else { "" };
        // The foot is worked out here: not every reader of SVG knows `dominant-baseline`.
        let [x, y, size] = [x, y + 0.35 * pen.size, pen.size].map(at);
        let (class, words) = (pen.class, escape(words));
        self.body.push_str(&format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{bold}{edge}>{words}</text>\n"
        ));
    }

    /// Lines about a middle height; `whole` is the tooltip where the lines do not hold all of it.
    pub(super) fn lines(&mut self, pen: Pen, x: f64, y: f64, lines: &[String], whole: &str) {
        let cut = lines.last().is_some_and(|l| l.ends_with('…')) && !clean(whole).is_empty();
        if cut {
            self.open_hint(whole);
        }
        let first = y - pen.leading() * (lines.len() as f64 - 1.0) / 2.0;
        for (i, line) in lines.iter().enumerate() {
            self.text(pen, x, first + pen.leading() * i as f64, line);
        }
        if cut {
            self.close();
        }
    }

    /// The whole; `id` must be safe, `title` and `desc` need not.
    pub(super) fn finish(self, id: &str, title: &str, desc: &[String], height: f64) -> String {
        let (width, height) = (at(WIDTH), at(height.ceil()));
        // Sentence by sentence, because escaping cuts what is too long for one.
        let desc = desc.iter().map(|d| escape(d)).collect::<Vec<_>>().join(" ");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {width} {height}\" width=\"100%\" \
             role=\"img\" aria-labelledby=\"{id}-t {id}-d\" font-family=\"inherit\" font-size=\"12\">\n\
             <title id=\"{id}-t\">{}</title>\n<desc id=\"{id}-d\">{desc}</desc>\n{}</svg>\n",
            escape(title),
            self.body
        )
    }
}

/// The outline of a marker about a point: a disc, a square, a triangle, a diamond, by the remainder.
pub(super) fn marker(shape: usize, (x, y): (f64, f64), r: f64) -> String {
    let corners: &[(f64, f64)] = match shape % 4 {
        0 => {
            let [left, y, r, d, back] = [x - r, y, r, 2.0 * r, -2.0 * r].map(at);
            return format!("M{left} {y}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 {back} 0Z");
        }
        // Sizes that look alike.
        1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        2 => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
        _ => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
    };
    outline(corners.iter().map(|(dx, dy)| (x + dx * r, y + dy * r)), true)
}

/// Points joined by lines.
pub(super) fn outline(points: impl IntoIterator<Item = (f64, f64)>, closed: bool) -> String {
    let mut d = String::new();
    for (x, y) in points {
        d.push_str(&format!("{}{} {}", if d.is_empty() { 'M' } else { 'L' }, at(x), at(y)));
    }
    if closed && !d.is_empty() {
        d.push('Z');
    }
    d
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn elements() {
        let mut svg = Svg::default();
        svg.text(Pen::LABEL.end(), 1.0, 2.0, "a<b");
        svg.lines(Pen::QUIET, 1.0, 2.0, &["one".into(), "tw…".into()], "one two");
        svg.path("l0", &marker(2, (5.0, f64::NAN), 3.0), "");
        let text = svg.finish("fig", "T & t", &["One.".into(), "<Two>.".into()], 10.2);
        check::sound(&text);
        assert!(
            text.contains("viewBox=\"0 0 720 11\"") && text.contains("<desc id=\"fig-d\">One. &lt;Two&gt;.</desc>")
        );
        assert!(text.contains("text-anchor=\"end\">a&lt;b</text>") && text.contains("<g><title>one two</title>"));
    }
}
