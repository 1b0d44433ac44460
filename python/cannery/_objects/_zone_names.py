"""The names of time zones that a file may give: those of the zone database, never a path."""

from __future__ import annotations

import re
from typing import Any

from cannery._objects._checks import PartError, mismatch

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,3}")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_LIBRARIES = frozenset({"dateutil", "tzlocal", "pytz"})
"""What pandas takes for the beginning of a path, or for the name of a library."""


def zone_key(value: Any, path: str) -> None:
    """A key of the zone database, `Europe/Paris`: no path, no dots, no other characters."""
    if type(value) is not str:
        raise mismatch(value, path, "str")
    if not _KEY.fullmatch(value) or value.split("/")[0].lower() in _LIBRARIES:
        raise PartError(f"the part {path!r}: {value!r:.80} is no key of a time zone")


def zone_name(value: Any, path: str) -> None:
    """A key of the zone database, or a fixed offset `+02:00`."""
    if type(value) is not str or not _OFFSET.fullmatch(value):
        zone_key(value, path)
