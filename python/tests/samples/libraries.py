"""Objects of libraries: how each is made, and what makes two of them the same."""

# pyright: basic

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

# One sample a line.
# fmt: off

SAMPLES: dict[str, Callable[[], Any]] = {}
SAME: dict[str, Callable[[Any, Any], bool]] = {}
TRUST = [f"{__name__}.*"]


def add(name: str, make: Callable[[], Any], same: Callable[[Any, Any], bool] | None = None) -> None:
    assert name not in SAMPLES, name
    SAMPLES[name] = make
    SAME[name] = same or (lambda a, b: type(a) is type(b) and bool(a == b))


with contextlib.suppress(ImportError):
    import numpy as np

    def neq(a, b):
        if isinstance(a, np.ndarray):
            ok = (
                type(a) is type(b)
                and a.dtype == b.dtype
                and a.dtype.byteorder == b.dtype.byteorder
                and a.shape == b.shape
                and a.flags.f_contiguous == b.flags.f_contiguous
                and a.flags.c_contiguous == b.flags.c_contiguous
            )
            if not ok:
                return False
            if a.dtype.hasobject or a.dtype.kind in "TUS":
                return a.tolist() == b.tolist()
            if a.dtype.names or a.dtype.char in "gG":
                return bool(np.all(np.asarray(a == b)))
            return a.tobytes() == b.tobytes()
        return type(a) is type(b) and (a == b or (a != a and b != b)) and a.dtype == b.dtype

    for k in "?bhilqBHILQefdgFDG":
        add(f"arr {k}", lambda k=k: np.arange(6).astype(k).reshape(2, 3), neq)
        add(f"sc {k}", lambda k=k: np.dtype(k).type(1), neq)
        add(f"arrbe {k}", lambda k=k: np.arange(6).astype(np.dtype(k).newbyteorder(">")), neq)

    class SubArr(np.ndarray):
        def __array_finalize__(self, o):
            self.info = getattr(o, "info", None)

    def subarr():
        a = np.arange(3.0).view(SubArr)
        a.info = {"k": 1}
        return a

    add(
        "np subclass",
        subarr,
        lambda a, b: type(a) is type(b) and a.tolist() == b.tolist() and a.info == b.info,
    )
    add("np readonly", lambda: (lambda a: (a.setflags(write=False), a)[1])(np.arange(3)), neq)
    add(
        "np view shared",
        lambda: (lambda a: {"a": a, "b": a})(np.arange(3)),
        lambda a, b: b["a"] is b["b"],
    )
    add(
        "np base view",
        lambda: (lambda a: {"a": a, "b": a[1:]})(np.arange(3)),
        lambda a, b: b["a"].tolist() == [0, 1, 2] and b["b"].tolist() == [1, 2],
    )
    add("np neg stride", lambda: np.arange(6)[::-1], lambda a, b: a.tolist() == b.tolist())
    add(
        "np broadcast",
        lambda: np.broadcast_to(np.arange(3), (2, 3)),
        lambda a, b: a.tolist() == b.tolist() and a.dtype == b.dtype,
    )
    add("np empty", lambda: np.empty((0, 3), "f4"), neq)
    add("np 0d obj", lambda: np.array(None, dtype=object), neq)
    add("np 0d str", lambda: np.array("x"), neq)
    add(
        "np obj nested",
        lambda: np.array([np.arange(2), {"a": np.float32(1)}, None], dtype=object),
        lambda a, b: (
            type(b) is np.ndarray
            and b.dtype == object
            and b[0].tolist() == [0, 1]
            and type(b[1]["a"]) is np.float32
        ),
    )

    def objcyc2():
        a = np.empty(2, dtype=object)
        l = [a]
        a[0] = l
        a[1] = 1
        return l

    add("np obj cycle2", objcyc2, lambda a, b: b[0][0] is b)
    add(
        "np dt64 units",
        lambda: [
            np.datetime64("2026", "Y"),
            np.datetime64("2026-01", "M"),
            np.datetime64("NaT"),
            np.datetime64("2026-01-02T03", "h"),
            np.datetime64(5, "as"),
            np.timedelta64(3),
            np.timedelta64(-5, "us"),
            np.timedelta64("NaT", "D"),
        ],
        lambda a, b: all(
            type(x) is type(y) and x.dtype == y.dtype and (x == y or (np.isnat(x) and np.isnat(y)))
            for x, y in zip(a, b)
        ),
    )
    add(
        "np str_",
        lambda: [np.str_("é"), np.bytes_(b"a\0b"), np.bool_(False)],
        lambda a, b: [type(x) for x in a] == [type(x) for x in b] and a == b,
    )
    add("np void", lambda: np.void(b"abc"), neq)
    add(
        "np record",
        lambda: np.rec.array([(1, "a")], dtype=[("x", "i4"), ("y", "U3")])[0],
        lambda a, b: type(a) is type(b) and a == b and a.dtype == b.dtype,
    )
    add(
        "np recarray",
        lambda: np.rec.array([(1, "a")], dtype=[("x", "i4"), ("y", "U3")]),
        lambda a, b: type(a) is type(b) and (a == b).all() and a.dtype == b.dtype and b.x[0] == 1,
    )
    add(
        "np struct nested",
        lambda: np.zeros(
            3, [("p", [("x", "f4"), ("y", ">f8", (2,))]), ("n", "S4"), ("d", "M8[ms]")]
        ),
        neq,
    )
    add("np struct obj", lambda: np.array([(1, {"a": 1})], dtype=[("i", "i4"), ("o", "O")]), neq)
    add("np struct titles", lambda: np.zeros(2, np.dtype([(("Title", "a"), "i4")])), neq)
    add("np aligned", lambda: np.zeros(2, np.dtype("u1,f8", align=True)), neq)
    add(
        "np struct scalar",
        lambda: np.zeros(1, [("a", "i4"), ("b", "U2")])[0],
        lambda a, b: type(a) is type(b) and a == b and a.dtype == b.dtype,
    )
    add(
        "np StringDType na",
        lambda: np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None)),
        lambda a, b: a.tolist() == b.tolist() and a.dtype == b.dtype,
    )
    add(
        "np StringDType nan",
        lambda: np.array(["a", np.nan], dtype=np.dtypes.StringDType(na_object=np.nan)),
        lambda a, b: (
            b.tolist()[0] == "a"
            and b.tolist()[1] != b.tolist()[1]
            and repr(a.dtype) == repr(b.dtype)
        ),
    )
    add(
        "np StringDType 2d",
        lambda: np.array([["ab", "c"], ["", "é"]], dtype=np.dtypes.StringDType()),
        neq,
    )
    add("np U bigendian", lambda: np.array(["ab"], ">U2"), neq)
    add("np S trailing nul", lambda: np.array([b"a\0", b"\0b"], "S3"), neq)
    add(
        "np masked",
        lambda: np.ma.array([1.0, 2, 3], mask=[0, 1, 0], fill_value=7),
        lambda a, b: (
            type(a) is type(b)
            and a.mask.tolist() == b.mask.tolist()
            and a.data.tolist() == b.data.tolist()
            and a.fill_value == b.fill_value
        ),
    )
    add(
        "np masked nomask",
        lambda: np.ma.array([1, 2]),
        lambda a, b: b.mask is np.ma.nomask and a.data.tolist() == b.data.tolist(),
    )
    add(
        "np masked struct",
        lambda: np.ma.array([(1, 2.0)], mask=[(1, 0)], dtype=[("a", "i4"), ("b", "f8")]),
        lambda a, b: type(a) is type(b) and a.mask.tolist() == b.mask.tolist(),
    )
    add(
        "np masked const",
        lambda: [np.ma.masked, np.ma.nomask],
        lambda a, b: b[0] is np.ma.masked and b[1] is np.ma.nomask,
    )
    add("np matrix", lambda: np.matrix([[1, 2]]), neq)
    add(
        "np chararray",
        lambda: np.char.array(["ab", "c"]),
        lambda a, b: type(a) is type(b) and a.tolist() == b.tolist(),
    )
    add(
        "np dtypes",
        lambda: [
            np.dtype("f4"),
            np.dtype(">i2"),
            np.dtype([("a", "i4"), ("b", "O")]),
            np.dtype("U5"),
            np.dtype("M8[7us]"),
            np.dtype(object),
            np.dtype(("f4", (2, 3))),
            np.dtype("V3"),
            np.dtypes.Float32DType(),
        ],
    )
    add("np types", lambda: [np.float32, np.ndarray, np.int64, np.generic, np.dtype])
    add("np ufunc", lambda: [np.add, np.sin])
    add("np funcs", lambda: [np.mean, np.std], lambda a, b: a == b)
    add("np random", lambda: np.random.default_rng(5), lambda a, b: a.random() == b.random())
    add(
        "np seedseq",
        lambda: np.random.SeedSequence(5),
        lambda a, b: a.generate_state(3).tolist() == b.generate_state(3).tolist(),
    )
    add(
        "np poly",
        lambda: np.poly1d([1, 2, 3]),
        lambda a, b: type(a) is type(b) and (a.coeffs == b.coeffs).all(),
    )
    add(
        "np polynomial",
        lambda: np.polynomial.Polynomial([1, 2, 3]),
        lambda a, b: a == b and type(a) is type(b),
    )
    add(
        "np chebyshev",
        lambda: np.polynomial.Chebyshev([1, 2, 3], domain=[0, 2]),
        lambda a, b: a == b and type(a) is type(b),
    )
    add("np nditer-less", lambda: np.index_exp[1:2, ..., None])
    add(
        "np newaxis key",
        lambda: {np.int64(3): 1, np.float32(1.5): 2, np.str_("a"): 3},
        lambda a, b: a == b and [type(k) for k in a] == [type(k) for k in b],
    )
    add("np finfo", lambda: np.finfo("f4"), lambda a, b: type(a) is type(b) and a.eps == b.eps)
    add(
        "np bool arr in set",
        lambda: {np.True_, np.int8(5)},
        lambda a, b: a == b and {type(x) for x in a} == {type(x) for x in b},
    )
    add("np longdouble", lambda: np.longdouble(1) / 3, lambda a, b: type(a) is type(b) and a == b)
    add(
        "np nan payload",
        lambda: np.array([0x7FF8000000000123, 0xFFF8000000000000], "u8").view("f8"),
        neq,
    )
    add("np f16", lambda: np.array([1.5, np.inf, -0.0], "f2"), neq)
    try:
        import ml_dtypes

        add("ml bfloat16", lambda: np.array([1.5, 2], ml_dtypes.bfloat16), neq)
        add("ml float8", lambda: np.array([1.5, 2], ml_dtypes.float8_e4m3fn), neq)
        add(
            "ml scalar", lambda: ml_dtypes.bfloat16(1.5), lambda a, b: type(a) is type(b) and a == b
        )
    except ImportError:
        pass

