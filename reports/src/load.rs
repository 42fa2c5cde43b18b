//! Load tests told: latency and throughput in the words of MLPerf's LoadGen, and whether they may be called its.

mod stopping;

use socio_record::{LoadLog, Scenario};

use crate::report::notes::{distinct, machines};
use crate::table::{Cell, Column, Row, Table, printed, seconds};

pub use stopping::{needed, over_latency};

/// Seconds that MLPerf asks of every scenario.
pub const MLPERF_DURATION: f64 = 600.0;
/// Samples that MLPerf's Offline scenario asks, or the dataset's where it has fewer.
const MLPERF_OFFLINE: usize = 24_576;
/// Percentiles, as LoadGen prints them.
const PERCENTILES: [f64; 6] = [0.5, 0.9, 0.95, 0.97, 0.99, 0.999];

/// What a load test came to.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadResult {
    /// Queries counted.
    pub queries: usize,
    /// Queries that were not answered well.
    pub failed: usize,
    /// Seconds to the last answer.
    pub duration: f64,
    /// Mean latency in seconds.
    pub mean: f64,
    /// Latencies in seconds at the percentiles that LoadGen prints.
    pub percentiles: Vec<(f64, f64)>,
    /// Completed samples a second.
    pub samples_per_second: f64,
    /// Tokens drawn a second, where any were.
    pub tokens_per_second: Option<f64>,
    /// Upper bound of the scenario's percentile with a confidence of 99 %, where there are queries enough.
    pub early_stopping: Option<f64>,
    /// Why the result is not valid; empty where it is.
    pub invalid: Vec<String>,
    /// Whether duration or queries are below MLPerf's own.
    pub short: Vec<String>,
}

/// The result of a load test.
pub fn load_result(log: &LoadLog) -> LoadResult {
    let terms = &log.terms;
    let mut latencies: Vec<f64> = log.queries.iter().map(socio_record::LoadQuery::latency).collect();
    latencies.sort_by(f64::total_cmp);
    let n = latencies.len();
    // LoadGen's percentile: no interpolation.
    let at = |p: f64| latencies.get(((n as f64 * p).floor() as usize).min(n.saturating_sub(1))).copied().unwrap_or(0.0);
    let end = log.queries.iter().map(|q| q.done).fold(0.0, f64::max);
    let drawn: usize = log.queries.iter().map(|q| q.tokens).sum();
    let rate = |count: usize| if end > 0.0 { count as f64 / end } else { 0.0 };
    let p = terms.scenario.percentile();
    let (mut invalid, mut short) = (Vec::new(), Vec::new());
    if n < terms.min_query_count {
        invalid.push(format!("{n} queries of {}", terms.min_query_count));
    }
    // A server's arrivals last as long as they should by how they are drawn.
    if end + 1e-9 < terms.min_duration && !matches!(terms.scenario, Scenario::Server { .. }) {
        invalid.push(format!("{} of {}", seconds(end), seconds(terms.min_duration)));
    }
    let broken = log.queries.iter().filter(|q| q.status.is_error()).count();
    if broken > 0 {
        invalid.push(format!("{broken} queries ended in an error"));
    }
    let mut early_stopping = None;
    match terms.scenario {
        Scenario::SingleStream => match over_latency(n, p) {
            Some(t) => early_stopping = latencies.get(n - t).copied(),
            None => short.push(format!("{n} queries, {} for early stopping", needed(1, p))),
        },
        Scenario::Server { target_latency, .. } => {
            let late = latencies.iter().filter(|l| **l > target_latency).count();
            if at(p) > target_latency {
                invalid.push(format!("p99 {} above the bound of {}", seconds(at(p)), seconds(target_latency)));
            }
            if n < needed(late, p) {
                let told = format!("{n} queries with {late} late, {} for early stopping", needed(late, p));
                if n < needed(0, p) { short.push(told) } else { invalid.push(told) }
            }
        }
        Scenario::Offline => {
            let least = MLPERF_OFFLINE.min(log.split_samples);
            if n < least {
                short.push(format!("{n} samples of {least}"));
            }
        }
    }
    if terms.min_duration < MLPERF_DURATION {
        short.push(format!("{} of {}", seconds(terms.min_duration), seconds(MLPERF_DURATION)));
    }
    LoadResult {
        queries: n,
        failed: log.queries.iter().filter(|q| !q.status.is_ok()).count(),
        duration: end,
        mean: latencies.iter().sum::<f64>() / n.max(1) as f64,
        percentiles: PERCENTILES.iter().map(|p| (*p, at(*p))).collect(),
        samples_per_second: rate(n),
        tokens_per_second: (drawn > 0).then(|| rate(drawn)),
        early_stopping,
        invalid,
        short,
    }
}

