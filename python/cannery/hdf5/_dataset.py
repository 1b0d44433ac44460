"""Datasets: arrays in a file, of which only what is asked for is read."""

from __future__ import annotations

import math
import operator
import os
from collections import namedtuple
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cannery.errors import DataError, LimitError
from cannery.hdf5._dims import DimensionManager, is_scale, make_scale
from cannery.hdf5._errors import FillValueError, read_error, shown
from cannery.hdf5._object import HLObject
from cannery.hdf5._references import RegionReference
from cannery.hdf5._select import (
    Selected,
    coordinates,
    everything,
    region_shape,
    regular,
    select,
)
from cannery.hdf5._types import (
    Empty,
    FileType,
    as_numbers,
    check_string_dtype,
    file_type,
    flattened,
    text,
    without_objects,
)
from cannery.hdf5._write import region_reference, write

if TYPE_CHECKING:
    from cannery import _native

VDSmap = namedtuple("VDSmap", ["vspace", "file_name", "dset_name", "src_space"])

NO_COPY = "memory allocation cannot be avoided: an array that is read from a file is a copy"

_NAMES = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 6: "scaleoffset", 32000: "lzf"}


class Dataset(HLObject):
    """An array in a file; slices of it are read."""

    @property
    def _native(self) -> _native.Hdf5Dataset:
        seen = self._state.shapes if self._state else -1
        if self._kept is None or self._kept[0] != seen:
            self._kept = (seen, self._node.dataset())
        return self._kept[1]

    _kept: tuple[int, _native.Hdf5Dataset] | None = None

    @cached_property
    def _type(self) -> FileType:
        return file_type(self._native.datatype)

    @property
    def dtype(self) -> np.dtype:
        """NumPy's type of the elements."""
        return self._type.dtype

    @property
    def shape(self) -> Any:
        """The shape; `None` if the dataset has no elements and no shape."""
        return self._native.shape

    @shape.setter
    def shape(self, shape: tuple[int, ...]) -> None:
        self.resize(shape)

    @property
    def maxshape(self) -> Any:
        """How far each dimension may grow; `None` without bound."""
        return self._native.max_shape

    @property
    def ndim(self) -> int:
        """How many dimensions."""
        return len(self.shape or ())

    @property
    def size(self) -> int | None:
        """How many elements."""
        return None if self.shape is None else math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes all elements take in memory."""
        return (self.size or 0) * self.dtype.itemsize

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """The shape of the chunks."""
        return self._native.chunks

    @cached_property
    def _filters(self) -> dict[str, Any]:
        found = {}
        for number, _, _, values in self._native.filters:
            found[_NAMES.get(number, str(number))] = _options(number, values)
        return found

    @property
    def filter_ids(self) -> tuple[int, ...]:
        """The numbers of the filters, in the order in which they are applied."""
        return tuple(number for number, *_ in self._native.filters)

    @property
    def filter_names(self) -> tuple[str, ...]:
        """The names of the filters, as the file has them."""
        return tuple(text(name) for _, name, *_ in self._native.filters)

    @property
    def compression(self) -> str | None:
        """`gzip`, `lzf`, `szip`, `unknown` for other filters, or `None`."""
        for name in ("gzip", "lzf", "szip"):
            if name in self._filters:
                return name
        return "unknown" if any(n not in _NAMES.values() for n in self._filters) else None

    @property
    def compression_opts(self) -> Any:
        """The parameters of the compression."""
        return self._filters.get(self.compression or "")

    @property
    def shuffle(self) -> bool:
        """Whether bytes are shuffled."""
        return "shuffle" in self._filters

    @property
    def fletcher32(self) -> bool:
        """Whether chunks have a checksum."""
        return "fletcher32" in self._filters

    @property
    def scaleoffset(self) -> int | None:
        """The bits or decimals of the filter that stores few of them."""
        found = self._filters.get("scaleoffset")
        return None if found is None else found[1]

    @property
    def external(self) -> list[tuple[str, int, int]] | None:
        """The raw files that hold the data: name, offset and length of each part."""
        return [(text(name), at, n) for name, at, n in self._native.external] or None

    @property
    def is_virtual(self) -> bool:
        """Whether the elements are those of other datasets."""
        return self._native.is_virtual

    def virtual_sources(self) -> list[VDSmap]:
        """The datasets whose elements these are."""
        if not self.is_virtual:
            raise RuntimeError("the dataset is not virtual")
        return [VDSmap(None, text(f), text(d), None) for f, d in self._native.virtual_sources]

    @property
    def fillvalue(self) -> Any:
        """What elements are that were never written."""
        fill = self._native.fill_value
        if fill == "undefined":
            raise FillValueError("the fill value is not defined")
        if fill is None:
            made = self._type.convert(np.zeros((1, self._type.size), "u1"), self._node)
            return self._first_filled(made) if self.dtype.subdtype else without_objects(made)[0]
        raw = np.frombuffer(cast("bytes", fill), "u1")
        if len(raw) != self._type.size:
            raise FillValueError("the fill value is of another type than the dataset")
        return self._type.convert(raw.reshape(1, -1), self._node).copy()[0]

    def _first_filled(self, made: np.ndarray) -> Any:
        """Zeros of an array type; as in h5py, objects are made in the first place only."""
        out = np.zeros((1,), self.dtype)[0]
        out.flat[0:1] = without_objects(made.reshape(-1)[:1])
        return out

    @property
    def stored_bytes(self) -> int:
        """How many bytes the data take in the file."""
        return self._native.stored_bytes()

    @property
    def regionref(self) -> _RegionProxy:
        """The shapes of references to regions."""
        return _RegionProxy(self)

    # ---- reading
    def __getitem__(self, args: Any) -> Any:
        args = args if isinstance(args, tuple) else (args,)
        if not args and (shape := self.shape) is not None:
            result = self._read(everything(shape))
            return result if result.ndim else result[()]
        if any(arg is None for arg in args):
            raise TypeError("an index with `None` is not supported")
        names = [arg for arg in args if isinstance(arg, str)]
        if names:
            rest = tuple(arg for arg in args if not isinstance(arg, str))
            return self._read_fields(names[0] if len(names) == 1 else names, rest)
        if self.shape is None:
            if args in ((), (Ellipsis,)):
                return Empty(self.dtype)
            raise ValueError("a dataset without elements has no slices")
        if len(args) == 1 and isinstance(args[0], RegionReference):
            return self._read_region(args[0])
        if len(args) == 1 and isinstance(args[0], np.ndarray) and args[0].dtype.kind == "b":
            mask = args[0]
            if mask.shape == self.shape and mask.ndim != 1:
                return self[()][mask]
        result = self._read(select(args, self.shape))
        # An ellipsis keeps the array of a dataset without dimensions.
        if result.ndim == 0 and (self.shape or args == ()):
            return result[()]
        return result

    def _read_fields(self, names: str | list[str], rest: tuple[Any, ...]) -> Any:
        dtype = _fields(self.dtype, names)
        found = self[rest]
        if isinstance(names, str):
            return found[names]
        # As an array of one, else objects with a shape would be spread.
        values = np.asarray(found)
        out = np.empty(values.shape, dtype)
        for name in names:
            out[name] = values[name]
        return out if isinstance(found, np.ndarray) else out[()]

    def _read(self, selected: Selected) -> np.ndarray:
        dtype = self.dtype
        size = self._type.size
        if self._state.spend is not None:
            self._state.spend(selected.count * max(size, 1))
        raw = np.empty(_affordable(selected.count * size), "u1")
        self._read_into(selected, raw)
        base, inner = flattened(dtype)
        if self._type.is_plain:
            return raw.view(base).reshape(selected.shape + inner)
        values = self._type.convert(raw.reshape(-1, size), self._node)
        return values.reshape(selected.shape + inner)

    def _read_into(self, selected: Selected, raw: np.ndarray) -> None:
        try:
            self._native.read_into(selected.wanted, raw, self._state.threads)
        except DataError as error:
            raise read_error(error) from error

    def _read_region(self, reference: RegionReference) -> Any:
        found = reference._region()
        if found is None or found[0].id != self.id:
            raise ValueError("expected a reference to a region of this dataset")
        region, shape = found[1], region_shape(found[1], self.shape)
        if shape is None:
            return Empty(self.dtype)
        kind = region[0]
        if kind == "all":
            return self._read(everything(self.shape))
        if kind == "none" or math.prod(shape) == 0:
            return np.zeros(shape, self.dtype)
        if kind == "regular":
            return self._read(Selected(regular(region[1]), shape))
        places = coordinates(region)
        low, high = places.min(axis=0), places.max(axis=0)
        box = [(int(a), 1, int(b - a + 1)) for a, b in zip(low, high, strict=True)]
        values = self._read(Selected(list(box), tuple(n for _, _, n in box)))
        picked = values[tuple((places - low).T)]
        return picked.reshape(shape + picked.shape[1:])

    # ---- writing
    def __setitem__(self, args: Any, value: Any) -> None:
        write(self, args if isinstance(args, tuple) else (args,), value)

    def write_direct(
        self, source: np.ndarray, source_sel: Any = None, dest_sel: Any = None
    ) -> None:
        """Write from an array."""
        _check_layout(source)
        value = source if source_sel is None else source[source_sel]
        self[() if dest_sel is None else dest_sel] = value

    def resize(self, size: int | tuple[int, ...], axis: int | None = None) -> None:
        """Change the shape, or the length of one axis; new elements are the fill value."""
        if self.chunks is None:
            raise TypeError("Only chunked datasets can be resized")
        if axis is not None:
            if not 0 <= axis < self.ndim:
                raise ValueError(f"Invalid axis (0 to {self.ndim - 1} allowed)")
            if isinstance(size, tuple):
                raise TypeError("Argument must be a single int if axis is specified")
            shape = [*self.shape]
            shape[axis] = operator.index(size)
        else:
            given = size if isinstance(size, (tuple, list)) else (size,)
            shape = [operator.index(n) for n in given]
        self._node.resize(shape)
        self._state.resized()

    def make_scale(self, name: str = "") -> None:
        """Make the dataset a scale that dimensions of others can have."""
        make_scale(self, name)

    @property
    def is_scale(self) -> bool:
        """Whether the dataset is a scale."""
        return is_scale(self)

    @cached_property
    def dims(self) -> DimensionManager:
        """The labels and scales of the dimensions."""
        return DimensionManager(self)

    def refresh(self) -> None:
        """Look at the file again."""
        self._state.resized()

    def flush(self) -> None:
        """Write what was changed."""
        self._state.file.flush()

    def read_direct(self, dest: np.ndarray, source_sel: Any = None, dest_sel: Any = None) -> None:
        """Read into an array that exists, straight into its memory where that is possible.

        Selections of as many elements fit, whatever their shapes.
        """
        if self.shape is None:
            raise TypeError("a dataset without elements cannot be read into an array")
        _check_layout(dest)
        args = source_sel if isinstance(source_sel, tuple) else (source_sel,)
        selected = select(() if source_sel is None else args, self.shape)
        places = () if dest_sel is None else dest_sel
        part = dest[places]
        # An object in an array may have a shape of its own.
        wanted = np.broadcast_to(np.False_, dest.shape)[places].shape
        inner = flattened(self.dtype)[1]
        shape = selected.shape + inner
        if _without_ones(wanted) != _without_ones(shape):
            raise TypeError(f"cannot read elements of shape {shape} into {wanted}")
        if self._reads_into(part, selected):
            raw = part.reshape(-1).view("u1")
            self._read_into(selected, raw)
            return
        dest[places] = self._read(selected).reshape(wanted)[()]

    def _reads_into(self, part: Any, selected: Selected) -> bool:
        """Whether elements have the type and the order that an array has in memory."""
        base = flattened(self.dtype)[0]
        return (
            isinstance(part, np.ndarray)
            and self._type.is_plain
            and part.dtype == base
            and part.size > 0
            and not part.dtype.hasobject
            and bool(part.flags.c_contiguous)
            and bool(part.flags.writeable)
            and part.nbytes == selected.count * self._type.size
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(NO_COPY)
        return np.asarray(self[()], dtype=dtype)

    def mapped(self) -> np.ndarray:
        """The elements in a read-only map of the file: none is read before it is looked at.

        The data have to stand in one piece in a file that is open for reading, as NumPy has them;
        `TypeError` says what is in the way. The file must stay as it is for as long as there is
        such an array.

            with hdf5.File("field.h5") as file:
                field = file["field"].mapped()  # stays when the file is closed
        """
        return mapped(self)

    def __buffer__(self, flags: int) -> memoryview:
        del flags
        return memoryview(self.mapped())  # pyright: ignore[reportArgumentType]

    def __dlpack__(self, **options: Any) -> Any:
        return self[()].__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        # That of the processor.
        return (1, 0)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        from cannery.hdf5 import _arrow

        return _arrow.stream(self, requested_schema)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a dataset without dimensions has no length")
        return self.shape[0]

    def len(self) -> int:
        """The length of the first dimension."""
        return len(self)

    def __iter__(self) -> Iterator[Any]:
        # As many rows at a time as take some megabytes.
        rows = len(self)
        row = max(1, self.nbytes // max(rows, 1))
        step = max(1, (4 << 20) // row)
        for start in range(0, rows, step):
            yield from self[start : start + step]

    def __bool__(self) -> bool:
        return bool(self._state)

    def astype(self, dtype: Any) -> AsTypeView:
        """A view whose slices are of another type."""
        if np.dtype(dtype).kind == "T" and check_string_dtype(self.dtype) is None:
            raise TypeError("expected an HDF5 string datatype for text of NumPy's")
        return AsTypeView(self, np.dtype(dtype))

    def asstr(self, encoding: str | None = None, errors: str = "strict") -> AsStrView:
        """A view whose slices are text."""
        info = check_string_dtype(self.dtype)
        if info is None:
            raise TypeError("expected a dataset of text")
        return AsStrView(self, encoding or info.encoding, errors)

    def fields(self, names: str | list[str]) -> FieldsView:
        """A view of some fields."""
        return FieldsView(self, names if isinstance(names, str) else list(names))

    def iter_chunks(self, sel: Any = None) -> Iterator[tuple[slice, ...]]:
        """The slices of the chunks that a selection touches."""
        if self.chunks is None:
            raise TypeError("the dataset has no chunks")
        args = () if sel is None else sel if isinstance(sel, tuple) else (sel,)
        if args and len(args) != self.ndim:
            raise ValueError(f"expected {self.ndim} slices, found {len(args)}")
        wanted = tuple(arg if isinstance(arg, slice) else slice(arg, arg + 1) for arg in args)
        return _touched(wanted or (slice(None),) * self.ndim, self.shape, self.chunks)

    def __repr__(self) -> str:
        if not self:
            return "<Closed HDF5 dataset>"
        name = shown((self.name or "").rpartition("/")[2])
        name = f'"{name}"' if self.name else "(anonymous)"
        try:
            what = f'type "{self.dtype.str}"'
        except TypeError:
            what = "unknown type"
        return f"<HDF5 dataset {name}: shape {self.shape}, {what}>"


class _RegionProxy:
    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __getitem__(self, args: Any) -> RegionReference:
        dataset = self._dataset
        args = args if isinstance(args, tuple) else (args,)
        return region_reference(dataset, args)

    def shape(self, ref: RegionReference) -> Any:
        """The shape of the dataset that is referred to."""
        found = ref._region()
        return self._dataset.shape if found is None else found[0].dataset().shape

    def selection(self, ref: RegionReference) -> tuple[int, ...] | None:
        """The shape of the elements that are referred to."""
        found = ref._region()
        return None if found is None else region_shape(found[1], self._dataset.shape)


class _View:
    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def shape(self) -> Any:
        """The shape."""
        return self._dataset.shape

    @property
    def ndim(self) -> int:
        """How many dimensions."""
        return self._dataset.ndim

    @property
    def size(self) -> int | None:
        """How many elements."""
        return self._dataset.size

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[Any]:
        return iter(self[()])  # type: ignore[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(NO_COPY)
        return np.asarray(self[()], dtype=dtype)  # type: ignore[index]


class AsTypeView(_View):
    """A dataset whose slices are of another type."""

    def __init__(self, dataset: Dataset, dtype: np.dtype) -> None:
        super().__init__(dataset)
        self.dtype = dtype

    def __getitem__(self, args: Any) -> Any:
        return as_numbers(np.asarray(self._dataset[args]), self.dtype)[()]


class AsStrView(_View):
    """A dataset of text whose slices are `str`."""

    def __init__(self, dataset: Dataset, encoding: str, errors: str) -> None:
        super().__init__(dataset)
        self.encoding, self.errors = encoding, errors
        self.dtype = np.dtype(object)

    def __getitem__(self, args: Any) -> Any:
        found = self._dataset[args]
        if isinstance(found, bytes):
            return found.decode(self.encoding, self.errors)
        texts = [data.decode(self.encoding, self.errors) for data in found.ravel()]
        out = np.empty(len(texts), object)
        out[:] = texts
        return out.reshape(found.shape)


class FieldsView(_View):
    """Some fields of a dataset."""

    def __init__(self, dataset: Dataset, names: str | list[str]) -> None:
        super().__init__(dataset)
        self._names = names
        _fields(dataset.dtype, names)

    @property
    def dtype(self) -> np.dtype:
        """NumPy's type of the fields."""
        return _fields(self._dataset.dtype, self._names)

    def __getitem__(self, args: Any) -> Any:
        rest = args if isinstance(args, tuple) else (args,)
        return self._dataset._read_fields(self._names, rest)


