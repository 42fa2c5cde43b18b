"""Parity fixture of the two-stage SocioReasoner pipeline: prompts, answer parsing, rendering, masks; no models.

Run from the repository root, with the packages of ci/requirements-pipeline.txt (Python 3.11):

    python ci/fixtures_pipeline/pipeline.py [--random N] [--seed S] [--out DIR]    # default: 150, 0, tests/fixtures/pipeline
    python ci/fixtures_pipeline/pipeline.py --dump NAME FOLDER                     # the pictures of one case as PNGs

Oracles: Python's json and re, numpy.array (which values make an array, of which type), Pillow (resize, rectangle,
alpha_composite) and OpenCV (INTER_NEAREST). The answers are recorded texts, the segmenter is the formula of `Segmenter`.
Seeded, so two runs write equal bytes. On x86-64: a coordinate that does not fit an int becomes -2^31 there.

Pictures: value of channel c at (x, y) for seed s, in integers without overflow:

    ((x*(7+2c) + y*(13+c) + (x/16)*(y/16)*(5+s) + 31s + 40c) xor ((x*y*(s+1)) >> 5)) & 255

with s = 2 * seed for the map and 2 * seed + 1 for the satellite image. Both have the case's size.

cases.json, one case a line:
    name, size [w, h], working [w, h], seed, query, answers [stage 1, stage 2], prompts [stage 1, stage 2] (user text)
    answer_text     of stage 1: what the second prompt and the rendering see
    resized         sha256 of the RGB bytes [map, satellite] at the working size
    stages          objects: box (4 f32) and points of every prompt the segmenter took (nan, inf and -inf as strings);
                    mask: sha256 of the bytes 0 and 1 at the case's size, row by row, area, bbox (half-open) or null
    rendered        sha256 of the RGB bytes [map, satellite] with boxes and mask drawn
blend.json: for ink 0 and 255 the channel after composing it with alpha 102 over 0..255.
rectangles.json: box, and sha256 of the painted pixels (0 or 1 a byte) of a 64x48 picture; null where Pillow raised.
"""

import argparse
import hashlib
import json
import math
import random
import re
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import PIL
from PIL import Image, ImageDraw

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "pipeline"
FACTOR, LEAST, MOST = 28, 56 * 56, 768 * 768


# The pipeline.


def working_size(w, h):
    """Qwen's smart_resize: multiples of 28 (halves to even), between the least and the most pixels."""
    near = lambda n: max(FACTOR, round(n / FACTOR) * FACTOR)
    if near(w) * near(h) > MOST:
        beta = math.sqrt((h * w) / MOST)
        return tuple(max(FACTOR, math.floor(n / beta / FACTOR) * FACTOR) for n in (w, h))
    if near(w) * near(h) < LEAST:
        beta = math.sqrt(LEAST / (h * w))
        return tuple(math.ceil(n * beta / FACTOR) * FACTOR for n in (w, h))
    return near(w), near(h)


