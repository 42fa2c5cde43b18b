//! JSON with bounds, as Python's `json.loads` takes it or as RFC 8259 has it.
//!
//! Model text is hostile: depth, values and the numbers' size are bounded, nothing is evaluated, and nothing calls itself
//! deeper than [`MAX_DEPTH`].

use std::collections::BTreeSet;

/// Lists and objects within each other.
pub const MAX_DEPTH: usize = 32;
/// Values in one text: numbers, strings, lists, objects and the rest.
pub const MAX_VALUES: usize = 20_000;

/// Whose rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Python's `json.loads`: `NaN`, `Infinity` and `-Infinity` are numbers, the last of equal keys counts, a lone surrogate
    /// is a character.
    Python,
    /// RFC 8259, and no key twice in an object.
    Rfc,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string; a lone surrogate as U+FFFD.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A tuple, of a Python literal alone.
    Tuple(Vec<Value>),
    /// An object, in the order of the text.
    Object(Vec<(String, Value)>),
}

/// A number and how it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// Its value; infinite where it is beyond what 64 bits hold.
    pub value: f64,
    /// What numpy makes of it.
    pub kind: Kind,
}

/// How a number was written, as far as numpy tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With a point or an exponent, or not finite.
    Float,
    /// An integer in -2^63..2^63.
    Signed(i64),
    /// An integer in 2^63..2^64.
    Unsigned,
    /// Any other integer: an object to numpy.
    Beyond,
}

impl Kind {
    /// The kind of an integer written in digits.
    pub(super) fn of_integer(digits: &str, negative: bool) -> Self {
        let value = digits.parse::<i128>().map_or(i128::MAX, |v| if negative { -v } else { v });
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(signed), _) => Self::Signed(signed),
            (_, Ok(_)) => Self::Unsigned,
            _ => Self::Beyond,
        }
    }
}

/// Where a text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at character {at}")]
pub struct Problem {
    /// What was found or expected.
    pub what: &'static str,
    /// Characters before it.
    pub at: usize,
}

impl Value {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Object(_) => "an object",
        }
    }

    /// A field of an object; of equal keys the last.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Reads one value that fills the text but for whitespace round it.
///
/// # Errors
/// Where the text is none, or goes beyond the bounds.
pub fn parse(text: &str, dialect: Dialect) -> Result<Value, Problem> {
    let mut reader = Reader { rest: text, text, dialect, values: 0 };
    reader.blank();
    let value = reader.value(0)?;
    reader.blank();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.problem("more text behind the value")) }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    dialect: Dialect,
    values: usize,
}

