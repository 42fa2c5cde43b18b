//! Words that may come from anywhere: made safe, measured, cut and wrapped.

use crate::markup::entity;

/// More than any label needs; longer text is cut before anything else looks at it.
const LONGEST: usize = 400;

/// Text on one line, without what XML forbids and without marks that turn or hide their neighbours.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == LONGEST {
            out.push('…');
            break;
        }
        match c {
            // As wide as a digit: it aligns figures.
            '\u{2007}' => out.push(c),
            c if c.is_whitespace() || c == '\u{feff}' => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_control() => {}
            // Marks of direction: a label must not reorder what stands after it.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff0}'..='\u{ffff}' => {}
            // Not characters, in any plane.
            c if u32::from(c) & 0xfffe == 0xfffe => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// [`clean`] text that stays text in an element and in an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match entity(c) {
            Some(entity) => out.push_str(entity),
            None => out.push(c),
        }
    }
    out
}

/// About how wide text stands at a font size. The page's font is not known here: shares of the size that hold for the
/// wider of the common sans-serif fonts, so that what is measured to fit does fit.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let share = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '|' | '!' | '.' | ',' | ':' | ';' | '\'' | ' ' => 0.3,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' | '"' | '*' | '·' => 0.4,
        'm' | 'M' | 'W' | '@' | '%' | '…' | 'w' => 0.96,
        c if c.is_ascii_lowercase() => 0.58,
        c if c.is_ascii_digit() => 0.63,
        '+' | '−' | '=' | '<' | '>' | '–' => 0.8,
        c if c.is_ascii_uppercase() => 0.68,
        // From Hangul and the Han characters on, and pictures.
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{ffef}' | '\u{1f000}'.. => 1.05,
        _ => 0.62,
    };
    text.chars().map(share).sum::<f64>() * size
}

/// Text on one line no wider than `room`, with an ellipsis where it was cut.
pub(super) fn clip(text: &str, size: f64, room: f64) -> String {
    let text = clean(text);
    if width(&text, size) <= room { text } else { ended(&text, size, room) }
}

/// Text as it is named in a sentence: cut where it is very long.
pub(super) fn short(text: &str) -> String {
    clip(text, 1.0, 44.0)
}

/// The start of text with an ellipsis, no wider than `room`.
fn ended(text: &str, size: f64, room: f64) -> String {
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width(&out, size) + width("…", size) > room {
            out.pop();
            break;
        }
    }
    format!("{}…", out.trim_end())
}

/// Text in at most `most` lines no wider than `room`: broken between words, within a word only where it alone is too
/// wide; an ellipsis ends what was cut. At least one line, which may be empty.
pub(super) fn wrap(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let text = clean(text);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last().map_or("", String::as_str);
        let joined = if last.is_empty() { word.to_owned() } else { format!("{last} {word}") };
        if width(&joined, size) <= room {
            lines.pop();
            lines.push(joined);
            continue;
        }
        if last.is_empty() {
            lines.pop();
        }
        lines.extend(pieces(word, size, room));
    }
    if lines.len() > most.max(1) {
        lines.truncate(most.max(1));
        if let Some(last) = lines.last_mut() {
            *last = ended(last, size, room);
        }
    }
    lines
}

/// A word in pieces no wider than `room`, each of at least one character.
fn pieces(word: &str, size: f64, room: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        let Some(piece) = pieces.last_mut() else { break };
        if !piece.is_empty() && width(piece, size) + width(c.encode_utf8(&mut [0; 4]), size) > room {
            pieces.push(c.to_string());
        } else {
            piece.push(c);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_forbidden_is_left() {
        assert_eq!(escape("<b a='1'>\"x\" & y"), "&lt;b a=&#39;1&#39;&gt;&quot;x&quot; &amp; y");
        assert_eq!(clean("  a\t\n b\u{0}\u{1b}[0m\u{202e}c\u{ffff}\u{1fffe} \u{feff}"), "a b[0mc");
        assert_eq!(clean(&"x".repeat(9000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn wraps_between_words() {
        let lines = wrap("Home Furnishing and Building Materials Market", 12.0, 200.0, 2);
        assert_eq!(lines, ["Home Furnishing and Building", "Materials Market"]);
        assert_eq!(wrap("", 12.0, 100.0, 2), [""]);
        assert_eq!(wrap("one two three", 12.0, 30.0, 2), ["one", "tw…"]);
    }

    #[test]
    fn nothing_is_wider_than_its_room() {
        for text in
            ["Donaudampfschifffahrtsgesellschaft", "WWWWWWWWWWWWWWWWWWWWWW a b c", "住宅小区 商业服务设施用地", ""]
        {
            for room in [20.0, 60.0, 130.0] {
                for line in wrap(text, 11.0, room, 3) {
                    assert!(width(&line, 11.0) <= room, "{line} in {room}");
                }
                assert!(width(&clip(text, 11.0, room), 11.0) <= room);
            }
        }
    }
}
