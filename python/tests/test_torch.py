"""Checkpoints without PyTorch: what is saved reads back, in any layout, and nothing is run."""

from __future__ import annotations

import io
import json
import pickle as stdlib
import pickletools
import random
import struct
import sys
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cannery
from cannery import torch
from cannery.torch import MetaTensor, QuantizedTensor, SparseTensor, Tensor

PLAIN_TYPES = (
    "float32 float64 float16 uint8 int8 int16 int32 int64 bool complex64 complex128 uint16 uint32 "
    "uint64"
).split()


def saved(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def reload(value: Any) -> Any:
    return torch.load(io.BytesIO(saved(value)))


def pickle_of(value: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(saved(value))) as archive:
        return archive.read("archive/data.pkl")


# Writing and reading.


@pytest.mark.parametrize("dtype", PLAIN_TYPES)
def test_types_read_back(dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    for view in (array, array.T, array[:, ::2], array[1:, 1:], array[:0], array[0, 0, ...]):
        back = reload({"t": view})["t"]
        assert back.dtype == view.dtype
        assert back.shape == view.shape
        np.testing.assert_array_equal(back, view)


def test_strides_stay() -> None:
    base = np.arange(12.0).reshape(3, 4)
    back = reload({"t": base.T, "s": base[:, ::2], "e": np.broadcast_to(base[:1], (1000, 4))})
    assert back["t"].strides == base.T.strides
    assert back["s"].strides == base[:, ::2].strides
    assert back["e"].strides[0] == 0
    assert back["e"].shape == (1000, 4)
    reversed_rows = reload([base[::-1]])[0]  # PyTorch has no negative strides
    np.testing.assert_array_equal(reversed_rows, base[::-1])


def test_shared_memory_is_shared() -> None:
    base = np.arange(20, dtype=np.float32)
    state = {"a": base[:12].reshape(3, 4), "b": base[8:], "other": base.copy(), "same": base[8:]}
    back = reload(state)
    back["a"][2, 3] = -1
    assert back["b"][3] == -1
    assert back["other"][11] == 11
    same = reload([base, base])
    assert same[0] is same[1]


def test_only_what_is_seen_is_written() -> None:
    base = np.zeros(1_000_000)
    assert len(saved({"small": base[5:8]})) < 10_000


def test_big_endian_is_turned() -> None:
    array = np.arange(5, dtype=">f8")
    back = reload([array])[0]
    assert back.dtype == np.dtype("<f8")
    np.testing.assert_array_equal(back, array)


def test_short_floats() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e8m0fnu"):
        array = np.array([0.5, 1, 2, 4], getattr(ml_dtypes, name)).reshape(2, 2)
        back = reload({"t": array, "v": array.T})
        assert back["t"].dtype == array.dtype
        assert np.array_equal(back["v"], array.T)


def test_containers_read_back() -> None:
    state = OrderedDict(a=np.arange(3), b={"c": [1, -5, 2**70, -(2**33), 1.5, None, True]})
    state._metadata = OrderedDict([("", {"version": 1})])  # type: ignore[attr-defined]
    value = {
        "state": state, "tuple": (1, (), (1, 2, 3, 4)), "text": "é中😀", "bytes": b"\0\xff",
        "set": {1, 2}, "frozen": frozenset([1]), "complex": 1 + 2j, "array": bytearray(b"x"), 1: 2,
        "inf": float("inf"), "deep": [[[[{}]]]], (1, 2): "key",
    }  # fmt: skip
    back = reload(value)
    np.testing.assert_array_equal(back["state"].pop("a"), value["state"]["a"])
    assert back["state"]._metadata == vars(state)["_metadata"]
    state.pop("a")
    assert back == value
    assert type(back["state"]) is OrderedDict


def test_cycles_read_back() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    back = reload({"loop": loop, "same": loop})
    assert back["loop"][1] is back["loop"] is back["same"]


def test_parameters_and_parts_read_back(suites: Path) -> None:
    for name in ("parameters", "q_tensor_qint8", "q_channel", "sparse_coo", "sparse_bsr", "meta"):
        first = torch.load(suites / f"torch/zip/t2.15-{name}.pt")
        first.pop("list", None)  # a module
        back = reload(first)
        for key, value in first.items():
            assert type(back[key]) is type(value), (name, key)
            if isinstance(value, Tensor):
                assert back[key].torch_class == value.torch_class
                assert back[key].requires_grad == value.requires_grad
            if isinstance(value, SparseTensor):
                np.testing.assert_array_equal(back[key].values, value.values)
            elif isinstance(value, MetaTensor):
                assert back[key].shape == value.shape
            else:
                np.testing.assert_array_equal(np.asarray(back[key]), np.asarray(value))
            if isinstance(value, QuantizedTensor):
                np.testing.assert_array_equal(back[key].dequantize(), value.dequantize())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array(["text"]), "an array of <U4 at `$`"),
        ({"x": [object()]}, "object at `$['x'][0]`"),
        ({"x": np.float64(1)}, "float64 at `$['x']`"),
        (np.array([None]), "an array of object at `$`"),
        (np.array("2020", "M8[D]"), "an array of datetime64[D] at `$`"),
        (print, "builtin_function_or_method at `$`"),
    ],
)
def test_what_has_no_form_is_refused(value: Any, message: str) -> None:
    with pytest.raises(cannery.errors.DataTypeError) as raised:
        saved(value)
    assert message in str(raised.value)
    assert raised.value.hint


