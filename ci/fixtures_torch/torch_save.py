"""Small files as `torch.save` writes them, for the reader of checkpoints.

    python ci/fixtures_torch/torch_save.py     # writes tests/fixtures/torch_save/*.pt

Packages: ci/requirements-fixtures-torch.txt. `training.pt` is a checkpoint of a training run with everything in it that the
reader knows; `protocol5.pt` a bare state dictionary, pickled with the newest protocol; `legacy.pt` in the format before 1.6.
"""

import collections
from pathlib import Path

import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "tests/fixtures/torch_save"


def state():
    a = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    with_state = nn.Parameter(torch.full((2,), 2.0))
    with_state.extra = 1
    tagged = torch.full((2,), 3.0)
    tagged.tag = "x"
    made = collections.OrderedDict(
        a=a,
        a_turned=a.t(),
        a_row=a[1],
        half=a.half(),
        bf16=a.bfloat16(),
        double=a.double(),
        scalar=torch.tensor(1.5),
        empty=torch.zeros(0, 3),
        parameter=nn.Parameter(torch.ones(2)),
        with_state=with_state,
        tagged=tagged,
        count=torch.tensor(3),
        flags=torch.tensor([True]),
        u16=torch.tensor([1, 2], dtype=torch.uint16),
    )
    made._metadata = collections.OrderedDict([("", {"version": 1})])
    return made


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    beside = {"epoch": 3, "lr": 1e-3, "none": None, "big": 2**70, "minus": -(2**40), "shape": torch.Size([1, 2]), "set": {1}}
    beside |= {"dtype": torch.float32, "device": torch.device("cpu"), "bytes": b"ab", "list": [1, (2, 3)], "steps": {0: True}}
    torch.save({"model": state(), **beside}, OUT / "training.pt")
    torch.save(state(), OUT / "protocol5.pt", pickle_protocol=5)
    torch.save({"a": torch.ones(2)}, OUT / "legacy.pt", _use_new_zipfile_serialization=False)