with contextlib.suppress(ImportError):
    import pandas as pd

    def peq(a, b):
        t = pd.testing
        if type(a) is not type(b):
            return False
        if isinstance(a, pd.DataFrame):
            t.assert_frame_equal(
                a,
                b,
                check_freq=True,
                check_flags=True,
                check_column_type="exact",
                check_index_type="exact",
            )
            return a.attrs == b.attrs and [type(c) for c in a.columns] == [
                type(c) for c in b.columns
            ]
        if isinstance(a, pd.Series):
            t.assert_series_equal(a, b, check_freq=True, check_flags=True, check_index_type="exact")
            return a.attrs == b.attrs and a.name == b.name and type(a.name) is type(b.name)
        if isinstance(a, pd.Index):
            t.assert_index_equal(a, b, exact=True, check_names=True)
            return getattr(a, "freq", None) == getattr(b, "freq", None) and a.dtype == b.dtype
        if isinstance(a, pd.api.extensions.ExtensionArray):
            t.assert_extension_array_equal(a, b)
            return True
        return bool(a == b)

    P = pd
    for n, f in {
        "Timestamp": lambda: P.Timestamp("2026-01-02T03:04:05.123456789"),
        "Timestamp tz": lambda: P.Timestamp("2026-01-02", tz="Europe/Paris"),
        "Timestamp unit": lambda: P.Timestamp("2026-01-02").as_unit("s"),
        "Timestamp fold": lambda: (
            P.Timestamp("2026-10-25T02:30", tz="Europe/Paris", fold=1)
            if False
            else P.Timestamp(1792895400, unit="s", tz="Europe/Paris")
        ),
        "Timestamp fixed": lambda: P.Timestamp("2026-01-02T00:00+03:30"),
        "Timedelta": lambda: P.Timedelta("1 days 00:00:00.000000001"),
        "Timedelta min": lambda: P.Timedelta.min,
        "Period": lambda: P.Period("2026-01", "M"),
        "Period Q": lambda: P.Period("2026Q1", "Q-NOV"),
        "Period W": lambda: P.Period("2026-01-05", "W-SUN"),
        "Period B": lambda: P.Period("2026-01-05", "D"),
        "Period 3h": lambda: P.Period("2026-01-05", "3h"),
        "Interval": lambda: P.Interval(0, 1, closed="left"),
        "Interval ts": lambda: P.Interval(P.Timestamp("2026"), P.Timestamp("2027")),
        "DateOffset": lambda: P.DateOffset(months=1, days=2),
        "BDay": lambda: P.offsets.BDay(3),
        "MonthEnd": lambda: P.offsets.MonthEnd(2, normalize=True),
        "Week": lambda: P.offsets.Week(weekday=3),
        "Hour": lambda: P.offsets.Hour(3),
        "CBD": lambda: P.offsets.CustomBusinessDay(weekmask="Mon Tue", holidays=["2026-01-01"]),
        "BH": lambda: P.offsets.BusinessHour(start="09:00", end="12:00"),
        "FY": lambda: P.offsets.FY5253(weekday=4, startingMonth=9),
        "Easter": lambda: P.offsets.Easter(),
        "QE": lambda: P.offsets.QuarterEnd(startingMonth=2),
        "LWOM": lambda: P.offsets.WeekOfMonth(week=1, weekday=2),
        "SME": lambda: P.offsets.SemiMonthEnd(day_of_month=14),
        "Index obj": lambda: P.Index([1, "a", None], name="n"),
        "Index str": lambda: P.Index(["a", "b"]),
        "Index str na": lambda: P.Index(["a", None]),
        "Index float": lambda: P.Index([1.5, float("nan")]),
        "Index bool": lambda: P.Index([True, False]),
        "RangeIndex": lambda: P.RangeIndex(1, 9, 3, name="r"),
        "Index i8": lambda: P.Index([1, 2], dtype="i1"),
        "DatetimeIndex": lambda: P.date_range("2026", periods=3, freq="ME", name="d"),
        "DatetimeIndex tz": lambda: P.date_range("2026-03-28", periods=3, tz="Europe/Paris"),
        "DatetimeIndex s": lambda: P.DatetimeIndex(["2026-01-01", "NaT"], dtype="M8[s]"),
        "TimedeltaIndex": lambda: P.timedelta_range("1h", periods=3, freq="90min"),
        "PeriodIndex": lambda: P.period_range("2026", periods=3, freq="Q-DEC", name="p"),
        "IntervalIndex": lambda: P.interval_range(0, 3, closed="both", name="i"),
        "IntervalIndex dt": lambda: P.interval_range(P.Timestamp("2026"), periods=2, freq="D"),
        "CategoricalIndex": lambda: P.CategoricalIndex(["a", "b", "a"], ordered=True, name="c"),
        "MultiIndex": lambda: P.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", "y"]),
        "MultiIndex na": lambda: P.MultiIndex.from_tuples(
            [("a", 1.0), (None, float("nan"))], names=[None, ("t", 1)]
        ),
        "MultiIndex dates": lambda: P.MultiIndex.from_product(
            [P.date_range("2026", periods=2), P.Categorical(["u", "v"])]
        ),
        "MultiIndex unused": lambda: P.MultiIndex.from_product([["a", "b"], [1, 2]])[:1],
        "MultiIndex sorted": lambda: P.MultiIndex([["a", "b"]], [[0, 1]], sortorder=1),
        "MultiIndex empty": lambda: P.MultiIndex.from_arrays([[], []], names=["a", "b"]),
        "Series obj": lambda: P.Series([1, "a", None, (1, 2), {"k": [1]}]),
        "Series name tuple": lambda: P.Series([1], name=("a", 1)),
        "Series Int64": lambda: P.Series([1, None], dtype="Int64"),
        "Series boolean": lambda: P.Series([True, None], dtype="boolean"),
        "Series string": lambda: P.Series(["a", None], dtype="string"),
        "Series Float32": lambda: P.Series([1.5, None], dtype="Float32"),
        "Series cat": lambda: P.Series(
            P.Categorical(["b", None, "a"], categories=["b", "a", "z"], ordered=True)
        ),
        "Series cat int": lambda: P.Series([3, 1, 3], dtype="category"),
        "Series cat dt": lambda: P.Series(P.Categorical(P.to_datetime(["2026-01-01"]))),
        "Series sparse": lambda: P.Series(P.arrays.SparseArray([0, 0, 5], fill_value=0)),
        "Series sparse bool": lambda: P.Series(P.arrays.SparseArray([True, False])),
        "Series period": lambda: P.Series(P.period_range("2026", periods=2, freq="D")),
        "Series interval": lambda: P.Series(P.arrays.IntervalArray.from_breaks([0, 1, 2])),
        "Series td": lambda: P.Series(P.to_timedelta(["1h", "NaT"])),
        "Series tz": lambda: P.Series(
            P.to_datetime(["2026-01-01", "2026-06-01"], utc=True).tz_convert("Asia/Tokyo")
        ),
        "Series utc fixed": lambda: P.Series(
            P.to_datetime(["2026-01-01"]).tz_localize(dt.timezone(dt.timedelta(hours=2)))
        ),
        "Series arrow int": lambda: P.Series([1, None], dtype="int64[pyarrow]"),
        "Series arrow str": lambda: P.Series(["a", None], dtype="string[pyarrow]"),
        "Series arrow list": lambda: P.Series(
            [[1], None],
            dtype=P.ArrowDtype(__import__("pyarrow").list_(__import__("pyarrow").int64())),
        ),
        "Series arrow dec": lambda: P.Series(
            [__import__("decimal").Decimal("1.10")],
            dtype=P.ArrowDtype(__import__("pyarrow").decimal128(5, 2)),
        ),
        "Series complex": lambda: P.Series([1 + 2j]),
        "Series f2": lambda: P.Series([1.5], dtype="f4"),
        "Series empty": lambda: P.Series([], dtype=object),
        "Series bytes": lambda: P.Series([b"a", b"b"]),
        "Series dates": lambda: P.Series([dt.date(2026, 1, 1)]),
        "Series objs NA": lambda: P.Series([P.NA, P.NaT, None, float("nan")], dtype=object),
        "DF": lambda: P.DataFrame(
            {"i": [1, 2], "f": [1.5, None], "s": ["a", None], "b": [True, False]}
        ),
        "DF empty": lambda: P.DataFrame(),
        "DF norows": lambda: P.DataFrame({"a": P.Series([], dtype="i4")}),
        "DF nocols": lambda: P.DataFrame(index=[1, 2]),
        "DF intcols": lambda: P.DataFrame([[1, 2]], columns=[10, 20]),
        "DF mixcols": lambda: P.DataFrame([[1, 2, 3]], columns=["a", 1, None]),
        "DF dupcols": lambda: P.DataFrame([[1, "x"]], columns=["a", "a"]),
        "DF datecols": lambda: P.DataFrame([[1, 2]], columns=P.date_range("2026", periods=2)),
        "DF multicols": lambda: P.DataFrame(
            [[1, 2.5]], columns=P.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["p", "q"])
        ),
        "DF colname": lambda: P.DataFrame({"a": [1]}).rename_axis(columns="cn", index="in"),
        "DF attrs": lambda: (lambda d: (d.attrs.update(a=[1], b={"c": 2}), d)[1])(
            P.DataFrame({"a": [1]})
        ),
        "DF flags": lambda: P.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        "DF catcols": lambda: P.DataFrame([[1, 2]], columns=P.CategoricalIndex(["x", "y"])),
        "DF nested": lambda: P.DataFrame({"a": [P.DataFrame({"b": [1]})]}),
        "DF bool cols": lambda: P.DataFrame([[1, 2]], columns=[True, False]),
        "DF objdf": lambda: P.DataFrame({"o": [{"a": 1}, (1, 2), [3], None, {4}]}),
        "NA": lambda: [P.NA, P.NaT],
        "array Int": lambda: P.array([1, None], dtype="Int8"),
        "array str": lambda: P.array(["a", None]),
        "Categorical": lambda: P.Categorical(["a", "b"], ordered=True),
        "SparseArray": lambda: P.arrays.SparseArray([1.0, float("nan"), 2.0]),
        "IntervalArray": lambda: P.arrays.IntervalArray.from_tuples(
            [(0, 1), (2, 3)], closed="neither"
        ),
        "PeriodArray": lambda: P.period_range("2026", periods=2, freq="D").array,
        "DatetimeArray": lambda: P.date_range("2026", periods=2, freq="D").array,
        "BooleanArray": lambda: P.array([True, None]),
        "dtypes": lambda: [
            P.CategoricalDtype(["a"], ordered=True),
            P.DatetimeTZDtype("ns", "UTC"),
            P.PeriodDtype("M"),
            P.IntervalDtype("int64", "left"),
            P.StringDtype(),
            P.Int8Dtype(),
            P.BooleanDtype(),
            P.SparseDtype("f8", 0.0),
            P.ArrowDtype(__import__("pyarrow").int8()),
            P.Float64Dtype(),
            P.StringDtype("pyarrow"),
            P.StringDtype(na_value=float("nan")),
        ],
        "CategoricalDtype none": lambda: P.CategoricalDtype(),
        "IntervalDtype none": lambda: P.IntervalDtype(),
        "classes": lambda: [P.Timestamp, P.DataFrame, P.Series],
    }.items():

        def eq(a, b, n=n):
            if isinstance(a, list):
                return len(a) == len(b) and all(
                    type(x) is type(y) and (x is y or bool(x == y)) for x, y in zip(a, b)
                )
            if n == "DF nested":
                return peq(a["a"][0], b["a"][0])
            if n == "Series objs NA":
                return (
                    [type(x) for x in a] == [type(x) for x in b]
                    and b[0] is pd.NA
                    and b[1] is pd.NaT
                    and b[2] is None
                )
            return peq(a, b)

        add("pd " + n, f, eq)

    class SubDF(pd.DataFrame):
        _metadata = ["meta"]

        @property
        def _constructor(self):
            return SubDF

    def subdf():
        d = SubDF({"a": [1]})
        d.meta = "m"
        return d

    add("pd subclass", subdf, lambda a, b: type(a) is type(b) and a.equals(b) and b.meta == "m")
    add(
        "pd shared index",
        lambda: (lambda i: [pd.Series([1, 2], index=i), pd.Series([3, 4], index=i)])(
            pd.Index(["a", "b"])
        ),
        lambda a, b: b[0].index.equals(a[0].index),
    )
    add(
        "pd obj shared",
        lambda: (lambda l: {"l": l, "d": pd.DataFrame({"o": [l, l]})})([1]),
        lambda a, b: b["d"].o[0] is b["l"] is b["d"].o[1],
    )

