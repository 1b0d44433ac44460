"""How often parts are met where methods go through objects in objects: references multiply them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cannery._objects._checks import PartError
from cannery._objects._trust import is_spent

# More than any group, mail or chain has. References make it of few bytes.
_MOST_NESTED = 1 << 14


def count_nested(items: Iterable[Any], inner: Callable[[Any], Iterable[Any]], cls: type) -> None:
    """Count what lies within instances of a class, as often as their methods come upon it.

    Raises:
        PartError: if it is more than data has.

    """
    waiting, count = list(items), 0
    while waiting and count <= _MOST_NESTED:
        item = waiting.pop()
        count += 1
        if isinstance(item, cls):
            waiting.extend(inner(item))
    if waiting or is_spent(count):
        raise PartError(f"{cls.__name__}s hold the same parts again and again")
