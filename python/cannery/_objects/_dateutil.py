"""dateutil: time zones by what they are made of, and spans of time."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from dateutil import relativedelta, tz

from cannery.errors import DataTypeError

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a time zone is described."""
    if cls not in _ZONES:
        return None
    name, parts, _ = _ZONES[cls]
    return lambda zone: (name, parts(zone))


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    return next((make for known, _, make in _ZONES.values() if known == name), None)


def class_of(name: str) -> type | None:
    """The class of spans, which is Python through and through."""
    is_span = name == "dateutil.relativedelta.relativedelta"
    return relativedelta.relativedelta if is_span else None


def _key_parts(zone: Any) -> Parts:
    """The key of a zone that the system knows: its file, without the folder."""
    path = PurePath(str(zone._filename))
    for folder in zoneinfo.TZPATH:
        if path.is_relative_to(folder):
            path = path.relative_to(folder)
    if tz.gettz(str(path)) is None or path.is_absolute():
        error = DataTypeError(f"the time zone of the file {zone._filename!r} has no key")
        error.hint = "use `zoneinfo.ZoneInfo(key)`, which finds it on every system"
        raise error
    return {"value": str(path)}


def _make_of_key(parts: Parts) -> Any:
    zoneinfo.ZoneInfo(parts["value"])  # refuses what is no key: dateutil would open any file
    return tz.gettz(parts["value"])


_ZONES: dict[type, tuple[str, Callable[[Any], Parts], Callable[[Parts], Any]]] = {
    type(tz.UTC): ("dateutil.tz.tzutc", lambda _: {}, lambda _: tz.UTC),
    type(tz.tzoffset(None, 0)): (
        "dateutil.tz.tzoffset",
        lambda zone: {"name": zone._name, "offset": zone._offset},
        lambda parts: tz.tzoffset(parts["name"], parts["offset"]),
    ),
    tz.tzfile: ("dateutil.tz.tzfile", _key_parts, _make_of_key),
}
