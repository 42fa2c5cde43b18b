//! Whether a server has a model.

use serde::Deserialize;

use crate::Options;
use crate::address::Address;
use crate::failure::{Failure, Kind};
use crate::names;
use crate::wire::Wire;

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    /// Where vLLM's weights come from, when it serves them under another name.
    #[serde(default)]
    root: Option<String>,
}

/// Names told of a server's models at most.
const TOLD: usize = 20;

/// Asks a server for its models. One that keeps no list (404), or an empty one, is taken at its word when it answers.
///
/// # Errors
/// When it does not answer, or has others.
pub(crate) fn check(wire: &Wire, at: &Address, model: &str, options: &Options) -> Result<(), Failure> {
    let body = match wire.models(at) {
        Ok(body) => body,
        Err(e) if matches!(e.kind, Kind::NotThere) => return Ok(()),
        // Its list is of something else, and may fail; that it answers is enough.
        Err(e) if !options.dialect.lists_models() && matches!(e.kind, Kind::Server | Kind::Rejected) => return Ok(()),
        Err(e) => return Err(e),
    };
    if !options.dialect.lists_models() {
        return Ok(());
    }
    let List { data } = serde_json::from_slice(&body)
        .map_err(|e| Failure::new(Kind::Garbled, format!("{at}: its list of models is not what it should be ({e})")))?;
    let names = |m: &Model| names::same(model, &m.id) || m.root.as_ref().is_some_and(|root| root == model);
    if data.is_empty() || data.iter().any(names) {
        return Ok(());
    }
    let mut there: Vec<&str> = data.iter().take(TOLD).map(|m| m.id.as_str()).collect();
    if data.len() > TOLD {
        there.push("...");
    }
    Err(Failure::new(Kind::WrongModel, format!("{at} has no model `{model}`; it has {}", there.join(", "))))
}
