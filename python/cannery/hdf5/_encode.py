"""NumPy's types as types of files, and NumPy's elements as those of files."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery import _native
from cannery.hdf5._references import Reference, RegionReference
from cannery.hdf5._types import Empty, check_string_dtype, flattened

if TYPE_CHECKING:
    from collections.abc import Callable

Described = tuple[Any, ...]


def described(dtype: np.dtype) -> Described:
    """What elements of a dtype are in a file, in the form that `Hdf5Type.make` takes."""
    metadata = dtype.metadata or {}
    if dtype.subdtype is not None:
        base = described(dtype.subdtype[0])
        shape = dtype.subdtype[1]
        return ("array", base[1] * math.prod(shape), base, tuple(shape))
    if "vlen" in metadata:
        vlen = metadata["vlen"]
        if vlen in (str, bytes):
            return ("varstring", 16, "nullterm", "utf-8" if vlen is str else "ascii")
        return ("sequence", 16, described(np.dtype(vlen)))
    if "ref" in metadata:
        is_region = issubclass(metadata["ref"], RegionReference)
        return ("reference", 12, "region") if is_region else ("reference", 8, "object")
    if "h5py_opaque" in metadata:
        return ("opaque", dtype.itemsize, b"NUMPY:" + dtype.str.encode())
    if "enum" in metadata:
        return _enumeration(np.dtype(dtype.str), metadata["enum"])
    return _plain(dtype, metadata)


def _plain(dtype: np.dtype, metadata: Any) -> Described:
    kind, size = dtype.kind, dtype.itemsize
    if dtype.names is not None:
        return _compound(dtype)
    if kind == "b":
        return _enumeration(np.dtype("i1"), {"FALSE": 0, "TRUE": 1})
    if kind in "iu" or (kind == "f" and size <= 8):
        return _number(dtype)
    if kind == "c" and size <= 16:
        part = _number(np.dtype(f"{dtype.str[0]}f{size // 2}"))
        return ("compound", size, [(b"r", 0, part), (b"i", size // 2, part)])
    if kind == "S" and size:
        charset = metadata.get("h5py_encoding", "ascii")
        return ("string", size, "nullpad", charset)
    if kind == "V" and size:
        return ("opaque", size, b"")
    if kind == "O":
        raise TypeError("Object dtype dtype('O') has no native HDF5 equivalent")
    raise TypeError(f"No conversion path for dtype: {dtype!r}")


def _number(dtype: np.dtype) -> Described:
    order = ">" if dtype.str[0] == ">" else "<"
    kind = "float" if dtype.kind == "f" else "integer"
    return ("number", dtype.itemsize, f"{order}{dtype.kind}{dtype.itemsize}", kind, None)


def _enumeration(base: np.dtype, values: dict[str, int]) -> Described:
    names = [
        (name.encode("utf-8", "surrogateescape"), np.array(value, base).tobytes())
        for name, value in values.items()
    ]
    return ("enum", base.itemsize, _number(base), names)


def _compound(dtype: np.dtype) -> Described:
    members, moved = [], 0
    names: tuple[str, ...] = dtype.names or ()
    known: Any = dtype.fields or {}
    fields = [(known[name][1], name, known[name][0]) for name in names]
    moves = {}
    for offset, name, field in sorted(fields, key=lambda part: part[0]):
        moves[name] = offset + moved
        moved += described(field)[1] - field.itemsize
    for _, name, field in fields:
        encoded = name.encode("utf-8", "surrogateescape")
        members.append((encoded, moves[name], described(field)))
    if not members:
        raise TypeError("a compound type needs at least one field")
    return ("compound", dtype.itemsize + moved, members)


def native_type(dtype: np.dtype) -> _native.Hdf5Type:
    """The type of a file for elements of a dtype."""
    return _native.Hdf5Type.make(described(dtype))


@functools.cache
def _number_type(form: str) -> _native.Hdf5Type:
    return native_type(np.dtype(form))


def plain_type(data: Any) -> _native.Hdf5Type | None:
    """The type of a file for an array that is stored as it is in memory; `None` for others."""
    if type(data) is not np.ndarray or not data.flags.c_contiguous:
        return None
    dtype = data.dtype
    if dtype.kind not in "biufc" or dtype.metadata is not None:
        return None
    if dtype.itemsize > (16 if dtype.kind == "c" else 8):
        return None
    return _number_type(dtype.str)


def encode(described: Described, values: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
    """Elements of a type of a file, one in a row of bytes.

    `values` has one axis, and then those of the type itself.
    """
    return _ENCODERS[described[0]](described, values, node)


def _rows(array: np.ndarray, size: int) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view("u1").reshape(-1, size)


def _encode_number(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    del node
    return _rows(converted(values, np.dtype(described[2])), described[1])


def _encode_string(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    del node
    _, size, padding, charset = described
    if values.dtype.kind in "OUT":
        texts = [_text(value, charset) for value in values]
        values = np.array(texts, f"S{size}") if texts else np.empty(0, f"S{size}")
    out = _rows(values.astype(f"S{size}"), size)
    if padding == "spacepad":
        behind = np.logical_and.accumulate(out[:, ::-1] == 0, axis=1)[:, ::-1]
        out = np.where(behind, np.uint8(32), out)
    return out


def _text(value: Any, charset: str = "utf-8") -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        encoding = "ascii" if charset == "ascii" else "utf-8"
        try:
            return value.encode(encoding, "surrogateescape")
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogateescape")
    if _is_unset(value):
        return b""
    raise TypeError(f"Can't implicitly convert non-string objects to strings: `{value!r:.60}`")


def _encode_varstring(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    texts = [_text(value) for value in values]
    if described[3] == "ascii":
        # Bytes are the writer's own; texts have to be what the file says of them.
        [value.encode("ascii") for value in values if isinstance(value, str)]
    if any(b"\0" in text for text in texts):
        raise ValueError("VLEN strings do not support embedded NULLs")
    # A text of no bytes is one too, unlike one that was never written.
    data = node.put_sequences(texts, 1)
    return np.frombuffer(data, "u1").reshape(-1, described[1])


def _encode_sequence(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    base = described[2]
    dtype = memory_dtype(base)
    parts = []
    for value in values:
        array = np.asarray(() if _is_unset(value) else value, dtype)
        flat, inner = flattened(dtype)
        del flat
        array = array.reshape((-1, *inner))
        parts.append(encode(base, array, node).tobytes())
    data = node.put_sequences(parts, base[1])
    return np.frombuffer(data, "u1").reshape(-1, described[1])


def _is_unset(value: Any) -> bool:
    return value is None or (isinstance(value, int) and value == 0)


def _encode_opaque(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    del node
    size = described[1]
    tag = described[2]
    wanted = np.dtype(tag[6:].decode()) if tag.startswith(b"NUMPY:") else np.dtype(f"V{size}")
    return _rows(values.astype(wanted, copy=False), size)


def _encode_compound(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    _, size, members = described
    out = np.zeros((len(values), size), "u1")
    if values.dtype.names is None and values.dtype.kind in "cfiub":
        parts = values.astype("c16") if values.dtype.kind != "c" else values
        for (_, offset, member), part in zip(
            members, (np.real(parts), np.imag(parts)), strict=True
        ):
            out[:, offset : offset + member[1]] = encode(member, part, node)
        return out
    names = values.dtype.names or ()
    for i, (name, offset, member) in enumerate(members):
        text = name.decode("utf-8", "surrogateescape")
        found = text if text in names else names[i] if len(names) == len(members) else None
        if found is None:
            continue
        out[:, offset : offset + member[1]] = encode(member, values[found], node)
    return out


def _encode_reference(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    size = described[1]
    out = np.zeros((len(values), size), "u1")
    for row, value in zip(out, values, strict=True):
        if isinstance(value, Reference) and value:
            if value._node is not None and value._node.id[0] != node.id[0]:
                raise ValueError("a reference to an object of another file cannot be stored")
            is_region = isinstance(value, RegionReference)
            if is_region != (described[2] == "region") or len(value._data) != size:
                raise TypeError("cannot convert a reference to one of another kind")
            row[:] = np.frombuffer(value._data, "u1")
        elif not isinstance(value, Reference) and not _is_unset(value):
            raise TypeError(f"expected a reference, found `{type(value).__name__}`")
    return out


def _encode_enum(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    return _encode_number(described[2], values, node)


def _encode_array(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    _, size, base, shape = described
    inner = memory_dtype(base)
    flat = values.reshape((len(values) * math.prod(shape), *flattened(inner)[1]))
    return encode(base, flat, node).reshape(-1, size)


def _encode_unknown(described: Described, values: np.ndarray, node: Any) -> np.ndarray:
    del values, node
    raise TypeError(f"elements of the class `{described[0]}` are not written")


_ENCODERS: dict[str, Callable[..., np.ndarray]] = {
    "number": _encode_number,
    "string": _encode_string,
    "varstring": _encode_varstring,
    "opaque": _encode_opaque,
    "compound": _encode_compound,
    "reference": _encode_reference,
    "enum": _encode_enum,
    "sequence": _encode_sequence,
    "array": _encode_array,
    "complex": _encode_unknown,
    "unknown": _encode_unknown,
}


def memory_dtype(described: Described) -> np.dtype:
    """NumPy's type for elements of a file."""
    from cannery.hdf5._types import _made

    return _made(described).dtype