def picture(size, s):
    y, x = np.mgrid[: size[1], : size[0]].astype(np.int64)
    plane = lambda c: (x * (7 + 2 * c) + y * (13 + c) + (x // 16) * (y // 16) * (5 + s) + 31 * s + 40 * c) ^ ((x * y * (s + 1)) >> 5)
    return Image.fromarray(np.stack([plane(c) & 255 for c in range(3)], -1).astype(np.uint8))


@cache
def pictures(size, seed):
    """-> [map, satellite] at the working size, and their digests."""
    found = [picture(size, 2 * seed + k).resize(working_size(*size)) for k in (0, 1)]
    return found, [digest(image) for image in found]


def prompt_1(query):
    example = '[{"bbox_2d": [bx1,by1,bx2,by2]}, {"bbox_2d": [bx3,by3,bx4,by4]}]'
    return (
        "You will be given two images. The first is a map and the second is a corresponding satellite image."
        f"Please find '{query}' with bboxs."
        "Compare the difference between object(s) and find the most closely matched object(s)."
        "Output the thinking process in <think> </think> and final answer in <answer> </answer> tags. Please use English."
        "Output the bbox(es) in JSON format."
        f"i.e., <think>thinking process here </think><answer>{example}</answer>"
    )


def prompt_2(query, boxes):
    # The second object's list is not closed: so in the released prompt.
    example = (
        '[{"bbox_2d": [bx1,by1,bx2,by2], "points": [[px1,py1],[px2,py2],[px3,py3]]}, '
        '{"bbox_2d": [bx3,by3,bx4,by4], "points": [[px4,py4],[px5,py5],[px6,py6]}]'
    )
    return (
        "You will be given two images. The first is a map and the second is a corresponding satellite image."
        f'Now some bbox(s) and the results after SAM segmentation for "{query}" have been rendered on these two images.'
        f"The found bbox(s) are: {boxes}."
        "Please add some points appropriately to each bbox to better represent the area of interest."
        "Output the thinking process in <think> </think> and final answer in <answer> </answer> tags."
        f"i.e., <think> thinking process here </think><answer>{example}</answer>"
    )


def answer_text(response):
    found = re.search("<answer>(.*?)</answer>", response, re.DOTALL)
    return found.group(1).strip() if found else ""


def parse(response):
    """-> [(box, points)] as plain lists; an object that raises on the way is left out."""
    try:
        items = json.loads(answer_text(response))
    except json.JSONDecodeError:
        return []
    parsed = []
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        try:
            points = [[p[0], p[1]] for p in item.get("points", [])]
        except Exception:
            continue
        box = item.get("bbox_2d", [])
        if isinstance(box, list) and len(box) == 4:
            parsed.append((box, points))
    return parsed


def prompts_of(response):
    """What the segmenter is called with. The box is set first: points that are no array leave it alone."""
    wanted = []
    for box, points in parse(response):
        keys = {}
        try:
            keys["box"] = np.array(box)
            if points:
                coords, labels = np.array(points), np.array([1] * len(points))
                if coords.shape[0] == labels.shape[0] and coords.shape[1] == 2:
                    keys |= {"point_coords": coords, "point_labels": labels}
        except Exception:
            pass
        if keys:
            wanted.append(keys)
    return wanted


class Segmenter:
    """Takes and refuses what SAM2ImagePredictor does (with a box always there); the masks are a formula."""

    def __init__(self, size):
        self.size, self.taken = size, []

    @staticmethod
    def floats(array):
        # Booleans, int64 and f64. Python's integers from 2^63 on make an "unsigned long long", which torch refuses too.
        if array.dtype.kind not in "bif":
            raise TypeError(f"no tensor of {array.dtype}")
        return array.astype(np.float32)

    def predict(self, box, point_coords=None, point_labels=None):
        """For k in 0..2: the box grown by 6k without a notch that marks its first corner, xor discs round the points."""
        corners, points = self.floats(box), np.zeros((0, 2), np.float32)
        if point_coords is not None:
            points = self.floats(point_coords)
        if corners.shape != (4,) or points.ndim != 2 or points.shape[1] != 2:
            raise ValueError("shape")
        self.taken.append({"box": numbers(corners), "points": [numbers(p) for p in points]})
        (x0, y0, x1, y1), points = corners.astype(np.float64), points.astype(np.float64)
        x, y = (np.arange(n, dtype=np.float64) for n in self.size)
        discs = np.zeros(self.size[::-1], bool)
        for px, py in points:
            discs |= ((x - px) ** 2)[None, :] + ((y - py) ** 2)[:, None] < 100
        notch = (np.abs(x - x0) < 5)[None, :] & (np.abs(y - y0) < 5)[:, None]
        masks = []
        for grow in (0.0, 6.0, 12.0):
            # A product, not two comparisons: a reversed box is the area between its sides, shrunk instead of grown.
            across = (x - (x0 - grow)) * ((x1 + grow) - x) >= 0
            down = (y - (y0 - grow)) * ((y1 + grow) - y) >= 0
            masks.append(across[None, :] & down[:, None] & ~notch ^ discs)
        return masks, np.roll(np.array([0.5, 0.7, 0.6]), len(points))


def segment(response, size):
    """-> mask (0 and 1) at the case's size, and the prompts the segmenter took."""
    segmenter, mask = Segmenter(working_size(*size)), np.zeros(working_size(*size)[::-1], np.uint8)
    wanted = prompts_of(response)
    if not wanted:
        return np.zeros(size[::-1], np.uint8), []
    for keys in wanted:
        try:
            with np.errstate(all="ignore"):
                masks, scores = segmenter.predict(**keys)
            mask = np.logical_or(mask, masks[np.argmax(scores)]).astype(np.uint8)
        except Exception:
            continue
    return cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), segmenter.taken


def boxes_of(text):
    """What is drawn: anything of length 4. A bbox_2d without a length ends all boxes."""
    try:
        items = json.loads(text)
        if not isinstance(items, list):
            return []
        return [i["bbox_2d"] for i in items if isinstance(i, dict) and "bbox_2d" in i and len(i["bbox_2d"]) == 4]
    except (json.JSONDecodeError, TypeError):
        return []


def paint(image, box):
    """Draws on an RGBA picture; False where Pillow or the box raised."""
    try:
        ImageDraw.Draw(image).rectangle([(box[0], box[1]), (box[2], box[3])], outline="blue", width=2)
        return True
    except Exception:
        return False


def render(text, images, mask):
    overlay = np.zeros((images[0].height, images[0].width, 4), np.uint8)
    overlay[cv2.resize(mask, images[0].size, interpolation=cv2.INTER_NEAREST) > 0] = [255, 0, 0, int(255 * 0.4)]
    rendered = []
    for image in images:
        canvas = image.convert("RGBA")
        for box in boxes_of(text):
            paint(canvas, box)
        rendered.append(Image.alpha_composite(canvas, Image.fromarray(overlay)).convert("RGB"))
    return rendered


def replay(case):
    """-> the fixture's line of a case, and its pictures."""
    size, (first, second) = case["size"], case["answers"]
    images, resized = pictures(size, case["seed"])
    text = answer_text(first)
    segmented = [segment(answer, size) for answer in (first, second)]
    rendered = render(text, images, segmented[0][0])
    line = {
        "name": case["name"],
        "size": size,
        "working": working_size(*size),
        "seed": case["seed"],
        "query": case["query"],
        "answers": [first, second],
        "prompts": [prompt_1(case["query"]), prompt_2(case["query"], text)],
        "answer_text": text,
        "resized": resized,
        "stages": [{"objects": objects, "mask": describe(mask)} for mask, objects in segmented],
        "rendered": [digest(image) for image in rendered],
    }
    seen = {"map": images[0], "sat": images[1], "rendered_map": rendered[0], "rendered_sat": rendered[1]}
    seen |= {f"mask_{k + 1}": Image.fromarray(mask * 255) for k, (mask, _) in enumerate(segmented)}
    return line, seen


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def describe(mask):
    ys, xs = np.nonzero(mask)
    bbox = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1] if len(xs) else None
    return {"sha256": digest(np.ascontiguousarray(mask)), "area": len(xs), "bbox": bbox}


def numbers(values):
    return [float(v) if np.isfinite(v) else str(float(v)) for v in values]


# The named cases.

E10 = lambda n: "1" + "0" * n
TIE = 2**38 + 1  # Just over half a step of f32 at 2^62, but no step of f64: rounding twice differs from rounding once.

