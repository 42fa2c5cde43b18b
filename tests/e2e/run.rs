//! `run`: the main job, resuming, refusing, shards, selection.

use std::fs;

use tempfile::tempdir;

use crate::support::{fails, json, ok, raw_set, run};

#[test]
fn with_nothing_given_it_runs_on_the_city() {
    let t = tempdir().unwrap();
    let out = ok(t.path(), "run --limit 4");
    for part in
        ["whole-image ‡", "centre-box + fill ‡", "oracle-box + fill †", "4 samples, split test", "embedded city"]
    {
        assert!(out.contains(part), "{part}:\n{out}");
    }
    // Running it again runs nothing and tells the same.
    let log = t.path().join("runs/city-test-whole-image/records/shard-1-of-1.jsonl");
    let before = fs::read(&log).unwrap();
    assert_eq!(ok(t.path(), "run --limit 4"), out);
    assert_eq!(fs::read(&log).unwrap(), before);
    assert_eq!(before.iter().filter(|b| **b == b'\n').count(), 4);
}

#[test]
fn a_suite_sets_in_domain_beside_both_out_of_distribution_sets() {
    let t = tempdir().unwrap();
    let report = json(&ok(t.path(), "run --suite smoke --json"));
    let tables = report["tables"].as_array().unwrap();
    assert_eq!(tables[0]["key"], "sets");
    let rows = tables[0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let figure = |row: &serde_json::Value, column: &str| row["cells"][column]["percent"].as_f64().unwrap();
    for row in rows {
        // Floors and the oracle look at no map: on the same scenes in another style they say the same.
        for metric in ["cIoU", "gIoU", "F1"] {
            let own = figure(row, &format!("In domain {metric}"));
            assert_eq!(own, figure(row, &format!("Map style {metric}")));
            assert_eq!(own, figure(row, &format!("Restyled, dark@3 {metric}")));
        }
        assert!(figure(row, "New region gIoU") > 0.5);
    }
    let runs: Vec<_> = fs::read_dir(t.path().join("runs")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(runs.len(), 12, "{runs:?}");
    // The report from the records alone is the same one.
    let again = json(&ok(
        t.path(),
        "report --json runs/city-samples48-new8-size256-smoke-id-whole-image runs/city-samples48-new8-size256-smoke-region-whole-image",
    ));
    assert_eq!(again["tables"][0]["key"], "sets");
}

#[test]
fn a_suite_of_ones_own_works_the_same_way() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let suite = "name = 'mine'\ntitle = 'Mine'\nmethods = ['whole-image']\n[[set]]\nname = 'plain'\ntitle = 'Plain'\nsplit = 'test'\n\
                 [[set]]\nname = 'grey'\ntitle = 'Grey'\nsplit = 'test'\nrestyle = 'monochrome@5'\nlevels = ['class']\n";
    fs::write(t.path().join("mine.toml"), suite).unwrap();
    let out = ok(t.path(), "run --suite mine.toml --data set");
    assert!(out.contains("Plain 24 samples of split test; Grey 8 samples of split test"), "{out}");
    fs::write(t.path().join("bad.toml"), suite.replace("monochrome@5", "monochrome@9")).unwrap();
    fails(t.path(), "run --suite bad.toml --data set", 3, &["bad.toml", "monochrome@9", "1 to 5"]);
    fails(t.path(), "run --suite nowhere", 2, &["no suite `nowhere`", "style-stress"]);
    fails(t.path(), "run --suite id --data city:colour=red", 2, &["city option `colour=red`"]);
    fails(t.path(), "run --data restyle:night@1:set", 2, &["is no restyle", "label-removal"]);
}

#[test]
fn floors_and_oracle_are_what_they_should_be() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let report = json(&ok(t.path(), "run --data set --json"));
    let rows = report["tables"][0]["rows"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|r| r["cells"]["Method"].as_str().unwrap().starts_with(name)).unwrap();
    let figure = |name: &str, column: &str| row(name)["cells"][column]["percent"].as_f64().unwrap();
    // Every image is of one size: pooled and mean IoU of the whole image are both the foreground share.
    let (c, g) = (figure("whole-image", "All cIoU"), figure("whole-image", "All gIoU"));
    assert!((c - g).abs() < 1e-9 && c > 1.0, "{c} {g}");
    assert_eq!(figure("whole-image", "All F1"), 0.0);
    // The scenes' blocks are boxes: filling the true boxes is exact.
    assert_eq!(figure("oracle-box", "All cIoU"), 100.0);
    assert_eq!(figure("oracle-box", "All F1"), 100.0);
    assert!(rows.iter().all(|r| r["group"] == "reference"));
}

