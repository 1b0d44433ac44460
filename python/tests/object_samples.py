"""Objects of every kind that is data, each by a function that makes an equal one in any process."""

# pyright: basic

from __future__ import annotations

import argparse
import array
import ast
import calendar
import collections
import configparser
import contextlib
import csv
import dataclasses
import datetime as dt
import decimal
import difflib
import email.message
import email.mime.text
import email.mime.multipart
import enum
import fractions
import functools
import graphlib
import http
import http.cookies
import inspect
import io
import ipaddress
import itertools
import json
import locale
import logging
import math
import numbers
import operator
import os
import pathlib
import pprint
import random
import re
import reprlib
import sched
import selectors
import shlex
import signal
import socket
import sqlite3
import ssl
import statistics
import string
import struct
import sys
import tempfile
import textwrap
import time
import tokenize
import traceback
import types
import typing
import typing as t
import urllib.parse
import urllib.request
import uuid
import weakref
import xml.dom.minidom
import xml.etree.ElementTree as ET
import zipfile
import zoneinfo
from collections.abc import Callable
from typing import Any

# One sample a line.
# fmt: off

T = t.TypeVar("T")
K = t.TypeVar("K")

SAMPLES: dict[str, Callable[[], Any]] = {}
"""What comes back exactly as it was, in any process that knows the classes."""


def sample(name: str, make: Callable[[], Any]) -> None:
    assert name not in SAMPLES, name
    SAMPLES[name] = make


# --- classes


class AInt(int):
    def __new__(cls, value: int, unit: str = "m") -> AInt:
        made = super().__new__(cls, value)
        made.unit = unit
        return made


class AFloat(float):
    __slots__ = ("unit",)


class AStr(str):
    def __init__(self, *_: Any) -> None:
        self.lang = "en"


class ABytes(bytes): ...


class AByteArray(bytearray):
    pass


class AComplex(complex): ...


class AList(list): ...


class ADict(dict):
    def __missing__(self, key: Any) -> Any:
        return key


class LoudDict(dict):
    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value * 2)

    def __getitem__(self, key: Any) -> Any:
        return -1

    def items(self) -> Any:
        return [("wrong", 1)]

    def __iter__(self) -> Any:
        return iter(["wrong"])


class LoudList(list):
    def append(self, item: Any) -> None:
        super().append(item * 2)

    def __iter__(self) -> Any:
        return iter(["wrong"])


class ATuple(tuple):
    __slots__ = ()


class TupleWithDict(tuple): ...


class ASet(set): ...


class AFrozenSet(frozenset): ...


class ADeque(collections.deque): ...


class ACounter(collections.Counter): ...


class AnOrderedDict(collections.OrderedDict): ...


class ADefaultDict(collections.defaultdict): ...


class AChainMap(collections.ChainMap): ...


class AUserDict(collections.UserDict):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.note = "n"


class AUserList(collections.UserList): ...


class AUserString(collections.UserString): ...


class ADate(dt.date): ...


class ADateTime(dt.datetime): ...


class ATime(dt.time): ...


class ATimeDelta(dt.timedelta): ...


class ADecimal(decimal.Decimal): ...


class AFraction(fractions.Fraction): ...


class AnUUID(uuid.UUID): ...


class APath(pathlib.PurePosixPath): ...


class ANamespace(types.SimpleNamespace): ...


class Minutes(dt.tzinfo):
    """A zone of one's own."""

    def __init__(self, minutes: int = 0) -> None:
        self.minutes = minutes

    def utcoffset(self, when: Any) -> dt.timedelta:
        return dt.timedelta(minutes=self.minutes)

    def dst(self, when: Any) -> dt.timedelta:
        return dt.timedelta(0)

    def tzname(self, when: Any) -> str:
        return f"{self.minutes}m"


Point = collections.namedtuple("Point", "x y z", defaults=[0, None])


class Span(t.NamedTuple):
    lo: float
    hi: float = math.inf
    tags: tuple = ()

    def width(self) -> float:
        return self.hi - self.lo


class GenericPair(t.NamedTuple, t.Generic[K, T]):
    left: K
    right: T


class SubPoint(Point):
    pass


class Colour(enum.Enum):
    RED = (255, 0, 0)
    GREEN = (0, 255, 0)
    ROUGE = (255, 0, 0)

    @property
    def first(self) -> int:
        return self.value[0]


class Planet(enum.Enum):
    EARTH = (5.9, 6.3)
    MARS = (6.4, 3.3)

    def __init__(self, mass: float, radius: float) -> None:
        self.mass, self.radius = mass, radius


class Auto(enum.Enum):
    A = enum.auto()
    B = enum.auto()


class Size(enum.StrEnum):
    SMALL = "s"
    BIG = enum.auto()


class Num(enum.IntEnum):
    ONE = 1
    UNO = 1
    TWO = 2


class Perm(enum.Flag):
    R = enum.auto()
    W = enum.auto()
    X = enum.auto()
    RW = R | W


class Bits(enum.IntFlag):
    A = 1
    B = 2
    C = 8


class Kept(enum.Flag, boundary=enum.KEEP):
    A = 1


class FloatEnum(float, enum.Enum):
    PI = 3.14
    E = 2.71


class TupleEnum(tuple, enum.Enum):
    A = (1, 2)


class DateEnum(dt.date, enum.Enum):
    START = 2020, 1, 1


class ObjectEnum(enum.Enum):
    LIST = [1, 2]
    FUNC = enum.member(len)


class Outer:
    class Inner:
        def __init__(self, v: Any) -> None:
            self.v = v

    class Shade(enum.Enum):
        DARK = 1

    @dataclasses.dataclass
    class Data:
        a: int


@dataclasses.dataclass
class DC:
    a: int
    b: list[int] = dataclasses.field(default_factory=list)
    c: t.ClassVar[int] = 3


@dataclasses.dataclass(slots=True)
class DCSlots:
    a: int
    b: str = "b"


@dataclasses.dataclass(frozen=True)
class DCFrozen:
    a: int
    b: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, order=True, eq=True)
class DCFrozenSlots:
    a: int
    b: str | None = None


@dataclasses.dataclass(kw_only=True)
class DCKw:
    a: int
    b: int = 2


@dataclasses.dataclass
class DCInit:
    a: int
    seed: dataclasses.InitVar[int] = 5
    total: int = dataclasses.field(init=False)

    def __post_init__(self, seed: int) -> None:
        self.total = self.a + seed


@dataclasses.dataclass
class DCChild(DC):
    d: float = 1.5


@dataclasses.dataclass(slots=True)
class DCSlotsChild(DCSlots):
    d: float = 1.5


@dataclasses.dataclass(frozen=True, slots=True)
class DCFrozenChild(DCFrozenSlots):
    d: t.Any = None


@dataclasses.dataclass
class DCGeneric(t.Generic[T]):
    value: T


@dataclasses.dataclass(eq=False)
class Node:
    name: str
    parent: Node | None = None
    children: list[Node] = dataclasses.field(default_factory=list)
    peers: dict[str, Node] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True, weakref_slot=True)
class DCWeak:
    a: int


@dataclasses.dataclass
class DCPost:
    """Its `__post_init__` would change the value again."""

    a: int

    def __post_init__(self) -> None:
        self.a *= 2


