//! Names for streets and places, from `words.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use socio_map::Names;

use crate::hash::SplitMix;

const TEXT: &str = include_str!("words.toml");

type Pair = [String; 2];

#[derive(Debug, Deserialize)]
struct File {
    language: Vec<Language>,
    class: Vec<Wording>,
    others: Others,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    id: String,
    stems: Vec<Pair>,
    streets: Vec<Pair>,
    avenues: Vec<Pair>,
    rivers: Vec<Pair>,
    districts: Vec<Pair>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wording {
    name: String,
    /// English and Chinese.
    patterns: Vec<Pair>,
    ja: Vec<String>,
    pt: Vec<String>,
    ru: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Others {
    patterns: Vec<Pair>,
}

fn file() -> Option<&'static File> {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    FILE.get_or_init(|| toml::from_str(TEXT).ok()).as_ref()
}

fn language(id: &str) -> Option<&'static Language> {
    file()?.language.iter().find(|l| l.id == id)
}

fn patterns(class: &str) -> Option<&'static Wording> {
    static BY_CLASS: OnceLock<BTreeMap<String, &'static Wording>> = OnceLock::new();
    let index = || file().map(|f| f.class.iter().map(|p| (p.name.clone(), p)).collect()).unwrap_or_default();
    BY_CLASS.get_or_init(index).get(class).copied()
}

/// What a street-like thing is called after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Street,
    Avenue,
    River,
}

/// The name of a street, an avenue or a river.
pub(crate) fn way(id: &str, way: Way, random: &mut SplitMix) -> Names {
    let Some(language) = language(id) else { return Names::default() };
    let forms = match way {
        Way::Street => &language.streets,
        Way::Avenue => &language.avenues,
        Way::River => &language.rivers,
    };
    // The first form is the commonest.
    let form = if random.chance(0.45) { forms.first() } else { random.pick(forms) };
    named(form, random.pick(&language.stems), 0)
}

/// The name of the district around.
pub(crate) fn district(id: &str, random: &mut SplitMix) -> Names {
    let Some(language) = language(id) else { return Names::default() };
    named(random.pick(&language.districts), random.pick(&language.stems), 0)
}

/// The name of a place of a class.
pub(crate) fn place(id: &str, class: &str, random: &mut SplitMix) -> Names {
    let (Some(language), Some(file)) = (language(id), file()) else { return Names::default() };
    let stem = random.pick(&language.stems);
    let number = 1 + random.below(28);
    let known = patterns(class);
    let pair = random.pick(known.map_or(&file.others.patterns, |p| &p.patterns));
    let local: Option<&String> = match (known, id) {
        (Some(p), "ja") => random.pick(&p.ja),
        (Some(p), "pt") => random.pick(&p.pt),
        (Some(p), "ru") => random.pick(&p.ru),
        _ => None,
    };
    match (local, pair) {
        (Some(local), Some([english, _])) => named(Some(&[local.clone(), english.clone()]), stem, number),
        (None, Some([english, chinese])) => {
            let local = if id == "zh" { chinese } else { english };
            named(Some(&[local.clone(), english.clone()]), stem, number)
        }
        _ => Names::default(),
    }
}

/// Local and English forms filled in.
fn named(form: Option<&Pair>, stem: Option<&Pair>, number: u64) -> Names {
    let (Some([local, english]), Some([own, romanised])) = (form, stem) else { return Names::default() };
    Names {
        local: local.replace("{s}", own).replace("{n}", &chinese(number, local)),
        english: Some(english.replace("{s}", romanised).replace("{n}", &number.to_string())),
    }
}

/// A number as the text around it writes it: Chinese numerals in Chinese.
fn chinese(number: u64, around: &str) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    if around.chars().all(|c| c.is_ascii() || "{}".contains(c)) {
        return number.to_string();
    }
    let (tens, ones) = (number as usize / 10 % 10, number as usize % 10);
    let head = match tens {
        0 => String::new(),
        1 => "十".to_owned(),
        n => format!("{}十", DIGITS[n]),
    };
    head + DIGITS[ones]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hierarchy;

    #[test]
    fn every_class_has_names_in_every_language() {
        let hierarchy = Hierarchy::embedded().unwrap();
        assert_eq!(file().unwrap().class.len(), hierarchy.classes.len() - 1);
        for class in &hierarchy.classes {
            for id in ["en", "zh", "ja", "pt", "ru"] {
                let names = place(id, &class.name, &mut SplitMix(4));
                let english = names.english.unwrap();
                assert!(!names.local.is_empty() && !english.is_empty(), "{} in {id}", class.name);
                assert!(!names.local.contains('{') && !english.contains('{'), "{} in {id}", class.name);
                assert!(english.is_ascii(), "{english}");
            }
        }
        assert!(patterns("School").is_some() && patterns("Others").is_none());
    }

    #[test]
    fn numbers_are_written_as_the_text_around_them() {
        let stem = ["临江".to_owned(), "Linjiang".to_owned()];
        let form = ["{s}第{n}中学".to_owned(), "{s} No. {n} Middle School".to_owned()];
        let names = named(Some(&form), Some(&stem), 21);
        assert_eq!(names.local, "临江第二十一中学");
        assert_eq!(names.english.unwrap(), "Linjiang No. 21 Middle School");
        assert_eq!([3, 10, 13, 20].map(|n| chinese(n, "第{n}")), ["三", "十", "十三", "二十"]);
    }
}
