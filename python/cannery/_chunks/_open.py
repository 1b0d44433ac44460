"""From what `chunks` is given to a source of pieces."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cannery._chunks._arrays import ArraySource
from cannery._chunks._blocks import Form, is_array, is_of
from cannery._chunks._source import (
    Identity,
    Piece,
    RowsSource,
    Size,
    SlicedSource,
    Source,
)
from cannery._chunks._tables import EXTENSIONS, TableSource, format_of_start
from cannery._chunks._text import CsvOptions, TextSource
from cannery._objects._formats import extension_of, format_of_id, format_of_name
from cannery._places import asking, is_address, plain
from cannery.errors import DataError, DataTypeError, NotFoundError

#: What is read piece by piece, for hints.
FORMATS = "jsonl, csv, npy, npz, hdf5, msgpack, parquet, arrow"
_START = 4096


def open_source(
    where: Any,
    *,
    columns: tuple[Any, ...] | None,
    format: str | None,
    dataset: str | None,
    csv: CsvOptions,
) -> Source:
    """Return the source that is meant."""
    if isinstance(where, (str, os.PathLike)):
        path = os.fspath(where)
        if not isinstance(path, str):
            path = os.fsdecode(path)
        path = plain(path)
        if is_address(path):
            return AddressSource(path, columns, format, dataset, csv)
        if path == "-":
            import sys

            return _stream(sys.stdin.buffer, columns, format or "jsonl", csv)
        return _files(_paths(path), columns, format, dataset, csv)
    if (
        isinstance(where, (list, tuple))
        and where
        and all(isinstance(p, os.PathLike) for p in where)
    ):
        return _files([os.fsdecode(path) for path in where], columns, format, dataset, csv)
    if hasattr(where, "read"):
        return _stream(where, columns, format, csv)
    source = _in_memory(where)
    return source if columns is None else PickedSource(source, columns)


def _paths(path: str) -> list[str]:
    if Path(path).is_dir():
        error = DataError(f"{path} is a folder")
        error.hint = f"name its files by a pattern: {Path(path) / '*.jsonl'}"
        raise error
    if Path(path).exists() or not glob.has_magic(path):
        return [path]
    found = sorted(glob.iglob(path, recursive=True))  # noqa: PTH207 -- the pattern may be absolute
    found = [one for one in found if Path(one).is_file()]
    if not found:
        raise NotFoundError(f"no file matches {path}")
    return found


def _files(
    paths: list[str],
    columns: tuple[Any, ...] | None,
    format: str | None,
    dataset: str | None,
    csv: CsvOptions,
) -> Source:
    sources = []
    for path in paths:
        if not Path(path).exists():
            raise NotFoundError(f"there is no file {path}")
        sources.append(_file(path, columns, format, dataset, csv))
        first = sources[0]
        if isinstance(first, TextSource) and isinstance(sources[-1], TextSource):
            sources[-1].with_table(first)
    return sources[0] if len(sources) == 1 else FilesSource(sources)


def _file(
    path: str,
    columns: tuple[Any, ...] | None,
    format: str | None,
    dataset: str | None,
    csv: CsvOptions,
) -> Source:
    found = _format_of(path, format)
    if found in ("npy", "npz", "hdf5"):
        return ArraySource(path, found, dataset, columns)
    if dataset is not None:
        error = DataError(f"{path} has no arrays by name")
        error.hint = "leave dataset= out; it is for npz and hdf5"
        raise error
    if found == "jsonl":
        return TextSource(path, csv=None, columns=columns)
    if found == "csv":
        return TextSource(path, csv=csv, columns=columns)
    if found == "parquet" or found == "arrow":
        return TableSource(path, found, columns)
    if found == "msgpack":
        source = MsgpackSource(path)
        return source if columns is None else PickedSource(source, columns)
    error = DataError(f"{path} is {found}, which is not read piece by piece")
    error.hint = f"`cannery convert` it to jsonl first; what is read so is {FORMATS}"
    raise error


def _format_of(path: str, format: str | None) -> str:
    """Return the format that is given, or that the file's name or its first bytes tell."""
    from cannery import _native

    if format is not None:
        return EXTENSIONS.get(format) or format_of_id(format)
    extension = extension_of(path)[0]
    named = EXTENSIONS.get(extension) or format_of_name(path)
    if named is not None:
        return named
    with Path(path).open("rb") as file:
        start = file.read(_START)
    found = format_of_start(start) or _native.format_of_bytes(start)
    if found is None:
        error = DataError(f"the name {path} does not say which format it is")
        error.hint = f"pass format=, one of {FORMATS}"
        raise error
    # A first line of JSON may be the whole of a document, or a row.
    return "jsonl" if found == "json" and extension != "json" else found


