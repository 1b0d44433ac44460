"""The exceptions, by the names of `msgpack.exceptions`."""

from __future__ import annotations

from cannery.msgpack._exceptions import (
    BufferFull,
    ExtraData,
    FormatError,
    OutOfData,
    PackException,
    PackOverflowError,
    PackValueError,
    StackError,
    UnpackException,
    UnpackValueError,
)

__all__ = [
    "BufferFull",
    "ExtraData",
    "FormatError",
    "OutOfData",
    "PackException",
    "PackOverflowError",
    "PackValueError",
    "StackError",
    "UnpackException",
    "UnpackValueError",
]
