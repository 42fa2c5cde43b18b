//! The strict grammar: one answer (what stands round it is not looked at), JSON by RFC 8259, objects with `bbox_2d` and perhaps `points` and nothing else, whole
//! boxes inside the image, points inside their box. One deviation and nothing is taken.

use socio_backend::Prompt;
use socio_dataset::{Bbox, Point};

use super::tags::only_answer;
use super::value::{self, Dialect, Value};
use super::{GrammarError, Parsed};

pub(super) fn parse(text: &str, size: (u32, u32)) -> Result<Parsed, GrammarError> {
    let inside = only_answer(text).map_err(GrammarError::Tags)?;
    let answer = value::parse(inside, Dialect::Rfc)?;
    let Value::List(items) = answer else {
        return Err(GrammarError::Kind { found: answer.kind(), expected: "a list" });
    };
    let objects = items
        .iter()
        .enumerate()
        .map(|(i, item)| object(item, size).map_err(|why| GrammarError::Object { at: i + 1, why }));
    Ok(Parsed { objects: objects.collect::<Result<_, _>>()?, dropped: Vec::new() })
}

fn object(item: &Value, (width, height): (u32, u32)) -> Result<Prompt, String> {
    let Value::Object(fields) = item else { return Err(format!("it is {}", item.kind())) };
    if let Some((name, _)) = fields.iter().find(|(name, _)| name != "bbox_2d" && name != "points") {
        // A model's words on a terminal: short, and nothing that steers it.
        return Err(format!("it has a field `{}`", name.escape_debug().take(40).collect::<String>()));
    }
    let bbox = item.field("bbox_2d").ok_or("it has no bbox_2d")?;
    let bbox: Bbox = numbers::<4>(bbox).map_err(|why| format!("bbox_2d: {why}"))?.into();
    let image = Bbox { x0: 0.0, y0: 0.0, x1: f64::from(width), y1: f64::from(height) };
    if !bbox.is_proper() {
        return Err("bbox_2d has no area: expected x0 < x1 and y0 < y1".to_owned());
    }
    if bbox.x0 < 0.0 || bbox.y0 < 0.0 || bbox.x1 > image.x1 || bbox.y1 > image.y1 {
        return Err(format!("bbox_2d reaches outside the image of {width}x{height}"));
    }
    let points = match item.field("points") {
        None => Vec::new(),
        Some(Value::List(points)) => {
            let point = |(i, p): (usize, &Value)| {
                let [x, y] = numbers::<2>(p).map_err(|why| format!("point {}: {why}", i + 1))?;
                let inside = (bbox.x0..=bbox.x1).contains(&x) && (bbox.y0..=bbox.y1).contains(&y);
                if inside { Ok(Point { x, y }) } else { Err(format!("point {} is outside its box", i + 1)) }
            };
            points.iter().enumerate().map(point).collect::<Result<_, String>>()?
        }
        Some(other) => return Err(format!("points is {}", other.kind())),
    };
    Ok(Prompt { bbox: Some(bbox), points, ..Prompt::default() })
}

fn numbers<const N: usize>(value: &Value) -> Result<[f64; N], String> {
    let Value::List(items) = value else { return Err(format!("it is {}", value.kind())) };
    let number = |item: &Value| match item {
        Value::Number(n) => Ok(n.value),
        other => Err(format!("it holds {}", other.kind())),
    };
    let found = items.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    <[f64; N]>::try_from(found).map_err(|found| format!("{} numbers, expected {N}", found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_deviation_and_nothing_is_taken() {
        let told = |inside: &str| match parse(&format!("<answer>{inside}</answer>"), (100, 80)) {
            Ok(parsed) => format!("{} objects", parsed.objects.len()),
            Err(e) => e.to_string(),
        };
        let one = |fields: &str| told(&format!("[{{\"bbox_2d\": [1, 2, 30, 40]}}, {{{fields}}}]"));
        assert_eq!(told("[]"), "0 objects");
        assert_eq!(one(r#""bbox_2d": [0, 0, 100, 80], "points": [[0, 0], [99.5, 80]]"#), "2 objects");
        for (fields, why) in [
            (r#""bbox_2d": [0, 0, 101, 80]"#, "object 2: bbox_2d reaches outside the image of 100x80"),
            (r#""bbox_2d": [5, 0, 5, 80]"#, "object 2: bbox_2d has no area"),
            (r#""bbox_2d": [0, 0, 10]"#, "object 2: bbox_2d: 3 numbers, expected 4"),
            (r#""bbox_2d": [0, 0, 10, true]"#, "object 2: bbox_2d: it holds a boolean"),
            (r#""bbox_2d": null"#, "object 2: bbox_2d: it is null"),
            (r#""points": []"#, "object 2: it has no bbox_2d"),
            (r#""bbox_2d": [0, 0, 9, 9], "label": 1"#, "object 2: it has a field `label`"),
            (r#""bbox_2d": [0, 0, 9, 9], "points": [[1]]"#, "object 2: point 1: 1 numbers, expected 2"),
            (r#""bbox_2d": [0, 0, 9, 9], "points": [[1, 1], [10, 1]]"#, "object 2: point 2 is outside its box"),
            (r#""bbox_2d": [0, 0, NaN, 9]"#, "the answer does not parse: no value at character 49"),
        ] {
            assert!(one(fields).starts_with(why), "{fields}: {}", one(fields));
        }
        assert!(parse("<answer>[]</answer><answer>[]</answer>", (9, 9)).is_err());
    }
}
