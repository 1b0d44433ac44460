"""The pickle of a checkpoint, written as PyTorch writes it, and the storages that it names."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cannery._objects import Record
from cannery.errors import DataTypeError, DepthError
from cannery.torch._storages import Storages
from cannery.torch._tensors import (
    Constant,
    Device,
    Dtype,
    MetaTensor,
    QuantizedTensor,
    Size,
    SparseTensor,
    Tensor,
)

_STORAGE_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16",
    "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
    "qint8": "QInt8", "quint8": "QUInt8", "qint32": "QInt32",
}  # fmt: skip
_BATCH = 1000


class Pickled:
    """The pickle of a value; tensors are named by their storages."""

    def __init__(self, obj: Any) -> None:
        self._out = bytearray(b"\x80\x02")
        self._memo: dict[Any, int] = {}
        self._kept: list[Any] = []
        self._storages = Storages()
        self._storages.add_all(array for array in _arrays(obj) if torch_name(array))
        try:
            self._value(obj, "$")
        except RecursionError:
            raise DepthError("the value is nested too deeply for a checkpoint") from None
        self._out += b"."

    @property
    def data(self) -> bytes:
        """The pickle."""
        return bytes(self._out)

    def storages(self) -> Iterator[NDArray[Any]]:
        """The elements of each storage, in the order of their keys."""
        return self._storages.flat()

    # Memo.

    def _put(self, key: Any) -> None:
        index = self._memo[key] = len(self._memo)
        self._out += b"q" + bytes([index]) if index < 256 else b"r" + struct.pack("<I", index)

    def _got(self, key: Any) -> bool:
        index = self._memo.get(key)
        if index is not None:
            self._out += b"h" + bytes([index]) if index < 256 else b"j" + struct.pack("<I", index)
        return index is not None

    # Values.

    def _value(self, value: Any, path: str) -> None:
        kind = type(value)
        write = _SCALARS.get(kind)
        if write is not None:
            self._out += write(value)
        elif kind is str or kind in (Device, Constant, Dtype):
            self._text_like(value)
        elif kind is bytes:
            self._call("_codecs encode", (value.decode("latin1"), "latin1"), path)
        elif self._got(id(value)):
            return
        else:
            self._kept.append(value)
            self._object(value, path)

    def _text_like(self, value: Any) -> None:
        kind = type(value)
        if kind is Device:
            self._call("torch device", (str(value),), "")
        elif kind is Dtype:
            self._name(f"torch {value.name}")
        elif kind is Constant:
            self._call("torch.serialization _get_layout", (str(value),), "")
        elif not self._got(value):
            encoded = value.encode("utf-8", "surrogatepass")
            self._out += b"X" + struct.pack("<I", len(encoded)) + encoded
            self._put(value)

    def _object(self, value: Any, path: str) -> None:
        if isinstance(value, np.ndarray):
            self._tensor(value, path)
        elif isinstance(value, OrderedDict):
            self._ordered_dict(value, path)
        elif isinstance(value, dict) and not isinstance(value, Record):
            self._out += b"}"
            self._put(id(value))
            self._entries(value, path)
        elif type(value) is list:
            self._out += b"]"
            self._put(id(value))
            self._items(value, path)
        elif type(value) is tuple:
            self._tuple(value, path)
            self._put(id(value))
        else:
            self._other(value, path)

    def _other(self, value: Any, path: str) -> None:
        if isinstance(value, Size):
            self._call("torch Size", (tuple(value),), path)
        elif isinstance(value, SparseTensor):
            self._sparse(value, path)
        elif isinstance(value, MetaTensor):
            arguments = (Dtype(f"torch.{value.torch_dtype}"), value.shape, value.torch_strides)
            self._call("torch._utils _rebuild_meta_tensor_no_storage", (*arguments, False), path)
        elif type(value) in (set, frozenset):
            self._call(f"__builtin__ {type(value).__name__}", (list(value),), path)
        elif type(value) is bytearray:
            text = bytes(value).decode("latin1")
            self._call("__builtin__ bytearray", (text, "latin1"), path)
        elif type(value) is complex:
            self._call("__builtin__ complex", (value.real, value.imag), path)
        else:
            raise _unsupported(value, path)
        self._put(id(value))

    def _items(self, items: Any, path: str) -> None:
        for start in range(0, len(items), _BATCH):
            self._out += b"("
            for index, item in enumerate(items[start : start + _BATCH], start):
                self._value(item, f"{path}[{index}]")
            self._out += b"e"

    def _entries(self, entries: Any, path: str) -> None:
        pairs = list(dict.items(entries))
        for start in range(0, len(pairs), _BATCH):
            self._out += b"("
            for key, item in pairs[start : start + _BATCH]:
                self._value(key, path)
                self._value(item, f"{path}[{key!r}]")
            self._out += b"u"

    def _tuple(self, items: tuple[Any, ...], path: str) -> None:
        if len(items) > 3:
            self._out += b"("
        for index, item in enumerate(items):
            self._value(item, f"{path}[{index}]")
        self._out += (b")", b"\x85", b"\x86", b"\x87")[len(items)] if len(items) < 4 else b"t"

    def _ordered_dict(self, value: OrderedDict[Any, Any], path: str) -> None:
        self._call("collections OrderedDict", (), path)
        self._put(id(value))
        self._entries(value, path)
        attributes = {} if type(value) is not OrderedDict else vars(value)
        if attributes:
            self._value(dict(attributes), path)
            self._out += b"b"

    # Calls.

    def _name(self, name: str) -> None:
        key = (None, name)
        if not self._got(key):
            module, _, last = name.partition(" ")
            self._out += f"c{module}\n{last}\n".encode()
            self._put(key)

    def _call(self, name: str, arguments: tuple[Any, ...], path: str) -> None:
        self._name(name)
        self._tuple(arguments, path)
        self._out += b"R"

    def _tensor(self, array: NDArray[Any], path: str) -> None:
        is_parameter = getattr(array, "torch_class", "").endswith(".Parameter")
        requires_grad = bool(getattr(array, "requires_grad", False))
        if not is_parameter:
            self._strided(array, path, requires_grad)
        else:
            self._name("torch._utils _rebuild_parameter")
            self._out += b"("
            self._strided(array, path, False)
            self._value(requires_grad, path)
            self._call("collections OrderedDict", (), path)
            self._out += b"tR"
        self._put(id(array))

    def _strided(self, array: NDArray[Any], path: str, requires_grad: bool) -> None:
        torch_dtype = torch_name(array)
        if torch_dtype is None:
            raise _unsupported(array, path)
        number, offset, elements, view = self._storages.place(array)
        is_quantized = isinstance(array, QuantizedTensor)
        storage = _STORAGE_NAMES.get(torch_dtype)
        suffix = "qtensor" if is_quantized else "tensor_v2" if storage else "tensor_v3"
        self._name(f"torch._utils _rebuild_{suffix}")
        self._out += b"("
        count = elements if storage else elements * array.dtype.itemsize
        self._storage(number, storage, count)
        shape = tuple(map(int, view.shape))
        strides = tuple(stride // view.dtype.itemsize for stride in view.strides)
        self._tuple_of((offset, shape, strides), path)
        if isinstance(array, QuantizedTensor):
            self._quantizer(array, path)
        self._value(requires_grad, path)
        self._call("collections OrderedDict", (), path)
        if not storage:
            self._name(f"torch {torch_dtype}")
        self._out += b"tR"

    def _tuple_of(self, items: tuple[Any, ...], path: str) -> None:
        for item in items:
            if type(item) is tuple:
                self._tuple(item, path)
            else:
                self._value(item, path)

    def _storage(self, number: int, storage: str | None, count: int) -> None:
        self._out += b"("
        self._value("storage", "")
        self._name(f"torch {storage}Storage" if storage else "torch.storage UntypedStorage")
        self._tuple_of((str(number), "cpu", count), "")
        self._out += b"tQ"

    def _quantizer(self, array: QuantizedTensor, path: str) -> None:
        self._out += b"("
        if array.qscheme == "per_tensor_affine":
            self._name("torch per_tensor_affine")
            self._tuple_of((float(array.scale), int(array.zero_point)), path)
        else:
            self._name("torch per_channel_affine")
            self._value(array.scales, path)
            self._value(array.zero_points, path)
            self._value(int(array.axis), path)
        self._out += b"t"

    def _sparse(self, value: SparseTensor, path: str) -> None:
        parts: tuple[Any, ...]
        if value.layout == "sparse_coo":
            parts = (value.indices, value.values, Size(value.shape))
            parts = parts if value.coalesced is None else (*parts, value.coalesced)
        elif value.layout in ("sparse_csr", "sparse_bsr"):
            parts = (value.crow_indices, value.col_indices, value.values, Size(value.shape))
        else:
            parts = (value.ccol_indices, value.row_indices, value.values, Size(value.shape))
        layout = Constant(f"torch.{value.layout}")
        self._call("torch._utils _rebuild_sparse_tensor", (layout, parts), path)


def _integer(value: int) -> bytes:
    if 0 <= value < 1 << 8:
        return b"K" + bytes([value])
    if 0 <= value < 1 << 16:
        return b"M" + struct.pack("<H", value)
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    size = (value.bit_length() >> 3) + 1
    data = value.to_bytes(size, "little", signed=True)
    return (b"\x8a" + bytes([size]) if size < 256 else b"\x8b" + struct.pack("<i", size)) + data


_SCALARS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"N",
    bool: lambda value: b"\x88" if value else b"\x89",
    int: _integer,
    float: lambda value: b"G" + struct.pack(">d", value),
}


def torch_name(array: NDArray[Any]) -> str | None:
    """PyTorch's name for the type of an array's elements; `None` if it has none."""
    from cannery._tensor_types import tensor_type

    if isinstance(array, Tensor) and array.torch_dtype:
        named = array.torch_dtype
        if named in _STORAGE_NAMES or array.dtype.names == (named,):
            return named
    if array.dtype.names is not None and len(array.dtype.names) == 1:
        return array.dtype.names[0]
    found = tensor_type(array)
    return None if found is None else found[0]


def _arrays(obj: Any) -> Iterator[NDArray[Any]]:
    """All arrays in a value, each once."""
    open_values, seen = [obj], set()
    while open_values:
        value = open_values.pop()
        if id(value) in seen:
            continue
        if isinstance(value, np.ndarray):
            seen.add(id(value))
            yield value
            open_values += [getattr(value, name, None) for name in ("scales", "zero_points")]
        elif isinstance(value, SparseTensor):
            open_values += [part for part in vars(value).values() if isinstance(part, np.ndarray)]
        elif isinstance(value, dict):
            seen.add(id(value))
            open_values += [*value.keys(), *reversed(value.values())]
        elif isinstance(value, list | tuple | set | frozenset):
            seen.add(id(value))
            open_values += list(value)[::-1]


def _unsupported(value: Any, path: str) -> DataTypeError:
    kind = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    error = DataTypeError(f"{kind} at `{path}` is not what PyTorch loads with `weights_only=True`")
    if isinstance(value, np.generic):
        error.hint = "save a number of Python's, `value.item()`, or an array, `np.asarray(value)`"
    else:
        error.hint = "save dictionaries, lists, texts, numbers and arrays"
    error.path = path
    return error
