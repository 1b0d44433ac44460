"""Any object through every format: one row per type, then aliasing, cycles, trust and records."""

# ruff: noqa: E501, PTH123, UP045  tables of cases

import argparse
import array
import collections
import copy
import dataclasses
import datetime as dt
import decimal
import email.message
import enum
import fractions
import functools
import io
import ipaddress
import math
import operator
import pathlib
import queue
import random
import re
import statistics
import string
import subprocess
import sys
import threading
import time
import types
import typing
import urllib.parse
import uuid
import weakref
import xml.etree.ElementTree
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import names
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cannery

FORMATS = ["json", "yaml", "msgpack", "can"]
HERE = f"{__name__}.*"


@dataclass
class Box:
    label: str
    size: tuple[float, ...] = ()
    inside: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: str = "x"
    made: int = field(init=False, default=7)


@dataclass
class Child(Box):
    extra: int = 0


@dataclass(order=True, kw_only=True)
class Keyed:
    rank: int
    hidden: str = field(default="h", repr=False, compare=False)


class Plain:
    kind = "class attribute"

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return 1


class Slotted:
    __slots__ = ("__private", "left", "unset")

    def __init__(self, left: Any) -> None:
        self.left = left
        self.__private = 3

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted) and (self.left, self.__private) == (
            other.left,
            other.__private,
        )

    __hash__ = None  # pyright: ignore


class SlottedWithDict(Slotted):
    def __init__(self, left: Any, right: Any) -> None:
        super().__init__(left)
        self.right = right

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and vars(self) == vars(other)

    __hash__ = None  # pyright: ignore


class Stateful(Plain):
    def __getstate__(self) -> Any:
        return [self.value]

    def __setstate__(self, state: Any) -> None:
        (self.value,) = state


class Reducing(Plain):
    def __reduce__(self) -> Any:
        return Reducing, (self.value,)


class Newly(Plain):
    def __new__(cls, value: Any) -> Any:
        made = super().__new__(cls)
        made.seen = value
        return made

    def __getnewargs__(self) -> Any:
        return (self.value,)


class Tagged(dict[str, Any]):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.tag = "t"

    def __eq__(self, other: object) -> bool:
        return dict.__eq__(self, other) and vars(self) == vars(other)

    __hash__ = None  # pyright: ignore


class Items(list[int]):
    pass


class Number(int):
    pass


class Word(str):
    __slots__ = ("note",)


class Pair(NamedTuple):
    left: int
    right: Any = None


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"
    ALSO_RED = 1  # noqa: PIE796


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Name(enum.StrEnum):
    A = enum.auto()


class Perm(enum.Flag):
    R = 4
    W = 2


class Bits(enum.IntFlag, boundary=enum.KEEP):
    ONE = 1


class TroubleError(Exception):
    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class MyDict(collections.UserDict[str, int]):
    pass


def function(x: int = 1) -> int:
    return x + 1


def error(raised: BaseException, cause: BaseException | None = None) -> BaseException:
    raised.add_note("a note")
    raised.__cause__ = cause
    return raised


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def same_error(a: Any, b: Any) -> bool:
    fields = ("args", "__notes__", "errno", "filename", "name", "code", "lineno", "exceptions")
    mine, theirs = ([repr(getattr(each, name, None)) for name in fields] for each in (a, b))
    return type(a) is type(b) and mine == theirs and repr(a.__cause__) == repr(b.__cause__)


def same_shown(a: Any, b: Any) -> bool:
    return type(a) is type(b) and repr(a) == repr(b)


def same_moment(a: Any, b: Any) -> bool:
    return same(a, b) and a.fold == b.fold and repr(a.tzinfo) == repr(b.tzinfo)


