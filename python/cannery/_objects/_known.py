"""Python's own data types: their parts, and how they are made of them again."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import functools
import gc
import io
import ipaddress
import pathlib
import pickle
import random
import re
import types
import zoneinfo
from collections.abc import Callable
from typing import Any, NamedTuple

from cannery._objects import _stdlib
from cannery._objects._callables import fill_partial, is_factory, make_partial, partial_parts
from cannery._objects._checks import (
    DATA,
    INT,
    NUMBER,
    PLAIN_DICT,
    TEXT,
    Check,
    CheckedMaker,
    PartError,
    checked,
    exact,
    held,
    instance_of,
    integer,
    one_of,
    optional,
    sequence_of,
)
from cannery._objects._names import refuse_protocols
from cannery._objects._nested import count_nested
from cannery._objects._plans import ATTRIBUTES
from cannery._zones import zone
from cannery.errors import DataError

Parts = dict[str, Any]


class Known(NamedTuple):
    """A data type that every reader may make."""

    parts: Callable[[Any], Parts]
    make: CheckedMaker
    empty: Callable[[], Any] | None = None
    """Makes one that is filled later, for a value that contains itself."""
    fill: Callable[[Any, Parts], object] | None = None
    can_wait: bool = False
    """Whether it is made although there are gaps in its parts: it does not look into them."""

    def describe(self, value: Any) -> Parts:
        """The parts of a value, and the attributes that it was given besides."""
        parts = self.parts(value)
        own = _own_attributes(type(value))
        if own is None:
            return parts
        more = {name: item for name, item in vars(value).items() if name not in own}
        _stdlib.check_names(type(value), more)
        return {**parts, ATTRIBUTES: more} if more else parts

    def revive(self, instance: Any, parts: Parts) -> Any:
        """Make a value of its parts, or fill the one that was made before them."""
        more = parts.pop(ATTRIBUTES, None)
        value = instance
        if instance is None or self.fill is None:
            value = self.make(parts)
        else:
            self.make.check(parts)
            self.fill(instance, parts)
        if more is not None:
            _set_attributes(value, more)
        return value


# Types that take attributes, and what their `__dict__` holds that their parts say.
_WITH_ATTRIBUTES: dict[type, frozenset[str]] = {
    collections.ChainMap: frozenset({"maps"}),
    collections.Counter: frozenset(),
    collections.OrderedDict: frozenset(),
    functools.partial: frozenset(),
    io.BytesIO: frozenset(),
    io.StringIO: frozenset(),
    random.Random: frozenset({"gauss_next"}),
}


def _computed_by(cls: type) -> set[str]:
    """The names under which a class keeps what it has computed once."""
    return {
        name
        for base in cls.__mro__
        for name, item in vars(base).items()
        if isinstance(item, functools.cached_property)
    }


# What the constructors set; the smallest networks have a function `hosts` of their own.
_OF_NETWORKS = frozenset({"network", "network_address", "netmask", "_prefixlen", "hosts"})

_WITH_ATTRIBUTES |= {
    cls: frozenset({*_OF_NETWORKS, *_computed_by(cls)})
    for cls in (
        ipaddress.IPv4Network,
        ipaddress.IPv6Network,
        ipaddress.IPv4Interface,
        ipaddress.IPv6Interface,
    )
}


# Of modules that are not imported for this: what a new one has in its `__dict__`.
_LATE_WITH_ATTRIBUTES = frozenset(
    """
    configparser.ConfigParser configparser.RawConfigParser
    email.message.EmailMessage email.message.Message
    """.split()
)


def _own_attributes(cls: type) -> frozenset[str] | None:
    """What is in the `__dict__` of instances that may have other attributes, too."""
    own = _WITH_ATTRIBUTES.get(cls)
    if own is None and f"{cls.__module__}.{cls.__qualname__}" in _LATE_WITH_ATTRIBUTES:
        own = _WITH_ATTRIBUTES[cls] = frozenset(vars(cls()))
    return own


def _set_attributes(value: Any, attributes: Any) -> None:
    PLAIN_DICT(attributes, ATTRIBUTES)
    if _own_attributes(type(value)) is None:
        raise PartError(f"a {type(value).__name__} takes no attributes")
    _stdlib.check_names(type(value), attributes)
    others = {name: item for name, item in attributes.items() if item is not value}
    _stdlib.refuse_callables(others, "function")
    vars(value).update(attributes)


def _value(
    make: Callable[[Any], Any], show: Callable[[Any], Any] = str, check: Check = TEXT
) -> Known:
    """A type that one value says all about."""
    maker = checked(lambda parts: make(parts["value"]), {"value": check})
    return Known(lambda value: {"value": show(value)}, maker)


def _attributes(cls: Callable[..., Any], check: Check, *names: str) -> Known:
    """A type whose constructor takes what its attributes say."""

    def parts(value: Any) -> Parts:
        found = {name: getattr(value, name) for name in names}
        for name, part in found.items():
            check(part, name)
        return found

    make = checked(lambda parts: cls(*(parts[name] for name in names)), dict.fromkeys(names, check))
    return Known(parts, make)


# Date and time. A zone is kept by its name, and beside it the offset for readers without zones.


def _with_zone(parts: Parts, tzinfo: dt.tzinfo | None, fold: int) -> Parts:
    if type(tzinfo) is zoneinfo.ZoneInfo:
        parts["zone"] = _key_of(tzinfo)
    elif tzinfo is not None and not (type(tzinfo) is dt.timezone and _is_in_text(tzinfo)):
        parts["tzinfo"] = tzinfo
    if fold:
        parts["fold"] = fold
    return parts


def _is_in_text(zone: dt.timezone) -> bool:
    """Whether the offset in a text says all about a zone, and Python reads it right."""
    offset, *name = zone.__getinitargs__()  # pyright: ignore[reportAttributeAccessIssue]
    return not name and not offset.microseconds


def _zoned(cls: type[dt.datetime] | type[dt.time]) -> Known:
    def parts(value: Any) -> Parts:
        return _with_zone({"value": value.isoformat()}, value.tzinfo, value.fold)

    def make(parts: Parts) -> Any:
        value = cls.fromisoformat(parts["value"])
        if "zone" in parts:
            value = value.replace(tzinfo=zone(parts["zone"]))
        elif "tzinfo" in parts:
            value = value.replace(tzinfo=parts["tzinfo"])
        return value.replace(fold=parts.get("fold", 0))

    checks = {"zone": TEXT, "tzinfo": instance_of(dt.tzinfo), "fold": one_of(0, 1)}
    return Known(parts, checked(make, {"value": TEXT}, **checks))


def _zone_parts(value: zoneinfo.ZoneInfo) -> Parts:
    return {"value": _key_of(value)}


def _key_of(zone: zoneinfo.ZoneInfo) -> str:
    """The key by which any system finds the zone: the key of one from a file may be of another."""
    try:
        zone.__reduce__()
    except pickle.PicklingError:
        error = DataError("a time zone that was made from a file cannot be saved")
        error.hint = "use `zoneinfo.ZoneInfo(key)`, which finds it on every system"
        raise error from None
    return zone.key


# Collections. They are filled after they were made only where they contain themselves.


def _filled(
    empty: Callable[[], Any],
    fill: Callable[[Any, Any], object],
    show: Callable[[Any], Any],
    check: Check = PLAIN_DICT,
) -> Known:
    """A collection that is filled with its one part."""
    return _collection(
        lambda value: {"value": show(value)},
        empty,
        lambda value, parts: fill(value, parts["value"]),
        {"value": check},
    )


def _collection(
    parts: Callable[[Any], Parts],
    empty: Callable[[], Any],
    fill: Callable[[Any, Parts], object],
    checks: dict[str, Check],
) -> Known:
    def make(parts: Parts) -> Any:
        value = empty()
        fill(value, parts)
        return value

    return Known(parts, checked(make, checks), empty, fill)


def _fill_deque(value: Any, parts: Parts) -> None:
    collections.deque.__init__(value, parts["value"], parts["maxlen"])


def _fill_defaultdict(value: Any, parts: Parts) -> None:
    collections.defaultdict.__init__(value, parts["factory"])
    value.update(parts["value"])


def _fill_chain(value: collections.ChainMap[Any, Any], parts: Parts) -> None:
    value.maps = parts["maps"]


def fill_ordered(value: collections.OrderedDict[Any, Any], items: dict[Any, Any]) -> None:
    """Put entries in, in their order, whatever the methods of a subclass do."""
    for key, item in items.items():
        collections.OrderedDict.__setitem__(value, key, item)


def _fill_counter(value: Any, items: dict[Any, Any]) -> None:
    # Its own `update` would add.
    dict.update(value, items)


def _fill_namespace(value: Any, names: dict[str, Any]) -> None:
    vars(value).update(names)


def _is_namespace(value: Any, path: str) -> None:
    exact(dict)(value, path)
    refuse_protocols(value)
    _stdlib.refuse_callables(value, "function")


def _are_mappings(value: Any, path: str) -> None:
    """The mappings of a chain; chains among them are gone through as often as they are there."""
    sequence_of(_is_mapping, list)(value, path)
    count_nested(value, lambda chain: chain.maps, collections.ChainMap)


def _is_mapping(value: Any, path: str) -> None:
    """A mapping that is read where it lies: one of Python's own, not of a class with methods."""
    exact(dict, *_MAPPINGS)(value, path)


