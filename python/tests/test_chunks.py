"""Data larger than memory: what chunks are cut from, their forms, statistics, order and parts."""

import bz2
import collections
import csv
import gzip
import io
import itertools
import math
import random
import statistics
import sys
import time
from pathlib import Path

import pytest
from children import run_child
from hypothesis import given, settings
from hypothesis import strategies as st

import cannery
from cannery import chunks, jsonl, msgpack
from cannery.errors import LimitError

ROWS = [{"id": n, "x": n / 4, "name": f"n{n % 7}"} for n in range(1_000)]


def flat(data):
    return [row for chunk in data for row in chunk]


# --- formats


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.jsonl.gz", "a.ndjson.zst", "a.jsonl.xz", "a.jsonl.lz4"]
)
def test_lines_are_cut_by_rows_and_by_bytes(tmp_path: Path, name: str) -> None:
    jsonl.write(tmp_path / name, ROWS)
    by_rows = list(chunks(tmp_path / name, rows=300))
    assert [len(chunk) for chunk in by_rows] == [300, 300, 300, 100]
    assert [row for chunk in by_rows for row in chunk] == ROWS
    by_bytes = list(chunks(tmp_path / name, bytes=5_000))
    assert len(by_bytes) > 5
    assert [row for chunk in by_bytes for row in chunk] == ROWS
    data = chunks(tmp_path / name, rows=300)
    assert flat(data) == flat(data), "it is read again"
    assert data.count_rows() == 1_000


def test_documents_may_stand_on_several_lines_or_on_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('\ufeff{"a":\n 1}{"a": 2}\n\n{"a": "}\\"{\\n"}\n[1,\n2]\n3 "x"\n', "utf-8")
    for rows in (1, 2, 3, 100):
        found = flat(chunks(path, rows=rows))
        assert found == [{"a": 1}, {"a": 2}, {"a": '}"{\n'}, [1, 2], 3, "x"]


