"""Classes of every kind that people write."""

# pyright: basic

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import math
import pathlib
import types
import typing as t
import uuid
from typing import Any

T = t.TypeVar("T")
K = t.TypeVar("K")


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


@functools.cache
def cached(a: int) -> int:
    return a


def function(a: int, b: int = 2, *, c: int = 3) -> int:
    return a + b + c


class Text(t.TypedDict, total=False):
    a: int
    b: str


UserId = t.NewType("UserId", int)