def converted(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Numbers of another type: those that do not fit become the nearest that do."""
    if values.dtype == dtype:
        return values
    if values.dtype.kind in "OSUTV" and values.dtype.names is None:
        return values.astype(dtype)
    if values.dtype.names is not None or values.dtype.kind in "mM":
        raise TypeError(f"No conversion path for dtype: {values.dtype!r}")
    if values.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError("complex numbers are not converted to real ones")
    if dtype.kind not in "iu" or values.dtype.kind == "b":
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(dtype)
    limits = np.iinfo(dtype)
    if values.dtype.kind in "iu":
        own = np.iinfo(values.dtype)
        if own.min >= limits.min and own.max <= limits.max:
            return values.astype(dtype)
        low, high = max(own.min, limits.min), min(own.max, limits.max)
        return np.clip(values, values.dtype.type(low), values.dtype.type(high)).astype(dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.nan_to_num(values.astype("f8"), nan=0.0, posinf=np.inf, neginf=-np.inf)
        out = np.clip(values, limits.min, limits.max)
        # The largest number may round up beyond what fits.
        whole = np.where(out >= float(limits.max), 0, out).astype(dtype)
    return np.where(out >= float(limits.max), dtype.type(limits.max), whole).astype(dtype)


def item_type(data: Any) -> type | None:
    """The type of all items of nested lists or of an array of objects, if it is one."""
    if isinstance(data, np.ndarray):
        tagged = data.dtype.metadata and {"vlen", "ref"} & set(data.dtype.metadata)
        if data.dtype.kind != "O" or tagged:
            return None
        found = {type(item) for item in data.flat}
    elif isinstance(data, (list, tuple)):
        found = {item_type(item) for item in data}
    else:
        return type(data)
    return found.pop() if len(found) == 1 else None


def guessed_dtype(data: Any) -> np.dtype | None:
    """The dtype that text and references are stored with."""
    from cannery.hdf5._types import ref_dtype, regionref_dtype, string_dtype

    found = item_type(data)
    if found is None:
        return None
    if issubclass(found, RegionReference):
        return regionref_dtype
    if issubclass(found, Reference):
        return ref_dtype
    if issubclass(found, bytes):
        return string_dtype("ascii")
    if issubclass(found, str):
        return string_dtype()
    return None


def array_of(data: Any, dtype: Any = None) -> np.ndarray:
    """The array that is stored for `data`."""
    wanted = None if dtype is None else np.dtype(dtype)
    if isinstance(data, np.ndarray) and data.dtype.kind == "T":
        data = data.astype(object)
    if isinstance(data, np.ndarray) or wanted is None:
        wanted = guessed_dtype(data)
    if wanted is not None and wanted.metadata and "vlen" in wanted.metadata:
        return vlen_array(data, wanted)
    array = np.asarray(data, dtype=wanted, order="C")
    return array.view(wanted) if wanted is not None and wanted.subdtype is None else array


def vlen_array(data: Any, dtype: np.dtype) -> np.ndarray:
    """An array of objects, whose items are text or sequences."""
    if check_string_dtype(dtype) is not None:
        return np.asarray(data, dtype=object).view(dtype)
    if isinstance(data, np.ndarray) and data.dtype.kind == "O":
        return data.view(dtype)
    if isinstance(data, np.ndarray) and data.ndim == 1:
        out = np.empty((), dtype)
        out[()] = data
        return out
    rows = list(data)
    if rows and not any(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        out = np.empty((), dtype)
        out[()] = np.asarray(rows)
        return out
    out = np.empty(len(rows), dtype)
    for i, row in enumerate(rows):
        out[i] = np.asarray(row)
    return out


def flat_values(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Elements of a dtype along one axis, before those of the type itself."""
    _, inner = flattened(dtype)
    return values.reshape((-1, *inner))


def is_empty(data: Any) -> bool:
    """Whether a value has no elements and no shape."""
    return isinstance(data, Empty) or type(data).__name__ == "Empty"
