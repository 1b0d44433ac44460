"""NumPy's element types: by a text that says all about them, or field by field."""

from __future__ import annotations

import ast
import math
import re
import sys
from importlib import import_module
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from cannery._objects import _invariants_numpy as invariants
from cannery._objects._checks import (
    BOOL,
    LARGEST_ITEM,
    Check,
    PartError,
    check_shape,
    checked,
    dtype,
    either,
    exact,
    held,
    integer,
    one_of,
    optional,
    sequence_of,
    text,
    tuple_of,
)
from cannery.errors import DataTypeError

Parts = dict[str, Any]


def dtype_parts(dtype: Any) -> Parts:
    """The parts of an element type."""
    if isinstance(dtype, np.dtypes.StringDType):
        missing = {"missing": dtype.na_object} if hasattr(dtype, "na_object") else {}
        strict = {} if dtype.coerce else {"coerce": False}
        return {"value": "StringDType", **missing, **strict}
    if dtype.subdtype is not None:
        return {"base": dtype.base, "shape": list(dtype.shape)}
    if is_foreign(dtype):
        return {"value": ml_dtypes().name_of(dtype)}
    refuse_foreign_fields(dtype)
    metadata = {"metadata": dict(dtype.metadata)} if dtype.metadata else {}
    if dtype.fields and not _is_said_by_text(dtype):
        return {**_field_parts(dtype), **metadata}
    return {"value": _descr_of(dtype), **metadata}


