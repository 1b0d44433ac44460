"""Typed decoding: what each kind of annotation makes of a document, and what it says otherwise."""

import collections
import dataclasses
import datetime as dt
import enum
import fractions
import gc
import ipaddress
import pathlib
import sys
import threading
import types
import uuid
import zoneinfo
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

from cannery import json
from cannery.errors import DataTypeError, MismatchError

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")
annotated_types = pytest.importorskip("annotated_types")

T = TypeVar("T")
UserId = NewType("UserId", int)


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


@dataclasses.dataclass(slots=True, frozen=True, kw_only=True)
class Slots:
    a: int
    b: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Derived(Point):
    z: str = "z"
    made: int = dataclasses.field(init=False, default=7)
    late: int = dataclasses.field(init=False)

    def __post_init__(self):
        self.late = self.x * 2


@dataclasses.dataclass
class Checked:
    x: int

    def __post_init__(self):
        if self.x < 0:
            raise ValueError("x must not be negative")


@dataclasses.dataclass
class OwnInit:
    x: int

    def __init__(self, x):
        self.x = x + 1


@dataclasses.dataclass
class OwnSetter:
    x: int

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value * 10)


@dataclasses.dataclass
class Node:
    name: str
    children: "list[Node]" = dataclasses.field(default_factory=list)
    parent: "Node | None" = None


@dataclasses.dataclass
class WithInitVar:
    x: int
    seed: dataclasses.InitVar[int] = 0


@dataclasses.dataclass
class Box(Generic[T]):
    item: T
    more: dict[str, T] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class IntBox(Box[int]):
    label: str = ""


@dataclasses.dataclass
class Cat:
    kind: Literal["cat"]
    lives: int = 9


@dataclasses.dataclass
class Dog:
    kind: Literal["dog", "puppy"]
    owner: Cat | None = None


@dataclasses.dataclass
class Deep:
    kind: Literal["dog"]
    child: "Deep | Cat | None" = None


@dataclasses.dataclass
class Version:
    version: Literal[1]
    v: int


@dataclasses.dataclass
class NewVersion:
    version: Literal[2, 3]
    w: int


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Partial(TypedDict, total=False):
    title: Required[str]
    year: int


class GenericMovie(TypedDict, Generic[T]):
    value: T


class Pair(NamedTuple):
    left: int
    right: str = "r"


Untyped = collections.namedtuple("Untyped", "a b")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"  # noqa: PIE796


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    ONE = 1
    TEXT = "one"
    REAL = 0.5
    NOTHING = None


class Perm(enum.Flag):
    R = 1
    W = 2


class Lenient(enum.Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value):
        return cls.A if value == "A" else None


class Struct(msgspec.Struct, tag="s", rename="camel", frozen=True):
    foo_bar: int
    items: list[int] = []  # noqa: RUF012


class Other(msgspec.Struct, tag="other"):
    q: int = 0


class Row(msgspec.Struct, array_like=True):
    a: int
    b: str = "b"


class TaggedRow(msgspec.Struct, array_like=True, tag="row"):
    a: int


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    a: int


class PostStruct(msgspec.Struct, gc=False):
    a: int
    b: int | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self):
        self.a += 1


@attrs.define
class Attrs:
    x: int = attrs.field(validator=attrs.validators.ge(0))
    _private: str = "p"
    made: list[int] = attrs.field(factory=list, init=False)


@attrs.frozen
class Converted:
    x: int = attrs.field(converter=lambda value: value * 2)


class Model(pydantic.BaseModel):
    a: int
    when: dt.date | None = None
    inner: "list[Model]" = []  # noqa: RUF012


class Renamed(pydantic.BaseModel):
    name: str = pydantic.Field(alias="theName")


@pydantic.dataclasses.dataclass
class PydanticDataclass:
    a: int


utc = dt.UTC