def _stream(
    file: Any, columns: tuple[Any, ...] | None, format: str | None, csv: CsvOptions
) -> Source:
    name = getattr(file, "name", None)
    found = None if format is None else format_of_id(format)
    if found is None and isinstance(name, (str, os.PathLike)):
        found = format_of_name(name)
    if found == "jsonl":
        return TextSource(file, csv=None, columns=columns)
    if found == "csv":
        return TextSource(file, csv=csv, columns=columns)
    error = DataError("a stream is read as jsonl or csv, and it is not said which it is")
    error.hint = 'pass format="jsonl" or format="csv"'
    raise error


def _in_memory(where: Any) -> Source:
    if is_array(where):
        return _ArrayInMemory(where)
    if is_of(where, "pandas", "DataFrame"):
        return SlicedSource(
            where, "a frame in memory", _row_bytes(where.memory_usage().sum(), where)
        )
    if is_of(where, "polars", "DataFrame"):
        return SlicedSource(where, "a frame in memory", _row_bytes(where.estimated_size(), where))
    if is_of(where, "pyarrow", "Table"):
        return SlicedSource(where, "a table in memory", _row_bytes(where.nbytes, where))
    lazy = _lazy_array(where)
    if lazy is not None:
        return lazy
    if isinstance(where, (Mapping, bytes, bytearray, memoryview)):
        error = DataTypeError(f"expected a file or rows, got {type(where).__name__}")
        error.hint = "pass a path, an array, a table, or an iterable of rows"
        raise error
    if isinstance(where, Iterable):
        return RowsSource(where)
    error = DataTypeError(f"expected a file or rows, got {type(where).__name__}")
    error.hint = "pass a path, an array, a table, or an iterable of rows"
    raise error


