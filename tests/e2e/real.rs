//! The main job on real input: 72 real samples, real weights. Skipped without the assets and onnxruntime.

use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::support::{Told, assets, bench, json, onnxruntime, told};

fn real(folder: &Path, assets: &Path, runtime: &Path, line: &str) -> Told {
    let line = line.replace("$A", &assets.display().to_string());
    let mut command = bench(folder);
    command.env("SOCIO_MODELS", assets).env("ORT_DYLIB_PATH", runtime);
    told(command.args(line.split_whitespace()).output().unwrap())
}

#[test]
fn floors_oracle_and_map_reader_on_the_real_samples() {
    let (Some(assets), Some(runtime)) = (assets(), onnxruntime()) else { return };
    let t = tempdir().unwrap();
    let line = "run --data $A/banepa_socioseg --method whole-image,centre-box,oracle-box,map-ocr --segmenter fill,lite-medsam --json";
    let run = real(t.path(), &assets, &runtime, line);
    assert_eq!(run.code, 0, "{}", run.err);
    let report = json(&run.out);
    let rows = report["tables"][0]["rows"].as_array().unwrap();
    let of = |name: &str, column: &str| -> f64 {
        let row: &Value = rows
            .iter()
            .find(|r| r["cells"]["Method"].as_str().unwrap().trim_end_matches([' ', '†', '‡']) == name)
            .unwrap();
        row["cells"][column]["percent"].as_f64().unwrap()
    };
    assert_eq!(rows.len(), 7);
    // SegEarth-OV's signature: everything marked.
    assert!((of("whole-image", "All cIoU") - of("whole-image", "All gIoU")).abs() < 1e-9);
    assert_eq!(of("whole-image", "All F1"), 0.0);
    // A real segmenter clearly beats filling the true boxes.
    assert!(of("oracle-box + lite-medsam", "All gIoU") > of("oracle-box + fill", "All gIoU") + 10.0);
    assert!(of("oracle-box + lite-medsam", "All cIoU") > of("oracle-box + fill", "All cIoU") + 8.0);
    // Reading the map is worth more than guessing the middle, less than knowing the boxes.
    for level in ["socio-name", "socio-class", "socio-function", "All"] {
        let column = format!("{level} gIoU");
        assert!(of("map-ocr + lite-medsam", &column) > of("centre-box + lite-medsam", &column) + 20.0);
        assert!(of("map-ocr + lite-medsam", &column) < of("oracle-box + lite-medsam", &column));
    }
    let doctor = real(t.path(), &assets, &runtime, "doctor").out;
    for here in ["lite-medsam ", "pp-ocrv5 ", "candle:lite-medsam ", "candle cpu "] {
        assert!(doctor.lines().any(|l| l.starts_with("yes ") && l.contains(here)), "{here}: {doctor}");
    }
    let predicted = real(
        t.path(),
        &assets,
        &runtime,
        "predict --sat $A/banepa_socioseg/test/name_0052/sat.png --map $A/banepa_socioseg/test/name_0052/map.png \
         --query Ashok --level name --method map-ocr --segmenter lite-medsam --json",
    );
    // `Ashok` alone is too little of `Ashok Stupa`: an answer that there is none, told as such.
    assert_eq!(predicted.code, 20, "{}", predicted.err);
    assert!(predicted.err.contains("no answer: none of"), "{}", predicted.err);
}

#[test]
fn the_real_set_verifies_and_converts() {
    let Some(assets) = assets() else { return };
    let t = tempdir().unwrap();
    let line = |text: &str| real(t.path(), &assets, Path::new("none"), text);
    let verified = line("data verify $A/banepa_socioseg --json");
    assert_eq!(verified.code, 0, "{}", verified.out);
    assert_eq!(json(&verified.out)["report"]["samples"], 72);
    let stats = json(&line("data stats $A/banepa_socioseg --json").out);
    let samples: Vec<u64> =
        stats["test"]["levels"].as_array().unwrap().iter().map(|l| l[1]["samples"].as_u64().unwrap()).collect();
    assert_eq!(samples, [20, 28, 24, 72]);
    assert_eq!(line("data convert $A/banepa_socioseg hub --to parquet").code, 0);
    assert_eq!(line("run --data $A/banepa_socioseg --method oracle-box --name a").code, 0);
    assert_eq!(line("run --data hub --method oracle-box --name a").code, 0, "the same inputs from parquet");
}
