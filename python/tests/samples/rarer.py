"""What is met less often: odd classes, odd members, values at the edges of their types."""

# pyright: basic

from __future__ import annotations

import ast
import asyncio
import collections
import collections.abc
import configparser
import contextlib
import csv
import dataclasses
import datetime as dt
import decimal
import email
import enum
import functools
import http.cookiejar
import io
import ipaddress
import itertools
import logging
import numbers
import operator
import os
import queue
import re
import sqlite3
import threading
import types
import typing as t
import urllib.request
import uuid
import weakref
import zoneinfo
from typing import Any
from xml.etree import ElementTree

from samples.classes import DCFrozen, cached
from samples.registry import REFUSED, SAME, sample, with_attributes

# One sample a line.
# fmt: off

P = t.ParamSpec("P")


class SlottedFile(io.BytesIO):
    __slots__ = ("a",)


class FrozenWithMore(frozenset):
    pass


class Plain:
    def __hash__(self) -> int:
        return 1


def xml_of(text: str) -> Any:
    builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    return ElementTree.fromstring(text, ElementTree.XMLParser(target=builder))


def in_its_slice(items: list[Any]) -> Any:
    items.append(slice(items, 1))
    return items


def in_its_proxy(items: dict[str, Any]) -> Any:
    items["me"] = types.MappingProxyType(items)
    return items


# --- members of enumerations


class StrMix(str, enum.Enum):
    A = "a"
    B = "b"


@dataclasses.dataclass
class Mixed:
    x: int
    y: str = "q"


class DataEnum(Mixed, enum.Enum):
    A = 1, "z"
    B = 2


class StrictFlag(enum.Flag, boundary=enum.STRICT):
    A = 1
    B = 2


class EjectFlag(enum.IntFlag, boundary=enum.EJECT):
    A = 1
    B = 2


class ConformFlag(enum.Flag, boundary=enum.CONFORM):
    A = 1
    B = 2


class Missing(enum.Enum):
    A = 1

    @classmethod
    def _missing_(cls, value: object) -> Missing:
        return cls.A


class Unhashable(enum.Enum):
    A = [1]
    B = {"x": 1}


class BytesEnum(bytes, enum.Enum):
    A = b"x"


class OddEnum(enum.Enum):
    NONE = None
    TRUE = True


class AutoText(enum.StrEnum):
    FOO = enum.auto()
    BAR = enum.auto()


Functional = enum.Enum("Functional", "a b c", module=__name__)
for kind in (StrMix, DataEnum, StrictFlag, EjectFlag, ConformFlag, Missing, Unhashable, BytesEnum, OddEnum, AutoText, Functional):
    sample(f"enum {kind.__name__}", lambda kind=kind: [*kind, kind])
sample("flags combined", lambda: [StrictFlag.A | StrictFlag.B, StrictFlag(0), EjectFlag.A | EjectFlag.B, ConformFlag(3), ConformFlag(0)])

# --- instances


@dataclasses.dataclass
class KeywordOnly:
    a: int
    _: dataclasses.KW_ONLY
    b: int = 3


@dataclasses.dataclass(unsafe_hash=True)
class Hashed:
    a: int
    b: list = dataclasses.field(default_factory=list, hash=False, compare=False, repr=False)


class Base:
    __slots__ = ("a",)


class Middle(Base):
    pass


class Low(Middle):
    __slots__ = ("b",)


class SlotInt(int):
    __slots__ = ()


class SlotList(list):
    __slots__ = ("tag",)


class WithUnit(list):
    def __init__(self, *args: Any, unit: str) -> None:
        super().__init__(*args)
        self.unit = unit


class NoCopy:
    def __copy__(self) -> Any:
        raise RuntimeError

    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError


class AnyAttribute:
    def __getattr__(self, name: str) -> int:
        if name.startswith("__"):
            raise AttributeError(name)
        return 5


