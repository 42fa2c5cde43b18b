//! Networks that are part of the program: trained on the embedded city by the recipes beside them (docs/training.md).

use serde_json::Value;
use socio_local::{Files, Found};
use socio_models::ModelError;

macro_rules! vlm {
    ($name:literal) => {
        (
            $name,
            &[
                file!($name, "config.json"),
                file!($name, "model.safetensors"),
                file!($name, "tokenizer.json"),
                file!($name, "preprocessor_config.json"),
            ],
        )
    };
}
macro_rules! segmenter {
    ($name:literal) => {
        ($name, &[file!($name, "config.json"), file!($name, "model.safetensors")])
    };
}
macro_rules! file {
    ($name:literal, $file:literal) => {
        ($file, include_bytes!(concat!("../../checkpoints/", $name, "/", $file)))
    };
}

const SHIPPED: &[(&str, Files)] = &[vlm!("socioreasoner-nano-sft"), segmenter!("sam2-nano")];

/// Their names, and whether each is a vision-language model; else it is a segmenter.
pub(super) fn names() -> impl Iterator<Item = (&'static str, bool)> {
    SHIPPED.iter().map(|(name, files)| (*name, files.iter().any(|(file, _)| *file == "tokenizer.json")))
}

/// The one of that name.
pub(super) fn find(name: &str) -> Option<Result<Found, ModelError>> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(name, files)| Found::within(name, files))
}

/// Its `config.json`.
pub(super) fn config(name: &str) -> Option<Value> {
    let (_, files) = SHIPPED.iter().find(|(known, _)| *known == name)?;
    serde_json::from_slice(files.iter().find(|(file, _)| *file == "config.json")?.1).ok()
}
