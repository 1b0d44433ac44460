"""What HDF5 files hold, as objects or as a tree that is read when it is asked for.

What writers mean by groups is found out here: frames of pandas, AnnData, MATLAB, Keras, netCDF.
"""

from __future__ import annotations

import importlib.util
import os
from typing import IO, Any

from cannery._objects import (
    _hdf5_anndata,
    _hdf5_keras,
    _hdf5_matlab,
    _hdf5_netcdf,
    _hdf5_pandas,
    _hdf5_pytables,
)
from cannery._objects._checks import Untrusted
from cannery._objects._hdf5_frames import COLUMNS, load_frame
from cannery._objects._hdf5_names import most_expanded, sparse, spend_objects
from cannery._objects._labels import check_labels
from cannery.errors import (
    CanneryError,
    DataError,
    DataTypeError,
    LimitError,
    UntrustedTypeError,
)

#: The attribute that says what a dataset or group stands for.
TAG = "cannery"

# What the values of a file may take for each of its bytes.
_BYTES_PER_BYTE = 1100
_LEAST_BYTES = 1024
_OBJECTS = ("list", "tuple", "records")
_DEEPEST = 200

_ENCODING = "encoding-type"

# What pandas, SciPy and NumPy say of parts that do not belong together.
_WRONG = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError,
          NotImplementedError)  # fmt: skip


def load(file: IO[bytes], trust: tuple[Any, ...]) -> Any:
    """Read all values of a file."""
    from cannery import hdf5

    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    with hdf5.File(file, "r") as opened:
        reader = Reader(opened, trust, most_expanded(size, _BYTES_PER_BYTE))
        opened._state.spend = reader.spend
        try:
            return reader.group(opened)
        except CanneryError:
            raise
        except Untrusted as error:
            message = f"a label is a {error.type_name}, a type that is not trusted"
            refused = UntrustedTypeError(message)
            refused.hint = f"if you trust it, load with `trust=[{error.type_name!r}]`"
            raise refused from None
        except _WRONG as error:
            raise DataError(f"the file says what cannot be: {error}") from error


def open_tree(opened: Any, trust: tuple[Any, ...]) -> Any:
    """An open file as a tree."""
    from cannery import hdf5

    return hdf5.Tree(opened, Reader(opened, trust, None), owns_file=True)