class Mapping(collections.abc.MutableMapping):
    def __init__(self, items: Any = ()) -> None:
        self.items_ = dict(items)

    def __getitem__(self, key: Any) -> Any:
        return self.items_[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items_[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.items_[key]

    def __iter__(self) -> Any:
        return iter(self.items_)

    def __len__(self) -> int:
        return len(self.items_)


class StateList:
    def __init__(self) -> None:
        self.a = [1]

    def __getstate__(self) -> Any:
        return [self.a, 2]

    def __setstate__(self, state: Any) -> None:
        self.a = state[0]


class StateZero:
    def __init__(self) -> None:
        self.a = 1

    def __getstate__(self) -> Any:
        return 0

    def __setstate__(self, state: Any) -> None:
        self.a = 1


class ReduceEx:
    def __init__(self, a: int = 1) -> None:
        self.a = a

    def __reduce_ex__(self, protocol: Any) -> Any:
        return ReduceEx, (self.a,)


class NewPair(tuple):
    def __new__(cls, a: Any, b: Any) -> NewPair:
        return super().__new__(cls, (a, b))


class SlotError(Exception):
    __slots__ = ("extra",)


class KeywordError(Exception):
    def __init__(self, *, code: int) -> None:
        self.code = code
        super().__init__()


class Defaults(t.NamedTuple):
    a: int
    b: list = []


class SlotFrozen(frozenset):
    __slots__ = ("x",)


def having(value: Any, **attributes: Any) -> Any:
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


def in_itself(value: Any, name: str) -> Any:
    return having(value, **{name: value})


sample("keyword only", lambda: KeywordOnly(1, b=9))
sample("hash of some fields", lambda: {Hashed(1, [2]): 1})
sample("key shared with its value", lambda: (lambda key: {key: [key], (key, 1): key})(DCFrozen(1, (2,))))
sample("slots, attributes, slots", lambda: having(Low(), a=1, b=2, free=3))
sample("int with empty slots", lambda: SlotInt(2**70))
sample("list with a slot", lambda: in_itself(SlotList([1]), "tag"))
sample("list with arguments", lambda: WithUnit([1], unit="m"))
sample("not to be copied", NoCopy)
sample("any attribute", AnyAttribute)
sample("mapping of one's own", lambda: Mapping({"a": 1, 2: 3}))
sample("state list", StateList)
sample("state zero", StateZero)
sample("reduce ex", ReduceEx)
sample("tuple with arguments", lambda: NewPair(1, 2))
sample("error with a slot", lambda: having(SlotError("a"), extra=[1]))
sample("error with keywords", lambda: KeywordError(code=4))
sample("named tuple defaults", lambda: [Defaults(1), Defaults(1, [2])])
sample("frozenset with a slot", lambda: having(SlotFrozen({1}), x=1))

# --- values at the edges

sample("zones at the edges", lambda: [dt.timezone.max, dt.timezone.min, dt.timezone(dt.timedelta(0), "")])
sample("negative spans", lambda: [dt.timedelta(-1, 1, -1), dt.timedelta(days=-999999999), -dt.timedelta(microseconds=1)])
sample("times at the edges", lambda: [dt.time(1, fold=1), dt.time.min, dt.time.max])
sample("patterns with flags", lambda: [re.compile(b"a", re.A), re.compile("a", re.ASCII | re.VERBOSE | re.DOTALL | re.MULTILINE)])
sample("view by steps", lambda: memoryview(b"abcdef")[::2])
sample("view backwards", lambda: memoryview(bytearray(b"abcdef"))[::-1])
sample("view of three dimensions", lambda: memoryview(bytes(24)).cast("h", (2, 3, 2)))
sample("views of other formats", lambda: [memoryview(bytes(8)).cast(code) for code in "?cPnNdq"])
sample("view without dimensions", lambda: memoryview(b"\1").cast("B", []))
sample("classes of the singletons", lambda: [type(None), type(...), type(NotImplemented)])
sample("abstract classes", lambda: [numbers.Number, collections.abc.Mapping])
sample("repeat", lambda: [itertools.repeat(5, 3), itertools.repeat("x")])
sample("counts", lambda: [itertools.count(), itertools.count(1.5, -0.5), itertools.count(decimal.Decimal("1.0"))])
sample("null context", lambda: contextlib.nullcontext(5))
sample("log formatter", lambda: logging.Formatter("%(message)s"))
sample("request", lambda: urllib.request.Request("http://a/b", b"d", {"h": "v"}))
sample("cookie", lambda: http.cookiejar.Cookie(0, "a", "b", None, False, "d", False, False, "/", False, False, None, False, None, None, {}))
sample("errors of modules", lambda: [asyncio.CancelledError("x"), queue.Empty(), queue.Full(), sqlite3.IntegrityError("u")])
sample("error with a note only", lambda: (lambda error: (error.add_note("n"), error)[1])(KeyError()))
sample("error with other args", lambda: having(ValueError(3), args=[1, 2]))
sample("error caused by itself", lambda: in_itself(ValueError(3), "__cause__"))
sample("errors of the language", lambda: [StopAsyncIteration(1), GeneratorExit(), AssertionError(), RecursionError("r"), IndentationError("m", ("f", 1, 2, "t")), ConnectionRefusedError(111, "x"), TimeoutError(), EncodingWarning("x")])
sample("chain map of one map", lambda: (lambda items: collections.ChainMap(items, items, collections.ChainMap({"x": items})))({"a": 1}))
sample("integers of thousands of digits", lambda: [10**4300, -(10**5000)])
sample("nothing of each kind", lambda: [b"", bytearray(), memoryview(b""), "", range(0), collections.deque(maxlen=0)])
sample("keys that are no numbers", lambda: {float("nan"): 1, complex("nan"): 2, decimal.Decimal("NaN"): 3})
sample("keys of tuples", lambda: {(): 1, ((),): 2, (1, (2, frozenset({3}))): 3})
sample("keys with the same text", lambda: {True: 1, "True": 2, None: 3, "None": 4, 7: 5, "7": 6, 1.5: 7, "1.5": 8})
sample("negative zeros", lambda: [-0.0, complex(-0.0, 0.0), decimal.Decimal("-0"), {-0.0: 1}])
sample("uuids at the edges", lambda: [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)])
sample("networks at the edges", lambda: [ipaddress.ip_network("::/0"), ipaddress.ip_interface("::1%x/128"), ipaddress.IPv4Interface("1.2.3.4/255.255.0.0")])
sample("slices of anything", lambda: [slice(None, None, -1), slice((1, 2), [3], {"a": 1})])
sample("unpacked aliases", lambda: [tuple[*tuple[int, ...]], t.Unpack[t.Tuple[int, ...]]])
sample("aliases of callables", lambda: [collections.abc.Callable[[int], str], collections.abc.Callable[..., int], t.Concatenate[int, P]])
sample("error of CSV", lambda: csv.Error("x"))
sample("comments and instructions of XML", lambda: xml_of("<a><!-- c --><?p q?></a>"))
sample("attributes of a configuration", lambda: with_attributes(configparser.ConfigParser(), more=[1]))
sample("attributes of a mail", lambda: with_attributes(email.message_from_string("a: b\n\nc"), more=1))
sample("attributes of a log record", lambda: with_attributes(logging.LogRecord("a", 20, "p", 1, "m", (), None), user="x", taskName=None, created=1.5, msecs=500.0, relativeCreated=1.0, thread=1, process=1))
sample("file with slots", lambda: with_attributes(SlottedFile(b"abc"), a=1, b=2))
sample("cached function", lambda: [cached, cached])
sample("slice in what it holds", lambda: in_its_slice([]))
sample("proxy of what holds it", lambda: in_its_proxy({}))
sample("frozen set with itself as an attribute", lambda: in_itself(FrozenWithMore({1}), "me"))
sample("aliases of special forms", lambda: [t.ClassVar[int], t.Final[int], t.Literal["a", 1], t.Literal[1], t.Annotated[int, 5]])
sample("expression as a tree", lambda: ast.parse('def f(x: int = 1) -> str: return f"{x!r}"'))
for name, inner in {"list": lambda value: [value], "dict": lambda value: {"a": value}, "tuple": lambda value: (value,)}.items():
    sample(f"400 deep {name}", lambda inner=inner: functools.reduce(lambda value, _: inner(value), range(400), 1))

# --- what is no data


class PatternText(str):
    pass


def zone_of_file(key: str) -> zoneinfo.ZoneInfo:
    """Two zones of one name, of which only one has it: no file of the system is needed."""
    start, end = b"TZif", bytes(16)
    counts = (0).to_bytes(4, "big") * 4 + (1).to_bytes(4, "big") + (4).to_bytes(4, "big")
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(start + b"\0" + end[:15] + counts + bytes(6) + b"UTC\0"), key=key)


