"""`.can` files from Python: what is in them, how they are mapped, and what is refused."""

import datetime as dt
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cannery
from cannery.errors import CorruptError, VersionError

FORMATS = ["can", "json", "msgpack", "yaml"]


@dataclass
class Box:
    label: str
    xyxy: tuple[float, ...]


def sample() -> dict[Any, Any]:
    box = Box("stamp", (0.0, 1.5))
    return {"all": [box], "first": box, (1, 2): {3, 4}, "raw": bytes(range(256)) * 4}


def same_value(value: Any, format: str) -> Any:
    return cannery.loads(cannery.dumps(value, format), format)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None, exclude_categories=()))
    | st.binary()
    | st.datetimes()
    | st.decimals(allow_nan=False)
)
KEYS = st.integers() | st.text() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner)
        | st.frozensets(KEYS)
        | st.sets(KEYS)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=60)
@given(value=VALUES)
def test_a_value_comes_back(format: str, value: Any) -> None:
    back = same_value(value, format)
    assert back == value
    assert repr(back) == repr(value) or type(back) is type(value)


@pytest.mark.parametrize("format", FORMATS)
def test_references_come_back(format: str) -> None:
    inner: list[Any] = []
    inner.append((inner, "text" * 3))
    value = {"a": inner, "b": [inner, inner], "text": inner[0][1]}
    back = same_value(value, format)
    assert back["a"] is back["b"][0] is back["b"][1] is back["a"][0][0]


@pytest.mark.parametrize("name", ["a.can", "a.json", "a.yaml", "a.yml", "a.json.gz", "a.yaml.zst"])
def test_a_file_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    cannery.dump(sample(), tmp_path / name)
    back = cannery.load(tmp_path / name, trust=[Box])
    assert back == sample()
    assert back["first"] is back["all"][0]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_files_of_text_and_of_bytes(tmp_path: Path) -> None:
    text, data = io.StringIO(), io.BytesIO()
    cannery.dump({"é": 1}, text, format="json")
    assert cannery.load(io.StringIO(text.getvalue()), format="json") == {"é": 1}
    cannery.dump({"é": (1,)}, data, format="can")
    data.seek(0)
    assert cannery.load(data) == {"é": (1,)}
    with (tmp_path / "a.can").open("wb") as file:
        cannery.dump([1], file)
    with (tmp_path / "a.can").open("rb") as file:
        assert cannery.load(file) == [1]
    assert cannery.loads((tmp_path / "a.can").read_bytes()) == [1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_with_a_name_takes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe.can"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()
    command = "import cannery, sys; cannery.dump({'a': (1, 2)}, sys.argv[1])"
    subprocess.run([sys.executable, "-c", command, path], check=True)
    reader.join()
    assert cannery.loads(received[0]) == {"a": (1, 2)}


def test_a_failed_dump_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.can"
    cannery.dump([1], path)
    with pytest.raises(TypeError, match="lambda"):
        cannery.dump([2, lambda: 0], path)
    assert cannery.load(path) == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.can"]


def test_any_tool_reads_the_members(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    path = tmp_path / "a.can"
    array = np.arange(1000.0)
    cannery.dump({"x": array, "t": (1,), "b": b"x" * 600}, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        document = json.loads(archive.read("document.json"))
        assert document["x"] == {"$array": "arrays/0.npy"}
        assert document["b"] == {"$bytes": "bytes/0.bin"}
        assert (np.load(archive.open("arrays/0.npy")) == array).all()
        manifest = json.loads(archive.read("manifest.json"))
        assert (manifest["format"], manifest["version"]) == ("cannery.can", 1)
        assert manifest["members"]["bytes/0.bin"]["size"] == 600


def test_equal_values_give_equal_files() -> None:
    assert cannery.dumps(sample(), "can") == cannery.dumps(sample(), "can")


def test_large_arrays_are_mapped_and_stay_their_owners(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    path = tmp_path / "a.can"
    array = np.asfortranarray(np.arange(1 << 18, dtype=">f8").reshape(512, 512))
    cannery.dump({"a": array, "again": array, "small": array[:2]}, path)
    back = cannery.load(path)
    assert back["a"] is back["again"]
    assert (back["a"].dtype, back["a"].flags.f_contiguous) == (array.dtype, True)
    assert back["a"].flags.writeable
    back["a"][0, 0] = 99
    back["small"][:] = 7
    assert cannery.load(path)["a"][0, 0] == 0
    cannery.dump([1], path)
    assert back["a"][511, 511] == (1 << 18) - 1


@pytest.mark.parametrize("compression", ["zstd", "deflate"])
def test_members_are_packed_when_asked(compression: str, tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    path = tmp_path / "a.can"
    cannery.dump(np.zeros(1 << 18), path, compression=compression)
    assert path.stat().st_size < 10_000
    assert not cannery.load(path).any()
    with pytest.raises(ValueError, match="compression"):
        cannery.dumps([], "can", compression="rar")
    with pytest.raises(ValueError, match="compression"):
        cannery.dumps([], "json", compression=compression)


def rezipped(data: bytes, **changed: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in reversed(old.namelist()):
            new.writestr(name, changed.get(name.partition(".")[0], old.read(name)))
    return out.getvalue()


def test_bad_files_are_refused_with_one_clear_error(tmp_path: Path) -> None:
    data = cannery.dumps(sample(), "can")
    assert cannery.loads(rezipped(data), trust=[Box]) == sample()
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("manifest.json"))
    newer = json.dumps(manifest | {"version": 2}).encode()
    cases = [
        (data[:-30], CorruptError, "damaged or cut off"),
        (data[:100], CorruptError, "damaged or cut off"),
        (b"", CorruptError, "damaged or cut off"),
        (rezipped(data, document=b"[]"), CorruptError, "not those that were written"),
        (rezipped(data, manifest=newer), VersionError, "version 2"),
        (rezipped(data, manifest=b"{}"), CorruptError, "manifest"),
    ]
    for bad, kind, words in cases:
        with pytest.raises(kind, match=words) as caught:
            cannery.loads(bad, format="can")
        assert isinstance(caught.value, ValueError)
        path = tmp_path / "bad.can"
        path.write_bytes(bad)
        with pytest.raises(kind, match=words) as caught:
            cannery.load(path)
        assert caught.value.file == str(path)  # pyright: ignore


def test_every_flipped_bit_is_noticed() -> None:
    value = {"a": [1, 2.5, "text"], "when": dt.datetime(2026, 11, 21)}
    data = cannery.dumps(value, "can")
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1 << at % 8
        try:
            assert cannery.loads(bad, format="can") == value
        except cannery.CanneryError:
            continue
