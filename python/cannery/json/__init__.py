"""JSON: the standard library's `json`, with its names and behaviour, and a fast pair for bytes.

`dumps`, `loads`, `dump`, `load`, `JSONEncoder`, `JSONDecoder`, `JSONDecodeError` and the modules
`decoder`, `encoder` and `scanner` are what they are there. `encode` and `decode` are the fast pair:
UTF-8 bytes, strict JSON (RFC 8259). Integers are exact at any size, in both directions.

`decode(data, type=...)` makes values of the annotated type and says what is wrong where;
`default="rich"` writes dataclasses, dates, arrays and the like as the plain JSON that is read so.
"""

from __future__ import annotations

import builtins
import io
from collections.abc import Callable
from typing import IO, Any, Literal, cast

from cannery import _native
from cannery._native import json_decode as decode
from cannery._native import json_dumps as dumps
from cannery._native import json_encode as encode
from cannery._native import json_loads as loads
from cannery.errors import TextDecodeError
from cannery.json import decoder, encoder, scanner
from cannery.json._decoder import JSONDecodeError, JSONDecoder
from cannery.json._encoder import JSONEncoder
from cannery.json._stdlib import detect_encoding, version

__version__ = version
"""The version of the standard library's `json`, whose behaviour this is."""

__all__ = [
    "JSONDecodeError",
    "JSONDecoder",
    "JSONEncoder",
    "decode",
    "decoder",
    "detect_encoding",
    "dump",
    "dumps",
    "encode",
    "encoder",
    "load",
    "loads",
    "scanner",
]

_default_decoder = JSONDecoder()
_default_encoder = JSONEncoder()


def dump(
    obj: Any,
    fp: IO[str] | IO[bytes],
    *,
    skipkeys: bool = False,
    ensure_ascii: bool = True,
    check_circular: bool = True,
    allow_nan: bool = True,
    cls: type[JSONEncoder] | None = None,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    default: Callable[[Any], Any] | Literal["rich"] | None = None,
    sort_keys: bool = False,
    iterators: bool | None = None,
    **kw: Any,
) -> None:
    """Write `obj` as JSON to the file object `fp`, chunk by chunk, in constant extra memory.

    The arguments are those of the standard library's `json.dump`; `fp` may also be a binary file.

    Generators and other iterators are written as arrays, item by item, and never held in memory
    (the standard library refuses them). With a function as `default`, that is asked what they are,
    as it is there, unless `iterators=True`; with `iterators=False` they are refused. File objects,
    which are iterators of lines, are always refused.

    >>> import sys
    >>> from cannery import json
    >>> json.dump({"ids": [1, 2]}, sys.stdout)
    {"ids": [1, 2]}
    """
    if cls is not None or kw:
        encoder = (cls or JSONEncoder)(
            skipkeys=skipkeys,
            ensure_ascii=ensure_ascii,
            check_circular=check_circular,
            allow_nan=allow_nan,
            indent=indent,
            separators=separators,
            default=default,
            sort_keys=sort_keys,
            **kw,
        )
        for chunk in encoder.iterencode(obj):
            fp.write(chunk)  # pyright: ignore[reportArgumentType, reportCallIssue]
        return
    _native.json_dump(
        obj,
        fp,
        skipkeys=bool(skipkeys),
        ensure_ascii=bool(ensure_ascii),
        check_circular=bool(check_circular),
        allow_nan=bool(allow_nan),
        indent=indent,
        separators=separators,
        default=default,
        sort_keys=bool(sort_keys),
        iterators=iterators,
    )


def load(
    fp: IO[str] | IO[bytes],
    *,
    cls: builtins.type[JSONDecoder] | None = None,
    object_hook: Callable[[dict[str, Any]], Any] | None = None,
    parse_float: Callable[[str], Any] | None = None,
    parse_int: Callable[[str], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    type: Any = None,
    **kw: Any,
) -> Any:
    """Return the value of the document in the file object `fp`; the arguments are `loads`'s.

    The text is in memory once, as bytes if it is long: a text file is encoded as it is read.

    >>> import io
    >>> from cannery import json
    >>> json.load(io.StringIO('{"ids": [1, 2]}'))
    {'ids': [1, 2]}
    """
    return loads(
        _read(fp),
        cls=cls,
        object_hook=object_hook,
        parse_float=parse_float,
        parse_int=parse_int,
        parse_constant=parse_constant,
        object_pairs_hook=object_pairs_hook,
        type=type,
        **kw,
    )


#: Characters of a text file that are read at a time.
_CHUNK = 1 << 20


def _read(fp: IO[str] | IO[bytes]) -> str | bytes:
    """Read all of a file; of a long text its UTF-8, and never both at once."""
    if not isinstance(fp, io.TextIOBase):
        return fp.read()
    chunk = cast("str", fp.read(_CHUNK))
    if len(chunk) < _CHUNK or chunk[0] == "\ufeff" or "\0" in chunk[:4]:
        # What would be an encoding at the start of bytes is an error at the start of a text.
        return chunk + cast("str", fp.read())
    data = io.BytesIO()
    while chunk:
        data.write(chunk.encode("utf-8", "surrogatepass"))
        chunk = cast("str", fp.read(_CHUNK))
    return data.getvalue()


def _dumps_with_encoder(obj: Any, cls: type[JSONEncoder] | None, **kw: Any) -> str:
    return (cls or JSONEncoder)(**kw).encode(obj)


def _loads_with_decoder(
    s: str | bytes | bytearray, cls: type[JSONDecoder] | None, hooks: tuple[Any, ...], **kw: Any
) -> Any:
    names = ("object_hook", "parse_float", "parse_int", "parse_constant", "object_pairs_hook")
    given = {name: hook for name, hook in zip(names, hooks, strict=True) if hook is not None}
    if isinstance(s, (bytes, bytearray)):
        s = _to_text(s)
    elif not isinstance(s, str):
        found = type(s).__name__
        raise TypeError(f"the JSON object must be str, bytes or bytearray, not {found}")
    return (cls or JSONDecoder)(**given, **kw).decode(s)


def _to_text(data: bytes | bytearray) -> str:
    """Decode bytes as the standard library does: UTF-8, UTF-16 or UTF-32, marked or not."""
    try:
        return data.decode(detect_encoding(data), "surrogatepass")
    except UnicodeDecodeError as error:
        raise TextDecodeError(*error.args) from None
