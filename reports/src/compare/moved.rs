//! Which samples and classes moved.

use crate::digest::Digest;
use crate::metrics::{Figure, Metric, Profile};

use super::{Pairs, paired_change};

/// A sample that moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The sample.
    pub id: String,
    /// Its class, where that is told.
    pub class: Option<String>,
    /// IoU before, in percent.
    pub before: f64,
    /// IoU after, in percent.
    pub after: f64,
    /// How it ended after.
    pub status: socio_record::Status,
}

/// The samples that lost most, the worst first; none that did not lose.
pub(super) fn losers(pairs: &Pairs<'_>, profile: &Profile, most: usize) -> Vec<Moved> {
    let mut all: Vec<Moved> = pairs
        .entries
        .iter()
        .filter_map(|(a, b)| {
            let (before, after) = (100.0 * profile.tally(a)?.iou, 100.0 * profile.tally(b)?.iou);
            let class = b.class.map(|c| pairs.after.words.text(c).to_owned());
            (after < before).then(|| Moved { id: b.id.to_string(), class, before, after, status: b.status })
        })
        .collect();
    all.sort_by(|x, y| (x.after - x.before).total_cmp(&(y.after - y.before)).then(x.id.cmp(&y.id)));
    all.truncate(most);
    all
}

/// Draws for an interval that nothing hangs on.
const QUICK: usize = 1_000;

/// gIoU by class: name, samples, before, after, and the difference with its interval; those that lost most first.
pub(super) fn classes(pairs: &Pairs<'_>, profile: &Profile) -> Vec<(String, usize, f64, f64, Figure)> {
    let class = |d: &Digest, e: &crate::digest::Entry| e.class.map(|c| d.words.text(c).to_owned());
    let mut names: Vec<String> = pairs.entries.iter().filter_map(|(_, b)| class(pairs.after, b)).collect();
    names.sort();
    names.dedup();
    let mut rows: Vec<_> = names
        .into_iter()
        .filter_map(|name| {
            let own = pairs.entries.iter().filter(|(_, b)| class(pairs.after, b).as_deref() == Some(&name));
            let tallies = own.clone().filter_map(|(a, b)| Some((a.scene, profile.tally(a)?, profile.tally(b)?)));
            let change = paired_change(tallies, &[Metric::Giou], profile, QUICK).pop()??;
            let samples = own.count();
            Some((name, samples, change.before, change.after, change.figure()))
        })
        .collect();
    rows.sort_by(|a, b| a.4.value.total_cmp(&b.4.value).then(a.0.cmp(&b.0)));
    rows
}
