"""HDF5 files of strangers that look like frames, models and structures, and ask for more.

Each is loaded in a child process under limits, with an audit hook: it opens nothing, and what it
may not cost is an error of ours.
"""
# ruff: noqa: E501  tables of cases

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

h5py: Any = pytest.importorskip("h5py")
np: Any = pytest.importorskip("numpy")
pytest.importorskip("pandas")
pytest.importorskip("scipy")

CHILD = textwrap.dedent("""
    import json, resource, sys, time, warnings
    warnings.simplefilter("ignore")
    import numpy, pandas, scipy.sparse, pandas.tseries.offsets, dateutil.tz, zoneinfo, pyarrow
    import cannery
    from cannery.errors import CanneryError
    from peak_memory import kilobytes
    cannery.dump({"a": 1}, sys.argv[2]); cannery.load(sys.argv[2])  # what is imported late
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    opened, watching, own = [], True, sys.argv[1]
    def hook(event, args):
        if watching and event == "open" and args[0] != own and not str(args[0]).startswith(sys.prefix):
            name = str(args[0])
            if not name.endswith((".py", ".pyc", ".zip", ".so")) and not name.startswith(("/proc", "/sys")):
                opened.append(name)
        if watching and event.startswith(("os.system", "subprocess", "exec")) and "importlib" not in repr(args):
            opened.append(event) if event != "exec" else None
    sys.addaudithook(hook)
    before, start = kilobytes(), time.process_time()
    try:
        value = cannery.load(own); said = "ok"
        repr(value)
    except CanneryError as error:
        said = f"{type(error).__name__}: {error}"
    seconds, grown = time.process_time() - start, kilobytes() - before
    watching = False
    print(json.dumps([said, opened, seconds, grown >> 10]))
""")