impl Reader<'_> {
    fn problem(&self, what: &'static str) -> Problem {
        let read = self.text.len() - self.rest.len();
        Problem { what, at: self.text[..read].chars().count() }
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest.strip_prefix(word);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn value(&mut self, depth: usize) -> Result<Value, Problem> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.problem("too many values"));
        }
        let number = |value: f64| Ok(Value::Number(Number { value, kind: Kind::Float }));
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => {
                if self.dialect == Dialect::Python && self.take("-Infinity") {
                    return number(f64::NEG_INFINITY);
                }
                self.number()
            }
            _ if self.take("null") => Ok(Value::Null),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            _ if self.dialect == Dialect::Python && self.take("NaN") => number(f64::NAN),
            _ if self.dialect == Dialect::Python && self.take("Infinity") => number(f64::INFINITY),
            Some(_) => Err(self.problem("no value")),
            None => Err(self.problem("the end where a value should be")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, Problem> {
        if depth >= MAX_DEPTH { Err(self.problem("too many lists within lists")) } else { Ok(depth + 1) }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let depth = self.deeper(depth)?;
        self.take("[");
        self.blank();
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Value::List(items));
        }
        loop {
            self.blank();
            items.push(self.value(depth)?);
            self.blank();
            if self.take("]") {
                return Ok(Value::List(items));
            }
            if !self.take(",") {
                return Err(self.problem("no `,` or `]`"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Problem> {
        let depth = self.deeper(depth)?;
        self.take("{");
        self.blank();
        let mut fields: Vec<(String, Value)> = Vec::new();
        let mut names = BTreeSet::new();
        if self.take("}") {
            return Ok(Value::Object(fields));
        }
        loop {
            self.blank();
            if !self.rest.starts_with('"') {
                return Err(self.problem("no name in double quotes"));
            }
            let before = self.rest;
            let name = self.string()?;
            if self.dialect == Dialect::Rfc && !names.insert(name.clone()) {
                self.rest = before;
                return Err(self.problem("a name for the second time"));
            }
            self.blank();
            if !self.take(":") {
                return Err(self.problem("no `:`"));
            }
            self.blank();
            let value = self.value(depth)?;
            fields.push((name, value));
            self.blank();
            if self.take("}") {
                return Ok(Value::Object(fields));
            }
            if !self.take(",") {
                return Err(self.problem("no `,` or `}`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, Problem> {
        self.take("\"");
        let mut out = String::new();
        loop {
            let mut chars = self.rest.chars();
            let Some(next) = chars.next() else { return Err(self.problem("a string without an end")) };
            match next {
                '"' => {
                    self.rest = chars.as_str();
                    return Ok(out);
                }
                '\\' => {
                    let Some(escaped) = chars.next() else { return Err(self.problem("a string without an end")) };
                    let plain = match escaped {
                        '"' | '\\' | '/' => Some(escaped),
                        'b' => Some('\u{8}'),
                        'f' => Some('\u{c}'),
                        'n' => Some('\n'),
                        'r' => Some('\r'),
                        't' => Some('\t'),
                        'u' => None,
                        _ => return Err(self.problem("an escape that there is not")),
                    };
                    self.rest = chars.as_str();
                    match plain {
                        Some(c) => out.push(c),
                        None => out.push(self.unicode()?),
                    }
                }
                control if control < ' ' => return Err(self.problem("a control character in a string")),
                other => {
                    self.rest = chars.as_str();
                    out.push(other);
                }
            }
        }
    }

    /// What follows `\u`: four digits, and for the first half of a pair the second one.
    fn unicode(&mut self) -> Result<char, Problem> {
        let first = self.four_digits()?;
        if (0xD800..0xDC00).contains(&first) && self.rest.starts_with("\\u") {
            let before = self.rest;
            self.take("\\u");
            let second = self.four_digits()?;
            if (0xDC00..0xE000).contains(&second) {
                let joined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.rest = before;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&mut self) -> Result<u32, Problem> {
        let digits = self.rest.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let value = value.ok_or_else(|| self.problem("no four hexadecimal digits behind \\u"))?;
        self.rest = &self.rest[4..];
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = usize::from(bytes[0] == b'-');
        let mut end = match bytes.get(whole) {
            Some(b'0') => whole + 1,
            Some(b'1'..=b'9') => whole + digits(whole),
            _ => return Err(self.problem("no digit behind the sign")),
        };
        let integer_end = end;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = if end + 1 + sign <= bytes.len() { digits(end + 1 + sign) } else { 0 };
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        let written = &self.rest[..end];
        let integer = end == integer_end;
        let value: f64 = written.parse().map_err(|_| self.problem("no number"))?;
        if self.dialect == Dialect::Rfc && !value.is_finite() {
            return Err(self.problem("a number beyond 64 bits"));
        }
        let kind = if integer { Kind::of_integer(&written[whole..], whole == 1) } else { Kind::Float };
        // Python has one integer zero; only a float is negative there.
        let value = if integer && value == 0.0 { 0.0 } else { value };
        self.rest = &self.rest[end..];
        Ok(Value::Number(Number { value, kind }))
    }
}

/// `str.strip()`: the whitespace of Python's `str.isspace`, which has four control characters more than Unicode's.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// `str.isspace` of one character.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Option<f64> {
        match parse(text, Dialect::Python) {
            Ok(Value::Number(n)) => Some(n.value),
            _ => None,
        }
    }

    #[test]
    fn numbers_are_pythons() {
        for (text, value) in [("0", 0.0), ("-0", 0.0), ("12", 12.0), ("1.5", 1.5), ("1e3", 1e3), ("-2E-1", -0.2)] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        assert!(number("-0").is_some_and(f64::is_sign_positive) && number("-0.0").is_some_and(f64::is_sign_negative));
        assert!(number("NaN").is_some_and(f64::is_nan));
        assert_eq!((number("Infinity"), number("-Infinity")), (Some(f64::INFINITY), Some(f64::NEG_INFINITY)));
        assert_eq!(number("1e400"), Some(f64::INFINITY));
        for text in ["01", "1.", ".5", "+1", "--1", "1e", "1e+", "- 1", "0x1", "1_0", "-NaN", "", "nan"] {
            assert_eq!(number(text), None, "{text}");
        }
        for text in ["NaN", "Infinity", "-Infinity", "1e400", "{\"a\":1,\"a\":2}"] {
            assert!(parse(text, Dialect::Rfc).is_err(), "{text}");
        }
    }

    #[test]
    fn integers_are_told_apart_as_numpy_does() {
        for (text, kind) in [
            ("9223372036854775807", Kind::Signed(i64::MAX)),
            ("-9223372036854775808", Kind::Signed(i64::MIN)),
            ("9223372036854775808", Kind::Unsigned),
            ("18446744073709551615", Kind::Unsigned),
            ("18446744073709551616", Kind::Beyond),
            ("-9223372036854775809", Kind::Beyond),
            ("1e300", Kind::Float),
        ] {
            assert!(matches!(parse(text, Dialect::Python), Ok(Value::Number(n)) if n.kind == kind), "{text}");
        }
    }

    #[test]
    fn strings_and_their_escapes() {
        let text = |t: &str| match parse(t, Dialect::Python) {
            Ok(Value::Text(s)) => Ok(s),
            other => Err(format!("{other:?}")),
        };
        assert_eq!(text(r#""a\"\\\/\b\f\n\r\tb""#).unwrap(), "a\"\\/\u{8}\u{c}\n\r\tb");
        assert_eq!(text(r#""\u6d4e\ud83d\ude00""#).unwrap(), "济😀");
        assert_eq!(text(r#""\ud83dx""#).unwrap(), "\u{fffd}x");
        assert_eq!(text(r#""\ud83d\u0041""#).unwrap(), "\u{fffd}A");
        for bad in ["\"\n\"", r#""\x41""#, r#""\u12g4""#, r#""\u00e""#, "\"a", r#""\"#, r#""\ud83d\u12""#] {
            assert!(text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn structure_and_where_it_breaks() {
        let value = parse(r#" [1, {"a": [], "b": null, "a": true}] "#, Dialect::Python).unwrap();
        let Value::List(items) = &value else { panic!("{value:?}") };
        assert_eq!(items[1].field("a"), Some(&Value::Bool(true)));
        assert_eq!(items[1].field("c"), None);
        for (bad, what, at) in [
            ("[1,]", "no value", 3),
            ("[1", "no `,` or `]`", 2),
            ("{'a': 1}", "no name in double quotes", 1),
            ("济[", "no value", 0),
            ("[\"济\",}", "no value", 5),
            ("[] x", "more text behind the value", 3),
            ("", "the end where a value should be", 0),
            ("{\"a\" 1}", "no `:`", 5),
        ] {
            assert_eq!(parse(bad, Dialect::Python), Err(Problem { what, at }), "{bad}");
        }
    }

    #[test]
    fn bounds_hold() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(&deep(MAX_DEPTH), Dialect::Python).is_ok());
        assert!(parse(&deep(MAX_DEPTH + 1), Dialect::Python).is_err());
        assert!(parse(&deep(1_000_000), Dialect::Python).is_err());
        let wide = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        assert!(parse(&wide(MAX_VALUES - 1), Dialect::Python).is_ok());
        assert!(parse(&wide(MAX_VALUES), Dialect::Python).is_err());
    }

    #[test]
    fn strip_takes_pythons_whitespace() {
        assert_eq!(strip("\u{a0}\u{3000}\u{1c}\u{85} x \u{200b}\n"), "x \u{200b}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        /// Whatever serde_json takes, both dialects take, and to the same value.
        #[test]
        fn it_reads_what_serde_reads(text in "[-0-9eE.,:\\[\\]{}\"a-c\\\\u \n]{0,24}") {
            let ours = parse(&text, Dialect::Rfc);
            let serde: Result<serde_json::Value, _> = serde_json::from_str(&text);
            match (&ours, &serde) {
                (Ok(a), Ok(b)) => prop_assert!(equal(a, b), "{:?} {:?}", a, b),
                // serde_json takes equal names and refuses lone surrogates.
                (Err(p), Ok(_)) => prop_assert!(p.what == "a name for the second time", "{:?}", p),
                (Ok(_), Err(_)) => prop_assert!(text.contains("\\ud") || text.contains("\\uD"), "{}", text),
                (Err(_), Err(_)) => {}
            }
            if ours.is_ok() {
                prop_assert!(parse(&text, Dialect::Python).is_ok());
            }
        }
    }

    /// Whether a value is serde_json's, numbers by their value.
    fn equal(ours: &Value, serde: &serde_json::Value) -> bool {
        match (ours, serde) {
            (Value::Null, serde_json::Value::Null) => true,
            (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
            (Value::Number(a), serde_json::Value::Number(b)) => b.as_f64() == Some(a.value),
            (Value::Text(a), serde_json::Value::String(b)) => a == b,
            (Value::List(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
            }
            (Value::Object(a), serde_json::Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(name, v)| b.get(name).is_some_and(|s| equal(v, s)))
            }
            _ => false,
        }
    }
}
