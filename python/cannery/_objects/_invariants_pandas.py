"""What pandas' compiled code relies on: codes, positions and lengths that agree."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import datetime as dt
import sys
import zoneinfo
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pandas._libs.sparse import BlockIndex, IntIndex
from pandas.core.arrays.string_ import BaseStringArray
from pandas.core.internals import managers

from cannery._objects._checks import (
    BOOL,
    LARGEST_EMPTY,
    PartError,
    array,
    check_parts,
    dtype,
    either,
    exact,
    explained,
    held,
    integer,
    mismatch,
    native_array,
    numpy_scalar,
    one_of,
    optional,
    sequence_of,
    text,
    tuple_of,
    value,
)
from cannery._objects._invariants_numpy import INT64, check_array
from cannery._objects._labels import PROTOCOLS, check_labels, label
from cannery._objects._offsets import OFFSETS, check_options

Parts = dict[str, Any]
Rule = Callable[[Any], None]

INDEXES = frozenset(
    {
        pd.Index, pd.RangeIndex, pd.MultiIndex, pd.CategoricalIndex, pd.IntervalIndex,
        pd.PeriodIndex, pd.DatetimeIndex, pd.TimedeltaIndex,
    }
)  # fmt: skip
ARRAYS = frozenset(
    {
        pd.Categorical, pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray, pd.arrays.PeriodArray,
        pd.arrays.IntervalArray, pd.arrays.IntegerArray, pd.arrays.FloatingArray,
        pd.arrays.BooleanArray, pd.arrays.SparseArray, pd.arrays.ArrowExtensionArray,
        pd.arrays.NumpyExtensionArray,
    }
)  # fmt: skip
DTYPES = frozenset(
    {
        pd.CategoricalDtype, pd.DatetimeTZDtype, pd.PeriodDtype, pd.IntervalDtype, pd.StringDtype,
        pd.SparseDtype, pd.ArrowDtype, pd.BooleanDtype, pd.Float32Dtype, pd.Float64Dtype,
        pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype, pd.UInt8Dtype,
        pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype,
    }
)  # fmt: skip
_OFFSET_CLASSES = frozenset(OFFSETS.values())
UNITS = one_of("s", "ms", "us", "ns")
COLUMN_KINDS = "biufcmMO"


# What a part of another pandas object has to be.


def one_from(classes: Any, expected: str) -> Callable[[Any, str], None]:
    """An instance of exactly one of these classes."""

    def check(value: Any, path: str) -> None:
        if type(value) not in classes:
            raise mismatch(value, path, expected)

    return check


is_index = one_from(INDEXES, "a pandas index")
is_offset = one_from(_OFFSET_CLASSES, "a pandas offset")
is_dtype = one_from(DTYPES, "a pandas data type")
is_multi_index = one_from({pd.MultiIndex}, "pandas.MultiIndex")


def is_extension(value: Any, path: str) -> None:
    """One of pandas' own extension arrays."""
    if type(value) not in ARRAYS and not _is_text(value):
        raise mismatch(value, path, "a pandas array")


def _is_text(value: Any) -> bool:
    return isinstance(value, BaseStringArray) and type(value).__module__.startswith("pandas.")


is_column = either(array(COLUMN_KINDS, 1), is_extension)


def is_zone(value: Any, path: str) -> None:
    """A time zone whose rules come from this system, not from the file."""
    if type(value) in (dt.timezone, zoneinfo.ZoneInfo) or _is_zone_of_library(value):
        return
    raise mismatch(value, path, "a time zone")


_ZONES = {
    "dateutil.tz.tz": ("tzutc", "tzoffset", "tzfile", "tzlocal"),
    "pytz": ("_FixedOffset",),
    "pytz.tzinfo": ("DstTzInfo", "StaticTzInfo"),
}


