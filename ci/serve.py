"""What ci/serve and ci/backends need of Python around a tiny Qwen2.5-VL. Needs torch and safetensors; Pillow for `pictures`.

    python ci/serve.py spread FOLDER           weights of `socio-bench models init` so wide that texts vary, in place
    python ci/serve.py files FOLDER            the files that a server of transformers wants beside config.json
    python ci/serve.py pictures OUT WxH...     PNGs of noise, in which any resize shows
    python ci/serve.py equal LOCAL REMOTE      an answer of `models ask --json` and one of `models ask`: what differs; exit code
                                               1 where rounding does not explain it
    python ci/serve.py told FILE               the same of what `determinism --out` wrote
    python ci/serve.py serve PACKAGES ARGUMENTS...   transformers' own `serve`; PACKAGES is a folder of further packages
"""

import json
import re
import sys
from pathlib import Path

# Below this gap of the two largest logits rounding may choose the other token: between one way of adding up f32 and another,
# the gaps of these weights were seen to differ by up to 7e-4 (ci/backends prints it).
NEAR = 1e-3
TEMPLATE = """\
{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for content in message['content'] %}\
{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}<|vision_start|><|image_pad|><|vision_end|>\
{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""  # Qwen2.5-VL's without videos


def spread(folder):
    # As `models init` draws them the answer is one token over and over, whatever is asked. The tokens likely here are printable
    # ASCII: the tokenizer speaks bytes, and random bytes are no UTF-8, so that a stream of them is not what the whole decodes to.
    import torch
    from safetensors.torch import load_file, save_file

    path = Path(folder, "model.safetensors")
    weights, g = load_file(path), torch.Generator().manual_seed(3)
    for name, w in weights.items():
        if "embed_tokens" in name:  # tied: also the head
            rows, wide = torch.randn(w.shape, generator=g), torch.full([len(w), 1], 0.01)
            wide[10] = wide[32:127] = 0.5
            wide[258] = 0.01  # <|im_end|>, so that few answers end before their limit
            weights[name] = (rows * wide).to(w.dtype)
        elif w.ndim >= 2:
            scale = 3.0 if "layers" in name else 2.0
            weights[name] = (torch.randn(w.shape, generator=g) * scale / w.shape[1:].numel() ** 0.5).to(w.dtype)
    save_file(weights, path, metadata={"format": "pt"})


def files(folder):
    told = {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "clean_up_tokenization_spaces": False,
            "model_max_length": 131072,
        },
        # With the bounds of the local path: what the client has resized has to be inside them.
        "preprocessor_config.json": {
            "image_processor_type": "Qwen2VLImageProcessor",
            "processor_class": "Qwen2_5_VLProcessor",
            "min_pixels": 3136,
            "max_pixels": 12845056,
            "patch_size": 14,
            "temporal_patch_size": 2,
            "merge_size": 2,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
    }
    for name, value in told.items():
        Path(folder, name).write_text(json.dumps(value, indent=1) + "\n")
    Path(folder, "chat_template.jinja").write_text(TEMPLATE)


def pictures(out, *sizes):
    import random

    from PIL import Image

    dice = random.Random(7)
    Path(out).mkdir(parents=True, exist_ok=True)
    for size in sizes:
        width, height = map(int, size.split("x"))
        # Noise, every pixel another: two ways of resizing give two pictures.
        Image.frombytes("RGB", (width, height), dice.randbytes(3 * width * height)).save(Path(out, f"{size}.png"))


def equal(local, remote):
    local = json.loads(Path(local).read_text())
    (answer,) = local["completions"]
    text, tokens = answer["text"], local["prompt_tokens"]
    # No JSON of what a server answers: that asks for log-probabilities, and transformers' tells none.
    found = re.fullmatch(r"(.*)\n\((\d+) prompt tokens, [^\n]*\)\n", Path(remote).read_text(), re.DOTALL)
    other, others = found[1], int(found[2])
    if tokens != others:
        print(f"asked with {tokens} and {others} tokens")
        return 1
    if text == other:
        print(f"equal: {tokens} tokens asked, {len(text)} characters told")
        return 0
    # One token is one character as long as all is ASCII.
    at = next((i for i, (a, b) in enumerate(zip(text, other)) if a != b), min(len(text), len(other)))
    gap = answer["gaps"][at] if text.isascii() and at < len(answer["gaps"]) else float("inf")
    why = "rounding: " if gap < NEAR else ""
    print(f"{why}texts part at token {at}, where the two likeliest are {gap:.1e} apart: {text!r} and {other!r}")
    return 0 if why else 1


def told(path):
    bad = 0
    for way in json.loads(Path(path).read_text())["ways"]:
        near = [f for f in way["flips"] if f["gap"] and min(f["gap"]) < NEAR]
        same = all(f["first"] == f["here"] for f in way["figures"])
        print(
            f"{way['name']}: {way['equal']} of {way['answers']} answers equal, {way['followed']} follow, "
            f"{len(way['masks'])} masks differ, tables {'equal' if same else 'differ'}"
        )
        for flip in way["flips"]:
            print(f"  {flip['sample']}, {flip['stage']}, gap {flip['gap']}: {flip['texts'][0]!r} became {flip['texts'][1]!r}")
        bad += way["answers"] == 0 or len(near) < len(way["flips"]) or (len(way["masks"]) > 0)
    return 1 if bad else 0


def serve(packages, *arguments):
    sys.path.append(packages)
    from transformers.cli.transformers import app

    sys.argv = ["transformers", "serve", *arguments]
    app()


if __name__ == "__main__":
    sys.exit({f.__name__: f for f in (spread, files, pictures, equal, told, serve)}[sys.argv[1]](*sys.argv[2:]))
