"""CBOR (RFC 8949): `dumps`, `loads`, `dump`, `load`, with the names of the package `cbor2`.

Integers of any size, sets, dates, decimals, fractions, UUIDs and patterns go both ways as the
registered tags say; any other tag becomes a `CBORTag`, or what `tag_hook` makes of it. Numbers take
the fewest bytes that hold them (section 4.1); `canonical=True` also sorts the entries of maps
(section 4.2.1), so that equal values are equal bytes.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import ipaddress
import math
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal, NoReturn, cast

from cannery import _native
from cannery.errors import DataError, DataTypeError, DepthError

__all__ = [
    "CBORDecodeEOF",
    "CBORDecodeValueError",
    "CBORSimpleValue",
    "CBORTag",
    "FrozenDict",
    "dump",
    "dumps",
    "load",
    "loads",
    "undefined",
]


class CBORDecodeValueError(DataError):
    """Bytes that are not CBOR."""


class CBORDecodeEOF(DataError, EOFError):  # noqa: N818 - cbor2's name
    """Bytes that end inside a value."""


@dataclass(frozen=True, slots=True)
class CBORTag:
    """A value with a tag that has no type of its own here.

    >>> from cannery import cbor
    >>> cbor.loads(cbor.dumps(cbor.CBORTag(1000, "x")))
    CBORTag(tag=1000, value='x')
    """

    tag: int
    value: Any


@dataclass(frozen=True, slots=True)
class CBORSimpleValue:
    r"""A simple value without a name: 0 to 19, or 32 to 255 (RFC 8949, section 3.3).

    ```python
    from cannery import cbor

    assert cbor.dumps(cbor.CBORSimpleValue(255)) == b"\xf8\xff"
    ```
    """

    value: int

    def __post_init__(self) -> None:
        if type(self.value) is not int:
            raise TypeError(f"a simple value is an int, not {type(self.value).__name__}")
        if not 0 <= self.value <= 255:
            raise DataError(f"a simple value is 0 to 255, not {self.value}")


class _Undefined:
    """The type of `undefined`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


undefined = _Undefined()
"""What JavaScript calls undefined."""

KeyOrder = Literal["given", "bytewise", "length-first"]


def dumps(
    obj: Any,
    *,
    default: Callable[[Any], Any] | None = None,
    canonical: bool | KeyOrder = False,
    value_sharing: bool = False,
    depth: int = 1024,
) -> bytes:
    """Serialize `obj` to CBOR.

    `default` is called for values of other types and gives something to write instead. `canonical`
    sorts the entries of maps and the items of sets by their bytes (`"bytewise"`, which `True`
    means) or shorter ones first (`"length-first"`, as RFC 7049 had it). With `value_sharing`,
    values that occur more than once are written once, with tags 28 and 29: cycles, too.

    >>> from cannery import cbor
    >>> cbor.dumps({"a": [1, 2.5]}).hex()
    'a161618201f94100'
    """
    order = "bytewise" if canonical is True else canonical or "given"
    if order not in ("given", "bytewise", "length-first"):
        raise ValueError(f"canonical must be a bool, 'bytewise' or 'length-first', not {order!r}")
    return _native.cbor_dumps(obj, _Describer(default), order, bool(value_sharing), depth)


def loads(
    data: bytes | bytearray | memoryview,
    *,
    tag_hook: Callable[[CBORTag], Any] | None = None,
    depth: int = 1024,
) -> Any:
    """Deserialize one CBOR document; `tag_hook` is called with values of unknown tags.

    >>> from cannery import cbor
    >>> cbor.loads(bytes.fromhex("a16161820102"))
    {'a': [1, 2]}
    """
    value, used = _native.cbor_loads(data, _Reviver(tag_hook), depth)
    size = memoryview(data).nbytes
    if used < size:
        error = CBORDecodeValueError(
            f"expected the end of the document, found {size - used} bytes at byte {used}"
        )
        error.offset = used
        raise error
    return value


def dump(obj: Any, fp: IO[bytes], **options: Any) -> None:
    """Write `obj` as CBOR to the binary file `fp`; the options are those of `dumps`.

    >>> import io
    >>> from cannery import cbor
    >>> file = io.BytesIO()
    >>> cbor.dump([1, 2], file)
    >>> file.getvalue().hex()
    '820102'
    """
    fp.write(dumps(obj, **options))


