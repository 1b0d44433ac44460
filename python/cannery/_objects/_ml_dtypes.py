"""ml_dtypes: arrays and scalars of the short floats and integers of machine learning."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from cannery._objects._checks import PartError, array, checked, text
from cannery.errors import DataTypeError

Parts = dict[str, Any]

_NAMES = frozenset(
    """
    bcomplex32 bfloat16 complex32 float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn
    float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float6_e2m3fn float6_e3m2fn float4_e2m1fn int1 int2 int4 uint1
    uint2 uint4
    """.split()
)


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a scalar of one of these types is described."""
    if not issubclass(cls, np.generic):
        return None
    return lambda value: (f"ml_dtypes.{cls.__name__}", array_parts(np.asarray(value)))


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How an array or a scalar is made again."""
    if name == "ml_dtypes.array":
        return checked(_make_array, {"dtype": text(100), "value": array("u")})
    if name.removeprefix("ml_dtypes.") in _NAMES:
        return checked(_make_scalar, {"dtype": text(100), "value": array("u", 0)})
    return None


def name_of(dtype: Any) -> str:
    """The name of an element type, `ml_dtypes.bfloat16`."""
    if dtype.type.__module__ != "ml_dtypes":
        error = DataTypeError(f"an array of {dtype.type.__module__} {dtype} has no form")
        error.hint = "convert it to one of NumPy's own types: array.astype(...)"
        raise error
    return f"ml_dtypes.{dtype.name}"


def dtype_of(name: str) -> Any:
    """The element type of a name."""
    short = name.removeprefix("ml_dtypes.")
    if short not in _NAMES:
        raise PartError(f"there is no type of elements {name!r:.100}")
    import ml_dtypes

    found = getattr(ml_dtypes, short, None)
    if not (isinstance(found, type) and issubclass(found, np.generic)):
        raise PartError(f"this ml_dtypes has no type of elements {name!r}")
    return np.dtype(found)


def array_parts(array: Any) -> Parts:
    """The elements as integers of their size, and what they are."""
    name_of(array.dtype)  # refuses those of other libraries
    bits = array.view(f"u{array.dtype.itemsize}")
    return {"dtype": array.dtype.name, "value": np.array(bits, order="K")}


def _make_array(parts: Parts) -> Any:
    dtype, bits = dtype_of(parts["dtype"]), parts["value"]
    if dtype.itemsize != bits.dtype.itemsize or not bits.dtype.isnative:
        raise PartError(f"the part 'value': {bits.dtype} holds no {parts['dtype']}")
    _check_bits(parts["dtype"], bits)
    return bits.view(dtype)


def _make_scalar(parts: Parts) -> Any:
    return _make_array(parts)[()]


def _check_bits(name: str, bits: Any) -> None:
    """Check that types of less than a byte use no bit that they have not."""
    match = re.match(r"(float|int|uint)(\d+)", name)
    width = int(match[2]) if match else 16
    if match is None or width >= 8 or bits.size == 0:
        return
    # Versions differ in whether a sign goes on into the bits that are not used.
    is_negative = (bits >= 256 - (1 << width - 1)) & (match[1] == "int")
    if not ((bits < 1 << width) | is_negative).all():
        raise PartError(f"the part 'value': an element has more bits than {name}")
