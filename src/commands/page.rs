//! `report --format html`: the page's samples and pictures.

use std::collections::{BTreeMap, BTreeSet};

use socio_dataset::Sample;
use socio_dataset::store::Fields;
use socio_record::{Record, Run};
use socio_reports::digest::Digest;
use socio_reports::html::{Article, Page, article, choose};
use socio_reports::metrics::Profile;
use socio_reports::plots::plots;
use socio_reports::{Options, Report};

use super::setup;
use crate::cli::{HubArgs, ReportArgs};
use crate::failure::Failure;

/// Articles of all runs: more make a page that no browser likes.
const MOST: usize = 60;

pub(super) fn html(
    digests: &[Digest],
    report: Report,
    options: &Options,
    args: &ReportArgs,
) -> Result<String, Failure> {
    let each = args.gallery.min(MOST / digests.len().max(1)).max(usize::from(args.gallery > 0));
    let (articles, footer) = articles(digests, &report.profile, each, args)?;
    let samples: Vec<String> = distinct(digests.iter().map(|d| {
        let set = d.manifest.set.as_ref().map_or(String::new(), |s| format!("{}: ", s.title));
        format!("{set}{} of split {}", d.manifest.data.samples, d.manifest.data.split)
    }));
    let failures: usize = digests.iter().flat_map(|d| &d.entries).filter(|e| !e.status.is_ok()).count();
    let answers: usize = digests.iter().map(|d| d.entries.len()).sum();
    let data = distinct(digests.iter().map(|d| d.manifest.data.location.clone()));
    let suite = digests.iter().find_map(|d| d.manifest.set.as_ref()).map(|s| s.suite.clone());
    let runs = match digests.len() {
        1 => "one run".to_owned(),
        n => format!("{n} runs"),
    };
    let title = suite.map_or(format!("Socio-semantic segmentation: {runs}"), |s| format!("Suite {s}: {runs}"));
    let facts = [
        ("Data", data.join("; ")),
        ("Samples", samples.join("; ")),
        ("Profile", report.profile.name.to_owned()),
        ("Failures", format!("{failures} of {answers} answers")),
    ];
    let page = Page {
        title: args.title.clone().unwrap_or(title),
        lead: "Given a satellite image, a digital map and a query, methods mark its pixels.".to_owned(),
        facts: facts.map(|(k, v)| (k.to_owned(), v)).into(),
        runs: digests.iter().map(|d| (d.manifest.method.label.clone(), d.manifest.id.clone())).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        tables: report.tables,
        plots: plots(digests, options),
        articles,
        gallery: format!(
            "Up to {each} samples of each run: half of them its worst, then those that a second stage harmed most, then some spread from worst to best. The truth is green, an answer red, boxes blue."
        ),
        footer,
    };
    Ok(page.render())
}

/// The samples of every run that are shown, with their pictures where the data is at hand; and whose pictures they are.
fn articles(
    digests: &[Digest],
    profile: &Profile,
    each: usize,
    args: &ReportArgs,
) -> Result<(Vec<Article>, String), Failure> {
    let mut credits = BTreeSet::new();
    let mut all = Vec::new();
    // Runs on one set show the same samples' pictures: they are read once.
    let mut known: BTreeMap<(String, String), BTreeMap<String, Shown>> = BTreeMap::new();
    for digest in digests.iter().filter(|_| each > 0) {
        let chosen = choose(digest, profile, each);
        let mut records: BTreeMap<String, Record> = BTreeMap::new();
        Run::each(&digest.path, |record| {
            if chosen.contains(&record.id) {
                records.entry(record.id.clone()).or_insert(record);
            }
        })?;
        let data = &digest.manifest.data;
        let place = (args.data.clone().unwrap_or_else(|| data.location.clone()), data.split.clone());
        let samples = known.entry(place.clone()).or_default();
        let wanted: BTreeSet<String> = chosen.iter().filter(|id| !samples.contains_key(*id)).cloned().collect();
        // Nothing is fetched from a hub unasked.
        if args.data.is_some() || !place.0.contains("hub:") {
            match read(&place, &wanted) {
                Ok(read) => samples.extend(read),
                Err(e) if args.data.is_some() => return Err(e),
                Err(e) => eprintln!("no pictures of {}: {e}", digest.path.display()),
            }
        }
        for record in records.into_values() {
            let shown = samples.get(&record.id).filter(|s| {
                let pixels = socio_dataset::hash::shared_pixels(&s.sample.query.satellite);
                record.satellite.as_ref().is_none_or(|own| *own == pixels)
            });
            credits.extend(shown.and_then(|s| s.credit.clone()));
            let made = if args.stop_after.is_some() { record.stopped_after_first() } else { record };
            all.push(article(digest, &made, shown.map(|s| &s.sample), profile).map_err(Failure::input)?);
        }
    }
    let footer = match credits.len() {
        0 => "Pictures are of the dataset's owners.".to_owned(),
        _ => format!("Pictures: {}.", credits.into_iter().collect::<Vec<_>>().join("; ")),
    };
    Ok((all, footer))
}

/// A sample, and whose images it shows.
struct Shown {
    sample: Sample,
    credit: Option<String>,
}

fn read((location, split): &(String, String), ids: &BTreeSet<String>) -> Result<BTreeMap<String, Shown>, Failure> {
    let mut samples = BTreeMap::new();
    if ids.is_empty() {
        return Ok(samples);
    }
    let dataset = setup::open(location, &HubArgs { revision: None, offline: false })?;
    for sample in dataset.read(split, Some(ids), Fields::ALL)? {
        let sample = sample?;
        // One that does not decode is shown without pictures, as its record says.
        if let Ok(decoded) = sample.decode() {
            let told: Vec<String> = ["attribution", "licence"].iter().filter_map(|c| sample.extras.text(c)).collect();
            let credit = (!told.is_empty()).then(|| told.join(", "));
            samples.insert(sample.id.clone(), Shown { sample: decoded, credit });
        }
    }
    Ok(samples)
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.filter(|t| seen.insert(t.clone())).collect()
}
