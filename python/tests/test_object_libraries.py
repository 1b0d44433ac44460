"""Objects of libraries: what comes back is what was saved, and the traps others fell into."""

# ruff: noqa: E501  tables of cases

import json
import warnings
from datetime import datetime
from typing import Any

import pytest

import cannery


def through(value: Any, format: str = "can", **options: Any) -> Any:
    data = cannery.dumps(value, format)
    assert b"cnumpy" not in data
    return cannery.loads(data, format, **options)


def numpy_values() -> list[Any]:
    np = pytest.importorskip("numpy")
    base = np.arange(24)
    simple = "?bhilqBHILQefdgFDG"
    values = [base[:6].astype(kind).reshape(2, 3) for kind in simple]
    values += [
        base[:6].astype(f">{kind}") for kind in ("i2", "u8", "f4", "f8", "c16", "M8[ns]", "m8[h]")
    ]
    values += [
        np.asfortranarray(base.reshape(2, 3, 4)), base.reshape(4, 6).T, base[::-2], base.reshape(4, 6)[:, ::2],
        np.array(3.5), np.zeros((0, 3)), np.zeros((2, 0, 3), "f4", order="F"), np.array([], dtype=object),
        np.array(["2026-01-02", "NaT"], "M8[D]"), np.array([5], "M8[25us]"), np.array([1, "NaT"], "m8[s]"),
        np.array(["ab", "é😀", ""]), np.array([b"a\0b", b""]), np.array(["x"], ">U3"), np.zeros(2, "V5"),
        np.array([(1, 2.5, "x")], [("a", "<i4"), ("b", ">f8"), ("c", "U2")]),
        np.zeros(2, np.dtype({"names": ["a", "b"], "formats": ["u1", "f8"], "offsets": [0, 8], "itemsize": 24})),
        np.zeros(2, [("p", [("x", "f4"), ("y", "f4", (2, 2))])]), np.zeros(2, np.dtype("u1,f8", align=True)),
        np.array(["ab", "c"], dtype=np.dtypes.StringDType()), np.array([1, "a", None, [1], (2,)], dtype=object),
        np.array([[None, {1: 2}], ["x", 1.5]], dtype=object, order="F"),
        np.array([1, 2.5]).view(np.recarray), np.rec.array([(1, "a")], names="n,t"), np.matrix([[1, 2]]), np.char.array(["a"]),
        np.array([np.nan, -0.0, np.inf]), np.array([1 + 2j]),
        np.float32(1.5), np.float64("nan"), np.float16(0.1), np.longdouble(1) / 3, np.int8(-3), np.uint64(2**64 - 1),
        np.bool_(True), np.complex64(1 + 2j), np.clongdouble(1 + 2j), np.str_("é"), np.bytes_(b"\0x"),
        np.datetime64("2026-01-02T03:04:05.123456789"), np.datetime64("NaT"), np.timedelta64(3, "h"),
        np.void(b"abc"), np.zeros(1, [("a", "i4")])[0], np.dtype("f4"), np.dtype(">M8[7us]"),
        np.dtype([("a", "i4"), ("b", "O")]), np.dtype(np.dtypes.StringDType()), np.dtype(("f4", (2,))),
    ]  # fmt: skip
    return values


def same_array(a: Any, b: Any) -> None:
    import numpy as np

    assert type(a) is type(b)
    if isinstance(a, np.dtype):
        assert a == b
        return
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    if isinstance(a, np.ndarray):
        assert not a.flags.c_contiguous or b.flags.c_contiguous
        assert not a.flags.f_contiguous or b.flags.f_contiguous
        assert b.flags.writeable
    if a.dtype.hasobject or a.dtype.kind == "T":
        assert a.tolist() == b.tolist()
    elif a.dtype.char in "gG":  # there is room between them, which nobody fills
        assert (a == b).all()
    else:
        assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


