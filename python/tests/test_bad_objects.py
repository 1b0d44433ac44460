"""Damaged documents, and documents that were made up: one clear error, whatever they say."""

import collections
import datetime as dt
import decimal
import fractions
import json
from pathlib import PurePosixPath
from typing import Any

import pytest

import cannery
from cannery._objects import _adapters
from cannery._objects._known import BY_NAME

FORMATS = ("can", "json", "yaml", "msgpack")


def sample() -> Any:
    shared = [1, (2, b"\x00\xff" * 40)]
    return {
        "shared": [shared, shared],
        "when": dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC),
        "numbers": [2**70, 1.5, float("inf"), decimal.Decimal("1.10"), fractions.Fraction(1, 3)],
        ("key",): {1, 2},
        "deque": collections.deque([1], 3),
        "path": PurePosixPath("a/b"),
        "record": cannery.Record("shop.Item", {"label": "tea", "price": 3}),
    }


def read(data: bytes, format: str) -> Any:
    """What is read, or the error, which must be one of cannery's."""
    try:
        return cannery.loads(data, format)
    except cannery.CanneryError as error:
        return error


@pytest.mark.parametrize("format", FORMATS)
def test_cut_off_documents(format: str) -> None:
    data = cannery.dumps(sample(), format)
    assert cannery.loads(data, format) == sample()
    for end in range(len(data)):
        found = read(data[:end], format)
        # The beginning of a YAML document may be one, and the last line needs no end.
        is_shorter = format == "yaml" and (found != sample() or end == len(data) - 1)
        assert isinstance(found, cannery.CanneryError) or is_shorter


@pytest.mark.parametrize("format", FORMATS)
def test_flipped_bits(format: str) -> None:
    data = cannery.dumps(sample(), format)
    for at in range(0, 8 * len(data), 3):
        bad = bytearray(data)
        bad[at // 8] ^= 1 << at % 8
        found = read(bytes(bad), format)
        if format == "can":  # the only one with digests
            assert isinstance(found, cannery.CanneryError) or found == sample()


def names() -> list[str]:
    """Every type name that is made without anybody's trust, of the libraries that are here."""
    found = {*BY_NAME, "type", "function", "int", "str", "list", "object"}
    for package in _adapters._ADAPTERS:
        adapter: Any = _adapters._adapter(package)
        found.update(getattr(adapter, "_MAKERS", ()))
        found.update(f"{package}.{each}" for each in getattr(adapter, "_CLASSES", ()))
    for more in ("PIL.Image.Image", "xgboost.Booster", "lightgbm.Booster", "torch.Tensor"):
        found.add(more)
    return sorted(found)


ARRAY = {"$array": {"dtype": "<i8", "shape": [2], "data": "AQAAAAAAAAACAAAAAAAAAA=="}}
VALUES = [
    None,
    True,
    -1,
    2**70,
    1.5,
    "x",
    "",
    [],
    [1, [2]],
    {},
    {"a": 1},
    {"$type": "tuple", "value": [1]},
]
PARTS = """
    value values items data name maps factory maxlen start stop step args function keywords
    dtype shape order mask hard index columns ipc freq codes categories ordered levels names
    unit mode size raw png nodes edges graph state typecode byteorder format readonly pattern
    flags __items__ __args__ __state__ __function__ __pairs__
""".split()


@pytest.mark.parametrize("name", names())
def test_parts_that_make_no_sense(name: str) -> None:
    for value in VALUES:
        for parts in ({}, {"value": value}, dict.fromkeys(PARTS, value)):
            document = {"$type": name, **parts}
            read(json.dumps(document).encode(), "json")
            read(json.dumps([{"$id": 1, **document, "me": {"$ref": 1}}]).encode(), "json")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"$id": 1, "$type": "frozenset", "value": [{"$ref": 1}]}, "frozenset"),
        ({"$id": 1, "$items": [[{"$ref": 1}, 2]]}, "a key of a map has no hash"),
        ({"$type": "set", "value": [{}]}, "an item of a set has no hash"),
        ({"$ref": 1}, "1"),
        ([{"$id": 1, "a": 2}, {"$id": 1, "b": 3}], "two values are marked 1"),
        (
            {"$id": 1, "$type": "fractions.Fraction", "numerator": {"$ref": 1}, "denominator": 1},
            "Fraction",
        ),
    ],
)
def test_references_that_lead_nowhere_or_in_circles(document: Any, words: str) -> None:
    with pytest.raises(cannery.CanneryError, match=words):
        cannery.loads(json.dumps(document).encode())