def load(path: Path) -> tuple[str, list[str], float, int]:
    """What loading a file said and opened, its processor time, and by how many MB memory grew."""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-B", "-c", CHILD, str(path), str(path.with_name("other.h5"))]
    environment = {"PYTHONPATH": ":".join([here, *sys.path]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said, opened, seconds, grown = json.loads(done.stdout.splitlines()[-1])
    return said, opened, seconds, grown


def text(made: Any, **attributes: Any) -> Any:
    """Give an object attributes as PyTables writes them."""
    for name, value in attributes.items():
        data = value.encode() if isinstance(value, str) else pickle.dumps(value, 0)
        made.attrs.create(name, np.bytes_(data))
    return made


def series(file: Any, index: Any = (0, 1, 2), values: Any = (0, 1, 2)) -> tuple[Any, Any, Any]:
    group = text(file.create_group("g"), pandas_type="series", index_variety="regular")
    index = text(group.create_dataset("index", data=np.array(index)), kind="integer")
    return group, index, group.create_dataset("values", data=np.array(values))


def table(file: Any, count: int | None = None) -> tuple[Any, Any]:
    group = text(
        file.create_group("g"), pandas_type="frame_table", values_cols=["values_block_0"],
        index_cols=[(0, "index")], non_index_axes=[(1, ["a"])],
    )  # fmt: skip
    dtype = np.dtype([("index", "i8"), ("values_block_0", "f8", (1,))])
    found = {"shape": (count,), "dtype": dtype} if count else {"data": np.zeros(4, dtype)}
    return group, text(
        group.create_dataset("table", **found), index_kind="integer", values_block_0_kind=["a"]
    )


def _moments(file: Any, **attributes: str) -> None:
    _, index, _ = series(file)
    del index.attrs["kind"]
    text(index, kind="datetime64", index_class="datetime", **attributes)


def _typed(file: Any, kind: str, zone: str | None = None) -> None:
    _, _, values = series(file)
    text(values, value_type=kind, **({} if zone is None else {"tz": zone}))


def _pickled_values(file: Any, kind: str) -> None:
    group, _, _ = series(file)
    del group["values"]
    data = np.frombuffer(pickle.dumps(np.array([1, 2, 3], object), 2), "u1")
    made = group.create_dataset("values", shape=(1,), dtype=h5py.vlen_dtype(np.uint8))
    made[0] = data
    text(made, value_type=kind, PSEUDOATOM="object")


def _empty(file: Any, *shape: int) -> None:
    _, _, values = series(file)
    values.attrs["shape"] = np.array(shape)
    text(values, value_type="float64")


def _matlab_empty(file: Any, kind: str, *shape: int) -> None:
    made = text(file.create_dataset("a", data=np.array(shape, "u8")), MATLAB_class=kind)
    made.attrs["MATLAB_empty"] = np.uint8(1)


def _anndata(file: Any, kind: str, shape: Any = None, **parts: Any) -> None:
    """A value of AnnData's; a part that is a shape and a type was never written."""
    group = text(file.create_group("g"), **{"encoding-type": kind})
    if shape is not None:
        group.attrs["shape"] = np.array(shape)
    for name, part in parts.items():
        if isinstance(part, tuple):
            group.create_dataset(name, shape=part[0], dtype=part[1])
        else:
            group[name] = np.array(part)


def _rows(file: Any, count: int, *fields: tuple[str, str]) -> None:
    made = file.create_dataset("t", shape=(count,), dtype=np.dtype(list(fields)))
    text(made, CLASS="TABLE")


def _tagged(file: Any, tag: str, count: int, dtype: Any) -> None:
    file.create_dataset("t", shape=(count,), dtype=dtype).attrs["cannery"] = tag


def _pseudo(file: Any, kind: str) -> None:
    text(file.create_dataset("t", data=np.array([10**9, 10**9])), PSEUDOATOM=kind)


def _colliding_items(file: Any) -> None:
    group = file.create_group("g")
    group.attrs["cannery"] = "items"
    for i in range(400):
        pair = group.create_group(str(i))
        pair.attrs["cannery"] = "tuple"
        key = json.dumps((i + 1) * (2**61 - 1)).encode()
        pair.create_dataset("0", data=key, dtype=h5py.string_dtype()).attrs["cannery"] = "document"
        pair["1"] = i


def _texts(file: Any, encoding: str, errors: str = "strict") -> None:
    group, index, _ = series(file, [b"a" * 30_000], [1])
    text(group, encoding=encoding, errors=errors)
    del index.attrs["kind"]
    text(index, kind="string")


def _shared_pickle(file: Any) -> None:
    """A frequency in lists that share each other, with a record that is not known to start with."""
    _, index, _ = series(file)
    shared = b"cpandas._libs.tslibs.offsets\nDay\nK\x01\x85R"
    data = (
        b"\x80\x02" + shared + b"q\x00" + b"".join(b"h\x00h\x00\x86q\x00" for _ in range(60)) + b"."
    )
    index.attrs.create("name", np.bytes_(data))


def _offset(file: Any, name: str) -> None:
    data = b"\x80\x02cpandas._libs.tslibs.offsets\n" + name.encode() + b"\nJ\xff\xff\xff\x7f\x85R."
    _moments(file)
    file["g/index"].attrs.create("freq", np.bytes_(data))


Write = Callable[[Any], None]
ZONES = ("dateutil//etc/passwd", "dateutil/../../../etc/passwd", "/etc/passwd", "../etc/passwd", "tzlocal()",
         "dateutil//usr/share/zoneinfo/../../../etc/passwd", "dateutil/dateutil//etc/passwd")  # fmt: skip
KINDS = ("S999999999", "(1000000,1000)f8", "f8,O", "V99999999", "U99999999", "datetime64[ns],O", "os.system",
         "timedelta64[ns],O", "timestamp[ns, tz=../../x][pyarrow]", "period[99999999999999D]")  # fmt: skip
HUGE = (10**9,)
REFUSED: dict[str, Write] = {
    **{f"index in {z}": lambda f, z=z: _moments(f, tz=z) for z in ZONES},
    **{f"values in {z}": lambda f, z=z: _typed(f, "datetime64[ns]", z) for z in ZONES},
    **{f"type in {z}": lambda f, z=z: _pickled_values(f, f"datetime64[ns, {z}]") for z in ZONES},
    **{f"pickled {k}": lambda f, k=k: _pickled_values(f, k) for k in KINDS},
    "table of a long period": lambda f: text(table(f)[1], values_block_0_dtype="period[9999999999D]"),
    **{f"freq {n}": lambda f, n=n: _moments(f, freq=n)
       for n in ("1000000000BH", "1000000000C", "1D1h" * 100, "no such", "999999999999999999999h")},
    **{f"offset {n}": lambda f, n=n: _offset(f, n)
       for n in ("BusinessHour", "CustomBusinessDay", "Easter", "FY5253Quarter", "SemiMonthEnd")},
    "an empty array": lambda f: _empty(f, 2**40, 0),
    "an empty array of more": lambda f: _empty(f, 0, 2**62, 2**62),
    "MATLAB's empty texts": lambda f: _matlab_empty(f, "char", 10**9, 0),
    "MATLAB's empty numbers": lambda f: _matlab_empty(f, "double", 2**40, 0),
    "MATLAB's texts": lambda f: text(f.create_dataset("a", shape=(3, 10**7), dtype="u2"), MATLAB_class="char"),
    "MATLAB's cells": lambda f: text(f.create_dataset("a", shape=(6 * 10**6, 1), dtype=h5py.ref_dtype), MATLAB_class="cell"),
    "sparse, not written": lambda f: _anndata(f, "csr_matrix", [3, 3], data=(HUGE, "f8"), indices=(HUGE, "i4"), indptr=(HUGE, "i4")),
    "sparse, indices": lambda f: _anndata(f, "csr_matrix", [3, 3], data=[1.0], indices=[10**8], indptr=[0, 1, 1, 1]),
    "sparse, columns": lambda f: _anndata(f, "csr_matrix", [3, 2**60], data=[1.0], indices=[0], indptr=[0, 1, 1, 1]),
    "sparse, texts": lambda f: _anndata(f, "csr_matrix", [1, 3], data=[b"a"], indices=[0], indptr=[0, 1]),
    "categories": lambda f: _anndata(f, "categorical", codes=(HUGE, "i1"), categories=[b"a"]),
    "missing ones": lambda f: _anndata(f, "nullable-integer", values=((9,), "i8"), mask=(HUGE, "i1")),
    "rows": lambda f: _rows(f, 10**9, ("a", "f8")),
    "rows of texts": lambda f: _rows(f, 6 * 10**7, ("a", "S1")),
    "a table": lambda f: table(f, 10**9) and None,
    "a list": lambda f: _tagged(f, "list", 6 * 10**7, "i1"),
    "records": lambda f: _tagged(f, "records", 3 * 10**7, [("a", "i1"), ("b", "i1")]),
    "numbers as pickles": lambda f: _pseudo(f, "object"),
    "numbers as texts": lambda f: _pseudo(f, "vlstring"),
    "colliding keys": _colliding_items,
    "a shared pickle": _shared_pickle,
    **{f"texts in {e}": lambda f, e=e: _texts(f, e) for e in ("punycode", "idna", "zlib_codec", "../x", "os")},
    "texts with a handler": lambda f: _texts(f, "utf-8", "xmlcharrefreplace"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_names_or_counts_is_checked(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        REFUSED[name](file)
    said, opened, seconds, grown = load(path)
    assert not opened
    assert seconds < 5, said
    assert grown < 160, said
    assert said != "ok"


FINE: dict[str, Write] = {
    **{f"index in {z}": lambda f, z=z: _moments(f, tz=z) for z in ("UTC", "Europe/Paris", "UTC+01:00", "dateutil/Europe/Paris", "dateutil//usr/share/zoneinfo/Europe/Paris")},
    "values in a zone": lambda f: _typed(f, "datetime64[ns]", "Asia/Tokyo"),
    **{f"freq {n}": lambda f, n=n: _moments(f, freq=n) for n in ("D", "2h", "B", "QE-DEC")},
    **{f"pickled {k}": lambda f, k=k: _pickled_values(f, k) for k in ("Int64", "category", "float64", "datetime64[ns, UTC]")},
    "an empty array": lambda f: _anndata(f, "csr_matrix", [0, 3], data=[], indices=np.zeros(0, "i4"), indptr=np.zeros(1, "i4")),
    "latin-1": lambda f: _texts(f, "latin-1", "replace"),
    "MATLAB's empty text": lambda f: _matlab_empty(f, "char", 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_what_files_of_the_same_form_need_still_opens(tmp_path: Path, name: str) -> None:
    import cannery

    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        FINE[name](file)
    repr(cannery.load(path))


def test_archives_of_keras_do_not_expand_without_end(tmp_path: Path) -> None:
    path = tmp_path / "x.keras"
    for name, method in (
        ("config.json", zipfile.ZIP_DEFLATED),
        ("model.weights.h5", zipfile.ZIP_DEFLATED),
        ("config.json", zipfile.ZIP_BZIP2),
    ):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr(name, bytes(200_000_000))
        said, _, seconds, grown = load(path)
        assert said.startswith(("LimitError", "DataError")), said
        assert seconds < 5
        assert grown < 160


def test_names_that_are_all_one_long_name_are_counted(tmp_path: Path) -> None:
    """Every entry of the symbol tables has the same name, of 200,000 bytes."""
    path, long = tmp_path / "x.h5", "x" * 200_000
    with h5py.File(path, "w") as file:
        made = file.create_dataset(long, data=1)
        for number in range(20_000):
            file[f"l{number}"] = made
    data = bytearray(path.read_bytes())
    place = data.index(long.encode())
    heaps = [at for at in positions(data, b"HEAP") if data[at + 4] == 0]
    starts = [int.from_bytes(data[at + 24 : at + 32], "little") for at in heaps]
    name = place - max(start for start in starts if start <= place)
    for table in positions(data, b"SNOD"):
        count = int.from_bytes(data[table + 6 : table + 8], "little")
        for entry in range(table + 8, table + 8 + 40 * count, 40):
            data[entry : entry + 8] = name.to_bytes(8, "little")
    path.write_bytes(data)
    said, _, seconds, grown = load(path)
    assert said.startswith("LimitError"), said
    assert seconds < 5
    assert grown < 160


def positions(data: bytearray, mark: bytes) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(mark), data)]
