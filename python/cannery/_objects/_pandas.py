"""pandas: frames and series column by column, each index and each extension array as it is.

Columns of numbers and dates are arrays, which lie in a `.can` file as NPY; text that Arrow holds is
an Arrow stream; everything else is a list.
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pandas.core.arrays.string_ import BaseStringArray

from cannery._objects import _invariants_pandas as invariants
from cannery._objects._checks import (
    BOOL,
    LARGEST_EMPTY,
    PLAIN_DICT,
    Check,
    PartError,
    array,
    checked,
    dtype,
    either,
    exact,
    integer,
    mismatch,
    native_array,
    one_of,
    optional,
    sequence_of,
    text,
)
from cannery._objects._invariants_numpy import INT64
from cannery._objects._labels import label
from cannery._objects._own_names import OwnNames, attributes_besides, refuse_attributes

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of pandas' types are described."""
    for known, (name, parts) in _PARTS.items():
        if cls is known or (known in _FAMILIES and issubclass(cls, known)):
            return lambda value: (name, _with_type(parts, value))
    return None


def _with_type(parts: Callable[[Any], Parts], value: Any) -> Parts:
    """The parts of a value; the type of an array's elements is made again without attributes."""
    if isinstance(value, pd.api.extensions.ExtensionArray):
        kind = value.dtype
        if type(kind).__dictoffset__:
            refuse_attributes(kind, attributes_besides(kind, OwnNames.of(type(kind))))
    return parts(value)


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How they are made again."""
    return _MAKERS.get(name)


@functools.lru_cache(maxsize=256)
def own_attributes(cls: type) -> frozenset[str] | None:
    """What pandas itself keeps in an instance of a class that takes other attributes, too.

    Those of types that pandas keeps for all, and gives again, would reach beyond the file.
    """
    is_shared = cls is pd.PeriodDtype or cls in _BY_NAME_ONLY.values()
    takes_some = cls.__dictoffset__ and describer_of(cls) is not None and not is_shared
    return OwnNames.of(cls) if takes_some else None


def class_value(name: str) -> type | None:
    """One of pandas' own classes as a value: they are data types, and run nothing."""
    return _CLASS_VALUES.get(name)


# Frames and series.


def _frame_parts(frame: Any) -> Parts:
    columns = [_column(frame.iloc[:, at]) for at in range(frame.shape[1])]
    return {"columns": frame.columns, "index": frame.index, "values": columns, **_extras(frame)}


def _column(series: Any) -> Any:
    values = series.array
    return _plain(values) if isinstance(values, _PLAIN) and values.dtype.kind != "O" else values


def _plain(values: Any) -> Any:
    """The array of NumPy's behind one of pandas', which an index may keep, with attributes."""
    refuse_attributes(values, attributes_besides(values, OwnNames.of(type(values))))
    return values.to_numpy()


def _extras(value: Any) -> Parts:
    extras: Parts = {}
    if set(value._metadata) != set(type(value)._metadata):
        refuse_attributes(value, ["_metadata"])
    if value.attrs:
        extras["attrs"] = value.attrs
    if not value.flags.allows_duplicate_labels:
        extras["allows_duplicate_labels"] = False
    return extras


def _make_frame(parts: Parts) -> Any:
    index, columns, values = parts["index"], parts["columns"], parts["values"]
    if len(columns) != len(values):
        raise PartError(f"the part 'columns': {len(columns)} labels for {len(values)} columns")
    if not values and type(index) is pd.RangeIndex and len(index) > LARGEST_EMPTY:
        raise PartError(f"the part 'index': {len(index)} rows, and no column")
    for at, column in enumerate(values):
        invariants.check_length(index, len(column), f"values[{at}]")
        invariants.check_column(column, f"values[{at}]")
    frame = pd.DataFrame(
        {at: _series_of(column, index) for at, column in enumerate(values)},
        index=index,
        copy=False,
    )
    frame.columns = columns
    return _with_extras(frame, parts)