@settings(max_examples=40)
@given(
    st.lists(
        st.recursive(
            st.none() | st.text() | st.integers(-9, 9) | st.booleans(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    ),
    st.integers(1, 5),
)
def test_any_documents_are_cut_where_they_end(tmp_path_factory, documents, rows) -> None:
    path = tmp_path_factory.mktemp("any") / "a.jsonl"
    jsonl.write(path, documents)
    cut = list(chunks(path, rows=rows))
    assert flat(cut) == documents
    assert all(len(chunk) == rows for chunk in cut[:-1])


def test_a_bad_line_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n' * 500 + '{"a": oops}\n' + '{"a": 1}\n' * 10)
    with pytest.raises(ValueError, match=r"a\.jsonl: .*found `o` at line 501 column 7"):
        list(chunks(path, rows=200))


def test_arrays_are_cut_along_their_first_axis(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    whole = np.arange(3_000.0).reshape(500, 3, 2)
    np.save(tmp_path / "a.npy", whole)
    np.savez(tmp_path / "a.npz", x=whole, y=whole[0])
    for data in (
        chunks(tmp_path / "a.npy", rows=120),
        chunks(tmp_path / "a.npz", rows=120, dataset="x"),
        chunks(whole, rows=120),
    ):
        assert len(data) == 5
        assert data.row_count == 500
        found = list(data)
        assert [len(chunk) for chunk in found] == [120, 120, 120, 120, 20]
        assert (np.concatenate(found) == whole).all()
    assert [len(c) for c in chunks(tmp_path / "a.npy", bytes=48 * 200)] == [200, 200, 100]
    structured = np.zeros(10, dtype=[("a", "i4"), ("b", "f8")])
    np.save(tmp_path / "s.npy", structured)
    assert next(iter(chunks(tmp_path / "s.npy", columns=["b"]))).dtype.names == ("b",)
    assert next(iter(chunks(tmp_path / "s.npy", as_="rows")))[0] == {"a": 0, "b": 0.0}
    with pytest.raises(ValueError, match="2 arrays, and it is not said"):
        chunks(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="has no column 'c'"):
        chunks(tmp_path / "s.npy", columns=["c"])


def test_datasets_are_cut_along_their_first_axis(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    np = pytest.importorskip("numpy")
    whole = np.arange(1_000).reshape(250, 4)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("group/x", data=whole, chunks=(32, 2), compression="gzip")
    data = chunks(tmp_path / "a.h5", rows=100)
    assert [chunk.shape for chunk in data] == [(100, 4), (100, 4), (50, 4)]
    assert (np.concatenate(list(data)) == whole).all()
    from cannery import hdf5

    with hdf5.File(tmp_path / "a.h5", "r") as file:
        assert [len(chunk) for chunk in chunks(file["group/x"], rows=200)] == [200, 50]


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_tables_are_cut_without_regard_to_their_groups(tmp_path: Path, format: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table, path = arrow.Table.from_pylist(ROWS), tmp_path / f"a.{format}"
    if format == "parquet":
        parquet.write_table(table, path, row_group_size=333)
    else:
        with arrow.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=333)
    data = chunks(path, rows=250)
    assert [len(chunk) for chunk in data] == [250] * 4
    assert flat(data) == ROWS
    assert len(data) == 4
    picked = chunks(path, rows=400, columns=["x"], as_="pyarrow")
    assert [chunk.column_names for chunk in picked] == [["x"]] * 3
    with pytest.raises(ValueError, match="has no column 'y'"):
        chunks(path, columns=["y"])


def test_tables_are_read_by_polars_where_only_that_is(tmp_path: Path, monkeypatch) -> None:
    polars = pytest.importorskip("polars")
    polars.DataFrame(ROWS).write_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr("cannery._chunks._tables._pyarrow", lambda: None)
    data = chunks(tmp_path / "a.parquet", rows=400, columns=["id", "x"])
    assert flat(data) == [{"id": row["id"], "x": row["x"]} for row in ROWS]
    assert [type(c).__name__ for c in chunks(tmp_path / "a.parquet", as_="polars")] == ["DataFrame"]


def test_documents_of_messagepack_and_iterables(tmp_path: Path) -> None:
    (tmp_path / "a.msgpack").write_bytes(b"".join(map(msgpack.packb, ROWS)))
    assert flat(chunks(tmp_path / "a.msgpack", rows=7)) == ROWS
    assert [len(chunk) for chunk in chunks(ROWS, rows=600)] == [600, 400]
    generator = chunks((row for row in ROWS), rows=600)
    assert flat(generator) == ROWS
    with pytest.raises(ValueError, match="gives its rows only once"):
        list(generator)
    assert flat(chunks(ROWS, columns=["id"]))[5] == {"id": 5}
    assert list(chunks([], rows=5)) == []
    assert flat(chunks(range(10), rows=3)) == list(range(10))


def test_several_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    for part in range(3):
        jsonl.write(tmp_path / f"part{part}.jsonl", ROWS[part * 300 : part * 300 + 300])
    data = chunks(str(tmp_path / "part*.jsonl"), rows=200)
    assert flat(data) == ROWS[:900]
    assert [len(chunk) for chunk in data] == [200, 100] * 3
    pieces = list(data.pieces())
    assert [piece.first_row for piece in pieces] == [0, 200, 300, 500, 600, 800]
    assert flat(chunks([tmp_path / "part1.jsonl", tmp_path / "part0.jsonl"])) == (
        ROWS[300:600] + ROWS[:300]
    )
    (tmp_path / "a1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "a2.csv").write_text("a,c\n1,2\n")
    with pytest.raises(ValueError, match=r"a2\.csv has other columns than"):
        chunks(str(tmp_path / "a*.csv"))


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ("ftp://example.org/a.jsonl", ValueError, "addresses of this kind are not known"),
        ("nowhere.jsonl", FileNotFoundError, r"there is no file nowhere\.jsonl"),
        ("nowhere*.jsonl", FileNotFoundError, "no file matches"),
        (".", ValueError, "is a folder"),
        ({"a": 1}, TypeError, "expected a file or rows, got dict"),
        (b"rows", TypeError, "expected a file or rows, got bytes"),
        (5, TypeError, "expected a file or rows, got int"),
    ],
)
def test_what_cannot_be_cut_is_refused(where, error, words) -> None:
    with pytest.raises(error, match=words) as raised:
        chunks(where)
    assert isinstance(raised.value, cannery.CanneryError)


def test_arguments_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    jsonl.write(tmp_path / "a.jsonl", ROWS)
    (tmp_path / "a.yaml").write_text("- 1\n")
    for arguments, error in [
        ({"rows": 0}, ValueError),
        ({"rows": 1.5}, TypeError),
        ({"rows": True}, TypeError),
        ({"bytes": -1}, ValueError),
        ({"as_": "list"}, ValueError),
        ({"columns": "id"}, TypeError),
        ({"dataset": "x"}, ValueError),
        ({"format": "odd"}, ValueError),
    ]:
        with pytest.raises(error) as raised:
            chunks(tmp_path / "a.jsonl", **arguments)
        assert isinstance(raised.value, cannery.CanneryError), arguments
    with pytest.raises(ValueError, match="is yaml, which is not read piece by piece"):
        chunks(tmp_path / "a.yaml")
    with pytest.raises(TypeError, match="how many chunks there are shows only"):
        len(chunks(tmp_path / "a.jsonl", rows=10))


# --- forms


def test_every_form_of_every_source_has_the_same_rows(tmp_path: Path) -> None:
    for library in ("numpy", "pandas", "polars", "pyarrow"):
        pytest.importorskip(library)
    path = tmp_path / "a.csv"
    cannery.map_chunks(list, ROWS, path, workers=0)
    jsonl.write(tmp_path / "a.jsonl", ROWS)
    cannery.map_chunks(list, ROWS, tmp_path / "a.parquet", workers=0)
    for where in (path, tmp_path / "a.jsonl", tmp_path / "a.parquet", ROWS):
        for form in ("rows", "arrays", "pandas", "polars", "pyarrow"):
            found = list(chunks(where, rows=300, as_=form))
            assert flat(chunks(chunk, as_="rows") for chunk in found if form != "arrays") in (
                [],
                [ROWS[:300], ROWS[300:600], ROWS[600:900], ROWS[900:]],
            )
            if form == "arrays":
                assert [row for chunk in found for row in chunk["x"]] == [row["x"] for row in ROWS]
                assert found[0]["id"].dtype.kind == "i"
                assert found[0]["name"].dtype.kind == "O"


# --- CSV


def csv_rows(path, **options):
    return flat(chunks(path, rows=3, **options))


def test_types_are_inferred_once_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("i,f,b,t,zip,none\n1,2,true,x,007,\n-5,.5,False,,08,\n")
    data = chunks(path)
    assert data.schema == {
        "i": "int",
        "f": "float",
        "b": "bool",
        "t": "str",
        "zip": "str",
        "none": "str",
    }
    assert repr(data).endswith(f"schema={data.schema}>")
    assert flat(data)[1] == {"i": -5, "f": 0.5, "b": False, "t": None, "zip": "08", "none": None}
    assert chunks(path, schema={"zip": int}, columns=["zip"]).schema == {"zip": "int"}
    with pytest.raises(ValueError, match="names a column `zap`"):
        chunks(path, schema={"zap": int})
    with pytest.raises(TypeError, match="is no type of a column"):
        chunks(path, schema={"zip": list})


def test_a_value_outside_of_its_type_is_named_by_row_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,x\n" + "".join(f"{n},{n}\n" for n in range(20_000)) + "1,oops\n7,1\n")
    for form in ("rows", "arrays"):
        with pytest.raises(cannery.errors.DataError, match="in row 20000") as raised:
            list(chunks(path, rows=1_000, as_=form))
        assert (raised.value.line, raised.value.column) == (20_002, 3)
        assert 'schema={"x": str}' in (raised.value.hint or "")
    assert chunks(path, infer_rows=None).schema == {"id": "int", "x": "str"}
    assert flat(chunks(path, missing=["oops"]))[-2] == {"id": 1, "x": None}


def test_streams_are_inferred_from_their_first_rows(tmp_path: Path) -> None:
    text = "a;b\n" + "".join(f"{n};x{n}\n" for n in range(5_000))
    for file in (io.StringIO(text), io.BytesIO(text.encode())):
        data = chunks(file, rows=700, format="csv", infer_rows=100, delimiter=";")
        assert flat(data) == [{"a": n, "b": f"x{n}"} for n in range(5_000)]
        assert data.schema == {"a": "int", "b": "str"}
    with (tmp_path / "l1.csv").open("w", encoding="latin-1") as file:
        file.write("a\nné\n")
    with pytest.raises(ValueError, match="not UTF-8"):
        csv_rows(tmp_path / "l1.csv")
    with (tmp_path / "l1.csv").open(encoding="latin-1", newline="") as file:
        assert csv_rows(file, format="csv") == [{"a": "né"}]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_compressed_tables_are_read_as_they_are(tmp_path: Path, compress) -> None:
    path = tmp_path / "a.csv.any"
    path.write_bytes(compress(b"a,b\n1,x\n2,y\n"))
    assert csv_rows(path, format="csv") == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


EXOTIC = st.text(
    st.sampled_from('",\n\r;\t |a1é\u2028\U0001f600\ufeff') | st.characters(codec="utf-8"),
    max_size=6,
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(EXOTIC, EXOTIC, EXOTIC), min_size=1, max_size=12),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 4),
)
def test_what_python_writes_is_read_back(tmp_path_factory, rows, quoting, end, size) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    if end == "\n":
        # Python leaves a carriage return without quotes then, and does not read it back itself.
        rows = [tuple(text.replace("\r", "") for text in row) for row in rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=quoting, lineterminator=end)
        writer.writerow(["a", "b", "c"])
        writer.writerows(rows)
    schema = dict.fromkeys("abc", str)
    found = flat(chunks(path, rows=size, schema=schema))
    assert [tuple(row[name] or "" for name in "abc") for row in found] == rows


@settings(max_examples=40)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"a": st.none() | EXOTIC, "b": st.integers(), "c": st.floats(allow_nan=False)}
        ),
        min_size=1,
        max_size=9,
    )
)
def test_what_is_written_is_read_back_by_us_and_by_python(tmp_path_factory, rows) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    cannery.map_chunks(list, rows, path, rows=2, workers=0)
    assert flat(chunks(path, schema={"a": str, "b": int, "c": float})) == rows
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["a"], int(row["b"]), float(row["c"])) for row in found] == [
        (row["a"] or "", row["b"], row["c"]) for row in rows
    ]


