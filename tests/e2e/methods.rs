//! Foreign programs, folders of masks, replay, one's own images.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::support::{Told, bench, fails, json, ok, raw_set, run, told};

/// Runs a foreign program as a method.
fn exec(folder: &Path, program: &str, more: &str) -> Told {
    let method = format!("exec:{program}");
    told(
        bench(folder)
            .args(["run", "--data", "set", "--limit", "3", "--name", "x", "--fresh", "--method", &method])
            .args(more.split_whitespace())
            .output()
            .unwrap(),
    )
}

/// Reads requests and answers each with `$id` in place.
fn answering(reply: &str) -> String {
    let reply = reply.replace('%', "%%").replace("$id", "%s");
    format!("while read -r l; do id=${{l#*\\\"id\\\":\\\"}}; id=${{id%%\\\"*}}; printf '{reply}\\n' \"$id\"; done")
}

#[test]
fn a_program_may_answer_with_objects_masks_or_files() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let record = || {
        json(fs::read_to_string(t.path().join("runs/x/records/shard-1-of-1.jsonl")).unwrap().lines().next().unwrap())
    };
    let told = exec(t.path(), &answering(r#"{"id":"$id","objects":[{"box":[10,10,20,30]}],"text":"a <b>"}"#), "");
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(record()["score"]["predicted_area"], 200);
    assert_eq!(record()["stages"][0]["text"], "a <b>");
    let full = socio_dataset::Rle::from(&socio_dataset::Mask::full(128, 128));
    let told = exec(
        t.path(),
        &answering(&format!(r#"{{"id":"$id","mask":{{"size":[128,128],"counts":"{}"}}}}"#, full.counts)),
        "",
    );
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(record()["score"]["predicted_area"], 128 * 128);
    let mask = t.path().join("m.png");
    fs::write(&mask, socio_dataset::Mask::from_bbox(128, 128, [0.0, 0.0, 5.0, 5.0].into()).to_png().unwrap()).unwrap();
    let told = exec(t.path(), &answering(&format!(r#"{{"id":"$id","mask_file":"{}"}}"#, mask.display())), "");
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(record()["score"]["predicted_area"], 25);
    // Finding nothing is an answer, though a failed one; what was said is kept.
    let told = exec(t.path(), &answering(r#"{"id":"$id","objects":[],"text":"there is none"}"#), "");
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(record()["status"], "no_answer");
    assert_eq!(record()["stages"][0]["text"], "there is none");
    ok(t.path(), "report runs/x --recount");
}

#[test]
fn a_program_that_fails_spoils_its_samples_and_no_more() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    for (program, more, part) in [
        ("exit 3".to_owned(), "", "the program ended without a reply (exit status: 3"),
        ("no-such-program-here".to_owned(), "", "the program ended without a reply"),
        ("exec 1>&-; cat >/dev/null".to_owned(), "--exec-timeout 2", "it closed its output and goes on"),
        ("sleep 60".to_owned(), "--exec-timeout 0.3", "no reply within"),
        (answering("nonsense $id"), "", "its reply is not as expected"),
        (answering(r#"{"id":"other $id","objects":[]}"#), "", "asked was `class_00"),
        (answering(r#"{"id":"$id"}"#), "", "neither mask, mask_file, objects nor error"),
        (answering(r#"{"id":"$id","error":"no GPU"}"#), "", "it says: no GPU"),
        (
            answering(r#"{"id":"$id","mask":{"size":[9,9],"counts":"5"}}"#),
            "",
            "run lengths add up to 5 pixels, expected 81",
        ),
        (answering(r#"{"id":"$id","mask":{"size":[4294967295,4294967295],"counts":"0"}}"#), "", "larger than the 2^28"),
    ] {
        let told = exec(t.path(), &program, more);
        assert_eq!(told.code, 20, "{program}: {}", told.err);
        assert!(told.err.contains(part), "{program} should say `{part}`: {}", told.err);
        assert!(told.err.contains("3 samples ended in an error"), "{}", told.err);
    }
    // A box far outside, reversed or huge is an empty or clipped mask, no crash.
    let told = exec(
        t.path(),
        &answering(
            r#"{"id":"$id","objects":[{"box":[900,900,-5,1e300]},{"box":[-1e9,-1e9,1e9,1e9]},{"points":[[1e300,-7]]}]}"#,
        ),
        "",
    );
    assert_eq!(told.code, 0, "{}", told.err);
}

#[test]
fn masks_of_another_tool_are_checked_and_scored() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    let folder = t.path().join("masks");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(set.join("test")).unwrap() {
        let sample = entry.unwrap().path();
        let name = format!("{}.png", sample.file_name().unwrap().to_string_lossy());
        fs::copy(sample.join("mask.png"), folder.join(name)).unwrap();
    }
    let out = ok(t.path(), "validate-predictions masks --data set");
    assert!(out.contains("24 samples: 0 errors, 0 warnings"), "{out}");
    let report = json(&ok(t.path(), "score masks --data set --json --name perfect"));
    assert_eq!(report["tables"][0]["rows"][0]["cells"]["All cIoU"]["percent"], 100.0);
    // One missing, one broken, one of another size, one that belongs to no sample.
    fs::remove_file(folder.join("name_00010.png")).unwrap();
    fs::write(folder.join("name_00020.png"), b"x").unwrap();
    let mask = image::open(folder.join("name_00030.png")).unwrap();
    mask.resize_exact(64, 64, image::imageops::FilterType::Nearest).save(folder.join("name_00030.png")).unwrap();
    fs::write(folder.join("stranger.png"), b"x").unwrap();
    let told = run(t.path(), "validate-predictions masks --data set --json");
    assert_eq!(told.code, 21);
    let codes: Vec<String> = json(&told.out)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["P101", "P102", "P103", "P201"]);
    let told = fails(t.path(), "score masks --data set --name spoilt", 20, &["1 missing prediction, 1 bad prediction"]);
    assert!(told.out.contains("missing prediction"), "{}", told.out);
    // Another size fails under `strict` and is resized under the released code's rules.
    let failed = |profile: &str| {
        let report = json(&ok(t.path(), &format!("report runs/spoilt --json --profile {profile}")));
        report["tables"][0]["rows"][0]["cells"]["failed"].as_u64().unwrap()
    };
    assert_eq!((failed("strict"), failed("socioreasoner")), (3, 2));
    // Other masks are other inputs: the old figures are not told again.
    fs::remove_file(folder.join("stranger.png")).unwrap();
    fails(t.path(), "score masks --data set --name spoilt", 6, &["method.masks: was "]);
    fails(t.path(), "score nowhere --data set", 3, &["no folder of predictions at nowhere"]);
}

#[test]
fn a_replay_gives_the_recorded_masks_and_says_what_it_lacks() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method oracle-box --name recorded --limit 20");
    let figures = |name: &str| {
        json(&ok(t.path(), &format!("report {name} --json")))["tables"][0]["rows"][0]["cells"]["All gIoU"].clone()
    };
    ok(t.path(), "run --data set --method oracle-box --segmenter replay:runs/recorded --name replayed --limit 20");
    assert_eq!(figures("runs/replayed"), figures("runs/recorded"));
    let told = fails(
        t.path(),
        "run --data set --method oracle-box --segmenter replay:runs/recorded --name more",
        20,
        &["4 backend error"],
    );
    assert!(told.err.contains("holds no answer to this request"), "{}", told.err);
    fails(t.path(), "run --data set --method oracle-box --segmenter replay:nowhere", 3, &["nowhere is no run"]);
}

#[test]
fn ones_own_images_get_a_mask_and_a_picture() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    let sample = set.join("test/class_00090");
    let line = format!(
        "predict --sat {0}/sat.png --map {0}/map.png --query School --method centre-box --out out/m.png",
        sample.display()
    );
    let out = ok(t.path(), &line);
    assert!(out.contains("1 objects") && out.contains("out/m.png"), "{out}");
    let mask = socio_dataset::Mask::from_image_bytes(&fs::read(t.path().join("out/m.png")).unwrap()).unwrap();
    // 3.7 % of 128 x 128 pixels.
    assert!((mask.area() as f64 / (128.0 * 128.0) - 0.037).abs() < 0.002, "{mask:?}");
    assert!(image::open(t.path().join("out/m.overlay.png")).is_ok());
    let answer = json(&ok(t.path(), &format!("{line} --json")));
    assert_eq!(answer["area"], mask.area());
    assert_eq!(answer["level"], "class");
    fails(t.path(), &format!("{line} --overlay out/m.png"), 2, &["--overlay is --out"]);
    fails(t.path(), &line.replace("centre-box", "oracle-box"), 2, &["needs the truth"]);
    fails(t.path(), &line.replace("map.png", "gone.png"), 3, &["cannot read"]);
    fails(t.path(), &line.replace("sat.png", "question.json"), 3, &["question.json: not a PNG or JPEG"]);
    image::RgbImage::new(5, 5).save(t.path().join("small.png")).unwrap();
    let small = line.replace(&format!("--map {}/map.png", sample.display()), "--map small.png");
    fails(t.path(), &small, 3, &["--map is 5x5 pixels, --sat 128x128"]);
}

#[test]
fn without_onnxruntime_there_is_one_clear_line() {
    let t = tempdir().unwrap();
    let models = t.path().join("models/lite_medsam");
    fs::create_dir_all(&models).unwrap();
    let told = fails(
        t.path(),
        "run --segmenter lite-medsam --method oracle-box --models models",
        5,
        &["lite-medsam", "models fetch lite-medsam"],
    );
    assert_eq!(told.err.trim().lines().count(), 1, "{}", told.err);
    for file in ["lite_medsam_encoder.onnx", "lite_medsam_decoder.onnx"] {
        fs::write(models.join(file), b"x").unwrap();
    }
    fs::write(t.path().join("fake.so"), b"not a library").unwrap();
    for (path, part) in
        [("gone.so", "no file gone.so"), ("fake.so", "did not load"), ("models", "no onnxruntime library in models")]
    {
        let line = format!("run --segmenter lite-medsam --method oracle-box --models models --onnxruntime {path}");
        let told = fails(t.path(), &line, 5, &[part, "ORT_DYLIB_PATH"]);
        assert_eq!(told.err.trim().lines().count(), 1, "{}", told.err);
    }
    let out = ok(t.path(), "doctor --models models --onnxruntime gone.so");
    assert!(out.contains("no   segmenter   lite-medsam") && out.contains("why not: "), "{out}");
    let offers = json(&ok(t.path(), "doctor --json"));
    assert!(offers["backends"].as_array().unwrap().iter().any(|b| b["name"] == "fill" && b["why_not"].is_null()));
}
