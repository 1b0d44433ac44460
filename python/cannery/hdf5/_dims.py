"""Dimension scales: labels of dimensions, and the datasets that say what their positions are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery import _native
from cannery.hdf5._errors import shown
from cannery.hdf5._references import Reference
from cannery.hdf5._types import ref_dtype, string_dtype, vlen_dtype

if TYPE_CHECKING:
    from cannery.hdf5._dataset import Dataset


def make_scale(dataset: Dataset, name: str) -> None:
    """Make a dataset a scale."""
    if "DIMENSION_LIST" in dataset.attrs:
        raise RuntimeError("a dataset whose dimensions have scales is no scale itself")
    # libhdf5 knows scales by texts that end with a NUL.
    for attribute, data in ((b"CLASS", b"DIMENSION_SCALE"), (b"NAME", name.encode())):
        text = data + b"\0"
        native = _native.Hdf5Type.make(("string", len(text), "nullterm", "ascii"))
        dataset._node.set_attribute(attribute, native, None, (), text)
    dataset._state.changed()


def is_scale(dataset: Dataset) -> bool:
    """Whether a dataset is a scale."""
    found = dataset.attrs.get("CLASS", b"")
    data = found.encode() if isinstance(found, str) else bytes(found)
    return data.rstrip(b"\0") == b"DIMENSION_SCALE"


class DimensionManager:
    """The dimensions of a dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return self._dataset.ndim

    def __getitem__(self, index: int) -> DimensionProxy:
        if not 0 <= index < len(self):
            raise IndexError("Index out of range")
        return DimensionProxy(self._dataset, index)

    def __iter__(self) -> Iterator[DimensionProxy]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Dimensions of HDF5 object at {self._dataset.id[1]}>"

    def create_scale(self, dset: Dataset, name: str = "") -> None:
        """Make a dataset a scale."""
        make_scale(dset, name)


class DimensionProxy:
    """A dimension: its label, and its scales by position or name."""

    def __init__(self, dataset: Dataset, index: int) -> None:
        self._dataset, self._index = dataset, index

    @property
    def label(self) -> str:
        """What the dimension is called."""
        labels = self._dataset.attrs.get("DIMENSION_LABELS")
        if labels is None:
            return ""
        found = labels[self._index]
        return found.decode() if isinstance(found, bytes) else str(found or "")

    @label.setter
    def label(self, label: str) -> None:
        labels = [self._dataset.dims[i].label for i in range(self._dataset.ndim)]
        labels[self._index] = label
        values = np.array(labels, dtype=object)
        self._dataset.attrs.create("DIMENSION_LABELS", values, dtype=string_dtype("ascii"))

    def _references(self) -> list[list[Reference]]:
        found = self._dataset.attrs.get("DIMENSION_LIST")
        if found is None:
            return [[] for _ in range(self._dataset.ndim)]
        return [list(row) for row in found]

    def _scales(self) -> list[Dataset]:
        file = self._dataset.file
        return [file[reference] for reference in self._references()[self._index]]

    def attach_scale(self, dset: Dataset) -> None:
        """Let a dataset be a scale of the dimension; it becomes one if it is none."""
        if not is_scale(dset):
            make_scale(dset, "")
        rows = self._references()
        if dset.ref in rows[self._index]:
            return
        rows[self._index].append(dset.ref)
        self._store(rows)
        users = [*_users(dset), (self._dataset.ref, self._index)]
        _store_users(dset, users)

    def detach_scale(self, dset: Dataset) -> None:
        """Let a dataset be no scale of the dimension any more."""
        rows = self._references()
        if dset.ref not in rows[self._index]:
            raise RuntimeError("the dataset is no scale of the dimension")
        rows[self._index].remove(dset.ref)
        self._store(rows)
        own = (self._dataset.ref, self._index)
        _store_users(dset, [user for user in _users(dset) if user != own])

    def _store(self, rows: list[list[Reference]]) -> None:
        attrs = self._dataset.attrs
        if not any(rows):
            if "DIMENSION_LIST" in attrs:
                del attrs["DIMENSION_LIST"]
            return
        values = np.empty(len(rows), object)
        for i, row in enumerate(rows):
            values[i] = np.array(row, dtype=ref_dtype)
        attrs.create("DIMENSION_LIST", values, dtype=vlen_dtype(ref_dtype))

    def _name(self, dset: Dataset) -> str:
        found = dset.attrs.get("NAME", b"")
        data = found.encode() if isinstance(found, str) else bytes(found)
        return data.rstrip(b"\0").decode("utf-8", "surrogateescape")

    def items(self) -> list[tuple[str, Dataset]]:
        """Names and scales."""
        return [(self._name(dset), dset) for dset in self._scales()]

    def keys(self) -> list[str]:
        """The names of the scales."""
        return [name for name, _ in self.items()]

    def values(self) -> list[Dataset]:
        """The scales."""
        return self._scales()

    def __len__(self) -> int:
        return len(self._references()[self._index])

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __getitem__(self, item: int | str) -> Dataset:
        if isinstance(item, int):
            return self._scales()[item]
        for name, dset in self.items():
            if name == item:
                return dset
        raise KeyError(item)

    def __repr__(self) -> str:
        label = shown(self.label)
        return f'<"{label}" dimension {self._index} of HDF5 dataset at {self._dataset.id[1]}>'


_USER = np.dtype([("dataset", ref_dtype), ("dimension", "i4")])


def _users(dset: Dataset) -> list[tuple[Any, int]]:
    found = dset.attrs.get("REFERENCE_LIST")
    if found is None:
        return []
    return [(row["dataset"], int(row["dimension"])) for row in np.atleast_1d(found)]


def _store_users(dset: Dataset, users: list[tuple[Any, int]]) -> None:
    if not users:
        if "REFERENCE_LIST" in dset.attrs:
            del dset.attrs["REFERENCE_LIST"]
        return
    dset.attrs.create("REFERENCE_LIST", np.array(users, dtype=_USER), dtype=_USER)
