//! Networks by name: `models init`, `ask` and `time`, candle behind `--segmenter`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use socio_dataset::hash::{sha256_file, sha256_hex};
use socio_dataset::{Mask, Rle};
use tempfile::tempdir;

use crate::server::{Repository, Server};
use crate::support::{Told, assets, bench, fails, json as parse, ok, onnxruntime, run, told, tree};

/// What a file made to do harm may take.
const SOON: Duration = Duration::from_secs(20);
/// Tokens of a chat without images and text, where a token is a byte: five special ones, and the template's words.
const BARE: usize = 5 + "system\nYou are a helpful assistant.".len() + 1 + "user\n".len() + 1 + "assistant\n".len();

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Runs it with no hub to ask.
pub(crate) fn soon(folder: &Path, line: &str) -> Told {
    within(folder, line, SOON)
}

/// Runs it with no hub to ask, and stops it where it takes too long.
pub(crate) fn within(folder: &Path, line: &str, limit: Duration) -> Told {
    let mut command = bench(folder);
    command.env("HF_HUB_OFFLINE", "1").args(line.split_whitespace());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("`{line}` still runs after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    told(child.wait_with_output().unwrap())
}

/// Refused soon, in one line with these parts, by the exit code for a network that is not what it should be.
pub(crate) fn refused(folder: &Path, line: &str, parts: &[&str]) {
    let told = soon(folder, line);
    assert_eq!(told.code, 5, "`{line}`\n{}\n{}", told.out, told.err);
    assert!(told.out.is_empty(), "`{line}`\n{}", told.out);
    assert!(told.err.starts_with("error: ") && told.err.lines().count() == 1, "`{line}`\n{}", told.err);
    for part in parts {
        assert!(told.err.contains(part), "`{line}` should say `{part}`:\n{}", told.err);
    }
}

/// Two images: three by four merged patches, and 60 x 90 pixels that become 56 x 84, two by three.
pub(crate) fn images(folder: &Path) {
    RgbImage::from_fn(112, 84, |x, y| Rgb([(x * 2) as u8, (y * 3) as u8, (x * y) as u8]))
        .save(folder.join("a.png"))
        .unwrap();
    RgbImage::from_fn(60, 90, |x, y| Rgb([(x * 4) as u8, (x ^ y) as u8, y as u8])).save(folder.join("b.png")).unwrap();
}

/// `models ask` with a text that may have spaces.
pub(crate) fn ask(folder: &Path, line: &str, text: &str) -> Told {
    let mut command = bench(folder);
    command.args(["models", "ask"]).args(line.split_whitespace());
    told(command.args(["--text", text]).output().unwrap())
}

pub(crate) fn answer(folder: &Path, line: &str, text: &str) -> Value {
    let told = ask(folder, &format!("{line} --json"), text);
    assert_eq!(told.code, 0, "`{line}`\n{}", told.err);
    parse(&told.out)
}

pub(crate) fn tokens(completion: &Value) -> Vec<u64> {
    completion["tokens"].as_array().unwrap().iter().map(|t| t.as_u64().unwrap()).collect()
}

/// The small SAM 2 of the fixtures in a folder of its own.
pub(crate) fn sam(folder: &Path, name: &str) -> PathBuf {
    let place = folder.join(name);
    fs::create_dir(&place).unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs::copy(fixture("sam2/tiny_like").join(file), place.join(file)).unwrap();
    }
    place
}

/// A `config.json` with some fields changed, given by their JSON pointers.
pub(crate) fn changed(config: &Path, fields: &[(&str, Value)]) -> String {
    let mut value = parse(&fs::read_to_string(config).unwrap());
    for (field, new) in fields {
        match value.pointer_mut(field) {
            Some(place) => *place = new.clone(),
            None => panic!("{} has no {field}", config.display()),
        }
    }
    value.to_string()
}

/// What lies in a folder, empty folders too.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// The models of a run's manifest.
fn models(folder: &Path, name: &str) -> Value {
    parse(&fs::read_to_string(folder.join("runs").join(name).join("manifest.json")).unwrap())["models"].clone()
}

fn records(folder: &Path, name: &str) -> Vec<Value> {
    let log = folder.join("runs").join(name).join("records/shard-1-of-1.jsonl");
    fs::read_to_string(log).unwrap().lines().map(parse).collect()
}

// What is made.

