"""Attributes: small named arrays of an object."""

from __future__ import annotations

import math
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery.errors import NotFoundError
from cannery.hdf5._encode import (
    array_of,
    described,
    encode,
    flat_values,
    is_empty,
    native_type,
)
from cannery.hdf5._errors import ObjectError, shown
from cannery.hdf5._types import Empty, check_string_dtype, file_type, flattened, text


def name_bytes(name: str | bytes) -> bytes:
    """A name as the file has it."""
    if not isinstance(name, (str, bytes)):
        raise TypeError(f"expected a name, found `{type(name).__name__}`")
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


if TYPE_CHECKING:
    from cannery import _native


class AttributeInfo:
    """The name, the type and the shape of an attribute."""

    def __init__(
        self, name: bytes, native: Any, shape: tuple[int, ...] | None, data: bytes
    ) -> None:
        self.name, self.native, self._type = name, native, file_type(native)
        self.shape, self._data = shape, data

    @property
    def described(self) -> Any:
        """What the elements are in the file."""
        return self.native.describe()

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


class AttributeManager(MutableMapping[str, Any]):
    """The attributes of an object: a mapping from names to values."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._kept: dict[str, Any] = {}
        self._seen = -1

    @property
    def _found(self) -> dict[str, Any]:
        state = self._owner._state
        if self._seen != state.generation:
            found = self._owner._node.attributes()
            self._kept = {text(name): parts for name, parts in found}
            self._seen = state.generation
        return self._kept

    def get_id(self, name: str | bytes) -> AttributeInfo:
        """The type and the shape of an attribute."""
        key = text(name_bytes(name))
        found = self._found.get(key)
        if found is None:
            raise ObjectError(f"no attribute is named `{shown(str(key))}`")
        if isinstance(found, BaseException):
            raise found
        if isinstance(found, tuple):
            found = self._found[key] = AttributeInfo(name_bytes(name), *found)
        return found

    def __getitem__(self, name: str | bytes) -> Any:
        return self.get_id(name).read(self._owner._node)

    def __setitem__(self, name: str | bytes, value: Any) -> None:
        self.create(name, value)

    def __delitem__(self, name: str | bytes) -> None:
        key = text(name) if isinstance(name, bytes) else name
        try:
            self._owner._node.remove_attribute(name_bytes(key))
        except NotFoundError as error:
            raise ObjectError(f"no attribute is named `{shown(str(key))}`") from error
        self._owner._state.changed()

    def create(self, name: str | bytes, data: Any, shape: Any = None, dtype: Any = None) -> None:
        """Make an attribute, in place of one of the same name."""
        node = self._owner._node
        committed = None
        if hasattr(dtype, "_node"):
            native, committed = dtype._node.datatype(), dtype.id[1]
            kind, dtype = native.describe(), dtype.dtype
        else:
            native = kind = None
        if is_empty(data):
            dtype = np.dtype(data.dtype if dtype is None else dtype)
            native = native or native_type(dtype)
            node.set_attribute(name_bytes(name), native, committed, None, b"")
            self._owner._state.changed()
            return
        data = array_of(data, dtype)
        dtype = data.dtype if dtype is None else np.dtype(dtype)
        inner = flattened(dtype)[1]
        if shape is None:
            shape = data.shape
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if inner:
            if shape[len(shape) - len(inner) :] != inner:
                raise ValueError(f"an array type of shape {inner} does not fit the shape {shape}")
            shape = shape[: len(shape) - len(inner)]
        if math.prod(shape + inner) != data.size:
            raise ValueError("Shape of new attribute conflicts with shape of data")
        kind = kind or described(dtype)
        native = native or native_type(dtype)
        raw = encode(kind, flat_values(data, dtype), node)
        node.set_attribute(name_bytes(name), native, committed, shape, raw.reshape(-1))
        self._owner._state.changed()

    def modify(self, name: str | bytes, value: Any) -> None:
        """Change a value and keep its type; make the attribute if it is not there."""
        if name not in self:
            self[name] = value
            return
        info = self.get_id(name)
        if info.shape is None:
            raise OSError("Empty attributes can't be modified")
        dtype = info.dtype
        if not isinstance(value, np.ndarray):
            value = array_of(value, dtype)
        shape = info.shape + flattened(dtype)[1]
        if value.shape != shape and not (value.size == 1 and math.prod(shape) == 1):
            raise TypeError("Shape of data is incompatible with existing attribute")
        kind = info.described
        node = self._owner._node
        raw = encode(kind, flat_values(value, dtype), node)
        node.set_attribute(name_bytes(name), info.native, None, info.shape, raw.reshape(-1))
        self._owner._state.changed()

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def _ipython_key_completions_(self) -> list[str]:
        """The names that IPython offers between brackets."""
        return sorted(self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, (str, bytes)) and text(name_bytes(name)) in self._found

    def __repr__(self) -> str:
        if not self._owner:
            return "<Attributes of closed HDF5 object>"
        return f"<Attributes of HDF5 object at {self._owner.id[1]}>"
