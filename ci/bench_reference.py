"""What the Python libraries take for the same operations: beside `cargo bench`, on one machine, one after the other.

    python ci/bench_reference.py [--parquet FOLDER]

Needs ci/requirements-fixtures.txt. The masks are 768x768 with four rectangles, as in benches/masks.rs; FOLDER holds the parquet
files that benches/parquet.rs reads (`socio-bench data convert ... --to parquet`). Medians of 30 repetitions (5 for datasets) after
a warm-up, one thread.
"""

import argparse
import statistics
import time

import cv2
import numpy as np
from pycocotools import mask as coco

cv2.setNumThreads(1)


def blocks(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros((768, 768), np.uint8, order="F")
    for _ in range(4):
        x, y, w, h = rng.integers(0, 600), rng.integers(0, 600), rng.integers(60, 200), rng.integers(60, 200)
        mask[y : y + h, x : x + w] = 1
    return mask


def median(name, work, repeat=30, inner=10):
    work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(inner):
            work()
        times.append((time.perf_counter() - start) / inner)
    print(f"{name:40} {statistics.median(times) * 1e6:12.1f} us", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--parquet")
    args = parser.parse_args()
    a, b = blocks(1), blocks(2)
    ab, bb = a > 0, b > 0
    rle = coco.encode(a)
    median("numpy: intersection and union", lambda: (np.logical_and(ab, bb).sum(), np.logical_or(ab, bb).sum()))
    median("pycocotools: encode", lambda: coco.encode(a))
    median("pycocotools: decode", lambda: coco.decode(rle))
    c = np.ascontiguousarray(a)
    median("OpenCV: 8-connected components, stats", lambda: cv2.connectedComponentsWithStats(c, connectivity=8))
    median("OpenCV: external contours", lambda: cv2.findContours(c, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE))
    if args.parquet:
        from datasets import load_dataset

        data = load_dataset("parquet", data_files={"test": f"{args.parquet}/data/test-*.parquet"}, split="test")

        def every():
            for row in data:
                row["map_image"].load(), row["sat_image"].load(), row["mask_label"].load()

        median(f"datasets: one pass, {len(data)} samples decoded", every, repeat=5, inner=1)


main()
