"""The standard library's `pickle`, exactly: what it reads may run any code.

The same names and the same behaviour, for those who replace `pickle` and trust their input. For
files from anybody else there is `cannery.pickle`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pickle import DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, PickleBuffer
from typing import Any

from cannery._native import pickle_loads_all as loads
from cannery.errors import PickleError, PicklingError, UnpicklingError
from cannery.pickle._pickler import Pickler, dump, dumps
from cannery.pickle._unpickler import UnsafeUnpickler as Unpickler

__all__ = [
    "DEFAULT_PROTOCOL",
    "HIGHEST_PROTOCOL",
    "PickleBuffer",
    "PickleError",
    "Pickler",
    "PicklingError",
    "Unpickler",
    "UnpicklingError",
    "dump",
    "dumps",
    "load",
    "loads",
]


def load(
    file: Any,
    *,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = None,
) -> Any:
    """Read one pickle from a binary file object, as `pickle.load` does: it may run any code."""
    unpickler = Unpickler(
        file, fix_imports=fix_imports, encoding=encoding, errors=errors, buffers=buffers
    )
    return unpickler.load()