with contextlib.suppress(ImportError):
    import polars as pl

    def pleq(a, b):
        return (
            type(a) is type(b)
            and (a.equals(b, null_equal=True))
            and (
                a.schema == b.schema
                if isinstance(a, pl.DataFrame)
                else (a.dtype == b.dtype and a.name == b.name)
            )
        )

    for n, f in {
        "DF": lambda: pl.DataFrame(
            {
                "i": [1, None],
                "s": ["a", "é"],
                "l": [[1], [2, 3]],
                "st": [{"a": 1, "b": "x"}, None],
                "d": [dt.date(2026, 1, 1), None],
                "t": [dt.time(1, 2), None],
                "dt": [dt.datetime(2026, 1, 1), None],
                "du": [dt.timedelta(1), None],
                "b": [b"x", None],
                "bo": [True, None],
                "dec": [decimal.Decimal("1.10"), None],
            }
        ),
        "tz": lambda: pl.DataFrame(
            {"t": pl.Series([dt.datetime(2026, 1, 1)]).dt.replace_time_zone("Europe/Paris")}
        ),
        "cat": lambda: pl.DataFrame({"c": pl.Series(["a", "b"], dtype=pl.Categorical)}),
        "enum": lambda: pl.DataFrame({"c": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"]))}),
        "array": lambda: pl.DataFrame(
            {"a": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2))}
        ),
        "empty": lambda: pl.DataFrame(),
        "norows": lambda: pl.DataFrame(schema={"a": pl.Int8}),
        "Series": lambda: pl.Series("n", [1, 2], dtype=pl.UInt16),
        "Series noname": lambda: pl.Series([1.5, float("nan")]),
        "null": lambda: pl.Series("x", [None, None]),
        "int128": lambda: pl.Series("x", [2**100], dtype=pl.Int128),
        "nested": lambda: pl.DataFrame({"a": [[[1], [2]], [[]]]}),
        "u8": lambda: pl.Series("e", [], dtype=pl.List(pl.Struct({"a": pl.Date}))),
    }.items():
        add("pl " + n, f, pleq)
    add(
        "pl dtypes",
        lambda: [
            pl.Int8,
            pl.Int8(),
            pl.List(pl.Int8),
            pl.Datetime("us", "UTC"),
            pl.Enum(["a"]),
            pl.Struct({"a": pl.Int8}),
            pl.Categorical(),
            pl.Decimal(10, 2),
            pl.Array(pl.Int8, 2),
            pl.Duration("ms"),
        ],
    )
    add(
        "pl schema",
        lambda: pl.Schema({"a": pl.Int8, "b": pl.List(pl.String)}),
        lambda a, b: type(a) is type(b) and a == b,
    )