def _is_zone_of_library(value: Any) -> bool:
    """Whether it is of the classes of dateutil and pytz that pandas looks into."""
    for module, names in _ZONES.items():
        loaded = sys.modules.get(module)
        classes = [getattr(loaded, name, None) for name in names]
        if any(cls is not None and type(value) is cls for cls in classes):
            return True
        is_own = type(value).__module__ == module or type(value).__module__.startswith("pytz.")
        if is_own and any(isinstance(value, cls) for cls in classes if cls is not None):
            return True
    return False


# Labels: none is the name of a protocol, for series answer them as attributes.

_HASHED_AT_RANDOM = {str, bytes, type(None)}


def check_index_values(values: Any, path: str = "values") -> None:
    """Check the labels of an index: hashed with bounded work, and names of no protocol."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind != "O":
            return
        items = values.tolist()
        if not {type(item) for item in items} <= _HASHED_AT_RANDOM:
            items = [item for item in items if _is_hashable(item)]
            check_labels(items, path)
        found: Any = [item for item in items if type(item) is str and item in PROTOCOLS]
    elif _is_text(values) or type(values) is pd.arrays.ArrowExtensionArray:
        found: Any = values[_is_protocol(values)]
    else:
        return
    if len(found):
        raise PartError(f"the part {path!r}: {found[0]!r} is the name of a protocol")


def _is_protocol(values: Any) -> Any:
    if _is_text(values) or values.dtype.kind in "OU":
        return np.asarray(values.isin(sorted(PROTOCOLS)), dtype=bool)
    return np.zeros(len(values), dtype=bool)


def _is_hashable(value: Any) -> bool:
    """Whether a label is to be hashed at all: lists and the like may be labels, and are not."""
    return type(value) not in (list, dict, set, bytearray, np.ndarray)


# Arrays.


def check_codes(codes: Any, count: int, path: str = "codes") -> None:
    """Check that codes are positions in `count` categories, or -1."""
    native_array("i", 1, 1, 2, 4, 8)(codes, path)
    if codes.size and (int(codes.min()) < -1 or int(codes.max()) >= count):
        raise PartError(f"the part {path!r}: a code is not within {count}")


def check_sparse_index(length: Any, indices: Any) -> None:
    """Check the positions of a sparse array: in order, within its length, which is no bomb."""
    integer(0, 2**31 - 1)(length, "length")
    native_array("i", 1, 4, 8)(indices, "indices")
    if length > explained(indices.nbytes):
        raise PartError(f"the part 'length': {length} is too large for {len(indices)} values")
    if indices.size and (
        int(indices[0]) < 0 or int(indices[-1]) >= length or (np.diff(indices) <= 0).any()
    ):
        raise PartError(f"the part 'indices': they are not in order within {length}")


def check_masked(values: Any, mask: Any) -> None:
    """Check the two arrays of a nullable one."""
    native_array("iufb", 1)(values, "values")
    native_array("b", 1, 1)(mask, "mask")
    if values.shape != mask.shape:
        raise PartError(f"the part 'mask': {mask.shape} for {values.shape} values")


def _check_categorical(value: Any) -> None:
    categories = value.dtype.categories
    is_index(categories, "categories")
    check_index(categories)
    check_written_out(categories, "categories", value._ndarray.size)
    check_codes(value._ndarray.ravel(), len(categories))


def _check_moments(value: Any) -> None:
    array("Mm")(value._ndarray, "values")
    native_array("Mm")(value._ndarray, "values")
    zone = getattr(value.dtype, "tz", None)
    optional(is_zone)(zone, "tz")


def _check_periods(value: Any) -> None:
    native_array("i", None, 8)(value._ndarray, "ordinals")
    if type(value.dtype) is not pd.PeriodDtype:
        raise mismatch(value.dtype, "dtype", "pandas.PeriodDtype")
    is_offset(value.dtype.freq, "freq")


def _check_intervals(value: Any) -> None:
    left, right = value._left, value._right
    for side, name in ((left, "left"), (right, "right")):
        either(is_column, is_index)(side, name)
        check_written_out(side, name)
    if len(left) != len(right):
        raise PartError(f"the part 'right': {len(right)} for {len(left)} on the left")
    one_of("left", "right", "both", "neither")(value.closed, "closed")


def _check_nullable(value: Any) -> None:
    check_masked(value._data, value._mask)


def _check_sparse(value: Any) -> None:
    index = value.sp_index
    if type(index) not in (IntIndex, BlockIndex):
        raise mismatch(index, "index", "a sparse index")
    native_array(COLUMN_KINDS, 1)(value.sp_values, "values")
    check_sparse_index(index.length, index.to_int_index().indices)
    if index.npoints != len(value.sp_values):
        raise PartError(f"the part 'values': {len(value.sp_values)} for {index.npoints} positions")


def _check_text(value: Any) -> None:
    if not _is_text(value):
        raise mismatch(value, "value", "a pandas array of text")
    if value.dtype.storage != "pyarrow":
        array("OT", None)(value._ndarray, "values")
        for item in value._ndarray.ravel().tolist():
            if type(item) not in (str, float, type(None)) and item is not pd.NA:
                raise mismatch(item, "values", "str")
    else:
        _check_arrow(value)


def _check_arrow(value: Any) -> None:
    from cannery._objects._pyarrow import check_chunks

    check_chunks(value._pa_array)


def _check_plain(value: Any) -> None:
    check_array(value._ndarray, "values")


_ARRAY_RULES: dict[Any, Rule] = {
    pd.Categorical: _check_categorical,
    pd.arrays.DatetimeArray: _check_moments,
    pd.arrays.TimedeltaArray: _check_moments,
    pd.arrays.PeriodArray: _check_periods,
    pd.arrays.IntervalArray: _check_intervals,
    pd.arrays.IntegerArray: _check_nullable,
    pd.arrays.FloatingArray: _check_nullable,
    pd.arrays.BooleanArray: _check_nullable,
    pd.arrays.SparseArray: _check_sparse,
    pd.arrays.ArrowExtensionArray: _check_arrow,
    pd.arrays.NumpyExtensionArray: _check_plain,
}


def check_values(value: Any, path: str = "values") -> None:
    """Check an array of a column or an index, NumPy's or pandas'."""
    if isinstance(value, np.ndarray):
        check_array(value, path)
        return
    is_extension(value, path)
    _ARRAY_RULES.get(type(value), _check_text)(value)


def check_column(value: Any, path: str = "values") -> None:
    """Check an array that a maker of documents has made, or NumPy's, without looking into it."""
    if isinstance(value, np.ndarray):
        check_array(value, path)
    else:
        is_extension(value, path)


