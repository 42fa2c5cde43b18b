"""The networks on every library, beside the same library driven from Python, in one run: the table of docs/performance.md.

    python ci/bench_backends.py --bench target/release/socio-bench --tokenizer tokenizer.json --json out.json \\
        [--torch-python PYTHON] [--onnxruntime-python PYTHON] [--export-python PYTHON] [--mkl-bench BINARY] [--only REGEX] [--rounds 2]

Ours is `socio-bench models time`: candle (--bench; with --mkl-bench another build of it too), libtorch (`tch:`) and onnxruntime
(`ort:`). Theirs is torch with Meta's SAM and SAM 2 and with transformers' Qwen2.5-VL (--torch-python: the packages of
ci/requirements-fixtures-torch.txt), and onnxruntime on the very graphs that ours runs (--onnxruntime-python: onnxruntime, numpy,
Pillow; without --graphs they are made in --work by `models init` and ci/export, run by --export-python). What is not given is left
out. Random weights at true size; of Qwen2.5-VL-3B --layers of 36 and --vision-depth of 32, on two images of 768 x 768, a prompt of
1615 tokens and 16 drawn ones.

An encoder's time begins with the image and includes resizing and normalising it, on both sides by each side's own code;
`alone` in the JSON is the network by itself, of theirs. Qwen's images are made ready before.

The measurements of a network run one after the other, ours and theirs back to back, and then all of them again (--rounds); medians
are over all rounds of all runs but each process's first. Each is run again, twice at most, where others took more than --noise of
a processor meanwhile (from /proc/stat, less what the measurement itself used) or the load was above 2.5 for each two threads.
What is kept is the quietest. Every process gets the environment of this one: libraries' paths, and the allocator's two settings:

    MALLOC_ARENA_MAX=1 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184

The first matters to ours alone: glibc gives what a thread other than the main one freed back to the system, whatever the other two
say, and our networks run on threads of their own.

--cpu is for a machine that is not quiet: the processor time of each phase (user and system) instead of the time on the clock. Use it
with --threads 1, since threads that wait for others may spin. The process is watched from outside: what it had used when a phase began
and ended, counted back from when it printed its times.
"""

import argparse
import bisect
import json
import os
import platform
import re
import resource
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SIDE = 768  # of a given image
ENCODE, VISION, PREFILL, TOKEN = "encode an image", "vision", "prefill", "a token"
# what, our name, its title, whether there are graphs
ENCODERS = [
    ("tinyvit1024", "mobile-sam", "MobileSAM's TinyViT, 1024", False),
    ("vit_b", "sam-vit-base", "SAM ViT-B, 1024", False),
    ("hiera_t", "sam2-hiera-tiny", "SAM 2 Hiera-T with its neck, 1024", True),
    ("hiera_l", "sam2-hiera-large", "SAM 2 Hiera-L with its neck, 1024", True),
]
QWEN = "qwen2.5-vl-3b"
TITLES = {VISION: "vision, two images of 756", PREFILL: "prefill, {prompt} tokens", TOKEN: "a token"}
# ours, theirs: what is divided by what
PAIRS = [("tch f32", "torch f32"), ("tch bf16", "torch bf16"), ("ort f32", "onnxruntime f32"), ("candle f32", "torch f32"), ("candle bf16", "torch bf16"),
         ("candle mkl f32", "torch f32")]  # fmt: skip
COLUMNS = ["torch f32", "tch f32", "candle f32", "candle mkl f32", "torch bf16", "tch bf16", "candle bf16", "onnxruntime f32", "ort f32"]


# ---- theirs: in processes of their own, with the Python that has the library


def drawn():
    """An image; what is on it does not matter here."""
    import numpy

    return numpy.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=numpy.uint8)


def prompt_ids(length, images, tokens, image_token):
    """As many text tokens as `length` leaves, the images after the first of them."""
    text = length - images * (tokens + 2)
    picture = [151652] + [image_token] * tokens + [151653]
    return [100 + i for i in range(20)] + picture * images + [200 + i for i in range(text - 20)]