def same_content(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a.getvalue() == b.getvalue() and a.tell() == b.tell()


def same_bytes(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a.as_bytes() == b.as_bytes()


def same_random(a: Any, b: Any) -> bool:
    return [a.random() for _ in range(9)] == [b.random() for _ in range(9)]


def message() -> email.message.EmailMessage:
    mail = email.message.EmailMessage()
    mail["Subject"] = "é"
    mail.set_content("text")
    return mail


PARIS = zoneinfo.ZoneInfo("Europe/Paris")

# What comes back exactly as it was; where `==` is not enough, with what to compare it by.
KEPT: list[Any] = [
    None, True, 0, -1, 2**63, -(2**200), 1.5, (math.inf, same), (-0.0, same_shown),
    (math.nan, same_shown), (complex(-0.0, math.inf), same_shown), "", "é\u2028\x00😀", "a\ud800", "~", "null",
    b"", b"\x00\xff", bytes(2000), bytearray(b"\x00\xff"),
    (), [], {}, set(), frozenset(), (1, "a"), {1, "a"}, frozenset({(1, 2)}), [[(), [{}]]],
    {1: "a", None: 2, (1, (2,)): 3, 1.5: 4, frozenset({1}): 5, b"k": 6, "$ref": 7, False: 8},
    range(3), range(9, 1, -2), slice(1, None, 2), ..., NotImplemented,
    dt.date(2026, 1, 2), dt.time(3, 4, 5, 6), (dt.time(3, fold=1, tzinfo=dt.UTC), same_moment),
    dt.datetime(2026, 1, 2, 3, 4, 5, 678901), dt.datetime.min, dt.datetime.max,
    (dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=PARIS), same_moment),
    (dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-3.5), "X")), same_moment),
    dt.timedelta(-3, 5, 7), dt.timedelta.max, dt.UTC, dt.timezone(dt.timedelta(seconds=1)),
    (PARIS, same_shown), (decimal.Decimal("1.10"), same_shown), (decimal.Decimal("-0E+5"), same_shown),
    (decimal.Decimal("sNaN12"), same_shown), decimal.Decimal("-Infinity"), fractions.Fraction(-1, 3),
    (decimal.Context(prec=7, traps=[decimal.Inexact]), same_shown), decimal.Decimal("1.5").as_tuple(),
    uuid.UUID(int=5), (uuid.uuid5(uuid.NAMESPACE_DNS, "a"), same), pathlib.Path("a/b"), pathlib.PurePosixPath("/x"),
    pathlib.PureWindowsPath("C:\\x"), ipaddress.ip_address("::1"), ipaddress.ip_address("1.2.3.4"),
    ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_interface("10.0.0.1/8"), ipaddress.ip_network("::/8"),
    re.compile("a+(?P<n>b)", re.I | re.M), re.compile(rb"\xff", re.S),
    collections.OrderedDict(b=1, a=2), collections.Counter("aab"), collections.deque([1, 2], maxlen=3),
    collections.deque(), collections.defaultdict(list, a=[1]), collections.defaultdict(None),
    collections.ChainMap({"a": 1}, {"b": 2}), collections.UserDict(a=1), collections.UserList([1]),
    collections.UserString("x"), MyDict(a=1),
    types.SimpleNamespace(a=1, b=[2]), types.MappingProxyType({"a": 1}), argparse.Namespace(x=1),
    array.array("d", [1.5, 2.5]), array.array("H"), array.array("u", "é"), memoryview(b"abc"),
    memoryview(bytearray(b"abcd")).cast("H"), time.gmtime(5), time.localtime(5), pathlib.Path().stat(),
    statistics.NormalDist(1, 2), (string.Template("$a"), lambda a, b: a.template == b.template),
    urllib.parse.urlsplit("http://a/b?c#d"), urllib.parse.urlparse(b"http://a/b"),
    (message(), same_bytes), (random.Random(3), same_random), (io.BytesIO(b"abc"), same_content),
    (io.StringIO("a\r\nb"), same_content), (xml.etree.ElementTree.fromstring("<a x='1'>t<b/>u</a>"),
     lambda a, b: xml.etree.ElementTree.tostring(a) == xml.etree.ElementTree.tostring(b)),
    (functools.partial(function, 1, x=2), lambda a, b: (a.func, a.args, a.keywords) == (b.func, b.args, b.keywords)),
    (operator.itemgetter(1, "a"), same_shown), (operator.attrgetter("a.b"), same_shown),
    list[int], dict[str, list[int]], int | None, typing.Optional[int], list[int],
    int, dict, type(None), dt.datetime, ValueError, Box, len, function, re.IGNORECASE,
    Box("x", (1.0,), [Box("y")]), Frozen(1), Child("c", extra=2), Keyed(rank=1), Plain({"a": 1}), Slotted(2),
    SlottedWithDict(1, 2), Stateful((1, 2)), Reducing("r"), Newly([1]), Tagged({"a": 1}), Items([1, 2]),
    Number(3), Word("w"), Pair(1, (2,)), Colour.RED, Colour.ALSO_RED, Level.HIGH, Name.A, Perm.R | Perm.W,
    Perm(0), Bits(9), Colour,
    (error(ValueError("x", 1)), same_error), (error(KeyError("k"), OSError(2, "no", "f.txt")), same_error),
    (error(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")), same_error), (StopIteration(3), same_error),
    (error(TroubleError(3, "d")), same_error), (ImportError("m", name="n"), same_error),
    (SyntaxError("bad", ("f", 1, 2, "text", 1, 3)), same_error), (NameError("n", name="x"), same_error),
    (ExceptionGroup("g", [ValueError(1), TypeError("t")]), same_error), (SystemExit(3), same_error),
]  # fmt: skip

# What is no data, and what the refusal says.
REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: lambda: 0, "lambda"), (lambda: (lambda x: lambda: x)(1), "lambda"), (threading.Lock, "lock"),
    (lambda: open(__file__), "TextIOWrapper"), (lambda: iter([1]), "list_iterator"),  # noqa: SIM115
    (lambda: (x for x in ()), "generator"), (lambda: {}.keys(), "dict_keys"),
    (lambda: weakref.ref(Box("x")), "ReferenceType"), (lambda: math, "module math"),
    (lambda: re.match("a", "a"), "Match"), (lambda: [].append, "bound to an object (list.append)"),
    (lambda: Box("x").__repr__, "bound to an object"), (lambda: function.__code__, "code"), (queue.Queue, "lock"),
    (lambda: zip([1]), "zip"), (threading.Thread, "."),
    (lambda: property(len), "property"), (lambda: super(Box, Box("x")), "super"),
    (lambda: functools.lru_cache(len), "lru_cache"), (lambda: type(Box.__dict__)({}).items(), "dict_items"),
]  # fmt: skip


