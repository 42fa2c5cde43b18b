"""Tiny random-weight Qwen2.5-VL models and what transformers' Qwen2_5_VLForConditionalGeneration computes with them.

    python ci/fixtures_torch/qwen2_5_vl.py [folder]             # writes tests/fixtures/qwen2_5_vl/{a,b,c}
    python ci/fixtures_torch/qwen2_5_vl.py --mutate             # prints how much a wrong port changes the logits
    python ci/fixtures_torch/qwen2_5_vl.py --seeds              # tries seeds, prints the gaps of the top two logits

Packages: ci/requirements-fixtures-torch.txt, torch on the CPU, one thread, float32, eager attention. A variant's folder:

 * `config.json`: `a` and `c` as the published checkpoints have it (flat text fields, `rope_scaling`, `vision_config` with
   `in_chans`), `b` as transformers 5 writes it (`text_config`, `rope_parameters`). `rope_theta` is small: at head_dim 16
   the published 1e6 leaves the last section without effect.
 * weights under the published key names: `a` float32 in one file, `b` bfloat16 in one file, `c` bfloat16 in two files with
   an index. The reference reads that folder and computes in float32.
 * `expected.safetensors`, `expected.json`. Tensors `caseK.`...:
   `input_ids` [L] i32; `pixel_values_u8` [patches, C*T*P*P] (the value is (u - 128) / 32, exactly) and `grid_thw` [images, 3]
   where there are images; `vision.patch_embed` (order of the patches), `vision.window_index` (of merged tokens, over all
   images), `vision.cu_window_seqlens`, `vision.block{i}` (window order), `vision.merged` (after the inverse permutation);
   `position_ids` [3, L], `rope_delta` [1]; `hidden0` (embeddings, images in), `hidden{i}` after layer i, the last one after the
   final norm; `logits` [L, vocab]; `greedy` [64], `greedy_logprob`, `greedy_gap` (top logit less the second).
   `batch.greedy` [cases, 32]: all cases left-padded in one batch, with `batch.input_ids`, `batch.attention_mask`.

Greedy never stops early and never picks an image or vision token (their rows of the head are small).
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as reference

ROOT = Path(__file__).resolve().parents[2]
NEW, BATCH_NEW, PATCH = 64, 32, 14


def variant(seed, dtype, vocab, text, vision, sections, theta, tie, grids, texts):
    names = "hidden_size num_hidden_layers num_attention_heads num_key_value_heads intermediate_size".split()
    ids = dict(zip(("bos_token_id", "eos_token_id", "vision_start_token_id", "vision_end_token_id", "vision_token_id", "image_token_id", "video_token_id"), range(vocab - 7, vocab)))
    depth, hidden, heads, inner, window, full = vision
    config = {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "attention_dropout": 0.0,
        **ids,
        "pad_token_id": ids["bos_token_id"],
        "hidden_act": "silu",
        **dict(zip(names, text)),
        "initializer_range": 0.02,
        "max_position_embeddings": 4096,
        "max_window_layers": 70,
        "model_type": "qwen2_5_vl",
        "rms_norm_eps": 1e-06,
        "rope_theta": theta,
        "sliding_window": 32768,
        "tie_word_embeddings": tie,
        "torch_dtype": str(dtype).removeprefix("torch."),
        "transformers_version": "4.41.2",
        "use_cache": True,
        "use_sliding_window": False,
        "vision_config": {
            "depth": depth,
            "hidden_act": "silu",
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_heads": heads,
            "in_chans": 3,
            "out_hidden_size": text[0],
            "patch_size": PATCH,
            "spatial_merge_size": 2,
            "spatial_patch_size": PATCH,
            "window_size": window,
            "fullatt_block_indexes": full,
            "tokens_per_second": 2,
            "temporal_patch_size": 2,
        },
        "rope_scaling": {"type": "mrope", "mrope_section": sections},
        "vocab_size": vocab,
    }
    return {"seed": seed, "dtype": dtype, "config": config, "grids": grids, "texts": texts}


# grids: per case, (height, width) in patches of each image; texts: ordinary tokens before, between and after the images.
VARIANTS = {
    "a": variant(11, torch.float32, 320, (64, 2, 4, 2, 128), (4, 32, 2, 64, 112, [1, 3]), [2, 3, 3], 100.0, True,
                 [[(6, 8)], [(10, 6), (4, 12)], [], [(10, 14)]], [[5, 9], [3, 2, 8], [17], [8, 6]]),
    "b": variant(1, torch.bfloat16, 256, (96, 3, 6, 2, 96), (4, 24, 2, 48, 56, [3]), [1, 3, 4], 50.0, False,
                 [[(4, 6)], [(6, 4), (2, 8)], [], [(6, 10)]], [[4, 7], [2, 0, 9], [13], [6, 10]]),
    "c": variant(8, torch.bfloat16, 272, (64, 2, 2, 1, 112), (3, 40, 2, 56, 112, [2]), [4, 6, 6], 1000.0, True,
                 [[(6, 4)], [(2, 10), (8, 2)], [], [(10, 10)]], [[3, 5], [6, 1, 4], [9], [5, 7]]),
}  # fmt: skip


def published(name):
    """Key of transformers 5 -> key of the published checkpoints."""
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


def weights(model, config, rng):
    """Random weights (std gain/sqrt(fan in)) under the published names."""
    special = range(config["bos_token_id"], config["video_token_id"] + 1)
    out = {}
    for name, old in sorted(model.state_dict().items()):
        fresh = torch.randn(old.shape, generator=rng)
        if old.ndim == 1:
            norm = name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "ln_q.weight", "layernorm.weight"))
            fresh = 0.5 + torch.rand(old.shape, generator=rng) if norm else 0.3 * fresh
        elif "embed_tokens" in name or "lm_head" in name:
            fresh *= 0.35
            fresh[special] *= 0.05
        else:
            gain = 1.6 if any(k in name for k in ("q_proj", "k_proj", "qkv")) else 2.5 if "language" in name and name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
            fresh *= gain / old[0].numel() ** 0.5
        out[published(name)] = fresh
    if config["tie_word_embeddings"]:
        del out["lm_head.weight"]
    return out


def write_model(spec, folder):
    config, rng = spec["config"], torch.Generator().manual_seed(spec["seed"])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):
        old.unlink()
    parsed = Qwen2_5_VLConfig(**config)
    tensors = {k: v.to(spec["dtype"]).contiguous() for k, v in weights(Qwen2_5_VLForConditionalGeneration(parsed), config, rng).items()}
    text = json.dumps(config, indent=2)
    if folder.name == "b":
        parsed.architectures, parsed.dtype = config["architectures"], spec["dtype"]
        parsed.save_pretrained(folder)
        text = (folder / "config.json").read_text().rstrip()
    (folder / "config.json").write_text(text + "\n")
    if folder.name != "c":
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        return
    parts = {f"model-0000{i + 1}-of-00002.safetensors": keys for i, keys in enumerate((sorted(tensors)[:20], sorted(tensors)[20:]))}
    for file, keys in parts.items():
        save_file({k: tensors[k] for k in keys}, folder / file, {"format": "pt"})
    index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": {k: f for f, keys in parts.items() for k in keys}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def load(folder):
    model, seen = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not any(seen[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), seen
    return model.eval()


def cases(spec):
    """Inputs of each case, a batch of one."""
    config, rng, out = spec["config"], torch.Generator().manual_seed(1000 + spec["seed"]), []
    start, end, image = (config[f"{k}_token_id"] for k in ("vision_start", "vision_end", "image"))
    for grids, texts in zip(spec["grids"], spec["texts"]):
        ids = []
        for i, count in enumerate(texts):
            ids += torch.randint(0, config["bos_token_id"], (count,), generator=rng).tolist()
            if i < len(grids):
                ids += [start] + [image] * (grids[i][0] * grids[i][1] // 4) + [end]
        ids = torch.tensor([ids])
        row = {"input_ids": ids, "mm_token_type_ids": (ids == image).int(), "attention_mask": torch.ones_like(ids)}
        if grids:
            row["image_grid_thw"] = torch.tensor([[1, h, w] for h, w in grids])
            patches = int(row["image_grid_thw"].prod(1).sum())
            u8 = (torch.randn(patches, 6 * PATCH * PATCH, generator=rng) * 32 + 128).round().clamp(0, 255)
            row["pixel_values"] = (u8 - 128) / 32
        out.append(row)
    return out


@torch.no_grad()
def stages(model, row):
    """One forward pass with everything seen on the way."""
    seen, hooks = {}, []
    keep = lambda name: lambda module, args, out: seen.__setitem__(name, (out[0] if isinstance(out, tuple) else out).detach().squeeze(0).clone())
    text, visual = model.model.language_model, model.model.visual
    hooks.append(visual.patch_embed.register_forward_hook(keep("vision.patch_embed")))
    hooks += [b.register_forward_hook(keep(f"vision.block{i}")) for i, b in enumerate(visual.blocks)]
    hooks.append(text.register_forward_pre_hook(lambda m, a, kw: seen.update(hidden0=kw["inputs_embeds"][0].clone(), position_ids=kw["position_ids"]), with_kwargs=True))
    hooks += [b.register_forward_hook(keep(f"hidden{i + 1}")) for i, b in enumerate(text.layers)]
    hooks.append(text.norm.register_forward_hook(keep(f"hidden{len(text.layers) + 1}")))
    model.model.rope_deltas = None
    seen["logits"] = model(**row, use_cache=False).logits[0]
    for hook in hooks:
        hook.remove()
    length = row["input_ids"].shape[1]
    if "pixel_values" in row:
        grid, v = row["image_grid_thw"], visual.config
        index, lens = reference.get_vision_window_index(grid, v.spatial_merge_size, v.window_size, v.patch_size)
        seen.update({"vision.window_index": index, "vision.cu_window_seqlens": lens})
        seen["vision.merged"] = model.model.visual(row["pixel_values"], grid_thw=grid).pooler_output
        seen["position_ids"] = seen["position_ids"][:, 0]
        seen["rope_delta"] = model.model.rope_deltas[0]
    else:
        seen["position_ids"] = torch.arange(length).expand(3, -1)
        seen["rope_delta"] = torch.zeros(1, dtype=torch.long)
    return seen


@torch.no_grad()
def greedy(model, row, count):
    """-> ids, raw logits at each step ([batch, count], [batch, count, vocab])."""
    model.model.rope_deltas = None
    model.generation_config.eos_token_id = None
    out = model.generate(**row, do_sample=False, min_new_tokens=None, max_new_tokens=count, output_logits=True, return_dict_in_generate=True, pad_token_id=model.config.text_config.pad_token_id)
    return out.sequences[:, row["input_ids"].shape[1] :], torch.stack(out.logits, 1)


def batched(rows, pad):
    width = max(r["input_ids"].shape[1] for r in rows)
    left = lambda key, fill: torch.cat([torch.nn.functional.pad(r[key], (width - r[key].shape[1], 0), value=fill) for r in rows])
    images = [r for r in rows if "pixel_values" in r]
    return {
        "input_ids": left("input_ids", pad),
        "mm_token_type_ids": left("mm_token_type_ids", 0),
        "attention_mask": left("attention_mask", 0),
        "pixel_values": torch.cat([r["pixel_values"] for r in images]),
        "image_grid_thw": torch.cat([r["image_grid_thw"] for r in images]),
    }


def gaps(logits):
    top = logits.topk(2, -1).values
    return top[..., 0] - top[..., 1]


def expect(spec, folder):
    model, rows, tensors, notes = load(folder), cases(spec), {}, []
    for k, row in enumerate(rows):
        seen = stages(model, row)
        ids, logits = greedy(model, row, NEW)
        assert (logits[0, 0] - seen["logits"][-1]).abs().max() < 1e-3
        seen["greedy"] = ids[0]
        seen["greedy_logprob"] = logits[0].log_softmax(-1).gather(1, ids[0][:, None])[:, 0]
        seen["greedy_gap"] = gaps(logits[0])
        longer = {k: torch.cat([row[k], v], 1) for k, v in (("input_ids", ids), ("mm_token_type_ids", 0 * ids.int()), ("attention_mask", torch.ones_like(ids)))}
        again = stages(model, row | longer)["logits"][-NEW - 1 : -1]
        assert (again - logits[0]).abs().max() < 1e-3, "cached and whole passes differ"
        assert ids.max() < spec["config"]["bos_token_id"], "greedy picked a special token: another seed"
        assert seen["greedy_gap"].min() > 1e-3, "close logits: another seed"
        seen["input_ids"] = row["input_ids"][0]
        if "pixel_values" in row:
            seen["pixel_values_u8"] = (row["pixel_values"] * 32 + 128).to(torch.uint8)
            seen["grid_thw"] = row["image_grid_thw"]
        for name, value in seen.items():
            tensors[f"case{k}.{name}"] = (value if value.is_floating_point() or value.dtype == torch.uint8 else value.to(torch.int32)).contiguous().clone()
        notes.append({
            "name": f"case{k}",
            "images": [[1, *g] for g in spec["grids"][k]],
            "tokens": row["input_ids"].shape[1],
            "greedy_gap_min": round(seen["greedy_gap"].min().item(), 5),
            "greedy_distinct": len(set(ids[0].tolist())),
        })  # fmt: skip
    batch = batched(rows, spec["config"]["pad_token_id"])
    ids, logits = greedy(model, batch, BATCH_NEW)
    single = torch.stack([tensors[f"case{k}.greedy"][:BATCH_NEW] for k in range(len(rows))])
    tensors |= {"batch.greedy": ids.to(torch.int32), **{f"batch.{k}": batch[k].to(torch.int32) for k in ("input_ids", "attention_mask")}}
    save_file(tensors, folder / "expected.safetensors")
    first = max((logits[k, 0] - tensors[f"case{k}.logits"][-1]).abs().max().item() for k in range(len(rows)))
    note = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "seed": spec["seed"],
        "pixel_values": "(u8 - 128) / 32",
        "cases": notes,
        "batch": {"padding": "left", "equals_single": bool((ids == single).all()), "first_logits_max_difference": float(f"{first:.2g}"), "greedy_gap_min": round(gaps(logits).min().item(), 5)},
        "mutations": mutations(model, rows),
    }
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in note.items() if k not in ("cases", "mutations")]
    lines.append(' "cases": [\n' + ",\n".join("  " + json.dumps(r) for r in note["cases"]) + "\n ]")
    lines.append(' "mutations": {\n' + ",\n".join(f"  {json.dumps(k)}: {v}" for k, v in note["mutations"].items()) + "\n }")
    (folder / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for file in folder.iterdir():
        file.chmod(0o644)
    print(folder.name, json.dumps({k: note[k] for k in ("cases", "batch")}))


def mutations(model, rows):
    """Relative change (Frobenius norm) of all cases' logits when one thing is done wrongly."""
    text, visual = model.model.language_model, model.model.visual
    rope = text.rotary_emb

    @torch.no_grad()
    def run():
        model.model.rope_deltas = None
        return [model(**row, use_cache=False).logits[0] for row in rows]

    right, out = run(), {}

    def wrong(name, owner, attribute, value):
        old = getattr(owner, attribute)
        setattr(owner, attribute, value)
        try:
            got = run()
        finally:
            setattr(owner, attribute, old)
        out[name] = [float(f"{((g - r).norm() / r.norm()).item():.3g}") for g, r in zip(got, right)]

    a, b, c = rope.mrope_section
    if b != c:
        wrong("mrope sections t,w,h", rope, "mrope_section", [a, c, b])
    wrong("mrope sections w,h,t", rope, "mrope_section", [c, b, a])
    recompose = rope.recomposition_frequencies
    wrong("mrope height and width swapped", rope, "recomposition_frequencies", lambda f: recompose(f[[0, 2, 1]]))
    wrong("mrope plain positions", model.model, "compute_3d_position_ids", lambda **kw: None)
    wrong("mrope interleaved", rope, "recomposition_frequencies", lambda f: interleaved(f, rope.mrope_section))
    wrong("rope theta 1e6", rope, "inv_freq", 1e6 ** -(torch.arange(len(rope.inv_freq)) / len(rope.inv_freq)))
    index = reference.get_vision_window_index
    wrong("window index identity", reference, "get_vision_window_index", lambda *args, **kw: (torch.arange(len(index(*args, **kw)[0])), index(*args, **kw)[1]))
    wrong("merged not permuted back", torch, "argsort", lambda x: torch.arange(len(x)))
    wrong("all blocks full attention", visual, "fullatt_block_indexes", list(range(99)))
    wrong("all blocks window attention", visual, "fullatt_block_indexes", [])
    seqlens = reference.get_vision_attention_seqlens
    wrong("full attention across images", reference, "get_vision_attention_seqlens", lambda g, *args, **kw: (lambda s: (s[0][[0, -1]], s[1]))(seqlens(g, *args, **kw)))
    positions = reference.get_vision_position_ids
    wrong("vision height and width swapped", reference, "get_vision_position_ids", lambda *args, **kw: positions(*args, **kw).flip(-1))
    wrong("vision positions row by row", reference, "get_vision_position_ids", lambda g, m, **kw: positions(g, 1, **kw))
    wrong("vision rope not permuted", visual, "permute_input_for_window_attn", lambda x, i, seq_len, old=visual.permute_input_for_window_attn, dim=visual.config.hidden_size: old(x, i, seq_len=seq_len) if x.shape[-1] == dim else x)
    wrong("heads of keys tiled", reference, "repeat_kv", lambda x, n: x.repeat(1, n, 1, 1))
    wrong("merger with tanh gelu", visual.merger.mlp, "1", torch.nn.GELU("tanh"))
    return out