def test_numbers_are_those_that_pandas_reads(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    chance = random.Random(7)
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("i,f,g\n")
        for _ in range(2_000):
            f = chance.choice(["", repr(chance.gauss(0, 1e6)), f"{chance.random():.3e}"])
            file.write(f"{chance.randrange(-(10**17), 10**17)},{f},{chance.random()}\n")
    theirs = pandas.read_csv(path)
    ours = pandas.concat(list(chunks(path, rows=300, as_="pandas")), ignore_index=True)
    pandas.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.parametrize(
    ("text", "options", "rows"),
    [
        ("", {}, []),
        ("a,b\n", {}, []),
        ("1,x\n", {"header": False}, [{"column_1": 1, "column_2": "x"}]),
        ("1,x\n", {"header": ["n", "t"]}, [{"n": 1, "t": "x"}]),
        ('\ufeff"a\nb",c\r\n1,2\r\n', {}, [{"a\nb": 1, "c": 2}]),
        ("a,a,\n1,2,3\n", {}, [{"a": 1, "a.1": 2, "column_3": 3}]),
        ("a|b\n1|2\n", {}, [{"a": 1, "b": 2}]),
        ("a\n" + "9" * 40 + "\n", {}, [{"a": int("9" * 40)}]),
        ("a\n" + "x" * 3_000_000 + "\n", {}, [{"a": "x" * 3_000_000}]),
    ],
)  # fmt: skip
def test_tables_as_they_come(tmp_path: Path, text, options, rows) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
    assert csv_rows(tmp_path / "a.csv", **options) == rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n", "row 1 has 1 fields, and there are 2 columns at line 3"),
        ("a,b\n1,2,3\n", "row 0 has 3 fields, and there are 2 columns at line 2"),
        ('a\n1\n"x\n', "the quote that begins here is never closed at line 3 column 1"),
        ("a\n1\n\udcff\n", "the field in column `a` of row 1 is not UTF-8 at line 3 column 1"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", errors="surrogateescape")
    for form in ("rows", "arrays"):
        with pytest.raises(ValueError, match=words):
            list(chunks(tmp_path / "a.csv", rows=1, as_=form))


# --- statistics


def test_figures_are_those_of_the_whole(tmp_path: Path) -> None:
    chance = random.Random(3)
    rows = [
        {"x": 1e9 + chance.gauss(0, 1), "t": chance.choice("aab"), "m": None} for _ in range(5_000)
    ]
    jsonl.write(tmp_path / "a.jsonl", rows)
    about = chunks(tmp_path / "a.jsonl", rows=77).describe()
    values = [row["x"] for row in rows]
    assert math.isclose(about["x"]["mean"], statistics.fmean(values), rel_tol=1e-15)
    assert math.isclose(about["x"]["std"], statistics.stdev(values), rel_tol=1e-9)
    assert (about["x"]["min"], about["x"]["max"]) == (min(values), max(values))
    [(top, freq)] = collections.Counter(row["t"] for row in rows).most_common(1)
    assert about["t"] == {
        "type": "text", "count": 5_000, "missing": 0, "distinct": 2, "top": top, "freq": freq,
    }  # fmt: skip
    assert about["m"] == {"type": "missing", "count": 0, "missing": 5_000}


def test_figures_of_what_is_odd() -> None:
    odd = [{"a": 1, "b": True}, {"a": "x", "b": False}, {"a": [1]}, {"a": math.nan, "c": 10**400}]
    about = chunks(odd, rows=2).describe()
    assert about["a"] | {"mean": 1} == {
        "type": "mixed", "count": 3, "missing": 1, "types": {"number": 1, "text": 1, "other": 1},
        "mean": 1, "std": about["a"]["std"], "min": 1, "max": 1,
        "distinct": 1, "top": "x", "freq": 1,
    }  # fmt: skip
    assert about["b"] == {"type": "bool", "count": 2, "missing": 2, "true": 1}
    assert about["c"]["max"] == 10**400
    assert chunks([math.inf, 1.0, -math.inf]).describe()["value"]["max"] == math.inf
    assert chunks([]).describe() == {}


def test_figures_of_many_texts_are_estimates_in_bounded_memory() -> None:
    texts = itertools.chain((f"t{n}" for n in range(60_000)), itertools.repeat("often", 30_000))
    about = chunks(texts, rows=5_000).describe()["value"]
    assert about["approximate"]
    assert about["top"] == "often"
    assert abs(about["distinct"] - 60_001) < 6_000


def test_standardized_numbers_have_mean_0_and_deviation_1(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    chance = np.random.default_rng(5)
    whole = chance.normal(50, 7, (3_000, 3))
    np.save(tmp_path / "a.npy", whole)
    scaled = np.concatenate(list(chunks(tmp_path / "a.npy", rows=400).standardize()))
    assert np.allclose(scaled.mean(0), 0, atol=1e-12)
    assert np.allclose(scaled.std(0), 1)
    rows = [{"a": float(n), "b": "x", "c": 5, "d": None if n % 2 else n} for n in range(10)]
    scaled = flat(chunks(rows, rows=3).standardize())
    assert abs(sum(row["a"] for row in scaled)) < 1e-12
    assert {row["b"] for row in scaled} == {"x"}
    assert {row["c"] for row in scaled} == {0.0}
    assert scaled[1]["d"] is None
    only = flat(chunks(rows, rows=3).standardize(["a"]))
    assert {row["c"] for row in only} == {5}
    with pytest.raises(ValueError, match="this takes two passes"):
        chunks(iter(rows)).standardize()


# --- order and parts


def test_a_shuffle_is_a_permutation_that_its_seed_says(tmp_path: Path) -> None:
    jsonl.write(tmp_path / "a.jsonl", ROWS)
    data = chunks(tmp_path / "a.jsonl", rows=300)
    shuffled = data.shuffle(1)
    once, again = flat(shuffled), flat(shuffled)
    assert once == again
    assert once == flat(data.shuffle(1))
    assert once != ROWS
    assert once != flat(data.shuffle(2))
    assert sorted(row["id"] for row in once) == list(range(1_000))
    assert [len(chunk) for chunk in shuffled] == [300, 300, 300, 100]


def test_every_order_is_as_likely() -> None:
    counts = collections.Counter(
        tuple(flat(chunks(list("abc")).shuffle(seed))) for seed in range(1_200)
    )
    assert len(counts) == 6
    assert all(140 < count < 260 for count in counts.values()), counts


def test_parts_are_disjoint_and_of_the_sizes_asked_for(tmp_path: Path) -> None:
    jsonl.write(tmp_path / "a.jsonl", ROWS)
    data = chunks(tmp_path / "a.jsonl", rows=128)
    parts = data.split((0.7, 0.2, 0.1), seed=4)
    ids = [[row["id"] for row in flat(part)] for part in parts]
    assert [len(part) for part in ids] == [700, 200, 100]
    assert [part.count_rows() for part in parts] == [700, 200, 100]
    assert sorted(itertools.chain(*ids)) == list(range(1_000))
    assert all(part == sorted(part) for part in ids), "in the order of the data"
    assert ids[0] == [row["id"] for row in flat(data.split((0.7, 0.2, 0.1), seed=4)[0])]
    assert ids[0] != [row["id"] for row in flat(data.split((0.7, 0.2, 0.1), seed=5)[0])]
    assert [len(chunk) for chunk in parts[1]] == [128, 72]
    assert [part.count_rows() for part in data.split((1 / 3,))] == [333, 667]
    for fractions in ((), (0.5, 0.6), (1.0, 0.0), (-0.1,)):
        with pytest.raises(ValueError, match="expected positive fractions"):
            data.split(fractions)
    with pytest.raises(ValueError, match="can be read only once"):
        chunks(iter(ROWS)).split((0.5,))
    train = parts[0].standardize(["x"]).shuffle(seed=9)
    assert sorted(row["id"] for row in flat(train)) == ids[0]


# --- memory


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    big = tmp_path / "a.jsonl"
    jsonl.write(big, ({"id": n, "x": n / 3, "t": f"text {n}" * 4} for n in range(500_000)))
    table = tmp_path / "a.csv"
    cannery.map_chunks(list, big, table, rows=20_000, workers=0)
    for path in (big, table):
        size = path.stat().st_size
        assert size > 25e6
        grown = run_child(f"""
            import numpy, peak_memory
            data = cannery.chunks({str(path)!r}, rows=5_000)
            next(iter(data))
            before = peak_memory.kilobytes()
            rows = sum(len(chunk) for chunk in data)
            data.describe()
            for chunk in data.shuffle(1):
                pass
            print(rows, peak_memory.kilobytes() - before)
        """)
        rows, more = map(int, grown.split())
        assert rows == 500_000
        assert more < 120e3, f"{path.name} of {size} bytes took {more} kB more"


def test_a_header_of_one_name_only_takes_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join("a" for _ in range(200_000)) + "\n" + ",".join("1" * 200_000) + "\n")
    before = time.process_time()
    [[row]] = chunks(path)
    assert len(row) == 200_000
    assert time.process_time() - before < 10


@pytest.mark.parametrize("form", ["arrays", "pandas", "polars", "pyarrow"])
def test_rows_that_each_have_a_key_of_their_own_are_no_table(tmp_path: Path, form) -> None:
    if form != "arrays":
        pytest.importorskip(form)
    path = tmp_path / "a.jsonl"
    jsonl.write(path, ({f"k{n}": n} for n in range(20_000)))
    with pytest.raises(LimitError, match="20000 columns"):
        list(chunks(path, as_=form))
    assert sum(len(chunk) for chunk in chunks(path)) == 20_000
    jsonl.write(path, ({f"k{n}": n} for n in range(100)))
    assert [len(chunk) for chunk in chunks(path, as_=form)] == [100]


@pytest.mark.parametrize(
    "shape", ["(1000000000, 0)", "(9223372036854775807, 0)", "(0, 10000000000)"]
)
def test_an_array_without_data_is_not_a_billion_rows(tmp_path: Path, shape: str) -> None:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\0\x76\0" + text.ljust(117).encode() + b"\n")
    for read in (cannery.load, lambda path: next(iter(chunks(path, rows=1)))):
        with pytest.raises(LimitError, match="too large for an array without data"):
            read(tmp_path / "a.npy")
    report = cannery.scan(tmp_path / "a.npy")
    assert report.verdict == "unknown"
    assert any("resource bomb" in str(finding) for finding in report.findings)