def through(value: Any, format: str = "can", **options: Any) -> Any:
    return cannery.loads(cannery.dumps(value, format), format, **{"trust": [HERE], **options})


def row(item: Any) -> tuple[Any, Callable[[Any, Any], bool]]:
    is_pair = type(item) is tuple and len(item) == 2 and isinstance(item[1], types.FunctionType)
    return item if is_pair else (item, same)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("item", KEPT, ids=names.lasting)
def test_an_object_comes_back_as_it_was(item: Any, format: str) -> None:
    value, is_same = row(item)
    # A random generator moves on when it is compared: each time a copy.
    value = copy.deepcopy(value) if isinstance(value, random.Random) else value
    names = [function] if item is not value or value is function else []
    back = through(value, format, trust=[HERE, f"{__name__}.function", *names])
    assert is_same(value, back), back
    assert cannery.dumps(back, format) == cannery.dumps(
        through(back, format, trust=[HERE, function]), format
    )


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=names.lasting)
def test_what_is_no_data_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(TypeError, match=re.escape(words)) as caught:
        cannery.dumps({"deep": [make()]})
    assert isinstance(caught.value, cannery.CanneryError)
    assert "$.deep[0]" in str(caught.value.__notes__)


@pytest.mark.parametrize("format", FORMATS)
def test_aliases_and_cycles(format: str) -> None:
    shared = {"k": 1}
    plain, box = Plain(shared), Box("b")
    box.inside += [box, plain, (box,)]
    plain.self = plain  # pyright: ignore
    queue = collections.deque([box])
    queue.append(queue)
    users = collections.UserList([shared])
    users.append(users)
    cause = ValueError("v")
    cause.args = (cause,)
    value = {
        "box": box,
        "plain": plain,
        "queue": queue,
        "users": users,
        "error": cause,
        "same": shared,
    }
    back = through(value, format)
    assert back["box"].inside[0] is back["box"] is back["box"].inside[2][0] is back["queue"][0]
    assert back["plain"].self is back["plain"] is back["box"].inside[1]
    assert back["plain"].value is back["same"] is back["users"][0]
    assert back["queue"][1] is back["queue"]
    assert back["users"][1] is back["users"]
    assert back["error"].args[0] is back["error"]


