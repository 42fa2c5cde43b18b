//! Every measure of two runs of the same samples, with its limit where it has one.

use std::collections::BTreeSet;

use socio_record::Rule;

use super::judge::{Evidence, Verdict, holm};
use super::{
    Allowed, Bound, Change, Incomparable, Limit, Measure, Moved, Pairs, Slice, latency, moved, paired_change, pairs,
};
use crate::digest::Digest;
use crate::metrics::{FEW_SCENES, Figure, Metric, Profile};

/// How two runs are compared.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The profile; the baseline's own where not given.
    pub profile: Option<Profile>,
    /// What F1 takes for an instance.
    pub rule: Rule,
    /// Draws for the intervals.
    pub resamples: usize,
    /// The limits that gate.
    pub limits: Vec<Limit>,
    /// What may differ.
    pub allowed: Allowed,
    /// How many samples that lost are named.
    pub most: usize,
}

/// A limit, as it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The limit as it was written.
    pub limit: String,
    /// How much worse it allows, in the row's unit; `None` for a bound of the value itself.
    pub tolerance: Option<f64>,
    /// The chance of a false alarm were one raised, by itself and corrected by Holm; `None` for what is counted exactly.
    pub chance: Option<(f64, f64)>,
    /// The verdict.
    pub verdict: Verdict,
    /// What else is to be said of it.
    pub remark: Option<String>,
}

/// A measure before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What.
    pub measure: Measure,
    /// Over which samples.
    pub slice: Slice,
    /// Samples.
    pub samples: usize,
    /// Its value before.
    pub before: Option<f64>,
    /// After.
    pub after: Option<f64>,
    /// The difference, positive where the run is better: points of a metric, percent of a latency.
    pub change: Option<Figure>,
    /// The smallest loss that is found with a chance of 80 %, in the same unit: beyond the limit where there is one, else
    /// from no change.
    pub detectable: Option<f64>,
    /// Its limit.
    pub gate: Option<Gate>,
}

/// Two runs compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The profile of every figure.
    pub profile: Profile,
    /// Samples compared.
    pub samples: usize,
    /// Their scenes.
    pub scenes: usize,
    /// Samples before that are not compared.
    pub only_before: usize,
    /// Samples after that are not compared.
    pub only_after: usize,
    /// The measures.
    pub rows: Vec<Row>,
    /// Samples that lost most.
    pub losers: Vec<Moved>,
    /// gIoU by class: name, samples, before, after, difference.
    pub classes: Vec<(String, usize, f64, f64, Figure)>,
    /// What else is to be said.
    pub remarks: Vec<String>,
}

impl Comparison {
    /// The worst verdict of its gates; `None` where nothing gates.
    pub fn verdict(&self) -> Option<Verdict> {
        self.rows.iter().filter_map(|r| r.gate.as_ref()).map(|g| g.verdict).max()
    }
}

/// Compares two runs.
///
/// # Errors
/// When they cannot be compared.
pub fn compare(before: &Digest, after: &Digest, asked: &Asked) -> Result<Comparison, Incomparable> {
    let differ = |differences| Incomparable {
        before: before.path.display().to_string(),
        after: after.path.display().to_string(),
        differences,
    };
    compare_all(&[(before, after)], asked).pop().unwrap_or_else(|| Err(differ(Vec::new())))
}

/// Compares runs in pairs; the limits of all are corrected together.
pub fn compare_all(all: &[(&Digest, &Digest)], asked: &Asked) -> Vec<Result<Comparison, Incomparable>> {
    let mut measured: Vec<Measured> = Vec::new();
    let compared: Vec<_> = all
        .iter()
        .map(|(before, after)| {
            let (comparison, own) = measure(before, after, asked)?;
            let from = measured.len();
            measured.extend(own);
            Ok((comparison, from..measured.len()))
        })
        .collect();
    let rows = judged(measured);
    compared
        .into_iter()
        .map(|one| one.map(|(comparison, own)| Comparison { rows: rows[own].to_vec(), ..comparison }))
        .collect()
}

