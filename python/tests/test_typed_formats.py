"""Typed decoding of the other formats: JSONL, YAML, MessagePack, and files of any object."""

import dataclasses
import datetime as dt
import enum
import io
import uuid
from typing import Any, Literal, NamedTuple, TypedDict

import pytest

import cannery
from cannery import json, jsonl, msgpack, yaml
from cannery.errors import MismatchError


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


@dataclasses.dataclass
class Cat:
    kind: Literal["cat"]
    lives: int = 9


@dataclasses.dataclass
class Dog:
    kind: Literal["dog"]
    owner: Cat | None = None


def test_jsonl_lines_become_values(tmp_path):
    path = tmp_path / "points.jsonl"
    path.write_text('{"x": 1}\n{"x": "1"}\n{"x": 3, "y": 4}\n')
    lines = jsonl.read(path, "collect", type=Point)
    assert list(lines) == [Point(1), Point(3, 4.0)]
    assert [str(error) for error in lines.errors] == [
        f"{path}: $.x: expected int, got str at line 2 column 7"
    ]
    assert jsonl.loads('{"x": 1}\n{"x": 2}\n3', type=Point | int) == [Point(1), Point(2), 3]
    with path.open() as file:
        assert next(jsonl.read(file, type=Point)) == Point(1)


YAML = """
cat: &cat {kind: cat, lives: 3}
animals:
- *cat
- owner: *cat
  kind: dog
"""


@dataclasses.dataclass
class Zoo:
    cat: Cat
    animals: list[Cat | Dog]
    opened: dt.date | None = None


def test_yaml_becomes_values():
    cat = Cat("cat", 3)
    assert yaml.load(YAML, type=Zoo) == Zoo(cat, [cat, Dog("dog", cat)])
    assert yaml.load("2026-11-21", type=dt.date, schema="1.1") == dt.date(2026, 11, 21)
    assert yaml.load("2026-11-21", type=dt.date) == dt.date(2026, 11, 21)
    assert yaml.load("1: a\n2: b", type=dict[int, str]) == {1: "a", 2: "b"}
    assert yaml.load("", type=int | None) is None


#: A YAML document for `Zoo`, and what is said about it.
BAD_YAML = [
    (YAML.replace("3}", "x}"), "$.cat.lives: expected int, got str at line 2 column 30"),
    ("cat: {kind: cat, kind: cat}", "$.cat: the key `kind` occurs twice at line 1 column 18"),
    (
        "cat: {kind: cat}\nanimals: [1]",
        "$.animals[0]: expected Cat | Dog, got int at line 2 column 11",
    ),
]


@pytest.mark.parametrize(("document", "message"), BAD_YAML)
def test_yaml_that_does_not_fit(document, message):
    with pytest.raises(MismatchError) as caught:
        yaml.load(document, type=Zoo)
    assert str(caught.value) == message


def test_a_plain_document_loads_as_the_type(tmp_path):
    path = tmp_path / "zoo.json"
    path.write_text('{"cat": {"kind": "cat"}, "animals": [], "opened": "2026-11-21"}')
    assert cannery.load(path, type=Zoo) == Zoo(Cat("cat"), [], dt.date(2026, 11, 21))
    cannery.dump(Zoo(Cat("cat"), []), path)
    assert cannery.load(path, type=Zoo) == Zoo(Cat("cat"), [])
    path.write_text('{"cat": {"kind": "cat", "lives": "9"}, "animals": []}')
    with pytest.raises(MismatchError, match=r"^\$\.cat\.lives: expected int, got str at "):
        cannery.load(path, type=Zoo)


class Color(enum.Enum):
    RED = "red"


class Pair(NamedTuple):
    key: str
    value: bytes


class Options(TypedDict, total=False):
    depth: int


@dataclasses.dataclass(slots=True)
class Message:
    id: uuid.UUID
    sent: dt.datetime
    color: Color
    pairs: list[Pair]
    pets: list[Cat | Dog]
    options: Options
    by_number: dict[int, str]
    more: Any = None


def message() -> dict[str, Any]:
    return {
        "id": "12345678-1234-5678-1234-567812345678",
        "sent": msgpack.Timestamp(1_000_000_000, 5000),
        "color": "red",
        "pairs": [["a", b"1"], {"key": "b", "value": b"2"}],
        "pets": [{"lives": 3, "kind": "cat"}, {"kind": "dog"}],
        "options": {"depth": 3},
        "by_number": {1: "one", -2: "minus two"},
        "more": [msgpack.Timestamp(1), msgpack.ExtType(5, b"x"), {"k": b"v"}],
        "unknown": {"deep": [msgpack.ExtType(1, b"")]},
    }


def test_messagepack_becomes_values():
    expected = Message(
        uuid.UUID("12345678-1234-5678-1234-567812345678"),
        dt.datetime(2001, 9, 9, 1, 46, 40, 5, dt.UTC),
        Color.RED,
        [Pair("a", b"1"), Pair("b", b"2")],
        [Cat("cat", 3), Dog("dog")],
        {"depth": 3},
        {1: "one", -2: "minus two"},
        [msgpack.Timestamp(1), msgpack.ExtType(5, b"x"), {"k": b"v"}],
    )
    data = msgpack.packb(message())
    assert msgpack.decode(data, type=Message) == expected
    assert msgpack.unpackb(data, type=Message) == expected
    assert msgpack.unpack(io.BytesIO(data), type=Message) == expected
    text = msgpack.packb({**message(), "sent": "2001-09-09T01:46:40.000005Z"})
    assert msgpack.decode(text, type=Message) == expected


#: What is changed in the message, and what is said about it.
BAD_MESSAGES = [
    ({"color": "blue"}, "$.color: expected Color, got `blue` at byte 63"),
    ({"sent": 5}, "$.sent: expected datetime, got int at byte 47"),
    ({"sent": msgpack.ExtType(5, b"")}, "$.sent: expected datetime, got an extension at byte 47"),
    ({"pairs": [["a", "1"]]}, None),
    ({"pets": [{"kind": "cow"}]}, None),
    ({"by_number": {"one": "1"}}, None),
]


@pytest.mark.parametrize(("change", "said"), BAD_MESSAGES)
def test_messagepack_that_does_not_fit(change, said):
    with pytest.raises(MismatchError) as caught:
        msgpack.decode(msgpack.packb({**message(), **change}), type=Message)
    assert str(caught.value).startswith(f"$.{next(iter(change))}")
    assert caught.value.offset
    if said is not None:
        assert str(caught.value) == said


def test_messagepack_keeps_its_other_errors_and_options():
    data = msgpack.packb({"x": 1, "z": 2})
    assert msgpack.decode(data, type=Point) == Point(1)
    with pytest.raises(MismatchError, match=r"^\$: Point has no field `z` at byte"):
        msgpack.unpackb(data, type=Point, unknown="error")
    with pytest.raises(msgpack.ExtraData) as extra:
        msgpack.unpackb(data + b"\x01", type=Point)
    assert extra.value.unpacked == Point(1)
    with pytest.raises(ValueError, match="bytes"):
        msgpack.decode(data[:-1], type=Point)
    assert msgpack.decode(msgpack.packb("12"), type=int, strict=False) == 12
    with pytest.raises(TypeError, match="not both"):
        msgpack.unpackb(data, type=Point, object_hook=dict)
    assert json.decode(b'{"x": 1}', type=Point) == Point(1)