# Graphs: nodes of every kind, then edges between any two of them.
def graphs() -> st.SearchStrategy[Any]:
    kinds = st.sampled_from(
        [list, dict, Plain, Box, collections.deque, Items, collections.OrderedDict]
    )
    edges = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40)
    return st.tuples(st.lists(kinds, min_size=1, max_size=12), edges)


def grown(kinds: list[Any], edges: list[tuple[int, int]]) -> list[Any]:
    nodes = [kind("n") if kind in (Plain, Box) else kind() for kind in kinds]
    for index, (start, end) in enumerate(edges):
        holder, target = nodes[start % len(nodes)], nodes[end % len(nodes)]
        if isinstance(holder, dict):
            holder[f"e{index}"] = target
        elif isinstance(holder, (list, collections.deque)):
            holder.append(target if index % 3 else (target, index))
        else:
            setattr(holder, f"e{index}", target)
    return nodes


def shape_of(value: Any) -> list[Any]:
    """The graph below a value as a list: equal for graphs of the same form."""
    numbers: dict[int, int] = {}
    kept, found, waiting = [], [], [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (str, int)):
            found.append(item)
            continue
        is_new = id(item) not in numbers
        number = numbers.setdefault(id(item), len(numbers))
        found.append((type(item), number))
        if is_new:
            kept.append(item)
            parts = item if isinstance(item, dict) else getattr(item, "__dict__", {})
            found.append(list(parts))
            waiting += [
                *parts.values(),
                *(item if not isinstance(item, (dict, Plain, Box)) else ()),
            ]
    return found


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=60)
@given(graph=graphs())
def test_a_graph_keeps_its_form(format: str, graph: Any) -> None:
    nodes = grown(*graph)
    assert shape_of(through(nodes, format)) == shape_of(nodes)


@pytest.mark.parametrize("format", FORMATS)
def test_records_print_compare_and_are_saved_unchanged(format: str) -> None:
    value = [Box("x", (1.0,)), {"p": Pair(1, Colour.RED)}, Tagged({"a": 1}), Frozen(1)]
    data = cannery.dumps(value, format)
    inert = cannery.loads(data, format)
    assert repr(inert[0]) == f"Record('{__name__}.Box', label='x', size=(1.0,), inside=[])"
    assert inert == cannery.loads(data, format)
    assert cannery.dumps(inert, format) == data
    inert[0].label = "edited"
    assert inert != cannery.loads(data, format)
    assert through(inert, format)[0] == Box("edited", (1.0,))
    assert copy.deepcopy(inert) == inert