fn measure(before: &Digest, after: &Digest, asked: &Asked) -> Result<(Comparison, Vec<Measured>), Incomparable> {
    let own = |d: &Digest| Profile::named(&d.manifest.profile).unwrap_or(Profile::STRICT);
    let (a, b) = (own(before), own(after));
    if asked.profile.is_none() && a != b {
        return Err(Incomparable {
            before: before.path.display().to_string(),
            after: after.path.display().to_string(),
            differences: vec![format!("  profile: {} before, {} after (--profile counts both alike)", a.name, b.name)],
        });
    }
    let profile = asked.profile.unwrap_or(a);
    let pairs = pairs(before, after, asked.allowed)?;
    let scenes: BTreeSet<_> = pairs.entries.iter().map(|(a, _)| a.scene).collect();
    let mut measured = metrics(&pairs, &profile, asked);
    measured.extend(counts(&pairs, &profile));
    let mut remarks = Vec::new();
    if scenes.len() < FEW_SCENES {
        remarks.push(format!("WARNING: only {} scenes: below {FEW_SCENES} an interval is doubtful.", scenes.len()));
    }
    let same_machine = before.manifest.machine == after.manifest.machine;
    let told = |d: &Digest| !d.manifest.machine.processor.is_empty();
    if !same_machine && told(before) && told(after) {
        remarks.push("The runs are of different machines: their times and memory are not comparable.".to_owned());
    }
    measured.extend(costs(&pairs, same_machine));
    let comparison = Comparison {
        profile,
        samples: pairs.entries.len(),
        scenes: scenes.len(),
        only_before: pairs.only_before,
        only_after: pairs.only_after,
        rows: Vec::new(),
        losers: moved::losers(&pairs, &profile, asked.most),
        classes: moved::classes(&pairs, &profile),
        remarks,
    };
    Ok((comparison, limited(measured, asked)))
}

/// A row, with what its verdict is made from where that is more than two numbers.
#[derive(Clone)]
struct Measured {
    row: Row,
    change: Option<Change>,
    /// Whether the two runs can be held against each other in this: times of two machines can not.
    comparable: bool,
    /// The limit that is put to it.
    limit: Option<Limit>,
}

fn metrics(pairs: &Pairs<'_>, profile: &Profile, asked: &Asked) -> Vec<Measured> {
    let mut all = vec![Metric::Giou, Metric::Ciou, Metric::F1(asked.rule)];
    for limit in &asked.limits {
        if let Measure::Metric(metric) = with_rule(limit.measure, asked.rule)
            && !all.contains(&metric)
        {
            all.push(metric);
        }
    }
    let mut rows = Vec::new();
    for slice in Slice::EACH {
        let own = pairs.entries.iter().filter(|(a, _)| slice.holds(a.level));
        let samples = own.clone().count();
        if samples == 0 {
            continue;
        }
        let tallies = own.filter_map(|(a, b)| Some((a.scene, profile.tally(a)?, profile.tally(b)?)));
        let changes = paired_change(tallies, &all, profile, asked.resamples);
        for (metric, change) in all.iter().zip(changes) {
            rows.push(Measured {
                row: Row {
                    measure: Measure::Metric(*metric),
                    slice,
                    samples,
                    before: change.as_ref().map(|c| c.before),
                    after: change.as_ref().map(|c| c.after),
                    change: change.as_ref().map(Change::figure),
                    detectable: change.as_ref().map(Change::detectable),
                    gate: None,
                },
                change,
                comparable: true,
                limit: None,
            });
        }
    }
    rows
}

/// A limit's measure with the rule of instances that was asked for.
fn with_rule(measure: Measure, rule: Rule) -> Measure {
    match measure {
        Measure::Metric(Metric::F1(_)) => Measure::Metric(Metric::F1(rule)),
        Measure::Metric(Metric::Precision(_)) => Measure::Metric(Metric::Precision(rule)),
        Measure::Metric(Metric::Recall(_)) => Measure::Metric(Metric::Recall(rule)),
        other => other,
    }
}