REFUSED |= {
    "object": object,
    "pattern of a subclass of text": lambda: re.compile(PatternText("a")),
    "attribute that answers a protocol": lambda: with_attributes(Plain(), __array_interface__={}),
    "forward reference": lambda: t.ForwardRef("X"),
    "zone of a file": lambda: zone_of_file("Europe/Paris"),
    "moment in the zone of a file": lambda: dt.datetime(2026, 1, 1, tzinfo=zone_of_file("Europe/Paris")),
    "coroutine": lambda: types.coroutine(lambda: (yield))(),
    "weak set": weakref.WeakSet,
    "weak keys": weakref.WeakKeyDictionary,
    "queue": queue.Queue,
    "simple queue": queue.SimpleQueue,
    "chain": lambda: itertools.chain([1], [2]),
    "cycle": lambda: itertools.cycle([1]),
    "enumerate": lambda: enumerate([1]),
    "reversed": lambda: reversed([1]),
    "iterator of a range": lambda: iter(range(3)),
    "iterator of a dict": lambda: iter({}),
    "items of a dict": lambda: {}.items(),
    "cell": lambda: types.CellType(1),
    "static method": lambda: staticmethod(len),
    "handler": logging.StreamHandler,
    "local of a thread": threading.local,
    "folder that is read": lambda: os.scandir("."),
    "super": lambda: super(Low, Low()),
    "key function": lambda: functools.cmp_to_key(operator.lt)(1),
}
