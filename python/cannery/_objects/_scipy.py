"""scipy: sparse arrays and matrices, and splines, by the arrays they are made of."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from scipy import interpolate, sparse

Parts = dict[str, Any]

_COMPRESSED = ("csr", "csc", "bsr")
_FORMATS = (*_COMPRESSED, "coo", "dia", "dok", "lil")
_CLASSES = {
    name: getattr(sparse, name)
    for format in _FORMATS
    for name in (f"{format}_array", f"{format}_matrix")
}


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a sparse array, or a spline, is described."""
    if cls in _SPLINES:
        name, attributes = _SPLINES[cls]
        return lambda value: (name, {each: getattr(value, each) for each in attributes})
    if _CLASSES.get(cls.__name__) is not cls:
        return None
    name = f"scipy.sparse.{cls.__name__}"
    return lambda value: (name, _parts(value))


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    for spline, (known, attributes) in _SPLINES.items():
        if name == known:
            return lambda parts: spline.construct_fast(*(parts[each] for each in attributes))
    cls = _CLASSES.get(name.removeprefix("scipy.sparse."))
    return None if cls is None else lambda parts: _make(cls, parts)


_PIECEWISE = ("c", "x", "extrapolate", "axis")
_SPLINES: dict[Any, tuple[str, tuple[str, ...]]] = {
    interpolate.BSpline: ("scipy.interpolate.BSpline", ("t", "c", "k", "extrapolate", "axis")),
    **{
        getattr(interpolate, name): (f"scipy.interpolate.{name}", _PIECEWISE)
        for name in (
            "PPoly", "BPoly", "CubicSpline", "CubicHermiteSpline", "PchipInterpolator",
            "Akima1DInterpolator",
        )
    },
}  # fmt: skip

# Modules whose classes are Python through and through: results, linear systems, rotations.
_PLAIN = frozenset(
    """
    scipy.optimize._optimize scipy.signal._ltisys scipy.spatial.transform._rotation
    """.split()
)


def class_of(name: str) -> type | None:
    """A class of data besides the sparse ones."""
    module, _, attribute = name.rpartition(".")
    found = getattr(import_module(module), attribute, None) if module in _PLAIN else None
    return found if isinstance(found, type) and found.__module__ == module else None


def _parts(value: Any) -> Parts:
    shape = tuple(int(side) for side in value.shape)
    if value.format in _COMPRESSED:
        return {
            "shape": shape, "data": value.data, "indices": value.indices, "indptr": value.indptr,
        }  # fmt: skip
    if value.format == "dia":
        return {"shape": shape, "data": value.data, "offsets": value.offsets}
    if value.format == "lil":
        return {"shape": shape, "dtype": value.dtype, "rows": value.rows, "data": value.data}
    coo = value if value.format == "coo" else value.tocoo()
    return {"shape": shape, "data": coo.data, "coords": tuple(coo.coords)}


def _make(cls: Any, parts: Parts) -> Any:
    shape = parts["shape"]
    if cls.__name__[:3] in _COMPRESSED:
        return cls((parts["data"], parts["indices"], parts["indptr"]), shape=shape)
    if cls.__name__.startswith("dia"):
        return cls((parts["data"], parts["offsets"]), shape=shape)
    if cls.__name__.startswith("lil"):
        value = cls(shape, dtype=parts["dtype"])
        value.rows, value.data = parts["rows"], parts["data"]
        return value
    family = sparse.coo_array if cls.__name__.endswith("array") else sparse.coo_matrix
    coords = tuple(np.asarray(axis) for axis in parts["coords"])
    coo = family((parts["data"], coords), shape=shape)
    return coo if cls.__name__.startswith("coo") else cls(coo)
