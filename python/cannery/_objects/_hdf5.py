"""Values as HDF5 files: dictionaries are groups, arrays, numbers and text are datasets.

What HDF5 has no form for is said by an attribute of the dataset or group: lists and tuples, `None`,
long integers, bytes; other objects are tagged documents, as texts.
"""

from __future__ import annotations

import io
from typing import IO, Any

from cannery._objects._hdf5_frames import NoTableError, dump_frame, is_frame
from cannery._objects._hdf5_read import TAG
from cannery.errors import DataTypeError, DepthError

_DEEPEST = 200

_INT64 = range(-(1 << 63), 1 << 63)

_ENCODING = "encoding-type"


def dump(value: Any, file: IO[bytes]) -> None:
    """Write a value to a new file."""
    from cannery import hdf5

    memory = io.BytesIO()
    with hdf5.File(memory, "w", track_order=True) as opened:
        if type(value) is dict:
            _Writer().members(opened, value, 0)
        else:
            opened.attrs[TAG] = "value"
            _Writer().value(opened, "value", value, 0)
    file.write(memory.getvalue())


class _Writer:
    def __init__(self) -> None:
        self._open: list[int] = []

    def members(self, group: Any, value: dict[Any, Any], depth: int) -> None:
        if all(_is_name(key) for key in value):
            for name, member in value.items():
                self.value(group, name, member, depth + 1)
            return
        group.attrs[TAG] = "items"
        for i, pair in enumerate(value.items()):
            self.value(group, str(i), pair, depth + 1)

    def value(self, group: Any, name: str, value: Any, depth: int) -> None:
        if depth > _DEEPEST:
            raise DepthError("values are nested too deeply for a file of groups")
        if id(value) in self._open:
            raise DataTypeError("a value that contains itself has no place in a file of groups")
        kind = type(value)
        if kind in (dict, list, tuple):
            self._open.append(id(value))
            self._container(group, name, value, depth)
            self._open.pop()
            return
        stored = _scalar(value)
        if stored is None:
            self._object(group, name, value)
            return
        data, tag = stored
        made = group.create_dataset(name, data=data)
        if tag:
            made.attrs[TAG] = tag

    def _container(self, group: Any, name: str, value: Any, depth: int) -> None:
        if type(value) is dict:
            self.members(group.create_group(name, track_order=True), value, depth)
            return
        tag = type(value).__name__
        data = _column(value)
        if data is not None:
            group.create_dataset(name, data=data).attrs[TAG] = tag
            return
        made = group.create_group(name, track_order=True)
        made.attrs[TAG] = tag
        for i, item in enumerate(value):
            self.value(made, str(i), item, depth + 1)

    def _object(self, group: Any, name: str, value: Any) -> None:
        if _is_sparse(value):
            _dump_sparse(group.create_group(name), value)
            return
        if is_frame(value) and self._table(group, name, value):
            return
        from cannery._objects import dumps

        document = dumps(value, "json").decode("utf-8", "surrogatepass")
        group.create_dataset(name, data=document).attrs[TAG] = "document"

    def _table(self, group: Any, name: str, value: Any) -> bool:
        """Write a frame as a table of pandas', if it has that form."""
        made = group.create_group(name)
        try:
            dump_frame(made, value)
        except NoTableError:
            del group[name]
            return False
        return True


def _is_name(key: Any) -> bool:
    if type(key) is not str or key in ("", ".") or "/" in key or "\0" in key:
        return False
    return _is_unicode(key)


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_plain_text(value: str) -> bool:
    return "\0" not in value and _is_unicode(value)


def _scalar(value: Any) -> tuple[Any, str] | None:
    """What is stored for a value, and its tag; `None` for what is no array and no scalar."""
    import numpy as np

    from cannery import hdf5

    kind = type(value)
    if value is None:
        return hdf5.Empty("i1"), "none"
    if kind is bool or kind is float or kind is complex:
        return value, kind.__name__
    if kind is int and value in _INT64:
        return value, "int"
    if kind is str and _is_plain_text(value):
        return value, ""
    if kind is bytes:
        return np.frombuffer(value, "u1"), "bytes"
    if isinstance(value, (np.ndarray, np.generic)) and kind.__module__ == "numpy":
        # Else an array without dimensions would come back as a number.
        tag = "array" if isinstance(value, np.ndarray) and value.ndim == 0 else ""
        if (
            value.dtype.kind in "iufcb"
            and value.dtype.itemsize <= 16
            and value.dtype.char not in "gG"
        ):
            return value, tag
        if value.dtype.kind == "S" and value.dtype.itemsize:
            return value, tag
    return None


def _column(value: Any) -> Any:
    """An array for a list whose items are all of one kind, or `None`."""
    import numpy as np

    from cannery import hdf5

    kinds = {type(item) for item in value}
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    if kind in (float, bool) or (kind is int and all(item in _INT64 for item in value)):
        return np.array(value, {float: "f8", bool: "?", int: "i8"}[kind])
    if kind is str and all(_is_plain_text(item) for item in value):
        return np.array(value, dtype=hdf5.string_dtype())
    return None


def _is_sparse(value: Any) -> bool:
    module = type(value).__module__
    return module.startswith("scipy.sparse") and getattr(value, "format", "") in ("csr", "csc")


def _dump_sparse(group: Any, value: Any) -> None:
    """A sparse matrix as AnnData stores it."""
    group.attrs[_ENCODING] = f"{value.format}_matrix"
    group.attrs["encoding-version"] = "0.1.0"
    group.attrs["shape"] = list(value.shape)
    group.attrs[TAG] = type(value).__name__
    for name in ("data", "indices", "indptr"):
        group.create_dataset(name, data=getattr(value, name))
