//! The differences of a run as a picture: a mark and an interval each, beside no change.

use crate::compare::{Check, Measure, Slice};
use crate::figure::{About, Contrast, Estimate, Forest, standalone};

/// A picture (SVG) of each comparison: points by which its metrics are better or worse.
pub fn pictures(check: &Check) -> Vec<String> {
    let one = |(i, (run, comparison)): (usize, (&crate::compare::Checked, &crate::compare::Comparison))| {
        let metrics = comparison.rows.iter().filter(|r| matches!(r.measure, Measure::Metric(_)));
        let rows = metrics.map(|row| Contrast {
            label: match row.slice {
                Slice::All => row.measure.label(),
                Slice::Level(level) => format!("{} {}", level.label(), row.measure.label()),
            },
            difference: row.change.as_ref().map(|f| Estimate::new(f.value, f.low, f.high)),
            verdict: row.gate.as_ref().map_or("", |g| g.verdict.label()).to_owned(),
        });
        let allowed = comparison
            .rows
            .iter()
            .find_map(|r| r.gate.as_ref()?.tolerance.filter(|_| matches!(r.measure, Measure::Metric(_))));
        let forest = Forest {
            about: About::new(format!("compare-{i}"), run.name.clone()),
            measure: "difference in points".to_owned(),
            tolerance: allowed.filter(|t| *t > 0.0).map(|t| -t),
            rows: rows.collect(),
        };
        standalone(&forest.render())
    };
    check.comparisons().enumerate().map(one).collect()
}