@dataclasses.dataclass
class DCProperty:
    _a: int = 1

    @property
    def a(self) -> int:
        return self._a

    @a.setter
    def a(self, value: int) -> None:
        raise AttributeError("no")


@dataclasses.dataclass
class DCDict(dict):
    a: int = 1


class Slots:
    __slots__ = ("a", "b", "__c")

    def __init__(self, a: Any = 1) -> None:
        self.a = a
        self.__c = 3


class SlotsChild(Slots):
    __slots__ = ("d",)

    def __init__(self) -> None:
        super().__init__()
        self.d = 4


class SlotsWithDict(Slots):
    def __init__(self) -> None:
        super().__init__()
        self.free = {"x": 1}


class SlotsDictSlot:
    __slots__ = ("__dict__", "__weakref__", "a")

    def __init__(self) -> None:
        self.a = 1
        self.extra = 2


class SlotString:
    __slots__ = "only"

    def __init__(self) -> None:
        self.only = 1


class SlotsMap:
    __slots__ = {"a": "documented"}

    def __init__(self) -> None:
        self.a = 1


class Props:
    def __init__(self) -> None:
        self._v = 1

    @property
    def v(self) -> int:
        return self._v

    @functools.cached_property
    def cached(self) -> int:
        return 5


class GetAttr:
    def __init__(self) -> None:
        self.data = {"k": 1}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.data[name]
        except KeyError:
            raise AttributeError(name)


class SetAttr:
    def __init__(self) -> None:
        object.__setattr__(self, "a", 1)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("frozen")


class Descr:
    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else instance.__dict__["field"] + 1

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__["field"] = value


class WithDescr:
    field = Descr()

    def __init__(self) -> None:
        self.field = 5


class State:
    def __init__(self, a: Any) -> None:
        self.a, self.cache = a, object

    def __getstate__(self) -> Any:
        return {"a": self.a}

    def __setstate__(self, state: Any) -> None:
        self.a, self.cache = state["a"], object


class StateTuple(State):
    def __getstate__(self) -> Any:
        return (self.a, 5)

    def __setstate__(self, state: Any) -> None:
        self.a, self.cache = state[0], object


class StateInt(State):
    def __getstate__(self) -> Any:
        return 7

    def __setstate__(self, state: Any) -> None:
        self.a, self.cache = state, object


class StateIntKeys(State):
    def __getstate__(self) -> Any:
        return {1: self.a}

    def __setstate__(self, state: Any) -> None:
        self.a, self.cache = state[1], object


class StateNone(State):
    def __getstate__(self) -> Any:
        return None

    def __setstate__(self, state: Any) -> None:
        raise RuntimeError("not without a state")


class GetStateOnly:
    def __init__(self) -> None:
        self.a = 1

    def __getstate__(self) -> Any:
        return {k: v for k, v in self.__dict__.items() if k != "lock"}


class SetStateOnly:
    def __init__(self) -> None:
        self.a = 1

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)


class StatePair:
    """The state of slots, as `copyreg` gives it."""

    __slots__ = ("a",)

    def __init__(self) -> None:
        self.a = 1

    def __getstate__(self) -> Any:
        return None, {"a": self.a}


class Reduce:
    def __init__(self, a: Any) -> None:
        self.a = a

    def __reduce__(self) -> Any:
        return Reduce, (self.a,)


class ReduceState(Reduce):
    def __reduce__(self) -> Any:
        return ReduceState, (self.a,), {"more": 1}


class ReduceItems(list):
    def __reduce__(self) -> Any:
        return ReduceItems, (), None, iter(list(list.__iter__(self)))


class ReduceDict:
    def __init__(self) -> None:
        self.d: dict = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        self.d[key] = value

    def __reduce__(self) -> Any:
        return ReduceDict, (), None, None, iter(self.d.items())


class ReduceClassMethod:
    def __init__(self, a: int = 0) -> None:
        self.a = a

    @classmethod
    def build(cls, a: int) -> ReduceClassMethod:
        return cls(a)

    def __reduce__(self) -> Any:
        return ReduceClassMethod.build, (self.a,)


def rebuild(a: Any) -> ReduceFunction:
    return ReduceFunction(a)


class ReduceFunction:
    def __init__(self, a: Any) -> None:
        self.a = a

    def __reduce__(self) -> Any:
        return rebuild, (self.a,)


class ReduceName:
    def __reduce__(self) -> Any:
        return "THE_ONE"


THE_ONE = ReduceName()


class NewArgs:
    def __new__(cls, a: Any) -> NewArgs:
        made = super().__new__(cls)
        made.key = a
        return made

    def __getnewargs__(self) -> Any:
        return (self.key,)


class NewArgsEx:
    def __new__(cls, *, a: Any) -> NewArgsEx:
        made = super().__new__(cls)
        made.key = a
        return made

    def __getnewargs_ex__(self) -> Any:
        return (), {"a": self.key}


class NewInt(int):
    """Needs arguments that its value does not say."""

    def __new__(cls, value: int, base: str) -> NewInt:
        made = super().__new__(cls, value)
        made.base = base
        return made

    def __getnewargs__(self) -> Any:
        return int(self), self.base


class NewNoArgs:
    """Its `__new__` cannot be called without arguments."""

    def __new__(cls, a: Any) -> NewNoArgs:
        return super().__new__(cls)

    def __init__(self, a: Any) -> None:
        self.a = a


class Singleton:
    _only = None

    def __new__(cls) -> Singleton:
        if cls._only is None:
            cls._only = super().__new__(cls)
            cls._only.count = 1
        return cls._only


class Meta(type):
    def __call__(cls, *args: Any) -> Any:
        made = super().__call__(*args)
        made.counted = True
        return made


class WithMeta(metaclass=Meta):
    def __init__(self) -> None:
        self.a = 1


class Abstract(t.Protocol):
    def area(self) -> float: ...


class Shape(Abstract):
    def __init__(self) -> None:
        self.side = 2.0

    def area(self) -> float:
        return self.side


class Gen(t.Generic[T]):
    def __init__(self, v: T) -> None:
        self.v = v


class Iterable_:
    def __init__(self) -> None:
        self.items = [1, 2]

    def __iter__(self) -> Any:
        raise RuntimeError("not to be iterated")

    def __len__(self) -> int:
        raise RuntimeError("nor counted")

    def __bool__(self) -> bool:
        raise RuntimeError("nor asked")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("nor compared")

    def __hash__(self) -> int:
        raise RuntimeError("nor hashed")

    def __repr__(self) -> str:
        raise RuntimeError("nor shown")


class Callable_:
    def __init__(self, k: int) -> None:
        self.k = k

    def __call__(self, x: int) -> int:
        return x + self.k

    def method(self) -> int:
        return self.k


class EqAll:
    """Equals everything."""

    def __init__(self) -> None:
        self.a = 1

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class MyError(Exception): ...


class InitError(Exception):
    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail = code, detail


class NoSuperError(ValueError):
    def __init__(self, code: int, path: str) -> None:
        self.code, self.path = code, path


class ReduceError(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a}/{b}")
        self.a, self.b = a, b

    def __reduce__(self) -> Any:
        return ReduceError, (self.a, self.b)


class MyGroup(ExceptionGroup):
    def derive(self, excs: Any) -> MyGroup:
        return MyGroup(self.message, excs)


class MyOSError(OSError):
    def __init__(self, path: str) -> None:
        super().__init__(2, "gone", path)
        self.hint = "h"


