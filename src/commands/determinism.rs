//! `determinism`: the same samples at several batch sizes, orders and shards, and on several backends.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use socio_backend::Vlm;
use socio_baselines::{DType, Models};
use socio_dataset::files;
use socio_dataset::store::{Dataset, Encoded, Fields};
use socio_harness::{Heard, Listening, Order, Scored, Way, choose, trial};
use socio_record::{ExitCode, Record};
use socio_reports::agreement::{self, Agreement, Answer, LEAST, agreement};
use socio_reports::metrics::Profile;
use socio_reports::table::{Format, render};

use super::setup;
use crate::cli::{DeterminismArgs, Ordered};
use crate::failure::{Failure, Outcome};
use crate::progress;

/// Samples that are kept in memory where --limit says nothing.
const IN_MEMORY: usize = 32;

/// One way of going through the samples, with one pair of models.
struct Plan<'a> {
    name: String,
    vlm: Option<&'a str>,
    segmenter: &'a str,
    way: Way,
}

/// What came of it.
struct Done {
    name: String,
    records: Vec<Record>,
    heard: std::collections::BTreeMap<String, Heard>,
    gated: bool,
}

impl Done {
    fn held<R>(&self, with: impl FnOnce(&agreement::Trial<'_>) -> R) -> R {
        let heard = |key: &str| {
            let Heard { tokens, gaps } = self.heard.get(key)?.clone();
            Some(Answer { tokens, gaps })
        };
        let (name, records, gated) = (self.name.clone(), self.records.as_slice(), self.gated);
        with(&agreement::Trial { name, records, gated, heard: &heard })
    }
}

pub(crate) fn command(args: &DeterminismArgs) -> Outcome {
    let format: Format = match args.format.as_str() {
        _ if args.json => Format::Json,
        "terminal" => Format::Terminal { styled: progress::styled() },
        other => other.parse().map_err(Failure::usage)?,
    };
    let mut selection = setup::selection(&args.select)?;
    selection.limit = selection.limit.or(Some(IN_MEMORY));
    let dataset = setup::dataset(&args.data)?;
    let split = args.data.split();
    let wanted: BTreeSet<String> = choose(&dataset, split, &selection)?.into_iter().collect();
    let samples: Vec<Encoded> = dataset.read(split, Some(&wanted), Fields::ALL)?.collect::<Result<_, _>>()?;
    if samples.is_empty() {
        return Err(Failure::input("no sample is chosen: nothing can be held against anything"));
    }
    let mut done = Vec::new();
    for plan in plans(args)? {
        done.push(run(&plan, args, &dataset, &samples)?);
    }
    let Some((first, others)) = done.split_first() else { return Err(Failure::usage("nothing to compare")) };
    let hold = |other: &Done| first.held(|a| other.held(|b| agreement(a, b, &Profile::STRICT)));
    let agreements: Vec<Agreement> = others.iter().map(hold).collect();
    let value = json!({ "first": first.name, "samples": samples.len(), "ways": agreements });
    if let Some(out) = &args.out {
        files::write(out, format!("{value:#}\n").as_bytes())?;
    }
    if format == Format::Json {
        say!("{value:#}");
    } else {
        say_part!("{}", render(&[agreement::table(&first.name, &agreements)], format));
    }
    let low = agreements.iter().filter(|a| a.gated && a.share() < LEAST).count();
    if low > 0 {
        let why = format!("{low} ways answer less than {:.0} % of requests alike", LEAST * 100.0);
        return Err(Failure::new(ExitCode::DIFFERS, why));
    }
    Ok(ExitCode::OK)
}

/// The first pair of models in its first way, then with one thing changed at a time; the other pairs in the first way, and
/// in the largest batch.
fn plans(args: &DeterminismArgs) -> Result<Vec<Plan<'_>>, Failure> {
    let vlms: Vec<Option<&str>> =
        if args.vlm.is_empty() { vec![None] } else { args.vlm.iter().map(|v| Some(v.as_str())).collect() };
    let count = vlms.len().max(args.segmenter.len());
    if (vlms.len() != count && vlms.len() != 1) || (args.segmenter.len() != count && args.segmenter.len() != 1) {
        return Err(Failure::usage(format!(
            "{} models and {} segmenters: expected one segmenter for all, or as many as models",
            vlms.len(),
            args.segmenter.len()
        )));
    }
    let batches: Vec<usize> = args.batches.iter().map(|b| *b as usize).collect();
    let (one, largest) = (batches[0], batches.iter().copied().max().unwrap_or(1));
    let order = |ordered: Ordered| match ordered {
        Ordered::Given => Order::Given,
        Ordered::Reversed => Order::Reversed,
        Ordered::Shuffled => Order::Shuffled(args.settings.seed),
    };
    let base = Way { in_flight: one, order: order(args.order[0]), shards: args.shards[0] as u32 };
    let mut plans = Vec::new();
    for i in 0..count {
        let (vlm, segmenter) = (vlms[i % vlms.len()], args.segmenter[i % args.segmenter.len()].as_str());
        let mut add = |what: String, way: Way| {
            let models = if vlms.len() > 1 { vlm.unwrap_or(segmenter) } else { segmenter };
            let name = if count > 1 { format!("{models}, {what}") } else { what };
            plans.push(Plan { name, vlm, segmenter, way });
        };
        add(format!("batch {one}"), base);
        let others = batches[1..].iter().filter(|b| i == 0 || **b == largest);
        for batch in others {
            add(format!("batch {batch}"), Way { in_flight: *batch, ..base });
        }
        if i > 0 {
            continue;
        }
        let full = Way { in_flight: largest, ..base };
        for o in &args.order[1..] {
            add(format!("batch {largest}, {o:?}").to_lowercase(), Way { order: order(*o), ..full });
        }
        for shards in &args.shards[1..] {
            add(format!("batch {largest}, {shards} shards"), Way { shards: *shards as u32, ..full });
        }
    }
    Ok(plans)
}

fn run(plan: &Plan<'_>, args: &DeterminismArgs, dataset: &Dataset, samples: &[Encoded]) -> Result<Done, Failure> {
    let mut resources = setup::resources(&args.resources, plan.way.in_flight == 1)?;
    resources.hub.offline |= args.data.hub.offline;
    resources.running.batch = Some(plan.way.in_flight);
    let mut loaded = setup::Loaded::new(&resources);
    let asked = setup::Asked { vlm: plan.vlm, segmenter: Some(plan.segmenter) };
    let ready = setup::ready(&args.method, asked, &args.settings, &mut loaded, Some(dataset))?;
    let listening = ready.models.vlm.clone().map(|vlm| Arc::new(Listening::to(vlm)));
    let models = Models { vlm: listening.clone().map(|l| l as Arc<dyn Vlm>), ..ready.models };
    let hierarchy = setup::hierarchy()?;
    let scored =
        Scored { contestant: &ready.contestant, models: &models, seed: args.settings.seed, hierarchy: &hierarchy };
    let bar = progress::bar(samples.len() as u64, &plan.name);
    let records = trial(samples, &scored, plan.way, || bar.inc(1));
    bar.finish_and_clear();
    let greedy = args.settings.asking.greedy || args.settings.asking.temperature == Some(0.0);
    let gated = greedy && args.resources.dtype == Some(DType::F32);
    let heard = listening.map(|l| l.heard()).unwrap_or_default();
    Ok(Done { name: plan.name.clone(), records, heard, gated })
}
