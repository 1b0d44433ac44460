"""Attributes that a program sets on values of any class are kept, or refused by name."""

# pyright: basic, reportAttributeAccessIssue=false
from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import samples
import samples.libraries
import samples.library_kinds

import cannery
from cannery.errors import DataTypeError

SAMPLES = [samples.SAMPLES, samples.libraries.SAMPLES, samples.library_kinds.SAMPLES]


def through(value: Any) -> Any:
    return cannery.loads(cannery.dumps(value))


def one_of_each_class() -> dict[type, Callable[[], Any]]:
    found: dict[type, Callable[[], Any]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for table in SAMPLES:
            for make in table.values():
                cls = type(make())
                if not cls.__module__.startswith("samples"):
                    found.setdefault(cls, make)
    return found


def takes(value: Any, name: str) -> bool:
    try:
        setattr(value, name, [7])
    except Exception:  # each class says it in its own way
        return False
    return getattr(value, name, None) == [7]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["note", "_note"])
def test_no_class_loses_an_attribute(name: str) -> None:
    seen, kept, lost = 0, 0, []
    for cls, make in one_of_each_class().items():
        value = make()
        try:
            is_made_again = type(through(value)) is cls
        except cannery.CanneryError:
            continue
        # What is kept by its name, and what needs trust, is no value of its own.
        if not is_made_again or callable(value) or not takes(value, name):
            continue
        seen += 1
        try:
            made = through(value)
            if type(made) is cls and getattr(made, name, None) == [7]:
                kept += 1
            else:
                lost.append((cls, made))
        except DataTypeError as error:
            if name not in str(error):
                lost.append((cls, error))
        finally:
            delattr(value, name)  # some are there once for all
    assert not lost
    assert seen > kept > 60


def test_subclasses_lose_none_either() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")

    def derived(base: Any) -> Any:
        return type(f"My{base.__name__}", (base,), {"__module__": __name__})

    frames, many = derived(pd.DataFrame), derived(pl.DataFrame)
    columns, series = derived(pd.Series), derived(pl.Series)
    values = [frames({"a": [1]}), columns([1]), many({"a": [1]}), series("a", [1])]
    for cls in (frames, columns, many, series):
        globals()[cls.__name__] = cls
        value = next(each for each in values if type(each) is cls)
        value.note, value._note = [1], {"a": 2}
        made = cannery.loads(cannery.dumps(value), trust=[cls])
        assert type(made) is cls
        assert made.equals(value)
        assert (made.note, made._note) == ([1], {"a": 2})
    category = derived(pd.CategoricalDtype)(["a"])
    category.note = 1
    for value, told in [(category, "note"), (derived(pd.Timedelta)("1ns"), "MyTimedelta")]:
        globals()[type(value).__name__] = type(value)
        with pytest.raises(DataTypeError, match=told):
            cannery.dumps(value)


def test_every_array_and_type_of_pandas() -> None:
    pd = pytest.importorskip("pandas")
    breaks = pd.date_range("2026", periods=3, tz="UTC")
    arrays = [
        pd.Categorical(["a", "b"]), breaks.array, breaks.tz_localize(None).array,
        pd.to_timedelta([1, 2]).array, pd.period_range("2026", periods=2).array,
        pd.arrays.IntervalArray.from_breaks([0, 1]), pd.arrays.SparseArray([0, 1]),
        pd.array([1, None]), pd.array([1.5, None]), pd.array([True, None]),
        pd.array(["a", None], dtype="string[python]"), pd.array(["a"], dtype="string[pyarrow]"),
        pd.array([1], dtype="int64[pyarrow]"),
    ]  # fmt: skip
    for values in arrays:
        values.note, values._note = 1, {"page": 2}
        made = through(values)
        assert (made.note, made._note) == (1, {"page": 2}), type(values)
        series = pd.Series(values, copy=False)
        series.array.note = 3
        assert through(series).array.note == 3, type(values)
        index = pd.Index(values)
        index._note, index.array.note = 4, 5
        made = through(index)
        assert (made._note, made.array.note) == (4, 5), type(values)
        assert made.dtype == index.dtype


