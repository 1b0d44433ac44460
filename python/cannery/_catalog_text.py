"""JSON out of a store's catalog, which anybody may have written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cannery.errors import CanneryError, CorruptError


def parsed(text: str, what: str, then: Callable[[Any], Any] | None = None) -> Any:
    """Return what a text of the catalog says; with `then`, what that makes of it.

    Raises:
        CorruptError: if it is nothing that a run writes: no JSON, numbers of thousands of digits,
            lists in lists without end.

    """
    from cannery import json

    try:
        value = json.loads(text)
        return value if then is None else then(value)
    except CanneryError:
        raise
    except (ValueError, TypeError, LookupError, RecursionError, AttributeError) as cause:
        shown = str(cause).partition(";")[0]
        error = CorruptError(f"the catalog has {what} that no run writes: {shown}")
        error.hint = "the store was changed by something else than cannery"
        raise error from cause
