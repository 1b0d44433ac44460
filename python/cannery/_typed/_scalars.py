"""Types that one scalar of a document says all about, and how they are made of it."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import fractions
import ipaddress
import math
import pathlib
import re
import uuid
import zoneinfo
from typing import Any

from cannery._typed._node import KEEP, Way
from cannery._zones import zone

_DURATION = re.compile(
    r"([-+]?)P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?",
    re.ASCII | re.IGNORECASE,
)


def duration(text: str) -> dt.timedelta:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds, exactly."""
    match = _DURATION.fullmatch(text)
    if match is None or text[-1] in "PpTt":
        raise ValueError("not an ISO 8601 duration")
    units = (7 * 86400, 86400, 3600, 60, 1)
    seconds = sum(
        fractions.Fraction(amount) * unit
        for amount, unit in zip(match.groups()[1:], units, strict=True)
        if amount is not None
    )
    microseconds = round(seconds * 1_000_000)
    return dt.timedelta(microseconds=-microseconds if match[1] == "-" else microseconds)


def from_base64(text: str) -> bytes:
    """Read bytes in base64 (RFC 4648, section 4 or 5), with its padding or without it."""
    standard = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def fraction(text: str) -> fractions.Fraction:
    """Read a fraction; an exponent is written out in digits, and must not be long."""
    exponent = re.search(r"[eE]([-+]?\d{1,9})\s*$", text)
    if "e" in text.lower() and (exponent is None or abs(int(exponent[1])) > _MOST_DIGITS):
        raise ValueError(f"an exponent of more than {_MOST_DIGITS} digits")
    return fractions.Fraction(text)


# As many as Python reads of an integer.
_MOST_DIGITS = 4300


def _bytearray(text: str) -> bytearray:
    return bytearray(from_base64(text))


def _uuid_way() -> Way:
    # The fast way sets the slots itself: only if they are the ones we know.
    slots = getattr(uuid.UUID, "__slots__", ())
    if slots[:2] != ("int", "is_safe"):
        return ("call", uuid.UUID)
    return ("uuid", uuid.UUID, uuid.SafeUUID.unknown)


def _text(make: Any) -> dict[str, Way]:
    return {"text": ("call", make)}


SCALARS: dict[Any, dict[str, Way]] = {
    type(None): {"null": ("value", None)},
    bool: {"bool": KEEP},
    int: {"int": KEEP},
    # PEP 484: an integer is welcome where a float is asked for.
    float: {"float": KEEP, "int": ("float",)},
    str: {"text": KEEP},
    bytes: {"text": ("call", from_base64), "bytes": KEEP},
    bytearray: {"text": ("call", _bytearray), "bytes": ("call", bytearray)},
    dt.datetime: {"text": ("datetime",)},
    dt.date: {"text": ("date",)},
    dt.time: {"text": ("time",)},
    dt.timedelta: _text(duration),
    uuid.UUID: {"text": _uuid_way()},
    decimal.Decimal: {
        "int": ("decimal", decimal.Decimal),
        "float": ("decimal", decimal.Decimal),
        "text": ("call", decimal.Decimal),
    },
    fractions.Fraction: {
        "int": ("call", fractions.Fraction),
        "text": ("call", fraction),
    },
    pathlib.Path: _text(pathlib.Path),
    pathlib.PurePath: _text(pathlib.PurePath),
    zoneinfo.ZoneInfo: _text(zone),
    **{
        cls: _text(cls)
        for cls in (
            pathlib.PosixPath,
            pathlib.PurePosixPath,
            pathlib.PureWindowsPath,
            pathlib.WindowsPath,
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
            ipaddress.IPv4Interface,
            ipaddress.IPv6Interface,
        )
    },
}


def _integral(value: float) -> int:
    if not value.is_integer():
        raise ValueError("not a whole number")
    return int(value)


def _truth(value: Any) -> bool:
    text = value.lower() if isinstance(value, str) else value
    if text in ("true", "1", "yes", "on", 1):
        return True
    if text in ("false", "0", "no", "off", 0):
        return False
    raise ValueError("neither true nor false")


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?", re.ASCII)


def _seconds(value: float | str) -> dt.timedelta:
    """A span of seconds, to the nearest microsecond."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number of seconds")
    return dt.timedelta(microseconds=round(fractions.Fraction(value) * 1_000_000))


def _moment(value: float | str) -> dt.datetime:
    """The moment of a Unix time: seconds since 1970 began in UTC."""
    return _EPOCH + _seconds(value)


def _moment_of_text(text: str) -> dt.datetime:
    return _moment(text) if _NUMBER.fullmatch(text) else dt.datetime.fromisoformat(text)


def _duration_of_text(text: str) -> dt.timedelta:
    return _seconds(text) if _NUMBER.fullmatch(text) else duration(text)


# What else is taken where `strict=False` was asked for: the spellings of forms and settings.
LENIENT: dict[Any, dict[str, Way]] = {
    int: {"text": ("call", int), "float": ("call", _integral)},
    float: {"text": ("call", float)},
    bool: {"text": ("call", _truth), "int": ("call", _truth)},
    dt.datetime: {
        "int": ("call", _moment),
        "float": ("call", _moment),
        "text": ("call", _moment_of_text),
    },
    dt.timedelta: {
        "int": ("call", _seconds),
        "float": ("call", _seconds),
        "text": ("call", _duration_of_text),
    },
}

# Those that text of their own stands for, and numbers of seconds where that was asked for.
MOMENTS = (dt.datetime, dt.timedelta)
