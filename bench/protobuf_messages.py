"""Protobuf: messages to dictionaries, dataclasses, JSON and back, against Google's library."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cannery import protobuf

from . import peers
from .harness import Contender, Effort, Table, measure, verified

SCHEMA = """
syntax = "proto3"; package bench;
enum Kind { NONE = 0; GOOD = 1; BAD = 2; }
message Place { int32 x = 1; int32 y = 2; string name = 3; }
message Item {
  int64 id = 1; string name = 2; double price = 3; repeated string tags = 4;
  map<string, int32> counts = 5; Kind kind = 6; Place place = 7; bool ok = 8;
}
message Order { int64 id = 1; repeated Item items = 2; Place head = 3; string note = 4; }
message Small { int32 a = 1; string b = 2; bool c = 3; double d = 4; }
message Numbers {
  repeated int32 i = 1; repeated double d = 2; repeated int64 l = 3; repeated float f = 4;
}
message Texts { repeated string t = 1; }
message Maps { map<string, string> m = 1; map<int32, Place> p = 2; }
message Blobs { repeated bytes b = 1; }
"""


class Shape(NamedTuple):
    """A message to be measured: ours, Google's class for it, and its bytes."""

    ours: protobuf.MessageType
    theirs: Any
    data: bytes


def tables(effort: Effort) -> Iterator[Table]:
    """Yields one table for each thing that people do with messages."""
    google = peers.load(["google.protobuf"])
    shapes = _shapes(with_google=bool(google))
    yield _table("Protobuf to dict, us", shapes, effort, _decoders)
    yield _table("Protobuf to dataclass, each field read once, us", shapes, effort, _readers)
    yield _table("Protobuf from dict, us", shapes, effort, _encoders)
    yield _table("Protobuf to JSON, us", shapes, effort, _printers)
    yield _table("Protobuf from JSON, us", shapes, effort, _parsers)


def _table(
    title: str,
    shapes: dict[str, Shape],
    effort: Effort,
    contenders_of: Callable[[Shape], tuple[list[Contender], Any]],
) -> Table:
    table = Table(title, lambda seconds, _size: f"{seconds * 1e6:,.1f}")
    for name, shape in shapes.items():
        contenders, value = contenders_of(shape)
        right = verified(contenders, value, lambda result: result is not None, table, name)
        table.add(name, len(shape.data), measure(right, value, effort=effort))
    return table


def _decoders(shape: Shape) -> tuple[list[Contender], Any]:
    ours, theirs, _ = shape
    contenders = [Contender("cannery.protobuf decode", ours.decode)]
    if theirs is not None:
        from google.protobuf import json_format  # pyright: ignore[reportMissingImports]

        def to_dict(data: bytes) -> Any:
            message = theirs.FromString(data)
            return json_format.MessageToDict(message, preserving_proto_field_name=True)

        contenders.append(Contender("protobuf ParseFromString + MessageToDict", to_dict))
    return contenders, shape.data


def _readers(shape: Shape) -> tuple[list[Contender], Any]:
    ours, theirs, _ = shape
    cls = ours.dataclass
    contenders = [
        Contender("cannery.protobuf dataclass", lambda data: ours.decode(data, type=cls)),
    ]
    if theirs is not None:
        read = _reader(theirs.DESCRIPTOR)
        contenders.append(
            Contender("protobuf, every field read", lambda data: read(theirs.FromString(data)) or 1)
        )
    return contenders, shape.data


def _reader(descriptor: Any, known: dict[str, Any] | None = None) -> Callable[[Any], None]:
    """A function that reads each field of a message of Google's once."""
    known = {} if known is None else known
    if descriptor.full_name in known:
        # A message that holds itself: its reader is there when it is called.
        return lambda message: known[descriptor.full_name](message)
    known[descriptor.full_name] = None
    plain, lists, singles, messages, maps = [], [], [], [], []
    for field in descriptor.fields:
        if field.message_type is None:
            (lists if field.is_repeated else plain).append(field.name)
        elif field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"].message_type
            maps.append((field.name, value and _reader(value, known)))
        else:
            reader = _reader(field.message_type, known)
            (messages if field.is_repeated else singles).append((field.name, reader))

    def read(message: Any) -> None:
        for name in plain:
            getattr(message, name)
        for name in lists:
            list(getattr(message, name))
        for name, inner in singles:
            if message.HasField(name):
                inner(getattr(message, name))
        for name, inner in messages:
            for item in getattr(message, name):
                inner(item)
        for name, inner in maps:
            for _, value in getattr(message, name).items():
                if inner is not None:
                    inner(value)

    known[descriptor.full_name] = read
    return read


