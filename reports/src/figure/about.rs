//! What every figure is told by.

use super::svg::{PAD, Pen, Svg, WIDTH};
use super::text::wrap;

/// What a figure is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Begins every id in the SVG: give each figure of a page its own. Any text; different texts give different ids.
    pub id: String,
    /// What it shows, in a few words.
    pub title: String,
    /// Whether the title is drawn; else it is told to those who cannot see the figure, and the page has its own
    /// heading.
    pub heading: bool,
}

impl About {
    /// A figure's name, with its title drawn.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), heading: true }
    }

    /// An id of letters, digits, `-` and `_`, which neither CSS nor a link has to escape.
    fn safe_id(&self) -> String {
        let mut id = "fig-".to_owned();
        for c in self.id.chars() {
            match c {
                c if c.is_ascii_alphanumeric() || c == '-' => id.push(c),
                // Ended, so that no two texts meet in one id.
                c => id.push_str(&format!("_{:x}_", u32::from(c))),
            }
        }
        id
    }

    /// Draws the title; returns the height below it.
    pub(super) fn head(&self, svg: &mut Svg) -> f64 {
        if !self.heading {
            return PAD;
        }
        // Bold is a tenth wider than measured.
        let lines = wrap(&self.title, Pen::HEAD.size, (WIDTH - 2.0 * PAD) / 1.1, 2);
        let rows = lines.len() as f64;
        svg.lines(Pen::HEAD, PAD, 14.0 + rows * Pen::HEAD.leading() / 2.0, &lines, &self.title);
        14.0 + rows * Pen::HEAD.leading() + 12.0
    }

    /// The whole figure.
    pub(super) fn finish(&self, svg: Svg, desc: &[String], height: f64) -> String {
        svg.finish(&self.safe_id(), &self.title, desc, height)
    }

    /// A figure that has nothing to show, and says so.
    pub(super) fn blank(&self, why: &str) -> String {
        let mut svg = Svg::default();
        let y = self.head(&mut svg);
        svg.text(Pen::QUIET, PAD, y + 8.0, why);
        self.finish(svg, &[why.to_owned()], y + 28.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn ids_are_safe_and_stay_different() {
        let of = |id: &str| About { id: id.to_owned(), ..About::default() }.safe_id();
        assert_eq!((of("by-class"), of("a b"), of("")), ("fig-by-class".into(), "fig-a_20_b".into(), "fig-".into()));
        assert_ne!(of("a_20_b"), of("a b"));
    }

    #[test]
    fn a_blank_figure_is_a_figure() {
        for title in check::hostile() {
            check::sound(&About::new(title.clone(), title).blank("Nothing to show."));
        }
    }
}