class Reader:
    """Reads the objects of a file; with `most`, no more bytes than that."""

    def __init__(self, file: Any, trust: tuple[Any, ...], most: int | None) -> None:
        self._file, self._trust = file, trust
        self._open: list[Any] = []
        self._left = most
        self._is_netcdf = _hdf5_netcdf.is_netcdf(file)
        self._scales: dict[Any, str] | None = None
        self._paths: dict[Any, str] | None = None

    def spend(self, count: int) -> None:
        """Count bytes: links may lead to one group again and again; a dataset may be unwritten."""
        if self._left is None:
            return
        self._left -= max(count, _LEAST_BYTES)
        if self._left < 0:
            error = LimitError("the file expands to more bytes than its limit allows")
            error.hint = (
                "if it is trusted, open it with `cannery.hdf5.File`, or name the bytes that it may "
                "expand to in the environment variable `CANNERY_MAX_EXPANDED`"
            )
            raise error

    # ---- members
    def entries(self, group: Any) -> dict[str, Any]:
        """The names of a group's members, and where each is: a path, or a value that is known."""
        known = _hdf5_keras.entries(group)
        if known is not None:
            return known
        names = _hdf5_matlab.fields(group) if _hdf5_matlab.is_struct(group) else list(group)
        return {name: name for name in names if self._is_member(group, name)}

    def _is_member(self, group: Any, name: str) -> bool:
        from cannery import hdf5

        if name.startswith("_i_") and "CLASS" in group.attrs:
            # What PyTables finds rows by.
            return False
        if name in _hdf5_matlab.HIDDEN:
            return group.name != "/"
        if not self._is_netcdf or group.get(name, getclass=True) is not hdf5.Dataset:
            return True
        return _hdf5_netcdf.is_variable(group[name])

    # ---- trees
    def opened(self, entry: Any, group: Any) -> Any:
        """A member of a tree: a tree, an array of which slices are read, or one value."""
        from cannery import hdf5

        if isinstance(entry, _hdf5_keras.Value):
            return entry.value
        member = group[entry]
        if isinstance(member, hdf5.Dataset):
            return self._opened_dataset(member)
        if isinstance(member, hdf5.Datatype):
            return member.dtype
        if self._is_one_value(member):
            return self.value(member)
        return hdf5.Tree(member, self)

    def _opened_dataset(self, member: Any) -> Any:
        from cannery import hdf5

        if self._is_netcdf:
            if self._scales is None:
                self._scales = _hdf5_netcdf.scale_names(self._file)
            return hdf5.Variable(member, _hdf5_netcdf.dimensions(member, self._scales))
        if _hdf5_matlab.is_lazy_array(member):
            return hdf5.Variable(member, (), True, _hdf5_matlab.dtype_of(member))
        is_value = self._is_one_value(member) or member.shape in ((), None)
        return self.value(member) if is_value else member

    def _is_one_value(self, member: Any) -> bool:
        if _tag(member) or _hdf5_anndata.is_value(member):
            return True
        if _hdf5_matlab.class_of(member):
            return not hasattr(member, "keys") or not _hdf5_matlab.is_struct(member)
        return hasattr(member, "keys") and _frame_loader(member) is not None

    def whole(self, group: Any) -> Any:
        """All values of a group."""
        return self.group(group)

    # ---- values
    def group(self, group: Any) -> Any:
        """All values of a group, or the one value that it stands for."""
        from cannery.hdf5 import ObjectError

        load_frame = _frame_loader(group)
        if load_frame is not None:
            return load_frame(group, self._trust)
        if group.id in self._open or len(self._open) > _DEEPEST:
            raise DataTypeError("a group that contains itself is no tree")
        self._open.append(group.id)
        if _hdf5_anndata.is_value(group) and not _tag(group):
            made = _hdf5_anndata.load(group, self.value)
        elif _hdf5_matlab.class_of(group) and not _hdf5_matlab.is_struct(group):
            made = _hdf5_matlab.load(group, self.value)
        else:
            values: dict[str, Any] = {}
            for name, entry in self.entries(group).items():
                try:
                    values[name] = self._entry(entry, group)
                except ObjectError:
                    # A link into nothing is no value.
                    if not hasattr(group.get(name, getlink=True), "path"):
                        raise
            made = self._made(group, values)
        self._open.pop()
        return made

    def _entry(self, entry: Any, group: Any) -> Any:
        return entry.value if isinstance(entry, _hdf5_keras.Value) else self.value(group[entry])

    def _made(self, group: Any, values: dict[str, Any]) -> Any:
        tag = _tag(group)
        if tag in ("list", "tuple"):
            items = [values[str(i)] for i in range(len(values))]
            return items if tag == "list" else tuple(items)
        if tag == "value" and "value" in values:
            return values["value"]
        if tag == "items":
            return _items([values[str(i)] for i in range(len(values))])
        if tag and group.attrs.get(_ENCODING) in ("csr_matrix", "csc_matrix"):
            return _load_sparse(tag, tuple(int(n) for n in group.attrs["shape"]), values)
        return values

    def value(self, member: Any) -> Any:
        """The value of an object."""
        from cannery import hdf5

        self.spend(0)
        if isinstance(member, hdf5.Group):
            return self.group(member)
        if isinstance(member, hdf5.Datatype):
            return member.dtype
        tag = _tag(member)
        if member.dtype.kind == "O" or tag in _OBJECTS:
            spend_objects(member, member.size or 0)
        if tag:
            return self._tagged(member, tag)
        if _hdf5_matlab.class_of(member):
            return self._inner(member, _hdf5_matlab.load)
        if _hdf5_anndata.is_value(member):
            return self._inner(member, _hdf5_anndata.load)
        if _has_pandas() and _hdf5_pandas.is_rows(member):
            return _hdf5_pandas.load_rows(member)
        if _hdf5_pytables.is_objects(member):
            return _hdf5_pytables.object_rows(member, self._trust)
        return self._plain(member)

    def _inner(self, member: Any, load: Any) -> Any:
        if member.id in self._open or len(self._open) > _DEEPEST:
            raise DataTypeError("a value that contains itself is no tree")
        self._open.append(member.id)
        made = load(member, self.value)
        self._open.pop()
        return made

    def _tagged(self, member: Any, tag: str) -> Any:
        from cannery import hdf5

        if tag == "none":
            return None
        info = hdf5.check_string_dtype(member.dtype)
        if info is not None and info.length is None:
            texts = member.asstr("utf-8", "surrogateescape")[()]
            if tag == "document":
                from cannery._objects import loads

                return loads(texts.encode("utf-8", "surrogatepass"), "json", trust=self._trust)
            return texts if member.shape == () else _restored(texts, tag)
        if tag == "array":
            return member[...]
        found = member[()]
        if tag == "records" and found.dtype.names is not None:
            return _records(found)
        return _restored(found, tag)

    def _plain(self, member: Any) -> Any:
        from cannery import hdf5

        if member.shape is None:
            return None
        info = hdf5.check_string_dtype(member.dtype)
        if info is not None and info.length is None:
            return member.asstr("utf-8", "surrogateescape")[()]
        if hdf5.check_ref_dtype(member.dtype) is hdf5.Reference:
            return self._targets(member[()])
        found = member[()]
        if _hdf5_pytables.is_array(member):
            found = _hdf5_pytables.as_written(found, member._native.datatype.describe())
        is_text = info is not None and info.encoding == "utf-8" and isinstance(found, bytes)
        return found.decode("utf-8", "surrogateescape") if is_text else found

    def _targets(self, references: Any) -> Any:
        """The paths of what references lead to: outside of the file, they lead nowhere."""
        import numpy as np

        if not isinstance(references, np.ndarray):
            return self._target(references)
        out = np.empty(references.size, object)
        out[:] = [self._target(reference) for reference in references.ravel()]
        return out.reshape(references.shape)

    def _target(self, reference: Any) -> str | None:
        if not reference:
            return None
        if self._paths is None:
            paths = {self._file.id: "/"}
            self._file.visititems(lambda path, made: paths.setdefault(made.id, f"/{path}") and None)
            self._paths = paths
        return self._paths.get(self._file[reference].id)


