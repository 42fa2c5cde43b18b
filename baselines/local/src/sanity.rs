//! What is wrong with a `config.json` before an architecture reads it: told by its field, whatever the architecture.

use serde_json::{Value, json};
use socio_models::ModelError;
use socio_models::qwen2_5_vl::Size as Qwen;
use socio_models::sam::sam1::{EncoderConfig, Sam1Config};
use socio_models::sam::sam2::Size as Sam2;
use socio_models::sam::tiny_vit::TinyVitConfig;
use socio_models::sam::vit::VitConfig;

/// Far above every published size of anything but a vocabulary.
const LARGEST: u64 = 1 << 20;
/// The most layers, and the largest ratio of two widths.
const DEEPEST: u64 = 1 << 10;

/// Numbers are numbers, sizes are whole and not beyond all bounds, and options that are not built are not asked for.
///
/// # Errors
/// The first field that does not fit.
pub(crate) fn check(config: &Value) -> Result<(), ModelError> {
    match config.get("model_type").and_then(Value::as_str) {
        Some("qwen2_5_vl") => kinds(config, &Qwen::B3.json())?,
        None if config.get("arch").is_some() => kinds(config, &json!({ "arch": Sam2::Large.config() }))?,
        None if config.get("kind").is_some() => own_sam1(config)?,
        _ => {}
    }
    sizes(config, "")
}

fn bad(field: &str, why: String) -> ModelError {
    ModelError::Config { field: field.to_owned(), why }
}

/// Every field that `like` has too is of the same kind.
fn kinds(config: &Value, like: &Value) -> Result<(), ModelError> {
    let (Some(config), Some(like)) = (config.as_object(), like.as_object()) else { return Ok(()) };
    for (field, example) in like {
        let Some(found) = config.get(field) else { continue };
        let wrong = |what: &str| Err(bad(field, format!("is {found}; expected {what}")));
        match example {
            Value::Number(n) if n.is_u64() && !found.is_u64() && !found.is_null() => return wrong("a whole number"),
            Value::Number(_) if !found.is_number() && !found.is_null() => return wrong("a number"),
            Value::Bool(_) if !found.is_boolean() && !found.is_null() => return wrong("true or false"),
            Value::Array(_) if !found.is_array() && !found.is_null() => return wrong("a list"),
            Value::Object(_) if !found.is_object() => return wrong("an object"),
            Value::Object(_) => kinds(found, example)?,
            _ => {}
        }
    }
    Ok(())
}

/// This project's own files of SAM 1 may say what all published networks have alike; nothing else is built.
fn own_sam1(config: &Value) -> Result<(), ModelError> {
    let example = |encoder| json!(Sam1Config::of_encoder(encoder));
    if config.get("kind").and_then(Value::as_str) == Some("tiny_vit") {
        kinds(config, &example(EncoderConfig::TinyVit(TinyVitConfig::MOBILE_SAM)))?;
    } else {
        kinds(config, &example(EncoderConfig::Vit(VitConfig::vit_b())))?;
    }
    let fixed = [
        ("num_multimask_outputs", json!(3)),
        ("iou_head_depth", json!(3)),
        ("decoder_attention_downsample_rate", json!(2)),
        ("mask_in_chans", json!(16)),
        ("mean", json!([123.675, 116.28, 103.53])),
        ("std", json!([58.395, 57.12, 57.375])),
    ];
    for (field, wanted) in fixed {
        if let Some(found) = config.get(field).filter(|found| **found != wanted) {
            return Err(bad(field, format!("is {found}; only {wanted} is built")));
        }
    }
    Ok(())
}

/// No number is negative where sizes are meant, or beyond all bounds.
fn sizes(value: &Value, within: &str) -> Result<(), ModelError> {
    let Some(fields) = value.as_object() else { return Ok(()) };
    for (field, found) in fields {
        let name = if within.is_empty() { field.clone() } else { format!("{within}.{field}") };
        // Below `arch` lie the fields of this project's own files.
        sizes(found, if field == "arch" { "" } else { &name })?;
        let single = std::slice::from_ref(found);
        for number in found.as_array().map_or(single, Vec::as_slice) {
            let limit = match field.as_str() {
                // Ids of tokens and positions are no sizes of anything that is made.
                f if f.ends_with("_id") || f.contains("position") || f.contains("theta") || f.contains("sliding") => {
                    continue;
                }
                f if f.contains("depth") || f.contains("layers") || f.contains("ratio") || f == "stages" => DEEPEST,
                _ => LARGEST,
            };
            if number.as_f64().is_some_and(|n| !n.is_finite() || n > limit as f64) {
                return Err(bad(&name, format!("is {number}; {limit} at most")));
            }
        }
    }
    Ok(())
}