# [name, bbox_2d]: each takes part between two good objects in stage 1, and alone with points in stage 2.
BOXES = [
    ("reversed-x", "[420, 150, 300, 260]"),
    ("reversed-y", "[300, 260, 420, 150]"),
    ("reversed-both", "[420, 260, 300, 150]"),
    ("reversed-by-a-pixel", "[301, 200, 300, 260]"),
    ("reversed-by-a-fraction", "[300.75, 200, 300.25, 260]"),
    ("outside-left", "[-200, 150, -40, 260]"),
    ("outside-right", "[800, 150, 900, 260]"),
    ("outside-top", "[300, -300, 420, -50]"),
    ("outside-bottom", "[300, 790, 420, 900]"),
    ("over-left", "[-30, 150, 60, 260]"),
    ("over-right", "[700, 150, 790, 260]"),
    ("over-top", "[300, -25, 420, 60]"),
    ("over-bottom", "[300, 700, 420, 780]"),
    ("over-every-side", "[-10, -10, 800, 800]"),
    ("just-outside", "[-1, -1, 756, 756]"),
    ("border", "[0, 0, 755, 755]"),
    ("border-756", "[0, 0, 756, 756]"),
    ("corner-first", "[0, 0, 0, 0]"),
    ("corner-last", "[755, 755, 755, 755]"),
    ("far-outside", "[-100000, -90000, 100000, 90000]"),
    ("pixel", "[300, 200, 300, 200]"),
    ("two-pixels", "[300, 200, 301, 201]"),
    ("height-0", "[300, 200, 420, 200]"),
    ("height-1", "[300, 200, 420, 201]"),
    ("height-2", "[300, 200, 420, 202]"),
    ("height-3", "[300, 200, 420, 203]"),
    ("height-4", "[300, 200, 420, 204]"),
    ("width-0", "[300, 150, 300, 260]"),
    ("width-1", "[300, 150, 301, 260]"),
    ("width-2", "[300, 150, 302, 260]"),
    ("width-3", "[300, 150, 303, 260]"),
    ("width-2-height-2", "[300, 150, 302, 152]"),
    ("height-0-at-top", "[300, 0, 420, 0]"),
    ("height-1-at-bottom", "[300, 755, 420, 756]"),
    ("width-0-at-left", "[0, 150, 0, 260]"),
    ("width-1-at-right", "[755, 150, 756, 260]"),
    ("floats", "[300.4, 150.5, 420.6, 260.99]"),
    ("floats-negative", "[-0.9, -0.5, 60.2, 40.7]"),
    ("exponents", "[3e2, 1.5E+2, 4200e-1, 26e1]"),
    ("minus-zero", "[-0, -0.0, 60, 40]"),
    ("1e400-x", "[-1e400, 150, 1e400, 260]"),
    ("1e39-x", "[300, 150, 1e39, 260]"),
    ("1e-400", "[1e-400, 150, 60, 260]"),
    ("f32-steps", "[16777217, 150, 16777219, 260]"),
    ("many-digits", "[300.000000000000000000000000000000001, 150.1234567890123456789, 420, 260]"),
    ("nan-x0", "[NaN, 150, 420, 260]"),
    ("nan-x1", "[300, 150, NaN, 260]"),
    ("nan-x", "[NaN, 150, NaN, 260]"),
    ("nan-all", "[NaN, NaN, NaN, NaN]"),
    ("infinity-x", "[-Infinity, 150, Infinity, 260]"),
    ("infinity-x0", "[Infinity, 150, 420, 260]"),
    ("infinity-x1", "[300, 150, Infinity, 260]"),
    ("minus-infinity-x0", "[-Infinity, 150, 420, 260]"),
    ("infinity-all", "[-Infinity, -Infinity, Infinity, Infinity]"),
    ("2^31-1-x", f"[300, 150, {2**31 - 1}, 260]"),
    ("2^31-x", f"[300, 150, {2**31}, 260]"),
    ("-2^31-x", f"[{-(2**31)}, 150, 420, 260]"),
    ("-2^31-1-x", f"[{-(2**31) - 1}, 150, 420, 260]"),
    ("2^32-x", f"[300, 150, {2**32 + 420}, 260]"),
    ("10^18-x", f"[300, 150, {E10(18)}, 260]"),
    ("2^63-1-x", f"[300, 150, {2**63 - 1}, 260]"),
    ("2^63-x", f"[300, 150, {2**63}, 260]"),
    ("2^63-and-negative", f"[-5, 150, {2**63 + 2**39 + 1}, 260]"),
    ("2^63-and-float", f"[300.5, 150, {2**63 + 2**39 + 1}, 260]"),
    ("2^63-and-positive", f"[300, 150, {2**63 + 2**39 + 1}, 260]"),
    ("2^63-and-true", f"[true, {2**63}, {2**63 + 2**39 + 1}, {2**63}]"),
    ("2^62-rounded-once", f"[300, 150, {2**62 + TIE}, 260]"),
    ("2^62-rounded-twice", f"[300.0, 150, {2**62 + TIE}, 260]"),
    ("2^63-all", f"[{2**63}, {2**63}, {2**63 + 2**39 + 1}, {2**64 - 1}]"),
    ("2^63-all-but-one", f"[{2**63 - 1}, {2**63}, {2**63 + 2**39 + 1}, {2**64 - 1}]"),
    ("2^63-all-and-2^64", f"[{2**63}, {2**63}, {2**63}, {2**64}]"),
    ("2^64-1-x", f"[300, 150, {2**64 - 1}, 260]"),
    ("2^64-x", f"[300, 150, {2**64}, 260]"),
    ("2^64-and-float", f"[300.5, 150, {2**64}, 260]"),
    ("-2^63-x", f"[{-(2**63)}, 150, 420, 260]"),
    ("-2^63-1-x", f"[{-(2**63) - 1}, 150, 420, 260]"),
    ("10^30-x", f"[300, 150, {E10(30)}, 260]"),
    ("-10^30-x", f"[-{E10(30)}, 150, 420, 260]"),
    ("10^400-x", f"[300, 150, {E10(400)}, 260]"),
    ("10^400-and-float", f"[300.5, 150, {E10(400)}, 260]"),
    ("10^18-both-y", f"[300, -{E10(18)}, 420, {E10(18)}]"),
    ("number", "300"),
    ("null", "null"),
    ("true", "true"),
    ("string-of-4", '"abcd"'),
    ("string-of-3", '"abc"'),
    ("string-of-4-digits", '"1234"'),
    ("string-of-4-astral", '"\\ud83d\\ude00\\ud83d\\ude01xy"'),
    ("string-of-2-astral", '"\U0001f600\U0001f601"'),
    ("empty-string", '""'),
    ("object-of-4", '{"0": 300, "1": 150, "2": 420, "3": 260}'),
    ("object-of-3", '{"0": 300, "1": 150, "2": 420}'),
    ("empty-object", "{}"),
    ("list-of-0", "[]"),
    ("list-of-3", "[300, 150, 420]"),
    ("list-of-5", "[300, 150, 420, 260, 1]"),
    ("with-null", "[300, null, 420, 260]"),
    ("with-string", '[300, "150", 420, 260]'),
    ("strings", '["300", "150", "420", "260"]'),
    ("with-true", "[true, 150, 420, 260]"),
    ("with-false-and-float", "[false, 150.5, 420, 260]"),
    ("booleans", "[false, false, true, true]"),
    ("true-and-null", "[true, false, null, 260]"),
    ("with-object", '[300, {"y": 150}, 420, 260]'),
]

