//! The key: from the environment, to the server, and nowhere else.

use std::ffi::OsString;
use std::fmt;

use crate::OptionError;

/// The variable that is read where no other is named.
pub(crate) const VARIABLE: &str = "SOCIO_API_KEY";
/// The one that is read where that is not set.
const FALLBACK: &str = "OPENAI_API_KEY";
/// Stretches of the key of this length and longer are taken out of texts, so that one that was cut through, or stands
/// among characters that were escaped, does not get by.
const STRETCH: usize = 8;

/// A key that nothing prints.
pub(crate) struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

impl Key {
    /// The key that `variable` holds; see [`Options::key_variable`](crate::Options::key_variable).
    ///
    /// # Errors
    /// When a variable that was named is not set, or what it holds cannot be sent.
    pub(crate) fn find(variable: &str, look: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>, OptionError> {
        let set = |name: &str| look(name).filter(|v| !v.is_empty()).map(|v| (name.to_owned(), v));
        let found = match variable {
            VARIABLE => set(VARIABLE).or_else(|| set(FALLBACK)),
            other => set(other),
        };
        let wrong = |variable: &str, why| Err(OptionError::Key { variable: variable.to_owned(), why });
        let Some((name, value)) = found else {
            return if variable == VARIABLE { Ok(None) } else { wrong(variable, "is not set: it was to hold the key") };
        };
        match value.to_str().map(str::trim) {
            Some("") => wrong(&name, "holds blanks alone: unset it, or put the key into it"),
            Some(key) if key.bytes().all(|b| b.is_ascii_graphic()) => Ok(Some(Self(key.to_owned()))),
            _ => wrong(&name, "holds no key: it has characters that cannot be sent"),
        }
    }

    /// What is sent.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// The text without the key, and without longer stretches of it.
    pub(crate) fn redact(&self, text: &str) -> String {
        let (key, text) = (self.0.as_bytes(), text.as_bytes());
        let least = key.len().min(STRETCH);
        let held = |part: &[u8]| key.windows(part.len()).any(|w| w == part);
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let mut end = at + least;
            if end > text.len() || !held(&text[at..end]) {
                out.push(text[at]);
                at += 1;
                continue;
            }
            while end < text.len() && end - at < key.len() && held(&text[at..=end]) {
                end += 1;
            }
            out.extend_from_slice(b"[key]");
            at = end;
        }
        // Only ASCII was taken out, so this is the text that it was.
        String::from_utf8(out).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(variable: &str, environment: &[(&str, &str)]) -> Result<Option<String>, OptionError> {
        let look = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        Key::find(variable, look).map(|k| k.map(|k| k.0))
    }

    #[test]
    fn the_fallback_is_only_for_the_default() {
        assert_eq!(key(VARIABLE, &[]), Ok(None));
        assert_eq!(key(VARIABLE, &[(FALLBACK, "b")]), Ok(Some("b".to_owned())));
        assert_eq!(key(VARIABLE, &[(FALLBACK, "b"), (VARIABLE, " a\n")]), Ok(Some("a".to_owned())));
        assert_eq!(key(VARIABLE, &[(FALLBACK, "b"), (VARIABLE, "")]), Ok(Some("b".to_owned())));
        let missing = key("MINE", &[(FALLBACK, "b")]).unwrap_err();
        assert!(missing.to_string().contains("MINE is not set"), "{missing}");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_and_not_shown() {
        for value in ["se cret1", "se\ncret1", "sécret1", "secret1\u{0}"] {
            let error = key(VARIABLE, &[(VARIABLE, value)]).unwrap_err().to_string();
            assert!(error.contains(VARIABLE) && !error.contains("cret1"), "{error}");
        }
        assert!(key(VARIABLE, &[(VARIABLE, "  ")]).is_err());
    }

    #[test]
    fn no_stretch_of_the_key_is_left() {
        let key = Key("sk-0123456789/abcdefghij+KLMNOP".to_owned());
        assert_eq!(format!("{key:?}"), "[key]");
        assert_eq!(key.bearer(), "Bearer sk-0123456789/abcdefghij+KLMNOP");
        for (text, left) in [
            ("Bearer sk-0123456789/abcdefghij+KLMNOP is wrong é", "Bearer [key] is wrong é"),
            ("cut off sk-0123456789/abc", "cut off [key]"),
            ("6789/abcdefghij+KLMNOP and more", "[key] and more"),
            (r"sk-0123456789\/abcdefghij+KLMNOP", r"[key]\[key]"),
            ("sk-0123456789%2Fabcdefghij%2BKLMNOP", "[key]%2F[key]%2BKLMNOP"),
            ("twice sk-0123456789/abcdefghij+KLMNOPsk-0123456789/abcdefghij+KLMNOP", "twice [key][key]"),
            ("sk-01 is too little to matter", "sk-01 is too little to matter"),
            ("", ""),
        ] {
            assert_eq!(key.redact(text), left);
        }
        assert_eq!(Key("EMPTY".to_owned()).redact("the key EMPTY, EMPT"), "the key [key], EMPT");
    }
}
