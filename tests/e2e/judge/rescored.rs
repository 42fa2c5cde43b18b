//! `rescore` and `report --recount`: figures from the masks of a log alone, and counts that are not those of its masks.

use std::fs;

use socio_dataset::Mask;
use socio_dataset::hash::sha256_hex;
use tempfile::tempdir;

use super::masks;
use crate::support::{fails, json, ok, raw_set, run};

const PROFILES: [&str; 4] = ["strict", "socioreasoner", "lisa", "visionreasoner"];

#[test]
fn every_profile_comes_from_the_log_alone() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    masks(t.path(), "mine");
    let mine = t.path().join("mine");
    // One of another size, one without a pixel, one that is not there: profiles differ in what these are worth.
    let small = image::open(mine.join("name_00010.png")).unwrap();
    small.resize_exact(64, 64, image::imageops::FilterType::Nearest).save(mine.join("name_00010.png")).unwrap();
    fs::write(mine.join("name_00020.png"), Mask::new(128, 128).to_png().unwrap()).unwrap();
    fs::remove_file(mine.join("name_00030.png")).unwrap();
    fails(t.path(), "run --data set --method predictions:mine --name r", 20, &["1 missing prediction"]);
    fs::remove_dir_all(set).unwrap();
    fs::remove_dir_all(mine).unwrap();

    let value = json(&ok(t.path(), "rescore runs/r --json"));
    let rows = value["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|r| r["cells"]["Profile"].as_str().unwrap()).collect::<Vec<_>>(), PROFILES);
    for (row, profile) in rows.iter().zip(PROFILES) {
        let report = json(&ok(t.path(), &format!("report runs/r --profile {profile} --json")));
        let reported = &report["tables"][0]["rows"][0]["cells"];
        for column in ["socio-name cIoU", "socio-name gIoU", "All cIoU", "All gIoU", "All F1", "n", "failed"] {
            assert_eq!(row["cells"][column], reported[column], "{profile} {column}");
        }
    }
    let failed: Vec<u64> = rows.iter().map(|r| r["cells"]["failed"].as_u64().unwrap()).collect();
    assert_eq!(failed, [2, 1, 1, 1], "a mask of another size fails under strict alone");
    let figures = |i: usize| rows[i]["cells"]["All gIoU"]["percent"].as_f64().unwrap();
    assert!(figures(1) > figures(0) + 3.0, "{value:#}");
    let one = json(&ok(t.path(), "rescore runs/r --profile lisa --json"));
    assert_eq!(one["tables"][0]["rows"].as_array().unwrap()[..], rows[2..3]);
    let told = ok(t.path(), "rescore runs/r --profile strict,lisa --instances emitted");
    assert!(told.contains("strict") && !told.contains("visionreasoner"), "{told}");
    assert!(told.contains("The run's own profile is strict."), "{told}");

    // As a run of its own, by that profile.
    let told = ok(t.path(), "rescore runs/r --profile lisa --out deep/lisa");
    assert!(told.ends_with("deep/lisa\n"), "{told}");
    let (own, lisa) = (ok(t.path(), "report deep/lisa --json"), ok(t.path(), "report runs/r --profile lisa --json"));
    assert_eq!(own, lisa);
    assert_ne!(own, ok(t.path(), "report runs/r --json"));
    ok(t.path(), "report deep/lisa --recount");
    fails(t.path(), "rescore runs/r --profile lisa --out deep/lisa", 3, &["deep/lisa is a run already"]);
    for several in ["", "--profile all", "--profile lisa,strict"] {
        fails(t.path(), &format!("rescore runs/r {several} --out x"), 2, &["--out keeps a run of one profile"]);
    }
    fails(t.path(), "rescore runs/r --profile loose", 2, &["unknown profile `loose`", "strict, socioreasoner"]);
    fails(t.path(), "rescore runs/none", 3, &["runs/none is no run"]);
    assert!(!t.path().join("x").exists());
}

/// A record's line with the last of some text in it changed, and the checksum of what it is now.
fn forged(line: &str, from: &str, to: &str) -> String {
    let body = &line[..line.rfind(",\"sum\":\"").unwrap()];
    let (before, after) = body.split_at(body.rfind(from).unwrap());
    let body = format!("{before}{to}{}", &after[from.len()..]);
    let sum = sha256_hex(body.as_bytes());
    format!("{body},\"sum\":\"{}\"}}", &sum[..16])
}

#[test]
fn counts_that_are_not_those_of_their_masks_are_found() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method oracle-box --name r");
    let log = t.path().join("runs/r/records/shard-1-of-1.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    let honest = ok(t.path(), "rescore runs/r --json");
    ok(t.path(), "report runs/r --recount");
    let record = text.lines().find(|l| l.contains("\"id\":\"class_00090\"")).unwrap();
    let area = json(record)["score"]["intersection"].as_u64().unwrap();
    let (was, lie) = (format!("\"intersection\":{area}"), format!("\"intersection\":{}", area - 7));

    // Changed by hand, the line is not taken at all.
    fs::write(&log, text.replace(record, &record.replace(&was, &lie))).unwrap();
    for line in ["rescore runs/r", "report runs/r", "report runs/r --recount", "check runs/r --baseline runs/r"] {
        fails(t.path(), line, 3, &["shard-1-of-1.jsonl line ", "its checksum does not fit"]);
    }
    // With the right sum it is, but its masks tell.
    fs::write(&log, text.replace(record, &forged(record, &was, &lie))).unwrap();
    let told = ok(t.path(), "report runs/r --json");
    let percent = |report: &str| json(report)["tables"][0]["rows"][0]["cells"]["All cIoU"]["percent"].as_f64().unwrap();
    assert!(percent(&told) < 100.0, "the lie is believed without a recount: {told}");
    let why = "record class_00090: its counts are not those of its masks";
    let told = fails(t.path(), "report runs/r --recount", 3, &["runs/r: ", why]);
    assert!(told.out.is_empty(), "{}", told.out);
    let told = run(t.path(), "rescore runs/r --json");
    assert_eq!((told.code, told.err), (0, format!("{why}\n")), "the others are right");
    assert_eq!(told.out, honest);
    assert_eq!(percent(&told.out), 100.0);
    // Written anew, it is right again.
    ok(t.path(), "rescore runs/r --profile strict --out runs/mended");
    let mended = ok(t.path(), "report runs/mended --recount --json");
    assert_eq!(percent(&mended), 100.0);
}
