"""Arrays in files: NPY, members of NPZ, datasets of HDF5; the rows are their first axis."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cannery._audit import reading
from cannery._chunks._blocks import Form, library
from cannery._chunks._source import (
    Identity,
    Piece,
    Size,
    Source,
    identity_of_file,
    rows_of_size,
)
from cannery.errors import DataError

ArrayFormat = Literal["npy", "npz", "hdf5"]


@dataclass(frozen=True)
class ArrayPiece(Piece):
    """Some rows of an array in a file."""

    path: str
    format: ArrayFormat
    member: str | None
    columns: tuple[Any, ...] | None
    first_row: int
    rows: int
    end: int = 0

    def load(self, form: Form | None = None) -> Any:
        """Read the rows into memory."""
        with _Opened(self.path, self.format, self.member) as array:
            block = array[self.first_row : self.first_row + self.rows]
        if self.columns is None:
            return block
        if block.dtype.names is not None:
            return block[list(self.columns)]
        return block[:, list(self.columns)]


class _Opened:
    """An array of which parts can be read, open for as long as the block lasts."""

    def __init__(self, path: str, format: ArrayFormat, member: str | None) -> None:
        self._path, self._format, self._member = path, format, member
        self._file: Any = None

    def __enter__(self) -> Any:
        from cannery import hdf5, npy

        reading(self._path)
        if self._format == "npy":
            return npy.open(self._path)
        if self._format == "npz":
            self._file = npy.load(self._path)
            return self._file[self._member]
        self._file = hdf5.File(self._path, "r")
        return self._file[self._member]

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()


class ArraySource(Source):
    """An array in a file."""

    form: Form | None = "arrays"

    def __init__(
        self,
        path: str,
        format: ArrayFormat,
        member: str | None,
        columns: tuple[Any, ...] | None,
    ) -> None:
        library("numpy", "reading arrays")
        self._path, self._columns = path, columns
        self._format: ArrayFormat = format
        self._member = _only_member(path, format, member)
        self.name = path if self._member is None else f"{path}:{self._member}"
        with _Opened(path, format, self._member) as array:
            shape, dtype = tuple(array.shape or ()), array.dtype
        if not shape:
            error = DataError(f"{self.name} is one value: it has no rows")
            error.hint = "chunks are cut along the first axis"
            raise error
        self._check_columns(shape, dtype)
        self.row_count = shape[0]
        self._row_bytes = math.prod(shape[1:]) * dtype.itemsize
        self.size = self.row_count * self._row_bytes
        self._dtype, self._shape = str(dtype), shape

    def _check_columns(self, shape: tuple[int, ...], dtype: Any) -> None:
        if self._columns is None:
            return
        there = dtype.names or (range(shape[1]) if len(shape) == 2 else ())
        wrong = [column for column in self._columns if column not in there]
        if wrong:
            error = DataError(f"{self.name} has no column {wrong[0]!r}")
            error.hint = f"its columns are {', '.join(map(repr, there)) or 'none'}"
            raise error

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut it along its first axis."""
        step, total = rows_of_size(size, self._row_bytes), self.row_count or 0
        for first in range(0, total, step):
            rows = min(step, total - first)
            end = (first + rows) * self._row_bytes
            yield ArrayPiece(
                self._path, self._format, self._member, self._columns, first, rows, end
            )

    def identity(self) -> Identity | None:
        """Return size and time of the file, and what array of it is meant."""
        return identity_of_file(self._path) | {
            "array": self._member,
            "columns": self._columns,
        }


def _only_member(path: str, format: ArrayFormat, member: str | None) -> str | None:
    """Return the member that is meant: the only one, if none is named."""
    if format == "npy":
        if member is not None:
            raise DataError(f"{path} is one array: leave dataset= out")
        return None
    names = list(_members(path, format))
    if member is not None:
        plain = member.strip("/")
        if plain in names:
            return plain
        error = DataError(f"{path} has no array {member!r}")
    elif len(names) == 1:
        return names[0]
    else:
        error = DataError(f"{path} has {len(names)} arrays, and it is not said which one is meant")
    shown = ", ".join(map(repr, names[:20])) or "none"
    error.hint = f"pass dataset=, one of {shown}"
    raise error


def _members(path: str, format: ArrayFormat) -> Iterator[str]:
    from cannery import hdf5, npy

    if format == "npz":
        with npy.load(reading(path)) as archive:
            yield from archive.files
        return
    with hdf5.File(reading(path), "r") as file:
        yield from _datasets(file, "", 0)


def _datasets(group: Any, prefix: str, depth: int) -> Iterator[str]:
    from cannery import hdf5

    # Links may go round in circles.
    if depth > 32:
        return
    for name, member in group.items():
        if isinstance(member, hdf5.Group):
            yield from _datasets(member, f"{prefix}{name}/", depth + 1)
        elif isinstance(member, hdf5.Dataset) and member.shape:
            yield f"{prefix}{name}"
