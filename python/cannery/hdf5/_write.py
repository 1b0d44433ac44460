"""Assignment to the elements of datasets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery.hdf5._encode import Described, encode, flat_values, is_empty, vlen_array
from cannery.hdf5._errors import shown
from cannery.hdf5._references import RegionReference
from cannery.hdf5._select import Selected, everything, regular, select
from cannery.hdf5._types import check_string_dtype, check_vlen_dtype, flattened

if TYPE_CHECKING:
    from cannery.hdf5._dataset import Dataset


def write(dataset: Dataset, args: tuple[Any, ...], value: Any) -> None:
    """`dataset[args] = value`."""
    names = [arg for arg in args if isinstance(arg, str)]
    args = tuple(arg for arg in args if not isinstance(arg, str))
    if dataset.shape is None:
        if is_empty(value):
            return
        raise TypeError("a dataset without elements is not written")
    if names:
        _write_fields(dataset, args, names, value)
        return
    if len(args) == 1 and isinstance(args[0], np.ndarray) and args[0].dtype.kind == "b":
        mask = args[0]
        if mask.shape == dataset.shape and mask.ndim != 1:
            _write_mask(dataset, mask, value)
            return
    if len(args) == 1 and isinstance(args[0], RegionReference):
        region = args[0]._region()
        if region is None or region[1][0] not in ("regular", "all", "blocks"):
            raise NotImplementedError("elements are not written through such a region")
        selected = _of_region(region[1], dataset.shape)
    else:
        selected = select(args, dataset.shape)
    _write_selected(dataset, selected, value)


def _of_region(region: tuple[Any, ...], shape: tuple[int, ...]) -> Selected:
    if region[0] == "all":
        return everything(shape)
    if region[0] == "blocks":
        if len(region[1]) != 1:
            raise NotImplementedError("elements are not written through several blocks")
        wanted: Any = [(a, 1, b - a + 1) for a, b in zip(*region[1][0], strict=True)]
    else:
        wanted = regular(region[1])
    counts = tuple(len(w) if isinstance(w, list) else w[2] for w in wanted)
    return Selected(wanted, counts)


def _write_selected(dataset: Dataset, selected: Selected, value: Any) -> None:
    dtype = dataset.dtype
    values = _values(value, dtype, selected.shape)
    if selected.count == 0:
        return
    raw = encode(_described(dataset), flat_values(values, dtype), dataset._node)
    dataset._node.write(selected.wanted, raw.reshape(-1), dataset._state.threads)


def _described(dataset: Dataset) -> Described:
    kept = dataset.__dict__.get("_described")
    if kept is None:
        kept = dataset.__dict__["_described"] = dataset._native.datatype.describe()
    return kept


def _values(value: Any, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The elements to write, in the shape of the selection."""
    base, inner = flattened(dtype)
    wanted = shape + inner
    if check_vlen_dtype(dtype) is not None and check_string_dtype(dtype) is None:
        return _spread(_sequences(value, dtype, shape), wanted)
    if check_string_dtype(base) is not None and base.kind == "O":
        return _spread(np.asarray(value, dtype=object), wanted)
    if isinstance(value, np.ndarray):
        array = value
    elif base.names is not None and not hasattr(value, "dtype"):
        array = np.asarray(value, dtype=base)
    elif base.kind == "S" or (hasattr(value, "__array__") and hasattr(value, "dtype")):
        array = np.asarray(value)
    else:
        array = np.asarray(value, dtype=base)
    if inner and array.dtype.subdtype is None and array.shape == inner:
        array = array.reshape((1,) * len(shape) + inner)
    if dtype.names is None and array.dtype.names is not None and len(array.dtype.names) == 1:
        array = array[array.dtype.names[0]]
    if base.names is not None and array.dtype.names is None and base.kind != "c":
        raise TypeError("expected records with the fields of the dataset")
    return _spread(array, wanted)


