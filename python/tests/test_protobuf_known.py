"""Files whose Protobuf schema is at hand, and messages as what steps give."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from pathlib import Path

import pytest

import cannery
from cannery import protobuf

SUITES = Path(os.environ.get("CANNERY_SUITES", Path(__file__).parents[3] / "shared" / "suites"))
DATA = SUITES / "protobuf" / "data"


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.fixture
def model() -> bytes:
    message = protobuf.bundled("onnx")["onnx.ModelProto"]
    return message.encode(
        {
            "ir_version": 8,
            "graph": {
                "name": "g",
                "node": [{"op_type": "Relu", "input": ["x"], "output": ["y"]}],
                "initializer": [
                    {"dims": [2], "data_type": 1, "name": "w", "raw_data": b"12345678"}
                ],
                "input": [{"name": "x"}],
            },
            "opset_import": [{"version": 17}],
        }
    )


def test_models_are_loaded(tmp_path: Path, model: bytes) -> None:
    for name in ("model.onnx", "model", "model.pb", "model.bin"):
        (tmp_path / name).write_bytes(model)
        loaded = cannery.load(tmp_path / name)
        assert loaded["graph"]["node"][0]["op_type"] == "Relu"
        assert loaded["graph"]["initializer"][0]["raw_data"] == b"12345678"
    (tmp_path / "bad.onnx").write_bytes(model[:-3])
    with pytest.raises(ValueError, match="at byte"):
        cannery.load(tmp_path / "bad.onnx")
    (tmp_path / "other.pb").write_bytes(b"\x08\x01")
    with pytest.raises(cannery.CanneryError, match="need their schema"):
        cannery.load(tmp_path / "other.pb")


def test_tiles_are_loaded(tmp_path: Path) -> None:
    tile = protobuf.bundled("vector_tile")["vector_tile.Tile"]
    value = {"layers": [{"version": 2, "name": "roads", "features": [], "extent": 512}]}
    data = tile.encode({"layers": [{"version": 2, "name": "roads", "extent": 512}]})
    for name in ("t.mvt", "t.pbf"):
        (tmp_path / name).write_bytes(data)
        assert cannery.load(tmp_path / name)["layers"][0]["name"] == value["layers"][0]["name"]
    (tmp_path / "t.mvt.gz").write_bytes(gzip.compress(data))
    (tmp_path / "tile").write_bytes(gzip.compress(data))
    assert cannery.load(tmp_path / "t.mvt.gz") == cannery.load(tmp_path / "t.mvt")


def test_events_are_loaded(tmp_path: Path) -> None:
    event = protobuf.bundled("tensorboard")["tensorflow.Event"]
    rows = [
        {"wall_time": 1.5, "file_version": "brain.Event:2"},
        {"wall_time": 2.5, "step": 3, "summary": {"value": [{"tag": "a", "simple_value": 0.5}]}},
    ]
    where = tmp_path / "events.out.tfevents.123.host"
    protobuf.write_tfrecord(where, [event.encode(row) for row in rows])
    assert cannery.load(where) == rows


def _blob(kind: bytes, field: int, packed: bytes, size: int) -> bytes:
    """A blob whose block is packed in the way of a field's number."""

    def varint(value: int) -> bytes:
        low, high = value & 0x7F, value >> 7
        return bytes([low | 0x80]) + varint(high) if high else bytes([low])

    data = b"\x10" + varint(size) + bytes([field << 3 | 2]) + varint(len(packed)) + packed
    header = b"\x0a" + varint(len(kind)) + kind + b"\x18" + varint(len(data))
    return len(header).to_bytes(4, "big") + header + data


def _lz4_block(data: bytes) -> bytes:
    """A block of LZ4 that is all literals."""
    more = len(data) - 15
    return b"\xf0" + b"\xff" * (more // 255) + bytes([more % 255]) + data


def test_blobs_packed_in_other_ways_are_read() -> None:
    block = bytes(range(256)) * 40
    ways = {4: lzma.compress(block), 5: bz2.compress(block), 6: _lz4_block(block), 1: block}
    for field, packed in ways.items():
        blob = _blob(b"OSMData", field, packed, len(block))
        assert list(protobuf.read_osm(io.BytesIO(blob))) == [("OSMData", block)]
        wrong = _blob(b"OSMData", field, packed, len(block) - 1)
        with pytest.raises(ValueError, match="at byte 0"):
            list(protobuf.read_osm(io.BytesIO(wrong)))
        # The first field holds the block itself, whatever is in it.
        if field != 1:
            with pytest.raises(ValueError, match="at byte 0"):
                list(protobuf.read_osm(io.BytesIO(_blob(b"OSMData", field, packed[9:], 10240))))


def test_extracts_are_loaded(tmp_path: Path) -> None:
    schema = protobuf.bundled("osm")
    block = schema["OSMPBF.PrimitiveBlock"].encode(
        {
            "stringtable": {"s": [b"", b"name", b"x"]},
            "primitivegroup": [
                {"nodes": [{"id": -5, "lat": 10_000_000, "lon": 5, "keys": [1], "vals": [2]}]},
                {"dense": {"id": [1, 1], "lat": [100, -1], "lon": [7, 0]}},
            ],
        }
    )
    header = schema["OSMPBF.HeaderBlock"].encode({"required_features": ["DenseNodes"]})
    where = tmp_path / "x.osm.pbf"
    assert protobuf.write_osm(where, [("OSMHeader", header), ("OSMData", block)]) == 2
    assert list(protobuf.read_osm(where)) == [("OSMHeader", header), ("OSMData", block)]
    assert cannery.load(where) == [
        {"type": "node", "id": -5, "lat": 1.0, "lon": 5e-07, "tags": {"name": "x"}},
        {"type": "node", "id": 1, "lat": 1e-05, "lon": 7e-07},
        {"type": "node", "id": 2, "lat": 9.9e-06, "lon": 7e-07},
    ]
    data = bytearray(where.read_bytes())
    data[60] ^= 0xFF
    with pytest.raises(ValueError, match="at byte"):
        list(protobuf.read_osm(io.BytesIO(data)))
    frames = protobuf.read_osm(io.BytesIO(data), on_error="collect")
    assert len(list(frames)) + len(frames.errors) == 2  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"SKIPPED: no suites at {SUITES}")
def test_the_samples_are_loaded() -> None:
    loaded = cannery.load(DATA / "osm" / "test.osm.pbf")
    assert len(loaded) == 14222 + 2653 + 5
    events = cannery.load(DATA / "events" / "run1-main0.tfevents")
    assert len(events) == 47
    for path in sorted((DATA / "onnx").iterdir())[:40]:
        assert cannery.load(path)
