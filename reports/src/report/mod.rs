//! The tables of one or several runs.

mod ablations;
mod across;
pub(crate) mod by;
mod failures;
mod kind;
pub(crate) mod latency;
mod levels;
pub(crate) mod lines;
pub(crate) mod notes;
mod profiles;
pub(crate) mod propagation;
mod rules;
mod statuses;
mod worst;

use socio_record::Rule;

use crate::digest::Digest;
use crate::metrics::{Profile, RESAMPLES};
use crate::table::{Column, Table};

use by::By;
pub use kind::{Kind, UnknownKind};
use levels::ByLevel;
use lines::{With, lines};
pub use profiles::by_profile;
pub use worst::worst;

/// What to tell.
#[derive(Debug, Clone)]
pub struct Options {
    /// The profile; the first run's own where not given.
    pub profile: Option<Profile>,
    /// What F1 takes for an instance.
    pub rule: Rule,
    /// The tables, in this order; [`Kind::USUAL`] where empty.
    pub tables: Vec<Kind>,
    /// Whether to set the paper's rows beside ours.
    pub with_paper: bool,
    /// Draws for the intervals.
    pub resamples: usize,
    /// Samples of a row in the table of the worst.
    pub worst: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: None,
            rule: Rule::Components,
            tables: Vec::new(),
            with_paper: false,
            resamples: RESAMPLES,
            worst: 10,
        }
    }
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The profile of every figure.
    pub profile: Profile,
    /// The tables, the main one first.
    pub tables: Vec<Table>,
    /// Tables that were asked for and of which these runs have nothing.
    pub without: Vec<Kind>,
}

/// The tables of some runs, a row each; runs that differ in nothing but their seed are one row.
///
/// # Errors
/// When the paper's data file does not parse (never for a released build).
pub fn report(digests: &[Digest], options: &Options) -> Result<Report, toml::de::Error> {
    let profile = profile_of(digests, options);
    let with = With { profile, options };
    let sets = sets_of(digests);
    let kinds = if options.tables.is_empty() { Kind::USUAL } else { &options.tables };
    let mut tables = Vec::new();
    let mut without = Vec::new();
    if sets.len() > 1 && (options.tables.is_empty() || kinds.contains(&Kind::Sets)) {
        tables.push(across::table(digests, &sets, with)?);
    }
    let mut made: Vec<Kind> = Vec::new();
    for set in &sets {
        let own: Vec<&Digest> = digests.iter().filter(|d| name_of(d) == *set).collect();
        for kind in kinds {
            // Beside several sets the rules of each would bury what is asked: they come with one set's report.
            if options.tables.is_empty() && sets.len() > 1 && *kind == Kind::Rules {
                continue;
            }
            let mut found = of_kind(*kind, &own, with)?;
            if let (Some(set), true) = (set, sets.len() > 1) {
                for table in &mut found {
                    table.key = format!("{}-{set}", table.key);
                    table.title = format!("{set}: {}", table.title);
                }
            }
            if !found.is_empty() {
                made.push(*kind);
            }
            tables.extend(found);
        }
    }
    for kind in &options.tables {
        let there = made.contains(kind) || (*kind == Kind::Sets && sets.len() > 1);
        if !there && !without.contains(kind) {
            without.push(*kind);
        }
    }
    Ok(Report { profile, tables, without })
}

/// The profile of a report: as asked for, else the first run's own.
pub fn profile_of(digests: &[Digest], options: &Options) -> Profile {
    let named = digests.first().and_then(|d| Profile::named(&d.manifest.profile).ok());
    options.profile.or(named).unwrap_or(Profile::STRICT)
}

/// The tables of one kind of the runs on one set.
fn of_kind(kind: Kind, digests: &[&Digest], with: With<'_>) -> Result<Vec<Table>, toml::de::Error> {
    let rows = lines(digests.iter().copied());
    let metrics = with.metrics();
    let one = |table: Option<Table>| table.into_iter().collect();
    Ok(match kind {
        Kind::Main => {
            let what = ByLevel { key: "main", title: "", metrics: &metrics, paper: "1" };
            vec![levels::table(&rows, with, &what)?]
        }
        Kind::Rules => vec![rules::table(&rows, with)],
        Kind::Statuses => one(statuses::table(&rows, with)),
        Kind::Sets => Vec::new(),
        Kind::Ablation => one(ablations::stages(digests, with)?),
        Kind::Points => one(ablations::points(digests, with)?),
        Kind::ZeroShot => one(ablations::zero_shot(digests, with)?),
        Kind::MultiClass => one(ablations::multi_class(&rows, with)?),
        Kind::Regions => one(by::regions(&rows, with)?),
        Kind::Classes => one(by::table(&rows, with, By::Class)),
        Kind::Functions => one(by::table(&rows, with, By::Function)),
        Kind::Instances => one(by::table(&rows, with, By::Instances)),
        Kind::Sizes => one(by::table(&rows, with, By::Size)),
        Kind::Propagation => propagation::tables(&rows, with),
        Kind::Failures => vec![failures::table(&rows, with)],
        Kind::Latency => latency::tables(&rows, with)?,
        Kind::Worst => vec![worst::table(&rows, with)],
    })
}

/// The sets that runs are of, in the order given; runs of no suite are one set.
pub(crate) fn sets_of(digests: &[Digest]) -> Vec<Option<&str>> {
    let mut sets: Vec<Option<&str>> = Vec::new();
    for digest in digests {
        let name = name_of(digest);
        if !sets.contains(&name) {
            sets.push(name);
        }
    }
    if sets.is_empty() { vec![None] } else { sets }
}

pub(crate) fn name_of(digest: &Digest) -> Option<&str> {
    digest.manifest.set.as_ref().map(|s| s.name.as_str())
}

fn column(over: &str, name: &str) -> Column {
    Column { over: over.to_owned(), name: name.to_owned() }
}