def load(fp: IO[bytes], **options: Any) -> Any:
    r"""Return the next value of the binary file `fp`; the options are those of `loads`.

    The file is left behind that value, so that the next call returns the one after it; an
    `EOFError` says that there is none. Of a file that cannot seek, no byte too many is read.

    ```python
    import io
    from cannery import cbor

    file = io.BytesIO(b"\x01\x02")
    assert (cbor.load(file), cbor.load(file)) == (1, 2)
    ```
    """
    return loads(_next_item(fp, options.get("depth", 1024)), **options)


def _next_item(fp: IO[bytes], depth: int) -> bytes:
    """Read the bytes of one item."""
    if not (hasattr(fp, "seekable") and fp.seekable()):
        return _exact_item(fp)
    start, data, size = fp.tell(), b"", _FIRST_PIECE
    while True:
        piece = fp.read(size)
        data += piece
        used = _native.cbor_measure(data, depth)
        if used is not None:
            fp.seek(start + used)
            return data[:used]
        if not piece:
            return data  # `loads` says what is missing
        size = len(data)


#: Bytes that are read at first where a file can seek.
_FIRST_PIECE = 4096


def _exact_item(fp: IO[bytes]) -> bytes:
    """Read the bytes of one item, and nothing behind it."""
    data = bytearray()
    left: list[float] = [1]  # items to come in what is open; infinity until a break
    while left:
        if left[-1] == 0:
            left.pop()
            continue
        head = fp.read(1)
        data += head
        if not head:
            break
        major, info = head[0] >> 5, head[0] & 31
        if head == b"\xff" and left[-1] == math.inf:
            left.pop()
            continue
        left[-1] -= 1
        count = info
        if 24 <= info < 28:
            argument = fp.read(1 << info - 24)
            data += argument
            count = int.from_bytes(argument, "big")
        if info == 31 and 2 <= major <= 5:
            left.append(math.inf)
        elif major in (2, 3):
            data += fp.read(count)
        elif major in (4, 5):
            left.append(count * (major - 3))
        elif major == 6:
            left.append(1)
    return bytes(data)


