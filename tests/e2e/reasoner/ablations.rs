//! Ablations and options.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{points, records, remarks, row, scenes, stage_names, stages, write};
use crate::support::{fails, json as parse, ok};

#[test]
fn points_are_counted_out_and_a_switch_is_told() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let line = "run --data set --limit 2 --vlm answers:answers --json";
    for (name, more, count, part) in [
        ("all", "--method socioreasoner", 3, ""),
        ("one", "--method socioreasoner-1-point", 1, "retrained with mu = 1"),
        ("learned", "--method socioreasoner-1-point --trained-as socioreasoner-1-point", 3, ""),
        ("two", "--method socioreasoner --max-points 2", 2, "points the first 2"),
        ("named", "--method socioreasoner-2-points", 2, "mu = 2"),
        ("three", "--method socioreasoner-3-points", 3, "retrained with mu = 3"),
        ("need", "--method socioreasoner --points-by-need", 3, "points by need: not in the paper"),
    ] {
        let report = parse(&ok(t.path(), &format!("{line} {more} --name {name}")));
        let label = row(&report, "socioreasoner")["Method"].clone();
        let remarks = remarks(&report);
        assert_eq!(remarks.len(), usize::from(!part.is_empty()), "{more}: {remarks:?}");
        assert_eq!(label.as_str().unwrap().ends_with(" §"), !part.is_empty(), "{more}: {label}");
        assert!(remarks.iter().all(|r| r.contains(part)), "{more}: {remarks:?}");
        for record in records(&t.path().join("runs").join(name)).values() {
            assert!(points(record).iter().all(|n| *n == count), "{more}: {record}");
        }
    }
    // An option is another run, and changes no request to the model.
    fails(
        t.path(),
        &format!("{line} --method socioreasoner --max-points 2 --name all"),
        6,
        &["method.max_points: was -"],
    );
    let requests = |name: &str| -> Vec<Value> {
        let records = records(&t.path().join("runs").join(name));
        records.values().flat_map(stages).map(|s| s["request"].clone()).collect()
    };
    assert_eq!(requests("two"), requests("all"));
}

#[test]
fn ablations_of_the_policy_say_what_they_stand_for() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let line = "run --data set --limit 2 --vlm answers:answers --json";
    let report = parse(&ok(t.path(), &format!("{line} --method socioreasoner-wo-reflection --name once")));
    assert!(remarks(&report)[0].contains("inference-time variant"), "{report}");
    for record in records(&t.path().join("runs/once")).values() {
        assert_eq!((stage_names(record), &record["status"]), (vec!["answer"], &json!("ok")));
    }
    let sft = format!("{line} --method socioreasoner-sft --name sft");
    fails(t.path(), &sft, 2, &["not published", "--vlm", "--trained-as socioreasoner-sft"]);
    assert!(!t.path().join("runs/sft").exists());
    let report = parse(&ok(t.path(), &format!("{sft} --trained-as socioreasoner-sft")));
    assert!(remarks(&report).is_empty(), "{report}");
    let sft = records(&t.path().join("runs/sft"));
    assert!(sft.values().all(|r| stage_names(r) == ["localize", "refine"]));
    // A method's own checkpoint is not asked for another row's.
    fails(
        t.path(),
        &format!("{line} --method socioreasoner-sft --trained-as socioreasoner"),
        2,
        &["socioreasoner-sft"],
    );
}

#[test]
fn it_localises_again_only_where_the_mask_contradicts_its_box() {
    let t = tempdir().unwrap();
    scenes(t.path());
    write(&t.path().join("answers"), 1, "class_00100", "I cannot see it.");
    let line = "run --data set --limit 2 --vlm answers:answers --method socioreasoner --json";
    let of = |name: &str, more: &str| {
        let report = parse(&ok(t.path(), &format!("{line} --name {name} {more}")));
        let remarks = remarks(&report);
        assert!(remarks.len() == 1 && remarks[0].contains("not in the paper"), "{remarks:?}");
        records(&t.path().join("runs").join(name))
    };
    // A filled box agrees with itself; an answer that cannot be read contradicts anything.
    let filled = of("filled", "--relocalise --segmenter fill");
    assert_eq!(stage_names(&filled["class_00090"]), ["localize", "refine"]);
    assert_eq!(stage_names(&filled["class_00100"]), ["localize", "relocalize-1", "refine"]);
    assert_eq!(filled["class_00100"]["status"], "ok");
    let empty = of("empty", "--relocalise=2 --segmenter null");
    for record in empty.values() {
        assert_eq!(stage_names(record), ["localize", "relocalize-1", "relocalize-2", "refine"]);
        let asked: BTreeSet<&str> = stages(record).iter().map(|s| s["request"].as_str().unwrap()).collect();
        assert_eq!(asked.len(), 4, "each attempt is a request of its own");
    }
    let stopped = of("stopped", "--relocalise --stop-after 1 --segmenter null");
    assert!(stopped.values().all(|r| stage_names(r) == ["localize", "relocalize-1"]));
    fails(t.path(), &line.replace("socioreasoner", "zero-shot --relocalise"), 2, &["zero-shot has one stage"]);
}
