"""Arrays of generated types: what goes out in any way is what NumPy writes and reads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from cannery import npy  # noqa: E402

SCALARS = [
    "?", "i1", "u1", "<i2", ">i2", "<u2", "<i4", ">u4", "<i8", ">i8", ">u8", "<f2", ">f2", "<f4",
    ">f4", "<f8", ">f8", "<c8", ">c16", "S1", "S5", "S0", "<U1", ">U3", "<U0", "V1", "V7",
    "<M8[ns]", ">M8[25s]", "<m8[D]", ">m8[us]", "<M8", "<f16", "<c32",
]  # fmt: skip
NAMES = ["x", "y z", "ä", "f0", "'", 'a"b', "𝕏", "\\n"]


@st.composite
def dtypes(draw: Any, depth: int = 2) -> Any:
    """A type: plain, or a record with gaps, titles, parts that are arrays, and records in it."""
    if depth == 0 or draw(st.integers(0, 2)):
        return np.dtype(draw(st.sampled_from(SCALARS)))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    formats, offsets, titles, at = [], [], [], 0
    for index in range(len(names)):
        part = draw(dtypes(depth - 1))
        if part.itemsize and draw(st.integers(0, 3)) == 0:
            part = np.dtype((part, draw(st.tuples(st.integers(1, 3), st.integers(1, 2)))))
        at += draw(st.integers(0, 5))
        formats.append(part)
        offsets.append(at)
        titles.append(draw(st.sampled_from([None, f"title {index}", f"tïtle {index}"])))
        at += part.itemsize
    size = max(at + draw(st.integers(0, 9)), 1)
    record = {"names": names, "formats": formats, "offsets": offsets, "itemsize": size}
    return np.dtype({**record, "titles": titles} if any(titles) else record)


@st.composite
def arrays(draw: Any) -> Any:
    dtype = draw(dtypes())
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    count = int(np.prod(shape)) * dtype.itemsize
    seed = draw(st.integers(0, 1 << 16))
    # Bytes below 2 are valid in every type.
    data = np.random.default_rng(seed).integers(0, 2, count).astype("u1").tobytes()
    array = np.ndarray(shape, dtype, data).copy()
    how = draw(st.integers(0, 4))
    if how == 1:
        array = np.array(array, order="F")
    elif how == 2 and array.ndim:
        array = array[::-1]
    elif how == 3 and array.ndim:
        array = array[..., ::2]
    elif how == 4:
        array = array.T
    return array


def same(a: Any, b: Any) -> bool:
    order = a.flags.f_contiguous == b.flags.f_contiguous
    return (a.dtype, a.shape, order) == (b.dtype, b.shape, True) and bytes_of(a) == bytes_of(b)


def bytes_of(array: Any) -> list[bytes]:
    """The elements without the gaps of records, which mean nothing."""
    if array.dtype.names is None:
        return [array.tobytes()]
    return [part for name in array.dtype.names for part in bytes_of(array[name])]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(array=arrays())
def test_a_generated_array_is_what_numpy_makes_of_it(array: Any, tmp_path: Path) -> None:
    ours, theirs = io.BytesIO(), io.BytesIO()
    try:
        np.save(theirs, array, allow_pickle=False)
        theirs.seek(0)
        expected = np.load(theirs)
    except (ValueError, TypeError):
        return  # NumPy has no form for it, or does not read its own
    npy.save(ours, array)
    assert ours.getvalue()[:100] == theirs.getvalue()[:100]
    ours.seek(0)
    assert same(npy.load(ours), expected)
    assert same(np.load(io.BytesIO(ours.getvalue())), expected)
    for save in (npy.savez, npy.savez_compressed):
        save(tmp_path / "a.npz", array, other=array[None])
        read, other = npy.load(tmp_path / "a.npz"), np.load(tmp_path / "a.npz")
        assert same(read["arr_0"], expected)
        assert same(other["arr_0"], expected)
        assert bytes_of(read["other"]) == bytes_of(expected[None])
        other.close()
    npy.savez(tmp_path / "m.npz", array)
    assert same(npy.load(tmp_path / "m.npz", mmap_mode="r")["arr_0"], expected)
    npy.save(tmp_path / "a.npy", array)
    for mode in ("r", "c", "r+"):
        assert same(npy.load(tmp_path / "a.npy", mmap_mode=mode), expected)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(dtype=dtypes(), counts=st.lists(st.integers(0, 40), min_size=1, max_size=4), data=st.data())
def test_generated_rows_are_appended(
    dtype: Any, counts: list[int], data: Any, tmp_path: Path
) -> None:
    side = data.draw(st.lists(st.integers(0, 3), max_size=2))
    parts = []
    for seed, count in enumerate(counts):
        size = count * int(np.prod(side)) * dtype.itemsize
        raw = np.random.default_rng(seed).integers(0, 2, size).astype("u1").tobytes()
        parts.append(np.ndarray((count, *side), dtype, raw))
    try:
        np.save(io.BytesIO(), parts[0])
        again = np.dtype(np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype)))
    except (ValueError, TypeError):
        return
    if again != dtype:
        return
    npy.save(tmp_path / "a.npy", parts[0])
    for part in parts[1:]:
        npy.append(tmp_path / "a.npy", part)
    found = np.load(tmp_path / "a.npy")
    assert found.shape == (sum(counts), *side)
    assert bytes_of(found) == [
        b"".join(column) for column in zip(*map(bytes_of, parts), strict=True)
    ]
