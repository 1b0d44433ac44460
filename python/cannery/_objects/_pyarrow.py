"""pyarrow: tables, batches, arrays, schemas and scalars as Arrow streams."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from cannery._objects._beside import beside
from cannery.errors import DataTypeError

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of pyarrow's types are described."""
    for known, (name, parts) in _PARTS.items():
        if issubclass(cls, known):
            return lambda value: (name, parts(value))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How they are made again."""
    return _MAKERS.get(name)


def _check_registered(schema: pa.Schema) -> None:
    """Refuse extension types that nobody could make again: Arrow gives what they stand on."""
    if pa.ipc.read_schema(schema.serialize()) != schema:
        error = DataTypeError("an Arrow extension type that is not registered has no form")
        error.hint = "pyarrow.register_extension_type(...), in the readers too"
        raise error


def _stream(schema: pa.Schema, batches: list[Any]) -> Parts:
    counted = pa.MockOutputStream()
    _write(counted, schema, batches)
    stream = pa.allocate_buffer(counted.size())
    _write(pa.FixedSizeBufferWriter(stream), schema, batches)
    return {"ipc": beside(stream)}


def _table_parts(schema: pa.Schema, batches: list[Any]) -> Parts:
    _check_registered(schema)
    return _stream(schema, batches)


def _write(sink: Any, schema: pa.Schema, batches: list[Any]) -> None:
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _open(parts: Parts) -> Any:
    return pa.ipc.open_stream(pa.py_buffer(parts["ipc"]))


def _read(parts: Parts) -> pa.Table:
    return _open(parts).read_all()


def _chunks_parts(chunks: list[Any], kind: pa.DataType) -> Parts:
    schema = pa.schema([pa.field("0", kind)])
    _check_registered(schema)
    return _stream(schema, [pa.record_batch([chunk], schema=schema) for chunk in chunks])


def _make_array(parts: Parts) -> Any:
    (batch,) = _open(parts)
    _check_known(batch.schema)
    return batch.column(0)


def _check_known(schema: pa.Schema) -> None:
    """Refuse an array of an extension type that is not registered here: its name would be lost."""
    name = (schema.field(0).metadata or {}).get(b"ARROW:extension:name")
    if name is not None:
        raise ValueError(f"the extension type {name.decode()!r} is not registered")


def _make_chunks(parts: Parts) -> Any:
    table = _read(parts)
    _check_known(table.schema)
    return table.column(0)


def _make_scalar(parts: Parts) -> Any:
    return _make_array(parts)[0]


def _make_batch(parts: Parts) -> Any:
    (batch,) = _open(parts)
    return batch


def _schema_parts(schema: pa.Schema) -> Parts:
    _check_registered(schema)
    return {"ipc": schema.serialize().to_pybytes()}


def _make_schema(parts: Parts) -> Any:
    return pa.ipc.read_schema(pa.py_buffer(parts["ipc"]))


def _make_tensor(parts: Parts) -> Any:
    return pa.Tensor.from_numpy(parts["value"], dim_names=parts["names"] or None)


_PARTS: dict[type, tuple[str, Callable[[Any], Parts]]] = {
    pa.Table: ("pyarrow.Table", lambda table: _table_parts(table.schema, table.to_batches())),
    pa.RecordBatch: ("pyarrow.RecordBatch", lambda batch: _table_parts(batch.schema, [batch])),
    pa.ChunkedArray: (
        "pyarrow.ChunkedArray",
        lambda array: _chunks_parts(array.chunks, array.type),
    ),
    pa.Array: ("pyarrow.Array", lambda array: _chunks_parts([array], array.type)),
    pa.Scalar: (
        "pyarrow.Scalar",
        lambda scalar: _chunks_parts([pa.array([scalar.as_py()], scalar.type)], scalar.type),
    ),
    pa.Buffer: ("pyarrow.Buffer", lambda buffer: {"value": buffer.to_pybytes()}),
    pa.Tensor: (
        "pyarrow.Tensor",
        lambda tensor: {"value": tensor.to_numpy(), "names": list(tensor.dim_names)},
    ),
    pa.Schema: ("pyarrow.Schema", _schema_parts),
    pa.Field: ("pyarrow.Field", lambda field: _schema_parts(pa.schema([field]))),
    pa.DataType: ("pyarrow.DataType", lambda kind: _schema_parts(pa.schema([("0", kind)]))),
}

_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "pyarrow.Table": _read,
    "pyarrow.RecordBatch": _make_batch,
    "pyarrow.ChunkedArray": _make_chunks,
    "pyarrow.Array": _make_array,
    "pyarrow.Scalar": _make_scalar,
    "pyarrow.Buffer": lambda parts: pa.py_buffer(parts["value"]),
    "pyarrow.Tensor": _make_tensor,
    "pyarrow.Schema": _make_schema,
    "pyarrow.Field": lambda parts: _make_schema(parts).field(0),
    "pyarrow.DataType": lambda parts: _make_schema(parts).field(0).type,
}