class MyKeyError(KeyError):
    def __str__(self) -> str:
        return "mine"


def function(a: int, b: int = 2, *, c: int = 3) -> int:
    return a + b + c


class Text(t.TypedDict, total=False):
    a: int
    b: str


UserId = t.NewType("UserId", int)


# --- numbers

for name, value in {
    "0": 0, "-1": -1, "2**31": 2**31, "-2**31": -(2**31), "2**53+1": 2**53 + 1, "2**63-1": 2**63 - 1, "2**63": 2**63,
    "-2**63": -(2**63), "-2**63-1": -(2**63) - 1, "2**64-1": 2**64 - 1, "2**64": 2**64, "-2**64": -(2**64), "10**30": 10**30,
    "10**1000": 10**1000, "10**6000": 10**6000, "-10**30": -(10**30), "True": True, "False": False,
    "1.0": 1.0, "-0.0": -0.0, "0.1": 0.1, "1e308": 1e308, "5e-324": 5e-324, "2.2250738585072014e-308": 2.2250738585072014e-308,
    "inf": math.inf, "-inf": -math.inf, "nan": math.nan, "1e16": 1e16, "1e22": 1e22, "1/3": 1 / 3,
    "1.7976931348623157e308": sys.float_info.max, "100.0": 100.0, "1e100": 1e100,
    "1j": 1j, "complex -0": complex(-0.0, -0.0), "complex nan": complex(math.nan, math.inf), "complex -inf": complex(1, -math.inf),
    "None": None, "Ellipsis": ..., "NotImplemented": NotImplemented,
}.items():  # fmt: skip
    sample(f"number {name}", lambda value=value: value)
sample("bool and int keys", lambda: {"a": [True, 1, 1.0, False, 0, 0.0]})
sample("int, bool, float keys apart", lambda: [{True: 1}, {1: 1}, {1.0: 1}, {0: 1}, {-0.0: 1}])
sample("float keys", lambda: {1.5: "a", -0.0: "z", math.inf: "i", 1e300: "e"})
sample("nan keys", lambda: (lambda n: {n: "n", math.inf: n})(float("nan")))
sample("two nan keys", lambda: {float("nan"): 1, float("nan"): 2})
sample("nan in set", lambda: {float("nan"), 1.0})
sample("none and bytes keys", lambda: {None: 1, b"x": 2, "x": 3, ("x",): 4, frozenset({1}): 5})
sample("date keys", lambda: {dt.date(2026, 1, 2): 1, dt.datetime(2026, 1, 2): 2, dt.timedelta(1): 3})
sample("enum keys", lambda: {Colour.RED: 1, Num.ONE: 2, Size.BIG: 3, Perm.RW: 4})
sample("dataclass keys", lambda: {DCFrozen(1): "a", DCFrozenSlots(2, "x"): "b", Point(1, 2): "c", UserId(5): 6})
sample("decimal keys", lambda: {decimal.Decimal("1.0"): 1, fractions.Fraction(1, 3): 2, 2j: 3, uuid.UUID(int=1): 4, pathlib.PurePosixPath("a"): 5})
sample("class keys", lambda: {int: 1, DC: 2, len: 3, function: 4})
sample("object keys", lambda: (lambda o: {o: 1, "o": o})(Outer.Inner(3)))
sample("key order", lambda: {"b": 1, 1: 2, "a": 3, None: 4, "c": 5})
sample("dollar keys", lambda: {"$type": "tuple", "value": [1], "$$id": 3, "$": 1, "$items": []})
sample("empty and odd keys", lambda: {"": 1, " ": 2, "\x00": 3, "é": 4, "a\ud800": 5, "\u2028": 6, "__items__": 7, "<<": 8, "=": 9})
sample("big int keys", lambda: {2**70: 1, -(2**70): 2, 2**63: 3})
sample("nested empties", lambda: [[], {}, (), set(), frozenset(), "", b"", bytearray(), [[[]]], ({},), {"a": {}}])

# --- text and bytes

for name, text in {
    "empty": "", "nul": "\x00", "controls": "".join(map(chr, range(33))), "c1": "\x7f\x80\x85\x9f", "separators": "\u2028\u2029\ufeff",
    "surrogate": "a\ud800b\udfff", "surrogate pair apart": "\ud83d\ude00", "astral": "😀𝄞", "yes": "yes", "null": "null", "~": "~",
    "1e3": "1e3", "0x1f": "0x1f", "date": "2026-01-02", "octal": "0o17", "sexagesimal": "1:30", "leading space": " a ",
    "newlines": "a\r\nb\rc\n\n", "colon": "a: b", "hash": "a #b", "dash": "- a", "quotes": "\"'`", "tag": "!!int 3", "long": "x" * 5000,
    "backslash": "\\u0041\\", "percent": "%YAML 1.2\n---\n...", "nonchar": "\ufffe\uffff", "combining": "e\u0301",
}.items():  # fmt: skip
    sample(f"text {name}", lambda text=text: text)
sample("bytes all", lambda: bytes(range(256)))
sample("bytes long", lambda: bytes(range(256)) * 20)
sample("bytearray", lambda: bytearray(range(256)))
sample("bytearray long", lambda: bytearray(range(256)) * 20)
sample("memoryview 2d", lambda: memoryview(bytes(range(12))).cast("B", (3, 4)))
sample("memoryview i", lambda: memoryview(array.array("i", [1, -2, 3])))
sample("memoryview slice", lambda: memoryview(bytearray(b"abcdef"))[1:4])
for code in "bBuhHiIlLqQfd":
    sample(f"array {code}", lambda code=code: array.array(code, "aé😀" if code == "u" else [1, 2, 100]))
    sample(f"array {code} empty", lambda code=code: array.array(code))
sample("array nan", lambda: array.array("d", [math.nan, -0.0, math.inf]))

# --- collections

sample("deque nested", lambda: collections.deque([collections.deque([1], 1), (2,)], 5))
sample("deque maxlen 0", lambda: collections.deque([], 0))
sample("ordered dict order", lambda: collections.OrderedDict([("z", 1), (1, 2), ("a", collections.OrderedDict(b=1))]))
sample("defaultdict int", lambda: collections.defaultdict(int, {1: 2}))
sample("defaultdict nested", lambda: collections.defaultdict(dict, {"a": collections.defaultdict(set, {"b": {1}})}))
sample("defaultdict function", lambda: collections.defaultdict(function, {"a": 1}))
sample("defaultdict class", lambda: collections.defaultdict(DC, {"a": DC(1)}))
sample("defaultdict partial", lambda: collections.defaultdict(functools.partial(int, 7)))
sample("defaultdict method", lambda: collections.defaultdict(collections.Counter, {"a": collections.Counter("ab")}))
sample("counter", lambda: collections.Counter({"a": 3, (1,): -1, None: 0, "f": 1.5}))
sample("chain map", lambda: collections.ChainMap({"a": 1}, collections.OrderedDict(b=2), {}))
sample("mapping proxy", lambda: types.MappingProxyType({"a": [1], 2: types.MappingProxyType({})}))
sample("mapping proxy ordered", lambda: types.MappingProxyType(collections.OrderedDict(a=1)))
sample("user dict", lambda: AUserDict({"a": 1}))
sample("user list", lambda: AUserList([1, [2]]))
sample("user string", lambda: AUserString("é"))
sample("namespace", lambda: types.SimpleNamespace(a=1, b=types.SimpleNamespace(c=(1,)), _c=2))
sample("range big", lambda: range(-(10**30), 10**30, 10**28))
sample("range empty", lambda: range(5, 5))
sample("range negative", lambda: range(10, -10, -3))
sample("slice objects", lambda: slice("a", None, (1, 2)))
sample("slice none", lambda: slice(None))
sample("dict views as lists", lambda: [list({"a": 1}), dict.fromkeys("abc")])
sample("set mixed", lambda: {1, "a", None, (1, 2), frozenset({3}), b"x", 1.5, dt.date(2026, 1, 1), Colour.RED})
sample("frozenset nested", lambda: frozenset({frozenset({frozenset()}), (frozenset({1}),)}))
sample("tuple nested", lambda: ((), (1,), ((2, (3,)),), [(4,)], {"k": (5,)}))
sample("long list", lambda: list(range(3000)))
sample("deep list", lambda: functools.reduce(lambda inner, _: [inner], range(90), 1))
sample("deep tuple", lambda: functools.reduce(lambda inner, _: (inner,), range(90), 1))
sample("typed dict", lambda: Text(a=1))
sample("new type", lambda: UserId(5))

