"""JSON Lines and CSV: cut where rows end, and parsed where the rows are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from cannery import _native
from cannery._audit import reading
from cannery._chunks._blocks import Form, library
from cannery._chunks._source import Identity, Piece, Size, Source, identity_of_file
from cannery.errors import DataError, DataTypeError

_COMMA, _TAB = ord(","), ord("\t")
#: What one chunk of text has, unless it is said.
_CHUNK_BYTES = 8 << 20
#: Bytes of a stream that types are inferred from, at most.
_SAMPLE_BYTES = 16 << 20

CsvTable = tuple[int, bool, list[tuple[str, str]], list[str]]


@dataclass(frozen=True, kw_only=True)
class CsvOptions:
    """How CSV is read."""

    delimiter: str | None = None
    header: bool | Sequence[str] = True
    schema: Mapping[str, Any] | None = None
    infer_rows: int | None = 10_000
    missing: Sequence[str] = ()

    def survey(self, path: str | None, data: bytes | None) -> CsvTable:
        """Return what the columns of a file are, or of the beginning of one."""
        names = None if isinstance(self.header, bool) else list(self.header)
        types = [(name, type_name(kind)) for name, kind in (self.schema or {}).items()]
        return _native.csv_table(
            path,
            data,
            self._delimiter(path),
            self.header is not False,
            names,
            types,
            self.infer_rows,
            list(self.missing),
        )

    def _delimiter(self, path: str | None) -> int | None:
        if self.delimiter is None:
            return _TAB if path and ".tsv" in Path(path).name.lower() else None
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n':
            raise DataError(f"a delimiter is one ASCII character, not {self.delimiter!r}")
        return ord(self.delimiter)


def type_name(kind: object) -> str:
    """Return the name of a column's type, which may be given as a type or by name."""
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    if name in ("bool", "int", "float", "str"):
        return name
    error = DataTypeError(f"{kind!r} is no type of a column")
    error.hint = "use bool, int, float or str"
    raise error


@dataclass(frozen=True)
class TextPiece(Piece):
    """Some rows of a text: where they are, or their bytes."""

    path: str
    offset: int
    len: int
    data: bytes | None
    first_row: int
    line: int
    name: str
    rows: int
    table: CsvTable | None
    columns: tuple[str, ...] | None
    end: int = 0

    def load(self, form: Form | None = None) -> Any:
        """Parse the rows."""
        if self.table is None:
            rows = _native.jsonl_piece(self)
            return rows if self.columns is None else [pick_row(row, self.columns) for row in rows]
        wanted = None if self.columns is None else list(self.columns)
        if form in ("arrays", "pandas"):
            return _arrays(_native.csv_columns(self, self.table, wanted))
        return _native.csv_piece(self, self.table, wanted)


def pick_row(row: Any, columns: tuple[Any, ...]) -> Any:
    """Return a row with some of its columns."""
    if isinstance(row, Mapping):
        return {name: row.get(name) for name in columns}
    error = DataTypeError(f"columns= needs rows that are mappings, got a {type(row).__name__}")
    error.hint = "leave columns= out"
    raise error


def _arrays(columns: list[tuple[str, str, Any, list[int]]]) -> dict[str, Any]:
    numpy = library("numpy", 'as_="arrays"')
    found = {}
    for name, kind, values, missing in columns:
        if kind == "str":
            array = numpy.empty(len(values), dtype=object)
            array[:] = values
        else:
            dtype = {"bool": numpy.bool_, "int": numpy.int64, "float": numpy.float64}[kind]
            array = numpy.frombuffer(bytearray(values), dtype=dtype)
            if missing and kind == "int":
                array = array.astype(numpy.float64)
                array[missing] = numpy.nan
            elif missing and kind == "bool":
                array = array.astype(object)
                array[missing] = None
        found[name] = array
    return found