def torch_encoder(args, dtype):
    import torch

    net, preparing = torch_built(args.worker_what, dtype)
    image, phases = drawn(), {ENCODE: [], "alone": []}
    for round_ in range(args.repeats + 1):
        start = time.perf_counter()
        with torch.inference_mode():
            x = preparing(image).to(dtype)
            between = time.perf_counter()
            net(x)
        end = time.perf_counter()
        if round_:
            phases[ENCODE].append(end - start)
            phases["alone"].append(end - between)
    return phases


def torch_built(what, dtype):
    """Meta's encoder with random weights, and what its predictor does with an image first."""
    import numpy
    import torch
    from bench_torch import fill

    if what.startswith("hiera"):
        from pathlib import Path

        import sam2
        from hydra.utils import instantiate
        from omegaconf import OmegaConf
        from sam2.utils.transforms import SAM2Transforms

        config = OmegaConf.load(Path(sam2.__file__).parent / f"configs/sam2/sam2_hiera_{what[-1]}.yaml")
        net = instantiate(config.model.image_encoder, _recursive_=True)
        transforms = SAM2Transforms(1024, 0.0)
        prepare = lambda image: transforms(image)[None]  # noqa: E731
    else:
        if what == "tinyvit1024":
            from mobile_sam.modeling import TinyViT
            from mobile_sam.utils.transforms import ResizeLongestSide

            net = TinyViT(
                img_size=1024, in_chans=3, num_classes=1000, embed_dims=[64, 128, 160, 320], depths=[2, 2, 6, 2], num_heads=[2, 4, 5, 10],
                window_sizes=[7, 7, 14, 7], mlp_ratio=4.0, drop_rate=0.0, drop_path_rate=0.0, mbconv_expand_ratio=4.0, local_conv_size=3,
            )  # fmt: skip
        else:
            from segment_anything.modeling import ImageEncoderViT
            from segment_anything.utils.transforms import ResizeLongestSide

            net = ImageEncoderViT(
                img_size=1024, patch_size=16, embed_dim=768, depth=12, num_heads=12, mlp_ratio=4, out_chans=256, qkv_bias=True,
                norm_layer=lambda n: torch.nn.LayerNorm(n, eps=1e-6), use_rel_pos=True, global_attn_indexes=[2, 5, 8, 11], window_size=14,
            )  # fmt: skip
        longest, mean = ResizeLongestSide(1024), torch.tensor([123.675, 116.28, 103.53]).view(-1, 1, 1)
        deviation = torch.tensor([58.395, 57.12, 57.375]).view(-1, 1, 1)

        def prepare(image):
            x = torch.as_tensor(numpy.ascontiguousarray(longest.apply_image(image).transpose(2, 0, 1)))
            x = (x - mean) / deviation
            return torch.nn.functional.pad(x, (0, 1024 - x.shape[-1], 0, 1024 - x.shape[-2]))[None]

    fill(net)
    net.to(dtype).train()
    net.eval()  # TinyViT gathers its attention biases in eval()
    return net, prepare


