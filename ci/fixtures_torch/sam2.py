"""Parity fixtures of SAM 2 and SAM 2.1 (image prediction), from Meta's own code in float32 on the CPU.

    python ci/fixtures_torch/sam2.py [OUT]           # writes OUT (default tests/fixtures/sam2)
    python ci/fixtures_torch/sam2.py --mutate        # how much each wrong detail changes the masks; writes nothing

Needs torch, torchvision, transformers, safetensors, numpy and, without their dependencies, sam2 (an sdist: install with
SAM2_BUILD_CUDA=0 --no-build-isolation), hydra-core, omegaconf, antlr4-python3-runtime==4.9.3, iopath, portalocker, tqdm.
Made with sam2 1.1.0, torch 2.13.0, torchvision 0.28.0, transformers 5.23.0, numpy 2.4.6, one thread. No randomness that
is not seeded by a tensor's name; another machine's sums differ in the last bits.

Each OUT/<variant>/ holds a tiny model with random weights, in the layouts that are published:

    model.pt               torch.save({"model": state_dict}), as Meta does          (tiny_like only)
    model.safetensors      the same tensors
    hf.safetensors         the layout of the hub's facebook/sam2*-hiera-* repositories (saved by Sam2VideoModel, no prefix)
    hf_config.json         their config.json                                        (both not for large_like)
    config.json            "arch": what a port needs; "meta": Meta's configuration (its model: section); "widths": the two
                           hidden widths that Meta's code fixes at 2048 and 256 and that are smaller here
    expected.safetensors   inputs, stages and outputs. Above 768 values (3072 for transformed) only every "step"-th of the flattened (row-major)
    expected.json          tensor is kept; "tensors" gives the whole shape and the step ("bits": a mask,
                           flattened, eight to a byte, the first in the highest bit); "cases" the prompts.

OUT/images.safetensors has the pictures small, wide and square: u8 [H, W, 3], RGB. Names in expected.safetensors (<image> is
one of the three):

    <image>/transformed              f32 [1, 3, S, S]: SAM2Transforms = /255, Resize((S, S)) of a float tensor (torchvision:
                                     bilinear with antialias, aspect not kept, no rounding), then (x - mean) / std
    patch_embed, pos_embed, block/<i>    [1, h, w, c]; pos_embed = bicubic of the background (a = -0.75, half-pixel centres,
                                     edges clamped, no antialias) + the window's table tiled
    fpn/<i>                          [1, d, h, w] of the neck, finest first; 3 is dropped (scalp 1)
    high_res/<i>                     conv_s0, conv_s1 of fpn/0, fpn/1
    <image>/image_embed              fpn/2 + no_mem_embed
    dense_pe                         [1, d, h, w]
    case/<name>/coords, labels       as they enter the prompt encoder, in the model's pixels, boxes first, no padding point
    case/<name>/sparse, dense        prompt embeddings; with any point or box one padding point (label -1) comes last
    case/<name>/multi/...            multimask_output=True:  low_res [B,3,h,w] (before the clamp to +-32 that predict returns),
                                     iou [B,3], object [B,1], logits [B,3,H,W] at the image's size, best [B], mask (bits) [B,H,W]
    case/<name>/single/...           multimask_output=False with build_sam2's dynamic_multimask_via_stability: low_res
                                     [B,1,h,w], iou [B,1], logits, mask, stable u8 [B] (0: the best of 1..3 replaced it)
    case/<name>/mask_input           where given: [1, h, w]

Stages without <image>/ are those of small.

OUT/keys.json: names and shapes of the published sizes, built on the meta device: "meta" (all), "transformers" (what
Sam2Model reads). "a.{}.b": [[first, last, shape], ...] stands for a.first.b to a.last.b. sam2.1 has the names of sam2 and
those under "sam2.1_adds" too.
"""

import collections
import contextlib
import copy
import functools
import inspect
import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from unittest import mock

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.append(sys.path.pop(0))  # this folder last: this file is called like Meta's package
warnings.filterwarnings("ignore")
import numpy as np
import sam2
import torch
import torch.nn.functional as F
from common import ROOT, Expected, hook, picture, randomise, relative, rename, template, write_json
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sam2.modeling import sam2_base
from sam2.modeling.backbones import hieradet, image_encoder as neck_module
from sam2.sam2_image_predictor import SAM2ImagePredictor
from safetensors.torch import save_file
from transformers import Sam2Config, Sam2HieraDetConfig, Sam2MaskDecoderConfig, Sam2Model, Sam2PromptEncoderConfig
from transformers import Sam2VideoConfig, Sam2VideoModel, Sam2VisionConfig