#[test]
fn changed_inputs_are_refused_with_the_difference() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method whole-image");
    let question = set.join("test/name_00030/question.json");
    let old = fs::read(&question).unwrap();
    fs::write(&question, r#"{"problem": "Another Place"}"#).unwrap();
    fails(
        t.path(),
        "run --data set --method whole-image",
        6,
        &["sample name_00030: its text or images changed", "data.fingerprint: was ", "--fresh"],
    );
    fs::write(&question, old).unwrap();
    ok(t.path(), "run --data set --method whole-image");
    // A number that another sample brings does not change this one's inputs.
    let (one, two) = (question.clone(), set.join("test/name_00040/question.json"));
    let (first, second) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    fs::write(&one, r#"{"problem":"A","zoom":19}"#).unwrap();
    ok(t.path(), "run --data set --method whole-image --name numbers");
    fs::write(&two, r#"{"problem":"B","zoom":18.5}"#).unwrap();
    let told =
        fails(t.path(), "run --data set --method whole-image --name numbers", 6, &["sample name_00040: its text"]);
    assert!(!told.err.contains("name_00030"), "{}", told.err);
    fs::write(&one, first).unwrap();
    fs::write(&two, second).unwrap();
    fails(t.path(), "run --data set --method whole-image --seed 7", 6, &["seed: was 42, is 7"]);
    fails(t.path(), "run --data set --method whole-image --limit 3", 6, &["selection: was ", "is gone"]);
    ok(t.path(), "run --data set --method whole-image --seed 7 --fresh");
    ok(t.path(), "run --data set --method whole-image --limit 3 --name three");
}

#[test]
fn shards_in_one_folder_or_several_make_the_whole() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 2);
    let line = "run --data set --method oracle-box";
    ok(t.path(), &format!("{line} --name whole"));
    let whole = ok(t.path(), "report runs/whole");
    let mut counts = Vec::new();
    for i in 1..=3 {
        ok(t.path(), &format!("{line} --shard {i}/3 --name part{i}"));
        ok(t.path(), &format!("{line} --shard {i}/3 --name together"));
        let log = fs::read_to_string(t.path().join(format!("runs/part{i}/records/shard-{i}-of-3.jsonl"))).unwrap();
        counts.push(log.lines().count());
    }
    assert_eq!(counts.iter().sum::<usize>(), 48);
    assert!(counts.iter().all(|c| *c > 5), "{counts:?}");
    assert_eq!(ok(t.path(), "report runs/together"), whole);
    ok(t.path(), "merge --out runs/merged runs/part1 runs/part2 runs/part3");
    assert_eq!(ok(t.path(), "report runs/merged"), whole);
    // Two of three: told as unfinished, not hidden.
    let two = ok(t.path(), "merge --out runs/two runs/part1 runs/part2 --json");
    assert_eq!(json(&two)["missing"], counts[2]);
    assert!(ok(t.path(), "report runs/two").contains("is not finished"));
    fails(t.path(), "merge --out runs/merged runs/part1", 3, &["is a run already"]);
    ok(t.path(), "run --data set --method whole-image --name other");
    fails(t.path(), "merge --out runs/x runs/part1 runs/other", 12, &["runs of different things", "method.name"]);
}

#[test]
fn samples_are_chosen_by_level_id_and_number() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let n = |line: &str| {
        let report = json(&ok(t.path(), &format!("run --data set --method whole-image --json {line}")));
        report["tables"][0]["rows"][0]["cells"]["n"].as_u64().unwrap()
    };
    assert_eq!(n("--level class,function --name a"), 16);
    assert_eq!(n("--limit 5 --name b"), 5);
    assert_eq!(n("--ids name_00010,class_00090 --name c"), 2);
    fs::write(t.path().join("ids"), "name_00010\n\nname_00020\n").unwrap();
    assert_eq!(n("--ids @ids --name d"), 2);
    fails(t.path(), "run --data set --ids name_1,name_2", 3, &["has no sample name_1, name_2"]);
    fails(t.path(), "run --data set --ids name_00010 --level class", 3, &["no sample"]);
    fs::write(t.path().join("none"), "\n").unwrap();
    fails(t.path(), "run --data set --ids @none", 2, &["--ids names no sample"]);
    fails(t.path(), "run --data set --limit 0", 2, &["--limit 0"]);
    fails(t.path(), "run --data set --in-flight 0", 2, &["--in-flight 0"]);
}

#[test]
fn deterministic_runs_are_equal_byte_for_byte_timings_aside() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let log = |name: &str| {
        ok(t.path(), &format!("run --data set --method oracle-box --deterministic --name {name}"));
        let text = fs::read_to_string(t.path().join(format!("runs/{name}/records/shard-1-of-1.jsonl"))).unwrap();
        text.lines().map(|l| l.split("\"timings\"").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(log("a"), log("b"));
    let ids = |name: &str| {
        json(&fs::read_to_string(t.path().join(format!("runs/{name}/manifest.json"))).unwrap())["id"].clone()
    };
    assert_eq!(ids("a"), ids("b"));
}

#[test]
fn the_order_and_number_in_flight_do_not_change_the_report() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 2);
    let report = |n: u32| {
        ok(t.path(), &format!("run --data set --method oracle-box,centre-box --in-flight {n} --name n{n}"));
        ok(t.path(), &format!("report runs/n{n}-oracle-box-fill runs/n{n}-centre-box-fill"))
    };
    let one = report(1);
    assert_eq!(report(2), one);
    assert_eq!(report(7), one);
}

