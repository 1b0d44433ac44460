"""The error for annotations that mean nothing."""

from __future__ import annotations

from cannery.errors import DataTypeError


def refusal(message: str, hint: str | None = None) -> DataTypeError:
    """Return the error for an annotation that cannot be used."""
    error = DataTypeError(message)
    if hint is not None:
        error.hint = hint
        error.add_note(f"hint: {hint}")
    return error
