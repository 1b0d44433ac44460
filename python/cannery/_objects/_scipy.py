"""scipy: sparse arrays and matrices, splines, and classes of results, by what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from scipy import interpolate, sparse
from scipy.spatial.transform import Rotation

from cannery._objects import _invariants_scipy as invariants
from cannery._objects._checks import (
    BOOL,
    PLAIN_DICT,
    Check,
    array,
    checked,
    dtype,
    integer,
    native_array,
    sequence_of,
    tuple_of,
)
from cannery._objects._own_names import OwnNames

Parts = dict[str, Any]

_COMPRESSED = ("csr", "csc", "bsr")
_FORMATS = (*_COMPRESSED, "coo", "dia", "dok", "lil")
_CLASSES = {name.removeprefix("scipy.sparse."): cls for name, cls in invariants.CLASSES.items()}


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a sparse array, or a spline, is described."""
    if cls in _SPLINES:
        name, attributes = _SPLINES[cls]
        return lambda value: (name, {each: getattr(value, each) for each in attributes})
    if _CLASSES.get(cls.__name__) is not cls:
        return None
    name = f"scipy.sparse.{cls.__name__}"
    return lambda value: (name, _parts(value))


# What scipy itself keeps in sparse arrays and in splines.
_OF_SPARSE = frozenset(
    """
    _shape maxprint indptr indices data coords offsets dtype rows _dict has_canonical_format
    has_sorted_indices _has_canonical_format _has_sorted_indices
    """.split()
)
_OF_SPLINES = frozenset("t c k x extrapolate axis _asarray _t _c _x _axis".split())


def own_attributes(cls: type) -> frozenset[str] | None:
    """What scipy itself keeps in an instance."""
    if cls in _SPLINES:
        return _OF_SPLINES
    if cls is Rotation:
        return OwnNames.of(cls)
    return _OF_SPARSE if _CLASSES.get(cls.__name__) is cls else None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    module, _, attribute = name.rpartition(".")
    if attribute in _PLAIN.get(module, ()):
        cls = getattr(import_module(module), attribute, None)
        return None if cls is None else _PLAIN_MAKERS[module](cls)
    return _MAKERS.get(name)


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


# Sparse arrays. Their indices are checked before anything is made of them, and again afterwards.

_ARRAY = native_array("biufc")
_SPARSE_PARTS: dict[str, dict[str, Check]] = {
    **{key: {"data": _ARRAY, "indices": _ARRAY, "indptr": _ARRAY} for key in _COMPRESSED},
    **{key: {"data": _ARRAY, "coords": sequence_of(_ARRAY)} for key in ("coo", "dok")},
    "dia": {"data": _ARRAY, "offsets": _ARRAY},
    "lil": {"dtype": dtype("biufc"), "rows": array("O"), "data": array("O")},
}


def _make_sparse(cls: Any, parts: Parts) -> Any:
    invariants.check_parts_of(cls.__name__[:3], parts)
    made = _sparse_of(cls, parts)
    invariants.check_sparse(made)
    return made


def _sparse_of(cls: Any, parts: Parts) -> Any:
    shape = tuple(parts["shape"])
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


# Splines.

_FLOATS = native_array("fc", None, 8, 16)
_AXIS = integer(0, 32)
_SPLINE_PARTS = {
    "c": _FLOATS, "axis": _AXIS, "extrapolate": invariants.EXTRAPOLATE,
}  # fmt: skip


def _make_spline(parts: Parts) -> Any:
    invariants.check_spline(parts["t"], parts["c"], parts["k"], parts["axis"])
    names = ("t", "c", "k", "extrapolate", "axis")
    return interpolate.BSpline.construct_fast(*(parts[name] for name in names))


def _make_pieces(cls: Any, parts: Parts) -> Any:
    invariants.check_pieces(parts["c"], parts["x"], parts["axis"])
    return cls.construct_fast(*(parts[name] for name in _PIECEWISE))


_MAKERS: dict[str, Callable[[Parts], Any]] = {
    **{
        f"scipy.sparse.{name}": checked(
            partial(_make_sparse, cls), {"shape": invariants.SHAPE, **_SPARSE_PARTS[name[:3]]}
        )
        for name, cls in _CLASSES.items()
    },
    **{
        name: checked(partial(_make_pieces, cls), {"x": _FLOATS, **_SPLINE_PARTS})
        for cls, (name, _) in _SPLINES.items()
        if cls is not interpolate.BSpline
    },
    "scipy.interpolate.BSpline": checked(
        _make_spline, {"t": _FLOATS, "k": integer(0, 100), **_SPLINE_PARTS}
    ),
}


# Classes that are Python through and through. What is not listed has no written invariants.

_PLAIN: dict[str, frozenset[str]] = {
    "scipy.optimize._optimize": frozenset({"OptimizeResult"}),
    "scipy.signal._ltisys": frozenset(
        f"{name}{time}" for name in invariants.SYSTEMS for time in ("Continuous", "Discrete")
    ),
    "scipy.spatial.transform._rotation": frozenset({"Rotation"}),
}


def class_value(name: str) -> type | None:
    """One of the classes of sparse arrays, as a value."""
    return invariants.CLASSES.get(name)


def _result_maker(cls: Any) -> Callable[[Parts], Any]:
    """A dictionary whose items are attributes, too: none may have the name of a protocol."""

    def make(parts: Parts) -> Any:
        invariants.check_result(parts["__items__"])
        return cls(parts["__items__"])

    return checked(make, {"__items__": PLAIN_DICT})


def _system_maker(cls: Any) -> Callable[[Parts], Any]:
    """A linear system: its matrices or coefficients, and the step of time."""
    name = cls.__name__.removesuffix("Continuous").removesuffix("Discrete")

    def make(parts: Parts) -> Any:
        made = object.__new__(cls)
        vars(made).update(parts)
        return made

    required = {**invariants.SYSTEMS[name], **invariants.SYSTEM_STEP}
    return checked(make, required, **invariants.SYSTEM_OPTIONS)


def _rotation_maker(cls: Any) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        quaternions, is_single = parts["__state__"]
        invariants.check_rotation(quaternions, is_single)
        return cls.from_quat(quaternions[0] if is_single else quaternions)

    return checked(make, {"__state__": tuple_of(native_array("f", 2, 8), BOOL)})


_PLAIN_MAKERS: dict[str, Callable[[Any], Callable[[Parts], Any]]] = {
    "scipy.optimize._optimize": _result_maker,
    "scipy.signal._ltisys": _system_maker,
    "scipy.spatial.transform._rotation": _rotation_maker,
}