class TextSource(Source):
    """A file of JSON Lines or CSV, or a stream of it."""

    form: Form | None = "rows"

    def __init__(
        self,
        where: str | IO[Any],
        *,
        csv: CsvOptions | None,
        columns: tuple[str, ...] | None,
    ) -> None:
        self._csv, self._columns = csv, columns
        self._table: CsvTable | None = None
        if isinstance(where, str):
            self._path, self._file = where, None
            self.name = where
            # The bytes of a compressed file are not where they are said to be.
            self._is_plain = _is_plain(where)
            self.size = Path(where).stat().st_size if self._is_plain else None
            if csv is not None:
                self._learn(csv.survey(reading(where), None))
        else:
            self._path, self._file = "", where
            name = getattr(where, "name", None)
            self.name = name if isinstance(name, str) else "a stream"
            self._is_plain, self.is_repeatable = False, False
            self._is_used = False

    def _learn(self, table: CsvTable) -> None:
        names = [name for name, _ in table[2]]
        for name in self._columns or ():
            if name not in names:
                error = DataError(f"{self.name} has no column {name!r}")
                error.hint = f"it has {', '.join(names)}"
                raise error
        self._table = table

    def schema(self) -> dict[str, str] | None:
        """Return the types of the columns."""
        if self._table is None:
            return None
        return {
            name: kind
            for name, kind in self._table[2]
            if self._columns is None or name in self._columns
        }

    def identity(self) -> Identity | None:
        """Return size and time of the file, and how its columns are read."""
        if self._file is not None:
            return None
        return identity_of_file(self._path) | {"table": self._table, "columns": self._columns}

    def with_table(self, first: TextSource) -> None:
        """Take over the types of the first of several files.

        Raises:
            DataError: if they have other columns.

        """
        if self._table is None or first._table is None:
            return
        own = [name for name, _ in self._table[2]]
        expected = [name for name, _ in first._table[2]]
        if own != expected:
            error = DataError(f"{self.name} has other columns than {first.name}")
            error.hint = f"it has {', '.join(own)}, and not {', '.join(expected)}"
            raise error
        self._table = (self._table[0], self._table[1], first._table[2], self._table[3])

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the text, without parsing it."""
        if self._file is not None:
            if self._is_used:
                error = DataError("a stream is read only once")
                error.hint = "pass the path of a file"
                raise error
            self._is_used = True
        bytes = size.bytes
        if size.rows is None and bytes is None:
            bytes = _CHUNK_BYTES
        return self._cut(replace(size, bytes=bytes))

    def _cut(self, size: Size) -> Iterator[Piece]:
        if self._csv is not None and self._file is not None:
            yield from self._cut_stream(self._csv, size)
            return
        delimiter, header = (None, False) if self._table is None else self._table[:2]
        path = self._path if self._file is None else None
        if path is not None:
            reading(path)
        pieces = _native.RowPieces(
            path, self._file, delimiter, header, size.rows, size.bytes, not self._is_plain
        )
        for piece in pieces:
            yield self._piece(piece)

    def _cut_stream(self, csv: CsvOptions, size: Size) -> Iterator[Piece]:
        """Infer types from the first rows of a stream, which is cut in pieces of its own for it."""
        given = ord(csv.delimiter) if csv.delimiter else None
        sample = _native.RowPieces(
            None,
            self._file,
            _COMMA if given is None else given,
            False,
            (csv.infer_rows or 1_000_000) + 1,
            _SAMPLE_BYTES,
            True,
        )
        first = next(sample, None)
        if first is None:
            self._learn(csv.survey(None, b""))
            return
        data = first[5] or b""
        self._learn(csv.survey(None, data))
        delimiter, header = (None, False) if self._table is None else self._table[:2]
        rest = _Rejoined(data, (piece[5] or b"" for piece in sample))
        for piece in _native.RowPieces(None, rest, delimiter, header, size.rows, size.bytes, True):
            yield self._piece(piece)

    def _piece(self, piece: tuple[int, int, int, int, int, bytes | None]) -> Piece:
        offset, length, rows, first, line, data = piece
        return TextPiece(
            self._path,
            offset,
            length,
            data,
            first,
            line,
            self.name,
            rows,
            self._table,
            self._columns,
            offset + length,
        )


class _Rejoined:
    """A file object over bytes that were read and others that follow."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._buffer, self._rest = first, rest

    def read(self, size: int = -1) -> bytes:
        if not self._buffer:
            self._buffer = next(self._rest, b"")
        if size < 0 or size >= len(self._buffer):
            data, self._buffer = self._buffer, b""
            return data
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


def _is_plain(path: str) -> bool:
    import stat

    from cannery._objects._formats import extension_of

    if not stat.S_ISREG(Path(path).stat().st_mode):
        return False
    if extension_of(path)[1]:
        return False
    with Path(path).open("rb") as file:
        start = file.read(8)
    marks = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18")
    return not start.startswith(marks)
