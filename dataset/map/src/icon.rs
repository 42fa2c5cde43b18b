//! Icons of places: our own drawings, as paths in a box of 16 units (`icons.toml`).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use tiny_skia::{Path, PathBuilder, Transform};

const TEXT: &str = include_str!("../icons.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    icon: Vec<Icon>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Icon {
    name: String,
    path: String,
    classes: Vec<String>,
}

/// The icon of a class, `px` pixels a side with its middle at `(x, y)`; a dot for a class without one.
pub(crate) fn path(class: &str, px: f32, x: f32, y: f32) -> Option<Path> {
    let paths = icons();
    let path = paths.get(class).or_else(|| paths.get("Others"))?;
    let k = px / 16.0;
    path.clone().transform(Transform::from_row(k, 0.0, 0.0, k, x - px / 2.0, y - px / 2.0))
}

/// Icons by class and, where no class has that name, by their own name.
fn icons() -> &'static BTreeMap<String, Path> {
    static ICONS: OnceLock<BTreeMap<String, Path>> = OnceLock::new();
    ICONS.get_or_init(|| {
        let file: File = toml::from_str(TEXT).unwrap_or(File { icon: Vec::new() });
        let mut icons = BTreeMap::new();
        for icon in file.icon {
            let Some(path) = parse(&icon.path) else { continue };
            for class in icon.classes {
                icons.insert(class, path.clone());
            }
            icons.entry(icon.name).or_insert(path);
        }
        icons
    })
}

/// Absolute `M L C Q Z` commands.
fn parse(text: &str) -> Option<Path> {
    let spaced: String =
        text.chars().flat_map(|c| if c.is_alphabetic() { vec![' ', c, ' '] } else { vec![c] }).collect();
    let mut words = spaced.split([' ', ',']).filter(|w| !w.is_empty()).peekable();
    let mut path = PathBuilder::new();
    while let Some(command) = words.next() {
        let mut number = || words.next()?.parse::<f32>().ok();
        match command {
            "M" => path.move_to(number()?, number()?),
            "L" => path.line_to(number()?, number()?),
            "Q" => path.quad_to(number()?, number()?, number()?, number()?),
            "C" => path.cubic_to(number()?, number()?, number()?, number()?, number()?, number()?),
            "Z" => path.close(),
            _ => return None,
        }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_parses_and_stays_in_its_box() {
        let file: File = toml::from_str(TEXT).unwrap();
        assert!(file.icon.len() >= 30);
        for icon in &file.icon {
            let path = parse(&icon.path).unwrap_or_else(|| panic!("{}", icon.name));
            let b = path.compute_tight_bounds().unwrap();
            assert!(b.left() >= 0.0 && b.top() >= 0.0 && b.right() <= 16.0 && b.bottom() <= 16.0, "{}", icon.name);
        }
        assert!(icons().contains_key("School") && icons().contains_key("Others"));
    }

    #[test]
    fn what_is_no_path_is_none() {
        for text in ["", "M 1", "X 1 2", "M a b"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