# Indexes.


def check_index(value: Any) -> None:
    """Check an index of any kind."""
    is_index(value, "index")
    if type(value) is pd.RangeIndex:
        check_range(value.start, value.stop, value.step)
    elif type(value) is pd.MultiIndex:
        check_multi(list(value.levels), list(value.codes), list(value.names))
        return
    else:
        check_values(value._data)
        check_index_values(value._data)
    label(value.name, "name")


def check_range(start: Any, stop: Any, step: Any) -> None:
    """Check the bounds of a range: it holds no labels, but others are as long as it is."""
    for bound, name in ((start, "start"), (stop, "stop"), (step, "step")):
        INT64(bound, name)
    if step == 0 or (stop - start) // step >= 2**31:
        raise PartError("the part 'stop': there are too many labels")


def check_written_out(index: Any, path: str, count: int = 0) -> None:
    """Check an index that pandas makes an array of: a range is as long as it says, of few bytes."""
    if type(index) is pd.RangeIndex and len(index) > max(count, LARGEST_EMPTY):
        raise PartError(f"the part {path!r}: a range of {len(index)} labels is written out")


def check_multi(levels: Any, codes: Any, names: Any) -> None:
    """Check the levels of an index: as many codes in each, and all within their level."""
    sequence_of(is_index)(levels, "levels")
    if not 1 <= len(levels) <= 64 or len(codes) != len(levels) or len(names) != len(levels):
        raise PartError(f"the part 'codes': {len(codes)} for {len(levels)} levels")
    for at, (level, code) in enumerate(zip(levels, codes, strict=True)):
        if type(level) is pd.MultiIndex:
            raise PartError(f"the part 'levels[{at}]': a level is no index of levels")
        check_written_out(level, f"levels[{at}]", len(code))
        check_codes(code, len(level), f"codes[{at}]")
        if len(code) != len(codes[0]):
            raise PartError(f"the part 'codes[{at}]': {len(code)}, not {len(codes[0])}")
    check_labels([name for name in names if name is not None], "names")