with contextlib.suppress(ImportError):
    import pyarrow as pa

    def paeq(a, b):
        return type(a) is type(b) and a.equals(b) if hasattr(a, "equals") else a == b

    for n, f in {
        "Table": lambda: pa.table({"i": [1, None], "s": ["a", "b"]}),
        "Table meta": lambda: pa.table({"a": [1]}).replace_schema_metadata({"k": "v"}),
        "chunks": lambda: pa.chunked_array([[1], [2, 3]]),
        "batch": lambda: pa.record_batch({"a": [1, 2]}),
        "array": lambda: pa.array([1, None, 3], pa.int8()),
        "dict": lambda: pa.array(["a", "b", "a"]).dictionary_encode(),
        "struct": lambda: pa.array([{"a": 1}]),
        "list": lambda: pa.array([[1], None]),
        "map": lambda: pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
        "dec": lambda: pa.array([decimal.Decimal("1.10")]),
        "ts": lambda: pa.array([1], pa.timestamp("ns", "UTC")),
        "union": lambda: pa.UnionArray.from_dense(
            pa.array([0, 1], pa.int8()),
            pa.array([0, 0], pa.int32()),
            [pa.array([1]), pa.array(["a"])],
        ),
        "ext": lambda: pa.array([1, 2]),
        "ree": lambda: pa.RunEndEncodedArray.from_arrays([2, 3], [1, 2]),
        "view": lambda: pa.array(["abc" * 10], pa.string_view()),
        "slice": lambda: pa.array([1, 2, 3, 4])[1:3],
        "null": lambda: pa.nulls(3),
        "bool": lambda: pa.array([True, None, False]),
        "large": lambda: pa.array(["a"], pa.large_string()),
        "schema": lambda: pa.schema(
            [pa.field("a", pa.int8(), nullable=False, metadata={"m": "n"})], metadata={"x": "y"}
        ),
        "field": lambda: pa.field("a", pa.list_(pa.int8()), nullable=False),
        "type": lambda: pa.dictionary(pa.int8(), pa.string()),
        "scalar": lambda: pa.scalar(5, pa.int8()),
        "scalar struct": lambda: pa.scalar({"a": [1]}),
        "scalar null": lambda: pa.scalar(None, pa.int8()),
        "scalar ts": lambda: pa.scalar(5, pa.timestamp("ns")),
        "empty": lambda: pa.table({}),
        "emptychunks": lambda: pa.chunked_array([], pa.int8()),
        "tensor": lambda: pa.Tensor.from_numpy(np.arange(6).reshape(2, 3)),
        "buffer": lambda: pa.py_buffer(b"abc"),
        "types": lambda: pa.struct([("a", pa.int8())]),
    }.items():
        add("pa " + n, f, paeq)

