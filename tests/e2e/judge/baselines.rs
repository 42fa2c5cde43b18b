//! Baselines: small text files that stay as they are, keep their limits, and are not taken where they are broken.

use std::fs;

use tempfile::tempdir;

use super::{judged, masks, scored, spoil};
use crate::support::{fails, json, ok, raw_set};

#[test]
fn a_baseline_is_a_small_text_that_only_changes_with_its_run() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    masks(t.path(), "mine");
    scored(t.path(), "before");
    let read = |name: &str| fs::read_to_string(t.path().join(name)).unwrap();
    let told =
        ok(t.path(), "baseline save runs/before --out ci/baselines/a.json --limit ciou@*=-2,p95=+10% --limit giou=-1");
    let first = read("ci/baselines/a.json");
    assert_eq!(told, format!("ci/baselines/a.json: 1 run, 24 samples, {} bytes\n", first.len()));
    assert!(first.len() < 10_000, "{} bytes", first.len());
    // A line a sample, and its counts in it: a pull request shows which samples moved.
    let lines: Vec<&str> = first.lines().filter(|l| l.contains(" name_00010\"")).collect();
    assert!(lines.len() == 1 && lines[0].trim_start().starts_with("\"name ok "), "{lines:?}");
    // The same again, over itself and elsewhere; then another run, and the first once more. The limits stay.
    ok(t.path(), "baseline save runs/before --out ci/baselines/a.json");
    assert_eq!(read("ci/baselines/a.json"), first);
    spoil(&t.path().join("mine"), 12, 2);
    scored(t.path(), "after");
    ok(t.path(), "baseline save runs/after --out ci/baselines/a.json");
    let moved = read("ci/baselines/a.json");
    let rows = |text: &str| json(text)["runs"][0]["rows"].as_array().unwrap().clone();
    // Of each row all but the seconds, which every run has its own of.
    let counts = |text: &str| -> Vec<String> {
        let all = rows(text);
        let fields = all.iter().map(|r| r.as_str().unwrap().split(' ').collect::<Vec<_>>());
        fields.map(|f| [&f[..14], &f[15..]].concat().join(" ")).collect()
    };
    let differ = counts(&first).iter().zip(&counts(&moved)).filter(|(a, b)| a != b).count();
    assert_eq!((differ, rows(&moved).len()), (2, 24), "two masks moved");
    assert_eq!(json(&moved)["limits"].to_string(), r#"["ciou@*=-2","p95=+10%","giou=-1"]"#);
    ok(t.path(), "baseline save runs/before --out ci/baselines/a.json");
    assert_eq!(read("ci/baselines/a.json"), first);
    ok(t.path(), "baseline save runs/before --out ci/baselines/b.json --limit errors=0");
    assert_eq!(rows(&read("ci/baselines/b.json")), rows(&first));

    // What is there, and what is in it.
    let list = ok(t.path(), "baseline list");
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ci/baselines/a.json  "), "{list}");
    assert!(lines[0].contains("24 samples") && lines[0].contains("ciou@*=-2, p95=+10%, giou=-1"), "{list}");
    let list = json(&ok(t.path(), "baseline list ci/baselines --json"));
    assert_eq!(list[1]["file"], "ci/baselines/b.json");
    assert_eq!(list[0]["runs"], 1);
    assert_eq!(list[0]["samples"], 24);
    assert!(list[1]["limits"].to_string().contains("errors=0"), "{list}");
    let shown = ok(t.path(), "baseline show ci/baselines/a.json");
    for part in ["predictions:mine", "24 samples of split test", "Limits: ciou@*=-2, p95=+10%, giou=-1."] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    let shown = json(&ok(t.path(), "baseline show ci/baselines/a.json --json"));
    let of_run = json(&ok(t.path(), "report runs/before --json"));
    assert_eq!(shown["report"]["tables"][0]["rows"], of_run["tables"][0]["rows"]);
    assert_eq!(shown["limits"].to_string(), r#"["ciou@*=-2","p95=+10%","giou=-1"]"#);
    for (line, part) in [
        ("baseline list nowhere", "cannot list nowhere"),
        ("baseline show none.json", "there is no baseline at none.json: make one with `socio-bench baseline save"),
        ("baseline save runs/none --out c.json", "runs/none is no run"),
    ] {
        fails(t.path(), line, 3, &[part]);
    }
    fails(t.path(), "baseline save runs/before --out ci/baselines", 4, &["cannot write ci/baselines"]);
}

#[test]
fn half_a_run_and_one_run_twice_are_no_baseline() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method centre-box --name half --shard 1/2");
    let log = fs::read_to_string(t.path().join("runs/half/records/shard-1-of-2.jsonl")).unwrap();
    let missing = format!("runs/half is not finished: {} of 24 samples have not run", 24 - log.lines().count());
    fails(t.path(), "baseline save runs/half --out a.json", 3, &[missing.as_str()]);
    ok(t.path(), "run --data set --method centre-box --name whole");
    fails(t.path(), "baseline save runs/whole runs/half --out a.json", 3, &[missing.as_str()]);
    ok(t.path(), "run --data set --method centre-box --name half --shard 2/2");
    fails(
        t.path(),
        "baseline save runs/whole runs/half --out a.json",
        2,
        &["runs/whole and runs/half are both runs of centre-box + fill"],
    );
    assert!(!t.path().join("a.json").exists());
    ok(t.path(), "baseline save runs/half --out a.json");
    judged(t.path(), "check runs/whole --baseline a.json --limit giou=0,ciou=0,f1=0,failures=0", 0, "passed");
}

