"""What the harness itself costs a sample, phase by phase, beside the same steps in Python: the table of docs/performance.md.

    python ci/bench_harness.py --bench target/release/socio-bench --assets banepa_socioseg [--rounds 3] [--json FILE]

Python 3.11 with the packages of ci/requirements-pipeline.txt; with pycocotools too Python writes masks as ours does (without, none).
A set of 200 samples is made of the assets under new ids. Two cases, each answered from a folder or by `null`:

    answers   a box round the truth and two points, in both stages (`--vlm answers:DIR --segmenter fill`)
    null      an empty list, in both stages (`--vlm null --segmenter null`)

Each round runs ours with `--in-flight 1`, then Python in a process of its own with one thread, on the same samples in the same order,
both with the allocator's settings told in docs/performance.md. Ours are the records' `timings`. The first samples of every round are
not counted; what is told are medians (means in --json) over the samples of all rounds. Both sides must come to the same pixels (hash
of the resized satellite image), counts and instances, or this ends with an error.

Phases, and what Python does in them (`pipeline` is ci/fixtures_pipeline/pipeline.py):

    decode    PIL: both images to RGB, the mask to L and to booleans, from bytes that were read before
    resize    PIL: both images to the working size; OpenCV: each stage's mask to the satellite's size
    render    pipeline.render of both images
    score     per stage: numpy's intersection and union; OpenCV's 8-connected components, contour boxes and the emitted objects,
              matched at IoU > 0.5. The truth's are found once a sample. With pycocotools the masks' RLE, which ours has here too
    write     json.dumps of the record
    hash      SHA-256 of the satellite image seen and of the two images of each request
    parse     pipeline.prompts_of
    embed     nothing: ours hashes the image in each stage, to know whether it was seen before
    segment   boxes filled: it stands for the segmenter and is in no sum

`rest` is what the records' totals hold beyond their phases: for ours hashes of both images as they came, and the truth's RLE; Python
does the same. `append` (checksum and one write a line) is in no record of ours; nor is `read`, since a thread of its own reads ahead.
"released PNGs" are what the released inference writes: the masks of both stages and the rendered images, of one sample in ten.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
import PIL
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "fixtures_pipeline"))
import pipeline  # noqa: E402

try:
    from pycocotools import mask as coco
except ImportError:
    coco = None
cv2.setNumThreads(1)

ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
CASES = {"answers": "fill", "null": "null"}
HARNESS = ["decode", "resize", "render", "score", "write"]
COUNTED = ["hash", "embed", "parse", "rest"]
OTHERS = ["append", "read", "segment", "released PNGs"]
NOTHING = "<think></think><answer>[]</answer>"
FILES = ["map.png", "sat.png", "mask.png", "question.json"]
STAGES = ["localize", "refine"]


# The set and the answers.


def make_set(assets, folder, count):
    """-> the sorted ids of `count` samples, the assets' own ones first, then copies whose number is higher by 1000, 2000, ..."""
    from_ = os.path.join(assets, "test")
    known = sorted(os.listdir(from_))
    made = []
    for i in range(count):
        name, number = known[i % len(known)].rsplit("_", 1)
        made.append(f"{name}_{int(number) + 1000 * (i // len(known)):04}")
        place = os.path.join(folder, "test", made[-1])
        os.makedirs(place)
        for file in FILES:
            shutil.copyfile(os.path.join(from_, known[i % len(known)], file), os.path.join(place, file))
    return sorted(made)


