"""AnnData's encodings: sparse matrices, frames, categories and values with missing ones.

<https://anndata.readthedocs.io/en/latest/fileformat-prose.html>
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cannery._objects import _hdf5_names
from cannery.errors import DataTypeError

#: Encodings of one value each; `dict`, `anndata`, `raw`, `mudata` are groups like others.
_VALUES = (
    "csr_matrix", "csc_matrix", "dataframe", "categorical", "nullable-integer", "nullable-boolean",
    "nullable-string-array", "string-array", "string", "numeric-scalar", "null", "rec-array",
)  # fmt: skip


def encoding_of(made: Any) -> str:
    """The encoding of an object, the older ways of saying it included."""
    for name in ("encoding-type", "h5sparse_format"):
        if name in made.attrs:
            found = made.attrs[name]
            found = found.decode("ascii", "replace") if isinstance(found, bytes) else found
            if not isinstance(found, str):
                return ""
            return found if name == "encoding-type" else f"{found}_matrix"
    return ""


def is_value(made: Any) -> bool:
    """Whether an object is one value."""
    return encoding_of(made) in _VALUES


def load(made: Any, value: Callable[[Any], Any]) -> Any:
    """Read the value; `value` reads its parts."""
    kind = encoding_of(made)
    if kind in ("csr_matrix", "csc_matrix"):
        return _sparse(made, kind)
    if kind == "dataframe":
        return _frame(made, value)
    if kind == "categorical":
        return _categorical(made, value)
    if kind.startswith("nullable"):
        return _nullable(made, kind, value)
    if kind == "null":
        return None
    if kind == "string-array":
        return _texts(made)
    found = made[()]
    if kind == "rec-array":
        return _records(found)
    if isinstance(found, bytes):
        return found.decode("utf-8", "surrogateescape")
    return found.item() if getattr(found, "shape", None) == () else found


def _sparse(group: Any, kind: str) -> Any:
    import scipy.sparse

    name = "shape" if "shape" in group.attrs else "h5sparse_shape"
    shape = tuple(int(n) for n in group.attrs[name])
    parts = tuple(group[part][()] for part in ("data", "indices", "indptr"))
    return _hdf5_names.sparse(getattr(scipy.sparse, kind)(parts, shape))


def _texts(made: Any) -> Any:
    found = made[()]
    if found.dtype.kind != "O" and found.dtype.kind != "S":
        return found
    return _decoded(found)


def _decoded(found: Any) -> Any:
    import numpy as np

    out = np.empty(found.size, object)
    for i, value in enumerate(found.ravel()):
        out[i] = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    return out.reshape(found.shape)


def _records(found: Any) -> Any:
    """Records whose texts are `str`."""
    import numpy as np

    found = np.asarray(found)
    for name in found.dtype.names or ():
        column = found[name]
        if column.dtype.kind == "O":
            column[...] = _decoded(column)
    return found


def _frame(group: Any, value: Callable[[Any], Any]) -> Any:
    import pandas as pd

    key = _name(group.attrs["_index"])
    columns = [_name(n) for n in _list(group.attrs.get("column-order", []))]
    older = group.get("__categories")
    index = pd.Index(value(group[key]), name=None if key in ("_index", "index") else key)
    found = {}
    for name in columns:
        column = value(group[name])
        if older is not None and name in older:
            labels = older[name]
            column = pd.Categorical.from_codes(
                column, value(labels), ordered=bool(labels.attrs.get("ordered", False))
            )
        found[name] = pd.Series(column, index=index, copy=False)
    return pd.DataFrame(found, index=index, columns=pd.Index(columns))


def _categorical(group: Any, value: Callable[[Any], Any]) -> Any:
    import pandas as pd

    return pd.Categorical.from_codes(
        group["codes"][()],
        pd.Index(value(group["categories"])),
        ordered=bool(group.attrs.get("ordered", False)),
    )


def _nullable(group: Any, kind: str, value: Callable[[Any], Any]) -> Any:
    import pandas as pd

    values, gone = value(group["values"]), group["mask"][()].astype(bool)
    if values.shape != gone.shape:
        raise DataTypeError("the missing values of a column are not as many as its values")
    if kind == "nullable-integer":
        if values.dtype.kind not in "iu":
            raise DataTypeError("a column of integers has other values")
        return pd.arrays.IntegerArray(values, gone)
    if kind == "nullable-boolean":
        return pd.arrays.BooleanArray(values.astype(bool), gone)
    values = values.astype(object)
    values[gone] = pd.NA
    return pd.array(values, dtype=pd.StringDtype())


def _name(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _list(value: Any) -> list[Any]:
    import numpy as np

    return [] if getattr(value, "shape", ()) is None else np.atleast_1d(value).tolist()
