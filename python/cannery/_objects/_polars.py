"""polars: frames and series as Arrow files."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import polars as pl
from polars.datatypes import classes as column_types

from cannery._objects._arrow_ipc import check_file
from cannery._objects._beside import beside
from cannery._objects._checks import (
    PLAIN_DICT,
    Check,
    PartError,
    buffer,
    checked,
    either,
    integer,
    mismatch,
    one_of,
    optional,
    sequence_of,
    text,
)
from cannery._objects._labels import PROTOCOLS
from cannery._objects._own_names import OwnNames
from cannery._objects._zone_names import zone_name
from cannery.errors import DataTypeError

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of polars' types are described."""
    if cls is pl.DataFrame:
        return lambda frame: ("polars.DataFrame", _frame_parts(frame))
    if cls is pl.Series:
        return lambda series: ("polars.Series", _frame_parts(series.to_frame()))
    if cls is pl.LazyFrame:
        return _refuse_lazy
    if cls is pl.Categories:
        return lambda value: ("polars.Categories", _categories_parts(value))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How they are made again."""
    return _MAKERS.get(name)


def own_attributes(cls: type) -> frozenset[str] | None:
    """What polars itself keeps in an instance of a class that takes other attributes, too."""
    return OwnNames.of(cls) if cls in (pl.DataFrame, pl.Series) else None


_CLASSES = "polars.datatypes.classes"
# Types of columns that say nothing about themselves, and those that do.
_BARE = """
    Binary Boolean Categorical Date Datetime Decimal Duration Enum Float16 Float32 Float64 Int8
    Int16 Int32 Int64 Int128 Null Object String Time UInt8 UInt16 UInt32 UInt64 UInt128 Unknown
