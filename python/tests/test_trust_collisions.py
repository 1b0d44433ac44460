"""Keys of one hash: what loading refuses for them is not `ok` to `scan`, in any form or type."""

from __future__ import annotations

import copyreg
import ipaddress
import itertools
import json
import pickle
import random
import uuid
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import colliding
import pytest

import cannery
from cannery import pickle as ours

COUNT = 600
WRAPPED: dict[str, Callable[[list[Any]], Any]] = {
    "set": set,
    "frozenset": frozenset,
    "dict": lambda keys: dict.fromkeys(keys, 1),
    "OrderedDict": lambda keys: OrderedDict((key, 1) for key in keys),
    "nested": lambda keys: {"a": [{"b": set(keys)}]},
}
KINDS = pytest.mark.parametrize("kind", colliding.KINDS, ids=lambda kind: kind.__name__)
WRAPPINGS = pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)


def reasons(data: bytes) -> list[str]:
    scanned = cannery.scan(data)
    assert scanned.verdict != "danger", scanned
    return [found.reason for found in scanned.findings if "same hash" in found.reason]


def as_text(address: Any) -> tuple[Any, ...]:
    """How CPython 3.13 pickles addresses."""
    return type(address), (str(address),)


@KINDS
def test_the_values_are_chosen_well(kind: Callable[[int], list[Any]]) -> None:
    values = kind(COUNT)
    assert len(set(values)) == COUNT
    assert len({hash(value) for value in values}) == 1


@KINDS
@WRAPPINGS
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_keys_of_one_hash_in_a_pickle(
    kind: Callable[[int], list[Any]], wrap: Callable[[list[Any]], Any], protocol: int
) -> None:
    data = pickle.dumps(wrap(kind(COUNT)), protocol=protocol)
    assert reasons(data)
    with pytest.raises(cannery.CanneryError, match="same hash"):
        ours.loads(data)


@pytest.mark.parametrize("kind", [colliding.addresses, colliding.interfaces, colliding.networks])
def test_addresses_in_a_pickle_of_a_later_python(
    kind: Callable[[int], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = kind(COUNT)
    monkeypatch.setitem(copyreg.dispatch_table, type(values[0]), as_text)
    data = pickle.dumps(set(values))
    assert reasons(data)
    with pytest.raises(cannery.CanneryError, match="same hash"):
        ours.loads(data)


@KINDS
@pytest.mark.parametrize("wrap", [set, WRAPPED["dict"]], ids=["set", "dict"])
@pytest.mark.parametrize("format", ["json", "yaml", "msgpack", "cbor", "can"])
def test_keys_of_one_hash_in_a_document(
    kind: Callable[[int], list[Any]], wrap: Callable[[list[Any]], Any], format: str
) -> None:
    data = cannery.dumps(wrap(kind(COUNT)), format)
    assert reasons(data)
    with pytest.raises(cannery.CanneryError, match="same hash"):
        cannery.loads(data, format=format)


# The reader says the type here: the file has texts and lists.
TYPED: dict[str, tuple[Any, Callable[[int], list[Any]], Callable[[Any], Any]]] = {
    "integers": (set[int], colliding.integers, int),
    "identifiers": (set[uuid.UUID], colliding.identifiers, str),
    "decimals": (set[Decimal], colliding.decimals, str),
    "pairs": (set[tuple[int, int]], colliding.pairs, list),
}


@pytest.mark.parametrize("case", TYPED.values(), ids=TYPED)
def test_values_of_which_the_reader_says_the_type(case: tuple[Any, Any, Any]) -> None:
    type, kind, plain = case
    data = json.dumps([plain(each) for each in kind(COUNT)]).encode()
    assert reasons(data)
    with pytest.raises(cannery.CanneryError, match="same hash"):
        cannery.json.decode(data, type=type)


@KINDS
def test_few_of_them_are_no_bomb(kind: Callable[[int], list[Any]]) -> None:
    values = kind(60)
    for protocol in (0, 2, 4):
        data = pickle.dumps(set(values), protocol=protocol)
        assert cannery.scan(data).verdict == "ok"
        assert ours.loads(data) == pickle.loads(data)


def ordinary() -> dict[str, Any]:
    """Many keys that were not chosen, and many equal values."""
    of = random.Random(5)
    size = range(-40, 40)
    return {
        # The hashes of -1 and -2 are one.
        "a grid": {(x, y): 1 for x in size for y in size},
        "grids": [{(x, y): 1 for x in range(-3, 3) for y in range(-3, 3)} for _ in range(2000)],
        "identifiers": {uuid.UUID(int=of.getrandbits(128)): 1 for _ in range(2000)},
        "equal numbers": {"all": [2**63 - 1] * 5000},
        "equal keys": [{(2**70, 1): at} for at in range(3000)],
        "floats": {(of.random(), of.random()) for _ in range(3000)},
        "fractions": {Fraction(at, 97) for at in range(1000)},
        "decimals": {Decimal(at) / 100 for at in range(1000)},
        "addresses": {ipaddress.IPv6Address(2**120 + at): at for at in range(1000)},
        "networks": {ipaddress.IPv4Network((at << 8, 24)) for at in range(1000)},
        "sets": {frozenset(each) for each in itertools.combinations(range(14), 3)},
        "ranges": {range(start, stop) for start in range(30) for stop in range(start, 40)},
        "powers of two": {2**at for at in range(2000)},
    }


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("form", ["pickle 2", "pickle 4", "json", "yaml", "msgpack"])
def test_ordinary_keys_are_ok(name: str, form: str) -> None:
    value = ordinary()[name]
    if form.startswith("pickle"):
        data = pickle.dumps(value, protocol=int(form[-1]))
        assert ours.loads(data) == value
    else:
        data = cannery.dumps(value, form)
        assert cannery.loads(data, format=form) == value
    assert cannery.scan(data).verdict == "ok", cannery.scan(data)