# --- sharing and cycles


def shared_everywhere() -> Any:
    a, t_, f, s, b = [1], (1, [2]), frozenset({3}), {4}, bytearray(b"b")
    return {"l": [a, a], "t": [t_, t_], "f": (f, {f: f}), "s": [s, s], "b": [b, b], "all": [a, t_, f, s, b]}


def shared_text() -> Any:
    text, number, data = "x" * 200, 10**50, bytes(1000)
    return [text, text, number, number, data, data]


def list_cycle() -> Any:
    a: list = [1]
    a.append({"back": a, "t": (a, [a])})
    return a


def dict_cycle() -> Any:
    d: dict = {"n": 1}
    d["self"] = d
    d[5] = [d]
    return d


def tuple_cycle() -> Any:
    items: list = []
    made = (1, items)
    items.append(made)
    return made


def tuple_deep_cycle() -> Any:
    items: list = []
    made = ((items, 1), (2,))
    items += [made, made[0]]
    return {"t": made, "again": made[0]}


def object_cycle() -> Any:
    root = Node("root")
    child = Node("child", root)
    root.children.append(child)
    child.peers["root"] = root
    root.peers["self"] = root
    return root


def dataclass_in_tuple_cycle() -> Any:
    node = Node("n")
    node.children = (node, [node])
    return (node, node)


def set_cycle() -> Any:
    node = Node("n")
    node.peers = {node}
    return node


def frozenset_cycle() -> Any:
    node = Node("n")
    node.peers = frozenset({node, (node, 1)})
    return node


def key_cycle() -> Any:
    node = Node("n")
    node.peers = {node: 1, (node, "k"): node}
    return node


def deque_cycle() -> Any:
    d: Any = collections.deque([1], 5)
    d.append(d)
    return [d]


def ordered_cycle() -> Any:
    d: Any = collections.OrderedDict(a=1)
    d["self"] = d
    return d


def defaultdict_cycle() -> Any:
    d: Any = collections.defaultdict(list)
    d["self"] = [d]
    return d


def namespace_cycle() -> Any:
    n = types.SimpleNamespace()
    n.me = n
    n.others = (n, [n])
    return n


def subclass_cycle() -> Any:
    a, d = AList([1]), ADict()
    a.append(d)
    a.me = a
    d["a"] = a
    d.me = d
    return a


def slots_cycle() -> Any:
    s = Slots()
    s.a = [s]
    s.b = (s,)
    return s


def chain_cycle() -> Any:
    c = collections.ChainMap({"a": 1})
    c["me"] = c
    return c


def user_cycle() -> Any:
    u = collections.UserDict()
    u["me"] = u
    return u


def error_cycle() -> Any:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__context__ = second, first
    first.data = [first]
    return first


def named_tuple_cycle() -> Any:
    items: list = []
    made = Point(1, items)
    items.append(made)
    return made


def frozen_dataclass_cycle() -> Any:
    items: list = []
    made = DCFrozen(1, items)
    items.append(made)
    return made


def attribute_of_text_cycle() -> Any:
    text = AStr("x")
    text.me = text
    return text


def attribute_of_tuple_cycle() -> Any:
    made = TupleWithDict((1, 2))
    made.me = made
    return made


def partial_shared() -> Any:
    items = [1]
    return [functools.partial(function, items), items]


def proxy_shared() -> Any:
    inner = {"a": 1}
    return [types.MappingProxyType(inner), inner]


def linked(count: int = 300) -> Any:
    node = None
    for number in range(count):
        node = Node(str(number), node)
    return node


for make in (
    shared_everywhere, shared_text, list_cycle, dict_cycle, tuple_cycle, tuple_deep_cycle, object_cycle, dataclass_in_tuple_cycle,
    set_cycle, key_cycle, deque_cycle, ordered_cycle, defaultdict_cycle, namespace_cycle, subclass_cycle, slots_cycle, chain_cycle,
    user_cycle, error_cycle, frozen_dataclass_cycle, partial_shared,
    frozenset_cycle, named_tuple_cycle, attribute_of_text_cycle, attribute_of_tuple_cycle,
):  # fmt: skip
    sample(make.__name__.replace("_", " "), make)
sample("same class twice", lambda: [DC, DC, int, int])
sample("state cycle", lambda: (lambda s: (setattr(s, "a", [s]), s)[1])(State(1)))
sample("state tuple cycle", lambda: (lambda s: (setattr(s, "a", [s]), s)[1])(StateTuple(1)))

# --- subclasses of built-in types


def with_attributes(value: Any, **attributes: Any) -> Any:
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