def _frame_loader(group: Any) -> Any:
    """What reads the frame or series that a group holds, if it holds one and pandas is there."""
    if "pandas_type" not in group.attrs or not _has_pandas():
        return None
    if _hdf5_pandas.is_pandas_table(group):
        return load_frame if COLUMNS in group.attrs else _hdf5_pandas.load_table
    return _hdf5_pandas.load_fixed if _hdf5_pandas.is_fixed(group) else None


def _has_pandas() -> bool:
    return importlib.util.find_spec("pandas") is not None


def _records(found: Any) -> list[dict[str, Any]]:
    """Records as dictionaries, their texts decoded."""

    def plain(value: Any) -> Any:
        return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value

    names = found.dtype.names
    return [{n: plain(v) for n, v in zip(names, row, strict=True)} for row in found.tolist()]


def _items(pairs: list[Any]) -> dict[Any, Any]:
    """A dictionary of pairs of keys and values."""
    check_labels([key for key, _ in pairs], "items")
    return dict(pairs)


def _restored(found: Any, tag: str) -> Any:
    if tag == "bytes":
        return found.tobytes()
    if tag == "list":
        return found.tolist()
    if tag == "tuple":
        return tuple(found.tolist())
    if tag in ("int", "float", "bool", "complex"):
        return found.item()
    return found


def _tag(member: Any) -> str:
    found = member.attrs.get(TAG, "") if TAG in member.attrs else ""
    return found if isinstance(found, str) else ""


def _load_sparse(name: str, shape: tuple[int, ...], values: dict[str, Any]) -> Any:
    import scipy.sparse

    classes = ("csr_matrix", "csc_matrix", "csr_array", "csc_array")
    if name not in classes:
        raise DataTypeError(f"expected a sparse matrix, found `{name[:60]!r}`")
    parts = (values["data"], values["indices"], values["indptr"])
    return sparse(getattr(scipy.sparse, name)(parts, shape))