with contextlib.suppress(ImportError):
    import scipy.interpolate
    import scipy.optimize
    import scipy.signal
    import scipy.sparse as sp
    from scipy.spatial.transform import Rotation

    for fmt in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil"):
        for fam in ("array", "matrix"):
            add(
                f"sp {fmt}_{fam}",
                lambda fmt=fmt, fam=fam: getattr(sp, f"{fmt}_{fam}")(
                    np.array([[0, 1.5, 0], [2, 0, 0]], dtype="f4")
                ),
                lambda a, b: (
                    type(a) is type(b)
                    and a.dtype == b.dtype
                    and (a != b).nnz == 0
                    and a.shape == b.shape
                ),
            )
    add(
        "sp unsorted",
        lambda: sp.csr_array(
            (np.array([1.0, 2, 0]), np.array([2, 0, 1]), np.array([0, 3, 3])), shape=(2, 3)
        ),
        lambda a, b: b.indices.tolist() == [2, 0, 1] and b.nnz == 3,
    )
    add(
        "sp dup coo",
        lambda: sp.coo_array(
            (np.array([1.0, 2]), (np.array([0, 0]), np.array([1, 1]))), shape=(2, 2)
        ),
        lambda a, b: b.nnz == 2,
    )
    add(
        "sp int64",
        lambda: (
            lambda a: (
                setattr(a, "indices", a.indices.astype("i8")),
                setattr(a, "indptr", a.indptr.astype("i8")),
                a,
            )[2]
        )(sp.csr_array(np.eye(2))),
        lambda a, b: b.indices.dtype == a.indices.dtype,
    )
    add(
        "sp 1d coo",
        lambda: sp.coo_array(np.array([0, 1, 2])),
        lambda a, b: b.shape == a.shape and b.toarray().tolist() == [0, 1, 2],
    )
    add("sp empty", lambda: sp.csr_array((0, 5)), lambda a, b: a.shape == b.shape)
    add("sp bool", lambda: sp.csr_array(np.eye(2, dtype=bool)), lambda a, b: a.dtype == b.dtype)
    add(
        "scipy rotation",
        lambda: Rotation.from_euler("z", 90, degrees=True),
        lambda a, b: np.allclose(a.as_quat(), b.as_quat()),
    )
    add(
        "scipy interp",
        lambda: scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, 4]),
        lambda a, b: a(1.5) == b(1.5),
    )
    add(
        "scipy bspline",
        lambda: scipy.interpolate.make_interp_spline([0, 1, 2, 3], [0, 1, 4, 9]),
        lambda a, b: a(1.5) == b(1.5),
    )
    add(
        "scipy optimize result",
        lambda: scipy.optimize.OptimizeResult(x=np.array([1.0]), fun=2.0),
        lambda a, b: type(a) is type(b) and a.fun == b.fun,
    )
    add(
        "scipy signal",
        lambda: scipy.signal.TransferFunction([1], [1, 2]),
        lambda a, b: type(a) is type(b) and a.num.tolist() == b.num.tolist(),
    )

