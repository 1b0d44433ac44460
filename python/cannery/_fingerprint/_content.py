"""The digest of a value's typed content: `1` is not `"1"`, order counts where Python says so."""

from __future__ import annotations

import re
import struct
import sys
from _blake2 import blake2b  # `hashlib` would load OpenSSL
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MethodType, ModuleType
from typing import Any

# What is code is named and looked into by whoever walks the code.
CODE_TYPES = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, type, GetSetDescriptorType)

_Describe = Callable[[Any], str]


class UnseenError(Exception):
    """A value that cannot be looked into (a lock, an open file)."""

    def __init__(self, value: object) -> None:
        super().__init__(f"a `{type(value).__qualname__}` cannot be looked into")


def digest_of_text(text: str) -> str:
    """Digest a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def digest_of_value(value: Any, describe_code: _Describe) -> str:
    """Digest a value of any type.

    `describe_code` names functions, classes and modules.

    Raises `UnseenError` where a part of the value keeps its content to itself.
    """
    encoder = _Encoder(describe_code)
    encoder.feed(value)
    return encoder.hash.hexdigest()


class _Encoder:
    """Feeds values to a hash: a type's tag, the length, the bytes."""

    def __init__(self, describe_code: _Describe) -> None:
        self.hash = blake2b(digest_size=16)
        self.describe_code = describe_code
        self.seen: dict[int, int] = {}
        # Ids are unique only among living objects.
        self.alive: list[Any] = []

    def put(self, tag: str, data: bytes | memoryview = b"") -> None:
        self.hash.update(f"{tag}:{len(data)}:".encode())
        self.hash.update(data)

    def feed(self, value: Any) -> None:
        scalar = _SCALARS.get(type(value))
        if scalar is not None:
            return self.put(*scalar(value))
        if isinstance(value, CODE_TYPES):
            return self.put("code", self.describe_code(value).encode())
        earlier = self.seen.get(id(value))
        if earlier is not None:
            return self.put("again", str(earlier).encode())
        self.seen[id(value)] = len(self.seen)
        self.alive.append(value)
        _COMPOUNDS.get(type(value), _Encoder.feed_object)(self, value)
        return None

    def feed_items(self, value: Iterable[Any]) -> None:
        items = list(value)
        self.put(type(value).__name__, str(len(items)).encode())
        for item in items:
            self.feed(item)

    def feed_dict(self, value: dict[Any, Any]) -> None:
        self.put("dict", str(len(value)).encode())
        for key, item in value.items():
            self.feed(key)
            self.feed(item)

    def feed_set(self, value: Iterable[Any]) -> None:
        # A set's order depends on the process's hash seed.
        digests = sorted(digest_of_value(item, self.describe_code) for item in value)
        self.put(type(value).__name__, "".join(digests).encode())

    def feed_object(self, value: Any) -> None:
        if _is_array(value):
            return self.feed_array(value)
        if is_decorated(value):
            return self.put("code", self.describe_code(value).encode())
        self.feed_state(value)
        return None

    def feed_array(self, value: Any) -> None:
        fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        self.put("array", f"{value.dtype.descr} {value.shape} {fortran}".encode())
        if value.dtype.hasobject:
            return self.feed(value.tolist())
        plain = value.T if fortran else value
        if not plain.flags.c_contiguous or plain.ndim == 0:
            plain = plain.copy(order="C").reshape(-1)
        self.put("data", memoryview(plain.reshape(-1).view("u1")) if plain.size else b"")
        return None

    def feed_state(self, value: Any) -> None:
        """Feed what the object itself would hand to a pickler."""
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:  # it runs the class's own code, which may raise anything
            raise UnseenError(value) from error
        self.put("object", self.describe_code(type(value)).encode())
        if isinstance(reduced, str):
            return self.put("global", reduced.encode())
        function, arguments, *more = reduced
        state, items, pairs = (*more[:3], None, None, None)[:3]
        for part in (function, arguments, state):
            self.feed(part)
        for iterator in (items, pairs):
            self.feed(None if iterator is None else list(iterator))
        return None


def is_decorated(value: object) -> bool:
    """Whether an object stands for a function that it wraps, as those of `lru_cache` do."""
    return isinstance(getattr(value, "__wrapped__", None), CODE_TYPES)


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) in (numpy.ndarray, numpy.memmap)


_SCALARS: dict[type, Callable[[Any], tuple[str, bytes]]] = {
    type(None): lambda _: ("none", b""),
    type(Ellipsis): lambda _: ("ellipsis", b""),
    bool: lambda value: ("bool", b"1" if value else b"0"),
    int: lambda value: ("int", b"%x" % value),
    float: lambda value: ("float", struct.pack(">d", value)),
    complex: lambda value: ("complex", struct.pack(">dd", value.real, value.imag)),
    str: lambda value: ("str", value.encode("utf-8", "surrogatepass")),
    bytes: lambda value: ("bytes", value),
    bytearray: lambda value: ("bytearray", bytes(value)),
    re.Pattern: lambda value: ("pattern", repr((value.pattern, value.flags)).encode()),
}

_COMPOUNDS: dict[type, Callable[[_Encoder, Any], None]] = {
    list: _Encoder.feed_items,
    tuple: _Encoder.feed_items,
    dict: _Encoder.feed_dict,
    set: _Encoder.feed_set,
    frozenset: _Encoder.feed_set,
}
