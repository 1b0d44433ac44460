"""MessagePack: the names and the behaviour of the package `msgpack`, and a fast pair.

`packb`, `unpackb`, `pack`, `unpack`, `Packer`, `Unpacker`, `ExtType`, `Timestamp`, the exceptions
and the modules `exceptions`, `ext` and `fallback` are what they are there. `encode` and `decode`
are the fast pair: one document, any keys, no hooks but `default`. The format is that of
<https://github.com/msgpack/msgpack/blob/master/spec.md>.

What a document claims is not believed: nothing is allocated for items that are not there, and
`max_buffer_size`, `max_str_len` and their like bound what is.
"""

from __future__ import annotations

from typing import IO, Any

from cannery._native import Packer, Unpacker
from cannery._native import msgpack_decode as decode
from cannery._native import msgpack_encode as encode
from cannery._native import msgpack_packb as packb
from cannery._native import msgpack_unpackb as unpackb
from cannery.msgpack import exceptions, ext, fallback
from cannery.msgpack._exceptions import (
    BufferFull,
    ExtraData,
    FormatError,
    OutOfData,
    PackException,
    PackOverflowError,
    PackValueError,
    RangeError,
    StackError,
    UnpackException,
    UnpackValueError,
)
from cannery.msgpack._ext import ExtType, Timestamp

version = (1, 2, 4)
"""The version of the package `msgpack` whose names and behaviour these are."""

__version__ = ".".join(map(str, version))

__all__ = [
    "BufferFull",
    "ExtType",
    "ExtraData",
    "FormatError",
    "OutOfData",
    "PackException",
    "PackOverflowError",
    "PackValueError",
    "Packer",
    "RangeError",
    "StackError",
    "Timestamp",
    "UnpackException",
    "UnpackValueError",
    "Unpacker",
    "decode",
    "dump",
    "dumps",
    "encode",
    "exceptions",
    "ext",
    "fallback",
    "load",
    "loads",
    "pack",
    "packb",
    "unpack",
    "unpackb",
    "version",
]


def pack(o: Any, stream: IO[bytes], **kwargs: Any) -> None:
    """Pack the object `o` and write it to `stream`; the arguments are those of `Packer`.

    >>> import io
    >>> from cannery import msgpack
    >>> file = io.BytesIO()
    >>> msgpack.pack({"a": 1}, file)
    >>> file.getvalue().hex()
    '81a16101'
    """
    stream.write(packb(o, **kwargs))


def unpack(stream: IO[bytes], **kwargs: Any) -> Any:
    """Unpack the object in `stream`; the arguments are those of `unpackb`.

    >>> import io
    >>> from cannery import msgpack
    >>> msgpack.unpack(io.BytesIO(bytes.fromhex("81a16101")))
    {'a': 1}
    """
    return unpackb(stream.read(), **kwargs)


load = unpack
loads = unpackb
dump = pack
dumps = packb