def interleaved(freq, sections):
    """Qwen3-VL's way of mixing the three positions."""
    t = freq[0].clone()
    for axis, offset in ((1, 1), (2, 2)):
        where = slice(offset, sections[axis] * 3, 3)
        t[..., where] = freq[axis][..., where]
    return torch.cat((t, t), -1)


def try_seeds(folder, count=12):
    for name, spec in VARIANTS.items():
        for seed in range(1, count + 1):
            spec["seed"] = seed
            write_model(spec, folder / name)
            model = load(folder / name)
            runs = [greedy(model, row, NEW) for row in cases(spec)]
            special = any(ids.max() >= spec["config"]["bos_token_id"] for ids, _ in runs)
            print(name, seed, [f"{gaps(l).min():.4f}" for _, l in runs], "distinct", [len(set(i[0].tolist())) for i, _ in runs], "special" if special else "", flush=True)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    flags = [a for a in sys.argv[1:] if a.startswith("--")]
    named = [a for a in sys.argv[1:] if not a.startswith("--")]
    folder = Path(named[0]) if named else ROOT / "tests/fixtures/qwen2_5_vl"
    if "--seeds" in flags:
        return try_seeds(Path(tempfile.mkdtemp()))
    for name, spec in VARIANTS.items():
        if "--mutate" in flags:
            print(name, json.dumps(mutations(load(folder / name), cases(spec)), indent=1))
            continue
        write_model(spec, folder / name)
        expect(spec, folder / name)
    print(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()), "bytes")


if __name__ == "__main__":
    main()