#: A type, a document, and what it means.
GOOD = [
    # scalars
    (int, "12", 12),
    (int, "-123456789012345678901234567890", -123456789012345678901234567890),
    (float, "1.5", 1.5),
    (float, "2", 2.0),
    (float, "123456789012345678901", 1.2345678901234568e20),
    (bool, "true", True),
    (str, '"é\\n"', "é\n"),
    (str, '"\\ud800"', "\ud800"),
    (types.NoneType, "null", None),
    (Any, '{"a": [1, null, "x"]}', {"a": [1, None, "x"]}),
    (object, "1", 1),
    (UserId, "3", 3),
    (Annotated[int, "a note"], "3", 3),
    (bytes, '"aGk="', b"hi"),
    (bytes, '"-_8"', b"\xfb\xff"),
    (bytearray, '"aGk="', bytearray(b"hi")),
    (Decimal, "1.10", Decimal("1.10")),
    (Decimal, "0.1000000000000000000000000000001", Decimal("0.1000000000000000000000000000001")),
    (Decimal, "123", Decimal("123")),
    (Decimal, '"1E+3"', Decimal("1E+3")),
    (dict[str, Decimal | None], '{"a": 1.0, "b": null}', {"a": Decimal("1.0"), "b": None}),
    (tuple[Decimal, float, int], "[1.50, 1.50, 7]", (Decimal("1.50"), 1.5, 7)),
    (fractions.Fraction, '"1/3"', fractions.Fraction(1, 3)),
    (
        uuid.UUID,
        '"12345678-1234-5678-1234-56781234ABCD"',
        uuid.UUID(int=0x1234567812345678123456781234ABCD),
    ),
    (
        uuid.UUID,
        '"12345678123456781234567812345678"',
        uuid.UUID(int=0x12345678123456781234567812345678),
    ),
    (pathlib.Path, '"/tmp/a"', pathlib.Path("/tmp/a")),
    (ipaddress.IPv4Address, '"127.0.0.1"', ipaddress.IPv4Address("127.0.0.1")),
    (zoneinfo.ZoneInfo, '"UTC"', zoneinfo.ZoneInfo("UTC")),
    # dates and times
    (dt.datetime, '"2026-11-21T10:11:12Z"', dt.datetime(2026, 11, 21, 10, 11, 12, tzinfo=utc)),
    (dt.datetime, '"2026-11-21t10:11:12.5z"', dt.datetime(2026, 11, 21, 10, 11, 12, 500000, utc)),
    (dt.datetime, '"2026-11-21 10:11"', dt.datetime(2026, 11, 21, 10, 11)),
    (
        dt.datetime,
        '"2026-11-21T10:11:12.123456789-05:30"',
        dt.datetime(2026, 11, 21, 10, 11, 12, 123456, dt.timezone(-dt.timedelta(hours=5.5))),
    ),
    (dt.datetime, '"20261121T101112"', dt.datetime(2026, 11, 21, 10, 11, 12)),
    (dt.date, '"2026-02-28"', dt.date(2026, 2, 28)),
    (dt.date, '"2026-W01-1"', dt.date(2025, 12, 29)),
    (dt.time, '"10:11:12.000001"', dt.time(10, 11, 12, 1)),
    (dt.time, '"10:11:12+00:00"', dt.time(10, 11, 12, tzinfo=utc)),
    (dt.timedelta, '"P1DT2H3M4.5S"', dt.timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
    (dt.timedelta, '"-P2W"', dt.timedelta(weeks=-2)),
    # containers
    (list[int], "[1, 2]", [1, 2]),
    (list, '[1, "a"]', [1, "a"]),
    (Sequence[int], "[1]", [1]),
    (set[int], "[1, 1, 2]", {1, 2}),
    (frozenset[str], '["a"]', frozenset({"a"})),
    (tuple[int, ...], "[1, 2]", (1, 2)),
    (tuple[int, str], '[1, "a"]', (1, "a")),
    (tuple[()], "[]", ()),
    (tuple, "[1]", (1,)),
    (collections.deque[int], "[1]", collections.deque([1])),
    (dict[str, int], '{"a": 1}', {"a": 1}),
    (dict, '{"a": 1}', {"a": 1}),
    (Mapping[str, list[int]], '{"a": [1]}', {"a": [1]}),
    (dict[int, int], '{"1": 2, "-3": 4}', {1: 2, -3: 4}),
    (dict[float, int], '{"1.5": 2, "3": 4}', {1.5: 2, 3.0: 4}),
    (dict[bool, int], '{"true": 2}', {True: 2}),
    (dict[int | None, int], '{"null": 2, "3": 4}', {None: 2, 3: 4}),
    (dict[Color, int], '{"red": 1}', {Color.RED: 1}),
    (dict[Level, int], '{"2": 1}', {Level.HIGH: 1}),
    (dict[dt.date, int], '{"2026-01-02": 1}', {dt.date(2026, 1, 2): 1}),
    (dict[Decimal, int], '{"1.50": 1}', {Decimal("1.50"): 1}),
    (dict[uuid.UUID, int], f'{{"{uuid.UUID(int=5)}": 1}}', {uuid.UUID(int=5): 1}),
    (collections.OrderedDict[str, int], '{"a": 1}', collections.OrderedDict(a=1)),
    (collections.Counter[str], '{"a": 1}', collections.Counter("a")),
    (collections.defaultdict[str, list[int]], '{"a": [1]}', collections.defaultdict(list, a=[1])),
    (types.MappingProxyType[str, int], '{"a": 1}', types.MappingProxyType({"a": 1})),
    # unions and literals
    (Optional[int], "null", None),  # noqa: UP045
    (Union[int, str], '"a"', "a"),  # noqa: UP007
    (int | float, "1", 1),
    (int | float, "1.0", 1.0),
    (int | list[int] | dict[str, int] | None, '{"a": 1}', {"a": 1}),
    (Literal["a", 1, None, True], "1", 1),
    (Literal["a", 1, None, True], "true", True),
    (Literal["a"] | Literal["b"], '"b"', "b"),
    (Literal["a"] | str, '"c"', "c"),
    (str | Any, "1", 1),
    # enums
    (Color, '"blue"', Color.BLUE),
    (Level, "2", Level.HIGH),
    (list[Mixed], '[1, "one", 0.5, null]', [*Mixed]),
    (Perm, "3", Perm.R | Perm.W),
    (Lenient, '"A"', Lenient.A),
    (Literal[Color.RED], '"red"', Color.RED),
    # dataclasses
    (Point, '{"x": 1, "y": 2}', Point(1, 2.0)),
    (Point, '{"y": 2.5, "other": [{"x": 1}], "x": 1}', Point(1, 2.5)),
    (Slots, '{"a": 1}', Slots(a=1)),
    (Slots, '{"b": ["x"], "a": 1}', Slots(a=1, b=["x"])),
    (Derived, '{"x": 2}', Derived(2)),
    (Derived, '{"x": 2, "made": 5}', Derived(2)),
    (OwnInit, '{"x": 1}', OwnInit(1)),
    (OwnSetter, '{"x": 1}', OwnSetter(1)),
    (Node, '{"name": "a", "children": [{"name": "b"}]}', Node("a", [Node("b")])),
    (Box[int], '{"item": 1, "more": {"a": 2}}', Box(1, {"a": 2})),
    (Box[list[Point]], '{"item": [{"x": 1}]}', Box([Point(1)])),
    (Box, '{"item": "anything"}', Box("anything")),
    (IntBox, '{"item": 1, "label": "l"}', IntBox(1, {}, "l")),
    # tags
    (Cat | Dog, '{"kind": "cat", "lives": 3}', Cat("cat", 3)),
    (list[Cat | Dog], '[{"kind": "puppy"}]', [Dog("puppy")]),
    (Cat | Dog | None, '{"owner": {"kind": "cat"}, "kind": "dog"}', Dog("dog", Cat("cat"))),
    (Version | NewVersion, '{"w": 1, "version": 3}', NewVersion(3, 1)),
    (Struct | Other, '{"type": "other", "q": 1}', Other(1)),
    (Struct | Other, '{"q": [], "fooBar": 1, "type": "s"}', Struct(1)),
    # other classes with fields
    (Movie, '{"title": "t", "more": 1}', {"title": "t"}),
    (Movie, '{"title": "t", "year": 1}', {"title": "t", "year": 1}),
    (Partial, '{"title": "t"}', {"title": "t"}),
    (GenericMovie[int], '{"value": 1}', {"value": 1}),
    (Pair, '[1, "x"]', Pair(1, "x")),
    (Pair, "[1]", Pair(1)),
    (Pair, '{"left": 1}', Pair(1)),
    (Untyped, '[1, "x"]', Untyped(1, "x")),
    (Struct, '{"fooBar": 1, "items": [2]}', Struct(1, [2])),
    (Struct, '{"type": "s", "fooBar": 1}', Struct(1)),
    (Row, '[1, "x", "ignored"]', Row(1, "x")),
    (Row, "[1]", Row(1)),
    (TaggedRow, '["row", 1]', TaggedRow(1)),
    (PostStruct, '{"a": 1}', PostStruct(1)),
    (Attrs, '{"x": 1, "_private": "q"}', Attrs(1, "q")),
    (Converted, '{"x": 2}', Converted(2)),
    (Model, '{"a": 1, "when": "2026-01-02"}', Model(a=1, when=dt.date(2026, 1, 2))),
    (
        list[Model | None],
        '[{"a": 1, "inner": [{"a": 2}]}, null]',
        [Model(a=1, inner=[Model(a=2)]), None],
    ),
    (Renamed, '{"theName": "n"}', Renamed(theName="n")),
    (PydanticDataclass, '{"a": 1}', PydanticDataclass(1)),
    # constraints
    (Annotated[int, annotated_types.Ge(0)], "0", 0),
    (Annotated[int, annotated_types.Interval(gt=0, lt=9)] | None, "null", None),
    (Annotated[str, msgspec.Meta(pattern="^a", max_length=3)], '"abc"', "abc"),
    (Annotated[list[int], pydantic.Field(min_length=1)], "[1]", [1]),
    (Annotated[int, annotated_types.Predicate(lambda value: value > 3)], "4", 4),
]


@pytest.mark.parametrize(("type", "document", "value"), GOOD)
def test_documents_that_fit(type, document, value):
    for data in (document, document.encode(), f" {document}\n".encode()):
        decoded = json.decode(data, type=type)
        assert decoded == value
        assert repr(decoded) == repr(value)
    assert json.loads(document, type=type) == value


#: A type, a document, and what is said about it.
BAD = [
    (int, '"1"', "$: expected int, got str at line 1 column 1"),
    (int, "true", "$: expected int, got bool at line 1 column 1"),
    (int, "1.0", "$: expected int, got float at line 1 column 1"),
    (int, "null", "$: expected int, got None at line 1 column 1"),
    (float, '"1"', "$: expected float, got str at line 1 column 1"),
    (str, "1", "$: expected str, got int at line 1 column 1"),
    (bool, "1", "$: expected bool, got int at line 1 column 1"),
    (types.NoneType, "1", "$: expected None, got int at line 1 column 1"),
    (int | None, '{"a": 1}', "$: expected int | None, got dict at line 1 column 1"),
    (list[int], "[1,\n  [2]]", "$[1]: expected int, got list at line 2 column 3"),
    (list[int], '"a"', "$: expected list[int], got str at line 1 column 1"),
    (dict[str, int], '{"a b": null}', '$["a b"]: expected int, got None at line 1 column 9'),
    (
        dict[str, list[Point]],
        '{"k": [{"x": 1}, {"x": ""}]}',
        "$.k[1].x: expected int, got str at line 1 column 24",
    ),
    (dict[int, int], '{"a": 1}', "$: expected int as a key, got `a` at line 1 column 2"),
    (dict[int, int], '{"1": ""}', "$[1]: expected int, got str at line 1 column 7"),
    (dict[dt.date, int], '{"x": 1}', "$: expected date, got `x` at line 1 column 2"),
    (tuple[int, str], "[1]", "$: expected 2 items, got 1 at line 1 column 3"),
    (tuple[int, str], '[1, "", 2]', "$: expected 2 items, got more at line 1 column 9"),
    (tuple[int, str], "[1, 2]", "$[1]: expected str, got int at line 1 column 5"),
    (set[Point], '[{"x": 1}]', "$: unhashable type: 'Point' at line 1 column 10"),
    (Color, '"green"', "$: expected Color, got `green` at line 1 column 1"),
    (Level, "3", "$: expected Level, got 3 at line 1 column 1"),
    (Lenient, '"b"', "$: expected Lenient, got `b` at line 1 column 1"),
    (Literal["a", 1], '"b"', "$: expected one of 'a', 1, got `b` at line 1 column 1"),
    (Literal["a"], "1", "$: expected 'a', got int at line 1 column 1"),
    (
        dt.datetime,
        '"2026-13-01T00:00:00"',
        "$: expected datetime, got `2026-13-01T00:00:00` at line 1 column 1",
    ),
    (dt.date, '"nonsense"', "$: expected date, got `nonsense` at line 1 column 1"),
    (dt.timedelta, '"1 day"', "$: expected timedelta, got `1 day` at line 1 column 1"),
    (uuid.UUID, '"x"', "$: expected UUID, got `x` at line 1 column 1"),
    (Decimal, '"x"', "$: expected Decimal, got `x` at line 1 column 1"),
    (bytes, '"?"', "$: expected bytes, got `?` at line 1 column 1"),
    (uuid.UUID, f'"{"x" * 50}"', f"$: expected UUID, got `{'x' * 40}...` at line 1 column 1"),
    (Point, "[]", "$: expected Point, got list at line 1 column 1"),
    (Point, '{"y": 1}', "$: the field `x` of Point is missing at line 1 column 8"),
    (list[Point], '[{"x": 1}, {}]', "$[1]: the field `x` of Point is missing at line 1 column 12"),
    (Checked, '{"x": -1}', "$: x must not be negative at line 1 column 9"),
    (
        Node,
        '{"name": "a", "children": [{"name": "b", "parent": 1}]}',
        "$.children[0].parent: expected Node | None, got int at line 1 column 52",
    ),
    (Box[int], '{"item": ""}', "$.item: expected int, got str at line 1 column 10"),
    (IntBox, '{"item": ""}', "$.item: expected int, got str at line 1 column 10"),
    (
        Cat | Dog,
        '{"lives": 1}',
        "$: the field `kind`, which tells Cat | Dog apart, is missing at line 1 column 12",
    ),
    (
        Cat | Dog,
        '{"kind": "cow"}',
        "$.kind: expected one of 'cat', 'dog', 'puppy', got `cow` at line 1 column 10",
    ),
    (
        Cat | Dog,
        '{"kind": ["cat"]}',
        "$.kind: expected one of 'cat', 'dog', 'puppy', got list at line 1 column 10",
    ),
    (
        Cat | Dog,
        '{"lives": "", "kind": "cat"}',
        "$.lives: expected int, got str at line 1 column 23",
    ),
    (Movie, "{}", "$: the field `title` of Movie is missing at line 1 column 1"),
    (Pair, "[]", "$: the field `left` of Pair is missing at line 1 column 1"),
    (Pair, "[1, 2]", "$[1]: expected str, got int at line 1 column 5"),
    (Struct, '{"type": "x"}', "$.type: expected 's', got `x` at line 1 column 10"),
    (Strict, '{"a": 1, "b": 2}', "$: Strict has no field `b` at line 1 column 10"),
    (TaggedRow, '["x", 1]', "$[0]: expected 'row', got `x` at line 1 column 2"),
    (Attrs, '{"x": -1}', "$: '_private' or '_x' or 'x'"),
    (
        list[Model],
        '[{"a": 1}, {"a": 1, "inner": [{"a": "x"}]}]',
        "$[1].inner[0].a: Input should be a valid integer, unable to parse string as an integer"
        " at line 1 column 42",
    ),
    (Annotated[int, annotated_types.Ge(5)], "4", "$: expected int >= 5, got 4 at line 1 column 1"),
    (
        list[Annotated[str, msgspec.Meta(min_length=2)]],
        '["a"]',
        "$[0]: expected str of length at least 2, got 'a' at line 1 column 2",
    ),
]


@pytest.mark.parametrize(("type", "document", "message"), BAD)
def test_documents_that_do_not_fit(type, document, message):
    with pytest.raises(MismatchError) as caught:
        json.decode(document, type=type)
    if type is Attrs:  # the words are attrs' own
        assert "x" in str(caught.value)
        return
    assert str(caught.value) == message
    assert caught.value.path == message.split(": ")[0]
    assert caught.value.line is not None


#: A type that no plan can be made for, and what is said about it.
REFUSED = [
    (Point | Slots, "cannot tell Point and Slots apart: both are objects in a document"),
    (str | dt.date, "cannot tell str and date apart: both are strings in a document"),
    (
        list[int] | set[str],
        "cannot tell list[int] and set[str] apart: both are arrays in a document",
    ),
    (Color | str, "cannot tell Color and str apart: both are strings in a document"),
    (
        Cat | dict[str, int],
        "cannot tell Cat and dict[str, int] apart: both are objects in a document",
    ),
    (Model | int, "cannot tell the types in Model | int apart"),
    (WithInitVar, "cannot decode into WithInitVar: `seed` is an InitVar, not a field"),
    (dict[tuple[int, int], int], "no key of an object in a document can be tuple[int, int]"),
    (threading.Thread, "cannot decode into threading.Thread: its fields are not declared"),
    ("Point", "the annotation 'Point' names nothing"),
]


@pytest.mark.parametrize(("type", "message"), REFUSED)
def test_types_that_no_document_can_hold(type, message):
    with pytest.raises(DataTypeError) as caught:
        json.decode("null", type=type)
    assert str(caught.value) == message


def test_a_refusal_names_the_field():
    @dataclasses.dataclass
    class Holder:
        bad: str | dt.date

    with pytest.raises(DataTypeError) as caught:
        json.decode("{}", type=Holder)
    assert "in the field `bad` of Holder" in caught.value.__notes__


def test_unknown_fields_are_errors_when_asked():
    with pytest.raises(MismatchError, match=r"^\$\[0\]: Point has no field `z` at ") as caught:
        json.decode('[{"x": 1, "z": 2}]', type=list[Point], unknown="error")
    assert caught.value.hint == "its fields are `x`, `y`"
    with pytest.raises(ValueError, match='unknown must be "ignore" or "error"'):
        json.decode("1", type=int, unknown="drop")


@pytest.mark.parametrize(
    ("type", "document", "value"),
    [
        (int, '"12"', 12),
        (int, "3.0", 3),
        (float, '"1.5"', 1.5),
        (bool, '"yes"', True),
        (bool, "0", False),
    ],
)
def test_lenient_decoding_takes_what_text_spells(type, document, value):
    assert json.decode(document, type=type, strict=False) == value
    with pytest.raises(MismatchError):
        json.decode(document, type=type)


def test_causes_and_positions_are_kept():
    with pytest.raises(MismatchError) as caught:
        json.decode('[\n  {"x": 1},\n  {"x": -1}]', type=list[Checked])
    error = caught.value
    assert isinstance(error, ValueError)
    assert isinstance(error, TypeError)
    assert isinstance(error.__cause__, ValueError)
    assert (error.path, error.line, error.column) == ("$[1]", 3, 11)


def test_other_exceptions_are_left_alone():
    @dataclasses.dataclass
    class Failing:
        x: int

        def __post_init__(self):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match=r"^no$"):
        json.decode('{"x": 1}', type=Failing)


