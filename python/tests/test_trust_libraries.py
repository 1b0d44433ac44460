"""Objects of libraries from a stranger: what compiled code relies on holds, or there is an error.

The generator and the process that uses what it makes are in `hostile_parts.py`. A longer run:
`CANNERY_HOSTILE_DOCUMENTS=20000 pytest test_trust_libraries.py -k seeded`.
"""

# ruff: noqa: E501  tables of cases

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import hostile_parts
import pytest
from hostile_parts import array, tuple_of
from samples import libraries

import cannery
from cannery._objects import _adapters, _invariants
from cannery._objects._listed import is_listed

HERE = Path(__file__).parent


def load(document: Any) -> Any:
    """What is loaded, or the error, which must be one of cannery's."""
    try:
        return cannery.loads(json.dumps(document).encode())
    except cannery.CanneryError as error:
        return error


def refused(document: Any) -> bool:
    return isinstance(load(document), (cannery.CanneryError, cannery.Record))


def test_a_seeded_slice_of_changed_documents(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    count = int(os.environ.get("CANNERY_HOSTILE_DOCUMENTS", "1000"))
    seed, at, crashes = int(os.environ.get("CANNERY_HOSTILE_SEED", "10")), 0, []
    while at < count:
        command = [sys.executable, "-X", "faulthandler", str(HERE / "hostile_parts.py")]
        command += [str(seed), str(at), str(count), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        reached = int((tmp_path / "at").read_text()) if (tmp_path / "at").exists() else -1
        if done.returncode:
            crashes.append((reached, done.returncode, done.stderr[-2000:]))
        at = max(reached + 1, at + 1)
    found = tmp_path / "findings"
    assert (crashes, found.read_text() if found.exists() else "") == ([], "")


def spin() -> None:
    end = time.process_time() + hostile_parts.CPU_SECONDS + 0.1
    while time.process_time() < end:
        pass


def test_what_takes_too_much_is_found() -> None:
    slow = hostile_parts.measured("slow", spin, 10)[1]
    large = hostile_parts.measured("large", lambda: b"x" * (200 << 20), 10)[1]
    fine = hostile_parts.measured("fine", lambda: sum(range(10**3)), 10)[1]
    assert (slow or "").startswith("slow took")
    assert (large or "").startswith("large took")
    assert fine is None


def items(dtype: str, shape: list[int], values: list[Any]) -> Any:
    kind = {"$type": "numpy.dtype", "value": dtype}
    return {"$type": "numpy.ndarray", "dtype": kind, "shape": shape, "order": "C", "items": values}


def ints(*values: int) -> Any:
    return array("<i4", [len(values)], struct.pack(f"<{len(values)}i", *values))


def floats(*values: float) -> Any:
    return array("<f8", [len(values)], struct.pack(f"<{len(values)}d", *values))


OBJECTS = {"$type": "numpy.dtype", "value": "'|O'"}
RANGE = {"$type": "pandas.RangeIndex", "start": 0, "stop": 2, "step": 1, "name": None}
DAY = {"$type": "pandas.offsets", "name": "Day", "n": 1}
INTERFACE = {"$type": "types.SimpleNamespace", "value": hostile_parts.INTERFACE}
ROWS = {"data": floats(1, 2), "indices": ints(0, 1), "indptr": ints(0, 1, 2)}
CSR = {"$type": "scipy.sparse.csr_array", "shape": tuple_of(2, 2), **ROWS}
COO = {"$type": "scipy.sparse.coo_array", "shape": tuple_of(2, 2), "data": floats(1, 2)}
SPLINE = {"$type": "scipy.interpolate.BSpline", "k": 1, "extrapolate": True, "axis": 0}
SERIES = {"$type": "pandas.Series", "name": None, "index": RANGE}
PHILOX = {"counter": array("<u8", [4], bytes(32)), "key": array("<u8", [2], bytes(16))}
HALF = {"has_uint32": 0, "uinteger": 0}

HOSTILE: dict[str, Any] = {
    "fewer items than the shape": items("'<f8'", [1500], []),
    "more items than the shape": items("'<f8'", [1], [1.0, 2.0]),
    "a large element": {"$type": "numpy.dtype", "value": "'|V2000000000'"},
    "a large text": {"$type": "numpy.dtype", "value": "'<U500000000'"},
    "a large subarray": {"$type": "numpy.dtype", "base": OBJECTS, "shape": [10**5, 10**5]},
    "subarrays within": {"$type": "numpy.dtype", "value": "[('a', '<f8', (100000, 100000))]"},
    "a type that is no constant": {"$type": "numpy.dtype", "value": "__import__('os')"},
    "a deep type": {"$type": "numpy.dtype", "value": "(" * 500 + "'<f8'" + ", (1,))" * 500},
    "a field like a protocol": {"$type": "numpy.dtype", "value": "[('__array_struct__', '<i8')]"},
    "a record of no size": {"$type": "numpy.void", "value": 10**9},
    "a mask of another shape": {
        "$type": "numpy.ma.MaskedArray", "data": floats(1, 2), "mask": array("|b1", [1], b"\1"), "hard": False,
    },
    "a namespace as data": {"$type": "numpy.ma.MaskedArray", "data": INTERFACE, "mask": False, "hard": False},
    "a path as memory map": {"$type": "numpy.memmap", "value": "/etc/hostname"},
    "a function as ufunc": {"$type": "numpy.ufunc", "module": "numpy", "name": "save"},
    "another module's ufunc": {"$type": "numpy.ufunc", "module": "os", "name": "system"},
    "MT19937 out of its key": {"$type": "numpy.random.MT19937", "state": {
        "bit_generator": "MT19937", "state": {"key": array("<u4", [624], bytes(2496)), "pos": 10**8}}},
    "MT19937 of a short key": {"$type": "numpy.random.MT19937", "state": {
        "bit_generator": "MT19937", "state": {"key": array("<u4", [3], bytes(12)), "pos": 1}}},
    "Philox out of its buffer": {"$type": "numpy.random.Philox", "state": {
        "bit_generator": "Philox", "state": PHILOX, "buffer": array("<u8", [4], bytes(32)), "buffer_pos": 10**6, **HALF}},
    "a large pool": {"$type": "numpy.random.SeedSequence", "entropy": 1, "spawn_key": tuple_of(), "pool_size": 10**8,
                     "n_children_spawned": 0},
    "a long entropy": {"$type": "numpy.random.SeedSequence", "entropy": 10**4000, "spawn_key": tuple_of(), "pool_size": 4,
                       "n_children_spawned": 0},
    "an index out of the columns": {**CSR, "indices": ints(0, 10**8)},
    "a negative index": {**CSR, "indices": ints(0, -5)},
    "rows that go back": {**CSR, "indptr": ints(0, 2, 1)},
    "rows beyond the data": {**CSR, "indptr": ints(0, 1, 9)},
    "too few rows": {**CSR, "shape": tuple_of(10**6, 2)},
    "too many columns": {**CSR, "shape": tuple_of(2, 10**9)},
    "objects as numbers": {**CSR, "data": items("'|O'", [2], [1, 2])},
    "places out of the shape": {**COO, "coords": tuple_of(ints(0, 1), ints(0, 7))},
    "a shape for no data": {**COO, "shape": tuple_of(10**12, 10**12), "coords": tuple_of(ints(0, 1), ints(0, 1))},
    "namespaces as places": {**COO, "coords": tuple_of(INTERFACE, INTERFACE)},
    "diagonals of no data": {"$type": "scipy.sparse.dia_array", "shape": tuple_of(3, 3), "offsets": ints(0, 2**31 - 1),
                             "data": array("<f8", [2, 1], bytes(16))},
    "blocks of no size": {"$type": "scipy.sparse.bsr_array", "shape": tuple_of(2, 2), "data": array("<f8", [1, 0, 1], b""),
                          "indices": ints(0), "indptr": ints(0, 1)},
    "lists of texts": {"$type": "scipy.sparse.lil_array", "shape": tuple_of(1, 2), "dtype": {"$type": "numpy.dtype", "value": "'<f8'"},
                       "rows": items("'|O'", [1], [["a"]]), "data": items("'|O'", [1], [[1.0]])},
    "too few knots": {**SPLINE, "t": floats(0, 1), "c": floats(1)},
    "a degree beyond the knots": {**SPLINE, "t": floats(0, 0, 1, 1), "c": floats(1, 2), "k": 10**8},
    "an axis beyond the coefficients": {**SPLINE, "t": floats(0, 0, 1, 1), "c": floats(1, 2), "axis": 7},
    "an item like a protocol": {"$type": "scipy.optimize._optimize.OptimizeResult", "__items__": hostile_parts.INTERFACE},
    "another class of scipy": {"$type": "scipy.optimize._optimize.Brent", "func": 1},
    "codes beyond the categories": {"$type": "pandas.Categorical", "codes": array("|i1", [1], b"\x64"), "categories": RANGE,
                                    "ordered": False},
    "codes beyond the level": {"$type": "pandas.MultiIndex", "levels": [RANGE], "codes": [array("|i1", [1], b"\x64")], "names": [None]},
    "levels of other lengths": {"$type": "pandas.MultiIndex", "levels": [RANGE, RANGE],
                                "codes": [array("|i1", [1], b"\0"), array("|i1", [0], b"")], "names": [None, None]},
    "a mask that is too short": {"$type": "pandas.arrays.IntegerArray", "values": ints(1, 2), "mask": array("|b1", [1], b"\0")},
    "a sparse bomb": {"$type": "pandas.arrays.SparseArray", "values": floats(), "indices": ints(), "kind": "integer",
                      "length": 10**9, "fill_value": 0.0},
    "positions out of order": {"$type": "pandas.arrays.SparseArray", "values": floats(1, 2), "indices": ints(5, 1), "kind": "integer",
                               "length": 9, "fill_value": 0.0},
    "a column of another length": {**SERIES, "values": floats(1, 2, 3)},
    "a label like a protocol": {**SERIES, "index": {"$type": "pandas.Index", "name": None,
                                "values": items("'|O'", [2], ["__array_interface__", "a"])}, "values": items("'|O'", [2], [{}, {}])},
    "no column and many rows": {"$type": "pandas.DataFrame", "columns": {**RANGE, "stop": 0}, "index": {**RANGE, "stop": 10**9},
                                "values": []},
    "a zone by its path": {"$type": "pandas.DatetimeTZDtype", "unit": "ns", "tz": "dateutil//etc/hostname"},
    "a zone of no zone": {"$type": "pandas.Timestamp", "value": 0, "unit": "ns", "tz": INTERFACE},
    "an offset that is none": {"$type": "pandas.offsets", "name": "to_offset", "n": 1},
    "an option of another offset": {**DAY, "options": {"weekmask": "1111111"}},
    "a step of many years": {**DAY, "name": "FY5253", "n": 10**9, "options": {"weekday": 1, "startingMonth": 1}},
    "a record as a name": {**SERIES, "name": {"$type": "x.Y"}, "values": floats(1, 2)},
    "a zone of dateutil by a path": {"$type": "dateutil.tz.tzfile", "value": "/etc/hostname"},
    "an offset of days": {"$type": "dateutil.tz.tzoffset", "name": None, "offset": 10**9},
    "an image of no data": {"$type": "PIL.Image.Image", "mode": "RGB", "size": tuple_of(10**6, 10**6), "raw": {"$type": "bytes", "value": ""}},
    "rows of no pixels": {"$type": "PIL.Image.Image", "mode": "L", "size": tuple_of(0, 2**24), "raw": {"$type": "bytes", "value": ""}},
    "a node without a hash": {"$type": "networkx.Graph", "graph": {}, "nodes": [tuple_of([1], {})], "edges": []},
    "an edge to nowhere": {"$type": "networkx.Graph", "graph": {}, "nodes": [tuple_of(1, {})], "edges": [tuple_of(1, 2, {})]},
    "a record as a node": {"$type": "networkx.Graph", "graph": {}, "nodes": [tuple_of({"$type": "x.Y"}, {})], "edges": []},
    "numbers that collide": {"$type": "networkx.Graph", "graph": {}, "edges": [],
                             "nodes": [tuple_of(each * (2**61 - 1), {}) for each in range(200)]},
    "an Arrow stream of nothing": {"$type": "pyarrow.Table", "ipc": {"$type": "bytes", "value": "AAAA"}},
    "a polars file of nothing": {"$type": "polars.DataFrame", "ipc": {"$type": "bytes", "value": "AAAA"}, "height": 1},
    "a zone of polars by a path": {"$type": "polars.datatypes.classes.Datetime", "time_unit": "us", "time_zone": "../etc"},
    "a model of a chosen type": {"$type": "pydantic.root_model.RootModel", "__generic__": tuple_of({"$type": "type", "name": "datetime.date"}),
                                 "root": 1, "__pydantic_fields_set__": {"$type": "set", "value": ["root"]}},
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_parts_that_compiled_code_cannot_rely_on(name: str) -> None:
    assert refused(HOSTILE[name])


def test_the_same_documents_with_parts_that_hold_are_loaded() -> None:
    pytest.importorskip("scipy")
    assert load(CSR).toarray().tolist() == [[1, 0], [0, 2]]
    assert load({**COO, "coords": tuple_of(ints(0, 1), ints(0, 1))}).nnz == 2
    assert load({**SPLINE, "t": floats(0, 0, 1, 1), "c": floats(1, 2)})(0.5) == 1.5
    assert load({**SERIES, "values": floats(1, 2)}).sum() == 3
    assert load(items("'|O'", [2], [1, [2]])).tolist() == [1, [2]]
    assert load(DAY).n == 1


def test_arrow_streams_are_no_bombs() -> None:
    pa = pytest.importorskip("pyarrow")
    packed = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(packed, pa.schema([("a", pa.int64())]), options=options) as writer:
        writer.write_table(pa.table({"a": [0] * (1 << 20)}))
    nothing = pa.BufferOutputStream()
    with pa.ipc.new_stream(nothing, pa.schema([("a", pa.null())])) as writer:
        writer.write_batch(pa.record_batch({"a": pa.nulls(10**9)}))
    zone = pa.schema([("a", pa.timestamp("ns", "dateutil//etc/hostname"))]).serialize()
    note = pa.schema([("a", pa.int8())], metadata={"pandas": b'"dateutil//etc/x"'}).serialize()
    deep = pa.int8()
    for _ in range(60):
        deep = pa.list_(deep)
    deep = pa.schema([("a", deep)]).serialize()
    for kind, data in (("Table", packed.getvalue()), ("Table", nothing.getvalue())):
        assert refused({"$type": f"pyarrow.{kind}", "ipc": bytes_of(data.to_pybytes())})
    for data in (zone, note, deep):
        assert refused({"$type": "pyarrow.Schema", "ipc": bytes_of(data.to_pybytes())})


def bytes_of(data: bytes) -> Any:
    return json.loads(cannery.dumps(data))


def test_polars_files_are_no_bombs() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [0] * 100_000})
    for compression, is_refused in (("zstd", True), ("lz4", True), ("uncompressed", False)):
        out = io.BytesIO()
        frame.write_ipc(out, compression=compression)
        document = {"$type": "polars.DataFrame", "ipc": bytes_of(out.getvalue()), "height": 100_000}
        assert refused(document) is is_refused
    assert refused({**document, "height": 5})


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("size", "data", "is_refused"),
    [
        ((3, 2), png(3, 2, b"\0abc\0def"), False),
        ((3, 2), png(3, 2, b"\0abc\0de"), True),
        ((3, 2), png(3, 2, b"\0abc\0def" * 9), True),
        ((3, 2), png(8000, 8000, bytes(8001 * 8000)), True),
        ((60000, 60000), png(60000, 60000, bytes(1000)), True),
        ((8000, 8000), png(8000, 8000, bytes(1000)), True),
        (
            (3, 2),
            png(3, 2, b"\0abc\0def", chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * 9))),
            True,
        ),
        (
            (3, 2),
            png(3, 2, b"\0abc\0def", chunk(b"iCCP", b"k\0\0" + zlib.compress(b"x" * 9))),
            True,
        ),
        ((3, 2), b"GIF89a", True),
    ],
)
def test_images_have_the_pixels_that_they_state(
    size: tuple[int, int], data: bytes, is_refused: bool
) -> None:
    pytest.importorskip("PIL")
    document = {"$type": "PIL.Image.Image", "mode": "L", "size": tuple_of(*size)}
    assert refused({**document, "png": bytes_of(data)}) is is_refused


