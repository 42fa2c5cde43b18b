//! Methods that ask a vision-language model: both stages, ablations, peers, and whatever a model may say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use socio_dataset::{Mask, Rle};
use tempfile::tempdir;

use crate::networks::names;
use crate::support::{assets, bench, fails, json as parse, ok, raw_set, run, told};

/// From pixels of the small scenes, 128 x 128, to those that the model sees, 140 x 140.
const SCENES: f64 = 140.0 / 128.0;
/// From pixels of 768 x 768 to the 756 x 756 that the model sees.
const WHOLE: f64 = 756.0 / 768.0;

/// One answer of a recorded model.
fn write(answers: &Path, stage: u8, id: &str, text: &str) {
    let place = answers.join(format!("stage{stage}"));
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join(format!("{id}.txt")), text).unwrap();
}

/// An answer as the prompt asks for it.
fn said(objects: &[Value]) -> String {
    format!("<think>It is there.</think>\n<answer>{}</answer>", json!(objects))
}

/// Right answers of both stages: the true boxes in the pixels that the model sees; in the second, three points each.
fn right(answers: &Path, id: &str, boxes: &[[f64; 4]], scale: f64) {
    let boxes: Vec<[f64; 4]> = boxes.iter().map(|b| b.map(|v| v * scale)).collect();
    let first: Vec<Value> = boxes.iter().map(|b| json!({ "bbox_2d": b })).collect();
    let second = boxes.iter().map(|b| {
        let (x, y) = (f64::midpoint(b[0], b[2]), f64::midpoint(b[1], b[3]));
        json!({ "bbox_2d": b, "points": [[x, y], [x + 1.0, y], [x, y + 1.0]] })
    });
    write(answers, 1, id, &said(&first));
    write(answers, 2, id, &said(&second.collect::<Vec<_>>()));
}

/// The boxes of a true mask.
fn boxes(mask: &Path) -> Vec<[f64; 4]> {
    let mask = Mask::from_image_bytes(&fs::read(mask).unwrap()).unwrap();
    mask.components().iter().map(|c| c.bbox().into()).collect()
}

/// The small scenes at `set`, and right answers to them at `answers`.
fn scenes(folder: &Path) {
    let split = raw_set(folder, 1).join("test");
    for id in names(&split) {
        right(&folder.join("answers"), &id, &boxes(&split.join(&id).join("mask.png")), SCENES);
    }
}

/// The records of a run by sample.
fn records(run: &Path) -> BTreeMap<String, Value> {
    let log = fs::read_to_string(run.join("records/shard-1-of-1.jsonl")).unwrap();
    log.lines().map(parse).map(|r| (r["id"].as_str().unwrap().to_owned(), r)).collect()
}

/// What of the records is the same on every machine.
fn kept(run: &Path) -> BTreeMap<String, Value> {
    let mut all = records(run);
    for record in all.values_mut() {
        let fields = record.as_object_mut().unwrap();
        assert!(fields.remove("timings").is_some() && fields.remove("sum").is_some());
    }
    all
}

fn stages(record: &Value) -> &[Value] {
    record["stages"].as_array().unwrap()
}

fn stage_names(record: &Value) -> Vec<&str> {
    stages(record).iter().map(|s| s["name"].as_str().unwrap()).collect()
}

/// How a stage ended: left out of the record where that is well.
fn status(stage: &Value) -> &str {
    stage["status"].as_str().unwrap_or("ok")
}

/// How many points each object of the last stage has.
fn points(record: &Value) -> Vec<usize> {
    let objects = stages(record).last().unwrap()["objects"].as_array().unwrap();
    objects.iter().map(|o| o["points"].as_array().map_or(0, Vec::len)).collect()
}

/// The cells of the main table's only row whose label begins so.
fn row(report: &Value, label: &str) -> Value {
    let rows = report["tables"][0]["rows"].as_array().unwrap();
    let mut found = rows.iter().filter(|r| r["cells"]["Method"].as_str().unwrap().starts_with(label));
    match (found.next(), found.next()) {
        (Some(one), None) => one["cells"].clone(),
        _ => panic!("not one row `{label}`: {report}"),
    }
}