def test_attrs_pydantic_and_msgspec() -> None:
    attrs, pydantic, msgspec = map(pytest.importorskip, ("attrs", "pydantic", "msgspec"))

    @attrs.define
    class At:
        a: int
        b: list[Any] = attrs.field(factory=list)

    @attrs.frozen
    class Ice:
        a: int

    class Model(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        a: int
        b: list["Model"] = []  # noqa: RUF012
        _hidden: int = pydantic.PrivateAttr(default=3)

    class Struct(msgspec.Struct, frozen=True):
        a: int
        b: tuple[Any, ...] = ()

    class Packed(msgspec.Struct, kw_only=True, rename="camel"):
        long_name: int

    model = Model(a=1, b=[Model(a=2)], more="m")  # pyright: ignore
    model._hidden = 9
    values = [At(1, [At(2)]), Ice(1), model, Struct(1, (2,)), Packed(long_name=1)]
    for value in values:
        back = through(value, trust=[At, Ice, Model, Struct, Packed])
        assert (type(back), back) == (type(value), value)
        assert cannery.dumps(cannery.loads(cannery.dumps(value))) == cannery.dumps(value)
    assert through(model, trust=[Model])._hidden == 9
    assert through(model, trust=[Model]).model_fields_set == model.model_fields_set


def test_the_type_asked_for_is_trusted_and_checked() -> None:
    data = cannery.dumps([Box("x", (1.0,))])
    assert cannery.loads(data, type=list[Box]) == [Box("x", (1.0,))]
    with pytest.raises(TypeError, match=re.escape("$[0].label: expected str, got int")) as caught:
        cannery.loads(cannery.dumps([Box(3)]), type=list[Box])  # pyright: ignore
    assert caught.value.path == "$[0].label"  # pyright: ignore
    with pytest.raises(TypeError, match="expected int"):
        cannery.loads(data, type=int)


def test_what_nobody_may_vouch_for() -> None:
    import os

    data = cannery.dumps({"f": os.system, "g": functools.partial(os.system, "true")})
    inert = cannery.loads(data)
    assert (inert["f"].type_name, inert["f"].name) == ("function", "posix.system")
    assert inert["g"].type_name == "functools.partial"
    for name in ("posix.system", "builtins.eval", "os.*", "subprocess.Popen"):
        document = f'{{"$type": "function", "name": "{name}"}}'.encode()
        with pytest.raises(cannery.UntrustedTypeError, match=r"nobody|reaches"):
            cannery.loads(document, trust=[name])
    # A pattern names classes; a function must be named.
    assert isinstance(through(function), cannery.Record)


def test_a_name_in_a_document_imports_nothing(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "trap_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("trap_module.Thing", "antigravity.x", "sklearn.trap.X", "re.Scanner", "enum.Enum"):
        document = f'{{"$type": "{name}", "value": 1}}'.encode()
        assert type(cannery.loads(document)) is cannery.Record


def test_registered_classes_move_and_grow() -> None:
    @cannery.register("test_objects.shape/v1")
    class Shape:
        def __init__(self, side: float) -> None:
            self.side = side

    old = cannery.dumps([Shape(2)])
    assert b'"test_objects.shape/v1"' in old
    unregistered = b'{"$type": "old_module.Square", "a": 4}'

    def renamed(parts: dict[str, Any]) -> dict[str, Any]:
        return {"side": parts["a"]}

    def with_two_sides(parts: dict[str, Any]) -> dict[str, Any]:
        side = parts.pop("side")
        return {**parts, "width": side, "height": side}

    from cannery._objects import _registry

    _registry._by_name.pop("test_objects.shape")

    @cannery.register(
        name="test_objects.shape/v2",
        upgrade_from={1: with_two_sides, "old_module.Square": renamed},
    )
    class Rectangle:
        width: float
        height: float

    (shape,) = cannery.loads(old)
    assert (type(shape), vars(shape)) == (Rectangle, {"width": 2, "height": 2})
    square = cannery.loads(unregistered)
    assert vars(square) == {"width": 4, "height": 4}
    newer = old.replace(b"/v1", b"/v3")
    assert cannery.loads(newer)[0].type_name == "test_objects.shape/v3"
    with pytest.raises(ValueError, match="version"):
        cannery.register("no-version")
    with pytest.raises(ValueError, match="is the name of"):
        cannery.register("test_objects.shape/v3")(Box)
    assert dataclasses.is_dataclass(Box)


def test_a_name_that_tells_no_format_says_which_there_are(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.xml"
    for use in (lambda: cannery.dump([1], path), lambda: cannery.load(path)):
        with pytest.raises(cannery.errors.DataError, match="does not say which format") as caught:
            use()
        assert str(caught.value.hint).startswith("pass format=, one of can, cbor, csv, hdf5, json")


def install_plugin(folder: pathlib.Path) -> None:
    """A library and, in another distribution, what cannery must know about it."""
    (folder / "gridlib.py").write_text(
        "import threading\n"
        "class Grid:\n"
        "    def __init__(self, cells):\n"
        "        self.cells, self.lock = cells, threading.Lock()\n"
    )
    (folder / "gridlib_cannery.py").write_text(
        "import cannery, gridlib\n"
        "cannery.register('gridlib.grid/v1', parts=lambda grid: {'cells': grid.cells},\n"
        "                 make=lambda parts: gridlib.Grid(parts['cells']))(gridlib.Grid)\n"
    )
    info = folder / "gridlib_cannery-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gridlib-cannery\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cannery.materializers]\ngridlib = gridlib_cannery\n")


def test_a_plugin_says_how_a_librarys_objects_are_saved(tmp_path: pathlib.Path) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    install_plugin(site)

    def run(code: str) -> str:
        command = [sys.executable, "-c", f"import sys; sys.path.append({str(site)!r})\n{code}"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout

    run("import cannery, gridlib; cannery.dump([gridlib.Grid([1, 2])], 'a.can')")
    loaded = run("import cannery; print(cannery.load('a.can')[0].cells, 'gridlib' in sys.modules)")
    assert loaded == "[1, 2] True\n"
    # Nothing of it is imported for others.
    assert (
        run("import cannery; cannery.dumps([1]); print('gridlib_cannery' in sys.modules)")
        == "False\n"
    )


def test_parts_and_make_go_together() -> None:
    with pytest.raises(ValueError, match="together"):
        cannery.register("half/v1", parts=vars)


@pytest.mark.parametrize("text", ["::1/128", "::/127", "10.0.0.1/32", "10.0.0.0/31", "::/0"])
def test_networks_of_any_size(text: str) -> None:
    """Those of one or two addresses have a function among their attributes."""
    network = ipaddress.ip_network(text)
    again = cannery.loads(cannery.dumps(network))
    assert again == network
    assert next(iter(again.hosts())) == next(iter(network.hosts()))


def test_a_class_found_by_a_pattern_is_looked_up_again(tmp_path, monkeypatch):
    (tmp_path / "shop_again.py").write_text("class Item:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import shop_again  # type: ignore[import-not-found]

    document = b'{"$type": "shop_again.Item", "price": 3}'
    for _ in range(3):
        assert type(cannery.loads(document, trust=["shop_again.*"])) is shop_again.Item
    before, shop_again.Item = shop_again.Item, type("Item", (), {"__module__": "shop_again"})
    for trust in (["shop_again.*"], ["shop_again.Item"]):
        found = cannery.loads(document, trust=trust)
        assert type(found) is shop_again.Item is not before
    finalizer = {"__module__": "shop_again", "__del__": print}
    shop_again.Item = type("Item", (), finalizer)
    with pytest.raises(cannery.UntrustedTypeError, match="finalizer"):
        cannery.loads(document, trust=["shop_again.*"])
    del shop_again.Item
    assert isinstance(cannery.loads(document, trust=["shop_again.*"]), cannery.Record)