# Frames and series.


def check_length(index: Any, length: int, path: str) -> None:
    """Check that a column is as long as the index."""
    if len(index) != length:
        raise PartError(f"the part {path!r}: {length} values for {len(index)} labels")


def _check_blocks(manager: Any) -> None:
    """Check that the blocks of a frame hold each of its columns once, and all of its rows."""
    axes = manager.axes
    for axis in axes:
        check_index(axis)
    count, rows = (len(axes[0]), len(axes[1])) if len(axes) == 2 else (1, len(axes[0]))
    places = []
    for block in manager.blocks:
        _check_block(block, rows, len(axes))
        places.extend(block.mgr_locs.as_array.tolist())
    if len(axes) == 2 and sorted(places) != list(range(count)):
        raise PartError(f"the part 'blocks': they do not hold {count} columns once")


def _check_block(block: Any, rows: int, ndim: int) -> None:
    values = block.values
    check_values(values, "blocks")
    count = len(block.mgr_locs)
    is_flat = not isinstance(values, np.ndarray) and values.ndim == 1
    expected = (rows,) if ndim == 1 or is_flat else (count, rows)
    if tuple(values.shape) != expected or (is_flat and ndim == 2 and count != 1):
        raise PartError(f"the part 'blocks': {values.shape} values, not {expected}")


def _check_frame(value: Any) -> None:
    _check_blocks(value._mgr)
    exact(dict)(value.attrs, "attrs")


# Data types and scalars.


def is_categories(value: Any, path: str) -> None:
    """The categories of a type, which may have none; their hash goes through all of them."""
    optional(is_index)(value, path)
    check_written_out(value, path)


def _check_category_dtype(value: Any) -> None:
    is_categories(value.categories, "categories")
    optional(BOOL)(value.ordered, "ordered")


def _check_zone_dtype(value: Any) -> None:
    UNITS(value.unit, "unit")
    is_zone(value.tz, "tz")


def _check_interval_dtype(value: Any) -> None:
    optional(either(dtype("iufMm"), one_from({pd.DatetimeTZDtype}, "a type")))(
        value.subtype, "subtype"
    )


def check_offset(value: Any) -> None:
    """Check an offset, however it was made."""
    is_offset(value, "freq")
    parts = {"n": value.n, "normalize": value.normalize, **dict(getattr(value, "kwds", {}))}
    check_options(type(value), value.n, {**parts})


def _check_timestamp(value: Any) -> None:
    optional(is_zone)(value.tzinfo, "tz")


def _check_period(value: Any) -> None:
    is_offset(value.freq, "freq")


def _check_interval(value: Any) -> None:
    for side in (value.left, value.right):
        BOUND(side, "left")


BOUND = either(
    exact(bool, int, float),
    one_from({pd.Timestamp, pd.Timedelta, type(pd.NaT)}, "a bound"),
    numpy_scalar,
)
FILL = either(
    exact(bool, int, float, complex, str, type(None)),
    one_from({pd.Timestamp, pd.Timedelta, type(pd.NaT), type(pd.NA)}, "a value"),
    numpy_scalar,
)

# States and arguments, as pickles have them.

