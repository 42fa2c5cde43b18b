//! The words of nano: every coordinate, class and function is one token, and so is what its prompts and answers repeat.

use socio_baselines::prompts::Template;
use socio_dataset::Hierarchy;
use socio_models::Result;
use socio_models::qwen2_5_vl::Tokenizer;

use crate::TrainError;

/// The prompts that nano is asked by.
const PROMPTS: [&str; 5] = [
    "socioreasoner-localize",
    "socioreasoner-refine",
    "socioreasoner-sft-localize",
    "socioreasoner-sft-refine",
    "socioreasoner-single",
];

/// What the chat template says itself.
const CHAT: [&str; 3] = ["system\nYou are a helpful assistant.", "user\n", "assistant\n"];

/// What answers are put together of.
const ANSWERS: [&str; 17] = [
    ", ",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    r#"[{"bbox_2d": ["#,
    r#"]}, {"bbox_2d": ["#,
    "]}]",
    r#"], "points": [["#,
    "], [",
    r#"]]}, {"bbox_2d": ["#,
    "]]}]",
    "[]",
    "The map shows it at ",
    "; ",
    "Inside ",
    "Outside ",
];

/// The words for pictures of `side` pixels.
///
/// # Errors
/// Never for a released build: prompts and hierarchy are embedded.
pub fn words(side: u32) -> std::result::Result<Vec<String>, TrainError> {
    let inner = |e: String| TrainError::Input(e);
    let mut words: Vec<String> = (0..=side).filter(|n| *n > 9).map(|n| n.to_string()).collect();
    words.extend(CHAT.iter().chain(&ANSWERS).map(|w| (*w).to_owned()));
    for name in PROMPTS {
        let template = Template::named(name).ok_or_else(|| inner(format!("no prompt `{name}`")))?;
        let text = template.map_err(|e| inner(e.to_string()))?.text;
        let pieces = text.split("{prompt}").flat_map(|part| part.split("{bboxs}"));
        words.extend(pieces.filter(|p| p.len() > 1).map(str::to_owned));
    }
    let hierarchy = Hierarchy::embedded().map_err(|e| inner(e.to_string()))?;
    words.extend(hierarchy.functions.iter().map(|f| f.name.clone()));
    // What is never seen in training has no token that could have learned anything: it is spelled.
    words.extend(hierarchy.classes.iter().filter(|c| !c.unseen).map(|c| c.name.clone()));
    let mut seen = std::collections::HashSet::new();
    words.retain(|w| seen.insert(w.clone()));
    Ok(words)
}

/// The tokenizer for pictures of `side` pixels. Numbers up to 9 are the bytes of their digits.
///
/// # Errors
/// As [`words`].
pub fn tokenizer(side: u32) -> std::result::Result<Tokenizer, TrainError> {
    Ok(Tokenizer::with_words(&words(side)?)?)
}

/// The ids of the numbers from 0 to `side`, in order.
///
/// # Errors
/// When a number is no single token.
pub fn numbers(tokenizer: &Tokenizer, side: u32) -> Result<Vec<u32>> {
    (0..=side)
        .map(|n| match tokenizer.encode(&n.to_string())?.as_slice() {
            [id] => Ok(*id),
            other => Err(socio_models::ModelError::op("tokenizer", format!("{n} is {} tokens", other.len()))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_and_answers_are_few_tokens() {
        let tokenizer = tokenizer(336).unwrap();
        let size = |text: &str| tokenizer.encode(text).unwrap().len();
        let prompt = Template::named("socioreasoner-localize").unwrap().unwrap();
        assert_eq!(size(&prompt.fill("Hospital", "")), 3);
        assert_eq!(
            size(r#"<think>The map shows it at 12, 300</think><answer>[{"bbox_2d": [1, 20, 300, 336]}]</answer>"#),
            17
        );
        let refine = Template::named("socioreasoner-refine").unwrap().unwrap();
        let boxes = r#"[{"bbox_2d": [1, 20, 300, 336]}]"#;
        assert_eq!(size(&refine.fill("Medical", boxes)), 3 + 1 + 9);
        assert_eq!(numbers(&tokenizer, 336).unwrap().len(), 337);
        let text = "Dongping Annex 3";
        assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap(), text);
    }
}