def _series_of(values: Any, index: Any) -> Any:
    # An array of objects would be looked through for a better type.
    return pd.Series(values, index=index, dtype=_dtype_of(values), copy=False)


def _keep_attributes(values: Any, held: Any) -> None:
    """Give the array that is held what its original was given: pandas may have made another."""
    if held is not values and type(held) is type(values) and type(held).__dictoffset__:
        vars(held).update(attributes_besides(values, OwnNames.of(type(values))))


def _dtype_of(values: Any) -> Any:
    is_plain = type(values) in (np.ndarray, *_PLAIN)
    return object if is_plain and values.dtype.kind == "O" else None


def _with_extras(value: Any, parts: Parts) -> Any:
    value.attrs.update(parts.get("attrs", {}))
    if "allows_duplicate_labels" in parts:
        return value.set_flags(allows_duplicate_labels=False)
    return value


def _series_parts(series: Any) -> Parts:
    parts = {"name": series.name, "index": series.index, "values": _column(series)}
    return parts | _extras(series)


def _make_series(parts: Parts) -> Any:
    values, index = parts["values"], parts["index"]
    invariants.check_length(index, len(values), "values")
    invariants.check_column(values)
    series = _series_of(values, index)
    _keep_attributes(values, series.array)
    # A hashable name, whatever it is: the constructor would look into tuples.
    series.name = parts["name"]
    return _with_extras(series, parts)


# Indexes.


def _index_parts(index: Any) -> Parts:
    values = index.array
    # Arrays of text are derived from plain ones, and have a type of their own.
    values = _plain(values) if type(values) in _PLAIN else values
    return {"values": values, "name": index.name}


def _make_index(parts: Parts) -> Any:
    values = parts["values"]
    invariants.check_column(values)
    invariants.check_index_values(values)
    index = pd.Index(values, dtype=_dtype_of(values))
    _keep_attributes(values, index.array)
    index.name = parts["name"]
    invariants.is_index(index, "index")
    return index


def _range_parts(index: Any) -> Parts:
    kept = vars(index).get("_cache", {}).get("array")
    if kept is not None:
        _plain(kept)
    return {"start": index.start, "stop": index.stop, "step": index.step, "name": index.name}


def _make_range(parts: Parts) -> Any:
    invariants.check_range(parts["start"], parts["stop"], parts["step"])
    return pd.RangeIndex(parts["start"], parts["stop"], parts["step"], name=parts["name"])


def _multi_parts(index: Any) -> Parts:
    codes = [np.asarray(level) for level in index.codes]
    parts = {"levels": list(index.levels), "codes": codes, "names": list(index.names)}
    return parts if index.sortorder is None else {**parts, "sortorder": index.sortorder}


def _make_multi(parts: Parts) -> Any:
    invariants.check_multi(parts["levels"], parts["codes"], parts["names"])
    order = parts.get("sortorder")  # pandas compares it with the codes
    return pd.MultiIndex(parts["levels"], parts["codes"], order, parts["names"])


def _dates_parts(index: Any) -> Parts:
    parts = {"values": index.array, "name": index.name}
    return parts if index.freq is None else parts | {"freq": index.freq}


# How many labels a frequency is compared with: each step of some is computed in Python.
_COMPARED = 1000


def _make_dates(cls: Any) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        values = parts["values"]
        invariants.check_column(values)
        index = cls(values, name=parts["name"])
        _keep_attributes(values, index.array)
        if "freq" in parts:
            _set_freq(index, parts["freq"])
        return index

    return make


def _set_freq(index: Any, freq: Any) -> None:
    if isinstance(freq, pd.tseries.offsets.Tick) or len(index) <= _COMPARED:
        index.freq = freq
        return
    head = index[:_COMPARED]
    head.freq = freq
    index._freq = freq


# Extension arrays. The plain ones are NumPy arrays with another face.

_PLAIN = (pd.arrays.NumpyExtensionArray,)