_is_manager = one_from(
    {managers.BlockManager, managers.SingleBlockManager},
    "a manager of blocks",
)
_FLAGS = one_of({"allows_duplicate_labels": True}, {"allows_duplicate_labels": False})
_frame_state_parts: dict[str, Any] = {
    "_typ": one_of("dataframe", "series"),
    "_metadata": sequence_of(text(32), list),
    "attrs": exact(dict),
    "_flags": _FLAGS,
    "_name": label,
    "name": label,
}


def _frame_state(state: Any) -> None:
    exact(dict)(state, "state")
    check_parts(state, {"_mgr": _is_manager}, _frame_state_parts)


_PLACES = either(exact(slice), array("iu", 1))
_PANDAS_DTYPE = either(is_dtype, dtype(COLUMN_KINDS))


def _backed_state(state: Any) -> None:
    """(dtype, array[, attributes]) in either order, of an array around one of NumPy's."""
    exact(tuple)(state, "state")
    for each in state:
        is_numpy_type = type(each).__name__ == "NumpyEADtype"
        if not is_numpy_type:
            either(_PANDAS_DTYPE, array(COLUMN_KINDS), exact(dict), exact(type(None)))(
                each, "state"
            )


def _dict_state(**checks: Any) -> Rule:
    def check(state: Any) -> None:
        parts: Any = state[0] if type(state) is tuple and len(state) == 1 else state
        exact(dict)(parts, "state")
        check_parts(parts, {}, checks)

    return check


_MASKED_STATE = _dict_state(
    _data=array("iufb", 1),
    _mask=array("b", 1),
    _dtype=is_dtype,
    _cache=exact(dict),
    _readonly=BOOL,
)
_is_sparse_index = one_from({IntIndex, BlockIndex}, "a sparse index")
_ARROW_STATE = _dict_state(_pa_array=value, _dtype=is_dtype, _cache=exact(dict), _readonly=BOOL)


def _new_index(args: Any) -> None:
    """(class, keywords) of the function that makes an index."""
    exact(tuple)(args, "args")
    cls, parts = args
    if cls not in INDEXES:
        raise PartError(f"the part 'class': {cls!r:.80} is no index of pandas")
    check_parts(parts, {}, _INDEX_PARTS)
    if cls is pd.MultiIndex:
        check_multi(parts["levels"], parts["codes"], parts["names"])
    elif cls is pd.RangeIndex:
        check_range(parts["start"], parts["stop"], parts["step"])
    elif "data" in parts:
        data = parts["data"]
        data = getattr(data, "_data", data) if type(data) in INDEXES else data
        check_values(data, "data")
        check_index_values(data, "data")


def is_side(value: Any, path: str) -> None:
    """One side of intervals, of which pandas makes an array."""
    either(is_index, is_column)(value, path)
    check_written_out(value, path)


_INDEX_PARTS: dict[str, Any] = {
    "data": either(is_index, is_column), "name": label, "names": sequence_of(label),
    "start": INT64, "stop": INT64, "step": INT64, "levels": sequence_of(is_index),
    "codes": sequence_of(array("i", 1)), "sortorder": optional(integer(0, 64)),
    "freq": optional(is_offset), "tz": optional(is_zone), "left": is_side, "right": is_side,
    "closed": one_of("left", "right", "both", "neither"),
}  # fmt: skip


def _arguments(*checks: Any, least: int | None = None) -> Rule:
    """The arguments of a function, the last of which may be left out."""

    def check(args: Any) -> None:
        exact(tuple)(args, "args")
        if not (len(checks) if least is None else least) <= len(args) <= len(checks):
            raise PartError(f"the part 'args': {len(args)} arguments")
        tuple_of(*checks[: len(args)])(args, "args")

    return check


def _sparse_arguments(args: Any) -> None:
    _arguments(integer(0, 2**31 - 1), array("i", 1))(args)
    check_sparse_index(*args)


