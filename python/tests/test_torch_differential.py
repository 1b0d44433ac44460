"""Generated checkpoints that PyTorch writes: read without it, the values are the same."""

from __future__ import annotations

import collections
import random
import warnings
from pathlib import Path
from typing import Any

import pytest

library = pytest.importorskip("torch")
nn = library.nn

import numpy as np  # noqa: E402

import cannery  # noqa: E402
from cannery import torch  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

DTYPES = """
    float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool
    complex64 complex128 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu
""".split()
FORMS: dict[str, dict[str, Any]] = {
    "zip": {},
    "legacy": {"_use_new_zipfile_serialization": False},
    "zip, protocol 4": {"pickle_protocol": 4},
    "legacy, protocol 5": {"_use_new_zipfile_serialization": False, "pickle_protocol": 5},
}


class Values:
    """Values as they are saved, and some that are never saved so."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        library.manual_seed(seed)

    def plain(self) -> Any:
        dtype = getattr(library, self.random.choice(DTYPES))
        shape = [self.random.choice([0, 1, 2, 3, 5]) for _ in range(self.random.randrange(4))]
        size = library.empty(0, dtype=dtype).element_size() * int(np.prod(shape))
        most = 2 if dtype == library.bool else 256
        data = library.randint(0, most, (size,), dtype=library.uint8)
        return (data.view(dtype) if size else library.empty(0, dtype=dtype)).reshape(shape)

    def tensor(self) -> Any:
        tensor, kind = self.plain(), self.random.randrange(12)
        if kind == 0 and tensor.dim() >= 2:
            return tensor.transpose(0, 1)
        if kind == 1 and tensor.dim():
            return tensor[1:]
        if kind == 2 and tensor.dim():
            return tensor[..., ::2]
        if kind == 3:
            return tensor.unsqueeze(0).expand(3, *tensor.shape)
        if kind == 4 and tensor.is_complex():
            return self.random.choice([tensor.conj(), tensor.imag])
        if kind == 5 and tensor.dtype in (library.float32, library.bfloat16):
            return nn.Parameter(tensor.clone(), requires_grad=self.random.random() < 0.7)
        return tensor

    def value(self, depth: int = 0) -> Any:
        kind = self.random.randrange(14) if depth < 4 else 0
        count = range(self.random.randrange(4))
        if kind < 5:
            return self.tensor()
        if kind == 5:
            keys = ["a", "ü", "0", 0, (1, 2)]
            return {self.random.choice(keys): self.value(depth + 1) for _ in count}
        if kind == 6:
            return [self.value(depth + 1) for _ in count]
        if kind == 7:
            return tuple(self.value(depth + 1) for _ in count)
        if kind == 8:
            return collections.OrderedDict((f"l.{i}", self.tensor()) for i in count)
        if kind == 9:
            return nn.Linear(2, 3).state_dict()
        if kind == 10:
            shared = self.tensor()
            return [shared, {"again": shared, "view": shared.reshape(-1)[:1]}]
        if kind == 11:
            return library.quantize_per_tensor(library.randn(3, 2), 0.1, 3, library.quint8)
        if kind == 12:
            return library.eye(3).to_sparse()
        choices = [1, 2**70, 1.5, "ü", b"b", None, True, 3 + 4j, {1, 2}, library.Size([1, 2])]
        return self.random.choice(choices)


def bits(tensor: Any) -> bytes:
    tensor = tensor.detach().resolve_conj().resolve_neg()
    flat = tensor.clone(memory_format=library.contiguous_format).reshape(-1)
    return flat.view(library.uint8).numpy().tobytes() if flat.numel() else b""


def compare(expected: Any, found: Any, path: str = "$") -> None:
    if isinstance(expected, library.Tensor):
        compare_tensors(expected, found, path)
    elif isinstance(expected, dict):
        assert list(map(repr, expected)) == list(map(repr, found)), path
        for key, other in zip(expected, found.values(), strict=True):
            compare(expected[key], other, f"{path}[{key!r}]")
    elif type(expected) in (list, tuple):
        assert type(found) is type(expected), path
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            compare(one, other, f"{path}[{index}]")
    else:
        assert expected == found, path


def compare_tensors(expected: Any, found: Any, path: str) -> None:
    if expected.is_quantized:
        assert np.allclose(found.dequantize(), expected.dequantize().numpy()), path
    elif expected.layout != library.strided:
        assert np.array_equal(found.values, expected.coalesce().values().numpy()), path
    else:
        assert tuple(found.shape) == tuple(expected.shape), path
        assert np.ascontiguousarray(found).tobytes() == bits(expected), path
        assert getattr(found, "requires_grad", False) == expected.requires_grad, path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(40))
def test_generated_states(tmp_path: Path, form: str, seed: int) -> None:
    path = tmp_path / "a.pt"
    library.save(Values(seed).value(), path, **FORMS[form])
    try:
        expected = library.load(path, weights_only=False)
    except AttributeError:
        return  # PyTorch does not read what it wrote: the newer types in the older form
    compare(expected, torch.load(path))
    compare(expected, torch.load(path, mmap=False))
    assert cannery.scan(path).verdict == "ok"


def network(seed: int) -> Any:
    choose = random.Random(seed)
    library.manual_seed(seed)
    kinds = [nn.Linear(4, 4), nn.ReLU(), nn.LayerNorm(4), nn.BatchNorm1d(4), nn.PReLU()]
    layers = [choose.choice(kinds) for _ in range(choose.randrange(1, 5))]
    dtype = choose.choice([library.float32, library.float64, library.bfloat16])
    return nn.Sequential(*layers, *layers[: choose.randrange(2)]).to(dtype).eval(), dtype


@pytest.mark.parametrize("form", ["script", "trace", "lite", "pt2", "package", "distributed"])
@pytest.mark.parametrize("seed", range(4))
def test_generated_programs_and_packages(tmp_path: Path, form: str, seed: int) -> None:
    net, dtype = network(seed)
    example, state, path = library.randn(2, 4, dtype=dtype), net.state_dict(), tmp_path / "a.pt"
    if form == "pt2":
        library.export.save(library.export.export(net, (example,)), path)
        loaded = torch.load(path).state_dict
    elif form == "package":
        with library.package.PackageExporter(path) as package:
            package.extern("torch.**")
            package.save_pickle("weights", "state.pkl", dict(state))
            package.save_text("notes", "a.txt", "hello")
        loaded = torch.load(path)["weights/state"]
        assert torch.load(path).read("notes/a.txt") == b"hello"
    elif form == "distributed":
        import torch.distributed.checkpoint as distributed  # pyright: ignore

        path = tmp_path / "folder"
        with warnings.catch_warnings(action="ignore"):
            distributed.save({"net": state, "step": 5}, checkpoint_id=path, no_dist=True)
        loaded = torch.load(path)["net"]
    else:
        made = library.jit.trace(net, example) if form == "trace" else library.jit.script(net)
        (made._save_for_lite_interpreter if form == "lite" else made.save)(str(path))
        loaded = torch.load(path)
    if form in ("script", "trace", "lite", "pt2"):
        state = net.state_dict(keep_vars=True)  # there parameters know that they are trained
    compare(dict(state), {name: loaded[name] for name in state})
    if path.is_file():
        assert cannery.scan(path).verdict == "unknown"