fn percent(cells: &Value, column: &str) -> f64 {
    cells[column]["percent"].as_f64().unwrap()
}

/// The lines below the main table that tell what a row lacks.
fn remarks(report: &Value) -> Vec<&str> {
    let notes = report["tables"][0]["notes"].as_array().unwrap();
    notes.iter().map(|n| n.as_str().unwrap()).filter(|n| n.starts_with('§')).collect()
}

/// Runs on the real samples, `$A` being the assets.
fn real(folder: &Path, assets: &Path, line: &str) -> Value {
    let line = line.replace("$A", &assets.display().to_string());
    let told = told(bench(folder).env("SOCIO_MODELS", assets).args(line.split_whitespace()).output().unwrap());
    assert_eq!(told.code, 0, "`{line}`\n{}\n{}", told.out, told.err);
    assert!(!told.err.contains("panicked"), "{}", told.err);
    parse(&told.out)
}

/// Every twelfth of the real samples.
fn chosen(assets: &Path) -> String {
    let ids = names(&assets.join("banepa_socioseg/test"));
    ids.into_iter().step_by(12).collect::<Vec<_>>().join(",")
}

/// Right answers from the boxes of a run of oracle-box.
fn answer_as(oracle: &Path, answers: &Path, scale: f64) {
    for (id, record) in records(oracle) {
        let objects = record["stages"][0]["objects"].as_array().unwrap().iter();
        let boxes: Vec<[f64; 4]> = objects.map(|o| serde_json::from_value(o["box"].clone()).unwrap()).collect();
        right(answers, &id, &boxes, scale);
    }
}

// The whole method.

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
    // Two manifests as well: the machine is the same one.
    assert_eq!(
        fs::read(t.path().join("a/r/manifest.json")).unwrap(),
        fs::read(t.path().join("b/r/manifest.json")).unwrap()
    );
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

// Ablations and options.

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

// Peers.

