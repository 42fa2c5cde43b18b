"""Does the Python `datasets` library read a data set written by socio-bench, and are the samples the right ones?

    python ci/check_datasets.py FOLDER [--raw RAW] [--config NAME]

with the packages of ci/requirements-fixtures.txt (Python 3.11; checked with datasets 5.2.0, and 3.1.0 as SocioReasoner
pins it). FOLDER holds data/<split>-*.parquet; it is loaded as a whole (--config: the one of that name in
its card), without a network and with an empty cache.
Checks that map_image, sat_image and mask_label are `Image()` features and decode to PIL images, and prints splits, features,
first ids and image sizes. With --raw (<split>/<id>/{map,sat,mask}.png and question.json; folders that lack a file are no
samples), compares splits, ids, problem texts and all pixels: images as RGB, masks as L. Exit code 1 on any difference.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"

import datasets
import numpy as np
from PIL import Image

IMAGES = {"map_image": ("map.png", "RGB"), "sat_image": ("sat.png", "RGB"), "mask_label": ("mask.png", "L")}


def raw_samples(folder):
    """-> {id: folder} of the complete samples."""
    files = ["question.json"] + [name for name, _ in IMAGES.values()]
    return {f.name: f for f in sorted(folder.iterdir()) if all((f / name).is_file() for name in files)}


def check_schema(split, rows):
    for column in ("id", "problem"):
        if rows.features.get(column) != datasets.Value("string"):
            yield f"{split}: {column} is {rows.features.get(column)}, not a string"
    for column in IMAGES:
        if not isinstance(rows.features.get(column), datasets.Image):
            yield f"{split}: {column} is {rows.features.get(column)}, not Image()"


def check_rows(split, rows, raw):
    """Decodes every image; compares where `raw` has the sample."""
    sizes, modes = Counter(), Counter()
    for row in rows:
        sample = raw.get(row["id"])
        if sample and row["problem"] != json.loads((sample / "question.json").read_text(encoding="utf-8"))["problem"]:
            yield f"{split}/{row['id']}: problem is {row['problem']!r}"
        for column, (name, mode) in IMAGES.items():
            image = row[column]
            if not isinstance(image, Image.Image):
                yield f"{split}/{row['id']}: {column} decodes to {type(image).__name__}"
                continue
            sizes[column, image.size] += 1
            modes[column, image.mode] += 1
            if sample and not same(image.convert(mode), Image.open(sample / name).convert(mode)):
                yield f"{split}/{row['id']}: pixels of {column} differ from {name}"
    for (column, what), count in [*sizes.items(), *modes.items()]:
        print(f"  {column} {what}: {count}")


def same(a, b):
    return a.size == b.size and np.array_equal(np.asarray(a), np.asarray(b))


def check_ids(split, ids, raw):
    yield from (f"{split}: id {i!r} occurs {n} times" for i, n in Counter(ids).items() if n > 1)
    if raw is not None:
        yield from (f"{split}/{i}: not in the raw folder" for i in sorted(set(ids) - set(raw)))
        yield from (f"{split}/{i}: only in the raw folder" for i in sorted(set(raw) - set(ids)))


def check(folder, config, raw_root, cache):
    loaded = datasets.load_dataset(str(folder), config, cache_dir=cache)
    splits = {p.name for p in raw_root.iterdir() if p.is_dir()} if raw_root else set()
    yield from (f"{s}: split only in the raw folder" for s in sorted(splits - set(loaded)))
    for split, rows in loaded.items():
        print(f"{split}: {len(rows)} rows, first ids {rows[:5]['id']}")
        print("  " + ", ".join(f"{k}: {v}" for k, v in rows.features.items()))
        raw = raw_samples(raw_root / split) if split in splits else {} if raw_root else None
        wrong = list(check_schema(split, rows))
        yield from wrong
        if not wrong:
            yield from check_ids(split, rows["id"], raw)
            yield from check_rows(split, rows, raw or {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--config")
    args = parser.parse_args()
    print("datasets", datasets.__version__)
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        differences = list(check(args.folder.resolve(), args.config, args.raw, cache))
    for d in differences:
        print("DIFFERENCE", d)
    print(f"{len(differences)} differences")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
