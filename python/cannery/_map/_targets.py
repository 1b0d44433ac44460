"""What results are written to: formats that hold rows, in parts that can be appended."""

from __future__ import annotations

import base64
import io
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from cannery import _native
from cannery._chunks._blocks import (
    converted,
    form_of,
    is_array,
    is_columns,
    is_of,
    length,
    library,
    rows_of,
)
from cannery._chunks._tables import EXTENSIONS
from cannery._objects._formats import extension_of, format_of_id, format_of_name
from cannery.errors import DataError, DataTypeError

#: What the chunks of one file have in common, once the first one is known; kept in the journal.
Head = Any

FORMATS = "jsonl, csv, npy, hdf5, json, msgpack, cbor, yaml, parquet, arrow"


@dataclass(frozen=True)
class Encoded:
    """The bytes of a chunk, and how many rows they are."""

    data: bytes
    rows: int
    head: Head = None


class Target(ABC):
    """A format that results are written in. It can be sent to another process."""

    #: Whether the first chunk must be encoded before any other: it says what the columns are.
    needs_head = False

    def __init__(self, path: str, compression: str) -> None:
        self.path, self.compression = path, compression

    @abstractmethod
    def encode(self, block: Any, head: Head) -> Encoded:
        """Encode a chunk, which has rows; `head` is that of the chunks before it."""

    def begin(self, head: Head) -> bytes:
        """Return what stands before the first chunk."""
        return b""

    def between(self) -> bytes:
        """Return what stands between two chunks."""
        return b""

    def finish(self, file: BinaryIO, head: Head, rows: int) -> None:
        """Complete a file that holds all chunks; it may have been completed before."""
        return

    def assemble(self, parts: Path, head: Head, to: Path) -> bool:
        """Write the file from one that holds all chunks; return whether that is needed."""
        return False


def open_target(path: str, format: str | None) -> Target:
    """Return the target that a path names.

    Raises:
        DataError: for a format that cannot be written chunk by chunk.

    """
    extension, compression = extension_of(path)
    if format is not None:
        found = EXTENSIONS.get(format) or format_of_id(format)
    else:
        found = EXTENSIONS.get(extension) or format_of_name(path)
    if found is None:
        error = DataError(f"the name {path!r} does not say which format it is")
        error.hint = f"pass format=, one of {FORMATS}"
        raise error
    made = _TARGETS.get(found)
    if made is None:
        error = DataError(f"{found} is not written chunk by chunk")
        error.hint = f"use one of {FORMATS}"
        raise error
    if compression and not issubclass(made, (LinesTarget, CsvTarget, DocumentsTarget)):
        error = DataError(f"{found} is not written compressed as a whole")
        error.hint = f"leave `.{compression}` out of the name"
        raise error
    if compression in ("zz", "zlib"):
        error = DataError("a file of zlib has one part, to which none can be appended")
        error.hint = "use .gz or .zst"
        raise error
    if found == "csv":
        return CsvTarget(path, compression, ord("\t") if extension == "tsv" else ord(","))
    return made(path, compression)


def result_block(result: Any) -> Any:
    """Return what a function returned as a block; nothing is no rows.

    Raises:
        DataTypeError: if it is no rows.

    """
    if result is None:
        return []
    if isinstance(result, Mapping) and not is_columns(result):
        return [result]
    series: Any = result
    if is_of(series, "pandas", "Series") or is_of(series, "polars", "Series"):
        return series.to_numpy()
    if is_array(result) or is_columns(result) or is_of(result, "pyarrow", "RecordBatch"):
        return result
    if isinstance(result, (str, bytes, bytearray, memoryview)) or not isinstance(result, Iterable):
        error = DataTypeError(f"the function returned {type(result).__name__}, which is no rows")
        error.hint = "return a list of rows, an array, a table, or None for no rows"
        raise error
    return result if hasattr(result, "__len__") and hasattr(result, "__getitem__") else list(result)


class LinesTarget(Target):
    """JSON Lines."""

    def encode(self, block: Any, head: Head) -> Encoded:
        """Write each row as a line."""
        from cannery import jsonl

        rows, lines = rows_of(block), io.BytesIO()
        jsonl.write(lines, rows, default="rich")
        return _packed(lines.getvalue(), len(rows), self.compression)


def _packed(data: bytes, rows: int, compression: str, head: Head = None) -> Encoded:
    if compression and data:
        data = _native.compress(data, compression)
    return Encoded(data, rows, head)


