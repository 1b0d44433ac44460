"""dateutil: time zones by what they are made of, and spans of time."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from dateutil import relativedelta, tz

from cannery._objects._checks import (
    Check,
    PartError,
    checked,
    either,
    exact,
    integer,
    mismatch,
    optional,
    text,
    tuple_of,
)
from cannery._objects._zone_names import zone_key
from cannery.errors import DataTypeError

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a time zone is described."""
    if cls in _BY_ATTRIBUTES:
        own = _BY_ATTRIBUTES[cls]
        return lambda zone: (
            f"dateutil.tz.{cls.__name__}",
            {name: part for name, part in vars(zone).items() if name in own},
        )
    if cls not in _ZONES:
        return None
    name, parts, _ = _ZONES[cls]
    return lambda zone: (name, parts(zone))


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    return _MAKERS.get(name)


def own_attributes(cls: type) -> frozenset[str] | None:
    """What a span of time, or a zone that its attributes describe, is made of."""
    if cls in _BY_ATTRIBUTES:
        return frozenset(_BY_ATTRIBUTES[cls])
    return frozenset(_SPAN) if cls is relativedelta.relativedelta else None


def class_value(name: str) -> type | None:
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
    # The key was checked: dateutil would open any file.
    try:
        zoneinfo.ZoneInfo(parts["value"])
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise PartError(f"this system does not know the time zone {parts['value']!r}") from None
    return tz.gettz(parts["value"])


def _is_offset(value: Any, path: str) -> None:
    """Less than a day, as a span of time or in seconds."""
    exact(dt.timedelta, int, float)(value, path)
    seconds = value.total_seconds() if type(value) is dt.timedelta else value
    if not abs(seconds) < 86_400:
        raise PartError(f"the part {path!r}: a day or more")


_ZONES: dict[type, tuple[str, Callable[[Any], Parts], Callable[[Parts], Any]]] = {
    type(tz.UTC): ("dateutil.tz.tzutc", lambda _: {}, checked(lambda _: tz.UTC, {})),
    type(tz.tzoffset(None, 0)): (
        "dateutil.tz.tzoffset",
        lambda zone: {"name": zone._name, "offset": zone._offset},
        checked(
            lambda parts: tz.tzoffset(parts["name"], parts["offset"]),
            {"name": optional(text(100)), "offset": _is_offset},
        ),
    ),
    tz.tzfile: ("dateutil.tz.tzfile", _key_parts, checked(_make_of_key, {"value": zone_key})),
}


# Spans of time: numbers, some of which may be missing.

_COUNT = either(integer(-(2**63), 2**63), exact(float))
_PLACE = optional(integer(-(2**31), 2**31))


def _is_weekday(value: Any, path: str) -> None:
    if value is not None and type(value) is not relativedelta.weekday:
        raise mismatch(value, path, "dateutil.relativedelta.weekday")


_SPAN: dict[str, Check] = {
    **dict.fromkeys("years months days hours minutes seconds microseconds".split(), _COUNT),
    **dict.fromkeys("year month day hour minute second microsecond".split(), _PLACE),
    "leapdays": integer(-(2**31), 2**31),
    "weekday": _is_weekday,
    "_has_time": exact(int, bool),
}


def _make_span(parts: Parts) -> Any:
    made = relativedelta.relativedelta()
    vars(made).update(parts)
    return made


def _make_weekday(parts: Parts) -> Any:
    return relativedelta.weekday(parts["weekday"], parts["n"])


# Zones by rules, and that of a system: their attributes say all.


def _is_short_offset(value: Any, path: str) -> None:
    exact(dt.timedelta)(value, path)
    _is_offset(value, path)


def _is_rule(value: Any, path: str) -> None:
    if type(value) is not relativedelta.relativedelta:
        raise mismatch(value, path, "dateutil.relativedelta.relativedelta")


_NAME = optional(text(100))
_RULES: dict[str, Check] = {
    "_std_abbr": _NAME,
    "_dst_abbr": _NAME,
    **dict.fromkeys(("_std_offset", "_dst_offset", "_dst_base_offset_"), _is_short_offset),
    "_start_delta": optional(_is_rule),
    "_end_delta": optional(_is_rule),
    "hasdst": exact(bool),
}
_BY_ATTRIBUTES: dict[type, dict[str, Check]] = {
    tz.tzlocal: {
        **dict.fromkeys(("_std_offset", "_dst_offset", "_dst_saved"), _is_short_offset),
        "_hasdst": exact(bool),
        "_tznames": tuple_of(text(100), text(100)),
    },
    tz.tzrange: _RULES,
    tz.tzstr: {"_s": text(1000), **_RULES},
}


def _zone_maker(cls: Any) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        made = dt.tzinfo.__new__(cls)
        vars(made).update(parts)
        return made

    return checked(make, _BY_ATTRIBUTES[cls])


_MAKERS: dict[str, Callable[[Parts], Any]] = {
    **{f"dateutil.tz.{cls.__name__}": _zone_maker(cls) for cls in _BY_ATTRIBUTES},
    **{name: make for name, _, make in _ZONES.values()},
    "dateutil.relativedelta.relativedelta": checked(_make_span, _SPAN),
    "dateutil._common.weekday": checked(
        _make_weekday,
        {
            "weekday": integer(0, 6),
            "n": optional(either(integer(-5000, -1), integer(1, 5000))),
        },
    ),
}
