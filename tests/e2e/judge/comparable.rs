//! Runs that are of different things are not compared, unless that is asked for; a run without a baseline is told.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use super::{comparison, differences, judged, masks, measure, scored, spoil};
use crate::support::{fails, ok, raw_set, tree};

/// Samples that are compared, and those of each side that are not.
fn samples(check: &Value) -> [u64; 3] {
    ["samples", "only_before", "only_after"].map(|name| comparison(check)[name].as_u64().unwrap())
}

#[test]
fn other_samples_are_told_and_may_be_left_out() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    masks(t.path(), "mine");
    scored(t.path(), "before");
    ok(t.path(), "baseline save runs/before --out base.json --limit giou=0,failures=0");
    for (name, bytes) in tree(&set.join("test")) {
        for copy in ["set/val", "other/test"] {
            let path = t.path().join(copy).join(&name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &bytes).unwrap();
        }
    }
    fs::write(t.path().join("other/test/name_00010/question.json"), r#"{"problem": "Another Place"}"#).unwrap();
    let line = "run --method predictions:mine";
    ok(t.path(), &format!("{line} --data set --limit 20 --name fewer"));
    ok(t.path(), &format!("{line} --data set --split val --name split"));
    ok(t.path(), &format!("{line} --data other --name other"));
    ok(t.path(), &format!("{line} --data set --shard 1/2 --name half"));
    fails(t.path(), &format!("{line} --data city --limit 3 --name city"), 20, &["3 missing prediction"]);
    let check = |run: &str, more: &str, code: i32, verdict: &str| {
        judged(t.path(), &format!("check runs/{run} --baseline base.json {more}"), code, verdict)
    };

    for (run, parts) in [
        ("fewer", &["data: ", "4 samples are missing after: name_00050, name_00060, name_00070, name_00080"][..]),
        ("split", &["split: test before, val after"]),
        ("other", &["data: ", "1 samples have other inputs: name_00010"]),
        ("half", &[" samples are missing after: "]),
        ("city", &["data: ", "24 samples are missing after: class_00090, ", "3 samples are missing before: "]),
    ] {
        let value = check(run, "", 12, "incomparable");
        let told = differences(&value);
        assert_eq!(told.len(), parts.len(), "{run}: {told:?}");
        for (told, part) in told.iter().zip(parts) {
            assert!(told.contains(part), "{run} should say `{part}`: {told}");
        }
    }
    let more = "--on-missing intersect";
    assert_eq!(samples(&check("fewer", more, 0, "passed")), [20, 4, 0]);
    assert_eq!(samples(&check("split", more, 0, "passed")), [24, 0, 0]);
    assert_eq!(samples(&check("other", more, 0, "passed")), [23, 1, 1]);
    let half =
        fs::read_to_string(t.path().join("runs/half/records/shard-1-of-2.jsonl")).unwrap().lines().count() as u64;
    assert_eq!(samples(&check("half", more, 0, "passed")), [half, 24 - half, 0]);
    assert_eq!(differences(&check("city", more, 12, "incomparable")), ["they have no scored sample in common"]);
    let told = ok(t.path(), "check runs/other --baseline base.json --on-missing intersect");
    assert!(told.contains("Not compared: 1 samples of before, 1 of after."), "{told}");
    // What is left out does not hide what is worse.
    spoil(&t.path().join("mine"), 2, 6);
    ok(t.path(), &format!("{line} --data set --limit 20 --name worse"));
    assert_eq!(samples(&check("worse", more, 10, "regressed")), [20, 4, 0]);
    let told = fails(t.path(), "check runs/fewer --baseline base.json", 12, &["incomparable (exit code 12)"]);
    assert!(told.out.contains("predictions:mine: incomparable:\n  data: "), "{}", told.out);
}

