//! `data convert`, `verify`, `stats`, `show`.

use std::fs;

use image::GenericImageView;
use tempfile::tempdir;

use crate::support::{fails, json, ok, raw_set, run, tree};

#[test]
fn raw_to_parquet_and_back_is_the_same_and_scores_the_same() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 6);
    fs::rename(set.join("test/name_00015"), set.join("spare")).unwrap();
    fs::create_dir_all(set.join("train")).unwrap();
    fs::rename(set.join("spare"), set.join("train/name_00015")).unwrap();
    // Extra fields of three kinds, one of them missing in most samples.
    let question = set.join("test/name_00010/question.json");
    fs::write(&question, r#"{"problem":"School No. 1","region":"Banepa","gsd_m":0.13,"zoom":19,"checked":true}"#)
        .unwrap();
    let out = ok(t.path(), "data convert set hub --to parquet");
    assert!(out.contains("train: 1 samples") && out.contains("test: 143 samples"), "{out}");
    assert!(t.path().join("hub/data/test-00000-of-00001.parquet").is_file());
    assert!(t.path().join("hub/data/train-00000-of-00001.parquet").is_file());
    ok(t.path(), "data convert hub back --to raw");
    let (mut a, mut b) = (tree(&set), tree(&t.path().join("back")));
    let (qa, qb) =
        (a.remove("test/name_00010/question.json").unwrap(), b.remove("test/name_00010/question.json").unwrap());
    assert_eq!(json(&String::from_utf8(qa).unwrap()), json(&String::from_utf8(qb).unwrap()));
    assert!(a == b, "some file changed on the way");
    // The same inputs, so the same fingerprint and a report that is equal byte for byte.
    ok(t.path(), "run --data set --method oracle-box --name raw");
    ok(t.path(), "run --data hub --method oracle-box --name parquet");
    assert_eq!(ok(t.path(), "report runs/raw"), ok(t.path(), "report runs/parquet"));
    // A run may even change from one layout to the other.
    ok(t.path(), "run --data hub --method oracle-box --name raw");
    fails(t.path(), "data convert set hub --to parquet", 4, &["is there already"]);
    let again = ok(t.path(), "data convert hub back --to raw --json");
    assert_eq!(json(&again)["kept"], 144);
}

#[test]
fn many_rows_make_small_row_groups_and_many_bytes_make_shards() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 10);
    let out = ok(t.path(), "data convert set hub --to parquet --shard-mib 1 --json");
    let files = json(&out)["files"].as_array().unwrap().len();
    assert!(files >= 2, "{files}");
    let name = format!("hub/data/test-00001-of-{files:05}.parquet");
    assert!(t.path().join(&name).is_file());
    for entry in fs::read_dir(t.path().join("hub/data")).unwrap() {
        let path = entry.unwrap().path();
        assert!(!path.file_name().unwrap().to_string_lossy().starts_with('.'), "{}", path.display());
    }
    let verified = json(&ok(t.path(), "data verify hub --json"));
    assert_eq!(verified["report"]["samples"], 240);
    // A shard by itself is a dataset when it is named itself.
    let one = json(&ok(t.path(), &format!("data stats {name} --json")));
    assert!(one["test"]["levels"].as_array().unwrap().len() > 1);
    // One shard alone is not the split.
    fs::remove_file(t.path().join(&name)).unwrap();
    fails(t.path(), "data verify hub", 3, &["is missing", "00001-of-"]);
}

#[test]
fn extra_columns_of_any_shard_are_kept() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "data convert set a --to parquet");
    let question = t.path().join("set/test/name_00010/question.json");
    fs::write(&question, r#"{"problem":"School No. 1","region":"Banepa"}"#).unwrap();
    ok(t.path(), "data convert set b --to parquet");
    fs::create_dir_all(t.path().join("two/data")).unwrap();
    for (from, to) in [("a", "test-00000-of-00002"), ("b", "test-00001-of-00002")] {
        let to = t.path().join(format!("two/data/{to}.parquet"));
        fs::copy(t.path().join(from).join("data/test-00000-of-00001.parquet"), to).unwrap();
    }
    ok(t.path(), "data convert two joined --to parquet");
    ok(t.path(), "data convert joined/data/test-00000-of-00001.parquet back --to raw");
    // The first sample of that id comes without the column, the second is passed over: look at the parquet's text.
    let bytes = fs::read(t.path().join("joined/data/test-00000-of-00001.parquet")).unwrap();
    assert!(bytes.windows(6).any(|w| w == b"Banepa") || bytes.windows(6).any(|w| w == b"region"));
}