def make_answers(data, ids, folder):
    """A box round the truth and two points of it, as a model would answer about the image at its working size."""
    for stage in ("stage1", "stage2"):
        os.makedirs(os.path.join(folder, stage))
    for id_ in ids:
        mask = np.asarray(Image.open(os.path.join(data, "test", id_, "mask.png")).convert("L")) > 0
        size = mask.shape[::-1]
        sx, sy = (seen / own for seen, own in zip(pipeline.working_size(*size), size))
        ys, xs = np.nonzero(mask)
        box = [int(xs.min() * sx), int(ys.min() * sy), -int(-(xs.max() + 1) * sx // 1), -int(-(ys.max() + 1) * sy // 1)]
        points = [[int(xs[k] * sx), int(ys[k] * sy)] for k in (len(xs) // 3, 2 * len(xs) // 3)]
        for stage, found in (("stage1", {"bbox_2d": box}), ("stage2", {"bbox_2d": box, "points": points})):
            with open(os.path.join(folder, stage, f"{id_}.txt"), "w") as file:
                file.write(f"<think>The area stands out on the map.</think><answer>{json.dumps([found])}</answer>")


# Ours.


def run_ours(args, data, answers, case, *more):
    """-> seconds of the whole command."""
    vlm = f"answers:{answers}" if case == "answers" else "null"
    command = [args.bench, "run", "--data", data, "--method", "socioreasoner", "--vlm", vlm, "--segmenter", CASES[case]]
    command += ["--name", "h", "--runs", os.path.join(args.work, "runs"), *more]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ALLOCATOR)
    wall = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return wall


def records_of(args):
    folder = os.path.join(args.work, "runs", "h", "records")
    records = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as file:
            records += [json.loads(line) for line in file]
    return records


def phases_of(record):
    """A record's timings, and what its total has beyond them."""
    timings = dict(record["timings"])
    total, write = timings.pop("total"), timings.pop("write", None)
    # The parts of `vlm` are told apart from it, and are in it.
    timings = {phase: seconds for phase, seconds in timings.items() if not phase.startswith("vlm ")}
    timings["rest"] = max(0.0, total - sum(timings.values()))
    return timings if write is None else timings | {"write": write}


def outcome_of(record):
    """What both sides have to agree on."""
    stages = [s["score"] for s in record["stages"]]
    scores = [[s["intersection"], s["union"], [list(m.values()) for m in s["instances"]]] for s in stages]
    return {"id": record["id"], "pixels": record["stages"][0]["frame"]["pixels"], "scores": scores}


# Python.


def field(bytes_):
    return len(bytes_).to_bytes(8, "little") + bytes_


def pixels(image):
    """The hash of an image as the records have it."""
    raw = image.tobytes()
    hasher = hashlib.sha256(b"".join(field(side.to_bytes(4, "little")) for side in image.size))
    hasher.update(len(raw).to_bytes(8, "little"))
    hasher.update(raw)
    return hasher.hexdigest()[:32]


def rle(mask):
    found = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": found["size"], "counts": found["counts"].decode()}


class Parts:
    """The instances of a mask: components by pixel, and the boxes that the released code makes."""

    def __init__(self, mask):
        image = mask.view(np.uint8)
        count, self.labels, stats, _ = cv2.connectedComponentsWithStats(image, connectivity=8)
        self.count, self.areas = count - 1, stats[1:, cv2.CC_STAT_AREA]
        contours, _ = cv2.findContours(image, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        self.boxes = [cv2.boundingRect(c) for c in contours if cv2.contourArea(c) > 10]


def box_iou(a, b):
    w, h = (min(a[k] + a[k + 2], b[k] + b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    shared = max(w, 0) * max(h, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def matches(iou, truth, predicted):
    """-> [matched, predicted, truth], the most pairs of an IoU above one half."""
    partners = [[p for p in range(predicted) if iou(t, p) > 0.5] for t in range(truth)]
    owner = {}

    def assign(t, seen):
        for p in partners[t]:
            if p not in seen:
                seen.add(p)
                if p not in owner or assign(owner[p], seen):
                    owner[p] = t
                    return True
        return False

    return [sum(assign(t, set()) for t in range(truth)), predicted, truth]


def score(truth, parts, mask, objects):
    """The counts of a mask, and its instances under the four rules."""
    intersection = int(np.logical_and(mask, truth).sum())
    union = int(np.logical_or(mask, truth).sum())
    iou = 1.0 if union == 0 else intersection / union
    whole = [int(union > 0 and iou > 0.5), int(mask.any()), int(truth.any())]
    found = Parts(mask)
    pairs = parts.labels[truth] * (found.count + 1) + found.labels[truth]
    shared = np.bincount(pairs, minlength=(parts.count + 1) * (found.count + 1)).reshape(parts.count + 1, -1)
    by_component = lambda t, p: shared[t + 1, p + 1] / (parts.areas[t] + found.areas[p] - shared[t + 1, p + 1])
    height, width = truth.shape
    objects = [cv2.resize(o.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0 for o in objects]
    objects = [(int(o.sum()), np.bincount(parts.labels[o], minlength=parts.count + 1)) for o in objects if o.any()]
    by_object = lambda t, p: objects[p][1][t + 1] / (parts.areas[t] + objects[p][0] - objects[p][1][t + 1])
    by_box = lambda t, p: box_iou(parts.boxes[t], found.boxes[p])
    instances = [
        matches(by_component, parts.count, found.count),
        whole,
        matches(by_box, len(parts.boxes), len(found.boxes)),
        matches(by_object, parts.count, len(objects)),
    ]
    return [intersection, union, instances]


class Timed:
    def __init__(self):
        self.phases = {}

    def __call__(self, phase, work):
        start = time.perf_counter()
        result = work()
        self.phases[phase] = self.phases.get(phase, 0.0) + time.perf_counter() - start
        return result


def fill(keys, size):
    mask = np.zeros(size[::-1], bool)
    x0, y0, x1, y1 = keys["box"]
    mask[y0:y1, x0:x1] = True
    return mask


def one_sample(place, id_, answers, log, scratch):
    """A sample from its files to its line, as ours goes about it. -> seconds by phase, and what came of it.

    Without a folder for them, no pictures are written.
    """
    timed = Timed()

    def read():
        found = []
        for file in FILES:
            with open(os.path.join(place, file), "rb") as opened:
                found.append(opened.read())
        return found

    def decode():
        rgb = [Image.open(io.BytesIO(encoded)).convert("RGB") for encoded in (map_bytes, sat_bytes)]
        return *rgb, np.asarray(Image.open(io.BytesIO(mask_bytes)).convert("L")) > 0

    map_bytes, sat_bytes, mask_bytes, question = timed("read", read)
    query = json.loads(question)["problem"]
    map_, sat, truth = timed("decode", decode)
    own, seen = sat.size, pipeline.working_size(*sat.size)
    images = timed("resize", lambda: [image.resize(seen, Image.BICUBIC) for image in (map_, sat)])
    frame = timed("hash", lambda: pixels(images[1]))
    record, scores, parts, rendered, masks = {"id": id_, "query": query, "stages": []}, [], None, images, []
    for stage, text in zip(STAGES, answers):
        if masks:
            # Drawn over the first stage's images; the mask is resized and the boxes are read in there.
            rendered = timed("render", lambda: pipeline.render(pipeline.answer_text(answers[0]), images, masks[0].view(np.uint8)))
        request = timed("hash", lambda: [pixels(image) for image in rendered])
        wanted = timed("parse", lambda: pipeline.prompts_of(text))
        objects = timed("segment", lambda: [fill(keys, seen) for keys in wanted])

        def merged():
            union = np.zeros(seen[::-1], np.uint8)
            for found in objects:
                union = np.logical_or(union, found).astype(np.uint8)
            return cv2.resize(union, own, interpolation=cv2.INTER_NEAREST) > 0

        mask = timed("resize", merged) if objects else np.zeros(own[::-1], bool)

        def scored():
            nonlocal parts
            parts = parts or Parts(truth)
            counts = score(truth, parts, mask, objects)
            return counts, [rle(m) for m in (mask, *objects)] if coco else None

        counts, encoded = timed("score", scored)
        masks.append(mask)
        scores.append(counts)
        prompts = [{k: v.tolist() for k, v in keys.items()} for keys in wanted]
        said = {"name": stage, "text": text, "request": request, "frame": {"size": seen, "pixels": frame}}
        record["stages"].append(said | {"prompts": prompts, "masks": encoded, "score": counts})
    record |= timed("rest", lambda: {"map": pixels(map_), "satellite": pixels(sat), "truth": rle(truth) if coco else None})
    line = timed("write", lambda: json.dumps(record | {"score": scores[-1], "timings": timed.phases}, separators=(",", ":")))

    def append():
        log.write(f'{line[:-1]},"sum":"{hashlib.sha256(line[:-1].encode()).hexdigest()[:16]}"}}\n')
        log.flush()

    def released():
        for k, mask in enumerate(masks):
            Image.fromarray(mask.view(np.uint8) * 255).save(os.path.join(scratch, f"mask{k}.png"))
        for k, image in enumerate(rendered):
            image.save(os.path.join(scratch, f"render{k}.png"))

    timed("append", append)
    if scratch:
        timed("released PNGs", released)
    return timed.phases, {"id": id_, "pixels": frame, "scores": scores}


def said_about(id_, answers):
    said = []
    for stage in ("stage1", "stage2"):
        with open(os.path.join(answers, stage, f"{id_}.txt")) as file:
            said.append(file.read())
    return said


def in_python(data, answers, case, out):
    """The whole set, one sample after the other; its figures go to a file."""
    samples, outcomes = [], []
    with tempfile.TemporaryDirectory() as scratch, open(os.path.join(scratch, "log.jsonl"), "w") as log:
        for i, id_ in enumerate(sorted(os.listdir(os.path.join(data, "test")))):
            said = [NOTHING, NOTHING] if case == "null" else said_about(id_, answers)
            phases, outcome = one_sample(os.path.join(data, "test", id_), id_, said, log, scratch if i % 10 == 9 else None)
            samples.append(phases)
            outcomes.append(outcome)
    with open(out, "w") as file:
        json.dump({"samples": samples, "outcomes": outcomes, "rle": coco is not None}, file)


def run_python(args, data, answers, case):
    out = os.path.join(args.work, "python.json")
    subprocess.run([sys.executable, __file__, "--python", data, answers, case, out], check=True, env=os.environ | ALLOCATOR)
    with open(out) as file:
        return json.load(file)


# The tables.


def told(samples):
    """Median and mean of each phase in milliseconds, over the samples that came to it."""
    phases = sorted({phase for sample in samples for phase in sample})
    values = {phase: [sample[phase] * 1e3 for sample in samples if phase in sample] for phase in phases}
    return {phase: {"median": statistics.median(v), "mean": statistics.fmean(v)} for phase, v in values.items()}


def table(case, ours, theirs):
    print(f"\n| {case}: phase | ours, ms | Python, ms | ours / Python |\n|---|---:|---:|---:|")
    show = lambda v: "" if v is None else f"{v:.3f}"
    ratio = lambda a, b: f"{a / b:.2f}" if a is not None and b and a >= 0.0005 else ""
    value = lambda side, phase: side[phase]["median"] if phase in side else None
    line = lambda name, a, b: print(f"| {name} | {show(a)} | {show(b)} | {ratio(a, b)} |")
    sums = lambda phases: [sum(value(side, p) or 0 for p in phases) for side in (ours, theirs)]
    for phase in HARNESS:
        line(phase, value(ours, phase), value(theirs, phase))
    line("**sum**", *sums(HARNESS))
    line("sum without decode", *sums(HARNESS[1:]))
    for phase in COUNTED:
        line(phase, value(ours, phase), value(theirs, phase))
    line("**sum of all these**", *sums(HARNESS + COUNTED))
    for phase in OTHERS:
        line(phase, value(ours, phase), value(theirs, phase))


def measured(args, data, answers, case):
    ours, theirs, walls, totals = [], [], {"in flight 1": [], "in flight, default": [], "nothing left to do": []}, []
    for _ in range(args.rounds):
        walls["in flight 1"].append(run_ours(args, data, answers, case, "--in-flight", "1", "--fresh") / args.samples)
        walls["nothing left to do"].append(run_ours(args, data, answers, case) / args.samples)
        records = records_of(args)
        python = run_python(args, data, answers, case)
        records.sort(key=lambda r: r["id"])
        for record, outcome in zip(records, python["outcomes"], strict=True):
            if outcome_of(record) != outcome:
                sys.exit(f"the two sides differ:\nours   {outcome_of(record)}\nPython {outcome}")
        ours += [phases_of(r) for r in records[args.skip :]]
        theirs += python["samples"][args.skip :]
        totals += [r["timings"]["total"] for r in records[args.skip :]]
        walls["in flight, default"].append(run_ours(args, data, answers, case, "--fresh") / args.samples)
    result = {"ours": told(ours), "python": told(theirs), "python_rle": python["rle"]}
    result["ours_total"] = statistics.median(totals) * 1e3
    result["wall"] = {name: statistics.median(v) * 1e3 for name, v in walls.items()}
    return result


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", help="the release binary")
    parser.add_argument("--assets", help="a folder in the raw layout, with a `test` split")
    parser.add_argument("--work", default="target/ci/harness", help="made anew, and removed")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip", type=int, default=5, help="samples of a round that are not counted, the first so many")
    parser.add_argument("--json", metavar="FILE", help="medians and means of all phases")
    parser.add_argument("--python", nargs=4, metavar=("SET", "ANSWERS", "CASE", "OUT"), help="one round of Python alone")
    args = parser.parse_args()
    if args.python:
        return in_python(*args.python)
    if not (args.bench and args.assets):
        parser.error("--bench and --assets are needed")
    shutil.rmtree(args.work, ignore_errors=True)
    data, answers = os.path.join(args.work, "set"), os.path.join(args.work, "answers")
    ids = make_set(args.assets, data, args.samples)
    make_answers(data, ids, answers)
    machine = f"{os.cpu_count()} x {processor()}; Python {platform.python_version()}, Pillow {PIL.__version__}, "
    machine += f"OpenCV {cv2.__version__}, numpy {np.__version__}, " + ("pycocotools" if coco else "no pycocotools: masks are not written")
    print(f"{machine}. {args.samples} samples, {args.rounds} rounds, medians a sample, one thread.")
    results = {"machine": machine, "samples": args.samples, "rounds": args.rounds}
    for case in CASES:
        found = results[case] = measured(args, data, answers, case)
        table(case, found["ours"], found["python"])
        walls = ", ".join(f"{v:.2f} ({k})" for k, v in found["wall"].items())
        print(f"\n{case}: {found['ours_total']:.2f} ms a sample in the records; the whole command, start and report included: {walls}")
        if "write" not in found["ours"]:
            print("These records tell no `write`.")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)
    shutil.rmtree(args.work)


if __name__ == "__main__":
    main()