sample("int subclass", lambda: AInt(5, "km"))
sample("int subclass big", lambda: AInt(2**80))
sample("float subclass", lambda: with_attributes(AFloat(1.5), unit="s"))
sample("float subclass nan", lambda: AFloat("nan"))
sample("str subclass", lambda: AStr("text\ud800"))
sample("bytes subclass", lambda: with_attributes(ABytes(b"\x00x"), a=1))
sample("bytearray subclass", lambda: with_attributes(AByteArray(b"xy"), a=[1]))
sample("complex subclass", lambda: with_attributes(AComplex(1, -0.0), a=1))
sample("list subclass", lambda: with_attributes(AList([1, [2]]), a=1))
sample("dict subclass", lambda: with_attributes(ADict({1: 2, "x": 3}), a=1))
sample("loud dict", lambda: (lambda d: (dict.update(d, {"a": 5}), d)[1])(LoudDict()))
sample("loud list", lambda: LoudList([1, 2]))
sample("tuple subclass", lambda: ATuple((1, [2])))
sample("tuple subclass with dict", lambda: with_attributes(TupleWithDict((1, 2)), a=1))
sample("set subclass", lambda: with_attributes(ASet({1, 2}), a=1))
sample("frozenset subclass", lambda: with_attributes(AFrozenSet({1}), a=1))
sample("deque subclass", lambda: with_attributes(ADeque([1, 2], 3), a=1))
sample("counter subclass", lambda: with_attributes(ACounter("aab"), a=1))
sample("ordered dict subclass", lambda: with_attributes(AnOrderedDict(z=1, a=2), a=1))
sample("defaultdict subclass", lambda: with_attributes(ADefaultDict(list, {"a": [1]}), a=1))
sample("chain map subclass", lambda: with_attributes(AChainMap({"a": 1}, {"b": 2}), a=1))
sample("date subclass", lambda: ADate(2026, 1, 2))
sample("datetime subclass", lambda: ADateTime(2026, 1, 2, 3, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")))
sample("time subclass", lambda: ATime(1, 2, 3, 4, dt.timezone.utc))
sample("timedelta subclass", lambda: ATimeDelta(1, 2, 3))
sample("decimal subclass", lambda: ADecimal("1.10"))
sample("fraction subclass", lambda: AFraction(1, 3))
sample("uuid subclass", lambda: AnUUID(int=7))
sample("path subclass", lambda: APath("a/b"))
sample("namespace subclass", lambda: ANamespace(a=1))

# --- dates and numbers with rules

sample("date min", lambda: dt.date.min)
sample("date max", lambda: dt.date.max)
sample("datetime min", lambda: dt.datetime.min)
sample("datetime max", lambda: dt.datetime.max)
sample("datetime fold", lambda: dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")))
sample("datetime fold naive", lambda: dt.datetime(2026, 10, 25, 2, 30, fold=1))
sample("datetime gap", lambda: dt.datetime(2026, 3, 29, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")))
sample("datetime zone utc", lambda: dt.datetime(2026, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")))
sample("datetime utc", lambda: dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc))
sample("datetime lmt", lambda: dt.datetime(1850, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Amsterdam")))
sample("datetime offset seconds", lambda: dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=1, seconds=3))))
sample("datetime offset micro", lambda: dt.datetime(2026, 1, 2, tzinfo=dt.timezone(-dt.timedelta(microseconds=1))))
sample("datetime offset name", lambda: dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(0), "Z")))
sample("datetime custom zone", lambda: dt.datetime(2026, 1, 2, tzinfo=Minutes(90)))
sample("datetime min zone", lambda: dt.datetime.min.replace(tzinfo=zoneinfo.ZoneInfo("Asia/Tokyo")))
sample("datetime max zone", lambda: dt.datetime.max.replace(tzinfo=zoneinfo.ZoneInfo("America/New_York")))
sample("time zone", lambda: dt.time(3, 4, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"), fold=1))
sample("time utc", lambda: dt.time(3, 4, 5, 6, tzinfo=dt.timezone.utc))
sample("time offset", lambda: dt.time(3, tzinfo=dt.timezone(dt.timedelta(hours=-12, minutes=-7))))
sample("time max", lambda: dt.time.max)
sample("timezone named", lambda: dt.timezone(dt.timedelta(hours=5, minutes=45), "NPT"))
sample("timezone max", lambda: dt.timezone(dt.timedelta(hours=23, minutes=59)))
sample("timezone utc is one", lambda: [dt.timezone.utc, dt.timezone.utc])
sample("custom zone", lambda: Minutes(5))
sample("zones shared", lambda: [dt.datetime(2026, 1, 1, tzinfo=z) for z in [zoneinfo.ZoneInfo("Asia/Kolkata")] * 2])
sample("timedelta max", lambda: dt.timedelta.max)
sample("timedelta min", lambda: dt.timedelta.min)
sample("timedelta resolution", lambda: -dt.timedelta.resolution)
for text in ("0", "-0", "0E+3", "-0E-7", "1.10", "1E+5", "1E-500", "NaN", "sNaN", "-sNaN5", "NaN123", "Infinity", "-Infinity", "123456789012345678901234567890.123"):
    sample(f"decimal {text}", lambda text=text: decimal.Decimal(text))
sample("decimal context", lambda: decimal.Context(prec=5, rounding=decimal.ROUND_UP, traps=[decimal.Inexact, decimal.DivisionByZero]))
sample("decimal tuple", lambda: decimal.Decimal("-1.5").as_tuple())
sample("fraction big", lambda: fractions.Fraction(10**50, 7))
sample("uuid1", lambda: uuid.UUID("12345678-1234-1234-8234-123456789012"))
sample("uuid safe", lambda: uuid.UUID(int=3, is_safe=uuid.SafeUUID.safe))
sample("uuid safety", lambda: uuid.SafeUUID.unsafe)
for text in ("1.2.3.4", "::1", "fe80::1%eth0", "::ffff:1.2.3.4"):
    sample(f"ip {text}", lambda text=text: ipaddress.ip_address(text))
sample("ip network 4", lambda: ipaddress.ip_network("10.0.0.0/8"))
sample("ip network 6", lambda: ipaddress.ip_network("2001:db8::/32"))
sample("ip interface 4", lambda: ipaddress.ip_interface("10.1.2.3/8"))
sample("ip interface 6", lambda: ipaddress.ip_interface("fe80::1%1/64"))
for text in (".", "a/b", "/x/../y", "//net/share", "é", "a\udcff", "a b"):
    sample(f"pure posix path {text!a}", lambda text=text: pathlib.PurePosixPath(text))
    sample(f"path {text!a}", lambda text=text: pathlib.Path(text))
for text in ("C:\\x", "\\\\host\\share\\f", "c:rel", "x/y"):
    sample(f"windows path {text}", lambda text=text: pathlib.PureWindowsPath(text))
sample("re plain", lambda: re.compile("a+"))
sample("re flags", lambda: re.compile("(?x) a # c", re.I | re.M | re.S | re.A))
sample("re bytes", lambda: re.compile(rb"\xff(a)", re.I | re.L))
sample("re inline", lambda: re.compile("(?i)abc(?P<n>é)"))
sample("re unicode", lambda: re.compile("é", re.U))
sample("re flag", lambda: re.I | re.X)
sample("re no flag", lambda: re.NOFLAG)
sample("re error", lambda: re.error("bad", "a(", 1))

# --- enums

sample("enum", lambda: Colour.GREEN)
sample("enum alias", lambda: Colour.ROUGE)
sample("enum init", lambda: Planet.MARS)
sample("enum auto", lambda: Auto.B)
sample("str enum", lambda: Size.BIG)
sample("int enum alias", lambda: Num.UNO)
sample("flag", lambda: Perm.R | Perm.X)
sample("flag named combination", lambda: Perm.RW)
sample("flag none", lambda: Perm(0))
sample("flag inverted", lambda: ~Perm.R)
sample("int flag", lambda: Bits.A | Bits.C)
sample("int flag unknown", lambda: Bits(16 | 1))
sample("int flag negative", lambda: ~Bits.A)
sample("kept flag", lambda: Kept(9))
sample("float enum", lambda: FloatEnum.PI)
sample("tuple enum", lambda: TupleEnum.A)
sample("date enum", lambda: DateEnum.START)
sample("object enum", lambda: [ObjectEnum.LIST, ObjectEnum.FUNC])
sample("nested enum", lambda: Outer.Shade.DARK)
sample("enum class", lambda: [Colour, Num])
sample("http status", lambda: [http.HTTPStatus.NOT_FOUND, http.HTTPMethod.GET])
sample("calendar enum", lambda: [calendar.Month.MAY if hasattr(calendar, "Month") else calendar.MONDAY, calendar.FRIDAY])
sample("signal enum", lambda: [signal.SIGTERM, signal.Signals.SIGINT, signal.Handlers.SIG_DFL])
sample("socket enum", lambda: [socket.AF_INET, socket.SOCK_STREAM, socket.AddressFamily.AF_INET6])
sample("ssl enum", lambda: [ssl.TLSVersion.TLSv1_2, ssl.VerifyMode.CERT_REQUIRED, ssl.OP_NO_SSLv3])
sample("parameter kind", lambda: inspect.Parameter.KEYWORD_ONLY)
sample("enum boundary", lambda: [enum.FlagBoundary.KEEP, enum.CONFORM])

# --- classes of one's own

sample("dataclass", lambda: DC(1, [2]))
sample("dataclass extra attribute", lambda: with_attributes(DC(1), extra=5))
sample("dataclass slots", lambda: DCSlots(1))
sample("dataclass frozen", lambda: DCFrozen(1, (2,)))
sample("dataclass frozen slots", lambda: DCFrozenSlots(1, "x"))
sample("dataclass kw_only", lambda: DCKw(a=1))
sample("dataclass init var", lambda: DCInit(1, 9))
sample("dataclass child", lambda: DCChild(1, [2], 3.5))
sample("dataclass slots child", lambda: DCSlotsChild(1, "c", 2.5))
sample("dataclass frozen child", lambda: DCFrozenChild(1, "c", DCFrozen(2)))
sample("dataclass generic", lambda: DCGeneric[int](5))
sample("dataclass weak", lambda: DCWeak(1))
sample("dataclass post init", lambda: DCPost(3))
sample("dataclass property", lambda: DCProperty(7))
sample("dataclass missing field", lambda: (lambda d: (d.__dict__.pop("b"), d)[1])(DC(1)))
sample("dataclass wrong types", lambda: DC("x", None))
sample("dataclass nested class", lambda: Outer.Data(1))
sample("dataclass of dict", lambda: (lambda d: (d.__setitem__("k", 1), d)[1])(DCDict(2)))
sample("dataclass field", lambda: [each.name for each in dataclasses.fields(DC)])
sample("dataclass made", lambda: MadeDC(1, "y"))
MadeDC = dataclasses.make_dataclass("MadeDC", [("x", int), ("y", str, "d")])
MadeDC.__module__ = __name__
sample("named tuple", lambda: Point(1))
sample("named tuple generic", lambda: GenericPair("a", [1]))
sample("named tuple typed", lambda: Span(1.5))
sample("named tuple subclass", lambda: with_attributes(SubPoint(1, 2, 3), extra=5))
sample("plain", lambda: Outer.Inner([1]))
sample("plain empty", lambda: (lambda o: (vars(o).clear(), o)[1])(Outer.Inner(1)))
sample("odd attributes", lambda: (lambda o: (vars(o).update({"not identifier": 1, "$x": 2, "": 3, "class": 4, "__items__": 5, "é": 6}), o)[1])(Outer.Inner(1)))
sample("slots", lambda: Slots())
sample("slots child", lambda: SlotsChild())
sample("slots and dict", lambda: SlotsWithDict())
sample("slots dict slot", lambda: SlotsDictSlot())
sample("slot string", lambda: SlotString())
sample("slots map", lambda: SlotsMap())
sample("properties", lambda: (lambda p: (p.cached, p)[1])(Props()))
sample("getattr", lambda: GetAttr())
sample("setattr", lambda: SetAttr())
sample("descriptor", lambda: WithDescr())
for cls in (State, StateTuple, StateIntKeys):
    sample(f"class {cls.__name__}", lambda cls=cls: cls([1]))
sample("state int", lambda: StateInt(7))
sample("state none", lambda: (lambda s: (vars(s).clear(), s)[1])(StateNone(1)))
sample("state pair", lambda: StatePair())
sample("getstate only", lambda: GetStateOnly())
sample("setstate only", lambda: SetStateOnly())
sample("reduce", lambda: Reduce((1, 2)))
sample("reduce state", lambda: with_attributes(ReduceState(1), more=1))
sample("reduce items", lambda: ReduceItems([1, 2]))
sample("reduce dict", lambda: (lambda d: (d.__setitem__("k", 1), d)[1])(ReduceDict()))
sample("reduce class method", lambda: ReduceClassMethod(5))
sample("reduce function", lambda: ReduceFunction(5))
sample("new args", lambda: NewArgs([1]))
sample("new args ex", lambda: NewArgsEx(a=[1]))
sample("new int", lambda: NewInt(5, "hex"))
sample("new needs arguments", lambda: NewNoArgs(5))
sample("singleton", lambda: Singleton())
sample("metaclass", lambda: WithMeta())
sample("protocol", lambda: Shape())
sample("generic", lambda: Gen[int](5))
sample("touchy", lambda: Iterable_())
sample("equals all", lambda: [EqAll(), EqAll()])
sample("callable object", lambda: Callable_(3))

# --- exceptions


def chained() -> Any:
    try:
        try:
            raise KeyError("k")
        except KeyError as error:
            raise ValueError("v", 2) from error
    except ValueError as error:
        error.add_note("note")
        return error


def suppressed() -> Any:
    try:
        try:
            raise KeyError("k")
        except KeyError:
            raise ValueError("v") from None
    except ValueError as error:
        return error


sample("error", lambda: ValueError("a", 1, [2]))
sample("error no args", lambda: KeyboardInterrupt())
sample("error chained", chained)
sample("error suppressed", suppressed)
sample("error own", lambda: with_attributes(MyError("x"), data=[1]))
sample("error init", lambda: InitError(5, detail="d"))
sample("error no super", lambda: NoSuperError(5, "p"))
sample("error reduce", lambda: ReduceError(1, 2))
sample("error group", lambda: ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", [KeyError("k")])]))
sample("error base group", lambda: BaseExceptionGroup("g", [KeyboardInterrupt()]))
sample("error own group", lambda: MyGroup("g", [ValueError(1)]))
sample("error os", lambda: OSError(2, "No such file", "a.txt", None, "b.txt"))
sample("error file", lambda: FileNotFoundError(2, "no", "x"))
sample("error os text", lambda: OSError("just text"))
sample("error own os", lambda: MyOSError("p"))
sample("error blocking", lambda: BlockingIOError(11, "again", 5))
sample("error key", lambda: MyKeyError("x"))
sample("error unicode", lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"))
sample("error unicode encode", lambda: UnicodeEncodeError("ascii", "é", 0, 1, "bad"))
sample("error unicode translate", lambda: UnicodeTranslateError("é", 0, 1, "bad"))
sample("error syntax", lambda: SyntaxError("m", ("f", 1, 2, "t", 3, 4)))
sample("error stop", lambda: StopIteration((1, 2)))
sample("error import", lambda: ImportError("m", name="n", path="p"))
sample("error attribute", lambda: AttributeError("m", name="n", obj=[1]))
sample("error name", lambda: NameError("m", name="n"))
sample("error exit", lambda: SystemExit(3))
sample("error json", lambda: json.JSONDecodeError("m", "doc", 2))
sample("error decimal", lambda: decimal.InvalidOperation("x"))
sample("error subprocess", lambda: __import__("subprocess").CalledProcessError(1, ["a"], b"o", b"e"))
sample("warning", lambda: DeprecationWarning("d"))
sample("error class", lambda: [ValueError, MyError, KeyError])

# --- the standard library

sample("classes by name", lambda: [int, list, type, object, dict, DC, Colour, Outer.Inner, collections.OrderedDict, decimal.Decimal, pathlib.Path, BaseException])
sample("functions by name", lambda: [len, sorted, function, math.sqrt, operator.add, str.upper, dict.fromkeys])
sample("partial", lambda: functools.partial(function, 1, c=5))
sample("partial nested", lambda: functools.partial(functools.partial(function, 1), b=3))
sample("partial builtin", lambda: functools.partial(int, base=2))
sample("item getter", lambda: operator.itemgetter(1, slice(2)))
sample("attribute getter", lambda: operator.attrgetter("a.b", "c"))
sample("method caller", lambda: operator.methodcaller("split", ",", maxsplit=1))
sample("count", lambda: itertools.count(5, 2))
sample("alias", lambda: [list[int], dict[str, tuple[int, ...]], int | None, t.Optional[str], t.Union[int, str], t.List[int], t.Any, t.Callable[[int], str], t.Literal[1, "a"], DCGeneric[int]])
sample("struct time", lambda: time.struct_time((2026, 1, 2, 3, 4, 5, 4, 2, 0)))
sample("struct time zone", lambda: time.gmtime(0))
sample("stat", lambda: os.stat_result(range(10)))
sample("terminal size", lambda: os.terminal_size((80, 24)))
sample("string template", lambda: string.Template("$a ${b}"))
sample("bytes io", lambda: with_position(io.BytesIO(b"abc"), 2))
sample("string io", lambda: with_position(io.StringIO("a\r\nb\n"), 3))
sample("random", lambda: random.Random(5))
sample("random used", lambda: (lambda r: (r.gauss(0, 1), r)[1])(random.Random(5)))
sample("normal dist", lambda: statistics.NormalDist(1.5, 2))
sample("url", lambda: [urllib.parse.urlsplit("http://u:p@h:8/p?q#f"), urllib.parse.urlparse(b"a;b"), urllib.parse.urldefrag("a#b")])
sample("cookies", lambda: (lambda c: (c.load("a=1; b=2"), c)[1])(http.cookies.SimpleCookie()))
sample("email", lambda: email.message_from_string("Subject: x\nTo: a@b\n\nbody\n"))
sample("email mime", lambda: email.mime.text.MIMEText("é", "plain", "utf-8"))
sample("config parser", lambda: (lambda c: (c.read_string("[a]\nx = 1\n[b]\ny = %(z)s\nz=2\n"), c)[1])(configparser.ConfigParser()))
sample("raw config parser", lambda: (lambda c: (c.read_string("[a]\nx = 1\n"), c)[1])(configparser.RawConfigParser()))
sample("element", lambda: ET.fromstring("<a x='1'>t<b>u</b>v<c/></a>"))
sample("element tree", lambda: ET.ElementTree(ET.fromstring("<a><b/></a>")))
sample("argparse namespace", lambda: argparse.Namespace(a=1, b=[2]))
sample("topological sorter", lambda: graphlib.TopologicalSorter({"a": {"b"}, "b": {"c"}}))
sample("match block", lambda: difflib.SequenceMatcher(None, "abc", "abd").get_matching_blocks()[0])
sample("sequence matcher", lambda: difflib.SequenceMatcher(None, "abc", "abd"))
sample("json encoder", lambda: json.JSONEncoder(indent=2, sort_keys=True))
sample("log record", lambda: logging.makeLogRecord({"name": "n", "msg": "m %s", "args": (1,), "levelno": 20, "levelname": "INFO", "created": 1.5, "msecs": 5.0, "relativeCreated": 6.0, "thread": 1, "process": 2}))
sample("formatter", lambda: string.Formatter())
sample("signature", lambda: inspect.signature(function))
sample("parameter", lambda: inspect.Parameter("a", inspect.Parameter.POSITIONAL_ONLY, default=5))
sample("zip info", lambda: zipfile.ZipInfo("a.txt", (2026, 1, 2, 3, 4, 6)))
sample("calendar", lambda: calendar.Calendar(3))
sample("text wrapper", lambda: textwrap.TextWrapper(width=5))
sample("csv dialect", lambda: csv.excel)
sample("token", lambda: tokenize.TokenInfo(1, "a", (1, 0), (1, 1), "a"))
sample("ast", lambda: ast.parse("x = 1 + f(2)"))
sample("frame summary", lambda: traceback.FrameSummary("f.py", 3, "fn", line="x"))
sample("pretty printer", lambda: reprlib.Repr())
sample("struct", lambda: struct.Struct("<ih"))
sample("module spec", lambda: types.SimpleNamespace(name="x", loader=None))
sample("cookie morsel", lambda: http.cookies.SimpleCookie("a=1; Path=/")["a"])
sample("simple queue data", lambda: collections.deque(maxlen=None))
sample("sqlite row as dict", lambda: dict(zip(("a",), (1,), strict=True)))
sample("email address", lambda: email.headerregistry.Address("n", "u", "d"))
sample("method of str", lambda: str.join)
sample("static", lambda: dataclasses.MISSING)
sample("empty parameter", lambda: inspect.Parameter.empty)
sample("fractions in range", lambda: [fractions.Fraction(-1, 2), decimal.Decimal(1) / 3])


def with_position(file: Any, position: int) -> Any:
    file.seek(position)
    return file


# --- libraries

with contextlib.suppress(ImportError):
    import attrs

    @attrs.define
    class At:
        a: int
        b: list = attrs.field(factory=list)

    @attrs.frozen
    class AtFrozen:
        a: int
        b: str = "x"

    @attrs.define(slots=False)
    class AtDict:
        a: int
        _private: int = 2
        __very: int = 3

    @attrs.define
    class AtConv:
        a: int = attrs.field(converter=lambda x: int(x) * 2, validator=attrs.validators.instance_of(int))
        b: int = attrs.field(init=False, default=9)
        _c: int = attrs.field(alias="see", default=1)

    @attrs.define
    class AtChild(At):
        c: float = 1.5

    @attrs.frozen(cache_hash=True)
    class AtHash:
        a: int

    @attrs.define(kw_only=True)
    class AtKw:
        a: int

    @attrs.define
    class AtPost:
        a: int

        def __attrs_post_init__(self) -> None:
            self.a += 1

    @attrs.define(auto_exc=True)
    class AtError(Exception):
        code: int
        detail: str = "d"

    @attrs.define(eq=False)
    class AtNode:
        me: Any = None

    sample("attrs", lambda: At(1, [2]))
    sample("attrs frozen", lambda: AtFrozen(1))
    sample("attrs dict", lambda: AtDict(1, 5))
    sample("attrs converter", lambda: AtConv("3", see=4))
    sample("attrs child", lambda: AtChild(1, [2], 3.5))
    sample("attrs hash", lambda: (lambda a: (hash(a), a)[1])(AtHash(1)))
    sample("attrs kw", lambda: AtKw(a=1))
    sample("attrs post", lambda: AtPost(1))
    sample("attrs error", lambda: AtError(5))
    sample("attrs keys", lambda: {AtFrozen(1): 1, AtHash(2): 2})
    sample("attrs cycle", lambda: (lambda n: (setattr(n, "me", [n, (n,)]), n)[1])(AtNode()))
    sample("attrs nothing", lambda: attrs.NOTHING)

with contextlib.suppress(ImportError):
    import pydantic

    class Pyd(pydantic.BaseModel):
        a: int
        b: str = "x"

    class PydNested(pydantic.BaseModel):
        inner: Pyd
        many: list[Pyd] = []
        by: dict[str, Pyd] = {}

    class PydExtra(pydantic.BaseModel, extra="allow"):
        a: int

    class PydPrivate(pydantic.BaseModel):
        a: int
        _secret: int = pydantic.PrivateAttr(default=5)

    class PydFrozen(pydantic.BaseModel, frozen=True):
        a: int

    class PydAlias(pydantic.BaseModel):
        a: int = pydantic.Field(alias="Alpha")

    class PydRoot(pydantic.RootModel[list[int]]):
        pass

    class PydGeneric(pydantic.BaseModel, t.Generic[T]):
        v: T

    class Cat(pydantic.BaseModel):
        kind: t.Literal["cat"] = "cat"
        lives: int = 9

    class Dog(pydantic.BaseModel):
        kind: t.Literal["dog"] = "dog"

    class Owner(pydantic.BaseModel):
        pet: t.Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]

    class PydArb(pydantic.BaseModel, arbitrary_types_allowed=True):
        p: Outer.Inner
        when: dt.datetime
        tags: set[int]

    class PydNode(pydantic.BaseModel):
        me: Any = None

        def __eq__(self, other: object) -> bool:
            return self is other

    class PydComputed(pydantic.BaseModel):
        a: int

        @pydantic.computed_field
        @functools.cached_property
        def twice(self) -> int:
            return self.a * 2

    @pydantic.dataclasses.dataclass
    class PydDC:
        a: int
        b: list[int] = dataclasses.field(default_factory=list)

    sample("pydantic", lambda: Pyd(a=1))
    sample("pydantic nested", lambda: PydNested(inner=Pyd(a=1), many=[Pyd(a=2)], by={"x": Pyd(a=3, b="y")}))
    sample("pydantic extra", lambda: PydExtra(a=1, more=[2], z="y"))
    sample("pydantic private", lambda: with_attributes(PydPrivate(a=1), _secret=7))
    sample("pydantic frozen", lambda: {PydFrozen(a=1): 2})
    sample("pydantic alias", lambda: PydAlias(Alpha=1))
    sample("pydantic root", lambda: PydRoot([1, 2]))
    sample("pydantic generic", lambda: PydGeneric[int](v=5))
    sample("pydantic discriminated", lambda: Owner(pet=Cat()))
    sample("pydantic arbitrary", lambda: PydArb(p=Outer.Inner(1), when=dt.datetime(2026, 1, 1), tags={1}))
    sample("pydantic unset", lambda: Pyd.model_construct(a="wrong"))
    sample("pydantic cycle", lambda: (lambda n: (setattr(n, "me", [n]), n)[1])(PydNode()))
    sample("pydantic computed", lambda: (lambda n: (n.twice, n)[1])(PydComputed(a=2)))
    sample("pydantic dataclass", lambda: PydDC(a=1, b=[2]))
    sample("pydantic secret", lambda: [pydantic.SecretStr("s"), pydantic.SecretBytes(b"s")])
    sample("pydantic url", lambda: pydantic.TypeAdapter(pydantic.HttpUrl).validate_python("http://a/b"))

with contextlib.suppress(ImportError):
    import msgspec

    class Ms(msgspec.Struct):
        a: int
        b: list[int] = []

    class MsTag(msgspec.Struct, tag="t", tag_field="kind", frozen=True, order=True):
        a: int

    class MsArray(msgspec.Struct, array_like=True, gc=False):
        a: int
        b: str = "x"

    class MsKw(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
        first_name: str
        last_name: str = "z"

    class MsChild(Ms, weakref=True):
        c: float = 1.5

    class MsDict(msgspec.Struct, dict=True):
        a: int

    class MsGeneric(msgspec.Struct, t.Generic[T]):
        v: T

    class MsNode(msgspec.Struct, eq=False):
        me: Any = None

    class MsPost(msgspec.Struct):
        a: int

        def __post_init__(self) -> None:
            self.a += 1

    sample("msgspec", lambda: Ms(1, [2]))
    sample("msgspec tag", lambda: {MsTag(1): MsTag(2)})
    sample("msgspec array", lambda: MsArray(1))
    sample("msgspec kw", lambda: MsKw(first_name="f"))
    sample("msgspec child", lambda: MsChild(1, [2], 3.5))
    sample("msgspec dict", lambda: with_attributes(MsDict(1), extra=5))
    sample("msgspec generic", lambda: MsGeneric[int](5))
    sample("msgspec cycle", lambda: (lambda n: (setattr(n, "me", [n]), n)[1])(MsNode()))
    sample("msgspec post", lambda: MsPost(1))
    sample("msgspec raw", lambda: msgspec.Raw(b"[1]"))
    sample("msgspec unset", lambda: msgspec.UNSET)

# Where a part is none of the value: a cached hash, functions that were bound.
SAME: dict[str, Callable[[Any, Any], bool]] = {
    "attrs hash": lambda a, b: type(a) is type(b) and a == b,
    "config parser": lambda a, b: type(a) is type(b) and a == b and a["b"]["y"] == b["b"]["y"],
    "raw config parser": lambda a, b: type(a) is type(b) and a == b,
}

# Classes by a pattern, functions by their names.
TRUST = [f"{__name__}.*", *(f"{__name__}.{name}" for name in ("function", "rebuild", "ReduceClassMethod.build"))]

# --- what is no data

REFUSED: dict[str, Callable[[], Any]] = {
    "lambda": lambda: lambda: 0,
    "nested function": lambda: (lambda: (lambda x: x))(),
    "generator": lambda: (x for x in ()),
    "iterator": lambda: iter([1]),
    "zip": lambda: zip([1], strict=True),
    "map": lambda: map(len, []),
    "weak reference": lambda: weakref.ref(DC(1)),
    "weak dict": lambda: weakref.WeakValueDictionary(),
    "lock": lambda: __import__("threading").Lock(),
    "event": lambda: __import__("threading").Event(),
    "file": lambda: open(__file__),
    "socket": lambda: socket.socket(),
    "module": lambda: math,
    "frame": lambda: sys._getframe(),
    "code": lambda: function.__code__,
    "match": lambda: re.match("a", "a"),
    "sqlite": lambda: sqlite3.connect(":memory:"),
    "thread": lambda: __import__("threading").Thread(),
    "executor": lambda: __import__("concurrent.futures").futures.ThreadPoolExecutor(1),
    "context var": lambda: __import__("contextvars").ContextVar("x"),
    "property": lambda: property(len),
    "selector": lambda: selectors.DefaultSelector(),
    "temporary file": lambda: tempfile.TemporaryFile(),
    "dict view": lambda: {}.keys(),
    "object with lock": lambda: Outer.Inner(__import__("threading").RLock()),
}
REFUSED["json decoder"] = lambda: json.JSONDecoder(strict=False)
REFUSED["non text attribute"] = lambda: (lambda o: (vars(o).update({5: 1, (1,): 2}), o)[1])(Outer.Inner(1))
REFUSED["type var"] = lambda: T
REFUSED["reduce name"] = lambda: THE_ONE
REFUSED["bound method"] = lambda: Callable_(3).method
