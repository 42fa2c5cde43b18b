//! `calibrate`: limits from the spread of a reference over seeds, which that reference keeps and a worse one does not.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use super::{SEEDED, executed, judged, measure};
use crate::support::{fails, json, ok, raw_set};

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

#[test]
fn limits_come_from_runs_of_several_seeds() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    fs::write(t.path().join("p.sh"), SEEDED).unwrap();
    for seed in 1..=3 {
        executed(t.path(), "sh p.sh", &format!("--seed {seed} --name s{seed}"));
    }
    let runs = "runs/s1 runs/s2 runs/s3";
    let value = json(&ok(t.path(), &format!("calibrate {runs} --json")));
    let spreads = value["spreads"].as_array().unwrap();
    let giou = spreads.iter().find(|s| s["measure"] == "gIoU").unwrap();
    let values: Vec<f64> = giou["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    for (name, value) in [("s1", values[0]), ("s2", values[1]), ("s3", values[2])] {
        let report = json(&ok(t.path(), &format!("report runs/{name} --json")));
        let reported = report["tables"][0]["rows"][0]["cells"]["All gIoU"]["percent"].as_f64().unwrap();
        assert!((value - reported).abs() < 1e-9, "{name}: {value} {reported}");
    }
    assert!(values[0] != values[1], "the seeds differ: {values:?}");
    assert!(values.len() == 3 && giou["detectable"].as_f64().unwrap() > 0.0, "{giou}");
    let proposed = texts(&value["proposed"]);
    assert!(
        proposed.len() == 2 && proposed[0].starts_with("giou=-") && proposed[1].starts_with("failures="),
        "{value}"
    );
    // No less than what the samples can tell.
    let width: f64 = proposed[0].trim_start_matches("giou=-").parse().unwrap();
    assert!(width >= giou["detectable"].as_f64().unwrap() && width < 2.0, "{giou}");

    // As options of a check they are what they say; so is every limit of the table.
    let table = ok(t.path(), &format!("calibrate {runs} --save base.json"));
    let options: Vec<String> = proposed.iter().map(|l| format!("--limit {l}")).collect();
    assert!(table.contains(&format!("Proposed: {}\n", options.join(" "))), "{table}");
    assert!(table.contains("exec:sh p.sh + fill") && table.contains("detectable"), "{table}");
    let every: Vec<&str> = spreads.iter().map(|s| s["limit"].as_str().unwrap()).collect();
    assert!(every.len() >= 9 && every.iter().any(|l| l.starts_with("p95=+")), "{every:?}");
    let checked =
        judged(t.path(), &format!("check runs/s1 --baseline runs/s1 --limit {}", every.join(",")), 0, "passed");
    assert_eq!(texts(&checked["limits"]), every);

    // The baseline is the first run, with these limits: the other seeds keep them, a worse program does not.
    let saved = json(&fs::read_to_string(t.path().join("base.json")).unwrap());
    assert_eq!(texts(&saved["limits"]), proposed);
    assert_eq!(saved["runs"].as_array().unwrap().len(), 1);
    assert_eq!(saved["runs"][0]["manifest"]["seed"], 1);
    for run in ["s1", "s2", "s3"] {
        let value = judged(t.path(), &format!("check runs/{run} --baseline base.json"), 0, "passed");
        assert_eq!(texts(&value["limits"]), proposed);
    }
    fs::write(t.path().join("p.sh"), SEEDED.replace("20,90,90", "0,99,1")).unwrap();
    executed(t.path(), "sh p.sh", "--seed 1 --name worse");
    let value = judged(t.path(), "check runs/worse --baseline base.json", 10, "regressed");
    assert_eq!(measure(&value, "failures")["gate"]["verdict"], "unchanged", "every sample has an answer");
}

#[test]
fn it_runs_the_seeds_itself_and_needs_more_than_one() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let line =
        "calibrate --times 3 --data set --limit 6 --method centre-box,oracle-box --seed 7 --name c --save two.json";
    let told = ok(t.path(), line);
    assert!(told.contains("The seeds make no difference: this reference is deterministic"), "{told}");
    let seed =
        |name: &str| json(&fs::read_to_string(t.path().join(name).join("manifest.json")).unwrap())["seed"].clone();
    for i in 7..10 {
        for method in ["centre-box", "oracle-box"] {
            assert_eq!(seed(&format!("runs/c-seed{i}-{method}-fill")), i);
        }
    }
    assert_eq!(fs::read_dir(t.path().join("runs")).unwrap().count(), 6);
    // One run of each method is kept, and what does not vary need not.
    let saved = json(&fs::read_to_string(t.path().join("two.json")).unwrap());
    let kept = saved["runs"].as_array().unwrap();
    let labels: Vec<&str> = kept.iter().map(|r| r["manifest"]["method"]["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["centre-box + fill", "oracle-box + fill"]);
    assert!(kept.iter().all(|r| r["manifest"]["seed"] == 7), "{saved}");
    assert_eq!(saved["limits"][0], "giou=0");
    let again = "check runs/c-seed8-centre-box-fill runs/c-seed9-oracle-box-fill --baseline two.json";
    let value = judged(t.path(), again, 0, "passed");
    assert_eq!(value["runs"].as_array().unwrap().len(), 2);
    // One seed of two methods, and no run at all.
    let one = "calibrate runs/c-seed7-centre-box-fill runs/c-seed7-oracle-box-fill";
    fails(t.path(), one, 3, &["nothing to calibrate: expected two or more runs of one method"]);
    fails(t.path(), "calibrate runs/none", 3, &["runs/none is no run"]);
    fails(t.path(), "calibrate --times 1", 2, &["1 is not in 2..=100"]);
    fails(t.path(), &format!("{one} --profile loose"), 2, &["unknown profile `loose`"]);
}
