"""What the values of a checkpoint are made of: arrays over its bytes, data, and records."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from cannery import _native
from cannery._objects import Record
from cannery.errors import UnpicklingError, UntrustedTypeError
from cannery.pickle import _inert
from cannery.pickle._gate import Gate
from cannery.pickle._refused import Refused, shown
from cannery.torch import _tensors
from cannery.torch._tensors import (
    Constant,
    Device,
    Dtype,
    MetaTensor,
    NestedTensor,
    QuantizedTensor,
    Size,
    SparseTensor,
    Tensor,
)

# Modules of plain data: what the pickle table lists of them is rebuilt. Others stay records, so
# that no library is imported because a file names it.
_DATA_MODULES = frozenset(
    """
    _codecs argparse array builtins collections copyreg datetime decimal fractions ipaddress
    pathlib pathlib._local types uuid numpy numpy.core.multiarray numpy._core.multiarray
    numpy.core.numeric numpy._core.numeric numpy.dtypes zoneinfo
    """.split()
)
_STORAGES = {"uint8": "torch.storage.UntypedStorage"}


class Factory:
    """Makes what is not plain; the native module calls it in the order of the file."""

    def __init__(self, data: Any, storages: list[Any], weights_only: bool) -> None:
        self._data = data
        self._storages = storages
        self._weights_only = weights_only
        self._gate = Gate(len(data))
        # Whether `ml_dtypes` is installed is looked up once a type, not once a tensor.
        self._dtypes: dict[str, Any] = {}

    def finish(self) -> None:
        """Look at all that was made once more."""
        self._gate.finish()

    # Tensors.

    def strided(
        self,
        storage: int | None,
        torch_dtype: str,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int,
        start: int,
        kind: type[Any] = np.ndarray,
    ) -> Any:
        """Make the array of a tensor, which the native module has checked to lie in its storage."""
        if storage is None:
            return MetaTensor(torch_dtype, shape, strides)
        dtype = self._dtype(torch_dtype)
        data, base, length = self._place(storage)
        if _tensors.is_packed(torch_dtype):
            shape, strides, offset = (length - start,), (1,), 0
        size = dtype.itemsize
        steps = tuple([stride * size for stride in strides])
        if 0 in shape:
            return np.ndarray.__new__(kind, shape, dtype, b"", 0, steps)
        place = base + start + offset * size
        array = np.ndarray.__new__(kind, shape, dtype, data, place, steps)
        if _tensors.is_plain(torch_dtype):
            return array
        return _described(array, torch_dtype)

    def _dtype(self, torch_dtype: str) -> Any:
        found = self._dtypes.get(torch_dtype)
        if found is None:
            found = self._dtypes[torch_dtype] = _tensors.dtype_of(torch_dtype)
        return found

    def _place(self, storage: int) -> tuple[Any, int, int]:
        """The buffer that a storage lies in, the bytes before it, and its length."""
        _, _, length, place = self._storages[storage]
        if place is None:
            return b"", 0, 0
        return (self._data, place, length) if isinstance(place, int) else (place, 0, length)

    def quantized(self, view: tuple[Any, ...], quantizer: tuple[Any, ...]) -> Any:
        """Make the array of a quantized tensor's integers."""
        array = self.strided(*view, kind=QuantizedTensor)
        if not isinstance(array, QuantizedTensor):
            return array
        array.torch_dtype, array.qscheme = view[1], quantizer[0]
        if len(quantizer) == 3:
            array.scale, array.zero_point = quantizer[1:]
        else:
            array.scales, array.zero_points, array.axis = quantizer[1:]
        return array

    def sparse(
        self,
        layout: str,
        shape: tuple[int, ...],
        indices: Any,
        plain: Any,
        values: Any,
        coalesced: bool | None,
    ) -> SparseTensor:
        """Make a sparse tensor of its parts."""
        made = SparseTensor(layout, shape, values)
        made.coalesced = coalesced
        if layout == "sparse_coo":
            made.indices = indices
        elif layout in ("sparse_csr", "sparse_bsr"):
            made.crow_indices, made.col_indices = indices, plain
        else:
            made.ccol_indices, made.row_indices = indices, plain
        return made

    def nested(self, parts: list[tuple[Any, ...]]) -> NestedTensor:
        """Make a nested tensor."""
        made = NestedTensor("nested")
        made.parts = [self.strided(*part) for part in parts]
        return made

    def jagged(self, values: Any, offsets: Any) -> NestedTensor:
        """Make a nested tensor whose parts differ in one side."""
        made = NestedTensor("nested_jagged")
        made.values, made.offsets = values, offsets
        return made

    def tensor(self, made: Any, torch_class: str | None, requires_grad: bool) -> Any:
        """Tell a tensor what it was."""
        if isinstance(made, np.ndarray) and not isinstance(made, Tensor):
            made = made.view(Tensor)
            made.torch_dtype = _torch_name(made.dtype)
        made.torch_class = torch_class or "torch.Tensor"
        made.requires_grad = requires_grad
        return made

    def storage(self, storage: int, torch_dtype: str, start: int, length: int) -> Any:
        """Make the array of a storage that stands by itself."""
        dtype = self._dtype(torch_dtype)
        count = length // dtype.itemsize
        array = self.strided(storage, torch_dtype, (count,), (1,), 0, start)
        return self.tensor(array, _STORAGES.get(torch_dtype, "torch.storage.TypedStorage"), False)

    # Small things.

    def ordered_dict(self) -> OrderedDict[Any, Any]:
        """Make an ordered dictionary, to be filled."""
        return OrderedDict()

    def size(self, sides: tuple[int, ...]) -> Size:
        """Make a shape."""
        return Size(sides)

    def dtype(self, name: str) -> Dtype:
        """Make a type of elements."""
        return Dtype(f"torch.{name}")

    def device(self, name: str) -> Device:
        """Make a device."""
        return Device(name)

    def constant(self, name: str) -> Constant:
        """Make one of PyTorch's constants."""
        return Constant(name)

    # Names and what would be made of them.

    def name(self, module: str, name: str) -> Any:
        """Find what is data; anything else is the record of a name."""
        if module in _DATA_MODULES and _native.pickle_uses(module, name):
            return self._gate.find(module, name)
        if self._weights_only:
            raise _untrusted(f"the checkpoint names `{shown(module)}.{shown(name)}`", module, name)
        return _inert.name(module, name)

    def object(self, making: str, callee: Any, arguments: Any, keywords: Any) -> Any:
        """Make what is data; anything else is the record of a call."""
        arguments = arguments if type(arguments) is tuple else (arguments,)
        if isinstance(callee, Record):
            return _inert.call(callee, arguments, keywords)
        try:
            if making == "new":
                return self._gate.new(callee, arguments, keywords)
            if making == "instance":
                return self._gate.instance(callee, arguments)
            return self._gate.reduce(callee, arguments)
        except Refused as refused:
            if refused.is_bomb or self._weights_only:
                raise
            return _inert.call(_inert.name(*_split(refused.name)), arguments, keywords)

    def state(self, value: Any, state: Any) -> None:
        """Give a value its state."""
        if isinstance(value, Record):
            _inert.set_state(value, state)
        elif hasattr(value, "torch_class"):
            value.attributes.update(_attributes(state))
        elif type(value) is OrderedDict:
            _set_attributes(value, _attributes(state))
        else:
            self._gate.build(value, state)

    def extend(self, value: Any, items: list[Any]) -> None:
        """Append items to what is no list."""
        if isinstance(value, Record):
            _inert.add_items(value, items)
        else:
            self._gate.items(value, "extend", items)
            value.extend(items)

    def add(self, value: Any, items: list[Any]) -> None:
        """Add items to what is no set."""
        if isinstance(value, Record):
            _inert.add_items(value, items)
        else:
            self._gate.items(value, "add", items)
            value.update(items)

    def set_items(self, value: Any, items: list[Any]) -> None:
        """Set items, keys and values in turn, of what is no dictionary."""
        if isinstance(value, Record):
            _inert.set_entries(value, items)
            return
        self._gate.items(value, "__setitem__", items)
        for key, item in zip(items[::2], items[1::2], strict=True):
            value[key] = item


