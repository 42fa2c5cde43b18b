//! Every verdict has its exit code; that of what cannot be compared is in `comparable.rs`.

use std::fs;

use tempfile::tempdir;

use super::{judged, masks, measure, scored, spoil};
use crate::support::{fails, ok, raw_set};

#[test]
fn what_passes_what_is_worse_and_what_cannot_be_told() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    masks(t.path(), "mine");
    scored(t.path(), "before");
    // Two masks of 24 are two pixels beside their target.
    spoil(&t.path().join("mine"), 12, 2);
    scored(t.path(), "near");
    let check = "check runs/near --baseline runs/before --limit";
    let giou = |limit: &str, code: i32, verdict: &str| {
        let value = judged(t.path(), &format!("{check} {limit}"), code, verdict);
        measure(&value, "gIoU").clone()
    };
    // A loss of 1.6 points, and twice as much is what so few samples would find.
    let row = giou("giou=-0.5", 11, "inconclusive");
    let (lost, found) = (-row["better_by"]["value"].as_f64().unwrap(), row["detectable"].as_f64().unwrap());
    assert!(lost > 0.5 && lost < 3.0 && found > lost, "{row}");
    assert!(row["gate"]["remark"].as_str().unwrap().contains("so few samples tell losses from"), "{row}");
    let row = giou("giou=-0.5 --inconclusive pass", 0, "passed");
    assert_eq!(row["gate"]["verdict"], "inconclusive", "it passes, and is told");
    assert_eq!(giou("giou=-5", 0, "passed")["gate"]["verdict"], "unchanged");
    assert_eq!(giou("giou=-5%", 0, "passed")["gate"]["tolerance"], 5.0);
    // The value itself is known exactly, however few the samples are.
    assert_eq!(giou("giou>=99", 10, "regressed")["gate"]["verdict"], "regressed");
    let row = giou("giou>=98", 0, "passed");
    assert_eq!(row["gate"]["verdict"], "unchanged");
    assert!(row["gate"]["tolerance"].is_null() && row["gate"]["p"].is_null(), "{row}");
    // A bound of the value and one of the loss are two gates, in whichever order.
    for limits in ["giou>=99,giou=-5", "giou=-5,giou>=99"] {
        judged(t.path(), &format!("{check} {limits}"), 10, "regressed");
    }
    // Each slice is a gate: among four nothing is surer than alone.
    let value = judged(t.path(), &format!("{check} giou@*=-0.5"), 11, "inconclusive");
    let rows = super::comparison(&value)["measures"].as_array().unwrap();
    let gated: Vec<_> = rows.iter().filter(|r| !r["gate"].is_null()).collect();
    let slices: Vec<&str> = gated.iter().map(|r| r["slice"].as_str().unwrap()).collect();
    assert_eq!(slices, ["All", "socio-name", "socio-class", "socio-function"]);
    assert!(gated.iter().all(|r| r["measure"] == "gIoU" && r["gate"]["limit"] == "giou@*=-0.5"), "{value:#}");
    assert!(
        gated.iter().all(|r| r["gate"]["p_holm"].as_f64().unwrap() >= r["gate"]["p"].as_f64().unwrap()),
        "{value:#}"
    );
    let told = fails(t.path(), &format!("{check} giou=-0.5"), 11, &["inconclusive (exit code 11)"]);
    assert!(
        told.out.contains("gIoU of All inconclusive: 100.0 to ")
            && told.out.contains("so few samples tell losses from")
    );
}

#[test]
fn failures_have_a_code_of_their_own() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    masks(t.path(), "mine");
    scored(t.path(), "before");
    ok(t.path(), "baseline save runs/before --out base.json --limit giou=-50,failures=0");
    fs::remove_file(t.path().join("mine/name_00010.png")).unwrap();
    fails(t.path(), "run --data set --method predictions:mine --name lacks", 20, &["1 missing prediction"]);
    let check = "check runs/lacks --baseline base.json";
    let value = judged(t.path(), check, 20, "too many failures");
    assert_eq!(measure(&value, "failures")["before"], 0.0);
    assert_eq!(measure(&value, "failures")["after"], 1.0);
    assert_eq!(measure(&value, "gIoU")["gate"]["verdict"], "unchanged");
    fails(t.path(), check, 20, &["failures of All regressed: 0 to 1 (limit failures=0)", "(exit code 20)"]);
    for (limits, code, verdict) in [
        ("giou=-50,errors=0", 20, "too many failures"),
        ("failures<=0", 20, "too many failures"),
        ("giou=-50,failures=+1", 0, "passed"),
        ("errors<=1", 0, "passed"),
        // A metric that fell counts for more than what it fell by.
        ("giou>=99,failures=0", 10, "regressed"),
        ("giou=-0.5,failures=0", 20, "too many failures"),
    ] {
        judged(t.path(), &format!("{check} --limit {limits}"), code, verdict);
    }
    // With nothing asked, and a run's folder instead of a file: errors count.
    let value = judged(t.path(), "check runs/lacks --baseline runs/before", 20, "too many failures");
    assert_eq!(value["limits"].to_string(), r#"["giou=-0.5","errors=0"]"#);
    // What failed before already is no worse.
    judged(t.path(), "check runs/lacks --baseline runs/lacks", 0, "passed");
    let value = judged(t.path(), "check runs/before --baseline runs/lacks --limit errors=0", 0, "passed");
    assert_eq!(measure(&value, "errors")["gate"]["verdict"], "improved");
}

#[test]
fn times_of_another_machine_cannot_be_told() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method centre-box --name here");
    ok(t.path(), "baseline save runs/here --out base.json");
    let mut value = crate::support::json(&fs::read_to_string(t.path().join("base.json")).unwrap());
    value["runs"][0]["manifest"]["machine"]["processor"] = "Another 9000".into();
    fs::write(t.path().join("there.json"), value.to_string()).unwrap();
    let check = "check runs/here --baseline there.json --limit";
    let value = judged(t.path(), &format!("{check} p95=+10%"), 11, "inconclusive");
    let remark = measure(&value, "p95 latency")["gate"]["remark"].as_str().unwrap();
    assert_eq!(remark, "the runs are of different machines");
    let remarks = super::comparison(&value)["remarks"].as_array().unwrap();
    assert!(remarks.iter().any(|r| r.as_str().unwrap().contains("different machines")), "{remarks:?}");
    // A bound of the time itself is of this machine alone; metrics are of any.
    judged(t.path(), &format!("{check} p95<=60"), 0, "passed");
    judged(t.path(), &format!("{check} p95<=0.0000001"), 10, "regressed");
    judged(t.path(), &format!("{check} giou=0,ciou=0,f1=0"), 0, "passed");
}