def torch_qwen(args, dtype):
    """Vision is timed within each whole prompt, as ours is."""
    import torch
    from bench_torch import fill
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
    from transformers.initialization import no_init_weights

    config = Qwen2_5_VLConfig(**json.loads(args.worker_what))
    with no_init_weights():
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, dtype=dtype, attn_implementation="sdpa")
    model.tie_weights()
    fill(model)
    side = SIDE // 28 * 28 // 14
    ids = torch.tensor([prompt_ids(args.prompt, 2, side * side // 4, config.image_token_id)])
    pixels = torch.randn(2 * side * side, 1176, generator=torch.Generator().manual_seed(2)).to(dtype)
    given = dict(
        input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=(ids == config.image_token_id).int(), pixel_values=pixels,
        image_grid_thw=torch.tensor([[1, side, side]] * 2),
    )  # fmt: skip
    tower, spent = model.model.visual, []
    inner = tower.forward

    def seeing(*args, **more):
        start = time.perf_counter()
        out = inner(*args, **more)
        spent.append(time.perf_counter() - start)
        return out

    tower.forward = seeing
    phases = {VISION: [], PREFILL: [], TOKEN: []}
    for round_ in range(args.repeats + 1):
        spent.clear()
        with torch.inference_mode():
            start = time.perf_counter()
            out = model(**given, use_cache=True, logits_to_keep=1)
            token = out.logits[:, -1:].argmax(-1)
            token.item()
            whole, each = time.perf_counter() - start, []
            for _ in range(args.tokens - 1):
                start = time.perf_counter()
                out = model(input_ids=token, past_key_values=out.past_key_values, use_cache=True, logits_to_keep=1)
                token = out.logits[:, -1:].argmax(-1)
                token.item()
                each.append(time.perf_counter() - start)
        if round_:
            phases[VISION].append(sum(spent))
            phases[PREFILL].append(whole - sum(spent))
            phases[TOKEN].extend(each)
    return phases


def ort_session(args, name):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
    return onnxruntime.InferenceSession(os.path.join(args.worker_what, f"{name}.onnx"), options, providers=["CPUExecutionProvider"])


def ort_encoder(args):
    import numpy
    from PIL import Image

    session, image = ort_session(args, "vision_encoder"), Image.fromarray(drawn())
    mean, deviation = (numpy.array(v, numpy.float32) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    phases = {ENCODE: [], "alone": []}
    for round_ in range(args.repeats + 1):
        start = time.perf_counter()
        x = numpy.asarray(image.resize((1024, 1024), Image.Resampling.BILINEAR), numpy.float32) / 255
        x = numpy.ascontiguousarray(((x - mean) / deviation).transpose(2, 0, 1))[None]
        between = time.perf_counter()
        session.run(None, {"pixel_values": x})
        end = time.perf_counter()
        if round_:
            phases[ENCODE].append(end - start)
            phases["alone"].append(end - between)
    return phases


def ort_qwen(args):
    """With bound inputs and outputs: the cache is never copied."""
    import numpy
    import onnxruntime

    vision, embed, decoder = (ort_session(args, n) for n in ("vision_encoder", "embed_tokens", "decoder_model_merged"))
    with open(os.path.join(args.worker_what, "config.json")) as file:
        config = json.load(file)
    config = {**config, **config.get("text_config", {})}
    layers, heads = config["num_hidden_layers"], config["num_key_value_heads"]
    width = config["hidden_size"] // config["num_attention_heads"]
    side = SIDE // 28 * 28 // 14
    ids = numpy.array([prompt_ids(args.prompt, 2, side * side // 4, config["image_token_id"])], numpy.int64)
    ids[ids >= config["vocab_size"]] = 7
    places = numpy.flatnonzero(ids[0] == config["image_token_id"])
    rng = numpy.random.default_rng(2)
    pixels = [rng.standard_normal((side * side, 1176), numpy.float32) for _ in range(2)]
    grid = numpy.array([[1, side, side]], numpy.int64)
    names = [f"{i}.{part}" for i in range(layers) for part in ("key", "value")]
    value = onnxruntime.OrtValue.ortvalue_from_numpy

    def go(x, past, seen):
        length = x.shape[1]
        binding = decoder.io_binding()
        binding.bind_cpu_input("inputs_embeds", x)
        binding.bind_cpu_input("attention_mask", numpy.ones((1, seen + length), numpy.int64))
        binding.bind_cpu_input("position_ids", numpy.broadcast_to(numpy.arange(seen, seen + length), (3, 1, length)).astype(numpy.int64))
        binding.bind_cpu_input("num_logits_to_keep", numpy.array(1, numpy.int64))
        for name, kept in zip(names, past):
            binding.bind_ortvalue_input(f"past_key_values.{name}", kept)
        binding.bind_output("logits")
        for name in names:
            binding.bind_output(f"present.{name}")
        decoder.run_with_iobinding(binding)
        logits, *past = binding.get_outputs()
        return int(logits.numpy()[0, -1].argmax()), past

    phases = {VISION: [], PREFILL: [], TOKEN: []}
    for round_ in range(args.repeats + 1):
        start = time.perf_counter()
        features = [vision.run(None, {"pixel_values": p, "image_grid_thw": grid})[0] for p in pixels]
        seen = time.perf_counter()
        x = embed.run(None, {"input_ids": ids})[0]
        x[0, places] = numpy.concatenate(features)
        none = [value(numpy.zeros((1, heads, 0, width), numpy.float32)) for _ in names]
        token, past = go(x, none, 0)
        end, each = time.perf_counter(), []
        for step in range(args.tokens - 1):
            begin = time.perf_counter()
            x = embed.run(None, {"input_ids": numpy.array([[token]], numpy.int64)})[0]
            token, past = go(x, past, ids.shape[1] + step)
            each.append(time.perf_counter() - begin)
        if round_:
            phases[VISION].append(seen - start)
            phases[PREFILL].append(end - seen)
            phases[TOKEN].extend(each)
    return phases


def worker(args):
    if args.worker == "onnxruntime":
        import onnxruntime

        version = onnxruntime.__version__
        phases = (ort_qwen if os.path.exists(os.path.join(args.worker_what, "embed_tokens.onnx")) else ort_encoder)(args)
    else:
        import torch

        torch.set_num_threads(args.threads)
        dtype, version = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype], torch.__version__
        phases = (torch_qwen if args.worker_what.startswith("{") else torch_encoder)(args, dtype)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"phases": phases, "peak_memory": peak, "version": version}), flush=True)


# ---- measuring


def busy():
    """Seconds that all processors worked so far, what other machines took of them included."""
    with open("/proc/stat") as file:
        numbers = [int(n) for n in file.readline().split()[1:]]
    tick = os.sysconf("SC_CLK_TCK")
    return (sum(numbers[:3]) + sum(numbers[5:8])) / tick


def load():
    with open("/proc/loadavg") as file:
        return float(file.read().split()[0])


def own():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def used(pid):
    """Seconds of processor time that a process had so far."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(command):
    """What a process printed; how much others worked meanwhile, in processors; and pairs of a moment and what it had used then."""
    start, before, mine = time.perf_counter(), busy(), own()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        seen = [(time.perf_counter(), 0.0)]
        while not select.select([process.stdout], [], [], 0.02)[0]:
            seen.append((time.perf_counter(), used(process.pid)))
        seen.append((time.perf_counter(), used(process.pid)))
        out = process.stdout.read().decode()
        if process.wait():
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{errors.read()[-2000:]}")
    wall, after, mine = time.perf_counter() - start, busy(), own() - mine
    return out, {"others": max(0.0, (after - before - mine) / wall), "load": load(), "seen": seen}


def processor_time(phases, seen):
    """The phases in processor time: a round's follow each other in their order, round after round, up to the last moment seen."""
    rounds = min(len(times) for times in phases.values())
    each = {phase: len(times) // rounds for phase, times in phases.items()}
    order = [(phase, i) for r in range(rounds) for phase in phases for i in range(r * each[phase], (r + 1) * each[phase])]
    moments, spent = zip(*seen)

    def at(moment):
        i = bisect.bisect_left(moments, moment)
        if i in (0, len(moments)):
            return spent[min(i, len(moments) - 1)]
        part = (moment - moments[i - 1]) / (moments[i] - moments[i - 1])
        return spent[i - 1] + part * (spent[i] - spent[i - 1])

    end, found = moments[-1], {phase: [0.0] * len(times) for phase, times in phases.items()}
    for phase, i in reversed(order):
        begin = end - phases[phase][i]
        found[phase][i] = at(end) - at(begin)
        end = begin
    # ticks are too coarse for what is as short as a token: the mean of a round's stands for each
    for phase, n in each.items():
        if n > 1:
            found[phase] = [sum(found[phase][r * n : (r + 1) * n]) / n for r in range(rounds)]
    return found


class Bench:
    def __init__(self, args):
        self.args, self.versions = args, {}
        self.shapes = json.loads(subprocess.run([args.bench, "list", "networks", "--json"], capture_output=True, text=True, check=True).stdout)

    def config(self):
        config = next(k["config"] for k in self.shapes if k["name"] == QWEN)
        config["num_hidden_layers"], config["vision_config"]["depth"] = self.args.layers, self.args.vision_depth
        return config

    def ours(self, binary, model, *more):
        args = self.args
        out, noise = run([binary, "models", "time", model, "--threads", str(args.threads), "--repeats", str(args.now), "--json", *more])
        timing = json.loads(out)["timing"]
        if timing["prompt_tokens"] not in (None, args.prompt):
            raise RuntimeError(f"the prompt has {timing['prompt_tokens']} tokens, not {args.prompt}: is it Qwen's tokenizer.json?")
        return self.found({p["name"]: p["seconds"] for p in timing["phases"]}, timing["peak_memory"], noise)

    def theirs(self, library, what, dtype="f32"):
        args = self.args
        python = args.torch_python if library == "torch" else args.onnxruntime_python
        shape = ["--threads", str(args.threads), "--repeats", str(args.now), "--tokens", str(args.tokens), "--prompt", str(args.prompt)]
        out, noise = run([python, os.path.abspath(__file__), "--worker", library, "--worker-what", what, "--dtype", dtype, *shape])
        found = json.loads(next(line for line in reversed(out.splitlines()) if line.startswith("{")))
        self.versions[library] = found["version"]
        return self.found(found["phases"], found["peak_memory"], noise)

    def found(self, phases, peak, noise):
        seen = noise.pop("seen")
        if self.args.cpu:
            phases = processor_time({k: v for k, v in phases.items() if k != "alone" and v}, seen)
        return {"phases": phases, "peak_memory": peak, **noise}

    def sides(self, what, name, graphs):
        """(which, how to run it) in an order in which ours and theirs of a pair follow each other."""
        args, qwen, sides = self.args, what == QWEN, []
        random, torch_what = ["--random", "0"], what
        if qwen:
            name, config = os.path.join(args.work, f"{QWEN}-short.json"), self.config()
            with open(name, "w") as file:
                json.dump(config, file)
            # nothing is kept, else the rounds after the first would not look at the images again
            random += ["--tokenizer", args.tokenizer]
            torch_what = json.dumps(config)
        drawing = ["--tokens", str(args.tokens), "--keep", "0"] if qwen else []
        ours = lambda binary, model, *more: lambda: self.ours(binary, model, *more, *drawing)  # noqa: E731
        theirs = lambda *what: lambda: self.theirs(*what)  # noqa: E731
        f32, bf16 = ["--dtype", "f32"], ["--dtype", "bf16"]
        sides.append(("candle f32", ours(args.bench, f"candle:{name}", *random, *f32)))
        if args.mkl_bench:
            sides.append(("candle mkl f32", ours(args.mkl_bench, f"candle:{name}", *random, *f32)))
        if args.torch_python:
            sides.append(("torch f32", theirs("torch", torch_what)))
        if not args.no_tch:
            sides.append(("tch f32", ours(args.bench, f"tch:{name}", *random, *f32)))
            sides.append(("tch bf16", ours(args.bench, f"tch:{name}", *random, *bf16)))
        if args.torch_python:
            sides.append(("torch bf16", theirs("torch", torch_what, "bf16")))
        if qwen:
            sides.append(("candle bf16", ours(args.bench, f"candle:{name}", *random, *bf16)))
        if graphs:
            sides.append(("ort f32", ours(args.bench, f"ort:{graphs}")))
            if args.onnxruntime_python:
                sides.append(("onnxruntime f32", theirs("onnxruntime", graphs)))
        return [(which, how) for which, how in sides if re.search(args.sides, which)]

    def graphs(self, name):
        """The folder of a network's graphs; made where there is none."""
        args = self.args
        out = os.path.join(args.graphs or args.work, f"{name}-onnx")
        if os.path.exists(os.path.join(out, "config.json")):
            return out
        if not args.export_python:
            return None
        source, config = os.path.join(args.work, f"{name}-weights"), name
        if name == QWEN:
            config = os.path.join(args.work, f"{QWEN}-short.json")
            with open(config, "w") as file:
                json.dump(self.config(), file)
        shutil.rmtree(source, ignore_errors=True)
        tokenizer = ["--tokenizer", args.tokenizer] if name == QWEN else []
        script = "qwen2_5_vl.py" if name == QWEN else "sam2.py"
        for command in (
            [args.bench, "models", "init", config, "--dtype", "bf16", "--out", source, *tokenizer],
            [args.export_python, os.path.join(HERE, "export", script), source, out, "--no-check"],
        ):
            run(command)
        shutil.rmtree(source)
        return out

    def wait(self):
        """For --wait seconds at most in all, until others leave the processors alone for three seconds."""
        while self.args.wait > 0:
            before, start = busy(), time.perf_counter()
            time.sleep(3)
            wall = time.perf_counter() - start
            if (busy() - before) / wall < self.args.noise:
                return
            self.args.wait -= wall

    def quiet(self, which, how):
        """The quietest of three tries at most."""
        args, best = self.args, None
        for _ in range(1 if args.cpu else 3):
            self.wait()
            found = how()
            loud = found["others"] > args.noise or found["load"] > 1.25 * args.threads
            best = found if best is None or found["others"] < best["others"] else best
            phases = "  ".join(f"{k} {statistics.median(v):.4f}" for k, v in found["phases"].items() if v)
            note = "  (not quiet)" if loud else ""
            print(f"    {which:16} {phases}  others {found['others']:.2f} load {found['load']:.2f}{note}", file=sys.stderr, flush=True)
            if not loud:
                break
        return best

    def measure(self, title, sides, repeats):
        print(f"{title}, load {load():.2f}", file=sys.stderr, flush=True)
        self.args.now, results = repeats, {}
        for _ in range(self.args.rounds):
            for which, how in sides:
                try:
                    results.setdefault(which, []).append(self.quiet(which, how))
                except RuntimeError as error:
                    print(f"    {which}: {error}", file=sys.stderr, flush=True)
        return results


def merged(runs, phase):
    times = [t for r in runs for t in r["phases"].get(phase, [])]
    if not times:
        return None
    each = [statistics.median(r["phases"][phase]) for r in runs if r["phases"].get(phase)]
    return {"median": statistics.median(times), "runs": each, "count": len(times)}


def rows_of(results, title, phases, prompt):
    rows = []
    for phase in phases:
        cells = {which: m for which, runs in results.items() if (m := merged(runs, phase))}
        alone = {which: m["median"] for which, runs in results.items() if (m := merged(runs, "alone"))}
        ratios = {f"{a} : {b}": cells[a]["median"] / cells[b]["median"] for a, b in PAIRS if a in cells and b in cells}
        label = title if phase == ENCODE else f"{title}: {TITLES[phase].format(prompt=prompt)}"
        rows.append({"network": label, "seconds": cells, "alone": alone, "ratios": ratios})
    return rows


def table(rows):
    columns = [c for c in COLUMNS if any(c in r["seconds"] for r in rows)]
    pairs = [f"{a} : {b}" for a, b in PAIRS if any(f"{a} : {b}" in r["ratios"] for r in rows)]
    lines = ["| network | " + " | ".join(f"{c}, s" for c in columns) + " |", "|---|" + "---:|" * len(columns)]
    for r in rows:
        cells = (f"{r['seconds'][c]['median']:.3f}" if c in r["seconds"] else "" for c in columns)
        lines.append(f"| {r['network']} | " + " | ".join(cells) + " |")
    lines += ["", "| network | " + " | ".join(pairs) + " |", "|---|" + "---:|" * len(pairs)]
    for r in rows:
        cells = (f"{r['ratios'][p]:.2f}" if p in r["ratios"] else "" for p in pairs)
        lines.append(f"| {r['network']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def processor():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    entry = lambda name: re.search(rf"^{name}\s*: (.*)$", text, re.M).group(1)  # noqa: E731
    flags = set(entry("flags").split())
    wanted = sorted(f for f in flags if f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16"))
    return f"{entry('model name')} ({', '.join(wanted)})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", help="socio-bench")
    parser.add_argument("--mkl-bench", help="socio-bench with the feature mkl")
    parser.add_argument("--no-tch", action="store_true", help="--bench has no libtorch")
    parser.add_argument("--torch-python")
    parser.add_argument("--onnxruntime-python")
    parser.add_argument("--export-python")
    parser.add_argument("--graphs", help="folder with graphs that are there already, in NAME-onnx")
    parser.add_argument("--tokenizer", help="tokenizer.json of Qwen2.5-VL")
    parser.add_argument("--work", default="target/ci/bench_backends")
    parser.add_argument("--json", help="where to write everything")
    parser.add_argument("--only", default=".", help="networks whose title or name has this")
    parser.add_argument("--sides", default=".", help="libraries whose name has this, as in `f32` or `tch|torch`")
    parser.add_argument("--repeats", type=int, default=5, help="of an encoder in a process, after one that is not counted")
    parser.add_argument("--qwen-repeats", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2, help="processes of each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--vision-depth", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=1615, help="tokens of the prompt that ours has")
    parser.add_argument("--cpu", action="store_true", help="processor time instead of the clock's")
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait in all for others to be quiet")
    parser.add_argument("--noise", type=float, default=0.05, help="how much of a processor others may take")
    for name in ("--worker", "--worker-what", "--dtype"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args)
    os.makedirs(args.work, exist_ok=True)
    bench, rows, raw = Bench(args), [], {}
    if not {"MALLOC_ARENA_MAX", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_"} <= os.environ.keys():
        print("the allocator's settings are not set (see docs/performance.md on page faults)", file=sys.stderr)
    chosen = lambda *names: any(re.search(args.only, n) for n in names)  # noqa: E731
    whole = [(*e, [ENCODE], args.repeats) for e in ENCODERS]
    title = f"Qwen2.5-VL-3B, {args.layers} layers, {args.vision_depth} vision blocks"
    whole.append((QWEN, QWEN, title, True, [VISION, PREFILL, TOKEN], args.qwen_repeats))
    for what, name, title, has_graphs, phases, repeats in whole:
        if not chosen(what, name, title):
            continue
        graphs = bench.graphs(name) if has_graphs and re.search(args.sides, "ort f32 onnxruntime f32") else None
        raw[name] = bench.measure(title, bench.sides(what, name, graphs), repeats)
        rows += [row for row in rows_of(raw[name], title, phases, args.prompt) if row["seconds"]]
        if args.json:
            about = {"processor": processor(), "threads": args.threads, "kernel": platform.release(), "versions": bench.versions}
            about["allocator"] = {k: v for k, v in os.environ.items() if k.startswith("MALLOC_")}
            with open(args.json, "w") as file:
                json.dump({"about": about, "rows": rows, "raw": raw}, file, indent=1)
    print(table(rows))


if __name__ == "__main__":
    main()
