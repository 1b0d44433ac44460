"""Files of MATLAB 7.3: what its values are in HDF5."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cannery._objects import _hdf5_names
from cannery.errors import DataTypeError

#: Groups at the root that hold what others refer to.
HIDDEN = ("#refs#", "#subsystem#")

_CLASS = "MATLAB_class"
_NUMBERS = {
    "double": "f8", "single": "f4", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "int64": "i8", "uint64": "u8", "logical": "?",
}  # fmt: skip


def class_of(made: Any) -> str:
    """The class that MATLAB says a value has; nothing for what MATLAB did not write."""
    if _CLASS not in made.attrs:
        return ""
    found = made.attrs[_CLASS]
    return found.decode("ascii", "replace") if isinstance(found, bytes) else str(found)


def is_struct(group: Any) -> bool:
    """Whether a group is one structure with fields."""
    return class_of(group) == "struct" and not _is_array_of_structs(group)


def fields(group: Any) -> list[str]:
    """The names of the fields in MATLAB's order."""
    import numpy as np

    there = list(group)
    if "MATLAB_fields" not in group.attrs:
        return there
    named = [
        b"".join(np.asarray(letters).reshape(-1).tolist()).decode("utf-8", "surrogateescape")
        for letters in group.attrs["MATLAB_fields"].reshape(-1)
    ]
    known = set(there)
    ordered = dict.fromkeys(name for name in named if name in known)
    return [*ordered, *(name for name in there if name not in ordered)]


def _is_array_of_structs(group: Any) -> bool:
    from cannery import hdf5

    for name in group:
        member = group[name]
        if not isinstance(member, hdf5.Dataset) or _CLASS in member.attrs:
            return False
        if hdf5.check_ref_dtype(member.dtype) is None:
            return False
    return len(group) > 0


def is_lazy_array(made: Any) -> bool:
    """Whether a dataset is numbers of which slices can be read."""
    shape = made.shape or ()
    if class_of(made) not in _NUMBERS or "MATLAB_empty" in made.attrs:
        return False
    return tuple(shape) != (1, 1)


def dtype_of(made: Any) -> Any:
    """NumPy's type of numbers."""
    import numpy as np

    names = made.dtype.names
    if names:
        return np.dtype("c8" if made.dtype[names[0]].itemsize == 4 else "c16")
    return np.dtype(bool) if class_of(made) == "logical" else made.dtype


def load(made: Any, value: Callable[[Any], Any]) -> Any:
    """The value of an object; `value` reads those that it refers to."""
    from cannery import hdf5

    if isinstance(made, hdf5.Group):
        return _group(made, value)
    kind = class_of(made)
    if "MATLAB_empty" in made.attrs and int(made.attrs["MATLAB_empty"]):
        return _empty(kind, tuple(int(n) for n in made[()].reshape(-1)))
    if kind == "cell" or hdf5.check_ref_dtype(made.dtype) is not None:
        return _nested(made[()].T, lambda ref: value(made.file[ref]))
    if kind == "char":
        if made.ndim > 1:
            _hdf5_names.spend_objects(made, made.size // max(made.shape[-2], 1))
        return _text(made[()])
    if "MATLAB_object_decode" in made.attrs:
        return {"class": kind, "object": made[()].T}
    return _numbers(made, kind)


def _numbers(made: Any, kind: str) -> Any:
    import numpy as np

    values = made[()]
    if values.dtype.names:
        real, imaginary = values.dtype.names[:2]
        values = (values[real] + 1j * values[imaginary]).astype(dtype_of(made))
    if kind == "logical":
        values = values != 0
    values = np.asarray(values).T
    return values.reshape(-1)[0] if values.size == 1 and values.ndim <= 2 else values


def _empty(kind: str, shape: tuple[int, ...]) -> Any:
    import numpy as np

    is_empty = 0 in shape
    if is_empty:
        _hdf5_names.empty_shape(shape)
    if kind == "char":
        rows = shape[0] if shape else 0
        return [""] * rows if is_empty and (rows > 1 or len(shape) > 2) else ""
    if kind in ("cell", "struct", "canonical empty"):
        return {} if kind == "struct" and set(shape) == {1} else []
    if not is_empty:
        raise DataTypeError("an empty array of MATLAB has no side of length 0")
    return np.zeros(shape, _NUMBERS.get(kind, "f8"))


def _text(codes: Any) -> Any:
    """Rows of UTF-16 as texts; one row alone as a text."""
    import numpy as np

    rows = np.asarray(codes).astype("<u2").T
    if rows.ndim < 2:
        return rows.tobytes().decode("utf-16-le", "surrogatepass")
    if rows.ndim == 2 and rows.shape[0] == 1:
        return _decoded(rows[0])
    return _nested_texts(rows)


def _nested_texts(rows: Any) -> Any:
    # Texts run along the second side; those behind it are pages of a block of texts.
    if rows.ndim == 2:
        return [_decoded(row) for row in rows]
    return [_nested_texts(rows[..., i]) for i in range(rows.shape[-1])]


def _decoded(row: Any) -> str:
    import numpy as np

    return np.ascontiguousarray(row).tobytes().decode("utf-16-le", "surrogatepass")


def _nested(values: Any, item: Callable[[Any], Any]) -> Any:
    """A row or a column as a list, other shapes as lists of their rows."""
    if values.ndim == 2 and 1 in values.shape:
        return [item(v) for v in values.reshape(-1)]
    if values.ndim <= 1:
        return [item(v) for v in values.reshape(-1)]
    return [_nested_rows(row, item) for row in values]


def _nested_rows(values: Any, item: Callable[[Any], Any]) -> Any:
    if not hasattr(values, "ndim"):
        return item(values)
    return [_nested_rows(row, item) for row in values]


def _group(group: Any, value: Callable[[Any], Any]) -> Any:
    if "MATLAB_sparse" in group.attrs:
        return _sparse(group)
    if _is_array_of_structs(group):
        return _structs(group, value)
    return {name: value(group[name]) for name in fields(group)}


def _structs(group: Any, value: Callable[[Any], Any]) -> Any:
    import numpy as np

    names = fields(group)
    columns = {name: group[name][()].T for name in names}
    shape = next(iter(columns.values())).shape
    if any(column.shape != shape for column in columns.values()):
        raise DataTypeError("the fields of an array of structures are not of one shape")
    places = np.arange(math.prod(shape)).reshape(shape)
    flat = {name: column.reshape(-1) for name, column in columns.items()}
    return _nested(places, lambda at: {name: value(group.file[flat[name][at]]) for name in names})


def _sparse(group: Any) -> Any:
    import numpy as np
    import scipy.sparse

    rows, ends = int(group.attrs["MATLAB_sparse"]), group["jc"][()].astype("i8")
    kind = class_of(group)
    if "data" in group:
        values = np.asarray(_numbers(group["data"], kind)).reshape(-1)
        places = group["ir"][()].astype("i8")
    else:
        values, places = np.zeros(0, _NUMBERS.get(kind, "f8")), np.zeros(0, "i8")
    shape = (rows, max(len(ends) - 1, 0))
    return _hdf5_names.sparse(scipy.sparse.csc_matrix((values, places, ends), shape))