_MAPPINGS = (
    collections.OrderedDict,
    collections.defaultdict,
    collections.Counter,
    collections.ChainMap,
    types.MappingProxyType,
)


# The rest.


def _empty_partial() -> functools.partial[Any]:
    return functools.partial(int)


def _pattern(parts: Parts) -> re.Pattern[Any]:
    # The reviver has looked at how much work it is: that depends on the others of the document.
    return re.compile(parts["pattern"], parts["flags"])


def _pattern_parts(pattern: re.Pattern[Any]) -> Parts:
    if type(pattern.pattern) not in (str, bytes):
        error = DataError("a pattern of a subclass of text cannot be saved")
        error.hint = "compile it of plain text: `re.compile(str(text))`"
        raise error
    # Patterns on text always have this flag, and a pattern on bytes refuses it.
    default = re.UNICODE if isinstance(pattern.pattern, str) else 0
    return {"pattern": pattern.pattern, "flags": int(pattern.flags & ~default)}


def _path(cls: type[pathlib.PurePath], elsewhere: type[pathlib.PurePath]) -> Known:
    def make(parts: Parts) -> pathlib.PurePath:
        try:
            return cls(parts["value"])
        except NotImplementedError:  # a path of the other system
            return elsewhere(parts["value"])

    return Known(lambda path: {"value": str(path)}, checked(make, {"value": TEXT}))


