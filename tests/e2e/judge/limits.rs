//! Limits: what is none is refused with the reason, whoever gives it.

use tempfile::tempdir;

use super::{judged, measure};
use crate::support::{fails, ok, raw_set};

#[test]
fn what_is_no_limit_is_refused_with_the_reason() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --limit 6 --method centre-box --name r");
    for (limit, part) in [
        ("giou", "expected NAME=CHANGE, NAME>=VALUE or NAME<=VALUE, as giou=-0.5, p95=+10% or failures<=3"),
        (
            "iou=-1",
            "there is no `iou`; there are giou, ciou, f1, precision, recall, mean, p50, p90, p95, p99, failures",
        ),
        ("giou=+1", "expected a loss, as -0.5 or -1%, or 0"),
        ("failures=-1", "expected a growth, as +10% or +2, or 0"),
        ("p95=+1", "expected a share, as +10%: times and memory are compared as ratios"),
        ("p95@name=+1%", "`p95` is of all samples: expected no `@`"),
        ("giou@street=-1", "there is no slice `street`; there are all, name, class, function and *"),
        ("giou=-half", "`-half` is no number: expected one as -0.5, +10% or 3"),
        ("giou=-inf", "`-inf` is no number"),
        ("giou<=50", "expected `>=` for `giou`"),
        ("failures>=1", "expected `<=` for `failures`"),
        ("giou>=50%", "a bound of the value itself takes no %"),
        ("giou>50", "after the name expected `=`, `>=` or `<=`"),
    ] {
        let named = format!("limit `{limit}`: ");
        for line in [
            "check runs/r --baseline runs/r",
            "compare runs/r runs/r",
            "baseline save runs/r --out base.json",
            // Of several the one that is wrong is named.
            "check runs/r --baseline runs/r --limit ciou=-1,f1@*=-2",
        ] {
            let told = fails(t.path(), &format!("{line} --limit {limit}"), 2, &[named.as_str(), part]);
            assert!(told.out.is_empty() && told.err.lines().count() == 1, "{}\n{}", told.out, told.err);
        }
        assert!(!t.path().join("base.json").exists(), "{limit}");
    }
    fails(t.path(), "check runs/r --baseline runs/r --profile loose", 2, &["unknown profile `loose`", "strict"]);
    for (option, part) in [
        ("--resamples 5", "expected 100 to 10000000"),
        ("--on-missing hide", "possible values: fail, intersect"),
        ("--inconclusive maybe", "possible values: pass, fail"),
        ("--format csv", "possible values: terminal, markdown, json, junit"),
    ] {
        fails(t.path(), &format!("check runs/r --baseline runs/r {option}"), 2, &[part]);
    }
    fails(t.path(), "check runs/r", 2, &["--baseline <BASELINE>"]);
    fails(t.path(), "check --baseline runs/r", 2, &["<RUNS>..."]);
}

#[test]
fn every_measure_can_be_limited() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method whole-image --name r");
    let check = "check runs/r --baseline runs/r --limit";
    let all = "giou=0,ciou=-1%,f1=-2,precision=0,recall=0,failures=0,errors=+1,mean=+1%,p50=+10%,p90=+10%,p95=0,p99<=9";
    let value = judged(t.path(), &format!("{check} {all}"), 0, "passed");
    for (name, limit) in [
        ("gIoU", "giou=0"),
        ("cIoU", "ciou=-1%"),
        ("F1", "f1=-2"),
        ("precision", "precision=0"),
        ("recall", "recall=0"),
        ("failures", "failures=0"),
        ("errors", "errors=+1"),
        ("mean latency", "mean=+1%"),
        ("p50 latency", "p50=+10%"),
        ("p90 latency", "p90=+10%"),
        ("p95 latency", "p95=0"),
        ("p99 latency", "p99<=9"),
    ] {
        let row = measure(&value, name);
        assert_eq!(row["gate"]["limit"], limit, "{row}");
        assert_eq!(row["gate"]["verdict"], "unchanged", "{row}");
        assert_eq!(row["before"], row["after"], "{row}");
    }
    // A share of a value is in its unit.
    let ciou = measure(&value, "cIoU");
    let share = ciou["before"].as_f64().unwrap() / 100.0;
    assert!((ciou["gate"]["tolerance"].as_f64().unwrap() - share).abs() < 1e-12 && share > 0.0, "{ciou}");
    // Precision and recall are there where they are limited.
    let value = judged(t.path(), &format!("{check} giou=0 --limit failures<=3"), 0, "passed");
    assert_eq!(value["limits"].to_string(), r#"["giou=0","failures<=3"]"#);
    let rows = super::comparison(&value)["measures"].as_array().unwrap();
    assert!(rows.iter().all(|r| r["measure"] != "precision" && r["measure"] != "recall"), "{value:#}");
}