def test_what_cannot_be_kept_is_refused_by_name() -> None:
    pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    frame = pd.DataFrame({"a": [1]})
    object.__setattr__(frame, "_metadata", ["note"])
    numbers = pd.Index([1, 2])
    numbers.array.note = 1
    days = pd.Series(pd.Categorical(["a"]))
    days.dtype.note = 1
    shadowed = pd.DataFrame({"a": [1]})
    object.__setattr__(shadowed, "_typ", "series")
    nullable = pd.Int64Dtype()
    nullable.note = 1
    whole, real = np.iinfo("i4"), np.finfo("f4")
    whole.note = 1
    values = [(frame, "_metadata"), (numbers, "note"), (days, "note"), (shadowed, "_typ")]
    for value, name in [*values, (nullable, "note"), (whole, "note")]:
        with pytest.raises(DataTypeError, match=name):
            cannery.dumps(value)
    real.note = 1  # of all that ask for it
    try:
        with pytest.raises(DataTypeError, match="'note'"):
            cannery.dumps(real)
    finally:
        del real.note
    for value in (np.finfo("f4"), np.iinfo("i4"), pd.Int64Dtype(), pd.PeriodDtype("D")):
        assert str(through(value)) == str(value)


def test_attributes_of_types_of_columns_are_kept() -> None:
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    types = [
        pd.CategoricalDtype(["a"]), pd.IntervalDtype("int64"), pd.DatetimeTZDtype("ns", "UTC"),
        pd.SparseDtype("int64"), pd.StringDtype("python"), pd.ArrowDtype(pa.int64()),
    ]  # fmt: skip
    for dtype in types:
        dtype.note = dtype._note = [1]
        made = through(dtype)
        assert made == dtype
        assert made.note is made._note == [1]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_wildcard_of_polars_is_a_zone(unit: Any) -> None:
    pl = pytest.importorskip("polars")
    for zone in ("*", None, "Europe/Paris"):
        assert through(pl.Datetime(unit, zone)).time_zone == zone
    with pytest.raises(DataTypeError, match="time_zone"):
        cannery.dumps(pl.Datetime(unit, "../zone"))


def test_scipy_rotations_keep_theirs() -> None:
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation.from_quat([0, 0, 0, 1])
    rotation.note = rotation._note = "camera"
    made = through(rotation)
    assert (made.note, made._note) == ("camera", "camera")
    assert made.approx_equal(rotation)


def test_what_pandas_sets_itself_is_no_attribute() -> None:
    """Nor is it refused: private names are set when a frame is used."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {"a": [1, 2, 2], "b": ["x", "y", None], "c": pd.date_range("2026", periods=3)}
    )
    frame = frame.set_index(pd.MultiIndex.from_product([["k"], [1, 2, 3]], names=["p", "q"]))
    part = frame[frame["a"] > 1]
    uses = [
        frame.groupby("a").sum, frame["b"].str.upper, frame["c"].dt.year.sum, frame.describe,
        lambda: frame.loc[("k", 1)], lambda: frame.index.get_loc(("k", 2)),
        lambda: frame.index.levels[1].is_unique, lambda: frame.reset_index().sort_values("q"),
        lambda: part.assign(d=1), lambda: frame["a"].plot, lambda: frame.to_string(),
        lambda: frame["c"].array.tz, lambda: frame.T, lambda: frame.index.to_frame(),
        lambda: pd.Index(frame["c"]).is_monotonic_increasing,
    ]  # fmt: skip
    for use in uses:
        try:
            use()
        except (TypeError, ImportError):  # no sums of text, no matplotlib
            continue
    for value in (frame, part, frame["a"], frame["b"], frame.index, pd.Index(frame["c"])):
        assert "__attributes__" not in cannery.dumps(value).decode()
        assert type(through(value)) is type(value)


def test_a_file_sets_no_private_name_of_the_library() -> None:
    pd = pytest.importorskip("pandas")
    document = json.loads(cannery.dumps(pd.DataFrame({"a": [1]})))
    document["__attributes__"] = {"_note": 1}
    assert cannery.loads(json.dumps(document))._note == 1
    names = ["_mgr", "_metadata", "_typ", "_constructor", "_accessors", "_cache", "_repr_html_"]
    for name in [*names, "_ipython_display_", "__dict__", "plot"]:
        document["__attributes__"] = {name: 1}
        with pytest.raises(cannery.CanneryError):
            cannery.loads(json.dumps(document))
