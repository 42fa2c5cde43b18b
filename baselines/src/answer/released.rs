//! SocioReasoner's released parser, to the letter: `parse_visual_prompt_from_json_s2` and what becomes of its result on the
//! way to SAM (`seg_worker.py:199-259` and `:772-823`), for both stages; and the boxes of `render_image`
//! (`rlvr_socioseg_vlm_pipeline_infer.py:383-452`), which reads the same text again with other eyes.
//!
//! The released code raises, and ends, on two texts: an integer of more than 4300 digits, which here is one beyond 64 bits
//! like any other, and lists within lists beyond Python's stack, which are refused. A box whose numbers are lists of one is
//! taken there and dropped here.

use std::collections::BTreeSet;

use socio_backend::Prompt;

use super::numbers::{array_of_points, corners};
use super::tags::{MISSING, answer_text};
use super::value::{self, Dialect, Kind, Value};
use super::{GrammarError, Parsed};

pub(super) fn parse(text: &str) -> Result<Parsed, GrammarError> {
    let inside = answer_text(text).ok_or(GrammarError::Tags(MISSING))?;
    let answer = value::parse(inside, Dialect::Python)?;
    let Value::List(items) = answer else {
        return Err(GrammarError::Kind { found: answer.kind(), expected: "a list" });
    };
    let mut parsed = Parsed::default();
    for (i, item) in items.iter().enumerate() {
        match object(item) {
            Ok(prompt) => parsed.objects.push(prompt),
            Err(why) => parsed.dropped.push(format!("object {}: {why}", i + 1)),
        }
    }
    Ok(parsed)
}

fn object(item: &Value) -> Result<Prompt, String> {
    if !matches!(item, Value::Object(_)) {
        return Err(format!("it is {}", item.kind()));
    }
    let points = points(item.field("points"))?;
    let sides = match item.field("bbox_2d") {
        Some(Value::List(sides)) if sides.len() == 4 => sides,
        Some(Value::List(sides)) => return Err(format!("bbox_2d has {} numbers, expected 4", sides.len())),
        Some(other) => return Err(format!("bbox_2d is {}", other.kind())),
        None => return Err("it has no bbox_2d".to_owned()),
    };
    let bbox = corners(sides).map_err(|kind| format!("bbox_2d holds {kind}"))?;
    Ok(Prompt { bbox: Some(bbox.into()), points: array_of_points(&points)?, ..Prompt::default() })
}

/// The first two of each point, as Python indexes them: whatever can be gone through and indexed is taken so far.
fn points(field: Option<&Value>) -> Result<Vec<[Value; 2]>, String> {
    let texts = |text: &str| text.chars().map(|c| Value::Text(c.to_string())).collect::<Vec<_>>();
    let list = match field {
        None => return Ok(Vec::new()),
        Some(Value::List(list)) => list.clone(),
        // Going through an object gives its names, and through a text its characters.
        Some(Value::Object(fields)) => {
            let mut seen = BTreeSet::new();
            let names = fields.iter().map(|(name, _)| name).filter(|name| seen.insert(name.as_str()));
            names.map(|n| Value::Text(n.clone())).collect()
        }
        Some(Value::Text(text)) => texts(text),
        Some(other) => return Err(format!("points is {}", other.kind())),
    };
    let pair = |point: &Value| {
        let values = match point {
            Value::List(values) => values.clone(),
            Value::Text(text) => texts(text),
            other => return Err(format!("a point is {}", other.kind())),
        };
        match <[Value; 2]>::try_from(values.into_iter().take(2).collect::<Vec<_>>()) {
            Ok(pair) => Ok(pair),
            Err(fewer) => Err(format!("a point has {} numbers, expected 2", fewer.len())),
        }
    };
    list.iter().map(pair).collect()
}