def _fields(dtype: np.dtype, names: str | list[str]) -> np.dtype:
    """The type of a field, or of records of some fields."""
    known = dtype.names or ()
    for name in [names] if isinstance(names, str) else names:
        if name not in known:
            raise ValueError(f"no field is named `{shown(name)}`")
    if isinstance(names, str):
        return dtype[names]
    return np.dtype([(name, dtype[name]) for name in names])


def _check_layout(array: Any) -> None:
    if not array.flags.c_contiguous:
        raise TypeError("expected an array whose elements lie in C's order without gaps")


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def mapped(dataset: Dataset) -> np.ndarray:
    """The elements of a dataset in a read-only map of its file."""
    native, kind = dataset._native, dataset._type
    path, offset = dataset._node.file_path, native.data_offset
    if dataset._state.file.mode != "r":
        raise TypeError("the data of a file that may be changed are not mapped")
    if path is None:
        raise TypeError("a file in memory is not mapped")
    if not kind.is_plain or dataset.shape is None:
        raise TypeError(f"elements of the type `{dataset.dtype}` are other bytes in the file")
    base, inner = flattened(dataset.dtype)
    shape = (*dataset.shape, *inner)
    if math.prod(shape) == 0:
        return np.empty(shape, base)
    if offset is None:
        raise TypeError("the data do not stand in one piece in the file")
    return np.memmap(path, base, "r", offset, shape)


