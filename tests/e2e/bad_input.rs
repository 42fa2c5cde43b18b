//! Bad input: what is said, and the exit code. Nothing here may panic or leave half a file.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::support::{bench, fails, json, ok, raw_set, run, told};

/// Runs a method over a set of which one sample was spoilt: that sample is a status, the other 23 are scored.
fn spoilt(spoil: impl Fn(&Path), parts: &[&str]) {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    spoil(&set.join("test/name_00030"));
    let told = fails(t.path(), "run --data set --method whole-image", 20, parts);
    assert!(told.err.contains("name_00030: load error: "), "{}", told.err);
    assert!(told.err.contains("1 samples ended in an error (1 load error)"), "{}", told.err);
    assert!(told.out.contains("load error"), "the table counts it:\n{}", told.out);
    ok(t.path(), "run --data set --method whole-image --max-errors 1");
}

#[test]
fn truncated_images() {
    for file in ["sat.png", "map.png", "mask.png"] {
        let field = match file {
            "sat.png" => "field sat_image",
            "map.png" => "field map_image",
            _ => "field mask_label",
        };
        spoilt(
            |s| {
                let bytes = fs::read(s.join(file)).unwrap();
                fs::write(s.join(file), &bytes[..bytes.len() * 2 / 3]).unwrap();
            },
            &["set/test/name_00030", field, "broken PNG"],
        );
    }
}

#[test]
fn images_of_another_kind_and_empty_files() {
    spoilt(|s| fs::write(s.join("sat.png"), b"BM not a png").unwrap(), &["field sat_image", "not a PNG or JPEG"]);
    spoilt(|s| fs::write(s.join("map.png"), b"").unwrap(), &["field map_image", "no byte at all"]);
}

#[test]
fn wrong_sizes() {
    let smaller = |s: &Path, file: &str| {
        let image = image::open(s.join(file)).unwrap();
        image.crop_imm(0, 0, 64, 128).save(s.join(file)).unwrap();
    };
    spoilt(|s| smaller(s, "map.png"), &["map_image", "64x128 pixels, the satellite image 128x128", "registered"]);
    spoilt(|s| smaller(s, "mask.png"), &["mask_label", "64x128 pixels"]);
}

#[test]
fn broken_or_missing_questions() {
    let question = |text: &'static str| move |s: &Path| fs::write(s.join("question.json"), text).unwrap();
    spoilt(question("{\"problem\": "), &["field problem", "question.json is not a JSON object"]);
    spoilt(question("[1]"), &["field problem", "question.json is not a JSON object"]);
    spoilt(question("{\"question\": \"Zoo\"}"), &["has no field `problem`"]);
    spoilt(question("{\"problem\": 5}"), &["not a text"]);
    spoilt(question("{\"problem\": \" \"}"), &["empty `problem`"]);
    spoilt(|s| fs::remove_file(s.join("question.json")).unwrap(), &["field problem: missing"]);
    spoilt(|s| fs::remove_file(s.join("mask.png")).unwrap(), &["field mask_label: missing"]);
}

#[test]
fn stray_mask_values_count_as_foreground_and_are_found() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    let path = set.join("test/name_00030/mask.png");
    let mut grey = image::open(&path).unwrap().into_luma8();
    let before = grey.as_raw().iter().filter(|v| **v > 0).count();
    for (x, v) in [(0, 1), (1, 127), (2, 254)] {
        grey.put_pixel(x, 0, image::Luma([v]));
    }
    grey.save(&path).unwrap();
    let told = run(t.path(), "data verify set");
    assert_eq!(told.code, 0, "a warning is no error");
    assert!(
        told.out.contains("V203 stray mask values") && told.out.contains("3 pixels of values 1, 127, 254"),
        "{}",
        told.out
    );
    ok(t.path(), "run --data set --method whole-image --name r --ids name_00030");
    let log = fs::read_to_string(t.path().join("runs/r/records/shard-1-of-1.jsonl")).unwrap();
    assert_eq!(json(&log)["score"]["truth_area"], before as u64 + 3);
}

#[test]
fn no_data_and_unknown_layouts() {
    let t = tempdir().unwrap();
    fails(t.path(), "run --data nowhere", 3, &["no data at nowhere", "hub:OWNER/NAME"]);
    fs::create_dir(t.path().join("empty")).unwrap();
    fails(t.path(), "run --data empty", 3, &["empty holds neither data/<split>-00000"]);
    fs::create_dir_all(t.path().join("set/test")).unwrap();
    fails(t.path(), "run --data set", 3, &["split `test` of set has no samples (zero rows)"]);
    fails(t.path(), "data verify set", 3, &["zero rows"]);
    fails(t.path(), "run --data hub:nonsense", 2, &["not of the form hub:OWNER/NAME"]);
}

#[test]
fn corrupt_parquet_at_every_place() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "data convert set hub --to parquet");
    let path = t.path().join("hub/data/test-00000-of-00001.parquet");
    let whole = fs::read(&path).unwrap();
    for cut in [0, 3, whole.len() / 2, whole.len() - 5] {
        fs::write(&path, &whole[..cut]).unwrap();
        fails(
            t.path(),
            "run --data hub --method whole-image --name x",
            3,
            &["test-00000-of-00001.parquet is not readable as parquet"],
        );
    }
    // Zeroed stretches: an error that names the file, a sample that does not load, or (in unused bytes) nothing.
    for i in 0..24 {
        let mut spoilt = whole.clone();
        let at = whole.len() * i / 24;
        let end = (at + 64).min(spoilt.len());
        spoilt[at..end].fill(0);
        fs::write(&path, &spoilt).unwrap();
        let told = run(t.path(), &format!("run --data hub --method whole-image --name z{i}"));
        assert!([0, 3, 20].contains(&told.code), "{i}: {}\n{}", told.code, told.err);
        assert!(told.code == 0 || told.err.contains("parquet"), "{i}: {}", told.err);
        let panicked = told.err.lines().any(|l| l.contains("panicked") && !l.contains(".cargo/registry"));
        assert!(!panicked, "{i}: {}", told.err);
    }
}