def test_exif_refers_to_each_byte_a_few_times() -> None:
    pytest.importorskip("PIL")
    entries = b"".join(struct.pack("<HHII", 300 + at, 1, 60_000, 8) for at in range(4000))
    bomb = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 4000) + entries
    document = {
        "$type": "PIL.Image.Image",
        "mode": "L",
        "size": tuple_of(1, 1),
        "raw": bytes_of(b"a"),
    }
    assert not refused(document)
    assert refused({**document, "exif": bytes_of(bomb)})
    assert refused({**document, "info": {"exif": bytes_of(bomb)}})
    assert not refused({**document, "info": {"exif": bytes_of(b"Exif\0\0II*\0\x08\0\0\0\0\0")}})


NAMES = [
    "numpy.load", "numpy.lib.npyio.NpzFile", "numpy.distutils", "numpy.testing", "pandas.read_csv",
    "pandas.io.parsers.readers.read_csv", "pandas.conftest.x", "scipy.conftest.x", "scipy.optimize._optimize.Brent",
    "polars.read_csv", "polars.datatypes.classes.DataType", "pydantic.networks.import_email_validator",
    "pydantic.main.create_model", "attr._make.make_class", "msgspec.Struct", "dateutil.tz.gettz", "networkx.read_gpickle",
    "matplotlib.pyplot.show", "PIL.ImageShow.show", "ml_dtypes._finfo.finfo", "numpy.polynomial.polynomial.polyfromroots", "numpy.savetxt",
    "numpy.fromfile", "scipy.special.test",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_in_no_list(name: str) -> None:
    assert _adapters.maker_of(name) is None
    assert _adapters.class_of(name) is None
    assert _adapters.class_value(name) is None
    assert _adapters.function_of(name) is None
    assert _adapters.shell_of(name) is None


def test_no_library_is_imported_for_a_name_that_is_in_no_list() -> None:
    kinds = [{"$type": name} for name in NAMES]
    values = [{"$type": kind, "name": name} for name in NAMES for kind in ("type", "function")]
    code = (
        "import sys, cannery\nbefore = set(sys.modules)\n"
        f"cannery.loads({json.dumps(kinds + values).encode()!r})\n"
        "found = {name.partition('.')[0].partition('__')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(found - set(sys.stdlib_module_names) - {'cannery', '_sysconfigdata'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_list_has_every_name_that_the_adapters_know() -> None:
    known = 0
    for package in _adapters._ADAPTERS:
        adapter: Any = _adapters._adapter(package)
        tables = ("_MAKERS", "_CLASS_VALUES", "_NETWORKS", "_OTHERS")
        names = {name for table in tables for name in getattr(adapter, table, ())}
        assert [name for name in names if not is_listed(name)] == []
        known += len(names)
    assert known > 100


# Objects as pickles build them.


def states() -> list[tuple[str, Any]]:
    """The states and arguments of real objects, under the names of their classes and functions."""
    pytest.importorskip("pandas")
    found, seen = [], set[int]()
    waiting: list[Any] = [make() for name, make in libraries.SAMPLES.items() if _is_covered(name)]
    waiting += [make() for make in hostile_parts.more_samples().values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif _is_library(value) and id(value) not in seen:
            seen.add(id(value))
            found.append((value, None))
            waiting += [part for part in _reduced(value)[1:3] if part is not None]
    return found


def _is_covered(name: str) -> bool:
    return name.startswith(("np ", "arr", "sp ", "scipy ", "pd ")) and "sub" not in name


def _is_library(value: Any) -> bool:
    package = type(value).__module__.partition(".")[0]
    return package in ("numpy", "scipy", "pandas") and not isinstance(value, type)


def _reduced(value: Any) -> tuple[Any, ...]:
    try:
        reduced = value.__reduce_ex__(4)
    except TypeError:
        return (None, (), None)
    return (*reduced, None, None)[:3] if isinstance(reduced, tuple) else (None, (), None)


def _is_listed(value: Any) -> bool:
    cls = type(value)
    name = f"{cls.__module__}.{cls.__qualname__}"
    module = _invariants._module_of(name)
    return name in getattr(module, "OBJECTS", {})


def test_real_objects_hold_their_invariants() -> None:
    checked = 0
    for value, _ in states():
        if _is_listed(value):
            _invariants.check_object(value)
            checked += 1
        state = _reduced(value)[2]
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        rules = getattr(_invariants._module_of(name), "STATES", {})
        if state is not None and name in rules:
            _invariants.check_state(name, state)
            checked += 1
    assert checked > 300


def test_states_of_pickles_that_do_not_hold() -> None:
    np = pytest.importorskip("numpy")
    pd, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    mt = np.random.MT19937(3).state
    mt["state"]["pos"] = 10**8
    csr = {**vars(sparse.csr_array(np.eye(3)))}
    csr["indices"] = csr["indices"] + 10**8
    index = (pd.RangeIndex, {"start": 0, "stop": 10**15, "step": 1, "name": None})
    multi = {"levels": [pd.Index(["a"])], "codes": [np.array([7], "i1")], "names": [None]}
    for name, state in (
        ("numpy.random._mt19937.MT19937", (mt, None)),
        ("scipy.sparse._csr.csr_array", csr),
        ("scipy.sparse._csr.csr_array", {**csr, "indptr": None}),
        ("pandas.core.indexes.base._new_Index", index),
        ("pandas.core.indexes.base._new_Index", (pd.MultiIndex, {**multi, "sortorder": None})),
        ("pandas.core.indexes.base._new_Index", (subprocess.Popen, {})),
        ("numpy.ndarray", (1, (10**9,), np.dtype("f8"), False, b"")),
        ("numpy.ndarray", (1, (1,), np.dtype("O"), False, b"12345678")),
        ("pandas._libs.sparse.IntIndex", (10**9, np.array([], "i4"))),
        ("numpy.lib.npyio.NpzFile", {}),
        ("shop.Item", {}),
    ):
        with pytest.raises(ValueError, match=r"part|invariants"):
            _invariants.check_state(name, state)


def test_objects_of_pickles_that_do_not_hold() -> None:
    np = pytest.importorskip("numpy")
    pd, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    codes = pd.Categorical.from_codes(np.array([9], "i1"), categories=["a"], validate=False)
    matrix = sparse.csr_array(np.eye(3))
    matrix.indices[0] = 10**6
    kind, args, _ = np.dtype("V8").__reduce__()
    kind = kind(*args)
    kind.__setstate__((3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0))
    series = pd.Series([{}], index=pd.Index(["__array_interface__"], dtype=object), dtype=object)
    for value in (codes, pd.Series(codes), matrix, kind, series, object(), subprocess.run):
        with pytest.raises(ValueError, match=r"part|invariants"):
            _invariants.check_object(value)


def test_libraries_do_not_go_through_names() -> None:
    pytest.importorskip("pandas")
    index = {"$type": "pandas.RangeIndex", "start": 0, "stop": 2, "step": 1}
    for length, is_refused in ((3, False), (10**9, True), (10**30, True)):
        name = {"$type": "range", "start": 0, "stop": length, "step": 1}
        assert refused({**index, "name": name}) == is_refused
        assert refused({**index, "name": {"$type": "tuple", "value": [name]}}) == is_refused


RANGE = {"$type": "pandas.RangeIndex", "start": 0, "stop": 10**8, "step": 1, "name": None}
CODES = {"$type": "ndarray", "dtype": "|i1", "shape": [1], "order": "C", "data": "AA=="}


@pytest.mark.parametrize(
    "document",
    [
        {"$type": "pandas.MultiIndex", "levels": [RANGE], "codes": [CODES], "names": [None]},
        {"$type": "pandas.CategoricalDtype", "categories": RANGE, "ordered": False},
        {"$type": "pandas.Categorical", "categories": RANGE, "codes": CODES, "ordered": False},
        {"$type": "pandas.arrays.IntervalArray", "left": RANGE, "right": RANGE, "closed": "left"},
    ],
)  # fmt: skip
def test_ranges_that_pandas_writes_out_are_no_bombs(document: Any) -> None:
    data = json.dumps(document).encode()
    with pytest.raises(cannery.CanneryError, match="a range of 100000000 labels"):
        cannery.loads(data)
    assert cannery.scan(data).verdict == "unknown"


def test_ranges_in_the_place_of_labels_are_kept() -> None:
    pd = pytest.importorskip("pandas")
    categories = pd.Categorical.from_codes([0, 2], pd.RangeIndex(3))
    levels = pd.MultiIndex([pd.RangeIndex(3)], [[2, 0]])
    data = cannery.dumps([categories, categories.dtype, levels])
    assert cannery.scan(data).verdict == "ok"
    made = cannery.loads(data)
    assert made[0].equals(categories)
    assert made[1] == categories.dtype
    assert made[2].equals(levels)


CALLED_BY_NONE = {
    "opens a file": ("pyarrow.lib.OSFile", ["written-by-a-file", "w"]),
    "maps a file": ("pyarrow.lib.MemoryMappedFile", ["written-by-a-file", "w"]),
    "takes a pointer": ("scipy.spatial._qhull._Qhull", [1]),
    "compiles text": ("typing.TypeVar", ["T", "open('written-by-a-file', 'w')", "int"]),
}


@pytest.mark.parametrize("made_by", [None, "class", "partial", "new"])
@pytest.mark.parametrize(("name", "args"), CALLED_BY_NONE.values(), ids=CALLED_BY_NONE)
def test_classes_that_no_instance_is_saved_by_are_not_called(
    name: str, args: list[Any], made_by: str | None, tmp_path: Path
) -> None:
    cls = {"$type": "type", "name": name}
    empty = {"$type": "tuple", "value": []}
    partial = {"$type": "functools.partial", "function": cls, "args": empty, "keywords": {}}
    ways = {None: {}, "class": {"__function__": cls}, "partial": {"__function__": partial}}
    more = {**ways, "new": {"__kwargs__": {}}}[made_by]
    document = {"$type": name, "__args__": {"$type": "tuple", "value": args}, **more}
    code = f"""
import typing
import cannery, pyarrow, scipy.spatial
for trust in ("*", {name!r}):
    try:
        cannery.loads({json.dumps(document)!r}, trust=[trust])
        print("made")
    except cannery.CanneryError as error:
        print("refused" if " is saved by " in str(error) else error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["refused", "refused"], (done.returncode, done.stderr)
    assert list(tmp_path.iterdir()) == []
