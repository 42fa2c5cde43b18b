//! Whether an answer has the form that is asked for.

use crate::answer::answer_text;
use crate::answer::value::{self, Dialect, Value};

/// An object of an answer as rewards read it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// Its box, where it has one of four numbers.
    pub(super) bbox: Option<[f64; 4]>,
    /// Its points, where all are pairs of numbers; none where it has no such list.
    pub(super) points: Option<Vec<[f64; 2]>>,
    /// The names of its fields.
    names: Vec<String>,
}

/// Whether the whole text is `<think>...</think><answer>...</answer>`, with nothing but whitespace between and round them
/// (the released `think_format_reward`: one full match, tags within the parts allowed).
pub(super) fn tagged(text: &str) -> bool {
    let text = value::strip(text);
    let Some(rest) = text.strip_prefix("<think>") else { return false };
    let Some(rest) = rest.strip_suffix("</answer>") else { return false };
    rest.match_indices("</think>").any(|(at, tag)| value::strip(&rest[at + tag.len()..]).starts_with("<answer>"))
}

/// The objects of an answer; `None` where it is no list in JSON. What is no object is there without a field.
pub(super) fn items(text: &str) -> Option<Vec<Item>> {
    items_of(answer_text(text)?)
}

fn items_of(answer: &str) -> Option<Vec<Item>> {
    let Ok(Value::List(list)) = value::parse(answer, Dialect::Python) else { return None };
    Some(list.iter().map(item).collect())
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) if n.value.is_finite() => Some(n.value),
        _ => None,
    }
}

fn item(value: &Value) -> Item {
    let names = match value {
        Value::Object(fields) => fields.iter().map(|(name, _)| name.clone()).collect(),
        _ => Vec::new(),
    };
    let list = |name: &str| match value.field(name) {
        Some(Value::List(values)) => Some(values),
        _ => None,
    };
    let numbers = |values: &[Value]| values.iter().map(number).collect::<Option<Vec<f64>>>();
    let bbox = list("bbox_2d").and_then(|sides| <[f64; 4]>::try_from(numbers(sides)?).ok());
    let pair = |point: &Value| match point {
        Value::List(pair) => <[f64; 2]>::try_from(numbers(pair)?).ok(),
        _ => None,
    };
    let points = list("points").and_then(|points| points.iter().map(pair).collect());
    Item { bbox, points, names }
}

impl Item {
    fn has(&self, names: &[&str]) -> bool {
        let mut own: Vec<&str> = self.names.iter().map(String::as_str).collect();
        own.sort_unstable();
        own.dedup();
        own == names
    }

    /// Stage 1: exactly a box.
    pub(super) fn locates(&self) -> bool {
        self.has(&["bbox_2d"]) && self.bbox.is_some()
    }

    /// Stage 2: the box of stage 1 and points, all strictly inside it; no points at all pass.
    pub(super) fn refines(&self, before: Option<&Item>) -> bool {
        let (Some(bbox), Some(points)) = (self.bbox, &self.points) else { return false };
        let [x0, y0, x1, y1] = bbox;
        self.has(&["bbox_2d", "points"])
            && before.is_none_or(|b| b.bbox == Some(bbox))
            && points.iter().all(|[x, y]| x0 < *x && *x < x1 && y0 < *y && *y < y1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_to_be_all_there_is() {
        for (text, right) in [
            ("<think>a</think><answer>[]</answer>", true),
            (" <think></think>\n<answer></answer>\n", true),
            ("<think>a</think> b <answer>[]</answer>", false),
            ("<answer>[]</answer>", false),
            ("<think>a</think><answer>[]", false),
            ("so <think>a</think><answer>[]</answer>", false),
            ("<think>a</think> b </think><answer>[]</answer>", true),
        ] {
            assert_eq!(tagged(text), right, "{text}");
        }
    }
}
