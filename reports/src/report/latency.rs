//! Where time goes: seconds a sample and by phase, over the samples after each worker's first, which warms up.

use std::collections::BTreeMap;

use super::lines::{Line, With};
use super::{column, notes};
use crate::digest::Digest;
use crate::metrics::quantile;
use crate::paper::Paper;
use crate::table::{Cell, Row, Table};

/// The phases in the order in which a sample goes through them, as tables name them.
pub(crate) const PHASES: [(&str, &str); 16] = [
    ("load", "load"),
    ("decode", "decode"),
    ("resize", "resize"),
    ("hash", "hash"),
    ("read map", "map reader"),
    ("exec", "program"),
    ("vlm", "vision-language model"),
    ("vlm vision", "of it: vision"),
    ("vlm prefill", "of it: prefill"),
    ("vlm tokens", "of it: decoding"),
    ("parse", "parse"),
    ("embed", "segmenter, encode"),
    ("segment", "segmenter, prompt"),
    ("render", "render"),
    ("score", "score"),
    ("write", "write"),
];

/// Phases that have no parts, within a sample's time: reading ahead and the log are beside it.
pub(crate) fn leaf_phases() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    PHASES.iter().filter(|(key, _)| !matches!(*key, "vlm" | "load" | "write"))
}

/// Seconds of one sample by [`leaf_phases`]. What a vision-language model took beside the parts that it tells, which is all
/// of it where it tells none, is with the last of them.
pub(crate) fn leaf_seconds(told: impl Fn(&str) -> Option<f64>) -> Vec<f64> {
    let parts: f64 = ["vlm vision", "vlm prefill", "vlm tokens"].into_iter().filter_map(&told).sum();
    let rest = (told("vlm").unwrap_or(0.0) - parts).max(0.0);
    let seconds = |key: &str| told(key).unwrap_or(0.0) + if key == "vlm tokens" { rest } else { 0.0 };
    leaf_phases().map(|(key, _)| seconds(key)).collect()
}

/// What a run took.
pub(crate) struct Timing {
    /// Seconds of each counted sample, sorted.
    pub(crate) total: Vec<f64>,
    /// Seconds by phase of each counted sample that had it, sorted.
    pub(crate) phases: BTreeMap<&'static str, Vec<f64>>,
    /// Samples that warmed up.
    pub(crate) warm_up: usize,
    /// Samples an hour of one process, by the clock.
    pub(crate) hourly: Option<f64>,
    /// Tokens drawn in a second of decoding.
    pub(crate) tokens: Option<f64>,
    /// Most memory of a process, in bytes.
    pub(crate) memory: Option<u64>,
    /// Samples in flight at most.
    pub(crate) in_flight: usize,
}

