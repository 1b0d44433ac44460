"""What a new dataset is, from the keywords of `create_dataset`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from cannery import _native
from cannery.hdf5._encode import (
    Described,
    array_of,
    described,
    encode,
    flat_values,
    is_empty,
)
from cannery.hdf5._types import Empty, check_string_dtype, flattened, string_dtype

_CHUNK_BASE, _CHUNK_MIN, _CHUNK_MAX = 16 * 1024, 8 * 1024, 1024 * 1024


class NewDataset:
    """The type, shape, storage and filters of a new dataset, and its elements."""

    def __init__(
        self,
        shape: Any,
        dtype: Any,
        data: Any,
        *,
        chunks: Any = None,
        compression: Any = None,
        compression_opts: Any = None,
        shuffle: bool | None = None,
        fletcher32: bool | None = None,
        scaleoffset: Any = None,
        maxshape: Any = None,
        fillvalue: Any = None,
        fill_time: str | None = None,
        track_order: bool | None = None,
        track_times: bool | None = None,
        external: Any = None,
        allow_unknown_filter: bool = False,
        **others: Any,
    ) -> None:
        del allow_unknown_filter
        if track_times not in (None, True, False):
            raise TypeError("`track_times` is `True`, `False` or `None`")
        for name, value in others.items():
            if name not in _IGNORED:
                raise TypeError(f"unknown keyword `{name}`")
            del value
        if external:
            raise NotImplementedError("datasets in raw files of other names are not written")
        if fill_time not in (None, "alloc", "never", "ifset"):
            raise ValueError("expected the fill time `alloc`, `never` or `ifset`")
        self.committed: int | None = None
        self._type(dtype, data, shape)
        self._shape(shape, maxshape, chunks)
        if compression is True:
            compression, compression_opts = "gzip", compression_opts or 4
        if isinstance(compression, int) and compression in range(10) and compression is not False:
            if compression_opts is not None:
                raise TypeError("Conflict in compression options")
            compression, compression_opts = "gzip", compression
        wants = (
            compression,
            shuffle,
            fletcher32,
            scaleoffset is not None and scaleoffset is not False,
        )
        if chunks is False and (any(wants) or maxshape):
            raise ValueError("Chunked format required for given storage options")
        if not self.shape:
            if any((chunks, *wants, compression_opts)):
                kind = "Empty" if self.shape is None else "Scalar"
                raise TypeError(f"{kind} datasets don't support chunk/filter options")
            if maxshape:
                raise TypeError("datasets without dimensions cannot be extended")
        elif chunks is True or (chunks is None and (any(wants) or maxshape)):
            self.storage: Any = guess_chunk(self.shape, self._elementsize())
        elif chunks:
            self.storage = list(chunks) if isinstance(chunks, Sequence) else [chunks]
        else:
            self.storage = "contiguous"
        if not self.shape:
            self.storage = "contiguous"
        self.filters = _filters(
            self.dtype, compression, compression_opts, bool(shuffle), bool(fletcher32), scaleoffset
        )
        self._fillvalue = fillvalue
        self.track_order = bool(track_order)

    def _type(self, dtype: Any, data: Any, shape: Any) -> None:
        if hasattr(dtype, "_node"):
            native = dtype._node.datatype()
            self.committed = dtype.id[1]
            self.described: Described = native.describe()
            self.native = native
            dtype = dtype.dtype
        else:
            self.described = ()
        if dtype is not None and np.dtype(dtype).kind == "T":
            # Text of any length is UTF-8 in files.
            dtype = string_dtype()
        if data is not None and not is_empty(data):
            data = array_of(data, dtype)
        if data is None and shape is None:
            if dtype is None:
                raise TypeError("One of data, shape or dtype must be specified")
            data = Empty(dtype)
        if dtype is None:
            dtype = np.dtype("f4") if data is None else data.dtype
        self.dtype = np.dtype(dtype)
        if not self.described:
            self.described = described(self.dtype)
            self.native = _native.Hdf5Type.make(self.described)
        self.data = None if is_empty(data) else data
        self._own_shape = None if data is None or is_empty(data) else data.shape

    def _shape(self, shape: Any, maxshape: Any, chunks: Any) -> None:
        inner = flattened(self.dtype)[1]
        if shape is None:
            self.shape = self._own_shape
            if inner and self.shape is not None:
                self.shape = self.shape[: len(self.shape) - len(inner)]
        else:
            given = shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
            self.shape = tuple(operator.index(n) for n in given)
            if self.data is not None and math.prod(self.shape + inner) != self.data.size:
                raise ValueError("Shape tuple is incompatible with data")
        if self.shape is not None and any(n < 0 for n in self.shape):
            raise ValueError("a shape has no negative dimensions")
        rank = len(self.shape or ())
        if not rank and (maxshape not in (None, ()) or chunks not in (None, False, ())):
            kind = "Empty" if self.shape is None else "Scalar"
            raise TypeError(f"{kind} datasets don't support chunk/filter options")
        if maxshape is True:
            maxshape = (None,) * rank
        if isinstance(maxshape, int) and not isinstance(maxshape, bool):
            maxshape = (maxshape,)
        if isinstance(chunks, int) and not isinstance(chunks, bool):
            chunks = (chunks,)
        bounds: list[Any] = list(maxshape) if isinstance(maxshape, Sequence) else []
        self.max_shape = [None if n is None else operator.index(n) for n in bounds] or None
        for name, value in (("maxshape", maxshape), ("chunks", chunks)):
            if isinstance(value, Sequence) and len(value) != rank:
                raise ValueError(f"{name!r} must have same rank as dataset shape")
        if self.max_shape and any(
            m is not None and m < n for n, m in zip(self.shape or (), self.max_shape, strict=True)
        ):
            raise ValueError("the shape is larger than `maxshape`")
        if isinstance(chunks, Sequence):
            most: Any = self.max_shape or self.shape or ()
            if any(n is not None and c > n for c, n in zip(chunks, most, strict=True)):
                raise ValueError(
                    "Chunk shape must not be greater than data shape in any dimension. "
                    f"{tuple(chunks)} is not compatible with {self.shape}"
                )
            if any(c <= 0 for c in chunks):
                raise ValueError("chunks have no dimensions of 0")

    def _elementsize(self) -> int:
        return self.dtype.itemsize

    def fill(self, node: _native.Hdf5Node) -> Any:
        """The bytes of the fill value."""
        if self._fillvalue is None:
            return None
        value = self._fillvalue
        if check_string_dtype(self.dtype) is not None:
            values = np.array([value], dtype=object)
        elif self.dtype.names is not None:
            values = (
                np.array([value], dtype=self.dtype)
                if isinstance(value, tuple)
                else (np.asarray(value).reshape(1))
            )
            if values.dtype.names is None:
                raise ValueError("expected a fill value with the fields of the dataset")
        else:
            base, inner = flattened(self.dtype)
            del base
            values = np.broadcast_to(np.asarray(value), (1, *inner))
        return encode(self.described, values, node).tobytes()

    def create(self, node: _native.Hdf5Node) -> _native.Hdf5Node:
        """Make the dataset in the file of a node; no link leads to it yet."""
        return node.create_dataset(
            self.native,
            self.committed,
            self.shape,
            self.max_shape,
            self.storage,
            self.filters,
            self.fill(node),
            self.track_order,
        )

    def write(self, made: _native.Hdf5Node, threads: int) -> None:
        """Write the elements."""
        if self.data is None or self.shape is None or self.data.size == 0:
            return
        values = flat_values(self.data, self.dtype)
        raw = encode(self.described, values, made)
        made.write([(0, 1, n) for n in self.shape], raw.reshape(-1), threads)


_IGNORED = {
    "dcpl", "dapl", "efile_prefix", "virtual_prefix", "rdcc_nslots", "rdcc_nbytes", "rdcc_w0",
    "fillmsg",
}  # fmt: skip


def _filters(
    dtype: np.dtype,
    compression: Any,
    options: Any,
    shuffle: bool,
    fletcher32: bool,
    scaleoffset: Any,
) -> list[tuple[int, int, list[int]]]:
    filters: list[tuple[int, int, list[int]]] = []
    if hasattr(compression, "filter_id"):
        compression, options = compression.filter_id, compression.filter_options
    if compression is None and options is not None:
        raise TypeError("Compression method must be specified")
    if scaleoffset is not None and scaleoffset is not False:
        if scaleoffset < 0:
            raise ValueError("scale factor must be >= 0")
        if dtype.kind not in "iuf":
            raise TypeError("scale/offset filter only supported for numbers")
        if dtype.kind == "f" and scaleoffset is True:
            raise ValueError("integer scaleoffset must be provided for floating point types")
        if fletcher32:
            raise ValueError("fletcher32 cannot be used with potentially lossy scale/offset filter")
        factor = 0 if scaleoffset is True else int(scaleoffset)
        filters.append((6, 1, [0 if dtype.kind == "f" else 2, factor]))
    if shuffle:
        filters.append((2, 1, []))
    if compression == "gzip":
        level = 4 if options is None else options
        if level not in range(10):
            raise ValueError(f"GZIP setting must be an integer from 0-9, not {level!r}")
        filters.append((1, 1, [int(level)]))
    elif compression == "lzf":
        if options is not None:
            raise ValueError("LZF compression filter accepts no options")
        filters.append((32000, 1, []))
    elif isinstance(compression, int) and not isinstance(compression, bool):
        if compression < 0:
            raise ValueError(f"Invalid filter {compression}")
        if compression < 256 and compression not in (2, 3, 4, 5, 6):
            raise ValueError(f"Unknown compression filter {compression}")
        filters.append((compression, 1, [int(n) & 0xFFFFFFFF for n in options or ()]))
    elif compression:
        raise ValueError(f'Compression filter "{compression}" is unavailable')
    if fletcher32:
        filters.append((3, 0, []))
    return filters


def guess_chunk(shape: tuple[int, ...], itemsize: int) -> list[int]:
    """A shape of chunks of some kilobytes, as h5py chooses it."""
    chunks = [float(n) if n else 1024.0 for n in shape]
    total = math.prod(chunks) * itemsize
    target = _CHUNK_BASE * 2 ** math.log10(total / (1024.0 * 1024))
    target = min(max(target, _CHUNK_MIN), _CHUNK_MAX)
    axis = 0
    while True:
        size = math.prod(chunks) * itemsize
        near = size < target or abs(size - target) / target < 0.5
        if (near and size < _CHUNK_MAX) or math.prod(chunks) == 1:
            return [int(n) for n in chunks]
        chunks[axis % len(chunks)] = math.ceil(chunks[axis % len(chunks)] / 2.0)
        axis += 1
