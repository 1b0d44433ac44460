"""NumPy's scalars, element types, and the arrays whose elements are not numbers."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

Parts = dict[str, Any]

# Scalars that a Python number or text says all about.
_SIMPLE = (np.bool_, np.integer, np.float16, np.float32, np.float64, np.complex64, np.complex128)


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of NumPy's types are described; `None` if they are no data."""
    if issubclass(cls, np.generic):
        return _describe_scalar
    if issubclass(cls, np.dtype):
        return lambda dtype: ("numpy.dtype", _dtype_parts(dtype))
    if cls is np.ma.MaskedArray:
        return _describe_masked
    if issubclass(cls, np.ndarray):
        return _describe_array
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How values are made of their parts again; `None` for other names."""
    if name in _MAKERS:
        return _MAKERS[name]
    cls = getattr(np, name.removeprefix("numpy."), None)
    if isinstance(cls, type) and issubclass(cls, np.generic):
        return lambda parts: _make_scalar(cls, parts)
    return None


def _describe_scalar(value: Any) -> tuple[str, Parts]:
    name = f"numpy.{type(value).__name__}"
    if isinstance(value, _SIMPLE):  # pyright: ignore[reportArgumentType]
        return name, {"value": value.item()}
    if isinstance(value, np.str_):
        return name, {"value": str(value)}
    if isinstance(value, np.bytes_):
        return name, {"value": bytes(value)}
    # The rest (dates with their units, long floats, records) as arrays without dimensions.
    return name, {"value": np.asarray(value)}


def _make_scalar(cls: Any, parts: Parts) -> Any:
    value = parts["value"]
    return value[()] if isinstance(value, np.ndarray) else cls(value)


def _dtype_parts(dtype: Any) -> Parts:
    if isinstance(dtype, np.dtypes.StringDType):
        missing = {"missing": dtype.na_object} if hasattr(dtype, "na_object") else {}
        return {"value": "StringDType", **missing}
    metadata = {"metadata": dict(dtype.metadata)} if dtype.metadata else {}
    if dtype.fields is None or not dtype.isalignedstruct:
        return {"value": repr(npy_format.dtype_to_descr(_bare(dtype))), **metadata}
    return {"value": repr(npy_format.dtype_to_descr(_bare(dtype))), "align": True, **metadata}


def _bare(dtype: Any) -> Any:
    """The type without metadata, of which NumPy would warn that it is lost."""
    return np.dtype(dtype.str) if dtype.metadata and dtype.fields is None else dtype


def _make_dtype(parts: Parts) -> Any:
    if parts["value"] == "StringDType":
        missing = {"na_object": parts["missing"]} if "missing" in parts else {}
        return np.dtypes.StringDType(**missing)
    dtype = npy_format.descr_to_dtype(ast.literal_eval(parts["value"]))
    if parts.get("align"):
        dtype = np.dtype(dtype, align=True)
    if "metadata" in parts:
        dtype = np.dtype(dtype, metadata=parts["metadata"])
    return dtype


def _describe_masked(array: Any) -> tuple[str, Parts]:
    return "numpy.ma.MaskedArray", {
        "data": array.data,
        "mask": np.ma.getmask(array) if array.mask is not np.ma.nomask else False,
        "fill_value": np.asarray(array.fill_value),
        "hard": bool(array.hardmask),
    }


def _make_masked(parts: Parts) -> Any:
    array = np.ma.MaskedArray(
        parts["data"], mask=parts["mask"], hard_mask=parts["hard"], copy=False
    )
    array.fill_value = parts["fill_value"][()]
    return array


def _describe_array(array: Any) -> tuple[str, Parts]:
    """An array of objects, text of any length, or a subclass: its elements as a list."""
    if type(array) is np.memmap:
        return "numpy.memmap", {"value": np.asarray(array)}
    if type(array) is np.recarray:
        return "numpy.recarray", {"value": array.view(np.ndarray).view(array.dtype.descr)}
    order = "F" if array.flags.fnc else "C"
    return f"numpy.{type(array).__name__}", {
        "dtype": array.dtype,
        "shape": list(array.shape),
        "order": order,
        "items": list(array.ravel(order=order)) if array.dtype.hasobject else array.tolist(),
    }


def _make_array(parts: Parts) -> Any:
    array = np.empty(tuple(parts["shape"]), dtype=parts["dtype"], order=parts["order"])
    flat = np.empty(array.size, dtype=parts["dtype"])
    flat[:] = parts["items"] if not array.dtype.hasobject else None
    for index, item in enumerate(parts["items"]):
        flat[index] = item
    return flat.reshape(array.shape, order=parts["order"])


_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "numpy.dtype": _make_dtype,
    "numpy.ma.MaskedArray": _make_masked,
    "numpy.memmap": lambda parts: parts["value"],
    "numpy.recarray": lambda parts: parts["value"].view(np.recarray),
    "numpy.ndarray": _make_array,
}
