"""Weights and sizes of a SAM 2 from a checkpoint of Meta's or transformers'."""

import json
import re
import sys

from common import Checkpoint

# Meta's names -> transformers', applied in order
RENAMES = [
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d+)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"\bpatch_embed\.proj\.", "patch_embed.projection."),
    (r"^sam_(prompt_encoder|mask_decoder)\.", r"\1."),
    (r"\bpe_layer\.positional_encoding_gaussian_matrix$", "shared_embedding.positional_embedding"),
    (r"\boutput_upscaling\.0\.", "upscale_conv1."),
    (r"\boutput_upscaling\.1\.", "upscale_layer_norm."),
    (r"\boutput_upscaling\.3\.", "upscale_conv2."),
    (r"\bnorm(\d|_final_attn)\.", r"layer_norm\1."),
    (r"\bout_proj\.", "o_proj."),
    (r"\bmlp\.layers\.0\.", "mlp.proj_in."),
    (r"\bmlp\.layers\.1\.", "mlp.proj_out."),
    (r"(_mlps\.\d|_head)\.layers\.0\.", r"\1.proj_in."),
    (r"(_mlps\.\d|_head)\.layers\.1\.", r"\1.layers.0."),
    (r"(_mlps\.\d|_head)\.layers\.2\.", r"\1.proj_out."),
    (r"^no_mem_embed$", "no_memory_embedding"),
]
# embed_dim, blocks -> num_heads, stages, global_att_blocks, window_spec, background's side
PUBLISHED = {
    (96, 12): (1, [1, 2, 7, 2], [5, 7, 9], [8, 4, 14, 7], 7),
    (96, 16): (1, [1, 2, 11, 2], [7, 10, 13], [8, 4, 14, 7], 7),
    (112, 24): (2, [2, 3, 16, 3], [12, 16, 20], [8, 4, 14, 7], 14),
    (144, 48): (2, [2, 6, 36, 4], [23, 33, 43], [8, 4, 16, 8], 7),
}
# what all published ones have alike
ALIKE = {
    "image_size": 1024, "d_model": 256, "use_high_res_features": True, "pred_obj_scores": True, "iou_prediction_use_sigmoid": True,
    "directly_add_no_mem_embed": True, "dynamic_multimask_via_stability": True, "dynamic_multimask_stability_delta": 0.05,
    "dynamic_multimask_stability_thresh": 0.98,
}  # fmt: skip
BACKGROUND = "window_pos_embed_bkg_spatial_size"


class Weights(Checkpoint):
    """By Meta's names, whatever the file has."""

    def key(self, name):
        if name in self.tensors:
            return name
        for pattern, to in RENAMES:
            name = re.sub(pattern, to, name)
        return name

    def __contains__(self, name):
        return self.key(name) in self.tensors

    def __getitem__(self, name):
        point = re.match(r"sam_prompt_encoder\.point_embeddings\.(\d)\.weight", name)
        if point and name not in self.tensors:
            return super().__getitem__("prompt_encoder.point_embed.weight")[int(point[1])][None]
        return super().__getitem__(self.key(name))


def architecture(args, weights):
    """As `arch` of this project's config.json; written to OUT where SOURCE tells nothing."""
    file = args.folder / "config.json"
    if not file.exists():
        width, blocks = len(weights["image_encoder.trunk.patch_embed.proj.bias"]), 0
        while f"image_encoder.trunk.blocks.{blocks}.norm1.weight" in weights:
            blocks += 1
        if (width, blocks) not in PUBLISHED:
            sys.exit(f"no published SAM 2 has width {width} and {blocks} blocks: a config.json is needed beside it")
        known = dict(zip(("num_heads", "stages", "global_att_blocks", "window_spec", BACKGROUND), PUBLISHED[width, blocks]))
        file = args.out / "config.json"
        file.write_text(json.dumps({"arch": {**ALIKE, "embed_dim": width, **known, BACKGROUND: [known[BACKGROUND]] * 2}}, indent=2) + "\n")
    config = json.loads(file.read_text())
    if "arch" in config:
        return {"decoder_heads": 8, **config["arch"]}
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(args.folder)
    trunk = config.vision_config.backbone_config
    return {
        **ALIKE,
        "image_size": config.prompt_encoder_config.image_size,
        "d_model": config.vision_config.fpn_hidden_size,
        "embed_dim": trunk.hidden_size,
        "num_heads": trunk.num_attention_heads,
        "stages": trunk.blocks_per_stage,
        "global_att_blocks": trunk.global_attention_blocks,
        "window_spec": trunk.window_size_per_stage,
        BACKGROUND: trunk.window_positional_embedding_background_size,
        "decoder_heads": config.mask_decoder_config.num_attention_heads,
    }
