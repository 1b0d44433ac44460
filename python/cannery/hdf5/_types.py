"""Datatypes of files as NumPy's, with h5py's metadata, and elements of files as NumPy's."""

from __future__ import annotations

import math
from collections import namedtuple
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cannery.hdf5._references import Reference, RegionReference, made_reference

if TYPE_CHECKING:
    from cannery import _native

string_info = namedtuple("string_info", ["encoding", "length"])

ref_dtype = np.dtype("O", metadata={"ref": Reference})
regionref_dtype = np.dtype("O", metadata={"ref": RegionReference})


class Empty:
    """The value of a dataset or attribute that has no elements and no shape."""

    shape = None
    size = None

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Empty) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"Empty(dtype={self.dtype!r})"


def string_dtype(encoding: str = "utf-8", length: int | None = None) -> np.dtype:
    """The dtype of text: of any length, or of `length` bytes."""
    encoding = {"utf8": "utf-8", "utf-8": "utf-8", "ascii": "ascii"}.get(encoding.lower(), "")
    if not encoding:
        raise ValueError("expected the encoding `utf-8` or `ascii`")
    if length is None:
        return np.dtype("O", metadata={"vlen": str if encoding == "utf-8" else bytes})
    return np.dtype(f"S{length}", metadata={"h5py_encoding": encoding})


def vlen_dtype(basetype: Any) -> np.dtype:
    """The dtype of sequences of any length."""
    return np.dtype("O", metadata={"vlen": np.dtype(basetype)})


def enum_dtype(values_dict: dict[str, int], basetype: Any = np.uint8) -> np.dtype:
    """The dtype of integers whose values have names."""
    dtype = np.dtype(basetype)
    if dtype.kind not in "iu":
        raise TypeError("expected integers for an enumeration")
    return np.dtype(dtype, metadata={"enum": dict(values_dict)})


def opaque_dtype(np_dtype: Any) -> np.dtype:
    """The dtype of elements that are stored as bytes without a meaning."""
    return np.dtype(np_dtype, metadata={"h5py_opaque": True})


def special_dtype(**kwds: Any) -> np.dtype:
    """The dtype for `vlen=`, `enum=(base, values)` or `ref=`."""
    (name, value), *more = kwds.items()
    if more:
        raise TypeError("expected exactly one keyword")
    if name == "vlen":
        if value in (bytes, str):
            return np.dtype("O", metadata={"vlen": value})
        return vlen_dtype(value)
    if name == "enum":
        return enum_dtype(value[1], value[0])
    if name == "ref":
        return np.dtype("O", metadata={"ref": value})
    raise TypeError(f"unknown special type `{name}`")


def _metadata(dtype: np.dtype, name: str) -> Any:
    return dtype.metadata.get(name) if dtype.metadata else None


def check_string_dtype(dt: np.dtype) -> string_info | None:
    """Encoding and length of text, or `None` for other types."""
    vlen = _metadata(dt, "vlen")
    if vlen is str:
        return string_info("utf-8", None)
    if vlen is bytes:
        return string_info("ascii", None)
    if dt.kind == "S":
        return string_info(_metadata(dt, "h5py_encoding") or "utf-8", dt.itemsize)
    return None


def check_vlen_dtype(dt: np.dtype) -> Any:
    """The dtype of the elements of sequences, or `None` for other types."""
    return _metadata(dt, "vlen")


def check_enum_dtype(dt: np.dtype) -> dict[str, int] | None:
    """The values of an enumeration, or `None` for other types."""
    return _metadata(dt, "enum")


def check_ref_dtype(dt: np.dtype) -> type | None:
    """`Reference` or `RegionReference`, or `None` for other types."""
    return _metadata(dt, "ref")


def check_opaque_dtype(dt: np.dtype) -> bool:
    """Whether elements are stored as bytes without a meaning."""
    return bool(_metadata(dt, "h5py_opaque"))


def check_dtype(**kwds: Any) -> Any:
    """What a special dtype is: `check_dtype(vlen=dtype)` and so on."""
    (name, dt), *more = kwds.items()
    if more or name not in ("vlen", "enum", "ref"):
        raise TypeError("expected one of `vlen`, `enum`, `ref`")
    return _metadata(dt, name)


