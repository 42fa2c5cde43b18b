//! The names that transformers' `SamModel` gives to SAM 1's weights.

use crate::weights::{Origin, Renamed, Weights};

/// The frequencies of positions, which the module of the prompts shares: files hold them under one name or both.
const FREQUENCIES: [&str; 2] =
    ["shared_image_embedding.positional_embedding", "prompt_encoder.shared_embedding.positional_embedding"];
/// Matrices of a head. Meta numbers them all, transformers those between the first and the last.
const HEAD_DEPTH: usize = 3;

/// A checkpoint under Meta's names, which architectures ask for: as it is where it has them, and renamed where it is one of
/// transformers' `SamModel`.
pub fn metas_names(source: Box<dyn Weights>) -> Box<dyn Weights> {
    let keys = source.keys();
    if !keys.iter().any(|key| key.starts_with("vision_encoder.")) {
        return source;
    }
    let frequencies = FREQUENCIES.into_iter().find(|name| keys.iter().any(|key| key == name)).unwrap_or(FREQUENCIES[0]);
    Box::new(Renamed::new(source, move |key| {
        Some(Origin::Key(match transformers_name(key)? {
            Name::Frequencies => frequencies.to_owned(),
            Name::Key(name) => name,
        }))
    }))
}

/// Whether a key of either layout is no weight of its own: a constant of the pictures, or the second name of one.
pub(super) fn is_repeated(key: &str) -> bool {
    FREQUENCIES.contains(&key) || matches!(key, "pixel_mean" | "pixel_std")
}

/// What transformers calls a weight.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    Key(String),
    Frequencies,
}

/// What transformers calls the weight that Meta calls `key`.
fn transformers_name(key: &str) -> Option<Name> {
    let parts: Vec<&str> = key.split('.').collect();
    let one_of = |names: &[(&str, &'static str)], index: &str| {
        names.iter().find(|(number, _)| *number == index).map(|(_, name)| *name)
    };
    Some(Name::Key(match parts.as_slice() {
        ["image_encoder", "pos_embed"] => "vision_encoder.pos_embed".to_owned(),
        ["image_encoder", "patch_embed", "proj", leaf] => format!("vision_encoder.patch_embed.projection.{leaf}"),
        ["image_encoder", "blocks", block, rest @ ..] => {
            format!("vision_encoder.layers.{block}.{}", rest.join(".").replace("norm", "layer_norm"))
        }
        ["image_encoder", "neck", index, leaf] => {
            let parts = [("0", "conv1"), ("1", "layer_norm1"), ("2", "conv2"), ("3", "layer_norm2")];
            format!("vision_encoder.neck.{}.{leaf}", one_of(&parts, index)?)
        }
        ["prompt_encoder", "pe_layer", "positional_encoding_gaussian_matrix"] => return Some(Name::Frequencies),
        ["prompt_encoder", "point_embeddings", label, leaf] => format!("prompt_encoder.point_embed.{label}.{leaf}"),
        ["prompt_encoder", "mask_downscaling", index, leaf] => {
            // Meta's numbers count the activations between them.
            let parts = [("0", "conv1"), ("1", "layer_norm1"), ("3", "conv2"), ("4", "layer_norm2"), ("6", "conv3")];
            format!("prompt_encoder.mask_embed.{}.{leaf}", one_of(&parts, index)?)
        }
        ["prompt_encoder", "not_a_point_embed" | "no_mask_embed", _]
        | ["mask_decoder", "iou_token" | "mask_tokens", _] => key.to_owned(),
        ["mask_decoder", "transformer", ..] => key.replace("norm", "layer_norm"),
        ["mask_decoder", "output_upscaling", index, leaf] => {
            let parts = [("0", "upscale_conv1"), ("1", "upscale_layer_norm"), ("3", "upscale_conv2")];
            format!("mask_decoder.{}.{leaf}", one_of(&parts, index)?)
        }
        ["mask_decoder", "output_hypernetworks_mlps", mask, "layers", index, leaf] => {
            format!("mask_decoder.output_hypernetworks_mlps.{mask}.{}.{leaf}", of_head(index)?)
        }
        ["mask_decoder", "iou_prediction_head", "layers", index, leaf] => {
            format!("mask_decoder.iou_prediction_head.{}.{leaf}", of_head(index)?)
        }
        _ => return None,
    }))
}

/// A matrix of a head by its number.
fn of_head(index: &str) -> Option<String> {
    match index.parse::<usize>().ok()? {
        0 => Some("proj_in".to_owned()),
        i if i + 1 == HEAD_DEPTH => Some("proj_out".to_owned()),
        i if i < HEAD_DEPTH => Some(format!("layers.{}", i - 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_named_as_transformers_does() {
        for (metas, theirs) in [
            ("image_encoder.pos_embed", "vision_encoder.pos_embed"),
            ("image_encoder.patch_embed.proj.bias", "vision_encoder.patch_embed.projection.bias"),
            ("image_encoder.blocks.11.norm2.weight", "vision_encoder.layers.11.layer_norm2.weight"),
            ("image_encoder.blocks.0.attn.rel_pos_h", "vision_encoder.layers.0.attn.rel_pos_h"),
            ("image_encoder.blocks.3.mlp.lin1.bias", "vision_encoder.layers.3.mlp.lin1.bias"),
            ("image_encoder.neck.3.bias", "vision_encoder.neck.layer_norm2.bias"),
            ("prompt_encoder.point_embeddings.3.weight", "prompt_encoder.point_embed.3.weight"),
            ("prompt_encoder.mask_downscaling.4.weight", "prompt_encoder.mask_embed.layer_norm2.weight"),
            ("prompt_encoder.no_mask_embed.weight", "prompt_encoder.no_mask_embed.weight"),
            ("mask_decoder.transformer.layers.1.norm4.bias", "mask_decoder.transformer.layers.1.layer_norm4.bias"),
            ("mask_decoder.transformer.norm_final_attn.bias", "mask_decoder.transformer.layer_norm_final_attn.bias"),
            ("mask_decoder.output_upscaling.1.weight", "mask_decoder.upscale_layer_norm.weight"),
            ("mask_decoder.iou_prediction_head.layers.0.bias", "mask_decoder.iou_prediction_head.proj_in.bias"),
            ("mask_decoder.iou_prediction_head.layers.2.bias", "mask_decoder.iou_prediction_head.proj_out.bias"),
            (
                "mask_decoder.output_hypernetworks_mlps.2.layers.1.weight",
                "mask_decoder.output_hypernetworks_mlps.2.layers.0.weight",
            ),
        ] {
            assert_eq!(transformers_name(metas), Some(Name::Key(theirs.to_owned())));
        }
        let frequencies = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix";
        assert_eq!(transformers_name(frequencies), Some(Name::Frequencies));
    }

    #[test]
    fn what_it_has_not_has_no_name() {
        for key in [
            "",
            "image_encoder",
            "image_encoder.neck.4.weight",
            "image_encoder.layers.0.blocks.0.conv1.c.weight",
            "mask_decoder.iou_prediction_head.layers.3.bias",
            "mask_decoder.iou_prediction_head.layers.x.bias",
        ] {
            assert_eq!(transformers_name(key), None, "{key}");
        }
    }
}