#[test]
fn a_broken_baseline_is_told_with_file_run_and_row() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method oracle-box,whole-image --name r");
    ok(t.path(), "baseline save runs/r-oracle-box-fill runs/r-whole-image --out good.json");
    let good = fs::read_to_string(t.path().join("good.json")).unwrap();
    // Level, status, inputs, scene, class, function, region, intersection, truth area, predicted area, resized, ...
    let row = |field: usize, lie: &str| {
        let mut value = json(&good);
        let row = value["runs"][1]["rows"][2].as_str().unwrap().to_owned();
        let mut fields: Vec<&str> = row.split(' ').collect();
        assert_ne!(fields[field], lie);
        fields[field] = lie;
        value["runs"][1]["rows"][2] = fields.join(" ").into();
        value.to_string()
    };
    let at = "run 2, row 3: ";
    let mut short = json(&good);
    short["runs"][1]["rows"][2] = "class ok".into();
    for (text, at, why) in [
        (good.get(..good.len() / 2).unwrap().to_owned(), "", "is no baseline: "),
        (String::new(), "", "is no baseline: "),
        ("[]".to_owned(), "", "is no baseline: it has no schema and runs"),
        (r#"{"schema": 1}"#.to_owned(), "", "is no baseline: it has no schema and runs"),
        (r#"{"schema": 1, "runs": [{}]}"#.to_owned(), "", "is no baseline: missing field"),
        (
            good.replacen("\"schema\": 1", "\"schema\": 9", 1),
            "",
            "has schema 9, this version reads 1: update socio-bench",
        ),
        (row(0, "street"), at, "unknown level `street`"),
        (row(1, "well"), at, "unknown status `well`"),
        (row(3, "999"), at, "its scene 999 is no word"),
        (row(3, "-"), at, "it has no scene"),
        (row(4, "999"), at, "its class 999 is no word"),
        (row(7, "99999"), at, "its intersection is larger than one of its areas"),
        (row(7, "-1"), at, "`-1` is no intersection"),
        (row(8, "99999999999999999999"), at, "`99999999999999999999` is no truth area"),
        (row(11, "1/2"), at, "`1/2` is no matched/predicted/truth of components"),
        (row(14, "soon"), at, "`soon` is no seconds"),
        (short.to_string(), at, "ends before its status"),
    ] {
        fs::write(t.path().join("bad.json"), text).unwrap();
        let expected = format!("error: bad.json: {at}{why}");
        for line in ["check runs/r-whole-image runs/r-oracle-box-fill --baseline bad.json", "baseline show bad.json"] {
            let told = fails(t.path(), line, 3, &[expected.as_str()]);
            assert!(told.out.is_empty() && told.err.lines().count() == 1, "{}\n{}", told.out, told.err);
        }
    }
    fails(t.path(), "baseline list .", 3, &["bad.json: run 2, row 3: "]);
    // A damaged file is not written over by chance: its limits would be lost.
    fails(t.path(), "baseline save runs/r-whole-image --out bad.json", 3, &["bad.json: run 2, row 3: "]);
    ok(t.path(), "baseline save runs/r-whole-image --out bad.json --limit giou=0");
    judged(t.path(), "check runs/r-whole-image --baseline bad.json", 0, "passed");
}
