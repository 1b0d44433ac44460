"""What libraries pickle is loaded by their profiles, and is what `pickle` makes of it."""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import pickle as stdlib
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cannery
from cannery import pickle


def numpy_objects() -> Iterator[Any]:
    yield np.arange(3, dtype=">i4")
    yield np.asfortranarray(np.arange(12.0).reshape(3, 4))
    yield np.zeros((0, 3))
    yield np.array(5)
    yield np.arange(20)[::2]
    yield np.zeros(2, dtype=[("a", "f4"), ("b", "S3")])
    yield np.array(["a", "bb"])
    yield np.array([1, "a", None], dtype=object)
    yield np.ma.array([1, 2], mask=[False, True])
    yield np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)])
    yield np.array(["2020-01-01"], dtype="M8[D]")
    yield np.datetime64("2020")
    yield np.random.default_rng(3)
    yield np.random.RandomState(3)
    yield np.polynomial.Polynomial([1, 2])
    yield np.sin


def pandas_objects() -> Iterator[Any]:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "number": [1, 2],
            "text": ["x", "y"],
            "category": pd.Categorical(["u", "v"]),
            "when": pd.date_range("2020", periods=2, tz="Europe/Paris"),
            "missing": pd.array([1, None], dtype="Int64"),
            "sparse": pd.arrays.SparseArray([0, 1]),
            "interval": pd.interval_range(0, 2),
            "period": pd.period_range("2020", periods=2, freq="M"),
        }
    )
    yield frame
    yield frame["when"]
    yield frame.set_index(["number", "text"])
    yield pd.RangeIndex(3)
    yield pd.Timestamp("2020", tz="UTC")
    yield pd.offsets.MonthEnd(2)
    yield pd.NA


def scipy_objects() -> Iterator[Any]:
    sparse = pytest.importorskip("scipy.sparse")
    for kind in ("csr", "csc", "coo", "dia", "lil", "bsr", "dok"):
        yield getattr(sparse, f"{kind}_array")(np.eye(3))
        yield getattr(sparse, f"{kind}_matrix")(np.eye(3))
    yield pytest.importorskip("scipy.interpolate").CubicSpline([0, 1, 2], [1, 2, 3])


def sklearn_objects() -> Iterator[Any]:
    ensemble = pytest.importorskip("sklearn.ensemble")
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    made = np.random.default_rng(0).random((60, 4))
    classes = (made[:, 0] > 0.5).astype(int)
    yield ensemble.RandomForestClassifier(5).fit(made, classes)
    yield ensemble.HistGradientBoostingClassifier(max_iter=3).fit(made, classes)
    yield make_pipeline(StandardScaler(), SVC()).fit(made, classes)
    yield ColumnTransformer([("first", StandardScaler(), [0, 1])]).fit(made)
    yield GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(made, classes)


PROFILES = {
    "numpy": numpy_objects,
    "pandas": pandas_objects,
    "scipy": scipy_objects,
    "sklearn": sklearn_objects,
}


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_load_what_libraries_write(profile: str) -> None:
    for value in PROFILES[profile]():
        for protocol in (2, 4, 5):
            data = stdlib.dumps(value, protocol)
            back = pickle.loads(data, profile=profile)
            # The same bytes again: there is no `==` that serves them all.
            expected = stdlib.dumps(stdlib.loads(data), protocol)
            assert stdlib.dumps(back, protocol) == expected, value
            assert pickle.dumps(value, protocol) == data


def test_arrays_are_as_numpy_makes_them() -> None:
    for value in [*numpy_objects()][:5]:
        for data in (stdlib.dumps(value, 5), stdlib.dumps(value, 4)):
            ours, theirs = pickle.loads(data), stdlib.loads(data)
            for name in ("dtype", "shape", "strides"):
                assert getattr(ours, name) == getattr(theirs, name)
            assert str(ours.flags) == str(theirs.flags) or value.size == 1
            assert np.array_equal(ours, theirs)
    readonly = np.arange(5)
    readonly.flags.writeable = False
    assert not pickle.loads(stdlib.dumps(readonly, 5)).flags.writeable


