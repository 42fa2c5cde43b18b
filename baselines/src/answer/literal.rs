//! Python literals as far as answers have them: lists and tuples of numbers, texts, `True`, `False` and `None`.
//!
//! `ast.literal_eval` takes more (sets, dictionaries, bytes, complex numbers, texts joined, numbers to other bases, comments,
//! lines joined by a backslash); an answer with one of these is refused. Escapes in texts are not looked at, and a bad one
//! is taken. The bounds are those of [`super::value`].

use super::value::{Kind, MAX_DEPTH, MAX_VALUES, Number, Problem, Value};

/// Reads one literal that fills the text but for whitespace round it.
///
/// # Errors
/// Where the text is none, or goes beyond the bounds.
pub(super) fn parse(text: &str) -> Result<Value, Problem> {
    let mut reader = Reader { text, rest: text, values: 0 };
    // Blanks before the first line do not count, before any other they are an indentation, which nothing asked for.
    reader.rest = reader.rest.trim_start_matches([' ', '\t']);
    reader.blank();
    let before = &text[..text.len() - reader.rest.len()];
    if before.contains('\n') && before.ends_with([' ', '\t']) {
        return Err(reader.problem("an indentation"));
    }
    let value = reader.value(0)?;
    if reader.rest.rsplit_once('\n').is_some_and(|(_, last)| !last.is_empty() && last.trim().is_empty()) {
        return Err(reader.problem("an indentation"));
    }
    reader.blank();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.problem("more text behind the value")) }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    values: usize,
}

impl Reader<'_> {
    fn problem(&self, what: &'static str) -> Problem {
        Problem { what, at: self.text[..self.text.len() - self.rest.len()].chars().count() }
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest.strip_prefix(word);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// A name that no longer name begins with.
    fn name(&mut self, word: &str) -> bool {
        let ends =
            self.rest.strip_prefix(word).is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        ends && self.take(word)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Problem> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.problem("too many values"));
        }
        match self.rest.chars().next() {
            Some('[') => Ok(Value::List(self.items(depth, "[", "]")?.0)),
            Some('(') => {
                let (mut items, comma) = self.items(depth, "(", ")")?;
                // Brackets round one value are no tuple.
                match items.pop() {
                    Some(one) if items.is_empty() && !comma => Ok(one),
                    last => Ok(Value::Tuple(items.into_iter().chain(last).collect())),
                }
            }
            Some('\'' | '"') => self.string(),
            Some('+' | '-' | '.' | '0'..='9') => self.number(),
            _ if self.name("None") => Ok(Value::Null),
            _ if self.name("True") => Ok(Value::Bool(true)),
            _ if self.name("False") => Ok(Value::Bool(false)),
            Some(_) => Err(self.problem("no value")),
            None => Err(self.problem("the end where a value should be")),
        }
    }

    /// What stands between brackets, and whether a comma is its last.
    fn items(&mut self, depth: usize, open: &str, close: &str) -> Result<(Vec<Value>, bool), Problem> {
        if depth >= MAX_DEPTH {
            return Err(self.problem("too many lists within lists"));
        }
        self.take(open);
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.blank();
            if self.take(close) {
                return Ok((items, comma));
            }
            if !items.is_empty() && !comma {
                return Err(self.problem("no `,` or closing bracket"));
            }
            items.push(self.value(depth + 1)?);
            self.blank();
            comma = self.take(",");
        }
    }

    /// A text on one line. Escapes are kept as they are: nothing reads a text but to find that it is none of the numbers.
    fn string(&mut self) -> Result<Value, Problem> {
        let mut chars = self.rest.char_indices();
        let quote = chars.next().map_or('"', |(_, c)| c);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    chars.next();
                }
                '\n' => break,
                _ if c == quote => {
                    let text = self.rest[1..at].to_owned();
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(Value::Text(text));
                }
                _ => {}
            }
        }
        Err(self.problem("a text without an end"))
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let mut negative = false;
        // One sign, and blanks behind it.
        if let Some(sign) = self.rest.chars().next().filter(|c| matches!(c, '+' | '-')) {
            negative = sign == '-';
            self.rest = &self.rest[1..];
            self.blank();
        }
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))).unwrap_or(self.rest.len());
        let mut written = self.rest[..end].to_owned();
        // The sign of an exponent belongs to the number.
        if written.ends_with(['e', 'E']) && written.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            let sign = usize::from(self.rest[end..].starts_with(['+', '-']));
            let digits = self.rest[end + sign..].bytes().take_while(u8::is_ascii_digit).count();
            self.rest[..end + sign + digits].clone_into(&mut written);
        }
        let plain = |part: &str| !part.starts_with('_') && !part.ends_with('_') && !part.contains("__");
        let digits = written.replace('_', "");
        let integer = digits.bytes().all(|b| b.is_ascii_digit());
        let leading = integer && digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|b| b != b'0');
        let float = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
        let fits = written.split(['.', 'e', 'E', '+', '-']).all(|part| part.is_empty() || plain(part));
        if digits.is_empty() || leading || !float || !fits {
            return Err(self.problem("no number"));
        }
        let value: f64 = digits.parse().map_err(|_| self.problem("no number"))?;
        let value = if negative && !(integer && value == 0.0) { -value } else { value };
        let kind = if integer { Kind::of_integer(&digits, negative) } else { Kind::Float };
        self.rest = &self.rest[written.len()..];
        Ok(Value::Number(Number { value, kind }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_pythons() {
        let numbers = |text: &str| match parse(text) {
            Ok(Value::List(items)) => items
                .iter()
                .map(|v| match v {
                    Value::Number(n) => n.value,
                    other => panic!("{other:?}"),
                })
                .collect::<Vec<_>>(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(
            numbers(" [1, -2, +3.5, .5, 1., 1e2, 1_000, - 4, 1e-1,\n]\n"),
            [1.0, -2.0, 3.5, 0.5, 1.0, 100.0, 1000.0, -4.0, 0.1]
        );
        assert!(matches!(parse("(1, 2)"), Ok(Value::Tuple(t)) if t.len() == 2));
        assert!(
            matches!(parse("(1)"), Ok(Value::Number(_)))
                && matches!(parse("(1,)"), Ok(Value::Tuple(t)) if t.len() == 1)
        );
        assert!(
            matches!(parse("()"), Ok(Value::Tuple(t)) if t.is_empty()) && parse("[]") == Ok(Value::List(Vec::new()))
        );
        assert!(matches!(parse("['a\\'b', \"c\", None, True]"), Ok(Value::List(l)) if l.len() == 4));
        for bad in [
            "[01]",
            "[1 2]",
            "[,]",
            "[1,,2]",
            "nan",
            "[inf]",
            "[0x10]",
            "['a]",
            "[1",
            "1__0",
            "[1_]",
            "Nonesense",
            "a",
            "",
            "[1]]",
            "-",
            "1e",
            "{1}",
            "1.2.3",
            "\n [1]",
            "[1]\n  ",
            "- -4",
        ] {
            assert!(parse(bad).is_err(), "{bad}: {:?}", parse(bad));
        }
        assert!(parse(&"[".repeat(1_000_000)).is_err());
    }
}
