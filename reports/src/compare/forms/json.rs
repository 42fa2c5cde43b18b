//! JSON for machines; `docs/schemas/check.schema.json` describes it.

use serde_json::{Value, json};

use crate::compare::{Check, Comparison, Row, Verdict};
use crate::metrics::Figure;

/// Version of this layout.
const SCHEMA: u32 = 1;

/// The check as JSON.
pub fn json(check: &Check) -> Value {
    let (code, verdict) = check.verdict();
    let run = |r: &crate::compare::Checked| {
        let mut value = json!({
            "name": r.name,
            "before": { "id": r.ids.0, "version": r.versions.0 },
            "after": { "id": r.ids.1, "version": r.versions.1 },
        });
        match &r.result {
            Ok(c) => value["comparison"] = comparison(c),
            Err(e) => value["incomparable"] = json!(e.differences.iter().map(|d| d.trim()).collect::<Vec<_>>()),
        }
        value
    };
    json!({
        "schema": SCHEMA,
        "verdict": verdict,
        "exit_code": code,
        "limits": check.limits,
        "inconclusive_fails": check.strict,
        "runs": check.runs.iter().map(run).collect::<Vec<_>>(),
        "without_baseline": check.new,
        "not_given": check.gone,
    })
}

fn comparison(c: &Comparison) -> Value {
    let loser = |m: &crate::compare::Moved| json!({ "id": m.id, "class": m.class, "before": m.before, "after": m.after, "status": m.status });
    let class = |(name, n, before, after, f): &(String, usize, f64, f64, Figure)| json!({ "class": name, "samples": n, "before": before, "after": after, "difference": figure(f) });
    json!({
        "profile": c.profile.name,
        "samples": c.samples,
        "scenes": c.scenes,
        "only_before": c.only_before,
        "only_after": c.only_after,
        "verdict": c.verdict().map(Verdict::label),
        "measures": c.rows.iter().map(row).collect::<Vec<_>>(),
        "lost_most": c.losers.iter().map(loser).collect::<Vec<_>>(),
        "classes": c.classes.iter().map(class).collect::<Vec<_>>(),
        "remarks": c.remarks,
    })
}

fn row(row: &Row) -> Value {
    let gate = row.gate.as_ref().map(|g| {
        json!({
            "limit": g.limit,
            "tolerance": g.tolerance,
            "p": g.chance.map(|c| c.0),
            "p_holm": g.chance.map(|c| c.1),
            "verdict": g.verdict.label(),
            "remark": g.remark,
        })
    });
    json!({
        "measure": row.measure.label(),
        "slice": row.slice.label(),
        "samples": row.samples,
        "before": row.before,
        "after": row.after,
        "better_by": row.change.as_ref().map(figure),
        "detectable": row.detectable,
        "gate": gate,
    })
}

fn figure(f: &Figure) -> Value {
    json!({ "value": f.value, "low": f.low, "high": f.high })
}
