//! Several backends behind one flag: candle, graphs, a server; `determinism` and `doctor`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::networks::fixture;
use crate::server::{Reply, Request, Server};
use crate::support::{bench, fails, json as parse, ok, onnxruntime, run, told, tree};

/// The tiny Qwen2.5-VL whose graphs are among the fixtures.
fn tiny(folder: &Path, seed: u64) {
    ok(folder, &format!("models init qwen2.5-vl-tiny --seed {seed} --dtype bf16 --out tiny-{seed}"));
}

fn ways(told: &str) -> Vec<Value> {
    parse(told)["ways"].as_array().unwrap().clone()
}

#[test]
fn candle_and_graphs_answer_alike_at_every_batch_order_and_shard() {
    let folder = tempdir().unwrap();
    let Some(library) = onnxruntime() else { return };
    tiny(folder.path(), 7);
    let (sam, graphs) = (fixture("sam2/tiny_like"), fixture("onnx"));
    let line = format!(
        "determinism --onnxruntime {} --vlm candle:tiny-7,ort:{}/qwen_tiny --segmenter candle:{},ort:{}/sam2_tiny_like \
         --greedy --dtype f32 --max-new-tokens 8 --limit 8 --batches 1,4 --out flips.json",
        library.display(),
        graphs.display(),
        sam.display(),
        graphs.display()
    );
    let text = ok(folder.path(), &line);
    assert!(text.contains("batch 4, shuffled") && text.contains("the tables are equal"), "{text}");
    let all = ways(&fs::read_to_string(folder.path().join("flips.json")).unwrap());
    // Batch 4, two more orders, three shards; and of the graphs the first way and the largest batch.
    assert_eq!(all.len(), 4 + 2);
    for way in &all {
        assert_eq!((&way["answers"], &way["equal"]), (&json!(16), &json!(16)), "{way}");
        assert_eq!((&way["gated"], &way["flips"]), (&json!(true), &json!([])), "{way}");
    }
}

#[test]
fn answers_that_differ_are_listed_with_how_near_they_were_and_end_with_14() {
    let folder = tempdir().unwrap();
    tiny(folder.path(), 7);
    tiny(folder.path(), 8);
    let how = "--max-new-tokens 5 --limit 3 --batches 1 --order given --shards 1";
    // Drawn, differences are told and nothing is held against them.
    let way = ways(&ok(folder.path(), &format!("determinism --vlm tiny-7,tiny-8 {how} --json"))).remove(0);
    let flips = way["flips"].as_array().unwrap();
    assert_eq!((way["gated"].clone(), flips.len()), (json!(false), 6), "{way}");
    assert!(flips.iter().all(|f| f["gap"].is_array() && f["token"].is_u64()), "{way}");
    // The likeliest token in 32 bits: these two say other things.
    ok(folder.path(), "run --limit 3 --method whole-image --name ids");
    let log = fs::read_to_string(folder.path().join("runs/ids/samples.jsonl")).unwrap();
    for (model, side) in [("a", 300), ("b", 310)] {
        for line in log.lines() {
            let id = parse(line)["id"].as_str().unwrap().to_owned();
            let text = format!("<answer>[{{\"bbox_2d\": [200, 200, {side}, 400]}}]</answer>");
            for stage in ["stage1", "stage2"] {
                fs::create_dir_all(folder.path().join(model).join(stage)).unwrap();
                fs::write(folder.path().join(model).join(stage).join(format!("{id}.txt")), &text).unwrap();
            }
        }
    }
    let line = format!("determinism --vlm answers:a,answers:b --greedy --dtype f32 {how}");
    fails(folder.path(), &line, 14, &["less than 99 %", "became", "the flips explain the whole difference"]);
    fails(folder.path(), "determinism --vlm null,null --segmenter fill,null,fill", 2, &["2 models and 3 segmenters"]);
}

