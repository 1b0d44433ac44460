"""joblib's files without joblib: what it writes is read under the trust policy."""

from __future__ import annotations

import collections
import contextlib
import io
import mmap
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cannery
from cannery import _joblib

joblib = pytest.importorskip("joblib")

COMPRESSORS = [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)]


def value() -> dict[str, Any]:
    large = np.arange(10_000, dtype=np.float64)
    return {
        "C": large.reshape(100, 100), "F": np.asfortranarray(large.reshape(100, 100)),
        "small": np.arange(3, dtype=np.int8), "zero": np.zeros((0, 3)), "scalar": np.array(2.5),
        "same": large, "again": [large], "text": np.array(["a", "bc"]),
        "big": np.arange(3, dtype=">i4"),
        "record": np.array([(1, 2.0)], [("a", "<i2"), ("b", "<f8")]),
        "when": np.array(["2020"], "M8[D]"),
        "objects": np.array([1, "x", None], object), "plain": [1, "x", (2.5, None)],
        "numpy": np.float32(1),
        "ordered": collections.OrderedDict(a=1),
    }  # fmt: skip


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes() if one.dtype != object else list(one) == list(other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert type(one) is type(other)
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert_same(first, second)
    else:
        assert one == other


@pytest.mark.parametrize("compress", COMPRESSORS, ids=str)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_joblib_writes_is_read(tmp_path: Path, compress: Any, protocol: int) -> None:
    path = tmp_path / "v.joblib"
    joblib.dump(value(), path, compress=compress, protocol=protocol)
    loaded = cannery.load(path)
    assert_same(value(), loaded)
    assert loaded["F"].flags.f_contiguous
    assert_same(value(), cannery.load(io.BytesIO(path.read_bytes()), format="joblib"))


def test_arrays_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "v.joblib"
    joblib.dump({"w": np.arange(1000.0)}, path)
    before = path.read_bytes()
    array = cannery.load(path)["w"]
    assert isinstance(array.base, mmap.mmap)
    array += 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("inside", [[np.arange(3), os.getpid], np.array([os.getpid], object)])
def test_what_is_not_trusted_is_a_record_or_an_error(tmp_path: Path, inside: Any) -> None:
    path = tmp_path / "v.joblib"
    joblib.dump(inside, path)
    with pytest.raises(cannery.errors.UntrustedTypeError, match="getpid"):
        _joblib.load(path)
    loaded = cannery.load(path)
    if isinstance(loaded, list):
        np.testing.assert_array_equal(loaded[0], np.arange(3))
    assert isinstance(loaded[-1], cannery.Record)
    assert loaded[-1].name.endswith(".getpid")


def test_plain_pickles_are_read(tmp_path: Path) -> None:
    import pickle

    path = tmp_path / "v.pkl"
    path.write_bytes(pickle.dumps({"a": (1, 2)}))
    assert cannery.load(path, type=dict[str, tuple[int, int]]) == {"a": (1, 2)}


def test_joblib_is_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "v.joblib"
    joblib.dump(value(), path)
    code = f"import sys, cannery; cannery.load({str(path)!r}); print('joblib' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_damaged_files_are_errors_of_ours(
    tmp_path: Path, count_cases: Callable[[str, int], None]
) -> None:
    seeded = random.Random(5)
    path = tmp_path / "v.joblib"
    small = {"a": np.arange(6), "o": np.array([1, "x"], object), "t": [1, np.zeros(3)]}
    tried = 0
    for compress in (0, 0, 0, ("zlib", 1), ("lzma", 1), ("gzip", 1)):
        joblib.dump(small, path, compress=compress)
        for _ in range(150):
            data = bytearray(path.read_bytes())
            for _ in range(seeded.randint(1, 3)):
                data[seeded.randrange(len(data))] = seeded.randrange(256)
            if seeded.random() < 0.2:
                del data[seeded.randrange(len(data)) :]
            with contextlib.suppress(cannery.CanneryError):
                cannery.load(io.BytesIO(bytes(data)), format="joblib")
            tried += 1
    count_cases("joblib: damaged files", tried)
