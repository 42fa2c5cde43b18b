"""The networks of this project beside torch's own, in one run: the table of docs/performance.md.

    python ci/bench_networks.py --bench target/release/socio-bench --torch-python venv/bin/python --map map.png --satellite sat.png \\
        --tokenizer tokenizer.json [--whole] [--repeats 5] [--threads 2]

Each network is timed by `ci/bench_torch.py` and by `socio-bench models time`, one after the other, with the same threads, random
weights at true size, and the allocator's settings of this process for both (see docs/performance.md on page faults). Medians after
a round that is not counted. --whole adds Qwen2.5-VL-3B whole in bf16 (8 GiB, some minutes); without it, six of its layers and
eight of its vision blocks in f32.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def torch(args, *more):
    command = [args.torch_python, os.path.join(HERE, "bench_torch.py"), "--threads", str(args.threads), *more]
    out = subprocess.run(command, capture_output=True, text=True)
    lines = [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]
    if out.returncode or not lines:
        sys.exit(f"{' '.join(command)} failed:\n{out.stderr[-2000:]}")
    return {line["what"]: line for line in lines}


def ours(args, *more):
    command = [args.bench, "models", "time", *more, "--threads", str(args.threads), "--random", "0", "--json"]
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{out.stderr[-2000:]}")
    timing = json.loads(out.stdout)["timing"]
    return {p["name"]: statistics.median(p["seconds"]) for p in timing["phases"]}, timing["peak_memory"] / 2**20


def row(name, mine, theirs, mine_mib, theirs_mib):
    print(f"| {name} | {mine:.3f} | {theirs:.3f} | {mine / theirs:.2f} | {mine_mib:.0f} | {theirs_mib:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--torch-python", required=True)
    parser.add_argument("--map", required=True)
    parser.add_argument("--satellite", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--work", default="target/ci/full")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    print("| network | ours, s | torch, s | ratio | ours, MiB | torch, MiB |\n|---|---|---|---|---|---|")
    repeats = ["--repeats", str(args.repeats)]
    for what, name, label in [
        ("tinyvit1024", "mobile-sam", "MobileSAM's TinyViT, 1024, f32"),
        ("vit_b", "sam-vit-base", "SAM ViT-B, 1024, f32"),
        ("hiera_l", "sam2-hiera-large", "SAM 2 Hiera-L with its neck, 1024, f32"),
    ]:
        theirs = torch(args, "--what", what, *repeats)[what]
        mine, mib = ours(args, name, *repeats)
        row(label, mine["encode an image"], theirs["seconds"], mib, theirs["peak_rss_mib"])
    prompt = ["--tokenizer", args.tokenizer, "--image", args.map, "--image", args.satellite, "--tokens", "16"]
    sizes = [("six layers, eight vision blocks, f32", 6, 8, "f32", "3")]
    if args.whole:
        sizes.append(("whole, bf16", 36, 32, "bf16", "1"))
    for label, layers, depth, dtype, rounds in sizes:
        shape = ["--layers", str(layers), "--vision-depth", str(depth), "--dtype", dtype, "--text", "157", "--decode", "16"]
        theirs = torch(args, "--what", "qwen_prefill", *shape, "--repeats", rounds)
        model = "qwen2.5-vl-3b"
        if layers != 36:
            model = os.path.join(args.work, "qwen2.5-vl-3b-short.json")
            made = os.path.join(args.work, "qwen2.5-vl-3b.json")
            known = json.loads(subprocess.run([args.bench, "list", "networks", "--json"], capture_output=True, text=True, check=True).stdout)
            config = next(k["config"] for k in known if k["name"] == "qwen2.5-vl-3b")
            config["num_hidden_layers"] = layers
            config["vision_config"]["depth"] = depth
            os.makedirs(os.path.dirname(made), exist_ok=True)
            with open(model, "w") as file:
                json.dump(config, file)
        mine, mib = ours(args, model, *prompt, "--dtype", dtype, "--repeats", rounds)
        vision = theirs["qwen_vision"]["seconds"]
        peak = theirs["qwen_prefill"]["peak_rss_mib"]
        name = f"Qwen2.5-VL-3B, {label}"
        row(f"{name}: vision, two images of 756", mine["vision"], vision, mib, peak)
        row(f"{name}: prefill, 1615 tokens", mine["prefill"], theirs["qwen_prefill"]["seconds"] - vision, mib, peak)
        row(f"{name}: a token", mine["a token"], theirs["qwen_decode_token"]["seconds"], mib, peak)


if __name__ == "__main__":
    main()