@pytest.mark.parametrize("format", ["can", "json", "yaml"])
def test_numpy(format: str) -> None:
    for value in numpy_values():
        same_array(value, through(value, format))


def test_masked_and_mapped_arrays(tmp_path: Any) -> None:
    np = pytest.importorskip("numpy")
    for array in (
        np.ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=9),
        np.ma.array([[1.5], [2.5]]),
        np.ma.array(["a", "b"], mask=True, hard_mask=True),
        np.ma.array([(1, 2.0)], mask=[(1, 0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.ma.masked_all((2, 0)),
    ):
        back = through(array)
        assert type(back) is type(array)
        same_array(array.data, back.data)
        assert np.array_equal(array.mask, back.mask)
        assert (array.mask is np.ma.nomask) == (back.mask is np.ma.nomask)
        assert (back.fill_value, back.hardmask) == (array.fill_value, array.hardmask)
    assert through(np.ma.masked) is np.ma.masked
    mapped = np.memmap(tmp_path / "m", "f4", "w+", shape=(3,))
    assert through(mapped).tolist() == [0, 0, 0]
    assert type(through(mapped)) is np.memmap


@pytest.mark.parametrize("format", ["can", "json", "yaml", "msgpack"])
def test_an_array_may_hold_itself(format: str) -> None:
    np = pytest.importorskip("numpy")
    array = np.empty((2, 2), object, order="F")
    array[0, 1], array[1, 0] = array, (array, [array])
    back = through(array, format)
    assert back.flags.f_contiguous
    assert all(found is back for found in (back[0, 1], back[1, 0][0], back[1, 0][1][0]))
    records = np.zeros(2, [("a", "i4"), ("o", "O")])
    records["o"][1] = records
    assert (back := through(records, format))["o"][1] is back
    pair = ([], np.empty((), object))
    pair[1][()] = pair
    assert (back := through(pair, format))[1][()] is back


def test_types_of_elements_that_others_have_added() -> None:
    np = pytest.importorskip("numpy")
    kind = np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    for value in (kind, np.dtype((kind, (2,))), np.ones((2, 3), kind), np.ones((), kind)):
        back = through(value)
        assert type(back) is type(value)
        assert getattr(back, "dtype", back) == getattr(value, "dtype", value)
    for value in ([("a", "i4"), ("b", kind)], [("p", [("b", kind, (2,))])]):
        for refused in (
            np.dtype(value),
            np.zeros(2, value),
            np.zeros(2, value)[0],
            np.zeros(2, value).view(np.recarray),
        ):
            with pytest.raises(cannery.CanneryError, match="the field 'b' of the type bfloat16"):
                cannery.dumps(refused)


def test_what_element_types_say_besides() -> None:
    np = pytest.importorskip("numpy")
    noted = np.arange(6, dtype=np.dtype("f4", metadata={"unit": "m"})).reshape(2, 3)
    back = through(noted)
    same_array(noted, back)
    assert dict(back.dtype.metadata) == {"unit": "m"}
    strict = np.array(["a"], dtype=np.dtypes.StringDType(coerce=False))
    assert through(strict).dtype.coerce is False
    overlapping = np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2]})
    assert repr(through(overlapping)) == repr(overlapping)


def test_views_that_python_cannot_make_are_refused() -> None:
    np = pytest.importorskip("numpy")
    assert through(memoryview(np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]))).tolist() == [
        [1, 2],
        [3, 4],
    ]
    for array in (np.zeros(2, ">i4"), np.zeros(2, "c16"), np.zeros(2, "i4,f8"), np.zeros((0, 2))):
        with pytest.raises(cannery.CanneryError, match="a memoryview of format"):
            cannery.dumps(memoryview(array))