def test_only_names_of_plain_state_are_written() -> None:
    """What `weights_only=True` allows, and opcodes that its reader knows."""
    state = {"w": np.arange(3.0), "h": np.zeros(2, np.uint16), "o": OrderedDict(b=b"x"), "s": {1}}
    names, opcodes = set(), set()
    for opcode, argument, _ in pickletools.genops(pickle_of(state)):
        opcodes.add(opcode.name)
        if opcode.name == "GLOBAL":
            names.add(argument)
    assert names == {
        "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3", "torch uint16",
        "torch DoubleStorage", "torch.storage UntypedStorage", "collections OrderedDict",
        "_codecs encode", "__builtin__ set",
    }  # fmt: skip
    assert opcodes <= set(
        """PROTO EMPTY_DICT EMPTY_LIST EMPTY_TUPLE MARK BINUNICODE BINPUT BINGET GLOBAL BINPERSID
        BININT BININT1 BININT2 TUPLE TUPLE1 TUPLE2 TUPLE3 REDUCE SETITEMS APPENDS NEWTRUE NEWFALSE
        NONE BINFLOAT BUILD STOP LONG1""".split()
    )


def test_archives_are_laid_out_as_torch_does(suites: Path) -> None:
    data = saved({"w": np.arange(6.0), "b": np.arange(3)})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [info.filename.partition("/")[2] for info in archive.infolist()]
        assert archive.testzip() is None
        for info in archive.infolist():
            name_length, extra_length = struct.unpack_from("<HH", data, info.header_offset + 26)
            assert (info.header_offset + 30 + name_length + extra_length) % 64 == 0
    with zipfile.ZipFile(suites / "torch/zip/t2.15-tied.pt") as archive:
        expected = [info.filename.partition("/")[2] for info in archive.infolist()]
    assert [name for name in names if not name.startswith("data/")] == [
        name for name in expected if not name.startswith("data/")
    ]


def test_the_pickle_is_what_torch_writes(suites: Path, count_cases: Callable[..., None]) -> None:
    """For a state dict of PyTorch's own, instruction for instruction but for the memo."""
    compared = 0
    for name in ("state_dict", "tied_data", "bool", "float", "dtype_uint16", "many"):
        path = suites / f"torch/zip/t2.15-{name}.pt"
        with zipfile.ZipFile(path) as archive:
            original = archive.read(f"t2.15-{name}/data.pkl")
        theirs, ours = instructions(original), instructions(pickle_of(torch.load(path)))
        assert sorted(theirs) == sorted(ours), name
        compared += 1
    count_cases("torch: pickles as torch writes them", compared)


def instructions(data: bytes) -> list[str]:
    """The instructions without the memo, which ours uses more sparingly, and how often a text is
    written or taken out of it."""
    skipped = ("BINPUT", "BINGET", "LONG_BINPUT", "LONG_BINGET", "BINUNICODE", "GLOBAL")
    skipped += ("MARK", "SETITEM", "SETITEMS", "APPEND", "APPENDS")
    found = [(op.name, arg) for op, arg, _ in pickletools.genops(data) if op.name not in skipped]
    return [f"{name} {argument}" for name, argument in found]


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"w": np.arange(3.0)}, path)
    before = path.read_bytes()
    mapped = torch.load(path)["w"]
    with pytest.raises(cannery.errors.DataTypeError):
        torch.save({"w": object()}, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["m.pt"]
    torch.save({"w": mapped * 2}, path)  # while the old file is mapped
    assert list(mapped) == [0, 1, 2]
    assert list(torch.load(path)["w"]) == [0, 2, 4]


def test_arrays_lie_in_a_private_map(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"w": np.arange(3.0)}, path)
    before = path.read_bytes()
    loaded = torch.load(path)["w"]
    loaded += 1
    assert path.read_bytes() == before
    assert list(loaded) == [1, 2, 3]
    assert loaded.flags.aligned
    assert not loaded.flags.owndata


