//! Whether a label speaks for a query.

use socio_backend::Label;
use socio_dataset::Hierarchy;
use socio_dataset::text::{edit_distance, letters};

/// Names match from this similarity on, in `0..=1`.
const LEAST_SIMILARITY: f64 = 0.75;
/// A label cut off by the map's border matches with at least so many letters.
const LEAST_PART: usize = 5;

/// Letters and digits in lower case, everything else a single space.
fn normalised(text: &str) -> String {
    let spaced: String = text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a label is the name, with the odd letter misread, or the part of it that the border left over.
pub(super) fn names(name: &str, label: &Label, (width, height): (u32, u32)) -> bool {
    let (name, found) = (letters(name), letters(&label.text));
    if similarity(&name, &found) >= LEAST_SIMILARITY {
        return true;
    }
    let b = label.bbox();
    let cut = b.x0 <= 2.0 || b.y0 <= 2.0 || b.x1 >= f64::from(width) - 2.0 || b.y1 >= f64::from(height) - 2.0;
    cut && found.len() >= LEAST_PART && (name.starts_with(&found) || name.ends_with(&found))
}

/// One minus the edit distance over the longer length; zero where one is empty.
fn similarity(a: &[char], b: &[char]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    1.0 - edit_distance(a, b) as f64 / a.len().max(b.len()) as f64
}

/// The class whose keyword a label ends on: the match that ends last wins, then the longest, so that "driving school" is
/// no school and "Clothing Factory" a factory. English words match whole, Chinese ones anywhere.
pub(super) fn class_of<'a>(hierarchy: &'a Hierarchy, label: &str) -> Option<&'a str> {
    let text = normalised(label);
    let mut best: Option<((usize, usize), &str)> = None;
    for class in &hierarchy.classes {
        for word in &class.keywords {
            let Some(end) = last_match(&text, &normalised(word)) else { continue };
            let rank = (end, word.chars().count());
            if best.is_none_or(|(b, _)| rank > b) {
                best = Some((rank, &class.name));
            }
        }
    }
    best.map(|(_, class)| class)
}

/// Where the last match of a word ends.
fn last_match(text: &str, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    // A Chinese letter beside an English word is no part of it.
    let letter = |c: char| c.is_ascii_alphanumeric();
    let whole = word.is_ascii();
    text.rmatch_indices(word).map(|(at, _)| (at, at + word.len())).find_map(|(start, end)| {
        let bounded = !text[..start].ends_with(letter) && !text[end..].starts_with(letter);
        (!whole || bounded).then_some(end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use socio_dataset::Point;

    fn label(text: &str, x0: f64, x1: f64) -> Label {
        let p = |x, y| Point { x, y };
        Label { text: text.into(), score: 1.0, corners: [p(x0, 10.0), p(x1, 10.0), p(x1, 20.0), p(x0, 20.0)] }
    }

    #[test]
    fn names_match_through_misread_letters_and_borders() {
        let size = (768, 768);
        assert!(names(
            "Nepal Majdoor Kishan Party Office",
            &label("Nepal Majdoor-Kishan Party Ofice", 90.0, 300.0),
            size
        ));
        assert!(names("chandeshwori temple", &label("chandeshw", 600.0, 767.0), size));
        assert!(!names("chandeshwori temple", &label("chandeshw", 300.0, 400.0), size));
        assert!(!names("Mayur Cinema", &label("Innovative Academy", 90.0, 300.0), size));
        assert!(!names("", &label("", 0.0, 1.0), size));
    }

    #[test]
    fn the_last_and_longest_word_tells_the_class() {
        let h = Hierarchy::embedded().unwrap();
        assert_eq!(class_of(&h, "chandeshwori temple"), Some("Temple"));
        assert_eq!(class_of(&h, "Golden Wheel Driving School"), Some("Driving School"));
        assert_eq!(class_of(&h, "banepa supermarket"), Some("Supermarket"));
        assert_eq!(class_of(&h, "济南动物园"), Some("Zoo"));
        assert_eq!(class_of(&h, "schools"), None);
        assert_eq!(class_of(&h, "武汉Hotel"), Some("Hotel"));
    }

    #[test]
    fn similarity_is_one_for_equal_and_zero_for_nothing() {
        let l = |s: &str| s.chars().collect::<Vec<_>>();
        assert_eq!(similarity(&l("abc"), &l("abc")), 1.0);
        assert_eq!(similarity(&l("abc"), &l("")), 0.0);
        assert!((similarity(&l("kitten"), &l("sitting")) - 4.0 / 7.0).abs() < 1e-12);
    }
}
