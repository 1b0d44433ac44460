"""Tensors in stores and `.can` files: safetensors where NPY has no type, and for PyTorch's."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
ml_dtypes = pytest.importorskip("ml_dtypes")

import cannery  # noqa: E402
from cannery import pipeline, safetensors, step  # noqa: E402
from cannery._objects import _tensor_store  # noqa: E402
from cannery._values import load_files, save_value  # noqa: E402

MEMBERS = ["bfloat16", "float8_e4m3fn", "float8_e5m2"]
SAFETENSORS = [*MEMBERS, "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn"]
ALL = [*SAFETENSORS, "int4", "uint2", "float8_e3m4"]


def example(name: str, shape: tuple[int, ...] = (4, 6)) -> Any:
    return (np.arange(int(np.prod(shape))) % 2).reshape(shape).astype(getattr(ml_dtypes, name))


def same(a: Any, b: Any) -> bool:
    flags = a.flags.f_contiguous == b.flags.f_contiguous or a.size == 0
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()) and flags


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (4, 6), (2, 3, 4)])
@pytest.mark.parametrize("name", ALL)
def test_a_can_holds_arrays_of_every_type(
    tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    array = example(name, shape)
    value = {"c": array, "f": array.copy(order="F"), "n": np.arange(200.0)}
    cannery.dump(value, tmp_path / "a.can")
    loaded = cannery.load(tmp_path / "a.can")
    assert all(same(loaded[key], value[key]) for key in value)
    with zipfile.ZipFile(tmp_path / "a.can") as archive:
        tensors = [file for file in archive.namelist() if file.endswith(".safetensors")]
        assert len(tensors) == (2 if name in MEMBERS else 0)
        for file in tensors:
            read = safetensors.load(archive.read(file))["array"]
            assert (read.dtype, read.shape) == (array.dtype, shape)
            assert read.tobytes() == array.tobytes()


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("format", ["json", "yaml", "msgpack"])
def test_documents_hold_them_as_arrays(tmp_path: Path, name: str, format: str) -> None:
    path = tmp_path / f"a.{format}"
    cannery.dump({"x": example(name)}, path)
    assert same(cannery.load(path)["x"], example(name))


def test_without_ml_dtypes_they_are_shown_as_they_are_stored(tmp_path: Path) -> None:
    cannery.dump({"x": example("bfloat16")}, tmp_path / "a.can")
    program = """
import sys
sys.modules["ml_dtypes"] = None
import cannery
array = cannery.load(sys.argv[1])["x"]
print(array.dtype.names, array["bfloat16"].tolist()[0][:2], array.shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.can"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "('bfloat16',) [0, 16256] (4, 6)\n"


def test_large_ones_are_mapped(tmp_path: Path) -> None:
    array = np.arange(1 << 20).astype(ml_dtypes.bfloat16)
    cannery.dump(array, tmp_path / "a.can")
    loaded = cannery.load(tmp_path / "a.can", mmap=True)
    assert same(loaded, array)
    assert loaded.base is not None


@pytest.mark.parametrize("name", ALL)
def test_steps_store_them_as_safetensors(tmp_path: Path, name: str) -> None:
    for array in (example(name), example(name).copy(order="F"), example(name, (8,))):
        folder = tmp_path / f"{array.flags.c_contiguous}{array.ndim}"
        folder.mkdir()
        saved = save_value(array, folder)
        files = [path.name for path in folder.rglob("*") if path.is_file()]
        assert files == ["array.safetensors" if name in SAFETENSORS else "array.can"]
        assert same(load_files(folder, saved), array)


@step
def make() -> Any:
    return {"w": example("bfloat16"), "n": 3}


@step
def use(state: Any) -> float:
    return float(state["w"].astype("f4").sum()) + state["n"]


def test_they_go_through_a_pipeline(tmp_path: Path) -> None:
    @pipeline(store=tmp_path / "store")
    def train() -> Any:
        return use(make())

    assert train().output.load() == 15.0


def test_types_narrower_than_a_byte_that_fill_none_are_stored(tmp_path: Path) -> None:
    array = example("float4_e2m1fn", (3,))
    saved = save_value(array, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["array.can"]
    assert same(load_files(tmp_path, saved), array)


def test_a_document_names_no_tensor_that_is_not_beside_it(tmp_path: Path) -> None:
    assert _tensor_store.lent("w") is None
    with _tensor_store.lending({"w": np.ones(1)}):
        assert _tensor_store.lent("w") is not None
        assert _tensor_store.lent("x") is None


def test_they_are_items_of_streams(tmp_path: Path) -> None:
    @step
    def several() -> Any:
        for number in range(3):
            yield example("bfloat16") + ml_dtypes.bfloat16(number)

    @pipeline(store=tmp_path / "store")
    def yielding() -> Any:
        return several()

    read = list(yielding().output.load())
    assert [array.dtype.name for array in read] == ["bfloat16"] * 3
    assert [float(array[0, 0]) for array in read] == [0.0, 1.0, 2.0]