def test_syntax_errors_are_what_they_are_without_a_type():
    with pytest.raises(json.JSONDecodeError, match="Expecting value"):
        json.decode('{"x": ', type=Point)
    with pytest.raises(RecursionError):
        json.decode("[" * 100_000, type=Any)


def test_hooks_and_types_do_not_go_together():
    with pytest.raises(TypeError, match="type= or hooks"):
        json.loads("1", type=int, parse_int=str)


def test_an_enormous_record():
    names = [f"field_{number}" for number in range(300)]
    big = dataclasses.make_dataclass("Big", [(name, int) for name in names])
    document = json.dumps({name: number for number, name in reversed(list(enumerate(names)))})
    assert json.decode(document, type=big) == big(*range(300))


def test_the_last_of_equal_keys_wins():
    assert json.decode('{"x": 1, "x": 2}', type=Point) == Point(2)
    assert json.decode('{"a": 1, "a": 2}', type=dict[str, int]) == {"a": 2}


def test_defaults_are_not_shared():
    first, second = json.decode('[{"a": 1}, {"a": 1}]', type=list[Slots])
    first.b.append("x")
    assert second.b == []


def test_keys_beyond_ascii():
    umlaut = dataclasses.make_dataclass("Umlaut", [("größe", int)])
    assert json.decode('{"größe": 1}', type=umlaut).größe == 1
    assert json.decode('{"gr\\u00f6\\u00dfe": 1}', type=umlaut).größe == 1


