"""Data larger than memory, chunk by chunk: `chunks` and what it returns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from cannery._chunks._blocks import FORMS, Form, converted
from cannery._chunks._describe import Standardizer, Statistics
from cannery._chunks._open import WrappedPiece, open_source
from cannery._chunks._order import ShuffledSource, SplitSource, counts_of
from cannery._chunks._source import Identity, Piece, Size, Source
from cannery._chunks._text import CsvOptions
from cannery.errors import DataError, DataTypeError, LimitError

__all__ = ["Chunks", "chunks"]

Where = str | os.PathLike[str] | IO[str] | IO[bytes] | Iterable[Any]


def chunks(
    where: Where,
    *,
    rows: int | None = None,
    bytes: int | None = None,
    columns: Iterable[Any] | None = None,
    as_: Form | None = None,
    schema: Mapping[str, Any] | None = None,
    format: str | None = None,
    dataset: str | None = None,
    delimiter: str | None = None,
    header: bool | Sequence[str] = True,
    infer_rows: int | None = 10_000,
    missing: Sequence[str] = (),
) -> Chunks:
    """Iterate over data of any size, some rows at a time.

    `where` is a path (JSON Lines, CSV, NPY, NPZ, HDF5, MessagePack, Parquet, Arrow IPC; text may be
    compressed), a pattern of several (`"logs/*.jsonl"`), `"-"`, a file object, an array, a data
    frame, or an iterable of rows.

    A chunk has at most `rows` rows and takes about `bytes` bytes of the file; without either it is
    some megabytes. It is a list of rows, and of NPY and HDF5 an array; `as_` says otherwise:
    `"rows"`, `"arrays"` (a mapping of columns to arrays), `"pandas"`, `"polars"` or `"pyarrow"`.
    `columns` are those that are read. `dataset` is the array of an NPZ or HDF5 file with several.

    Of CSV, the types of columns are inferred from the first `infer_rows` rows (`None`: from all, in
    a pass of its own), see `Chunks.schema`; `schema={"id": str}` says what some are instead:
    `bool`, `int`, `float` or `str`. `delimiter`, `header` (`False`, or names), and `missing` (texts
    that stand for nothing, besides the empty field) are as the file has them.

    Example:
        >>> import cannery
        >>> squares = ({"n": n, "square": n * n} for n in range(5))
        >>> [len(chunk) for chunk in cannery.chunks(squares, rows=2)]
        [2, 2, 1]

    Raises:
        DataError: for a format that is not read piece by piece, columns that are not there, an
            array that is not named; while iterating, for what is wrong in the file, with its place.
        NotFoundError: if there is no such file.

    """
    if isinstance(columns, str):
        raise DataTypeError("columns= is a list of names, not one text")
    csv = CsvOptions(
        delimiter=delimiter, header=header, schema=schema, infer_rows=infer_rows, missing=missing
    )
    if isinstance(where, Chunks):
        raise DataTypeError("these are chunks already")
    source = open_source(
        where,
        columns=None if columns is None else tuple(columns),
        format=format,
        dataset=dataset,
        csv=csv,
    )
    return Chunks(source, _size(rows, bytes), _form(as_))


def _size(rows: int | None, bytes: int | None) -> Size:
    for name, value in (("rows", rows), ("bytes", bytes)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise DataTypeError(f"expected a whole number for {name}=, got {value!r}")
        if value is not None and value < 1:
            raise DataError(f"a chunk has one of {name} at least, not {value}")
    return Size(rows=rows, bytes=bytes)


def _form(as_: str | None) -> Form | None:
    for form in FORMS:
        if as_ == form:
            return form
    if as_ is None:
        return None
    error = DataError(f"{as_!r} is no form of chunks")
    error.hint = f"use one of {', '.join(FORMS)}"
    raise error


class Chunks:
    """Data that is read chunk by chunk, as often as it is iterated over."""

    def __init__(self, source: Source, size: Size, form: Form | None) -> None:
        self._source, self._size = source, size
        self._form: Form | None = form

    def __iter__(self) -> Iterator[Any]:
        for piece in self.pieces():
            yield load(piece, self.form)

    def __len__(self) -> int:
        """Return the number of chunks, where it is known without reading them."""
        total = self._source.row_count
        if total is None or self._size.rows is None or self._size.bytes is not None:
            error = TypeError("how many chunks there are shows only when they are read")
            raise error
        return -(-total // self._size.rows)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        limits = [("rows", self._size.rows), ("bytes", self._size.bytes)]
        shown = [f"{name}={value}" for name, value in limits if value is not None]
        schema = self._source.schema()
        if schema is not None:
            shown.append(f"schema={schema}")
        return f"<chunks of {self._source.name}{''.join(f', {one}' for one in shown)}>"

    @property
    def name(self) -> str:
        """What the data is called in messages."""
        return self._source.name

    @property
    def form(self) -> Form | None:
        """The form of the chunks; `None` for that of the data in memory that they come from."""
        return self._form or self._source.form

    @property
    def schema(self) -> dict[str, str] | None:
        """The types of the columns by name, where there are any: of CSV as they were inferred."""
        return self._source.schema()

    @property
    def row_count(self) -> int | None:
        """The number of rows, where it is known without reading them."""
        return self._source.row_count

    @property
    def source_size(self) -> int | None:
        """The bytes of the source, where they are known."""
        return self._source.size

    @property
    def size(self) -> Size:
        """How large a chunk is."""
        return self._size

    def count_rows(self) -> int:
        """Return the number of rows; text is read for it, but not parsed."""
        return self._source.count_rows()

    def pieces(self) -> Iterator[Piece]:
        """Cut the data without loading it, for those who load the pieces elsewhere."""
        return self._source.pieces(self._size)

    def identity(self) -> Identity | None:
        """Return what tells the data from data that was changed; `None` if nothing does."""
        return self._source.identity()

    def describe(self) -> dict[Any, dict[str, Any]]:
        """Return figures of each column, in memory that does not grow with the data.

        All columns have `type`, `count` and `missing` (`None`, NaN, or a row without it); numbers
        `mean`, `std` (of a sample, as pandas has it), `min` and `max`; texts `distinct`, `top` and
        `freq`, which beyond ten thousand different ones are estimates (`approximate` is true then);
        truth values `true`. The columns of an array are `column_1` and so on, that of single values
        is `value`.

        Example:
            >>> import cannery
            >>> cannery.chunks([{"x": 1}, {"x": 3}, {"x": None}]).describe()["x"]["mean"]
            2.0

        """
        return self._statistics().figures()

    def _statistics(self) -> Statistics:
        statistics = Statistics()
        arrays = self._source.schema() is not None and _has_numpy()
        for piece in self.pieces():
            statistics.add(_numbers(piece) if arrays else piece.load())
        return statistics

    def standardize(self, columns: Iterable[Any] | None = None) -> Chunks:
        """Return these chunks with the numbers of each column scaled to mean 0 and deviation 1.

        Mean and deviation (of the population) are those of all the data: a pass of its own, made
        when the first chunk is asked for. `columns` are those that are scaled: by default all that
        hold nothing but numbers.

        Example:
            >>> import cannery
            >>> [chunk] = cannery.chunks([{"x": 1}, {"x": 3}]).standardize()
            >>> chunk
            [{'x': -1.0}, {'x': 1.0}]

        """
        wanted = None if columns is None else tuple(columns)
        return Chunks(StandardizedSource(self, wanted), self._size, self._form)

    def shuffle(self, seed: int) -> Chunks:
        """Return chunks of the same rows in random order, which is the same for the same seed.

        The rows are dealt out to temporary files at the first pass, of which one at a time is in
        memory. For another order in every epoch, shuffle with the epoch's number.
        """
        return Chunks(ShuffledSource(self._source, int(seed)), self._size, self._form)

    def split(self, fractions: Sequence[float], seed: int = 0) -> tuple[Chunks, ...]:
        """Return disjoint parts of the rows, drawn at random, each in the order of the data.

        `(0.8, 0.1, 0.1)` gives three parts of exactly these sizes, `(0.8,)` two. Each pass over a
        part reads all the data.

        Example:
            >>> import cannery
            >>> train, test = cannery.chunks(range(10), rows=4).split((0.8,), seed=1)
            >>> [train.count_rows(), test.count_rows()]
            [8, 2]

        """
        if not self._source.is_repeatable:
            error = DataError(f"{self.name} can be read only once, and each part reads all of it")
            error.hint = "write the rows to a file first"
            raise error
        counts = counts_of(tuple(fractions), self.count_rows())
        return tuple(
            Chunks(SplitSource(self._source, counts, part, int(seed)), self._size, self._form)
            for part in range(len(counts))
        )


def load(piece: Piece, form: Form | None) -> Any:
    """Load a piece in the form that is wanted."""
    return converted(piece.load(form), form)


def _numbers(piece: Piece) -> Any:
    """Load columns as arrays, which is quicker, unless their integers have more than 64 bits."""
    try:
        return piece.load("arrays")
    except LimitError:
        return piece.load()


class StandardizedSource(Source):
    """Another source with scaled numbers."""

    def __init__(self, chunks: Chunks, columns: tuple[Any, ...] | None) -> None:
        source = chunks._source
        if not source.is_repeatable:
            error = DataError(f"{source.name} can be read only once, and this takes two passes")
            error.hint = "write the rows to a file first"
            raise error
        self._chunks, self._source, self._columns = chunks, source, columns
        self.name = source.name
        self.form: Form | None = source.form
        self.row_count, self.size = source.row_count, source.size
        self._scaler: Standardizer | None = None

    def identity(self) -> Identity | None:
        """Return that of the source, and which columns are scaled."""
        found = self._source.identity()
        columns = None if self._columns is None else list(self._columns)
        return None if found is None else {"standardized": columns, "of": found}

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the source."""
        if self._scaler is None:
            self._scaler = Standardizer.of(self._chunks._statistics(), self._columns)
        for piece in self._source.pieces(size):
            yield _StandardizedPiece(piece, self._scaler)


class _StandardizedPiece(WrappedPiece):
    def __init__(self, piece: Piece, scaler: Standardizer) -> None:
        super().__init__(piece)
        self._scaler = scaler

    def load(self, form: Form | None = None) -> Any:
        """Load the piece and scale it."""
        return self._scaler(self.piece.load(form))


def _has_numpy() -> bool:
    from cannery._installed import installed_module

    try:
        installed_module("numpy")
    except ImportError:
        return False
    return True