# Longer ones take too long to be brought to lowest terms.
_MOST_BITS = 1 << 17


def _is_moderate(value: Any, path: str) -> None:
    INT(value, path)
    if value.bit_length() > _MOST_BITS:
        raise PartError(f"the part {path!r}: an integer of {value.bit_length()} bits")


def _proxied(proxy: types.MappingProxyType[Any, Any]) -> Any:
    """The mapping behind a proxy, which may have other owners and is of any class."""
    behind = gc.get_referents(proxy)
    return behind[0] if len(behind) == 1 and behind[0] == proxy else dict(proxy)


KNOWN: dict[type, Known] = {
    dt.datetime: _zoned(dt.datetime),
    dt.time: _zoned(dt.time),
    dt.date: _value(dt.date.fromisoformat, dt.date.isoformat),
    dt.timedelta: _attributes(dt.timedelta, INT, "days", "seconds", "microseconds"),
    dt.timezone: Known(
        lambda zone: dict(zip(("offset", "name"), zone.__getinitargs__(), strict=False)),
        checked(
            lambda parts: dt.timezone(*parts.values()) if parts["offset"] else _utc(parts),
            {"offset": exact(dt.timedelta)},
            name=TEXT,
        ),
    ),
    zoneinfo.ZoneInfo: Known(
        _zone_parts, checked(lambda parts: zone(parts["value"]), {"value": TEXT})
    ),
    decimal.Decimal: _value(decimal.Decimal),
    fractions.Fraction: _attributes(fractions.Fraction, _is_moderate, "numerator", "denominator"),
    complex: _attributes(complex, NUMBER, "real", "imag"),
    bytearray: _value(bytearray, bytes, DATA),
    range: _attributes(range, INT, "start", "stop", "step"),
    slice: Known(
        lambda value: {"start": value.start, "stop": value.stop, "step": value.step},
        checked(
            lambda parts: slice(parts["start"], parts["stop"], parts["step"]),
            {"start": held, "stop": held, "step": held},
        ),
        can_wait=True,
    ),
    type(...): Known(lambda _: {}, checked(lambda _: ..., {})),
    type(NotImplemented): Known(lambda _: {}, checked(lambda _: NotImplemented, {})),
    pathlib.PurePosixPath: _value(pathlib.PurePosixPath),
    pathlib.PureWindowsPath: _value(pathlib.PureWindowsPath),
    pathlib.PosixPath: _path(pathlib.PosixPath, pathlib.PurePosixPath),
    pathlib.WindowsPath: _path(pathlib.WindowsPath, pathlib.PureWindowsPath),
    re.Pattern: Known(
        _pattern_parts, checked(_pattern, {"pattern": exact(str, bytes), "flags": INT})
    ),
    ipaddress.IPv4Address: _value(ipaddress.IPv4Address),
    ipaddress.IPv6Address: _value(ipaddress.IPv6Address),
    ipaddress.IPv4Network: _value(ipaddress.IPv4Network),
    ipaddress.IPv6Network: _value(ipaddress.IPv6Network),
    ipaddress.IPv4Interface: _value(ipaddress.IPv4Interface),
    ipaddress.IPv6Interface: _value(ipaddress.IPv6Interface),
    collections.OrderedDict: _filled(collections.OrderedDict, fill_ordered, dict),
    collections.Counter: _filled(collections.Counter, _fill_counter, dict),
    collections.deque: _collection(
        lambda value: {"value": list(value), "maxlen": value.maxlen},
        collections.deque,
        _fill_deque,
        {"value": exact(list), "maxlen": optional(integer(0))},
    ),
    collections.defaultdict: _collection(
        lambda value: {"value": dict(value), "factory": value.default_factory},
        collections.defaultdict,
        _fill_defaultdict,
        {"value": exact(dict), "factory": is_factory},
    ),
    collections.ChainMap: _collection(
        lambda value: {"maps": value.maps},
        collections.ChainMap,
        _fill_chain,
        {"maps": _are_mappings},
    ),
    types.SimpleNamespace: _filled(types.SimpleNamespace, _fill_namespace, vars, _is_namespace),
    types.MappingProxyType: _value(types.MappingProxyType, _proxied, _is_mapping)._replace(
        can_wait=True
    ),
    functools.partial: Known(partial_parts, make_partial, _empty_partial, fill_partial),
    **{cls: Known(parts, make) for cls, (parts, make) in _stdlib.PAIRS.items()},
}


def _utc(parts: Parts) -> dt.timezone:
    return dt.timezone(parts["offset"], parts["name"]) if "name" in parts else dt.UTC


def name_of_known(cls: type) -> str:
    """The name of a data type: module and class, or the name alone for built-in ones."""
    if cls.__module__ == "builtins":
        return cls.__name__
    # Where Python 3.13 keeps the classes of `pathlib`.
    return f"{cls.__module__.removesuffix('._local')}.{cls.__name__}"


BY_NAME: dict[str, Known] = {
    **{name_of_known(cls): known for cls, known in KNOWN.items()},
    **{name: Known(parts, make) for name, (parts, make) in _stdlib.LATE.items()},
}


def known_of(cls: type) -> tuple[str, Known] | None:
    """The name of a data type and what is known about it."""
    known = KNOWN.get(cls)
    name = name_of_known(cls)
    if known is None and name in _stdlib.LATE:
        known = BY_NAME[name]
    return None if known is None else (name, known)
