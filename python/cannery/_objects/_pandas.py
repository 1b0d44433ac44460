"""pandas: frames and series column by column, each index and each extension array as it is.

Columns of numbers and dates are arrays, which lie in a `.can` file as NPY; text that Arrow holds is
an Arrow stream; everything else is a list.
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pandas.core.arrays.string_ import BaseStringArray

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of pandas' types are described."""
    for known, (name, parts) in _PARTS.items():
        if cls is known or (known in _FAMILIES and issubclass(cls, known)):
            return lambda value: (name, parts(value))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How they are made again."""
    return _MAKERS.get(name)


def class_value(name: str) -> type | None:
    """One of pandas' own classes as a value: they are data types, and run nothing."""
    for known, (known_name, _) in _PARTS.items():
        if known_name == name or f"{known.__module__}.{known.__qualname__}" == name:
            return known
    return None


# Frames and series.


def _frame_parts(frame: Any) -> Parts:
    columns = [_column(frame.iloc[:, at]) for at in range(frame.shape[1])]
    return {"columns": frame.columns, "index": frame.index, "values": columns, **_extras(frame)}


def _column(series: Any) -> Any:
    values = series.array
    return values.to_numpy() if isinstance(values, _PLAIN) and values.dtype.kind != "O" else values


def _extras(value: Any) -> Parts:
    extras: Parts = {}
    if value.attrs:
        extras["attrs"] = value.attrs
    if not value.flags.allows_duplicate_labels:
        extras["allows_duplicate_labels"] = False
    return extras


def _make_frame(parts: Parts) -> Any:
    columns = {
        at: pd.Series(_filled(values), index=parts["index"], copy=False)
        for at, values in enumerate(parts["values"])
    }
    frame = pd.DataFrame(columns, index=parts["index"], copy=False)
    frame.columns = parts["columns"]
    return _with_extras(frame, parts)


def _filled(values: Any) -> Any:
    # An array of objects would be looked through for a better type.
    return pd.Series(values, dtype=object) if _is_objects(values) else values


