//! Every metric is a ratio of sums over samples. Here the sums stand side by side as columns, for one run or for two
//! runs of the same samples, so that a resample is one pass that adds rows.

use socio_record::Rule;

use super::{Metric, Profile, Tally};

/// Where the sums of one run stand in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    samples: usize,
    iou: usize,
    intersection: usize,
    union: usize,
    /// Of each rule: pairs matched, instances predicted, instances of the truth.
    rules: Vec<(Rule, [usize; 3])>,
}

/// The rules that some metrics need.
fn rules(metrics: &[Metric]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = metrics.iter().filter_map(|m| m.rule()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

impl Columns {
    /// The columns of one run, and how many there are.
    pub(crate) fn single(metrics: &[Metric]) -> (Self, usize) {
        let rules: Vec<_> =
            rules(metrics).into_iter().zip((4..).step_by(3)).map(|(r, at)| (r, [at, at + 1, at + 2])).collect();
        let width = 4 + 3 * rules.len();
        (Self { samples: 0, iou: 1, intersection: 2, union: 3, rules }, width)
    }

    /// The columns of two runs of the same samples, which share what is the truth's, and how many there are.
    pub(crate) fn pair(metrics: &[Metric]) -> ([Self; 2], usize) {
        let rules = rules(metrics);
        let side = |side: usize| Self {
            samples: 0,
            iou: 1 + 3 * side,
            intersection: 2 + 3 * side,
            union: 3 + 3 * side,
            rules: (rules.iter().zip((7..).step_by(5)))
                .map(|(rule, at)| (*rule, [at + 2 * side, at + 1 + 2 * side, at + 4]))
                .collect(),
        };
        let width = 7 + 5 * rules.len();
        ([side(0), side(1)], width)
    }

    /// Adds a tally to a row.
    pub(crate) fn add(&self, row: &mut [f64], tally: &Tally, shared: bool) {
        let mut add = |at: usize, value: f64| {
            if let Some(cell) = row.get_mut(at) {
                *cell += value;
            }
        };
        if !shared {
            add(self.samples, tally.samples as f64);
        }
        add(self.iou, tally.iou);
        add(self.intersection, tally.intersection as f64);
        add(self.union, tally.union as f64);
        for (rule, [matched, predicted, truth]) in &self.rules {
            let m = tally.instances[*rule as usize];
            add(*matched, m.matched as f64);
            add(*predicted, m.predicted as f64);
            if !shared {
                add(*truth, m.truth as f64);
            }
        }
    }

    /// A metric in percent from sums; `None` where there is nothing to divide by (no sample, no instance).
    pub(crate) fn value(&self, metric: Metric, sums: &[f64], profile: &Profile) -> Option<f64> {
        let of = |at: usize| sums.get(at).copied().unwrap_or(0.0);
        let ratio = |above: f64, below: f64| (below > 0.0).then(|| 100.0 * above / below);
        let (samples, iou, union) = (of(self.samples), of(self.iou), of(self.union));
        let instances = |rule: Rule| {
            let found = self.rules.iter().find(|(r, _)| *r == rule);
            found.map_or([0.0; 3], |(_, at)| at.map(of))
        };
        match metric {
            // Nothing is set anywhere: what the samples are worth one by one, unless an epsilon makes it a division.
            Metric::Ciou if samples > 0.0 && union == 0.0 && profile.ciou_epsilon == 0.0 => Some(100.0 * iou / samples),
            Metric::Ciou => ratio(of(self.intersection), union + profile.ciou_epsilon),
            Metric::Giou if samples == 0.0 => None,
            Metric::Giou => ratio(iou, samples + profile.count_epsilon),
            Metric::F1(rule) => {
                let [matched, predicted, truth] = instances(rule);
                ratio(2.0 * matched, predicted + truth)
            }
            Metric::Precision(rule) => {
                let [matched, predicted, _] = instances(rule);
                ratio(matched, predicted)
            }
            Metric::Recall(rule) => {
                let [matched, _, truth] = instances(rule);
                ratio(matched, truth)
            }
        }
    }
}
