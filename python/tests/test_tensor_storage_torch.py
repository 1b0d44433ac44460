"""PyTorch's tensors in stores: safetensors beside a document, by the names of PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

import cannery  # noqa: E402
from cannery import safetensors  # noqa: E402
from cannery._values import load_files, save_value  # noqa: E402
from cannery.materializers._trust import trusting  # noqa: E402

DTYPES = """
    float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool
    complex64 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu
""".split()


def stored(value: Any, folder: Path) -> Any:
    saved = save_value(value, folder)
    with trusting(()):
        return load_files(folder, saved)


def same(a: Any, b: Any) -> bool:
    def bits(tensor: Any) -> Any:
        flat = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
        return flat.view(torch.uint8).tolist() if flat.numel() else []

    assert (type(a), a.dtype, a.shape, a.requires_grad) == (
        type(b),
        b.dtype,
        b.shape,
        b.requires_grad,
    )
    return bits(a) == bits(b)


def names(folder: Path) -> list[str]:
    return list(safetensors.open(folder / "tensors.safetensors"))


@pytest.mark.parametrize("name", DTYPES)
def test_a_tensor_of_every_type(tmp_path: Path, name: str) -> None:
    tensor = (torch.arange(6) % 2 + 1).reshape(2, 3).to(getattr(torch, name))
    assert same(stored(tensor, tmp_path), tensor)
    assert safetensors.open(tmp_path / "tensors.safetensors")["tensor"].type == name


def test_what_safetensors_lacks_lies_in_the_document(tmp_path: Path) -> None:
    tensor = torch.ones(3, dtype=torch.complex128)
    assert same(stored(tensor, tmp_path), tensor)
    assert not (tmp_path / "tensors.safetensors").exists()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(0, 3), torch.tensor(1.5), torch.arange(12.0).reshape(3, 4).T,
        torch.ones(5)[::2],
        torch.ones(1).expand(4), nn.Parameter(torch.ones(2)), torch.ones(3, requires_grad=True),
        nn.Parameter(torch.ones(2), requires_grad=False),
    ],
)  # fmt: skip
def test_tensors_of_every_kind(tmp_path: Path, tensor: Any) -> None:
    assert same(stored(tensor, tmp_path), tensor)


def module() -> Any:
    parts = {"a": nn.Linear(4, 4)}
    made = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.MultiheadAttention(4, 2), nn.ModuleDict(parts)
    )
    made[3]["b"] = made[3]["a"]
    return made


def test_a_module(tmp_path: Path) -> None:
    one = module()
    other = stored(one, tmp_path)
    assert type(other) is nn.Sequential
    assert other[3]["a"] is other[3]["b"]
    for (name, a), (found, b) in zip(
        one.state_dict().items(), other.state_dict().items(), strict=True
    ):
        assert name == found
        assert same(a, b)
    data = torch.randn(5, 3)
    assert torch.equal(one.eval()[:2](data), other.eval()[:2](data))
    assert set(names(tmp_path)) == {
        name for name in one.state_dict() if not name.startswith("3.b.")
    }


def test_states_and_checkpoints(tmp_path: Path) -> None:
    one = module()
    optimizer = torch.optim.Adam(one.parameters())
    one[0](torch.ones(2, 3)).sum().backward()
    optimizer.step()
    value = {"model": one.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = stored(value, tmp_path)
    assert list(other["model"]) == list(value["model"])
    assert all(same(other["model"][name], tensor) for name, tensor in value["model"].items())
    assert same(
        other["optimizer"]["state"][0]["exp_avg"], value["optimizer"]["state"][0]["exp_avg"]
    )
    assert {"model.0.weight", "optimizer.state.0.exp_avg"} <= set(names(tmp_path))


def test_a_tensor_that_comes_again_is_one(tmp_path: Path) -> None:
    tensor = torch.ones(2)
    other = stored([tensor, {"again": tensor}], tmp_path)
    assert other[0] is other[1]["again"]


def test_names_that_files_cannot_have(tmp_path: Path) -> None:
    value = {
        "__metadata__": torch.ones(1),
        "a": {"b": torch.ones(2)},
        "a.b": torch.zeros(3),
        3: torch.ones(4),
    }
    other = stored(value, tmp_path)
    assert list(other) == list(value)
    assert same(other["__metadata__"], value["__metadata__"])
    assert same(other["a"]["b"], value["a"]["b"])
    assert same(other["a.b"], value["a.b"])
    assert same(other[3], value[3])


def test_a_document_without_its_tensors_is_refused(tmp_path: Path) -> None:
    saved = save_value({"x": torch.ones(2)}, tmp_path)
    safetensors.save_file({"y": torch.ones(2).numpy()}, tmp_path / "tensors.safetensors")
    with trusting(()), pytest.raises(cannery.CanneryError, match="there is no tensor 'x'"):
        load_files(tmp_path, saved)


def test_a_can_holds_bfloat16_as_safetensors(tmp_path: Path) -> None:
    pytest.importorskip("ml_dtypes")
    cannery.dump([torch.ones(600, dtype=torch.bfloat16), torch.ones(600)], tmp_path / "a.can")
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.can") as archive:
        assert archive.namelist()[:2] == ["arrays/0.safetensors", "arrays/1.npy"]
    assert same(cannery.load(tmp_path / "a.can")[0], torch.ones(600, dtype=torch.bfloat16))
