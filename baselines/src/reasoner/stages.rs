//! The two stages, and the way back from the first.

use std::sync::Arc;

use image::RgbImage;
use socio_backend::{BackendError, Cancel, Finish, Prompt, VlmRequest};

use super::need;
use super::{REFINE, Settings, View};
use crate::answer::answer_text;
use crate::context::{Said, Tokens};
use crate::method::{Failure, Models, StageAnswer, StageObject};
use crate::prompts::Template;
use crate::{Context, render};

/// What is asked, and who.
#[derive(Clone, Copy)]
pub struct With<'a> {
    /// How it is asked.
    pub settings: &'a Settings,
    /// Who is asked.
    pub models: &'a Models,
}

/// What the first stage came to.
#[derive(Debug, Clone)]
pub struct Located {
    /// What the model said.
    pub text: String,
    /// What was cut.
    pub stage: StageAnswer,
}

/// Stage 1: the model points at what the query names, the segmenter cuts there. An answer that cannot be read is a stage
/// that came to nothing; the second stage is asked all the same, as the released code does.
///
/// # Errors
/// When a model is missing or fails.
pub fn localize(view: &View<'_>, with: With<'_>, draw: u32, context: &mut Context) -> Result<Located, Failure> {
    let name = with.settings.first;
    let images = [Arc::clone(&view.map), Arc::clone(&view.satellite)];
    let text = ask(name, images, with.settings.localize.filled(&view.query.text, ""), with, draw, context)?;
    let stage = cut(name, view, &text, with, context)?;
    Ok(Located { text, stage })
}

/// Stage 1 once more: the model is shown where its boxes and what was cut there contradict each other.
///
/// # Errors
/// When a model is missing or fails.
pub fn relocalize(
    name: &'static str,
    view: &View<'_>,
    last: &Located,
    with: With<'_>,
    context: &mut Context,
) -> Result<Located, Failure> {
    let Some((template, _)) = &with.settings.relocalize else {
        return Err(Failure::Method("there is no prompt to localise again".to_owned()));
    };
    let text = ask_again(name, view, last, template, with, 0, context)?;
    let stage = cut(name, view, &text, with, context)?;
    Ok(Located { text, stage })
}

/// Stage 2: the model sees its boxes and their mask drawn on both images and adds points; the segmenter cuts the original
/// satellite image again, by this answer alone.
///
/// # Errors
/// When a model is missing or fails.
pub fn refine(
    view: &View<'_>,
    first: &Located,
    with: With<'_>,
    draw: u32,
    context: &mut Context,
) -> Result<StageAnswer, Failure> {
    let Some(template) = &with.settings.refine else {
        return Err(Failure::Method("there is no prompt of a second stage".to_owned()));
    };
    let text = ask_again(REFINE, view, first, template, with, draw, context)?;
    cut(REFINE, view, &text, with, context)
}

/// Asks about the two images with an earlier stage drawn on them.
fn ask_again(
    name: &'static str,
    view: &View<'_>,
    earlier: &Located,
    template: &Template,
    with: With<'_>,
    draw: u32,
    context: &mut Context,
) -> Result<String, Failure> {
    let found = answer_text(&earlier.text).unwrap_or_default();
    let seen = context.time("render", || {
        let (width, height) = view.size();
        let boxes = with.settings.grammar.drawn(&earlier.text, (width, height));
        let mask = earlier.stage.mask.resized(width, height);
        [&view.map, &view.satellite].map(|image| Arc::new(render::feedback(image, &boxes, &mask)))
    });
    // The text of the first answer as it stands, not written anew; nothing where there is none.
    ask(name, seen, template.filled(&view.query.text, found), with, draw, context)
}

