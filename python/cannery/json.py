"""JSON: the standard library's `json`, with its names and behaviour, and a fast pair for bytes.

`dumps`, `loads`, `dump`, `load`, `JSONEncoder`, `JSONDecoder` and `JSONDecodeError` are what they
are there. `encode` and `decode` are the fast pair: UTF-8 bytes, strict JSON (RFC 8259). Integers
are exact at any size, in both directions.

`decode(data, type=...)` makes values of the annotated type and says what is wrong where;
`default="rich"` writes dataclasses, dates, arrays and the like as the plain JSON that is read so.
"""

from __future__ import annotations

import builtins
import io
import json as _stdlib
from collections.abc import Callable, Iterator
from json import detect_encoding
from typing import IO, Any, Literal, cast

from cannery import _native
from cannery._native import json_decode as decode
from cannery._native import json_dumps as dumps
from cannery._native import json_encode as encode
from cannery._native import json_loads as loads
from cannery.errors import CanneryError, TextDecodeError

__all__ = [
    "JSONDecodeError",
    "JSONDecoder",
    "JSONEncoder",
    "decode",
    "detect_encoding",
    "dump",
    "dumps",
    "encode",
    "load",
    "loads",
]


class JSONDecodeError(CanneryError, _stdlib.JSONDecodeError):
    """A document that is not JSON: `msg`, `doc`, `pos`, `lineno`, `colno`, and a `hint`."""


class JSONDecoder:
    """The standard library's decoder, with a policy for duplicate keys and a limit of depth."""

    def __init__(
        self,
        *,
        object_hook: Callable[[dict[str, Any]], Any] | None = None,
        parse_float: Callable[[str], Any] | None = None,
        parse_int: Callable[[str], Any] | None = None,
        parse_constant: Callable[[str], Any] | None = None,
        strict: bool = True,
        object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
        duplicates: str = "last",
        depth: int = 1024,
    ) -> None:
        """Keep the hooks.

        `object_hook` is called with every `dict`, `object_pairs_hook` (which wins) with every
        object's list of pairs, `parse_float`, `parse_int` and `parse_constant` with the text of
        numbers and of `NaN`, `Infinity`, `-Infinity`. With `strict=False`, control characters may
        stand in strings. `duplicates` is `"last"`, `"first"` or `"error"`.
        """
        self.object_hook = object_hook
        self.parse_float = parse_float
        self.parse_int = parse_int
        self.parse_constant = parse_constant
        self.strict = strict
        self.object_pairs_hook = object_pairs_hook
        self.duplicates = duplicates
        self.depth = depth
        self.memo: dict[str, str] = {}

    def decode(self, s: str) -> Any:
        """Return the value of the document `s`."""
        if not isinstance(s, str):
            raise TypeError(f"expected str, not {type(s).__name__}")
        return _native.json_read(s, *self._settings())

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        """Return the value of the document that begins at `idx`, and the index where it ends."""
        try:
            return _native.json_read_prefix(s, idx, *self._settings())
        except StopIteration as stop:
            raise JSONDecodeError("Expecting value", s, stop.value) from None

    def _settings(self) -> tuple[Any, ...]:
        return (
            self.object_hook,
            self.parse_float,
            self.parse_int,
            self.parse_constant,
            self.object_pairs_hook,
            bool(self.strict),
            self.duplicates,
            self.depth,
        )


class JSONEncoder:
    """The standard library's encoder: override `default` for types of your own."""

    item_separator = ", "
    key_separator = ": "

    def __init__(
        self,
        *,
        skipkeys: bool = False,
        ensure_ascii: bool = True,
        check_circular: bool = True,
        allow_nan: bool = True,
        sort_keys: bool = False,
        indent: int | str | None = None,
        separators: tuple[str, str] | None = None,
        default: Callable[[Any], Any] | Literal["rich"] | None = None,
    ) -> None:
        """Keep the options; they are those of `dumps`."""
        self.skipkeys = skipkeys
        self.ensure_ascii = ensure_ascii
        self.check_circular = check_circular
        self.allow_nan = allow_nan
        self.sort_keys = sort_keys
        self.indent = indent
        if separators is not None:
            self.item_separator, self.key_separator = separators
        elif indent is not None:
            self.item_separator = ","
        if default is not None:
            self.default = default  # pyright: ignore[reportAttributeAccessIssue]

    def default(self, o: Any) -> Any:
        """Return something serializable for `o`, or raise `TypeError`."""
        raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")

    def encode(self, o: Any) -> str:
        """Return the JSON text of `o`."""
        return dumps(
            o,
            skipkeys=self.skipkeys,
            ensure_ascii=self.ensure_ascii,
            check_circular=self.check_circular,
            allow_nan=self.allow_nan,
            indent=self.indent,
            separators=(self.item_separator, self.key_separator),
            default=self._default(),
            sort_keys=self.sort_keys,
        )

    def iterencode(self, o: Any, _one_shot: bool = False) -> Iterator[str]:
        """Yield the JSON text of `o` in chunks."""
        yield self.encode(o)

    def _default(self) -> Callable[[Any], Any] | None:
        """The function for other types; `None` where the built-in error says more."""
        default = self.default
        return None if getattr(default, "__func__", None) is JSONEncoder.default else default


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
