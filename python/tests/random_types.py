"""Random annotations with values that fit, and an independent judge of which values fit.

A kind says its annotation, makes values, and judges any value by rules of its own that are written
down here once more, without the compiler under test.
"""

# ruff: noqa: PIE807, UP006, UP007, UP045  annotations as people write them

from __future__ import annotations

import collections
import collections.abc as abc
import dataclasses
import datetime
import enum
import random
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypeVar, Union

import annotated_types as at
import attrs
import pydantic
import typing_extensions


class Kind(NamedTuple):
    """A type: its annotation, a maker of fitting values, and a judge of all values."""

    annotation: Any
    make: Callable[[random.Random], Any]
    fits: Callable[[Any], bool]


class Color(enum.Enum):
    RED = 1
    BLUE = "blue"


UserId = NewType("UserId", int)
Bound = TypeVar("Bound", bound=str)
Either = TypeVar("Either", int, str)
T = TypeVar("T")


@dataclasses.dataclass
class Held(Generic[T]):
    value: T
    more: list[T] = dataclasses.field(default_factory=list)


@attrs.define
class Weighed(Generic[T]):
    value: T


class Labelled(NamedTuple):
    label: str
    size: float


class Partial(typing_extensions.TypedDict, total=False):
    name: typing_extensions.Required[str]
    count: int
    note: typing_extensions.NotRequired[str | None]


class Whole(typing.TypedDict):
    a: int
    b: typing.NotRequired[list[int]]


class Named(typing.Protocol):
    name: str

    def rename(self, name: str) -> None: ...


class Dog:
    def __init__(self, name: Any = "rex") -> None:
        self.name = name

    def rename(self, name: str) -> None:
        self.name = name


class Cat:
    name = "tom"


class Model(pydantic.BaseModel):
    size: int
    tags: list[str] = []


def _any_int(r: random.Random) -> int:
    return r.choice([0, 1, -3, 10**20, r.randrange(100)])


def _exactly(*classes: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, classes)


LEAVES: list[Kind] = [
    Kind(int, _any_int, _exactly(int)),
    Kind(bool, lambda r: r.random() < 0.5, _exactly(bool)),
    Kind(float, lambda r: r.choice([0.5, -1.0, 3, float("inf")]), _exactly(float, int)),
    Kind(complex, lambda r: r.choice([1j, 2.0, 3]), _exactly(complex, float, int)),
    Kind(str, lambda r: r.choice(["", "a", "\ud800", "é" * 50]), _exactly(str)),
    Kind(bytes, lambda r: r.choice([b"", b"x"]), _exactly(bytes)),
    Kind(None, lambda r: None, lambda value: value is None),
    Kind(Any, lambda r: r.choice([1, "x", None, object()]), lambda value: True),
    Kind(object, lambda r: r.choice([1, "x"]), lambda value: True),
    Kind(Path, lambda r: Path("x"), _exactly(Path)),
    Kind(datetime.date, lambda r: datetime.date(2026, 1, 1), _exactly(datetime.date)),
    Kind(Color, lambda r: r.choice(list(Color)), _exactly(Color)),
    Kind(UserId, _any_int, _exactly(int)),
    Kind(Bound, lambda r: "b", _exactly(str)),
    Kind(Either, lambda r: r.choice([1, "x"]), _exactly(int, str)),
    Kind(typing.LiteralString, lambda r: "x", _exactly(str)),
    Kind(typing.Hashable, lambda r: 3, lambda value: type(value).__hash__ is not None),
    Kind(
        Literal["a", 1, None],
        lambda r: r.choice(["a", 1, None]),
        lambda v: v is None or (type(v) is int and v == 1) or (type(v) is str and v == "a"),
    ),
    Kind(Literal[Color.RED], lambda r: Color.RED, lambda v: v is Color.RED),
    Kind(
        Annotated[int, at.Gt(0), at.Le(10)],
        lambda r: r.randint(1, 10),
        lambda v: isinstance(v, int) and 0 < v <= 10,
    ),
    Kind(
        Annotated[float, at.Interval(ge=0, lt=1)],
        lambda r: r.random(),
        lambda v: isinstance(v, (int, float)) and 0 <= v < 1,
    ),
    Kind(
        Annotated[str, at.Len(1, 3)],
        lambda r: "x" * r.randint(1, 3),
        lambda v: isinstance(v, str) and 1 <= len(v) <= 3,
    ),
    Kind(
        Annotated[int, at.MultipleOf(3)],
        lambda r: 3 * r.randrange(9),
        lambda v: isinstance(v, int) and v % 3 == 0,
    ),
    Kind(
        Annotated[str, at.Predicate(str.isupper)],
        lambda r: "ABC",
        lambda v: isinstance(v, str) and v.isupper(),
    ),
    Kind(
        Annotated[datetime.datetime, at.Timezone(...)],
        lambda r: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        lambda v: isinstance(v, datetime.datetime) and v.tzinfo is not None,
    ),
    Kind(
        type[Exception],
        lambda r: r.choice([ValueError, Exception]),
        lambda v: isinstance(v, type) and issubclass(v, Exception),
    ),
    Kind(
        abc.Callable[[int], Any],
        lambda r: r.choice([len, lambda x: x, lambda *x: x]),
        lambda v: callable(v) and v is not _two,
    ),
    Kind(abc.Callable[..., Any], lambda r: r.choice([len, Color]), callable),
    Kind(
        Labelled,
        lambda r: Labelled("a", r.choice([1, 2.0])),
        lambda v: (
            isinstance(v, Labelled)
            and isinstance(v.label, str)
            and isinstance(v.size, (int, float))
        ),
    ),
    Kind(
        Partial,
        lambda r: {"name": "x", **r.choice([{}, {"count": 1}, {"note": None}])},
        lambda v: (
            isinstance(v, dict)
            and isinstance(v.get("name"), str)
            and isinstance(v.get("count", 1), int)
            and isinstance(v.get("note", ""), (str, type(None)))
        ),
    ),
    Kind(
        Whole,
        lambda r: {"a": 1, **r.choice([{}, {"b": [1]}])},
        lambda v: (
            isinstance(v, dict)
            and isinstance(v.get("a"), int)
            and isinstance(v.get("b", []), list)
            and all(isinstance(x, int) for x in v.get("b", []))
        ),
    ),
    Kind(
        Named,
        lambda r: Dog(),
        lambda v: isinstance(v, Dog) and isinstance(v.name, str),
    ),
    Kind(
        Model,
        lambda r: Model(size=1),
        lambda v: isinstance(v, Model) and isinstance(v.size, int),
    ),
]