@pytest.mark.parametrize("protocol", range(6))
def test_time_zones(protocol: int) -> None:
    when = dt.datetime(2026, 11, 21, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))
    assert pickle.loads(stdlib.dumps(when, protocol)) == when


def test_benign_samples_load(suites: Path, count_cases: Callable[[str, int], None]) -> None:
    loaded = 0
    for path in sorted((suites / "pickle" / "benign").rglob("*.pkl")):
        profile = path.parent.name if path.parent.name in PROFILES else "data"
        data = path.read_bytes()
        # The authors' own classes: nobody knows them here.
        if b"benign_types" in data:
            with pytest.raises(cannery.UntrustedTypeError, match=r"benign_types\.|getattr"):
                pickle.loads(data, profile=profile)
        elif profile == "data" or importlib.util.find_spec(profile):
            pickle.loads(data, profile=profile)
            loaded += 1
    count_cases("benign pickles loaded", loaded)
    assert loaded > 200


class Model:
    """Somebody's own class."""

    def __init__(self, weights: Any) -> None:
        self.weights = weights


def test_what_a_user_does_with_hooks() -> None:
    table = {"big": np.arange(5)}

    class Writer(pickle.Pickler):
        dispatch_table = {complex: lambda value: (complex, (value.real, 0))}  # noqa: RUF012

        def persistent_id(self, obj: Any, /) -> Any:
            return next((name for name, kept in table.items() if kept is obj), None)

        def reducer_override(self, obj: Any) -> Any:
            return (Model, ("replaced",)) if isinstance(obj, Model) else NotImplemented

    class Reader(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            return table[pid]

        def find_class(self, module_name: str, global_name: str, /) -> Any:
            known = (module_name, global_name) == (__name__, "Model")
            return Model if known else super().find_class(module_name, global_name)

    file = io.BytesIO()
    Writer(file, 5).dump({"array": table["big"], "model": Model(1), "number": 2 + 3j})
    file.seek(0)
    back = Reader(file).load()
    assert back["array"] is table["big"]
    assert (back["model"].weights, back["number"]) == ("replaced", 2 + 0j)
    with pytest.raises(cannery.UntrustedTypeError):
        Reader(io.BytesIO(b"cos\nsystem\n(X\x02\x00\x00\x00idtR.")).load()


def test_out_of_band_buffers() -> None:
    array, buffers = np.arange(1000.0), []
    value = {"array": array, "bytes": stdlib.PickleBuffer(bytearray(b"abc"))}
    data = pickle.dumps(value, 5, buffer_callback=buffers.append)
    assert len(data) < 400
    back = pickle.loads(data, buffers=buffers)
    assert np.shares_memory(back["array"], array)
    released = stdlib.PickleBuffer(b"gone")
    released.release()
    with pytest.raises(ValueError, match="released"):
        pickle.dumps(released, 5)


def test_a_refusal_says_all_that_is_known() -> None:
    with pytest.raises(cannery.UntrustedTypeError) as caught:
        pickle.loads(stdlib.dumps({"models": [1, Model([1.0])]}))
    error = caught.value
    assert f"{__name__}.Model" in str(error)
    assert "is not trusted" in str(error)
    assert f"would run `{__name__}.Model()`" in str(error)
    assert "nothing was imported, called or built" in str(error)
    assert error.path == "$.models[1]"
    assert error.offset is not None
    for way in ("cannery explain", 'on_untrusted="record"', "trust=["):
        assert way in error.hint
    assert pickle.loads(stdlib.dumps(Model(3)), trust=[f"{__name__}.Model"]).weights == 3
    kept = pickle.loads(stdlib.dumps([Model(3)]), on_untrusted="record")
    assert (kept[0].type_name, kept[0].weights) == (f"{__name__}.Model", 3)
