"""Shared by the export scripts: a builder of ONNX graphs, reading of checkpoints, comparison with the reference."""

import argparse
import os
import shutil
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from safetensors import safe_open

OPSET, IR_VERSION = 20, 9  # the oldest with all operators that are used; onnxruntime reads it from 1.17 on
FLOATS = {"f32": (TensorProto.FLOAT, np.float32), "f16": (TensorProto.FLOAT16, np.float16), "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16)}
KINDS = {"i64": TensorProto.INT64, "i32": TensorProto.INT32, **{name: kind for name, (kind, _) in FLOATS.items()}}
TOLERANCE = {"f32": 1e-4, "f16": 2e-2}
BESIDE = 1 << 30  # from here on weights lie in a file beside the graph, which alone must stay below 2 GiB
COPIED = ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "generation_config.json")


class Graph:
    """Nodes are made by calls named like their operators, as in `g.MatMul(a, b)`; tensors are names.

    Numbers and lists among the inputs become constants: i64 where whole, else of the graph's type. `float` is the type of
    what flows, `store` the type of weights in the file. Weights are written as they come, so one at a time is in memory.
    """

    def __init__(self, path, args, size=0):
        self.path, self.float, self.store = Path(path), args.dtype, args.store or args.dtype
        self.fused = getattr(args, "fused", False)
        self.inputs, self.outputs, self.nodes, self.initializers, self.known = [], [], [], [], {}
        self.beside = self.path.with_name(f"{self.path.name}_data")
        self.beside.unlink(missing_ok=True)
        self.data = self.beside.open("wb") if size >= BESIDE else None

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, KINDS[kind], shape))
        return name

    def output(self, name, value, kind, shape):
        """`value` may have that name already: where it is used further, the other way would copy it."""
        if value != name:
            self.Identity(value, names=[name])
        self.outputs.append(helper.make_tensor_value_info(name, KINDS[kind], shape))

    def node(self, operator, *inputs, outputs=1, names=None, **attributes):
        inputs = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        names = names or [f"{operator}_{len(self.nodes)}" + (f".{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def __getattr__(self, operator):
        if not operator[0].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **more: self.node(operator, *inputs, **more)

    def constant(self, value, kind=None):
        array = np.asarray(value)
        kind = kind or (self.float if array.dtype.kind == "f" and array.size else "i64")
        array = array.astype(FLOATS[kind][1] if kind in FLOATS else np.int64)
        key = kind, array.shape, array.tobytes()
        if key not in self.known:
            self.known[key] = f"constant_{len(self.known)}"
            self.keep(self.known[key], array, kind)
        return self.known[key]

    def weight(self, name, value):
        """A tensor of the checkpoint, kept once."""
        if name not in self.known:
            self.keep(name, value.detach().float().numpy().astype(FLOATS[self.store][1]), self.store)
            self.known[name] = name if self.store == self.float else self.cast(name)
        return self.known[name]

    def keep(self, name, array, kind):
        tensor, raw = TensorProto(name=name, data_type=KINDS[kind], dims=array.shape), array.tobytes()
        if self.data is None or len(raw) < 4096:
            tensor.raw_data = raw
        else:
            self.data.write(bytes(-self.data.tell() % 4096))  # whole pages, so that a runtime may map the file
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", self.beside.name), ("offset", self.data.tell()), ("length", len(raw))):
                tensor.external_data.add(key=key, value=str(value))
            self.data.write(raw)
        self.initializers.append(tensor)

    def cast(self, x, kind=None):
        return self.Cast(x, to=KINDS[kind or self.float])

    def wide(self, x):
        """Of the graph's type -> f32."""
        return x if self.float == "f32" else self.cast(x, "f32")

    def narrow(self, x):
        """f32 -> of the graph's type."""
        return x if self.float == "f32" else self.cast(x)

    def size(self, x, axis):
        """The length of an axis, as a list of one."""
        return self.Shape(x, start=axis, end=axis + 1)

    def linear(self, x, name, weights):
        """x @ weight.T + bias, where there is a bias."""
        x = self.MatMul(x, self.weight(f"{name}.weight", weights[f"{name}.weight"].flatten(1).T))
        return self.Add(x, self.weight(f"{name}.bias", weights[f"{name}.bias"])) if f"{name}.bias" in weights else x

    def save(self):
        graph = helper.make_graph(self.nodes, self.path.stem, self.inputs, self.outputs, self.initializers)
        opsets = [helper.make_opsetid("", OPSET)] + [helper.make_opsetid(d, 1) for d in {n.domain for n in self.nodes} - {""}]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="socio-bench")
        if self.data:
            self.data.close()
        self.path.write_bytes(model.SerializeToString())
        onnx.checker.check_model(str(self.path))
        size = self.path.stat().st_size + (self.beside.stat().st_size if self.data else 0)
        print(f"{self.path.name}: {size} bytes, {len(self.nodes)} nodes", flush=True)


class Checkpoint:
    """Tensors of a file or folder by name, f32; those of .safetensors are read when they are asked for."""

    def __init__(self, path, rename=lambda name: name):
        path = Path(path)
        files = [path] if path.is_file() else sorted(path.glob("*.safetensors")) or sorted(path.glob("*.pt"))
        files = [f for f in files if f.name == "model.safetensors"] or files
        self.bytes, self.tensors = sum(f.stat().st_size for f in files), {}
        for file in files:
            if file.suffix == ".safetensors":
                opened = safe_open(file, "pt")
                self.tensors |= {rename(k): (opened.get_tensor, k) for k in opened.keys()}
            else:
                state = torch.load(file, map_location="cpu", weights_only=True)
                state = state.get("model", state)
                self.tensors |= {rename(k): (state.__getitem__, k) for k in state}
        if not self.tensors:
            sys.exit(f"{path}: no .safetensors and no .pt")

    def __contains__(self, name):
        return name in self.tensors

    def __getitem__(self, name):
        read, key = self.tensors[name]
        return read(key).float()


class Check:
    """The largest differences that were seen, relative to the largest value expected."""

    def __init__(self, tolerance):
        self.tolerance, self.worst, self.wrong = tolerance, {}, []

    def near(self, name, got, want, least=0.0):
        """Relative to `least` where nothing is larger: a single number may happen to be near 0."""
        want = torch.as_tensor(want).detach().double().numpy()
        error = np.abs(got - want).max() / max(np.abs(want).max(), least) if got.shape == want.shape else np.inf
        self.worst[name] = np.maximum(self.worst.get(name, 0.0), error)  # keeps a NaN

    def equal(self, name, got, want):
        if not np.array_equal(got, want):
            self.wrong.append(f"{name}: {np.asarray(got).tolist()}, not {np.asarray(want).tolist()}")

    def finish(self):
        for name, error in self.worst.items():
            print(f"  {name:40s} {error:.1e}")
            if not error <= self.tolerance:
                self.wrong.append(f"{name} differs by {error:.1e}")
        if self.wrong:
            sys.exit("\n".join(self.wrong))
        print(f"all within {self.tolerance:g}")


class Session:
    """A graph in onnxruntime on the CPU: named arrays in and out."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.half = {i.name for i in self.session.get_inputs() if i.type == "tensor(float16)"}
        self.outputs = [o.name for o in self.session.get_outputs()]

    def __call__(self, inputs):
        inputs = {k: np.asarray(v, np.float16 if k in self.half else None) for k, v in inputs.items()}
        return dict(zip(self.outputs, self.session.run(self.outputs, inputs)))


def start(doc, source, dtypes, **flags):
    """Reads the command line, makes the folder and copies what tells the architecture and the tokens."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help=source)
    parser.add_argument("out", type=Path, help="folder for the graphs")
    parser.add_argument("--dtype", choices=dtypes, default="f32", help="type that is computed in")
    parser.add_argument("--store", choices=FLOATS, help="type of weights in the file, converted as the graph is loaded (default: --dtype)")
    parser.add_argument("--no-check", action="store_true", help="leave out the comparison, which holds the reference in memory")
    for name, text in flags.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    args.out.mkdir(parents=True, exist_ok=True)
    args.folder = args.source if args.source.is_dir() else args.source.parent
    for name in COPIED:
        if (args.folder / name).is_file() and args.folder.resolve() != args.out.resolve():
            shutil.copyfile(args.folder / name, args.out / name)
    return args


def checked(args):
    """What to compare with, or None. onnxruntime has no kernels for bf16 on the CPU."""
    if args.no_check or args.dtype == "bf16":
        print("not checked")
        return None
    return Check(TOLERANCE[args.dtype])
