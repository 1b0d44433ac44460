"""A file as the program that wrote it shows it: nested mappings of names, read when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cannery.hdf5._errors import shown

if TYPE_CHECKING:
    from types import TracebackType

    from cannery.hdf5._dataset import Dataset
    from cannery.hdf5._objects import Group

#: Attributes of netCDF-4 and of dimension scales that are no attributes of a variable.
HIDDEN = frozenset(
    (
        "CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "DIMENSION_LABELS", "_Netcdf4Dimid",
        "_Netcdf4Coordinates", "_nc3_strict", "_NCProperties", "_NCCOPY",
    )
)  # fmt: skip


class Members(Protocol):
    """What finds and reads the members of groups."""

    def entries(self, group: Any) -> dict[str, Any]:
        """The names of a group's members, and where each is."""
        ...

    def opened(self, entry: Any, group: Any) -> Any:
        """A member, as far as it is read at once."""
        ...

    def whole(self, group: Any) -> Any:
        """All values of a group."""
        ...


class Tree(Mapping[str, Any]):
    """A group as a mapping of names to what its members are.

    Groups are trees again. Arrays are `Dataset`s, or `Variable`s where dimensions have names or
    another order; slices of them are read. What is one value to the program that wrote it (a frame,
    a sparse matrix, a text, a number) is read when it is asked for.

        with cannery.load("atlas.h5ad", lazy=True) as tree:
            tree["obs"]["cell_type"], tree["layers"]["counts"], tree.attrs
    """

    def __init__(self, group: Group, members: Members, owns_file: bool = False) -> None:
        self._group, self._members, self._owns_file = group, members, owns_file
        self._kept: dict[str, Any] | None = None

    @property
    def _entries(self) -> dict[str, Any]:
        if self._kept is None:
            self._kept = self._members.entries(self._group)
        return self._kept

    @property
    def group(self) -> Group:
        """The group, in h5py's manner."""
        return self._group

    @property
    def file(self) -> Any:
        """The file, in h5py's manner."""
        return self._group.file

    @property
    def name(self) -> str:
        """The path of the group."""
        return self._group.name or ""

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The attributes."""
        return _visible(self._group)

    @property
    def dimensions(self) -> dict[str, int]:
        """The dimensions of netCDF that belong to the group, and their lengths."""
        return {name: int(scale.shape[0]) for name, scale in _scales(self._group)}

    @property
    def unlimited(self) -> list[str]:
        """The dimensions that may grow."""
        return [name for name, scale in _scales(self._group) if scale.maxshape[0] is None]

    def load(self) -> Any:
        """All values below, as `cannery.load` gives them."""
        return self._members.whole(self._group)

    def __getitem__(self, name: str) -> Any:
        found: Any = self
        parts = [name] if name in self._entries else [p for p in name.split("/") if p]
        for part in parts:
            if not isinstance(found, Tree):
                found = found[part]
                continue
            if part not in found._entries:
                error = KeyError(f"`{shown(found.name)}` has no member `{shown(part)}`")
                raise error
            found = found._members.opened(found._entries[part], found._group)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if name in self._entries:
            return True
        try:
            self[name]
        except (KeyError, TypeError, IndexError):
            return False
        return True

    def close(self) -> None:
        """Close the file."""
        self._group._state.file.close()

    def __enter__(self) -> Tree:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._owns_file:
            self.close()

    def _ipython_key_completions_(self) -> list[str]:
        """The names that IPython offers between brackets."""
        return list(self)

    def __repr__(self) -> str:
        if not self._group:
            return "<Closed tree>"
        kind = kind_of(self._group)
        names = ", ".join(shown(name) for name in list(self)[:8])
        more = ", ..." if len(self) > 8 else ""
        return f'<Tree "{shown(self.name)}"{f" ({shown(kind)})" if kind else ""}: {names}{more}>'


class Variable:
    """An array whose dimensions have names, or are in another order than in the file."""

    def __init__(self, dataset: Dataset, dimensions: tuple[str, ...] = (), turned: bool = False,
                 dtype: Any = None) -> None:  # fmt: skip
        self._dataset, self._turned = dataset, turned
        self._dimensions = dimensions
        self._dtype = dataset.dtype if dtype is None else np.dtype(dtype)

    @property
    def dataset(self) -> Dataset:
        """The dataset, in h5py's manner."""
        return self._dataset

    @property
    def name(self) -> str:
        """The path of the dataset."""
        return self._dataset.name or ""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the dimensions; empty texts for those without."""
        return self._dimensions

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        shape = tuple(self._dataset.shape or ())
        return shape[::-1] if self._turned else shape

    @property
    def ndim(self) -> int:
        """How many dimensions."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """NumPy's type of the elements."""
        return self._dtype

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The attributes, without those by which dimensions are found."""
        return _visible(self._dataset)

    @property
    def fill_value(self) -> Any:
        """What missing elements are: the attribute `_FillValue`, or what unwritten ones are."""
        found = self.attrs.get("_FillValue")
        return self._dataset.fillvalue if found is None else np.asarray(found).reshape(-1)[0]

    def masked(self, *slices: Any) -> Any:
        """Elements as a masked array: those that are `_FillValue` or `missing_value` are masked."""
        values = np.ma.asarray(self[slices if slices else ()])
        for name in ("_FillValue", "missing_value"):
            for gone in np.atleast_1d(np.asarray(self.attrs.get(name, []))):
                is_nan = gone.dtype.kind == "f" and np.isnan(gone)
                found = np.isnan(values.data) if is_nan else values.data == gone
                values = np.ma.array(values, mask=np.ma.getmaskarray(values) | found)
        return values

    def __getitem__(self, args: Any) -> Any:
        if not self._turned:
            values = self._dataset[args]
        else:
            args = args if isinstance(args, tuple) else (args,)
            if not all(isinstance(arg, (int, np.integer, slice)) or arg is ... for arg in args):
                return self[()][args]
            if Ellipsis in args:
                at = args.index(Ellipsis)
                rest = self.ndim - len(args) + 1
                args = (*args[:at], *(slice(None),) * rest, *args[at + 1 :])
            args = (*args, *(slice(None),) * (self.ndim - len(args)))
            values = self._dataset[args[::-1]]
            values = values.T if isinstance(values, np.ndarray) else values
        return values if self._dtype == self._dataset.dtype else _as_type(values, self._dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("an array that is read from a file is a copy")
        return np.asarray(self[()], dtype=dtype)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without dimensions has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        sides = [
            f"{shown(name)}={n}" if name else str(n)
            for name, n in zip(self._dimensions or ("",) * self.ndim, self.shape, strict=True)
        ]
        return f'<Variable "{shown(self.name)}" ({", ".join(sides)}) of {self._dtype}>'


def _as_type(values: Any, dtype: np.dtype) -> Any:
    if dtype.kind == "c" and getattr(values, "dtype", dtype).names:
        real, imaginary = values.dtype.names[:2]
        return (values[real] + 1j * values[imaginary]).astype(dtype)
    return np.asarray(values).astype(dtype)[()]


def _visible(made: Any) -> dict[str, Any]:
    """The attributes of an object as values; texts as `str`, without a netCDF file's own ones."""
    found: dict[str, Any] = {}
    for name in made.attrs:
        if name not in HIDDEN:
            found[name] = plain(made.attrs[name])
    return found


def plain(value: Any) -> Any:
    """An attribute as a value: texts decoded."""
    if getattr(value, "shape", ()) is None:
        return "" if value.dtype.kind in "SO" else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, np.ndarray) and value.dtype.kind == "S":
        return np.array([plain(v) for v in value.ravel()], object).reshape(value.shape)
    return value


def kind_of(group: Any) -> str:
    """What its writer says a group is, or nothing."""
    for name in ("NX_class", "neurodata_type", "encoding-type", "MATLAB_class", "pandas_type"):
        if name in group.attrs:
            found = plain(group.attrs[name])
            return found if isinstance(found, str) else ""
    return ""


def _scales(group: Any) -> Iterator[tuple[str, Any]]:
    from cannery.hdf5._dataset import Dataset

    for name in group:
        if group.get(name, getclass=True) is Dataset:
            made = group[name]
            if made.is_scale and len(made.shape or ()) >= 1:
                yield name, made
