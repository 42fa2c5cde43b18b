//! Names of weights: the architecture has those of Meta's checkpoints; transformers has others.

use crate::weights::{Origin, Renamed, Weights};

/// What transformers' checkpoints start with.
const TRANSFORMERS: &str = "vision_encoder.";
/// The frequencies of positions, which transformers' files hold under one name or both.
const FREQUENCIES: [&str; 2] =
    ["shared_image_embedding.positional_embedding", "prompt_encoder.shared_embedding.positional_embedding"];

/// A checkpoint under Meta's names, which the architecture asks for: as it is where it has them, and renamed where it is one
/// of transformers' `Sam2Model` or `Sam2VideoModel`.
pub fn metas_names(source: Box<dyn Weights>) -> Box<dyn Weights> {
    let keys = source.keys();
    if !keys.iter().any(|key| key.starts_with(TRANSFORMERS)) {
        return source;
    }
    let frequencies = FREQUENCIES.into_iter().find(|name| keys.iter().any(|key| key == name)).unwrap_or(FREQUENCIES[0]);
    Box::new(Renamed::new(source, move |key| match key {
        "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix" => Some(Origin::Key(frequencies.to_owned())),
        _ => transformers(key),
    }))
}

/// Whether a key, of either layout, belongs to what SAM 2 needs for videos alone, or repeats another.
pub(super) fn of_other_parts(key: &str) -> bool {
    const PLACES: [&str; 5] =
        ["memory_attention.", "memory_encoder.", "mask_downsample.", "obj_ptr_proj.", "obj_ptr_tpos_proj."];
    const PLACES_TRANSFORMERS: [&str; 2] = ["object_pointer_proj.", "temporal_positional_encoding_projection_layer."];
    const KEYS: [&str; 4] = ["maskmem_tpos_enc", "no_mem_pos_enc", "no_obj_ptr", "no_obj_embed_spatial"];
    const KEYS_TRANSFORMERS: [&str; 4] = [
        "memory_temporal_positional_encoding",
        "no_memory_positional_encoding",
        "no_object_pointer",
        "occlusion_spatial_embedding_parameter",
    ];
    PLACES.iter().chain(&PLACES_TRANSFORMERS).any(|place| key.starts_with(place))
        || KEYS.contains(&key)
        || KEYS_TRANSFORMERS.contains(&key)
        || FREQUENCIES.contains(&key)
}

/// Where transformers has the weight of one of Meta's keys, all but the frequencies of positions.
fn transformers(key: &str) -> Option<Origin> {
    if key == "no_mem_embed" {
        return Some(Origin::Key("no_memory_embedding".to_owned()));
    }
    if let Some(rest) = key.strip_prefix("image_encoder.trunk.") {
        return Some(Origin::Key(format!("vision_encoder.backbone.{}", inner(rest))));
    }
    if let Some(rest) = key.strip_prefix("image_encoder.neck.convs.") {
        return Some(Origin::Key(format!("vision_encoder.neck.convs.{}", rest.replace(".conv.", "."))));
    }
    if let Some(rest) = key.strip_prefix("sam_prompt_encoder.") {
        return Some(prompt(rest));
    }
    let rest = key.strip_prefix("sam_mask_decoder.")?;
    Some(Origin::Key(format!("mask_decoder.{}", decoder(rest))))
}

/// Within the trunk and the decoder's transformer.
fn inner(key: &str) -> String {
    let mut key = key.replace("patch_embed.proj.", "patch_embed.projection.");
    for (ours, theirs) in
        [("mlp.layers.0.", "mlp.proj_in."), ("mlp.layers.1.", "mlp.proj_out."), (".out_proj.", ".o_proj.")]
    {
        key = key.replace(ours, theirs);
    }
    // `norm1` within blocks and layers, and `norm_final_attn`.
    let norm = key.rsplit('.').nth(1).filter(|place| place.starts_with("norm")).map(str::to_owned);
    match norm {
        Some(norm) => key.replace(&norm, &format!("layer_{norm}")),
        None => key,
    }
}