def test_dateutil() -> None:
    tz = pytest.importorskip("dateutil.tz")
    relativedelta = pytest.importorskip("dateutil.relativedelta").relativedelta
    for zone in (
        tz.tzutc(),
        tz.tzoffset("X", 5400),
        tz.tzoffset(None, -60),
        tz.gettz("Europe/Paris"),
    ):
        moment = datetime(2026, 7, 1, 12, tzinfo=zone)
        back = through(moment)
        assert back == moment
        assert type(back.tzinfo) is type(zone)
        assert (back.utcoffset(), back.tzname()) == (moment.utcoffset(), moment.tzname())
    assert through(span := relativedelta(months=1, weekday=2)) == span
    with pytest.raises(cannery.CanneryError, match=r"no dateutil.* can be made"):
        cannery.loads(b'{"$type": "dateutil.tz.tzfile", "value": "../../../etc/passwd"}')


def test_random_generators_go_on_where_they_were() -> None:
    np = pytest.importorskip("numpy")
    for kind in ("PCG64", "MT19937", "Philox", "SFC64", "PCG64DXSM"):
        generator = np.random.Generator(getattr(np.random, kind)(5))
        generator.random(3)
        assert through(generator).random(5).tolist() == generator.random(5).tolist()
    state = np.random.RandomState(5)
    state.normal()
    assert through(state).normal(size=5).tolist() == state.normal(size=5).tolist()


def pandas_values() -> dict[str, Any]:
    pd = pytest.importorskip("pandas")
    np = pytest.importorskip("numpy")
    days = pd.date_range("2026-03-28", periods=3, freq="D", tz="Europe/Paris", name="d")
    tuples = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])
    return {
        "plain": pd.DataFrame({"i": [1, 2], "f": [1.5, np.nan], "b": [True, False], "s": ["a", None]}),
        "no columns": pd.DataFrame(index=[3, 4]),
        "no rows": pd.DataFrame({"a": pd.Series([], dtype="i8"), "b": pd.Series([], dtype=object)}),
        "nothing": pd.DataFrame(),
        "block": pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=list("abc")),
        "column names": pd.DataFrame([[1, 2, 3]], columns=[1, ("a", 2), None]),
        "duplicates": pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"], index=[5, 5]),
        "multi": pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], index=tuples, columns=tuples),
        "freq": pd.DataFrame({"v": range(3)}, index=days),
        "business": pd.Series(range(3), index=pd.bdate_range("2026-01-01", periods=3)),
        "naive dates": pd.Series(pd.date_range("2026", periods=2, freq="ME", unit="s")),
        "deltas": pd.Series([1, 2], index=pd.timedelta_range("1h", periods=2, freq="30min")),
        "periods": pd.Series([1, 2], index=pd.period_range("2026-01", periods=2, freq="M", name="p")),
        "intervals": pd.Series([1, 2], index=pd.interval_range(0, 2, closed="left")),
        "categories": pd.DataFrame({
            "c": pd.Categorical(["x", None], categories=["y", "x"], ordered=True), "d": pd.Categorical([1, 2]),
        }),
        "category index": pd.Series([1, 2], index=pd.CategoricalIndex(["a", "b"], name="c")),
        "nullable": pd.DataFrame({
            "i": pd.array([1, None], "Int8"), "f": pd.array([1.5, None], "Float32"),
            "b": pd.array([True, None], "boolean"), "s": pd.array(["x", None], "string"),
            "p": pd.array(["x", None], "string[python]"), "n": pd.array(["x", None], "str"),
        }),
        "sparse": pd.DataFrame({"s": pd.arrays.SparseArray([0, 0, 1]), "t": pd.arrays.SparseArray([1.5, np.nan, 2])}),
        "objects": pd.DataFrame({"o": [{"a": 1}, (1, 2)], "n": pd.Series([None, pd.NA], dtype=object)}),
        "mixed": pd.Series([1, "a", 2.5], name=("n", 1)),
        "zones": pd.DataFrame({"t": pd.to_datetime(["2026-10-25T00:30", "2026-10-25T01:30"]).tz_localize("UTC")
                              .tz_convert("Europe/Paris"), "u": pd.Series([None, "2026"], dtype="M8[us, UTC]")}),
        "period column": pd.DataFrame({"p": pd.period_range("2026", periods=2, freq="Q-MAR")}),
        "interval column": pd.DataFrame({"i": pd.arrays.IntervalArray.from_breaks([0.0, 1, 2])}),
        "index": pd.Index([1, "a"], name="n"), "range": pd.RangeIndex(1, 9, 3, name="r"), "multi index": tuples,
        "int index": pd.Index([3, 1], dtype="uint8"), "nullable index": pd.Index([1, None], dtype="Int64"),
        "small": pd.DataFrame({"a": np.array([1, 2], "u1"), "b": np.array([1, 2], "f2"), "c": np.array([1j, 2])}),
    }  # fmt: skip


