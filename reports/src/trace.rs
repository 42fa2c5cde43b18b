//! A run as a trace that Chrome (`chrome://tracing`) and Perfetto open, and one sample's time as a picture.

use serde_json::{Value, json};
use socio_record::Record;

use crate::figure::{About, Series, Stacked, standalone};
use crate::report::latency::PHASES;
use crate::table::seconds;

/// The events of a record: the whole sample, and each of its phases.
pub fn events(record: &Record) -> Vec<Value> {
    let Some(trace) = &record.trace else { return Vec::new() };
    let micros = |s: f64| (s * 1e6).round();
    let event = |name: &str, category: &str, at: f64, took: f64| {
        json!({
            "name": name, "cat": category, "ph": "X", "ts": micros(trace.begun + at), "dur": micros(took),
            "pid": trace.process, "tid": trace.worker, "args": { "sample": record.id },
        })
    };
    let total = record.timings.get("total").copied().unwrap_or(0.0);
    let mut all = vec![event(&record.id, "sample", 0.0, total)];
    if let Some(whole) = all.first_mut() {
        whole["args"] = json!({ "query": record.query, "status": record.status, "level": record.level });
    }
    all.extend(trace.spans.iter().map(|(phase, at, took)| event(phase, "phase", *at, *took)));
    all
}

/// The trace of some records as JSON text, and how many samples it has; those without a trace are left out.
pub fn chrome<'a>(records: impl Iterator<Item = &'a Record>, label: &str) -> (String, usize) {
    let (mut all, mut samples, mut processes) = (Vec::new(), 0, Vec::new());
    for record in records {
        let own = events(record);
        samples += usize::from(!own.is_empty());
        if let Some(trace) = record.trace.as_ref().filter(|t| !processes.contains(&t.process)) {
            processes.push(trace.process);
            all.push(json!({ "name": "process_name", "ph": "M", "pid": trace.process, "args": { "name": label } }));
        }
        all.extend(own);
    }
    (format!("{}\n", json!({ "traceEvents": all, "displayTimeUnit": "ms" })), samples)
}

/// One sample's time as a picture (SVG): a bar for each time it went through, phase by phase.
pub fn picture(record: &Record) -> String {
    let told = |phase: &str| record.timings.get(phase).copied().unwrap_or(0.0);
    let parts: f64 = ["vlm vision", "vlm prefill", "vlm tokens"].map(told).iter().sum();
    // What has parts is told by them; reading ahead and the log are beside the sample's time.
    let beside = |key: &str| matches!(key, "load" | "write") || (key == "vlm" && parts > 0.0);
    let phases = PHASES.iter().filter(|(key, _)| !beside(key));
    let phases = phases.map(|(key, name)| (name.trim_start_matches("of it: "), told(key))).filter(|(_, s)| *s > 0.0);
    let stacked = Stacked {
        about: About::new("sample", format!("{}: {}", record.id, seconds(told("total")))),
        measure: "seconds".to_owned(),
        rows: vec![record.query.clone()],
        phases: phases.enumerate().map(|(i, (name, s))| Series::new(name, i, vec![s])).collect(),
    };
    standalone(&stacked.render())
}