def _dates_array_parts(values: Any) -> Parts:
    parts = {"values": values.to_numpy(dtype=f"M8[{values.unit}]", copy=False)}
    return parts if values.tz is None else parts | {"tz": values.tz}


def _make_dates_array(parts: Parts) -> Any:
    invariants.UNITS(np.datetime_data(parts["values"].dtype)[0], "unit")
    if np.datetime_data(parts["values"].dtype)[1] != 1:
        raise PartError("the part 'values': pandas counts single units of time")
    values = pd.Series(parts["values"], copy=False)
    if "tz" in parts:
        values = values.dt.tz_localize("UTC").dt.tz_convert(parts["tz"])
    return values.array


def _deltas_array_parts(values: Any) -> Parts:
    return {"values": values.to_numpy()}


def _period_array_parts(values: Any) -> Parts:
    return {"ordinals": values.asi8, "freq": values.dtype.freq}


def _make_period_array(parts: Parts) -> Any:
    return pd.arrays.PeriodArray(
        parts["ordinals"].astype("i8"), dtype=pd.PeriodDtype(parts["freq"])
    )


def _interval_array_parts(values: Any) -> Parts:
    return {"left": values.left, "right": values.right, "closed": values.closed}


def _make_interval_array(parts: Parts) -> Any:
    for side in ("left", "right"):
        if type(parts[side]) not in invariants.INDEXES:
            invariants.check_column(parts[side], side)
    return pd.arrays.IntervalArray.from_arrays(parts["left"], parts["right"], parts["closed"])


def _categorical_parts(values: Any) -> Parts:
    return {"codes": values.codes, "categories": values.categories, "ordered": values.ordered}


def _make_categorical(parts: Parts) -> Any:
    invariants.check_codes(parts["codes"], len(parts["categories"]))
    invariants.check_written_out(parts["categories"], "categories", len(parts["codes"]))
    return pd.Categorical.from_codes(
        parts["codes"], categories=parts["categories"], ordered=parts["ordered"]
    )


def _masked_parts(values: Any) -> Parts:
    # Not `to_numpy`: what lies under the mask is kept, and nothing is converted.
    return {"values": values._data, "mask": values._mask}


def _masked_maker(cls: Any, kinds: str) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        invariants.check_masked(parts["values"], parts["mask"])
        return cls(parts["values"], parts["mask"])

    checks = {"values": native_array(kinds, 1), "mask": native_array("b", 1, 1)}
    return checked(make, checks)


def _sparse_parts(values: Any) -> Parts:
    return {
        "values": values.sp_values,
        "indices": values.sp_index.to_int_index().indices,
        "kind": values.kind,
        "length": len(values),
        "fill_value": values.fill_value,
    }


def _make_sparse(parts: Parts) -> Any:
    from pandas._libs.sparse import IntIndex

    invariants.check_sparse_index(parts["length"], parts["indices"])
    if len(parts["values"]) != len(parts["indices"]):
        raise PartError("the part 'values': not one for each position")
    index = IntIndex(parts["length"], parts["indices"].astype("i4"))
    index = index if parts["kind"] == "integer" else index.to_block_index()
    values, fill_value = parts["values"], parts["fill_value"]
    dtype = pd.SparseDtype(values.dtype, fill_value)
    return pd.arrays.SparseArray(values, sparse_index=index, fill_value=fill_value, dtype=dtype)


def _text_parts(values: Any) -> Parts:
    dtype = values.dtype
    parts = {"dtype": dtype}
    if dtype.storage == "pyarrow":
        return parts | {"arrow": _arrow_of(values)}
    return parts | {
        "items": [
            None if item is dtype.na_value or item is None or item != item else item
            for item in values
        ]
    }


def _make_text(parts: Parts) -> Any:
    if "arrow" in parts:
        return _array_of_arrow(parts)
    return _array_of_items(parts)


def _make_arrow_text(parts: Parts) -> Any:
    cls = parts["dtype"].construct_array_type()
    # In pandas 2 the class says all about the type.
    return cls(parts["arrow"], **({"dtype": parts["dtype"]} if _TAKES_TYPE else {}))


