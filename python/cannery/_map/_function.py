"""The function of `map_chunks`: whether workers can have it, and which row it failed for."""

from __future__ import annotations

import functools
import pickle
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from cannery.errors import DataTypeError

Function = Callable[[Any], Any]
#: Seconds that are spent on finding the row.
_PATIENCE = 10.0


def pickled(fn: Function) -> bytes:
    """Return a function as bytes that a worker process can load.

    Raises:
        DataTypeError: if it has no name by which another process could find it.

    """
    reason = _hidden(fn)
    if reason is None:
        try:
            return pickle.dumps(fn)
        except Exception as cause:  # whatever its own code raises
            error = DataTypeError(f"worker processes cannot have {_name(fn)}: {cause}")
            error.hint = _WAYS
            raise error from cause
    error = DataTypeError(f"worker processes cannot have {_name(fn)}: {reason}")
    error.hint = _WAYS
    raise error


_WAYS = (
    "define it with `def` at the top level of a file; or run it in this process with workers=0, or "
    'in threads with executor="threads"'
)


def _name(fn: object) -> str:
    return f"`{getattr(fn, '__qualname__', None) or type(fn).__name__}`"


def _hidden(fn: Any) -> str | None:
    """Say why other processes cannot find a function by its name."""
    if isinstance(fn, functools.partial):
        return _hidden(fn.func)
    name = getattr(fn, "__qualname__", "") if callable(fn) else ""
    if "<lambda>" in name:
        return "it is a lambda, which has no name"
    if "<locals>" in name:
        return "it is defined within another function"
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    if getattr(named, "__module__", None) != "__main__":
        return None
    main = sys.modules.get("__main__")
    if getattr(main, "__file__", None) is None and getattr(main, "__spec__", None) is None:
        return "it is defined in a notebook or at a prompt, where they cannot import it from"
    return None


def row_of_failure(fn: Function, block: Any, error: BaseException) -> int | None:
    """Return the position of the row that a function failed for, if it shows.

    A row that a frame of the traceback holds is the one. Else the function is called again, with
    the first half of the rows and so on, until the row is found that makes it fail.
    """
    if not isinstance(block, Sequence):
        return None
    found = _row_in_frames(block, error)
    return _first_failing(fn, block, type(error)) if found is None else found


def _row_in_frames(rows: Sequence[Any], error: BaseException) -> int | None:
    # Small values are shared: only what is an object of its own tells rows apart.
    places = {id(row): at for at, row in enumerate(rows) if isinstance(row, (dict, list))}
    if len(places) < len(rows):
        return None
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in list(frame.f_locals.values()):
            at = places.get(id(value))
            if at is not None:
                found = at
    return found


def _first_failing(fn: Function, rows: Sequence[Any], kind: type[BaseException]) -> int | None:
    until = time.monotonic() + _PATIENCE
    good, bad = 0, len(rows)
    while bad - good > 1:
        if time.monotonic() > until:
            return None
        middle = (good + bad) // 2
        if _fails(fn, rows[:middle], kind):
            bad = middle
        else:
            good = middle
    # The whole was bad because of this row, or because of all of them.
    return bad - 1 if bad < len(rows) or _fails(fn, rows[bad - 1 : bad], kind) else None


def _fails(fn: Function, rows: Sequence[Any], kind: type[BaseException]) -> bool:
    try:
        result = fn(rows)
        if result is not None and not isinstance(result, Sequence) and hasattr(result, "__next__"):
            list(result)
    except kind:
        return True
    except Exception:
        return False
    return False
