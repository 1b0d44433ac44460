"""NumPy's scalars, element types, and the arrays whose elements are not numbers."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from cannery.errors import DataTypeError

Parts = dict[str, Any]

# Scalars that a Python number or text says all about.
_SIMPLE = (np.bool_, np.integer, np.float16, np.float32, np.float64, np.complex64, np.complex128)


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of NumPy's types are described; `None` if they are no data."""
    if cls is type(np.ma.masked):
        return lambda _: ("numpy.ma.masked", {})
    if issubclass(cls, np.ufunc):
        return _describe_ufunc
    if cls is _FUNCTION:
        return lambda value: ("function", {"name": f"{value.__module__}.{value.__qualname__}"})
    if cls in _BY_ATTRIBUTES:
        name, parts, _ = _BY_ATTRIBUTES[cls]
        return lambda value: (name, parts(value))
    if cls in (np.random.Generator, np.random.RandomState):
        return _describe_generator
    if cls in _BIT_GENERATORS.values():
        return lambda value: (f"numpy.random.{cls.__name__}", {"state": value.state})
    if issubclass(cls, np.generic):
        return _describe_scalar
    if issubclass(cls, np.dtype):
        return lambda dtype: ("numpy.dtype", _dtype_parts(dtype))
    if cls is np.ma.MaskedArray:
        return _describe_masked
    if issubclass(cls, np.ma.MaskedArray):
        return None
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


def class_of(name: str) -> type | None:
    """A class of NumPy's that is Python through and through: polynomials."""
    if name == "numpy.poly1d":
        return np.poly1d
    module, _, attribute = name.rpartition(".")
    found = getattr(np.polynomial, attribute, None) if module in _POLYNOMIALS else None
    return found if isinstance(found, type) else None


_POLYNOMIALS = frozenset(
    f"numpy.polynomial.{name}"
    for name in ("chebyshev", "hermite", "hermite_e", "laguerre", "legendre", "polynomial")
)


def class_value(name: str) -> type | None:
    """One of NumPy's own classes as a value: they are data types, and run nothing."""
    found = getattr(np, name.removeprefix("numpy."), None)
    is_data = isinstance(found, type) and issubclass(found, (np.generic, np.ndarray, np.dtype))
    return found if is_data else None


# What people make tables of: functions of arrays.
_OF_ARRAYS = frozenset(
    """
    all any argmax argmin argsort average count_nonzero cumprod cumsum diff max mean median min
    nanmax nanmean nanmedian nanmin nanstd nansum nanvar percentile prod ptp quantile round sort
    std sum unique var
    """.split()
)


def function_of(name: str) -> Any:
    """A function of arrays that only computes."""
    module, _, attribute = name.rpartition(".")
    return getattr(np, attribute, None) if module == "numpy" and attribute in _OF_ARRAYS else None


# Random generators, by their states.

_BIT_GENERATORS: dict[str, Any] = {
    name: getattr(np.random, name) for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
}


def _describe_generator(value: Any) -> tuple[str, Parts]:
    if isinstance(value, np.random.Generator):
        return "numpy.random.Generator", {"bit_generator": value.bit_generator}
    return "numpy.random.RandomState", {"state": value.get_state(legacy=False)}


def _make_bit_generator(name: str, parts: Parts) -> Any:
    made = _BIT_GENERATORS[name]()
    made.state = parts["state"]
    return made


def _make_random_state(parts: Parts) -> Any:
    made = np.random.RandomState(_BIT_GENERATORS[parts["state"]["bit_generator"]]())
    made.set_state(parts["state"])
    return made


def _attributes(*names: str) -> Callable[[Any], Parts]:
    return lambda value: {name: getattr(value, name) for name in names}


def _make_seeds(parts: Parts) -> Any:
    return np.random.SeedSequence(**parts)


def _make_calendar(parts: Parts) -> Any:
    return np.busdaycalendar(parts["weekmask"], parts["holidays"])


# Types that their constructor makes of what their attributes say.
_BY_ATTRIBUTES: dict[type, tuple[str, Callable[[Any], Parts], Callable[[Parts], Any]]] = {
    np.random.SeedSequence: (
        "numpy.random.SeedSequence",
        _attributes("entropy", "spawn_key", "pool_size", "n_children_spawned"),
        _make_seeds,
    ),
    np.busdaycalendar: (
        "numpy.busdaycalendar",
        _attributes("weekmask", "holidays"),
        _make_calendar,
    ),
    np.finfo: ("numpy.finfo", _attributes("dtype"), lambda parts: np.finfo(parts["dtype"])),
    np.iinfo: ("numpy.iinfo", _attributes("dtype"), lambda parts: np.iinfo(parts["dtype"])),
}
_FUNCTION = type(np.mean)

