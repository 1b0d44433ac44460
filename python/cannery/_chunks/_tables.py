"""Parquet and Arrow IPC, through pyarrow, or polars where only that is installed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cannery._audit import reading
from cannery._chunks._blocks import Form, library
from cannery._chunks._source import Identity, Piece, Size, Source, identity_of_file, rows_of_size
from cannery._installed import installed_module
from cannery.errors import DataError

TableFormat = Literal["parquet", "arrow"]

#: The extensions of files that hold tables.
EXTENSIONS: dict[str, TableFormat] = {
    "parquet": "parquet",
    "pq": "parquet",
    "arrow": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
}


def format_of_start(start: bytes) -> TableFormat | None:
    """Return the format of a file by its mark."""
    marks: dict[bytes, TableFormat] = {b"PAR1": "parquet", b"ARROW1": "arrow"}
    return next((format for mark, format in marks.items() if start.startswith(mark)), None)


@dataclass(frozen=True)
class TablePiece(Piece):
    """Some rows of a table, as a stream of Arrow IPC."""

    data: bytes
    first_row: int
    rows: int
    end: int = 0

    def load(self, form: Form | None = None) -> Any:
        """Read the table."""
        arrow = library("pyarrow", "reading tables")
        with arrow.ipc.open_stream(self.data) as reader:
            return reader.read_all()


@dataclass(frozen=True)
class PolarsPiece(Piece):
    """Some rows of a table, to be read by polars."""

    path: str
    format: TableFormat
    columns: tuple[str, ...] | None
    first_row: int
    rows: int
    end: int = 0

    def load(self, form: Form | None = None) -> Any:
        """Read the rows."""
        lazy = _scan(self.path, self.format)
        if self.columns is not None:
            lazy = lazy.select(list(self.columns))
        return lazy.slice(self.first_row, self.rows).collect()


class TableSource(Source):
    """A file of Parquet or Arrow IPC."""

    form: Form | None = "rows"

    def __init__(self, path: str, format: TableFormat, columns: tuple[str, ...] | None) -> None:
        self.name = self._path = path
        self._format: TableFormat = format
        self._columns = columns
        self.size = Path(path).stat().st_size
        reading(path)
        self._arrow = _pyarrow()
        if self._arrow is None:
            polars = library("polars", f"reading {format}: pyarrow or polars; it")
            lazy = _scan(path, format)
            self._schema = {name: str(kind) for name, kind in lazy.collect_schema().items()}
            self.row_count = lazy.select(polars.len()).collect().item()
        else:
            self._read_schema()
        for name in columns or ():
            if name not in self._schema:
                error = DataError(f"{path} has no column {name!r}")
                error.hint = f"it has {', '.join(self._schema)}"
                raise error

    def _read_schema(self) -> None:
        with self._opened() as (file, rows):
            schema = file.schema_arrow if self._format == "parquet" else file.schema
            self._schema = {field.name: str(field.type) for field in schema}
            self.row_count = rows

    def _opened(self) -> _Opened:
        return _Opened(self._path, self._format)

    def schema(self) -> dict[str, str] | None:
        """Return the types of the columns, as the library writes them."""
        wanted = self._schema if self._columns is None else self._columns
        return {name: self._schema[name] for name in wanted}

    def identity(self) -> Identity | None:
        """Return size and time of the file."""
        return identity_of_file(self._path) | {"columns": self._columns}

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the table by rows, without regard to how its file is cut."""
        total = self.row_count or 0
        # What a row takes in memory is not known; in the file it takes less.
        row_bytes = 4 * max(1, (self.size or 0) // max(1, total))
        step = rows_of_size(size, row_bytes)
        if self._arrow is None:
            for first in range(0, total, step):
                rows = min(step, total - first)
                end = (first + rows) * (self.size or 0) // total
                yield PolarsPiece(self._path, self._format, self._columns, first, rows, end)
            return
        first = 0
        for table in _regrouped(self._batches(step), step, self._arrow):
            data = io.BytesIO()
            with self._arrow.ipc.new_stream(data, table.schema) as writer:
                writer.write_table(table)
            end = (first + table.num_rows) * (self.size or 0) // max(1, total)
            yield TablePiece(data.getvalue(), first, table.num_rows, end)
            first += table.num_rows

    def _batches(self, step: int) -> Iterator[Any]:
        columns = None if self._columns is None else list(self._columns)
        with self._opened() as (file, _):
            if self._format == "parquet":
                yield from file.iter_batches(batch_size=step, columns=columns)
                return
            batches = (
                (file.get_batch(at) for at in range(file.num_record_batches))
                if hasattr(file, "num_record_batches")
                else file
            )
            for batch in batches:
                yield batch if columns is None else batch.select(columns)


class _Opened:
    """An open file of pyarrow's, and its number of rows."""

    def __init__(self, path: str, format: TableFormat) -> None:
        self._path, self._format = path, format

    def __enter__(self) -> tuple[Any, int | None]:
        arrow = library("pyarrow", "reading tables")
        if self._format == "parquet":
            self._source = installed_module("pyarrow.parquet").ParquetFile(self._path)
            return self._source, self._source.metadata.num_rows
        self._source = arrow.memory_map(self._path)
        try:
            file = arrow.ipc.open_file(self._source)
            return file, sum(file.get_batch(at).num_rows for at in range(file.num_record_batches))
        except arrow.ArrowInvalid:
            # A stream says at its end only how many rows it has.
            self._source.seek(0)
            return arrow.ipc.open_stream(self._source), None

    def __exit__(self, *exception: object) -> None:
        self._source.close()


def _regrouped(batches: Iterator[Any], step: int, arrow: Any) -> Iterator[Any]:
    """Make tables of `step` rows each of batches of any size."""
    ready: list[Any] = []
    count = 0
    for batch in batches:
        at = 0
        while at < batch.num_rows:
            part = batch.slice(at, step - count)
            ready.append(part)
            at, count = at + part.num_rows, count + part.num_rows
            if count == step:
                yield arrow.Table.from_batches(ready)
                ready, count = [], 0
    if count:
        yield arrow.Table.from_batches(ready)


def _pyarrow() -> Any:
    try:
        return installed_module("pyarrow")
    except ImportError:
        return None


def _scan(path: str, format: TableFormat) -> Any:
    polars = library("polars", "reading tables")
    return polars.scan_parquet(path) if format == "parquet" else polars.scan_ipc(path)
