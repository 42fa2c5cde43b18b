//! What holds runs against each other: `compare`, `check`, `baseline`, `calibrate`, `rescore`, `reproduce`; and every
//! table.

mod baselines;
mod calibrated;
mod codes;
mod comments;
mod comparable;
mod limits;
mod reproduced;
mod rescored;
mod schema;
mod story;
mod tables;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{bench, json, ok, run, told, tree};

/// The true masks of the scenes at `set`, as another tool's answers to them.
pub(super) fn masks(folder: &Path, name: &str) {
    let to = folder.join(name);
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(folder.join("set/test")).unwrap() {
        let sample = entry.unwrap().path();
        let file = format!("{}.png", sample.file_name().unwrap().to_string_lossy());
        fs::copy(sample.join("mask.png"), to.join(file)).unwrap();
    }
}

/// Moves the first mask and then every so many-th to the right.
pub(super) fn spoil(masks: &Path, every: usize, pixels: u32) {
    for (name, bytes) in tree(masks).into_iter().step_by(every) {
        let old = image::load_from_memory(&bytes).unwrap().to_luma8();
        let moved = image::GrayImage::from_fn(old.width(), old.height(), |x, y| {
            if x < pixels { image::Luma([0]) } else { *old.get_pixel(x - pixels, y) }
        });
        moved.save(masks.join(name)).unwrap();
    }
}

/// A run of the masks at `mine` on the scenes at `set`: whatever they are, its row is the same.
pub(super) fn scored(folder: &Path, name: &str) {
    ok(folder, &format!("run --data set --method predictions:mine --name {name}"));
}

/// A run of a program: its command is the method, whatever the program does.
pub(super) fn executed(folder: &Path, program: &str, more: &str) {
    let method = format!("exec:{program}");
    let mut command = bench(folder);
    command.args(["run", "--data", "set", "--method", &method]).args(more.split_whitespace());
    let told = told(command.output().unwrap());
    assert_eq!(told.code, 0, "{program} {more}\n{}\n{}", told.out, told.err);
}

/// A program that marks a large box, whose left side depends on the last digit of the sample's seed.
pub(super) const SEEDED: &str = r#"while read -r l; do id=${l#*\"id\":\"}; id=${id%%\"*}
seed=${l#*\"seed\":}; seed=${seed%%[!0-9]*}
printf '{"id":"%s","objects":[{"box":[%s,20,90,90]}]}\n' "$id" $((20 + 2 * ${seed#${seed%?}})); done
"#;

/// What `check` or `compare` tells as JSON, which conforms to its schema and says the code that it exits with.
pub(super) fn judged(folder: &Path, line: &str, code: i32, verdict: &str) -> Value {
    let told = run(folder, &format!("{line} --json"));
    assert!(told.err.is_empty(), "`{line}`: {}", told.err);
    let value = json(&told.out);
    schema::conforms(&value);
    assert_eq!((told.code, value["verdict"].as_str()), (code, Some(verdict)), "`{line}`: {value:#}");
    assert_eq!(value["exit_code"], told.code, "`{line}`");
    assert!(told.code != 1 && told.code != 2, "shells and argument parsers use these");
    value
}

/// The only comparison of a check.
pub(super) fn comparison(check: &Value) -> &Value {
    let runs = check["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{check:#}");
    assert!(runs[0]["incomparable"].is_null(), "{check:#}");
    &runs[0]["comparison"]
}

/// A measure of the only comparison, over all samples.
pub(super) fn measure<'a>(check: &'a Value, name: &str) -> &'a Value {
    let rows = comparison(check)["measures"].as_array().unwrap();
    let mut found = rows.iter().filter(|r| r["measure"] == name && r["slice"] == "All");
    match (found.next(), found.next()) {
        (Some(one), None) => one,
        _ => panic!("not one measure `{name}`: {check:#}"),
    }
}

/// Why the only run of a check cannot be compared.
pub(super) fn differences(check: &Value) -> Vec<&str> {
    let runs = check["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{check:#}");
    assert!(runs[0]["comparison"].is_null(), "{check:#}");
    runs[0]["incomparable"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect()
}