fn exact(measure: Measure, samples: usize, before: Option<f64>, after: Option<f64>) -> Measured {
    let row = Row { measure, slice: Slice::All, samples, before, after, change: None, detectable: None, gate: None };
    Measured { row, change: None, comparable: true, limit: None }
}

fn counts(pairs: &Pairs<'_>, profile: &Profile) -> Vec<Measured> {
    let n = pairs.entries.len();
    let count = |of: &dyn Fn(&crate::digest::Entry) -> bool| {
        let sides = pairs.entries.iter().fold((0, 0), |(a, b), (x, y)| (a + u32::from(of(x)), b + u32::from(of(y))));
        (Some(f64::from(sides.0)), Some(f64::from(sides.1)))
    };
    let failures = count(&|e| profile.tally(e).is_some_and(|t| t.failed > 0));
    let errors = count(&|e| e.status.is_error());
    let moved = pairs.entries.iter().filter(|(a, b)| (a.status, a.score) != (b.status, b.score)).count();
    let moved = exact(Measure::Moved, n, Some(0.0), Some(f64::from(moved as u32)));
    vec![moved, exact(Measure::Failures, n, failures.0, failures.1), exact(Measure::Errors, n, errors.0, errors.1)]
}

fn costs(pairs: &Pairs<'_>, same_machine: bool) -> Vec<Measured> {
    let mut rows = Vec::new();
    for q in [None, Some(0.5), Some(0.9), Some(0.95), Some(0.99)] {
        let Some(ratio) = latency::ratio(pairs, q) else { continue };
        let mut measured = exact(Measure::Seconds(q), pairs.entries.len(), Some(ratio.before), Some(ratio.after));
        measured.row.change = Some(ratio.figure());
        measured.row.detectable = Some(100.0 * ratio.change.detectable().exp_m1());
        measured.change = Some(ratio.change);
        rows.push(measured);
    }
    let mebibytes = |d: &Digest| d.peak_memory().map(|m| m as f64 / 1_048_576.0);
    let (before, after) = (mebibytes(pairs.before), mebibytes(pairs.after));
    if before.is_some() && after.is_some() {
        rows.push(exact(Measure::Memory, pairs.entries.len(), before, after));
    }
    for row in &mut rows {
        row.comparable = same_machine;
    }
    rows
}

/// Puts the limits to their rows. Of several of one kind the last counts, as the last option does; one against the baseline
/// and one of the value itself both gate, a row each.
fn limited(measured: Vec<Measured>, asked: &Asked) -> Vec<Measured> {
    let mut rows = Vec::new();
    for m in measured {
        let of_kind = |absolute: bool| {
            let its = |l: &&Limit| {
                with_rule(l.measure, asked.rule) == m.row.measure
                    && l.slice.is_none_or(|s| s == m.row.slice)
                    && matches!(l.bound, Bound::Value(_)) == absolute
            };
            asked.limits.iter().rev().find(its).cloned()
        };
        let limits = [of_kind(false), of_kind(true)];
        if limits.iter().all(Option::is_none) {
            rows.push(m);
            continue;
        }
        rows.extend(limits.into_iter().flatten().map(|limit| Measured { limit: Some(limit), ..m.clone() }));
    }
    // A limit on what neither run has is not kept: it cannot be told.
    let idle = asked.limits.iter().filter(|l| {
        let measure = with_rule(l.measure, asked.rule);
        !rows.iter().any(|m| m.row.measure == measure && l.slice.is_none_or(|s| s == m.row.slice))
    });
    let idle: Vec<Measured> = idle
        .map(|l| {
            let mut none = exact(with_rule(l.measure, asked.rule), 0, None, None);
            none.row.slice = l.slice.unwrap_or(Slice::All);
            Measured { limit: Some(l.clone()), ..none }
        })
        .collect();
    rows.extend(idle);
    rows
}