def _is_objects(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype == object


def _with_extras(value: Any, parts: Parts) -> Any:
    value.attrs.update(parts.get("attrs", {}))
    if "allows_duplicate_labels" in parts:
        return value.set_flags(allows_duplicate_labels=False)
    return value


def _series_parts(series: Any) -> Parts:
    parts = {"name": series.name, "index": series.index, "values": _column(series)}
    return parts | _extras(series)


def _make_series(parts: Parts) -> Any:
    values = parts["values"]
    dtype = object if _is_objects(values) else None
    series = pd.Series(values, index=parts["index"], dtype=dtype, copy=False)
    # A hashable name, whatever it is: the constructor would look into tuples.
    series.name = parts["name"]
    return _with_extras(series, parts)


# Indexes.


def _index_parts(index: Any) -> Parts:
    values = index.array
    plain = isinstance(values, _PLAIN)
    return {"values": values.to_numpy() if plain else values, "name": index.name}


def _make_index(parts: Parts) -> Any:
    values = parts["values"]
    dtype = object if _is_objects(values) else None
    index = pd.Index(values, dtype=dtype)
    index.name = parts["name"]
    return index


def _range_parts(index: Any) -> Parts:
    return {"start": index.start, "stop": index.stop, "step": index.step, "name": index.name}


def _make_range(parts: Parts) -> Any:
    return pd.RangeIndex(parts["start"], parts["stop"], parts["step"], name=parts["name"])


def _multi_parts(index: Any) -> Parts:
    codes = [np.asarray(level) for level in index.codes]
    return {"levels": list(index.levels), "codes": codes, "names": list(index.names)}


def _make_multi(parts: Parts) -> Any:
    return pd.MultiIndex(parts["levels"], parts["codes"], names=parts["names"])


def _dates_parts(index: Any) -> Parts:
    parts = {"values": index.array, "name": index.name}
    return parts if index.freq is None else parts | {"freq": index.freq}


def _make_dates(cls: Any) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        index = cls(parts["values"], name=parts["name"])
        if "freq" in parts:
            index.freq = parts["freq"]
        return index

    return make


# Extension arrays. The plain ones are NumPy arrays with another face.

_PLAIN = (pd.arrays.NumpyExtensionArray,)


def _dates_array_parts(values: Any) -> Parts:
    parts = {"values": values.to_numpy(dtype=f"M8[{values.unit}]", copy=False)}
    return parts if values.tz is None else parts | {"tz": values.tz}


def _make_dates_array(parts: Parts) -> Any:
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
    return pd.arrays.IntervalArray.from_arrays(parts["left"], parts["right"], parts["closed"])


def _categorical_parts(values: Any) -> Parts:
    return {"codes": values.codes, "categories": values.categories, "ordered": values.ordered}


def _make_categorical(parts: Parts) -> Any:
    return pd.Categorical.from_codes(
        parts["codes"], categories=parts["categories"], ordered=parts["ordered"]
    )


def _masked_parts(values: Any) -> Parts:
    # Not `to_numpy`: what lies under the mask is kept, and nothing is converted.
    return {"values": values._data, "mask": values._mask}


def _make_masked(cls: Any) -> Callable[[Parts], Any]:
    return lambda parts: cls(parts["values"], parts["mask"])


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
        return parts["dtype"].construct_array_type()(parts["arrow"], dtype=parts["dtype"])
    return pd.array(parts["items"], dtype=parts["dtype"])


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
    cls = getattr(pd.offsets, parts["name"], None)
    if not (isinstance(cls, type) and issubclass(cls, pd.tseries.offsets.BaseOffset)):
        raise ValueError(f"pandas has no offset {parts['name']!r}")
    options = {"normalize": True} if parts.get("normalize") else {}
    return cls(parts["n"], **options, **parts.get("options", {}))


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

_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "pandas.DataFrame": _make_frame,
    "pandas.Series": _make_series,
    "pandas.Index": _make_index,
    "pandas.CategoricalIndex": _make_index,
    "pandas.IntervalIndex": _make_index,
    "pandas.PeriodIndex": _make_index,
    "pandas.RangeIndex": _make_range,
    "pandas.MultiIndex": _make_multi,
    "pandas.DatetimeIndex": _make_dates(pd.DatetimeIndex),
    "pandas.TimedeltaIndex": _make_dates(pd.TimedeltaIndex),
    "pandas.Categorical": _make_categorical,
    "pandas.arrays.DatetimeArray": _make_dates_array,
    "pandas.arrays.TimedeltaArray": _make_dates_array,
    "pandas.arrays.PeriodArray": _make_period_array,
    "pandas.arrays.IntervalArray": _make_interval_array,
    "pandas.arrays.IntegerArray": _make_masked(pd.arrays.IntegerArray),
    "pandas.arrays.FloatingArray": _make_masked(pd.arrays.FloatingArray),
    "pandas.arrays.BooleanArray": _make_masked(pd.arrays.BooleanArray),
    "pandas.arrays.SparseArray": _make_sparse,
    "pandas.arrays.StringArray": _make_text,
    "pandas.arrays.ArrowExtensionArray": _make_arrow,
    "pandas.arrays.NumpyExtensionArray": lambda parts: pd.arrays.NumpyExtensionArray(
        parts["values"]
    ),
    "pandas.ArrowDtype": lambda parts: pd.ArrowDtype(parts["type"]),
    "pandas.StringDtype": _make_string_dtype,
    "pandas.CategoricalDtype": lambda parts: pd.CategoricalDtype(**parts),
    "pandas.DatetimeTZDtype": lambda parts: pd.DatetimeTZDtype(**parts),
    "pandas.PeriodDtype": lambda parts: pd.PeriodDtype(parts["freq"]),
    "pandas.IntervalDtype": lambda parts: pd.IntervalDtype(**parts),
    "pandas.SparseDtype": lambda parts: pd.SparseDtype(parts["subtype"], parts["fill_value"]),
    "pandas.Timestamp": _make_timestamp,
    "pandas.Timedelta": _make_timedelta,
    "pandas.Period": lambda parts: pd.Period(ordinal=parts["ordinal"], freq=parts["freq"]),
    "pandas.Interval": lambda parts: pd.Interval(**parts),
    "pandas.NA": lambda _: pd.NA,
    "pandas.NaT": lambda _: pd.NaT,
    "pandas.offsets": _make_offset,
    **{
        name: (lambda cls: lambda _: cls())(getattr(pd, name.removeprefix("pandas.")))
        for name, _ in _PARTS.values()
        if name.endswith("Dtype")
        and name.removeprefix("pandas.")[:2] in ("In", "UI", "Fl", "Bo")
        and not name.startswith("pandas.Interval")
    },
}
