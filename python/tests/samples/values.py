"""Numbers, text, collections and dates, and subclasses of their types."""

# pyright: basic

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import fractions
import functools
import ipaddress
import math
import pathlib
import re
import sys
import types
import uuid
import zoneinfo

from samples.classes import (
    DC,
    AByteArray,
    ABytes,
    AChainMap,
    AComplex,
    ACounter,
    ADate,
    ADateTime,
    ADecimal,
    ADefaultDict,
    ADeque,
    ADict,
    AFloat,
    AFraction,
    AFrozenSet,
    AInt,
    AList,
    ANamespace,
    AnOrderedDict,
    AnUUID,
    APath,
    ASet,
    AStr,
    ATime,
    ATimeDelta,
    ATuple,
    AUserDict,
    AUserList,
    AUserString,
    Colour,
    DCFrozen,
    DCFrozenSlots,
    LoudDict,
    LoudList,
    Minutes,
    Num,
    Outer,
    Perm,
    Point,
    Size,
    Text,
    TupleWithDict,
    UserId,
    function,
)
from samples.registry import sample, with_attributes

# One sample a line.
# fmt: off

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

# --- subclasses of built-in types



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