_TAKES_TYPE = not pd.__version__.startswith("2.")


def _is_arrow(value: Any, path: str) -> None:
    """One of pyarrow's arrays, or chunks of one."""
    import pyarrow as pa

    if not isinstance(value, (pa.Array, pa.ChunkedArray)):
        raise mismatch(value, path, "pyarrow.ChunkedArray")


_is_text_dtype = invariants.one_from({pd.StringDtype}, "pandas.StringDtype")
_array_of_arrow = checked(_make_arrow_text, {"dtype": _is_text_dtype, "arrow": _is_arrow})
_array_of_items = checked(
    lambda parts: pd.array(parts["items"], dtype=parts["dtype"]),
    {"dtype": _is_text_dtype, "items": sequence_of(exact(str, type(None)), list)},
)


def _arrow_parts(values: Any) -> Parts:
    return {"arrow": _arrow_of(values)}


def _arrow_of(values: Any) -> Any:
    import pyarrow as pa

    # Private, for no public way gives the chunks without a copy.
    return getattr(values, "_pa_array", None) if hasattr(values, "_pa_array") else pa.array(values)


def _make_arrow(parts: Parts) -> Any:
    return pd.arrays.ArrowExtensionArray(parts["arrow"])


def _objects_parts(values: Any) -> Parts:
    return {"values": values.to_numpy()}


# Types of columns.


def _string_dtype_parts(dtype: Any) -> Parts:
    return {"storage": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "nan"}


def _make_string_dtype(parts: Parts) -> Any:
    na_value = pd.NA if parts["na"] == "NA" else np.nan
    return pd.StringDtype(parts["storage"], na_value=na_value)


def _category_dtype_parts(dtype: Any) -> Parts:
    return {"categories": dtype.categories, "ordered": dtype.ordered}


def _dtype_by_name(dtype: Any) -> Parts:
    return {"value": str(dtype)}


def _sparse_dtype_parts(dtype: Any) -> Parts:
    return {"subtype": dtype.subtype, "fill_value": dtype.fill_value}


# Scalars.


def _timestamp_parts(value: Any) -> Parts:
    parts = {"value": value.asm8.view("i8").item(), "unit": value.unit}
    if value.tz is not None:
        parts["tz"] = value.tz
    return parts


def _make_timestamp(parts: Parts) -> Any:
    value = pd.Timestamp(np.datetime64(parts["value"], parts["unit"]))
    if "tz" in parts:
        return value.tz_localize(dt.UTC).tz_convert(parts["tz"])
    return value


def _timedelta_parts(value: Any) -> Parts:
    return {"value": value.asm8.view("i8").item(), "unit": value.unit}


def _make_timedelta(parts: Parts) -> Any:
    return pd.Timedelta(np.timedelta64(parts["value"], parts["unit"]))


def _period_parts(value: Any) -> Parts:
    return {"ordinal": value.ordinal, "freq": value.freq}


def _interval_parts(value: Any) -> Parts:
    return {"left": value.left, "right": value.right, "closed": value.closed}


def _offset_parts(offset: Any) -> Parts:
    parts = {"name": type(offset).__name__, "n": offset.n}
    if offset.normalize:
        parts["normalize"] = True
    kwds = dict(getattr(offset, "kwds", {}))
    return parts | ({"options": kwds} if kwds else {})


def _make_offset(parts: Parts) -> Any:
    cls = invariants.OFFSETS.get(parts["name"])
    if cls is None:
        raise PartError(f"pandas has no offset {parts['name']!r:.80}")
    options = dict(parts.get("options", {}))
    invariants.check_options(cls, parts["n"], options)
    # Both say the same; the constructor makes the calendar of the other two.
    if "calendar" in options and options.get("holidays") is not None:
        del options["calendar"]
    if "normalize" in parts:
        options["normalize"] = True
    return cls(parts["n"], **options)


