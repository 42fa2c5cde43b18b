//! The whole method: noise, right answers, the first stage alone, what goes wrong between the stages.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use socio_dataset::Rle;
use socio_dataset::hash::sha256_hex;
use tempfile::tempdir;

use super::{
    WHOLE, answer_as, chosen, kept, percent, points, real, records, remarks, row, said, scenes, stage_names, stages,
    status, write,
};
use crate::networks::{names, sam};
use crate::server::{Repository, Server};
use crate::support::{assets, bench, fails, json as parse, ok, raw_set, run, told};

#[test]
fn noise_comes_in_statuses_and_zeros_come_out() {
    let Some(assets) = assets() else { return };
    let t = tempdir().unwrap();
    ok(t.path(), "models init qwen2.5-vl-tiny --out tiny");
    let line = format!(
        "run --data $A/banepa_socioseg --ids {} --method socioreasoner --vlm candle:tiny \
         --segmenter candle:lite-medsam --max-new-tokens 8 --name noise --json",
        chosen(&assets)
    );
    let report = real(t.path(), &assets, &line);
    let cells = row(&report, "socioreasoner (tiny)");
    assert_eq!((&cells["n"], &cells["failed"]), (&json!(6), &json!(6)), "{cells}");
    let figures: Vec<f64> = cells.as_object().unwrap().values().filter_map(|c| c["percent"].as_f64()).collect();
    assert!(figures.len() >= 3 && figures.iter().all(|f| *f == 0.0), "{cells}");
    let statuses = report["tables"].as_array().unwrap().iter().find(|t| t["key"] == "statuses").unwrap();
    assert_eq!(statuses["rows"][0]["cells"]["bad grammar"], 6, "{statuses}");
    // A segmenter that takes boxes alone is told below the table.
    assert!(cells["Method"].as_str().unwrap().ends_with(" §"), "{cells}");
    let remarks = remarks(&report);
    assert!(remarks.len() == 1 && remarks[0].contains("takes no points: boxes alone reach it"), "{remarks:?}");
    let records = records(&t.path().join("runs/noise"));
    assert_eq!(records.len(), 6);
    let mut asked = BTreeSet::new();
    for record in records.values() {
        assert_eq!((&record["status"], stage_names(record)), (&json!("bad_grammar"), vec!["localize", "refine"]));
        for stage in stages(record) {
            assert!(stage["text"].is_string() && stage["message"].is_string(), "{stage}");
            // Two images of 27 by 27 merged patches.
            assert_eq!(stage["tokens"]["image"], 2 * 27 * 27, "{stage}");
            assert!(stage["tokens"]["prompt"].as_u64().unwrap() > 2 * 27 * 27, "{stage}");
            assert!(stage["tokens"]["completion"].as_u64().unwrap() <= 8, "{stage}");
            assert_eq!((&stage["frame"]["size"], status(stage)), (&json!([756, 756]), "bad_grammar"));
            assert_eq!((&stage["objects"], &stage["score"]["predicted_area"]), (&json!([]), &json!(0)));
            asked.insert(stage["request"].as_str().unwrap());
        }
        assert_eq!(record["score"]["predicted_area"], 0);
        assert!(record["timings"]["vlm"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(asked.len(), 12, "no two requests are alike");
}

#[test]
fn right_answers_score_what_the_boxes_are_worth() {
    let t = tempdir().unwrap();
    let oracle = parse(&ok(t.path(), "run --limit 12 --method oracle-box --name truth --json"));
    answer_as(&t.path().join("runs/truth"), &t.path().join("answers"), WHOLE);
    let line = "run --limit 12 --method socioreasoner --vlm answers:answers --name ours --json";
    let ours = parse(&ok(t.path(), line));
    assert!(remarks(&ours).is_empty(), "{ours}");
    let (oracle, ours) = (row(&oracle, "oracle-box + fill"), row(&ours, "socioreasoner"));
    assert_eq!((&ours["n"], &ours["failed"]), (&json!(12), &json!(0)));
    for column in ["All cIoU", "All gIoU"] {
        let (a, b) = (percent(&oracle, column), percent(&ours, column));
        assert!(b > 50.0 && (a - b).abs() < 1.0, "{column}: {a} and {b}");
    }
    for record in records(&t.path().join("runs/ours")).values() {
        assert_eq!(stage_names(record), ["localize", "refine"]);
        assert!(points(record).iter().all(|n| *n == 3), "{record}");
        for stage in stages(record) {
            assert_eq!((status(stage), &stage["frame"]["size"]), ("ok", &json!([756, 756])));
            // The union comes back to the image's own size, objects stay in the frame.
            assert_eq!(stage["mask"]["size"], json!([768, 768]));
            assert_eq!(stage["objects"][0]["mask"]["size"], json!([756, 756]));
        }
    }
}

#[test]
fn right_answers_on_real_samples_score_what_the_segmenter_can() {
    let Some(assets) = assets() else { return };
    let t = tempdir().unwrap();
    let line = format!("run --data $A/banepa_socioseg --ids {} --segmenter candle:lite-medsam --json", chosen(&assets));
    let oracle = real(t.path(), &assets, &format!("{line} --method oracle-box --name truth"));
    answer_as(&t.path().join("runs/truth"), &t.path().join("answers"), WHOLE);
    let more = "--method socioreasoner --vlm answers:answers --name ours";
    let ours = real(t.path(), &assets, &format!("{line} {more}"));
    let (oracle, ours) = (row(&oracle, "oracle-box"), row(&ours, "socioreasoner"));
    assert_eq!((&ours["n"], &ours["failed"]), (&json!(6), &json!(0)));
    // Resized images and boxes cost something: 1.4 and 2.5 points here, 0.6 and 1.0 over all 72 samples.
    for (column, most) in [("All gIoU", 3.0), ("All cIoU", 4.0)] {
        let (a, b) = (percent(&oracle, column), percent(&ours, column));
        assert!(b > 60.0 && (a - b).abs() < most, "{column}: {a} and {b}");
    }
    for record in records(&t.path().join("runs/ours")).values() {
        assert_eq!(record["status"], "ok", "{record}");
        assert!(points(record).iter().all(|n| *n == 0), "points are no use to this one: {record}");
        assert!(stages(record)[1]["objects"][0]["score"].is_f64(), "{record}");
    }
}

// The first stage alone.

#[test]
fn the_first_stage_of_a_finished_run_is_scored_from_its_log() {
    let t = tempdir().unwrap();
    scenes(t.path());
    // The stages differ: one sample has its answer in the second alone.
    write(&t.path().join("answers"), 1, "class_00100", &said(&[]));
    let line = "run --data set --limit 6 --vlm answers:answers --json";
    // Where no finished run is, it runs; half a run is none.
    let half = "--method socioreasoner --shard 1/2 --runs half --name whole";
    ok(t.path(), &format!("{line} {half}"));
    let told = run(t.path(), &format!("{line} --method socioreasoner --stop-after 1 --runs half --name first"));
    assert!(told.code == 0 && !told.err.contains("from its log"), "{}", told.err);
    let whole = parse(&ok(t.path(), &format!("{line} --method socioreasoner --name whole")));
    assert_eq!(row(&whole, "socioreasoner")["failed"], 0);
    for (name, method) in [("first", "socioreasoner --stop-after 1"), ("without", "socioreasoner-wo-refinement")] {
        let command = format!("{line} --method {method} --name {name}");
        let taken = run(t.path(), &command);
        assert_eq!(taken.code, 0, "{}", taken.err);
        let told = format!("runs/{name}: stage 1 of the finished run runs/whole, from its log");
        assert!(taken.err.contains(&told), "{}", taken.err);
        let asked = run(t.path(), &format!("{command} --runs other"));
        assert!(asked.code == 0 && !asked.err.contains("from its log"), "{}", asked.err);
        // Texts, requests (their seeds among them), masks and counts.
        let records = kept(&t.path().join("runs").join(name));
        assert_eq!(records, kept(&t.path().join("other").join(name)));
        assert_eq!(taken.out, asked.out);
        assert!(records.values().all(|r| stage_names(r) == ["localize"]));
        assert_eq!(records["class_00100"]["status"], "no_answer");
        assert_eq!(row(&parse(&taken.out), "socioreasoner")["failed"], 1);
    }
    // The same figures from the whole's log alone, without data and models.
    fs::remove_dir_all(t.path().join("answers")).unwrap();
    fs::remove_dir_all(t.path().join("set")).unwrap();
    let mut first = row(&parse(&ok(t.path(), "report runs/first --json")), "socioreasoner");
    let mut stopped = row(&parse(&ok(t.path(), "report runs/whole --stop-after 1 --json")), "socioreasoner");
    let label = row(&whole, "socioreasoner")["Method"].as_str().unwrap().to_owned();
    assert_eq!(stopped["Method"], format!("{label}, stage 1"));
    assert_eq!(first["Method"], label.replace(" + fill", ", stage 1 + fill"));
    for cells in [&mut first, &mut stopped] {
        cells.as_object_mut().unwrap().remove("Method");
    }
    assert_eq!(stopped, first);
    fails(t.path(), "report runs/whole --stop-after 2", 2, &["--stop-after"]);
}

/// Draws depend on the seed, the sample and the stage: not on what runs beside it, nor on what comes behind it.
#[test]
fn a_networks_draws_are_the_same_in_every_run() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "models init qwen2.5-vl-tiny --out tiny");
    let line = "run --data set --ids class_00090,name_00010 --vlm candle:tiny --max-new-tokens 6 --name r";
    let of = |runs: &str, more: &str| {
        ok(t.path(), &format!("{line} --runs {runs} {more}"));
        kept(&t.path().join(runs).join("r"))
    };
    let both = "--method socioreasoner";
    let first = of("a", &format!("{both} --deterministic"));
    for (runs, more) in [("b", "--deterministic"), ("c", "--in-flight 1"), ("d", "--in-flight 2")] {
        assert_eq!(of(runs, &format!("{both} {more}")), first, "{more}");
    }
    let log = |runs: &str| fs::read_to_string(t.path().join(runs).join("r/records/shard-1-of-1.jsonl")).unwrap();
    let bare = |text: String| -> Vec<String> {
        text.lines().map(|l| l.split("\"timings\"").next().unwrap().to_owned()).collect()
    };
    assert_eq!(bare(log("a")), bare(log("b")), "byte for byte, timings aside");
    // Two manifests as well, but for the words of the command: the machine is the same one.
    let manifest = |runs: &str| {
        let text = fs::read_to_string(t.path().join(runs).join("r/manifest.json")).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value.as_object_mut().unwrap().remove("command").unwrap();
        value
    };
    assert_eq!(manifest("a"), manifest("b"));
    let alone = of("e", "--method socioreasoner-wo-refinement");
    let other = of("f", &format!("{both} --seed 1"));
    for (id, record) in &first {
        let stage = &stages(record)[0];
        assert_eq!(stages(&alone[id]), std::slice::from_ref(stage), "{id}");
        assert_ne!(stages(&other[id])[0]["request"], stage["request"], "{id}");
    }
}

// What goes wrong between the stages.

#[test]
fn a_second_stage_that_fails_leaves_the_first_and_no_answer() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let answers = t.path().join("answers");
    write(&answers, 2, "class_00090", "<think>I am not sure.</think> There is none.");
    fs::remove_file(answers.join("stage2/class_00100.txt")).unwrap();
    write(&answers, 2, "class_00110", "<answer>[]</answer>");
    write(&answers, 1, "class_00120", "<answer>[]</answer>");
    write(&answers, 1, "class_00130", "<answer>[{\"bbox_2d\": 5}]</answer>");
    fs::remove_file(answers.join("stage1/class_00140.txt")).unwrap();
    let line = "run --data set --limit 7 --method socioreasoner --vlm answers:answers --name r";
    let parts = [
        "class_00100: backend error: ",
        "no file stage2/class_00100.txt",
        "no file stage1/class_00140.txt",
        "2 samples ended in an error (2 backend error)",
    ];
    fails(t.path(), line, 20, &parts);
    let records = records(&t.path().join("runs/r"));
    let (well, grammar, backend) = ("ok", "bad_grammar", "backend_error");
    for (id, statuses, part) in [
        ("class_00090", &[well, grammar][..], "no <answer> with an </answer> behind it"),
        ("class_00100", &[well, backend], "no file stage2/class_00100.txt"),
        ("class_00110", &[well, "no_answer"], "the answer is an empty list"),
        // The second stage is asked whatever became of the first.
        ("class_00120", &["no_answer", well], ""),
        ("class_00130", &[grammar, well], ""),
        ("class_00140", &[], "no file stage1/class_00140.txt"),
        ("class_00150", &[well, well], ""),
    ] {
        let record = &records[id];
        let found: Vec<&str> = stages(record).iter().map(status).collect();
        assert_eq!(found, statuses, "{record}");
        assert_eq!(record["status"], statuses.last().copied().unwrap_or(backend), "{record}");
        assert!(record["message"].as_str().unwrap_or_default().contains(part), "{record}");
        assert_eq!(record["message"].is_null(), part.is_empty(), "{record}");
        for stage in stages(record) {
            let area = stage["score"]["predicted_area"].as_u64().unwrap();
            let rle: Rle = serde_json::from_value(stage["mask"].clone()).unwrap();
            assert_eq!(rle.to_mask().unwrap().area(), area, "{id}");
            assert_eq!((area > 0, stage["message"].is_null()), (status(stage) == well, status(stage) == well), "{id}");
        }
        let last = stages(record).last().map_or(0, |s| s["score"]["predicted_area"].as_u64().unwrap());
        assert_eq!(record["score"]["predicted_area"], last, "{id}");
    }
    // What was said stays, though nothing came of it.
    assert!(stages(&records["class_00090"])[1]["text"].as_str().unwrap().contains("There is none."));
    ok(t.path(), "report runs/r --recount");
    ok(t.path(), &format!("{line} --max-errors 2"));
    // The first stage of the same log has other failures.
    let failed = |line: &str| row(&parse(&ok(t.path(), line)), "socioreasoner")["failed"].clone();
    assert_eq!(failed("report runs/r --json"), 4);
    assert_eq!(failed("report runs/r --json --stop-after 1"), 3);
}

