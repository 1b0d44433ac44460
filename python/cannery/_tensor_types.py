"""The types of tensors' elements as NumPy has them, those of `ml_dtypes` included.

Where `ml_dtypes` is not installed, what NumPy lacks is shown as it is stored: a record of one field
that has the type's name, such as `[("bfloat16", "<u2")]`. Such arrays can be sliced, compared byte
for byte and saved again; `array["bfloat16"]` are their bits as integers.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from cannery._installed import installed_module
from cannery.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "check_sides",
    "from_stored",
    "is_native",
    "is_packed",
    "ml_dtypes",
    "plain_names",
    "stored_dtype",
    "stored_size",
    "tensor_type",
    "to_stored",
]

_WIDE = {
    "bfloat16": "<u2",
    "complex32": "<u4",
    "float8_e4m3fn": "|u1",
    "float8_e4m3fnuz": "|u1",
    "float8_e5m2": "|u1",
    "float8_e5m2fnuz": "|u1",
    "float8_e8m0fnu": "|u1",
}
"""Types of whole bytes that NumPy lacks, and integers as wide as they are."""

_PACKED = {
    "float4_e2m1fn": (4, "float4_e2m1fn_x2"),
    "float6_e2m3fn": (6, "float6_e2m3fn_packed"),
    "float6_e3m2fn": (6, "float6_e3m2fn_packed"),
}
"""Types narrower than a byte: their bits, and the name of the field of bytes they are packed in."""

_MOST_SIDES = 64

_PLAIN = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64"
    " float16 float32 float64 complex64 complex128".split()
)


def ml_dtypes() -> Any:
    """Get the module `ml_dtypes`; `None` if it is not installed."""
    try:
        return installed_module("ml_dtypes")
    except ImportError:
        return None


def is_native(name: str) -> bool:
    """Say whether NumPy itself has this type."""
    return name in _PLAIN


@cache
def _known(name: str, extended: bool) -> np.dtype[Any]:
    import numpy as np

    if name in _PLAIN:
        return np.dtype(name).newbyteorder("<")
    if extended and hasattr(ml_dtypes(), name):
        return np.dtype(getattr(ml_dtypes(), name))
    if name in _PACKED:
        return np.dtype([(_PACKED[name][1], "u1")])
    return np.dtype([(name, _WIDE[name])])


def stored_dtype(name: str) -> np.dtype[Any]:
    """Get the type of the arrays that elements of this type are loaded as, little-endian."""
    if name in _PLAIN:
        return _known(name, False)
    return _known(name, "ml_dtypes" in sys.modules or _is_extended())


@cache
def _is_extended() -> bool:
    return ml_dtypes() is not None


@cache
def plain_names() -> dict[np.dtype[Any], str]:
    """Get the names of NumPy's own types by the type, for arrays that are stored as they lie."""
    if sys.byteorder == "big":
        return {}
    return {_known(name, False): name for name in _PLAIN}


def from_stored(
    name: str, shape: tuple[int, ...], data: Any, offset: int = 0, *, copy: bool = False
) -> NDArray[Any]:
    """Make the array of a tensor's bytes, which begin at `offset` of a buffer.

    Types narrower than a byte are unpacked where `ml_dtypes` has them; else they stay packed, and
    the last side of the shape counts bytes.
    """
    import numpy as np

    check_sides(shape)
    dtype = stored_dtype(name)
    if name not in _PACKED:
        array = np.ndarray(shape, dtype, data, offset)
        return array.copy() if copy else array
    bits, _ = _PACKED[name]
    count = int(np.prod(shape, dtype=np.int64))
    packed = np.frombuffer(data, np.uint8, count * bits // 8, offset)
    if dtype.names is None:
        array = np.empty(shape, dtype)
        array.reshape(-1).view(np.uint8)[:] = _unpack(packed, bits, count)
        return array
    array = packed.view(dtype).reshape(_packed_shape(shape, bits))
    return array.copy() if copy else array


def check_sides(shape: tuple[int, ...]) -> None:
    """Refuse tensors that NumPy has no array for.

    Raises:
        DataError: for more than 64 sides.

    """
    if len(shape) > _MOST_SIDES:
        raise DataError(
            f"a tensor has {len(shape)} sides, and NumPy's arrays at most {_MOST_SIDES}"
        )


def is_packed(name: str) -> bool:
    """Say whether elements of this type are narrower than a byte."""
    return name in _PACKED


def _packed_shape(shape: tuple[int, ...], bits: int) -> tuple[int, ...]:
    """Get the shape in bytes; a flat one if the last side does not fill whole bytes."""
    if shape and shape[-1] * bits % 8 == 0:
        return (*shape[:-1], shape[-1] * bits // 8)
    size = bits
    for side in shape:
        size *= side
    return (size // 8,)


def _unpack(packed: NDArray[Any], bits: int, count: int) -> NDArray[Any]:
    """Spread elements over a byte each; the first lies in the lowest bits."""
    import numpy as np

    spread = np.unpackbits(packed, bitorder="little").reshape(count, bits)
    return np.packbits(spread, axis=1, bitorder="little").reshape(count)


def _pack(codes: NDArray[Any], bits: int) -> NDArray[Any]:
    import numpy as np

    spread = np.unpackbits(codes.reshape(-1, 1), axis=1, bitorder="little")
    return np.packbits(spread[:, :bits].reshape(-1), bitorder="little")


def tensor_type(array: NDArray[Any]) -> tuple[str, tuple[int, ...]] | None:
    """Get the name of the type of an array's elements and the shape of the tensor.

    `None` for types that are no tensors': texts, dates, objects, records.
    """
    dtype = array.dtype
    plain = plain_names().get(dtype)
    if plain is not None:
        return plain, array.shape
    if dtype.name in _PLAIN or (dtype.kind != "V" and dtype.name in _WIDE):
        return dtype.name, array.shape
    if dtype.names is None:
        is_known = dtype.name in _WIDE or dtype.name in _PACKED
        return (dtype.name, array.shape) if is_known else None
    field = dtype.names[0] if len(dtype.names) == 1 else ""
    if field in _WIDE and dtype == _known(field, False):
        return field, array.shape
    for name, (bits, packed) in _PACKED.items():
        if field == packed and dtype == _known(name, False) and array.shape:
            *outer, last = array.shape
            return name, (*outer, last * 8 // bits)
    return None


def stored_size(name: str, array: NDArray[Any]) -> int:
    """Get how many bytes `to_stored` makes of an array."""
    if name in _PACKED and array.dtype.names is None:
        return array.size * _PACKED[name][0] // 8
    return array.nbytes


def to_stored(name: str, array: NDArray[Any]) -> Any:
    """Get the elements as they are stored: little-endian, one after the other, as bytes.

    Contiguous arrays of the right order are not copied.
    """
    import numpy as np

    dtype = array.dtype
    if name in _PACKED and dtype.names is None:
        codes = np.ascontiguousarray(array).view(np.uint8)
        return _pack(codes, _PACKED[name][0])
    if dtype.byteorder == ">" or (dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(dtype.newbyteorder("<"))
    if not array.flags.c_contiguous:
        array = np.ascontiguousarray(array)
    return array.reshape(-1).view(np.uint8)
