"""What the rules of pickles share: exact types, bounds, and full names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from cannery._objects import Record
from cannery.pickle._refused import Refused, bomb

SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})
CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
# Names by which other libraries take an object for more than it is.
LONGEST_TEXT = 100_000
LARGEST_INTEGER = 1 << 17


@dataclass(slots=True)
class Made:
    """An object of a library, and how it was made."""

    value: Any
    name: str
    args: tuple[Any, ...]
    is_built: bool = False


def full_name(item: Any) -> str:
    """Return module and qualified name of a class or function; empty if it has none."""
    module = getattr(item, "__module__", None)
    name = getattr(item, "__qualname__", None)
    if type(module) is not str or type(name) is not str:
        return ""
    return f"{module}.{name}"


def is_record(value: Any) -> bool:
    """Whether a value stands for one that is not trusted."""
    return type(value) is Record


def check_count(name: str, args: tuple[Any, ...], least: int, most: int) -> None:
    """Refuse another number of arguments.

    Raises:
        Refused: if there are fewer or more.

    """
    if not least <= len(args) <= most:
        raise Refused(name, f"it takes {least} to {most} arguments here")


def check_scalar(name: str, value: Any, *types: type) -> None:
    """Refuse what is no short scalar of exactly one of these types.

    Raises:
        Refused: if it is another type, or longer than any data is.

    """
    cls = type(value)
    if cls not in (types or SCALARS):
        raise Refused(name, f"it is given a {cls.__name__} where a scalar is expected")
    if cls is int and value.bit_length() > LARGEST_INTEGER:
        raise bomb(name, "an integer of more digits than any data has")
    if cls is str and len(value) > LONGEST_TEXT:
        raise bomb(name, "a text longer than any data has here")


def check_scalars(name: str, args: tuple[Any, ...], *types: type) -> None:
    """Refuse arguments of which one is no scalar.

    Raises:
        Refused: if one is.

    """
    for value in args:
        check_scalar(name, value, *types)


def check_plain(name: str, value: Any, depth: int = 8) -> None:
    """Refuse what is not built of exact built-in types alone.

    Raises:
        Refused: if there is anything else in it, or it is too deep.

    """
    cls = type(value)
    if cls in CONTAINERS and depth:
        if cls is dict:
            for key, item in value.items():
                check_plain(name, key, depth - 1)
                check_plain(name, item, depth - 1)
        else:
            for item in value:
                check_plain(name, item, depth - 1)
    else:
        check_scalar(name, value)


def check_zone(name: str, value: Any) -> None:
    """Refuse what is no time zone, or one of a caller's own class.

    Raises:
        Refused: if it is neither `None` nor a zone.

    """
    packages = ("datetime", "zoneinfo", "dateutil", "pytz")
    is_zone = isinstance(value, dt.tzinfo) and type(value).__module__.split(".")[0] in packages
    if value is not None and not is_zone:
        raise Refused(name, "it is given no time zone where one is expected")
