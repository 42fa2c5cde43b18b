//! The peers' grammars. Those of Seg-R1 and SAM-R1 are the ones that SocioReasoner's code has for its retrained baselines
//! (`seg_worker.py:387-510`, and `segment_segr1`, `segment_samr1` for what reaches SAM).

use socio_backend::Prompt;
use socio_dataset::Point;

use super::literal;
use super::numbers::{array_of_points, corners, number};
use super::tags::{MISSING, answer_text};
use super::value::{self, Dialect, Value};
use super::{GrammarError, MAX_OBJECTS, Parsed};

/// VisionReasoner: `[{"bbox_2d": [x0, y0, x1, y1], "point_2d": [x, y]}]`. One item that is not so, and nothing is taken, as
/// in its code (`vision_reasoner_model.py:94-134`), where boxes without their points come to an empty mask too.
pub(super) fn vision_reasoner(text: &str) -> Result<Parsed, GrammarError> {
    let inside = answer_text(text).ok_or(GrammarError::Tags(MISSING))?;
    let answer = value::parse(inside, Dialect::Python)?;
    let Value::List(items) = answer else {
        return Err(GrammarError::Kind { found: answer.kind(), expected: "a list" });
    };
    let object = |item: &Value| {
        let [x0, y0, x1, y1] = first_numbers(item, "bbox_2d")?;
        let [x, y] = first_numbers(item, "point_2d")?;
        let whole = [x0, y0, x1, y1, x, y].iter().all(|v| f64::is_finite(*v));
        let prompt = Prompt { bbox: Some([x0, y0, x1, y1].into()), points: vec![Point { x, y }], ..Prompt::default() };
        if whole { Ok(prompt) } else { Err("a number that is not finite".to_owned()) }
    };
    let told = |(i, item): (usize, &Value)| object(item).map_err(|why| GrammarError::Object { at: i + 1, why });
    Ok(Parsed { objects: items.iter().enumerate().map(told).collect::<Result<_, _>>()?, dropped: Vec::new() })
}

/// The first numbers of a field that is a list; more are ignored.
fn first_numbers<const N: usize>(item: &Value, name: &str) -> Result<[f64; N], String> {
    let list = match item.field(name) {
        Some(Value::List(list)) => list,
        Some(other) => return Err(format!("{name} is {}", other.kind())),
        None => return Err(format!("it has no {name}")),
    };
    let numbers = list
        .iter()
        .take(N)
        .map(|v| number(v).map_err(|kind| format!("{name} holds {kind}")))
        .collect::<Result<Vec<_>, _>>()?;
    <[f64; N]>::try_from(numbers).map_err(|fewer| format!("{name} has {} numbers, expected {N}", fewer.len()))
}

/// Seg-R1: `<bbox>[..]</bbox>, <points>[[..]]</points>, <labels>[..]</labels>`, on one line, as often as there are objects,
/// anywhere in the text; each part a Python literal.
pub(super) fn seg_r1(text: &str) -> Result<Parsed, GrammarError> {
    let mut parsed = Parsed::default();
    for (i, [bbox, points, labels]) in text.split('\n').flat_map(triples).take(MAX_OBJECTS + 1).enumerate() {
        let whole = |part: &str| literal::parse(part).map_err(|e| e.to_string());
        let prompt = || {
            let (bbox, points, labels) = (whole(bbox)?, whole(points)?, whole(labels)?);
            let (Value::List(bbox), Value::List(points), Value::List(labels)) = (bbox, points, labels) else {
                return Err("box, points and labels are not all lists".to_owned());
            };
            sam_prompt(&bbox, &points, &labels)
        };
        match prompt() {
            Ok(prompt) => parsed.objects.push(prompt),
            Err(why) => parsed.dropped.push(format!("object {}: {why}", i + 1)),
        }
    }
    if parsed == Parsed::default() {
        return Err(GrammarError::Tags("no <bbox>..</bbox>, <points>..</points>, <labels>..</labels> on one line"));
    }
    Ok(parsed)
}

/// The three parts of each object of a line: from a `<bbox>` to the first point from which the rest follows, as the lazy
/// regular expression finds them.
fn triples(line: &str) -> impl Iterator<Item = [&str; 3]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (_, from) = rest.split_once("<bbox>")?;
        let (bbox, from) = from.split_once("</bbox>, <points>")?;
        let (points, from) = from.split_once("</points>, <labels>")?;
        let (labels, from) = from.split_once("</labels>")?;
        rest = from;
        Some([bbox, points, labels])
    })
}