#[test]
fn wrong_columns_and_zero_rows() {
    use std::sync::Arc;

    use socio_dataset::store::ParquetWriter;
    let t = tempdir().unwrap();
    // Our own table of records is parquet, but no dataset.
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method whole-image --name r");
    ok(t.path(), "export runs/r --out hub/data/test-00000-of-00001.parquet");
    fails(
        t.path(),
        "run --data hub",
        3,
        &["it has no column `problem`; it has: run, method", "expected the columns id, problem"],
    );
    let none = Arc::new(arrow_schema::Schema::empty());
    let writer = ParquetWriter::create(&t.path().join("zero"), "test", &none, 1 << 20).unwrap();
    writer.finish().unwrap();
    fails(t.path(), "run --data zero", 3, &["has no samples (zero rows)"]);
    fails(t.path(), "data verify zero", 3, &["zero rows"]);
    // A row without an id.
    let mut writer = ParquetWriter::create(&t.path().join("noid"), "test", &none, 1 << 20).unwrap();
    for (i, mut sample) in crate::scenes::scenes().take(2).enumerate() {
        if i == 1 {
            sample.id = String::new();
        }
        writer.write(sample).unwrap();
    }
    writer.finish().unwrap();
    fails(t.path(), "run --data noid", 3, &["has a sample without an id", "row 1"]);
    fails(t.path(), "data verify noid", 21, &["V101", "row 1"]);
}

#[test]
fn broken_runs() {
    let t = tempdir().unwrap();
    fails(t.path(), "report nowhere", 3, &["nowhere is no run"]);
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method whole-image --name r");
    let manifest = t.path().join("runs/r/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, &text[..40]).unwrap();
    fails(t.path(), "report runs/r", 3, &["manifest.json"]);
    fs::write(&manifest, text.replace("\"schema\": 1,", "\"schema\": 99,")).unwrap();
    fails(t.path(), "report runs/r", 3, &["has schema 99, this version reads 1"]);
    fs::write(&manifest, &text).unwrap();
    let log = t.path().join("runs/r/records/shard-1-of-1.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    fs::write(&log, lines.replacen("\"status\":\"ok\"", "\"status\":\"no_answer\"", 1)).unwrap();
    fails(t.path(), "report runs/r", 3, &["shard-1-of-1.jsonl line 1: its checksum does not fit", "remove the line"]);
}

/// Runs the binary in a mount namespace of its own; `None` where this machine allows none.
fn unshared(folder: &Path, prepare: &str, line: &str) -> Option<crate::support::Told> {
    let probe = std::process::Command::new("unshare").args(["-rm", "true"]).output();
    if !probe.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: no mount namespaces here");
        return None;
    }
    let script = format!("{prepare} && exec \"$0\" {line}");
    let inner = bench(folder);
    let mut command = std::process::Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]).arg(inner.get_program()).current_dir(folder);
    Some(told(command.output().unwrap()))
}

#[test]
fn a_read_only_output_folder() {
    let t = tempdir().unwrap();
    fs::create_dir(t.path().join("ro")).unwrap();
    let mount = "mount -t tmpfs -o ro,size=1m none ro";
    for line in ["run --method whole-image --runs ro", "run --method whole-image --runs ro/deeper"] {
        let Some(told) = unshared(t.path(), mount, line) else { return };
        assert_eq!(told.code, 4, "{}", told.err);
        assert!(told.err.contains("Read-only file system") && told.err.contains("ro/"), "{}", told.err);
        assert!(!told.err.contains("panicked"), "{}", told.err);
    }
    raw_set(t.path(), 1);
    for line in
        ["data convert set ro/out --to raw", "data convert set ro/out --to parquet", "data show set --out ro/s.png"]
    {
        let Some(told) = unshared(t.path(), mount, line) else { return };
        assert_eq!(told.code, 4, "`{line}`: {}", told.err);
        assert!(told.err.contains("Read-only file system"), "{}", told.err);
    }
}

#[test]
fn a_full_output_folder_keeps_whole_lines_and_the_run_goes_on_elsewhere() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 4);
    fs::create_dir(t.path().join("small")).unwrap();
    let mount = "mount -t tmpfs -o size=48k none small";
    let line = "run --data set --method oracle-box --runs small --name r; code=$?; cp -r small/r kept; exit $code";
    let script = line.replacen("run ", "", 1);
    // `exec` would end the shell before the copy.
    let probe = unshared(t.path(), "true", "--version");
    if probe.is_none() {
        return;
    }
    let mut command = std::process::Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", &format!("{mount} && \"$0\" run {script}")])
        .arg(bench(t.path()).get_program())
        .current_dir(t.path());
    let told = told(command.output().unwrap());
    assert_eq!(told.code, 4, "{}\n{}", told.out, told.err);
    assert!(told.err.contains("No space left on device") && told.err.contains("small/r/"), "{}", told.err);
    // What was finished is whole, and on a disk with room the same command goes on.
    ok(t.path(), "report kept");
    ok(t.path(), "run --data set --method oracle-box --runs . --name kept");
    ok(t.path(), "run --data set --method oracle-box --name undisturbed");
    assert_eq!(ok(t.path(), "report kept"), ok(t.path(), "report runs/undisturbed"));
    let Some(told) = unshared(t.path(), mount, "data convert set small/out --to parquet") else { return };
    assert_eq!(told.code, 4, "{}", told.err);
    assert!(told.err.contains("No space left"), "{}", told.err);
}