def _is_said_by_text(dtype: Any) -> bool:
    """Whether the text for a type of records says all: NPY has packed ones in their order only."""
    if dtype.metadata or _has_notes(dtype):
        return False
    try:
        text = repr(npy_format.dtype_to_descr(dtype))
        back = npy_format.descr_to_dtype(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return False
    return repr(back) == repr(dtype)


def _has_notes(dtype: Any) -> bool:
    """Whether something is noted beside a type within: the text has no room for it."""
    inner = [field[0] for field in (dtype.fields or {}).values()]
    inner += [] if dtype.subdtype is None else [dtype.base]
    return any(each.metadata or _has_notes(each) for each in inner)


def _field_parts(dtype: Any) -> Parts:
    if dtype.type not in (np.void, np.record):
        error = DataTypeError(f"elements of the class {dtype.type.__name__} have no form")
        error.hint = "view the array as one of plain records: array.view(numpy.dtype(fields))"
        raise error
    fields = [(name, *dtype.fields[name]) for name in dtype.names]
    align = {"align": True} if dtype.isalignedstruct else {}
    record = {"record": True} if dtype.type is np.record else {}
    return {"fields": fields, "itemsize": dtype.itemsize, **align, **record}


def _descr_of(dtype: Any) -> str:
    try:
        return repr(npy_format.dtype_to_descr(bare(dtype)))
    except ValueError as reason:
        error = DataTypeError(f"the element type {dtype} has no form: {reason}")
        error.hint = "copy the array into a type whose fields follow each other"
        raise error from None


# What NumPy says of a type of elements that another library has added.
_FOREIGN = 2


def is_foreign(dtype: Any) -> bool:
    """Whether another library has added a type of elements to NumPy."""
    return dtype.isbuiltin == _FOREIGN


def ml_dtypes() -> Any:
    """The adapter for the types that `ml_dtypes` adds."""
    return import_module("cannery._objects._ml_dtypes")


def refuse_foreign_fields(dtype: Any) -> None:
    """Refuse records with fields of types that another library has added."""
    for name, field in (dtype.fields or {}).items():
        base = field[0].base
        if is_foreign(base):
            error = DataTypeError(f"the field {name!r} of the type {base} has no form in an array")
            error.hint = f"save the field as an array of its own: array[{name!r}]"
            raise error
        refuse_foreign_fields(base)


def bare(dtype: Any) -> Any:
    """The type without metadata, of which NumPy would warn that it is lost."""
    return np.dtype(dtype.str) if dtype.metadata and dtype.fields is None else dtype


_LONGEST_TYPE = 1 << 16
_SHAPE = sequence_of(integer(0, 2**31 - 1))
_TYPE_PARTS: dict[str, Check] = {"value": text(_LONGEST_TYPE)}


def _metadata(value: Any, path: str) -> None:
    """What is said about a type: names and anything, which NumPy only keeps."""
    exact(dict)(value, path)
    for name in value:
        text()(name, f"{path} key")


def is_missing(value: Any, path: str) -> None:
    """What stands for a missing text: it has no methods that NumPy would call."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and value is pandas.NA:
        return
    exact(type(None), float, str)(value, path)
    if type(value) is float and not math.isnan(value):
        raise PartError(f"the part {path!r}: a number stands for no missing text")


def _make_subarray(parts: Parts) -> Any:
    invariants.check_dtype(parts["base"], "base")
    shape = tuple(parts["shape"])
    if len(shape) > 32 or math.prod(shape) * parts["base"].itemsize > LARGEST_ITEM:
        raise PartError(f"the part 'shape': {list(shape)!r:.80} is too large for one element")
    check_shape(shape, "shape")
    return np.dtype((parts["base"], shape))


def _make_text_dtype(parts: Parts) -> Any:
    missing = {"na_object": parts["missing"]} if "missing" in parts else {}
    return np.dtypes.StringDType(coerce=parts.get("coerce", True), **missing)


def _make_named_dtype(parts: Parts) -> Any:
    if parts["value"].startswith("ml_dtypes."):
        return ml_dtypes().dtype_of(parts["value"])
    made = dtype_of_text(parts["value"])
    return np.dtype(made, metadata=parts["metadata"]) if "metadata" in parts else made


def dtype_of_text(descr: str) -> Any:
    """The element type that a text says, as NPY files have it.

    Raises:
        PartError: if it is none, or one that is too large.

    """
    made = npy_format.descr_to_dtype(_read_descr(descr))
    invariants.check_dtype(made, "value")
    return made


# A single type, as most texts say: no case for Python's compiler.
_SINGLE = re.compile(r"'([<>|=]?[A-Za-z]\d{0,9}(?:\[\d{0,9}[A-Za-z]{1,2}\])?)'", re.ASCII)


def _read_descr(descr: str) -> Any:
    """The text that says what a type is, as Python's constants."""
    single = _SINGLE.fullmatch(descr)
    if single is not None:
        return single[1]
    try:
        found = ast.literal_eval(descr)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise PartError(f"the part 'value': {descr!r:.80} is no type of elements") from None
    _check_descr(found, 32)
    return found


def _check_descr(descr: Any, left: int) -> None:
    """Check the form of a type: a text, a list of fields, or a pair of a type and a shape."""
    if left == 0:
        raise PartError("the part 'value': the type is nested too deeply")
    if type(descr) is tuple:
        tuple_of(held, sequence_of(integer(0, LARGEST_ITEM)))(descr, "value")
        if len(descr[1]) > 32 or math.prod(descr[1]) > LARGEST_ITEM:
            raise PartError("the part 'value': the shape is too large for one element")
        _check_descr(descr[0], left - 1)
    elif type(descr) is list:
        for field in descr:
            sequence_of(held, tuple)(field, "value")
            if len(field) not in (2, 3):
                raise PartError("the part 'value': expected fields of 2 or 3 items")
            either(text(), tuple_of(text(), text()))(field[0], "value")
            _check_descr(field[1] if len(field) == 2 else (field[1], field[2]), left - 1)
    else:
        text(100)(descr, "value")


# Fields one by one, wherever they lie: their names, types, offsets and perhaps titles.

_OFFSET = integer(0, LARGEST_ITEM)
_FIELD = (text(), dtype(invariants.ANY_KIND), _OFFSET)
_MOST_FIELDS = 1 << 16


def _are_fields(value: Any, path: str) -> None:
    exact(list)(value, path)
    if len(value) > _MOST_FIELDS:
        raise PartError(f"the part {path!r}: {len(value)} fields are too many")
    for at, field in enumerate(value):
        exact(tuple)(field, path)
        title = () if len(field) == len(_FIELD) else (optional(text()),)
        tuple_of(*_FIELD, *title)(field, f"{path}[{at}]")


def _make_of_fields(parts: Parts) -> Any:
    fields = parts["fields"]
    for _, kind, _, *_ in fields:
        invariants.check_dtype(kind, "fields")
    _check_objects_apart(fields)
    described = {
        "names": [name for name, *_ in fields],
        "formats": [kind for _, kind, *_ in fields],
        "offsets": [offset for _, _, offset, *_ in fields],
        "itemsize": parts["itemsize"],
    }
    if any(len(field) > len(_FIELD) for field in fields):
        described["titles"] = [(*field, None)[len(_FIELD)] for field in fields]
    made = np.dtype(described, align="align" in parts)  # pyright: ignore
    if "record" in parts:
        made = np.dtype((np.record, made))
    invariants.check_dtype(made, "fields")
    return np.dtype(made, metadata=parts["metadata"]) if "metadata" in parts else made


def _check_objects_apart(fields: list[Any]) -> None:
    """Check that no field lies over one of objects, whose addresses it would change."""
    ends = sorted(
        (offset, offset + kind.itemsize, kind.hasobject) for _, kind, offset, *_ in fields
    )
    end, end_of_objects = 0, 0
    for first, last, has_objects in ends:
        if first < end_of_objects or (has_objects and first < end):
            raise PartError("the part 'fields': one lies over another that holds objects")
        end = max(end, last)
        end_of_objects = max(end_of_objects, last if has_objects else 0)


def as_bytes(array: Any) -> Any:
    """The elements of an array of records as bytes: NPY has no form for the type itself."""
    is_whole = array.flags.c_contiguous or array.flags.f_contiguous
    whole = array if is_whole else np.ascontiguousarray(array)
    return whole.view(np.dtype((np.void, array.dtype.itemsize)))


_make_dtype_of_fields = checked(
    _make_of_fields,
    {"fields": _are_fields, "itemsize": _OFFSET},
    align=one_of(True),
    record=one_of(True),
    metadata=_metadata,
)
_make_dtype_by_value = checked(_make_named_dtype, _TYPE_PARTS, metadata=_metadata)
_make_dtype_of_text = checked(_make_text_dtype, _TYPE_PARTS, missing=is_missing, coerce=BOOL)
_make_dtype_of_base = checked(_make_subarray, {"base": dtype(invariants.ANY_KIND), "shape": _SHAPE})


def make_dtype(parts: Parts) -> Any:
    """Make an element type of its parts again."""
    if "base" in parts:
        return _make_dtype_of_base(parts)
    if "fields" in parts:
        return _make_dtype_of_fields(parts)
    is_text = type(parts.get("value")) is str and parts["value"] == "StringDType"
    return _make_dtype_of_text(parts) if is_text else _make_dtype_by_value(parts)
