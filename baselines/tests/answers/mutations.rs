//! Texts gone wrong in new ways: pieces of the corpus cut, doubled, joined and overwritten.

use socio_dataset::hash::SplitMix;

/// Numbers, tags and scraps that parsers stumble over.
const SCRAPS: &[&str] = &[
    "<answer>",
    "</answer>",
    "<think>",
    "</think>",
    "<bbox>",
    "</bbox>, <points>",
    "</points>, <labels>",
    "</labels>",
    "\"bbox_2d\": ",
    "\"points\": ",
    "\"point_2d\": ",
    "\"bbox\": ",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "(",
    ")",
    ",",
    "\"",
    "'",
    "\\",
    "\\u",
    "\\ud800",
    "\u{feff}",
    "\u{0}",
    "\u{85}",
    "\n",
    "\r\n",
    "null",
    "None",
    "true",
    "True",
    "NaN",
    "-Infinity",
    "-",
    "- -",
    "+",
    ".",
    "1.",
    ".5",
    "-0",
    "-0.0",
    "01",
    "1e999",
    "1e-999",
    "1e",
    "1_0",
    "0x1f",
    "756",
    "757",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551616",
    "济",
    "😀",
];

/// The longest piece that is worked on, in characters: time goes into many texts, not into long ones.
const LONGEST: usize = 1500;

/// One text with one to four things gone wrong.
pub(crate) fn mutated(random: &mut SplitMix, corpus: &[String]) -> String {
    let piece = |random: &mut SplitMix| {
        let chars: Vec<char> = random.pick(corpus).into_iter().flat_map(|t| t.chars()).collect();
        let from = random.below(chars.len().saturating_sub(LONGEST) as u64 + 1) as usize;
        chars.into_iter().skip(from).take(LONGEST).collect::<Vec<_>>()
    };
    let mut text = piece(random);
    for _ in 0..=random.below(4) {
        let (from, to) = range(random, text.len());
        match random.below(7) {
            0 => text.truncate(to),
            1 => drop(text.drain(from..to)),
            2 => {
                let doubled: Vec<char> = text[from..to].repeat(1 + random.below(3) as usize);
                text.splice(to..to, doubled);
            }
            3 => {
                let other = piece(random);
                let cut = range(random, other.len()).0;
                text.splice(from.., other[cut..].iter().copied());
            }
            4 => text = flipped(random, text),
            5 => {
                let at = number(&text, from);
                text.splice(at, scrap(random));
            }
            _ => drop(text.splice(from..from, scrap(random))),
        }
        text.truncate(2 * LONGEST);
    }
    text.into_iter().collect()
}

/// Two places in a text, in order and mostly near each other.
fn range(random: &mut SplitMix, length: usize) -> (usize, usize) {
    let from = random.below(length as u64 + 1) as usize;
    let near = if random.chance(0.8) { 16 } else { length as u64 };
    (from, (from + random.below(near + 1) as usize).min(length))
}

fn scrap(random: &mut SplitMix) -> Vec<char> {
    random.pick(SCRAPS).into_iter().flat_map(|s| s.chars()).collect()
}

/// The first number behind a place, or the place itself.
fn number(text: &[char], from: usize) -> std::ops::Range<usize> {
    let part = |c: &char| c.is_ascii_digit() || matches!(c, '.' | '-');
    let start = text[from..].iter().position(part).map_or(from, |at| from + at);
    start..start + text[start..].iter().take_while(|c| part(c)).count()
}

/// Bits of a few bytes turned; what is no UTF-8 then becomes U+FFFD.
fn flipped(random: &mut SplitMix, text: Vec<char>) -> Vec<char> {
    let mut bytes = text.into_iter().collect::<String>().into_bytes();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() as u64) as usize;
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    String::from_utf8_lossy(&bytes).chars().collect()
}