/// What a peer would say of one object with a point in its middle, and a point beside it where it knows such.
fn peer(method: &str, [x0, y0, x1, y1]: [i64; 4], [x, y]: [i64; 2]) -> String {
    let (bbox, point) = (format!("[{x0}, {y0}, {x1}, {y1}]"), format!("[{x}, {y}]"));
    let answer = match method {
        "seg-r1" => {
            return format!(
                "<think>There.</think> <bbox>{bbox}</bbox>, <points>[{point}, [1, 2]]</points>, <labels>[1, 0]</labels>"
            );
        }
        "vision-reasoner" => format!(r#"[{{"bbox_2d": {bbox}, "point_2d": {point}}}]"#),
        "sam-r1" => format!(r#"{{"bbox": {bbox}, "points": [[{x}, {y}, 1], [1, 2, 0]]}}"#),
        "remote-reasoner" => format!("[{bbox}]"),
        _ => format!(r#"[{{"bbox_2d": {bbox}, "points": [{point}]}}]"#),
    };
    format!("<think>There.</think>\n<answer>{answer}</answer>")
}

#[test]
fn every_peer_is_read_by_its_own_grammar() {
    let t = tempdir().unwrap();
    let split = raw_set(t.path(), 1).join("test");
    let ids = ["name_00010", "name_00020"];
    let mut requests = BTreeSet::new();
    for (method, background) in [
        ("vision-reasoner", false),
        ("seg-r1", true),
        ("sam-r1", true),
        ("remote-reasoner", false),
        ("zero-shot", false),
    ] {
        let mut expected = BTreeMap::new();
        for id in ids {
            let truth = boxes(&split.join(id).join("mask.png"));
            let [x0, y0, x1, y1] = truth[0].map(|v| (v * SCENES).round());
            let middle = [f64::midpoint(x0, x1).trunc(), f64::midpoint(y0, y1).trunc()];
            let bbox = [x0, y0, x1, y1];
            let text = peer(method, bbox.map(|v| v as i64), middle.map(|v| v as i64));
            write(&t.path().join(method), 1, id, &text);
            expected.insert(id, (json!(bbox), json!([middle]), text));
        }
        let ids = ids.join(",");
        let line =
            format!("run --data set --ids {ids} --method {method} --vlm answers:{method} --json --name {method}");
        let report = parse(&ok(t.path(), &line));
        let cells = row(&report, method);
        assert_eq!((&cells["n"], &cells["failed"], percent(&cells, "All F1")), (&json!(2), &json!(0), 100.0));
        assert!(percent(&cells, "All gIoU") > 60.0, "{cells}");
        // Their rows are of checkpoints that nobody has, but for who says so.
        let marked = remarks(&report).iter().any(|r| r.contains("retrained on SocioSeg"));
        assert_eq!(marked, method != "zero-shot", "{report}");
        let learned = parse(&ok(t.path(), &format!("{line}-own --trained-as {method}")));
        assert!(remarks(&learned).is_empty(), "{learned}");
        for (id, record) in records(&t.path().join("runs").join(method)) {
            let (bbox, middle, text) = &expected[id.as_str()];
            assert_eq!((stage_names(&record), &record["status"]), (vec!["answer"], &json!("ok")), "{record}");
            let stage = &stages(&record)[0];
            let objects = stage["objects"].as_array().unwrap();
            assert_eq!((objects.len(), &stage["text"]), (1, &json!(text)), "{record}");
            assert_eq!((&objects[0]["box"], &objects[0]["points"]), (bbox, middle), "{method}");
            let besides = if background { json!([[1.0, 2.0]]) } else { Value::Null };
            assert_eq!(objects[0]["background"], besides, "{method}");
            requests.insert(stage["request"].to_string());
        }
    }
    assert_eq!(requests.len(), 10, "each peer has a prompt of its own");
}

/// `(table, method)` of the rows of the paper's tables, and of the tables that print the same rows once more.
fn rows_of_the_paper() -> [BTreeSet<(String, String)>; 2] {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/paper.toml");
    let text = fs::read_to_string(file).unwrap();
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for block in text.split("\n[[row]]\n").skip(1) {
        let block = block.split("\n[[").next().unwrap();
        let field = |name: &str| {
            block.lines().find_map(|l| Some(l.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned()))
        };
        let method = field("method").unwrap();
        found[0].insert((field("table").unwrap(), method.clone()));
        found[1].extend(field("also").map(|table| (table, method)));
    }
    assert!(found[0].len() > 40 && found[1].len() == 6, "{found:?}");
    found
}

#[test]
fn every_row_of_the_paper_has_its_method() {
    let t = tempdir().unwrap();
    let listed = parse(&ok(t.path(), "list methods --json"));
    let listed = listed.as_array().unwrap();
    let [rows, again] = rows_of_the_paper();
    let mut answered = BTreeSet::new();
    for method in listed {
        for row in method["paper"].as_array().unwrap() {
            let (table, name) = row.as_str().unwrap().split_once(": ").unwrap();
            let row = (table.to_owned(), name.to_owned());
            assert!(rows.contains(&row) || again.contains(&row), "{}: no row {row:?}", method["name"]);
            answered.insert(row);
        }
        let outside = method["kind"] == "predictions";
        let paper = !method["paper"].as_array().unwrap().is_empty();
        assert!(!outside || paper, "{method}");
        if paper {
            assert!(!method["source"].as_str().unwrap().is_empty(), "{method}");
            assert_eq!(method["vlm"], !outside, "{method}");
            assert!(outside || method["checkpoint"].is_string() || method["trained"].is_string(), "{method}");
        }
        if outside {
            let name = method["name"].as_str().unwrap();
            fails(
                t.path(),
                &format!("run --limit 1 --method {name}"),
                2,
                &[name, "cannot be prompted", "predictions:DIR"],
            );
        }
    }
    // Table 8 has seconds a sample, of methods that other tables name.
    let open: Vec<(&str, &str)> = rows
        .difference(&answered)
        .filter(|(table, _)| table != "8")
        .map(|(table, name)| (table.as_str(), name.as_str()))
        .collect();
    assert_eq!(open, [("4", "VisionReasoner (SFT)")], "nobody has that checkpoint, and no method here says so");
    let named: BTreeSet<&str> = answered.iter().map(|(_, name)| name.as_str()).collect();
    assert!(rows.iter().filter(|(table, _)| table == "8").all(|(_, name)| named.contains(name.as_str())));
    // For people, each with its source and rows.
    let plain = ok(t.path(), "list methods");
    for part in ["vvangfaye/SocioReasoner-3B", "SocioReasoner-3B (SFT)", "arXiv 2505.22596", "rsrefseg"] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
}

// Methods of one's own, other grammars.

const MINE: &str = r#"
name = "mine"
about = "a prompt of mine"
source = "me"
grammar = "socioreasoner"
sight = { width = 128, height = 128 }
localize = { source = "me", system = "You read maps.", text = "Where is {prompt}?" }
refine = { source = "me", text = "Look again for {prompt}: {bboxs}" }
"#;

#[test]
fn a_method_of_ones_own_is_a_file() {
    let t = tempdir().unwrap();
    let split = raw_set(t.path(), 1).join("test");
    for id in ["name_00010", "name_00020"] {
        right(&t.path().join("answers"), id, &boxes(&split.join(id).join("mask.png")), 1.0);
    }
    let line = "run --data set --ids name_00010,name_00020 --vlm answers:answers --json";
    fs::write(t.path().join("mine.toml"), MINE).unwrap();
    let report = parse(&ok(t.path(), &format!("{line} --method mine.toml --name r")));
    let cells = row(&report, "mine (");
    // At the images' own size nothing is lost.
    assert_eq!((percent(&cells, "All cIoU"), &cells["failed"]), (100.0, &json!(0)), "{cells}");
    for record in records(&t.path().join("runs/r")).values() {
        assert_eq!(stage_names(record), ["localize", "refine"]);
        assert!(stages(record).iter().all(|s| s["frame"].is_null()), "{record}");
    }
    // Its own first stage comes from its own log.
    let told = run(t.path(), &format!("{line} --method mine.toml --stop-after 1 --name first"));
    assert!(told.code == 0 && told.err.contains("stage 1 of the finished run runs/r"), "{}", told.err);
    // A word less in a prompt is another run.
    fs::write(t.path().join("mine.toml"), MINE.replace("Where is", "Where's")).unwrap();
    fails(t.path(), &format!("{line} --method mine.toml --name r"), 6, &["method.prompt_localize: was "]);
    fails(t.path(), &format!("{line} --method mine"), 2, &["there is no method `mine`", "FILE.toml"]);
}

#[test]
fn a_broken_method_is_told_by_file_and_field() {
    let t = tempdir().unwrap();
    scenes(t.path());
    for (from, to, parts) in [
        ("grammar = \"socioreasoner\"", "", &["missing field `grammar`"][..]),
        ("\"socioreasoner\"", "\"loose\"", &["no answer grammar `loose`", "strict"]),
        ("refine = ", "refin = ", &["unknown field `refin`", "`refine`"]),
        (
            "{ source = \"me\", text = \"Look again for {prompt}: {bboxs}\" }",
            "\"again\"",
            &["there is no prompt `again`"],
        ),
        ("Where is {prompt}?", "Where?", &["has no {prompt}"]),
        ("\"mine\"", "\"my method\"", &["name `my method`"]),
        ("\"mine\"", "\"mine\"\nstop_after = 3", &["stage 3", "1 and 2"]),
        ("\"mine\"", "\"mine\"\nmax_points = -1", &["max_points = -1"]),
        ("{ width = 128, height = 128 }", "{ width = 128 }", &["sight"]),
        ("about = ", "about ", &["TOML parse error"]),
    ] {
        let text = MINE.replace(from, to);
        assert_ne!(text, MINE, "{from}");
        fs::write(t.path().join("mine.toml"), text).unwrap();
        let line = "run --data set --limit 1 --method mine.toml --vlm answers:answers";
        let told = fails(t.path(), line, 3, &[&["mine.toml"][..], parts].concat());
        assert!(told.err.starts_with("error: ") && told.out.is_empty(), "{}\n{}", told.out, told.err);
    }
    fails(t.path(), "run --limit 1 --method gone.toml --vlm null", 3, &["cannot read gone.toml"]);
    assert!(!t.path().join("runs").exists());
}

#[test]
fn the_strict_grammar_refuses_what_the_released_one_takes() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let answers = t.path().join("answers");
    let whole = r#"{"bbox_2d": [10, 10, 50, 60]}"#;
    let cases = [
        ("class_00090", r#"<answer>[{"bbox_2d": [50, 60, 10, 10]}]</answer>"#.to_owned(), "bbox_2d has no area"),
        (
            "class_00100",
            r#"<answer>[{"bbox_2d": [-5, 10, 50, 60]}]</answer>"#.to_owned(),
            "outside the image of 140x140",
        ),
        ("class_00110", format!("<answer>[{}]</answer>", whole.replace('}', ", \"label\": 1}")), "a field `label`"),
        ("class_00120", format!("<answer>[{whole}]</answer><answer>[]</answer>"), "more than one <answer>"),
        ("class_00130", format!("<answer>[{whole}, 7]</answer>"), "object 2: it is a number"),
        ("class_00140", format!("<answer>[{whole}]</answer>"), ""),
    ];
    for (id, text, _) in &cases {
        write(&answers, 1, id, text);
    }
    let of = |name: &str, more: &str| {
        let line =
            format!("run --data set --limit 6 --method zero-shot --vlm answers:answers --json --name {name} {more}");
        let report = parse(&ok(t.path(), &line));
        (remarks(&report).concat(), records(&t.path().join("runs").join(name)))
    };
    let (told, taken) = of("released", "");
    assert_eq!(told, "");
    assert!(taken.values().all(|r| r["status"] == "ok"), "{taken:?}");
    assert_eq!(taken["class_00130"]["message"], "left out: object 2: it is a number");
    let (told, read) = of("strict", "--grammar strict");
    assert!(told.contains("answers read by the strict grammar"), "{told}");
    for (id, _, part) in &cases {
        let (record, expected) = (&read[*id], if part.is_empty() { "ok" } else { "bad_grammar" });
        assert_eq!(record["status"], expected, "{record}");
        assert!(record["message"].as_str().unwrap_or_default().contains(*part), "{record}");
        assert_eq!(record["stages"][0]["request"], taken[*id]["stages"][0]["request"], "the question is the same");
    }
    // A peer's grammar reads none of these.
    let (_, read) = of("peer", "--grammar seg-r1");
    assert!(read.values().all(|r| r["status"] == "bad_grammar"), "{read:?}");
}

// Replays.

#[test]
fn a_run_answers_both_models_of_another() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let line = "run --data set --method socioreasoner --limit";
    let whole = parse(&ok(t.path(), &format!("{line} 6 --vlm answers:answers --name whole --json")));
    let recorded = kept(&t.path().join("runs/whole"));
    for gone in ["answers/stage1", "answers/stage2"] {
        fs::remove_dir_all(t.path().join(gone)).unwrap();
    }
    let from = "--vlm replay:runs/whole --segmenter replay:runs/whole";
    let again = parse(&ok(t.path(), &format!("{line} 6 {from} --name again --json")));
    assert_eq!(kept(&t.path().join("runs/again")), recorded);
    let figures = |report: &Value| {
        let mut cells = row(report, "socioreasoner");
        cells.as_object_mut().unwrap().remove("Method");
        cells
    };
    assert_eq!(figures(&again), figures(&whole));
    // The same words by another grammar, where that leads to the same prompts.
    ok(t.path(), &format!("{line} 6 {from} --grammar strict --name strict"));
    for (name, more, errors) in [
        ("warm", "6 --temperature 0.5", 6),
        ("seeded", "6 --seed 1", 6),
        ("short", "6 --max-new-tokens 7", 6),
        ("more", "7", 1),
    ] {
        let counted = format!("({errors} backend error)");
        let parts = ["runs/whole holds no answer to this request (request ", counted.as_str()];
        fails(t.path(), &format!("{line} {more} {from} --name {name}"), 20, &parts);
        let records = records(&t.path().join("runs").join(name));
        let failed: Vec<&Value> = records.values().filter(|r| r["status"] == "backend_error").collect();
        assert_eq!(failed.len(), errors, "{more}");
        assert!(failed.iter().all(|r| stages(r).is_empty() && r["message"].as_str().unwrap().contains("request ")));
    }
    // Texts alone are no masks.
    let told = fails(t.path(), &format!("{line} 6 {from} --max-points 1 --name one"), 20, &["(6 backend error)"]);
    assert!(told.err.contains("(prompt {\"box\":["), "{}", told.err);
    fails(t.path(), &format!("{line} 1 --vlm replay:nowhere"), 3, &["nowhere is no run"]);
}

// One pair of images.

#[test]
fn a_pair_of_images_gets_a_picture_of_each_stage() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let (answers, sample) = (t.path().join("answers"), t.path().join("set/test/name_00010"));
    right(&answers, "prediction", &boxes(&sample.join("mask.png")), SCENES);
    let of = |name: &str, more: &str| {
        format!(
            "predict --sat {0}/sat.png --map {0}/map.png --query School --method socioreasoner \
             --vlm answers:answers --out {name}.png --stages {name} {more}",
            sample.display()
        )
    };
    let size = |file: &Path| image::open(file).unwrap().into_rgb8().dimensions();
    let value = parse(&ok(t.path(), &of("both", "--json")));
    let files = ["1-localize-map", "1-localize-satellite", "2-refine-map", "2-refine-satellite", "stages"];
    let files: Vec<String> = files.iter().map(|f| format!("both/{f}.png")).collect();
    assert_eq!(value["stage_files"], json!(files));
    let input = image::open(sample.join("sat.png")).unwrap().into_rgb8();
    for file in &files[..4] {
        assert_eq!(size(&t.path().join(file)), input.dimensions(), "{file}");
    }
    let drawn = image::open(t.path().join("both/2-refine-satellite.png")).unwrap().into_rgb8();
    assert!(drawn.pixels().any(|p| p.0 == [0, 0, 255]) && drawn.pixels().any(|p| p.0 == [0, 160, 0]), "box and points");
    let (width, height) = size(&t.path().join("both/stages.png"));
    assert!(width > 2 * 384 && height > 3 * 384, "two pictures a stage and the inputs: {width} x {height}");
    let said: Vec<&str> = value["said"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect();
    assert_eq!((said, &value["frame"]), (vec!["localize", "refine"], &json!([140, 140])));
    assert_eq!(value["objects"][0]["points"].as_array().unwrap().len(), 3);
    let mask = Mask::from_image_bytes(&fs::read(t.path().join("both.png")).unwrap()).unwrap();
    assert_eq!((mask.size(), &value["area"]), ((128, 128), &json!(mask.area())));
    let plain = ok(t.path(), &of("both", ""));
    assert!(plain.contains("1 objects") && plain.contains("stages:  both/stages.png"), "{plain}");
    ok(t.path(), &of("first", "--stop-after 1"));
    assert_eq!(names(&t.path().join("first")), ["1-localize-map.png", "1-localize-satellite.png", "stages.png"]);
    // A stage that comes to nothing has its pictures all the same, and no mask is written.
    write(&answers, 2, "prediction", "<think>I am not sure.</think>");
    let parts = ["no answer: stage refine: no <answer>", "the model said: <think>I am not sure.</think>"];
    fails(t.path(), &of("failed", ""), 20, &parts);
    fs::remove_file(answers.join("stage2/prediction.txt")).unwrap();
    fails(t.path(), &of("silent", ""), 5, &["stage refine", "no file stage2/prediction.txt"]);
    for name in ["failed", "silent"] {
        let pictures: Vec<String> = files.iter().map(|f| f.replace("both/", "")).collect();
        assert_eq!(names(&t.path().join(name)), pictures);
        assert_eq!(size(&t.path().join(name).join("2-refine-map.png")), input.dimensions());
        assert!(!t.path().join(format!("{name}.png")).exists());
    }
    let blind = of("blind", "").replace(&format!("--map {}/map.png ", sample.display()), "");
    fails(t.path(), &blind, 20, &["there is no map to look at"]);
    fails(t.path(), &of("x", "").replace("--vlm answers:answers", ""), 2, &["name one with --vlm"]);
}

// Options.

#[test]
fn options_that_cannot_be_are_told_with_what_can() {
    let t = tempdir().unwrap();
    scenes(t.path());
    for (more, part) in [
        ("--stop-after 3", "1..=2"),
        ("--stop-after 0", "1..=2"),
        ("--greedy --temperature 1", "cannot be used with"),
        ("--greedy --top-k 5", "cannot be used with"),
        ("--top-p 0", "above 0 and up to 1"),
        ("--top-p 1.5", "above 0 and up to 1"),
        ("--top-p NaN", "above 0 and up to 1"),
        ("--temperature NaN", "temperature NaN: expected 0 or more"),
        ("--temperature=-1", "expected 0 or more"),
        ("--relocalise=9", "at most 3"),
        ("--grammar loose", "socioreasoner, strict"),
        ("--max-new-tokens 0", "expected 1 or more"),
        ("--max-points x", "--max-points"),
    ] {
        let line = format!("run --data set --limit 1 --method socioreasoner --vlm answers:answers {more}");
        let told = fails(t.path(), &line, 2, &[part]);
        assert!(told.err.starts_with("error: "), "{}", told.err);
    }
    // Who is not there to be asked.
    for (method, part) in [
        ("socioreasoner", "vvangfaye/SocioReasoner-3B"),
        ("zero-shot", "Qwen/Qwen2.5-VL-3B-Instruct"),
        ("seg-r1", "geshang/Seg-R1-3B"),
        ("socioreasoner-1-point", "--vlm"),
    ] {
        fails(t.path(), &format!("run --data set --limit 1 --method {method}"), 2, &["name one with --vlm", part]);
    }
    for (vlm, part) in [
        ("nonsense", "there is no vision-language model of that name; there are candle:NAME, OWNER/NAME"),
        ("fill", "there is no vision-language model of that name"),
        ("answers:nowhere", "cannot list nowhere/stage1"),
        ("candle:nowhere/at/all", "known names"),
    ] {
        fails(t.path(), &format!("run --data set --limit 1 --method socioreasoner --vlm {vlm}"), 5, &[part]);
    }
    assert!(!t.path().join("runs").exists(), "what is missing is found missing before anything runs");
    // Those that ask nobody ask nobody.
    ok(t.path(), "run --data set --limit 1 --method oracle-box --vlm nonsense");
}

/// As the released inference: tokens drawn in one way or another are other requests.
#[test]
fn sampling_is_part_of_what_was_run() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let line = "run --data set --limit 1 --method zero-shot --vlm answers:answers";
    let sampling = |name: &str, more: &str| {
        ok(t.path(), &format!("{line} --name {name} {more}"));
        let manifest = fs::read_to_string(t.path().join("runs").join(name).join("manifest.json")).unwrap();
        let sampling = parse(&manifest)["method"]["parameters"]["sampling"].clone();
        let of = |field: &str| sampling[field].as_f64().unwrap();
        (of("temperature"), of("top_k"), (of("top_p") * 100.0).round(), of("max_new_tokens"))
    };
    assert_eq!(sampling("released", ""), (1.0, 100.0, 80.0, 2048.0));
    assert_eq!(sampling("greedy", "--greedy --max-new-tokens 9").0, 0.0);
    let (temperature, top_k, top_p, most) =
        sampling("mine", "--temperature 0.5 --top-k 7 --top-p 1 --max-new-tokens 3");
    assert_eq!((temperature, top_k, top_p, most), (0.5, 7.0, 100.0, 3.0));
    fails(t.path(), &format!("{line} --name released --greedy"), 6, &["method.sampling: was "]);
}

// Written against faults that were there when these tests were.

/// The released parser takes `NaN` and `Infinity`; JSON has neither, and a record has to be read back.
#[test]
fn a_coordinate_that_is_no_number_does_not_spoil_the_log() {
    let t = tempdir().unwrap();
    scenes(t.path());
    for (id, object) in [
        ("class_00090", r#"{"bbox_2d": [NaN, 10, 50, 60]}"#),
        ("class_00100", r#"{"bbox_2d": [10, 10, Infinity, 60]}"#),
        ("class_00110", r#"{"bbox_2d": [10, 10, 1e400, 60]}"#),
        ("class_00120", r#"{"bbox_2d": [10, 10, 50, 60], "points": [[NaN, 20]]}"#),
        ("class_00130", r#"{"bbox_2d": [10, 10, 50, 60], "points": [[20, -Infinity]]}"#),
    ] {
        write(&t.path().join("answers"), 1, id, &format!("<answer>[{object}]</answer>"));
    }
    let line = "run --data set --limit 6 --method zero-shot --vlm answers:answers --json --name";
    let report = parse(&ok(t.path(), &format!("{line} r")));
    let cells = row(&report, "zero-shot");
    assert_eq!((&cells["n"], &cells["failed"]), (&json!(6), &json!(0)), "{cells}");
    assert_eq!(ok(t.path(), &format!("{line} r")), ok(t.path(), "report runs/r --json"), "it goes on where it was");
    ok(t.path(), "report runs/r --recount");
    ok(t.path(), &format!("{line} again --segmenter replay:runs/r"));
    let report = parse(&ok(t.path(), &format!("{line} strict --grammar strict")));
    assert_eq!(row(&report, "zero-shot")["failed"], 5);
}

/// The last part of a name is a row's; two models that share it are still two.
#[test]
fn two_models_of_one_last_name_both_run() {
    let t = tempdir().unwrap();
    scenes(t.path());
    fs::create_dir(t.path().join("a")).unwrap();
    fs::rename(t.path().join("answers"), t.path().join("a/said")).unwrap();
    write(&t.path().join("b/said"), 1, "class_00090", &said(&[]));
    let line = "run --data set --limit 1 --method zero-shot --vlm answers:a/said,answers:b/said --json";
    let report = parse(&ok(t.path(), line));
    assert_eq!(report["tables"][0]["rows"].as_array().unwrap().len(), 2, "{report}");
}

/// To stop behind the last stage is not to stop.
#[test]
fn the_whole_method_is_no_variant_of_itself() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let line = "run --data set --limit 1 --vlm answers:answers --json";
    let report = parse(&ok(t.path(), &format!("{line} --method socioreasoner --stop-after 2 --name r")));
    assert!(remarks(&report).is_empty(), "{:?}", remarks(&report));
    // A row `w/o refinement` never has a second stage without a word of it.
    let told = run(t.path(), &format!("{line} --method socioreasoner-wo-refinement --stop-after 2 --name wo"));
    if told.code == 0 {
        let refined = records(&t.path().join("runs/wo")).values().any(|r| stage_names(r).contains(&"refine"));
        assert!(!refined || !remarks(&parse(&told.out)).is_empty(), "{}", told.out);
    }
}

/// What is told of a stage is of that stage: where it said nothing, the text of the one before is not its own.
#[test]
fn a_silent_stage_is_not_given_the_words_of_another() {
    let t = tempdir().unwrap();
    scenes(t.path());
    let (answers, sample) = (t.path().join("answers"), t.path().join("set/test/name_00010"));
    right(&answers, "prediction", &boxes(&sample.join("mask.png")), SCENES);
    fs::remove_file(answers.join("stage2/prediction.txt")).unwrap();
    let line = format!(
        "predict --sat {0}/sat.png --map {0}/map.png --query School --method socioreasoner --vlm answers:answers",
        sample.display()
    );
    let told = fails(t.path(), &line, 5, &["stage refine"]);
    assert!(!told.err.contains("the model said"), "{}", told.err);
}
