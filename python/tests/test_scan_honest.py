"""Files of honest people: data and the libraries' objects are `ok`, and nobody's are `danger`."""

from __future__ import annotations

import argparse
import array
import ast
import bz2
import calendar
import collections
import csv
import dataclasses
import datetime
import decimal
import difflib
import email.header
import email.message
import email.mime.text
import enum
import fractions
import functools
import http.cookies
import inspect
import io
import ipaddress
import json
import logging
import operator
import optparse
import pathlib
import pickle as stdlib
import random
import re
import signal
import socket
import subprocess
import tarfile
import textwrap
import tokenize
import types
import urllib.parse
import uuid
import warnings
import wsgiref.headers
import zipfile
import zoneinfo
from typing import Any

import pytest

import cannery
from cannery import pickle


class Color(enum.Enum):
    """An enum of somebody's own."""

    RED = 1


class Mode(enum.Flag):
    """Flags of somebody's own."""

    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Row:
    """A class of somebody's own."""

    a: int = 1

    def method(self) -> int:
        """Do something."""
        return self.a


def assert_ok(name: str, data: bytes) -> None:
    """Check that a file is `ok`."""
    report = cannery.scan(data)
    assert (report.verdict, report.findings) == ("ok", ()), name


def assert_dumps_ok(name: str, value: Any) -> int:
    """Check a value in every protocol; returns how many there were."""
    cases = 0
    for protocol in range(6):
        try:
            data = stdlib.dumps(value, protocol)
        except (TypeError, ValueError):
            # Some types came later than some protocols.
            continue
        assert_ok(f"{name}, protocol {protocol}", data)
        cases += 1
    return cases


def letter() -> email.message.EmailMessage:
    """Return a letter with headers of several kinds, and something attached."""
    made = email.message.EmailMessage()
    made["Subject"] = "a letter"
    made["From"] = "A. Person <a@example.org>"
    made["To"] = "b@example.org, Group: c@example.org, d@example.org;"
    made["Date"] = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
    made.set_content("text")
    made.add_attachment(b"data", maintype="application", subtype="x", filename="f")
    return made


RECURSIVE: list[Any] = []
RECURSIVE.append(RECURSIVE)

STANDARD: dict[str, Any] = {
    "scalars": [None, True, 1, -1, 2**40, 2**100, -(2**200), 1.5, float("nan"), 3 + 4j, ...],
    "text": ["a", "é", "\ud800", "\U0001f600", "x" * 70_000],
    "bytes": [b"", b"a" * 300, bytearray(b"abc")],
    "containers": [(), (1,), (1, (2, (3,))), {1, 2}, frozenset({1}), {"a": {"b": [1]}}, RECURSIVE],
    "collections": [
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        collections.deque([1], 5),
        collections.Counter("aab"),
        collections.ChainMap({1: 2}),
        collections.UserDict(a=1),
        collections.UserList([1]),
        collections.UserString("a"),
    ],
    "times": [
        datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC),
        datetime.datetime(2026, 11, 21, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")),
        datetime.timedelta(1),
        datetime.time(1),
        datetime.date(2026, 11, 21),
        datetime.timezone(datetime.timedelta(hours=1), "x"),
    ],
    "numbers": [decimal.Decimal("1.5"), decimal.getcontext(), fractions.Fraction(1, 3)],
    "names": [
        uuid.UUID(int=5),
        ipaddress.ip_address("1.2.3.4"),
        ipaddress.ip_network("::/64"),
        pathlib.PurePosixPath("a/b"),
        pathlib.Path("/a/b"),
        pathlib.PureWindowsPath("c:/a"),
        urllib.parse.urlsplit("http://a/b"),
    ],
    "patterns": [re.compile("a+", re.I), re.I, re.I | re.M],
    "arrays": [array.array("d", [1, 2]), array.array("b")],
    "ranges": [range(10), range(10**12), slice(1, 2)],
    "iterators": [iter([1, 2]), iter((1,)), iter({1: 2}), reversed([1]), enumerate([1]), zip([1])],
    "functions": [len, max, print, sorted, operator.add, functools.partial(int, base=2), map],
    "classes": [int, dict, list, object, type(None), type(...), types.SimpleNamespace, ValueError],
    "generic": [list[int], dict[str, int], int | str],
    "errors": [ValueError("x"), OSError(2, "no", "file"), ExceptionGroup("g", [ValueError()])],
    "random": random.Random(1),
    "streams": [io.BytesIO(b"abc"), io.StringIO("a")],
    "namespaces": [types.SimpleNamespace(a=1), argparse.Namespace(a=1)],
    "operating system": [pathlib.Path("/").stat(), signal.SIGINT, socket.AF_INET],
    "programs": [ast.parse("def f(a, *, b=1): return a"), ast.parse("a", mode="eval")],
    "signatures": [inspect.signature(lambda a, *b, c=1: None)],
    "mail": [
        email.message_from_string("Subject: a\n\nbody"),
        letter(),
        email.mime.text.MIMEText("text"),
        email.header.Header("é"),
    ],
    "tools": [
        logging.LogRecord("a", 10, "path", 1, "message", (), None),
        textwrap.TextWrapper(),
        calendar.TextCalendar(),
        csv.excel(),
        difflib.SequenceMatcher(None, "a", "b"),
        http.cookies.SimpleCookie("a=b"),
        json.JSONEncoder(indent=1),
        optparse.Values({"a": 1}),
        tokenize.TokenInfo(1, "a", (1, 0), (1, 1), "a"),
        wsgiref.headers.Headers([("a", "b")]),
    ],
    "archives": [tarfile.TarInfo("a"), zipfile.ZipInfo("a"), subprocess.CompletedProcess("a", 0)],
}  # fmt: skip


