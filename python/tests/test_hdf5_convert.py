"""`cannery convert` to HDF5: what comes back, what h5py sees, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cannery

np = pytest.importorskip("numpy")

DOCUMENT = {
    "name": "é", "count": 3, "ratio": 0.5, "yes": True, "nothing": None, "empty": [], "inner": {},
    "numbers": [1, 2, 3], "floats": [0.5, 1.5], "flags": [True, False], "words": ["a", "", "c"],
    "mixed": [1, "a", None, [2.5]],
    "rows": [{"i": 1, "x": 0.5, "t": "a"}, {"i": 2, "x": 1.5, "t": "b"}],
    "uneven": [{"a": 1}, {"b": 2}],
}  # fmt: skip


def convert(source: Path, target: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cannery", "convert", str(source), str(target), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_documents_come_back(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(DOCUMENT))
    assert convert(tmp_path / "a.json", tmp_path / "b.h5").stderr == ""
    assert cannery.load(tmp_path / "b.h5") == DOCUMENT
    assert convert(tmp_path / "b.h5", tmp_path / "c.json").stderr == ""
    assert json.loads((tmp_path / "c.json").read_text()) == DOCUMENT


@pytest.mark.parametrize("value", [[1, 2, 3], 5, "text", [{"a": 1}, {"a": 2}], None])
def test_values_that_are_no_map_come_back(value: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert convert(tmp_path / "a.json", tmp_path / "b.h5").stderr == ""
    assert cannery.load(tmp_path / "b.h5") == value


def test_arrays_come_back(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    arrays = {
        "i": np.arange(6, dtype=">i2").reshape(2, 3), "f": np.linspace(0, 1, 5, dtype="f4"),
        "half": np.ones(3, "f2"), "c": np.arange(3) * 1j, "b": np.array([True, False]),
        "s": np.array([b"ab", b"c"]), "scalar": np.array(2.5), "none": np.zeros((0, 4)),
        "fortran": np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
        "large": np.arange(3_000_000, dtype="u4").reshape(1000, 3000),
    }  # fmt: skip
    np.savez(tmp_path / "a.npz", **arrays)
    assert convert(tmp_path / "a.npz", tmp_path / "b.h5").stderr == ""
    with h5py.File(tmp_path / "b.h5") as file:
        for name, array in arrays.items():
            found = file[name][()]
            assert np.array_equal(found, array), name
            assert np.asarray(found).dtype == array.dtype, name
    assert convert(tmp_path / "b.h5", tmp_path / "c.h5").stderr == ""
    assert (tmp_path / "c.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_rows_are_records(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("i,x,t\n1,0.5,a\n2,1.5,b\n")
    assert convert(tmp_path / "a.csv", tmp_path / "b.h5").stderr == ""
    assert cannery.load(tmp_path / "b.h5") == [
        {"i": 1, "x": 0.5, "t": "a"},
        {"i": 2, "x": 1.5, "t": "b"},
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [({"a/b": 1}, "is no name of a member"), ({"a": 2**70}, "more than 64 bits"),
     ([2**70], "more than 64 bits"), ({"": 1}, "is no name of a member")],
)  # fmt: skip
def test_what_has_no_place_is_refused(value: Any, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value))
    done = convert(tmp_path / "a.json", tmp_path / "b.h5")
    assert done.returncode != 0
    assert words in done.stderr
    assert not (tmp_path / "b.h5").exists()