#[test]
fn a_prompt_read_in_a_batch_with_others_or_kept_is_answered_as_alone() {
    let folder = tempdir().unwrap();
    tiny(folder.path(), 7);
    let run_as = |name: &str, more: &str| {
        let line = format!(
            "run --data city:samples=40 --limit 12 --method zero-shot --vlm tiny-7 --dtype f32 --max-new-tokens 12 --name {name} {more}"
        );
        ok(folder.path(), &line);
        let mut texts = Vec::new();
        for (path, bytes) in tree(&folder.path().join("runs").join(name).join("records")) {
            assert!(path.ends_with("jsonl"));
            for line in String::from_utf8(bytes).unwrap().lines() {
                let record: Value = serde_json::from_str(line.rsplit_once('\t').map_or(line, |l| l.0)).unwrap();
                texts.push((record["id"].to_string(), record["stages"][0]["text"].to_string()));
            }
        }
        texts.sort();
        texts
    };
    let alone = run_as("alone", "--deterministic");
    assert_eq!(alone.len(), 12);
    assert_eq!(run_as("batched", "--batch 5"), alone);
    assert_eq!(run_as("unkept", "--batch 3 --in-flight 6 --keep 0"), alone);
}

const KEY: &str = "sk-not-to-be-found-anywhere";

/// A server that knows one model, marks a box, and fails every third time.
fn server(failing: bool) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |request: &Request| {
        if request.path.ends_with("/models") {
            return Reply::new(200, json!({ "object": "list", "data": [{ "id": "org/vl" }] }).to_string());
        }
        let number = asked.fetch_add(1, Ordering::SeqCst);
        if failing && number.is_multiple_of(3) {
            return Reply::new(500, format!("{{\"error\": \"out of luck, {KEY}\"}}"));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
        assert_eq!(
            body["messages"][0]["content"].as_array().or(body["messages"][1]["content"].as_array()).unwrap().len(),
            3
        );
        let text =
            "<think>there</think><answer>[{\"bbox_2d\": [100, 100, 400, 380], \"points\": [[200, 200]]}]</answer>";
        let choice =
            json!({ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" });
        let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 40, "total_tokens": 1040 });
        let reply =
            json!({ "id": "x", "object": "chat.completion", "model": "org/vl", "choices": [choice], "usage": usage });
        Reply::new(200, reply.to_string()).with("Content-Type", "application/json")
    })
}

#[test]
fn a_servers_answers_are_recorded_once_whatever_was_tried_and_its_key_nowhere() {
    let folder = tempdir().unwrap();
    let server = server(true);
    let mut command = bench(folder.path());
    command.env("SOCIO_API_KEY", KEY).args(
        format!(
            "run --data city:samples=40 --limit 9 --method socioreasoner --vlm remote:org/vl --endpoint {}/v1 --segmenter fill --name r --json",
            server.address
        )
        .split_whitespace(),
    );
    let told = told(command.output().unwrap());
    assert_eq!(told.code, 0, "{}\n{}", told.out, told.err);
    assert!(told.err.contains("remote:org/vl: 18 of 18 requests answered in "), "{}", told.err);
    assert!(told.err.contains("18000 prompt tokens, 720 drawn, 0 wasted"), "{}", told.err);
    let files = tree(&folder.path().join("runs/r"));
    let records: String =
        files.iter().filter(|(p, _)| p.starts_with("records/")).map(|(_, b)| String::from_utf8_lossy(b)).collect();
    assert_eq!(records.lines().count(), 9, "one record a sample, whatever was tried");
    assert_eq!(records.matches("\"completion\":40").count(), 18);
    let all: Vec<u8> =
        files.into_values().flatten().chain(told.out.into_bytes()).chain(told.err.into_bytes()).collect();
    assert!(!String::from_utf8_lossy(&all).contains("not-to-be-found"), "the key is in a file or in what was said");
    let chats = server.requests().iter().filter(|r| r.path.ends_with("/chat/completions")).count();
    assert!(chats > 18, "some were tried again");
    // Going on asks nothing more.
    let mut again = bench(folder.path());
    again.env("SOCIO_API_KEY", KEY).args(
        format!(
            "run --data city:samples=40 --limit 9 --method socioreasoner --vlm remote:org/vl --endpoint {}/v1 --segmenter fill --name r --json",
            server.address
        )
        .split_whitespace(),
    );
    assert_eq!(again.output().unwrap().status.code(), Some(0));
    assert_eq!(server.requests().iter().filter(|r| r.path.ends_with("/chat/completions")).count(), chats);
}

