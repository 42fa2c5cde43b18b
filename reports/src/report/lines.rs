//! The rows of tables: a run each, or several runs that differ in nothing but their seed.

use std::collections::BTreeSet;

use crate::digest::{Digest, Entry, Word};
use crate::metrics::{Figure, Metric, Profile, Tally, figures};
use crate::table::{Cell, Mark, Spread};

use super::Options;

/// A row of tables.
#[derive(Clone)]
pub(crate) struct Line<'a> {
    /// Its runs: one, or several of different seeds.
    pub(crate) runs: Vec<&'a Digest>,
    /// 0 methods, 1 references and oracles.
    pub(crate) group: u8,
    /// Its name, with the marks for oracles, floors and remarks.
    pub(crate) label: String,
}

/// What all figures of a report have in common.
#[derive(Clone, Copy)]
pub(crate) struct With<'o> {
    pub(crate) profile: Profile,
    pub(crate) options: &'o Options,
}

impl With<'_> {
    /// cIoU, gIoU and F1 by the chosen rule.
    pub(crate) fn metrics(&self) -> [Metric; 3] {
        [Metric::Ciou, Metric::Giou, Metric::F1(self.options.rule)]
    }
}

/// A row a run, those of seeds of one thing together; methods first, then references, in the order given.
pub(crate) fn lines<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for digest in digests {
        match lines.iter_mut().find(|l| l.label == label(digest) && l.runs.iter().all(|r| seeds_apart(r, digest))) {
            Some(line) => line.runs.push(digest),
            None => lines.push(Line::of(digest)),
        }
    }
    let labels: Vec<String> = lines.iter().map(|l| l.label.clone()).collect();
    for (i, line) in lines.iter_mut().enumerate() {
        if let Some(run) = line.runs.first().filter(|_| labels.iter().filter(|l| **l == labels[i]).count() > 1) {
            line.label = format!("{} ({})", line.label, run.manifest.id);
        }
    }
    lines.sort_by_key(|l| l.group);
    lines
}

fn label(digest: &Digest) -> String {
    let method = &digest.manifest.method;
    let mut label = method.label.clone();
    if method.oracle {
        label.push_str(" †");
    } else if method.reference {
        label.push_str(" ‡");
    }
    if !method.remarks.is_empty() {
        label.push_str(" §");
    }
    label
}

/// Whether two runs differ in their seed alone.
fn seeds_apart(a: &Digest, b: &Digest) -> bool {
    let differences = a.manifest.differences(&b.manifest);
    !differences.is_empty() && differences.iter().all(|(field, _, _)| field == "seed")
}

impl<'a> Line<'a> {
    fn of(digest: &'a Digest) -> Self {
        let method = &digest.manifest.method;
        Self { runs: vec![digest], group: u8::from(method.oracle || method.reference), label: label(digest) }
    }

    /// The figures of the samples that `keep` keeps: with intervals for one run, mean and deviation for several seeds.
    pub(crate) fn cells(
        &self,
        with: With<'_>,
        metrics: &[Metric],
        keep: impl Fn(&Digest, &Entry) -> bool,
    ) -> Vec<Cell> {
        match self.runs.as_slice() {
            [one] => figures_of(one, with, metrics, &keep).into_iter().map(Cell::figure).collect(),
            several => {
                // Intervals are not shown here: one draw is enough.
                let quick = Options { resamples: 1, ..with.options.clone() };
                let with = With { options: &quick, ..with };
                let each: Vec<Vec<Option<Figure>>> =
                    several.iter().map(|r| figures_of(r, with, metrics, &keep)).collect();
                let spread = |i: usize| {
                    let values: Option<Vec<f64>> = each.iter().map(|f| f[i].map(|f| f.value)).collect();
                    Cell::Spread(values.and_then(|v| Spread::of(&v)), Mark::None)
                };
                (0..metrics.len()).map(spread).collect()
            }
        }
    }

    /// The entries of all its runs.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a Digest, &'a Entry)> {
        self.runs.iter().flat_map(|r| r.entries.iter().map(move |e| (*r, e)))
    }

    /// How many scored samples `keep` keeps, in the first of its runs (seeds have the same samples).
    pub(crate) fn count(&self, keep: impl Fn(&Digest, &Entry) -> bool) -> u64 {
        let kept = |r: &&Digest| r.entries.iter().filter(|e| e.score.is_some() && keep(r, e)).count() as u64;
        self.runs.first().map_or(0, kept)
    }

    /// Scored samples without a valid answer, over all its runs.
    pub(crate) fn failed(&self, profile: &Profile) -> u64 {
        self.entries().filter_map(|(_, e)| profile.tally(e)).map(|t| t.failed).sum()
    }

    /// Scored samples, over all its runs.
    pub(crate) fn scored(&self) -> u64 {
        self.entries().filter(|(_, e)| e.score.is_some()).count() as u64
    }

    /// The fewest scenes of its runs.
    pub(crate) fn scenes(&self) -> usize {
        let of = |r: &&Digest| {
            r.entries.iter().filter(|e| e.score.is_some()).map(|e| e.scene).collect::<BTreeSet<Word>>().len()
        };
        self.runs.iter().map(of).min().unwrap_or(0)
    }

    /// Its id or ids.
    pub(crate) fn ids(&self) -> String {
        let ids: Vec<&str> = self.runs.iter().map(|r| r.manifest.id.as_str()).collect();
        ids.join(", ")
    }
}

fn figures_of(
    digest: &Digest,
    with: With<'_>,
    metrics: &[Metric],
    keep: &impl Fn(&Digest, &Entry) -> bool,
) -> Vec<Option<Figure>> {
    let kept = digest.entries.iter().filter(|e| keep(digest, e));
    let tallies = kept.filter_map(|e| Some((e.scene, with.profile.tally(e)?)));
    figures(tallies, metrics, &with.profile, with.options.resamples)
}

/// The sums over the samples of a run that `keep` keeps.
pub(crate) fn total(digest: &Digest, profile: &Profile, keep: impl Fn(&Entry) -> bool) -> Tally {
    let mut sum = Tally::default();
    for tally in digest.entries.iter().filter(|e| keep(e)).filter_map(|e| profile.tally(e)) {
        sum += &tally;
    }
    sum
}
