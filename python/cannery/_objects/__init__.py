"""Any Python object in any format: `dump`, `load`, `dumps`, `loads`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from cannery import _native
from cannery._objects._describe import Describer
from cannery._objects._record import Record
from cannery._objects._revive import Reviver
from cannery._objects._trust import Trust
from cannery.errors import DataError, DataTypeError

__all__ = ["Record", "dump", "dumps", "load", "loads"]

FORMATS = {".json": "json"}
"""Formats by the endings of file names."""

Where = str | os.PathLike[str] | IO[bytes]


def dumps(obj: Any, format: str = "json") -> bytes:
    """Serialize any object, with everything it refers to, to `bytes`.

    Values that occur more than once, and values that contain themselves, stay what they are.
    Nothing is called to read the result: see `loads`.
    """
    return _native.objects_dumps(obj, Describer(), _known(format))


def loads(
    data: bytes | bytearray | memoryview | str,
    format: str = "json",
    *,
    type: Any = None,
    trust: Iterable[Any] = (),
) -> Any:
    """Deserialize what `dumps` wrote. No code runs that the caller did not name.

    Python's own data types are made again. So are the classes in `trust`, given as classes or as
    names (`"my_package.records.*"`), and those that the annotation `type` names; the value is then
    checked against `type`. Objects of any other class come back as a `Record`.
    """
    trusted = Trust(trust, type)
    value = _native.objects_loads(data, Reviver(trusted), _known(format))
    if type is not None:
        _check(value, type)
    return value


def dump(obj: Any, where: Where, format: str | None = None) -> None:
    """Write any object to a file; `format` is taken from the file's name where it is not given."""
    data = dumps(obj, format or _format_of(where))
    if isinstance(where, (str, os.PathLike)):
        Path(where).write_bytes(data)
    else:
        where.write(data)


def load(
    where: Where, *, type: Any = None, trust: Iterable[Any] = (), format: str | None = None
) -> Any:
    """Read what `dump` wrote, as `loads` does."""
    name = format or _format_of(where)
    data = Path(where).read_bytes() if isinstance(where, (str, os.PathLike)) else where.read()
    return loads(data, name, type=type, trust=trust)


def _format_of(where: Where) -> str:
    name = where if isinstance(where, (str, os.PathLike)) else getattr(where, "name", None)
    if not isinstance(name, (str, os.PathLike)):
        error = DataError("no format given, and the file has no name to take it from")
        error.hint = f"pass format=, one of {', '.join(sorted(FORMATS.values()))}"
        raise error
    ending = Path(name).suffix
    return FORMATS.get(ending, ending.removeprefix("."))


def _known(format: str) -> str:
    if format in FORMATS.values():
        return format
    error = DataError(f"unknown format {format!r}")
    error.hint = f"use one of {', '.join(sorted(FORMATS.values()))}"
    raise error


def _check(value: Any, annotation: Any) -> None:
    from cannery._types import check_for

    mismatch = check_for(annotation).find(value)
    if mismatch is not None:
        path = f"${mismatch.path}"
        error = DataTypeError(f"{path}: expected {mismatch.expected}, got {mismatch.found}")
        error.path = path
        raise error
