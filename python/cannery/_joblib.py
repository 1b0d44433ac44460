"""joblib's files and pickles: read under the trust policy, arrays where they lie.

joblib writes the numbers of an array into the stream, behind the instructions that make a
`NumpyArrayWrapper`. They are cut out here, and a persistent id is put in their place: what is left
is a pickle like others, whose wrappers become arrays over the numbers.
"""

from __future__ import annotations

import io
import lzma
import mmap
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cannery import _native
from cannery.errors import (
    CanneryError,
    DataError,
    FileError,
    LimitError,
    NotFoundError,
    UnpicklingError,
    UntrustedTypeError,
)
from cannery.pickle import Unpickler

# As `Limits` has it: what compressed bytes may expand to.
_EXPANDED_PER_BYTE, _BASE_BYTES = 200, 64 << 20

#: Compressed bytes that are expanded at a time.
_PIECE = 1 << 16

_PERSISTENT_ID = b"Q"
# scikit-learn had joblib in it.
_WRAPPER_MODULES = ("joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle")


class NumpyArrayWrapper:
    """Stands for joblib's class of that name, which is not imported: what an array is like."""


class _Unpickler(Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Find the class of wrappers here, and anything else as the policy says."""
        if global_name == "NumpyArrayWrapper" and module_name in _WRAPPER_MODULES:
            return NumpyArrayWrapper
        return super().find_class(module_name, global_name)


def load(
    where: Any,
    *,
    trust: Iterable[Any] = (),
    profile: str | Iterable[str] = "data",
    on_untrusted: str = "error",
) -> Any:
    """Read a pickle or a file of joblib's, compressed or not, under the trust policy.

    The options are those of `cannery.pickle.load`.

    Arrays lie in a private memory map of the file where it is not compressed: they are read when
    they are looked at, and writing to them leaves the file alone.

    Raises:
        UntrustedTypeError: if it names what is not trusted; nothing was made then.
        DataError: if it is damaged.
        LimitError: if it expands to more than its limits allow.

    """
    data = _plain(_contents(where))
    trusted = [trust] if isinstance(trust, str | type) else [*trust]
    try:
        return _read(data, {"trust": trusted, "profile": profile}, on_untrusted)
    except CanneryError:
        raise
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UnpicklingError(f"the pickle holds what cannot be: {error}") from error


def _read(data: Any, options: dict[str, Any], on_untrusted: str) -> Any:
    from cannery import pickle

    parts, end = _native.joblib_raw_parts(data)
    if not parts:
        return pickle.loads(data, **options, on_untrusted=on_untrusted)
    try:
        return _Reader(data, parts, options).read(end)
    except UntrustedTypeError:
        if on_untrusted != "record":
            raise
    return _Reader(data, parts, {**options, "on_untrusted": on_untrusted}).read(end)


def _contents(where: Any) -> Any:
    if hasattr(where, "read"):
        return where.read()
    path = Path(os.fspath(where))
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FileNotFoundError as error:
        raise NotFoundError(*error.args[:2], str(path)) from None
    except OSError as error:
        raise FileError(*error.args[:2], str(path)) from None


def _plain(data: Any) -> Any:
    """Expand compressed data."""
    start = bytes(memoryview(data)[:2])
    limit = len(data) * _EXPANDED_PER_BYTE + _BASE_BYTES
    try:
        if start[:1] == b"\x78" and start and int.from_bytes(start, "big") % 31 == 0:
            return _bounded(zlib.decompressobj(), data, limit)
        if start == b"\x5d\x00":
            decompressor = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=256 << 20)
            return _bounded(decompressor, data, limit)
    except (zlib.error, lzma.LZMAError) as error:
        raise DataError(f"the compressed data is damaged: {error}") from None
    expanded = _native.expanded(data)
    return data if expanded is None else bytearray(expanded)


def _bounded(decompressor: Any, data: Any, limit: int) -> bytearray:
    expanded, view = bytearray(), memoryview(data)
    for start in range(0, len(view), _PIECE):
        piece = view[start : start + _PIECE]
        expanded += decompressor.decompress(piece, limit + 1 - len(expanded))
        if len(expanded) > limit:
            raise LimitError("the file expands to more than its limit allows")
        if decompressor.eof:
            return expanded
    raise DataError("the compressed data is cut off")


class _Reader:
    """Reads a pickle with raw parts, each of which becomes an array."""

    def __init__(self, data: Any, parts: list[tuple[int, int]], options: dict[str, Any]) -> None:
        self._data = data
        self._parts = parts
        self._options = options
        self._next = 0

    def read(self, end: int) -> Any:
        """Read what ends there."""
        view = memoryview(self._data)
        starts = [0, *(stop for _, stop in self._parts)]
        ends = [*(start for start, _ in self._parts), end]
        pieces = [bytes(view[a:b]) for a, b in zip(starts, ends, strict=True)]
        # Where untrusted things become records, the wrappers do, too.
        reader = Unpickler if "on_untrusted" in self._options else _Unpickler
        unpickler = reader(io.BytesIO(_PERSISTENT_ID.join(pieces)), **self._options)
        unpickler.persistent_load = self._array
        return unpickler.load()

    def _array(self, wrapper: Any) -> Any:
        """Make the array of a wrapper, whose numbers come next."""
        if self._next >= len(self._parts):
            raise UnpicklingError("a persistent id, where joblib has none")
        start, end = self._parts[self._next]
        self._next += 1
        import numpy as np

        dtype: Any = getattr(wrapper, "dtype", None)
        shape: Any = getattr(wrapper, "shape", None)
        if not isinstance(dtype, np.dtype) or not _is_shape(shape):
            raise UnpicklingError("an array of joblib's has no type or no shape")
        if dtype.hasobject:
            return self._objects(start, end)
        if getattr(wrapper, "numpy_array_alignment_bytes", None) is not None:
            start += 1 + self._data[start]
        size = dtype.itemsize
        for side in shape:
            size *= side
        if start + size != end:
            raise UnpicklingError("an array of joblib's has another size than its numbers")
        order = "F" if getattr(wrapper, "order", "C") == "F" else "C"
        array = np.ndarray(shape, dtype, self._data, start if size else 0, order=order)
        return array.view(np.matrix) if getattr(wrapper, "subclass", None) is np.matrix else array

    def _objects(self, start: int, end: int) -> Any:
        """Read an array of objects: a pickle of its own."""
        inner = bytes(memoryview(self._data)[start:end])
        return _Reader(inner, [], self._options).read(len(inner))


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(type(side) is int and side >= 0 for side in shape)
