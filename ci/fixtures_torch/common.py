"""Shared by the fixture scripts that need torch: random weights, pictures, and storing of expected tensors."""

import json
import re
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]


def randomise(model, seed, gains=()):
    """Every parameter and float buffer of `model` from a generator seeded by `seed` and the tensor's own name.

    Values are rounded to bfloat16 (and kept as float32): the files compress to half, and loading as bf16 loses nothing.
    Matrices have std gain/sqrt(fan_in), norm weights lie around 1, variances around 1, the rest is N(0, gain * 0.3).
    `gains`: (regular expression, factor) pairs, the first that matches the name counts.
    """
    with torch.no_grad():
        for name, t in [*model.named_parameters(), *model.named_buffers()]:
            if not t.is_floating_point():
                continue
            g = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
            noise = torch.randn(t.shape, generator=g)
            gain = next((f for pattern, f in gains if re.search(pattern, name)), 1.0)
            leaf = name.rsplit(".", 1)[-1]
            if leaf == "running_var":
                value = 0.5 + torch.rand(t.shape, generator=g)
            elif leaf == "running_mean":
                value = noise * 0.3
            elif "gaussian_matrix" in leaf:
                value = noise * gain
            elif leaf == "weight" and t.dim() == 1:
                value = 1 + 0.2 * noise
            elif t.dim() >= 2 and leaf == "weight":
                transposed = t.dim() == 4 and "output_upscaling" in name
                fan = t.shape[0] if transposed else t[0].numel()
                value = noise * gain / (1.0 if is_table(name) else fan**0.5)
            else:
                value = noise * 0.3 * gain
            t.copy_(value.to(torch.bfloat16).float())


def is_table(name):
    """Embeddings (rows of a table), which are not multiplied by anything."""
    return re.search(r"embeddings?\.|embed\.weight|tokens?\.weight|point_embed", name) is not None


def picture(width, height, seed):
    """u8 [height, width, 3]: gradients, a checker board, two discs and noise; integers only, so anything can make it."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    planes = []
    for c in range(3):
        v = (x * (3 + c) + y * (5 - c)) // 4 + ((x // 9 + y // 7 + c) % 2) * 60 + seed * 17
        v = np.where((x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2, 200 - 40 * c + v // 8, v)
        v = np.where((x - 3 * width // 4) ** 2 + (y - height // 3) ** 2 < (height // 5) ** 2, 20 + 70 * c, v)
        planes.append((v + (x * x * 7 + y * y * 13 + x * y * 5 + c * 31) % 23) % 256)
    return np.stack(planes, -1).astype(np.uint8)


class Expected:
    """Tensors for expected.safetensors. Above `limit` values only every `step`-th of the flattened tensor is kept."""

    def __init__(self, limit=4096):
        self.tensors, self.info, self.limit = {}, {}, limit

    def put(self, name, value, limit=None):
        value = torch.as_tensor(value).detach().contiguous()
        limit = limit or self.limit
        step = -(-value.numel() // limit)
        if step > 1:
            step += 1 - step % 2  # odd, so that all columns are met
        while step > 1 and any(n % step == 0 for n in value.shape[-2:] if n > 1):
            step += 2
        self.info[name] = {"shape": list(value.shape), "step": step}
        self.tensors[name] = value.flatten()[::step].clone() if step > 1 else value.clone()

    def put_bits(self, name, value):
        """A mask: flattened, eight to a byte, the first in the highest bit."""
        value = np.asarray(value).astype(bool)
        self.info[name] = {"shape": list(value.shape), "bits": 1}
        self.tensors[name] = torch.from_numpy(np.packbits(value.ravel()))

    def save(self, folder, extra):
        save_file(self.tensors, folder / "expected.safetensors")
        write_json(folder / "expected.json", {**extra, "tensors": self.info})


def write_json(path, value):
    """One line for each entry of the top level and of "tensors" and "cases"; compact inside."""
    dumps = lambda v: json.dumps(v, separators=(",", ":"))
    lines = []
    for key, v in value.items():
        if isinstance(v, dict) and len(dumps(v)) > 200:
            inner = ",\n".join(f"  {dumps(k)}:{dumps(w)}" for k, w in v.items())
            lines.append(f"{dumps(key)}:{{\n{inner}\n }}")
        elif isinstance(v, list) and len(dumps(v)) > 200:
            lines.append(f"{dumps(key)}:[\n" + ",\n".join("  " + dumps(w) for w in v) + "\n ]")
        else:
            lines.append(f"{dumps(key)}:{dumps(v)}")
    path.write_text("{\n " + ",\n ".join(lines) + "\n}\n")


def template(state):
    """Name -> shape, with the numbers of blocks or layers folded: "a.{}.b": [[first, last, shape], ...]."""
    folded = {}
    for name, t in state.items():
        m = re.match(r"(.*?\b(?:blocks|layers)\.)(\d+)(\..*)", name)
        if not m:
            folded[name] = list(t.shape)
            continue
        runs = folded.setdefault(m[1] + "{}" + m[3], [])
        i, shape = int(m[2]), list(t.shape)
        if runs and runs[-1][2] == shape and runs[-1][1] == i - 1:
            runs[-1][1] = i
        else:
            runs.append([i, i, shape])
    return folded


def rename(state, rules):
    """`state` under the names that `rules`, (regular expression, replacement) pairs applied in order, give."""
    out = {}
    for name, t in state.items():
        for pattern, to in rules:
            name = re.sub(pattern, to, name)
        out[name] = t
    return out


def hook(module, store, name, pick=lambda out: out):
    return module.register_forward_hook(lambda _m, _i, out: store.__setitem__(name, pick(out)))


def relative(a, b):
    a, b = torch.as_tensor(a).double(), torch.as_tensor(b).double()
    return ((a - b).norm() / b.norm()).item() if a.shape == b.shape else float("inf")
