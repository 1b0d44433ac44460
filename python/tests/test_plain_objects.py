"""Plain values take the shortest way through `dumps` and `loads`, to where the long one leads."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from typing import Any

import pytest

import cannery

TEXTS = ["", "a", "é", "\u20ac", "\U0001f600", "\ud83d\ude00", "\ud800", "\udc00x", "$", "$type",
         "$$", "$é", "$\U0001f600", 'q"\\', "\x00\x1f", "price: $5", '"$type"', "\\u0024",
         "x" * 700]  # fmt: skip
NUMBERS = [0, 1, -1, 7, 2**31, -(2**63), 2**63 - 1, 2**63, 2**64, -(2**64), 10**40, 0.0, -0.0, 1.5,
           1e300, 5e-324, float("nan"), float("inf"), float("-inf")]  # fmt: skip
KEYS = [*TEXTS, None, 1, 1.5, True, (), (1, "a")]


class Values:
    """Values by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield self.value(0)

    def value(self, depth: int) -> Any:
        pick = self.random.random()
        if depth > 5 or pick < 0.45:
            return self.random.choice([*TEXTS, *NUMBERS, None, True, False, b"", b"\x00b"])
        size = self.random.randrange(4)
        items = [self.value(depth + 1) for _ in range(size)]
        if pick < 0.6:
            return items
        if pick < 0.75:
            return tuple(items)
        plain = self.random.random() < 0.7
        keys = [self.random.choice(TEXTS[:9] if plain else KEYS) for _ in items]
        made = dict(zip(keys, items, strict=True))
        if items and self.random.random() < 0.1:
            made["again"] = self.random.choice(items)
        return made


def on_the_long_way(value: Any) -> bytes:
    """What is written beside a date, which is not plain."""
    data = cannery.dumps([value, datetime.date(2026, 1, 1)])
    return data.removeprefix(b"[").partition(b',{"$type":"datetime.date"')[0]


@pytest.mark.parametrize("seed", range(4))
def test_the_ways_lead_to_the_same(seed: int) -> None:
    for _, value in zip(range(2000), Values(seed), strict=False):
        data = cannery.dumps(value)
        assert data == on_the_long_way(value)
        beside = cannery.loads(b"[" + data + b',{"$type":"tuple","value":[]}]')[0]
        assert repr(cannery.loads(data)) == repr(beside) == repr(value)
        assert repr(cannery.loads(cannery.dumps(value, "can"))) == repr(value)


@pytest.mark.parametrize("kind", ["list", "tuple", "dict", "mixed"])
@pytest.mark.parametrize("depth", [1, 1000, 1022, 1023, 1024, 1025, 5000])
def test_depth_is_the_same_on_both_ways(kind: str, depth: int) -> None:
    value: Any = 1
    for level in range(depth):
        shape = ("list", "tuple", "dict")[level % 3] if kind == "mixed" else kind
        value = [value] if shape == "list" else (value,) if shape == "tuple" else {"k": value}

    def outcome(function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except cannery.errors.CanneryError as error:
            return str(error).partition(" at ")[0]

    data = outcome(cannery.dumps, value)
    if isinstance(data, str):
        assert (kind, depth > 1023) == ("tuple", True)
        assert "chain of more than 1024" in data
        return
    assert data == on_the_long_way(value)
    for format in ("json", "can"):
        found = cannery.loads(cannery.dumps(value, format), format)
        for _ in range(depth):
            assert len(found) == 1
            found = found["k"] if type(found) is dict else found[0]
        assert found == 1


def test_escaped_dollars_are_tags() -> None:
    escaped = b'{"\\u0024type":"tuple","value":[1]}'
    assert cannery.loads(escaped) == cannery.loads(escaped.decode()) == (1,)
    assert cannery.loads(b'{"\\u0024\\u0024type":1}') == {"$type": 1}
    assert cannery.loads('{"€":"\\u0024"}') == {"€": "$"}
    with pytest.raises(cannery.errors.CanneryError, match="where it may not be"):
        cannery.loads(b'{"a":1,"$ref":2}')


def test_plain_documents_keep_their_errors() -> None:
    for document in (b"", b"[", b'{"a":}', b"[1]x", b"\xff", b'["\\ud800"', b"nan"):
        with pytest.raises(cannery.errors.CanneryError) as plain:
            cannery.loads(document, "json")
        assert str(plain.value)
    assert cannery.loads(b"1" * 5000) == int("1" * 4000) * 10**1000 + int("1" * 1000)
