"""What can go wrong, as exceptions: each is a `CanneryError` and a built-in that people catch."""

from __future__ import annotations

import _pickle
from _pickle import UnpicklingError as _UnpicklingError
from typing import Any


class CanneryError(Exception):
    """Base of every error that cannery raises on its own account.

    Names and texts of files that its message quotes are shown with their control characters as
    escapes: who wrote the file must not write to the terminal. `args` has them as they are.
    """

    hint: str | None = None
    """What to do about it; a note below the message says so, too."""

    path: str | None = None
    """Where in the value it happened, such as `$.rows[3].when`."""

    file: str | None = None
    """The file in which it happened."""

    offset: int | None = None
    """How many bytes of the source come before the place where it happened."""

    line: int | None = None
    """The line of that place, from 1."""

    column: int | None = None
    """The column of that place in characters, from 1."""

    def __str__(self) -> str:
        return _shown(super().__str__())

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "hint" and self.hint is not None and self.hint != value:
            notes = getattr(self, "__notes__", [])
            notes[:] = [note for note in notes if note != _shown(f"hint: {self.hint}")]
        super().__setattr__(name, value)
        if name == "hint" and value is not None:
            self.add_note(f"hint: {value}")

    def add_note(self, note: str, /) -> None:
        """Add a line below the message, with control characters as escapes; each line once."""
        if _shown(note) not in getattr(self, "__notes__", ()):
            super().add_note(_shown(note))


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    # Late: the extension itself looks for these classes.
    from cannery import _native

    return _native.printable(text, lines=True)


class DataError(CanneryError, ValueError):
    """Bytes that are not what they should be, or a value that the target cannot hold."""


class TextDecodeError(CanneryError, UnicodeDecodeError):
    """Bytes that are not text in their encoding."""


class TextEncodeError(CanneryError, UnicodeEncodeError):
    """Text that the encoding has no bytes for: lone surrogates."""


class DataEndError(DataError, EOFError):
    """A file or stream in which nothing is left to be read."""


class CorruptError(DataError):
    """A checksum or digest that does not match: these are not the bytes that were written."""


class VersionError(DataError):
    """Data written by a newer version of cannery."""


class LimitError(DataError):
    """Input that would expand to more than its limits allow."""


class DataTypeError(CanneryError, TypeError):
    """A value of another type than was asked for."""


class MismatchError(DataError, DataTypeError):
    """Data that is not of the type it was to be decoded into."""


class DepthError(CanneryError, RecursionError):
    """Values nested deeper than the limit."""


class FileError(CanneryError, OSError):
    """A file, folder or stream that the operating system did not let us use."""


class NotFoundError(FileError, FileNotFoundError, LookupError):
    """A file, an artifact or a run that is not there."""


class AccessError(FileError, PermissionError):
    """A file or folder that this user may not read or write."""


class ConflictError(FileError):
    """Something that another process changed or holds."""


class StepTimeoutError(CanneryError, TimeoutError):
    """A step took longer than its timeout."""


class WorkerError(CanneryError, RuntimeError):
    """A worker process that ended before its work was done, or could not begin."""


class PickleError(CanneryError, _pickle.PickleError):
    """Base of what can go wrong with pickles."""


class PicklingError(PickleError, _pickle.PicklingError):
    """An object that cannot be pickled."""


class UnpicklingError(PickleError, _UnpicklingError, ValueError):
    """A pickle that cannot be read."""


class PickleEndError(UnpicklingError, EOFError):
    """A pickle that ends before its last opcode; a file in which there is no further pickle."""


class UntrustedTypeError(UnpicklingError):
    """A type or function that is not trusted, named by a file."""


class CacheWarning(UserWarning):
    """Something on which a step depends that its cache key cannot see."""
