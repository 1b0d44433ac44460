"""pytz: time zones by their keys, and the offset that a date of one stands for."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytz
from pytz import tzinfo as kinds

from cannery._objects._checks import PartError, checked, integer, optional, text
from cannery._objects._zone_names import zone_key
from cannery.errors import DataTypeError

Parts = dict[str, Any]

_FIXED = type(pytz.FixedOffset(1))


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a time zone is described."""
    if cls is type(pytz.utc):
        return lambda _: ("pytz.UTC", {})
    if cls is _FIXED:
        return lambda zone: ("pytz.FixedOffset", {"minutes": zone._minutes})
    if issubclass(cls, (kinds.StaticTzInfo, kinds.DstTzInfo)):
        return lambda zone: ("pytz.timezone", _zone_parts(zone))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    return _MAKERS.get(name)


def _zone_parts(zone: Any) -> Parts:
    if zone.zone not in pytz.all_timezones_set or type(pytz.timezone(zone.zone)) is not type(zone):
        error = DataTypeError(f"the time zone {zone.zone!r} of pytz is none that it knows by a key")
        error.hint = "use pytz.timezone(key), which finds it on every system"
        raise error
    if isinstance(zone, kinds.StaticTzInfo):
        return {"value": zone.zone}
    # A date has one of the offsets that its zone has had.
    return {
        "value": zone.zone,
        "utcoffset": int(zone._utcoffset.total_seconds()),
        "dst": int(zone._dst.total_seconds()),
        "tzname": zone._tzname,
    }


def _make_zone(parts: Parts) -> Any:
    key = parts["value"]
    if key not in pytz.all_timezones_set:
        raise PartError(f"pytz does not know the time zone {key!r}")
    zone = pytz.timezone(key)
    if parts.get("utcoffset") is None or not isinstance(zone, kinds.DstTzInfo):
        return zone
    offset, saving = (dt.timedelta(seconds=parts[name]) for name in ("utcoffset", "dst"))
    found = zone._tzinfos.get((offset, saving, parts["tzname"]))
    if found is None:
        raise PartError(f"the time zone {key!r} of pytz has no offset of {offset}")
    return found


_SECONDS = integer(-86_400, 86_400)
_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "pytz.UTC": checked(lambda _: pytz.utc, {}),
    "pytz.FixedOffset": checked(
        lambda parts: pytz.FixedOffset(parts["minutes"]), {"minutes": integer(-1439, 1439)}
    ),
    "pytz.timezone": checked(
        _make_zone,
        {"value": zone_key},
        utcoffset=optional(_SECONDS),
        dst=optional(_SECONDS),
        tzname=optional(text(100)),
    ),
}