def _touched(
    args: tuple[slice, ...], shape: tuple[int, ...], chunks: tuple[int, ...]
) -> Iterator[tuple[slice, ...]]:
    bounds = [arg.indices(n)[:2] for arg, n in zip(args, shape, strict=True)]
    grid = [range(a // c, -(-b // c)) for (a, b), c in zip(bounds, chunks, strict=True)]
    for place in np.ndindex(*(len(r) for r in grid)):
        yield tuple(
            slice(max(r[i] * c, a), min((r[i] + 1) * c, b), 1)
            for i, r, c, (a, b) in zip(place, grid, chunks, bounds, strict=True)
        )


def _options(number: int, values: tuple[int, ...]) -> Any:
    if number == 1:
        return values[0] if values else None
    if number == 4:
        mask = values[0] if values else 0
        if not mask & 36:
            raise TypeError("unknown options of szip")
        return ("ec" if mask & 4 else "nn"), values[1]
    return None if number == 32000 else values or None


#: Bytes that any machine has: how much memory there is, is not looked up.
_SMALL = 1 << 24


def _affordable(count: int) -> int:
    """Refuses what memory cannot hold, before it is allocated: a file declares any shape."""
    if count > _SMALL and count > _memory():
        error = LimitError(f"the selection takes {count} bytes, more than there is memory")
        error.hint = "read it in slices"
        raise error
    return count


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 1 << 40
