//! Colours, apart from the figures.

/// What a page stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on near-black.
    Dark,
}

impl Theme {
    /// Text, quiet text, grid, axis, paper.
    fn base(self) -> [&'static str; 5] {
        match self {
            Self::Light => ["#1f2328", "#5b6470", "#e2e6ea", "#57606a", "#ffffff"],
            Self::Dark => ["#e6e9ed", "#9aa4af", "#2d333b", "#9aa4af", "#15191e"],
        }
    }

    /// The hues: Okabe and Ito's, which people with any colour vision tell apart. Their yellow is too pale for white:
    /// there it is brown; their black is the text's: here it is grey. On dark all are lighter. With the common colour
    /// deficiencies simulated, no two of a theme come closer than a distance of 14 in CIELAB; the closest two of the
    /// original are 16 apart.
    fn hues(self) -> [&'static str; 8] {
        match self {
            Self::Light => ["#00569b", "#e2661c", "#2fa085", "#7c3560", "#925d0a", "#4b7ea6", "#23282d", "#9052ec"],
            Self::Dark => ["#3a88d6", "#f58321", "#46b597", "#b5527f", "#f7c65d", "#84d0fe", "#eceae4", "#6a52e8"],
        }
    }
}

/// The CSS rules of a theme, for figures inside a page; a page puts those of one theme into a media query or under a
/// selector of its own, where CSS nests them.
#[must_use]
pub fn rules(theme: Theme) -> String {
    let [fg, muted, grid, axis, paper] = theme.base();
    let mut css = format!(
        ".plot .fg{{fill:{fg}}}.plot .muted{{fill:{muted}}}.plot .grid{{stroke:{grid}}}\
         .plot .axis{{stroke:{axis}}}.plot .paper{{fill:{paper}}}\
         .plot .halo{{paint-order:stroke;stroke:{paper};stroke-linejoin:round}}\n"
    );
    for (i, hue) in theme.hues().into_iter().enumerate() {
        // Of all areas only the brown ones are too dark for dark text.
        let dark_area = matches!((theme, i), (_, 0 | 3) | (Theme::Light, 6) | (Theme::Dark, 7));
        let ink = if dark_area { "#ffffff" } else { "#111418" };
        css.push_str(&format!(".plot .s{i}{{fill:{hue}}}.plot .l{i}{{stroke:{hue}}}.plot .i{i}{{fill:{ink}}}"));
    }
    css.push('\n');
    css
}

/// A figure as a file of its own: its natural size, colours for light and for dark, a background and a font. What is no
/// figure of this module, or already a file of its own, comes back as it is.
#[must_use]
pub fn standalone(svg: &str) -> String {
    let viewed = svg.split_once("viewBox=\"0 0 ").and_then(|(_, rest)| rest.split_once('"')).map(|(size, _)| size);
    let size = viewed.and_then(|size| size.split_once(' '));
    let parts = svg.split_once("</desc>\n");
    let (Some((width, height)), Some((head, body))) = (size, parts) else { return svg.to_owned() };
    if !svg.starts_with("<svg ") || svg.contains("<style>") {
        return svg.to_owned();
    }
    // In an image a width in percent is of nothing.
    let head = head.replacen("width=\"100%\"", &format!("width=\"{width}\" height=\"{height}\""), 1);
    let (light, dark) = (rules(Theme::Light), rules(Theme::Dark));
    format!(
        "{head}</desc>\n<style>\n.plot{{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",Helvetica,Arial,\
         sans-serif;font-variant-numeric:tabular-nums}}\n{light}@media (prefers-color-scheme: dark){{\n{dark}}}\n</style>\n\
         <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{About, Bars, check};
    use super::*;

    #[test]
    fn a_file_of_its_own() {
        let figure = Bars { about: About::new("x", "Title"), ..Bars::default() }.render();
        let file = standalone(&figure);
        check::sound(&file);
        assert!(file.contains("prefers-color-scheme: dark") && !file.contains("100%\" role"));
        assert_eq!(standalone(&file), file);
        assert_eq!(standalone("<p>no figure</p>"), "<p>no figure</p>");
    }

    #[test]
    fn every_class_has_a_colour_in_both() {
        for css in [Theme::Light, Theme::Dark].map(rules) {
            let named = ["fg", "muted", "grid", "axis", "paper", "halo", "s0", "s7", "l0", "l7", "i6"];
            assert!(named.iter().all(|c| css.contains(&format!(".plot .{c}{{"))));
        }
    }
}