def _described(array: Any, torch_dtype: str) -> Any:
    made = array if isinstance(array, Tensor) else array.view(Tensor)
    made.torch_dtype = torch_dtype
    return made


def _torch_name(dtype: Any) -> str:
    return dtype.name if dtype.names is None else dtype.names[0]


def _split(name: str) -> tuple[str, str]:
    module, _, last = name.rpartition(".")
    return module, last


def _attributes(state: Any) -> dict[str, Any]:
    """The attributes of a state: a dictionary, or a pair of one and of slots."""
    parts = state if type(state) is tuple and len(state) == 2 else (state,)
    found: dict[str, Any] = {}
    for part in parts:
        if part is None:
            continue
        if not isinstance(part, dict) or not all(type(key) is str for key in part):
            raise UnpicklingError("the state of a tensor or a dictionary is none of names")
        found.update(part)
    return found


def _set_attributes(value: OrderedDict[Any, Any], attributes: dict[str, Any]) -> None:
    for name, attribute in attributes.items():
        # A file must not replace methods.
        if name.startswith("__") or hasattr(OrderedDict, name):
            raise UnpicklingError(
                f"a dictionary has an attribute `{shown(name)}`, which is a method"
            )
        value.__dict__[name] = attribute


def _untrusted(message: str, module: str, name: str) -> UntrustedTypeError:
    error = UntrustedTypeError(message)
    error.hint = "load it without `weights_only=True`: what is not data becomes records"
    del module, name
    return error
