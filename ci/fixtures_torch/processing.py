"""What stands round Qwen2.5-VL: sizes, Pillow's resize, pixel values, chat text, token ids, the sampler's probabilities.

    python ci/fixtures_torch/processing.py [folder]        # writes tests/fixtures/processing.{json,safetensors}

Packages: ci/requirements-fixtures-torch.txt; the tokenizer from SOCIO_ASSETS (default ../shared/assets). Deterministic.

Images are noise: s = seed; for each byte, row by row, R, G, B: s = s * 6364136223846793005 + 1442695040888963407 (mod 2^64), the
byte is s >> 56. Sizes are [width, height] in `resize` and `images`, [height, width] in `smart_resize` (as the function has it).

 * `smart_resize`: rows [height, width, out height, out width] for two `max_pixels`; `too_long`: sizes that raise.
 * `resize`: Image.resize, sha256 of the bytes; all bytes of the small ones are tensors `resize.{i}.{filter}`.
 * `images`: Qwen2VLImageProcessorPil (bicubic by Pillow, then f32(f64(u8) * (1 / 255)), less the mean, over the deviation, both
   f32); sha256 of the resized bytes and of the little-endian f32 pixel values; `image.{i}.sample` is every `stride`-th value.
 * `chat`: text of the chat template; `tokens`: ids without anything added (`decoded` only where it is not the text);
   `decode`: ids to text, invalid UTF-8 becoming U+FFFD.
 * `sampler`: transformers' temperature, top-k, top-p warpers in that order; tensors `sampler.logits`, `sampler.probs`, a row each.
   Values equal to the k-th are all kept. Which of equal values at the end of top-p are kept is torch.sort's whim: where `ties`,
   compare the sorted probabilities (and `kept`), not those of each id.
"""

import hashlib
import json
import os
import random
import sys
from pathlib import Path

import numpy as np
import PIL
import tokenizers
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Qwen2VLImageProcessor, Qwen2VLImageProcessorPil, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

ROOT = Path(__file__).resolve().parents[2]
ASSETS = Path(os.environ.get("SOCIO_ASSETS", ROOT / "../shared/assets"))
MIN, MAX, QWEN_MAX = 56 * 56, 768 * 768, 14 * 14 * 4 * 1280
BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR

QUERY, BOXES = "Express Delivery", '[{"bbox_2d": [206, 360, 428, 534]}]'
INTRO = "You will be given two images. The first is a map and the second is a corresponding satellite image."
OUTPUT = "Output the thinking process in <think> </think> and final answer in <answer> </answer> tags."
STAGE1 = (
    INTRO + "Please find '{query}' with bboxs.Compare the difference between object(s) and find the most closely matched object(s)."
    + OUTPUT + " Please use English.Output the bbox(es) in JSON format.i.e., <think>thinking process here </think>"
    '<answer>[{"bbox_2d": [bx1,by1,bx2,by2]}, {"bbox_2d": [bx3,by3,bx4,by4]}]</answer>'
)  # fmt: skip
STAGE2 = (
    INTRO + 'Now some bbox(s) and the results after SAM segmentation for "{query}" have been rendered on these two images.'
    "The found bbox(s) are: {bboxs}.Please add some points appropriately to each bbox to better represent the area of interest."
    + OUTPUT + 'i.e., <think> thinking process here </think><answer>[{"bbox_2d": [bx1,by1,bx2,by2], "points": '
    '[[px1,py1],[px2,py2],[px3,py3]]}, {"bbox_2d": [bx3,by3,bx4,by4], "points": [[px4,py4],[px5,py5],[px6,py6]}]</answer>'
)  # fmt: skip


def noise(seed, width, height, channels=3):
    """The bytes of the docstring's generator, all at once: s_n = a^n s_0 + c (1 + a + ... + a^(n-1))."""
    count = width * height * channels
    powers = np.cumprod(np.full(count, 6364136223846793005, np.uint64))
    sums = np.cumsum(np.concatenate([np.ones(1, np.uint64), powers[:-1]]))
    state = powers * np.uint64(seed) + sums * np.uint64(1442695040888963407)
    pixels = (state >> np.uint64(56)).astype(np.uint8)
    return Image.fromarray(pixels.reshape((height, width, channels) if channels > 1 else (height, width)))