#[test]
fn another_method_profile_or_grammar_is_another_thing() {
    let t = tempdir().unwrap();
    crate::reasoner::scenes(t.path());
    let line = "run --data set --limit 4";
    ok(t.path(), &format!("{line} --method centre-box,whole-image --name r"));
    ok(t.path(), &format!("{line} --method centre-box --profile lisa --name lisa"));
    ok(t.path(), &format!("{line} --method socioreasoner --vlm answers:answers --name asked"));
    ok(t.path(), &format!("{line} --method socioreasoner --vlm answers:answers --grammar strict --name strict"));
    let pair = |before: &str, after: &str, more: &str, code: i32, verdict: &str| {
        judged(t.path(), &format!("check runs/{after} --baseline runs/{before} {more}"), code, verdict)
    };
    for (before, after, told, more) in [
        ("r-centre-box-fill", "r-whole-image", "method: centre-box before, whole-image after", ""),
        ("r-centre-box-fill", "lisa", "profile: strict before, lisa after", "--profile strict"),
        ("asked", "strict", r#"grammar: "socioreasoner" before, "strict" after"#, "--other-prompts"),
    ] {
        let value = pair(before, after, "", 12, "incomparable");
        let lines = differences(&value);
        assert!(lines.len() == 1 && lines[0].starts_with(told), "{lines:?}");
        if !more.is_empty() {
            let value = pair(before, after, more, 0, "passed");
            assert_eq!(samples(&value), [4, 0, 0]);
            assert_eq!(comparison(&value)["profile"], "strict");
        }
    }
    // Both by another profile than their own.
    let value = pair("r-centre-box-fill", "lisa", "--profile visionreasoner", 0, "passed");
    assert_eq!(comparison(&value)["profile"], "visionreasoner");
    // Two methods on one set are what `compare` is for; no limit gates where none is given.
    let value = judged(t.path(), "compare runs/r-centre-box-fill runs/r-whole-image", 0, "passed");
    assert!(comparison(&value)["verdict"].is_null() && value["limits"].as_array().unwrap().is_empty(), "{value:#}");
    assert!(measure(&value, "gIoU")["better_by"]["value"].as_f64().unwrap() > 0.0, "{value:#}");
    judged(t.path(), "compare runs/r-whole-image runs/asked --limit giou=0", 0, "passed");
    judged(t.path(), "compare runs/asked runs/r-whole-image --limit giou=0", 10, "regressed");
    judged(t.path(), "compare runs/r-centre-box-fill runs/lisa", 12, "incomparable");
    fails(t.path(), "compare runs/asked nowhere", 3, &["nowhere is no run"]);
    // One scene: an interval has no ends, and JSON has none for it.
    ok(t.path(), "run --data set --limit 1 --method centre-box,whole-image --name one");
    let value =
        judged(t.path(), "compare runs/one-centre-box-fill runs/one-whole-image --limit giou=-99", 11, "inconclusive");
    let row = measure(&value, "gIoU");
    assert!(row["detectable"].is_null() && row["better_by"]["low"].is_null(), "{row}");
}

#[test]
fn a_run_without_a_baseline_and_a_baseline_without_its_run() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --limit 6 --method centre-box,whole-image,oracle-box --name r");
    ok(t.path(), "baseline save runs/r-centre-box-fill runs/r-whole-image --out two.json");
    let check = |runs: &str, code: i32, verdict: &str| {
        let runs: Vec<String> = runs.split(' ').map(|r| format!("runs/r-{r}")).collect();
        judged(t.path(), &format!("check {} --baseline two.json", runs.join(" ")), code, verdict)
    };
    let both = check("whole-image centre-box-fill", 0, "passed");
    assert_eq!(both["runs"].as_array().unwrap().len(), 2);
    let new = check("whole-image centre-box-fill oracle-box-fill", 13, "no baseline");
    assert_eq!(new["without_baseline"].to_string(), r#"["oracle-box + fill"]"#);
    assert_eq!((new["runs"].as_array().unwrap().len(), new["not_given"].as_array().unwrap().len()), (2, 0));
    let gone = check("whole-image", 12, "incomparable");
    assert_eq!(gone["not_given"].to_string(), r#"["centre-box + fill"]"#);
    check("oracle-box-fill", 13, "no baseline");
    fails(
        t.path(),
        "check runs/r-whole-image runs/r-centre-box-fill runs/r-oracle-box-fill --baseline two.json",
        13,
        &["oracle-box + fill: the baseline has no such run", "baseline save", "no baseline (exit code 13)"],
    );
    fails(
        t.path(),
        "check runs/r-whole-image --baseline ci/none.json",
        13,
        &["there is no baseline at ci/none.json", "baseline save RUN... --out ci/none.json"],
    );
    // What is to be checked has to be there.
    fails(t.path(), "check runs/none --baseline two.json", 3, &["runs/none is no run"]);
}