""".split()
_NESTED = ("List", "Array", "Struct")
_TYPES: dict[str, Any] = {
    f"{_CLASSES}.{name}": getattr(column_types, name)
    for name in (*_BARE, *_NESTED)
    if hasattr(column_types, name)
}


def class_value(name: str) -> type | None:
    """A type of columns as a value, or that of schemas: plain data."""
    return _CLASS_VALUES.get(name)


_CLASS_VALUES: dict[str, Any] = {
    **_TYPES,
    f"{_CLASSES}.Field": pl.Field,
    "polars.schema.Schema": pl.Schema,
}


def _frame_parts(frame: Any) -> Parts:
    if any(dtype == pl.Object for dtype in frame.dtypes):
        error = DataTypeError("a polars column of Python objects has no portable form")
        error.hint = "turn it into a column of structs, lists or text first"
        raise error
    if any(map(_has_empty_arrays, frame.dtypes)):
        error = DataTypeError("polars writes arrays of no elements, but cannot read them")
        error.hint = "turn the column into one of lists first: `column.arr.to_list()`"
        raise error
    out = io.BytesIO()
    frame.write_ipc(out, compression="uncompressed")
    # Frames without columns lose their height in Arrow's form.
    return {"ipc": beside(out.getbuffer()), "height": frame.height}


def _has_empty_arrays(dtype: Any) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_has_empty_arrays(field.dtype) for field in dtype.fields)
    is_empty = isinstance(dtype, pl.Array) and 0 in dtype.shape
    inner = getattr(dtype, "inner", None)
    return is_empty or (inner is not None and _has_empty_arrays(inner))


def _make_frame(parts: Parts) -> Any:
    check_file(parts["ipc"])
    try:
        frame = pl.read_ipc(io.BytesIO(parts["ipc"]), use_pyarrow=False)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise PartError(f"the part 'ipc': {error!s:.200}") from None
    if frame.width and frame.height != parts["height"]:
        raise PartError(f"the part 'height': {parts['height']}, but there are {frame.height} rows")
    for dtype in frame.dtypes:
        _check_type(dtype, 32)
    return frame


def _make_series(parts: Parts) -> Any:
    frame = _make_frame(parts)
    if frame.width != 1:
        raise PartError(f"the part 'ipc': expected one column, got {frame.width}")
    return frame.to_series()


def _check_type(dtype: Any, left: int) -> None:
    """Check that the zones within a type are names of zones."""
    if left == 0:
        raise PartError("the part 'ipc': its types are nested too deeply")
    if isinstance(dtype, pl.Datetime):
        optional(zone_name)(dtype.time_zone, "ipc")
    for field in getattr(dtype, "fields", ()):
        _check_type(field.dtype, left - 1)
    inner = getattr(dtype, "inner", None)
    if isinstance(inner, pl.DataType):
        _check_type(inner, left - 1)


def _categories_parts(categories: Any) -> Parts:
    if categories.is_global():
        return {}
    return {
        "name": categories.name(),
        "namespace": categories.namespace(),
        "physical": categories.physical(),
    }


def _make_categories(parts: Parts) -> Any:
    return (
        pl.Categories(parts["name"], parts["namespace"], parts["physical"])
        if parts
        else pl.Categories()
    )


# Types of columns, made by their constructors of parts that were checked.


def _is_type(value: Any, path: str) -> None:
    """A type of columns: a class or an instance of one."""
    cls = value if isinstance(value, type) else type(value)
    if cls not in _TYPES.values():
        raise mismatch(value, path, "a polars data type")


def _is_field(value: Any, path: str) -> None:
    if type(value) is not pl.Field:
        raise mismatch(value, path, "polars.Field")


def _is_series(value: Any, path: str) -> None:
    if type(value) is not pl.Series or value.dtype != pl.String:
        raise mismatch(value, path, "polars.Series of text")


def _is_categories(value: Any, path: str) -> None:
    if type(value) is not pl.Categories:
        raise mismatch(value, path, "polars.Categories")


_LARGEST_LIST = 1 << 22
_SIDE = integer(0, _LARGEST_LIST)
_UNIT = one_of("ms", "us", "ns")


def _make_array_type(parts: Parts) -> Any:
    size = 1
    for side in parts["shape"]:
        size *= side
    if size > _LARGEST_LIST or not parts["shape"]:
        raise PartError(f"the part 'shape': {list(parts['shape'])!r:.80} is too large")
    inner, shape = parts["inner"], tuple(parts["shape"])
    # The type within is that of a row, where there are several dimensions.
    for _ in shape[1:]:
        if not isinstance(inner, pl.Array):
            raise PartError("the part 'shape': it has more dimensions than the type")
        inner = inner.inner
    return pl.Array(inner, shape)


def _make_schema(parts: Parts) -> Any:
    items = parts["__items__"]
    for name, dtype in items.items():
        text()(name, "__items__")
        _is_type(dtype, f"__items__[{name!r:.80}]")
    if not PROTOCOLS.isdisjoint(items):
        raise PartError("the part '__items__': the name of a protocol")
    return pl.Schema(items)


def _type_maker(cls: Any, required: dict[str, Check], **more: Check) -> Callable[[Parts], Any]:
    return checked(lambda parts: cls(**parts), required, **more)


def _bare_maker(cls: Any) -> Callable[[Parts], Any]:
    return checked(lambda _: cls(), {})


def _named(name: str) -> str:
    return f"{_CLASSES}.{name}"


_TYPE_MAKERS: dict[str, Callable[[Parts], Any]] = {
    **{name: _bare_maker(cls) for name, cls in _TYPES.items() if name.rpartition(".")[2] in _BARE},
    _named("Datetime"): _type_maker(
        pl.Datetime, {"time_unit": _UNIT}, time_zone=optional(either(zone_name, one_of("*")))
    ),
    _named("Duration"): _type_maker(pl.Duration, {"time_unit": _UNIT}),
    _named("Decimal"): _type_maker(
        pl.Decimal, {"precision": optional(integer(1, 38)), "scale": integer(0, 38)}
    ),
    _named("Enum"): _type_maker(pl.Enum, {"categories": _is_series}),
    _named("Categorical"): _type_maker(pl.Categorical, {}, categories=_is_categories),
    _named("List"): _type_maker(pl.List, {"inner": _is_type}),
    _named("Array"): checked(
        _make_array_type, {"inner": _is_type, "size": _SIDE, "shape": sequence_of(_SIDE)}
    ),
    _named("Struct"): _type_maker(pl.Struct, {"fields": sequence_of(_is_field)}),
    _named("Field"): _type_maker(pl.Field, {"name": text(), "dtype": _is_type}),
    "polars.schema.Schema": checked(_make_schema, {"__items__": PLAIN_DICT}),
}

_FRAME: dict[str, Check] = {"ipc": buffer, "height": integer(0, 2**62)}
_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "polars.Categories": checked(
        _make_categories,
        {},
        name=text(),
        namespace=text(),
        physical=one_of(pl.UInt8, pl.UInt16, pl.UInt32),
    ),
    "polars.DataFrame": checked(_make_frame, _FRAME),
    "polars.Series": checked(_make_series, _FRAME),
    **_TYPE_MAKERS,
}


def _refuse_lazy(_: Any) -> Any:
    error = DataTypeError("a polars LazyFrame is a plan, no data, and cannot be saved")
    error.hint = "save what it gives: frame.collect()"
    raise error
