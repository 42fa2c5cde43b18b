//! What users give: methods of their own, replays, one pair of images, options; and faults that once were there.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use socio_dataset::Mask;
use tempfile::tempdir;

use super::{SCENES, boxes, kept, percent, records, remarks, right, row, said, scenes, stage_names, stages, write};
use crate::networks::names;
use crate::support::{fails, json as parse, ok, raw_set, run};

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
    // One whose checkpoint has to be declared, declared by its file.
    fs::write(
        t.path().join("learned.toml"),
        format!("{}\n[trained]\nhow = 'with care'\n", MINE.replace("\"mine\"", "\"learned\"")),
    )
    .unwrap();
    let learned = format!("{line} --method learned.toml --name learned");
    fails(t.path(), &learned, 2, &["a checkpoint with care", "--trained-as learned.toml"]);
    let report = parse(&ok(t.path(), &format!("{learned} --trained-as learned.toml")));
    assert!(remarks(&report).is_empty(), "{report}");
    // Nobody's name twice.
    fs::write(t.path().join("taken.toml"), MINE.replace("\"mine\"", "\"map-ocr\"")).unwrap();
    fails(t.path(), &format!("{line} --method taken.toml"), 3, &["taken.toml", "`map-ocr` is that of a method"]);
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
        (
            "nonsense",
            "there is no vision-language model of that name; there are candle:NAME, tch:NAME, ort:FOLDER, remote:MODEL, OWNER/NAME",
        ),
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