with contextlib.suppress(ImportError):
    from PIL import Image

    for m in (
        "1",
        "L",
        "LA",
        "P",
        "PA",
        "RGB",
        "RGBA",
        "RGBa",
        "La",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "F",
        "I;16",
        "I;16B",
        "I;16L",
        "RGBX",
    ):

        def mk(m=m):
            try:
                im = Image.new(m, (5, 4))
            except ValueError:
                return None
            with contextlib.suppress(Exception):
                im.putpixel(
                    (1, 1), tuple(range(1, len(im.getbands()) + 1)) if len(im.getbands()) > 1 else 1
                )
            return im

        add(
            "pil " + m,
            mk,
            lambda a, b: (
                (a is None and b is None)
                or (
                    a.mode == b.mode
                    and a.size == b.size
                    and a.tobytes() == b.tobytes()
                    and (a.getpalette() == b.getpalette())
                )
            ),
        )
    add(
        "pil info",
        lambda: (lambda i: (i.info.update(dpi=(72, 72), transparency=3, text="é"), i)[1])(
            Image.new("P", (2, 2))
        ),
        lambda a, b: a.info == b.info,
    )
    add("pil empty", lambda: Image.new("RGB", (0, 0)), lambda a, b: a.size == b.size)
    add(
        "pil palette rgba",
        lambda: (lambda i: (i.putpalette([1, 2, 3, 4] * 256, "RGBA"), i)[1])(
            Image.new("P", (2, 2), 5)
        ),
        lambda a, b: (
            a.getpalette("RGBA") == b.getpalette("RGBA")
            and a.convert("RGBA").tobytes() == b.convert("RGBA").tobytes()
        ),
    )