# Functions on elements, by name: they are NumPy's and SciPy's, and do nothing but compute.


def _describe_ufunc(value: Any) -> tuple[str, Parts]:
    for module in _UFUNC_MODULES:
        if getattr(_imported(module), value.__name__, None) is value:
            return "numpy.ufunc", {"module": module, "name": value.__name__}
    error = DataTypeError(f"the ufunc {value.__name__} has no name to find it by")
    error.hint = "use one of NumPy's or scipy.special's own"
    raise error


_UFUNC_MODULES = ("numpy", "scipy.special")


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        return None


def _make_ufunc(parts: Parts) -> Any:
    module = _imported(parts["module"]) if parts["module"] in _UFUNC_MODULES else None
    found = getattr(module, parts["name"], None)
    if not isinstance(found, np.ufunc):
        raise ValueError(f"there is no ufunc {parts['module']}.{parts['name']}")
    return found


def _describe_scalar(value: Any) -> tuple[str, Parts]:
    name = f"numpy.{type(value).__name__}"
    if isinstance(value, (np.datetime64, np.timedelta64)):
        unit = np.datetime_data(value.dtype)
        return name, {"value": int(value.view("i8")), "unit": list(unit)}
    if isinstance(value, _SIMPLE):  # pyright: ignore[reportArgumentType]
        return name, {"value": value.item()}
    if isinstance(value, np.str_):
        return name, {"value": str(value)}
    if isinstance(value, np.bytes_):
        return name, {"value": bytes(value)}
    # The rest (long floats, records) as arrays without dimensions.
    array = np.asarray(value)
    _refuse_foreign_fields(array.dtype)
    return name, {"value": array.view(_plain_fields(array.dtype), np.ndarray)}


def _plain_fields(dtype: Any) -> Any:
    """Fields without a class of records, which a plain type of fields has not."""
    return np.dtype((np.void, dtype)) if dtype.fields else dtype


def _make_scalar(cls: Any, parts: Parts) -> Any:
    value = parts["value"]
    if "unit" in parts:
        kind = "M" if cls is np.datetime64 else "m"
        unit, count = parts["unit"]
        if unit == "generic":
            return np.int64(value).view(f"{kind}8")
        return np.int64(value).view(f"{kind}8[{count}{unit}]")
    if cls is np.record:
        return value.view(np.dtype((np.record, value.dtype)))[()]
    return value[()] if isinstance(value, np.ndarray) else cls(value)


def _dtype_parts(dtype: Any) -> Parts:
    if isinstance(dtype, np.dtypes.StringDType):
        missing = {"missing": dtype.na_object} if hasattr(dtype, "na_object") else {}
        strict = {} if dtype.coerce else {"coerce": False}
        return {"value": "StringDType", **missing, **strict}
    if dtype.subdtype is not None:
        return {"base": dtype.base, "shape": list(dtype.shape)}
    if _is_foreign(dtype):
        return {"value": _ml_dtypes().name_of(dtype)}
    _refuse_foreign_fields(dtype)
    metadata = {"metadata": dict(dtype.metadata)} if dtype.metadata else {}
    align = {"align": True} if dtype.fields and dtype.isalignedstruct else {}
    return {"value": _descr_of(dtype), **align, **metadata}


def _descr_of(dtype: Any) -> str:
    try:
        return repr(npy_format.dtype_to_descr(_bare(dtype)))
    except ValueError as reason:
        error = DataTypeError(f"the element type {dtype} has no form: {reason}")
        error.hint = "copy the array into a type whose fields follow each other"
        raise error from None


# What NumPy says of a type of elements that another library has added.
_FOREIGN = 2


def _is_foreign(dtype: Any) -> bool:
    return dtype.isbuiltin == _FOREIGN


def _ml_dtypes() -> Any:
    return import_module("cannery._objects._ml_dtypes")


def _refuse_foreign_fields(dtype: Any) -> None:
    for name, field in (dtype.fields or {}).items():
        base = field[0].base
        if _is_foreign(base):
            error = DataTypeError(f"the field {name!r} of the type {base} has no form in an array")
            error.hint = f"save the field as an array of its own: array[{name!r}]"
            raise error
        _refuse_foreign_fields(base)


def _bare(dtype: Any) -> Any:
    """The type without metadata, of which NumPy would warn that it is lost."""
    return np.dtype(dtype.str) if dtype.metadata and dtype.fields is None else dtype