logging.disable(logging.WARNING)
PACKAGE = Path(sam2.__file__).parent
DYNAMIC = {  # what build_sam2 adds by default (apply_postprocessing)
    "dynamic_multimask_via_stability": True,
    "dynamic_multimask_stability_delta": 0.05,
    "dynamic_multimask_stability_thresh": 0.98,
}
SIZES = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}
D = 32  # d_model of the fixtures
LIMIT = 768
MEM = 64  # fixed in Sam2VideoModel

VARIANTS = {
    "tiny_like": {  # SAM 2.0; like hiera_t: stage 3's window (6) pads its 8x8 map, global attention inside stage 3
        "version": "2.0", "image_size": 128, "seed": 2, "layouts": ("pt", "hf"), "logit_gain": 1.0,
        "trunk": dict(embed_dim=8, num_heads=1, stages=[1, 2, 3, 1], global_att_blocks=[4], window_spec=[8, 4, 6, 3],
                      window_pos_embed_bkg_spatial_size=[7, 7]),
        "widths": {"decoder_mlp_dim": 64, "iou_head_hidden_dim": 48},
    },
    "base_like": {  # SAM 2.1; like hiera_b+: background 14x14; 192 pixels, stage 3 has 12x12 in windows of 10, stage 4 6x6 of 5
        "version": "2.1", "image_size": 192, "seed": 12, "layouts": ("hf",), "logit_gain": 1.0,
        "trunk": dict(embed_dim=8, num_heads=1, stages=[1, 1, 3, 2], global_att_blocks=[4], window_spec=[8, 4, 10, 5],
                      window_pos_embed_bkg_spatial_size=[14, 14]),
        "widths": {"decoder_mlp_dim": 48, "iou_head_hidden_dim": 32},
    },
    "large_like": {  # SAM 2.1; like hiera_l: windows divide the maps, two heads at first; larger logits: single masks stable and not
        "version": "2.1", "image_size": 128, "seed": 6, "layouts": (), "logit_gain": 7.0,
        "trunk": dict(embed_dim=8, num_heads=2, stages=[1, 2, 4, 1], global_att_blocks=[4, 6], window_spec=[8, 4, 4, 2],
                      window_pos_embed_bkg_spatial_size=[7, 7]),
        "widths": {"decoder_mlp_dim": 64, "iou_head_hidden_dim": 64},
    },
}
IMAGES = {"small": (100, 75), "wide": (201, 150), "square": (128, 128)}

# Meta -> transformers, applied in order to every name. The four point_embeddings are then stacked into one table and the
# Gaussian matrix is stored twice (see to_transformers).
RENAMES = [
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d+)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"\bpatch_embed\.proj\.", "patch_embed.projection."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (r"\bpe_layer\.positional_encoding_gaussian_matrix$", "shared_embedding.positional_embedding"),
    (r"\bpoint_embeddings\.", "point_embed."),
    (r"\bmask_downscaling\.0\.", "mask_embed.conv1."),
    (r"\bmask_downscaling\.1\.", "mask_embed.layer_norm1."),
    (r"\bmask_downscaling\.3\.", "mask_embed.conv2."),
    (r"\bmask_downscaling\.4\.", "mask_embed.layer_norm2."),
    (r"\bmask_downscaling\.6\.", "mask_embed.conv3."),
    (r"\boutput_upscaling\.0\.", "upscale_conv1."),
    (r"\boutput_upscaling\.1\.", "upscale_layer_norm."),
    (r"\boutput_upscaling\.3\.", "upscale_conv2."),
    (r"\bnorm(\d|_final_attn)?\.", r"layer_norm\1."),
    (r"\bout_proj\.", "o_proj."),
    (r"\bmlp\.layers\.0\.", "mlp.proj_in."),
    (r"\bmlp\.layers\.1\.", "mlp.proj_out."),
    (r"\b(output_hypernetworks_mlps\.\d|iou_prediction_head|pred_obj_score_head|obj_ptr_proj)\.layers\.0\.", r"\1.proj_in."),
    (r"\b(output_hypernetworks_mlps\.\d|iou_prediction_head|pred_obj_score_head|obj_ptr_proj)\.layers\.1\.", r"\1.layers.0."),
    (r"\b(output_hypernetworks_mlps\.\d|iou_prediction_head|pred_obj_score_head|obj_ptr_proj)\.layers\.2\.", r"\1.proj_out."),
    (r"^no_mem_embed$", "no_memory_embedding"),
    # the rest is of the video model only
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (r"^memory_encoder\.o_proj\.", "memory_encoder.projection."),
    (r"\bpix_feat_proj\.", "feature_projection."),
    (r"\bfuser\.", "memory_fuser."),
    (r"\bdwconv\.", "depthwise_conv."),
    (r"\bpwconv(\d)\.", r"pointwise_conv\1."),
    (r"\bgamma$", "scale"),
]


