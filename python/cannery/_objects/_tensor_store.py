"""Tensors of a stored value that lie in a safetensors file beside its document."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["keeping", "lending", "lent", "put"]

_CODES = frozenset(
    """
    bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64
    bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu
    """.split()
)
"""Types of elements that safetensors has, of whole bytes."""

_RESERVED = "__metadata__"
_MAX_DEPTH = 32


class _Kept:
    """Tensors that are being written, by their names."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self.arrays: dict[str, NDArray[Any]] = {}

    def put(self, tensor: object, array: NDArray[Any]) -> str:
        name = self.names.get(id(tensor), "")
        count = len(self.arrays)
        while not name or name in self.arrays:
            name = f"tensor.{count}"
            count += 1
        self.arrays[name] = array
        return name


_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)
_lent: ContextVar[Mapping[str, NDArray[Any]] | None] = ContextVar("lent", default=None)


@contextmanager
def keeping(value: object) -> Iterator[dict[str, NDArray[Any]]]:
    """Keep the tensors of `value`, while it is written, in the dictionary that this yields.

    They have the names that PyTorch gives them (`model.fc.weight`), as far as they have any.
    """
    kept = _Kept(dict(_named(value, "", 0)))
    token = _kept.set(kept)
    try:
        yield kept.arrays
    finally:
        _kept.reset(token)


def put(tensor: object, array: NDArray[Any]) -> str | None:
    """Keep a tensor; return its name, or `None` if it is to be a part of the document."""
    from cannery._tensor_types import tensor_type

    kept = _kept.get()
    known = None if kept is None else tensor_type(array)
    if kept is None or known is None or known[0] not in _CODES:
        return None
    return kept.put(tensor, array)


@contextmanager
def lending(arrays: Mapping[str, NDArray[Any]]) -> Iterator[None]:
    """Lend arrays, by name, to the tensors of a document that is read meanwhile."""
    token = _lent.set(arrays)
    try:
        yield
    finally:
        _lent.reset(token)


def lent(name: str) -> NDArray[Any] | None:
    """Get the array of that name, if there is one."""
    arrays = _lent.get()
    return None if arrays is None else arrays.get(name)


def _named(value: Any, prefix: str, depth: int) -> Iterator[tuple[int, str]]:
    torch = sys.modules.get("torch")
    if torch is None or depth > _MAX_DEPTH:
        return
    if isinstance(value, torch.Tensor):
        if prefix != _RESERVED:
            yield id(value), prefix or "tensor"
    elif isinstance(value, torch.nn.Module):
        for tensors in (value.named_parameters(), value.named_buffers()):
            for name, tensor in tensors:
                yield id(tensor), f"{prefix}.{name}".lstrip(".")
    elif isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if isinstance(key, (str, int)):
                yield from _named(item, f"{prefix}.{key}".lstrip("."), depth + 1)
