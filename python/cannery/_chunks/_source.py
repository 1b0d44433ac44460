"""What chunks come from: a source of pieces, each of which is loaded where it is needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cannery._chunks._blocks import Form, length
from cannery.errors import DataError

#: What a source is, for a journal to compare; `None` if that cannot be told.
Identity = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the chunks are: at most `rows` rows, and none is added once there are `bytes`."""

    rows: int | None = None
    bytes: int | None = None


class Piece(ABC):
    """Some rows of a source in a row; it can be sent to another process."""

    #: The number of the first row, from 0, and how many there are.
    first_row: int
    rows: int
    #: The bytes of the source up to its end, for progress.
    end: int = 0

    @abstractmethod
    def load(self, form: Form | None = None) -> Any:
        """Read the rows, as a block of any form; of `form` if that costs less than converting."""


class Source(ABC):
    """Rows that are read piece by piece."""

    #: What people call it.
    name: str
    #: Its rows, and its bytes, where they are known beforehand.
    row_count: int | None = None
    size: int | None = None
    #: Whether it can be read a second time.
    is_repeatable = True
    #: The form of chunks if none is asked for; `None` for that of the pieces.
    form: Form | None = None

    @abstractmethod
    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut it into pieces."""

    def identity(self) -> Identity | None:
        """Return what tells it from a source that was changed."""
        return None

    def schema(self) -> dict[str, str] | None:
        """Return the types of its columns by name, where it has such."""
        return None

    def count_rows(self) -> int:
        """Return its number of rows, if need be by reading it."""
        if self.row_count is not None:
            return self.row_count
        return sum(piece.rows for piece in self.pieces(Size(bytes=16 << 20)))


@dataclass(frozen=True)
class BlockPiece(Piece):
    """Rows that are in memory."""

    block: Any
    first_row: int
    rows: int
    end: int = 0

    def load(self, form: Form | None = None) -> Any:
        """Return the block."""
        return self.block


class RowsSource(Source):
    """Rows of an iterable."""

    def __init__(self, rows: Iterable[Any], name: str = "rows in memory") -> None:
        self.name = name
        self._rows = rows
        self.is_repeatable = iter(rows) is not rows
        self.row_count = len(rows) if isinstance(rows, Sequence) else None
        self._is_used = False

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the rows as they come."""
        if size.rows is None and size.bytes is not None:
            error = DataError("rows in memory have no size in bytes")
            error.hint = "say how many rows a chunk has: rows=10_000"
            raise error
        if not self.is_repeatable and self._is_used:
            error = DataError("an iterator gives its rows only once")
            error.hint = "write them to a file first, or pass something that can be read again"
            raise error
        self._is_used = True
        return self._cut(size.rows or 10_000)

    def _cut(self, most: int) -> Iterator[Piece]:
        block: list[Any] = []
        first = 0
        for row in self._rows:
            block.append(row)
            if len(block) == most:
                yield BlockPiece(block, first, most)
                first, block = first + most, []
        if block:
            yield BlockPiece(block, first, len(block))

    def identity(self) -> Identity | None:
        """Return the digest of a sequence; an iterator has nothing to be told by."""
        if not isinstance(self._rows, Sequence):
            return None
        from cannery._fingerprint import fingerprint_value

        return {"rows in memory": fingerprint_value(self._rows).text}


class SlicedSource(Source):
    """An array or a table in memory, or anything that is sliced by rows."""

    def __init__(self, block: Any, name: str, row_bytes: int) -> None:
        self.name, self._block, self._row_bytes = name, block, row_bytes
        self.row_count = length(block)

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut it by rows."""
        step = rows_of_size(size, self._row_bytes)
        total = self.row_count or 0
        for start in range(0, total, step):
            stop = min(start + step, total)
            yield BlockPiece(self._block[start:stop], start, stop - start)

    def identity(self) -> Identity | None:
        """Return the digest of its content."""
        from cannery._fingerprint import fingerprint_value

        return {"data in memory": fingerprint_value(self._block).text}


def rows_of_size(size: Size, row_bytes: int) -> int:
    """Return how many rows make a chunk, of rows that all have the same size."""
    bytes = size.bytes
    if bytes is None:
        if size.rows is not None:
            return size.rows
        bytes = 16 << 20
    by_bytes = max(1, bytes // max(1, row_bytes))
    return by_bytes if size.rows is None else min(size.rows, by_bytes)


def identity_of_file(path: str) -> Identity:
    """Return what tells a file from one that was changed."""
    found = Path(path).stat()
    return {
        "file": str(Path(path).absolute()),
        "size": found.st_size,
        "modified": found.st_mtime_ns,
    }
