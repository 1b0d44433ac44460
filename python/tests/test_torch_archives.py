"""Archives of PyTorch's other than checkpoints: packages, and TorchScript of before version 1.4."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")

import cannery  # noqa: E402
from cannery import safetensors, torch  # noqa: E402

STATE = {"fc.weight": np.arange(12, dtype="f4").reshape(3, 4), "fc.bias": np.ones(3, "f8")}


def members(state: Any) -> dict[str, bytes]:
    """The members of a checkpoint below its folder."""
    file = io.BytesIO()
    torch.save(state, file)
    with zipfile.ZipFile(file) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def package(path: Path, **pickles: Any) -> Path:
    """A package as `torch.package.PackageExporter` lays it out."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, value) in enumerate(pickles.items()):
            parts = members(value)
            # Keys are of the package, not of the pickle: here each has one storage at most.
            pickle = parts["data.pkl"].replace(
                b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x00%d" % number
            )
            archive.writestr(f"p/{name}/part.pkl", pickle)
            if "data/0" in parts:
                archive.writestr(f"p/.data/{number}.storage", parts["data/0"])
        archive.writestr("p/net.py", "class Net: pass\n")
        archive.writestr("p/notes/a.txt", "hello")
        archive.writestr("p/.data/extern_modules", "torch\n")
        archive.writestr("p/.data/python_version", "3.11.2")
        archive.writestr("p/byteorder", "little")
    return path


def test_a_package_is_its_pickles_by_name(tmp_path: Path) -> None:
    weight = STATE["fc.weight"]
    path = package(tmp_path / "p.pt", model={"w": weight, "step": 3}, other=[weight + 1])
    loaded = torch.load(path)
    assert isinstance(loaded, torch.Package)
    assert list(loaded) == ["model/part", "other/part"]
    assert np.array_equal(loaded["model/part"]["w"], weight)
    assert np.array_equal(loaded["other/part"][0], weight + 1)
    assert loaded["model/part"]["step"] == 3
    assert loaded.read("notes/a.txt") == b"hello"
    assert loaded.code == {"net.py": "class Net: pass\n"}
    assert cannery.scan(path).verdict == "unknown"
    with pytest.raises(KeyError):
        loaded.read("none")


def test_a_package_is_converted_and_shown(tmp_path: Path) -> None:
    path = package(tmp_path / "p.pt", model={"w": STATE["fc.weight"]})
    command = [sys.executable, "-m", "cannery", "convert", path, tmp_path / "p.safetensors"]
    subprocess.run(command, check=True)
    assert np.array_equal(
        safetensors.load_file(tmp_path / "p.safetensors")["model.part.w"], STATE["fc.weight"]
    )


def test_a_package_that_does_harm_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.pt", "w") as archive:
        archive.writestr("p/.data/extern_modules", "")
        archive.writestr("p/a.pkl", b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(cannery.UntrustedTypeError):
        torch.load(tmp_path / "p.pt")
    assert cannery.scan(tmp_path / "p.pt").verdict == "danger"


def old_script(path: Path, **changes: Any) -> Path:
    """A program as `torch.jit.save` wrote it before version 1.4."""
    whole = np.arange(20, dtype="<f4")
    tensor = {"dataType": "FLOAT", "device": "cpu", "requiresGrad": True}
    tensors = [
        {**tensor, "dims": ["3", "4"], "strides": ["1", "3"], "data": {"key": "tensors/0"}},
        {**tensor, "dims": ["3"], "strides": ["1"], "offset": "5", "data": {"key": "tensors/0"}},
        {"dataType": "INT64", "data": {"key": "tensors/1"}, "device": "cpu"},
        {"dataType": "BOOL", "dims": ["2"], "strides": ["1"], "data": {"key": "tensors/2"}},
    ]
    inner = {
        "name": "fc",
        "parameters": [{"name": "weight", "tensorId": "0"}, {"name": "bias", "tensorId": "1"}],
    }
    model = {
        "protoVersion": "6",
        "mainModule": {
            "name": "Net",
            "parameters": [{"name": "count", "isBuffer": True, "tensorId": "2"}],
            "submodules": [inner],
            "torchscriptArena": {"key": "code/net.py"},
        },
        "producerName": "pytorch",
        "producerVersion": "1.0",
        "tensors": tensors,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/version", "1\n")
        archive.writestr("net/code/net.py", "op_version_set = 1\n")
        archive.writestr("net/tensors/0", whole.tobytes())
        archive.writestr("net/tensors/1", np.int64(7).tobytes())
        archive.writestr("net/tensors/2", b"\1\0")
        archive.writestr("net/model.json", json.dumps({**model, **changes}))
    return path


def test_old_programs_give_their_parameters(tmp_path: Path) -> None:
    loaded = torch.load(old_script(tmp_path / "net.pt"))
    assert isinstance(loaded, torch.ScriptModule)
    assert list(loaded) == ["count", "fc.weight", "fc.bias"]
    assert loaded["count"] == 7
    assert loaded["count"].shape == ()
    assert np.array_equal(loaded["fc.weight"], np.arange(12, dtype="f4").reshape(4, 3).T)
    assert np.array_equal(loaded["fc.bias"], [5, 6, 7])
    assert loaded["fc.bias"].requires_grad
    assert np.shares_memory(loaded["fc.weight"], loaded["fc.bias"])
    assert [constant.tolist() for constant in loaded.constants] == [[True, False]]
    assert loaded.code == {"net.py": "op_version_set = 1\n"}
    assert cannery.scan(tmp_path / "net.pt").verdict == "unknown"


DATA = {"key": "tensors/0"}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([{"dataType": "FLOAT", "dims": ["99"], "strides": ["1"], "data": DATA}], "beyond|reaches"),
        ([{"dataType": "FLOAT", "data": {"key": "../x"}}], "no member"),
        ([{"dataType": "STRING", "data": DATA}], "type that is not known"),
        ([{"dataType": "FLOAT"}], "where its elements are"),
        ([], "the tensor 2, of 0"),
    ],
)  # fmt: skip
def test_old_programs_that_lie_are_refused(tmp_path: Path, tensors: Any, message: str) -> None:
    with pytest.raises(cannery.CanneryError, match=message):
        torch.load(old_script(tmp_path / "net.pt", tensors=tensors))


def test_modules_that_lie_too_deep_are_refused(tmp_path: Path) -> None:
    module: dict[str, Any] = {"name": "m"}
    for _ in range(60):
        module = {"name": "m", "submodules": [module]}
    with pytest.raises(cannery.CanneryError, match="deep"):
        torch.load(old_script(tmp_path / "net.pt", mainModule=module))
