"""Time zones by their keys, as a document names them."""

from __future__ import annotations

import re
import zoneinfo

from cannery.errors import DataError

# A key is looked up as a file below the folders of zones: it has no way out of them.
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*")
_LONGEST = 64


def is_key(key: str) -> bool:
    """Whether a text has the form of a zone's key: `Europe/Paris`, and never of another path."""
    return len(key) <= _LONGEST and _KEY.fullmatch(key) is not None


def zone(key: str) -> zoneinfo.ZoneInfo:
    """The time zone of a key.

    Raises:
        DataError: if it is none, or this system does not know it.

    """
    if not is_key(key):
        raise DataError(f"{key[:_LONGEST]!r} is not the key of a time zone")
    try:
        return zoneinfo.ZoneInfo(key)
    except zoneinfo.ZoneInfoNotFoundError:
        error = DataError(f"this system does not know the time zone {key!r}")
        error.hint = "install the package tzdata"
        raise error from None