with contextlib.suppress(ImportError):
    import networkx as nx

    def geq(a, b):
        return (
            type(a) is type(b)
            and dict(a.nodes(data=True)) == dict(b.nodes(data=True))
            and list(a.edges(data=True)) == list(b.edges(data=True))
            and a.graph == b.graph
            and list(a) == list(b)
            and {n: list(a._adj[n]) for n in a} == {n: list(b._adj[n]) for n in a}
            and list(map(list, getattr(a, "_pred", {}).values()))
            == list(map(list, getattr(b, "_pred", {}).values()))
        )

    for n, f in {
        "graph": lambda: nx.Graph([(1, 2, {"w": 1}), (2, (3, 4))], name="g"),
        "di": lambda: nx.DiGraph([("a", "b"), ("b", "a")]),
        "multi": lambda: (
            nx.MultiGraph([(1, 2, "k", {"w": 1}), (1, 2, {"w": 2})])
            if 0
            else (lambda g: (g.add_edge(1, 2, key="k", w=1), g.add_edge(1, 2, w=2), g)[2])(
                nx.MultiGraph()
            )
        ),
        "multidi": lambda: (lambda g: (g.add_edge(2, 1, w=2), g)[1])(nx.MultiDiGraph()),
        "empty": lambda: nx.Graph(),
        "selfloop": lambda: nx.Graph([(1, 1)]),
        "frozen": lambda: nx.freeze(nx.path_graph(3)),
        "obj nodes": lambda: nx.Graph([(dt.date(2026, 1, 1), None if 0 else frozenset({1}))]),
        "karate": lambda: nx.karate_club_graph(),
        "neighbours": lambda: nx.Graph([(1, 2), (3, 2), (3, 1), (1, 3), (2, 1)]),
        "predecessors": lambda: nx.DiGraph([(3, 1), (2, 1), (1, 3), (4, 1)]).reverse(copy=True),
        "order": lambda: nx.Graph([(3, 1), (1, 2), (2, 3)]),
    }.items():
        add("nx " + n, f, geq)

    class SubG(nx.DiGraph):
        pass

    add("nx subclass", lambda: SubG([(1, 2)]), geq)
