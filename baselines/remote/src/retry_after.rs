//! `Retry-After`: seconds, or a date.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How long a `Retry-After` asks to wait, at `now`; zero for a date that has passed, `None` for what is neither a number of
/// seconds nor a date as RFC 9110 writes it (`Sun, 06 Nov 1994 08:49:37 GMT`).
pub(crate) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if value.bytes().all(|b| b.is_ascii_digit()) && !value.is_empty() {
        // More seconds than there are is more than anyone waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u32::MAX.into())));
    }
    let date = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds(value)?).ok()?);
    Some(date.duration_since(now).unwrap_or_default())
}

/// Seconds since 1970 of a date.
fn seconds(date: &str) -> Option<i64> {
    let (_, rest) = date.split_once(", ")?;
    let [day, month, year, time, "GMT"] = rest.split(' ').collect::<Vec<_>>()[..] else { return None };
    let number = |text: &str, digits: usize| -> Option<i64> {
        (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>()[..] else { return None };
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let month = MONTHS.iter().position(|m| *m == month)? as i64;
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970 of a date in the proleptic Gregorian calendar, the year counted from March.
    let (y, m) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let at = |s| UNIX_EPOCH + Duration::from_secs(s);
        assert_eq!(parse(" 7 ", at(0)), Some(Duration::from_secs(7)));
        assert_eq!(parse("0", at(0)), Some(Duration::ZERO));
        assert!(parse("99999999999999999999999", at(0)) > Some(Duration::from_hours(24)));
        // `date -u -d ... +%s`
        for (date, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
            ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
            ("Mon, 31 Dec 2029 12:00:00 GMT", 1_893_412_800),
        ] {
            assert_eq!(parse(date, at(0)), Some(Duration::from_secs(seconds)), "{date}");
            assert_eq!(parse(date, at(seconds.saturating_sub(5))), Some(Duration::from_secs(seconds.min(5))), "{date}");
            assert_eq!(parse(date, at(seconds + 5)), Some(Duration::ZERO), "{date}");
        }
    }

    #[test]
    fn what_is_neither_is_none() {
        for value in [
            "",
            "-3",
            "1.5",
            "soon",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nox 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1960 08:49:37 GMT",
        ] {
            assert_eq!(parse(value, UNIX_EPOCH), None, "{value}");
        }
    }
}
