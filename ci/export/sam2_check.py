"""The graphs of sam2.py against Meta's modules on random inputs."""

import warnings

import torch
from common import Session

warnings.filterwarnings("ignore", module="hydra")  # old names of its own
from sam2.modeling.backbones.hieradet import Hiera
from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
from sam2.modeling.position_encoding import PositionEmbeddingSine
from sam2.modeling.sam.mask_decoder import MaskDecoder
from sam2.modeling.sam.prompt_encoder import PromptEncoder
from sam2.modeling.sam.transformer import TwoWayTransformer

OUTPUTS = "pred_masks", "iou_scores", "object_score_logits"


class Reference:
    """Meta's modules as build_sam2 makes them, their weights rounded as the graphs' are."""

    def __init__(self, args, arch, weights):
        dim, grid = arch["d_model"], arch["image_size"] // 16
        fields = "embed_dim", "num_heads", "stages", "global_att_blocks", "window_spec", "window_pos_embed_bkg_spatial_size"
        trunk = Hiera(**{f: arch[f] for f in fields})
        sine = PositionEmbeddingSine(dim, normalize=True)
        neck = FpnNeck(sine, dim, trunk.channel_list, fpn_top_down_levels=[2, 3], fpn_interp_model="nearest")
        self.image = ImageEncoder(trunk, neck, scalp=1)
        self.prompt = PromptEncoder(dim, (grid, grid), (arch["image_size"],) * 2, 16)
        width = lambda name: len(weights[f"sam_mask_decoder.{name}.layers.0.bias"])
        self.decoder = MaskDecoder(
            transformer_dim=dim,
            transformer=TwoWayTransformer(2, dim, arch["decoder_heads"], width("transformer.layers.0.mlp")),
            iou_head_hidden_dim=width("iou_prediction_head"),
            use_high_res_features=True,
            iou_prediction_use_sigmoid=True,
            pred_obj_scores=True,
            pred_obj_scores_mlp="sam_mask_decoder.pred_obj_score_head.weight" not in weights,
        )
        kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[args.store or args.dtype]
        rounded = lambda name: weights[name] if "gaussian" in name else weights[name].to(kind).float()
        for prefix, part in (("image_encoder", self.image), ("sam_prompt_encoder", self.prompt), ("sam_mask_decoder", self.decoder)):
            names = [n for n in part.state_dict() if not n.startswith("mask_downscaling")]
            part.eval().load_state_dict({n: rounded(f"{prefix}.{n}") for n in names}, strict=prefix != "sam_prompt_encoder")
        self.no_memory = rounded("no_mem_embed").reshape(1, dim, 1, 1)

    def embed(self, pixels):
        fpn = self.image(pixels)["backbone_fpn"]
        return [self.decoder.conv_s0(fpn[0]), self.decoder.conv_s1(fpn[1]), fpn[2] + self.no_memory]

    def masks(self, levels, coordinates, labels):
        """Of one image; the corners of boxes are points labelled 2 and 3."""
        sparse, dense = self.prompt((coordinates, labels), None, None)
        masks, iou, _, score = self.decoder(levels[2], self.prompt.get_dense_pe(), sparse, dense, True, len(coordinates) > 1, levels[:2])
        return masks, iou, score


def prompts(size, batch):
    """(name, point sets, points, boxes), each a batch."""
    for name, sets, points, boxes in (
        ("a point", 1, 1, 0), ("5 points", 1, 5, 0), ("3 sets of 2 points", 3, 2, 0), ("a box", 1, 0, 1), ("4 boxes", 1, 0, 4),
        ("a box and 3 points", 1, 3, 1), ("2 boxes, each with 2 points", 2, 2, 2),
    ):  # fmt: skip
        corners = torch.rand(batch, boxes, 4) * size
        yield name, torch.rand(batch, sets, points, 2) * size, torch.randint(0, 2, (batch, sets, points)), corners
        if boxes == 1:  # Meta's way to give a box
            points = torch.cat([corners.reshape(batch, 1, 2, 2), torch.rand(batch, 1, 2, 2) * size], 2)
            yield "corners as points", points, torch.tensor([2, 3, 1, 0]).expand(batch, 1, 4), corners[:, :0]


def compare(args, arch, weights, check):
    reference, size = Reference(args, arch, weights), arch["image_size"]
    encoder, decoder = (Session(args.out / f"{name}.onnx") for name in ("vision_encoder", "prompt_encoder_mask_decoder"))
    for batch in (1, 2):
        pixels = torch.randn(batch, 3, size, size)
        levels, embeddings = reference.embed(pixels), encoder({"pixel_values": pixels})
        for i, level in enumerate(levels):
            check.near(f"image_embeddings.{i}, batch of {batch}", embeddings[f"image_embeddings.{i}"], level)
        for name, points, labels, boxes in prompts(size, batch):
            got = decoder({"input_points": points, "input_labels": labels, "input_boxes": boxes, **embeddings})
            objects = max(points.shape[1], boxes.shape[1])
            corners = boxes.reshape(batch, objects if boxes.numel() else 1, -1, 2).expand(-1, objects, -1, -1)
            kinds = torch.tensor([2, 3]).expand(batch, objects, 2)[..., : corners.shape[2]]
            at, kind = torch.cat([corners, points.expand(-1, objects, -1, -1)], 2), torch.cat([kinds, labels.expand(-1, objects, -1)], 2)
            for image in range(batch):
                want = reference.masks([level[image : image + 1] for level in levels], at[image], kind[image])
                for key, value in zip(OUTPUTS, want):
                    check.near(f"{key}, {name}", got[key][image], value, 1.0 if key == OUTPUTS[2] else 0.0)
    check.finish()
