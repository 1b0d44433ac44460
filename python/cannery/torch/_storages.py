"""Which arrays share memory, and the stretches of memory that become the storages of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from cannery._held import held

# The number of a storage, the offset in it and its length in elements, and the array as it lies.
Place = tuple[int, int, int, NDArray[Any]]


class Storages:
    """Arrays, and the storages that they lie in: what overlaps becomes one storage."""

    def __init__(self) -> None:
        # By the object that owns the memory, and the type: addresses and the array of each view.
        self._views: dict[tuple[int, Any], list[tuple[int, int, NDArray[Any]]]] = {}
        # By an array, which is kept alive: as it is written.
        self._written: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}
        self._places: dict[int, Place] = {}
        self._stretches: list[NDArray[Any]] = []
        # The addresses are good for as long as these are.
        self._held: list[Any] = []

    def add_all(self, arrays: Iterable[NDArray[Any]]) -> None:
        """Lay arrays out; storages have the order in which these come."""
        for array in arrays:
            written = _writable(array)
            self._written[id(array)] = (array, written)
            self._held.append(held(written))
            if written.size:
                low = written.__array_interface__["data"][0]
                group = self._views.setdefault((_owner(written), written.dtype), [])
                group.append((low, low + _extent(written), written))
        for group in self._views.values():
            self._lay_out(sorted(group, key=lambda view: view[:2]))

    def _lay_out(self, views: list[tuple[int, int, NDArray[Any]]]) -> None:
        stretch: list[tuple[int, int, NDArray[Any]]] = []
        end = 0
        for view in views:
            itemsize = view[2].dtype.itemsize or 1
            is_apart = view[0] >= end or (view[0] - stretch[0][0]) % itemsize
            if stretch and is_apart:
                self._close(stretch, end)
                stretch = []
            end = max(end, view[1]) if stretch else view[1]
            stretch.append(view)
        self._close(stretch, end)

    def _close(self, views: list[tuple[int, int, NDArray[Any]]], end: int) -> None:
        """Make a storage of views that overlap; the first begins where it does."""
        start, _, first = views[0]
        itemsize = first.dtype.itemsize or 1
        elements = (end - start) // itemsize
        number = len(self._stretches)
        # Types of other libraries have no description that NumPy could go by.
        raw = first.view(np.dtype((np.void, itemsize)))
        self._stretches.append(as_strided(raw, (elements,), (itemsize,), writeable=False))
        for low, _, view in views:
            self._places[id(view)] = (number, (low - start) // itemsize, elements, view)

    def place(self, array: NDArray[Any]) -> Place:
        """Where an array lies; one without elements has a storage of its own."""
        written = self._written[id(array)][1]
        if id(written) not in self._places:
            self._places[id(written)] = (len(self._stretches), 0, 0, written)
            self._stretches.append(np.empty(0, written.dtype))
        return self._places[id(written)]

    def flat(self) -> Iterator[NDArray[Any]]:
        """The elements of each storage."""
        return iter(self._stretches)


def _writable(array: NDArray[Any]) -> NDArray[Any]:
    """An array as PyTorch can have it: little-endian, with strides of whole elements forward."""
    plain = np.asarray(array)
    if plain.dtype.byteorder == ">":
        plain = plain.astype(plain.dtype.newbyteorder("<"))
    itemsize = plain.dtype.itemsize or 1
    is_fit = all(stride >= 0 and stride % itemsize == 0 for stride in plain.strides)
    plain = plain if is_fit else np.ascontiguousarray(plain)
    # A view of its own: several arrays may be one object.
    return plain[...]


def _owner(array: NDArray[Any]) -> int:
    owner: Any = array
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    return id(owner)


def _extent(array: NDArray[Any]) -> int:
    """Bytes from the first element to the end of the last."""
    steps = zip(array.shape, array.strides, strict=True)
    return sum((side - 1) * stride for side, stride in steps) + array.dtype.itemsize
