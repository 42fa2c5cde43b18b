//! Coordinates as numpy and torch take them from lists of a model's making.

use socio_dataset::Point;

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

/// The points that SAM gets beside a box. Lists where numbers should be make a ragged array: numpy raises after the box is in its place,
/// and the box goes to SAM alone. Where all are lists of one length, the array is whole and SAM refuses it.
pub(super) fn array_of_points(points: &[[Value; 2]]) -> Result<Vec<Point>, String> {
    let all = || points.iter().flatten();
    if all().any(|v| matches!(v, Value::List(_))) {
        let first = points.first().and_then(|p| shape(&p[0]));
        return if first.is_some() && all().all(|v| shape(v) == first) {
            Err("a point holds lists".to_owned())
        } else {
            Ok(Vec::new())
        };
    }
    let numbers = coordinates(all()).map_err(|kind| format!("a point holds {kind}"))?;
    Ok(numbers.chunks_exact(2).map(|p| Point { x: p[0], y: p[1] }).collect())
}

/// The lengths of lists within lists where they are all alike; empty for what is no list, `None` for ragged ones.
fn shape(value: &Value) -> Option<Vec<usize>> {
    let Value::List(items) = value else { return Some(Vec::new()) };
    // Each is looked at once: twice at every depth would be as often as 2 to the depth.
    let mut shapes = items.iter().map(shape);
    let inner = shapes.next().unwrap_or(Some(Vec::new()))?;
    shapes.all(|other| other.as_ref() == Some(&inner)).then(|| [vec![items.len()], inner].concat())
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

/// A number of Python's, however large, or a boolean: what is turned into a float or an integer there by itself.
///
/// # Errors
/// What it is instead.
pub(super) fn number(value: &Value) -> Result<f64, &'static str> {
    match value {
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        Value::Number(n) => Ok(n.value),
        other => Err(other.kind()),
    }
}

/// The four corners of a box.
///
/// # Errors
/// What keeps them from being four numbers.
pub(super) fn corners(sides: &[Value]) -> Result<[f64; 4], &'static str> {
    <[f64; 4]>::try_from(coordinates(sides)?).map_err(|_| "other than four numbers")
}
