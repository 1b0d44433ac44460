"""Pickles taken apart: `dis` as in `pickletools`, and `explain` as a Python program."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import IO, Any

from cannery import _native

__all__ = ["dis", "explain"]

Where = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


def dis(
    pickle: Where,
    out: IO[str] | None = None,
    memo: MutableMapping[int, Any] | None = None,
    indentlevel: int = 4,
    annotate: int = 0,
    *,
    stack: bool = False,
) -> None:
    r"""Print the instructions of a pickle, exactly as `pickletools.dis` does.

    `pickle` is bytes, a binary file object (read from where it stands, through the first `STOP`)
    or a path. It is printed to `out`, by default `sys.stdout`. `memo` is the memo of an earlier
    call, for pickles that one pickler wrote one behind the other. With `annotate` every line
    gets a description that begins near that column; with `stack=True` it also shows what kinds
    of values are on the stack after the instruction.

    A pickle that no machine could run raises a `ValueError`, after everything before the fault.

    >>> from cannery import pickle
    >>> pickle.dis(b"K\x01.")
        0: K    BININT1    1
        2: .    STOP
    highest protocol among opcodes = 1
    """
    data, base, file = _read(pickle)
    known = {index: str(kind) for index, kind in memo.items()} if memo is not None else {}
    text, end, known, error = _native.pickle_dis(data, known, indentlevel, annotate, stack, base)
    print(text, end="", file=out)
    if memo is not None:
        memo.update((index, kind) for index, kind in known.items() if index not in memo)
    if file is not None:
        file.seek(base + end)
    if error is not None:
        raise error


def explain(where: Where) -> str:
    r"""Return the pickles in `where` as the Python programs that they are; nothing is executed.

    Each line has its byte offset and a verdict as of `cannery.scan`: `ok`, `unknown` or `danger`,
    and the reason. `where` is a path, bytes or a binary file object, of any kind that
    `cannery.scan` reads; long texts and containers are cut to a readable length.

    >>> from cannery import pickle
    >>> "os.system" in pickle.explain(b"cos\nsystem\n(S'id'\ntR.")
    True
    """
    data, _, _ = _read(where)
    return _native.pickle_explain(data)


def _read(where: Where) -> tuple[bytes, int, IO[bytes] | None]:
    """Return the bytes, their place in the file, and the file if it can be set to a place."""
    if isinstance(where, bytes | bytearray | memoryview):
        return bytes(where), 0, None
    if isinstance(where, str | os.PathLike):
        return Path(where).read_bytes(), 0, None
    try:
        base = where.tell()
    except (AttributeError, OSError):
        return where.read(), 0, None
    return where.read(), base, where