@pytest.mark.parametrize("name", STANDARD)
def test_the_standard_library(name: str) -> None:
    assert assert_dumps_ok(name, STANDARD[name]) >= 3
    for protocol in (2, 4, 5):
        data = stdlib.dumps(STANDARD[name], protocol)
        assert type(pickle.loads(data)) is type(STANDARD[name])


OWN: list[Any] = [
    Row(),
    Row,
    Row().method,
    Row.method,
    Row.__init__,
    Row.__repr__,
    Color.RED,
    Mode.READ | Mode.WRITE,
    "a".upper,
    dict.fromkeys,
    collections.deque([1]).append,
    subprocess.CalledProcessError(1, "x"),
    socket.gaierror("x"),
    zipfile.BadZipFile("x"),
    operator.itemgetter(1),
    operator.attrgetter("a"),
    operator.methodcaller("a"),
]


def test_what_is_somebodys_own_is_no_danger() -> None:
    for value in OWN:
        for protocol in range(6):
            report = cannery.scan(stdlib.dumps(value, protocol))
            assert report.verdict != "danger", (value, protocol, report.findings)


#: What Python 2 wrote, by hand.
PYTHON_2 = {
    "text and numbers": b"(dp0\nS'a'\np1\nI1\nsS'b'\np2\nL5L\nsS'c'\np3\nF1.5\nsVd\np4\nI01\ns.",
    "set": b"c__builtin__\nset\np0\n((lp1\nI1\naI2\natp2\nRp3\n.",
    "xrange": b"c__builtin__\nxrange\n(I0\nI5\nI1\ntR.",
    "unicode": b"c__builtin__\nunicode\n(S'a'\ntR.",
    "object": b"ccopy_reg\n_reconstructor\n(cUserDict\nUserDict\nc__builtin__\nobject\nNtR"
    b"(dS'data'\n(dsb.",
    "old class": b"(icollections\nOrderedDict\n.",
    "datetime": b"cdatetime\ndatetime\n(S'\\x07\\xea\\x0b\\x15\\n\\x00\\x00\\x00\\x00\\x00'\ntR.",
    "exception": b"cexceptions\nValueError\n(S'x'\ntR.",
    "array": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\nt"
    b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
    b"S'\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?\\x00\\x00\\x00\\x00\\x00\\x00\\x00@'\ntb.",
    "scalar": b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNN"
    b"I-1\nI-1\nI0\ntbS'\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?'\ntR.",
    "index": b"cpandas.core.index\n_new_Index\n(cpandas.core.index\nInt64Index\n(dS'name'\nNstR.",
    "numeric index": b"cpandas.core.indexes.base\n_new_Index\n(cpandas.core.indexes.numeric\n"
    b"Float64Index\n(dS'name'\nNstR.",
}  # fmt: skip


