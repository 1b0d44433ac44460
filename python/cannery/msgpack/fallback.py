"""`Packer` and `Unpacker`, by the name of `msgpack.fallback`: the same as anywhere."""

from __future__ import annotations

from cannery._native import Packer, Unpacker
from cannery._native import msgpack_unpackb as unpackb
from cannery.msgpack._exceptions import (
    BufferFull,
    ExtraData,
    FormatError,
    OutOfData,
    StackError,
)
from cannery.msgpack._ext import ExtType, Timestamp

__all__ = [
    "BufferFull",
    "ExtType",
    "ExtraData",
    "FormatError",
    "OutOfData",
    "Packer",
    "StackError",
    "Timestamp",
    "Unpacker",
    "unpackb",
]
