"""`cannery.safetensors` beside the suite and, where it is installed, the library itself."""

import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as npst  # noqa: E402

from cannery import safetensors  # noqa: E402
from cannery._tensor_types import from_stored, to_stored  # noqa: E402
from cannery.errors import CanneryError, DataError  # noqa: E402

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None
try:
    import safetensors.numpy as library
except ImportError:
    library = None

TYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8"]
PACKED = ("F4", "F6_E2M3", "F6_E3M2")


def file(header: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header.encode())) + header.encode() + data


def test_the_suite(suites: Path, count_cases: Callable[[str, int], None]) -> None:
    folder = suites / "safetensors"
    cases = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    for case in cases:
        path = folder / case["file"]
        try:
            opened = safetensors.open(path)
        except CanneryError as error:
            if case["accept"] and not case.get("spec"):
                raise AssertionError(path) from error
            continue
        assert case["accept"], path
        for name, expected in case.get("tensors", {}).items():
            check(opened[name], expected)
        assert (opened.metadata or None) == (case.get("metadata") or None) or "index" in path.name
    count_cases("safetensors files", len(cases))


def check(tensor: safetensors.LazyTensor, expected: dict) -> None:
    assert (tensor.code, list(tensor.shape)) == (expected["dtype"], expected["shape"])
    assert zlib.crc32(tensor.tobytes()) == int(expected["crc32"], 16)
    assert tensor.nbytes == expected["nbytes"]
    if tensor.ndim > 64:
        return  # More sides than NumPy has.
    array = np.asarray(tensor)
    assert array.flags.owndata
    assert array.flags.writeable
    stored = to_stored(tensor.type, array)
    assert zlib.crc32(stored.tobytes()) == int(expected["crc32"], 16)
    assert np.array_equal(
        tensor.mmap().view("u1") if tensor.ndim else [], array.view("u1") if tensor.ndim else []
    )
    again = safetensors.load(safetensors.save({"t": array}))["t"]
    assert again.tobytes() == array.tobytes()
    assert again.dtype == array.dtype


