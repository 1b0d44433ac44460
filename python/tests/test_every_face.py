"""What one face writes, the other reads the same: formats, compressions, Python, the command."""

from __future__ import annotations

import datetime
import json
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples
from conftest import ROOT
from formats_table import table
from object_pictures import picture

import cannery
from cannery import _native
from cannery._objects._files import codec_of
from cannery._objects._formats import DOCUMENTS, formats

FORMATS = ["can", "cbor", "json", "msgpack", "yaml"]
COMPRESSIONS = ["", ".gz", ".zst", ".bz2", ".xz", ".lz4", ".zz"]


def convert(*arguments: object) -> int:
    """Run `cannery convert --tagged`, in this process: hundreds of files are converted."""
    return _native.cli_main(["cannery", "convert", "--tagged", *map(str, arguments)])


def dumped(format: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Dump every sample that the format takes."""
    for number, (name, make) in enumerate(samples.SAMPLES.items()):
        path = folder / f"{number:03}.{format}"
        try:
            cannery.dump(make(), path)
        except cannery.CanneryError:
            assert format == "cbor", name
            continue
        yield name, path


def is_kept(name: str, back: Any) -> bool:
    made = samples.SAMPLES[name]()
    is_same = getattr(samples, "SAME", {}).get(name)
    return is_same(made, back) if is_same else picture(made) == picture(back)


@pytest.mark.parametrize("format", FORMATS)
def test_the_command_reads_what_python_wrote(format: str, tmp_path: Path) -> None:
    """Every sample goes through a file of the format, the command, and a file of JSON."""
    written = dict(dumped(format, tmp_path))
    assert len(written) > 250
    lost = []
    for name, path in written.items():
        target = tmp_path / f"{path.stem}.back.json"
        is_read = convert(path, target) == 0
        if not is_read or not is_kept(name, cannery.load(target, trust=samples.TRUST)):
            lost.append(name)
    assert lost == []


@pytest.mark.parametrize("target", FORMATS)
def test_the_command_writes_what_python_reads(target: str, tmp_path: Path) -> None:
    written = dict(dumped("msgpack", tmp_path))
    lost = []
    for name, path in written.items():
        back = tmp_path / f"{path.stem}.back.{target}"
        if convert(path, back) != 0:
            assert target == "cbor", name
        elif not is_kept(name, cannery.load(back, trust=samples.TRUST)):
            lost.append(name)
    assert lost == []


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("format", FORMATS)
def test_compressions_are_the_same_everywhere(
    format: str, compression: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{format.upper()}{compression}"
    value = {"a": [1, 2.5, "é"], "t": (1, 2), "array": np.arange(3)}
    cannery.dump(value, path)
    assert picture(cannery.load(path)) == picture(value)
    assert convert(path, tmp_path / f"b.json{compression}") == 0
    assert picture(cannery.load(tmp_path / f"b.json{compression}")) == picture(value)


@dataclass
class Point:
    x: int
    y: float


@pytest.mark.parametrize("name", ["p.json", "p.json.gz", "p.yaml", "p.msgpack", "p.cbor", "p.can"])
def test_a_plain_document_is_decoded_into_a_type(name: str, tmp_path: Path) -> None:
    cannery.dump({"x": 1, "y": 2.5}, tmp_path / name)
    assert cannery.load(tmp_path / name, type=Point) == Point(1, 2.5)


def test_the_page_lists_what_the_registry_has() -> None:
    page = (ROOT / "docs" / "command.md").read_text()
    rows = [row for row in page.splitlines() if re.match(r"\| `\w+` \| `\.", row)]
    assert rows == [row for row in table() if not row.startswith("| `toy`")]
    compressions = _native.formats()[1]
    assert all(f"`.{one}`" in page for one in compressions if one not in ("zstd", "zlib"))


def test_rows_arrays_and_pickles_are_files_like_others(tmp_path: Path) -> None:
    rows = [{"a": 1}, {"when": datetime.date(2026, 12, 1)}]
    for name in ("rows.jsonl", "rows.NDJSON.gz"):
        cannery.dump(rows, tmp_path / name)
        assert cannery.load(tmp_path / name) == rows
    array = np.arange(6.0).reshape(2, 3)
    cannery.dump(array, tmp_path / "a.npy")
    assert np.array_equal(cannery.load(tmp_path / "a.npy"), array)
    cannery.dump({"a": array, "b": array[0]}, tmp_path / "a.npz")
    assert list(cannery.load(tmp_path / "a.npz")) == ["a", "b"]
    cannery.dump({"t": (1, 2)}, tmp_path / "a.pkl")
    assert cannery.load(tmp_path / "a.pkl") == {"t": (1, 2)}
    assert cannery.loads((tmp_path / "a.pkl").read_bytes()) == {"t": (1, 2)}


def test_a_stranger_class_in_a_pickle_is_a_record(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Point(1, 2.0)))
    record = cannery.load(tmp_path / "a.pkl")
    assert isinstance(record, cannery.Record)
    assert cannery.load(tmp_path / "a.pkl", trust=[Point]) == Point(1, 2.0)


def test_what_a_format_does_not_hold_says_what_to_do(tmp_path: Path) -> None:
    cases = [
        ({"a": 1}, "rows.jsonl", "put it in a list"),
        ([1], "a.npz", "a name for each"),
        ([1], "a.xyz", "pass format="),
        ([1], "a", "pass format="),
    ]
    for value, name, hint in cases:
        with pytest.raises(cannery.CanneryError) as caught:
            cannery.dump(value, tmp_path / name)
        assert hint in str(caught.value.hint), name
    assert list(tmp_path.iterdir()) == []


def test_hdf5_is_a_file_like_others(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    array = np.arange(6.0).reshape(2, 3)
    with h5py.File(path, "w") as file:
        file["run/values"] = array
        file.create_dataset("run/packed", data=np.arange(1000), chunks=(100,), compression="gzip")
        file["names"] = ["a", "é"]
        file["one"] = np.float32(1.5)
    loaded = cannery.load(path)
    assert np.array_equal(loaded["run"]["values"], array)
    assert np.array_equal(loaded["run"]["packed"], np.arange(1000))
    assert (list(loaded), loaded["one"]) == (["names", "one", "run"], 1.5)
    assert _native.cli_main(["cannery", "inspect", str(path)]) == 0
    shown = capfd.readouterr().out
    assert "HDF5" in shown
    assert "values  float64 [2, 3]" in shown
    assert _native.cli_main(["cannery", "convert", str(path), str(tmp_path / "a.json")]) == 0
    converted = json.loads((tmp_path / "a.json").read_text())
    assert converted["names"] == ["a", "é"]
    assert converted["one"] == 1.5
    assert converted["run"] == {"packed": list(range(1000)), "values": array.tolist()}


def test_what_a_mark_says_is_not_guessed(tmp_path: Path) -> None:
    """HDF5's signature is a map for MessagePack's reader, and not asked for it."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert _native.cli_main(["cannery", "inspect", str(path)]) == 2
    assert _native.format_of_bytes(path.read_bytes()) == "hdf5"
    (tmp_path / "list.yaml").write_text("['a', b]\n")
    assert cannery.load(tmp_path / "list.yaml") == ["a", "b"]
    assert _native.cli_main(["cannery", "cat", str(tmp_path / "list.yaml")]) == 0


def test_surrogates_and_depth_are_the_same_everywhere(tmp_path: Path) -> None:
    cannery.dump({"a": "\ud800x"}, tmp_path / "s.msgpack")
    assert _native.cli_main(["cannery", "cat", str(tmp_path / "s.msgpack")]) == 0
    deep: Any = 1
    for _ in range(900):
        deep = (deep,)
    cannery.dump(deep, tmp_path / "deep.json")
    assert _native.cli_main(["cannery", "inspect", str(tmp_path / "deep.json")]) == 0
    assert convert(tmp_path / "deep.json", tmp_path / "deep.msgpack") == 0
    assert cannery.load(tmp_path / "deep.msgpack") == deep


def test_tensors_are_files_like_others(tmp_path: Path) -> None:
    tensors = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(3, dtype="i4")}
    for name in ("t.safetensors", "t.safetensors.gz"):
        cannery.dump(tensors, tmp_path / name)
        back = cannery.load(tmp_path / name)
        assert list(back) == ["a", "b"]
        assert all(np.array_equal(back[key], tensors[key]) for key in tensors)
    with pytest.raises(cannery.CanneryError, match="expected a mapping"):
        cannery.dump([1], tmp_path / "list.safetensors")


@pytest.mark.parametrize("name", ["b.h5", "b.safetensors", "b.npy", "b.npz", "b.jsonl"])
def test_a_damaged_file_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n" if name == "b.h5" else b"hi")
    with pytest.raises(cannery.CanneryError) as caught:
        cannery.load(tmp_path / name)
    assert name in "".join([str(caught.value), *caught.value.__notes__])


def test_every_format_is_read_or_says_how() -> None:
    """A format of the registry is a document, has a codec, or needs a schema."""
    handled = {id for id in formats() if id in DOCUMENTS or codec_of(id)}
    assert set(formats()) - handled == {"protobuf"}