def _make_dtype(parts: Parts) -> Any:
    if "base" in parts:
        return np.dtype((parts["base"], tuple(parts["shape"])))
    if parts["value"] == "StringDType":
        missing = {"na_object": parts["missing"]} if "missing" in parts else {}
        return np.dtypes.StringDType(coerce=parts.get("coerce", True), **missing)
    if parts["value"].startswith("ml_dtypes."):
        return _ml_dtypes().dtype_of(parts["value"])
    dtype = npy_format.descr_to_dtype(ast.literal_eval(parts["value"]))
    if parts.get("align"):
        dtype = np.dtype(dtype, align=True)
    if "metadata" in parts:
        dtype = np.dtype(dtype, metadata=parts["metadata"])
    return dtype


def _describe_masked(array: Any) -> tuple[str, Parts]:
    parts = {
        "data": array.data,
        "mask": np.ma.getmask(array) if array.mask is not np.ma.nomask else False,
        "hard": bool(array.hardmask),
    }
    # The public attribute makes up a default, which may not even fit the type.
    if array._fill_value is not None:
        parts["fill_value"] = np.asarray(array._fill_value)
    return "numpy.ma.MaskedArray", parts


def _make_masked(parts: Parts) -> Any:
    mask = np.ma.nomask if parts["mask"] is False else parts["mask"]
    array = np.ma.MaskedArray(parts["data"], mask=mask, hard_mask=parts["hard"], copy=False)
    if "fill_value" in parts:
        array.fill_value = parts["fill_value"][()]
    return array


def _describe_array(array: Any) -> tuple[str, Parts]:
    """An array of objects, text of any length, or a subclass: its elements as a list."""
    if _is_foreign(array.dtype):
        return "ml_dtypes.array", _ml_dtypes().array_parts(array)
    _refuse_foreign_fields(array.dtype)
    if type(array) is np.memmap:
        return "numpy.memmap", {"value": np.asarray(array)}
    if type(array) in _VIEWS.values():
        return f"numpy.{type(array).__name__}", {"value": array.view(np.ndarray)}
    if type(array) is np.recarray:
        return "numpy.recarray", {"value": array.view(_plain_fields(array.dtype), np.ndarray)}
    if array.dtype.metadata and array.dtype.fields is None and not array.dtype.hasobject:
        return "numpy.ndarray", {"dtype": array.dtype, "value": array.view(_bare(array.dtype))}
    order = "F" if array.flags.fnc else "C"
    return f"numpy.{type(array).__name__}", {
        "dtype": array.dtype,
        "shape": list(array.shape),
        "order": order,
        "items": _items(array, order),
    }


def _items(array: Any, order: Any) -> list[Any]:
    flat = array.ravel(order=order)
    if array.dtype.fields:
        return [item.item() for item in flat]
    return list(flat) if array.dtype.hasobject else flat.tolist()


def _shell(parts: Parts) -> Any:
    """An array that is filled later: its elements may refer to it."""
    return np.empty(tuple(parts["shape"]), dtype=parts["dtype"], order=parts["order"])


def _fill_array(array: Any, parts: Parts) -> None:
    flat = array.ravel(order=parts["order"])  # no copy: it was made in this order
    for index, item in enumerate(parts["items"]):
        flat[index] = item


def shell_of(name: str) -> tuple[Callable[[Parts], Any], Callable[[Any, Parts], Any]] | None:
    """How a value is made empty, of what its parts say about it, and how it is filled."""
    return (_shell, _fill_array) if name == "numpy.ndarray" else None


def _make_array(parts: Parts) -> Any:
    if "value" in parts:  # whose element type says more than NPY does
        return parts["value"].view(parts["dtype"])
    array = _shell(parts)
    _fill_array(array, parts)
    return array


# Subclasses that are nothing but another face of an array.
_VIEWS: dict[str, Any] = {"numpy.matrix": np.matrix, "numpy.chararray": np.char.chararray}

_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "numpy.dtype": _make_dtype,
    "numpy.ma.MaskedArray": _make_masked,
    "numpy.ma.masked": lambda _: np.ma.masked,
    "numpy.random.Generator": lambda parts: np.random.Generator(parts["bit_generator"]),
    "numpy.random.RandomState": _make_random_state,
    "numpy.ufunc": _make_ufunc,
    "numpy.matrix": lambda parts: parts["value"].view(np.matrix),
    "numpy.chararray": lambda parts: parts["value"].view(np.char.chararray),
    **{name: make for name, _, make in _BY_ATTRIBUTES.values()},
    **{f"numpy.random.{name}": partial(_make_bit_generator, name) for name in _BIT_GENERATORS},
    "numpy.memmap": lambda parts: parts["value"],
    "numpy.recarray": lambda parts: parts["value"].view(np.recarray),
    "numpy.ndarray": _make_array,
}
