"""What torch takes for the model parts that the native backend computes too: random weights at the true size, on the CPU.

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 \\
        python ci/bench_torch.py --what tinyvit1024 [--threads 2] [--repeats 5]

--what (several may follow, separated by commas; one process each gives honest peaks of memory):
    tinyvit1024    MobileSAM's TinyViT encoder, 1024x1024, f32       vit_b     SAM's ViT-B encoder, 1024x1024, f32
    hiera_l        SAM 2's Hiera-L with its neck, 1024x1024, f32     hiera_t   the same with Hiera-T
    qwen_prefill   Qwen2.5-VL with the sizes of the 3B model, two pictures of 756x756 (2916 patches and 729 tokens each) and
                   --text tokens: the vision tower, the whole prefill (vision included, with a cache), and a decoded token.
                   --layers 36 and --vision-depth 32 are the whole model; --dtype f32 or bf16 (the whole in f32 is 15 GB).

Prints one JSON line for each measurement: the median of --repeats after a warm-up, all times, and the peak of resident memory
of the process so far. The allocator's two settings above have to come from the caller's environment (page faults are expensive
on some machines): set them for both sides of a comparison or for neither. --size makes everything smaller, for a smoke test.

Needs the packages of ci/fixtures_torch/sam1.py and sam2.py.
"""

import argparse
import json
import os
import resource
import statistics
import time
import warnings

warnings.filterwarnings("ignore")
import torch


def fill(model, std=0.02):
    """Random values everywhere without drawing each: one block of a million, repeated."""
    g = torch.Generator().manual_seed(1)
    block = torch.randn(1 << 20, generator=g) * std
    with torch.no_grad():
        for name, p in model.named_parameters():
            flat, source = p.data.view(-1), block.to(p.dtype)
            if p.dim() == 1 and name.endswith("weight"):
                flat.fill_(1.0)
                continue
            for start in range(0, flat.numel(), source.numel()):
                end = min(start + source.numel(), flat.numel())
                flat[start:end] = source[: end - start]
    return model.eval()


def report(what, args, times, **more):
    print(
        json.dumps({
            "what": what, "dtype": more.pop("dtype", "f32"), "threads": args.threads, "seconds": round(statistics.median(times), 5),
            "times": [round(t, 5) for t in times], "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "torch": torch.__version__, "malloc_mmap_max": os.environ.get("MALLOC_MMAP_MAX_"), **more,
        }),
        flush=True,
    )  # fmt: skip


def measure(work, repeats):
    times, out = [], None
    with torch.inference_mode():
        for _ in range(repeats + 1):
            start = time.perf_counter()
            out = work()
            times.append(time.perf_counter() - start)
    return times[1:], out


def encoder(args, what):
    size = args.size or 1024
    if what == "tinyvit1024":
        from mobile_sam.modeling import TinyViT

        net = TinyViT(
            img_size=size, in_chans=3, num_classes=1000, embed_dims=[64, 128, 160, 320], depths=[2, 2, 6, 2], num_heads=[2, 4, 5, 10],
            window_sizes=[7, 7, 14, 7], mlp_ratio=4.0, drop_rate=0.0, drop_path_rate=0.0, mbconv_expand_ratio=4.0, local_conv_size=3,
        )  # fmt: skip
        if size != 1024:  # its code fixes 64x64 outputs
            side = size // 16

            def features(x):
                x = net.patch_embed(x)
                for layer in net.layers:
                    x = layer(x)
                return net.neck(x.view(1, side, side, -1).permute(0, 3, 1, 2))

            net.forward_features = features
    elif what == "vit_b":
        from segment_anything.modeling import ImageEncoderViT

        net = ImageEncoderViT(
            img_size=size, patch_size=16, embed_dim=768, depth=12, num_heads=12, mlp_ratio=4, out_chans=256, qkv_bias=True,
            norm_layer=lambda n: torch.nn.LayerNorm(n, eps=1e-6), use_rel_pos=True, global_attn_indexes=[2, 5, 8, 11], window_size=14,
        )  # fmt: skip
    else:
        from pathlib import Path

        import sam2
        from hydra.utils import instantiate
        from omegaconf import OmegaConf

        letter = what.rsplit("_", 1)[1]
        config = OmegaConf.load(Path(sam2.__file__).parent / f"configs/sam2/sam2_hiera_{letter}.yaml")
        net = instantiate(config.model.image_encoder, _recursive_=True)
    fill(net)
    net.train()
    net.eval()  # TinyViT gathers its attention biases in eval()
    x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(2))
    times, _ = measure(lambda: net(x), args.repeats)
    report(what, args, times, size=size, parameters=sum(p.numel() for p in net.parameters()))


def qwen(args):
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
    from transformers.initialization import no_init_weights

    side = (args.size or 756) // 28 * 2  # patches
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    config = Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=151936, hidden_size=2048, intermediate_size=11008, num_hidden_layers=args.layers, num_attention_heads=16,
            num_key_value_heads=2, rms_norm_eps=1e-6, max_position_embeddings=128000, max_window_layers=args.layers, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        ),
        vision_config=dict(depth=args.vision_depth, hidden_size=1280, intermediate_size=3420, num_heads=16, out_hidden_size=2048),
        tie_word_embeddings=True,
    )  # fmt: skip
    with no_init_weights():
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, dtype=dtype, attn_implementation="sdpa")
    model.tie_weights()
    fill(model)
    tokens = (side // 2) ** 2
    text = torch.arange(100, 100 + args.text)
    picture = torch.cat([torch.tensor([151652]), torch.full((tokens,), 151655), torch.tensor([151653])])
    ids = torch.cat([text[:20], picture, picture, text[20:]])[None]
    g = torch.Generator().manual_seed(2)
    pixels = torch.randn(2 * side * side, 3 * 2 * 14 * 14, generator=g).to(dtype)
    grid = torch.tensor([[1, side, side]] * 2)
    given = dict(
        input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=(ids == 151655).int(), pixel_values=pixels, image_grid_thw=grid
    )
    more = dict(
        dtype=args.dtype, layers=args.layers, vision_depth=args.vision_depth, prompt=ids.shape[1], patches=2 * side * side,
        parameters=sum(p.numel() for p in model.parameters()),
    )  # fmt: skip
    times, _ = measure(lambda: model.model.visual(pixels, grid_thw=grid), args.repeats)
    report("qwen_vision", args, times, **more)
    times, out = measure(lambda: model(**given, use_cache=True, logits_to_keep=1), args.repeats)
    report("qwen_prefill", args, times, **more)
    cache, token = out.past_key_values, out.logits[:, -1:].argmax(-1)

    def decode():
        nonlocal token
        out = model(input_ids=token, past_key_values=cache, use_cache=True, logits_to_keep=1)
        token = out.logits[:, -1:].argmax(-1)

    times, _ = measure(decode, args.decode)
    report("qwen_decode_token", args, times, **more)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--vision-depth", type=int, default=4)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--text", type=int, default=280)
    parser.add_argument("--decode", type=int, default=16, help="tokens to decode")
    parser.add_argument("--size", type=int, help="pixels of a side, for a smoke test")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for what in args.what.split(","):
        qwen(args) if what == "qwen_prefill" else encoder(args, what)


if __name__ == "__main__":
    main()
