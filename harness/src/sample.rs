//! One sample, from its encoded files to its record.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use socio_backend::BackendError;
use socio_baselines::timing::peak_memory;
use socio_baselines::{Answer, Contestant, Context, Failure, Models, StageObject};
use socio_dataset::hash::FieldHasher;
use socio_dataset::store::{Encoded, FieldProblem};
use socio_dataset::{Hierarchy, Level, Mask, Query, Rle, Truth, hash};
use socio_record::{Frame, Object, RECORD_SCHEMA, Record, Stage, Status, Tokens, Trace, score};

/// Who is asked, with what.
pub struct Scored<'a> {
    /// The method or oracle.
    pub contestant: &'a Contestant,
    /// Its models.
    pub models: &'a Models,
    /// The run's seed.
    pub seed: u64,
    /// Tells the function of a class.
    pub hierarchy: &'a Hierarchy,
}

/// Decodes a sample, asks the method, scores the answer. Whatever goes wrong is the record's status. `worker` is which of
/// the samples in flight this is, for the trace; `reading` how long its files took to read.
pub fn work(sample: &Encoded, reading: Duration, with: &Scored<'_>, worker: u32) -> Record {
    attempt(sample, reading, with, worker)
        .unwrap_or_else(|gone| failed(sample, with, Status::BackendError, gone.to_string()))
}

/// As [`work`] has it, but for backends that are gone.
///
/// # Errors
/// When a backend is not available any more, which says nothing of this sample.
pub(crate) fn attempt(
    sample: &Encoded,
    reading: Duration,
    with: &Scored<'_>,
    worker: u32,
) -> Result<Record, BackendError> {
    catch_unwind(AssertUnwindSafe(|| worked(sample, reading, with, worker))).unwrap_or_else(|panic| {
        let why = format!("socio-bench itself panicked: {}", message_of(&*panic));
        Ok(failed(sample, with, Status::MethodError, why))
    })
}

fn failed(sample: &Encoded, with: &Scored<'_>, status: Status, why: String) -> Record {
    Record { status, message: Some(why), ..blank(sample, with.hierarchy) }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("without a message")
}

fn worked(sample: &Encoded, reading: Duration, with: &Scored<'_>, worker: u32) -> Result<Record, BackendError> {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut record = blank(sample, with.hierarchy);
    let mut context = Context::new(with.seed, &sample.id);
    let loaded = context.time("decode", || load(sample));
    let answer = match &loaded {
        Loaded { query: Err(why), .. } | Loaded { truth: Err(why), .. } => Err((Status::LoadError, why.clone())),
        Loaded { query: Ok(query), truth: Ok(truth) } => ask(query, truth, with, &mut context)?,
    };
    if let Ok(query) = &loaded.query {
        let (satellite, map) = context
            .time("hash", || (hash::shared_pixels(&query.satellite), query.map.as_ref().map(hash::shared_pixels)));
        record.map = map;
        record.scene = sample.extras.text("scene").unwrap_or_else(|| satellite.clone());
        record.satellite = Some(satellite);
    }
    let truth = loaded.truth.as_ref().ok().map(|t| &t.mask);
    record.truth = truth.map(Rle::from);
    context.time("score", || match answer {
        Ok(answer) => fill_in(&mut record, &answer, truth),
        Err((status, message)) => {
            (record.status, record.message) = (status, Some(message));
            record.score = truth.map(|t| score(t, &Mask::new(t.width(), t.height()), &[]));
        }
    });
    let size = loaded.query.as_ref().map_or((0, 0), |q| q.satellite.dimensions());
    keep_said(&mut record, &context, size);
    record.timings = context.phases().iter().map(|(name, time)| ((*name).to_owned(), seconds(*time))).collect();
    record.timings.insert("total".to_owned(), seconds(context.begun().elapsed()));
    record.timings.insert("load".to_owned(), seconds(reading));
    let spans = context.spans().iter().map(|s| (s.phase.clone().into_owned(), seconds(s.at), seconds(s.took)));
    let (process, begun) = (process(), seconds(wall));
    record.trace = Some(Trace { process, worker, begun, memory: peak_memory(), spans: spans.collect() });
    Ok(record)
}

/// A number for this process. Its id alone comes again: in every container, and after a restart.
fn process() -> u32 {
    static OWN: OnceLock<u32> = OnceLock::new();
    *OWN.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        FieldHasher::default().field(std::process::id().to_le_bytes()).field(now.as_nanos().to_le_bytes()).number()
            as u32
    })
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

fn blank(sample: &Encoded, hierarchy: &Hierarchy) -> Record {
    let query = sample.problem.as_deref().unwrap_or_default().to_owned();
    let level = sample.level();
    let class = sample.extras.text("class").or_else(|| (level == Some(Level::Class)).then(|| query.clone()));
    let function = sample.extras.text("function").or_else(|| match level {
        Some(Level::Function) => Some(query.clone()),
        _ => class.as_deref().and_then(|c| hierarchy.class(c)).map(|c| c.function.clone()),
    });
    Record {
        schema: RECORD_SCHEMA,
        id: sample.id.clone(),
        level,
        query,
        scene: sample.extras.text("scene").unwrap_or_else(|| sample.id.clone()),
        class,
        function,
        region: sample.extras.text("region"),
        satellite: None,
        map: None,
        status: Status::Ok,
        message: None,
        truth: None,
        stages: Vec::new(),
        score: None,
        timings: BTreeMap::new(),
        trace: None,
    }
}

