"""SAM 2 and SAM 2.1 for single images as two ONNX graphs, checked with onnxruntime against Meta's code. README.md: what they take and give.

    python ci/export/sam2.py SOURCE OUT [--dtype f32|f16] [--store bf16] [--fused] [--no-check]

SOURCE is a .pt or .safetensors, or a folder with one, under Meta's names or transformers'. Sizes come from config.json where
it lies there (this project's or transformers'), else they are those of the published checkpoint of that width and depth.
"""

import math
import sys

sys.path.append(sys.path.pop(0))  # this folder last: this file is called like Meta's package
import common
import numpy as np
import torch
import torch.nn.functional as F
from common import Graph
from sam2_source import ALIKE, Weights, architecture

TRUNK, PROMPT, DECODER = "image_encoder.trunk", "sam_prompt_encoder", "sam_mask_decoder"
FUSED = "attention as onnxruntime's own operator: less time and memory, but nothing else reads the graphs"


def both(g, name, weights):
    return [g.weight(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias")]


def layer_norm(g, x, name, weights, eps):
    return g.LayerNormalization(x, *both(g, name, weights), axis=-1, epsilon=eps)


def attend(g, q, k, v, heads, dim):
    """q, k, v [batch, tokens, dim]."""
    if g.fused:
        return g.MultiHeadAttention(q, k, v, domain="com.microsoft", num_heads=heads)
    q, k, v = (g.Reshape(x, [0, 0, heads, dim // heads]) for x in (g.Mul(q, (dim // heads) ** -0.5), k, v))
    scores = g.MatMul(g.Transpose(q, perm=[0, 2, 1, 3]), g.Transpose(k, perm=[0, 2, 3, 1]))
    y = g.MatMul(g.Softmax(scores, axis=-1), g.Transpose(v, perm=[0, 2, 1, 3]))
    return g.Reshape(g.Transpose(y, perm=[0, 2, 1, 3]), [0, 0, dim])


def channels_first(g, x):
    return g.Transpose(x, perm=[0, 3, 1, 2])


def channels_last(g, x):
    return g.Transpose(x, perm=[0, 2, 3, 1])


def halved(g, x):
    return channels_last(g, g.MaxPool(channels_first(g, x), kernel_shape=[2, 2], strides=[2, 2]))


def windows(g, x, side, dim, window):
    """[batch, side, side, dim] -> [batch * windows, window, window, dim], zeros on the right and below."""
    count = -(-side // window)
    if count * window > side:
        x = g.Pad(x, [0, 0, 0, 0, 0, count * window - side, count * window - side, 0])
    x = g.Transpose(g.Reshape(x, [-1, count, window, count, window, dim]), perm=[0, 1, 3, 2, 4, 5])
    return g.Reshape(x, [-1, window, window, dim])


def whole(g, x, side, dim, window):
    """The way back."""
    count = -(-side // window)
    x = g.Transpose(g.Reshape(x, [-1, count, count, window, window, dim]), perm=[0, 1, 3, 2, 4, 5])
    x = g.Reshape(x, [-1, count * window, count * window, dim])
    return g.Slice(x, [0, 0], [side, side], [1, 2]) if count * window > side else x


def trunk(g, x, arch, weights):
    """Pixels -> outputs of the four stages, channels last."""
    x = g.Conv(x, *both(g, f"{TRUNK}.patch_embed.proj", weights), strides=[4, 4], pads=[3] * 4)
    side, dim, heads = arch["image_size"] // 4, arch["embed_dim"], arch["num_heads"]
    window = weights[f"{TRUNK}.pos_embed_window"]
    position = F.interpolate(weights[f"{TRUNK}.pos_embed"], size=(side, side), mode="bicubic") + window.tile(1, 1, *[side // window.shape[-1]] * 2)
    x, outputs = g.Add(channels_last(g, x), g.constant(position.permute(0, 2, 3, 1).numpy())), []
    blocks = [stage for stage, count in enumerate(arch["stages"]) for _ in range(count)]
    for i, stage in enumerate(blocks):
        name, before, pool = f"{TRUNK}.blocks.{i}", blocks[max(i - 1, 0)], i > 0 and blocks[i - 1] < stage
        window = side if i in arch["global_att_blocks"] else arch["window_spec"][before]
        y = layer_norm(g, x, f"{name}.norm1", weights, 1e-6)
        if pool:
            x, dim, heads = halved(g, g.linear(y, f"{name}.proj", weights)), dim * 2, heads * 2
        y = windows(g, y, side, dim // 2 if pool else dim, window)
        q, k, v = g.Split(g.linear(y, f"{name}.attn.qkv", weights), outputs=3, axis=-1, num_outputs=3)
        if pool:
            q, side, window = halved(g, q), side // 2, window // 2
        y = attend(g, *(g.Reshape(part, [0, -1, dim]) for part in (q, k, v)), heads, dim)
        y = g.linear(g.Reshape(y, [0, window, window, dim]), f"{name}.attn.proj", weights)
        x = g.Add(x, whole(g, y, side, dim, window))
        y = g.Gelu(g.linear(layer_norm(g, x, f"{name}.norm2", weights, 1e-6), f"{name}.mlp.layers.0", weights))
        x = g.Add(x, g.linear(y, f"{name}.mlp.layers.1", weights))
        if i + 1 == len(blocks) or blocks[i + 1] > stage:
            outputs.append(x)
    return outputs


def vision(g, arch, weights):
    size, dim = arch["image_size"], arch["d_model"]
    pixels = g.input("pixel_values", "f32", ["batch", 3, size, size])
    stages = enumerate(trunk(g, g.narrow(pixels), arch, weights))
    levels = [channels_first(g, g.linear(x, f"image_encoder.neck.convs.{3 - i}.conv", weights)) for i, x in stages]
    nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    larger = g.Resize(levels[3], "", g.constant([1.0, 1.0, 2.0, 2.0], "f32"), **nearest)
    levels[2] = g.Add(g.Add(levels[2], larger), g.weight("no_mem_embed", weights["no_mem_embed"].reshape(1, dim, 1, 1)))
    for i, part in enumerate((8, 4, 1)):
        x = levels[i]
        if i < 2:
            x = g.Conv(x, *both(g, f"{DECODER}.conv_s{i}", weights))
        g.output(f"image_embeddings.{i}", x, g.float, ["batch", dim // part, *[size >> i + 2] * 2])


def encode(g, weights, coordinates):
    """Coordinates from -1 to 1 [..., 2] -> [..., dim]; in f32, whatever the rest is in."""
    matrix = weights[f"{PROMPT}.pe_layer.positional_encoding_gaussian_matrix"]
    angles = g.MatMul(coordinates, g.constant(2 * math.pi * matrix.numpy(), "f32"))
    return g.Concat(g.Sin(angles), g.Cos(angles), axis=-1)


def prompts(g, arch, weights):
    """-> embedded points [batch * objects, points, dim] and [batch, objects], a shape."""
    points = g.input("input_points", "f32", ["batch", "point_sets", "points", 2])
    labels = g.input("input_labels", "i64", ["batch", "point_sets", "points"])
    boxes = g.input("input_boxes", "f32", ["batch", "boxes", 4])
    batch, count = g.size(points, 0), g.size(boxes, 1)
    objects = g.Concat(batch, g.Max(g.size(points, 1), count), axis=0)
    over = lambda x, *shape: g.Expand(x, g.Concat(objects, *[g.constant([n]) if isinstance(n, int) else n for n in shape], axis=0))
    # two corners for each box; no box makes no corner for each set of points
    corners = g.Mul(g.Min(count, 1), 2)
    box = g.Reshape(boxes, g.Concat(batch, g.Max(count, 1), corners, [2], axis=0), allowzero=1)
    ends = g.Slice(g.constant([[[2, 3]]]), [0], corners, [2])
    at = g.Concat(over(box, corners, 2), over(points, g.size(points, 2), 2), over(g.constant([[[[0.0, 0.0]]]], "f32"), 1, 2), axis=2)
    kind = g.Concat(over(ends, corners), over(labels, g.size(points, 2)), over(g.constant([[[-1]]]), 1), axis=2)
    at, kind = g.Reshape(at, g.Concat([-1], g.size(at, 2), [2], axis=0)), g.Reshape(kind, g.Concat([-1], g.size(kind, 2), axis=0))

    half, size = g.constant(0.5, "f32"), g.constant(arch["image_size"] / 2, "f32")
    place = encode(g, weights, g.Sub(g.Div(g.Add(at, half), size), g.constant(1.0, "f32")))
    place = g.Where(g.Unsqueeze(g.Less(kind, 0), [2]), g.constant(0.0, "f32"), place)
    names = ["not_a_point_embed.weight"] + [f"point_embeddings.{i}.weight" for i in range(4)]
    table = g.weight("points", torch.cat([weights[f"{PROMPT}.{n}"] for n in names]))
    return g.Add(g.narrow(place), g.Gather(table, g.Add(kind, 1))), objects


def project(g, q, k, v, name, weights, heads):
    q, k, v = (g.linear(x, f"{name}.{part}_proj", weights) for part, x in (("q", q), ("k", k), ("v", v)))
    return g.linear(attend(g, q, k, v, heads, len(weights[f"{name}.q_proj.bias"])), f"{name}.out_proj", weights)


def two_way(g, tokens, image, position, weights, heads):
    name, i, given = f"{DECODER}.transformer", 0, tokens
    norm = lambda x, part: layer_norm(g, x, f"{name}.{part}", weights, 1e-5)
    while f"{name}.layers.{i}.norm1.weight" in weights:
        layer = f"layers.{i}"
        cross = lambda q, k, v, part: project(g, q, k, v, f"{name}.{layer}.{part}", weights, heads)
        q = g.Add(tokens, given) if i else tokens
        y = cross(q, q, tokens, "self_attn")
        tokens = norm(g.Add(tokens, y) if i else y, f"{layer}.norm1")
        y = cross(g.Add(tokens, given), g.Add(image, position), image, "cross_attn_token_to_image")
        tokens = norm(g.Add(tokens, y), f"{layer}.norm2")
        y = g.Relu(g.linear(tokens, f"{name}.{layer}.mlp.layers.0", weights))
        tokens = norm(g.Add(tokens, g.linear(y, f"{name}.{layer}.mlp.layers.1", weights)), f"{layer}.norm3")
        y = cross(g.Add(image, position), g.Add(tokens, given), tokens, "cross_attn_image_to_token")
        image, i = norm(g.Add(image, y), f"{layer}.norm4"), i + 1
    y = project(g, g.Add(tokens, given), g.Add(image, position), image, f"{name}.final_attn_token_to_image", weights, heads)
    return norm(g.Add(tokens, y), "norm_final_attn"), image


def perceptron(g, x, name, weights):
    for i in range(3):
        x = g.linear(x if i == 0 else g.Relu(x), f"{name}.layers.{i}", weights)
    return x


def decoder(g, arch, weights):
    size, dim = arch["image_size"], arch["d_model"]
    grid, fine = size // 16, size // 4
    sparse, objects = prompts(g, arch, weights)
    levels = [g.input(f"image_embeddings.{i}", g.float, ["batch", dim // part, *[size >> i + 2] * 2]) for i, part in enumerate((8, 4, 1))]
    each = lambda x, *shape: g.Reshape(g.Expand(g.Unsqueeze(x, [1]), g.Concat(objects, [1] * len(shape), axis=0)), [-1, *shape])

    tokens = torch.cat([weights[f"{DECODER}.{n}.weight"] for n in ("obj_score_token", "iou_token", "mask_tokens")])
    many = g.Concat(g.size(sparse, 0), [1, 1], axis=0)
    tokens = g.Concat(g.Expand(g.weight("tokens", tokens[None]), many), sparse, axis=1)
    image = g.Add(levels[2], g.weight("no_mask", weights[f"{PROMPT}.no_mask_embed.weight"].reshape(1, dim, 1, 1)))
    image = each(g.Transpose(g.Reshape(image, [0, dim, grid**2]), perm=[0, 2, 1]), grid**2, dim)
    middle = ((np.arange(grid) + 0.5) / grid * 2 - 1).astype(np.float32)
    middles = np.stack(np.meshgrid(middle, middle), -1).reshape(1, grid**2, 2)
    position = g.narrow(encode(g, weights, g.constant(middles, "f32")))
    tokens, image = two_way(g, tokens, image, position, weights, arch["decoder_heads"])

    up = lambda x, i: g.ConvTranspose(x, *both(g, f"{DECODER}.output_upscaling.{i}", weights), strides=[2, 2])
    image = g.Reshape(g.Transpose(image, perm=[0, 2, 1]), [0, dim, grid, grid])
    image = channels_last(g, g.Add(up(image, 0), each(levels[1], dim // 4, 2 * grid, 2 * grid)))
    image = g.Gelu(channels_first(g, layer_norm(g, image, f"{DECODER}.output_upscaling.1", weights, 1e-6)))
    image = g.Gelu(g.Add(up(image, 3), each(levels[0], dim // 8, fine, fine)))

    take = lambda first, end: g.Slice(tokens, [first], [end], [1])
    # the first mask token is for one mask without a choice, which is not asked for
    kernels = [perceptron(g, take(2 + i, 3 + i), f"{DECODER}.output_hypernetworks_mlps.{i}", weights) for i in range(1, 4)]
    masks = g.MatMul(g.Concat(*kernels, axis=1), g.Reshape(image, [0, dim // 8, fine**2]))
    iou = g.Sigmoid(perceptron(g, take(1, 2), f"{DECODER}.iou_prediction_head", weights))
    head = f"{DECODER}.pred_obj_score_head"
    score = g.linear(take(0, 1), head, weights) if f"{head}.weight" in weights else perceptron(g, take(0, 1), head, weights)
    iou = g.Slice(iou, [1], [4], [2])
    for name, x, shape in (("iou_scores", iou, [3]), ("pred_masks", masks, [3, fine, fine]), ("object_score_logits", score, [1])):
        g.output(name, g.Reshape(g.wide(x), g.Concat(objects, shape, axis=0)), "f32", ["batch", "objects", *shape])


def main():
    args = common.start(__doc__, "file or folder with the weights", ("f32", "f16"), fused=FUSED)
    weights = Weights(args.source)
    arch = architecture(args, weights)
    for field, wanted in ALIKE.items():
        if field.startswith(("use_", "pred_", "iou_", "directly_")) and arch[field] != wanted:
            sys.exit(f"config.json: {field} is one that is not exported")
    for name, make in (("vision_encoder", vision), ("prompt_encoder_mask_decoder", decoder)):
        g = Graph(args.out / f"{name}.onnx", args, weights.bytes)
        make(g, arch, weights)
        g.save()
    if check := common.checked(args):
        from sam2_check import compare

        compare(args, arch, weights, check)


if __name__ == "__main__":
    main()
