"""The graphs of qwen2_5_vl.py, used as README.md tells, against transformers' model on random inputs."""

import numpy as np
import torch
from common import Session
from transformers import Qwen2_5_VLForConditionalGeneration

STEPS = 24
GRIDS = [[[1, 2, 2]], [[1, 6, 10]], [[1, 18, 14]], [[1, 26, 40]], [[3, 8, 12]], [[1, 10, 6], [1, 4, 12], [2, 20, 8]]]


def prompts(config):
    """Three rows of different lengths: an image, two images, none."""
    image, first = config.image_token_id, min(config.image_token_id, config.vision_start_token_id, config.text_config.bos_token_id)
    rows = []
    for grids, texts in (([(6, 8)], [5, 9]), ([(10, 6), (4, 12)], [3, 2, 8]), ([], [7])):
        ids = []
        for i, count in enumerate(texts):
            ids += torch.randint(0, first, (count,)).tolist()
            if i < len(grids):
                ids += [config.vision_start_token_id] + [image] * (grids[i][0] * grids[i][1] // 4) + [config.vision_end_token_id]
        rows.append((ids, [[1, *g] for g in grids]))
    return rows


class Reference:
    """transformers' model, its weights rounded as the graphs' are."""

    def __init__(self, args):
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(args.source, dtype=torch.float32, attn_implementation="eager").eval()
        kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[args.store or args.dtype]
        for p in self.model.parameters():
            p.data = p.data.to(kind).float()
        self.config, self.model.generation_config.eos_token_id = self.model.config, None

    def inputs(self, rows):
        """A batch, shorter rows padded on the left."""
        length = max(len(ids) for ids, _ in rows)
        ids = torch.tensor([[0] * (length - len(ids)) + ids for ids, _ in rows])
        mask = torch.tensor([[0] * (length - len(ids)) + [1] * len(ids) for ids, _ in rows])
        batch = {"input_ids": ids, "attention_mask": mask, "mm_token_type_ids": (ids == self.config.image_token_id).int()}
        grids = [grid for _, grids in rows for grid in grids]
        if grids:
            batch["image_grid_thw"] = torch.tensor(grids)
            batch["pixel_values"] = pixels(self.config.vision_config, grids)
        return batch

    def positions(self, batch):
        keys = ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")
        position, _ = self.model.model.get_rope_index(**{k: batch[k] for k in keys if k in batch})
        return position * batch["attention_mask"]

    def __call__(self, batch, **more):
        self.model.model.rope_deltas = None
        return self.model(**batch, **more)

    def greedy(self, batch):
        self.model.model.rope_deltas = None
        ids = self.model.generate(**batch, do_sample=False, max_new_tokens=STEPS, pad_token_id=0)
        return ids[:, batch["input_ids"].shape[1] :].numpy()


def pixels(config, grids):
    return torch.randn(sum(t * h * w for t, h, w in grids), config.in_channels * config.temporal_patch_size * config.patch_size**2)


class Graphs:
    """The three graphs, used as README.md tells."""

    def __init__(self, folder, config):
        names = "vision_encoder", "embed_tokens", "decoder_model_merged"
        self.vision, self.embed, self.decoder = (Session(folder / f"{name}.onnx") for name in names)
        self.image, self.config, self.cache = config.image_token_id, config.text_config, None

    def embeddings(self, batch):
        x = self.embed({"input_ids": batch["input_ids"]})["inputs_embeds"]
        if "pixel_values" in batch:
            counts = batch["image_grid_thw"].prod(1).tolist()
            parts = zip(batch["pixel_values"].split(counts), batch["image_grid_thw"])
            x[batch["input_ids"].numpy() == self.image] = np.concatenate([self.features(p, g[None]) for p, g in parts])
        return x

    def features(self, pixel_values, grid):
        return self.vision({"pixel_values": pixel_values, "image_grid_thw": grid})["image_features"]

    def forward(self, x, mask, position, keep=0):
        """Logits of the last `keep` tokens (0: of all). `mask` covers what was seen before too."""
        if self.cache is None:
            groups, width = self.config.num_key_value_heads, self.config.hidden_size // self.config.num_attention_heads
            empty = np.zeros((len(x), groups, 0, width), x.dtype)
            self.cache = {f"{i}.{part}": empty for i in range(self.config.num_hidden_layers) for part in ("key", "value")}
        past = {f"past_key_values.{k}": v for k, v in self.cache.items()}
        out = self.decoder({"inputs_embeds": x, "attention_mask": mask, "position_ids": position, "num_logits_to_keep": np.int64(keep), **past})
        self.cache = {k: out[f"present.{k}"] for k in self.cache}
        return out["logits"]

    def greedy(self, batch, position):
        self.cache, x, mask, ids = None, self.embeddings(batch), batch["attention_mask"].numpy(), []
        position = position.numpy()
        following = position.max((0, 2), keepdims=True)
        for step in range(STEPS):
            ids.append(self.forward(x, mask, position, 1)[:, -1].argmax(-1))
            x, mask = self.embed({"input_ids": ids[-1][:, None]})["inputs_embeds"], np.pad(mask, ((0, 0), (0, 1)), constant_values=1)
            position = np.broadcast_to(following + 1 + step, (3, len(mask), 1))
        return np.stack(ids, 1)


def compare(args, check):
    reference = Reference(args)
    graphs = Graphs(args.out, reference.config)
    for grids in GRIDS:
        values, grid = pixels(reference.config.vision_config, grids), torch.tensor(grids)
        want = reference.model.model.visual(values, grid_thw=grid).pooler_output
        check.near(f"image_features, grids {grids}", graphs.features(values, grid), want)
    rows = prompts(reference.config)
    for name, chosen in [(f"row {i}", rows[i : i + 1]) for i in range(len(rows))] + [("batch of 3", rows)]:
        batch = reference.inputs(chosen)
        position, mask = reference.positions(batch), batch["attention_mask"]
        want, x, real = reference(batch, use_cache=True), graphs.embeddings(batch), mask.numpy() > 0
        whole, middle, graphs.cache = want.logits[torch.tensor(real)], x.shape[1] // 2, None
        check.near(f"logits, {name}", graphs.forward(x, mask, position)[real], whole)
        for part in ("key", "value"):
            expected = getattr(want.past_key_values.layers[-1], f"{part}s").transpose(1, 2)[torch.tensor(real)]
            check.near(f"present, {name}", graphs.cache[f"{len(want.past_key_values.layers) - 1}.{part}"].transpose(0, 2, 1, 3)[real], expected)
        graphs.cache = None
        graphs.forward(x[:, :middle], mask[:, :middle], position[..., :middle], 1)
        check.near(f"logits, {name}, in two parts", graphs.forward(x[:, middle:], mask, position[..., middle:], 1)[:, 0], want.logits[:, -1])
        if args.dtype == "f32":
            check.equal(f"{STEPS} tokens, {name}", graphs.greedy(batch, position), reference.greedy(batch))
    check.finish()
