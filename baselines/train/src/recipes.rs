//! Recipes: of the models that this suite ships, and of runs.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use socio_dataset::files;

use crate::TrainError;

/// The recipe's name in a run's folder.
pub const FILE: &str = "recipe.json";
/// SocioReasoner-nano's.
pub const NANO: &str = include_str!("../recipes/nano.json");
/// SAM-2-nano's.
pub const SEGMENTER: &str = include_str!("../recipes/segmenter.json");
/// Staged-reward GRPO's, by the paper's rules.
pub const GRPO: &str = include_str!("../recipes/grpo.json");

/// The recipe of the run in the folder `out`, and its text: as given, else the one in the folder, else the shipped one.
///
/// # Errors
/// When a file cannot be read, or is no such recipe.
pub fn read<R: DeserializeOwned + Serialize>(
    out: &Path,
    given: Option<&Path>,
    shipped: &str,
) -> Result<(R, String), TrainError> {
    let kept = out.join(FILE);
    let file = given.or_else(|| kept.is_file().then_some(&kept));
    let (text, name) = match file {
        Some(file) => (files::read_text(file)?, file.display().to_string()),
        None => (shipped.to_owned(), "the shipped recipe".to_owned()),
    };
    let wrong = |e: serde_json::Error| TrainError::Input(format!("{name}: {e}"));
    let recipe: R = serde_json::from_str(&text).map_err(wrong)?;
    let text = serde_json::to_string_pretty(&recipe).map_err(wrong)? + "\n";
    Ok((recipe, text))
}

#[cfg(test)]
mod tests {
    #[test]
    fn they_can_be_read() {
        serde_json::from_str::<crate::nano::course::Recipe>(super::NANO).unwrap();
        serde_json::from_str::<crate::segmenter::Recipe>(super::SEGMENTER).unwrap();
        serde_json::from_str::<crate::grpo::Recipe>(super::GRPO).unwrap();
    }
}
