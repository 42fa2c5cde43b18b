//! Limits from the spread of a reference that was run with several seeds.

use super::outcome::name_of;
use super::{Allowed, Asked, Incomparable, Measure, Slice, compare};
use socio_record::Rule;

use crate::digest::Digest;
use crate::metrics::{Metric, Profile, student};
use crate::table::{Cell, Column, Row, Spread, Table, printed};

/// Chance that a run like the reference stays within a proposed limit.
const WITHIN: f64 = 2.326_347_874;
/// Limits are rounded up to so many points, and shares to so many percent.
const POINTS: f64 = 0.1;
const PERCENT: f64 = 5.0;

/// What several seeds of one reference say of a measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Spreads {
    /// The reference's row.
    pub name: String,
    /// Its measure, over all samples.
    pub measure: Measure,
    /// Its value in each run.
    pub values: Vec<f64>,
    /// The median loss that two of the runs could have told apart, in points or percent.
    pub detectable: Option<f64>,
    /// How much worse a run may be, as a limit.
    pub limit: String,
}

/// The spread of each measure over runs that differ in their seed, a set and row at a time.
///
/// # Errors
/// When two runs of one row cannot be compared.
pub fn calibrate(
    runs: &[Digest],
    profile: Option<Profile>,
    rule: Rule,
    resamples: usize,
) -> Result<Vec<Spreads>, Incomparable> {
    let mut names: Vec<String> = Vec::new();
    for run in runs {
        let name = name_of(&run.manifest);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut all = Vec::new();
    for name in names {
        let own: Vec<&Digest> = runs.iter().filter(|r| name_of(&r.manifest) == name).collect();
        all.extend(spreads(&name, &own, profile, rule, resamples)?);
    }
    Ok(all)
}

fn spreads(
    name: &str,
    runs: &[&Digest],
    profile: Option<Profile>,
    rule: Rule,
    resamples: usize,
) -> Result<Vec<Spreads>, Incomparable> {
    let asked = Asked { profile, rule, resamples, limits: Vec::new(), allowed: Allowed::default(), most: 0 };
    // Each run against the first: the same pairs as a check against a baseline makes.
    let pairs: Vec<_> = runs[1..].iter().map(|r| compare(runs[0], r, &asked)).collect::<Result<_, _>>()?;
    let Some(first) = pairs.first() else { return Ok(Vec::new()) };
    let measures =
        first.rows.iter().filter(|r| r.slice == Slice::All && !matches!(r.measure, Measure::Errors | Measure::Moved));
    let told = measures
        .filter_map(|row| {
            let same = |r: &&super::Row| r.slice == Slice::All && r.measure == row.measure;
            let others: Vec<_> = pairs.iter().filter_map(|c| c.rows.iter().find(same)).collect();
            let mut values = vec![row.before?];
            values.extend(others.iter().filter_map(|r| r.after));
            let mut least: Vec<f64> = others.iter().filter_map(|r| r.detectable).collect();
            least.sort_by(f64::total_cmp);
            let detectable = least.get(least.len() / 2).copied();
            let limit = limit(row.measure, &values, detectable.filter(|d| d.is_finite()))?;
            Some(Spreads { name: name.to_owned(), measure: row.measure, values, detectable, limit })
        })
        .collect();
    Ok(told)
}

/// A limit that a run like the reference keeps in 99 of 100 cases, and that its samples can tell from a loss.
fn limit(measure: Measure, values: &[f64], detectable: Option<f64>) -> Option<String> {
    let spread = Spread::of(values)?;
    // The difference of two such runs varies by more than each, and so few runs tell the spread only roughly.
    let reach = student(WITHIN, (values.len() - 1) as f64) * std::f64::consts::SQRT_2 * spread.deviation;
    let up = |v: f64, step: f64| (v / step - 1e-9).ceil().max(0.0) * step;
    Some(match measure {
        Measure::Metric(metric) => {
            let name = match metric {
                Metric::Giou => "giou",
                Metric::Ciou => "ciou",
                Metric::F1(_) => "f1",
                Metric::Precision(_) | Metric::Recall(_) => return None,
            };
            let points = up(reach.max(detectable.unwrap_or(0.0)), POINTS);
            // Nothing varies: then nothing has to.
            if points > 0.0 { format!("{name}=-{}", printed(points)) } else { format!("{name}=0") }
        }
        Measure::Seconds(q) => {
            let name = q.map_or("mean".to_owned(), |q| format!("p{:.0}", 100.0 * q));
            let share = up((100.0 * reach / spread.mean.max(1e-12)).max(detectable.unwrap_or(0.0)), PERCENT);
            format!("{name}=+{:.0}%", share.max(PERCENT))
        }
        Measure::Failures => format!("failures=+{:.0}", reach.ceil()),
        Measure::Memory => format!("memory=+{:.0}%", up(100.0 * reach / spread.mean.max(1e-12), PERCENT).max(PERCENT)),
        Measure::Errors | Measure::Moved => return None,
    })
}

/// The limits that `check` would take: gIoU, failures, and of several rows the widest.
pub fn proposed(all: &[Spreads]) -> Vec<String> {
    let width = |limit: &str| {
        let number = limit.trim_start_matches(|c: char| c != '=').trim_matches(['=', '+', '-', '%']);
        number.parse::<f64>().unwrap_or(0.0)
    };
    let mut limits: Vec<String> = Vec::new();
    for one in all.iter().filter(|s| matches!(s.measure, Measure::Metric(Metric::Giou) | Measure::Failures)) {
        let kind = one.limit.split('=').next().unwrap_or_default();
        match limits.iter_mut().find(|l| l.split('=').next() == Some(kind)) {
            Some(known) if width(&one.limit) > width(known) => known.clone_from(&one.limit),
            Some(_) => {}
            None => limits.push(one.limit.clone()),
        }
    }
    limits
}

/// The spreads as a table.
pub fn spread_table(all: &[Spreads], runs: &[Digest]) -> Table {
    let columns =
        ["Method", "measure", "runs", "mean", "sd", "least", "most", "99 % of the mean", "detectable", "limit"];
    let rows = all.iter().map(|s| {
        let spread = Spread::of(&s.values);
        let value = |v: Option<f64>| match s.measure {
            Measure::Seconds(_) => Cell::Seconds(v),
            Measure::Failures | Measure::Errors | Measure::Moved | Measure::Memory => Cell::Number(v, 1),
            Measure::Metric(_) => Cell::Number(v, 2),
        };
        let cells = vec![
            Cell::Text(s.name.clone()),
            Cell::Text(s.measure.label()),
            Cell::Count(s.values.len() as u64),
            value(spread.map(|s| s.mean)),
            value(spread.map(|s| s.deviation)),
            value(s.values.iter().copied().reduce(f64::min)),
            value(s.values.iter().copied().reduce(f64::max)),
            value(spread.map(|s| 0.99 * s.mean).filter(|_| s.measure.more_is_better())),
            Cell::Number(s.detectable, 2),
            Cell::Text(s.limit.clone()),
        ];
        Row { group: 0, cells }
    });
    let ids: Vec<&str> = runs.iter().map(|r| r.manifest.id.as_str()).collect();
    Table {
        key: "calibration".to_owned(),
        title: "Spread of the reference over seeds".to_owned(),
        columns: columns.map(|n| Column { over: String::new(), name: n.to_owned() }).into(),
        rows: rows.collect(),
        notes: vec![
            "limit: what a run like these keeps in 99 of 100 cases (Student's quantile, so few runs as there are), and no less than what its samples can tell from no loss (detectable, power 80 %). 99 % of the mean is the quality target that MLPerf sets.".to_owned(),
        ],
        source: vec![format!("Runs: {}.", ids.join(", "))],
    }
}
