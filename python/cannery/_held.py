"""Arrays whose memory stays where it is while other code runs."""

from __future__ import annotations

import weakref
from typing import Any


def held(array: Any) -> Any:
    """Keep the memory of an array, or of what it is a view of, for as long as the result lives.

    NumPy frees what a `memoryview` shows if it is told to resize an array without looking
    (`refcheck=False`), but resizes none that has a weak reference: a file's `write` may try to.
    """
    while (owner := getattr(array, "base", None)) is not None:
        array = owner
    try:
        return weakref.ref(array)
    except TypeError:
        return array  # no array: its own buffer counts who looks
