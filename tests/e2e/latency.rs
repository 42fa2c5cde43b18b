//! `latency`, `trace` and `report --table latency`.

use std::collections::BTreeSet;
use std::fs;

use tempfile::tempdir;

use crate::support::{fails, json, ok, raw_set};

#[test]
fn every_scenario_is_timed_and_a_short_run_says_so() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let line = "latency --scenario single-stream,offline,server --qps 400 --bound 1 --min-duration 0.3 --min-queries 70 \
        --method centre-box --data set --limit 5 --out log.json";
    let told = ok(t.path(), line);
    for part in [
        "SingleStream",
        "Offline",
        "Server",
        "p99 latency",
        "short run: 300 ms of 600 s",
        "Machine: ",
        "99 % confident",
    ] {
        assert!(told.contains(part), "{part}:\n{told}");
    }
    for scenario in ["SingleStream", "Offline", "Server"] {
        let log = json(&fs::read_to_string(t.path().join(format!("log-{scenario}.json"))).unwrap());
        let queries = log["queries"].as_array().unwrap();
        assert!(queries.len() >= 70, "{scenario}");
        let of = |q: &serde_json::Value, field: &str| q[field].as_f64().unwrap();
        assert!(queries.iter().all(|q| of(q, "due") <= of(q, "begun") && of(q, "begun") < of(q, "done")), "{scenario}");
        // Each sample as often as any other, but for the last round.
        let mut counts = [0_u32; 5];
        for query in queries {
            counts[query["sample"].as_u64().unwrap() as usize] += 1;
        }
        assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{scenario}: {counts:?}");
        let last = queries.iter().map(|q| of(q, "done")).fold(0.0, f64::max);
        assert!(last >= 0.29, "{scenario} lasted {last} s");
        match scenario {
            "SingleStream" => assert!(queries.windows(2).all(|w| of(&w[0], "done") <= of(&w[1], "due"))),
            "Offline" => assert!(queries.iter().all(|q| of(q, "due") == 0.0)),
            _ => assert!(queries.windows(2).all(|w| of(&w[0], "due") <= of(&w[1], "due"))),
        }
    }
}

#[test]
fn a_bound_that_is_not_kept_is_no_valid_result() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let line =
        "latency --scenario server --qps 200 --bound 0.000001 --min-duration 0.2 --min-queries 20 --data set --limit 3";
    assert!(ok(t.path(), line).contains("invalid: p99 "));
    let value = json(&ok(t.path(), &format!("{line} --json")));
    let result = value["tables"][0]["rows"][0]["cells"].to_string();
    assert!(result.contains("above the bound of 1.00 µs"), "{result}");
    fails(t.path(), "latency --scenario server --data set", 2, &["--qps"]);
    fails(t.path(), "latency --scenario offline,server --data set", 2, &["--qps"]);
    fails(t.path(), "latency --min-duration 0 --data set", 2, &["expected a number above 0"]);
    fails(t.path(), "latency --in-flight 0 --data set", 2, &["works on nothing"]);
}

#[test]
fn a_run_becomes_a_trace_and_a_picture() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method centre-box --name r --in-flight 3");
    ok(t.path(), "trace runs/r --out trace.json --picture one.svg");
    let trace = json(&fs::read_to_string(t.path().join("trace.json")).unwrap());
    let events = trace["traceEvents"].as_array().unwrap();
    let samples: Vec<_> = events.iter().filter(|e| e["cat"] == "sample").collect();
    assert_eq!(samples.len(), 24);
    let workers: BTreeSet<u64> = samples.iter().map(|e| e["tid"].as_u64().unwrap()).collect();
    assert!(workers.len() <= 3 && workers.iter().all(|w| *w < 3), "{workers:?}");
    // A phase lies within a sample of its worker, and samples of one worker do not overlap.
    let of = |e: &serde_json::Value, f: &str| e[f].as_f64().unwrap();
    for phase in events.iter().filter(|e| e["cat"] == "phase") {
        let within = |s: &&&serde_json::Value| {
            s["tid"] == phase["tid"]
                && of(s, "ts") <= of(phase, "ts") + 2.0
                && of(phase, "ts") + of(phase, "dur") <= of(s, "ts") + of(s, "dur") + 1000.0
        };
        assert!(samples.iter().find(within).is_some(), "{phase}");
    }
    assert!(fs::read_to_string(t.path().join("one.svg")).unwrap().starts_with("<svg"));
    ok(t.path(), "trace runs/r --out one.json --sample name_00010");
    fails(t.path(), "trace runs/r --out one.json --sample nobody", 3, &["has no record of nobody"]);
    let latency = ok(t.path(), "report runs/r --table latency");
    for part in ["p50", "p99", "samples/h", "decode", "segmenter, prompt", "warmed up", "Machine: "] {
        assert!(latency.contains(part), "{part}:\n{latency}");
    }
}
