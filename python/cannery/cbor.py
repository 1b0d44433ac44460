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
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal, NoReturn

from cannery import _native
from cannery.errors import DataError, DataTypeError

__all__ = [
    "CBORDecodeEOF",
    "CBORDecodeValueError",
    "CBORSimpleValue",
    "CBORTag",
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
    """A value with a tag that has no type of its own here."""

    tag: int
    value: Any


@dataclass(frozen=True, slots=True)
class CBORSimpleValue:
    """A simple value without a name: 0 to 19, or 24 to 255."""

    value: int


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
    """Deserialize one CBOR document; `tag_hook` is called with values of unknown tags."""
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
    """Write `obj` as CBOR to the binary file `fp`; the options are those of `dumps`."""
    fp.write(dumps(obj, **options))


def load(fp: IO[bytes], **options: Any) -> Any:
    """Return the value of the document in the binary file `fp`, as `loads` does."""
    return loads(fp.read(), **options)


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
            return "cbor.simple", {"value": value.value}
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