@pytest.mark.parametrize(
    "name", ["legacy/t2.15-tied.pt", "tar/t2.15-simple.pt", "zip/t2.15-tied.pt"]
)
def test_open_files_are_read(suites: Path, name: str) -> None:
    path = suites / "torch" / name
    with path.open("rb") as file:
        assert list(torch.load(file)) == list(torch.load(str(path)))


# Records and trust.


def test_unknown_classes_are_records(suites: Path) -> None:
    loaded = torch.load(suites / "torch/zip/t2.15-dataclass.pt")
    config = loaded["cfg"]
    assert isinstance(config, cannery.Record)
    assert config.type_name == "__main__.UnknownConfig"
    assert config.width == 3
    assert isinstance(config["t"], np.ndarray)
    with pytest.raises(cannery.errors.UntrustedTypeError) as raised:
        torch.load(suites / "torch/zip/t2.15-dataclass.pt", weights_only=True)
    assert "__main__.UnknownConfig" in str(raised.value)


def test_programs_are_shown_and_not_run(suites: Path) -> None:
    module = torch.load(suites / "torch/script/t2.15-extra_files.pt")
    assert set(module) == {"scale", "fc.weight", "fc.bias"}
    assert module.extra_files == {"meta.json": b'{"a": 1}', "sub/x.bin": b"\0\1"}
    assert "def forward" in module.code["__torch__.py"]
    program = torch.load(suites / "torch/pt2/t2.15-tied.pt2")
    assert program.state_dict is program["state_dict"]
    assert json.loads(program.read("models/model.json"))["graph_module"]


def test_pickle_modules_are_refused(suites: Path) -> None:
    with pytest.raises(TypeError, match="leave it out"):
        torch.load(suites / "torch/zip/t2.15-tied.pt", pickle_module=stdlib)


@pytest.mark.parametrize("data", [b"", b"text", b"PK\3\4", b"\x80\2}.", b"\x80", bytes(600)])
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(cannery.CanneryError):
        torch.load(io.BytesIO(data))


def test_methods_are_not_replaced() -> None:
    """An attribute that a file gives a dictionary must not stand before a method."""
    state = OrderedDict(a=1)
    state.items = [1]  # type: ignore[assignment,method-assign]
    with pytest.raises(cannery.errors.UnpicklingError, match="which is a method"):
        reload(state)


def with_members(value: Any, change: Callable[[dict[str, bytes]], None]) -> io.BytesIO:
    """A checkpoint whose members were changed."""
    with zipfile.ZipFile(io.BytesIO(saved(value))) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    change(members)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    file.seek(0)
    return file


def test_shards_stay_in_their_folder(tmp_path: Path) -> None:
    torch.save({"w": np.arange(3.0)}, tmp_path / "a.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    for name in ("../a.bin", "/etc/passwd", "a/../a.bin", "..", "c:a.bin", "https://x/a.bin", 7):
        index.write_text(json.dumps({"weight_map": {"w": name}}))
        with pytest.raises(cannery.errors.DataError, match="no plain file name"):
            torch.load(index)
    index.write_text(json.dumps({"weight_map": {"w": "a.bin"}}))
    (tmp_path / "link.bin").symlink_to(tmp_path / "a.bin")
    assert list(torch.load(index)["w"]) == [0, 1, 2] == list(torch.load(tmp_path)["w"])
    index.write_text(json.dumps({"weight_map": {"w": "link.bin"}}))
    assert list(torch.load(index)["w"]) == [0, 1, 2]


NESTED_KEY = b"\x80\x02}(" + b")" + b"".join(
    b"q" + bytes([i]) + b"0" + (b"h" + bytes([i])) * 2 + b"\x86" for i in range(60)
) + b"Nu."  # fmt: skip
DEEP_KEY = b"\x80\x02}(" + b")" + b"\x85" * 200_000 + b"Nu."
COLLIDING = b"\x80\x02}(" + b"".join(
    b"\x8a\x14" + (factor * (2**61 - 1)).to_bytes(20, "little") + b"N"
    for factor in range(1, 20_001)
) + b"u."  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [NESTED_KEY, DEEP_KEY, COLLIDING, b"\x80\x02}r\xff\xff\xff\x05.",
     b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
     b"c__builtin__\nlist\nc__builtin__\nxrange\nJ\xff\xff\xff\x7f\x85R\x85R."],
    ids=["nested key", "deep key", "colliding", "memo", "zeros", "range"],
)  # fmt: skip
def test_bombs_are_refused(data: bytes) -> None:
    file = with_members({}, lambda members: members.update({"archive/data.pkl": data}))
    before = time.process_time()
    with pytest.raises(cannery.CanneryError):
        torch.load(file)
    assert time.process_time() - before < 2


