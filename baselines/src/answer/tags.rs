//! The tags round an answer.

use super::value::strip;

const OPEN: &str = "<answer>";
const CLOSE: &str = "</answer>";

/// The text of the first answer, whitespace round it left out: from the first `<answer>` to the next `</answer>` (the
/// released code's `<answer>(.*?)</answer>`, `seg_worker.py:211`). `None` without both.
pub fn answer_text(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once(OPEN)?;
    let (inside, _) = behind.split_once(CLOSE)?;
    Some(strip(inside))
}

/// The text of the only answer.
///
/// # Errors
/// When there is none, or more than one.
pub(super) fn only_answer(text: &str) -> Result<&str, &'static str> {
    let inside = answer_text(text).ok_or(MISSING)?;
    if text.matches(OPEN).count() > 1 || text.matches(CLOSE).count() > 1 {
        return Err("more than one <answer> or </answer>");
    }
    Ok(inside)
}

/// What is told where there is no answer.
pub(super) const MISSING: &str = "no <answer> with an </answer> behind it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_counts() {
        for (text, inside) in [
            ("<think>a</think><answer> [1]\n</answer>", Some("[1]")),
            ("<answer>a</answer><answer>b</answer>", Some("a")),
            ("<answer><answer>a</answer>", Some("<answer>a")),
            ("</answer><answer>a</answer>", Some("a")),
            ("<answer>\n\n</answer>", Some("")),
            ("<answer>a", None),
            ("a</answer>", None),
            ("<Answer>a</Answer>", None),
        ] {
            assert_eq!(answer_text(text), inside, "{text}");
        }
        assert!(only_answer("<answer>a</answer></answer>").is_err() && only_answer("<answer>a</answer> b").is_ok());
    }
}