/// Times of a run.
pub(crate) fn timing(digest: &Digest) -> Timing {
    // The first sample of each worker of each process.
    let mut first: BTreeMap<(u32, u32), (f64, usize)> = BTreeMap::new();
    for (i, entry) in digest.entries.iter().enumerate() {
        let Some(when) = entry.when else { continue };
        let known = first.entry((when.process, when.worker)).or_insert((when.begun, i));
        if when.begun < known.0 {
            *known = (when.begun, i);
        }
    }
    let in_flight = first.keys().map(|(_, worker)| *worker as usize + 1).max().unwrap_or(0);
    let mut warm: Vec<usize> = first.values().map(|(_, i)| *i).collect();
    warm.sort_unstable();
    // A run of no more samples than that would have nothing left.
    if warm.len() >= digest.entries.len() {
        warm.clear();
    }
    let counted: Vec<usize> = (0..digest.entries.len()).filter(|i| warm.binary_search(i).is_err()).collect();
    let seconds = |phase: &str| {
        let mut all: Vec<f64> = counted.iter().filter_map(|i| digest.phases.seconds(phase, *i)).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let mut spans: BTreeMap<u32, (f64, f64, usize)> = BTreeMap::new();
    for i in &counted {
        let (Some(when), Some(total)) = (digest.entries[*i].when, digest.phases.seconds("total", *i)) else { continue };
        let span = spans.entry(when.process).or_insert((f64::INFINITY, 0.0, 0));
        *span = (span.0.min(when.begun), span.1.max(when.begun + total), span.2 + 1);
    }
    let (n, clock) = spans.values().fold((0, 0.0), |(n, c), s| (n + s.2, c + s.1 - s.0));
    let drawn: f64 = counted.iter().filter_map(|i| digest.entries[*i].tokens).map(|t| f64::from(t.1)).sum();
    let decoding: f64 = seconds("vlm tokens").iter().sum();
    Timing {
        total: seconds("total"),
        phases: PHASES
            .iter()
            .map(|(key, _)| (*key, seconds(key)))
            .filter(|(_, s)| s.last().is_some_and(|most| *most > 0.0))
            .collect(),
        warm_up: warm.len(),
        hourly: (clock > 0.0).then(|| 3600.0 * f64::from(n as u32) / clock),
        tokens: (decoding > 0.0 && drawn > 0.0).then(|| drawn / decoding),
        memory: digest.peak_memory(),
        in_flight,
    }
}

/// The table of whole samples, and the one by phase.
pub(super) fn tables(lines: &[Line<'_>], with: With<'_>) -> Result<Vec<Table>, toml::de::Error> {
    // Seeds of one method are one row here too: the first run stands for it.
    let timed: Vec<(&Line<'_>, Timing)> = (lines.iter())
        .filter_map(|l| Some((l, timing(l.runs.first()?))))
        .filter(|(_, t)| !t.total.is_empty())
        .collect();
    if timed.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![whole(lines, &timed, with)?, by_phase(lines, &timed, with)])
}

fn whole(lines: &[Line<'_>], timed: &[(&Line<'_>, Timing)], with: With<'_>) -> Result<Table, toml::de::Error> {
    let names =
        ["Method", "mean", "p50", "p90", "p95", "p99", "samples/h", "tokens/s", "peak memory, MiB", "in flight", "n"];
    let mut rows: Vec<Row> = (timed.iter())
        .map(|(line, t)| {
            let mean = t.total.iter().sum::<f64>() / t.total.len() as f64;
            let mut cells = vec![Cell::Text(line.label.clone()), Cell::Seconds(Some(mean))];
            cells.extend([0.5, 0.9, 0.95, 0.99].map(|q| Cell::Seconds(quantile(&t.total, q))));
            cells.extend([
                Cell::Number(t.hourly, 0),
                Cell::Number(t.tokens, 1),
                Cell::Number(t.memory.map(|m| m as f64 / f64::from(1 << 20)), 0),
                Cell::Count(t.in_flight as u64),
                Cell::Count(t.total.len() as u64),
            ]);
            Row { group: line.group, cells }
        })
        .collect();
    let mut told = notes::machines(lines.iter().flat_map(|l| &l.runs).map(|r| &r.manifest.machine));
    told.extend(notes::first_seed(lines));
    let warm: usize = timed.iter().map(|(_, t)| t.warm_up).sum();
    told.push(format!(
        "Seconds a sample, from decoding to the score; {warm} samples that warmed up (the first of each worker) are left out. \
         samples/h: of one process by the clock, with so many in flight. With several in flight, a sample's time has waiting in it."
    ));
    if with.options.with_paper && notes::set_is(lines, "id") {
        for row in Paper::embedded()?.table("8") {
            let mut cells = vec![Cell::Text(format!("{} (published)", row.method)), Cell::Seconds(row.seconds)];
            cells.resize(names.len(), Cell::empty());
            rows.push(Row { group: 2, cells });
        }
        told.push(format!("{} No hardware is told.", notes::published("8")));
    }
    Ok(Table {
        key: "latency".to_owned(),
        title: "Latency: a sample".to_owned(),
        columns: names.map(|n| column("", n)).into(),
        rows,
        notes: told,
        source: notes::source(lines, with),
    })
}

fn by_phase(lines: &[Line<'_>], timed: &[(&Line<'_>, Timing)], with: With<'_>) -> Table {
    let mut columns = vec![column("", "Phase")];
    for (line, _) in timed {
        columns.extend(["p50", "p90", "p95", "p99", "share, %"].map(|n| column(&line.label, n)));
    }
    let present = PHASES.iter().filter(|(key, _)| timed.iter().any(|(_, t)| t.phases.contains_key(key)));
    let rows = present.map(|(key, name)| {
        let mut cells = vec![Cell::Text((*name).to_owned())];
        for (_, t) in timed {
            let own = t.phases.get(key).map_or(&[][..], Vec::as_slice);
            cells.extend([0.5, 0.9, 0.95, 0.99].map(|q| Cell::Seconds(quantile(own, q))));
            let whole: f64 = t.total.iter().sum();
            // What is not in a sample's total (reading ahead, the log) has no share of it.
            let part = !own.is_empty() && whole > 0.0 && !matches!(*key, "load" | "write");
            cells.push(Cell::Number(part.then(|| 100.0 * own.iter().sum::<f64>() / whole), 1));
        }
        Row { group: 0, cells }
    });
    Table {
        key: "latency-phases".to_owned(),
        title: "Latency by phase".to_owned(),
        columns,
        rows: rows.collect(),
        notes: vec![
            "\"of it\": a part of the one above. load (reading ahead) and write (the log) are beside a sample's time, not in it.".to_owned(),
        ],
        source: notes::source(lines, with),
    }
}
