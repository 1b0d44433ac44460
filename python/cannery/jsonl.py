"""JSONL: one JSON document to a line, read and written in constant memory.

`where` is a path, a path-like, `"-"` (standard input or output) or a file object, of text or of
bytes. Files that end in `.gz`, `.zst`, `.bz2`, `.xz`, `.lz4` or `.zz` are written compressed;
compressed input is recognized by how it begins. Documents may also stand on several lines each, or
one behind the other on a line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Literal

from cannery import _native
from cannery._audit import reading, writing
from cannery._native import JsonLines
from cannery._places import plain
from cannery.errors import DataTypeError

__all__ = ["JsonLines", "dumps", "loads", "read", "write"]

Where = str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[str] | IO[bytes]


def read(
    where: Where,
    on_error: Literal["raise", "skip", "collect"] = "raise",
    *,
    type: Any = None,
    unknown: Literal["ignore", "error"] = "ignore",
) -> JsonLines:
    """Iterate over the documents in `where`.

    A document that is not JSON raises a `ValueError` that says file, line and column and what to
    do about it; the next call of `next` goes on at the next line. With `on_error="skip"` bad
    documents are left out, with `on_error="collect"` their exceptions are also kept in `.errors`
    of the iterator.

    The iterator has `close()` and works in a `with` block; no more of the file than a piece, and
    a few documents ahead, is in memory at any time.

    With `type`, each document becomes a value of that type, as in `json.decode`; one that is of
    another type is a bad document.

    >>> from cannery import jsonl
    >>> jsonl.write("rows.jsonl", [{"id": 1}, {"id": 2}])
    2
    >>> [row["id"] for row in jsonl.read("rows.jsonl")]
    [1, 2]
    """
    path, file = _split(where, sys.stdin, "read")
    return _native.jsonl_open(path and reading(path), file, on_error, type, unknown)


def write(
    where: Where,
    rows: Iterable[Any],
    append: bool = False,
    *,
    default: Callable[[Any], Any] | Literal["rich"] | None = None,
) -> int:
    """Write each of `rows` as a line, and return how many there were.

    A file appears when it is complete, or not at all. With `append=True` lines are added to it as
    wholes, so that several processes may do so at the same time. `default` is called for values
    of other types, as in `json.dumps`; `default="rich"` writes them as the obvious plain JSON.

    >>> from cannery import jsonl
    >>> jsonl.write("log.jsonl", [{"loss": 0.5}])
    1
    >>> jsonl.write("log.jsonl", [{"loss": 0.4}], append=True)
    1

    Raises:
        DataTypeError: for a mapping or a text: its keys or characters are hardly meant as rows.

    """
    check_rows(rows)
    path, file = _split(where, sys.stdout, "write")
    return _native.jsonl_write(path and writing(path), file, rows, append, default)


def dumps(
    rows: Iterable[Any], *, default: Callable[[Any], Any] | Literal["rich"] | None = None
) -> str:
    """Return `rows` as text, one to a line.

    >>> from cannery import jsonl
    >>> print(jsonl.dumps([{"id": 1}, {"id": 2}]), end="")
    {"id":1}
    {"id":2}
    """
    check_rows(rows)
    return _native.jsonl_dumps(rows, default)


def loads(
    data: str | bytes | bytearray | memoryview,
    *,
    type: Any = None,
    unknown: Literal["ignore", "error"] = "ignore",
) -> list[Any]:
    r"""Return all documents in `data`, each as a value of `type` if that is given.

    >>> from cannery import jsonl
    >>> jsonl.loads('{"id": 1}\n{"id": 2}')
    [{'id': 1}, {'id': 2}]
    """
    return _native.jsonl_loads(data, type, unknown)


def _split(where: Where, standard: Any, method: str) -> tuple[str | None, Any]:
    if where in ("-", b"-"):
        return None, getattr(standard, "buffer", standard)
    if isinstance(where, (str, bytes, os.PathLike)):
        return os.fsdecode(plain(where)), None
    if not hasattr(where, method):
        found = type(where).__name__
        raise TypeError(
            f'expected a path, "-" or a file object with `{method}`, got {found}: '
            "text and rows in memory are for `loads` and `dumps`"
        )
    return None, where


def check_rows(rows: object) -> None:
    """Refuse one value where rows are expected."""
    if isinstance(rows, (str, bytes, bytearray, Mapping)) or not isinstance(rows, Iterable):
        error = DataTypeError(f"expected rows, got {type(rows).__name__}")
        error.hint = "a file of JSON Lines holds a list of values: put it in a list"
        raise error
