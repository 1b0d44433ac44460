"""The exceptions of `cannery.hdf5` beside those of the whole package."""

from __future__ import annotations

import builtins
from typing import TypeVar

from cannery.errors import AccessError, CanneryError, CorruptError, DataError


class KeyError(DataError, builtins.KeyError):
    """An object that a name or a reference does not lead to, or that cannot be opened."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ReadError(DataError, OSError):
    """A file or a part of it that cannot be read, for which h5py raises `OSError`."""


class CorruptReadError(CorruptError, ReadError):
    """A part of a file whose checksum does not match."""


class FillValueError(CanneryError, RuntimeError):
    """A dataset that does not say what elements are that were never written."""


class ReadOnlyError(AccessError, ValueError):
    """A change to a file that is open for reading only."""


def object_error(name: str, error: Exception) -> KeyError:
    """The `KeyError` for a name, with what was wrong."""
    return _like(KeyError(f"cannot open `{shown(name)}`: {error}"), error)


def read_error(error: DataError) -> DataError:
    """The error for what cannot be read, as an `OSError` too."""
    kind = {DataError: ReadError, CorruptError: CorruptReadError}.get(type(error))
    return error if kind is None else _like(kind(*error.args), error)


_Raised = TypeVar("_Raised", bound=DataError)


def _like(raised: _Raised, error: Exception) -> _Raised:
    for attribute in ("hint", "file", "offset"):
        setattr(raised, attribute, getattr(error, attribute, None))
    return raised


def shown(name: str) -> str:
    """A name from a file, its control characters escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


ObjectError = KeyError