@pytest.mark.parametrize("name", PYTHON_2)
def test_python_2(name: str) -> None:
    assert_ok(name, PYTHON_2[name])


def numpy_values() -> dict[str, Any]:
    """Make arrays, scalars, types and generators of every kind."""
    numpy = pytest.importorskip("numpy")
    letters = "?bBhHiIqQefdgFDGSUO"
    values = {f"of {letter}": numpy.zeros((2, 3), letter) for letter in letters}
    fields = [("a", "i4"), ("b", "O"), ("c", "f8", (2, 2)), ("d", [("x", "S3")])]
    return values | {
        "times": [numpy.array(["2026"], "M8[us]"), numpy.array([1], "m8[D]")],
        "text": numpy.array(["a", "bb"]),
        "objects": numpy.array([1, "a", None, [1]], object),
        "fields": numpy.zeros(3, fields),
        "fields without objects": numpy.zeros(3, [("a", "i1"), ("b", "f8")]),
        "aligned": numpy.zeros(3, numpy.dtype([("a", "i1"), ("b", "f8")], align=True)),
        "big": numpy.zeros(3, ">f4"),
        "columns": numpy.asfortranarray(numpy.ones((3, 4))),
        "strided": numpy.ones((4, 4))[::2, ::2],
        "masked": [numpy.ma.array([1, 2], mask=[0, 1]), numpy.ma.masked],
        "matrix": numpy.matrix([[1, 2]]),
        "records": numpy.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        "letters": numpy.char.array(["a"]),
        "empty": [numpy.zeros(0), numpy.array(5), numpy.zeros((0, 3))],
        "generators": [numpy.random.default_rng(1), numpy.random.RandomState(1)],
        "bits": [
            numpy.random.Generator(kind(1))
            for kind in (numpy.random.Philox, numpy.random.SFC64, numpy.random.MT19937)
        ],
        "seeds": [numpy.random.SeedSequence(5), numpy.random.PCG64DXSM(1)],
        "scalars": [numpy.float32(1), numpy.bool_(1), numpy.str_("a"), numpy.datetime64("2026")],
        "dtypes": [numpy.dtype("f8"), numpy.dtype(fields), numpy.dtype("M8[us]"), numpy.float32],
        "functions": [numpy.sin, numpy.add, numpy.mean, numpy.linalg.norm],
        "polynomials": [numpy.polynomial.Polynomial([1, 2]), numpy.poly1d([1, 2])],
        "limits": [numpy.finfo(float), numpy.iinfo(int)],
    }


def test_numpy(tmp_path: Any) -> None:
    numpy = pytest.importorskip("numpy")
    values = numpy_values()
    values["mapped"] = numpy.memmap(tmp_path / "map", "f8", "w+", shape=(10,))
    cases = sum(assert_dumps_ok(name, value) for name, value in values.items())
    for name, value in values.items():
        if isinstance(value, numpy.ndarray) and not isinstance(value, numpy.ma.MaskedArray):
            for save in (numpy.save, numpy.savez, numpy.savez_compressed):
                file = io.BytesIO()
                save(file, value)
                assert_ok(f"{name} by {save.__name__}", file.getvalue())
                cases += 1
    print(f"objects of NumPy: {cases} cases ran")


