//! Foreign text in a page.

use crate::markup::entity;

/// Text as HTML text or attribute. What no page may hold becomes the replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match (entity(c), c) {
            (Some(entity), _) => out.push_str(entity),
            (None, '\r') => out.push('\n'),
            (None, c) if c.is_control() && !matches!(c, '\t' | '\n') => out.push('\u{fffd}'),
            (None, c) => out.push(c),
        }
    }
    out
}

/// A name, its mark kept on its line.
pub(super) fn name(text: &str) -> String {
    let mut out = escape(text);
    for mark in ['†', '‡', '§'] {
        out = out.replace(&format!(" {mark}"), &format!("\u{a0}{mark}"));
    }
    out
}

/// A sentence that may stand in the middle of a line: a true minus before digits.
pub(super) fn minus(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("\u{2212}{rest}"),
        _ => text.to_owned(),
    }
}
