//! A comparison in tables and sentences.

use crate::compare::{Check, Checked, Comparison, Gate, Measure, Row, Slice, Verdict};
use crate::metrics::Figure;
use crate::table::{self, Cell, Column, Table, printed, seconds, signed};

/// The tables of all comparisons, and of what could not be compared.
pub fn tables(check: &Check, gates_only: bool) -> Vec<Table> {
    check.comparisons().map(|(run, c)| measures(run, c, gates_only)).filter(|t| !t.rows.is_empty()).collect()
}

/// What decided, a sentence each: first what regressed in any run, then what could not be compared or told, then the rest.
pub fn headline(check: &Check) -> Vec<String> {
    let mut lines: Vec<(u8, String)> = Vec::new();
    for run in &check.runs {
        match &run.result {
            Err(e) => lines.push((1, format!("{}: incomparable:\n{}", run.name, e.differences.join("\n")))),
            Ok(c) => lines.extend(decisive(run, c)),
        }
    }
    let other = |names: &[String], what: &str| names.iter().map(|n| (1, format!("{n}: {what}"))).collect::<Vec<_>>();
    lines.extend(other(&check.new, "the baseline has no such run: `socio-bench baseline save` adds it"));
    lines.extend(other(&check.gone, "a run of the baseline that was not given"));
    lines.sort_by_key(|(rank, _)| *rank);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What is regressed or cannot be told; else what improved; else that nothing changed.
fn decisive(run: &Checked, c: &Comparison) -> Vec<(u8, String)> {
    let gated: Vec<(&Row, &Gate)> = c.rows.iter().filter_map(|r| Some((r, r.gate.as_ref()?))).collect();
    let of = |verdict: Verdict, rank: u8| {
        let own = gated.iter().filter(move |(_, g)| g.verdict == verdict);
        own.map(|(row, gate)| (rank, format!("{}: {}", run.name, sentence(row, gate)))).collect::<Vec<_>>()
    };
    let bad = [of(Verdict::Regressed, 0), of(Verdict::Inconclusive, 2)].concat();
    if !bad.is_empty() {
        return bad;
    }
    let good = of(Verdict::Improved, 3);
    if !good.is_empty() {
        return good;
    }
    let gates = if gated.is_empty() { "no limit" } else { "within its limits" };
    vec![(4, format!("{}: {gates} ({} samples)", run.name, c.samples))]
}

fn sentence(row: &Row, gate: &Gate) -> String {
    let measure = format!("{} of {}", row.measure.label(), row.slice.label());
    let change = match &row.change {
        Some(f) => format!(", {}", change(row.measure, f)),
        None => String::new(),
    };
    let allowed = format!("limit {}", gate.limit);
    let remark = gate.remark.as_ref().map_or(String::new(), |r| format!("; {r}"));
    let (before, after) = (value(row.measure, row.before), value(row.measure, row.after));
    format!("{measure} {}: {before} to {after}{change} ({allowed}{remark})", gate.verdict.label())
}

/// A value in its measure's unit.
pub(super) fn value(measure: Measure, value: Option<f64>) -> String {
    let Some(v) = value else { return "–".to_owned() };
    match measure {
        Measure::Metric(_) => printed(v),
        Measure::Seconds(_) => seconds(v),
        Measure::Failures | Measure::Errors | Measure::Moved | Measure::Memory => format!("{v:.0}"),
    }
}

/// A difference with its interval: points of a metric; of a latency the growth in percent.
pub(super) fn change(measure: Measure, f: &Figure) -> String {
    let (sign, unit) = if measure.more_is_better() { (1.0, "") } else { (-1.0, " %") };
    let mut ends = [sign * f.low, sign * f.high];
    ends.sort_by(f64::total_cmp);
    let interval = if f.high > f.low && f.low.is_finite() && f.high.is_finite() {
        format!(" [{}, {}]", signed(ends[0]), signed(ends[1]))
    } else {
        String::new()
    };
    format!("{}{unit}{interval}", signed(sign * f.value))
}

fn measures(run: &Checked, c: &Comparison, gates_only: bool) -> Table {
    let columns = ["Measure", "samples", "before", "after", "difference", "detectable", "limit", "p", "verdict"];
    let text = |t: String| Cell::Text(t);
    let shown = c.rows.iter().filter(|r| !gates_only || r.gate.is_some());
    let rows = shown.map(|row| {
        let name = match row.slice {
            Slice::All => row.measure.label(),
            Slice::Level(level) => format!("{} {}", level.label(), row.measure.label()),
        };
        let unit = if matches!(row.measure, Measure::Metric(_)) { "" } else { " %" };
        let cells = vec![
            text(name),
            Cell::Count(row.samples as u64),
            text(value(row.measure, row.before)),
            text(value(row.measure, row.after)),
            text(row.change.as_ref().map_or(plain(row), |f| change(row.measure, f))),
            text(row.detectable.map_or(String::new(), |d| format!("{}{unit}", printed(d)))),
            text(row.gate.as_ref().map_or(String::new(), |g| g.limit.clone())),
            text(row.gate.as_ref().and_then(|g| g.chance).map_or(String::new(), |(_, p)| chance(p))),
            text(verdict(row)),
        ];
        table::Row { group: u8::from(!row.measure.more_is_better()), cells }
    });
    let mut notes = vec![format!(
        "{} samples of {} scenes, paired by id; profile {}. Differences: points of a metric, percent of a time; 95 % intervals, paired cluster bootstrap by scene. detectable: the loss that is found with a chance of 80 %, limit included. p: after Holm's correction over all limits, against 0.025.",
        c.samples, c.scenes, c.profile.name
    )];
    if c.only_before + c.only_after > 0 {
        notes.push(format!("Not compared: {} samples of before, {} of after.", c.only_before, c.only_after));
    }
    notes.extend(c.rows.iter().filter_map(|r| {
        let gate = r.gate.as_ref()?;
        Some(format!("{} {}: {}.", r.slice.label(), gate.limit, gate.remark.as_ref()?))
    }));
    notes.extend(c.remarks.clone());
    Table {
        key: "comparison".to_owned(),
        title: run.name.clone(),
        columns: columns.map(|n| Column { over: String::new(), name: n.to_owned() }).into(),
        rows: rows.collect(),
        notes,
        source: vec![format!(
            "Before {} (socio-bench {}), after {} (socio-bench {}).",
            run.ids.0, run.versions.0, run.ids.1, run.versions.1
        )],
    }
}

/// A difference without an interval.
fn plain(row: &Row) -> String {
    let (Some(before), Some(after)) = (row.before, row.after) else { return String::new() };
    let text = format!("{:+.0}", after - before);
    if text == "-0" { "+0".to_owned() } else { text }
}

pub(super) fn chance(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// The gate's verdict; of what does not gate, whether its interval lies to one side of no change.
fn verdict(row: &Row) -> String {
    match (&row.gate, &row.change) {
        (Some(gate), _) => gate.verdict.label().to_owned(),
        (None, Some(f)) if f.high < 0.0 => "(worse)".to_owned(),
        (None, Some(f)) if f.low > 0.0 => "(better)".to_owned(),
        _ => String::new(),
    }
}
