"""What can be wrong with YAML: PyYAML's exceptions, with its attributes and ours."""

from __future__ import annotations

import os
from typing import Any

from cannery import errors

# Pickled and shown under the public name.
__name__ = "cannery.yaml"


class YAMLError(errors.DataError):
    """Base of everything that can be wrong with a document, or with a value to write."""

    lineno: int | None = None
    """The line where it happened, from 1."""

    colno: int | None = None
    """The column where it happened in characters, from 1."""

    snippet: str | None = None
    """The line where it happened, with a caret below the place."""


class Mark:
    """A place in a stream, as PyYAML has it: `line`, `column` and `index` count from 0."""

    def __init__(self, name: str, index: int, line: int, column: int, snippet: str) -> None:
        self.name = name
        self.index = index
        self.line = line
        self.column = column
        self._snippet = snippet

    def get_snippet(self) -> str:
        """Return the line with a caret below the place."""
        return self._snippet

    def __str__(self) -> str:
        return f'  in "{self.name}", line {self.line + 1}, column {self.column + 1}'


class MarkedYAMLError(YAMLError):
    """Something wrong at a place of a document."""

    problem: str | None = None
    """What is wrong."""

    problem_mark: Mark | None = None
    """Where it is."""

    context: str | None = None
    context_mark: Mark | None = None
    note: str | None = None

    @staticmethod
    def _of(kind: str, message: str, place: tuple[int, int, int, str] | None) -> MarkedYAMLError:
        """The error of a kind of `cannery_core::ErrorKind`, at an index, a line and a column."""
        found = _KINDS.get(kind, MarkedYAMLError)
        if place is None:
            error = found(message)
        else:
            index, line, column, snippet = place
            where = f"{message} at line {line} column {column}"
            error = found(f"{where}\n{snippet}" if snippet else where)
            error.lineno, error.colno, error.snippet = line, column, snippet
            name = "<unicode string>"
            error.problem_mark = Mark(name, index, line - 1, column - 1, snippet)
        error.problem = message
        return error


class ReaderError(MarkedYAMLError):
    """Bytes that are not text in their encoding, or a character that YAML does not have."""


class ParserError(MarkedYAMLError):
    """Text that does not follow YAML's grammar."""


class ComposerError(MarkedYAMLError):
    """An alias without an anchor."""


class ConstructorError(MarkedYAMLError):
    """A value that cannot be: a key twice, an impossible date, a merge of something else."""


class LimitError(MarkedYAMLError, errors.LimitError):
    """A document that expands to more than the limits allow."""


class DepthError(MarkedYAMLError, errors.DepthError):
    """Collections nested deeper than the limit."""


class RepresenterError(YAMLError):
    """A value that has no form in YAML."""


_KINDS: dict[str, type[MarkedYAMLError]] = {
    "Syntax": ParserError,
    "Truncated": ParserError,
    "Encoding": ReaderError,
    "Reference": ComposerError,
    "Limit": LimitError,
    "Depth": DepthError,
    "Type": ConstructorError,
    "Value": ConstructorError,
    "Cycle": ConstructorError,
    "Unsupported": ConstructorError,
}


def name_file(error: YAMLError, file: Any) -> None:
    """Tell the error the name of the file it is in: that of a path, or of a file object."""
    name = os.fspath(file) if isinstance(file, os.PathLike) else getattr(file, "name", None)
    if isinstance(name, str) and error.file is None:
        error.file = name
        error.args = (f"{name}: {error.args[0]}", *error.args[1:])
        if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
            error.problem_mark.name = name


def decoded(data: bytes, encoding: str) -> str:
    """Decode the bytes of a stream.

    Raises:
        ReaderError: They are not text in that encoding.

    """
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReaderError(f"not {encoding.upper()} at byte {error.start}: {error.reason}") from None