/// Load tests side by side, a column a test.
pub fn load_table(logs: &[LoadLog]) -> Table {
    let results: Vec<LoadResult> = logs.iter().map(load_result).collect();
    let mut columns = vec![Column { over: String::new(), name: "Measure".to_owned() }];
    for log in logs {
        columns.push(Column { over: log.method.label.clone(), name: log.terms.scenario.label().to_owned() });
    }
    let mut rows = Vec::new();
    let mut row = |name: &str, of: &dyn Fn(&LoadLog, &LoadResult) -> Cell| {
        let cells = logs.iter().zip(&results).map(|(log, result)| of(log, result));
        rows.push(Row { group: 0, cells: std::iter::once(Cell::Text(name.to_owned())).chain(cells).collect() });
    };
    row("Result", &|_, r| Cell::Text(verdict(r)));
    row("Metric", &|log, r| Cell::Text(metric(log, r)));
    row("samples/s", &|_, r| Cell::Number(Some(r.samples_per_second), 2));
    row("samples/h", &|_, r| Cell::Number(Some(3600.0 * r.samples_per_second), 0));
    row("tokens/s", &|_, r| Cell::Number(r.tokens_per_second, 1));
    row("mean latency", &|_, r| Cell::Seconds(Some(r.mean)));
    for (i, p) in PERCENTILES.iter().enumerate() {
        row(&format!("p{} latency", 100.0 * p), &|_, r| Cell::Seconds(r.percentiles.get(i).map(|(_, s)| *s)));
    }
    row("queries", &|_, r| Cell::Count(r.queries as u64));
    row("failed", &|_, r| Cell::Count(r.failed as u64));
    row("duration", &|_, r| Cell::Seconds(Some(r.duration)));
    row("warm-up queries", &|log, _| Cell::Count(log.terms.warm_up as u64));
    row("in flight", &|log, _| Cell::Count(log.terms.in_flight as u64));
    row("peak memory, MiB", &|log, _| Cell::Number(log.memory.map(|m| m as f64 / 1_048_576.0), 0));
    let mut notes = machines(logs.iter().map(|l| &l.machine));
    notes.push(
        "Scenarios after MLPerf Inference's; a short run is below its own minimum (600 s; queries enough for early stopping; Offline 24,576 samples, or the dataset's). Latency counts from when a query was due; warm-up queries are not counted. No result here is one of MLPerf's.".to_owned(),
    );
    let source = distinct(logs.iter().map(|log| {
        let (label, data, seed) = (&log.method.label, &log.data, log.terms.seed);
        format!("{label}: {} samples of split {} ({}), seed {seed}.", log.samples.len(), data.split, data.fingerprint)
    }));
    Table {
        key: "load".to_owned(),
        title: "Latency and throughput by scenario".to_owned(),
        columns,
        rows,
        notes,
        source,
    }
}

/// The figure that the scenario is about.
fn metric(log: &LoadLog, r: &LoadResult) -> String {
    match log.terms.scenario {
        Scenario::SingleStream => match r.early_stopping {
            Some(s) => format!("p90 {} at most (99 % confident)", seconds(s)),
            None => format!("p90 {}", seconds(r.percentiles[1].1)),
        },
        Scenario::Offline => format!("{} samples/s", printed(r.samples_per_second)),
        Scenario::Server { target_latency, target_qps } => {
            let (rate, bound) = (printed(r.samples_per_second), seconds(target_latency));
            format!("{rate} samples/s; {target_qps} due, p99 bound {bound}")
        }
    }
}

fn verdict(r: &LoadResult) -> String {
    match (r.invalid.is_empty(), r.short.is_empty()) {
        (false, _) => format!("invalid: {}", r.invalid.join("; ")),
        (true, false) => format!("short run: {}", r.short.join("; ")),
        (true, true) => "valid".to_owned(),
    }
}
