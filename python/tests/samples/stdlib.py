"""Objects of the standard library, and what of it is no data."""

# pyright: basic

from __future__ import annotations

import argparse
import ast
import calendar
import collections
import configparser
import csv
import dataclasses
import decimal
import difflib
import email.message
import email.mime.multipart
import email.mime.text
import fractions
import functools
import graphlib
import http
import http.cookies
import inspect
import io
import itertools
import json
import logging
import math
import operator
import os
import pathlib
import random
import re
import reprlib
import selectors
import socket
import sqlite3
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
import typing as t
import urllib.parse
import urllib.request
import weakref
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

from samples.classes import DC, THE_ONE, Callable_, Colour, DCGeneric, Outer, T, function
from samples.registry import REFUSED, sample

# One sample a line.
# fmt: off

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


# --- what is no data

REFUSED |= {
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
sample("type var", lambda: T)
sample("reduce name", lambda: THE_ONE)
REFUSED["bound method"] = lambda: Callable_(3).method
