//! Coordinates as numpy and torch take them from lists of a model's making.

use super::value::{Kind, Number, Value};

/// Values as one array of coordinates. Booleans are numbers in Python, and numpy and torch take them; texts, nothing and
/// integers that numpy has no type for make an array that torch refuses, and so do unsigned ones with nothing but booleans
/// beside them: any other number turns the array into floats.
///
/// # Errors
/// What keeps it from being one.
pub(super) fn coordinates<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Vec<f64>, &'static str> {
    let (mut unsigned, mut float, mut signed) = (false, false, false);
    let mut number = |value: &Value| match value {
        Value::Bool(b) => Ok(Kind::Signed(i64::from(*b)).of(f64::from(u8::from(*b)))),
        Value::Number(n) => {
            unsigned |= n.kind == Kind::Unsigned;
            float |= n.kind == Kind::Float;
            signed |= matches!(n.kind, Kind::Signed(_));
            if n.kind == Kind::Beyond { Err("an integer beyond 64 bits") } else { Ok(n.kind.of(n.value)) }
        }
        kind => Err(kind.kind()),
    };
    let numbers = values.into_iter().map(&mut number).collect::<Result<Vec<_>, _>>()?;
    if unsigned && !float && !signed {
        return Err("integers beyond 63 bits alone");
    }
    let whole = !unsigned && !float;
    Ok(numbers.into_iter().map(|n| if whole { n.once() } else { n.value }).collect())
}

impl Kind {
    fn of(self, value: f64) -> Number {
        Number { value, kind: self }
    }
}

impl Number {
    /// An integer of an array of integers: torch rounds it to 32 bits at once, not over 64.
    fn once(self) -> f64 {
        match self.kind {
            Kind::Signed(i) if i.unsigned_abs() > 1 << f64::MANTISSA_DIGITS => f64::from(i as f32),
            _ => self.value,
        }
    }
}

/// One coordinate by itself.
///
/// # Errors
/// What it is instead.
pub(super) fn coordinate(value: &Value) -> Result<f64, &'static str> {
    Ok(coordinates([value])?.first().copied().unwrap_or(f64::NAN))
}

/// The four corners of a box.
///
/// # Errors
/// What keeps them from being four numbers.
pub(super) fn corners(sides: &[Value]) -> Result<[f64; 4], &'static str> {
    <[f64; 4]>::try_from(coordinates(sides)?).map_err(|_| "other than four numbers")
}