# Long in y: a rectangle of 2^31 steps takes Pillow seconds, so these are few in stage 1 and the rest is left to stage 2.
TALL = ["[30, NaN, 120, 90]", "[30, 40, 120, 1e400]", f"[30, 40, 120, {E10(18)}]"]
TALL_2 = [
    "[300, -Infinity, 420, 260]",
    "[300, 150, 420, NaN]",
    f"[300, 150, 420, {2**63}]",
    f"[300, 150, 420, {2**64}]",
    f"[300, -{E10(30)}, 420, 260]",
    f"[300, 150, 420, {E10(400)}]",
    "[300, 1e39, 420, 260]",
]

# [name, points]: both stages, after a good object.
POINTS = [
    ("empty", "[]"),
    ("one", "[[360, 200]]"),
    ("three", "[[320, 170], [360, 200], [400, 240]]"),
    ("same-twice", "[[360, 200], [360, 200]]"),
    ("thirty-one", "[" + ", ".join(f"[{305 + 11 * (i % 10)}, {160 + 24 * (i // 10)}]" for i in range(31)) + "]"),
    ("outside", "[[-5, 200], [760, 200], [360, -1], [360, 99999]]"),
    ("floats", "[[360.5, 200.25], [3.7e2, 1e1]]"),
    ("extra-values", "[[360, 200, 1], [380, 220, null, {}]]"),
    ("null", "null"),
    ("true", "true"),
    ("number", "7"),
    ("float", "1.5"),
    ("empty-object", "{}"),
    ("object", '{"ab": 1}'),
    ("object-of-short-key", '{"a": 1}'),
    ("empty-string", '""'),
    ("string", '"ab"'),
    ("flat", "[360, 200]"),
    ("short-point", "[[360]]"),
    ("empty-point", "[[]]"),
    ("short-after-good", "[[360, 200], [1]]"),
    ("null-point", "[null]"),
    ("object-point", '[{"x": 360, "y": 200}]'),
    ("string-point", '["ab", "cd"]'),
    ("one-letter-point", '["a"]'),
    ("null-inside", "[[null, 1]]"),
    ("strings-inside", '[["1", "2"]]'),
    ("string-inside", '[[1, "2"]]'),
    ("booleans-inside", "[[true, false]]"),
    ("boolean-inside", "[[true, 200], [360, false]]"),
    ("boolean-and-float", "[[true, 200.5]]"),
    ("boolean-and-null", "[[true, null]]"),
    ("object-inside", "[[{}, 1]]"),
    ("deep", "[[[1, 2], [3, 4]]]"),
    ("deep-of-one", "[[[360], [200]]]"),
    ("deep-empty", "[[[], []]]"),
    ("deep-two", "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]"),
    ("uneven", "[[[1], 2], [3, 4]]"),
    ("uneven-later", "[[360, 200], [3, [4]]]"),
    ("uneven-lengths", "[[[1, 2], [3]]]"),
    ("uneven-depth", "[[[1, 2], [[3], [4]]]]"),
    ("uneven-null", "[[null, [1]]]"),
    ("uneven-string", '[["a", [1]]]'),
    ("uneven-object", '[[{"a": 1}, [1]]]'),
    ("uneven-extra", "[[360, 200, [1]], [380, 220]]"),
    ("nan", "[[NaN, 200], [360, 200]]"),
    ("infinity", "[[Infinity, 200], [360, -Infinity], [350, 210]]"),
    ("1e400", "[[1e400, -1e400], [360, 200]]"),
    ("10^18", f"[[{E10(18)}, 200], [360, 200]]"),
    ("2^63", f"[[{2**63}, 200], [360, 200]]"),
    ("2^63-and-negative", f"[[{2**63 + 2**39 + 1}, -1], [360, 200]]"),
    ("2^63-and-float", f"[[{2**63 + 2**39 + 1}, 1.5], [360, 200]]"),
    ("2^63-all", f"[[{2**63 + 2**39 + 1}, {2**63}], [{2**64 - 1}, {2**63}]]"),
    ("2^62-rounded-once", f"[[{2**62 + TIE}, 1], [360, 200]]"),
    ("2^62-rounded-twice", f"[[{2**62 + TIE}, 1.0], [360, 200]]"),
    ("2^64", f"[[{2**64}, 200], [360, 200]]"),
    ("10^30", f"[[{E10(30)}, 200], [360, 200]]"),
    ("10^30-and-string", f'[[{E10(30)}, "a"]]'),
    ("10^400", f"[[{E10(400)}, 200], [360, 200]]"),
    ("10^400-and-float", f"[[{E10(400)}, 200.5], [360, 200]]"),
    ("f32-steps", "[[16777217, 200], [360.1, 200.7]]"),
]

GOOD = '{"bbox_2d": [310, 160, 430, 270]}'
OTHER = '{"bbox_2d": [80, 500, 200, 640]}'