def sha(data):
    return hashlib.sha256(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()).hexdigest()


def sizes():
    rng = random.Random(1)
    fixed = [(768, 768), (756, 756), (14, 14), (42, 42), (70, 98), (28, 28), (1, 1), (1, 200), (200, 1), (13, 2600), (5000, 25), (56, 56), (500, 1344)]
    fixed += [(1024, 768), (1080, 1920), (4000, 3000), (3, 400), (14, 2000), (770, 770), (769, 767), (1176, 14), (1003, 1003), (1004, 1004), (20000, 100)]
    free = [(rng.randint(1, 90), rng.randint(1, 200)) for _ in range(60)] + [(rng.randint(20, 2500), rng.randint(20, 2500)) for _ in range(120)]
    pairs = [p for p in fixed + free if max(p) <= 200 * min(p)]
    rows = {str(top): [[h, w, *smart_resize(h, w, 28, MIN, top)] for h, w in pairs] for top in (MAX, QWEN_MAX)}
    too_long = [[1, 201], [201, 1], [5, 1001], [4001, 20]]
    for h, w in too_long:
        try:
            smart_resize(h, w)
        except ValueError:
            continue
        raise AssertionError((h, w))
    assert smart_resize(768, 768, 28, MIN, MAX) == (756, 756)
    return {"factor": 28, "min_pixels": MIN, "by_max_pixels": rows, "too_long": too_long}


def resizes(tensors):
    pairs = """768,768>756,756 756,756>768,768 1,1>1,1 1,1>5,7 1,1>56,56 1,9>9,1 1,9>4,20 9,1>20,4 3,5>700,11 5,3>11,700 2,2>3,3 3,3>2,2
    4,4>8,8 8,8>4,4 10,7>7,10 64,48>28,28 100,80>112,84 333,190>336,196 17,500>56,1540 640,480>644,476 1024,600>1008,588 300,300>1,1
    300,200>299,200 200,300>200,299 50,50>50,50 7,11>100,3 128,128>13,200 255,257>257,255 40,1>28,56 13,13>14,14 1000,3>20,60 600,600>599,601""".split()
    rows = []
    for i, pair in enumerate(pairs + ["64,48>28,28", "100,80>112,84", "768,768>256,256"]):
        source, target = (tuple(map(int, p.split(","))) for p in pair.split(">"))
        channels = 3 if i < len(pairs) else 1
        image, row = noise(100 + i, *source, channels), {"seed": 100 + i, "from": source, "to": target, "channels": channels}
        for name, method in (("bicubic", BICUBIC), ("bilinear", BILINEAR)):
            out = np.asarray(image.resize(target, method))
            row[name] = sha(out)
            if out.size <= 300:
                tensors[f"resize.{i}.{name}"] = torch.from_numpy(out.copy())
        rows.append(row)
    return rows