def text(data: bytes) -> str:
    """A name as h5py has it: UTF-8, other bytes escaped."""
    return data.decode("utf-8", "surrogateescape")


def flattened(dtype: np.dtype) -> tuple[np.dtype, tuple[int, ...]]:
    """The elements of array types, and the shape of all arrays around them."""
    shape: tuple[int, ...] = ()
    while dtype.subdtype is not None:
        dtype, inner = dtype.subdtype
        shape += inner
    return dtype, shape


def file_type(native: _native.Hdf5Type) -> FileType:
    """The type of elements in a file."""
    described = native.describe()
    if described[0] == "number" and described[-1] is None:
        return _plain_number(*described[1:])
    return _made(described)


@lru_cache(maxsize=64)
def _plain_number(size: int, name: str, kind: str, native: None) -> FileType:
    """Numbers that NumPy has: of many datasets most have the same type."""
    return _Number(size, name, kind, native)


def _made(described: tuple[Any, ...]) -> FileType:
    return _CLASSES[described[0]](*described[1:])


class FileType:
    """A type of elements in a file: `size` bytes there, `memory_size` in libhdf5's memory."""

    is_plain = False
    """Whether NumPy's elements are the same bytes as the file's."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.memory_size = size

    @cached_property
    def dtype(self) -> np.dtype:
        raise TypeError("NumPy has no type for these elements")

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        """Elements of this type, one in a row of bytes, as an array."""
        raise NotImplementedError

    def _rows(self, raw: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(raw).reshape(-1)


class _Unknown(FileType):
    def __init__(self, size: int, what: str = "data") -> None:
        super().__init__(size)
        self._what = what

    @cached_property
    def dtype(self) -> np.dtype:
        raise TypeError(f"NumPy has no type for {self._what} ({self.size} bytes an element)")

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        del node
        return raw.view(self.dtype)


class _Number(FileType):
    def __init__(self, size: int, name: str, kind: str, native: _native.Hdf5Type | None) -> None:
        super().__init__(size)
        self.kind, self._native = kind, native
        self._name = name
        self.is_plain = native is None
        self.memory_size = max(size, int(name[2:]))

    @cached_property
    def dtype(self) -> np.dtype:
        return np.dtype(self._name)

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        del node
        data = self._rows(raw)
        if self._native is None:
            return data.view(self.dtype)
        out = np.empty(len(raw) * self.dtype.itemsize, "u1")
        self._native.convert(data, out)
        return out.view(self.dtype)


class _String(FileType):
    def __init__(self, size: int, padding: str, charset: str) -> None:
        super().__init__(size)
        self._padding, self._charset = padding, charset
        self.is_plain = padding == "nullpad"

    @cached_property
    def dtype(self) -> np.dtype:
        return string_dtype(self._charset, self.size)

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        del node
        data = np.ascontiguousarray(raw)
        if self._padding == "nullterm":
            behind = np.logical_or.accumulate(data == 0, axis=1)
        elif self._padding == "spacepad":
            behind = np.logical_and.accumulate(data[:, ::-1] == 32, axis=1)[:, ::-1]
        else:
            return data.reshape(-1).view(self.dtype)
        return np.where(behind, np.uint8(0), data).reshape(-1).view(self.dtype)


class _VarString(FileType):
    def __init__(self, size: int, padding: str, charset: str) -> None:
        super().__init__(size)
        self._padding, self._charset = padding, charset
        self.memory_size = 8

    @cached_property
    def dtype(self) -> np.dtype:
        return string_dtype(self._charset)

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        texts = node.strings(self._rows(raw), self.size)
        # In memory a NUL ends a text.
        return _objects((data.partition(b"\0")[0] for data in texts), len(texts), self.dtype)


class _Opaque(FileType):
    is_plain = True

    def __init__(self, size: int, tag: bytes) -> None:
        super().__init__(size)
        self.tag = tag

    @cached_property
    def dtype(self) -> np.dtype:
        if self.tag.startswith(b"NUMPY:"):
            dtype = np.dtype(self.tag[6:].decode("ascii"), metadata={"h5py_opaque": True})
            if dtype.hasobject or dtype.itemsize != self.size:
                raise TypeError("the tag of opaque elements names another type")
            return dtype
        return np.dtype(f"V{self.size}")

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        del node
        return self._rows(raw).view(self.dtype)


class _Compound(FileType):
    def __init__(self, size: int, members: list[tuple[bytes, int, tuple[Any, ...]]]) -> None:
        super().__init__(size)
        self.members = [(text(name), offset, _made(type)) for name, offset, type in members]
        self.memory_size = size + sum(t.memory_size - t.size for _, _, t in self.members)

    @property
    def _is_complex(self) -> bool:
        if [name for name, _, _ in self.members] != ["r", "i"]:
            return False
        (_, _, real), (_, _, imaginary) = self.members
        kinds = isinstance(real, _Number) and isinstance(imaginary, _Number)
        # NumPy has no complex number of two halves.
        return (
            kinds
            and real.dtype == imaginary.dtype
            and real.dtype.kind == "f"
            and (real.dtype.itemsize > 2)
        )

    @cached_property
    def dtype(self) -> np.dtype:
        if self._is_complex:
            return _complex(self.members[0][2].dtype)
        offsets, moved = [0] * len(self.members), 0
        for i in sorted(range(len(self.members)), key=lambda i: self.members[i][1]):
            _, offset, member = self.members[i]
            offsets[i] = offset + moved
            moved += member.memory_size - member.size
        return np.dtype(
            {
                "names": [name for name, _, _ in self.members],
                "formats": [member.dtype for _, _, member in self.members],
                "offsets": offsets,
                "itemsize": self.memory_size,
            }
        )

    @cached_property
    def is_plain(self) -> bool:  # type: ignore[override]
        if not all(member.is_plain for _, _, member in self.members):
            return False
        return not self._is_complex or self.dtype.itemsize == self.size

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        if self._is_complex:
            real, imaginary = (self._member(i, raw, node) for i in (0, 1))
            out = np.empty(len(raw), self.dtype)
            out.real, out.imag = real, imaginary
            return out
        out = np.zeros(len(raw), self.dtype)
        for i, (name, _, _) in enumerate(self.members):
            out[name] = self._member(i, raw, node)
        return out

    def _member(self, i: int, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        _, offset, member = self.members[i]
        return member.convert(raw[:, offset : offset + member.size], node)


def _complex(part: np.dtype) -> np.dtype:
    return np.dtype(f"{part.str[0]}c{2 * part.itemsize}")


class _Complex(FileType):
    def __init__(self, size: int, base: tuple[Any, ...]) -> None:
        super().__init__(size)
        self._base = _made(base)
        self.memory_size = 2 * self._base.memory_size

    @cached_property
    def dtype(self) -> np.dtype:
        base = self._base.dtype
        # NumPy has no complex number of two halves.
        return _complex(base if base.itemsize > 2 else np.dtype(f"{base.str[0]}f4"))

    @cached_property
    def is_plain(self) -> bool:  # type: ignore[override]
        return self._base.is_plain and self.dtype.itemsize == self.size

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        parts = self._base.convert(np.ascontiguousarray(raw).reshape(-1, self._base.size), node)
        order, size = self.dtype.str[0], self.dtype.itemsize // 2
        return parts.astype(f"{order}f{size}").view(self.dtype)


class _Enum(FileType):
    def __init__(
        self, size: int, base: tuple[Any, ...], members: list[tuple[bytes, bytes]]
    ) -> None:
        super().__init__(size)
        self._base = _made(base)
        self._members = members

    @cached_property
    def values(self) -> dict[str, int]:
        """The names and values."""
        raw = np.frombuffer(b"".join(value for _, value in self._members), "u1")
        values = self._base.convert(raw.reshape(-1, self.size), None)  # type: ignore[arg-type]
        return {text(name): int(v) for (name, _), v in zip(self._members, values, strict=True)}

    @cached_property
    def dtype(self) -> np.dtype:
        if self.values == {"FALSE": 0, "TRUE": 1}:
            return np.dtype(bool)
        return enum_dtype(self.values, self._base.dtype)

    @cached_property
    def is_plain(self) -> bool:  # type: ignore[override]
        return self._base.is_plain and self.dtype.itemsize == self.size

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        values = self._base.convert(raw, node)
        return values != 0 if self.dtype.kind == "b" else values.view(self.dtype)


class _Sequence(FileType):
    def __init__(self, size: int, base: tuple[Any, ...]) -> None:
        super().__init__(size)
        self._base = _made(base)
        self.memory_size = 16

    @cached_property
    def dtype(self) -> np.dtype:
        return vlen_dtype(self._base.dtype)

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        counts, data = node.sequences(self._rows(raw), self.size, self._base.size)
        elements = np.frombuffer(data, "u1").reshape(-1, self._base.size)
        base = self._base.dtype
        values = self._base.convert(elements, node) if len(elements) else np.empty(0, base)
        if not values.flags.writeable:
            values = values.copy()
        ends = np.cumsum(counts).tolist()
        starts = [0, *ends[:-1]]
        parts = (values[start:end] for start, end in zip(starts, ends, strict=True))
        return _objects(parts if counts else (), len(counts), self.dtype)


class _Array(FileType):
    def __init__(self, size: int, base: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        super().__init__(size)
        self._base, self._shape = _made(base), shape
        self.memory_size = self._base.memory_size * math.prod(shape)

    @cached_property
    def dtype(self) -> np.dtype:
        return np.dtype((self._base.dtype, self._shape))

    @cached_property
    def is_plain(self) -> bool:  # type: ignore[override]
        return self._base.is_plain

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        parts = self._base.convert(np.ascontiguousarray(raw).reshape(-1, self._base.size), node)
        return parts.reshape((len(raw), *self._shape, *parts.shape[1:]))


class _Reference(FileType):
    def __init__(self, size: int, kind: str) -> None:
        super().__init__(size)
        self._kind = kind
        self.memory_size = 12 if kind == "region" else 8

    @cached_property
    def dtype(self) -> np.dtype:
        return regionref_dtype if self._kind == "region" else ref_dtype

    def convert(self, raw: np.ndarray, node: _native.Hdf5Node) -> np.ndarray:
        parts = (made_reference(self._kind, node, row.tobytes()) for row in raw)
        return _objects(parts, len(raw), self.dtype)


def as_numbers(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Elements as those of another type; integers out of its range are its first or last."""
    if dtype.kind not in "iu" or values.dtype.kind not in "iuf":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    bounds = np.iinfo(dtype)
    if values.dtype.kind == "f":
        # The bounds of 64 bits are no numbers of 16 or 32.
        values = values.astype(np.result_type(values.dtype, "f8"))
        low, high = values <= float(bounds.min), values >= float(bounds.max)
        out = np.where(low | high | np.isnan(values), 0, values).astype(dtype)
        out[low], out[high] = bounds.min, bounds.max
        return out
    held = np.iinfo(values.dtype)
    if bounds.min > held.min:
        values = np.maximum(values, values.dtype.type(bounds.min))
    if bounds.max < held.max:
        values = np.minimum(values, values.dtype.type(bounds.max))
    return values.astype(dtype)


def without_objects(values: np.ndarray) -> np.ndarray:
    """Elements that were never written, as h5py has them: no sequences, no references."""
    values = values.copy()
    for name in values.dtype.names or ():
        values[name] = without_objects(values[name])
    if values.dtype.hasobject and not values.dtype.names and not check_string_dtype(values.dtype):
        values.fill(None)
    return values


def _objects(parts: Any, count: int, dtype: np.dtype) -> np.ndarray:
    out = np.empty(count, dtype)
    for i, part in enumerate(parts):
        out[i] = part
    return out


_CLASSES: dict[str, Any] = {
    "number": _Number,
    "string": _String,
    "varstring": _VarString,
    "opaque": _Opaque,
    "compound": _Compound,
    "reference": _Reference,
    "enum": _Enum,
    "sequence": _Sequence,
    "array": _Array,
    "complex": _Complex,
    "unknown": _Unknown,
}
