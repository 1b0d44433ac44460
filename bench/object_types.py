"""Values of seventy types, each with its annotation and what makes two of them the same."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import pathlib
import re
import types
import typing
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """One type: how to make a value, its annotation, and whether two are the same."""

    make: Callable[[], Any]
    annotation: Any
    same: Callable[[Any, Any], bool]


KINDS: dict[str, Kind] = {}


def kind(name: str, make: Callable[[], Any], annotation: Any, same: Any = None) -> None:
    """Add a type to the table."""
    KINDS[name] = Kind(make, annotation, same or (lambda a, b: type(a) is type(b) and a == b))


@dataclasses.dataclass
class Box:
    x: float
    y: float


@dataclasses.dataclass
class Page:
    number: int
    boxes: list[Box]
    when: dt.datetime
    label: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: str


class Span(NamedTuple):
    low: int
    high: int


class Row(typing.TypedDict):
    a: int
    b: str


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Size(enum.StrEnum):
    SMALL = "s"
    LARGE = "l"


class Access(enum.IntFlag):
    READ = 4
    WRITE = 2


class Plain:
    def __init__(self, a: Any) -> None:
        self.a = a

    def __eq__(self, other: object) -> bool:
        return type(other) is Plain and other.a == self.a

    __hash__ = None  # pyright: ignore


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a: int, b: int) -> None:
        self.a, self.b = a, b

    def __eq__(self, other: object) -> bool:
        return type(other) is Slots and (other.a, other.b) == (self.a, self.b)

    __hash__ = None  # pyright: ignore


class Words(list):
    """A list with an attribute."""


def _words() -> Words:
    words = Words(["a", "b"])
    words.source = "page"
    return words


def _shared() -> Any:
    inner = [1]
    return {"a": inner, "b": inner}


def _cycle() -> Any:
    items: list[Any] = []
    items.append(items)
    return items


def _shown(a: Any, b: Any) -> bool:
    return type(a) is type(b) and repr(a) == repr(b)


def _is(a: Any, b: Any) -> bool:
    return a is b


PARIS = zoneinfo.ZoneInfo("Europe/Paris")
BIG = 2**80 + 1

kind("dataclass", lambda: Page(1, [Box(1.0, 2.0)], dt.datetime(2026, 1, 2, 3)), Page)
kind("frozen dataclass with slots", lambda: Frozen(1, "x"), Frozen)
kind("TypedDict", lambda: Row(a=1, b="x"), Row)
kind("NamedTuple", lambda: Span(1, 2), Span)
kind("Enum", lambda: Colour.BLUE, Colour, _is)
kind("StrEnum", lambda: Size.LARGE, Size, _is)
kind("IntFlag", lambda: Access.READ | Access.WRITE, Access)
kind("plain object", lambda: Plain([1]), Plain)
kind("object with slots", lambda: Slots(1, 2), Slots)
kind(
    "list subclass with an attribute",
    _words,
    Words,
    lambda a, b: _shown(a, b) and b.source == a.source,
)
kind("int beyond 64 bits", lambda: BIG, int)
kind("nan, inf, -0.0", lambda: [math.nan, -math.inf, -0.0], list[float], _shown)
kind("complex", lambda: 1 + 2j, complex)
kind("lone surrogate", lambda: "a\ud800", str)
kind("bytes", lambda: b"\x00\xff", bytes)
kind("bytearray", lambda: bytearray(b"\x00\xff"), bytearray)
kind("tuple", lambda: (1, "a"), tuple[int, str])
kind("set", lambda: {1, 2}, set[int])
kind("frozenset", lambda: frozenset({1, 2}), frozenset[int])
kind("range", lambda: range(1, 9, 2), range)
kind("slice", lambda: slice(1, 9, 2), slice)
kind("dict with int keys", lambda: {1: "a"}, dict[int, str])
kind("dict with tuple keys", lambda: {(1, 2): "a"}, dict[tuple[int, int], str])
kind("dict with None as key", lambda: {None: "a", "b": 1}, dict[Any, Any])
kind(
    "defaultdict",
    lambda: collections.defaultdict(list, a=[1]),
    collections.defaultdict[str, list[int]],
    _shown,
)
kind("OrderedDict", lambda: collections.OrderedDict(b=1, a=2), collections.OrderedDict[str, int])
kind("Counter", lambda: collections.Counter("aab"), collections.Counter[str])
kind("deque with maxlen", lambda: collections.deque([1, 2], 3), collections.deque[int], _shown)
kind(
    "ChainMap",
    lambda: collections.ChainMap({"a": 1}, {"b": 2}),
    collections.ChainMap[str, int],
    _shown,
)
kind("SimpleNamespace", lambda: types.SimpleNamespace(a=1), types.SimpleNamespace)
kind("datetime", lambda: dt.datetime(2026, 1, 2, 3, 4, 5, 678901), dt.datetime)
kind("datetime in UTC", lambda: dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.datetime, _shown)
kind("datetime in a zone", lambda: dt.datetime(2026, 7, 2, tzinfo=PARIS), dt.datetime, _shown)
kind("date", lambda: dt.date(2026, 1, 2), dt.date)
kind("time", lambda: dt.time(3, 4, 5, 6), dt.time)
kind("timedelta", lambda: dt.timedelta(2, 3, 4), dt.timedelta)
kind("Decimal", lambda: decimal.Decimal("1.10"), decimal.Decimal, _shown)
kind("Fraction", lambda: fractions.Fraction(1, 3), fractions.Fraction)
kind("UUID", lambda: uuid.UUID(int=12345), uuid.UUID)
kind("Path", lambda: pathlib.Path("scans/1.png"), pathlib.Path)
kind("IP network", lambda: ipaddress.ip_network("10.0.0.0/8"), ipaddress.IPv4Network)
kind("re.Pattern", lambda: re.compile("a+", re.IGNORECASE), re.Pattern)
kind("exception", lambda: ValueError("bad", 1), ValueError, _shown)
kind("class", lambda: Box, type, _is)
kind("a value twice", _shared, dict[str, list[int]], lambda a, b: a == b and b["a"] is b["b"])
kind("a cycle", _cycle, list, lambda _, b: type(b) is list and b[0] is b)

with contextlib.suppress(ImportError):
    import attrs

    @attrs.define
    class Attrs:
        a: int
        b: str

    kind("attrs", lambda: Attrs(1, "x"), Attrs)

with contextlib.suppress(ImportError):
    import pydantic

    class Model(pydantic.BaseModel):
        a: int
        b: str

    kind("pydantic", lambda: Model(a=1, b="x"), Model)

with contextlib.suppress(ImportError):
    import msgspec

    class Struct(msgspec.Struct):
        a: int
        b: str

    kind("msgspec", lambda: Struct(1, "x"), Struct)

with contextlib.suppress(ImportError):
    import numpy as np

    def _same_array(a: Any, b: Any) -> bool:
        alike = type(a) is type(b) and (a.dtype, a.shape) == (b.dtype, b.shape)
        order = alike and a.flags.f_contiguous == b.flags.f_contiguous
        return bool(order and a.tolist() == b.tolist())

    def array(name: str, make: Callable[[], Any], same: Any = _same_array) -> None:
        kind(f"array: {name}", make, np.ndarray, same)

    array("float32", lambda: np.arange(6, dtype="f4").reshape(2, 3))
    array("columns first", lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    array("without dimensions", lambda: np.array(3.5))
    array("big-endian", lambda: np.arange(3, dtype=">i4"))
    array("complex64", lambda: np.array([1 + 2j], "c8"))
    array("dates", lambda: np.array(["2026-01-02", "NaT"], "M8[D]"), lambda a, b: _shown(a, b))
    array("text", lambda: np.array(["ab", "c"]))
    array("StringDType", lambda: np.array(["ab", "c"], dtype=np.dtypes.StringDType()))
    array("objects", lambda: np.array([1, "a", None], dtype=object))
    array("records", lambda: np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")]))
    array(
        "masked",
        lambda: np.ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=9),
        lambda a, b: _shown(a, b),
    )
    kind("NumPy scalar", lambda: np.float32(1.5), np.float32)
    kind("NumPy dtype", lambda: np.dtype([("a", "i4")]), np.dtype)

with contextlib.suppress(ImportError):
    import pandas as pd

    def _same_frame(a: Any, b: Any) -> bool:
        pd.testing.assert_frame_equal(a, b)
        return a.attrs == b.attrs and all(
            type(x) is type(y) for x, y in zip(a.to_numpy().flat, b.to_numpy().flat, strict=True)
        )

    def _frame() -> Any:
        zoned = pd.to_datetime(["2026-01-01", "2026-01-02"]).tz_localize("Europe/Paris")
        kinds = pd.Categorical(["x", "y"], ordered=True)
        return pd.DataFrame({"i": [1, 2], "s": ["a", None], "c": kinds, "t": zoned})

    def _indexed() -> Any:
        index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])
        frame = pd.DataFrame({"v": [1.0, 2.0]}, index=index)
        frame.attrs["source"] = "page"
        return frame

    kind("DataFrame", _frame, pd.DataFrame, _same_frame)
    kind("DataFrame with MultiIndex and attrs", _indexed, pd.DataFrame, _same_frame)
    kind(
        "DataFrame of objects",
        lambda: pd.DataFrame({"o": [{"a": 1}, (1, 2)]}),
        pd.DataFrame,
        _same_frame,
    )
    kind(
        "Series",
        lambda: pd.Series([1, None], ["a", "b"], "Int64", "n"),
        pd.Series,
        lambda a, b: type(a) is type(b) and a.equals(b) and (a.name, a.dtype) == (b.name, b.dtype),
    )
    kind("pandas Timestamp", lambda: pd.Timestamp("2026-01-02T03:04:05.123456789"), pd.Timestamp)

with contextlib.suppress(ImportError):
    import polars as pl

    kind(
        "polars DataFrame",
        lambda: pl.DataFrame({"i": [1, 2], "l": [[1], [2, 3]]}),
        pl.DataFrame,
        lambda a, b: type(a) is type(b) and a.schema == b.schema and a.equals(b),
    )

with contextlib.suppress(ImportError):
    import pyarrow as pa

    kind(
        "pyarrow Table",
        lambda: pa.table({"i": [1, 2], "s": ["a", None]}),
        pa.Table,
        lambda a, b: type(a) is type(b) and a.equals(b),
    )

with contextlib.suppress(ImportError):
    import scipy.sparse as sparse

    kind(
        "scipy.sparse",
        lambda: sparse.csr_array([[0, 1.5], [2, 0]]),
        sparse.csr_array,
        lambda a, b: type(a) is type(b) and (a != b).nnz == 0,
    )

with contextlib.suppress(ImportError):
    from PIL import Image

    kind(
        "Pillow image",
        lambda: Image.new("RGB", (4, 3), (1, 2, 3)),
        Image.Image,
        lambda a, b: a.mode == b.mode and a.size == b.size and a.tobytes() == b.tobytes(),
    )

with contextlib.suppress(ImportError):
    import networkx as nx

    kind(
        "networkx graph",
        lambda: nx.DiGraph([(1, (2, 3), {"weight": 2.5})], name="n"),
        nx.DiGraph,
        lambda a, b: type(a) is type(b) and dict(a.adj) == dict(b.adj) and a.graph == b.graph,
    )

with contextlib.suppress(ImportError):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import StandardScaler

    ROWS = [[0.0], [1.0], [2.0], [3.0]]

    def _fitted() -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, [0, 0, 1, 1])

    kind(
        "scikit-learn pipeline",
        _fitted,
        Pipeline,
        lambda a, b: type(a) is type(b) and (a.predict_proba(ROWS) == b.predict_proba(ROWS)).all(),
    )
