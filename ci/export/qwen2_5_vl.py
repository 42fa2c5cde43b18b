"""Qwen2.5-VL as three ONNX graphs, checked with onnxruntime against transformers. What they take and give: README.md.

    python ci/export/qwen2_5_vl.py FOLDER OUT [--dtype f32|f16|bf16] [--store bf16] [--no-check]

FOLDER holds config.json and .safetensors, under the published names or transformers' own. The network is written out here
and not traced: windows, rotary angles and all lengths stay functions of the inputs, the graphs are small, and a large
checkpoint goes from file to file without being loaded.
"""

import sys

import common
import torch
import transformers
from common import Checkpoint, Graph
from qwen2_5_vl_check import compare
from transformers import Qwen2_5_VLConfig

MASKED = {"f32": -1e9, "f16": -3e4, "bf16": -1e9}  # finite, so that a row that sees nothing gives numbers


def published(name):
    """Key of transformers 5 -> key of the published checkpoints."""
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


def rms_norm(g, x, name, weights, eps):
    x = g.wide(x)
    root = g.Sqrt(g.Add(g.ReduceMean(g.Pow(x, g.constant(2.0, "f32")), [-1]), g.constant(eps, "f32")))
    return g.Mul(g.narrow(g.Div(x, root)), g.weight(f"{name}.weight", weights[f"{name}.weight"]))


def turn_of(g, angles):
    """Angles [..., n] -> cos and sin [..., 1, n], for all heads."""
    return [g.narrow(g.Unsqueeze(f(angles), [-2])) for f in (g.Cos, g.Sin)]


def rotate(g, x, turn):
    (a, b), (cos, sin) = g.Split(x, outputs=2, axis=-1, num_outputs=2), turn
    return g.Concat(g.Sub(g.Mul(a, cos), g.Mul(b, sin)), g.Add(g.Mul(b, cos), g.Mul(a, sin)), axis=-1)


def frequencies(g, theta, width):
    """One for each pair of a head's values, as the reference computes them."""
    return g.constant((1.0 / theta ** (torch.arange(0, width, 2, dtype=torch.float) / width)).numpy(), "f32")


def mlp(g, x, name, weights):
    gate = g.linear(x, f"{name}.gate_proj", weights)
    return g.linear(g.Mul(g.Mul(gate, g.Sigmoid(gate)), g.linear(x, f"{name}.up_proj", weights)), f"{name}.down_proj", weights)


class Places:
    """Where each patch lies, from its number and the grids alone; all i64 of length `patches`.

    Patches come image by image, frame by frame, and in a frame by blocks of merge x merge that become one token.
    """

    def __init__(self, g, pixels, grid, merge, window):
        t, h, w = (g.Squeeze(x, [1]) for x in g.Split(grid, outputs=3, axis=1, num_outputs=3))
        before = lambda counts: g.CumSum(counts, g.constant(0), exclusive=1)
        count = g.Mul(t, g.Mul(h, w))
        self.number = g.Range(0, g.Squeeze(g.size(pixels, 0)), 1)
        started = g.GreaterOrEqual(g.Unsqueeze(self.number, [1]), g.Unsqueeze(before(count), [0]))
        image = g.Sub(g.ReduceSum(g.cast(started, "i64"), [1], keepdims=0), 1)
        of = lambda values: g.Gather(values, image)

        inside, area, wide = g.Sub(self.number, of(before(count))), of(g.Mul(h, w)), of(w)
        frame, inside = g.Div(inside, area), g.Mod(inside, area)
        block, part, blocks = g.Div(inside, merge**2), g.Mod(inside, merge**2), g.Div(wide, merge)
        self.row = g.Add(g.Mul(g.Div(block, blocks), merge), g.Div(part, merge))
        self.column = g.Add(g.Mul(g.Mod(block, blocks), merge), g.Mod(part, merge))

        side = window * merge
        down, across = (g.Div(g.Add(x, side - 1), side) for x in (h, w))
        windows = g.Mul(down, across)
        which = g.Add(g.Mul(g.Div(self.row, side), of(across)), g.Div(self.column, side))
        which = g.Add(g.Add(of(before(g.Mul(t, windows))), g.Mul(frame, of(windows))), which)
        slot = g.Add(g.Mul(g.Mod(self.row, side), side), g.Mod(self.column, side))
        self.windows = self.table(g, which, slot, g.ReduceSum(g.Mul(t, windows)), g.constant([side**2]))
        self.frames = self.table(g, g.Add(of(before(t)), frame), inside, g.ReduceSum(t), g.ReduceMax(g.Mul(h, w)))

    def table(self, g, group, slot, groups, slots):
        """Groups of patches that see each other, as rows of one length.

        -> patch of each slot [groups, slots] (patch 0 where empty), what is added to its scores [groups, 1, 1, slots], and
        the slot of each patch, counted through all groups.
        """
        place = g.Add(g.Mul(group, slots), slot)
        table = g.ScatterElements(g.Expand(-1, g.Mul(groups, slots)), place, self.number, axis=0)
        table = g.Reshape(table, g.Concat(groups, slots, axis=0))
        return g.Max(table, 0), g.Unsqueeze(g.Where(g.Less(table, 0), MASKED[g.float], 0.0), [1, 2]), place