fn prompt(key: &str) -> Origin {
    let row = key.strip_prefix("point_embeddings.").and_then(|rest| rest.strip_suffix(".weight"));
    if let Some(start) = row.and_then(|row| row.parse().ok()) {
        return Origin::Rows { key: "prompt_encoder.point_embed.weight".to_owned(), start, length: 1 };
    }
    let places = [("0", "conv1"), ("1", "layer_norm1"), ("3", "conv2"), ("4", "layer_norm2"), ("6", "conv3")];
    let renamed = key.strip_prefix("mask_downscaling.").and_then(|rest| {
        let (place, leaf) = rest.split_once('.')?;
        let (_, theirs) = places.iter().find(|(ours, _)| *ours == place)?;
        Some(format!("mask_embed.{theirs}.{leaf}"))
    });
    Origin::Key(format!("prompt_encoder.{}", renamed.unwrap_or_else(|| key.to_owned())))
}

fn decoder(key: &str) -> String {
    if let Some(rest) = key.strip_prefix("transformer.") {
        return format!("transformer.{}", inner(rest));
    }
    let places = [("0", "upscale_conv1"), ("1", "upscale_layer_norm"), ("3", "upscale_conv2")];
    if let Some((place, leaf)) = key.strip_prefix("output_upscaling.").and_then(|rest| rest.split_once('.'))
        && let Some((_, theirs)) = places.iter().find(|(ours, _)| *ours == place)
    {
        return format!("{theirs}.{leaf}");
    }
    // The heads: three matrices, of which transformers counts the middle one alone.
    let mut key = key.to_owned();
    for (ours, theirs) in [(".layers.0.", ".proj_in."), (".layers.1.", ".layers.0."), (".layers.2.", ".proj_out.")] {
        if key.contains(ours) {
            key = key.replace(ours, theirs);
            break;
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_transformers() {
        for (ours, theirs) in [
            ("no_mem_embed", "no_memory_embedding"),
            ("image_encoder.trunk.pos_embed", "vision_encoder.backbone.pos_embed"),
            ("image_encoder.trunk.patch_embed.proj.bias", "vision_encoder.backbone.patch_embed.projection.bias"),
            ("image_encoder.trunk.blocks.3.norm1.weight", "vision_encoder.backbone.blocks.3.layer_norm1.weight"),
            ("image_encoder.trunk.blocks.3.attn.proj.weight", "vision_encoder.backbone.blocks.3.attn.proj.weight"),
            ("image_encoder.trunk.blocks.3.mlp.layers.1.bias", "vision_encoder.backbone.blocks.3.mlp.proj_out.bias"),
            ("image_encoder.neck.convs.2.conv.bias", "vision_encoder.neck.convs.2.bias"),
            ("sam_prompt_encoder.no_mask_embed.weight", "prompt_encoder.no_mask_embed.weight"),
            ("sam_prompt_encoder.mask_downscaling.4.bias", "prompt_encoder.mask_embed.layer_norm2.bias"),
            ("sam_mask_decoder.transformer.layers.1.norm4.bias", "mask_decoder.transformer.layers.1.layer_norm4.bias"),
            (
                "sam_mask_decoder.transformer.norm_final_attn.bias",
                "mask_decoder.transformer.layer_norm_final_attn.bias",
            ),
            (
                "sam_mask_decoder.transformer.layers.0.mlp.layers.0.weight",
                "mask_decoder.transformer.layers.0.mlp.proj_in.weight",
            ),
            (
                "sam_mask_decoder.transformer.layers.0.self_attn.out_proj.weight",
                "mask_decoder.transformer.layers.0.self_attn.o_proj.weight",
            ),
            ("sam_mask_decoder.output_upscaling.1.bias", "mask_decoder.upscale_layer_norm.bias"),
            (
                "sam_mask_decoder.output_hypernetworks_mlps.2.layers.1.bias",
                "mask_decoder.output_hypernetworks_mlps.2.layers.0.bias",
            ),
            ("sam_mask_decoder.iou_prediction_head.layers.0.bias", "mask_decoder.iou_prediction_head.proj_in.bias"),
            ("sam_mask_decoder.conv_s0.weight", "mask_decoder.conv_s0.weight"),
        ] {
            assert_eq!(transformers(ours), Some(Origin::Key(theirs.to_owned())), "{ours}");
        }
        let row = Origin::Rows { key: "prompt_encoder.point_embed.weight".to_owned(), start: 2, length: 1 };
        assert_eq!(transformers("sam_prompt_encoder.point_embeddings.2.weight"), Some(row));
        assert_eq!(transformers("memory_attention.norm.weight"), None);
    }
}
