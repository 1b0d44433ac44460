"""The exceptions of `cannery.msgpack`."""

from __future__ import annotations

from typing import Any

from cannery.errors import CanneryError, DataError, DepthError


class UnpackException(CanneryError):  # noqa: N818 - the package's name
    """Base of the exceptions that only unpacking raises."""


class BufferFull(UnpackException):
    """More bytes wait to be unpacked than `max_buffer_size` allows."""


class OutOfData(UnpackException):
    """Not all of the next object has come."""


class FormatError(DataError, UnpackException):
    """Bytes that are not MessagePack."""


class StackError(DepthError, ValueError, UnpackException):
    """Nested more deeply than 1,024 levels."""


class ExtraData(DataError):  # noqa: N818 - the package's name
    """Bytes behind the object: `unpacked` is the object, `extra` the bytes."""

    hint = "several objects in a row are read with `Unpacker`"

    def __init__(self, unpacked: Any, extra: bytes) -> None:
        """Keep both."""
        super().__init__(unpacked, extra)
        self.unpacked = unpacked
        self.extra = extra

    def __str__(self) -> str:
        return "unpack(b) received extra data."


class RangeError(DataError, OverflowError):
    """An integer of more than 64 bits."""


UnpackValueError = ValueError
PackException = Exception
PackValueError = ValueError
PackOverflowError = OverflowError

for _class in (
    BufferFull,
    ExtraData,
    FormatError,
    OutOfData,
    RangeError,
    StackError,
    UnpackException,
):
    _class.__module__ = "cannery.msgpack"
