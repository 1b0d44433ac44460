"""The shortest ways of `cannery.msgpack`: at every length and size, as by the longer ways."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import pytest

from cannery import msgpack
from cannery.msgpack import packb, unpackb

#: Lengths at which the encoding changes, and those around them.
LENGTHS = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257]
LONG = [4095, 4096, 4097, 65_535, 65_536, 70_000]


def the_long_way(data: bytes) -> Any:
    """Hooks make the reader build step by step."""
    return unpackb(data, list_hook=list, strict_map_key=False)


def texts() -> list[str]:
    """Texts of every width and length, at every place in a page."""
    units = ["a", "é", "ж", "日", "😀", "aé", "a日", "日😀", "\0"]
    return [(unit * length)[:length] for unit in units for length in LENGTHS + LONG]


def integers() -> list[int]:
    edges = [sign * 2**bits + by for bits in range(65) for by in (-1, 0, 1) for sign in (1, -1)]
    chosen = random.Random(3)
    others = [chosen.getrandbits(chosen.randrange(1, 65)) for _ in range(2000)]
    return [number for number in edges + others if -(2**63) <= number < 2**64]


@pytest.mark.parametrize(
    "values",
    [
        texts(),
        integers(),
        [b"x" * length for length in LENGTHS + LONG],
        [[None] * length for length in LENGTHS + LONG],
        [tuple(range(length)) for length in LENGTHS],
        [{str(key): key for key in range(length)} for length in LENGTHS + LONG],
        [{key: str(key) for key in range(length)} for length in LENGTHS],
        [{"k" * length: length} for length in LENGTHS + LONG],
    ],
)
def test_every_length(values: list[Any]):
    peer = pytest.importorskip("msgpack")
    for value in values:
        data = packb(value)
        assert data == peer.packb(value)
        expected = list(value) if isinstance(value, tuple) else value
        for unpack in (msgpack.decode, the_long_way):
            assert repr(unpack(data)) == repr(expected)


def test_records_with_other_keys_in_between():
    shapes = [
        ("id", "name", "text"),
        ("id", "name", "note"),
        ("id", "nome", "text"),
        ("id", "é", "text"),
        ("id", "name", "k" * 256),
        ("id", "name"),
        ("", "name", "text"),
        (1, "name", "text"),
    ]
    chosen = random.Random(5)
    for _ in range(200):
        rows = [{key: chosen.choice([1, "a", [2], {}]) for key in chosen.choice(shapes)}]
        rows *= chosen.randrange(1, 4)
        rows += [{key: [0] for key in chosen.choice(shapes)} for _ in range(chosen.randrange(9))]
        assert repr(msgpack.decode(packb(rows))) == repr(rows)


def test_keys_that_come_twice_keep_their_last_value():
    row = b"\x83\xa1a\x01\xa1b\x02\xa1a\x03"
    for data in (row, b"\x94" + row * 4):
        assert msgpack.decode(data) == the_long_way(data)


@pytest.mark.parametrize("depth", [255, 256, 257, 1024])
def test_depths(depth: int):
    for begin, end in ((b"\x91", b"\xc0"), (b"\x81\xa1k", b"\xc0")):
        data = begin * depth + end
        value = msgpack.decode(data)
        assert packb(value) == packb(the_long_way(data)) == data
        with pytest.raises(msgpack.StackError):
            msgpack.decode(begin * 1025 + end)
    with pytest.raises(msgpack.StackError):
        msgpack.decode(b"\x91" * depth + b"\xc0", depth=depth - 1)


def test_nested_claims_allocate_no_more_than_there_is():
    data = b"\xdd\x00\x00\xff\xff" * 200 + b"\xc0" * 65_536
    tracemalloc.start()
    with pytest.raises(ValueError, match="bytes"):
        msgpack.decode(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_every_cut_is_seen():
    data = packb([{"id": 1, "text": "é" * 40, "more": [1.5, b"x" * 300, {"a": None}]}] * 3)
    for end in range(len(data)):
        with pytest.raises(ValueError, match="bytes"):
            msgpack.decode(data[:end])
