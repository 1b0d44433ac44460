"""Layouts of virtual datasets: which elements are those of which other datasets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery.hdf5._encode import described, encode, native_type
from cannery.hdf5._object import HLObject
from cannery.hdf5._select import Selected, everything, select

if TYPE_CHECKING:
    from cannery import _native

_UNLIMITED = (1 << 64) - 1


class VirtualSource:
    """A dataset whose elements a virtual dataset has; slices of it stand for parts."""

    def __init__(
        self,
        path_or_dataset: Any,
        name: str | None = None,
        shape: Any = None,
        dtype: Any = None,
        maxshape: Any = None,
    ) -> None:
        if isinstance(path_or_dataset, HLObject):
            dataset: Any = path_or_dataset
            if any(part is not None for part in (name, shape, dtype, maxshape)):
                raise TypeError("If a Dataset is given, it should be the only argument")
            path, name = dataset.file.filename, dataset.name
            shape, dtype, maxshape = dataset.shape, dataset.dtype, dataset.maxshape
        else:
            path = os.fspath(path_or_dataset)
            if name is None:
                raise TypeError("The name parameter is required when specifying a source by path")
            if shape is None:
                raise TypeError("The shape parameter is required when specifying a source by path")
        self.path, self.name = path, str(name)
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.dtype = dtype
        self.maxshape = self.shape if maxshape is None else tuple(maxshape)
        self.sel: Selected = everything(self.shape)

    def __getitem__(self, key: Any) -> VirtualSource:
        made = VirtualSource(self.path, self.name, self.shape, self.dtype, self.maxshape)
        made.sel = select(key if isinstance(key, tuple) else (key,), self.shape)
        return made


class VirtualLayout:
    """The shape and type of a virtual dataset, and what its elements are."""

    def __init__(self, shape: Any, dtype: Any, maxshape: Any = None, filename: Any = None) -> None:
        del filename
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.dtype = np.dtype(dtype)
        self.maxshape = None if maxshape is None else tuple(maxshape)
        self._parts: list[tuple[Selected, VirtualSource]] = []

    def __setitem__(self, key: Any, source: VirtualSource) -> None:
        here = select(key if isinstance(key, tuple) else (key,), self.shape)
        if here.count != source.sel.count:
            raise ValueError(f"{here.count} elements are not those of {source.sel.count}")
        self._parts.append((here, source))

    def _create(self, group: Any, fillvalue: Any) -> _native.Hdf5Node:
        own = os.path.abspath(group.file.filename)  # noqa: PTH100
        mappings = []
        for here, source in self._parts:
            path = str(source.path)
            same = os.path.abspath(path) == own  # noqa: PTH100
            mappings.append(
                (b"." if same else os.fsencode(path), source.name.encode(), _region(source.sel),
                 _region(here))
            )  # fmt: skip
        node = group._node
        fill = None
        if fillvalue is not None:
            fill = encode(described(self.dtype), np.asarray(fillvalue).reshape(1), node).tobytes()
        stored: Any = mappings or "contiguous"
        return node.create_dataset(
            native_type(self.dtype), None, self.shape, self.maxshape, stored, [], fill, False
        )


def _region(selected: Selected) -> Any:
    if all(isinstance(w, tuple) for w in selected.wanted):
        dims = []
        for start, step, count in selected.wanted:  # type: ignore[misc]
            if step == 1 or count <= 1:
                dims.append((start, max(count, 1), 1, count))
            else:
                dims.append((start, step, count, 1))
        return dims
    axes = [
        w if isinstance(w, list) else list(range(w[0], w[0] + w[1] * w[2], w[1]))
        for w in selected.wanted
    ]
    places: list[list[int]] = [[]]
    for axis in axes:
        places = [[*before, at] for before in places for at in axis]
    return [(place, place) for place in places]


@contextlib.contextmanager
def built(group: Any, name: str, layout: VirtualLayout, fillvalue: Any) -> Iterator[VirtualLayout]:
    """A layout to fill, whose dataset is made at the end."""
    yield layout
    group.create_virtual_dataset(name, layout, fillvalue)
