"""The exceptions of `cannery.hdf5` beside those of the whole package."""

from __future__ import annotations

import builtins

from cannery.errors import AccessError, CanneryError, DataError


class KeyError(DataError, builtins.KeyError):
    """An object that a name or a reference does not lead to, or that cannot be opened."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class FillValueError(CanneryError, RuntimeError):
    """A dataset that does not say what elements are that were never written."""


class ReadOnlyError(AccessError, ValueError):
    """A change to a file that is open for reading only."""


def object_error(name: str, error: Exception) -> KeyError:
    """The `KeyError` for a name, with what was wrong."""
    raised = KeyError(f"cannot open `{shown(name)}`: {error}")
    for attribute in ("hint", "file", "offset"):
        setattr(raised, attribute, getattr(error, attribute, None))
    if raised.hint:
        raised.add_note(f"hint: {raised.hint}")
    return raised


def shown(name: str) -> str:
    """A name from a file, its control characters escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


ObjectError = KeyError