# [name, what stands in the answer tags]: both stages.
BODIES = [
    ("empty-list", "[]"),
    ("empty", ""),
    ("blank", " \n\t "),
    ("fenced", f"```json\n[{GOOD}]\n```"),
    ("single-quotes", "[{'bbox_2d': [310, 160, 430, 270]}]"),
    ("trailing-comma", f"[{GOOD},]"),
    ("trailing-comma-in-box", '[{"bbox_2d": [310, 160, 430, 270,]}]'),
    ("trailing-comma-in-object", '[{"bbox_2d": [310, 160, 430, 270],}]'),
    ("comment", f"[{GOOD}] // found"),
    ("text-after", f"[{GOOD}] as asked"),
    ("text-before", f"Here: [{GOOD}]"),
    ("two-lists", f"[{GOOD}][{OTHER}]"),
    ("unclosed-list", f"[{GOOD}"),
    ("the-example", '[{"bbox_2d": [1,2,3,4], "points": [[5,6],[7,8]]}, {"bbox_2d": [9,9,99,99], "points": [[10,10],[20,20]}]'),
    ("top-object", GOOD),
    ("top-number", "5"),
    ("top-string", '"bbox_2d"'),
    ("top-null", "null"),
    ("top-nan", "NaN"),
    ("top-list-of-numbers", "[310, 160, 430, 270]"),
    ("nested-list", f"[[{GOOD}], {OTHER}]"),
    ("mixed-items", f'[1, "bbox_2d", null, true, NaN, [], {GOOD}, {{}}]'),
    ("no-bbox", f'[{{"bbox": [310, 160, 430, 270]}}, {OTHER}]'),
    ("no-bbox-but-points", f'[{{"points": [[360, 200]]}}, {OTHER}]'),
    ("key-case", f'[{{"BBOX_2D": [310, 160, 430, 270]}}, {OTHER}]'),
    ("escaped-key", '[{"bbox\\u005f2d": [310, 160, 430, 270], "\\u0070oints": [[360, 200]]}]'),
    ("escaped-key-upper-hex", '[{"bbox\\u005F2d": [310, 160, 430, 270]}]'),
    ("duplicate-key", '[{"bbox_2d": [80, 500, 200, 640], "bbox_2d": [310, 160, 430, 270]}]'),
    ("duplicate-key-null", f'[{{"bbox_2d": [80, 500, 200, 640], "bbox_2d": null}}, {GOOD}]'),
    ("duplicate-key-null-first", f'[{{"bbox_2d": null, "bbox_2d": [80, 500, 200, 640]}}, {GOOD}]'),
    ("duplicate-points", '[{"points": null, "bbox_2d": [310, 160, 430, 270], "points": [[360, 200]]}]'),
    ("duplicate-points-null", '[{"points": [[360, 200]], "bbox_2d": [310, 160, 430, 270], "points": null}]'),
    ("other-fields", '[{"label": "zoo", "bbox_2d": [310, 160, 430, 270], "score": 0.9, "more": {"a": [1, {"b": null}]}}]'),
    ("points-first", '[{"points": [[360, 200]], "bbox_2d": [310, 160, 430, 270]}]'),
    ("no-spaces", '[{"bbox_2d":[310,160,430,270],"points":[[360,200],[380,220]]},{"bbox_2d":[80,500,200,640]}]'),
    ("many-spaces", '\r\n[ {\t"bbox_2d" : [ 310 ,160\n, 430,270 ] , "points":[ [360 ,200] ]\r} ]\n\n'),
    ("nbsp-around", f"\u00a0[{GOOD}]\u00a0"),
    ("ideographic-space-around", f"\u3000\n[{GOOD}]\u3000"),
    ("separators-around", f"\x1c\x1d[{GOOD}]\x1e\x1f"),
    ("next-line-around", f"\x85[{GOOD}]\x85"),
    ("other-spaces-around", f"\u1680\u2000\u200a\u2028\u2029\u202f\u205f\x0b\x0c[{GOOD}]\x0c\x0b\u2028"),
    ("zero-width-around", f"\u200b[{GOOD}]\u200b"),
    ("mongolian-separator-around", f"\u180e[{GOOD}]"),
    ("nul-around", f"[{GOOD}]\x00"),
    ("nbsp-inside", f"[\u00a0{GOOD}]"),
    ("form-feed-inside", f"[\x0c{GOOD}]"),
    ("bom", f"\ufeff[{GOOD}]"),
    ("bom-after", f"[{GOOD}]\ufeff"),
    ("bom-after-space", f" \ufeff[{GOOD}]"),
    ("tab-in-string", '[{"label": "a\tb", "bbox_2d": [310, 160, 430, 270]}]'),
    ("newline-in-string", '[{"label": "a\nb", "bbox_2d": [310, 160, 430, 270]}]'),
    ("unit-separator-in-string", '[{"label": "a\x1fb", "bbox_2d": [310, 160, 430, 270]}]'),
    ("delete-in-string", '[{"label": "a\x7f\x80b", "bbox_2d": [310, 160, 430, 270]}]'),
    ("escapes-in-string", '[{"label": "\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000", "bbox_2d": [310, 160, 430, 270]}]'),
    ("bad-escape", '[{"label": "\\x41", "bbox_2d": [310, 160, 430, 270]}]'),
    ("bad-escape-quote", "[{\"label\": \"it\\'s\", \"bbox_2d\": [310, 160, 430, 270]}]"),
    ("short-escape", '[{"label": "\\u12", "bbox_2d": [310, 160, 430, 270]}]'),
    ("signed-escape", '[{"label": "\\u+123", "bbox_2d": [310, 160, 430, 270]}]'),
    ("upper-escape", '[{"label": "\\U0041", "bbox_2d": [310, 160, 430, 270]}]'),
    ("lone-high-surrogate", '[{"label": "\\ud800", "bbox_2d": [310, 160, 430, 270]}]'),
    ("lone-low-surrogate", '[{"label": "\\uDC00x", "bbox_2d": [310, 160, 430, 270]}]'),
    ("surrogates-reversed", '[{"label": "\\ude00\\ud83d", "bbox_2d": [310, 160, 430, 270]}]'),
    ("surrogate-then-letter", '[{"label": "\\ud83d\\u0041", "bbox_2d": [310, 160, 430, 270]}]'),
    ("surrogate-then-bad-escape", '[{"label": "\\ud83d\\u00", "bbox_2d": [310, 160, 430, 270]}]'),
    ("surrogate-pair", '[{"label": "\\ud83d\\ude00", "bbox_2d": [310, 160, 430, 270]}]'),
    ("surrogate-key", '[{"\\ud800": 1, "bbox_2d": [310, 160, 430, 270]}]'),
    ("two-surrogate-keys", '[{"\\ud800": 1, "\\ud801": 2, "bbox_2d": [310, 160, 430, 270]}]'),
    ("non-ascii", '[{"label": "济南动物园 \U0001f992", "bbox_2d": [310, 160, 430, 270]}]'),
    ("unquoted-key", "[{bbox_2d: [310, 160, 430, 270]}]"),
    ("number-key", f"[{{1: 2}}, {GOOD}]"),
    ("python-literals", f'[{{"a": None, "b": True}}, {GOOD}]'),
    ("literals", f'[{{"a": null, "b": true, "c": false, "d": NaN, "e": Infinity, "f": -Infinity}}, {GOOD}]'),
    ("missing-comma", f"[{GOOD} {OTHER}]"),
    ("missing-colon", '[{"bbox_2d" [310, 160, 430, 270]}]'),
    ("double-comma", f"[{GOOD},, {OTHER}]"),
    ("semicolon", f"[{GOOD}; {OTHER}]"),
    ("tuple", '[{"bbox_2d": (310, 160, 430, 270)}]'),
    ("full-width", '［{"bbox_2d": [310, 160, 430, 270]}］'),
    ("html", "[{&quot;bbox_2d&quot;: [310, 160, 430, 270]}]"),
    ("think-inside", f"<think>again</think>[{GOOD}]"),
]