def _sequences(value: Any, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Sequences: one for all elements, or one for each."""
    count = math.prod(shape)
    is_nested = isinstance(value, (list, tuple, np.ndarray)) and len(shape) > 0
    if (
        is_nested
        and shape == (len(value),)
        and all(isinstance(item, (list, tuple, np.ndarray)) for item in value)
    ):
        out = np.empty(len(value), object)
        for i, item in enumerate(value):
            out[i] = np.asarray(item)
        return out.view(dtype)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        if check_vlen_dtype(value.dtype) is None and value.ndim == 1 and count == 1:
            out = np.empty(shape, dtype)
            out.reshape(-1)[0] = value
            return out
        return value.view(dtype)
    if count == 1:
        out = np.empty(shape, dtype)
        out.reshape(-1)[0] = np.asarray(value)
        return out
    if isinstance(value, np.ndarray) and value.ndim == len(shape) + 1:
        out = np.empty(value.shape[:-1], dtype)
        for place in np.ndindex(*value.shape[:-1]):
            out[place] = value[place]
        return out
    return vlen_array(value, dtype)


def _spread(array: np.ndarray, wanted: tuple[int, ...]) -> np.ndarray:
    """An array in the shape of a selection: axes of length 1 are repeated or left out."""
    if array.shape == wanted:
        return array
    if array.size == math.prod(wanted):
        without = [n for n in array.shape if n != 1]
        if without == [n for n in wanted if n != 1]:
            return array.reshape(wanted)
    while array.ndim > len(wanted) and array.shape[0] == 1:
        array = array[0]
    try:
        return np.broadcast_to(array, wanted)
    except ValueError:
        raise TypeError(f"Can't broadcast {array.shape} -> {wanted}") from None


def _write_fields(dataset: Dataset, args: tuple[Any, ...], names: list[str], value: Any) -> None:
    known = dataset.dtype.names or ()
    for name in names:
        if name not in known:
            raise ValueError(f"no field is named `{shown(name)}`")
    selected = select(args, dataset.shape)
    records = dataset._read(selected)
    if not records.flags.writeable:
        records = records.copy()
    if len(names) == 1:
        field = dataset.dtype[names[0]]
        inner = flattened(field)[1]
        array = np.asarray(value)
        if array.dtype.names and names[0] in array.dtype.names and field.names is None:
            array = array[names[0]]
        records[names[0]] = _spread(array, selected.shape + inner)
    else:
        for name in names:
            records[name] = _spread(np.asarray(value[name]), selected.shape)
    _write_selected(dataset, selected, records)


def _write_mask(dataset: Dataset, mask: np.ndarray, value: Any) -> None:
    rows = np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1))
    if not len(rows):
        return
    first, last = int(rows[0]), int(rows[-1]) + 1
    part = mask[first:last]
    values = dataset[first:last]
    array = np.asarray(value)
    values[part] = array if array.ndim == 0 else array.reshape((-1, *array.shape[1:]))
    dataset[first:last] = values


def region_reference(dataset: Dataset, args: tuple[Any, ...]) -> RegionReference:
    """A reference to a region of a dataset."""
    selected = select(args, dataset.shape)
    if all(isinstance(w, tuple) and (w[1] == 1 or w[2] <= 1) for w in selected.wanted):
        wanted: Any = selected.wanted
        if any(count == 0 for _, _, count in wanted):
            parts: Any = "none"
        else:
            parts = [([start for start, _, _ in wanted], [s + n - 1 for s, _, n in wanted])]
    else:
        axes = [
            w if isinstance(w, list) else list(range(w[0], w[0] + w[1] * w[2], w[1]))
            for w in selected.wanted
        ]
        blocks = [[]]
        for axis in axes:
            blocks = [[*before, at] for before in blocks for at in axis]
        parts = [(place, place) for place in blocks] or "none"
    return RegionReference(dataset._node, dataset._node.put_region(parts))