def _sparse_blocks(args: Any) -> None:
    _arguments(integer(0, 2**31 - 1), array("i", 1), array("i", 1))(args)
    length, starts, lengths = args
    if starts.shape != lengths.shape or (lengths <= 0).any() or (starts < 0).any():
        raise PartError("the part 'blocks': they have no length")
    if length > explained(starts.nbytes) or int(lengths.sum(dtype="i8")) > length:
        raise PartError(f"the part 'length': {length} is too large for its blocks")
    ends = starts.astype("i8") + lengths
    if len(starts) and ((ends[:-1] > starts[1:]).any() or int(ends[-1]) > length):
        raise PartError("the part 'blocks': they are not in order within the length")


def _block_arguments(args: Any) -> None:
    _arguments(either(array(COLUMN_KINDS), is_extension), _PLACES, integer(1, 2))(args)
    check_values(args[0])


def _manager_arguments(args: Any) -> None:
    exact(tuple)(args, "args")
    sequence_of(value)(args[0], "blocks")
    sequence_of(is_index)(args[1], "axes")
    for block in args[0]:
        if type(block).__module__ != "pandas.core.internals.blocks":
            raise mismatch(block, "blocks", "a block")


def _series_manager_state(state: Any) -> None:
    """(axes, values of blocks, items of blocks, the same by names)."""
    exact(tuple)(state, "state")
    axes, values, places, named = tuple(state)
    sequence_of(is_index, length=1)(axes, "axes")
    sequence_of(is_column, length=1)(values, "blocks")
    sequence_of(is_index, length=1)(places, "items")
    exact(dict)(named, "state")
    for parts in named.values():
        sequence_of(is_index, length=1)(parts["axes"], "axes")
        for block in parts["blocks"]:
            is_column(block["values"], "blocks")
            _PLACES(block["mgr_locs"], "blocks")
            check_length(parts["axes"][0], len(block["values"]), "blocks")
    check_values(values[0])
    check_length(axes[0], len(values[0]), "blocks")


def _offset_arguments(cls: Any) -> Rule:
    """The arguments of an offset, in the order of its attributes."""

    def check(args: Any) -> None:
        exact(tuple)(args, "args")
        parts = dict(zip(cls._attributes, args, strict=False))
        if len(parts) != len(args):
            raise PartError(f"the part 'args': {cls.__name__} takes {len(cls._attributes)}")
        parts.setdefault("n", 1)
        BOOL(parts.setdefault("normalize", False), "normalize")
        check_options(cls, parts["n"], parts)

    return check


def _date_offset_state(state: Any) -> None:
    exact(dict)(state, "state")
    parts = {name: part for name, part in state.items() if not name.startswith("_")}
    BOOL(state.get("_use_relativedelta"), "_use_relativedelta")
    BOOL(parts["normalize"], "normalize")
    check_options(pd.DateOffset, parts["n"], parts)
    for name in state.keys() - parts.keys() - {"_use_relativedelta", "_offset", "_cache"}:
        raise PartError(f"there is no part {name!r}")
    exact(dict)(state.get("_cache", {}), "_cache")
    _is_span(state["_offset"], "_offset")


def _is_span(value: Any, path: str) -> None:
    module = sys.modules.get("dateutil.relativedelta")
    if type(value) not in (dt.timedelta, getattr(module, "relativedelta", None)):
        raise mismatch(value, path, "a span of time")


def _arrow_dtype_state(state: Any) -> None:
    exact(dict)(state, "state")
    check_parts(state, {"pyarrow_dtype": value}, {"_storage": one_of("pyarrow")})
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is None or not isinstance(state["pyarrow_dtype"], pyarrow.DataType):
        raise mismatch(state["pyarrow_dtype"], "pyarrow_dtype", "pyarrow.DataType")


def _check_one_block(value: Any) -> None:
    check_values(value.values, "blocks")


def _names(cls: Any) -> set[str]:
    """The full names that a class has, here and in older versions."""
    return {f"{cls.__module__}.{cls.__qualname__}", *_OLD_NAMES.get(cls.__name__, ())}