class CsvTarget(Target):
    """CSV, under a header that the first row says."""

    needs_head = True

    def __init__(self, path: str, compression: str, delimiter: int = ord(",")) -> None:
        super().__init__(path, compression)
        self._delimiter = delimiter

    def encode(self, block: Any, head: Head) -> Encoded:
        """Write each row as a record, and above the first one the header."""
        rows = rows_of(block)
        data, columns = _native.csv_dumps(rows, self._delimiter, head)
        return _packed(data, len(rows), self.compression, columns)


class DocumentsTarget(Target):
    """MessagePack, CBOR or YAML: documents one after the other."""

    def encode(self, block: Any, head: Head) -> Encoded:
        """Write each row as a document."""
        rows = rows_of(block)
        return _packed(b"".join(self._documents(rows)), len(rows), self.compression)

    def _documents(self, rows: list[Any]) -> Iterator[bytes]:
        raise NotImplementedError


class MsgpackTarget(DocumentsTarget):
    """MessagePack."""

    def _documents(self, rows: list[Any]) -> Iterator[bytes]:
        from cannery import msgpack

        return (msgpack.packb(row, datetime=False, default=_rich) for row in rows)


class CborTarget(DocumentsTarget):
    """A sequence of CBOR."""

    def _documents(self, rows: list[Any]) -> Iterator[bytes]:
        from cannery import cbor

        return (cbor.dumps(row) for row in rows)


class YamlTarget(DocumentsTarget):
    """Documents of YAML."""

    def _documents(self, rows: list[Any]) -> Iterator[bytes]:
        from cannery import yaml

        text = yaml.dump_all(rows, explicit_start=True, sort_keys=False, allow_unicode=True)
        yield text.encode() if isinstance(text, str) else text


def _rich(value: Any) -> Any:
    """Return the plain form of a value that a format lacks."""
    from cannery import json

    return json.decode(json.encode(value, default="rich"))


class JsonTarget(Target):
    """One list in JSON, a row to a line."""

    def encode(self, block: Any, head: Head) -> Encoded:
        """Write each row as a line within the list."""
        from cannery import jsonl

        rows = rows_of(block)
        lines = jsonl.dumps(rows, default="rich").encode().split(b"\n")
        return Encoded(b",\n".join(lines[:-1]), len(rows))

    def begin(self, head: Head) -> bytes:
        """Open the list."""
        return b"[\n"

    def between(self) -> bytes:
        """Go on in the list."""
        return b",\n"

    def finish(self, file: BinaryIO, head: Head, rows: int) -> None:
        """Close the list."""
        file.write(b"\n]\n" if rows else b"[]\n")