fn ask(
    stage: &'static str,
    images: [Arc<RgbImage>; 2],
    (system, text): (Option<String>, String),
    with: With<'_>,
    draw: u32,
    context: &mut Context,
) -> Result<String, Failure> {
    let vlm = with.models.vlm.as_ref().ok_or_else(|| Failure::Method("it needs a vision-language model".to_owned()))?;
    let seed = context.seed(stage, draw);
    let request = VlmRequest {
        images: images.into(),
        text,
        sampling: with.settings.sampling,
        seeds: vec![seed],
        log_probabilities: false,
        system,
        sample: context.sample().to_owned(),
        stage: stage.to_owned(),
        cancel: Cancel::default(),
    };
    let key = context.time("hash", || request.key(seed));
    let reply = context.time("vlm", || vlm.ask(&[request])).pop();
    let silent = || BackendError::Inference {
        backend: vlm.caps().name.clone(),
        doing: "answering",
        why: "it gave no reply".to_owned(),
    };
    let reply = reply.ok_or_else(silent)??;
    let t = &reply.timings;
    context.parts(&[("vlm vision", t.vision), ("vlm prefill", t.prefill), ("vlm tokens", t.decode())]);
    let completion = reply.completions.into_iter().next().ok_or_else(silent)?;
    // Recorded answers have none to tell.
    let told = reply.prompt_length + completion.length > 0;
    let tokens = told.then_some(Tokens {
        prompt: reply.prompt_length,
        image: reply.image_tokens,
        completion: completion.length,
        cut: completion.finish == Finish::Length,
    });
    context.keep(Said { stage, text: completion.text.clone(), request: Some(key), tokens });
    Ok(completion.text)
}

/// From what the model said to masks: read, prompted, cut, merged, and brought to the satellite image's own size.
fn cut(
    name: &'static str,
    view: &View<'_>,
    text: &str,
    with: With<'_>,
    context: &mut Context,
) -> Result<StageAnswer, Failure> {
    let mut parsed = match context.time("parse", || with.settings.grammar.parse(text, view.size())) {
        Ok(parsed) => parsed,
        Err(e) => return Ok(view.nothing(name, Failure::BadGrammar(e.to_string()))),
    };
    if parsed.objects.is_empty() {
        let failure = if parsed.dropped.is_empty() {
            Failure::NoAnswer("the answer is an empty list".to_owned())
        } else {
            Failure::BadGrammar(parsed.left_out())
        };
        return Ok(view.nothing(name, failure));
    }
    let segmenter = with.models.segmenter.as_ref().ok_or_else(|| Failure::Method("it needs a segmenter".to_owned()))?;
    let most = if segmenter.caps().points { with.settings.max_points.unwrap_or(usize::MAX) } else { 0 };
    let (prompts, bare): (Vec<Prompt>, Vec<Prompt>) = std::mem::take(&mut parsed.objects)
        .into_iter()
        .map(|p| view.placed(with_points(p, most)))
        .partition(|p| p.bbox.is_some() || p.has_points());
    if !bare.is_empty() {
        parsed.dropped.push(format!("{} objects of points alone, of which none reaches the segmenter", bare.len()));
    }
    if prompts.is_empty() {
        return Ok(view.nothing(name, Failure::BadGrammar(parsed.left_out())));
    }
    let embedding = context.time("embed", || segmenter.embed(&view.cut))?;
    let cut = context.time("segment", || {
        if with.settings.points_by_need {
            return need::prompt(segmenter.as_ref(), &embedding, &prompts);
        }
        Ok(prompts.iter().cloned().zip(segmenter.prompt(&embedding, &prompts)?).collect())
    })?;
    let (width, height) = view.cut.dimensions();
    let mut union = socio_dataset::Mask::new(width, height);
    let mut objects = Vec::with_capacity(cut.len());
    for (prompt, segment) in cut {
        let sized = union.or(&segment.mask);
        union = sized.map_err(|e| Failure::Method(format!("a segment is of the wrong size: {e}")))?;
        objects.push(StageObject { prompt, mask: segment.mask, score: segment.score });
    }
    let (width, height) = view.query.satellite.dimensions();
    let mask = context.time("resize", || union.resized(width, height));
    let remark = (!parsed.dropped.is_empty()).then(|| format!("left out: {}", parsed.left_out()));
    Ok(StageAnswer { frame: view.frame(), remark, ..StageAnswer::new(name, objects, mask) })
}

/// A prompt with its first points alone; points beside the object count after those on it.
fn with_points(mut prompt: Prompt, most: usize) -> Prompt {
    prompt.points.truncate(most);
    prompt.background.truncate(most - prompt.points.len());
    prompt
}