def _two(a: Any, b: Any) -> None: ...


# Values that fit few of the kinds, and look as if they fitted many.
ODD_VALUES: list[Callable[[], Any]] = [
    lambda: "x", lambda: 0, lambda: 1, lambda: True, lambda: 1.5, lambda: None, lambda: b"x",
    lambda: [], lambda: (), lambda: {}, lambda: set(), lambda: "long text", lambda: 11,
    lambda: [1, "x"], lambda: {"a": "x"}, lambda: {"name": 1}, lambda: (1, 2), lambda: Color,
    lambda: Dog(3), Cat, lambda: Labelled("a", "b"), lambda: _two, lambda: [None],
    lambda: Held(1, ["x"]), lambda: Weighed("x"), lambda: collections.deque([1]),
    lambda: Model.model_construct(size="x"), lambda: datetime.datetime(2026, 1, 1),
    lambda: frozenset({1}), lambda: collections.Counter("ab"), lambda: {1: 1}, lambda: range(3),
    lambda: Color.BLUE, lambda: int, lambda: iter([1]),
]  # fmt: skip


def random_kind(r: random.Random, depth: int = 3) -> Kind:
    """Return a random type."""
    if depth == 0 or r.random() < 0.25:
        return r.choice(LEAVES)
    return r.choice(_MAKERS)(r, depth - 1)


def _sequence(annotation: Any, build: Any, *accepted: type) -> Callable[[random.Random, int], Kind]:
    def make(r: random.Random, depth: int) -> Kind:
        item = random_kind(r, depth)

        def fits(value: Any) -> bool:
            if isinstance(value, (str, bytes)) and str in accepted:
                parts = list(value)
                return all(map(item.fits, parts[:1]))
            return isinstance(value, accepted) and all(map(item.fits, value))

        return Kind(
            annotation[item.annotation],
            lambda r: build(item.make(r) for _ in range(r.randrange(4))),
            fits,
        )

    return make


def _hashable(r: random.Random) -> Kind:
    plain = (int, str, bool, float, bytes, None, Path, Color, UserId)
    return r.choice([kind for kind in LEAVES if kind.annotation in plain])


def _set(annotation: Any, build: Any) -> Callable[[random.Random, int], Kind]:
    def make(r: random.Random, depth: int) -> Kind:
        item = _hashable(r)
        return Kind(
            annotation[item.annotation],
            lambda r: build(item.make(r) for _ in range(r.randrange(3))),
            lambda v: isinstance(v, build) and all(map(item.fits, v)),
        )

    return make


