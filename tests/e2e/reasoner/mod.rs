//! Methods that ask a vision-language model: both stages, ablations, peers, and whatever a model may say.

mod ablations;
mod given;
mod method;
mod peers;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use socio_dataset::Mask;

use crate::networks::names;
use crate::support::{bench, json as parse, raw_set, told};

/// From pixels of the small scenes, 128 x 128, to those that the model sees, 140 x 140.
pub(super) const SCENES: f64 = 140.0 / 128.0;
/// From pixels of 768 x 768 to the 756 x 756 that the model sees.
pub(super) const WHOLE: f64 = 756.0 / 768.0;

/// One answer of a recorded model.
pub(super) fn write(answers: &Path, stage: u8, id: &str, text: &str) {
    let place = answers.join(format!("stage{stage}"));
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join(format!("{id}.txt")), text).unwrap();
}

/// An answer as the prompt asks for it.
pub(super) fn said(objects: &[Value]) -> String {
    format!("<think>It is there.</think>\n<answer>{}</answer>", json!(objects))
}

/// Right answers of both stages: the true boxes in the pixels that the model sees; in the second, three points each.
pub(super) fn right(answers: &Path, id: &str, boxes: &[[f64; 4]], scale: f64) {
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
pub(super) fn boxes(mask: &Path) -> Vec<[f64; 4]> {
    let mask = Mask::from_image_bytes(&fs::read(mask).unwrap()).unwrap();
    mask.components().iter().map(|c| c.bbox().into()).collect()
}

/// The small scenes at `set`, and right answers to them at `answers`.
pub(super) fn scenes(folder: &Path) {
    let split = raw_set(folder, 1).join("test");
    for id in names(&split) {
        right(&folder.join("answers"), &id, &boxes(&split.join(&id).join("mask.png")), SCENES);
    }
}

/// The records of a run by sample.
pub(super) fn records(run: &Path) -> BTreeMap<String, Value> {
    let log = fs::read_to_string(run.join("records/shard-1-of-1.jsonl")).unwrap();
    log.lines().map(parse).map(|r| (r["id"].as_str().unwrap().to_owned(), r)).collect()
}

/// What of the records is the same on every machine.
pub(super) fn kept(run: &Path) -> BTreeMap<String, Value> {
    let mut all = records(run);
    for record in all.values_mut() {
        let fields = record.as_object_mut().unwrap();
        assert!(fields.remove("timings").is_some() && fields.remove("sum").is_some());
        // A first stage that was taken from the whole's log has no times of its own.
        fields.remove("trace");
    }
    all
}

pub(super) fn stages(record: &Value) -> &[Value] {
    record["stages"].as_array().unwrap()
}

pub(super) fn stage_names(record: &Value) -> Vec<&str> {
    stages(record).iter().map(|s| s["name"].as_str().unwrap()).collect()
}

/// How a stage ended: left out of the record where that is well.
pub(super) fn status(stage: &Value) -> &str {
    stage["status"].as_str().unwrap_or("ok")
}

/// How many points each object of the last stage has.
pub(super) fn points(record: &Value) -> Vec<usize> {
    let objects = stages(record).last().unwrap()["objects"].as_array().unwrap();
    objects.iter().map(|o| o["points"].as_array().map_or(0, Vec::len)).collect()
}

/// The cells of the main table's only row whose label begins so.
pub(super) fn row(report: &Value, label: &str) -> Value {
    let rows = report["tables"][0]["rows"].as_array().unwrap();
    let mut found = rows.iter().filter(|r| r["cells"]["Method"].as_str().unwrap().starts_with(label));
    match (found.next(), found.next()) {
        (Some(one), None) => one["cells"].clone(),
        _ => panic!("not one row `{label}`: {report}"),
    }
}

pub(super) fn percent(cells: &Value, column: &str) -> f64 {
    cells[column]["percent"].as_f64().unwrap()
}

/// The lines below the main table that tell what a row lacks.
pub(super) fn remarks(report: &Value) -> Vec<&str> {
    let notes = report["tables"][0]["notes"].as_array().unwrap();
    notes.iter().map(|n| n.as_str().unwrap()).filter(|n| n.starts_with('§')).collect()
}

/// Runs on the real samples, `$A` being the assets.
pub(super) fn real(folder: &Path, assets: &Path, line: &str) -> Value {
    let line = line.replace("$A", &assets.display().to_string());
    let told = told(bench(folder).env("SOCIO_MODELS", assets).args(line.split_whitespace()).output().unwrap());
    assert_eq!(told.code, 0, "`{line}`\n{}\n{}", told.out, told.err);
    assert!(!told.err.contains("panicked"), "{}", told.err);
    parse(&told.out)
}

/// Every twelfth of the real samples.
pub(super) fn chosen(assets: &Path) -> String {
    let ids = names(&assets.join("banepa_socioseg/test"));
    ids.into_iter().step_by(12).collect::<Vec<_>>().join(",")
}

/// Right answers from the boxes of a run of oracle-box.
pub(super) fn answer_as(oracle: &Path, answers: &Path, scale: f64) {
    for (id, record) in records(oracle) {
        let objects = record["stages"][0]["objects"].as_array().unwrap().iter();
        let boxes: Vec<[f64; 4]> = objects.map(|o| serde_json::from_value(o["box"].clone()).unwrap()).collect();
        right(answers, &id, &boxes, scale);
    }
}
