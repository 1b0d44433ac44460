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

    def __init__(
        self,
        name: str,
        index: int,
        line: int,
        column: int,
        buffer: str | None = None,
        pointer: int | None = None,
    ) -> None:
        self.name = name
        self.index = index
        self.line = line
        self.column = column
        self.buffer = buffer
        self.pointer = pointer

    def get_snippet(self, indent: int = 4, max_length: int = 75) -> str | None:
        """Return the line with a caret below the place."""
        if self.buffer is None or self.pointer is None:
            return self.buffer
        start = self.buffer.rfind("\n", 0, self.pointer) + 1
        end = self.buffer.find("\n", self.pointer)
        line = self.buffer[start : len(self.buffer) if end < 0 else end]
        column = self.pointer - start
        first = max(0, column - max_length // 2)
        shown = line[first : first + max_length].rstrip("\r")
        pad = " " * indent
        return f"{pad}{shown}\n{pad}{' ' * (column - first)}^"

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

    def __init__(
        self,
        context: str | None = None,
        context_mark: Mark | None = None,
        problem: str | None = None,
        problem_mark: Mark | None = None,
        note: str | None = None,
    ) -> None:
        parts = [context]
        if context_mark is not None and (problem is None or problem_mark is None):
            parts.append(str(context_mark))
        parts += [problem, None if problem_mark is None else _shown(problem_mark), note]
        super().__init__("\n".join(part for part in parts if part is not None))
        self.context, self.context_mark, self.note = context, context_mark, note
        self.problem, self.problem_mark = problem, problem_mark
        if problem_mark is not None:
            self.lineno, self.colno = problem_mark.line + 1, problem_mark.column + 1

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


class ScannerError(MarkedYAMLError):
    """Text that does not follow YAML's grammar."""


class ParserError(ScannerError):
    """Text that does not follow YAML's grammar: as `ScannerError`, which catches it too."""


class ComposerError(MarkedYAMLError):
    """An alias without an anchor."""


class ConstructorError(MarkedYAMLError):
    """A value that cannot be: a key twice, an impossible date, a merge of something else."""


class LimitError(MarkedYAMLError, errors.LimitError):
    """A document that expands to more than the limits allow."""


class DepthError(MarkedYAMLError, errors.DepthError):
    """Collections nested deeper than the limit."""


class EmitterError(YAMLError):
    """Events that are no document."""


class SerializerError(YAMLError):
    """Nodes for a stream that is not open."""


class ResolverError(YAMLError):
    """A path that cannot lead to a node."""


class RepresenterError(YAMLError):
    """A value that has no form in YAML."""


class EditError(YAMLError):
    """An edit of a document that cannot be made; the text is as it was."""


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


def _shown(mark: Mark) -> str:
    snippet = mark.get_snippet()
    return str(mark) if snippet is None else f"{mark}:\n{snippet}"


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
