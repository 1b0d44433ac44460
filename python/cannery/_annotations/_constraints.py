"""Constraints in `Annotated`: those of annotated_types, msgspec and pydantic, by their names."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Test = tuple[Callable[[Any], bool], str]

_COMPARISONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_LENGTHS = {"min_length": operator.ge, "max_length": operator.le}


def tests_of(metadata: Iterable[Any]) -> list[Test]:
    """The tests in the metadata of an annotation, each with the words for it."""
    return [test for item in _flat(metadata) for test in _of_item(item)]


def check_of(tests: list[Test], expected: str) -> Callable[[Any], Any]:
    """The function that gives a value back if it passes all tests."""

    def check(value: Any) -> Any:
        for passes, _ in tests:
            if not passes(value):
                raise ValueError(f"expected {expected}, got {_shown(value)}")
        return value

    return check


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for item in metadata:
        if type(item).__module__.partition(".")[0] == "annotated_types" and hasattr(
            item, "__iter__"
        ):
            yield from item  # a group: `Interval`, `Len`
        elif hasattr(item, "annotation") and isinstance(getattr(item, "metadata", None), list):
            yield from item.metadata  # pydantic's `Field`
        else:
            yield item


def _of_item(item: Any) -> Iterator[Test]:
    if isinstance(item, type):
        return
    for name, sign in _COMPARISONS.items():
        bound = getattr(item, name, None)
        if bound is not None and not callable(bound):
            yield _comparison(getattr(operator, name), bound), f"{sign} {bound!r}"
    multiple = getattr(item, "multiple_of", None)
    if multiple is not None:
        yield (lambda value: value % multiple == 0), f"a multiple of {multiple!r}"
    for name, compare in _LENGTHS.items():
        length = getattr(item, name, None)
        if isinstance(length, int) and not (name == "min_length" and length == 0):
            most = "at least" if compare is operator.ge else "at most"
            yield _length(compare, length), f"of length {most} {length}"
    pattern = getattr(item, "pattern", None)
    if isinstance(pattern, str) and not callable(item):
        yield (lambda value: re.search(pattern, value) is not None), f"matching {pattern!r}"
    zone = getattr(item, "tz", None)
    if type(item).__name__ == "Timezone":
        yield _zone_test(zone)
        return
    if isinstance(zone, bool):
        words = "with a time zone" if zone else "without a time zone"
        yield (lambda value: (value.tzinfo is not None) == zone), words
    predicate = getattr(item, "func", None)
    if type(item).__name__ in ("Predicate", "Not") and callable(predicate):
        negated = type(item).__name__ == "Not"
        name = getattr(predicate, "__name__", repr(predicate))
        words = f"{'not ' if negated else ''}passing {name}"
        yield (lambda value: bool(predicate(value)) != negated), words


def _zone_test(wanted: Any) -> Test:
    """The test of annotated_types: `None` for none, `...` for any, else which time zone."""
    if wanted is None:
        return (lambda value: value.tzinfo is None), "without a time zone"
    if wanted is ...:
        return (lambda value: value.tzinfo is not None), "with a time zone"
    return (lambda value: _is_zone(value.tzinfo, wanted)), f"in the time zone {wanted}"


def _is_zone(zone: Any, wanted: Any) -> bool:
    return zone == wanted or (isinstance(wanted, str) and wanted in (str(zone), zone.tzname(None)))


def _comparison(compare: Callable[[Any, Any], bool], bound: Any) -> Callable[[Any], bool]:
    return lambda value: compare(value, bound)


def _length(compare: Callable[[int, int], bool], length: int) -> Callable[[Any], bool]:
    return lambda value: compare(len(value), length)
