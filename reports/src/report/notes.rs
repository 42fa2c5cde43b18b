//! What must be said with a table: whose figures they are, and what to beware of.

use std::collections::BTreeSet;

use socio_record::Machine;

use super::lines::{Line, With};
use crate::metrics::FEW_SCENES;

/// The data of some rows, for a title.
pub(super) fn data_of(lines: &[Line<'_>]) -> String {
    let Some(first) = lines.first().and_then(|l| l.runs.first()) else { return "No run".to_owned() };
    let data = &first.manifest.data;
    format!("{} samples, split {} ({})", data.samples, data.split, data.fingerprint)
}

/// Whose figures these are: data, profile, sample counts, failures, runs. Every table carries it.
pub(super) fn source(lines: &[Line<'_>], with: With<'_>) -> Vec<String> {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        let Some(run) = line.runs.first() else { continue };
        let d = &run.manifest.data;
        let set = run.manifest.set.as_ref().map_or(String::new(), |s| format!("{}: ", s.title));
        let data = format!("{set}{} samples of split {} ({})", d.samples, d.split, d.fingerprint);
        let failed = match line.failed(&with.profile) {
            0 => String::new(),
            n => format!(", {n} of {} failed", line.scored()),
        };
        let (open, chosen) = line.runs.iter().fold((0, 0), |(o, c), r| (o + r.missing, c + r.chosen));
        let open = if open > 0 { format!(", {open} of {chosen} not run") } else { String::new() };
        let own = format!("{} {}{failed}{open}", line.label, line.ids());
        match told.iter_mut().find(|(d, _)| *d == data) {
            Some((_, runs)) => runs.push(own),
            None => told.push((data, vec![own])),
        }
    }
    let data = told.into_iter().map(|(data, runs)| format!("{data}: {}", runs.join("; ")));
    vec![format!("Profile {}. Runs on {}.", with.profile.name, data.collect::<Vec<_>>().join(". On "))]
}

/// What to beware of where rows are of few scenes.
pub(super) fn few_scenes(lines: &[Line<'_>]) -> Option<String> {
    let scenes = lines.iter().map(Line::scenes).min().unwrap_or(0);
    (scenes < FEW_SCENES).then(|| format!("WARNING: only {scenes} scenes: below {FEW_SCENES} an interval is doubtful."))
}

/// What to beware of in any table of these rows.
pub(super) fn warnings(lines: &[Line<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let runs = || lines.iter().flat_map(|l| &l.runs);
    if distinct(runs().map(|r| r.manifest.data.fingerprint.clone())).len() > 1 {
        notes.push("WARNING: the rows are of different data: do not compare them.".to_owned());
    }
    notes.extend(few_scenes(lines));
    if runs().any(|r| r.manifest.data.kind == "generated") {
        notes.push(
            "Generated scenes (the embedded city): the figures say how methods compare on them, and nothing of real places.".to_owned(),
        );
    }
    for line in lines {
        for run in &line.runs {
            if run.missing > 0 {
                notes.push(format!(
                    "WARNING: {} is not finished: {} of {} samples have not run.",
                    line.label, run.missing, run.chosen
                ));
            }
            let unscored = run.entries.iter().filter(|e| e.score.is_none()).count();
            if unscored > 0 {
                notes.push(format!(
                    "WARNING: {}: {unscored} samples have no readable truth and are in no figure.",
                    line.label
                ));
            }
        }
    }
    notes
}

/// What the marks behind names mean.
pub(super) fn marks(lines: &[Line<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    if lines.iter().any(|l| l.label.contains('†')) {
        notes.push("† sees the truth: an upper reference, never ranked.".to_owned());
    }
    if lines.iter().any(|l| l.label.contains('‡')) {
        notes.push("‡ a floor that sees no truth, never ranked.".to_owned());
    }
    for line in lines {
        let remarks = line.runs.first().map_or(&[][..], |r| &r.manifest.method.remarks);
        if !remarks.is_empty() {
            notes.push(format!("§ {}: {}.", line.label.replace(" §", ""), remarks.join("; ")));
        }
    }
    if let Some(most) = lines.iter().map(|l| l.runs.len()).max().filter(|n| *n > 1) {
        notes.push(format!(
            "±: mean and standard deviation over seeds (up to {most}); rows of one seed have an interval."
        ));
    }
    notes
}

/// Whether rows are of a suite's set of this name, or of no suite: published rows of another set do not belong beside them.
pub(super) fn set_is(lines: &[Line<'_>], name: &str) -> bool {
    let mut sets = lines.iter().flat_map(|l| &l.runs).map(|r| r.manifest.set.as_ref());
    sets.all(|s| s.is_none_or(|s| s.name == name))
}

/// What is of one run where a row has several seeds.
pub(super) fn first_seed(lines: &[Line<'_>]) -> Option<String> {
    lines.iter().any(|l| l.runs.len() > 1).then(|| "Of a row of several seeds: its first run.".to_owned())
}

/// The machines that times are of, each once.
pub(crate) fn machines<'a>(all: impl Iterator<Item = &'a Machine>) -> Vec<String> {
    distinct(all.map(|m| format!("Machine: {}, {} threads, {}.", m.processor, m.threads, m.platform)))
}

/// What published rows are.
pub(super) fn published(table: &str) -> String {
    format!(
        "(published): as printed in Table {table} of arXiv 2601.10477v2, on SocioSeg; other data than ours unless this run is on it."
    )
}

/// Each text once, in the order given.
pub(crate) fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.filter(|t| seen.insert(t.clone())).collect()
}