def images(tensors):
    rows = []
    processor = Qwen2VLImageProcessorPil(min_pixels=MIN, max_pixels=MAX)
    other = Qwen2VLImageProcessor(min_pixels=MIN, max_pixels=MAX)
    for i, (width, height) in enumerate([(56, 56), (60, 40), (100, 80), (30, 200), (333, 190), (768, 768), (1024, 600)]):
        image = noise(200 + i, width, height)
        out_h, out_w = smart_resize(height, width, 28, MIN, MAX)
        resized = image.resize((out_w, out_h), BICUBIC)
        got = processor(images=image, return_tensors="np")
        values, grid = got["pixel_values"], got["image_grid_thw"].tolist()
        assert values.dtype == np.float32
        assert np.array_equal(values, processor(images=resized, return_tensors="np")["pixel_values"]), "the processor does not resize as Pillow does"
        assert np.array_equal(values, by_hand(np.asarray(resized))), "pixel values by hand differ"
        torchvision = other(images=image, return_tensors="np")["pixel_values"]
        stride = max(values.size // 500, 1) | 1
        full = i == 0
        tensors[f"image.{i}.{'values' if full else 'sample'}"] = torch.from_numpy(values if full else values.reshape(-1)[::stride].copy())
        rows.append({"seed": 200 + i, "size": [width, height], "resized": [out_w, out_h], "grid_thw": grid, "shape": list(values.shape), "resized_sha256": sha(np.asarray(resized)), "values_sha256": sha(values.astype("<f4")), "stride": 1 if full else stride, "torchvision_max_difference": float(f"{np.abs(torchvision - values).max():.3g}")})
    return rows


def by_hand(pixels):
    """[h, w, 3] u8 -> [patches, 1176]: merged cells row by row, in a cell the 2x2 patches, in a patch channel, time, row, column."""
    scaled = (pixels.astype(np.float64) * (1 / 255)).astype(np.float32)
    mean = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
    deviation = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
    h, w = (n // 28 for n in pixels.shape[:2])
    cells = ((scaled - mean) / deviation).reshape(h, 2, 14, w, 2, 14, 3).transpose(0, 3, 1, 4, 6, 2, 5)
    return np.repeat(cells[:, :, :, :, :, None], 2, 5).reshape(h * w * 4, 1176)


def chat(text, count):
    pads = "<|vision_start|><|image_pad|><|vision_end|>" * count
    return f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{pads}{text}<|im_end|>\n<|im_start|>assistant\n"


def texts(tensors):
    raw = json.loads((ASSETS / "qwen2_5_vl_tokenizer/tokenizer.json").read_text())
    raw["added_tokens"] = [t for t in raw["added_tokens"] if t["id"] < 151665]
    tok = Tokenizer.from_str(json.dumps(raw))
    stage1 = STAGE1.replace("{query}", QUERY)
    stage2 = STAGE2.replace("{query}", QUERY).replace("{bboxs}", BOXES)
    stage2_none = STAGE2.replace("{query}", QUERY).replace("{bboxs}", "")
    chats = [{"images": n, "text": t, "chat": chat(t, n)} for n, t in ((0, "Hello!"), (1, "What is this?"), (2, stage1), (2, stage2), (2, stage2_none))]
    plain = [c["chat"] for c in chats] + [stage1, stage2] + [
        "", " ", "  ", "\n", "\n\n\n", " \n \t\n  x", "a", " a", "Hello, world!", "hello world  two   three    four", "tabs\tand\r\nlines\r\r\n",
        "It's we'll they'RE I'M can't 'sup", "<think>thinking process here </think>", "<think> </think><answer> </answer>", "<answer>[]</answer>",
        '<think>The map shows it.</think><answer>[{"bbox_2d": [360, 268, 538, 383], "points": [[452, 287], [487, 306]]}]</answer>',
        "<tool_call>{}</tool_call><tool_response>x</tool_response>", "0", "1234567890", "3.14159 -2e10 1,000,000 0x1F", "768x768", "\u00bd \u0664\u0665 \u2167 \u00b2",
        "请在地图上找到“快递”。", "北京市海淀区中关村大街27号", "中文 English 混合text测试123", "東京都庁 とうきょう カタカナ", "서울특별시 중구", "São Paulo, Nairobi, Zürich", "Москва — Санкт-Петербург",
        "مدينة نصر", "e\u0301 vs \u00e9, \u212b vs \u00c5", "🙂", "👩‍👩‍👧‍👦 🇨🇳🇧🇷 👍🏽", "x😀y 😀😀", "\ufeffbom\u200bzero\u00a0nbsp\u3000wide", "snake_case camelCase HTTPServer __init__", "a.b...c!!! ?? (x) [y] {z}",
        "http://example.org/a?b=c&d=%20", "\\\"quoted\\\" 'single' `tick`", "<|im_start|>user\nhi<|im_end|>", "<|endoftext|><|image_pad|><|fim_prefix|>", "<|im_start", "Logistics and Express Delivery", "class_12 'Jinan Zoo'", "\x00\x01\x7f",
    ]  # fmt: skip
    rows = []
    for text in plain:
        ids = tok.encode(text, add_special_tokens=False).ids
        assert max(ids, default=0) < 151665
        row = {"text": text, "ids": ids}
        for name, skip in (("decoded", False), ("decoded_without_special", True)):
            if (back := tok.decode(ids, skip_special_tokens=skip)) != text:
                row[name] = back
        rows.append(row)
    smile, han = (tok.encode(t, add_special_tokens=False).ids for t in ("👩‍👩‍👧‍👦", "龘靐"))
    pieces = [smile[:1], smile[:2], smile[1:], han[:1], han[1:], han[:2], [151644, 872, 198, 151645], [151657, 90, 151658], [198, 220, 151643]]
    decode = [{"ids": ids, "text": tok.decode(ids, skip_special_tokens=False), "without_special": tok.decode(ids, skip_special_tokens=True)} for ids in pieces]
    return {"chat": chats, "tokens": rows, "decode": decode}


def sampler(tensors):
    rng, vocab, rows, logits, probs = torch.Generator().manual_seed(7), 400, [], [], []
    add = lambda x, t=1.0, k=100, p=0.8, **note: rows.append({"temperature": t, "top_k": k, "top_p": p, **note}) or logits.append(x)
    for i in range(20):
        add(torch.randn(vocab, generator=rng) * (0.1, 0.5, 1, 2, 4, 8, 50)[i % 7] + i - 10)
    for i in range(5):
        add(torch.randn(vocab, generator=rng) * (1 + i), 0.7, 5, 0.5)
    for i in range(2):
        add(torch.randn(vocab, generator=rng) * 3, (0.99, 0.1)[i], 100, (0.99, 1.0)[i])
    add((torch.randn(vocab, generator=rng) * 4).round() / 2, ties=True)
    add((torch.randn(vocab, generator=rng) * 2).round(), 0.7, 5, 0.5, ties=True)
    add(torch.full((vocab,), 1.5), 1.0, 100, 0.801, ties=True)
    add(torch.tensor([3.0] * 7 + [1.0] * 393).roll(150), 1.0, 5, 0.6, ties=True)
    for row, x in zip(rows, logits):
        scores = TopKLogitsWarper(row["top_k"])(None, TemperatureLogitsWarper(row["temperature"])(None, x[None]))
        sums = scores.sort().values.softmax(-1).cumsum(-1)
        if row["top_p"] < 1:
            assert (sums - (1 - row["top_p"])).abs().min() > 1e-5, "a sum too close to the limit: other vectors"
            scores = TopPLogitsWarper(row["top_p"])(None, scores)
        probs.append(scores.softmax(-1)[0])
        row["kept"] = int((probs[-1] > 0).sum())
    tensors |= {"sampler.logits": torch.stack(logits), "sampler.probs": torch.stack(probs)}
    return rows


def main():
    torch.set_num_threads(1)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/fixtures"
    tensors = {}
    parts = {"smart_resize": sizes(), "resize": resizes(tensors), "images": images(tensors), **texts(tensors), "sampler": sampler(tensors)}
    versions = {"pillow": PIL.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__, "torch": torch.__version__}
    lines = [f' "versions": {json.dumps(versions)}']
    for name, part in parts.items():
        if isinstance(part, list):
            lines.append(f' "{name}": [\n' + ",\n".join("  " + json.dumps(r, ensure_ascii=False) for r in part) + "\n ]")
        else:
            lines.append(f' "{name}": {json.dumps(part)}')
    (folder / "processing.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "processing.safetensors")
    (folder / "processing.safetensors").chmod(0o644)
    for file in ("processing.json", "processing.safetensors"):
        print(file, (folder / file).stat().st_size, "bytes")


if __name__ == "__main__":
    main()