_NA_TYPE, _NAT_TYPE = type(pd.NA), type(pd.NaT)
_BASE_OFFSET = pd.tseries.offsets.BaseOffset

# Whose subclasses, all in pandas, are described by the same parts.
_FAMILIES = {_BASE_OFFSET, BaseStringArray}

_PARTS: dict[type, tuple[str, Callable[[Any], Parts]]] = {
    pd.DataFrame: ("pandas.DataFrame", _frame_parts),
    pd.Series: ("pandas.Series", _series_parts),
    pd.Index: ("pandas.Index", _index_parts),
    pd.CategoricalIndex: ("pandas.CategoricalIndex", _index_parts),
    pd.IntervalIndex: ("pandas.IntervalIndex", _index_parts),
    pd.PeriodIndex: ("pandas.PeriodIndex", _index_parts),
    pd.RangeIndex: ("pandas.RangeIndex", _range_parts),
    pd.MultiIndex: ("pandas.MultiIndex", _multi_parts),
    pd.DatetimeIndex: ("pandas.DatetimeIndex", _dates_parts),
    pd.TimedeltaIndex: ("pandas.TimedeltaIndex", _dates_parts),
    pd.Categorical: ("pandas.Categorical", _categorical_parts),
    pd.arrays.DatetimeArray: ("pandas.arrays.DatetimeArray", _dates_array_parts),
    pd.arrays.TimedeltaArray: ("pandas.arrays.TimedeltaArray", _deltas_array_parts),
    pd.arrays.PeriodArray: ("pandas.arrays.PeriodArray", _period_array_parts),
    pd.arrays.IntervalArray: ("pandas.arrays.IntervalArray", _interval_array_parts),
    pd.arrays.IntegerArray: ("pandas.arrays.IntegerArray", _masked_parts),
    pd.arrays.FloatingArray: ("pandas.arrays.FloatingArray", _masked_parts),
    pd.arrays.BooleanArray: ("pandas.arrays.BooleanArray", _masked_parts),
    pd.arrays.SparseArray: ("pandas.arrays.SparseArray", _sparse_parts),
    BaseStringArray: ("pandas.arrays.StringArray", _text_parts),
    pd.arrays.ArrowExtensionArray: ("pandas.arrays.ArrowExtensionArray", _arrow_parts),
    pd.arrays.NumpyExtensionArray: ("pandas.arrays.NumpyExtensionArray", _objects_parts),
    pd.ArrowDtype: ("pandas.ArrowDtype", lambda dtype: {"type": dtype.pyarrow_dtype}),
    pd.StringDtype: ("pandas.StringDtype", _string_dtype_parts),
    pd.CategoricalDtype: ("pandas.CategoricalDtype", _category_dtype_parts),
    pd.DatetimeTZDtype: (
        "pandas.DatetimeTZDtype",
        lambda dtype: {"unit": dtype.unit, "tz": dtype.tz},
    ),
    pd.PeriodDtype: ("pandas.PeriodDtype", lambda dtype: {"freq": dtype.freq}),
    pd.IntervalDtype: (
        "pandas.IntervalDtype",
        lambda dtype: {"subtype": dtype.subtype, "closed": dtype.closed},
    ),
    pd.SparseDtype: ("pandas.SparseDtype", _sparse_dtype_parts),
    pd.Timestamp: ("pandas.Timestamp", _timestamp_parts),
    pd.Timedelta: ("pandas.Timedelta", _timedelta_parts),
    pd.Period: ("pandas.Period", _period_parts),
    pd.Interval: ("pandas.Interval", _interval_parts),
    _NA_TYPE: ("pandas.NA", lambda _: {}),
    _NAT_TYPE: ("pandas.NaT", lambda _: {}),
    _BASE_OFFSET: ("pandas.offsets", _offset_parts),
    **{
        getattr(pd, name): (f"pandas.{name}", lambda _: {})
        for kind in ("Int", "UInt")
        for name in [f"{kind}{size}Dtype" for size in (8, 16, 32, 64)]
    },
    pd.Float32Dtype: ("pandas.Float32Dtype", lambda _: {}),
    pd.Float64Dtype: ("pandas.Float64Dtype", lambda _: {}),
    pd.BooleanDtype: ("pandas.BooleanDtype", lambda _: {}),
}