/// SAM-R1: one object, `{"bbox": [..], "points": [[x, y, label]]}`; points that are not three are left out.
pub(super) fn sam_r1(text: &str) -> Result<Parsed, GrammarError> {
    let inside = answer_text(text).ok_or(GrammarError::Tags(MISSING))?;
    let answer = value::parse(inside, Dialect::Python)?;
    if !matches!(answer, Value::Object(_)) {
        return Err(GrammarError::Kind { found: answer.kind(), expected: "an object" });
    }
    let list = |name: &'static str| match answer.field(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(list)) => Ok(list.clone()),
        Some(other) => Err(GrammarError::Object { at: 1, why: format!("{name} is {}", other.kind()) }),
    };
    let (bbox, marks) = (list("bbox")?, list("points")?);
    let (mut points, mut labels, mut others) = (Vec::new(), Vec::new(), 0);
    for mark in &marks {
        match mark {
            Value::List(parts) if parts.len() == 3 => {
                points.push(Value::List(parts[..2].to_vec()));
                labels.push(parts[2].clone());
            }
            _ => others += 1,
        }
    }
    let dropped = if others > 0 { vec![format!("{others} points are not [x, y, label]")] } else { Vec::new() };
    let mut parsed = Parsed { objects: Vec::new(), dropped };
    match sam_prompt(&bbox, &points, &labels) {
        Ok(prompt) => parsed.objects.push(prompt),
        Err(why) => parsed.dropped.push(why),
    }
    Ok(parsed)
}

/// What reaches SAM: a box of four; points where there are as many labels. Points or labels that make no array of their
/// shape are left out and the box stays; what numpy takes and torch does not loses the whole object, as does a label that,
/// cut to a whole number as torch does, is neither 0 nor 1 (a corner of a box, to SAM).
fn sam_prompt(bbox: &[Value], points: &[Value], labels: &[Value]) -> Result<Prompt, String> {
    let mut prompt = Prompt::default();
    if bbox.len() == 4 {
        prompt.bbox = Some(corners(bbox).map_err(|kind| format!("the box holds {kind}"))?.into());
    }
    let pairs = points.iter().map(|p| match p {
        Value::List(pair) | Value::Tuple(pair) => <[Value; 2]>::try_from(pair.clone()).ok(),
        _ => None,
    });
    let pairs = pairs.collect::<Option<Vec<_>>>().filter(|p| p.len() == labels.len());
    if let Some(pairs) = pairs.filter(|_| !labels.iter().any(|l| matches!(l, Value::List(_) | Value::Tuple(_)))) {
        for (point, label) in array_of_points(&pairs)?.into_iter().zip(labels) {
            match number(label).map(f64::trunc) {
                Ok(1.0) => prompt.points.push(point),
                Ok(0.0) => prompt.background.push(point),
                _ => return Err("a label is neither 0 nor 1".to_owned()),
            }
        }
    }
    if prompt.bbox.is_none() && !prompt.has_points() {
        return Err("neither a box of four numbers nor points with a label each".to_owned());
    }
    Ok(prompt)
}

/// RemoteReasoner: a list of boxes, or one box; each gets its middle, in whole pixels, as a point
/// (`RemoteReasoner.py`, `sam2/sam_mask_generator.py`). Without the tags, the whole text is the answer.
pub(super) fn remote_reasoner(text: &str) -> Result<Parsed, GrammarError> {
    let answer = literal::parse(thought_and_answer(text).unwrap_or(text))?;
    let Value::List(items) = answer else {
        return Err(GrammarError::Kind { found: answer.kind(), expected: "a list" });
    };
    let flat = items.first().is_some_and(|first| !matches!(first, Value::List(_)));
    let items = if flat { vec![Value::List(items)] } else { items };
    let mut parsed = Parsed::default();
    for (i, item) in items.iter().enumerate() {
        let corners = match item {
            Value::List(sides) if sides.len() == 4 => sides.iter().map(number).collect::<Result<Vec<_>, _>>().ok(),
            _ => None,
        };
        match corners.and_then(|c| <[f64; 4]>::try_from(c).ok()) {
            Some([x0, y0, x1, y1]) => parsed.objects.push(Prompt {
                bbox: Some([x0, y0, x1, y1].into()),
                points: vec![Point { x: x0.midpoint(x1).trunc(), y: y0.midpoint(y1).trunc() }],
                ..Prompt::default()
            }),
            None => parsed.dropped.push(format!("object {}: no list of four numbers", i + 1)),
        }
    }
    Ok(parsed)
}

