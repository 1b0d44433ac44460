"""What is kept of the untrusted parts of a pickle: records of what would have been made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cannery._objects import Record

# The record of a name that was not called.
_NAME = "global"


def name(module: str, qualname: str) -> Record:
    """Stand for what a module has by a name."""
    return Record(_NAME, {"name": f"{module}.{qualname}"})


def call(callee: Any, arguments: tuple[Any, ...], keywords: dict[str, Any] | None = None) -> Record:
    """Stand for what a call would have made."""
    known = _name_of(callee)
    if known == "copyreg._reconstructor" and arguments:
        known, arguments = _name_of(arguments[0]), ()
    parts: dict[str, Any] = {}
    if arguments:
        parts["args"] = arguments
    if keywords:
        parts["kwargs"] = keywords
    return Record(known, parts)


def _name_of(callee: Any) -> str:
    if isinstance(callee, Record):
        is_name = callee.__type_name__ == _NAME
        return callee.__parts__["name"] if is_name else callee.__type_name__
    return f"{callee.__module__}.{callee.__qualname__}"


def set_state(record: Any, state: Any) -> None:
    """Keep the state: as parts of its names, or as one part if it has none."""
    if not isinstance(record, Record):
        return
    if isinstance(state, dict) and all(isinstance(key, str) for key in state):
        record.__parts__.update(state)
    else:
        record.__parts__["state"] = state


def add_items(record: Record, items: Iterable[Any]) -> None:
    """Keep what was appended or added."""
    record.__parts__.setdefault("items", []).extend(items)


def set_entries(record: Record, items: list[Any]) -> None:
    """Keep keys and values, which take turns in `items`."""
    entries = record.__parts__.setdefault("entries", {})
    entries.update(zip(items[::2], items[1::2], strict=True))
