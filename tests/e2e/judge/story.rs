//! The story that the gate is for: a baseline is kept, a change breaks a method, the check stops it and says where.

use std::fs;

use tempfile::tempdir;

use super::{comparison, executed, judged, masks, measure, scored, spoil};
use crate::support::{fails, json, ok, raw_set};

const LIMITS: &str = "--limit giou=-0.5 --limit failures=0";

#[test]
fn a_change_that_makes_a_method_worse_is_stopped_and_told() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    masks(t.path(), "mine");
    scored(t.path(), "before");
    ok(t.path(), &format!("baseline save runs/before --out ci/gate.json {LIMITS}"));
    let told = ok(t.path(), "check runs/before --baseline ci/gate.json");
    assert!(told.contains("predictions:mine: within its limits (24 samples)"), "{told}");
    assert!(told.ends_with("passed (exit code 0); limits: giou=-0.5, failures=0\n"), "{told}");

    // The change: every other mask is beside its target. The method has the same name and row.
    spoil(&t.path().join("mine"), 2, 6);
    scored(t.path(), "after");
    let forms = "--markdown out/comment.md --junit out/junit.xml --json-out out/check.json";
    fails(
        t.path(),
        &format!("check runs/after --baseline ci/gate.json {forms}"),
        10,
        &[
            "predictions:mine: gIoU of All regressed: 100.0 to ",
            "regressed (exit code 10); limits: giou=-0.5, failures=0",
        ],
    );
    let read = |name: &str| fs::read_to_string(t.path().join("out").join(name)).unwrap();

    let value = json(&read("check.json"));
    super::schema::conforms(&value);
    assert_eq!(value["verdict"], "regressed");
    assert_eq!(value["exit_code"], 10);
    assert_eq!(value["runs"][0]["name"], "predictions:mine");
    let giou = measure(&value, "gIoU");
    let after = giou["after"].as_f64().unwrap();
    assert!(giou["before"] == 100.0 && after > 60.0 && after < 90.0, "{giou}");
    assert!(giou["better_by"]["high"].as_f64().unwrap() < -0.5, "{giou}");
    assert_eq!(giou["gate"]["verdict"], "regressed");
    assert_eq!(giou["gate"]["limit"], "giou=-0.5");
    assert!(giou["gate"]["p_holm"].as_f64().unwrap() <= 0.025, "{giou}");
    assert_eq!(measure(&value, "failures")["gate"]["verdict"], "unchanged");
    let lost = comparison(&value)["lost_most"].as_array().unwrap();
    assert_eq!(lost.len(), 12, "every other of 24");
    let losses: Vec<f64> = lost.iter().map(|l| l["before"].as_f64().unwrap() - l["after"].as_f64().unwrap()).collect();
    assert!(losses.is_sorted_by(|a, b| a >= b) && losses[11] > 0.0, "{losses:?}");

    let comment = read("comment.md");
    assert_eq!(comment.lines().next(), Some("<!-- socio-bench check: gate -->"));
    assert!(comment.len() < 60_000);
    let worst = lost[0]["id"].as_str().unwrap().replace('_', "\\_");
    let worst = format!("| {worst} |");
    for part in ["## ❌ socio-bench: regressed", "- predictions:mine: gIoU of All regressed: 100.0 to ", &worst] {
        assert!(comment.contains(part), "{part}:\n{comment}");
    }

    let junit = read("junit.xml");
    assert!(junit.contains("<testsuite name=\"predictions:mine\" tests=\""), "{junit}");
    let failed: Vec<&str> = junit.split("<testcase ").skip(1).filter(|case| case.contains("<failure ")).collect();
    assert_eq!(failed.len(), 1, "{junit}");
    assert!(failed[0].starts_with("name=\"All gIoU\" classname=\"predictions:mine\""), "{junit}");
    assert!(failed[0].contains("(limit giou=-0.5)") && failed[0].contains("type=\"regressed\""), "{junit}");

    // It was meant: the baseline is saved anew, with its limits, and committed with the change.
    ok(t.path(), "baseline save runs/after --out ci/gate.json");
    let value = judged(t.path(), "check runs/after --baseline ci/gate.json", 0, "passed");
    assert_eq!(value["limits"].to_string(), r#"["giou=-0.5","failures=0"]"#);
    // What was there before is better than that now, and no failure.
    let value = judged(t.path(), "check runs/before --baseline ci/gate.json", 0, "passed");
    assert_eq!(measure(&value, "gIoU")["gate"]["verdict"], "improved");
}

/// Answers each request with a line of `reply`, in which `$id` is the sample.
fn program(reply: &str) -> String {
    format!("while read -r l; do id=${{l#*\\\"id\\\":\\\"}}; id=${{id%%\\\"*}}\n{reply}; done\n")
}

#[test]
fn a_program_that_changed_behind_the_same_command_is_found_out() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    masks(t.path(), "mine");
    let file = t.path().join("answer.sh");
    fs::write(&file, program(r#"printf '{"id":"%s","mask_file":"%s/mine/%s.png"}\n' "$id" "$PWD" "$id""#)).unwrap();
    executed(t.path(), "sh answer.sh", "--name before");
    ok(t.path(), &format!("baseline save runs/before --out base.json {LIMITS}"));
    fs::write(&file, program(r#"printf '{"id":"%s","objects":[{"box":[0,0,20,20]}]}\n' "$id""#)).unwrap();
    executed(t.path(), "sh answer.sh", "--name after");
    let value = judged(t.path(), "check runs/after --baseline base.json", 10, "regressed");
    let run = &value["runs"][0];
    assert_eq!(run["name"], "exec:sh answer.sh + fill");
    assert_eq!(run["before"]["id"], run["after"]["id"], "the command is the same");
    assert_eq!(measure(&value, "gIoU")["before"], 100.0);
    // One that says nothing at all fails its samples, and the metric with them: the loss is told first.
    fs::write(&file, program(r#"printf '{"id":"%s","objects":[]}\n' "$id""#)).unwrap();
    executed(t.path(), "sh answer.sh", "--name silent");
    let value = judged(t.path(), "check runs/silent --baseline base.json", 10, "regressed");
    let failures = measure(&value, "failures");
    assert_eq!(failures["after"], 24.0);
    assert_eq!(failures["gate"]["verdict"], "regressed");
}
