//! Lines of a log: one JSON object with a checksum of the rest as its last field.
//!
//! `{"id":"name_0001",...,"sum":"0123456789abcdef"}`: still plain JSON lines for other tools, and a line that was torn,
//! or changed by hand, does not pass.

use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use socio_dataset::hash::sha256_hex;

use crate::Record;

const MARK: &str = ",\"sum\":\"";
const DIGITS: usize = 16;
/// The phase of a record's timings that only its line can know.
const WRITE: &str = "write";
/// What comes behind the timings. Nothing that a model or user wrote stands behind it.
const TRACE: &str = ",\"trace\":{";

/// A line that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// No checksum at its end.
    #[error("no checksum at its end: the line is torn")]
    NoSum,
    /// The checksum is another's.
    #[error("its checksum does not fit: the line was changed or damaged")]
    WrongSum,
    /// A record of a newer version.
    #[error("it has schema {0}, newer than this version reads: update socio-bench")]
    Newer(u32),
    /// Not what was expected.
    #[error("it does not parse: {0}")]
    Json(#[from] serde_json::Error),
}

/// A value as one sealed line, newline included.
///
/// # Errors
/// When the value is not a JSON object with at least one field.
pub fn seal(value: &impl Serialize) -> Result<String, LineError> {
    sealed(serde_json::to_string(value)?)
}

/// A record as one sealed line, with the time that writing it down took among its timings, where it has any.
///
/// # Errors
/// As for [`seal`].
pub(crate) fn seal_timed(record: &Record) -> Result<String, LineError> {
    let start = Instant::now();
    let mut text = serde_json::to_string(record)?;
    if !record.timings.is_empty() && !record.timings.contains_key(WRITE) {
        // The timings end the line, or the trace does behind them; this is the last of them by name.
        let behind = record.trace.as_ref().and_then(|_| text.rfind(TRACE)).unwrap_or(text.len() - 1);
        let seconds = (start.elapsed().as_secs_f64() * 1e6).round() / 1e6;
        text.insert_str(behind - 1, &format!(",\"{WRITE}\":{seconds:?}"));
    }
    sealed(text)
}

fn sealed(mut text: String) -> Result<String, LineError> {
    if !text.ends_with('}') || text.len() < 3 {
        return Err(LineError::NoSum);
    }
    text.pop();
    let sum = sha256_hex(text.as_bytes());
    text.push_str(MARK);
    text.push_str(&sum[..DIGITS]);
    text.push_str("\"}\n");
    Ok(text)
}

/// The value of a sealed line (without its newline), of a type that does not mind the field `sum`.
///
/// # Errors
/// When the checksum is missing or wrong, or the rest does not parse.
pub fn unseal<T: DeserializeOwned>(line: &str) -> Result<T, LineError> {
    let (body, tail) = line.rfind(MARK).map(|at| line.split_at(at)).ok_or(LineError::NoSum)?;
    let sum = tail.strip_prefix(MARK).and_then(|t| t.strip_suffix("\"}")).ok_or(LineError::NoSum)?;
    if sha256_hex(body.as_bytes())[..DIGITS] != *sum {
        return Err(LineError::WrongSum);
    }
    // The sum is a field like any other: a copy of the line without it would cost more than it is worth.
    Ok(serde_json::from_str(line)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn there_and_back() {
        let value = json!({"id": "a\",\"sum\":\"", "n": [1, 2]});
        let line = seal(&value).unwrap();
        let mut read = unseal::<Value>(line.trim_end()).unwrap();
        read.as_object_mut().unwrap().remove("sum");
        assert_eq!(read, value);
        assert!(serde_json::from_str::<Value>(&line).is_ok(), "plain JSON for other tools");
    }

    #[test]
    fn every_torn_or_changed_line_is_refused() {
        let line = seal(&json!({"id": "name_0001", "n": 7})).unwrap();
        let line = line.trim_end();
        for end in 0..line.len() {
            assert!(unseal::<Value>(&line[..end]).is_err(), "torn at {end}");
        }
        assert!(matches!(unseal::<Value>(&line.replace('7', "8")), Err(LineError::WrongSum)));
        assert!(seal(&json!([1])).is_err());
    }
}