_BY_NAME_ONLY = {
    name: cls
    for cls, (name, _) in _PARTS.items()
    if name.endswith("Dtype") and name.removeprefix("pandas.")[:2] in ("In", "UI", "Fl", "Bo")
    if name != "pandas.IntervalDtype"
}
_CLASS_VALUES: dict[str, type] = {
    each: known
    for known, (name, _) in _PARTS.items()
    for each in (name, f"{known.__module__}.{known.__qualname__}")
}

_IS_INDEX = invariants.is_index
_IS_COLUMN = invariants.is_column
_IS_OFFSET = invariants.is_offset
_IS_ZONE = invariants.is_zone
_CLOSED = one_of("left", "right", "both", "neither")
_EXTRAS: dict[str, Check] = {"attrs": PLAIN_DICT, "allows_duplicate_labels": one_of(False)}
_MOMENTS = native_array("M", 1, 8)
_DATES: dict[str, Check] = {
    "values": either(
        invariants.one_from({pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray}, "dates"),
        native_array("Mm", 1, 8),
    ),
    "name": label,
}
_INDEX: dict[str, Check] = {"values": _IS_COLUMN, "name": label}
_NUMPY_DTYPE = dtype("biufcmMO")


def _parts_only(cls: Any) -> Callable[[Parts], Any]:
    """A type that takes what its parts say."""
    return lambda parts: cls(**parts)


def _one(value: Any) -> Callable[[Parts], Any]:
    return checked(lambda _: value, {})


_FRAMES: dict[str, Callable[[Parts], Any]] = {
    "pandas.DataFrame": checked(
        _make_frame,
        {"columns": _IS_INDEX, "index": _IS_INDEX, "values": sequence_of(_IS_COLUMN, list)},
        **_EXTRAS,
    ),
    "pandas.Series": checked(
        _make_series, {"name": label, "index": _IS_INDEX, "values": _IS_COLUMN}, **_EXTRAS
    ),
    "pandas.Index": checked(_make_index, _INDEX),
    "pandas.CategoricalIndex": checked(_make_index, _INDEX),
    "pandas.IntervalIndex": checked(_make_index, _INDEX),
    "pandas.PeriodIndex": checked(_make_index, _INDEX),
    "pandas.RangeIndex": checked(
        _make_range, {"start": INT64, "stop": INT64, "step": INT64, "name": label}
    ),
    "pandas.MultiIndex": checked(
        _make_multi,
        {
            "levels": sequence_of(_IS_INDEX),
            "codes": sequence_of(native_array("i", 1)),
            "names": sequence_of(label),
        },
        sortorder=integer(0, 64),
    ),
    "pandas.DatetimeIndex": checked(_make_dates(pd.DatetimeIndex), _DATES, freq=_IS_OFFSET),
    "pandas.TimedeltaIndex": checked(_make_dates(pd.TimedeltaIndex), _DATES, freq=_IS_OFFSET),
}