/// `^<think>(.*?)</think>\s*<answer>(.*?)</answer>$` from the beginning, the end of any line counting as the end. What ends
/// no answer from its first beginning ends none from a later one, so that nothing is looked at twice.
fn thought_and_answer(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix("<think>")?;
    let answer = loop {
        let (_, behind) = rest.split_once("</think>")?;
        match behind.trim_start_matches(value::is_blank).strip_prefix("<answer>") {
            Some(answer) => break answer,
            None => rest = behind,
        }
    };
    let ends = |(at, end): &(usize, &str)| {
        let behind = &answer[at + end.len()..];
        behind.is_empty() || behind.starts_with('\n')
    };
    answer.match_indices("</answer>").find(ends).map(|(at, _)| &answer[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parsed: Result<Parsed, GrammarError>) -> String {
        let prompt = |p: &Prompt| {
            let points = |all: &[Point]| all.iter().map(|p| format!("{},{}", p.x, p.y)).collect::<Vec<_>>().join(" ");
            let bbox = p.bbox.map_or("-".to_owned(), |b| format!("{:?}", <[f64; 4]>::from(b).map(|v| v as i64)));
            format!("{bbox} +{} -{}", points(&p.points), points(&p.background))
        };
        match parsed {
            Ok(p) => {
                format!("{} | {}", p.objects.iter().map(prompt).collect::<Vec<_>>().join("; "), p.dropped.join("; "))
            }
            Err(e) => format!("error: {e}"),
        }
    }

    #[test]
    fn vision_reasoner_takes_all_or_nothing() {
        let of = |inside: &str| told(vision_reasoner(&format!("<think>a</think>\n<answer>\n{inside}\n</answer>")));
        assert_eq!(of(r#"[{"bbox_2d": [10,100,200,210], "point_2d": [30,110]}]"#), "[10, 100, 200, 210] +30,110 - | ");
        assert_eq!(of("[]"), " | ");
        assert_eq!(of(r#"[{"bbox_2d": [1,2,3,4,5], "point_2d": [3,1,9]}]"#), "[1, 2, 3, 4] +3,1 - | ");
        for (bad, why) in [
            (r#"[{"bbox_2d": [1,2,3,4]}]"#, "it has no point_2d"),
            (r#"[{"bbox_2d": [1,2,3], "point_2d": [3,1]}]"#, "3 numbers"),
            (r#"[{"bbox_2d": [1,2,3,NaN], "point_2d": [3,1]}]"#, "not finite"),
            ("{}", "an object, expected a list"),
        ] {
            assert!(of(bad).contains(why), "{bad}: {}", of(bad));
        }
    }

    #[test]
    fn seg_r1_finds_its_triples_anywhere() {
        let of = |text: &str| told(seg_r1(text));
        let one = "<bbox>[1,2,30,40]</bbox>, <points>[[5,6],[7,8]]</points>, <labels>[1,0]</labels>";
        assert_eq!(of(&format!("<think>x</think> {one}")), "[1, 2, 30, 40] +5,6 -7,8 | ");
        assert_eq!(of(&format!("{one} and {one}\n{one}")).matches('+').count(), 3);
        // A part that is no literal loses the object, as does a tag that opens too early.
        assert!(
            of(&format!("<bbox>[9,9,9,9]</bbox> or {one}")).starts_with(" | object 1: more text behind"),
            "{}",
            of(&format!("<bbox>[9]</bbox> {one}"))
        );
        assert!(
            of("<bbox>[1,2,30,40]</bbox>,<points>[[5,6]]</points>, <labels>[1]</labels>")
                .starts_with("error: no <bbox>")
        );
        assert_eq!(
            of("<bbox>[1,2,30,40]</bbox>, <points>[[5,6]]</points>, <labels>[1,1]</labels>"),
            "[1, 2, 30, 40] + - | "
        );
        assert_eq!(of("<bbox>[1,2,3]</bbox>, <points>[(5,6)]</points>, <labels>[1]</labels>"), "- +5,6 - | ");
        assert!(of("<bbox>[]</bbox>, <points>[]</points>, <labels>[]</labels>").contains("neither a box"));
        assert!(
            of("<bbox>[1,2,3,4]</bbox>, <points>[[1,2]]</points>, <labels>[2]</labels>").contains("neither 0 nor 1")
        );
    }

    #[test]
    fn sam_r1_takes_one_object() {
        let of = |inside: &str| told(sam_r1(&format!("<think>...</think><answer>{inside}</answer>")));
        assert_eq!(of(r#"{"bbox": [248,218,395,300], "points": [[360,237,1]]}"#), "[248, 218, 395, 300] +360,237 - | ");
        assert_eq!(of(r#"{"points": [[1,2,1],[3,4,0],[5,6]]}"#), "- +1,2 -3,4 | 1 points are not [x, y, label]");
        assert_eq!(of(r#"{"bbox": [1,2,3,4], "points": null}"#), "[1, 2, 3, 4] + - | ");
        assert!(of("[]").contains("a list, expected an object") && of(r#"{"bbox": 5}"#).contains("bbox is a number"));
        assert!(of("{}").contains("neither a box"));
    }

    #[test]
    fn remote_reasoner_adds_each_boxs_middle() {
        let of = |text: &str| told(remote_reasoner(text));
        let both = "[1, 2, 10, 21] +5,11 -; [0, 0, 3, 3] +1,1 - | ";
        assert_eq!(of("<think>a</think>\n<answer>[[1,2,10,21],[0,0,3,3]]</answer>"), both);
        assert_eq!(of("[[1,2,10,21],[0,0,3,3]]"), both);
        assert_eq!(of("[1,2,10,21]"), "[1, 2, 10, 21] +5,11 - | ");
        assert_eq!(of("<think>a</think><answer>[]</answer>"), " | ");
        assert_eq!(
            of("<think>a</think><answer>[[1,2,3,4],[1,2],(1,2,3,4)]</answer>\nmore"),
            "[1, 2, 3, 4] +2,3 - | object 2: no list of four numbers; object 3: no list of four numbers"
        );
        assert!(of("<think>a</think><answer>[[1,2,3,4]]</answer> ").starts_with("error"));
        assert!(of("I cannot see it.").starts_with("error"));
    }
}
