//! A check: runs held against the runs of a baseline, and the exit code that it comes to.

use socio_record::{ExitCode, Manifest};

use super::judge::Verdict;
use super::{Asked, Comparison, Incomparable, Measure, compare_all};
use crate::digest::Digest;

/// A run held against its baseline.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The run's row in tables, with its set where it is of a suite.
    pub name: String,
    /// Ids of the baseline's run and of this one.
    pub ids: (String, String),
    /// Versions of socio-bench that made them.
    pub versions: (String, String),
    /// What came of it.
    pub result: Result<Comparison, Incomparable>,
}

/// All runs of a check.
#[derive(Debug, Clone)]
pub struct Check {
    /// Runs with a baseline.
    pub runs: Vec<Checked>,
    /// Runs that the baseline does not have.
    pub new: Vec<String>,
    /// Runs of the baseline that were not given.
    pub gone: Vec<String>,
    /// The limits.
    pub limits: Vec<String>,
    /// Whether what cannot be told counts as a failure.
    pub strict: bool,
}

/// Holds runs against the runs of a baseline that have the same set and row.
pub fn check(baseline: &[Digest], runs: &[Digest], asked: &Asked, strict: bool) -> Check {
    let name = |d: &Digest| name_of(&d.manifest);
    let mut paired = Vec::new();
    let mut new = Vec::new();
    for run in runs {
        match baseline.iter().find(|b| name(b) == name(run)) {
            Some(before) => paired.push((before, run)),
            None => new.push(name(run)),
        }
    }
    // One of each may have another name in tables, as where a checkpoint's folder moved.
    if let ([before], [run], true) = (baseline, runs, paired.is_empty()) {
        paired.push((before, run));
        new.clear();
    }
    let gone = baseline.iter().filter(|b| !paired.iter().any(|(p, _)| std::ptr::eq(*p, *b))).map(name).collect();
    let results = compare_all(&paired, asked);
    let runs = paired.iter().zip(results).map(|((before, after), result)| Checked {
        name: name(after),
        ids: (before.manifest.id.clone(), after.manifest.id.clone()),
        versions: (before.manifest.code.version.clone(), after.manifest.code.version.clone()),
        result,
    });
    let limits = asked.limits.iter().map(ToString::to_string).collect();
    Check { runs: runs.collect(), new, gone, limits, strict }
}

/// The set and row of a run.
pub fn name_of(manifest: &Manifest) -> String {
    match &manifest.set {
        Some(set) => format!("{}/{}: {}", set.suite, set.name, manifest.method.label),
        None => manifest.method.label.clone(),
    }
}

impl Check {
    /// The comparisons that came to something.
    pub fn comparisons(&self) -> impl Iterator<Item = (&Checked, &Comparison)> {
        self.runs.iter().filter_map(|r| Some((r, r.result.as_ref().ok()?)))
    }

    /// The exit code, and its verdict in a word.
    pub fn verdict(&self) -> (u8, &'static str) {
        let gates = || {
            self.comparisons().flat_map(|(_, c)| &c.rows).filter_map(|r| Some((r.measure, r.gate.as_ref()?.verdict)))
        };
        let counted = |m: Measure| matches!(m, Measure::Failures | Measure::Errors);
        let any = |of: &dyn Fn(Measure, Verdict) -> bool| gates().any(|(m, v)| of(m, v));
        // What is known to be worse comes before what could not be looked at.
        if any(&|m, v| v == Verdict::Regressed && !counted(m)) {
            (ExitCode::REGRESSED, "regressed")
        } else if any(&|m, v| v == Verdict::Regressed && counted(m)) {
            (ExitCode::FAILURES, "too many failures")
        } else if self.runs.iter().any(|r| r.result.is_err()) || (!self.gone.is_empty() && !self.runs.is_empty()) {
            (ExitCode::INCOMPARABLE, "incomparable")
        } else if !self.new.is_empty() || self.runs.is_empty() {
            (ExitCode::NO_BASELINE, "no baseline")
        } else if any(&|_, v| v == Verdict::Inconclusive) && self.strict {
            (ExitCode::INCONCLUSIVE, "inconclusive")
        } else {
            (ExitCode::OK, "passed")
        }
    }
}