@pytest.mark.parametrize("format", ["can", "json"])
def test_pandas(format: str) -> None:
    for name, value in pandas_values().items():
        same_pandas(value, through(value, format), name)


def same_pandas(a: Any, b: Any, name: str) -> None:
    import pandas as pd

    assert type(a) is type(b), name
    kinds = {pd.DataFrame: "frame", pd.Series: "series"}
    check = getattr(pd.testing, f"assert_{kinds.get(type(a), 'index')}_equal")
    exact = {"check_freq": True} if type(a) in kinds else {"exact": True}
    check(a, b, **exact)
    for index in ("index", "columns"):
        if hasattr(a, index):
            assert type(getattr(a, index)) is type(getattr(b, index)), name
            assert list(getattr(a, index).names) == list(getattr(b, index).names), name
    if type(a) is pd.DataFrame:
        assert list(a.dtypes) == list(b.dtypes), name
        for at in range(a.shape[1]):
            if a.dtypes.iloc[at] == object:  # noqa: E721
                assert [*map(type, a.iloc[:, at])] == [*map(type, b.iloc[:, at])], name
        if name in ("plain", "block", "freq"):
            b.iloc[0, 0] = b.iloc[0, 0]  # it can be changed


def test_pandas_attributes_and_scalars() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    frame.attrs.update(source="x", path=(1, 2))
    assert through(frame).attrs == frame.attrs
    assert not through(frame).flags.allows_duplicate_labels
    for value in (
        pd.Timestamp("2026-01-02T03:04:05.123456789"), pd.Timestamp("2026-10-25 02:30+01:00", tz="Europe/Paris"),
        pd.Timestamp(5, unit="s"), pd.Timedelta("1d 2ns"), pd.Period("2026-05", "M"), pd.Interval(1, 2.5, "both"),
        pd.offsets.BMonthEnd(3), pd.offsets.Hour(2), pd.DateOffset(months=2, days=1), pd.CategoricalDtype(["a"], True),
        pd.DatetimeTZDtype("us", "Europe/Paris"), pd.PeriodDtype("M"), pd.IntervalDtype("i8", "left"),
        pd.Int64Dtype(), pd.BooleanDtype(), pd.StringDtype("python"), pd.SparseDtype("f8", 0.0), pd.Float32Dtype(),
    ):  # fmt: skip
        back = through(value)
        assert (type(back), back) == (type(value), value)
        assert repr(back) == repr(value)
    assert through(pd.NA) is pd.NA
    assert through(pd.NaT) is pd.NaT


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "i": [1, None], "l": [[1], [2, 3]], "c": pl.Series(["x", "y"], dtype=pl.Categorical),
            "e": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), "s": [{"a": 1}, {"a": None}],
            "d": pl.Series([1, 2]).cast(pl.Decimal(10, 2)), "b": [b"\x00", None],
            "t": pl.Series([1, 2]).cast(pl.Datetime("ns", "Europe/Paris")),
            "a": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        }
    )  # fmt: skip
    for value in (
        frame,
        frame.clear(),
        pl.DataFrame(),
        pl.Series("n", [1.5, None]),
        pl.Series(["é"]),
    ):
        back = through(value)
        assert type(back) is type(value)
        assert back.equals(value)
        assert getattr(back, "schema", None) == getattr(value, "schema", None)
        assert getattr(back, "name", None) == getattr(value, "name", None)
    with pytest.raises(TypeError, match="LazyFrame") as caught:
        cannery.dumps(frame.lazy())
    assert "collect" in str(caught.value.hint)  # pyright: ignore
    with pytest.raises(TypeError, match="objects"):
        cannery.dumps(pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}))