def to_transformers(state):
    out = {}
    for name, t in rename(state, RENAMES).items():
        if name.startswith("memory_encoder.mask_downsampler.encoder."):
            parts = name.split(".")
            i, last = int(parts[3]), max(int(k.split(".")[3]) for k in state if k.startswith("memory_encoder.mask_downsampler"))
            place = "final_conv" if i == last else f"layers.{i // 3}." + ("conv" if i % 3 == 0 else "layer_norm")
            name = f"memory_encoder.mask_downsampler.{place}.{parts[4]}"
        out[name] = t
    out["prompt_encoder.point_embed.weight"] = torch.cat([out.pop(f"prompt_encoder.point_embed.{i}.weight") for i in range(4)])
    out["shared_image_embedding.positional_embedding"] = out["prompt_encoder.shared_embedding.positional_embedding"].clone()
    return out


def meta_config(v):
    """The published yaml with this variant's sizes."""
    folder, prefix = ("sam2.1", "sam2.1") if v["version"] == "2.1" else ("sam2", "sam2")
    cfg = OmegaConf.to_container(OmegaConf.load(PACKAGE / f"configs/{folder}/{prefix}_hiera_l.yaml"))["model"]
    trunk = cfg["image_encoder"]["trunk"]
    trunk.update(v["trunk"])
    neck = cfg["image_encoder"]["neck"]
    neck["d_model"] = neck["position_encoding"]["num_pos_feats"] = D
    neck["backbone_channel_list"] = [trunk["embed_dim"] * 2**i for i in (3, 2, 1, 0)]
    attention = cfg["memory_attention"]
    attention["d_model"] = attention["layer"]["d_model"] = D
    attention["num_layers"], attention["layer"]["dim_feedforward"] = 1, 32
    for part in ("self_attention", "cross_attention"):
        attention["layer"][part]["embedding_dim"] = D
        attention["layer"][part]["feat_sizes"] = [v["image_size"] // 16] * 2
    attention["layer"]["cross_attention"]["kv_in_dim"] = MEM
    memory = cfg["memory_encoder"]
    memory["in_dim"], memory["out_dim"], memory["position_encoding"]["num_pos_feats"] = D, MEM, MEM
    memory["mask_downsampler"].update(embed_dim=D, total_stride=4)
    memory["fuser"]["layer"]["dim"], memory["fuser"]["num_layers"] = D, 1
    cfg["image_size"] = v["image_size"]
    cfg["sam_mask_decoder_extra_args"] = DYNAMIC
    return cfg


@contextlib.contextmanager
def widths(w):
    """Meta's code fixes the decoder's hidden widths (mlp_dim 2048, iou_head_hidden_dim 256)."""
    two_way, decoder = sam2_base.TwoWayTransformer, sam2_base.MaskDecoder
    with mock.patch.object(sam2_base, "TwoWayTransformer", lambda **k: two_way(**{**k, "mlp_dim": w["decoder_mlp_dim"]})):
        with mock.patch.object(
            sam2_base, "MaskDecoder", lambda **k: decoder(**{**k, "iou_head_hidden_dim": w["iou_head_hidden_dim"]})
        ):
            yield


def arch(cfg, w):
    """What a port needs to know, in plain words."""
    trunk, neck = cfg["image_encoder"]["trunk"], cfg["image_encoder"]["neck"]
    defaults = inspect.signature(hieradet.Hiera.__init__).parameters  # hiera_b+ leaves most to these
    trunk = {**{k: defaults[k].default for k in ("stages", "global_att_blocks", "window_spec", "window_pos_embed_bkg_spatial_size")}, **trunk}
    size = cfg["image_size"]
    return {
        "image_size": size, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        "patch_kernel": 7, "patch_stride": 4, "patch_padding": 3,
        "embed_dim": trunk["embed_dim"], "num_heads": trunk["num_heads"], "stages": list(trunk["stages"]),
        "global_att_blocks": list(trunk["global_att_blocks"]), "window_spec": list(trunk["window_spec"]),
        "window_pos_embed_bkg_spatial_size": list(trunk["window_pos_embed_bkg_spatial_size"]),
        "q_pool": 3, "q_stride": [2, 2], "dim_mul": 2, "head_mul": 2, "mlp_ratio": 4, "trunk_norm_eps": 1e-6,
        "d_model": neck["d_model"], "backbone_channel_list": neck["backbone_channel_list"],
        "fpn_top_down_levels": neck["fpn_top_down_levels"], "fpn_interp_model": neck["fpn_interp_model"], "scalp": 1,
        "backbone_stride": 16, "image_embedding_size": size // 16, "mask_in_chans": 16, "num_multimask_outputs": 3,
        "decoder_depth": 2, "decoder_heads": 8, "decoder_attention_downsample_rate": 2, "decoder_norm_eps": 1e-5,
        "conv_norm_eps": 1e-6, **w,
        "use_high_res_features": True, "pred_obj_scores": True, "iou_prediction_use_sigmoid": True, "directly_add_no_mem_embed": True,
        **DYNAMIC,
    }  # fmt: skip


def build(v):
    cfg = meta_config(v)
    with widths(v["widths"]):
        model = instantiate(OmegaConf.create(copy.deepcopy(cfg)), _recursive_=True)
    gains = [
        (r"trunk.*qkv\.weight", 1.6), (r"pos_embed", 2.5), (r"no_mem_embed", 3.0), (r"no_mask_embed", 1.0),
        (r"hypernetworks_mlps\.\d\.layers\.2", v["logit_gain"]), (r"iou_prediction_head\.layers\.2", 2.0),
        (r"obj_score_head\.layers\.2", 3.0), (r"transformer.*[qk]_proj\.weight", 1.5), (r"\bconv_s[01]", 1.5),
    ]  # fmt: skip
    randomise(model.eval(), v["seed"], gains)
    return model, cfg


def predictor_of(model):
    p = SAM2ImagePredictor(model)
    p._bb_feat_sizes = [(model.image_size // s,) * 2 for s in (4, 8, 16)]  # fixed at 256, 128, 64 in Meta's code
    return p


def cases(w, h):
    """Prompts in pixels of an image of w by h."""
    b = lambda *f: [round(f[0] * w, 2), round(f[1] * h, 2), round(f[2] * w, 2), round(f[3] * h, 2)]
    p = lambda *f: [round(f[0] * w, 2), round(f[1] * h, 2)]
    return [
        {"name": "box", "box": b(0.2, 0.15, 0.7, 0.8)},
        {"name": "point", "points": [p(0.4, 0.5)], "labels": [1]},
        {"name": "points3", "points": [p(0.3, 0.3), p(0.8, 0.25), p(0.55, 0.9)], "labels": [1, 0, 1]},
        {"name": "negative", "points": [p(0.1, 0.9)], "labels": [0]},
        {"name": "box_points", "box": b(0.25, 0.1, 0.95, 0.6), "points": [p(0.5, 0.3), p(0.7, 0.4)], "labels": [1, 1]},
        {"name": "boxes", "box": [b(0.0, 0.0, 0.5, 0.5), b(0.3, 0.2, 0.9, 1.0), b(0.6, 0.55, 1.1, 1.2)]},
        {"name": "boxes_points", "box": [b(0.1, 0.1, 0.6, 0.9), b(0.5, 0.3, 1.0, 0.7)],
         "points": [[p(0.3, 0.5), p(0.2, 0.2)], [p(0.8, 0.4), p(0.55, 0.6)]], "labels": [[1, 0], [1, 1]]},
        # What a model may answer: corners in the wrong order, and a box that is nowhere.
        {"name": "reversed", "box": b(0.7, 0.8, 0.2, 0.15), "points": [p(0.5, 0.3)], "labels": [1]},
        {"name": "outside", "box": b(1.2, -0.6, 1.9, -0.1)},
        {"name": "mask_input", "points": [p(0.4, 0.5)], "labels": [1], "mask_input": True},
        {"name": "none"},
    ]  # fmt: skip


def predict(predictor, case, multimask, seen, mask_input=None):
    """predict() of Meta's predictor, the outputs batched; fills `seen` with what passes inside."""
    arr = lambda k, t=np.float32: None if k not in case else np.array(case[k], t)
    model = predictor.model
    hooks = [
        hook(model.sam_prompt_encoder, seen, "prompt"),
        hook(model.sam_mask_decoder, seen, "decoder"),
        model.sam_prompt_encoder.register_forward_pre_hook(lambda _m, _a, k: seen.__setitem__("points", k["points"]), with_kwargs=True),
    ]
    if "orig" not in seen:
        seen["orig"] = model.sam_mask_decoder._get_stability_scores
    with mock.patch.object(
        model.sam_mask_decoder, "_get_stability_scores", lambda m: seen.setdefault("stability", seen["orig"](m))
    ):
        masks, iou, _ = predictor.predict(
            arr("points"), arr("labels", np.int32), arr("box"), mask_input, multimask_output=multimask, return_logits=True
        )
    for h in hooks:
        h.remove()
    return torch.from_numpy(masks).reshape(seen["decoder"][0].shape[:2] + masks.shape[-2:]), iou


def run(model, expected=None, images=IMAGES, with_cases=True):
    """-> all outputs of interest in one Expected, and the list of cases."""
    expected = expected or Expected(LIMIT)
    predictor, listed, store = predictor_of(model), [], {}
    trunk, neck = model.image_encoder.trunk, model.image_encoder.neck
    for name, (w, h) in images.items():
        rgb = picture(w, h, len(name))
        hooks = [hook(trunk.patch_embed, store, "patch_embed"), hook(neck, store, "neck", lambda out: out[0])]
        hooks += [hook(b, store, f"block/{i}") for i, b in enumerate(trunk.blocks)]
        predictor.set_image(rgb)
        for x in hooks:
            x.remove()
        expected.put(f"{name}/transformed", predictor._transforms(rgb)[None], 3072)
        expected.put(f"{name}/image_embed", predictor._features["image_embed"])
        if name == "small":
            expected.put("patch_embed", store["patch_embed"])
            expected.put("pos_embed", trunk._get_pos_embed(store["patch_embed"].shape[1:3]))
            for i in range(len(trunk.blocks)):
                expected.put(f"block/{i}", store[f"block/{i}"])
            for i, level in enumerate(store["neck"]):
                expected.put(f"fpn/{i}", level)
            for i, level in enumerate(predictor._features["high_res_feats"]):
                expected.put(f"high_res/{i}", level)
            expected.put("dense_pe", model.sam_prompt_encoder.get_dense_pe())
        if not with_cases:
            continue
        for case in cases(w, h)[: {"small": 99, "wide": 2, "square": 0}[name]]:
            case = {**case, "image": name}
            key = f"case/{case['name']}" if name == "small" else f"case/{name}_{case['name']}"
            side = model.image_size // 4
            given = None
            if case.get("mask_input"):
                y, x = np.mgrid[0:side, 0:side].astype(np.float32)
                given = (6.0 - ((x - side * 0.4) ** 2 + (y - side * 0.5) ** 2) / side)[None].astype(np.float32)
                expected.put(f"{key}/mask_input", given, 10**9)
            for multi in (True, False):
                seen = {}
                logits, _ = predict(predictor, case, multi, seen, given)
                low_res, iou, _, score = seen["decoder"]
                if multi:
                    if seen["points"] is not None:
                        expected.put(f"{key}/coords", seen["points"][0])
                        expected.put(f"{key}/labels", seen["points"][1].int())
                    if seen["prompt"][0].numel():
                        expected.put(f"{key}/sparse", seen["prompt"][0])
                    if given is not None:
                        expected.put(f"{key}/dense", seen["prompt"][1])
                best = iou.argmax(-1)
                part = f"{key}/{'multi' if multi else 'single'}"
                expected.put(f"{part}/low_res", low_res)
                expected.put(f"{part}/iou", iou)
                if multi:
                    expected.put(f"{part}/object", score)
                    expected.put(f"{part}/best", best)
                else:
                    expected.put(f"{part}/stable", (seen["stability"] >= 0.98).flatten().to(torch.uint8))
                expected.put(f"{part}/logits", logits)
                expected.put_bits(f"{part}/mask", logits[torch.arange(len(best)), best] > 0)
            listed.append({**case, "key": key})
    return expected, listed


def transformers_configs(a, v):
    trunk = Sam2HieraDetConfig(
        hidden_size=a["embed_dim"], num_attention_heads=a["num_heads"], image_size=[a["image_size"]] * 2,
        window_positional_embedding_background_size=a["window_pos_embed_bkg_spatial_size"], blocks_per_stage=a["stages"],
        embed_dim_per_stage=[a["embed_dim"] * 2**i for i in range(4)],
        num_attention_heads_per_stage=[a["num_heads"] * 2**i for i in range(4)],
        window_size_per_stage=a["window_spec"], global_attention_blocks=a["global_att_blocks"],
    )  # fmt: skip
    vision = Sam2VisionConfig(
        backbone_config=trunk, backbone_channel_list=a["backbone_channel_list"], fpn_hidden_size=a["d_model"],
        backbone_feature_sizes=[[a["image_size"] // s] * 2 for s in (4, 8, 16)],
    )  # fmt: skip
    prompt = dict(hidden_size=a["d_model"], image_size=a["image_size"])
    decoder = dict(hidden_size=a["d_model"], mlp_dim=a["decoder_mlp_dim"], iou_head_hidden_dim=a["iou_head_hidden_dim"])
    image = Sam2Config(
        vision_config=vision, prompt_encoder_config=Sam2PromptEncoderConfig(**prompt), mask_decoder_config=Sam2MaskDecoderConfig(**decoder)
    )
    video = Sam2VideoConfig(
        vision_config=copy.deepcopy(vision).to_dict(), prompt_encoder_config=prompt, mask_decoder_config=decoder, image_size=a["image_size"],
        memory_attention_hidden_size=D, memory_attention_num_layers=1, memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[a["image_size"] // 16] * 2, memory_encoder_hidden_size=D, memory_encoder_output_channels=MEM,
        mask_downsampler_embed_dim=D, mask_downsampler_total_stride=4, memory_fuser_num_layers=1, memory_fuser_embed_dim=D,
        memory_fuser_intermediate_dim=4 * D, enable_temporal_pos_encoding_for_object_pointers=v["version"] == "2.1",
        enable_occlusion_spatial_embedding=v["version"] == "2.1",
    )  # fmt: skip
    return image, video


def check_transformers(folder, model, a, v):
    """Writes hf.safetensors and compares Sam2Model on it with Meta's outputs."""
    image_config, video_config = transformers_configs(a, v)
    state = to_transformers(model.state_dict())
    video = Sam2VideoModel(video_config)
    video.load_state_dict(state)
    with tempfile.TemporaryDirectory() as tmp:
        video.save_pretrained(tmp)
        shutil.copy(f"{tmp}/model.safetensors", folder / "hf.safetensors")
        shutil.copy(f"{tmp}/config.json", folder / "hf_config.json")
        image = Sam2Model.from_pretrained(tmp, config=image_config, attn_implementation="eager").eval()
    predictor = predictor_of(model)
    rgb = picture(*IMAGES["small"], 5)
    predictor.set_image(rgb)
    pixels = predictor._transforms(rgb)[None]
    worst = 0.0
    for case in cases(*IMAGES["small"]):
        if case["name"] in ("none", "mask_input") or ("points" in case and "box" in case):
            continue
        seen = {}
        predict(predictor, case, True, seen)
        coords = seen["points"][0]
        given = {"input_boxes": coords.reshape(1, -1, 4)} if "box" in case else {}
        if "points" in case:
            given = {"input_points": coords[None], "input_labels": seen["points"][1][None]}
        with torch.no_grad():
            out = image(pixel_values=pixels, **given)
        for got, want in ((out.pred_masks[0], seen["decoder"][0]), (out.iou_scores[0], seen["decoder"][1])):
            worst = max(worst, relative(got, want))
    return worst


def keys(out):
    sizes, names, hf = {}, {"meta": {}, "transformers": {}}, None
    linspace = torch.linspace
    extra = {}
    for size, letter in SIZES.items():
        per = {}
        for version in ("2", "2.1"):
            cfg = OmegaConf.load(PACKAGE / f"configs/sam{version}/sam{version}_hiera_{letter}.yaml").model
            with torch.device("meta"), mock.patch.object(torch, "linspace", functools.partial(linspace, device="cpu")):
                model = instantiate(cfg, _recursive_=True)
            per[version] = {k: list(t.shape) for k, t in model.state_dict().items()}
            plain = OmegaConf.to_container(cfg)
        new = {k: s for k, s in per["2.1"].items() if k not in per["2"]}
        assert all(per["2.1"][k] == s for k, s in per["2"].items()), size
        assert not extra or extra == new
        extra = new
        a = arch(plain, {"decoder_mlp_dim": 2048, "iou_head_hidden_dim": 256})
        sizes[size] = a
        shaped = lambda m: template({k: torch.empty(s, device="meta") for k, s in m.items()})
        names["meta"][size] = shaped(per["2"])
        image_config, _ = transformers_configs(a, {"version": "2.0"})
        with torch.device("meta"):
            hf = Sam2Model(image_config)
        names["transformers"][size] = template(hf.state_dict())
        mine = to_transformers({k: torch.empty(s, device="meta") for k, s in per["2"].items()})
        for k, t in hf.state_dict().items():
            assert mine[k].shape == t.shape, k
    # what all sizes share is given once
    for layout in names.values():
        first = layout["tiny"]
        layout["all"] = {k: s for k, s in first.items() if all(layout[z].get(k) == s for z in SIZES)}
        for z in SIZES:
            layout[z] = {k: s for k, s in layout[z].items() if k not in layout["all"]}
    text = json.dumps({"sizes": sizes, **names, "sam2.1_adds": extra}, separators=(",", ":"))
    (out / "keys.json").write_text(text + "\n")
    print("keys.json", len(text))


def mutations(model):
    """(what, context manager that breaks it)."""
    trunk, neck, enc, dec = model.image_encoder.trunk, model.image_encoder.neck, model.sam_prompt_encoder, model.sam_mask_decoder
    patch = mock.patch.object

    @contextlib.contextmanager
    def zeroed(t):
        kept = t.data.clone()
        t.data.zero_()
        yield
        t.data.copy_(kept)

    part, unpart = hieradet.window_partition, hieradet.window_unpartition
    real_interpolate, sdpa, layer_norm, gelu = F.interpolate, F.scaled_dot_product_attention, F.layer_norm, F.gelu

    def other_mode(old, new):
        def f(*a, **k):
            return real_interpolate(*a, **{**k, "mode": new if k.get("mode") == old else k.get("mode", "nearest"),
                                           "align_corners": False if k.get("mode") == old else k.get("align_corners")})  # fmt: skip
        return patch(F, "interpolate", f)

    def transposed_windows(x, ws):
        win, hw = part(x, ws)
        return win.transpose(1, 2), hw

    def padding_left(x, ws):
        b, h, w, c = x.shape
        ph, pw = -h % ws, -w % ws
        return part(torch.roll(F.pad(x, (0, 0, 0, pw, 0, ph)), (ph, pw), (1, 2)), ws)

    def qkv_padding(block):
        old = block.attn.qkv.forward
        def f(x):
            y = old(x)
            return y * (x.abs().sum(-1, keepdim=True) > 0)
        return patch(block.attn.qkv, "forward", f)

    def avg(x, pool, norm=None):
        return x if pool is None else F.avg_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)

    real_points = type(enc)._embed_points

    def nopad(points, labels, pad):
        return real_points(enc, points, labels, False)

    def noshift(points, labels, pad):
        return real_points(enc, points - 0.5, labels, pad)

    all_attn = [m for m in trunk.blocks]
    globals_ = [b for i, b in enumerate(trunk.blocks) if b.window_size == 0]

    @contextlib.contextmanager
    def many(managers):
        with contextlib.ExitStack() as s:
            for m in managers:
                s.enter_context(m)
            yield

    convs = list(neck.convs)
    yield "no background position table", zeroed(trunk.pos_embed)
    yield "no window position table", zeroed(trunk.pos_embed_window)
    yield "bilinear position table", other_mode("bicubic", "bilinear")
    yield "windows transposed inside", patch(hieradet, "window_partition", transposed_windows)
    yield "padding on the left and top", patch(hieradet, "window_partition", padding_left)
    yield "padding after qkv (no bias)", many([qkv_padding(b) for b in all_attn])
    yield "average instead of max pooling", patch(hieradet, "do_pool", avg)
    yield "global blocks windowed", many([patch(b, "window_size", 4) for b in globals_])
    yield "no top-down in the neck", patch(neck, "fpn_top_down_levels", [])
    yield "top-down on all levels", patch(neck, "fpn_top_down_levels", [0, 1, 2, 3])
    yield "bilinear top-down", patch(neck, "fpn_interp_model", "bilinear")
    yield "no no_mem_embed", zeroed(model.no_mem_embed)
    yield "no no_mask_embed", zeroed(enc.no_mask_embed.weight)
    yield "no padding point", patch(enc, "_embed_points", nopad)
    yield "no half-pixel shift", patch(enc, "_embed_points", noshift)
    yield "corners' labels swapped", many([patch(enc.point_embeddings[2], "weight", enc.point_embeddings[3].weight), patch(enc.point_embeddings[3], "weight", enc.point_embeddings[2].weight)])
    yield "object token last", many([patch(dec.obj_score_token, "weight", dec.iou_token.weight), patch(dec.iou_token, "weight", dec.obj_score_token.weight)])
    yield "first layer with positions", patch(dec.transformer.layers[0], "skip_first_layer_pe", False)
    yield "no high-res features 0", many([zeroed(dec.conv_s0.weight), zeroed(dec.conv_s0.bias)])
    yield "no high-res features 1", many([zeroed(dec.conv_s1.weight), zeroed(dec.conv_s1.bias)])
    yield "tanh GELU", patch(F, "gelu", lambda x, approximate="none": gelu(x, approximate="tanh"))
    yield "norm eps 1e-3", patch(F, "layer_norm", lambda x, s, w, b, e: layer_norm(x, s, w, b, 1e-3))


def mutate():
    for name, v in VARIANTS.items():
        model, _ = build(v)
        model.eval()
        image = {"small": IMAGES["small"]}
        base, _ = run(model, images=image)
        print(name)
        names = [k for k in base.tensors if k.startswith("case/") and k.endswith("multi/low_res")]
        for what, change in mutations(model):
            with change:
                got, _ = run(model, images=image)
            rel = [relative(got.tensors[k], base.tensors[k]) for k in names]
            print(f"  {what:34s} low_res {min(rel):9.2e} .. {max(rel):9.2e}   "
                  f"embed {relative(got.tensors['small/image_embed'], base.tensors['small/image_embed']):9.2e}   "
                  f"iou {relative(got.tensors['case/box/multi/iou'], base.tensors['case/box/multi/iou']):9.2e}")  # fmt: skip
        t = predictor_of(model)._transforms
        for image_name, (w, h) in IMAGES.items():
            x = torch.from_numpy(picture(w, h, len(image_name))).permute(2, 0, 1)[None].float() / 255
            plain = F.interpolate(x, (model.image_size,) * 2, mode="bilinear", align_corners=False)
            anti = F.interpolate(x, (model.image_size,) * 2, mode="bilinear", align_corners=False, antialias=True)
            mean, std = (torch.tensor(s).view(1, 3, 1, 1) for s in (t.mean, t.std))
            want = t(picture(w, h, len(image_name)))[None]
            print(f"  resize of {image_name}: without antialias {relative((plain - mean) / std, want):.2e}, with {relative((anti - mean) / std, want):.2e}")


def main():
    torch.set_num_threads(1)
    if "--mutate" in sys.argv:
        return mutate()
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/fixtures/sam2"
    for name, v in VARIANTS.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        model, cfg = build(v)
        state = {k: t.clone() for k, t in model.state_dict().items()}
        a = arch(cfg, v["widths"])
        save_file(state, folder / "model.safetensors")
        write_json(folder / "config.json", {"version": v["version"], "arch": a, "widths": v["widths"], "meta": cfg})
        note = ""
        if "pt" in v["layouts"]:
            torch.save({"model": collections.OrderedDict(state)}, folder / "model.pt")
        if "hf" in v["layouts"]:
            note = f"Sam2Model differs by {check_transformers(folder, model, a, v):.1e}"
        expected, listed = run(model)
        expected.save(folder, {"variant": name, "cases": listed})
        small = {k: t for k, t in expected.tensors.items() if k.endswith("single/stable")}
        masks = {k: np.unpackbits(t.numpy()).mean() for k, t in expected.tensors.items() if k.endswith("multi/mask")}
        print(name, sum(t.numel() for t in state.values()), "values;", note)
        print("  stable:", {k.split("/")[1]: t.tolist() for k, t in small.items()})
        print("  foreground:", {k.split("/")[1]: round(float(m), 2) for k, m in masks.items()})
        print("  iou of box:", expected.tensors["case/box/multi/iou"].tolist(), "object", expected.tensors["case/box/multi/object"].tolist())
        print("  ", {f.name: f.stat().st_size for f in sorted(folder.iterdir())})
    save_file({k: torch.from_numpy(picture(w, h, len(k))) for k, (w, h) in IMAGES.items()}, out / "images.safetensors")
    keys(out)


if __name__ == "__main__":
    main()