def _encoders(shape: Shape) -> tuple[list[Contender], Any]:
    ours, theirs, data = shape
    value = ours.decode(data)
    contenders = [Contender("cannery.protobuf encode", ours.encode)]
    if theirs is not None:
        from google.protobuf import json_format  # pyright: ignore[reportMissingImports]

        printed = json_format.MessageToDict(theirs.FromString(data))

        def from_dict(_value: Any) -> bytes:
            return json_format.ParseDict(printed, theirs()).SerializeToString()

        contenders.append(Contender("protobuf ParseDict + SerializeToString", from_dict))
    return contenders, value


def _printers(shape: Shape) -> tuple[list[Contender], Any]:
    ours, theirs, _ = shape
    contenders = [Contender("cannery.protobuf to_json", ours.to_json)]
    if theirs is not None:
        from google.protobuf import json_format  # pyright: ignore[reportMissingImports]

        contenders.append(
            Contender(
                "protobuf ParseFromString + MessageToJson",
                lambda data: json_format.MessageToJson(theirs.FromString(data)),
            )
        )
    return contenders, shape.data


def _parsers(shape: Shape) -> tuple[list[Contender], Any]:
    ours, theirs, data = shape
    contenders = [Contender("cannery.protobuf from_json", ours.from_json)]
    if theirs is not None:
        from google.protobuf import json_format  # pyright: ignore[reportMissingImports]

        contenders.append(
            Contender("protobuf Parse", lambda text: json_format.Parse(text, theirs()))
        )
    return contenders, ours.to_json(data)


def _shapes(*, with_google: bool) -> dict[str, Shape]:
    schema = protobuf.Schema(SCHEMA)
    shapes = {
        name: _shape(schema, message, value, with_google)
        for name, (message, value) in _values(random.Random(1)).items()
    }
    suites = Path(os.environ.get("CANNERY_SUITES", "../shared/suites")) / "protobuf" / "data"
    model = suites / "onnx" / "light__light_densenet121.onnx"
    if model.exists():
        onnx = protobuf.bundled("onnx")
        shapes["ONNX model"] = _of_bytes(onnx, "onnx.ModelProto", model.read_bytes(), with_google)
    extract = suites / "osm" / "test.osm.pbf"
    if extract.exists():
        blocks = [block for kind, block in protobuf.read_osm(extract) if kind == "OSMData"]
        osm = protobuf.bundled("osm")
        shapes["OSM block"] = _of_bytes(osm, "OSMPBF.PrimitiveBlock", blocks[0], with_google)
    return shapes


def _shape(schema: protobuf.Schema, message: str, value: Any, with_google: bool) -> Shape:
    return _of_bytes(schema, message, schema[message].encode(value), with_google)


def _of_bytes(schema: protobuf.Schema, message: str, data: bytes, with_google: bool) -> Shape:
    return Shape(schema[message], _google_class(schema, message) if with_google else None, data)


def _google_class(schema: protobuf.Schema, message: str) -> Any:
    from google.protobuf import (  # pyright: ignore[reportMissingImports]
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(schema.descriptor_set()).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(message))


def _values(chance: random.Random) -> dict[str, tuple[str, Any]]:
    def word(length: int) -> str:
        return "".join(chance.choices("abcdefghij klmnopq", k=length))

    def place() -> dict[str, Any]:
        return {"x": chance.randrange(1, 1000), "y": chance.randrange(1, 10**6), "name": word(20)}

    def item() -> dict[str, Any]:
        return {
            "id": chance.randrange(1 << 40),
            "name": word(12),
            "price": chance.random(),
            "tags": [word(8) for _ in range(4)],
            "counts": {word(5): chance.randrange(100) for _ in range(3)},
            "kind": chance.choice(["GOOD", "BAD"]),
            "place": place(),
            "ok": True,
        }

    order = {"id": 7, "items": [item() for _ in range(7000)], "head": {"x": 1}, "note": "x"}
    numbers = {
        "i": [chance.randrange(-1000, 100_000) for _ in range(20_000)],
        "d": [chance.random() for _ in range(20_000)],
        "l": [chance.randrange(1 << 50) for _ in range(20_000)],
        "f": [math.floor(chance.random() * 100) / 4 for _ in range(20_000)],
    }
    maps = {
        "m": {word(10): word(10) for _ in range(5000)},
        "p": {index: place() for index in range(3000)},
    }
    return {
        "nested, 1 MB": ("bench.Order", order),
        "small": ("bench.Small", {"a": 5, "b": "hello", "c": True, "d": 1.5}),
        "packed numbers": ("bench.Numbers", numbers),
        "strings": ("bench.Texts", {"t": [word(30) for _ in range(20_000)]}),
        "long strings": ("bench.Texts", {"t": [word(100_000) for _ in range(10)]}),
        "maps": ("bench.Maps", maps),
        "bytes": ("bench.Blobs", {"b": [chance.randbytes(30) for _ in range(10_000)]}),
    }
