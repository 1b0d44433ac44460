"""`default="rich"`: what is written, what is not, and that the typed reader reads it again."""

import collections
import dataclasses
import datetime as dt
import enum
import fractions
import io
import ipaddress
import pathlib
import types
import uuid
from decimal import Decimal
from typing import Any, NamedTuple

import names
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cannery import json, jsonl

numpy = pytest.importorskip("numpy")
attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    when: dt.date | None = None


class Pair(NamedTuple):
    a: int
    b: Point


class Struct(msgspec.Struct, tag="s", rename="camel"):
    foo_bar: int
    left_out: int | msgspec.UnsetType = msgspec.UNSET


class Row(msgspec.Struct, array_like=True):
    a: int
    b: Decimal


@attrs.define
class Attrs:
    x: int


class Model(pydantic.BaseModel):
    a: int
    when: dt.date


#: A value, and its JSON.
WRITTEN = [
    (Decimal("1.10"), "1.10"),
    (Decimal("1E+30"), "1E+30"),
    (Decimal("-0.10000000000000000000000000001"), "-0.10000000000000000000000000001"),
    (dt.datetime(2026, 1, 2, 3, 4, 5, 6, dt.UTC), '"2026-01-02T03:04:05.000006+00:00"'),
    (dt.date(2026, 1, 2), '"2026-01-02"'),
    (dt.time(3, 4), '"03:04:00"'),
    (dt.timedelta(days=-1, microseconds=1), '"-PT86399.999999S"'),
    (dt.timedelta(days=3), '"P3D"'),
    (dt.timedelta(0), '"PT0S"'),
    (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
    (pathlib.PurePosixPath("/a/b"), '"/a/b"'),
    (fractions.Fraction(1, 3), '"1/3"'),
    (ipaddress.IPv4Address("127.0.0.1"), '"127.0.0.1"'),
    (b"\xff\x00", '"/wA="'),
    ({3, 1, 2}, "[1, 2, 3]"),
    (frozenset({"b", "a"}), '["a", "b"]'),
    (collections.deque([1, 2]), "[1, 2]"),
    (types.MappingProxyType({"a": {1}}), '{"a": [1]}'),
    (Color.RED, '"red"'),
    (Level.LOW, "1"),
    (Point(1, dt.date(2026, 1, 2)), '{"x": 1, "when": "2026-01-02"}'),
    (Pair(1, Point(2)), '[1, {"x": 2, "when": null}]'),
    (Struct(1), '{"type": "s", "fooBar": 1}'),
    (Row(1, Decimal("2.50")), "[1, 2.50]"),
    (Attrs(1), '{"x": 1}'),
    (Model(a=1, when=dt.date(2026, 1, 2)), '{"a": 1, "when": "2026-01-02"}'),
    # numpy
    (numpy.arange(6).reshape(2, 3), "[[0, 1, 2], [3, 4, 5]]"),
    (numpy.asfortranarray([[1.5, 2], [3, 4]]), "[[1.5, 2.0], [3.0, 4.0]]"),
    (numpy.array([0.1], "f4"), "[0.1]"),
    (numpy.array([True, False]), "[true, false]"),
    (numpy.arange(6)[::2], "[0, 2, 4]"),
    (numpy.array([1, 2], ">i2"), "[1, 2]"),
    (numpy.array(1.5), "1.5"),
    (numpy.zeros((2, 0)), "[[], []]"),
    (numpy.array(["a", "bc"]), '["a", "bc"]'),
    (numpy.array(["2026-01-02"], "M8[D]"), '["2026-01-02"]'),
    (numpy.array([{1}], object), "[[1]]"),
    (numpy.float32(0.1), "0.1"),
    (numpy.float64(0.1), "0.1"),
    (numpy.int8(-3), "-3"),
    (numpy.uint64(2**64 - 1), "18446744073709551615"),
    (numpy.bool_(True), "true"),
    (numpy.str_("a"), '"a"'),
    (numpy.datetime64("2026-01-02"), '"2026-01-02"'),
    # inside one another, and as keys
    ([Point(1), {"a": (Color.RED, Decimal("0"))}], '[{"x": 1, "when": null}, {"a": ["red", 0]}]'),
    ({uuid.UUID(int=1): 1}, '{"00000000-0000-0000-0000-000000000001": 1}'),
    ({Color.RED: 1, dt.date(2026, 1, 2): 2}, '{"red": 1, "2026-01-02": 2}'),
    ({Decimal("1.50"): 1, numpy.int64(3): 2}, '{"1.50": 1, "3": 2}'),
]


@pytest.mark.parametrize(
    ("value", "text"), WRITTEN, ids=[names.lasting(value) for value, _ in WRITTEN]
)
def test_values_that_have_an_obvious_form(value, text):
    assert json.dumps(value, default="rich") == text
    compact = json.dumps(value, default="rich", separators=(",", ":"))
    assert json.encode(value, default="rich") == compact.encode()
    file = io.StringIO()
    json.dump(value, file, default="rich")
    assert file.getvalue() == text
    assert jsonl.dumps([value], default="rich") == compact + "\n"


@pytest.mark.parametrize("value", [value for value, _ in WRITTEN], ids=names.lasting)
def test_nothing_is_written_so_silently(value):
    plain = (Level, numpy.float64, numpy.str_)
    if isinstance(value, plain):  # ints, floats and texts by their own account
        return
    with pytest.raises(TypeError):
        json.dumps(value)


@pytest.mark.parametrize("value", [object(), 1j, print, int, {(1, 2): 3}, {Point(1): 2}])
def test_values_without_an_obvious_form_are_refused(value):
    with pytest.raises(TypeError, match=r"not JSON serializable|keys must be"):
        json.dumps(value, default="rich")


def test_other_names_are_no_default():
    assert json.dumps(1, default="rich") == "1"
    with pytest.raises(ValueError, match='default must be a function or "rich"'):
        json.dumps(object(), default="poor")  # pyright: ignore


def test_what_is_not_finite_follows_the_policy():
    values = [Decimal("NaN"), numpy.float32("inf"), numpy.array([-numpy.inf])]
    assert json.encode(values, default="rich", nan="null") == b"[null,null,[null]]"
    assert json.dumps(values, default="rich") == "[NaN, Infinity, [-Infinity]]"
    for value in values:
        with pytest.raises(ValueError, match="Out of range"):
            json.encode(value, default="rich")


def test_errors_name_the_path():
    with pytest.raises(TypeError) as caught:
        json.dumps({"rows": [Attrs(object())]}, default="rich")  # pyright: ignore
    assert caught.value.path == "$.rows[0].x"


def test_a_cycle_is_found():
    point = types.SimpleNamespace()
    loop: list[Any] = []
    loop.append(types.MappingProxyType({"loop": loop}))
    assert point is not None
    with pytest.raises(ValueError, match="Circular"):
        json.dumps(loop, default="rich")


def test_a_class_of_ones_own_encoder():
    assert json.JSONEncoder(default="rich").encode(Point(1)) == '{"x": 1, "when": null}'
    assert json.dumps({1}, default="rich", cls=json.JSONEncoder) == "[1]"


def test_a_key_that_changes_its_dictionary():
    class Treacherous(enum.Enum):
        A = 1

        @property
        def value(self):
            data.clear()
            data["other"] = object()
            return "a"

    data: dict[Any, Any] = {Treacherous.A: ["x" * 1000]}
    assert json.dumps(data, default="rich") == json.dumps({"a": ["x" * 1000]})


@dataclasses.dataclass
class Everything:
    i: int
    f: float
    s: str
    b: bytes
    d: Decimal
    at: dt.datetime
    day: dt.date
    time: dt.time
    span: dt.timedelta
    id: uuid.UUID
    path: pathlib.PurePosixPath
    part: fractions.Fraction
    color: Color
    level: Level
    tags: frozenset[str]
    pair: tuple[int, str]
    by_day: dict[dt.date, list[int]]
    by_number: dict[int, Decimal]
    maybe: Point | None


moments = st.datetimes(
    timezones=st.none() | st.just(dt.UTC) | st.just(dt.timezone(dt.timedelta(hours=5)))
)
moments = moments.map(lambda moment: moment.replace(fold=0))
texts = st.text(st.characters(exclude_categories=["Cs"]))
decimals = st.decimals(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Everything,
        f=st.floats(allow_nan=False, allow_infinity=False),
        s=texts,
        d=decimals,
        at=moments,
        span=st.timedeltas(),
        time=st.times().map(lambda time: time.replace(fold=0)),
        path=st.sampled_from(["/a", "b/c", "."]).map(pathlib.PurePosixPath),
        color=st.just(Color.RED),
        level=st.just(Level.LOW),
        tags=st.frozensets(texts),
        pair=st.tuples(st.integers(), texts),
        by_number=st.dictionaries(st.integers(), decimals),
    )
)
def test_what_is_written_reads_back(value):
    data = json.encode(value, default="rich")
    again = json.decode(data, type=Everything)
    assert again == value
    for field in dataclasses.fields(value):
        assert type(getattr(again, field.name)) is type(getattr(value, field.name))
    assert jsonl.loads(jsonl.dumps([value], default="rich"), type=Everything) == [value]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_arrays_read_back(items):
    array = numpy.array(items, "f4")
    again = json.decode(
        json.encode(array, default="rich"), type=numpy.typing.NDArray[numpy.float32]
    )
    assert again.dtype == numpy.float32
    assert numpy.array_equal(again, array)


def test_arrays_of_other_numbers_are_refused():
    type = numpy.typing.NDArray[numpy.uint8]
    assert json.decode("[1, 255]", type=type).tolist() == [1, 255]
    for document in ("[256]", "[-1]", "[1.5]", '["1"]', "[[1], [1, 2]]"):
        with pytest.raises(ValueError, match="expected ndarray of uint8"):
            json.decode(document, type=type)
