"""Data frames in HDF5 files: equal when they are loaded, and opened by `pandas.read_hdf`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cannery

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

N = 7


def columns() -> dict[str, Any]:
    """Columns of many types."""
    moments = pd.date_range("2020-03-01", periods=N, freq="h")
    return {
        "int": np.arange(N), "small": np.arange(N, dtype="i1"), "uint": np.arange(N, dtype="u2"),
        "float": np.linspace(0, 1, N), "single": np.linspace(0, 1, N, dtype="f4"),
        "bool": np.arange(N) % 2 == 0, "complex": np.arange(N) * 1j,
        "time": moments, "nanoseconds": moments.as_unit("ns"), "seconds": moments.as_unit("s"),
        "gap": [*moments[:-1], pd.NaT], "zone": moments.tz_localize("Europe/Berlin"),
        "utc": moments.tz_localize("UTC"), "span": pd.to_timedelta(np.arange(N), unit="h"),
        "text": [f"é{i}" for i in range(N)], "nan text": ["nan", "", "a", "b", "c", "d", None],
        "object": pd.Series(["a", None, "b", "c", "d", "e", "f"], dtype=object),
        "object nan": pd.Series(["a", np.nan, "b", "c", "d", "e", "f"], dtype=object),
        "string": pd.array(["x", None, "y", "z", "", "v", "w"], dtype="string"),
        "category": pd.Categorical(["u", "v", "u", None, "v", "u", "u"]),
        "ordered": pd.Categorical([3, 1, 2, 3, 1, 2, 3], categories=[3, 2, 1], ordered=True),
        "Int64": pd.array([1, None, 2**62, 4, 5, 6, 7], dtype="Int64"),
        "UInt8": pd.array(range(N), dtype="UInt8"),
        "boolean": pd.array([True, None, False] * 2 + [True], dtype="boolean"),
        "Float32": pd.array([1.5, None, 2, 3, 4, 5, 6], dtype="Float32"),
    }  # fmt: skip


def indexes() -> dict[str, Any]:
    """Indexes of many types."""
    times = pd.date_range("2021", periods=N, freq="D", tz="Europe/Berlin")
    return {
        "range": pd.RangeIndex(N), "steps": pd.RangeIndex(3, 3 + 2 * N, 2, name="step"),
        "int": pd.Index(np.arange(N)[::-1], name="i"), "float": pd.Index(np.linspace(0, 1, N)),
        "text": pd.Index(list("gfedcba"), name="letters"), "time": times,
        "multi": pd.MultiIndex.from_arrays([np.arange(N), list("abcdefg")], names=["k", None]),
        "multi times": pd.MultiIndex.from_arrays([times, np.arange(N)], names=["t", "n"]),
    }  # fmt: skip


def round_trip(frame: Any, path: Path) -> Any:
    cannery.dump(frame, path)
    return cannery.load(path)


@pytest.mark.parametrize("name", list(columns()))
def test_columns_come_back(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({name: columns()[name]})
    pd.testing.assert_frame_equal(round_trip(frame, tmp_path / "a.h5"), frame, check_freq=False)


@pytest.mark.parametrize("name", list(indexes()))
def test_indexes_come_back(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(N), "b": list("abcdefg")}, index=indexes()[name])
    pd.testing.assert_frame_equal(round_trip(frame, tmp_path / "a.h5"), frame)
    series = frame["b"]
    pd.testing.assert_series_equal(round_trip(series, tmp_path / "b.h5"), series)


@pytest.mark.parametrize("name", list(columns()))
def test_pandas_opens_the_columns(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tables")
    frame = pd.DataFrame({name: columns()[name]})
    cannery.dump(frame, tmp_path / "a.h5")
    found = pd.read_hdf(tmp_path / "a.h5")
    assert list(found.columns) == [name]
    assert len(found) == N
    plain = not isinstance(frame[name].dtype, pd.api.extensions.ExtensionDtype)
    exact = (plain and frame[name].dtype != object) or name in (
        "zone", "utc", "text", "nan text", "category", "ordered",
    )  # fmt: skip
    if exact:
        pd.testing.assert_frame_equal(found, frame, check_freq=False)


@pytest.mark.parametrize("name", list(indexes()))
def test_pandas_opens_the_indexes(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tables")
    frame = pd.DataFrame({"a": np.arange(N), "b": list("abcdefg")}, index=indexes()[name])
    cannery.dump({"x": {"y": frame}, "z": 1}, tmp_path / "a.h5")
    found = pd.read_hdf(tmp_path / "a.h5", key="x/y")
    pd.testing.assert_frame_equal(found, frame, check_freq=False, check_index_type=False)
    loaded = cannery.load(tmp_path / "a.h5")
    pd.testing.assert_frame_equal(loaded["x"]["y"], frame)
    assert loaded["z"] == 1


@pytest.mark.parametrize("name", list(indexes()))
def test_pandas_opens_series_as_series(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tables")
    for values in (np.arange(N), pd.Categorical(list("abcabca"))):
        for label in (None, "a name"):
            series = pd.Series(values, index=indexes()[name], name=label)
            cannery.dump(series, tmp_path / "a.h5")
            found = pd.read_hdf(tmp_path / "a.h5")
            # Levels without a name get one from pandas, which has none to store.
            named = found.rename_axis(index=list(series.index.names))
            pd.testing.assert_series_equal(named, series, check_freq=False, check_index_type=False)


def test_series_say_that_they_are_series(tmp_path: Path) -> None:
    """By what pandas looks at first, whether PyTables is there or not."""
    cannery.dump(pd.Series([1.5, 2], name="x"), tmp_path / "a.h5")
    with cannery.hdf5.File(tmp_path / "a.h5") as file:
        kinds = {at.attrs.get("pandas_type") for at in (file, *file.values())}
    assert b"series_table" in kinds or "series_table" in kinds


def test_tables_of_pandas_are_loaded(tmp_path: Path) -> None:
    pytest.importorskip("tables")
    names = ["int", "float", "bool", "time", "zone", "text", "category", "span"]
    frame = pd.DataFrame({name: columns()[name] for name in names}, index=indexes()["int"])
    frame.to_hdf(tmp_path / "a.h5", key="df", format="table")
    found = cannery.load(tmp_path / "a.h5")["df"]
    pd.testing.assert_frame_equal(found, pd.read_hdf(tmp_path / "a.h5"), check_freq=False)


def test_what_is_no_table_comes_back_all_the_same(tmp_path: Path) -> None:
    frames = [
        pd.DataFrame({1: [1, 2]}), pd.DataFrame({"a": [{"b": 1}, None]}), pd.DataFrame({"a": []}),
        pd.DataFrame({"a": ["x\0y"]}),
        pd.DataFrame({"a": pd.period_range("2020", periods=2, freq="M")}),
    ]  # fmt: skip
    for number, frame in enumerate(frames):
        found = round_trip(frame, tmp_path / f"{number}.h5")
        pd.testing.assert_frame_equal(found, frame)