class NpyTarget(Target):
    """One array in NPY, along its first axis."""

    needs_head = True

    def encode(self, block: Any, head: Head) -> Encoded:
        """Return the elements in order."""
        numpy = library("numpy", "writing npy")
        array = block if is_array(block) else _array(block, numpy, self.path)
        array = numpy.ascontiguousarray(array)
        if array.dtype.hasobject:
            error = DataTypeError(f"{self.path} holds numbers, and the function returned objects")
            error.hint = "return an array of numbers, or write .jsonl"
            raise error
        header = _native.ArrayHeader(_descr(array.dtype), array.shape, False)
        own = [header.descr, list(array.shape[1:])]
        if head is not None and head != own:
            error = DataTypeError(
                f"the chunks before were of {head[0]} and shape (n, {_shown(head[1])}), "
                f"and this one is of {own[0]} and shape (n, {_shown(own[1])})"
            )
            error.hint = "an array has one type and shape: return, say, array.astype('float64')"
            raise error
        return Encoded(array.tobytes(), len(array), own)

    def begin(self, head: Head) -> bytes:
        """Return a header for any number of rows."""
        return self._header(head, 0)

    def finish(self, file: BinaryIO, head: Head, rows: int) -> None:
        """Write the number of rows into the header."""
        if head is None:
            raise DataError(f"there are no rows, and {self.path} needs one to tell its type from")
        file.seek(0)
        file.write(self._header(head, rows))

    def _header(self, head: Head, rows: int) -> bytes:
        descr, sides = head
        text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': ({rows}, {_shown(sides)}), }}"
        # Room for any number of rows, so that the elements stay where they are.
        room = -(-(10 + len(text) - len(str(rows)) + 20 + 1) // 64) * 64
        return (
            b"\x93NUMPY\x01\0"
            + (room - 10).to_bytes(2, "little")
            + (text.ljust(room - 11) + "\n").encode("latin-1")
        )


class Hdf5Target(NpyTarget):
    """A dataset of HDF5 that grows along its first axis: arrays, or records of numbers."""

    #: The name of the dataset.
    dataset = "data"

    def encode(self, block: Any, head: Head) -> Encoded:
        """Return the elements in order."""
        if is_array(block) or not _has_columns(block):
            return super().encode(block, head)
        numpy = library("numpy", "writing hdf5")
        columns = {name: numpy.asarray(c) for name, c in converted(block, "arrays").items()}
        for name, column in columns.items():
            if column.dtype.kind not in "iufbc" or column.ndim != 1:
                error = DataTypeError(f"{self.path} holds numbers, and column {name!r} has others")
                error.hint = "leave the column out, or write .parquet or .jsonl"
                raise error
        rows = numpy.empty(
            len(next(iter(columns.values()))), [(str(n), c.dtype) for n, c in columns.items()]
        )
        for name, column in columns.items():
            rows[str(name)] = column
        return super().encode(rows, head)

    def begin(self, head: Head) -> bytes:
        """Nothing stands before the elements; the file is made of them at the end."""
        return b""

    def finish(self, file: BinaryIO, head: Head, rows: int) -> None:
        """Nothing stands behind the elements."""
        if head is None:
            raise DataError(f"there are no rows, and {self.path} needs one to tell its type from")

    def assemble(self, parts: Path, head: Head, to: Path) -> bool:
        """Write the dataset from its elements, some at a time."""
        from cannery import hdf5

        numpy = library("numpy", "writing hdf5")
        if head is None:
            raise DataError(f"there are no rows, and {self.path} needs one to tell its type from")
        dtype, sides = _layout_of(head, numpy)
        row = dtype.itemsize * math.prod(sides)
        chunk = max(1, (256 << 10) // max(1, row))
        with hdf5.File(to, "w") as file, parts.open("rb") as source:
            made = file.create_dataset(
                self.dataset, (0, *sides), dtype, maxshape=(None, *sides),
                chunks=(chunk, *(max(1, side) for side in sides)),
                shuffle=True, compression="gzip",
            )  # fmt: skip
            # Whole chunks, about 16 MB of them.
            step = chunk * max(1, (16 << 20) // max(1, chunk * row))
            while data := source.read(step * row):
                block = numpy.frombuffer(data, dtype).reshape(-1, *sides)
                made.resize(len(made) + len(block), axis=0)
                made[-len(block) :] = block
        return True


def _has_columns(block: Any) -> bool:
    return form_of(block) != "rows" or any(isinstance(row, Mapping) for row in block)


def _layout_of(head: Head, numpy: Any) -> tuple[Any, tuple[int, ...]]:
    """The element type and the sides of a row, as they are kept in the journal.

    Raises:
        DataError: if they are none, or objects would be made of the bytes of a file.

    """
    from ast import literal_eval

    try:
        text, sides = head[0], tuple(head[1])
        descr = literal_eval(text if len(text) <= _LONGEST_DESCR else "")
        dtype = numpy.dtype(descr if isinstance(descr, str) else [tuple(f) for f in descr])
        is_fine = len(sides) < 32 and all(type(s) is int and 0 <= s < 1 << 40 for s in sides)
    except (ValueError, TypeError, SyntaxError, LookupError, MemoryError, RecursionError) as cause:
        raise DataError("the journal does not say the type of the array") from cause
    if dtype.hasobject or not is_fine:
        raise DataError("the journal does not say the type of an array of numbers")
    return dtype, sides


_LONGEST_DESCR = 1 << 20


def _descr(dtype: Any) -> str:
    import numpy as np

    return repr(np.lib.format.dtype_to_descr(dtype))


def _shown(sides: list[int]) -> str:
    return " ".join(f"{side}," for side in sides)


def _array(block: Any, numpy: Any, path: str) -> Any:
    if form_of(block) == "rows" and any(isinstance(row, Mapping) for row in block):
        error = DataTypeError(f"{path} is one array, and the function returned rows by column")
        error.hint = "return an array, or lists of numbers; or write .csv or .parquet"
        raise error
    if form_of(block) != "rows":
        return numpy.column_stack(list(converted(block, "arrays").values()))
    return numpy.asarray(block)


class TableTarget(Target):
    """Parquet or Arrow IPC: chunks are kept as streams of Arrow, and put together at the end."""

    needs_head = True

    def __init__(self, path: str, compression: str) -> None:
        super().__init__(path, compression)
        library("pyarrow", f"writing {path}")

    def encode(self, block: Any, head: Head) -> Encoded:
        """Return the chunk as a stream of Arrow IPC, under its length."""
        arrow = library("pyarrow", "writing tables")
        schema = (
            None
            if head is None
            else arrow.ipc.read_schema(arrow.BufferReader(base64.b64decode(head)))
        )
        try:
            table = _arrow_table(block, schema, arrow)
        except arrow.ArrowException as cause:
            error = DataTypeError(f"the chunk does not fit the columns of those before: {cause}")
            error.hint = "all chunks of a table have the same columns, of the same types"
            raise error from cause
        sink = arrow.BufferOutputStream()
        with arrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        data = sink.getvalue().to_pybytes()
        own = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
        return Encoded(len(data).to_bytes(8, "little") + data, table.num_rows, head or own)

    def assemble(self, parts: Path, head: Head, to: Path) -> bool:
        """Write the table from the streams."""
        arrow = library("pyarrow", "writing tables")
        if head is None:
            raise DataError(
                f"there are no rows, and {self.path} needs one to tell its columns from"
            )
        schema = arrow.ipc.read_schema(arrow.BufferReader(base64.b64decode(head)))
        with self._writer(str(to), schema) as writer, parts.open("rb") as file:
            left = os.fstat(file.fileno()).st_size
            while size := file.read(8):
                length = int.from_bytes(size, "little")
                left -= 8 + length
                if left < 0:
                    raise DataError(f"{parts} ends within a chunk")
                with arrow.ipc.open_stream(file.read(length)) as reader:
                    table = reader.read_all()
                # Another process may have written the file that this run takes up.
                table.validate(full=True)
                writer.write_table(table)
        return True

    def _writer(self, to: str, schema: Any) -> Any:
        raise NotImplementedError


class ParquetTarget(TableTarget):
    """Parquet."""

    def _writer(self, to: str, schema: Any) -> Any:
        from cannery._installed import installed_module

        return installed_module("pyarrow.parquet").ParquetWriter(to, schema)


class ArrowTarget(TableTarget):
    """A file of Arrow IPC."""

    def _writer(self, to: str, schema: Any) -> Any:
        return library("pyarrow", "writing tables").ipc.new_file(to, schema)


def _arrow_table(block: Any, schema: Any, arrow: Any) -> Any:
    if is_of(block, "pyarrow", "RecordBatch"):
        block = arrow.Table.from_batches([block])
    if form_of(block) == "rows":
        rows = [row if isinstance(row, Mapping) else {"value": row} for row in block]
        table = (
            converted(rows, "pyarrow")
            if schema is None
            else arrow.Table.from_pylist(_checked(rows, schema.names), schema=schema)
        )
    else:
        table = converted(block, "pyarrow")
    if schema is not None:
        table = table.select(schema.names).cast(schema)
    return table.replace_schema_metadata(None) if schema is None else table


def _checked(rows: list[Any], names: list[str]) -> list[Any]:
    known = set(names)
    for row in rows:
        new = row.keys() - known
        if new:
            error = DataError(f"a row has a column {min(new)!r} that those before had not")
            error.hint = "all rows of a table have the same columns"
            raise error
    return rows


_TARGETS: dict[str, type[Target]] = {
    "jsonl": LinesTarget,
    "csv": CsvTarget,
    "npy": NpyTarget,
    "json": JsonTarget,
    "msgpack": MsgpackTarget,
    "cbor": CborTarget,
    "yaml": YamlTarget,
    "hdf5": Hdf5Target,
    "parquet": ParquetTarget,
    "arrow": ArrowTarget,
}


def encoded(target: Target, result: Any, head: Head) -> Encoded:
    """Encode what a function returned for a chunk."""
    block = result_block(result)
    if not length(block):
        return Encoded(b"", 0, head)
    return target.encode(block, head)


def describe_target(target: Target) -> dict[str, str]:
    """Return what a target is, for the journal."""
    return {"writer": type(target).__name__, "compression": target.compression}


def sync(file: IO[Any]) -> None:
    """Wait until what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())