#[test]
fn a_model_is_made_of_its_seed_and_nothing_else() {
    let t = tempdir().unwrap();
    let made = |line: &str| parse(&ok(t.path(), &format!("models init qwen2.5-vl-tiny {line} --json")));
    let hash = |name: &str| sha256_file(&t.path().join(name).join("model.safetensors")).unwrap();
    // Bytes of the numbers alone, without the header.
    let numbers = |name: &str| {
        let file = fs::read(t.path().join(name).join("model.safetensors")).unwrap();
        let (header, rest) = file.split_first_chunk::<8>().unwrap();
        rest.len() as u64 - u64::from_le_bytes(*header)
    };
    let first = made("--out x");
    let weights = first["weights"].as_u64().unwrap();
    assert!((100_000..1_000_000).contains(&weights), "{first}");
    assert_eq!(first["bytes"], fs::metadata(t.path().join("x/model.safetensors")).unwrap().len());
    let files: Vec<String> = tree(&t.path().join("x")).into_keys().collect();
    assert_eq!(files, ["config.json", "model.safetensors", "tokenizer.json"]);
    assert_eq!(numbers("x"), 4 * weights);
    made("--out y");
    made("--out z --seed 1");
    assert_eq!(hash("x"), hash("y"));
    assert_ne!(hash("x"), hash("z"));
    assert_eq!(made("--out deep/half --dtype bf16")["weights"], weights);
    assert_eq!(numbers("deep/half"), 2 * weights);
    let out = ok(t.path(), "models init qwen2.5-vl-tiny --out half --dtype f16");
    assert!(out.starts_with(&format!("half: {weights} weights, ")), "{out}");
    assert_eq!(numbers("half"), 2 * weights);
    // A model that is there stays as it is.
    let before = tree(t.path());
    let again = run(t.path(), "models init qwen2.5-vl-tiny --out x --seed 9");
    assert_ne!(again.code, 0);
    assert!(again.err.contains('x') && again.err.contains("is there already; name another folder"), "{}", again.err);
    assert_eq!(tree(t.path()), before);
}

#[test]
fn a_configuration_of_ones_own_is_made_and_asked() {
    let t = tempdir().unwrap();
    let small = parse(&ok(t.path(), "models init qwen2.5-vl-tiny --out small --json"));
    let config = t.path().join("small/config.json");
    // One more layer, and a feed-forward of twice the width.
    let mine = changed(&config, &[("/num_hidden_layers", json!(3)), ("/intermediate_size", json!(256))]);
    fs::write(t.path().join("mine.json"), mine).unwrap();
    let made = parse(&ok(t.path(), "models init mine.json --out mine --json"));
    assert!(made["weights"].as_u64() > small["weights"].as_u64(), "{made}");
    assert_eq!(answer(t.path(), "candle:mine --max-new-tokens 2", "Hi")["prompt_tokens"], BARE + 2);
    // Without its weights the same configuration is of another network than the small one's weights.
    fs::copy(t.path().join("small/model.safetensors"), t.path().join("mine/model.safetensors")).unwrap();
    refused(t.path(), "models ask candle:mine --text x", &["mine/model.safetensors", "model.layers.", "[", "]"]);
    ok(t.path(), &format!("models init {} --out sam", fixture("sam2/tiny_like/config.json").display()));
    assert!(!t.path().join("sam/tokenizer.json").exists());
    ok(t.path(), "models time sam --repeats 1");
}

#[test]
fn a_configuration_that_cannot_be_built_is_told_by_its_field() {
    let t = tempdir().unwrap();
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    let config = t.path().join("x/config.json");
    for (field, new, name) in [
        ("/hidden_size", json!(0), "`hidden_size`"),
        ("/hidden_size", json!(1_000_000_000_000_000_u64), "`hidden_size`"),
        ("/num_key_value_heads", json!(3), "`num_key_value_heads`"),
        ("/rope_scaling/mrope_section", json!([u64::MAX, 1, 1]), "mrope_section`"),
        ("/vision_config/depth", json!(99_999_999_999_u64), "`vision_config.depth`"),
        ("/vision_config/window_size", json!(1), "`vision_config.window_size`"),
        ("/vision_config/out_hidden_size", json!(65), "`vision_config.out_hidden_size`"),
        ("/use_sliding_window", json!(true), "`use_sliding_window`"),
        ("/model_type", json!("llama"), "model_type `llama` is not known here"),
    ] {
        fs::write(t.path().join("bad.json"), changed(&config, &[(field, new)])).unwrap();
        let told = soon(t.path(), "models init bad.json --out made");
        assert!(told.code != 0 && told.err.contains(name), "{field}: {}\n{}", told.code, told.err);
        assert!(!told.err.contains("panicked"), "{}", told.err);
    }
    for text in ["", "{", "[]", "{}", "\u{feff}{}", &"[".repeat(1 << 20)] {
        fs::write(t.path().join("bad.json"), text).unwrap();
        let told = soon(t.path(), "models init bad.json --out made");
        assert!(told.code != 0 && told.err.starts_with("error: "), "{}", told.err);
        assert_eq!(told.err.lines().count(), 1, "{}", told.err);
    }
    assert_eq!(names(t.path()), ["bad.json", "x"], "nothing is left of what could not be made");
    fails(t.path(), "models init nonsense --out made", 3, &["nonsense"]);
    fails(t.path(), "models init qwen2.5-vl-tiny --out made --dtype f8", 2, &["f32, bf16 and f16"]);
}