_ARRAYS: dict[str, Callable[[Parts], Any]] = {
    "pandas.Categorical": checked(
        _make_categorical,
        {"codes": native_array("i", 1), "categories": _IS_INDEX, "ordered": optional(BOOL)},
    ),
    "pandas.arrays.DatetimeArray": checked(_make_dates_array, {"values": _MOMENTS}, tz=_IS_ZONE),
    "pandas.arrays.TimedeltaArray": checked(_make_dates_array, {"values": native_array("m", 1, 8)}),
    "pandas.arrays.PeriodArray": checked(
        _make_period_array, {"ordinals": native_array("i", 1, 8), "freq": _IS_OFFSET}
    ),
    "pandas.arrays.IntervalArray": checked(
        _make_interval_array,
        {"left": invariants.is_side, "right": invariants.is_side, "closed": _CLOSED},
    ),
    "pandas.arrays.IntegerArray": _masked_maker(pd.arrays.IntegerArray, "iu"),
    "pandas.arrays.FloatingArray": _masked_maker(pd.arrays.FloatingArray, "f"),
    "pandas.arrays.BooleanArray": _masked_maker(pd.arrays.BooleanArray, "b"),
    "pandas.arrays.SparseArray": checked(
        _make_sparse,
        {
            "values": native_array("biufcmMO", 1),
            "indices": native_array("i", 1, 4, 8),
            "kind": one_of("integer", "block"),
            "length": integer(0, 2**31 - 1),
            "fill_value": invariants.FILL,
        },
    ),
    "pandas.arrays.StringArray": _make_text,
    "pandas.arrays.ArrowExtensionArray": checked(_make_arrow, {"arrow": _is_arrow}),
    "pandas.arrays.NumpyExtensionArray": checked(
        lambda parts: pd.arrays.NumpyExtensionArray(parts["values"]),
        {"values": array("biufcmMO", 1)},
    ),
}


def _is_arrow_type(value: Any, path: str) -> None:
    import pyarrow as pa

    if not isinstance(value, pa.DataType):
        raise mismatch(value, path, "pyarrow.DataType")


_DTYPES: dict[str, Callable[[Parts], Any]] = {
    "pandas.ArrowDtype": checked(
        lambda parts: pd.ArrowDtype(parts["type"]), {"type": _is_arrow_type}
    ),
    "pandas.StringDtype": checked(
        _make_string_dtype, {"storage": one_of("python", "pyarrow"), "na": one_of("NA", "nan")}
    ),
    "pandas.CategoricalDtype": checked(
        _parts_only(pd.CategoricalDtype),
        {"categories": invariants.is_categories, "ordered": optional(BOOL)},
    ),
    "pandas.DatetimeTZDtype": checked(
        _parts_only(pd.DatetimeTZDtype), {"unit": invariants.UNITS, "tz": _IS_ZONE}
    ),
    "pandas.PeriodDtype": checked(
        lambda parts: pd.PeriodDtype(parts["freq"]), {"freq": _IS_OFFSET}
    ),
    "pandas.IntervalDtype": checked(
        _parts_only(pd.IntervalDtype),
        {
            "subtype": optional(
                either(dtype("iufMm"), invariants.one_from({pd.DatetimeTZDtype}, "a type"))
            ),
            "closed": optional(_CLOSED),
        },
    ),
    "pandas.SparseDtype": checked(
        lambda parts: pd.SparseDtype(parts["subtype"], parts["fill_value"]),
        {"subtype": _NUMPY_DTYPE, "fill_value": invariants.FILL},
    ),
    **{name: _one(cls()) for name, cls in _BY_NAME_ONLY.items()},
}

_SCALARS: dict[str, Callable[[Parts], Any]] = {
    "pandas.Timestamp": checked(
        _make_timestamp, {"value": INT64, "unit": invariants.UNITS}, tz=_IS_ZONE
    ),
    "pandas.Timedelta": checked(_make_timedelta, {"value": INT64, "unit": invariants.UNITS}),
    "pandas.Period": checked(
        lambda parts: pd.Period(ordinal=parts["ordinal"], freq=parts["freq"]),
        {"ordinal": INT64, "freq": _IS_OFFSET},
    ),
    "pandas.Interval": checked(
        _parts_only(pd.Interval),
        {"left": invariants.BOUND, "right": invariants.BOUND, "closed": _CLOSED},
    ),
    "pandas.NA": _one(pd.NA),
    "pandas.NaT": _one(pd.NaT),
    "pandas.offsets": checked(
        _make_offset,
        {"name": text(64), "n": INT64},
        normalize=one_of(True),
        options=PLAIN_DICT,
    ),
}

_MAKERS: dict[str, Callable[[Parts], Any]] = {**_FRAMES, **_ARRAYS, **_DTYPES, **_SCALARS}
