//! `latency` and `trace`: where time goes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use socio_baselines::timing::peak_memory;
use socio_dataset::store::{Encoded, Fields};
use socio_dataset::{files, hash};
use socio_harness::{Scored, choose, code, fingerprint, load, machine};
use socio_record::{Data, ExitCode, LOAD_SCHEMA, LoadLog, Run, Scenario, Terms};
use socio_reports::digest::Digest;
use socio_reports::load::load_table;
use socio_reports::table::{Format, render};
use socio_reports::trace::{self, picture};

use super::setup;
use crate::cli::{LatencyArgs, Load};
use crate::failure::{Failure, Outcome};
use crate::progress;

/// Samples that are kept in memory where --limit says nothing.
const IN_MEMORY: usize = 64;

pub(crate) fn command(args: LatencyArgs) -> Outcome {
    let format: Format = match args.format.as_str() {
        _ if args.json => Format::Json,
        "terminal" => Format::Terminal { styled: progress::styled() },
        other => other.parse().map_err(Failure::usage)?,
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // A single stream has one query in flight, whatever is asked for.
    let single = args.scenario.iter().all(|s| *s == Load::SingleStream);
    if args.in_flight == Some(0) {
        return Err(Failure::usage("--in-flight 0 works on nothing: expected 1 or more"));
    }
    let mut selection = setup::selection(&args.select)?;
    selection.limit = selection.limit.or(Some(IN_MEMORY));
    let mut resources = setup::resources(&args.resources, false)?;
    resources.hub.offline |= args.data.hub.offline;
    // The same images come again and again here, as they would not where it counts.
    resources.running.kept = resources.running.kept.or(Some(0));
    let dataset = setup::dataset(&args.data)?;
    let split = args.data.split();
    let split_samples = dataset.index(split)?.len();
    let ids = choose(&dataset, split, &selection)?;
    let (entries, fingerprint) = fingerprint(&dataset, split, &ids, |_| ())?;
    let wanted: BTreeSet<String> = ids.iter().cloned().collect();
    let samples: Vec<Encoded> = dataset.read(split, Some(&wanted), Fields::ALL)?.collect::<Result<_, _>>()?;
    let samples = of_other_places(samples);
    // Asked one after the other, none comes again before the models have forgotten its image: there have to be more than
    // twice as many as are in flight, which of two rounds can be asked at once.
    let most = samples.len().saturating_sub(1) / 2;
    let wanted = if single { 1 } else { args.in_flight.unwrap_or(threads.min(most).max(1)) };
    if wanted > most {
        return Err(Failure::usage(format!(
            "{} different satellite images for {wanted} queries in flight: answers would come out of earlier queries' work; expected {} images or more (--limit, --in-flight)",
            samples.len(),
            2 * wanted + 1
        )));
    }
    let in_flight = wanted;
    // Both stages of a query share an embedding, so as many are kept as queries are in flight.
    let mut loaded = setup::Loaded::keeping(&resources, in_flight);
    let asked = setup::Asked { vlm: args.asked.vlm.as_deref(), segmenter: Some(&args.asked.segmenter) };
    let ready = setup::ready(&args.method, asked, &args.settings, &mut loaded, Some(&dataset))?;
    let hierarchy = setup::hierarchy()?;
    let seed = args.settings.seed;
    let scored = Scored { contestant: &ready.contestant, models: &ready.models, seed, hierarchy: &hierarchy };
    let mut logs = Vec::new();
    for kind in &args.scenario {
        let scenario = match (kind, args.qps, args.bound) {
            (Load::SingleStream, _, _) => Scenario::SingleStream,
            (Load::Offline, _, _) => Scenario::Offline,
            (Load::Server, Some(target_qps), Some(target_latency)) => Scenario::Server { target_qps, target_latency },
            (Load::Server, _, _) => return Err(Failure::usage("--scenario server needs --qps and --bound")),
        };
        let in_flight = if *kind == Load::SingleStream { 1 } else { in_flight };
        let terms = Terms {
            scenario,
            min_duration: args.min_duration,
            min_query_count: args.min_queries as usize,
            warm_up: args.warm_up.unwrap_or(2 * in_flight),
            in_flight,
            seed,
        };
        let bar = progress::counter(scenario.label());
        let queries = load(&samples, &scored, &terms, |_| bar.inc(1));
        bar.finish_and_clear();
        let log = LoadLog {
            schema: LOAD_SCHEMA,
            code: code(),
            data: Data {
                location: dataset.location().to_owned(),
                kind: dataset.kind().to_owned(),
                revision: dataset.revision().map(str::to_owned),
                split: split.to_owned(),
                fingerprint: fingerprint.clone(),
                samples: entries.len(),
            },
            method: ready.info.clone(),
            models: ready.model_infos.clone(),
            machine: machine(),
            terms,
            split_samples,
            samples: samples.iter().map(|s| s.id.clone()).collect(),
            queries,
            memory: peak_memory(),
        };
        if let Some(out) = &args.out {
            let path = if args.scenario.len() > 1 { named(out, scenario.label()) } else { out.clone() };
            let text = serde_json::to_string(&log).map_err(|e| Failure::new(ExitCode::OUTPUT, e))? + "\n";
            files::write(&path, text.as_bytes())?;
        }
        logs.push(log);
    }
    say_part!("{}", render(&[load_table(&logs)], format));
    Ok(ExitCode::OK)
}

/// Of several samples on one satellite image the first: a second would find its embedding made.
fn of_other_places(samples: Vec<Encoded>) -> Vec<Encoded> {
    let mut seen = BTreeSet::new();
    // One that does not decode stays: its query fails, and is counted so.
    let new = |s: &Encoded| s.decode_query().map_or(true, |q| seen.insert(hash::pixels(&q.satellite)));
    samples.into_iter().filter(new).collect()
}

/// `a.json` as `a-Offline.json`.
fn named(path: &Path, scenario: &str) -> PathBuf {
    let stem = path.file_stem().map_or_else(|| "latency".into(), |s| s.to_string_lossy());
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{scenario}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{scenario}"),
    };
    path.with_file_name(name)
}

pub(crate) fn trace(run: &Path, out: &Path, sample: Option<&str>, picture_file: Option<&Path>) -> Outcome {
    let digest = Digest::open(run)?;
    if let Some(id) = sample.filter(|id| digest.position(id).is_none()) {
        return Err(Failure::input(format!("{} has no record of {id}", run.display())));
    }
    if digest.entries.is_empty() {
        return Err(Failure::input(format!("{} has no record yet", run.display())));
    }
    let samples = trace::write(run, sample, out)?;
    say!("{}: {samples} samples", out.display());
    if let (Some(path), Some(id)) = (picture_file, sample.or_else(|| digest.middle())) {
        let mut found = None;
        Run::each(run, |record| {
            if record.id == id && found.is_none() {
                found = Some(picture(&record));
            }
        })?;
        if let Some(svg) = found {
            files::write(path, svg.as_bytes())?;
            say!("{}: {id}", path.display());
        }
    }
    Ok(ExitCode::OK)
}
