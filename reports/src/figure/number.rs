//! Numbers as text: coordinates for machines, figures for people.

/// A coordinate: two decimals at most, and a number whatever comes in.
pub(super) fn at(value: f64) -> String {
    let value = if value.is_finite() { value.clamp(-1e5, 1e5) } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// What can be drawn: finite, and of a size that arithmetic on it stays finite.
pub(super) fn sane(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(-1e12, 1e12))
}

/// A figure with so many decimals and a true minus sign; never a negative zero.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let text = if size >= 1e7 { format!("{size:.1e}") } else { format!("{size:.decimals$}") };
    let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

/// A figure as [`fixed`], with a plus sign where it is above zero.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let above = value > 0.0 && text.bytes().any(|b| matches!(b, b'1'..=b'9'));
    if above { format!("+{text}") } else { text }
}

/// A tick's label: no more decimals than it has.
pub(super) fn plain(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.1e}").replace(".0e", "e").replace('-', "−");
    }
    let text = fixed(value, 6);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A count, with commas between thousands.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A time given in seconds, to about three digits.
pub(super) fn seconds(value: f64) -> String {
    match value.abs() {
        0.0 => "0 s".to_owned(),
        s if s < 0.001 => format!("{} µs", fixed(value * 1e6, usize::from(s < 1e-5))),
        s if s < 0.01 => format!("{} ms", fixed(value * 1e3, 1)),
        s if s < 0.9995 => format!("{} ms", fixed(value * 1e3, 0)),
        s if s < 9.995 => format!("{} s", fixed(value, 2)),
        s if s < 99.95 => format!("{} s", fixed(value, 1)),
        s if s < 1e7 => format!("{}{} s", if value < 0.0 { "−" } else { "" }, count(s.round() as u64)),
        _ => format!("{} s", fixed(value, 0)),
    }
}

/// A time given in seconds, in the unit and to the decimals that suit `most`, so that a column of times has one of
/// each.
pub(super) fn seconds_as(value: f64, most: f64) -> String {
    let (unit, times) = if most >= 0.9995 { ("s", 1.0) } else { ("ms", 1e3) };
    let decimals = match most * times {
        m if m < 10.0 => 3,
        m if m < 100.0 => 2,
        _ => 1,
    };
    format!("{} {unit}", fixed(value * times, decimals))
}

/// A share of a whole in per cent; 0 of nothing.
pub(super) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_always_numbers() {
        let of = [1.0, 1.50, -0.001, 12.345, f64::NAN, f64::INFINITY, -1e300, 100.0].map(at);
        assert_eq!(of, ["1", "1.5", "0", "12.35", "0", "0", "-100000", "100"]);
    }

    #[test]
    fn figures() {
        assert_eq!([0.04, -0.04, -1.25, f64::NAN, 1e300].map(|v| fixed(v, 1)), ["0.0", "0.0", "−1.2", "–", "1.0e300"]);
        assert_eq!([0.04, 0.06, -1.0].map(|v| signed(v, 1)), ["0.0", "+0.1", "−1.0"]);
        assert_eq!([0.0, 0.1 + 0.2, 25.0, -0.5, 2e-5, 1e6].map(plain), ["0", "0.3", "25", "−0.5", "2e−5", "1e6"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn seconds_to_three_digits() {
        let of =
            [0.0, 2e-6, 0.000_123, 0.0012, 0.123, 0.9996, 1.234, 12.34, 99.96, 1234.0, 1e300, f64::NAN].map(seconds);
        let told = ["0 s", "2.0 µs", "123 µs", "1.2 ms", "123 ms", "1.00 s", "1.23 s", "12.3 s", "100 s", "1,234 s"];
        assert_eq!(of[..10], told);
        assert_eq!(of[10..], ["1.0e300 s", "– s"]);
        let of = [(0.0214, 7.5), (0.0214, 75.0), (0.0214, 0.5), (1.0, 1e300)].map(|(v, most)| seconds_as(v, most));
        assert_eq!(of, ["0.021 s", "0.02 s", "21.4 ms", "1.0 s"]);
    }
}