def _row_bytes(total: int, table: Any) -> int:
    return max(1, int(total) // max(1, len(table)))


def _lazy_array(where: Any) -> Source | None:
    """Take a dataset or an array of ours that is read by parts."""
    shape, dtype = getattr(where, "shape", None), getattr(where, "dtype", None)
    if not isinstance(shape, tuple) or dtype is None or not hasattr(where, "__getitem__"):
        return None
    return _ArrayInMemory(where)


class _ArrayInMemory(SlicedSource):
    """An array, or what is sliced like one."""

    form: Form | None = "arrays"

    def __init__(self, array: Any) -> None:
        if not array.shape:
            raise DataError("an array of one value has no rows")
        size = array.dtype.itemsize
        for side in array.shape[1:]:
            size *= side
        super().__init__(array, "an array in memory", size)


class MsgpackSource(Source):
    """Documents of MessagePack one after the other."""

    form: Form | None = "rows"

    def __init__(self, path: str) -> None:
        self.name = self._path = path

    def identity(self) -> Identity | None:
        """Return size and time of the file."""
        from cannery._chunks._source import identity_of_file

        return identity_of_file(self._path)

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Read the documents as they come."""
        from cannery import msgpack

        with Path(self._path).open("rb") as file:
            yield from RowsSource(msgpack.Unpacker(file), self.name).pieces(size)


class AddressSource(Source):
    """A file that a service keeps: a copy of it, which lives as long as this."""

    def __init__(
        self,
        address: str,
        columns: tuple[Any, ...] | None,
        format: str | None,
        dataset: str | None,
        csv: CsvOptions,
    ) -> None:
        from cannery import _native

        self._copy = _native.LocalCopy(asking(address))
        self._source = source = _file(self._copy.path, columns, format, dataset, csv)
        self.name = self._copy.name
        self.form, self.size = source.form, source.size
        self.row_count, self.is_repeatable = source.row_count, source.is_repeatable

    def schema(self) -> dict[str, str] | None:
        """Return the types of its columns."""
        return self._source.schema()

    def identity(self) -> Identity | None:
        """Return the address, and what the service says of the state of the file."""
        etag, size = self._copy.state
        return {"address": self.name, "etag": etag, "size": size}

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the copy."""
        return self._source.pieces(size)


class FilesSource(Source):
    """Several files, one after the other; a chunk has rows of one of them."""

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        self.name = f"{sources[0].name} and {len(sources) - 1} more"
        self.form = sources[0].form
        counts = [source.row_count for source in sources]
        self.row_count = None if None in counts else sum(filter(None, counts))
        sizes = [source.size for source in sources]
        self.size = None if None in sizes else sum(filter(None, sizes))

    def schema(self) -> dict[str, str] | None:
        """Return the types of the first file's columns."""
        return self._sources[0].schema()

    def identity(self) -> Identity | None:
        """Return those of all files."""
        found = [source.identity() for source in self._sources]
        return None if None in found else {"files": found}

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut one file after the other."""
        rows, end = 0, 0
        for source in self._sources:
            count = 0
            for piece in source.pieces(size):
                count += piece.rows
                yield FilePiece(
                    piece, source.name, rows + piece.first_row, piece.rows, end + piece.end
                )
            rows += count
            end += source.size or 0


class WrappedPiece(Piece):
    """A piece of another source, of which something is made when it is loaded."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.first_row, self.rows = piece.first_row, piece.rows
        self.end = piece.end

    def load(self, form: Form | None = None) -> Any:
        """Load the piece."""
        return self.piece.load(form)


class FilePiece(WrappedPiece):
    """A piece of one of several files."""

    def __init__(self, piece: Piece, name: str, first_row: int, rows: int, end: int) -> None:
        super().__init__(piece)
        self.name, self.first_row, self.rows, self.end = name, first_row, rows, end


class PickedSource(Source):
    """Some columns of another source."""

    def __init__(self, source: Source, columns: tuple[Any, ...]) -> None:
        self._source, self._columns = source, columns
        self.name, self.size = source.name, source.size
        self.form: Form | None = source.form
        self.row_count, self.is_repeatable = source.row_count, source.is_repeatable

    def identity(self) -> Identity | None:
        """Return that of the source, and the columns."""
        found = self._source.identity()
        return None if found is None else {"columns": self._columns, "of": found}

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the source."""
        return (_PickedPiece(piece, self._columns) for piece in self._source.pieces(size))


class _PickedPiece(WrappedPiece):
    def __init__(self, piece: Piece, columns: tuple[Any, ...]) -> None:
        super().__init__(piece)
        self._columns = columns

    def load(self, form: Form | None = None) -> Any:
        """Load the piece, and keep the columns that are wanted."""
        return picked(self.piece.load(None), self._columns)


def picked(block: Any, columns: tuple[Any, ...]) -> Any:
    """Return some columns of a block."""
    if isinstance(block, list):
        from cannery._chunks._text import pick_row

        return [pick_row(row, columns) for row in block]
    if is_array(block) and block.dtype.names is None:
        return block[:, list(columns)]
    if is_of(block, "pyarrow", "Table"):
        return block.select(list(columns))
    return block[list(columns)]
