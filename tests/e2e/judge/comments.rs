//! A check in every form: for a terminal, a pull request, a test runner, a step's summary.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use super::{judged, masks, scored, spoil};
use crate::support::{Told, bench, json, ok, raw_set, run, told};

/// Runs it with GITHUB_STEP_SUMMARY as given.
fn with_summary(folder: &Path, line: &str, summary: Option<&Path>) -> Told {
    let mut command = bench(folder);
    command.args(line.split_whitespace()).env_remove("GITHUB_STEP_SUMMARY");
    if let Some(path) = summary {
        command.env("GITHUB_STEP_SUMMARY", path);
    }
    told(command.output().unwrap())
}

#[test]
fn a_steps_summary_is_appended_to() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    masks(t.path(), "mine");
    scored(t.path(), "before");
    spoil(&t.path().join("mine"), 2, 6);
    scored(t.path(), "after");
    let summary = t.path().join("summary.md");
    fs::write(&summary, "Of another step.\n").unwrap();
    let line = "check runs/after --baseline runs/before --step-summary --markdown comment.md";
    for times in 1..=2 {
        let told = with_summary(t.path(), line, Some(&summary));
        assert_eq!(told.code, 10, "{}", told.err);
        let comment = fs::read_to_string(t.path().join("comment.md")).unwrap();
        let expected = format!("Of another step.\n{}", comment.repeat(times));
        assert_eq!(fs::read_to_string(&summary).unwrap(), expected);
    }
    // A file that is not there is made.
    let new = t.path().join("new.md");
    let line = "check runs/before --baseline runs/before --step-summary --comment-name other";
    assert_eq!(with_summary(t.path(), line, Some(&new)).code, 0);
    let text = fs::read_to_string(&new).unwrap();
    assert!(text.starts_with("<!-- socio-bench check: other -->\n## ✅ socio-bench: passed\n"), "{text}");
    for none in [None, Some(Path::new(""))] {
        let told = with_summary(t.path(), line, none);
        assert_eq!(told.code, 2, "{}", told.out);
        assert!(told.err.contains("--step-summary: GITHUB_STEP_SUMMARY names no file"), "{}", told.err);
    }
    let told = with_summary(t.path(), line, Some(&t.path().join("no/such/folder")));
    assert_eq!(told.code, 4, "{}", told.out);
    assert!(told.err.contains("cannot write"), "{}", told.err);
    // Without the option the file is not touched.
    let before = fs::read(&summary).unwrap();
    let told = with_summary(t.path(), "check runs/before --baseline runs/before", Some(&summary));
    assert_eq!((told.code, fs::read(&summary).unwrap()), (0, before));
}

#[test]
fn a_form_is_the_same_in_a_file_and_in_print() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --limit 6 --method centre-box,whole-image --name r");
    let line = "check runs/r-whole-image runs/r-centre-box-fill --baseline runs/r-whole-image";
    let told = run(t.path(), &format!("{line} --markdown a/b/c.md --junit a/j.xml --json-out a/j.json"));
    assert_eq!(told.code, 13, "{}", told.err);
    assert!(!told.out.contains('\u{1b}'), "no colours in a pipe");
    for (format, file) in [("markdown", "a/b/c.md"), ("junit", "a/j.xml"), ("json", "a/j.json")] {
        let printed = run(t.path(), &format!("{line} --format {format}"));
        assert_eq!(printed.code, 13, "{}", printed.err);
        assert_eq!(printed.out, fs::read_to_string(t.path().join(file)).unwrap(), "{format}");
    }
    let value = judged(t.path(), line, 13, "no baseline");
    assert_eq!(value, json(&fs::read_to_string(t.path().join("a/j.json")).unwrap()));
    let junit = fs::read_to_string(t.path().join("a/j.xml")).unwrap();
    assert!(junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{junit}");
    for part in [
        "<testsuite name=\"centre-box + fill\"",
        "<error message=\"the baseline has no such run\" type=\"no baseline\"/>",
    ] {
        assert!(junit.contains(part), "{part}:\n{junit}");
    }
    // What cannot be told is a failure where it counts as one.
    let cases = |more: &str, code: i32| {
        let line = "compare runs/r-whole-image runs/r-centre-box-fill --limit giou=-3 --format junit";
        let told = run(t.path(), &format!("{line} {more}"));
        assert_eq!(told.code, code, "{}\n{}", told.out, told.err);
        told.out.matches("<failure ").count()
    };
    assert_eq!((cases("", 11), cases("--inconclusive pass", 0)), (1, 0));
}

#[test]
fn a_comment_on_very_many_runs_stays_as_short_as_github_takes() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let names: Vec<String> = (0..10).map(|i| format!("tool{i}")).collect();
    let methods = names.iter().map(|n| format!("predictions:{n}")).collect::<Vec<_>>().join(",");
    let runs = |name: &str| -> String {
        ok(t.path(), &format!("run --data set --method {methods} --runs {name}"));
        let found = fs::read_dir(t.path().join(name)).unwrap().map(|e| e.unwrap().file_name());
        let mut all: Vec<String> = found.map(|f| format!("{name}/{}", f.to_string_lossy())).collect();
        all.sort();
        assert_eq!(all.len(), names.len());
        all.join(" ")
    };
    for name in &names {
        masks(t.path(), name);
    }
    ok(
        t.path(),
        &format!("baseline save {} --out base.json --limit giou@*=-0.5,ciou@*=-0.5,f1@*=-0.5", runs("before")),
    );
    for name in &names {
        spoil(&t.path().join(name), 2, 6);
    }
    let line = format!("check {} --baseline base.json --markdown comment.md --most 24", runs("after"));
    let value = judged(t.path(), &line, 10, "regressed");
    let comment = fs::read_to_string(t.path().join("comment.md")).unwrap();
    assert!(comment.len() > 30_000 && comment.len() < 60_000, "{}", comment.len());
    assert_eq!(comment.lines().next(), Some("<!-- socio-bench check: base -->"));
    assert!(comment.contains("\n- predictions:tool0: gIoU of All regressed: 100.0 to "), "{comment}");
    // Of very many sentences the first are there, and how many there are.
    let measures =
        value["runs"].as_array().unwrap().iter().flat_map(|r| r["comparison"]["measures"].as_array().unwrap());
    let bad = |m: &&Value| m["gate"]["verdict"] == "regressed" || m["gate"]["verdict"] == "inconclusive";
    let bad = measures.filter(bad).count();
    assert!(bad > 100, "{bad}");
    let told = comment.lines().filter(|l| l.starts_with("- predictions:tool")).count();
    assert!((1..bad).contains(&told), "{told} of {bad}");
    assert!(comment.contains(&format!("\n- and {} more\n", bad - told)), "{comment}");
    assert!(comment.contains(" tables did not fit here: they are in the JSON of this check."), "{comment}");
    assert_eq!(comment.matches("<details>").count(), comment.matches("</details>").count());
    let end = "`socio-bench baseline save RUN... --out BASELINE`, committed with it.</sub>\n";
    assert!(comment.ends_with(end), "{comment}");
}