_OLD_NAMES: dict[str, tuple[str, ...]] = {
    "DataFrame": ("pandas.core.frame.DataFrame",),
    "Series": ("pandas.core.series.Series",),
    "Categorical": ("pandas.core.arrays.categorical.Categorical",),
    "DatetimeArray": ("pandas.core.arrays.datetimes.DatetimeArray",),
    "TimedeltaArray": ("pandas.core.arrays.timedeltas.TimedeltaArray",),
    "PeriodArray": ("pandas.core.arrays.period.PeriodArray",),
    "IntervalArray": ("pandas.core.arrays.interval.IntervalArray",),
    "IntegerArray": ("pandas.core.arrays.integer.IntegerArray",),
    "FloatingArray": ("pandas.core.arrays.floating.FloatingArray",),
    "BooleanArray": ("pandas.core.arrays.boolean.BooleanArray",),
    "SparseArray": ("pandas.core.arrays.sparse.array.SparseArray",),
    "ArrowExtensionArray": ("pandas.core.arrays.arrow.array.ArrowExtensionArray",),
    "ArrowStringArray": ("pandas.core.arrays.string_arrow.ArrowStringArray",),
    "StringArray": ("pandas.core.arrays.string_.StringArray",),
    "NumpyExtensionArray": ("pandas.core.arrays.numpy_.NumpyExtensionArray",),
}


def _by_names(rules: dict[Any, Rule]) -> dict[str, Rule]:
    return {name: rule for cls, rule in rules.items() for name in _names(cls)}


_TEXT_ARRAYS = [
    cls
    for cls in (pd.arrays.StringArray, pd.arrays.ArrowStringArray)
    if issubclass(cls, BaseStringArray)
]
_BACKED = (
    pd.Categorical,
    pd.arrays.DatetimeArray,
    pd.arrays.TimedeltaArray,
    pd.arrays.PeriodArray,
    pd.arrays.NumpyExtensionArray,
    pd.arrays.StringArray,
)
_NULLABLE = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


def _masked_dtype_state(cls: Any) -> Rule:
    """What pandas has computed about a type of nullable columns: only what it would compute."""

    def check(state: Any) -> None:
        _dict_state(_cache=exact(dict))(state)
        for name, found in state["_cache"].items():
            known = type(name) is str and name in ("numpy_dtype", "kind", "itemsize", "index_class")
            if not known or found != getattr(cls(), name):
                raise PartError(f"the part '_cache': {name!r:.50} is not what the type says")

    return check


_MASKED_DTYPES = (
    pd.BooleanDtype, pd.Float32Dtype, pd.Float64Dtype, pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype,
    pd.Int64Dtype, pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype,
)  # fmt: skip

_STATE_RULES: dict[Any, Rule] = {
    **{cls: _masked_dtype_state(cls) for cls in _MASKED_DTYPES},
    pd.DataFrame: _frame_state,
    pd.Series: _frame_state,
    **dict.fromkeys(_BACKED, _backed_state),
    **dict.fromkeys(_NULLABLE, _MASKED_STATE),
    pd.arrays.IntervalArray: _dict_state(
        _left=is_side, _right=is_side, _dtype=is_dtype, _readonly=BOOL, _cache=exact(dict)
    ),
    pd.arrays.SparseArray: _dict_state(
        _sparse_index=_is_sparse_index, _sparse_values=array(COLUMN_KINDS, 1),
        _dtype=is_dtype, _readonly=BOOL
    ),
    pd.arrays.ArrowExtensionArray: _ARROW_STATE,
    pd.arrays.ArrowStringArray: _ARROW_STATE,
    pd.CategoricalDtype: _dict_state(categories=is_categories, ordered=optional(BOOL)),
    pd.DatetimeTZDtype: _dict_state(unit=UNITS, tz=is_zone),
    pd.IntervalDtype: _dict_state(
        subtype=optional(dtype("iufMm")), closed=optional(text(8))
    ),
    pd.SparseDtype: _dict_state(_dtype=dtype(COLUMN_KINDS), _fill_value=FILL),
}  # fmt: skip

