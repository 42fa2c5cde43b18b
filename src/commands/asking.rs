//! Methods that ask a vision-language model, from names and options.

use std::collections::BTreeMap;

use serde_json::Value;
use socio_backend::Sampling;
use socio_baselines::definition::{Defined, Definition, Overrides};
use socio_baselines::reasoner::Settings;

use crate::cli::AskingArgs;
use crate::failure::Failure;

/// A method that is prompted, made ready.
pub(super) struct Prompted {
    pub(super) defined: Defined,
    pub(super) parameters: BTreeMap<String, Value>,
    /// The method of which it is the first stage, where it is.
    pub(super) whole: Option<Whole>,
}

/// What tells a method apart.
pub(super) struct Whole {
    pub(super) name: String,
    pub(super) parameters: BTreeMap<String, Value>,
}

/// What decides a prompted method's answers, by name.
fn parameters(name: &str, settings: &Settings, trained_as: &[String]) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> =
        settings.parameters().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // It decides the row's marks: a run does not go on under others.
    if trained_as.iter().any(|t| t == name) {
        all.insert("trained_as".to_owned(), name.into());
    }
    all
}

/// A method that is prompted; `None` where the name is another kind's. `square` is the side of the squares that the model knows.
pub(super) fn prompted(name: &str, args: &AskingArgs, square: Option<u32>) -> Result<Option<Prompted>, Failure> {
    let Some(definition) = Definition::find(name)? else { return Ok(None) };
    let with = Overrides { square, ..overrides(args, definition.sampling)? };
    let defined = definition.ready(&with)?;
    // The whole of which this is the beginning: its finished run holds these answers too.
    let parameters_of_it = parameters(&definition.name, &defined.settings, &with.trained_as);
    let stopped = defined.settings.refine.is_none() && definition.refine.is_some();
    let whole = match definition.part_of.clone() {
        _ if !stopped => None,
        Some(part_of) => Definition::find(&part_of)?,
        None => Some(definition),
    };
    let whole = match whole {
        Some(whole) => {
            let ready = whole.ready(&Overrides { stop_after: None, ..with.clone() })?;
            let parameters = parameters(&whole.name, &ready.settings, &with.trained_as);
            Some(Whole { name: whole.name, parameters })
        }
        None => None,
    };
    Ok(Some(Prompted { defined, parameters: parameters_of_it, whole }))
}

/// How a vision-language model is asked, where that is not the method's own way.
fn overrides(args: &AskingArgs, own: Sampling) -> Result<Overrides, Failure> {
    let start = if args.greedy { Sampling { max_new_tokens: own.max_new_tokens, ..Sampling::GREEDY } } else { own };
    let sampling = Sampling {
        temperature: args.temperature.unwrap_or(start.temperature),
        top_k: args.top_k.unwrap_or(start.top_k),
        top_p: args.top_p.unwrap_or(start.top_p),
        max_new_tokens: args.max_new_tokens.unwrap_or(start.max_new_tokens),
    };
    let mut trained_as = Vec::new();
    for name in &args.trained_as {
        match Definition::find(name)? {
            Some(found) if found.trained.is_some() => trained_as.push(found.name),
            _ => {
                let known = Definition::embedded()?.into_iter().filter(|d| d.trained.is_some()).map(|d| d.name);
                let known = known.collect::<Vec<_>>().join(", ");
                let why = "no method whose paper's checkpoint is another than the published one";
                return Err(Failure::usage(format!(
                    "--trained-as {name}: {why}; there are {known}; or a file of yours"
                )));
            }
        }
    }
    Ok(Overrides {
        grammar: args.grammar,
        sampling: Some(sampling),
        stop_after: args.stop_after,
        max_points: args.max_points,
        relocalize: args.relocalise,
        points_by_need: args.points_by_need,
        trained_as,
        square: None,
    })
}