// Networks.

/// A SAM takes the points, and tells by its own estimate how many of them serve an object.
#[test]
fn points_reach_a_sam_and_need_chooses_among_them() {
    let t = tempdir().unwrap();
    scenes(t.path());
    sam(t.path(), "sam");
    let line = "run --data set --limit 4 --method socioreasoner --vlm answers:answers --segmenter sam";
    ok(t.path(), &format!("{line} --name all"));
    ok(t.path(), &format!("{line} --name again --runs other"));
    ok(t.path(), &format!("{line} --name need --points-by-need"));
    let (all, need) = (records(&t.path().join("runs/all")), records(&t.path().join("runs/need")));
    assert_eq!(kept(&t.path().join("runs/all")), kept(&t.path().join("other/again")));
    for (id, record) in &all {
        assert_eq!(record["status"], "ok", "{record}");
        assert!(points(record).iter().all(|n| *n == 3) && points(&need[id]).iter().all(|n| *n <= 3), "{record}");
        let estimates = |record: &Value| -> Vec<f64> {
            let objects = stages(record)[1]["objects"].as_array().unwrap();
            objects.iter().map(|o| o["score"].as_f64().unwrap()).collect()
        };
        // As few points as come within a hundredth of the best estimate, which is no less than that of all points.
        for (fewer, whole) in estimates(&need[id]).iter().zip(estimates(record)) {
            assert!(*fewer >= whole - 0.01, "{id}: {fewer} and {whole}");
        }
    }
    // Where the second stage has its points, the first has none, and another mask.
    assert!(all.values().any(|r| stages(r)[0]["mask"] != stages(r)[1]["mask"]));
}