def test_types_without_ml_dtypes_are_shown_as_they_are_stored(suites: Path) -> None:
    code = """
import sys
sys.modules["ml_dtypes"] = None
from cannery import safetensors
for code in ("BF16", "F8_E4M3", "F4"):
    array = safetensors.load_file(f"{sys.argv[1]}/valid/dtype_{code}.safetensors")["t"]
    print(array.dtype.names[0], array.shape, array.nbytes)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, suites / "safetensors"], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "bfloat16 (4, 4) 32",
        "float8_e4m3fn (4, 4) 16",
        "float4_e2m1fn_x2 (4, 2) 8",
    ], done.stderr


arrays = npst.arrays(
    st.sampled_from(TYPES + [f">{kind}" for kind in TYPES]),
    npst.array_shapes(min_dims=0, min_side=0),
)


def views(array: np.ndarray) -> list[np.ndarray]:
    """The same elements, and some of them, lying in memory in other ways."""
    found = [array, np.asfortranarray(array), array.T]
    if array.ndim:
        found += [array[::-1], array[::2], np.repeat(array, 2, axis=0)[1::2]]
        found.append(np.broadcast_to(array, (2, *array.shape)))
    return found


@given(arrays)
def test_arrays_of_any_layout_read_back(array: np.ndarray) -> None:
    for view in views(array):
        loaded = safetensors.load(safetensors.save({"x": view}))["x"]
        assert loaded.dtype == view.dtype.newbyteorder("<")
        assert loaded.shape == view.shape
        np.testing.assert_array_equal(loaded, view)


@given(
    st.dictionaries(st.text(max_size=8), arrays, max_size=5), st.dictionaries(st.text(), st.text())
)
@settings(max_examples=50)
def test_what_is_saved_is_loaded(tensors: dict, metadata: dict) -> None:
    if any(not is_utf8(text) for text in [*tensors, *metadata, *metadata.values()]):
        return
    tensors.pop("__metadata__", None)
    data = safetensors.save(tensors, metadata)
    loaded = safetensors.load(data)
    assert set(loaded) == set(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(loaded[name], array)
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    assert header.pop("__metadata__", {}) == metadata


def is_utf8(text: str) -> bool:
    return not any(0xD800 <= ord(c) < 0xE000 for c in text)


@pytest.mark.skipif(library is None, reason="safetensors is not installed")
@given(st.dictionaries(st.text('abcé"\\', max_size=5), arrays, max_size=5))
@settings(max_examples=50)
def test_files_are_the_bytes_of_the_library(tensors: dict) -> None:
    ours = safetensors.save(tensors, {"by": "us"})
    contiguous = {
        name: np.array(array.astype(array.dtype.newbyteorder("<")), order="C")
        for name, array in tensors.items()
    }
    assert ours == library.save(contiguous, {"by": "us"})
    loaded = library.load(ours)
    for name, array in tensors.items():
        np.testing.assert_array_equal(loaded[name], array)


@pytest.mark.skipif(ml_dtypes is None, reason="ml_dtypes is not installed")
@pytest.mark.parametrize(
    "name",
    ["bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
     "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn"],
)  # fmt: skip
def test_types_of_ml_dtypes_read_back(name: str) -> None:
    dtype = np.dtype(getattr(ml_dtypes, name))
    array = np.array([1, 2, 0.5, 4, 1, 1, 2, 2], "f4").astype(dtype).reshape(2, 4)
    for view in (array, array.T.copy().T, array[::-1]):
        loaded = safetensors.load(safetensors.save({"x": view}))["x"]
        assert loaded.dtype == dtype
        assert np.array_equal(loaded.astype("f4"), view.astype("f4"))


@given(st.sampled_from([4, 6]), st.lists(st.integers(0, 15), min_size=4, max_size=40))
def test_narrow_elements_are_packed_from_the_lowest_bits(bits: int, codes: list[int]) -> None:
    from cannery._tensor_types import _pack, _unpack

    codes = codes[: len(codes) // 4 * 4]
    packed = _pack(np.array(codes, "u1"), bits)
    number = int.from_bytes(packed.tobytes(), "little")
    assert [number >> bits * at & (1 << bits) - 1 for at in range(len(codes))] == codes
    assert _unpack(packed, bits, len(codes)).tolist() == codes


def test_files_are_read_in_every_way(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {
        "large": np.arange(300_000, dtype="f4").reshape(300, 1000),
        "small": np.arange(6, dtype=">i2").reshape(2, 3),
        "empty": np.zeros((0, 3), "f8"),
        "one": np.array(7, "u8"),
    }
    safetensors.save_file(tensors, path, {"format": "np"})
    for mmap in (False, True):
        loaded = safetensors.load_file(path, mmap=mmap)
        assert {name: array.tolist() for name, array in loaded.items()} == {
            name: array.tolist() for name, array in tensors.items()
        }
        assert {array.flags.writeable for array in loaded.values()} == {not mmap}
    with safetensors.open(path) as opened:
        assert opened.metadata == {"format": "np"}
        assert opened["large"].shape == (300, 1000)
        assert opened["large"][2, :3].tolist() == [2000, 2001, 2002]
        assert opened["large"][-1, -1] == 299_999
        assert len(opened["small"]) == 2
        assert [row.tolist() for row in opened["small"]] == [[0, 1, 2], [3, 4, 5]]
    with safetensors.safe_open(path, framework="numpy", device="cpu") as opened:
        assert opened.keys() == sorted(tensors)
        assert set(opened.offset_keys()) == set(tensors)
        assert opened.metadata() == {"format": "np"}
        assert opened.get_tensor("one") == 7
        part = opened.get_slice("large")
        assert (part.get_shape(), part.get_dtype()) == ([300, 1000], "F32")
        assert part[1:3, ::500].tolist() == [[1000, 1500], [2000, 2500]]
        with pytest.raises(CanneryError, match="does not contain tensor nope"):
            opened.get_tensor("nope")


def test_many_small_tensors_between_large_ones(tmp_path: Path) -> None:
    tensors = {f"t{i}": np.full(3 if i % 50 else 40_000, i, "f4") for i in range(500)}
    safetensors.save_file(tensors, tmp_path / "a.safetensors")
    loaded = safetensors.load_file(tmp_path / "a.safetensors")
    assert all(np.array_equal(loaded[name], array) for name, array in tensors.items())
    assert all(array.flags.owndata for array in loaded.values())


def test_sets_of_files(tmp_path: Path) -> None:
    tensors = {f"layer.{i}": np.full((10, 10), i, "f4") for i in range(7)}
    path = tmp_path / "model.safetensors"
    safetensors.save_file(tensors, path, {"format": "pt"}, max_shard_size="1KB")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *(f"model-{i:05}-of-00004.safetensors" for i in range(1, 5)),
        "model.safetensors.index.json",
    ]
    index = tmp_path / "model.safetensors.index.json"
    assert json.loads(index.read_text())["metadata"] == {"total_size": 2800}
    loaded = safetensors.load_file(index)
    assert list(loaded) == list(tensors)
    assert all(np.array_equal(loaded[name], array) for name, array in tensors.items())
    # As the caches of models lie: links beside each other to files that lie elsewhere.
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    for at, shard in enumerate(sorted(tmp_path.glob("model*"))):
        shard.rename(blobs / f"blob{at}")
        (snapshot / shard.name).symlink_to(Path("..") / "blobs" / f"blob{at}")
    assert list(safetensors.open(snapshot / index.name)) == list(tensors)


@pytest.mark.parametrize("name", ["../a.safetensors", "/etc/passwd", "a/b", "..", "", "https://x"])
def test_an_index_names_files_beside_it_only(tmp_path: Path, name: str) -> None:
    index = tmp_path / "a.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": name}}))
    with pytest.raises(CanneryError, match="plain name"):
        safetensors.open(index)


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"", "expected the length of a header, found 0 bytes", 0),
        (b"\xff" * 8, "the header claims to be 18446744073709551615 bytes long", 0),
        (file("[]"), "expected `{` at the start in the header", 8),
        (file('{"t":{"dtype":"F31","shape":[],"data_offsets":[0,4]}}'), "found `F31`", 22),
        (
            file('{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}', b"8" * 8),
            "expected 4 bytes",
            9,
        ),
        (file('{"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', b"8" * 8), "begin at 0", 9),
        (file("{}", b"x"), "expected 0 bytes of tensors, found 1", 10),
        (file('{"a":1,}'), "expected an object", 13),
    ],
)
def test_refusals_say_why_and_where(data: bytes, message: str, offset: int) -> None:
    with pytest.raises(DataError) as caught:
        safetensors.load(data)
    assert message in str(caught.value)
    assert caught.value.offset == offset


def test_what_cannot_be_saved_is_said() -> None:
    cases = [
        ({"x": np.array(["a"])}, DataError, "no type"),
        ({"x": np.array([None])}, DataError, "no type"),
        ({"x": np.zeros(2, "M8[s]")}, DataError, "no type"),
        ({"x": np.zeros(2, "c16")}, DataError, "no type"),
        ({"x": np.ma.masked_array([1], [True])}, DataError, "mask"),
        ({"x": [1, 2]}, TypeError, "found list"),
        ({1: np.zeros(1)}, TypeError, "found int"),
        ({"__metadata__": np.zeros(1)}, DataError, "no tensor can have the name"),
    ]
    for tensors, kind, message in cases:
        with pytest.raises(kind, match=message):
            safetensors.save(tensors)
    with pytest.raises(TypeError, match="found int"):
        safetensors.save({}, {"a": 1})
    for arguments in [
        {"framework": "zz"},
        {"framework": "pt"},
        {"device": "cuda"},
        {"backend": "x"},
    ]:
        with pytest.raises(CanneryError):
            safetensors.safe_open("none", **({"framework": "np"} | arguments))
    with pytest.raises(FileNotFoundError):
        safetensors.load_file("none.safetensors")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.save_file({"x": np.arange(3)}, path)
    with pytest.raises(DataError):
        safetensors.save_file({"y": np.array([None])}, path)
    assert safetensors.load_file(path)["x"].tolist() == [0, 1, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 255))
def test_damage_is_an_error_or_another_file(noise: bytes, at: int, byte: int) -> None:
    data = bytearray(safetensors.save({"a": np.arange(3), "b": np.ones(2, "f4")}, {"k": "v"}))
    data[at % len(data)] = byte
    for damaged in (bytes(data), bytes(data) + noise, bytes(data)[:at], noise):
        try:
            loaded = safetensors.load(damaged)
        except DataError as error:
            assert error.offset is not None  # noqa: PT017
        else:
            assert sum(array.nbytes for array in loaded.values()) < len(damaged)


def test_a_file_object_of_another_kind_is_none() -> None:
    with pytest.raises(TypeError):
        safetensors.load_file(io.BytesIO())  # type: ignore[arg-type]


def test_more_sides_than_numpy_has_are_read_as_bytes(suites: Path) -> None:
    tensor = next(
        iter(safetensors.open(suites / "safetensors/valid/ndim_many.safetensors").values())
    )
    assert tensor.ndim > 64
    assert len(tensor.tobytes()) == tensor.nbytes
    assert from_stored("uint8", (tensor.nbytes,), tensor.tobytes()).size == tensor.nbytes


@pytest.mark.parametrize("side", [1, 1 << 20])
def test_more_sides_than_numpy_has_are_refused(tmp_path: Path, side: int) -> None:
    header = b'{"x":{"dtype":"U8","shape":[%d%s],"data_offsets":[0,%d]}}' % (side, b",1" * 64, side)
    data = len(header).to_bytes(8, "little") + header + bytes(side)
    (tmp_path / "a.safetensors").write_bytes(data)
    for load in (
        lambda: safetensors.load(data),
        lambda: safetensors.load_file(tmp_path / "a.safetensors"),
        lambda: safetensors.load_file(tmp_path / "a.safetensors", mmap=True),
        lambda: safetensors.open(tmp_path / "a.safetensors")["x"][0],
    ):
        with pytest.raises(safetensors.SafetensorError, match="has 65 sides"):
            load()
