"""Files of the formats that hold some values only: rows, arrays, pickles."""

from __future__ import annotations

import builtins
import io
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, NamedTuple

from cannery._places import is_address, local
from cannery.errors import DataTypeError

#: Reads a file; the second argument is what the caller trusts.
Reader = Callable[[IO[bytes], tuple[Any, ...]], Any]


class FileCodec(NamedTuple):
    """How a format's files are written and read; `dump` is `None` where they are only read."""

    load: Reader
    dump: Callable[[Any, IO[bytes]], None] | None = None


def codec_of(format: str) -> FileCodec | None:
    """Return how files of a format are read and written, if they are not documents."""
    return _CODECS.get(format)


def _load_rows(file: IO[bytes], trust: tuple[Any, ...]) -> list[Any]:
    from cannery import jsonl
    from cannery._objects import loads

    data = file.read()
    # A row that has no tag is the same in both forms.
    if b'"$' not in data:
        return list(jsonl.loads(data))
    return [loads(line, "json", trust=trust) for line in data.splitlines() if line.strip()]


def _dump_rows(rows: Any, file: IO[bytes]) -> None:
    from cannery import jsonl
    from cannery._objects import dumps

    jsonl.check_rows(rows)
    for row in rows:
        file.write(dumps(row, "json") + b"\n")


def _load_table(file: IO[bytes], _trust: tuple[Any, ...]) -> list[Any]:
    from cannery import chunks

    # The name is not known here: a table with tabs has tabs in its header.
    table = chunks(file, format="csv", infer_rows=None)
    return [row for chunk in table for row in chunk]


def _dump_table(rows: Any, file: IO[bytes]) -> None:
    file.write(table_bytes(rows, ","))


def table_bytes(rows: Any, delimiter: str) -> bytes:
    """Return rows as CSV."""
    from cannery import _native, jsonl

    jsonl.check_rows(rows)
    return _native.csv_dumps(rows, ord(delimiter), None)[0]


def _load_array(file: IO[bytes], _trust: tuple[Any, ...]) -> Any:
    from cannery import npy

    return npy.load(file)


def _dump_array(array: Any, file: IO[bytes]) -> None:
    from cannery import npy

    npy.save(file, array)


def _load_arrays(file: IO[bytes], _trust: tuple[Any, ...]) -> dict[str, Any]:
    from cannery import npy

    with npy.load(io.BytesIO(file.read())) as archive:
        return {name: archive[name] for name in archive.files}


def _dump_arrays(arrays: Any, file: IO[bytes]) -> None:
    from cannery import npy

    _check_names(arrays)
    npy.savez(file, **arrays)


def _load_pickle(file: IO[bytes], trust: tuple[Any, ...]) -> Any:
    from cannery import _joblib

    return _joblib.load(file, trust=trust, on_untrusted="record")


def load_pickle(path: str, trust: Iterable[Any], type: Any) -> Any:
    """Read a pickle, or a file of joblib's, whose arrays may lie in a map of it."""
    from cannery import _joblib

    named = (type,) if isinstance(type, builtins.type) else ()
    trust = (trust,) if isinstance(trust, (str, builtins.type)) else tuple(trust)
    trusted = (*trust, *named)
    if is_address(path):
        with local(path) as copy:
            return _joblib.load(copy, trust=trusted, on_untrusted="record")
    return _joblib.load(path, trust=trusted, on_untrusted="record")


def _dump_pickle(obj: Any, file: IO[bytes]) -> None:
    from cannery import pickle

    pickle.dump(obj, file)


def _check_names(arrays: object) -> None:
    if isinstance(arrays, Mapping) and all(isinstance(name, str) for name in arrays):
        return
    error = DataTypeError(f"expected a mapping of names to arrays, got {type(arrays).__name__}")
    error.hint = "a file of arrays needs a name for each: {'x': array}"
    raise error


def _load_tensors(file: IO[bytes], _trust: tuple[Any, ...]) -> dict[str, Any]:
    from cannery import safetensors

    return safetensors.load(file.read())


def _dump_tensors(tensors: Any, file: IO[bytes]) -> None:
    from cannery import safetensors

    _check_names(tensors)
    file.write(safetensors.save(dict(tensors)))


def _load_groups(file: IO[bytes], trust: tuple[Any, ...]) -> Any:
    from cannery._objects import _hdf5_read

    return _hdf5_read.load(file, trust)


def _dump_groups(values: Any, file: IO[bytes]) -> None:
    from cannery._objects import _hdf5

    _hdf5.dump(values, file)


def _load_message(file: IO[bytes], _trust: tuple[Any, ...]) -> Any:
    """Read a file whose schema is at hand: a model, a tensor, a tile."""
    from cannery import _native, protobuf

    data = file.read()
    schema, message = _native.proto_known(data) or ("onnx", "onnx.ModelProto")
    return protobuf.bundled(schema)[message].decode(data)  # pyright: ignore[reportArgumentType]


def _load_tile(file: IO[bytes], _trust: tuple[Any, ...]) -> Any:
    from cannery import protobuf

    return protobuf.bundled("vector_tile")["vector_tile.Tile"].decode(file.read())


def _load_events(file: IO[bytes], _trust: tuple[Any, ...]) -> list[Any]:
    from cannery import protobuf

    event = protobuf.bundled("tensorboard")["tensorflow.Event"]
    return [event.decode(record) for record in protobuf.read_tfrecord(file)]


def _load_elements(file: IO[bytes], _trust: tuple[Any, ...]) -> list[Any]:
    from cannery import protobuf

    blocks = protobuf.read_osm(file)
    elements = (protobuf.osm_elements(block) for kind, block in blocks if kind == "OSMData")
    return [element for block in elements for element in block]


_CODECS = {
    "csv": FileCodec(_load_table, _dump_table),
    "jsonl": FileCodec(_load_rows, _dump_rows),
    "npy": FileCodec(_load_array, _dump_array),
    "npz": FileCodec(_load_arrays, _dump_arrays),
    "pickle": FileCodec(_load_pickle, _dump_pickle),
    "hdf5": FileCodec(_load_groups, _dump_groups),
    "safetensors": FileCodec(_load_tensors, _dump_tensors),
    "onnx": FileCodec(_load_message),
    "mvt": FileCodec(_load_tile),
    "osm": FileCodec(_load_elements),
    "tfevents": FileCodec(_load_events),
}
