"""Tables for Arrow: datasets of records as streams of batches, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery.hdf5._types import (
    check_enum_dtype,
    check_ref_dtype,
    check_string_dtype,
    check_vlen_dtype,
)

if TYPE_CHECKING:
    from cannery.hdf5._dataset import Dataset

#: Bytes of a batch, about.
_BATCH_BYTES = 8 << 20


def stream(dataset: Dataset, requested: Any) -> Any:
    """The rows of a dataset of records, batch by batch, as a capsule of Arrow's C interface."""
    import pyarrow as pa

    names = dataset.dtype.names
    if not names or dataset.ndim != 1:
        raise TypeError("expected a dataset of records with one dimension")
    # Rows that were not read yet have the types that no rows have.
    empty = _batch(np.empty(0, dataset.dtype))
    reader = pa.RecordBatchReader.from_batches(empty.schema, _batches(dataset))
    return reader.__arrow_c_stream__(requested)


def _batches(dataset: Dataset) -> Iterator[Any]:
    rows = len(dataset)
    step = max(1, _BATCH_BYTES // max(1, dataset.dtype.itemsize))
    for start in range(0, rows, step):
        yield _batch(dataset[start : start + step])


def _batch(rows: np.ndarray) -> Any:
    import pyarrow as pa

    names = rows.dtype.names or ()
    return pa.RecordBatch.from_arrays([_array(rows[name], rows.dtype[name]) for name in names],
                                      names=list(names))  # fmt: skip


def _array(values: np.ndarray, dtype: np.dtype) -> Any:
    import pyarrow as pa

    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        flat = _array(values.reshape(-1), base)
        for side in reversed(shape):
            flat = pa.FixedSizeListArray.from_arrays(flat, side)
        return flat
    if dtype.names is not None:
        return pa.StructArray.from_arrays(
            [_array(values[name], dtype[name]) for name in dtype.names], names=list(dtype.names)
        )
    named = check_enum_dtype(dtype)
    if named:
        return _named(values, named)
    if check_string_dtype(dtype) is not None:
        return pa.array([_text(value) for value in values.tolist()], pa.string())
    inner = check_vlen_dtype(dtype)
    if isinstance(inner, np.dtype):
        parts = [np.asarray(part) for part in values]
        flat = np.concatenate(parts) if parts else np.empty(0, inner)
        ends = np.cumsum([0, *map(len, parts)])
        return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), _array(flat, inner))
    if check_ref_dtype(dtype) is not None:
        raise TypeError("references have no form in Arrow")
    return _plain(values, dtype)


def _plain(values: Any, dtype: np.dtype) -> Any:
    import pyarrow as pa

    if dtype.kind == "V":
        return pa.array([value.tobytes() for value in values], pa.binary(dtype.itemsize))
    if dtype.kind == "c":
        half = f"f{dtype.itemsize // 2}"
        parts = [_plain(np.ascontiguousarray(part), np.dtype(half)) for part in
                 (values.real.astype(half), values.imag.astype(half))]  # fmt: skip
        return pa.StructArray.from_arrays(parts, names=["r", "i"])
    if dtype.kind == "f" and dtype.itemsize > 8:
        return pa.array(values.astype("f8"))
    native = np.ascontiguousarray(values).astype(dtype.newbyteorder("="), copy=False)
    return pa.array(native)


def _named(values: np.ndarray, named: dict[str, int]) -> Any:
    import pyarrow as pa

    names = {number: name for name, number in named.items()}
    known = list(names)
    places = {number: i for i, number in enumerate(known)}
    found = [places.get(int(value)) for value in values]
    return pa.DictionaryArray.from_arrays(
        pa.array(found, pa.int32()), pa.array([names[number] for number in known], pa.string())
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