struct Loaded {
    query: Result<Query, String>,
    truth: Result<Truth, String>,
}

/// Query and truth apart: a sample whose map is broken still has a truth that it failed.
fn load(sample: &Encoded) -> Loaded {
    let query = sample.decode_query().map_err(|e| e.to_string());
    let mut truth = sample.decode_mask().map(|mask| Truth { mask }).map_err(|e| e.to_string());
    if let (Ok(query), Ok(t)) = (&query, &truth)
        && t.mask.size() != query.satellite.dimensions()
    {
        let problem = FieldProblem::Size { found: t.mask.size(), expected: query.satellite.dimensions() };
        truth = Err(sample.error("mask_label", problem).to_string());
    }
    Loaded { query, truth }
}

/// The outer error is the backend's that is gone.
fn ask(
    query: &Query,
    truth: &Truth,
    with: &Scored<'_>,
    context: &mut Context,
) -> Result<Result<Answer, (Status, String)>, BackendError> {
    // A method that panics spoils its sample, not the run.
    let asked = catch_unwind(AssertUnwindSafe(|| match with.contestant {
        Contestant::Method(m) => m.answer(query, with.models, context),
        Contestant::Oracle(o) => o.answer(query, truth, with.models, context),
    }));
    if let Ok(asked) = &asked
        && let Some(gone) = gone(asked)
    {
        return Err(gone.clone());
    }
    Ok(match asked {
        Ok(Ok(answer)) if answer.stages.is_empty() => Err((Status::NoAnswer, "no stage".to_owned())),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failure)) => Err((status_of(&failure), failure.to_string())),
        Err(panic) => Err((Status::MethodError, format!("the method panicked: {}", message_of(&*panic)))),
    })
}

/// The backend that was not available to the method or, with what came before kept, to its last stage.
fn gone(asked: &Result<Answer, Failure>) -> Option<&BackendError> {
    let failure = match asked {
        Ok(answer) => answer.stages.iter().find_map(|s| s.failure.as_ref())?,
        Err(failure) => failure,
    };
    match failure {
        Failure::Backend(gone @ BackendError::Unavailable { .. }) => Some(gone),
        _ => None,
    }
}

fn status_of(failure: &Failure) -> Status {
    match failure {
        Failure::NoAnswer(_) => Status::NoAnswer,
        Failure::BadGrammar(_) => Status::BadGrammar,
        Failure::MissingPrediction(_) => Status::MissingPrediction,
        Failure::BadPrediction(_) => Status::BadPrediction,
        Failure::Backend(BackendError::OutOfMemory { .. }) => Status::OutOfMemory,
        Failure::Backend(_) => Status::BackendError,
        Failure::Method(_) => Status::MethodError,
    }
}

/// Puts what models said into their stages; a stage that came to nothing gets an empty mask to say it with.
fn keep_said(record: &mut Record, context: &Context, (width, height): (u32, u32)) {
    for said in context.all_said() {
        let at = record.stages.iter().position(|s| s.name == said.stage).unwrap_or_else(|| {
            let mask = Rle::from(&Mask::new(width, height));
            record.stages.push(Stage {
                name: said.stage.to_owned(),
                text: None,
                request: None,
                tokens: None,
                frame: None,
                status: record.status,
                message: record.message.clone(),
                objects: Vec::new(),
                mask,
                score: record.score,
            });
            record.stages.len() - 1
        });
        let stage = &mut record.stages[at];
        stage.text = Some(said.text.clone());
        stage.request.clone_from(&said.request);
        let tokens = |t: socio_baselines::Tokens| Tokens {
            prompt: t.prompt,
            image: t.image,
            completion: t.completion,
            cut: t.cut,
        };
        stage.tokens = said.tokens.map(tokens);
    }
}

fn fill_in(record: &mut Record, answer: &Answer, truth: Option<&Mask>) {
    for stage in &answer.stages {
        let masks: Vec<Mask> = stage.objects.iter().map(|o| o.mask.clone()).collect();
        let scored = truth.map(|t| score(t, &stage.mask, &masks));
        // The sample ends as its last stage does.
        (record.status, record.message) = match &stage.failure {
            Some(failure) => (status_of(failure), Some(failure.to_string())),
            None => (Status::Ok, stage.remark.clone()),
        };
        record.score = scored;
        record.stages.push(Stage {
            name: stage.name.to_owned(),
            text: None,
            request: None,
            tokens: None,
            frame: stage.frame.as_ref().map(|f| Frame { size: f.size, pixels: f.pixels.clone() }),
            status: record.status,
            message: record.message.clone(),
            objects: stage.objects.iter().map(object).collect(),
            mask: Rle::from(&stage.mask),
            score: scored,
        });
    }
}

fn object(object: &StageObject) -> Object {
    let prompt = object.prompt.clone();
    Object {
        bbox: prompt.bbox,
        points: prompt.points,
        background: prompt.background,
        mask: Rle::from(&object.mask),
        score: object.score,
    }
}
