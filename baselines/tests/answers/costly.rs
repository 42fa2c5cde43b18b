//! Texts as long as are read, made to cost as much as they can.

use socio_baselines::answer::MAX_TEXT;

/// What is said again and again, with every tag and bracket that something looks for far behind it.
const AGAIN: &[&str] = &[
    "<answer>",
    "</answer>",
    "<answer></answer>",
    "<think>",
    "</think>",
    "</think><answer>",
    "</think><answer></answer>x",
    "</think> ",
    "<bbox>",
    "<bbox></bbox>, <points>",
    "<bbox></bbox>, <points></points>, <labels>",
    "<bbox></bbox>, <points></points>, <labels></labels>",
    "[",
    "(",
    "{\"a\":",
    "{\"a\":0,",
    "[],",
    "- ",
    "1",
    "1_",
    "1,",
    "\"\\ud800",
    "\\",
    "'",
    "\n",
    " ",
    "\u{85}",
    "济",
];

pub(crate) fn texts() -> Vec<String> {
    let answer = |inside: &str| format!("<answer>{inside}</answer>");
    let mut texts = vec!["[".repeat(MAX_TEXT + 1), "济".repeat(MAX_TEXT)];
    for piece in AGAIN {
        let filled = piece.repeat((MAX_TEXT - 64) / piece.len());
        texts.extend([
            answer(&filled),
            format!("<think>{filled}"),
            answer(&format!("[{filled}]")),
            answer(&format!("[\"{filled}\"]")),
        ]);
        texts.push(filled);
    }
    // As many values as are read, each another name.
    let names: String = (0..19_900).map(|i| format!("\"{i:x}\": 0, ")).collect();
    let of_points = |points: &str| answer(&format!("[{{\"bbox_2d\": [1, 2, 3, 4], \"points\": {points}}}]"));
    texts.push(answer(&format!("[{{{names}\"last\": 0}}]")));
    texts.push(of_points(&format!("{{{names}\"last\": 0}}")));
    texts.push(of_points(&format!("\"{}\"", "ab".repeat(MAX_TEXT / 3))));
    texts.push(of_points(&format!("[{}[1, 2]]", "[1, 2], ".repeat(6000))));
    // As deep as is read, a whole array and a ragged one.
    for end in ["1", "1, [1]"] {
        let nested = format!("{}{end}{}", "[".repeat(27), "]".repeat(27));
        texts.push(of_points(&format!("[{}[1, 2]]", format!("[{nested}, {nested}], ").repeat(300))));
    }
    texts
}