_TSLIBS = "pandas._libs.tslibs"
STATES: dict[str, Rule] = {
    **{
        f"{cls.__module__}.{cls.__qualname__}": _offset_arguments(cls)
        for cls in _OFFSET_CLASSES
        if cls is not pd.DateOffset
    },
    **_by_names(_STATE_RULES),
    "pandas.DateOffset": _date_offset_state,
    f"{_TSLIBS}.offsets.DateOffset": _date_offset_state,
    "pandas.ArrowDtype": _arrow_dtype_state,
    "pandas.core.dtypes.dtypes.ArrowDtype": _arrow_dtype_state,
    "pandas.core.indexes.base._new_Index": _new_index,
    "pandas.core.indexes.datetimes._new_DatetimeIndex": _new_index,
    "pandas.core.indexes.timedeltas._new_TimedeltaIndex": _new_index,
    "pandas.core.indexes.interval._new_IntervalIndex": _new_index,
    "pandas._libs.internals._unpickle_block": _block_arguments,
    "pandas.core.internals.managers.BlockManager": _manager_arguments,
    "pandas.core.internals.managers.SingleBlockManager": _series_manager_state,
    "pandas._libs.sparse.IntIndex": _sparse_arguments,
    "pandas._libs.sparse.BlockIndex": _sparse_blocks,
    f"{_TSLIBS}.timestamps._unpickle_timestamp": _arguments(
        INT64, optional(is_offset), optional(is_zone), integer(7, 10), least=3
    ),
    f"{_TSLIBS}.timedeltas._timedelta_unpickle": _arguments(INT64, integer(7, 10)),
    f"{_TSLIBS}.nattype._nat_unpickle": _arguments(held),
    f"{_TSLIBS}.period.Period": _arguments(optional(value), is_offset, INT64),
    "pandas.Period": _arguments(exact(type(None)), is_offset, INT64),
    "pandas.Interval": _arguments(BOUND, BOUND, one_of("left", "right", "both", "neither")),
    "pandas.PeriodDtype": _arguments(either(is_offset, text(64))),
    "pandas.StringDtype": _arguments(one_of("python", "pyarrow"), held, least=1),
}


def _anything(value: Any) -> None:
    """The rule of classes whose constructors check all that is relied on."""
    del value


_OBJECT_RULES: dict[Any, Rule] = {
    pd.DataFrame: _check_frame,
    pd.Series: _check_frame,
    **dict.fromkeys(INDEXES, check_index),
    **_ARRAY_RULES,
    **dict.fromkeys(_TEXT_ARRAYS, _check_text),
    **dict.fromkeys(DTYPES, _anything),
    pd.CategoricalDtype: _check_category_dtype,
    pd.DatetimeTZDtype: _check_zone_dtype,
    pd.IntervalDtype: _check_interval_dtype,
    **dict.fromkeys(_OFFSET_CLASSES, check_offset),
    pd.Timestamp: _check_timestamp,
    pd.Timedelta: _anything,
    pd.Period: _check_period,
    pd.Interval: _check_interval,
    type(pd.NA): _anything,
    type(pd.NaT): _anything,
    IntIndex: lambda index: check_sparse_index(index.length, index.indices),
    BlockIndex: lambda index: check_sparse_index(index.length, index.to_int_index().indices),
    managers.BlockManager: _check_blocks,
    managers.SingleBlockManager: _check_blocks,
}
_BLOCKS = ("NumpyBlock", "ExtensionBlock", "NDArrayBackedExtensionBlock", "DatetimeLikeBlock")
OBJECTS: dict[str, Rule] = {
    **_by_names(_OBJECT_RULES),
    **{f"pandas.core.internals.blocks.{name}": _check_one_block for name in _BLOCKS},
}