def test_joblib(tmp_path: Any) -> None:
    joblib = pytest.importorskip("joblib")
    numpy = pytest.importorskip("numpy")
    values = numpy_values()
    values["mapped"] = numpy.memmap(tmp_path / "map", "f8", "w+", shape=(10,))
    for name, value in values.items():
        for compress in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)):
            for protocol in (2, 4, 5):
                file = io.BytesIO()
                joblib.dump({name: value, "more": [value]}, file, compress, protocol)
                assert_ok(f"{name}, {compress}", file.getvalue())


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    indexes = [
        pandas.RangeIndex(3),
        pandas.Index([1, 2, 3]),
        pandas.Index([1.0, 2, 3]),
        pandas.Index(["a", "b", "c"]),
        pandas.Index([1, "a", None], dtype=object),
        pandas.Index([True, False, True]),
        pandas.date_range("2026", periods=3),
        pandas.date_range("2026", periods=3, tz="Europe/Paris"),
        pandas.date_range("2026", periods=3, tz="UTC"),
        pandas.timedelta_range("1D", periods=3),
        pandas.period_range("2026", periods=3, freq="M"),
        pandas.interval_range(0, 3),
        pandas.CategoricalIndex(["a", "b", "a"]),
        pandas.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")]),
        pandas.Index([1, None, 2], dtype="Int64"),
    ]
    arrays = [
        pandas.array([1, None, 2], "Int8"),
        pandas.array([1.5, None, 2], "Float32"),
        pandas.array([True, None, False], "boolean"),
        pandas.array(["a", None, "b"], "string[python]"),
        pandas.Categorical(["a", "b", "a"], ordered=True),
        pandas.arrays.SparseArray([0, 0, 1]),
        pandas.array(pandas.interval_range(0, 3)),
    ]
    values = [
        [pandas.Timestamp("2026", tz="UTC"), pandas.Timedelta(1), pandas.Period("2026", "M")],
        [pandas.Interval(0, 1), pandas.NaT, pandas.NA, pandas.Timestamp("2026", tz="US/Eastern")],
        [pandas.offsets.BDay(), pandas.offsets.MonthEnd(2), pandas.DateOffset(months=1)],
        [pandas.DataFrame, pandas.Series, pandas.CategoricalDtype(["a"])],
    ]
    cases = 0
    for index in indexes:
        cases += assert_dumps_ok(f"index {index}", index)
        cases += assert_dumps_ok(f"series {index}", pandas.Series(range(3), index=index))
        frame = pandas.DataFrame({"a": index, "b": 1.0, "c": ["x", "y", "z"]}, index=index)
        cases += assert_dumps_ok(f"frame {index}", frame)
    for values_ in arrays:
        cases += assert_dumps_ok(f"array {values_}", [values_, pandas.DataFrame({"a": values_})])
    cases += sum(assert_dumps_ok(f"values {value}", value) for value in values)
    for compression in ("gzip", "bz2", "xz", "zip", "tar", None):
        file = io.BytesIO()
        pandas.DataFrame({"a": [1, 2]}).to_pickle(file, compression=compression)
        assert_ok(f"to_pickle, {compression}", file.getvalue())
    print(f"objects of pandas: {cases} cases ran")


def test_arrow_columns() -> None:
    pandas = pytest.importorskip("pandas")
    arrow = pytest.importorskip("pyarrow")
    kinds = {
        arrow.int64(): [1, None],
        arrow.string(): ["a", None],
        arrow.timestamp("ns", "UTC"): [datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), None],
        arrow.decimal128(10, 2): [decimal.Decimal("1.5"), None],
        arrow.list_(arrow.int64()): [[1], None],
        arrow.struct([("a", arrow.int64())]): [{"a": 1}, None],
        arrow.dictionary(arrow.int32(), arrow.string()): ["a", None],
        arrow.duration("s"): [datetime.timedelta(1), None],
        arrow.binary(): [b"a", None],
    }
    for kind, values in kinds.items():
        series = pandas.Series(values, dtype=pandas.ArrowDtype(kind))
        assert assert_dumps_ok(str(kind), series) > 2