# Generated state dicts.

shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def random_array(shape: tuple[int, ...], dtype: str, seed: int) -> Any:
    """An array of any bytes of its type."""
    if dtype == "bool":
        return np.asarray(np.random.default_rng(seed).random(shape) > 0.5)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(random.Random(seed).randbytes(size), dtype).reshape(shape)


arrays = st.builds(random_array, shapes, st.sampled_from(PLAIN_TYPES), st.integers(0, 2**32))


@st.composite
def views(draw: st.DrawFn) -> list[Any]:
    """Several views of one array."""
    base = draw(arrays)
    found = [base]
    for _ in range(draw(st.integers(0, 3))):
        view = draw(st.sampled_from(found))
        step = st.builds(slice, st.integers(0, 2), st.integers(2, 5), st.integers(1, 2))
        steps = (*(draw(step) for _ in view.shape), ...)
        cut = view[steps] if draw(st.booleans()) else view.T
        found.append(cut)
    return found


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5)
)
values = st.recursive(
    st.one_of(scalars, arrays, views()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=4), inner, max_size=4),
        st.dictionaries(st.integers(), inner, max_size=4).map(OrderedDict),
        st.tuples(inner, inner),
    ),
    max_leaves=12,
)


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
        return
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list | tuple):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert_same(first, second)
    else:
        assert one == other or one != one


@given(values)
def test_what_is_saved_reads_back(value: Any) -> None:
    data = saved(value)
    assert_same(value, torch.load(io.BytesIO(data)))
    assert cannery._native.scan_bytes(data)[1] == "ok"


@given(views())
def test_sharing_is_what_it_was(found: list[Any]) -> None:
    back = reload(found)
    for one, first in zip(found, back, strict=True):
        for other, second in zip(found, back, strict=True):
            if np.may_share_memory(one, other) and one.dtype == other.dtype:
                assert np.shares_memory(one, other) == np.shares_memory(first, second)


# Damaged files.


def test_damaged_files_are_errors_of_ours(
    suites: Path, count_cases: Callable[[str, int], None]
) -> None:
    """Each file with bytes changed, cut off or repeated: values or an error, and no crash."""
    seeded = random.Random(20)
    files = [
        path
        for folder in ("zip", "legacy", "tar", "script", "pt2", "hostile")
        for path in sorted((suites / "torch" / folder).iterdir())
        if path.suffix not in (".json",) and path.stat().st_size < 20_000
    ]
    tried = refused = 0
    for path in seeded.sample(files, 160):
        data = path.read_bytes()
        for _ in range(12):
            try:
                look(torch.load(io.BytesIO(damaged(data, seeded))))
            except cannery.CanneryError:
                refused += 1
            tried += 1
    count_cases("torch: damaged files", tried)
    assert refused > tried // 4
    assert "torch" not in sys.modules


def damaged(data: bytes, seeded: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(seeded.randint(1, 4)):
        at = seeded.randrange(len(changed))
        way = seeded.randrange(4)
        if way == 0:
            changed[at] = seeded.randrange(256)
        elif way == 1:
            changed[at] ^= 1 << seeded.randrange(8)
        elif way == 2:
            end = min(len(changed), at + seeded.randint(1, 16))
            changed[at:end] = bytes(seeded.choice(b"\0\xff\x80") for _ in range(end - at))
        else:
            del changed[at : at + seeded.randint(1, 8)]
            if not changed:
                return b""
    return bytes(changed)


def look(value: Any, depth: int = 0) -> None:
    """Look at all elements of the arrays, which lie within the file or crash."""
    if isinstance(value, np.ndarray):
        if value.nbytes < 1 << 20:
            value.tobytes()
    elif isinstance(value, dict) and depth < 20:
        for item in value.values():
            look(item, depth + 1)
    elif isinstance(value, list | tuple) and depth < 20:
        for item in value:
            look(item, depth + 1)
