"""`default="rich"`: the plain values that stand for values of types that JSON has not.

What is written so is read again by `json.decode(..., type=...)`, which is told the types.
"""

from __future__ import annotations

import base64
import collections
import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import ipaddress
import pathlib
import sys
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterable
from typing import Any

Plain = Callable[[Any], Any]


def plain(value: Any) -> Any:
    """What stands for a value: JSON's types, arrays of numbers, decimals; or `NotImplemented`."""
    make = _of_class(type(value))
    return NotImplemented if make is None else make(value)


def key(value: Any) -> Any:
    """The text that stands for a key, or `NotImplemented`."""
    make = _of_class(type(value))
    found = NotImplemented if make is None else make(value)
    if isinstance(found, (dict, list)) or found is NotImplemented:
        return NotImplemented
    if found is None or isinstance(found, bool):
        return {None: "null", True: "true", False: "false"}[found]
    return str(found)


@functools.lru_cache(maxsize=512)
def _of_class(cls: type) -> Plain | None:
    for base in cls.__mro__:
        if base in _PLAIN:
            return _PLAIN[base]
    if issubclass(cls, enum.Enum):
        return lambda member: member.value
    if cls.__module__.partition(".")[0] == "numpy":
        return _of_numpy(cls)
    if hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_dump"):
        return lambda model: model.model_dump(mode="json", by_alias=True)
    if hasattr(cls, "__struct_fields__"):
        return _of_struct(cls)
    if hasattr(cls, "__attrs_attrs__"):
        return _of_attributes([each.name for each in getattr(cls, "__attrs_attrs__")])  # noqa: B009
    if dataclasses.is_dataclass(cls):
        return _of_attributes([field.name for field in dataclasses.fields(cls)])
    if issubclass(cls, collections.abc.Mapping):
        return dict
    return None


def _base64(data: Any) -> str:
    return base64.b64encode(data).decode("ascii")


def _items(items: Iterable[Any]) -> list[Any]:
    """A set's items, in the same order every time where they have one."""
    listed = list(items)
    try:
        return sorted(listed)
    except TypeError:
        return listed


def _decimal(value: decimal.Decimal) -> Any:
    return value if value.is_finite() else float(str(value).replace("sNaN", "NaN"))


def _duration(value: dt.timedelta) -> str:
    """A duration of ISO 8601, in days and seconds, exactly."""
    if value < dt.timedelta(0):
        return f"-{_duration(-value)}"
    seconds = str(value.seconds)
    if value.microseconds:
        seconds += f".{value.microseconds:06}".rstrip("0")
    days = f"{value.days}D" if value.days else ""
    time = f"T{seconds}S" if seconds != "0" or not days else ""
    return f"P{days}{time}"


def _moment(value: Any) -> str:
    return value.isoformat()


_PLAIN: dict[type, Plain] = {
    dt.datetime: _moment,
    dt.date: _moment,
    dt.time: _moment,
    dt.timedelta: _duration,
    uuid.UUID: str,
    decimal.Decimal: _decimal,
    fractions.Fraction: str,
    pathlib.PurePath: str,
    zoneinfo.ZoneInfo: str,
    bytes: _base64,
    bytearray: _base64,
    memoryview: _base64,
    set: _items,
    frozenset: _items,
    collections.deque: list,
    types.MappingProxyType: dict,
    **dict.fromkeys(
        (
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
            ipaddress.IPv4Interface,
            ipaddress.IPv6Interface,
        ),
        str,
    ),
}


def _of_attributes(names: list[str]) -> Plain:
    return lambda value: {name: getattr(value, name) for name in names}


def _of_struct(cls: Any) -> Plain:
    msgspec = sys.modules["msgspec"]
    names = [(each.encode_name, each.name) for each in msgspec.structs.fields(cls)]
    config = cls.__struct_config__
    tag = {} if config.tag is None else {config.tag_field: config.tag}

    def fields(value: Any) -> dict[str, Any]:
        found = ((key, getattr(value, name)) for key, name in names)
        return tag | {key: field for key, field in found if field is not msgspec.UNSET}

    return (lambda value: list(fields(value).values())) if config.array_like else fields


def _of_numpy(cls: Any) -> Plain | None:
    numpy = sys.modules["numpy"]
    if issubclass(cls, numpy.ndarray):
        return _array
    if not issubclass(cls, numpy.generic):
        return None
    # The digits of a small float are those of its own type: as an array without axes.
    return numpy.asarray if issubclass(cls, numpy.floating) else _scalar


def _array(array: Any) -> Any:
    numpy = sys.modules["numpy"]
    if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
        return numpy.asarray(array)
    return numpy.datetime_as_string(array).tolist() if array.dtype.kind == "M" else array.tolist()


def _scalar(scalar: Any) -> Any:
    numpy = sys.modules["numpy"]
    if isinstance(scalar, numpy.datetime64):
        return str(scalar)
    found = scalar.item()
    return NotImplemented if isinstance(found, numpy.generic) else found