class FrozenDict(Mapping[Any, Any]):
    """A map that is a key of another one: it has a hash, and cannot be changed.

    ```python
    from cannery import cbor

    assert cbor.FrozenDict({"a": 1}) == {"a": 1}
    ```
    """

    __slots__ = ("_entries", "_hash")

    def __init__(self, entries: Mapping[Any, Any]) -> None:
        """Keep the entries."""
        self._entries = dict(entries)
        self._hash: int | None = None

    def __getitem__(self, key: Any) -> Any:
        return self._entries[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        # Known by the map around it: keys within keys are not gone through again at every level.
        if self._hash is None:
            _native.check_stack()
            self._hash = hash(frozenset(self._entries.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenDict):
            _native.check_stack()
            return self is other or self._entries == other._entries
        return NotImplemented if not isinstance(other, Mapping) else self._entries == dict(other)

    def __repr__(self) -> str:
        _native.check_stack()
        return f"FrozenDict({self._entries!r})"


class _Describer:
    """Takes values apart that are not Python's plain types: into tags, and what they hold."""

    def __init__(self, default: Callable[[Any], Any] | None) -> None:
        self.default = default

    def in_order(self, items: Any) -> Any:
        return items

    def plain_name(self, _cls: type) -> None:
        """No class is written by its name."""

    def describe(self, value: Any) -> tuple[str, dict[str, Any]]:
        if isinstance(value, CBORTag):
            return "cbor.tag", {"tag": value.tag, "value": value.value}
        if isinstance(value, CBORSimpleValue):
            return _simple(value.value)
        if value is undefined:
            return "cbor.undefined", {}
        for kind, tagged in _TAGGED:
            if isinstance(value, kind):
                return "cbor.tag", dict(zip(("tag", "value"), tagged(value), strict=True))
        return "cbor.value", {"value": self._plain(value)}

    def _plain(self, value: Any) -> Any:
        """Return a subclass as the plain type it derives from; anything else as `default` says."""
        for kind in (str, int, float, bytes, bytearray, memoryview, list, tuple, Mapping):
            if isinstance(value, kind):
                plain: Callable[[Any], Any] = _PLAIN.get(kind, kind)  # pyright: ignore[reportAssignmentType]
                return plain(value)
        if self.default is not None:
            return self.default(value)
        error = DataTypeError(f"cannot serialize an object of type {type(value).__name__} as CBOR")
        error.hint = "pass `default=`, or save any object with `cannery.dump`"
        raise error


def _simple(number: int) -> tuple[str, dict[str, Any]]:
    """A simple value; 20 to 23 have names, and 24 to 31 no form that is well-formed."""
    if 24 <= number < 32:
        error = DataError(f"CBOR has no simple value {number}")
        error.hint = "simple values are 0 to 19 and 32 to 255 (RFC 8949, section 3.3)"
        raise error
    if number == 23:
        return "cbor.undefined", {}
    if 20 <= number < 23:
        return "cbor.value", {"value": (False, True, None)[number - 20]}
    return "cbor.simple", {"value": number}


# What is left of a value of these types, or of types derived from them.
_PLAIN: dict[type, Callable[[Any], Any]] = {
    str: lambda value: str.__str__(value),
    int: lambda value: int.__int__(value),
    float: lambda value: float.__float__(value),
    bytearray: bytes,
    memoryview: bytes,
    Mapping: dict,
}


def _moment(value: datetime.datetime) -> tuple[int, str]:
    if value.tzinfo is None:
        error = DataError("a datetime without a time zone has no place in CBOR")
        error.hint = "give it a time zone: `value.replace(tzinfo=datetime.timezone.utc)`"
        raise error
    return 0, value.isoformat().replace("+00:00", "Z")


def _decimal(value: decimal.Decimal) -> tuple[int, Any]:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise DataError(f"the decimal {value} has no place in CBOR")
    mantissa = int("".join(map(str, digits)) or "0")
    return 4, [exponent, -mantissa if sign else mantissa]


_TAGGED: list[tuple[Any, Callable[[Any], tuple[int, Any]]]] = [
    (datetime.datetime, _moment),
    (datetime.date, lambda value: (1004, value.isoformat())),
    (decimal.Decimal, _decimal),
    (fractions.Fraction, lambda value: (30, [value.numerator, value.denominator])),
    (uuid.UUID, lambda value: (37, value.bytes)),
    (re.Pattern, lambda value: (35, value.pattern)),
    (ipaddress.IPv4Address, lambda value: (52, value.packed)),
    (ipaddress.IPv6Address, lambda value: (54, value.packed)),
]


class _Reviver:
    """Makes objects of tagged and simple values."""

    def __init__(self, tag_hook: Callable[[CBORTag], Any] | None) -> None:
        self.tag_hook = tag_hook

    def plain_class(self, _name: str) -> None:
        """No object is made of its parts alone."""

    def begin(self, _name: str) -> None:
        """No object is there before its parts."""

    def record(self, name: str, _parts: dict[str, Any]) -> NoReturn:
        """There are no records in CBOR."""
        raise CBORDecodeValueError(f"a {name} is a chain of too many shared values")

    def immutable(self, container: Any) -> Any:
        """Return a key that holds what `container` does: arrays are tuples, as in `cbor2`."""
        try:
            return _immutable(container)
        except RecursionError:
            raise DepthError("a key of a map is nested too deeply") from None

    def finish(self, name: str, _instance: None, parts: dict[str, Any]) -> Any:
        if name == "cbor.undefined":
            return undefined
        if name == "cbor.simple":
            return CBORSimpleValue(parts["value"])
        tag, value = parts["tag"], parts["value"]
        revive = _REVIVED.get(tag)
        if revive is not None:
            try:
                return revive(value)
            except (TypeError, ValueError, ArithmeticError, KeyError, re.error) as cause:
                raise CBORDecodeValueError(f"{value!r} is no value of tag {tag}") from cause
        tagged = CBORTag(tag, value)
        return tagged if self.tag_hook is None else self.tag_hook(tagged)


def _immutable(value: Any) -> Any:
    _native.check_stack()
    if isinstance(value, list):
        return tuple(map(_immutable, cast("list[Any]", value)))
    if isinstance(value, set):
        return frozenset(cast("set[Any]", value))
    if isinstance(value, dict):
        entries = cast("dict[Any, Any]", value).items()
        return FrozenDict({key: _immutable(item) for key, item in entries})
    return value


def _from_epoch(value: Any) -> datetime.datetime:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("seconds are a number")
    return _EPOCH + datetime.timedelta(seconds=value)


def _decimal_from(value: Any) -> decimal.Decimal:
    exponent, mantissa = value
    return decimal.Decimal(mantissa).scaleb(exponent, _EXACT)


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_EXACT = decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)

_REVIVED: dict[int, Callable[[Any], Any]] = {
    0: datetime.datetime.fromisoformat,
    1: _from_epoch,
    4: _decimal_from,
    30: lambda value: fractions.Fraction(*value),
    35: re.compile,
    37: lambda value: uuid.UUID(bytes=value),
    52: ipaddress.IPv4Address,
    54: ipaddress.IPv6Address,
    100: lambda value: datetime.date(1970, 1, 1) + datetime.timedelta(days=value),
    1004: datetime.date.fromisoformat,
}