def vision(g, config, weights):
    heads, width = config.num_heads, config.hidden_size // config.num_heads
    merge, eps = config.spatial_merge_size, 1e-6  # fixed in the reference
    pixels = g.input("pixel_values", "f32", ["patches", config.in_channels * config.temporal_patch_size * config.patch_size**2])
    grid = g.input("image_grid_thw", "i64", ["images", 3])
    places = Places(g, pixels, grid, merge, config.window_size // merge // config.patch_size)
    position = g.Concat(g.Unsqueeze(places.row, [1]), g.Unsqueeze(places.column, [1]), axis=1)
    angles = g.Mul(g.Unsqueeze(g.cast(position, "f32"), [2]), frequencies(g, config.rope_parameters["rope_theta"], width // 2))
    turn = turn_of(g, g.Reshape(angles, [-1, width // 2]))

    x = g.linear(g.narrow(pixels), "visual.patch_embed.proj", weights)
    for i in range(config.depth):
        name = f"visual.blocks.{i}"
        index, bias, place = places.frames if i in config.fullatt_block_indexes else places.windows
        y = g.linear(rms_norm(g, x, f"{name}.norm1", weights, eps), f"{name}.attn.qkv", weights)
        q, k, v = (g.Reshape(part, [-1, heads, width]) for part in g.Split(y, outputs=3, axis=1, num_outputs=3))
        q = g.Transpose(g.Gather(rotate(g, g.Mul(q, width**-0.5), turn), index), perm=[0, 2, 1, 3])
        k = g.Transpose(g.Gather(rotate(g, k, turn), index), perm=[0, 2, 3, 1])
        v = g.Transpose(g.Gather(v, index), perm=[0, 2, 1, 3])
        y = g.MatMul(g.Softmax(g.Add(g.MatMul(q, k), bias), axis=-1), v)
        y = g.Gather(g.Reshape(g.Transpose(y, perm=[0, 2, 1, 3]), [-1, config.hidden_size]), place)
        x = g.Add(x, g.linear(y, f"{name}.attn.proj", weights))
        x = g.Add(x, mlp(g, rms_norm(g, x, f"{name}.norm2", weights, eps), f"{name}.mlp", weights))
    x = g.Reshape(rms_norm(g, x, "visual.merger.ln_q", weights, eps), [-1, merge**2 * config.hidden_size])
    x = g.linear(g.Gelu(g.linear(x, "visual.merger.mlp.0", weights)), "visual.merger.mlp.2", weights)
    g.output("image_features", x, g.float, ["tokens", config.out_hidden_size])


def embed(g, config, weights):
    ids = g.input("input_ids", "i64", ["batch", "length"])
    table = g.weight("model.embed_tokens.weight", weights["model.embed_tokens.weight"])
    g.output("inputs_embeds", g.Gather(table, ids), g.float, ["batch", "length", config.hidden_size])


def decoder(g, config, weights):
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    width, eps = config.hidden_size // heads, config.rms_norm_eps
    x = g.input("inputs_embeds", g.float, ["batch", "length", config.hidden_size])
    mask = g.input("attention_mask", "i64", ["batch", "total"])
    position = g.input("position_ids", "i64", [3, "batch", "length"])
    keep = g.input("num_logits_to_keep", "i64", [])

    axis = [i for i, n in enumerate(config.rope_parameters["mrope_section"]) for _ in range(n)]
    position = g.Gather(g.Transpose(g.cast(position, "f32"), perm=[1, 2, 0]), g.constant(axis), axis=2)
    turn = turn_of(g, g.Mul(position, frequencies(g, config.rope_parameters["rope_theta"], width)))
    total, last = g.size(mask, 1), g.Squeeze(g.size(mask, 1))
    row = g.Range(g.Sub(last, g.Squeeze(g.size(x, 1))), last, 1)
    seen = g.LessOrEqual(g.Range(0, last, 1), g.Unsqueeze(row, [1]))
    bias = g.Where(g.And(seen, g.Unsqueeze(g.Greater(mask, 0), [1, 2, 3])), 0.0, MASKED[g.float])
    spread, flat = (g.Concat([0, groups, *more], total, axis=0) for more in ([heads // groups, -1], [-1]))

    for i in range(config.num_hidden_layers):
        name = f"model.layers.{i}"
        y = rms_norm(g, x, f"{name}.input_layernorm", weights, eps)
        q, k, v = (g.Reshape(g.linear(y, f"{name}.self_attn.{p}_proj", weights), [0, 0, -1, width]) for p in "qkv")
        q, cache = rotate(g, q, turn), []
        for part, new in (("key", rotate(g, k, turn)), ("value", v)):
            past = g.input(f"past_key_values.{i}.{part}", g.float, ["batch", groups, "past", width])
            cache.append(g.Concat(past, g.Transpose(new, perm=[0, 2, 1, 3]), axis=2, names=[f"present.{i}.{part}"]))
            g.output(cache[-1], cache[-1], g.float, ["batch", groups, "total", width])
        k, v = cache
        # the heads that share keys stand below each other, so that no key is copied
        q = g.Transpose(g.Reshape(g.Mul(q, width**-0.5), [0, 0, groups, -1, width]), perm=[0, 2, 3, 1, 4])
        y = g.MatMul(g.Reshape(q, [0, groups, -1, width]), g.Transpose(k, perm=[0, 1, 3, 2]))
        y = g.MatMul(g.Reshape(g.Softmax(g.Add(g.Reshape(y, spread), bias), axis=-1), flat), v)
        y = g.Reshape(g.Transpose(g.Reshape(y, g.Shape(q)), perm=[0, 3, 1, 2, 4]), [0, 0, heads * width])
        x = g.Add(x, g.linear(y, f"{name}.self_attn.o_proj", weights))
        x = g.Add(x, mlp(g, rms_norm(g, x, f"{name}.post_attention_layernorm", weights, eps), f"{name}.mlp", weights))
    x = g.Slice(x, g.Unsqueeze(g.Neg(keep), [0]), [2**62], [1])  # from -keep on; -0 is the beginning
    head = "lm_head" if "lm_head.weight" in weights else "model.embed_tokens"
    x = g.linear(rms_norm(g, x, "model.norm", weights, eps), head, weights)
    g.output("logits", g.wide(x), "f32", ["batch", "kept", config.vocab_size])


def supported(config):
    text = config.text_config
    odd = {
        "hidden_act": {text.hidden_act, config.vision_config.hidden_act} != {"silu"},
        "use_sliding_window": "sliding_attention" in text.layer_types,
        "rope_type": text.rope_parameters["rope_type"] != "default",
    }
    for field in (k for k, v in odd.items() if v):
        sys.exit(f"config.json: {field} is one that is not exported")


def main():
    args = common.start(__doc__, "folder with config.json and .safetensors", ("f32", "f16", "bf16"))
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    config, weights = Qwen2_5_VLConfig.from_pretrained(args.source), Checkpoint(args.source, published)
    supported(config)
    for name, make in (
        ("vision_encoder", lambda g: vision(g, config.vision_config, weights)),
        ("embed_tokens", lambda g: embed(g, config.text_config, weights)),
        ("decoder_model_merged", lambda g: decoder(g, config.text_config, weights)),
    ):
        g = Graph(args.out / f"{name}.onnx", args, weights.bytes)
        make(g)
        g.save()
    if check := common.checked(args):
        compare(args, check)


if __name__ == "__main__":
    main()
