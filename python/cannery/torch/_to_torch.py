"""PyTorch's own tensors instead of arrays, where PyTorch is installed."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from cannery._installed import installed_module
from cannery.torch._tensors import Tensor


def to_torch(value: Any) -> Any:
    """Replace the arrays in dictionaries, lists and tuples by tensors that share their memory."""
    return _Converter(installed_module("torch")).convert(value)


class _Converter:
    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._done: dict[int, Any] = {}

    def convert(self, value: Any) -> Any:
        if id(value) in self._done:
            return self._done[id(value)]
        if isinstance(value, np.ndarray):
            self._done[id(value)] = self._tensor(value)
            return self._done[id(value)]
        if type(value) in (dict, OrderedDict):
            made = self._done[id(value)] = type(value)()
            made.update((key, self.convert(item)) for key, item in value.items())
            return made
        if type(value) is list:
            filled: list[Any] = []
            self._done[id(value)] = filled
            filled.extend(map(self.convert, value))
            return filled
        if type(value) is tuple:
            return tuple(map(self.convert, value))
        return value

    def _tensor(self, array: Any) -> Any:
        name = array.dtype.name if array.dtype.names is None else array.dtype.names[0]
        dtype = getattr(self._torch, name, None)
        plain = np.asarray(array)
        if plain.dtype.kind in "biufc":
            tensor = self._torch.from_numpy(plain)
        elif dtype is not None:
            tensor = self._torch.from_numpy(plain.view(f"i{plain.dtype.itemsize}")).view(dtype)
        else:
            return array
        if isinstance(array, Tensor) and array.requires_grad:
            return tensor.requires_grad_()
        return tensor
