"""What SciPy's compiled code relies on: indices of sparse arrays, and knots of splines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import interpolate, sparse

from cannery._objects._checks import (
    BOOL,
    INT,
    PartError,
    array,
    check_parts,
    dtype,
    exact,
    explained,
    integer,
    native_array,
    numpy_scalar,
    one_of,
    optional,
    sequence_of,
    value,
)
from cannery._objects._checks import mismatch as _mismatch
from cannery._objects._invariants_numpy import NUMBERS

_FORMATS = ("csr", "csc", "bsr", "coo", "dia", "dok", "lil")
CLASSES: dict[str, Any] = {
    f"scipy.sparse.{name}": getattr(sparse, name)
    for format in _FORMATS
    for name in (f"{format}_array", f"{format}_matrix")
}
INDICES = native_array("i", 1, 4, 8)
DATA = native_array(NUMBERS, 1)
_side = integer(0, 2**62)
SHAPE = sequence_of(_side)

Parts = dict[str, Any]


def check_parts_of(format: str, parts: Parts) -> None:
    """Check the parts of a sparse array: `shape`, and the arrays of its format.

    Raises:
        PartError: if an index or a position leads out of the arrays or the shape.

    """
    SHAPE(parts["shape"], "shape")
    shape = tuple(parts["shape"])
    if not 1 <= len(shape) <= 32 or math.prod(shape) >= 2**63:
        raise PartError(f"the part 'shape': {list(shape)!r:.80} is not expected here")
    if format != "coo" and len(shape) != 2 and not (format in ("csr", "dok") and len(shape) == 1):
        raise PartError(f"the part 'shape': expected 2 dimensions, got {len(shape)}")
    _RULES[format](shape, parts)


def _check_sides(sides: tuple[int, ...], *arrays: Any) -> None:
    """Check that rows and columns are no bomb for what makes room for each of them."""
    largest = explained(sum(each.nbytes for each in arrays))
    if any(side > largest for side in sides):
        raise PartError(f"the part 'shape': {list(sides)!r:.80} is too large for its data")


def _in_range(indices: Any, end: int, name: str) -> None:
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= end):
        raise PartError(f"the part {name!r}: an index is not within {end}")


def _pointers(indptr: Any, count: int, nnz: int) -> None:
    """Check where the rows begin: at 0, and each where the one before ends or later."""
    INDICES(indptr, "indptr")
    if len(indptr) != count + 1:
        raise PartError(f"the part 'indptr': expected {count + 1} numbers, got {len(indptr)}")
    if int(indptr[0]) != 0 or int(indptr[-1]) > nnz or (indptr[1:] < indptr[:-1]).any():
        raise PartError("the part 'indptr': the rows do not follow each other within the data")


def _compressed(shape: tuple[int, ...], parts: Parts, major: int, minor: int) -> None:
    for check, name in ((DATA, "data"), (INDICES, "indices")):
        check(parts[name], name)
    data, indices, indptr = parts["data"], parts["indices"], parts["indptr"]
    if len(data) != len(indices):
        raise PartError(f"the part 'data': {len(data)} numbers and {len(indices)} indices")
    _pointers(indptr, major, len(indices))
    _in_range(indices, minor, "indices")
    if indptr.dtype != indices.dtype:
        raise PartError(f"the part 'indptr': {indptr.dtype}, but the indices are {indices.dtype}")
    _check_sides(shape, data, indices, indptr)


def _csr(shape: tuple[int, ...], parts: Parts) -> None:
    _compressed(shape, parts, shape[0] if len(shape) == 2 else 1, shape[-1])


def _csc(shape: tuple[int, ...], parts: Parts) -> None:
    _compressed(shape, parts, shape[1], shape[0])


def _bsr(shape: tuple[int, ...], parts: Parts) -> None:
    native_array(NUMBERS, 3)(parts["data"], "data")
    INDICES(parts["indices"], "indices")
    data, indices, indptr = parts["data"], parts["indices"], parts["indptr"]
    count, rows, columns = data.shape
    if count != len(indices) or rows < 1 or columns < 1 or shape[0] % rows or shape[1] % columns:
        raise PartError(f"the part 'data': blocks of {data.shape} do not fit the shape {shape}")
    _pointers(indptr, shape[0] // rows, count)
    _in_range(indices, shape[1] // columns, "indices")
    if indptr.dtype != indices.dtype:
        raise PartError(f"the part 'indptr': {indptr.dtype}, but the indices are {indices.dtype}")
    # Conversions make room for all rows and columns, and for the blocks that are not full.
    _check_sides((*shape, rows * columns), data, indices, indptr)


def _coo(shape: tuple[int, ...], parts: Parts) -> None:
    DATA(parts["data"], "data")
    sequence_of(INDICES, length=len(shape))(parts["coords"], "coords")
    for axis, end in zip(parts["coords"], shape, strict=True):
        if len(axis) != len(parts["data"]):
            raise PartError(f"the part 'coords': {len(axis)} for {len(parts['data'])} numbers")
        _in_range(axis, end, "coords")
    _check_sides(shape, parts["data"], *parts["coords"])


def _dia(shape: tuple[int, ...], parts: Parts) -> None:
    native_array(NUMBERS, 2)(parts["data"], "data")
    INDICES(parts["offsets"], "offsets")
    data, offsets = parts["data"], parts["offsets"]
    if len(offsets) != len(data) or len(np.unique(offsets)) != len(offsets):
        raise PartError("the part 'offsets': expected a diagonal for each row of the data")
    if offsets.size and (int(offsets.min()) < -shape[0] or int(offsets.max()) > shape[1]):
        raise PartError("the part 'offsets': a diagonal lies outside of the shape")
    _check_sides((*shape, *data.shape), data, offsets)


def _lil(shape: tuple[int, ...], parts: Parts) -> None:
    array("O", 1)(parts["rows"], "rows")
    array("O", 1)(parts["data"], "data")
    dtype(NUMBERS)(parts["dtype"], "dtype")
    rows, data = parts["rows"], parts["data"]
    if len(rows) != shape[0] or len(data) != shape[0]:
        raise PartError(f"the part 'rows': {len(rows)} for {shape[0]} rows")
    for columns, numbers in zip(rows, data, strict=True):
        exact(list)(columns, "rows")
        exact(list)(numbers, "data")
        if len(columns) != len(numbers):
            raise PartError("the part 'data': not a number for each column")
        for column in columns:
            _check_column(column, shape[1])
        if any(a >= b for a, b in itertools.pairwise(columns)):
            raise PartError("the part 'rows': the columns of a row are not in order")
        for number in numbers:
            _number(number, "data")
    _check_sides(shape, rows)


def _check_column(column: Any, end: int) -> None:
    if type(column) is not int:
        numpy_scalar(column, "rows")
        if column.dtype.kind not in "iu":
            raise PartError("the part 'rows': a column is no integer")
    if not 0 <= column < end:
        raise PartError(f"the part 'rows': a column is not within {end}")


def _number(number: Any, path: str) -> None:
    if type(number) in (bool, int, float, complex):
        return
    numpy_scalar(number, path)
    if number.dtype.kind not in NUMBERS:
        raise PartError(f"the part {path!r}: {number.dtype} is no number")


def _dok(shape: tuple[int, ...], parts: Parts) -> None:
    if "coords" in parts:
        return _coo(shape, parts)
    exact(dict)(parts["_dict"], "_dict")
    dtype(NUMBERS)(parts["dtype"], "dtype")
    for key, number in parts["_dict"].items():
        _check_key(key, shape)
        _number(number, "_dict")
    return _check_sides(shape)


def _check_key(key: Any, shape: tuple[int, ...]) -> None:
    places = key if type(key) is tuple else (key,)
    if len(places) != len(shape):
        raise PartError("the part '_dict': a key is no place in the shape")
    for place, end in zip(places, shape, strict=True):
        _check_column(place, end)


_RULES: dict[str, Callable[[tuple[int, ...], Parts], None]] = {
    "csr": _csr, "csc": _csc, "bsr": _bsr, "coo": _coo, "dia": _dia, "lil": _lil, "dok": _dok,
}  # fmt: skip

# The attributes of each format, as its instances keep them.
_ARRAYS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "coords"),
    "dia": ("data", "offsets"),
    "lil": ("data", "rows", "dtype"),
    "dok": ("_dict", "dtype"),
}
_FLAG = optional(one_of(True, False, 0, 1))
_OTHERS = {
    "maxprint": INT,
    "has_canonical_format": _FLAG,
    "_has_canonical_format": _FLAG,
    "_has_sorted_indices": _FLAG,
    "has_sorted_indices": _FLAG,
}


def _sparse_state(format: str) -> Callable[[Any], None]:
    """The rule for a `__dict__` of an instance, which pickles set."""

    def check(state: Any) -> None:
        exact(dict)(state, "state")
        state = _without_old_names(state)
        arrays = dict.fromkeys(_ARRAYS[format], value)
        flags = {name: state[name] for name in _OTHERS if name in state}
        for name, flag in flags.items():
            _OTHERS[name](flag, name)
        parts = {name: part for name, part in state.items() if name not in flags}
        check_parts(parts, {"_shape": value, **arrays})
        check_parts_of(format, {**parts, "shape": parts["_shape"]})
        _check_flags(format, state)

    return check


def _without_old_names(state: Parts) -> Parts:
    """The state under the names of today: older versions of `coo_matrix` keep rows and columns."""
    if "row" in state and "col" in state and "coords" not in state:
        state = {**state, "coords": (state["row"], state["col"])}
        del state["row"], state["col"]
    return state


def _check_flags(format: str, state: Parts) -> None:
    """Check what is said about the order of indices: compiled code skips work where it is said."""
    is_sorted = state.get("_has_sorted_indices") or state.get("_has_canonical_format")
    if format not in ("csr", "csc", "bsr") or not is_sorted or len(state["indices"]) < 2:
        return
    indices, indptr = state["indices"], state["indptr"]
    falls = np.flatnonzero(indices[1:] <= indices[:-1]) + 1
    if state.get("_has_canonical_format") is not True:
        falls = np.flatnonzero(indices[1:] < indices[:-1]) + 1
    if not np.isin(falls, indptr).all():
        raise PartError("the part '_has_sorted_indices': the indices are not in order")


def check_sparse(value: Any) -> None:
    """Check a sparse array, however it was made."""
    format = value.format
    if type(value) not in CLASSES.values():
        raise _mismatch(value, "value", "a sparse array")
    parts = {name: getattr(value, name) for name in _ARRAYS[format]}
    check_parts_of(format, {**parts, "shape": value.shape})


# Splines.


def check_spline(t: Any, c: Any, k: int, axis: int) -> None:
    """Check the knots and coefficients of a B-spline of the degree `k`."""
    native_array("f", 1, 8)(t, "t")
    native_array("fc", None, 8, 16)(c, "c")
    integer(0, 100)(k, "k")
    if c.ndim < 1 or len(t) < 2 * k + 2 or c.shape[0] < len(t) - k - 1:
        raise PartError(f"the part 't': {len(t)} knots do not fit {c.shape} coefficients")
    integer(0, c.ndim - 1)(axis, "axis")
    count = len(t) - k - 1
    if not np.isfinite(t).all() or (t[1:] < t[:-1]).any() or t[k] >= t[count]:
        raise PartError("the part 't': the knots are not finite and in order")
    _check_results(c.shape[1:])


def check_pieces(c: Any, x: Any, axis: int) -> None:
    """Check the breakpoints and coefficients of a piecewise polynomial."""
    native_array("fc", None, 8, 16)(c, "c")
    native_array("f", 1, 8)(x, "x")
    if c.ndim < 2 or c.shape[0] < 1 or c.shape[0] > 1000 or len(x) < 2:
        raise PartError(f"the part 'c': the shape {c.shape} is not expected here")
    if c.shape[1] != len(x) - 1:
        raise PartError(f"the part 'x': {len(x)} breakpoints do not fit {c.shape} coefficients")
    integer(0, c.ndim - 2)(axis, "axis")
    steps = np.diff(x)
    if not np.isfinite(x).all() or not ((steps > 0).all() or (steps < 0).all()):
        raise PartError("the part 'x': the breakpoints are not finite and in order")
    _check_results(c.shape[2:])


def _check_results(shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise PartError("the part 'c': there are no coefficients")


EXTRAPOLATE = one_of(True, False, "periodic", None)


_ASARRAY = getattr(interpolate.PPoly([[1.0]], [0.0, 1.0]), "_asarray", np.asarray)


def _is_asarray(value: Any, path: str) -> None:
    """The function that splines keep to make arrays of what they compute."""
    if value is not np.asarray and value is not _ASARRAY:
        raise PartError(f"the part {path!r}: expected numpy.asarray")


def _attributes_of(state: Any, *names: str) -> Parts:
    """The attributes in the state of a spline, which newer versions keep in slots."""
    is_slots = type(state) is tuple and len(state) == 2 and state[0] is None
    given: Any = state[1] if is_slots else state
    exact(dict)(given, "state")
    parts = {name.removeprefix("_"): part for name, part in given.items()}
    checks = dict.fromkeys(names, value)
    check_parts(parts, {**checks, "extrapolate": EXTRAPOLATE}, {"asarray": _is_asarray})
    return parts


def _spline_state(state: Any) -> None:
    parts = _attributes_of(state, "t", "c", "k", "axis")
    check_spline(parts["t"], parts["c"], parts["k"], parts["axis"])


def _pieces_state(state: Any) -> None:
    parts = _attributes_of(state, "c", "x", "axis")
    check_pieces(parts["c"], parts["x"], parts["axis"])


def _check_bspline(spline: Any) -> None:
    EXTRAPOLATE(spline.extrapolate, "extrapolate")
    check_spline(spline.t, spline.c, spline.k, spline.axis)


def _check_ppoly(spline: Any) -> None:
    EXTRAPOLATE(spline.extrapolate, "extrapolate")
    check_pieces(spline.c, spline.x, spline.axis)


_PIECES = (
    "_interpolate.PPoly", "_interpolate.BPoly", "_cubic.CubicSpline",
    "_cubic.CubicHermiteSpline", "_cubic.PchipInterpolator", "_cubic.Akima1DInterpolator",
)  # fmt: skip


def check_rotation(quaternions: Any, is_single: Any) -> None:
    """Check the quaternions of a `Rotation`: finite, of length 1, a row each."""
    native_array("f", 2, 8)(quaternions, "quat")
    BOOL(is_single, "single")
    if quaternions.shape[1] != 4 or (is_single and len(quaternions) != 1):
        raise PartError(f"the part 'quat': the shape {quaternions.shape} is not expected here")
    if not np.allclose((quaternions**2).sum(axis=1), 1):
        raise PartError("the part 'quat': a quaternion is not of length 1")


def _rotation_state(state: Any) -> None:
    sequence_of(value, tuple, length=2)(state, "state")
    check_rotation(*state)


def _check_rotation_object(rotation: Any) -> None:
    _rotation_state(rotation.__getstate__())


def _modules(cls: Any) -> tuple[str, str]:
    return f"{cls.__module__}.{cls.__qualname__}", f"scipy.sparse.{cls.__name__}"


STATES: dict[str, Callable[[Any], None]] = {
    **{
        name: _sparse_state(cls.__name__[:3])
        for cls in CLASSES.values()
        for name in (*_modules(cls), f"scipy.sparse.{cls.__name__[:3]}.{cls.__name__}")
    },
    "scipy.interpolate._bsplines.BSpline": _spline_state,
    **{f"scipy.interpolate.{name}": _pieces_state for name in _PIECES},
    "scipy.spatial.transform._rotation.Rotation": _rotation_state,
}
OBJECTS: dict[str, Callable[[Any], None]] = {
    **{name: check_sparse for cls in CLASSES.values() for name in _modules(cls)},
    "scipy.interpolate._bsplines.BSpline": _check_bspline,
    **{f"scipy.interpolate.{name}": _check_ppoly for name in _PIECES},
    "scipy.spatial.transform._rotation.Rotation": _check_rotation_object,
}