/// The boxes that `render_image` draws for the text of an answer (the answer's text alone, [`super::answer_text`]): those
/// that PIL can make numbers of, reversed ones among them. A `bbox_2d` without a length (a number, `null`) raises and
/// leaves no box at all.
pub(super) fn drawn(text: &str) -> Vec<[f64; 4]> {
    let Ok(Value::List(items)) = value::parse(text, Dialect::Python) else { return Vec::new() };
    let mut boxes = Vec::new();
    for bbox in items.iter().filter_map(|i| i.field("bbox_2d")) {
        match bbox {
            Value::Null | Value::Bool(_) | Value::Number(_) => return Vec::new(),
            Value::List(sides) => boxes.extend(
                <[f64; 4]>::try_from(sides.iter().filter_map(pil).collect::<Vec<_>>())
                    .ok()
                    .filter(|_| sides.len() == 4),
            ),
            // They have a length, and PIL makes no numbers of them.
            Value::Text(_) | Value::Object(_) | Value::Tuple(_) => {}
        }
    }
    boxes
}

/// A number as PIL takes it: integers of any size that a float holds.
fn pil(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        Value::Number(n) if n.kind == Kind::Float || n.value.is_finite() => Some(n.value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use socio_dataset::Point;

    use super::*;

    fn objects(inside: &str) -> Vec<Prompt> {
        parse(&format!("<answer>{inside}</answer>")).unwrap().objects
    }

    #[test]
    fn the_published_example_outputs_parse_as_printed() {
        for (text, bbox, points) in [
            (r#"[{"bbox_2d": [360, 268, 538, 383]}]"#, [360.0, 268.0, 538.0, 383.0], vec![]),
            (
                r#"[{"bbox_2d": [360, 268, 538, 383], "points": [[452, 287], [487, 306]]}]"#,
                [360.0, 268.0, 538.0, 383.0],
                vec![[452.0, 287.0], [487.0, 306.0]],
            ),
            (
                r#"[{"bbox_2d": [266, 343, 352, 456], "points": [[314, 421], [327, 400]]}]"#,
                [266.0, 343.0, 352.0, 456.0],
                vec![[314.0, 421.0], [327.0, 400.0]],
            ),
            (
                r#"[{"bbox_2d": [206, 360, 428, 534], "points": [[304, 442], [341, 493]]}]"#,
                [206.0, 360.0, 428.0, 534.0],
                vec![[304.0, 442.0], [341.0, 493.0]],
            ),
        ] {
            let points: Vec<Point> = points.into_iter().map(Point::from).collect();
            let expected = Prompt { bbox: Some(bbox.into()), points, ..Prompt::default() };
            assert_eq!(objects(text), [expected], "{text}");
            assert_eq!(drawn(text), [bbox], "{text}");
        }
    }

    #[test]
    fn what_python_goes_through_it_goes_through() {
        let count = |points: &str| {
            let found = objects(&format!(r#"[{{"bbox_2d": [1, 2, 3, 4], "points": {points}}}]"#));
            found.first().map(|p| p.points.len())
        };
        for (points, expected) in [
            ("[]", Some(0)),
            ("{}", Some(0)),
            ("\"\"", Some(0)),
            ("[[1, 2, 3]]", Some(1)),
            ("[[true, 2]]", Some(1)),
            ("null", None),
            ("5", None),
            ("\"ab\"", None),
            ("{\"ab\": 1}", None),
            ("[[1]]", None),
            ("[1, 2]", None),
            ("[[null, 1]]", None),
            ("[[\"1\", \"2\"]]", None),
            ("[[[1, 2], [3, 4]]]", None),
            ("[[[1], 2], [3, 4]]", Some(0)),
            ("[[1, 100000000000000000000000]]", None),
        ] {
            assert_eq!(count(points), expected, "{points}");
        }
    }

    #[test]
    fn drawing_reads_the_text_with_other_eyes() {
        assert_eq!(drawn(r#"[{"bbox_2d": [9, 8, 1, 2]}, {"bbox_2d": "abcd"}, {}, 3]"#), [[9.0, 8.0, 1.0, 2.0]]);
        // Points that lose an object its mask do not lose it its box.
        assert_eq!(drawn(r#"[{"bbox_2d": [1, 2, 3, 4], "points": null}]"#).len(), 1);
        assert!(drawn(r#"[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": 5}]"#).is_empty());
        assert!(drawn(r#"[{"bbox_2d": [1, 2, 3, "4"]}, {"bbox_2d": [1, 2, 3]}]"#).is_empty());
    }
}