# Literals in a place where a number belongs: most of them are no JSON.
NUMBERS = ["01", "-01", "1.", ".5", "-.5", "+1", "1e5", "1E-2", "1e", "1e+", "1.e5", "--1", "- 1", "-", "0x10", "1_000", "1,5", "１２"]
NUMBERS += ["nan", "NAN", "-NaN", "infinity", "+Infinity", "Infinit", "inf", "- Infinity", "1NaN", "0e0", "-0e-0", "00", "1e00005", "0.0e0005", "1/2", "300px"]

# [name, whole text]: both stages.
TEXTS = [
    ("nothing", ""),
    ("no-tag", f"<think>no idea</think>[{GOOD}]"),
    ("unclosed", f"<think>t</think><answer>[{GOOD}]"),
    ("unopened", f"<think>t</think>[{GOOD}]</answer>"),
    ("closed-first", f"</answer><answer>[{GOOD}]</answer>"),
    ("reversed-tags", f"</answer>[{GOOD}]<answer>"),
    ("two-answers", f"<answer>[{GOOD}]</answer> or <answer>[{OTHER}]</answer>"),
    ("two-answers-first-bad", f"<answer>[{GOOD}</answer> or <answer>[{OTHER}]</answer>"),
    ("nested", f"<answer><answer>[{GOOD}]</answer></answer>"),
    ("opened-twice", f"<answer> <think>t</think><answer>[{GOOD}]</answer>"),
    ("closed-twice", f"<answer>[{GOOD}]</answer></answer>"),
    ("named-in-thinking", f"<think>I answer in <answer> tags.</think><answer>[{GOOD}]</answer>"),
    ("pair-named-in-thinking", f"<think>In <answer></answer> tags.</think><answer>[{GOOD}]</answer>"),
    ("upper-case", f"<ANSWER>[{GOOD}]</ANSWER>"),
    ("space-in-tag", f"<answer >[{GOOD}]</answer>"),
    ("space-in-end-tag", f"<answer>[{GOOD}]</ answer>[{OTHER}]</answer>"),
    ("tag-in-string", f'<answer>[{{"label": "</answer>", "bbox_2d": [310, 160, 430, 270]}}]</answer>'),
    ("answer-only", f"<answer>[{GOOD}]</answer>"),
    ("end-token", f"<think>t</think><answer>[{GOOD}]</answer><|im_end|>"),
    ("lines", f"<think>\nt\n</think>\n<answer>\n[\n{GOOD},\r\n{OTHER}\n]\n</answer>\n"),
]

QUERIES = [
    "Jinan Zoo",
    "areas of interest 'Sheyang Aaron Clothing Factory'",
    'the "Old" Market',
    "{prompt}",
    "{answer} {bboxs} {0} {} }{ %s $1 \\1 \\n",
    "济南动物园",
    "two\nlines\tand\r\nmore",
    "<answer>[]</answer>",
    "",
    "Café São Paulo \U0001f992",
    "  spaces  ",
    "<|im_end|><|image_pad|>",
]

PAPER = [
    ("xuzhou-water-sports-center", "Xuzhou Water Sports Center", '[{"bbox_2d": [266, 343, 352, 456], "points": [[314, 421], [327, 400]]}]'),
    ("express-delivery", "Express Delivery", '[{"bbox_2d": [206, 360, 428, 534], "points": [[304, 442], [341, 493]]}]'),
    ("4", "School", '[{"bbox_2d": [268, 359, 403, 490], "points": [[316, 387], [274, 390]]}]'),
    ("5", "Hospital", '[{"bbox_2d": [356, 285, 590, 523], "points": [[520, 361], [403, 369]]}]'),
    ("6", "Residential", '[{"bbox_2d": [384, 310, 562, 435], "points": [[500, 353], [425, 383]]}]'),
    ("7", "Educational", '[{"bbox_2d": [380, 379, 460, 502], "points": [[426, 426], [428, 449]]}]'),
]


def wrap(body):
    return f"<think>The area stands out on the map.</think><answer>{body}</answer>"