/// The documented codes: 3 for input that is missing or broken, 4 for output that cannot be written.
#[test]
fn init_tells_input_from_output_and_names_the_file_at_fault() {
    let t = tempdir().unwrap();
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    fs::write(t.path().join("broken.json"), changed(&t.path().join("x/config.json"), &[("/hidden_size", json!(0))]))
        .unwrap();
    fs::write(t.path().join("none.txt"), "{}").unwrap();
    for (line, code, parts) in [
        ("qwen2.5-vl-tiny --out x", 4, &["x", "there already"][..]),
        ("qwen2.5-vl-tiny --out broken.json", 4, &["broken.json", "there already"]),
        ("qwen2.5-vl-tiny --out broken.json/x", 4, &["broken.json"]),
        ("broken.json --out y", 3, &["broken.json", "`hidden_size` is 0"]),
        ("qwen2.5-vl-tiny --tokenizer nowhere.json --out y", 3, &["nowhere.json"]),
        ("qwen2.5-vl-tiny --tokenizer none.txt --out y", 3, &["none.txt", "added_tokens"]),
    ] {
        fails(t.path(), &format!("models init {line}"), code, parts);
        assert!(!t.path().join("y").exists());
    }
}

// What is asked.

#[test]
fn greedy_answers_are_the_same_each_time_and_see_the_images() {
    let t = tempdir().unwrap();
    images(t.path());
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    let both = "candle:x --image a.png --image b.png --greedy --max-new-tokens 12";
    let text = "Find the school.";
    let first = answer(t.path(), both, text);
    assert_eq!(first["model"], "candle:x");
    // Three by four merged patches and two by three, each image between two tokens of its own.
    assert_eq!(first["prompt_tokens"], BARE + text.len() + (12 + 2) + (6 + 2));
    let completions = first["completions"].as_array().unwrap();
    assert_eq!(completions.len(), 1);
    let one = &completions[0];
    let drawn = tokens(one);
    assert!((1..=12).contains(&drawn.len()) && drawn.iter().all(|id| *id < 320), "{drawn:?}");
    assert_eq!(one["finish"] == "length", drawn.len() == 12, "{one}");
    assert_eq!(one["seed"], 42);
    let likely: Vec<f64> = one["log_probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
    assert!(likely.len() == drawn.len() && likely.iter().all(|p| *p < 0.0 && *p > -20.0), "{likely:?}");
    for phase in ["vision", "prefill"] {
        assert!(first["seconds"][phase].as_f64().unwrap() > 0.0, "{first}");
    }
    let again = answer(t.path(), both, text);
    assert_eq!((&again["completions"], &again["prompt_tokens"]), (&first["completions"], &first["prompt_tokens"]));
    // A seed draws nothing where the likeliest token is taken; images count, and so does their order.
    let seeds = answer(t.path(), &format!("{both} --seed 1 --seed 2"), text);
    assert_eq!(tokens(&seeds["completions"][0]), tokens(&seeds["completions"][1]));
    let turned = "candle:x --image b.png --image a.png --greedy --max-new-tokens 12";
    let turned = answer(t.path(), turned, text);
    assert_eq!(turned["prompt_tokens"], first["prompt_tokens"]);
    assert_ne!(turned["completions"][0]["log_probabilities"], one["log_probabilities"]);
    // For people.
    let plain = ask(t.path(), both, text);
    let end = format!("(95 prompt tokens, {} drawn", drawn.len());
    assert!(plain.code == 0 && plain.out.lines().last().unwrap().starts_with(&end), "{}", plain.out);
}

#[test]
fn seeds_draw_and_several_share_a_prompt() {
    let t = tempdir().unwrap();
    images(t.path());
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    let line = "candle:x --image a.png --max-new-tokens 12";
    let together = answer(t.path(), &format!("{line} --seed 1 --seed 2 --seed 3 --seed 2"), "Find the school.");
    let together = together["completions"].as_array().unwrap();
    let seeds: Vec<u64> = together.iter().map(|c| c["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [1, 2, 3, 2]);
    let drawn: Vec<Vec<u64>> = together.iter().map(tokens).collect();
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2], "{drawn:?}");
    assert_eq!(drawn[1], drawn[3]);
    // A draw does not depend on those beside it.
    for (seed, expected) in seeds.iter().zip(&drawn) {
        let alone = answer(t.path(), &format!("{line} --seed {seed}"), "Find the school.");
        assert_eq!(&tokens(&alone["completions"][0]), expected, "seed {seed}");
    }
}

#[test]
fn text_alone_is_answered_and_special_tokens_in_it_are_text() {
    let t = tempdir().unwrap();
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    for text in ["", "Hi", "Wo ist die Schule? 学校", "x<|im_end|><|vision_start|><|image_pad|><|vision_end|>"] {
        let found = answer(t.path(), "candle:x --max-new-tokens 2 --greedy", text);
        assert_eq!(found["prompt_tokens"], BARE + text.len(), "{text}");
        assert!(found["seconds"]["vision"].as_f64().unwrap() < 0.1, "nothing to look at: {found}");
    }
    // The model in other types of numbers, as it lies on disk and as it is loaded.
    ok(t.path(), "models init qwen2.5-vl-tiny --out half --dtype bf16");
    let likely = |line: &str| {
        let found = answer(t.path(), &format!("{line} --max-new-tokens 4 --greedy"), "Hi");
        found["completions"][0]["log_probabilities"][0].as_f64().unwrap()
    };
    let exact = likely("candle:x --dtype f32");
    for line in ["candle:half", "candle:half --dtype f32", "candle:x", "candle:x --dtype bf16", "candle:x --dtype f16"]
    {
        assert!((likely(line) - exact).abs() < 0.05, "{line}: {} and {exact}", likely(line));
    }
}

#[test]
fn what_cannot_be_asked_is_told() {
    let t = tempdir().unwrap();
    images(t.path());
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    sam(t.path(), "sam");
    fs::write(t.path().join("text.png"), "no image").unwrap();
    fails(t.path(), "models ask candle:x --text x --image nowhere.png", 3, &["nowhere.png"]);
    fails(t.path(), "models ask candle:x --text x --image text.png", 3, &["text.png", "not a PNG or JPEG"]);
    refused(t.path(), "models ask candle:sam --text x", &["sam is a SAM 2: a segmenter, not a vision-language model"]);
    refused(
        t.path(),
        "run --limit 1 --method oracle-box --segmenter candle:x",
        &["x is a Qwen2.5-VL: a vision-language model, not a segmenter"],
    );
    fails(t.path(), "models ask candle:x --text x --device gpu", 2, &["auto, cpu, cuda and cuda:N"]);
    fails(t.path(), "models ask candle:x --text x --dtype f8", 2, &["f32, bf16 and f16"]);
    // 300 times as wide as high, which the reference refuses too.
    RgbImage::new(300, 1).save(t.path().join("wide.png")).unwrap();
    refused(t.path(), "models ask candle:x --text x --image wide.png", &["300x1", "200 times"]);
    // Longer than the model was made for.
    let short = changed(&t.path().join("x/config.json"), &[("/max_position_embeddings", json!(60))]);
    fs::write(t.path().join("x/config.json"), short).unwrap();
    refused(t.path(), "models ask candle:x --text x --image a.png", &["prompt of 72 tokens", "60"]);
}

// SAM behind `--segmenter`.

#[test]
fn a_folder_of_sam_2_segments_the_city() {
    let t = tempdir().unwrap();
    sam(t.path(), "sam");
    let line = "run --limit 6 --method oracle-box --segmenter candle:sam --json";
    let first = ok(t.path(), &format!("{line} --name r"));
    let report = parse(&first);
    let cells = &report["tables"][0]["rows"][0]["cells"];
    assert_eq!((&cells["n"], &cells["failed"]), (&json!(6), &json!(0)), "{cells}");
    assert!(cells["Method"].as_str().unwrap().starts_with("oracle-box + candle:sam"), "{cells}");
    let known = models(t.path(), "r");
    let [model] = &known.as_array().unwrap()[..] else { panic!("one model: {known}") };
    assert_eq!((&model["role"], &model["name"]), (&json!("segmenter"), &json!("candle:sam")));
    assert_eq!(model["fingerprint"].as_str().unwrap().len(), 16);
    let found = records(t.path(), "r");
    assert_eq!(found.len(), 6);
    let mut marked = 0;
    for record in &found {
        assert_eq!(record["status"], "ok", "{record}");
        let objects = record["stages"][0]["objects"].as_array().unwrap();
        assert!(!objects.is_empty());
        for object in objects {
            assert!(object["score"].is_f64(), "the network's own estimate");
            let rle: Rle = serde_json::from_value(object["mask"].clone()).unwrap();
            let mask = rle.to_mask().unwrap();
            assert_eq!(mask.size(), (768, 768));
            marked += mask.area();
        }
    }
    assert!(marked > 0, "random weights mark something");
    // Nothing is computed anew; another type of numbers is another run.
    assert_eq!(ok(t.path(), &format!("{line} --name r")), first);
    fails(
        t.path(),
        &format!("{line} --name r --dtype bf16"),
        6,
        &["segmenter: was candle:sam", "Give another --name, or --fresh"],
    );
    ok(t.path(), &format!("{line} --name half --dtype bf16"));
    assert_ne!(models(t.path(), "half")[0]["fingerprint"], model["fingerprint"]);
    // The same weights in a checkpoint of PyTorch, in a folder of another name.
    fs::create_dir(t.path().join("torch")).unwrap();
    for file in ["config.json", "model.pt"] {
        fs::copy(fixture("sam2/tiny_like").join(file), t.path().join("torch").join(file)).unwrap();
    }
    ok(t.path(), "run --limit 6 --method oracle-box --segmenter candle:torch --name torch");
    assert_eq!(models(t.path(), "torch")[0]["fingerprint"], model["fingerprint"]);
    assert_eq!(models(t.path(), "torch")[0]["name"], "candle:torch");
    // Samples finish in any order.
    let masks = |all: &[Value]| {
        all.iter().map(|r| (r["id"].to_string(), r["stages"][0]["mask"].to_string())).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(masks(&records(t.path(), "torch")), masks(&found));
}

#[test]
fn a_checkpoint_alone_has_to_be_of_a_published_size() {
    let t = tempdir().unwrap();
    fs::create_dir(t.path().join("torch")).unwrap();
    fs::copy(fixture("sam2/tiny_like/model.pt"), t.path().join("torch/model.pt")).unwrap();
    let parts = ["torch/model.pt", "no published one", "7 blocks, 8 wide at first", "config.json must describe it"];
    refused(t.path(), "models time torch --repeats 1", &parts);
    refused(t.path(), "models time torch/model.pt --repeats 1", &parts);
    refused(t.path(), "run --limit 1 --method oracle-box --segmenter candle:torch", &parts);
}

#[test]
fn timing_tells_each_phase_and_the_memory() {
    let t = tempdir().unwrap();
    images(t.path());
    sam(t.path(), "sam");
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    let phases = |timing: &Value| {
        let phases = timing["phases"].as_array().unwrap();
        phases.iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let told = parse(&ok(t.path(), "models time sam --repeats 2 --threads 1 --json"));
    let timing = &told["timing"];
    assert_eq!((&told["threads"], &timing["name"]), (&json!(1), &json!("candle:sam")));
    assert_eq!(phases(timing), ["encode an image", "a mask from a box"]);
    for phase in timing["phases"].as_array().unwrap() {
        let seconds = phase["seconds"].as_array().unwrap();
        assert!(seconds.len() == 2 && seconds.iter().all(|s| s.as_f64().unwrap() > 0.0), "{phase}");
    }
    assert!(timing["load"].as_f64().unwrap() > 0.0 && timing["prompt_tokens"].is_null(), "{timing}");
    if cfg!(target_os = "linux") {
        assert!(timing["peak_memory"].as_u64().unwrap() > 1 << 20, "{timing}");
    }
    let told = parse(&ok(t.path(), "models time x --image a.png --tokens 3 --repeats 1 --json"));
    assert_eq!(phases(&told["timing"]), ["images and text made ready", "vision", "prefill", "a token"]);
    assert!(told["timing"]["prompt_tokens"].as_u64().unwrap() > 100, "{told}");
    // Random weights in memory, of a configuration alone; and for people.
    let told = parse(&ok(t.path(), "models time sam/config.json --random 7 --repeats 1 --json"));
    assert_eq!(told["timing"]["name"], "candle:sam/config.json-random-7");
    let plain = ok(t.path(), "models time sam --repeats 1 --threads 1");
    assert!(plain.starts_with("candle:sam on 1 threads: loaded in ") && plain.contains("median of 1"), "{plain}");
    for line in ["--repeats 0", "--threads 0", "--threads 100000", "--tokens 0"] {
        fails(t.path(), &format!("models time sam {line}"), 2, &[line.split(' ').next().unwrap()]);
    }
}

// LiteMedSAM's real weights.

/// `run` on the real samples, by the ids in a file.
fn real(folder: &Path, assets: &Path, line: &str, runtime: Option<&Path>) -> Value {
    let data = assets.join("banepa_socioseg");
    let line = format!("run --data {} --method oracle-box --ids @ids.txt --json {line}", data.display());
    let mut command = bench(folder);
    command.env("SOCIO_MODELS", assets);
    if let Some(runtime) = runtime {
        command.env("ORT_DYLIB_PATH", runtime);
    }
    let told = told(command.args(line.split_whitespace()).output().unwrap());
    assert_eq!(told.code, 0, "`{line}`\n{}", told.err);
    parse(&told.out)
}

/// Every `step`th of the real samples.
fn choose(folder: &Path, assets: &Path, step: usize) -> usize {
    let ids = names(&assets.join("banepa_socioseg/test"));
    assert_eq!(ids.len(), 72);
    let chosen: Vec<String> = ids.into_iter().step_by(step).collect();
    fs::write(folder.join("ids.txt"), chosen.join("\n")).unwrap();
    chosen.len()
}

/// Every answer's mask, and the network's own estimates of its objects.
fn answers(folder: &Path, name: &str) -> BTreeMap<String, (Mask, Vec<f64>)> {
    let answer = |record: &Value| {
        let stage = record["stages"].as_array().unwrap().last().unwrap();
        let rle: Rle = serde_json::from_value(stage["mask"].clone()).unwrap();
        let objects = stage["objects"].as_array().unwrap();
        (rle.to_mask().unwrap(), objects.iter().map(|o| o["score"].as_f64().unwrap()).collect::<Vec<f64>>())
    };
    records(folder, name).iter().map(|r| (r["id"].as_str().unwrap().to_owned(), answer(r))).collect()
}

#[test]
fn lite_medsam_marks_on_candle_what_it_marks_on_onnxruntime() {
    let (Some(assets), Some(runtime)) = (assets(), onnxruntime()) else { return };
    let t = tempdir().unwrap();
    // All samples where the assets have to be there; a fourth of them, of all levels, for everyday.
    let all = std::env::var("SOCIO_ALL_SAMPLES").is_ok_and(|v| v == "1");
    let chosen = choose(t.path(), &assets, if all { 1 } else { 4 });
    let ort = real(t.path(), &assets, "--segmenter lite-medsam --name ort", Some(&runtime));
    let candle = real(t.path(), &assets, "--segmenter candle:lite-medsam --name candle", None);
    let (expected, found) = (answers(t.path(), "ort"), answers(t.path(), "candle"));
    assert_eq!((expected.len(), found.len()), (chosen, chosen));
    let (mut sum, mut least) = (0.0, 1.0f64);
    for (id, (mask, scores)) in &expected {
        let (other, others) = &found[id];
        let iou = mask.counts(other).unwrap().iou().unwrap_or(1.0);
        assert!(iou > 0.97, "{id}: {iou}");
        (sum, least) = (sum + iou, least.min(iou));
        assert_eq!(scores.len(), others.len(), "{id}");
        assert!(scores.iter().zip(others).all(|(a, b)| (a - b).abs() < 1e-3), "{id}: {scores:?} and {others:?}");
    }
    println!("{chosen} samples: IoU of the masks {:.5} on average, {least:.5} at least", sum / chosen as f64);
    assert!(sum / chosen as f64 > 0.99);
    // The tables are the same as printed.
    let printed = |report: &Value| {
        let tables = report["tables"].as_array().unwrap();
        let rows = tables.iter().flat_map(|t| t["rows"].as_array().unwrap().iter());
        let cells = rows.flat_map(|r| r["cells"].as_object().unwrap().iter()).filter(|(column, _)| *column != "Method");
        cells
            .map(|(column, cell)| match cell["percent"].as_f64() {
                Some(percent) => format!("{column} {percent:.1}"),
                None => format!("{column} {cell}"),
            })
            .collect::<Vec<_>>()
    };
    assert!(printed(&candle).iter().any(|cell| cell.starts_with("All gIoU ")), "{:?}", printed(&candle));
    assert_eq!(printed(&candle), printed(&ort));
}

#[test]
fn lite_medsam_needs_no_onnxruntime_on_candle() {
    let Some(assets) = assets() else { return };
    let t = tempdir().unwrap();
    choose(t.path(), &assets, 36);
    let line = "--segmenter candle:lite-medsam --onnxruntime nowhere --name r";
    let report = real(t.path(), &assets, line, None);
    assert_eq!(report["tables"][0]["rows"][0]["cells"]["failed"], 0);
    assert_eq!(models(t.path(), "r")[0]["name"], "candle:lite-medsam");
    let offers = bench(t.path()).env("SOCIO_MODELS", &assets).args(["doctor", "--json"]).output().unwrap();
    let offers = parse(&told(offers).out);
    let candle = offers["backends"].as_array().unwrap().iter().find(|o| o["name"] == "candle:lite-medsam").unwrap();
    assert!(candle["why_not"].is_null(), "{candle}");
    // The file by its path is the same network.
    let file = assets.join("lite_medsam/lite_medsam.safetensors");
    real(t.path(), &assets, &format!("--segmenter candle:{} --name file", file.display()), None);
    assert_eq!(models(t.path(), "file")[0]["fingerprint"], models(t.path(), "r")[0]["fingerprint"]);
}

#[test]
fn networks_are_listed_with_where_they_come_from() {
    let t = tempdir().unwrap();
    let out = ok(t.path(), "list networks");
    let line = out.lines().find(|l| l.starts_with("socioreasoner-3b ")).unwrap();
    assert!(line.contains("vlm") && line.ends_with("vvangfaye/SocioReasoner-3B"), "{line}");
    let all = parse(&ok(t.path(), "list networks --json"));
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), out.lines().count());
    let of = |name: &str| all.iter().find(|n| n["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let ours = of("socioreasoner-3b");
    assert_eq!((&ours["repository"], &ours["vlm"]), (&json!("vvangfaye/SocioReasoner-3B"), &json!(true)));
    assert_eq!(ours["config"]["hidden_size"], 2048);
    assert_eq!(of("sam2-hiera-large")["repository"], "facebook/sam2-hiera-large");
    assert_eq!(of("sam2-hiera-large")["vlm"], false);
    for name in ["qwen2.5-vl-tiny", "lite-medsam"] {
        assert!(of(name)["repository"].is_null(), "{name}");
    }
}

#[test]
fn doctor_tells_which_networks_are_here() {
    let t = tempdir().unwrap();
    let offers = |line: &str| parse(&ok(t.path(), &format!("doctor --json {line}")))["backends"].clone();
    let of = |offers: &Value, name: &str| {
        let found = offers.as_array().unwrap().iter().find(|o| o["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}")).clone()
    };
    let without = offers("");
    for (name, role, part) in [
        ("candle:socioreasoner-3b", "vlm", "vvangfaye/SocioReasoner-3B"),
        ("candle:qwen2.5-vl-3b", "vlm", "Qwen/Qwen2.5-VL-3B-Instruct"),
        ("candle:sam2-hiera-large", "segmenter", "facebook/sam2-hiera-large"),
        ("candle:mobile-sam", "segmenter", "dhkim2810/MobileSAM"),
        ("candle:lite-medsam", "segmenter", "lite_medsam/lite_medsam.safetensors"),
    ] {
        let offer = of(&without, name);
        assert_eq!(offer["role"], role, "{offer}");
        assert!(offer["why_not"].as_str().is_some_and(|why| why.contains(part)), "{offer}");
        assert!(offer["about"].as_str().is_some_and(|about| !about.is_empty()), "{offer}");
    }
    // In the models' folder under its name.
    fs::create_dir(t.path().join("m")).unwrap();
    sam(&t.path().join("m"), "sam2-hiera-large");
    let with = offers("--models m");
    assert!(of(&with, "candle:sam2-hiera-large")["why_not"].is_null());
    assert!(!of(&with, "candle:mobile-sam")["why_not"].is_null());
    let told = parse(&ok(t.path(), "models time sam2-hiera-large --models m --repeats 1 --json"));
    assert_eq!(told["timing"]["name"], "candle:sam2-hiera-large");
    // For people, and whatever is missing it is no error.
    let plain = ok(t.path(), "doctor");
    assert!(plain.lines().any(|l| l.starts_with("no ") && l.contains("candle:socioreasoner-3b")), "{plain}");
}

#[test]
fn names_that_are_none_are_told_with_what_there_is() {
    let t = tempdir().unwrap();
    let known = ["candle:unknown-thing", "socioreasoner-3b", "sam2-hiera-large", "lite-medsam", "OWNER/NAME"];
    refused(t.path(), "run --limit 1 --method oracle-box --segmenter candle:unknown-thing", &known);
    refused(t.path(), "models ask candle:unknown-thing --text x", &known);
    refused(t.path(), "models time unknown-thing", &known);
    refused(t.path(), "models time unknown-thing --random 0", &known);
    for name in ["candle:", "candle:a/b/c", "candle:../x", "candle:/nowhere/x"] {
        refused(t.path(), &format!("models ask {name} --text x"), &[name, "known names"]);
    }
    refused(
        t.path(),
        "models ask candle:qwen2.5-vl-tiny --text x",
        &["published nowhere", "socio-bench models init qwen2.5-vl-tiny --out"],
    );
    refused(
        t.path(),
        "run --limit 1 --method oracle-box --segmenter candle:lite-medsam",
        &["lite_medsam/lite_medsam.safetensors", "--models", "docs/backends.md"],
    );
    refused(t.path(), "models ask sam9 --text x", &["sam9", "candle:NAME"]);
    // A repository of the hub that was never fetched, with no hub to ask.
    let offline =
        ["offline, and acme/net at revision `main` is not in the cache", "run once without", "HF_HUB_OFFLINE"];
    refused(t.path(), "models ask candle:acme/net --text x", &offline);
    refused(t.path(), "run --limit 1 --method oracle-box --segmenter candle:acme/net", &offline);
    refused(t.path(), "models time mobile-sam", &["dhkim2810/MobileSAM", "HF_HUB_OFFLINE"]);
    refused(t.path(), "models ask candle:acme/../net --text x", &["acme/../net"]);
}

#[test]
fn a_network_of_the_hub_is_fetched_once_and_then_read_offline() {
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    let t = tempdir().unwrap();
    let fixtures = fixture("sam2/tiny_like");
    let mut files: BTreeMap<String, Vec<u8>> = ["config.json", "model.safetensors"]
        .map(|name| (name.to_owned(), fs::read(fixtures.join(name)).unwrap()))
        .into();
    files.insert("README.md".to_owned(), b"# net".to_vec());
    let hash = sha256_hex;
    let repository = Repository { place: "models/acme/net", commit: COMMIT, revisions: &["main"], files, hash };
    let server = Server::start(move |r| repository.answer(r));
    let with = |line: &str, offline: bool| {
        let mut command = bench(t.path());
        command.env("HF_ENDPOINT", &server.address);
        if offline {
            command.env("HF_HUB_OFFLINE", "1");
        }
        told(command.args(line.split_whitespace()).output().unwrap())
    };
    let line = "run --limit 1 --method oracle-box --segmenter candle:acme/net --name r";
    let first = with(line, false);
    assert_eq!(first.code, 0, "{}", first.err);
    assert_eq!(models(t.path(), "r")[0]["name"], "candle:acme/net");
    let asked = server.requests();
    assert!(asked.iter().any(|r| r.path.ends_with("model.safetensors")));
    assert!(asked.iter().all(|r| !r.path.ends_with("README.md")), "only what is needed is fetched");
    let again = with(line, true);
    assert_eq!((again.code, &again.out), (0, &first.out), "{}", again.err);
    let pinned = with(&format!("models time acme/net@{COMMIT} --repeats 1"), true);
    assert_eq!(pinned.code, 0, "{}", pinned.err);
    assert_eq!(server.requests().len(), asked.len(), "offline, the hub is not asked");
    // The same weights from a folder are the same network to a run, but for the name.
    sam(t.path(), "sam");
    ok(t.path(), "run --limit 1 --method oracle-box --segmenter candle:sam --name folder");
    assert_eq!(models(t.path(), "folder")[0]["fingerprint"], models(t.path(), "r")[0]["fingerprint"]);
    let missing = with("models time acme/other", false);
    assert_eq!(missing.code, 5, "{}", missing.err);
    assert!(missing.err.contains("acme/other") && missing.err.contains("404"), "{}", missing.err);
}