#[test]
fn a_sound_set_verifies_and_a_spoilt_one_is_told_apart() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    let out = ok(t.path(), "data verify set");
    assert!(out.contains("24 samples of 24 scenes in test (24): 0 errors, 0 warnings"), "{out}");
    let sample = |name: &str| set.join("test").join(name);
    let image = |name: &str, file: &str| image::open(sample(name).join(file)).unwrap();
    // Broken on purpose, a sample each.
    fs::remove_file(sample("name_00010").join("map.png")).unwrap();
    fs::write(sample("name_00020").join("question.json"), "{not json").unwrap();
    let bytes = fs::read(sample("name_00030").join("sat.png")).unwrap();
    fs::write(sample("name_00030").join("sat.png"), &bytes[..bytes.len() / 2]).unwrap();
    image("name_00040", "map.png").crop_imm(0, 0, 100, 128).save(sample("name_00040").join("map.png")).unwrap();
    image::GrayImage::new(128, 128).save(sample("name_00050").join("mask.png")).unwrap();
    let mut grey = image("name_00060", "mask.png").into_luma8();
    grey.put_pixel(0, 0, image::Luma([7]));
    grey.save(sample("name_00060").join("mask.png")).unwrap();
    fs::copy(sample("name_00070").join("sat.png"), sample("name_00070").join("map.png")).unwrap();
    let copy = |from: &str, to: &str| {
        fs::create_dir_all(set.join(to)).unwrap();
        for f in ["sat.png", "map.png", "mask.png", "question.json"] {
            fs::copy(sample(from).join(f), set.join(to).join(f)).unwrap();
        }
    };
    copy("class_00090", "test/class_99999");
    copy("class_00100", "train/class_00100");
    copy("class_00110", "train/thing_1");
    fs::write(sample("function_00170").join("mask.png"), b"GIF89a").unwrap();
    let told = run(t.path(), "data verify set --json");
    assert_eq!(told.code, 21, "{}", told.err);
    let report = json(&told.out);
    let found: Vec<(String, String, String)> = report["report"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| ["code", "id", "field"].map(|k| f[k].as_str().unwrap().to_owned()).into())
        .collect();
    let has = |code: &str, id: &str, field: &str| {
        assert!(found.iter().any(|(c, i, f)| c == code && i == id && f == field), "{code} {id} {field}:\n{found:#?}");
    };
    has("V101", "name_00010", "map_image");
    has("V102", "name_00020", "problem");
    has("V103", "name_00030", "sat_image");
    has("V104", "name_00040", "map_image");
    has("V201", "name_00050", "mask_label");
    has("V203", "name_00060", "mask_label");
    has("V205", "name_00070", "map_image");
    has("V204", "class_99999", "id");
    has("V106", "class_00100", "id");
    has("V107", "class_00100", "sat_image");
    has("V206", "thing_1", "id");
    has("V103", "function_00170", "mask_label");
    assert_eq!(report["errors"].as_u64().unwrap() + report["warnings"].as_u64().unwrap(), found.len() as u64);
    // People get a line each, with the file.
    let plain = run(t.path(), "data verify set").out;
    assert!(
        plain.contains("V104 sizes differ: ") && plain.contains("100x128 pixels, the satellite image 128x128"),
        "{plain}"
    );
}

#[test]
fn stats_count_levels_classes_and_instances() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let stats = json(&ok(t.path(), "data stats set --json"));
    let levels = stats["test"]["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 4);
    assert_eq!(levels[3][1]["samples"], 24);
    assert_eq!(stats["test"]["scenes"], 24);
    assert_eq!(stats["test"]["sizes"]["128x128"], 24);
    let classes: u64 = stats["test"]["classes"].as_array().unwrap().iter().map(|c| c[1].as_u64().unwrap()).sum();
    assert_eq!(classes, 8);
    assert!(ok(t.path(), "data stats set").contains("socio-name"));
}

#[test]
fn a_contact_sheet_is_a_picture_of_samples_and_runs() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method oracle-box --name o");
    ok(t.path(), "data show set --limit 4 --columns 2 --side 64 --run runs/o --out sheet.png");
    let sheet = image::open(t.path().join("sheet.png")).unwrap();
    // Two columns of three pictures of 64 pixels, gaps of 4, margins of 12; a title and labels.
    assert_eq!(sheet.dimensions(), (2 * (200 + 12) + 12, 2 * (36 + 64 + 12) + 12));
    fails(t.path(), "data show set --side 1", 2, &["--side 16 to 2048"]);
}