/// Judges every row that has a limit, all of them corrected together.
fn judged(measured: Vec<Measured>) -> Vec<Row> {
    let tolerance = |m: &Measured, limit: &Limit| match limit.bound {
        Bound::Worse(by) => Some(by),
        // A latency's change is a logarithm.
        Bound::WorseBy(share) if matches!(m.row.measure, Measure::Seconds(_)) => Some(share.ln_1p()),
        Bound::WorseBy(share) => m.row.before.map(|b| share * b),
        Bound::Value(_) => None,
    };
    let tested =
        |m: &Measured, limit: &Limit| Some(m.change.as_ref()?.chance(tolerance(m, limit)?)).filter(|_| m.comparable);
    let chances: Vec<Option<f64>> = measured.iter().map(|m| m.limit.as_ref().and_then(|l| tested(m, l))).collect();
    let mut adjusted = holm(&chances.iter().flatten().copied().collect::<Vec<_>>()).into_iter();
    let mut rows = Vec::new();
    for (m, chance) in measured.into_iter().zip(chances) {
        let adjusted = chance.and_then(|_| adjusted.next());
        // A limit that lets some loss pass finds only what goes that much further.
        let allowed = m.limit.as_ref().and_then(|limit| tolerance(&m, limit)).unwrap_or(0.0);
        let detectable = m.change.as_ref().map(|c| match m.row.measure {
            Measure::Seconds(_) => 100.0 * (allowed + c.detectable()).exp_m1(),
            _ => allowed + c.detectable(),
        });
        let gate = m.limit.as_ref().map(|limit| {
            let tolerance = tolerance(&m, limit);
            let (verdict, remark) = match (&m.change, tolerance, adjusted) {
                (Some(change), Some(tolerance), Some(adjusted)) => {
                    let verdict = Evidence { interval: change.interval(), tolerance, adjusted }.verdict();
                    let few = || match detectable.filter(|d| d.is_finite()) {
                        Some(least) => format!("so few samples tell losses from {least:.1} on"),
                        None => "too few scenes to tell anything".to_owned(),
                    };
                    (verdict, (verdict == Verdict::Inconclusive).then(few))
                }
                _ => counted(&m.row, limit, tolerance, m.comparable),
            };
            // In the row's unit: a latency's is percent.
            let unit = |t: f64| if matches!(m.row.measure, Measure::Seconds(_)) { 100.0 * t.exp_m1() } else { t };
            let tolerance = tolerance.map(unit);
            Gate { limit: limit.to_string(), tolerance, chance: chance.zip(adjusted), verdict, remark }
        });
        rows.push(Row { detectable, gate, ..m.row });
    }
    rows
}

/// The verdict on what is counted exactly.
fn counted(row: &Row, limit: &Limit, tolerance: Option<f64>, comparable: bool) -> (Verdict, Option<String>) {
    let (Some(before), Some(after)) = (row.before, row.after) else {
        return (Verdict::Inconclusive, Some("not both of the runs tell it".to_owned()));
    };
    let relative = !matches!(limit.bound, Bound::Value(_));
    if relative && !comparable {
        return (Verdict::Inconclusive, Some("the runs are of different machines".to_owned()));
    }
    let beyond = match (limit.bound, row.measure.more_is_better()) {
        (Bound::Value(least), true) => after < least,
        (Bound::Value(most), false) => after > most,
        (_, true) => before - after > tolerance.unwrap_or(0.0),
        (_, false) => after - before > tolerance.unwrap_or(0.0),
    };
    let better = relative && if row.measure.more_is_better() { after > before } else { after < before };
    let verdict = match (beyond, better) {
        (true, _) => Verdict::Regressed,
        (false, true) => Verdict::Improved,
        (false, false) => Verdict::Unchanged,
    };
    (verdict, None)
}