/// A process that holds the log of run `r` while `meanwhile` runs.
fn while_held<T>(folder: &std::path::Path, meanwhile: impl FnOnce() -> T) -> T {
    let mut first = crate::support::bench(folder)
        .args(["run", "--data", "set", "--name", "r", "--method", SLOW])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let log = folder.join("runs/r/records/shard-1-of-1.jsonl");
    for _ in 0..200 {
        if log.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    let result = meanwhile();
    first.kill().unwrap();
    first.wait().unwrap();
    result
}

/// Never replies.
const SLOW: &str = "exec:while read -r l; do sleep 5; done";

#[test]
fn a_second_process_on_one_shard_is_refused() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let told = while_held(t.path(), || {
        let args = ["run", "--data", "set", "--name", "r", "--method", SLOW];
        crate::support::told(crate::support::bench(t.path()).args(args).output().unwrap())
    });
    assert_eq!(told.code, 4, "{}", told.err);
    assert!(told.err.contains("is being written by another process"), "{}", told.err);
}

#[test]
fn parameters_come_back_to_the_last_bit() {
    let t = tempdir().unwrap();
    for share in ["0.09222574290196013", "0.123456789012345678", "0.1"] {
        let line = format!("run --method centre-box --limit 6 --centre-share {share} --name s{share}");
        assert_eq!(ok(t.path(), &line), ok(t.path(), &line));
        ok(t.path(), &format!("{line}r --segmenter replay:runs/s{share}"));
    }
}

#[test]
fn records_of_another_run_are_never_taken_for_ones_own() {
    let t = tempdir().unwrap();
    ok(t.path(), "run --method centre-box --limit 4 --name x");
    fs::remove_file(t.path().join("runs/x/manifest.json")).unwrap();
    fails(t.path(), "run --method whole-image --limit 4 --name x", 3, &["records without a manifest", "--fresh"]);
    ok(t.path(), "run --method whole-image --limit 4 --name x --fresh");
    let log = fs::read_to_string(t.path().join("runs/x/records/shard-1-of-1.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 4);
    // A folder that is no run of ours stays as it is, whatever it is called.
    fs::create_dir_all(t.path().join("runs/keep/records")).unwrap();
    fs::write(t.path().join("runs/keep/records/x.txt"), "mine").unwrap();
    fs::write(t.path().join("runs/keep/manifest.json"), "{}").unwrap();
    fails(t.path(), "run --method whole-image --name keep --fresh", 3, &["manifest.json"]);
    assert!(t.path().join("runs/keep/records/x.txt").exists());
    for name in ["../out", "a/b", ".", ".."] {
        fails(t.path(), &format!("run --method whole-image --name {name}"), 2, &["expected the name of one folder"]);
    }
}

#[test]
fn fresh_waits_for_a_live_writer_and_one_run_is_one_folder() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let told = while_held(t.path(), || run(t.path(), "run --data set --method whole-image --name r --fresh"));
    assert_eq!(told.code, 4, "{}", told.err);
    assert!(told.err.contains("is being written by another process"), "{}", told.err);
    fails(t.path(), "run --method whole-image,whole-image", 2, &["asked for twice"]);
    // Two long commands that differ at their end only.
    let long = "x".repeat(90);
    let method = |end: &str| format!("exec:true {long}{end}");
    let told = crate::support::told(
        crate::support::bench(t.path())
            .args([
                "run",
                "--data",
                "set",
                "--limit",
                "1",
                "--max-errors",
                "9",
                "--method",
                &method("a"),
                "--method",
                &method("b"),
            ])
            .output()
            .unwrap(),
    );
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(told.out.lines().filter(|l| l.starts_with("runs/set-test-exec-true")).count(), 2, "{}", told.out);
}

#[cfg(unix)]
#[test]
fn linked_samples_and_splits_go_by_the_links_name() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    fs::create_dir_all(t.path().join("linked/test")).unwrap();
    std::os::unix::fs::symlink(set.join("test/name_00010"), t.path().join("linked/test/name_7")).unwrap();
    let report = json(&ok(t.path(), "run --data linked --method whole-image --json"));
    assert_eq!(report["tables"][0]["rows"][0]["cells"]["n"], 1);
    fs::create_dir(t.path().join("splits")).unwrap();
    std::os::unix::fs::symlink(set.join("test"), t.path().join("splits/val")).unwrap();
    ok(t.path(), "run --data splits --split val --method whole-image");
}

#[test]
fn unknown_names_are_told_with_what_there_is() {
    let t = tempdir().unwrap();
    fails(t.path(), "run --method sam9", 2, &["there is no method `sam9`", "oracle-box"]);
    fails(t.path(), "run --segmenter sam9", 5, &["there is no segmenter of that name", "lite-medsam"]);
    fails(t.path(), "run --profile x", 2, &["unknown profile `x`", "socioreasoner"]);
    fails(t.path(), "run --shard 3/2", 2, &["names no shard"]);
    fails(t.path(), "run --split nowhere", 3, &["has no split `nowhere`; it has: train, val, test"]);
    fails(t.path(), "run --centre-share 2", 2, &["--centre-share 2"]);
    assert_eq!(run(t.path(), "run --nonsense").code, 2);
}
