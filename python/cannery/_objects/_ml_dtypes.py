"""ml_dtypes: arrays and scalars of the short floats and integers of machine learning."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cannery.errors import DataTypeError

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a scalar of one of these types is described."""
    if not issubclass(cls, np.generic):
        return None
    return lambda value: (f"ml_dtypes.{cls.__name__}", array_parts(np.asarray(value)))


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How an array or a scalar is made again."""
    return _make_array if name == "ml_dtypes.array" else lambda parts: _make_array(parts)[()]


def name_of(dtype: Any) -> str:
    """The name of an element type, `ml_dtypes.bfloat16`."""
    if dtype.type.__module__ != "ml_dtypes":
        error = DataTypeError(f"an array of {dtype.type.__module__} {dtype} has no form")
        error.hint = "convert it to one of NumPy's own types: array.astype(...)"
        raise error
    return f"ml_dtypes.{dtype.name}"


def dtype_of(name: str) -> Any:
    """The element type of a name."""
    import ml_dtypes

    found = getattr(ml_dtypes, name.removeprefix("ml_dtypes."), None)
    if not (isinstance(found, type) and issubclass(found, np.generic)):
        raise ValueError(f"there is no type of elements {name}")
    return np.dtype(found)


def array_parts(array: Any) -> Parts:
    """The elements as integers of their size, and what they are."""
    name_of(array.dtype)  # refuses those of other libraries
    bits = array.view(f"u{array.dtype.itemsize}")
    return {"dtype": array.dtype.name, "value": np.array(bits, order="K")}


def _make_array(parts: Parts) -> Any:
    return parts["value"].view(dtype_of(parts["dtype"]))
