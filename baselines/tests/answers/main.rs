//! Answers as models really give them (`tests/fixtures/answers`, one a file), through every grammar; and what holds for any
//! text at all.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod costly;
mod invariants;
mod mutations;

use std::fmt::Write;
use std::panic::{catch_unwind, resume_unwind};
use std::path::Path;

use invariants::SIZE;
use socio_baselines::answer::Grammar;
use socio_dataset::hash::SplitMix;

/// Names and texts, in the order of the names.
fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/answers");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let name = |file: &Path| file.file_stem().unwrap().to_string_lossy().into_owned();
    files.iter().map(|f| (name(f), std::fs::read_to_string(f).unwrap())).collect()
}

/// What a grammar makes of a text, in a line.
fn told(grammar: Grammar, text: &str) -> String {
    let (objects, dropped) = match grammar.parse(text, SIZE) {
        Ok(parsed) => (parsed.objects, parsed.dropped),
        Err(error) => (Vec::new(), vec![format!("error: {error}")]),
    };
    let mut line = match (objects.first(), dropped.is_empty()) {
        (None, false) => String::new(),
        (None, true) => "no object".to_owned(),
        (Some(first), _) => {
            let bbox = first.bbox.map_or("none".to_owned(), |b| format!("{:?}", <[f64; 4]>::from(b)).replace(".0", ""));
            let (points, background) = (first.points.len(), first.background.len());
            let plural = if objects.len() == 1 { "" } else { "s" };
            format!("{} object{plural} (first: {bbox}, {points} p, {background} b)", objects.len())
        }
    };
    if !dropped.is_empty() {
        let most = 3.min(dropped.len());
        let more = if dropped.len() > most { format!("; and {} more", dropped.len() - most) } else { String::new() };
        let between = if line.is_empty() { "" } else { " | " };
        write!(line, "{between}{}{more}", dropped[..most].join("; ")).unwrap();
    }
    // What the second stage is shown, where it is not what prompts the segmenter.
    let drawn = grammar.drawn(text, SIZE);
    let boxes: Vec<[f64; 4]> = objects.iter().filter_map(|o| o.bbox).map(Into::into).collect();
    if format!("{drawn:?}") != format!("{boxes:?}") {
        write!(line, " | {} drawn", drawn.len()).unwrap();
    }
    line
}

#[test]
fn what_each_grammar_makes_of_each_answer() {
    let mut table = String::new();
    for (name, text) in corpus() {
        writeln!(table, "{name}").unwrap();
        // Grammars that say the same share a line.
        let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
        for grammar in Grammar::ALL {
            let line = told(grammar, &text);
            match lines.iter_mut().find(|(_, l)| *l == line) {
                Some((names, _)) => names.push(grammar.name()),
                None => lines.push((vec![grammar.name()], line)),
            }
        }
        for (names, line) in lines {
            writeln!(table, "    {}: {line}", names.join(", ")).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn invariants_hold_on_the_corpus_cut_anywhere() {
    for (_, text) in corpus() {
        invariants::hold(&text);
        if text.len() < 600 {
            text.char_indices().for_each(|(at, _)| invariants::hold(&text[..at]));
        }
    }
}

#[test]
fn invariants_hold_on_texts_gone_wrong() {
    let texts: Vec<String> = corpus().into_iter().map(|(_, text)| text).collect();
    for seed in 0..20_000 {
        let text = mutations::mutated(&mut SplitMix(seed), &texts);
        if let Err(why) = catch_unwind(|| invariants::hold(&text)) {
            eprintln!("seed {seed}: {text:?}");
            resume_unwind(why);
        }
    }
}

/// Time that grew with the square of the length, or with a power of the depth, would make minutes of this.
#[test]
fn costly_texts_are_read_all_the_same() {
    for text in costly::texts() {
        invariants::hold(&text);
    }
}