/// As a user names them: both models by their repositories of the hub, fetched once.
#[test]
fn both_models_come_from_the_hub_by_their_names() {
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "models init qwen2.5-vl-tiny --out made");
    sam(t.path(), "cut");
    let repository = |place: &'static str, folder: &str| {
        let folder = t.path().join(folder);
        let files = names(&folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap()));
        Repository { place, commit: COMMIT, revisions: &["main"], files: files.collect(), hash: sha256_hex }
    };
    let (vlm, cut) = (repository("models/acme/Reasoner-3B", "made"), repository("models/acme/cut-large", "cut"));
    let server = Server::start(move |r| if r.path.contains("Reasoner") { vlm.answer(r) } else { cut.answer(r) });
    let line = "run --data set --limit 1 --method socioreasoner --vlm acme/Reasoner-3B --segmenter acme/cut-large";
    let with = |more: &str, offline: bool| {
        let mut command = bench(t.path());
        command.env("HF_ENDPOINT", &server.address);
        if offline {
            command.env("HF_HUB_OFFLINE", "1");
        }
        let line = format!("{line} --max-new-tokens 4 --json {more}");
        told(command.args(line.split_whitespace()).output().unwrap())
    };
    let first = with("", false);
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.contains("socioreasoner (Reasoner-3B) + cut-large"), "{}", first.out);
    let asked = server.requests().len();
    let again = with("--runs other", true);
    assert_eq!((again.code, server.requests().len()), (0, asked), "{}", again.err);
    assert_eq!(with("--runs third --offline", false).code, 0);
    assert_eq!(server.requests().len(), asked, "--offline reaches models too");
}
