"""pyarrow: tables, batches, arrays, schemas and scalars as Arrow streams."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from cannery._objects._arrow_ipc import check_stream
from cannery._objects._beside import beside
from cannery._objects._checks import (
    PartError,
    array,
    buffer,
    checked,
    mismatch,
    optional,
    sequence_of,
    text,
)
from cannery._objects._zone_names import zone_name
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
    """Refuse extension types that cannot be made again: Arrow gives what they stand on."""
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


# Reading. What a stream says about itself is checked before Arrow sees it, its values afterwards.


def _open(parts: Parts) -> Any:
    check_stream(parts["ipc"])
    return pa.ipc.open_stream(pa.py_buffer(parts["ipc"]))


def _valid(value: Any) -> Any:
    """The value, if all of its offsets, codes and texts are right."""
    try:
        value.validate(full=True)
    except pa.ArrowException as error:
        raise PartError(f"the part 'ipc': {error!s:.200}") from None
    return value


def check_chunks(value: Any) -> None:
    """Check an array or chunks of one, however they were made.

    Raises:
        PartError: if an offset, a code or a text is wrong, or a zone is no name of one.

    """
    if not isinstance(value, (pa.Array, pa.ChunkedArray)):
        raise mismatch(value, "arrow", "pyarrow.ChunkedArray")
    check_type(value.type)
    _valid(value)


def check_type(kind: Any) -> None:
    """Check that the zones within a type are names of zones."""
    if pa.types.is_timestamp(kind) and kind.tz:
        zone_name(kind.tz, "type")
    if pa.types.is_dictionary(kind):
        check_type(kind.value_type)
    for at in range(kind.num_fields):
        check_type(kind.field(at).type)


def _read(parts: Parts) -> pa.Table:
    return _valid(_open(parts).read_all())


def _chunks_parts(chunks: list[Any], kind: pa.DataType) -> Parts:
    schema = pa.schema([pa.field("0", kind)])
    _check_registered(schema)
    return _stream(schema, [pa.record_batch([chunk], schema=schema) for chunk in chunks])


def _make_array(parts: Parts) -> Any:
    batch = _make_batch(parts)
    _check_known(batch.schema)
    return batch.column(0)


def _check_known(schema: pa.Schema) -> None:
    """Refuse an array of an extension type that is not registered here: its name would be lost."""
    name = (schema.field(0).metadata or {}).get(b"ARROW:extension:name")
    if name is not None:
        raise PartError(f"the extension type {name.decode()!r} is not registered")


def _make_chunks(parts: Parts) -> Any:
    table = _read(parts)
    _check_known(table.schema)
    return table.column(0)


def _make_scalar(parts: Parts) -> Any:
    made = _make_array(parts)
    if len(made) != 1:
        raise PartError(f"the part 'ipc': expected one value, got {len(made)}")
    return made[0]


def _make_batch(parts: Parts) -> Any:
    batches = list(_open(parts))
    if len(batches) != 1:
        raise PartError(f"the part 'ipc': expected one batch, got {len(batches)}")
    return _valid(batches[0])


def _schema_parts(schema: pa.Schema) -> Parts:
    _check_registered(schema)
    return {"ipc": schema.serialize().to_pybytes()}


def _make_schema(parts: Parts) -> Any:
    check_stream(parts["ipc"])
    return pa.ipc.read_schema(pa.py_buffer(parts["ipc"]))


def _make_field(parts: Parts) -> Any:
    schema = _make_schema(parts)
    if len(schema) != 1:
        raise PartError(f"the part 'ipc': expected one field, got {len(schema)}")
    return schema.field(0)


def _make_tensor(parts: Parts) -> Any:
    if parts["names"] and len(parts["names"]) != parts["value"].ndim:
        raise PartError("the part 'names': not one for each dimension")
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

_IPC = {"ipc": buffer}
_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "pyarrow.Table": checked(_read, _IPC),
    "pyarrow.RecordBatch": checked(_make_batch, _IPC),
    "pyarrow.ChunkedArray": checked(_make_chunks, _IPC),
    "pyarrow.Array": checked(_make_array, _IPC),
    "pyarrow.Scalar": checked(_make_scalar, _IPC),
    "pyarrow.Buffer": checked(lambda parts: pa.py_buffer(parts["value"]), {"value": buffer}),
    "pyarrow.Tensor": checked(
        _make_tensor,
        {"value": array("iuf"), "names": sequence_of(optional(text()), list)},
    ),
    "pyarrow.Schema": checked(_make_schema, _IPC),
    "pyarrow.Field": checked(_make_field, _IPC),
    "pyarrow.DataType": checked(lambda parts: _make_field(parts).type, _IPC),
}
