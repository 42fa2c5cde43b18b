//! `reproduce`: a run made again from its manifest is the same, or it is told where it is not.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{masks, spoil};
use crate::support::{fails, json as parse, ok, raw_set, run, tree};

/// What is told as JSON.
fn reproduced(folder: &Path, line: &str, code: i32) -> Value {
    let told = run(folder, &format!("reproduce {line} --json"));
    assert_eq!(told.code, code, "{line}\n{}\n{}", told.out, told.err);
    let value = parse(&told.out);
    assert_eq!(value["reproduced"], code == 0, "{value:#}");
    value
}

#[test]
fn the_same_answers_are_told_and_so_are_others() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    masks(t.path(), "mine");
    ok(t.path(), "score mine --data set --limit 8 --name first");
    let first = tree(&t.path().join("runs/first"));
    let told = ok(t.path(), "reproduce runs/first");
    assert_eq!(told, "8 of 8 samples are the same, times aside\nruns/first-again\n");
    let value = reproduced(t.path(), "runs/first --runs elsewhere", 0);
    assert_eq!(value["run"], "elsewhere/first-again");
    assert_eq!(value["what"], json!({ "inputs": [], "same": 8, "differ": [], "missing": 0, "new": 0 }));
    // What was made again can itself be made again, and is the same to every report.
    let figures = |run: &str| parse(&ok(t.path(), &format!("report {run} --json")))["tables"][0]["rows"].clone();
    assert_eq!(figures("elsewhere/first-again"), figures("runs/first"));
    ok(t.path(), "reproduce elsewhere/first-again --runs elsewhere");

    spoil(&t.path().join("mine"), 2, 6);
    let told = fails(t.path(), "reproduce runs/first", 14, &["method.masks: was ", "4 of 8 samples are the same"]);
    let lines: Vec<&str> = told.out.lines().filter(|l| l.starts_with("class_")).collect();
    let ids: Vec<&str> = lines.iter().map(|l| l.split(": ").next().unwrap()).collect();
    assert_eq!(ids, ["class_00090", "class_00110", "class_00130", "class_00150"]);
    assert!(lines.iter().all(|l| l.contains(": mask of answer, score (IoU 1.000 then, 0.")), "{lines:?}");
    let value = reproduced(t.path(), "runs/first", 14);
    let what = &value["what"];
    assert_eq!((&what["same"], &what["missing"]), (&json!(4), &json!(0)));
    assert_eq!(what["inputs"][0][0], "method.masks");
    let differ: Vec<&str> = what["differ"].as_array().unwrap().iter().map(|d| d[0].as_str().unwrap()).collect();
    assert_eq!(differ, ids);
    // A mask that is gone: how the sample ended is told, and of many only the first.
    fs::remove_file(t.path().join("mine/class_00100.png")).unwrap();
    let gone = "class_00100: status (ok then, missing prediction now), ";
    fails(t.path(), "reproduce runs/first", 14, &[gone, "3 of 8 samples are the same"]);
    // The first run is as it was.
    assert_eq!(tree(&t.path().join("runs/first")), first);
}

#[test]
fn a_few_samples_are_enough_to_see() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    // One of several runs of a command, and one of a suite's.
    ok(t.path(), "run --data set --method centre-box,oracle-box --centre-share 0.2 --seed 7 --name r");
    let value = reproduced(t.path(), "runs/r-centre-box-fill --limit 3", 0);
    assert_eq!(value["what"], json!({ "inputs": [], "same": 3, "differ": [], "missing": 0, "new": 0 }));
    let again = |name: &str| parse(&fs::read_to_string(t.path().join(name).join("manifest.json")).unwrap());
    let manifest = again("runs/r-centre-box-fill-again");
    assert_eq!((&manifest["seed"], &manifest["method"]["parameters"]["centre_share"]), (&json!(7), &json!(0.2)));
    assert_eq!(manifest["command"], again("runs/r-centre-box-fill")["command"]);
    ok(t.path(), "run --suite smoke --method oracle-box --limit 2 --name s");
    let value = reproduced(t.path(), "runs/s-smoke-region", 0);
    assert_eq!(value["what"]["same"], 2);

    // The data is elsewhere now.
    fs::rename(&set, t.path().join("moved")).unwrap();
    fails(t.path(), "reproduce runs/r-centre-box-fill", 3, &["no data at set"]);
    let told = ok(t.path(), "reproduce runs/r-centre-box-fill --data moved");
    assert!(told.starts_with("24 of 24 samples are the same"), "{told}");
    // Elsewhere there is other data.
    let question = t.path().join("moved/test/class_00090/question.json");
    fs::write(&question, r#"{"problem": "Hospital"}"#).unwrap();
    let sample = "class_00090: query";
    fails(
        t.path(),
        "reproduce runs/r-centre-box-fill --data moved",
        14,
        &["data.fingerprint: was ", sample, "23 of 24"],
    );
    fails(t.path(), "reproduce runs/r-centre-box-fill --data moved --limit 3", 14, &[sample, "2 of 3 samples"]);
    fails(t.path(), "reproduce runs/r-centre-box-fill --data city --limit 2", 14, &["0 of 0 samples are the same"]);
}

#[test]
fn a_run_that_does_not_tell_its_command_cannot_be_made_again() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --limit 4 --method centre-box --name r");
    let path = t.path().join("runs/r/manifest.json");
    let manifest = parse(&fs::read_to_string(&path).unwrap());
    let with = |command: Value| {
        let mut manifest = manifest.clone();
        manifest["command"] = command;
        fs::write(&path, manifest.to_string()).unwrap();
    };
    with(json!([]));
    fails(t.path(), "reproduce runs/r", 3, &["runs/r does not tell the command that made it", "run it by hand"]);
    let mut old = manifest.clone();
    old.as_object_mut().unwrap().remove("command").unwrap();
    fs::write(&path, old.to_string()).unwrap();
    fails(t.path(), "reproduce runs/r", 3, &["runs/r does not tell the command that made it"]);
    ok(t.path(), "report runs/r");
    with(json!(["run", "--zoom", "9"]));
    fails(t.path(), "reproduce runs/r", 3, &["the command of runs/r is none of this version", "--zoom"]);
    with(json!(["report", "runs/r"]));
    fails(t.path(), "reproduce runs/r", 3, &["runs/r was made by no `run` or `score`"]);
    with(json!(["run", "--data", "set", "--method", "whole-image"]));
    fails(t.path(), "reproduce runs/r", 3, &["makes no run of centre-box + fill any more"]);
    with(json!(["run", "--data", "set", "--method", "centre-box", "--limit", "4"]));
    ok(t.path(), "reproduce runs/r");
    fails(t.path(), "reproduce runs/none", 3, &["runs/none is no run"]);
    fails(t.path(), "reproduce runs/r --limit 0", 2, &["--limit 0 chooses nothing"]);
}