def test_scipy() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    interpolate = pytest.importorskip("scipy.interpolate")
    spatial = pytest.importorskip("scipy.spatial")
    stats = pytest.importorskip("scipy.stats")
    matrix = sparse.random(5, 5, 0.5, "csr", rng=1)
    for kind in ("csr", "csc", "coo", "dia", "dok", "lil", "bsr"):
        assert_dumps_ok(kind, [matrix.asformat(kind), sparse.csr_array(matrix).asformat(kind)])
    file = io.BytesIO()
    sparse.save_npz(file, matrix)
    assert_ok("save_npz", file.getvalue())
    points = [[0.0, 0], [1, 0], [0, 1], [1, 1], [0.3, 0.6]]
    for value in (
        interpolate.interp1d([1, 2, 3], [1, 2, 3]),
        interpolate.CubicSpline([1, 2, 3], [1, 2, 3]),
        interpolate.UnivariateSpline(range(9), range(9)),
        spatial.KDTree(points),
        spatial.cKDTree(points),
        spatial.Delaunay(points),
        spatial.ConvexHull(points),
        stats.gaussian_kde([1.0, 2, 4]),
    ):
        assert_dumps_ok(type(value).__name__, value)


def estimators() -> list[Any]:
    """Make every estimator of scikit-learn, fitted if that is easy."""
    utilities = pytest.importorskip("sklearn.utils")
    base = pytest.importorskip("sklearn.base")
    numpy = pytest.importorskip("numpy")
    linear = pytest.importorskip("sklearn.linear_model").LogisticRegression()
    rows = numpy.abs(numpy.random.default_rng(0).random((40, 4)))
    labels, targets = (rows[:, 0] > 0.5).astype(int), rows.sum(1)
    options: list[dict[str, Any]] = [
        {},
        {"estimator": linear},
        {"estimators": [("a", linear)]},
        {"transformers": [("a", "passthrough", [0])]},
        {"steps": [("a", linear)]},
        {"transformer_list": [("a", "passthrough")]},
        {"estimator": linear, "param_grid": {"C": [1, 2]}},
        {"estimator": linear, "param_distributions": {"C": [1, 2]}},
        {"dictionary": rows[:4]},
    ]
    samples = [(rows, labels), (rows, targets), (rows,), (["a b", "b c"],), ([{"a": 1}],)]
    made = []
    for _, kind in utilities.all_estimators():
        for option in options:
            try:
                estimator = kind(**option)
            except TypeError:
                continue
            made.append(estimator)
            break
        for sample in samples:
            try:
                made.append(base.clone(made[-1]).fit(*sample))
            except Exception:  # each takes data of its own kind
                continue
            break
    return made


def test_scikit_learn() -> None:
    joblib = pytest.importorskip("joblib")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = estimators()
    for estimator in made:
        for protocol in (0, 2, 4, 5):
            assert_ok(f"{estimator}", stdlib.dumps(estimator, protocol))
        file = io.BytesIO()
        joblib.dump(estimator, file)
        assert_ok(f"{estimator} by joblib", file.getvalue())
    assert len(made) > 300
    print(f"estimators of scikit-learn: {len(made)} cases ran")


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "polars", "PIL.Image", "networkx"])
def test_other_libraries_are_no_danger(library: str) -> None:
    module = pytest.importorskip(library)
    rows, labels = [[0.0, 1], [1, 0], [0, 0], [1, 1]] * 5, [0, 1, 0, 1] * 5
    made = {
        "xgboost": lambda: module.XGBClassifier(n_estimators=2).fit(rows, labels),
        "lightgbm": lambda: module.LGBMClassifier(n_estimators=2, verbose=-1).fit(rows, labels),
        "polars": lambda: module.DataFrame({"a": [1]}),
        "PIL.Image": lambda: module.new("RGB", (3, 3)),
        "networkx": lambda: module.path_graph(5),
    }
    value = made[library]()
    for protocol in range(2, 6):
        report = cannery.scan(stdlib.dumps(value, protocol))
        assert report.verdict != "danger", report.findings


def test_several_files_in_one() -> None:
    data = stdlib.dumps([1, 2])
    assert_ok("a row", data * 10)
    assert_ok("a newline behind", data + b"\r\n")
    assert_ok("zeros behind", data + bytes(512))
    assert_ok("compressed", bz2.compress(data))