#[test]
fn a_run_stops_when_its_servers_are_gone_and_goes_on_when_they_are_back() {
    let folder = tempdir().unwrap();
    let line = |server: &Server| {
        let address = &server.address;
        format!(
            "run --data city:samples=120 --limit 30 --in-flight 3 --method socioreasoner --vlm remote:org/vl \
             --endpoint {address}/v1 --patience 1 --segmenter fill --name r --json"
        )
    };
    let chats = |server: &Server| server.requests().iter().filter(|r| r.path.ends_with("/chat/completions")).count();
    let ids = || {
        let text: Vec<u8> = tree(&folder.path().join("runs/r/records")).into_values().flatten().collect();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("backend_error"), "{text}");
        text.lines()
            .map(|l| serde_json::from_str::<Value>(l.rsplit_once('\t').map_or(l, |l| l.0)).unwrap()["id"].to_string())
            .collect::<Vec<_>>()
    };
    let first = server(false);
    let mut command = bench(folder.path());
    command
        .env("SOCIO_API_KEY", KEY)
        .args(line(&first).split_whitespace())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    while chats(&first) < 12 {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(first);
    let stopped = told(child.wait_with_output().unwrap());
    assert_eq!(stopped.code, 5, "{}", stopped.err);
    for part in ["all endpoints are failing", "check that the server runs", "run the same command again"] {
        assert!(stopped.err.contains(part), "{part}: {}", stopped.err);
    }
    let before = ids();
    assert!((3..30).contains(&before.len()), "{}", before.len());
    let second = server(false);
    let mut again = bench(folder.path());
    again.env("SOCIO_API_KEY", KEY).args(line(&second).split_whitespace());
    let told = told(again.output().unwrap());
    assert_eq!(told.code, 0, "{}", told.err);
    let after = ids();
    assert_eq!((after.len(), after.iter().collect::<BTreeSet<_>>().len()), (30, 30), "nothing is lost or there twice");
    assert_eq!(chats(&second), 2 * (30 - before.len()), "what was finished is not asked again");
}

#[test]
fn a_server_that_cannot_be_asked_is_told_before_anything_runs() {
    let folder = tempdir().unwrap();
    let server = server(false);
    let line = "run --limit 2 --method socioreasoner --segmenter fill --vlm";
    fails(folder.path(), &format!("{line} remote:org/vl"), 5, &["remote:org/vl", "--endpoint"]);
    let at = format!("--endpoint {}/v1", server.address);
    fails(folder.path(), &format!("{line} remote:org/other {at}"), 5, &["org/other", "org/vl"]);
    fails(
        folder.path(),
        &format!("{line} remote:org/vl --endpoint http://127.0.0.1:9/v1 --tries 1"),
        5,
        &["127.0.0.1:9"],
    );
    fails(folder.path(), &format!("{line} remote:org/vl --endpoint ftp://x/v1"), 5, &["http"]);
    fails(folder.path(), &format!("{line} remote:org/vl {at} --server telnet"), 2, &["engine, transformers, plain"]);
    fails(
        folder.path(),
        &format!("{line} remote:org/vl {at} --request-extra 5"),
        2,
        &["--request-extra is no JSON object"],
    );
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn doctor_has_a_row_for_every_library_and_device_and_says_why_not() {
    let folder = tempdir().unwrap();
    let told = run(folder.path(), "doctor --json --onnxruntime nowhere");
    assert_eq!(told.code, 0);
    let value = parse(&told.out);
    let devices: Vec<(String, String)> = value["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["library"].as_str().unwrap().to_owned(), d["device"].as_str().unwrap().to_owned()))
        .collect();
    for library in ["candle", "tch", "ort"] {
        for device in ["cpu", "cuda"] {
            assert!(devices.contains(&(library.to_owned(), device.to_owned())), "{devices:?}");
        }
    }
    let why = |name: &str| {
        let offers = value["backends"].as_array().unwrap();
        offers.iter().find(|o| o["name"] == name).unwrap_or_else(|| panic!("no {name}"))["why_not"].clone()
    };
    assert!(why("ort:sam2-hiera-large").as_str().unwrap().contains("ci/export"));
    assert!(why("candle:sam2-hiera-large").as_str().unwrap().contains("not fetched yet"));
    if !cfg!(feature = "tch") {
        assert!(why("tch:sam2-hiera-large").as_str().unwrap().contains("--features tch"));
        fails(folder.path(), "run --limit 1 --method oracle-box --segmenter tch:mobile-sam", 5, &["--features tch"]);
    }
    fails(folder.path(), "run --limit 1 --method oracle-box --segmenter ort:nowhere", 5, &["ort:nowhere", "ci/export"]);
}