def test_deeply_nested_late_tags():
    document = '{"kind": "dog"}'
    for _ in range(200):
        document = f'{{"child": {document}, "kind": "dog"}}'
    value = json.decode(document, type=Deep | Cat)
    depth = 0
    while value.child is not None:
        value, depth = value.child, depth + 1
    assert depth == 200


Many = TypeAliasType("Many", list[T], type_params=(T,))


def test_type_aliases():
    assert json.decode("[1]", type=Many[int]) == [1]
    if sys.version_info >= (3, 12):  # before, an alias is no place for a name that comes later
        space: dict[str, Any] = {}
        exec("type Json = dict[str, Json] | list[Json] | int | None", space)
        assert json.decode('{"a": [1, {"b": null}]}', type=space["Json"]) == {"a": [1, {"b": None}]}
        with pytest.raises(MismatchError, match=r"^\$\.a\[0\]: expected "):
            json.decode('{"a": ["x"]}', type=space["Json"])


def test_threads_decode_at_the_same_time():
    document = json.dumps([{"name": "a", "children": [{"name": "b"}]}] * 200)
    expected = [Node("a", [Node("b")])] * 200
    failures = []

    def work():
        for _ in range(20):
            if json.decode(document, type=list[Node]) != expected:
                failures.append("a different value")

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == []


def test_nothing_is_leaked():
    animals = list[Cat | Dog]
    document = '[{"kind": "cat"}, {"lives": 1, "kind": "cat"}, {"kind": "dog", "owner": 3}]'
    for _ in range(3):
        with pytest.raises(MismatchError):
            json.decode(document, type=animals)
    gc.collect()
    before = len(gc.get_objects()), sys.getrefcount(Cat), sys.getrefcount(None)
    for _ in range(500):
        with pytest.raises(MismatchError):
            json.decode(document, type=animals)
        json.decode('{"name": "a", "children": [{"name": "b"}]}', type=Node)
    gc.collect()
    after = len(gc.get_objects()), sys.getrefcount(Cat), sys.getrefcount(None)
    assert after[0] - before[0] < 50
    assert after[1] == before[1]
    assert abs(after[2] - before[2]) < 200


def test_the_collector_is_on_afterwards():
    assert gc.isenabled()
    json.decode('[{"x": 1}]', type=list[Point])
    with pytest.raises(MismatchError):
        json.decode('[{"x": ""}]', type=list[Point])
    assert gc.isenabled()


finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_any_is_what_decoding_without_a_type_gives(value):
    document = json.dumps(value)
    assert repr(json.decode(document, type=Any)) == repr(json.decode(document))
    nested = json.decode(f'{{"item": {document}}}', type=Box)
    assert repr(nested.item) == repr(json.decode(document))


@given(
    values, st.sampled_from([Point, list[int], dict[str, int], Cat | Dog, tuple[int, str], Movie])
)
def test_every_document_fits_or_is_refused(value, type):
    document = json.dumps(value, allow_nan=True)
    try:
        decoded = json.loads(document, type=type)
    except MismatchError as error:
        assert (error.path or "").startswith("$")  # noqa: PT017
    else:
        assert json.loads(json.dumps(decoded, default="rich"), type=type) == decoded


@given(st.lists(st.tuples(st.integers(), st.floats(allow_nan=False, allow_infinity=False))))
def test_agrees_with_msgspec(pairs):
    class Twin(msgspec.Struct):
        x: int
        y: float

    pairs = [(x, y) for x, y in pairs if abs(x) < 2**63]
    document = json.encode([{"x": x, "y": y} for x, y in pairs])
    assert json.decode(document, type=list[Twin]) == msgspec.json.decode(document, type=list[Twin])