def named():
    def case(name, first, second, query="Jinan Zoo", size=(768, 768)):
        made.append({"name": name, "size": size, "seed": len(made) % 6, "query": query, "answers": [first, second]})

    made = []
    pointed = lambda box: f'{{"bbox_2d": {box}, "points": [[330, 180], [400, 240]]}}'
    fine_1, fine_2 = wrap(f"[{GOOD}]"), wrap(f"[{pointed('[310, 160, 430, 270]')}]")

    case("paper-jinan-zoo", wrap('[{"bbox_2d": [360, 268, 538, 383]}]'), wrap('[{"bbox_2d": [360, 268, 538, 383], "points": [[452, 287], [487, 306]]}]'))
    for name, query, second in PAPER:
        case(f"paper-{name}", wrap(second.split(", \"points")[0] + "}]"), wrap(second), query)
    several = [f'{{"bbox_2d": [{x}, {y}, {x + 130}, {y + 90}]' for x, y in ((40, 50), (120, 100), (500, 600), (600, 20), (30, 640))]
    case("several", wrap("[" + "}, ".join(several) + "}]"), wrap("[" + ', "points": [[150, 120], [560, 640]]}, '.join(several) + "}]"))
    case("one-then-three", fine_1, wrap(f"[{pointed('[310, 160, 430, 270]')}, {OTHER}, {pointed('[500, 500, 700, 700]')}]"))
    case("three-then-one", wrap("[" + "}, ".join(several[:3]) + "}]"), fine_2)
    case("empty-then-one", wrap("[]"), fine_2)
    case("one-then-empty", fine_1, wrap("[]"))
    case("box-on-box", wrap(f"[{GOOD}, {GOOD}, {pointed('[330, 180, 400, 240]')}]"), wrap(f"[{', '.join([pointed('[310, 160, 430, 270]')] * 2)}]"))
    case("nothing-taken", wrap('[{"bbox_2d": ["a", 1, 2, 3]}]'), wrap('[{"bbox_2d": [1, 2, null, 3]}, {"bbox_2d": [1, 2, 3, 4], "points": [["a", 1]]}]'))
    for i, size in enumerate([(512, 640), (640, 512), (300, 200), (900, 1000), (42, 70), (40, 30), (28, 28), (756, 756), (767, 769)]):
        w, h = working_size(*size)
        boxes = [(0, 0, w // 5, h - 1), (w // 4, h // 5, w // 2, h // 2), (w // 2, h // 2, w + 3, h - 2), (w // 3, h - 4, w // 3, h - 4)]
        texts = [f'{{"bbox_2d": {list(b)}' for b in boxes[i % 2 :]]
        second = [t + f', "points": [[{w // 3}, {h // 3}], [{w - 9}, {h // 2}]]}}' for t in texts]
        case(f"size-{size[0]}x{size[1]}", wrap("[" + "}, ".join(texts) + "}]"), wrap("[" + ", ".join(second) + "]"), QUERIES[i], size)
    for i, query in enumerate(QUERIES):
        case(f"query-{i}", fine_1, fine_2, query, ((768, 768), (512, 640))[i % 2])
    for name, box in BOXES:
        case(f"box-{name}", wrap(f'[{GOOD}, {{"bbox_2d": {box}}}, {OTHER}]'), wrap(f"[{pointed(box)}]"))
    for i, box in enumerate(TALL):
        case(f"tall-{i}", wrap(f'[{{"bbox_2d": {box}}}]'), wrap(f"[{pointed(box)}]"), size=(300, 200))
    for i, box in enumerate(TALL_2):
        case(f"tall-in-stage-2-{i}", fine_1, wrap(f"[{pointed(box)}, {OTHER}]"))
    for name, points in POINTS:
        text = f'{{"bbox_2d": [310, 160, 430, 270], "points": {points}}}'
        case(f"points-{name}", wrap(f"[{OTHER}, {text}]"), wrap(f"[{text}, {OTHER}]"))
    for name, body in BODIES:
        case(f"body-{name}", wrap(body), wrap(body))
    for i, literal in enumerate(NUMBERS):
        body = lambda x, px: wrap(f'[{{"bbox_2d": [{x}, 160, 430, 270], "points": [[{px}, 200]]}}, {OTHER}]')
        case(f"number-{i}", body(literal, 360), body(310, literal))
    for name, text in TEXTS:
        case(f"text-{name}", text, text)
    return made


# The random cases.

ODD_NUMBERS = NUMBERS + ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e39", "null", "true", "false", '"12"', '""', "{}", "-0", "-0.0", "1e-7"]
ODD_NUMBERS += [str(n) for n in (2**31 - 1, 2**31, -(2**31) - 1, 2**32 + 7, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**30, -(10**30), 10**400)]

ODD_FIELDS = ['"label": "zoo"', '"label": "\\ud800"', '"label": "\\u6d4e"', '"score": 1E-3', '"": {"a": [1]}']
ODD_FIELDS += ['"bbox_2d": [5, 6, 70, 80]', '"points": []']


def draw_number(rng, limit):
    kind = rng.random()
    if kind < 0.6:
        return str(rng.randrange(limit))
    if kind < 0.75:
        return f"{rng.uniform(-40, limit + 40):.{rng.randrange(1, 6)}f}"
    return str(rng.randrange(-60, limit + 60)) if kind < 0.9 else rng.choice(ODD_NUMBERS)


def draw_box(rng, w, h):
    if rng.random() < 0.1:
        return rng.choice(BOXES)[1]
    xs, ys = sorted(rng.choices(range(w), k=2)), sorted(rng.choices(range(h), k=2))
    if rng.random() < 0.08:
        xs[1] = xs[0] + rng.randrange(-2, 4)
    if rng.random() < 0.08:
        ys[1] = ys[0] + rng.randrange(-2, 4)
    values = [str(v) for v in (xs[0], ys[0], xs[1], ys[1])]
    while rng.random() < 0.15:
        i = rng.randrange(4)
        values[i] = draw_number(rng, (w, h)[i % 2])
    return "[" + rng.choice([", ", ","]).join(values) + "]"


def draw_points(rng, w, h):
    if rng.random() < 0.15:
        return rng.choice(POINTS)[1]
    exact = rng.random() < 0.8
    value = lambda limit: str(rng.randrange(limit)) if exact else draw_number(rng, limit)
    return "[" + ", ".join(f"[{value(w)}, {value(h)}]" for _ in range(rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 4, 7]))) + "]"


def draw_item(rng, w, h, stage):
    if rng.random() < 0.05:
        return rng.choice(["null", "5", '"a"', "[]", "{}", "[1, 2, 3, 4]", "NaN"])
    fields = [f'"bbox_2d": {draw_box(rng, w, h)}']
    if rng.random() < (0.2, 0.9)[stage]:
        fields.append(f'"points": {draw_points(rng, w, h)}')
    if rng.random() < 0.1:
        fields.append(rng.choice(ODD_FIELDS))
    if rng.random() < 0.15:
        rng.shuffle(fields)
    return "{" + ", ".join(fields) + "}"