def _mapping(annotation: Any, build: Any, *accepted: type) -> Any:
    def make(r: random.Random, depth: int) -> Kind:
        key, item = _hashable(r), random_kind(r, depth)
        return Kind(
            annotation[key.annotation, item.annotation],
            lambda r: build((key.make(r), item.make(r)) for _ in range(r.randrange(3))),
            lambda v: (
                isinstance(v, accepted)
                and all(map(key.fits, v))
                and all(map(item.fits, v.values()))
            ),
        )

    return make


def _tuple(r: random.Random, depth: int) -> Kind:
    items = [random_kind(r, depth) for _ in range(r.randrange(4))]
    annotation = tuple[tuple(i.annotation for i in items)] if items else tuple[()]
    return Kind(
        annotation,
        lambda r: tuple(i.make(r) for i in items),
        lambda v: (
            isinstance(v, tuple)
            and len(v) == len(items)
            and all(i.fits(x) for i, x in zip(items, v, strict=True))
        ),
    )


def _spread(r: random.Random, depth: int) -> Kind:
    first, middle, last = (random_kind(r, depth) for _ in range(3))
    return Kind(
        tuple[first.annotation, *tuple[middle.annotation, ...], last.annotation],
        lambda r: (
            first.make(r),
            *(middle.make(r) for _ in range(r.randrange(3))),
            last.make(r),
        ),
        lambda v: (
            isinstance(v, tuple)
            and len(v) >= 2
            and first.fits(v[0])
            and last.fits(v[-1])
            and all(map(middle.fits, v[1:-1]))
        ),
    )


def _union(r: random.Random, depth: int) -> Kind:
    options = [random_kind(r, depth) for _ in range(r.randint(2, 3))]
    return Kind(
        Union[tuple(o.annotation for o in options)],
        lambda r: r.choice(options).make(r),
        lambda v: any(o.fits(v) for o in options),
    )


def _optional(r: random.Random, depth: int) -> Kind:
    inner = random_kind(r, depth)
    return Kind(
        Optional[inner.annotation],
        lambda r: inner.make(r) if r.random() < 0.7 else None,
        lambda v: v is None or inner.fits(v),
    )


def _annotated(r: random.Random, depth: int) -> Kind:
    inner = random_kind(r, depth)
    return inner._replace(annotation=Annotated[inner.annotation, "words", ("more",)])


def _held(r: random.Random, depth: int) -> Kind:
    inner = random_kind(r, depth)
    return Kind(
        Held[inner.annotation],
        lambda r: Held(inner.make(r), [inner.make(r) for _ in range(r.randrange(3))]),
        lambda v: isinstance(v, Held) and inner.fits(v.value) and all(map(inner.fits, v.more)),
    )


def _weighed(r: random.Random, depth: int) -> Kind:
    inner = random_kind(r, depth)
    return Kind(
        Weighed[inner.annotation],
        lambda r: Weighed(inner.make(r)),
        lambda v: isinstance(v, Weighed) and inner.fits(v.value),
    )


_MAKERS: list[Callable[[random.Random, int], Kind]] = [
    _sequence(list, list, list),
    _sequence(typing.List, list, list),
    _sequence(collections.deque, collections.deque, collections.deque),
    _sequence(
        abc.Sequence, list, list, tuple, collections.deque, str, bytes, bytearray, range
    ),
    _set(set, set),
    _set(frozenset, frozenset),
    _mapping(dict, dict, dict),
    _mapping(abc.Mapping, dict, abc.Mapping),
    _mapping(typing.Dict, dict, dict),
    lambda r, depth: _variadic(r, depth),
    _tuple, _spread, _union, _optional, _annotated, _held, _weighed,
]  # fmt: skip


def _variadic(r: random.Random, depth: int) -> Kind:
    item = random_kind(r, depth)
    return Kind(
        tuple[item.annotation, ...],
        lambda r: tuple(item.make(r) for _ in range(r.randrange(4))),
        lambda v: isinstance(v, tuple) and all(map(item.fits, v)),
    )


def spoiled(r: random.Random, value: Any) -> Any:
    """Return a copy of a value with one of its parts replaced by something odd."""
    odd = r.choice(ODD_VALUES)()
    if r.random() < 0.3:
        return odd
    if isinstance(value, list) and value:
        at_ = r.randrange(len(value))
        return [*value[:at_], spoiled(r, value[at_]), *value[at_ + 1 :]]
    if type(value) is tuple and value:
        at_ = r.randrange(len(value))
        return (*value[:at_], spoiled(r, value[at_]), *value[at_ + 1 :])
    if type(value) is dict and value:
        key = r.choice(list(value))
        return {**value, key: spoiled(r, value[key])}
    if isinstance(value, Held):
        return Held(spoiled(r, value.value), value.more)
    if isinstance(value, Weighed):
        return Weighed(spoiled(r, value.value))
    return odd
