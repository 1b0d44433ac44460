"""Values that were chosen to have one hash, of every type whose hash a file can choose.

Python hashes numbers modulo 2**61 - 1, and tuples, frozen sets and complex numbers by functions
without a secret that can be turned around.
"""

from __future__ import annotations

import decimal
import fractions
import ipaddress
import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

PRIME = 2**61 - 1
"""Numbers that differ by it have one hash."""

_WORD = 2**64
_PRIMES = 11400714785074694791, 14029467366897019727, 2870177450012600261


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) % _WORD


def _forward(state: int, lane: int) -> int:
    """One step of xxHash, as `hash` of a tuple takes it for each item."""
    return _rotated((state + lane * _PRIMES[1]) % _WORD, 31) * _PRIMES[0] % _WORD


def _lane(wanted: int, state: int) -> int:
    """The hash of the item that leads from one state to another."""
    before = _rotated(wanted * pow(_PRIMES[0], -1, _WORD) % _WORD, 33)
    return (before - state) * pow(_PRIMES[1], -1, _WORD) % _WORD


def _after(*items: int) -> int:
    state = _PRIMES[2]
    for item in items:
        state = _forward(state, item)
    return state


def _last_items(wanted: int, beginnings: Iterator[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Beginnings with the last item that leads to the wanted state, where an integer does."""
    for beginning in beginnings:
        lane = _lane(wanted, _after(*beginning))
        item = lane - _WORD if lane >> 63 else lane
        if 2 < abs(item) < PRIME:
            yield *beginning, item


def pairs(count: int) -> list[Any]:
    found = _last_items(_after(1, 2), ((first,) for first in itertools.count(1)))
    return list(itertools.islice(found, count))


def triples(count: int) -> list[Any]:
    found = _last_items(_after(1, 2, 3), ((first, first + 1) for first in itertools.count(1)))
    return list(itertools.islice(found, count))


def nested(count: int) -> list[Any]:
    return [(pair, "x", pair) for pair in pairs(count)]


def ranges(count: int) -> list[Any]:
    found = _last_items(_after(2, 3, 4), ((2, first) for first in itertools.count(1)))
    return [range(first, first + 2 * by, by) for _, first, by in itertools.islice(found, count)]


def integers(count: int) -> list[Any]:
    return [at * PRIME + 5 for at in range(1, count + 1)]


def long_integers(count: int) -> list[Any]:
    return [-(2**70 + at) * PRIME - 5 for at in range(count)]


def complexes(count: int) -> list[Any]:
    return [complex(2**52 - 1000003 * at, at) for at in range(count)]


def fractional(count: int) -> list[Any]:
    every = (fractions.Fraction(7 * at % PRIME + PRIME, at) for at in itertools.count(2))
    return list(itertools.islice((each for each in every if each.denominator != 1), count))


def decimals(count: int) -> list[Any]:
    every = (decimal.Decimal(f"{5 * pow(10, at, PRIME) % PRIME}e-{at}") for at in itertools.count())
    distinct: dict[Any, None] = {}
    while len(distinct) < count:
        distinct[next(every)] = None
    return list(distinct)


def frozen_sets(count: int) -> list[Any]:
    choices = itertools.product((0, PRIME), repeat=12)
    made = (frozenset(at + 1 + plus for at, plus in enumerate(each)) for each in choices)
    return list(itertools.islice(made, count))


def identifiers(count: int) -> list[Any]:
    return [uuid.UUID(int=at * PRIME + 5) for at in range(1, count + 1)]


def addresses(count: int) -> list[Any]:
    return [ipaddress.IPv6Address(at * PRIME + 5) for at in range(1, count + 1)]


def scoped_addresses(count: int) -> list[Any]:
    return [ipaddress.IPv6Address(f"{address}%eth0") for address in addresses(count)]


def interfaces(count: int) -> list[Any]:
    return [ipaddress.IPv6Interface((int(address), 0)) for address in addresses(count)]


def networks(count: int) -> list[Any]:
    # All of them end in zeros: the mask is what is left of the inverted address.
    mask = (2**128 - 1) << 8 & 2**128 - 1
    step = pow(256, -1, PRIME)
    found = ((step * (at * PRIME + 5) % PRIME + at * PRIME) << 8 for at in itertools.count(1))
    every = (ipaddress.IPv6Network((each ^ mask, 120)) for each in found if each < 2**127)
    return list(itertools.islice(every, count))


KINDS: list[Callable[[int], list[Any]]] = [
    pairs, triples, nested, ranges, integers, long_integers, complexes, fractional, decimals,
    frozen_sets, identifiers, addresses, scoped_addresses, interfaces, networks,
]  # fmt: skip
