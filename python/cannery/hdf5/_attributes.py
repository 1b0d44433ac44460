"""Attributes: small named arrays of an object."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery.hdf5._errors import ObjectError, shown
from cannery.hdf5._types import Empty, check_string_dtype, file_type, flattened, text

if TYPE_CHECKING:
    from cannery import _native


class AttributeInfo:
    """The type and the shape of an attribute."""

    def __init__(self, datatype: Any, shape: tuple[int, ...] | None, data: bytes) -> None:
        self._type, self.shape, self._data = datatype, shape, data

    @property
    def dtype(self) -> np.dtype:
        """NumPy's type."""
        return self._type.dtype

    def read(self, node: _native.Hdf5Node) -> Any:
        """The value: text as `str`, one element alone as a scalar."""
        dtype = self.dtype
        if self.shape is None:
            return Empty(dtype)
        raw = np.frombuffer(self._data, "u1")[: math.prod(self.shape) * self._type.size]
        values = self._type.convert(raw.reshape(-1, self._type.size), node)
        base, inner = flattened(dtype)
        values = values.reshape(self.shape + inner)
        if not values.flags.writeable:
            values = values.copy()
        info = check_string_dtype(base)
        if info is not None and info.length is None:
            return _decoded(values)
        return values[()] if values.ndim == 0 else values


def _decoded(values: np.ndarray) -> Any:
    texts = [text(value) for value in values.ravel()]
    if values.ndim == 0:
        return texts[0]
    out = np.empty(len(texts), values.dtype)
    out[:] = texts
    return out.reshape(values.shape)


class AttributeManager(Mapping[str, Any]):
    """The attributes of an object: a mapping from names to values."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    @cached_property
    def _found(self) -> dict[str, Any]:
        return {text(name): found for name, found in self._owner._node.attributes()}

    def get_id(self, name: str | bytes) -> AttributeInfo:
        """The type and the shape of an attribute."""
        key = text(name) if isinstance(name, bytes) else name
        found = self._found.get(key)
        if found is None:
            raise ObjectError(f"no attribute is named `{shown(str(key))}`")
        if isinstance(found, BaseException):
            raise found
        if isinstance(found, tuple):
            native, shape, data = found
            found = self._found[key] = AttributeInfo(file_type(native), shape, data)
        return found

    def __getitem__(self, name: str | bytes) -> Any:
        return self.get_id(name).read(self._owner._node)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return (text(name) if isinstance(name, bytes) else name) in self._found

    def __repr__(self) -> str:
        return "<Attributes of HDF5 object>"