def test_pyarrow() -> None:
    pa = pytest.importorskip("pyarrow")
    schema = pa.schema([pa.field("i", pa.int8(), nullable=False, metadata={"k": "v"})], {"m": "n"})
    table = pa.table({"i": [1, 2], "s": ["a", None], "d": pa.array(["x", "x"]).dictionary_encode()})
    values = [
        table, table.slice(1), table.to_batches()[0], schema, schema.field(0), pa.list_(pa.int8()),
        pa.array([1, None]), pa.array([[1], None]), pa.chunked_array([[1], [2, 3]]), pa.scalar(3, pa.int8()),
        pa.timestamp("ns", "UTC"), pa.table({}), pa.chunked_array([], pa.int8()),
    ]  # fmt: skip
    for value in values:
        back = through(value)
        assert type(back) is type(value)
        assert back.equals(value)
    assert through(schema).metadata == schema.metadata


def test_extension_types_of_arrow() -> None:
    pa = pytest.importorskip("pyarrow")

    class Grams(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(pa.int8(), "shop.grams")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> Any:
            return cls()

    array = pa.ExtensionArray.from_storage(Grams(), pa.array([1, None], pa.int8()))
    for value in (array, pa.chunked_array([array]), pa.table({"a": array}), array[0]):
        with pytest.raises(cannery.CanneryError, match="not registered"):
            cannery.dumps(value)
    pa.register_extension_type(Grams())
    saved = cannery.dumps(array, "can")
    assert cannery.loads(saved).equals(array)
    assert through(pa.table({"a": array})).equals(pa.table({"a": array}))
    pa.unregister_extension_type("shop.grams")
    with pytest.raises(cannery.CanneryError, match="is not registered"):
        cannery.loads(saved)


def test_scipy_sparse() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    np = pytest.importorskip("numpy")
    dense = np.array([[0, 1.5, 0, 0], [2, 0, 0, 3]], dtype="f4")
    for format in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil"):
        for family in ("array", "matrix"):
            value = getattr(sparse, f"{format}_{family}")(dense)
            back = through(value)
            assert (type(back), back.dtype, back.shape) == (type(value), value.dtype, value.shape)
            assert (back.toarray() == dense).all()
    assert through(sparse.coo_array((3,))).shape == (3,)


def estimators() -> list[Any]:
    pytest.importorskip("sklearn")
    import numpy as np
    import sklearn.ensemble as en
    import sklearn.linear_model as lm
    from sklearn.cluster import KMeans
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import RBF
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    scaled = ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", OneHotEncoder(), [2])])
    grid = GridSearchCV(lm.LogisticRegression(), {"C": [0.1, 1]}, cv=StratifiedKFold(2))
    return [
        make_pipeline(StandardScaler(), en.RandomForestClassifier(3, random_state=0)),
        make_pipeline(scaled, lm.LogisticRegression()), make_pipeline(PCA(2), SVC(probability=False)),
        en.GradientBoostingClassifier(n_estimators=3), en.HistGradientBoostingClassifier(max_iter=3),
        en.ExtraTreesClassifier(3), en.AdaBoostClassifier(n_estimators=3), en.BaggingClassifier(n_estimators=2),
        en.VotingClassifier([("n", GaussianNB()), ("t", DecisionTreeClassifier())]), grid,
        KNeighborsClassifier(algorithm="kd_tree"), KNeighborsClassifier(algorithm="ball_tree"), KMeans(2, n_init=1),
        MLPClassifier((3,), max_iter=20, random_state=0), GaussianProcessClassifier(RBF()), lm.SGDClassifier(),
        lm.RidgeClassifier(), lm.Perceptron(), make_pipeline(FunctionTransformer(np.tanh), GaussianNB()),
        en.IsolationForest(n_estimators=3), lm.LinearRegression(), lm.PoissonRegressor(), lm.Lasso(),
    ]  # fmt: skip


def test_sklearn_predicts_the_same() -> None:
    np = pytest.importorskip("numpy")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    x[:, 2] = rng.integers(0, 3, 60)
    y = (x[:, 0] > 0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for estimator in estimators():
            estimator.fit(x, y)
            back = through(estimator)
            assert type(back) is type(estimator)
            assert (back.predict(x) == estimator.predict(x)).all()
            assert str(back.get_params()) == str(estimator.get_params())


def answers(estimator: Any, rows: Any) -> list[Any]:
    import numpy as np

    methods = ("predict", "predict_proba", "decision_function", "transform")
    found = [getattr(estimator, name)(rows) for name in methods if hasattr(estimator, name)]
    return [np.asarray(each.toarray() if hasattr(each, "toarray") else each) for each in found]


def test_every_sklearn_estimator_that_fits_easily() -> None:
    utils = pytest.importorskip("sklearn.utils")
    import numpy as np

    rows = np.abs(np.random.default_rng(0).normal(size=(30, 3)))
    labels = (rows[:, 0] > 0.7).astype(int)
    compared = 0
    for _, cls in utils.all_estimators():
        try:
            fitted = cls().fit(rows, labels)
            expected = answers(fitted, rows.copy())
        except Exception:  # it wants other data, or arguments
            continue
        back = through(fitted)
        assert type(back) is cls
        assert not any(isinstance(part, cannery.Record) for part in vars(back).values()), cls
        for mine, its in zip(answers(back, rows.copy()), expected, strict=True):
            assert np.array_equal(mine, its), cls
        compared += 1
    assert compared > 130


def test_sklearn_warns_of_another_version() -> None:
    pytest.importorskip("sklearn")
    import sklearn
    from sklearn.linear_model import LinearRegression

    data = cannery.dumps(LinearRegression().fit([[1], [2]], [1, 2]))
    assert sklearn.__version__.encode() in data
    other = data.replace(sklearn.__version__.encode(), b"0.99.0")
    with pytest.warns(UserWarning, match="version 0.99.0"):
        cannery.loads(other)


def test_sklearn_makes_estimators_only() -> None:
    pytest.importorskip("sklearn")
    for name in (
        "sklearn.utils.parallel.Parallel",
        "sklearn.datasets.fetch_openml",
        "sklearn.base.clone",
    ):
        document = f'{{"$type": "{name}", "x": 1}}'.encode()
        assert type(cannery.loads(document)) is cannery.Record
    from sklearn.preprocessing import FunctionTransformer

    transformer = through(FunctionTransformer(__import__("os").system))
    assert type(transformer.func) is cannery.Record


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_boosters_keep_their_parameters(name: str) -> None:
    module, np = pytest.importorskip(name), pytest.importorskip("numpy")
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = (x[:, 0] > 0).astype(int)
    options: dict[str, Any] = {"n_estimators": 2, "max_depth": 3, "learning_rate": 0.3, "n_jobs": 1}
    if name == "xgboost":
        estimators = [module.XGBClassifier(**options), module.XGBRegressor(**options)]
    else:
        quiet = options | {"verbose": -1}
        estimators = [module.LGBMClassifier(**quiet), module.LGBMRegressor(**quiet)]
    for estimator in [*estimators, type(estimators[0])(**options)]:
        is_fitted = estimator in estimators
        back = through(estimator.fit(x, y) if is_fitted else estimator)
        assert type(back) is type(estimator)
        assert str(back.get_params()) == str(estimator.get_params())
        if is_fitted:
            assert (back.predict(x) == estimator.predict(x)).all()
    booster = estimators[0].get_booster() if name == "xgboost" else estimators[0].booster_
    back = through(booster)
    data = module.DMatrix(x) if name == "xgboost" else x
    assert (back.predict(data) == booster.predict(data)).all()


def test_images_keep_every_pixel() -> None:
    pytest.importorskip("PIL")
    import os

    from PIL import Image

    modes = [
        "1",
        "L",
        "LA",
        "La",
        "P",
        "PA",
        "RGB",
        "RGBA",
        "RGBa",
        "RGBX",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "F",
    ]
    for mode in [*modes, "I;16", "I;16B", "I;16L"]:
        size = len(Image.new(mode, (5, 3)).tobytes())
        image = Image.frombytes(mode, (5, 3), bytes(os.urandom(size)))
        if "P" in mode:
            image.putpalette(bytes(range(30)))
        image.info = {"dpi": (72, 72), "transparency": 1}
        back = through(image)
        assert (type(back), back.mode, back.size) == (Image.Image, mode, (5, 3))
        assert back.tobytes() == image.tobytes()
        assert back.getpalette() == image.getpalette()
        assert back.info == {"dpi": (72, 72), "transparency": 1}
    assert through(Image.new("RGB", (0, 0))).size == (0, 0)
    image.info = {"handle": object()}
    with pytest.raises(cannery.CanneryError, match=r"info\['handle'\]"):
        cannery.dumps(image)
    image = Image.new("RGB", (2, 2))
    image.getexif()[271] = "a maker"
    assert dict(through(image).getexif()) == {271: "a maker"}


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF"])
def test_images_of_several_frames_are_refused(kind: str) -> None:
    pytest.importorskip("PIL")
    import io

    from PIL import Image

    frames = [Image.new("L", (4, 4), shade) for shade in (0, 99, 200)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    with Image.open(file) as image, pytest.raises(cannery.CanneryError, match="several frames"):
        cannery.dumps(image)


def test_networkx() -> None:
    nx = pytest.importorskip("networkx")
    for kind in (nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph):
        graph = kind(name="n", when=(1, 2))
        graph.add_edge(1, (2, 3), weight=2.5)
        graph.add_edge((2, 3), 1, weight=3)
        graph.add_node("alone", data={"x": [1]})
        graph.add_edge(1, 1)
        back = through(graph)
        assert type(back) is kind
        assert (dict(back.adj), back.graph, dict(back.nodes)) == (
            dict(graph.adj),
            graph.graph,
            dict(graph.nodes),
        )
        assert list(back) == list(graph)
        assert list(back.edges) == list(graph.edges)
    graph = nx.freeze(nx.path_graph(3))
    assert nx.is_frozen(through(graph))
    graph = nx.Graph(name="n")
    graph.graph["all"] = [graph]
    back = through(graph)
    assert back.graph["all"][0] is back


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    kinds = [
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int8",
        "uint8",
        "int64",
        "bool",
        "complex64",
    ]
    tensors = [torch.arange(6).reshape(2, 3).to(getattr(torch, kind)) for kind in kinds]
    tensors += [
        torch.tensor(3.5),
        torch.zeros(0, 3),
        tensors[0].T,
        torch.ones(2, requires_grad=True),
    ]
    for tensor in tensors:
        back = through(tensor)
        assert (type(back), back.dtype, back.shape) == (type(tensor), tensor.dtype, tensor.shape)
        assert back.requires_grad == tensor.requires_grad
        assert torch.equal(back, tensor)
        back.detach().zero_()  # it is its own
    assert through([torch.float32, torch.Size([2]), torch.device("cpu")]) == [
        torch.float32, torch.Size([2]), torch.device("cpu"),
    ]  # fmt: skip


def test_torch_modules_answer_the_same() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(4 * 36, 3),
    ).eval()  # fmt: skip
    rows = torch.rand(2, 1, 8, 8)
    back = through(model)
    assert type(back) is type(model)
    assert torch.equal(back(rows), model(rows))
    state = through(model.state_dict())
    assert list(state) == list(model.state_dict())
    assert not back.load_state_dict(state).missing_keys
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16).eval()
    layer.last = torch.relu
    rows = torch.rand(5, 8)
    assert torch.equal(through(layer)(rows), layer(rows))
    assert through(layer).last is torch.relu
    shared = torch.nn.Linear(2, 2)
    tied = through({"a": shared, "b": shared.weight})
    assert tied["a"].weight is tied["b"]
    with pytest.raises(TypeError, match="layout"):
        cannery.dumps(torch.eye(2).to_sparse())


def test_what_no_reader_could_make_is_refused_when_it_is_saved() -> None:
    """Of a value in itself, readers need the parts first, or of a library what it cannot do."""
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    series = pd.Series([None, 1], dtype=object)
    series.iloc[0] = series
    for value, reason in (
        (series, "a Series that is part of itself"),
        (np.zeros(2, [("a", object, (2,))]), "arrays of objects in each record"),
        (pl.Series("a", [[]], dtype=pl.Array(pl.Int8, 0)).to_frame(), "arrays of no elements"),
    ):
        for format in ("can", "json", "yaml", "msgpack", "cbor"):
            with pytest.raises(cannery.CanneryError, match=reason) as caught:
                cannery.dumps({"a": [value]}, format)
            assert caught.value.hint


def test_figures_say_what_to_do_instead() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    with pytest.raises(TypeError, match="Figure") as caught:
        cannery.dumps(Figure())
    assert "savefig" in str(caught.value.hint)  # pyright: ignore


def test_libraries_are_imported_only_when_their_objects_show_up() -> None:
    import subprocess
    import sys

    code = (
        "import sys, cannery\n"
        "cannery.loads(cannery.dumps([1, 'x', {2}, cannery.Record('a.B')], 'can'))\n"
        "print([name for name in sys.modules if name in "
        "('numpy', 'pandas', 'polars', 'pyarrow', 'scipy', 'sklearn', 'PIL', 'networkx')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _values_that_take_attributes() -> list[Any]:
    pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    pl, image = pytest.importorskip("polars"), pytest.importorskip("PIL.Image")
    tz = pytest.importorskip("dateutil.tz")
    text = pd.Series(["a", "b"])
    assert text.str.upper().tolist() == ["A", "B"]  # pandas keeps the accessor
    return [
        text, pd.DataFrame({"a": [1]}), pd.Index([1, 2]), pd.RangeIndex(3), pd.Timestamp("2026"),
        pd.date_range("2026", periods=3), pl.DataFrame({"a": [1]}), pl.Series("s", [1]),
        np.ma.array([1, 2], mask=[0, 1]), image.new("L", (2, 2)), tz.tzlocal(),
        tz.tzstr("EST5EDT"),
    ]  # fmt: skip


@pytest.mark.parametrize("at", range(12))
def test_attributes_that_a_program_gave_are_kept(at: int) -> None:
    value = _values_that_take_attributes()[at]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pandas takes it for a column
        value.origin = ["scan", {"page": 3}]
    made = cannery.loads(cannery.dumps(value))
    assert type(made) is type(value)
    assert made.origin == ["scan", {"page": 3}]
    assert cannery.loads(cannery.dumps(made)).origin == made.origin
    document = json.loads(cannery.dumps(value))
    methods = (name for name in dir(type(value)) if name[0] != "_")
    method = next(name for name in methods if callable(getattr(type(value), name)))
    for name in ("__len__", "__array_interface__", method):
        document["__attributes__"] = {name: 1}
        with pytest.raises(cannery.CanneryError):
            cannery.loads(json.dumps(document))