def mutate(rng, text):
    at = rng.randrange(len(text) + 1)
    end = min(len(text), at + rng.choice([1, 1, 1, 2, 3, 9, 40]))
    kind = rng.randrange(6)
    if kind == 0:
        return text[:at] + text[end:]
    if kind == 1:
        return text[:end] + text[at:]
    if kind == 2:
        return text[:at] + rng.choice(list("[]{}\"',:.-\\/ \n\t0e") + ["\u00a0", "<answer>", "</answer>", "null", "NaN,", "[]", "//", "\\u005f"]) + text[at:]
    if kind == 3:
        return text[:at] + rng.choice('[]{}",: 7') + text[at + 1 :]
    found = list(re.finditer(r"-?\d+(\.\d+)?", text))
    if not found:
        return text
    spot = rng.choice(found)
    return text[: spot.start()] + rng.choice(ODD_NUMBERS) + text[spot.end() :]


def draw_answer(rng, size, stage):
    w, h = working_size(*size)
    items = [draw_item(rng, w, h, stage) for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3, 4]))]
    body = "[" + ", ".join(items) + "]"
    if rng.random() < 0.06:
        body = rng.choice(BODIES)[1]
    if rng.random() < 0.3:
        for _ in range(rng.choice([1, 1, 2, 3])):
            body = mutate(rng, body)
    space = lambda: rng.choice(["", "", "", "", " ", "\n", "\u3000", "\x85"])
    text = wrap(space() + body + space())
    if rng.random() < 0.1:
        text = mutate(rng, text)
    return rng.choice(TEXTS)[1] if rng.random() < 0.04 else text


def usable(answer, drawn):
    """Not: boxes with lists inside (out of scope), what the released code does not catch, drawing that takes seconds."""
    try:
        boxes = [box for box, _ in parse(answer)] + boxes_of(answer_text(answer))
    except (ValueError, RecursionError):
        return False
    for box in boxes:
        if isinstance(box, list) and any(isinstance(v, list) for v in box):
            return False
        if drawn and isinstance(box, list) and any(isinstance(v, (int, float)) and not abs(v) < 1e6 for v in box[1::2]):
            return False
    return True


def randoms(count, seed):
    rng = random.Random(seed)

    def answer(size, stage):
        while True:
            text = draw_answer(rng, size, stage)
            if usable(text, stage == 0):
                return text

    for i in range(count):
        size = rng.choice([(768, 768)] * 7 + [(512, 640)] * 2 + [(300, 200)])
        query = rng.choice(QUERIES)
        answers = [answer(size, stage) for stage in (0, 1)]
        yield {"name": f"random-{seed}-{i}", "size": size, "seed": rng.randrange(6), "query": query, "answers": answers}


# The two small files.


def blend():
    ramp = np.arange(256, dtype=np.uint8)
    under = np.stack([ramp, ramp, ramp, np.full(256, 255, np.uint8)], -1)[None]
    result = {}
    for ink in (0, 255):
        over = np.broadcast_to(np.array([ink, ink, ink, 102], np.uint8), under.shape)
        mixed = np.asarray(Image.alpha_composite(Image.fromarray(under), Image.fromarray(np.ascontiguousarray(over))))
        assert (mixed[..., 3] == 255).all()
        result[str(ink)] = mixed[0, :, 0].tolist()
    return result


def rectangles():
    rng = random.Random(20260701)
    boxes = []
    for i in range(400):
        whole = i % 2 == 0
        value = lambda: rng.randrange(-40, 101) if whole else round(rng.uniform(-40, 100), rng.randrange(1, 5))
        x0, y0, x1, y1 = (value() for _ in range(4))
        if i % 8 != 7:
            (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
        if i % 5 == 1:
            x1 = x0 + rng.randrange(4) if whole else x0 + rng.random() * 3
        if i % 5 == 2:
            y1 = y0 + rng.randrange(5) if whole else y0 + rng.random() * 4
        boxes.append([x0, y0, x1, y1])
    # Only in x: in y they cost 2^31 steps.
    odd = [math.nan, math.inf, -math.inf, 1e10, -1e10, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32 + 20, 10**30]
    boxes += [[v, 10, 30, 25] for v in odd] + [[10, 10, v, 25] for v in odd] + [[10, 10, v, 11] for v in odd]
    boxes += [[a, 5, b, 20] for a in odd[:5] for b in odd[:5]]
    # Four that loop long, and two that do not because both ends become the same.
    boxes += [[10, 10, 30, 1e10], [10, math.nan, 30, 25], [10, -math.inf, 30, 25], [10, 10, 30, math.nan]]
    boxes += [[10, -1e10, 30, 1e10], [10, math.nan, 30, math.nan]]
    for box in boxes:
        image = Image.new("RGBA", (64, 48), (0, 0, 0, 255))
        painted = paint(image, box)
        mask = (np.asarray(image)[..., 2] > 0).astype(np.uint8)
        plain = [v if isinstance(v, int) or math.isfinite(v) else str(v) for v in box]
        yield {"box": plain, "sha256": digest(np.ascontiguousarray(mask)) if painted else None}


def write(path, text):
    path.write_text(text, encoding="ascii", newline="\n")
    print(path.name, len(text), "bytes")


def lines(items):
    return "[\n" + ",\n".join(json.dumps(i, separators=(",", ":"), allow_nan=False) for i in items) + "\n]\n"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--random", type=int, default=150)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--dump", nargs=2, metavar=("NAME", "FOLDER"))
    chosen = options.parse_args()
    # 9.5 to 12.0 write the same bytes; 13 resizes 300x200, 640x512 and 42x70 otherwise.
    assert int(PIL.__version__.split(".")[0]) < 13, "needs the Pillow of ci/requirements-pipeline.txt"
    cases = named() + list(randoms(chosen.random, chosen.seed))
    assert len({c["name"] for c in cases}) == len(cases)
    if chosen.dump:
        name, folder = chosen.dump
        Path(folder).mkdir(parents=True, exist_ok=True)
        line, seen = replay(next(c for c in cases if c["name"] == name))
        for part, image in seen.items():
            image.save(Path(folder) / f"{name}-{part}.png")
        print(json.dumps(line, indent=1))
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    write(chosen.out / "cases.json", lines(replay(c)[0] for c in cases))
    inks = (f'"{ink}":{json.dumps(ramp, separators=(",", ":"))}' for ink, ramp in blend().items())
    write(chosen.out / "blend.json", "{\n" + ",\n".join(inks) + "\n}\n")
    write(chosen.out / "rectangles.json", lines(rectangles()))
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
