"""`cannery.cbor` against RFC 8949: its examples, the types Python has, and what is refused."""

from __future__ import annotations

import datetime
import decimal
import fractions
import io
import ipaddress
import json as stdlib
import math
import re
import uuid
from collections import OrderedDict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cannery
from cannery import cbor
from cannery.cbor import CBORSimpleValue, CBORTag, dumps, loads, undefined

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=st.just(datetime.UTC))
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.fractions()
    | st.frozensets(st.integers()).map(set)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read(value):
    found = loads(dumps(value))
    assert same(found, value)


def same(found: object, value: object) -> bool:
    """Whether both are equal in type and value, NaN to itself wherever it is."""
    if isinstance(found, list) and isinstance(value, list):
        return len(found) == len(value) and all(map(same, found, value))
    if isinstance(found, dict) and isinstance(value, dict):
        return list(found) == list(value) and all(map(same, found.values(), value.values()))
    return type(found) is type(value) and (found == value or repr(found) == repr(value))


def test_the_examples_of_appendix_a(suites: Path, count_cases):
    cases = stdlib.loads((suites / "cbor" / "appendix_a.json").read_text())
    for case in cases:
        encoded = bytes.fromhex(case["hex"])
        found = loads(encoded)
        if "decoded" in case:
            assert found == case["decoded"]
        if found == CBORSimpleValue(24):
            continue  # RFC 8949 took this example out: it is not well-formed
        if case["roundtrip"] and not isinstance(found, (datetime.datetime, CBORTag)):
            assert dumps(found) == encoded
    count_cases("CBOR appendix A", len(cases))
    assert len(cases) == 82


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ((1, [2]), "82018102"),
        ({1, 2}, "d9010282 0102"),
        (2**64, "c249 010000000000000000"),
        (-(2**64) - 1, "c349 010000000000000000"),
        (1.5, "f93e00"),
        (100000.0, "fa47c35000"),
        (1.1, "fb3ff199999999999a"),
        (math.nan, "f97e00"),
        (undefined, "f7"),
        (CBORSimpleValue(255), "f8ff"),
        (CBORTag(6, [1]), "c68101"),
        (bytearray(b"ab"), "426162"),
        (OrderedDict(b=1, a=2), "a2616201616102"),
        (
            datetime.datetime(2013, 3, 21, 20, 4, tzinfo=datetime.UTC),
            "c074" + b"2013-03-21T20:04:00Z".hex(),
        ),
        (datetime.date(1940, 10, 9), "d903ec6a313934302d31302d3039"),
        (decimal.Decimal("273.15"), "c48221196ab3"),
        (fractions.Fraction(1, 3), "d81e820103"),
        (uuid.UUID(int=1), "d82550" + "00" * 15 + "01"),
        (ipaddress.IPv4Address("192.0.2.1"), "d83444c0000201"),
        (re.compile("a+"), "d823 62612b"),
    ],
)
def test_what_objects_become(value, encoded):
    assert dumps(value) == bytes.fromhex(encoded)


def test_other_types_and_tags():
    with pytest.raises(TypeError, match="cannot serialize an object of type object") as caught:
        dumps([object()])
    assert "default=" in caught.value.hint
    assert loads(dumps({"a": object()}, default=lambda _: [1])) == {"a": [1]}
    assert loads(b"\xc6\x01") == CBORTag(6, 1)
    assert loads(b"\xc6\x01", tag_hook=lambda tag: (tag.tag, tag.value)) == (6, 1)
    assert loads(bytes.fromhex("d9d9f7 01")) == 1
    assert loads(bytes.fromhex("c1fb41d452d9ec200000")).timestamp() == 1363896240.5
    with pytest.raises(ValueError, match="without a time zone"):
        dumps(datetime.datetime(2026, 1, 1))


def test_shared_values_and_cycles():
    cycle: list = [1]
    cycle.append(cycle)
    data = dumps(cycle, value_sharing=True)
    assert data == bytes.fromhex("d81c8201d81d00")
    found = loads(data)
    assert found[1] is found
    with pytest.raises(ValueError, match="value") as caught:
        dumps(cycle)
    assert "value_sharing" in caught.value.hint
    shared = ["x"]
    assert dumps([shared, shared]) == bytes.fromhex("8281617881 6178".replace(" ", ""))


def test_canonical_order():
    value = {"z": 1, 100: 2, -1: 3, 10: 4}
    assert dumps(value, canonical=True) == bytes.fromhex("a40a0418640220 03617a01".replace(" ", ""))
    expected = bytes.fromhex("a40a042003186402617a01")
    assert dumps(value, canonical="length-first") == expected
    assert dumps({3, 1, 2}, canonical=True) == bytes.fromhex("d9010283010203")
    with pytest.raises(ValueError, match="canonical"):
        dumps(value, canonical="down")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("encoded", "error", "message"),
    [
        ("82 01", EOFError, "the input ends after 1 of at least 2 bytes at byte 1"),
        ("9b ffffffffffffffff", EOFError, "the input ends after 0 of at least"),
        ("ff", ValueError, "expected a value, found byte `0xff` at byte 0"),
        ("61 ff", ValueError, "expected a string in UTF-8"),
        ("d81d 00", ValueError, "a reference to value 0, of 0 shareable ones"),
        ("c0 01", ValueError, "1 is no value of tag 0"),
        ("0102", ValueError, "expected the end of the document, found 1 bytes at byte 1"),
        ("81" * 5000, RecursionError, "nested deeper than 1024 levels"),
    ],
)
def test_what_is_refused(encoded, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        loads(bytes.fromhex(encoded))
    assert isinstance(caught.value, cannery.CanneryError)


def test_files():
    stream = io.BytesIO()
    cbor.dump({"a": [1]}, stream)
    stream.seek(0)
    assert cbor.load(stream) == {"a": [1]}
