//! `train`: small recipes through the binary, on the library of the default build.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::{fails, ok};

const CITY: &str = "city:samples=20,new=0,size=256,seed=1";

/// The shipped recipe, its network and its numbers made so small that a step takes no time.
fn nano(folder: &Path) {
    let mut recipe: Value = serde_json::from_str(&ok(folder, "train nano --out none --print-recipe")).unwrap();
    let sizes = json!({
        "side": 96, "patch": 8, "merge": 3, "window": 12, "depth": 1, "full": [0], "vision": 24, "vision_inner": 24,
        "vision_heads": 2, "layers": 3, "hidden": 32, "inner": 32, "heads": 2, "key_heads": 2, "theta": 30.0,
        "sections": [2, 3, 3],
    });
    (recipe["city"], recipe["check"], recipe["sizes"]) = (json!(CITY), json!(CITY), sizes);
    for stage in recipe["stage"].as_array_mut().unwrap() {
        stage["schedule"]["steps"] = json!(3);
        stage["schedule"]["warmup"] = json!(1);
        stage["refined"] = json!(1);
        for crop in stage["crops"].as_array_mut().unwrap() {
            (crop["count"], crop["tokens"]) = (json!(2), json!(2));
        }
    }
    fs::write(folder.join("nano.json"), recipe.to_string()).unwrap();
}

fn segmenter(folder: &Path) {
    let mut recipe: Value = serde_json::from_str(&ok(folder, "train segmenter --out none --print-recipe")).unwrap();
    (recipe["city"], recipe["check"]) = (json!(CITY), json!(CITY));
    (recipe["schedule"]["steps"], recipe["schedule"]["warmup"]) = (json!(4), json!(1));
    let network = &mut recipe["network"];
    for (field, value) in
        [("image_size", 64), ("embed_dim", 8), ("d_model", 16), ("decoder_heads", 2), ("decoder_mlp_dim", 16)]
    {
        network[field] = json!(value);
    }
    fs::write(folder.join("segmenter.json"), recipe.to_string()).unwrap();
}

/// Two steps, an end, and the rest: the state is that of a run that was never ended, to the last bit, whatever the threads.
#[test]
fn a_run_goes_on_where_it_stopped() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    nano(folder);
    segmenter(folder);
    for (what, steps, first) in [("nano", 6, 4), ("segmenter", 4, 2)] {
        let common =
            format!("train {what} --recipe {what}.json --cache lessons --log-every 1 --check-every 0 --checked 2");
        ok(folder, &format!("{common} --out {what}-a --threads 1"));
        let told = ok(folder, &format!("{common} --out {what}-b --threads 2 --until {first}"));
        assert!(told.contains(&format!("{first} of {steps} steps")), "{told}");
        ok(
            folder,
            &format!(
                "train {what} --cache lessons --log-every 1 --check-every 0 --checked 2 --out {what}-b --threads 2"
            ),
        );
        let state = |run: &str| fs::read(folder.join(format!("{what}-{run}/state.safetensors"))).unwrap();
        assert!(state("a") == state("b"), "{what}");
        let log = fs::read_to_string(folder.join(format!("{what}-b/log.jsonl"))).unwrap();
        let events: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let numbers: Vec<u64> =
            events.iter().filter(|e| e["event"] == "step").filter_map(|e| e["step"].as_u64()).collect();
        assert_eq!(numbers, (1..=steps).collect::<Vec<u64>>(), "{what}");
        assert!(events.iter().any(|e| e["event"] == "check"), "{log}");
        // Another recipe does not go on from there.
        let path = folder.join(format!("{what}.json"));
        let changed = fs::read_to_string(&path).unwrap().replacen("\"clip\":1.0", "\"clip\":2.0", 1);
        fs::write(folder.join("other.json"), changed).unwrap();
        fails(
            folder,
            &format!("train {what} --recipe other.json --cache lessons --out {what}-b"),
            3,
            &["another recipe"],
        );
    }
    let told = ok(folder, "train curves nano-a nano-b --out curves.svg");
    assert!(told.contains("figures of 2 runs"), "{told}");
    let svg = fs::read_to_string(folder.join("curves.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(">coordinates<") && svg.contains("nano-b"), "{svg}");
    ok(folder, "train curves nano-a --show loss,rate --out few.svg");
    fails(folder, "train curves nano-a --show nothing --out no.svg", 3, &["none of the figures"]);

    // What was learned is a model like any other.
    for what in ["nano", "segmenter"] {
        ok(folder, &format!("train export {what}-a --out model-{what}"));
        fails(folder, &format!("train export {what}-a --out model-{what}"), 3, &["there already"]);
    }
    let data = "--data city:samples=20,new=0,size=256 --limit 2";
    let run = format!(
        "run --method socioreasoner --vlm model-nano --segmenter model-segmenter --greedy --max-new-tokens 8 {data}"
    );
    ok(folder, &run);
}

/// Rollouts through the method, both profiles; a run that is stopped inside a round ends it first, and goes on to the same bytes.
#[test]
fn grpo_goes_on_where_it_stopped() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    nano(folder);
    ok(folder, "train nano --recipe nano.json --cache lessons --out policy --check-every 0 --checked 1");
    let nano: Value = serde_json::from_str(&fs::read_to_string(folder.join("nano.json")).unwrap()).unwrap();
    for profile in ["paper", "released"] {
        let told =
            ok(folder, "train grpo --out none --print-recipe --policy policy/state.safetensors --segmenter fill");
        let mut recipe: Value = serde_json::from_str(&told).unwrap();
        (recipe["city"], recipe["check"], recipe["sizes"]) = (json!(CITY), json!(CITY), nano["sizes"].clone());
        recipe["rules"]["profile"] = json!(profile);
        (recipe["group"], recipe["batch"], recipe["updates"]) = (json!(3), json!(4), json!(2));
        recipe["schedule"]["steps"] = json!(8);
        recipe["sampling"]["max_new_tokens"] = json!(6);
        fs::write(folder.join("grpo.json"), recipe.to_string()).unwrap();
        let common = "train grpo --policy policy/state.safetensors --segmenter fill --recipe grpo.json --cache lessons --log-every 1 \
                      --check-every 0 --checked 2";
        ok(folder, &format!("{common} --out {profile}-a --threads 1"));
        let told = ok(folder, &format!("{common} --out {profile}-b --threads 2 --until 3"));
        assert!(told.contains("4 of 8 steps"), "{told}");
        ok(folder, &format!("{common} --out {profile}-b --threads 2"));
        let state = |run: &str| fs::read(folder.join(format!("{profile}-{run}/state.safetensors"))).unwrap();
        assert!(state("a") == state("b"), "{profile}");
        let log = fs::read_to_string(folder.join(format!("{profile}-b/log.jsonl"))).unwrap();
        assert!(log.contains("reward 1") && log.contains("reward 2") && log.contains("giou"), "{log}");
    }
}

#[test]
fn what_cannot_be_trained_is_told() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("bad.json"), "{\"seed\": 1}").unwrap();
    fails(folder, "train nano --recipe bad.json --out a", 3, &["bad.json", "missing field"]);
    fails(folder, "train segmenter --recipe none.json --out a", 3, &["none.json"]);
    fails(folder, "train curves nowhere --out c.svg", 3, &["nowhere"]);
    fails(folder, "train export nowhere --out m", 3, &["nowhere"]);
    assert!(!folder.join("a").exists());
}
