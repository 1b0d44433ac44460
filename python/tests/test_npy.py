"""`cannery.npy` beside NumPy: the same bytes, the same arrays, errors that say what is wrong."""

import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import peak_memory
import pytest

np = pytest.importorskip("numpy")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as npst  # noqa: E402

import cannery  # noqa: E402
from cannery import npy  # noqa: E402
from cannery.errors import CanneryError  # noqa: E402

RECORD = np.dtype(
    {
        "names": ["x", "name", "inner"],
        "formats": ["<i2", ">U3", [("a", "<f4", (2, 2)), ("b", "|S2")]],
        "offsets": [2, 4, 24],
        "titles": [None, "the name", None],
        "itemsize": 48,
    }
)
DTYPES = [
    "?", "i1", "<u2", ">i4", "<i8", ">u8", "<f2", ">f4", "<f8", "<f16", "<c8", ">c16", "S5", "<U4",
    ">U4", "V7", "<M8[ns]", ">M8[25s]", "<m8[D]", "<M8", RECORD,
]  # fmt: skip


def example(dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    dtype = np.dtype(dtype)
    count = int(np.prod(shape)) * dtype.itemsize
    raw = (np.arange(count) % 2 if dtype.kind in "?bU" else np.arange(count) % 251).astype("u1")
    if dtype.kind == "U":
        raw = np.arange(count // 4, dtype=dtype.byteorder + "u4") % 0x3000
    return np.ndarray(shape, dtype, raw.tobytes(), order=order).copy(order="K")


def same(a: np.ndarray, b: np.ndarray) -> bool:
    strides = a.strides == b.strides or a.size == 0
    return (a.dtype, a.shape) == (b.dtype, b.shape) and strides and a.tobytes("A") == b.tobytes("A")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_files_are_the_bytes_numpy_writes(tmp_path: Path, dtype, shape, order):
    array = example(dtype, shape, order)
    npy.save(tmp_path / "ours.npy", array)
    np.save(tmp_path / "theirs.npy", array)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()
    theirs = np.load(tmp_path / "theirs.npy")
    assert same(npy.load(tmp_path / "theirs.npy"), theirs)
    mapped = npy.load(tmp_path / "theirs.npy", mmap=True)
    assert same(mapped, theirs)
    assert not mapped.flags.writeable


@settings(max_examples=150)
@given(st.data())
def test_any_array_survives_every_way_in_and_out(data):
    dtype = data.draw(
        npst.array_dtypes(
            subtype_strategy=st.one_of(
                npst.scalar_dtypes(), npst.unicode_string_dtypes(), npst.datetime64_dtypes()
            ),
            allow_subarrays=True,
        )
        | npst.scalar_dtypes()
    )
    array = data.draw(npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=4, min_side=0)))
    if data.draw(st.booleans()):
        array = array.T
    if array.ndim and data.draw(st.booleans()):
        array = array[::-1]
    file, archive, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    npy.save(file, array)
    npy.savez(archive, array, other=array)
    npy.savez_compressed(packed, array)
    for made in (file, archive, packed):
        made.seek(0)
    expected = np.load(file)
    file.seek(0)
    assert same(npy.load(file), expected)
    assert file.read() == b""
    loaded = npy.load(archive)
    assert list(loaded) == ["other", "arr_0"]
    for name in loaded:
        assert same(loaded[name], expected)
    assert same(npy.load(packed)["arr_0"], expected)
    for made in (archive, packed):
        made.seek(0)
        assert same(np.load(made)["arr_0"], expected)


def test_archives_are_lazy_mappings(tmp_path: Path):
    a, b = np.arange(1000, dtype="<f4").reshape(10, 100), np.asfortranarray(np.eye(3))
    npy.savez(tmp_path / "stored", a, b=b)
    npy.savez_compressed(tmp_path / "packed", a, b=b, level=9)
    np.savez(tmp_path / "numpy.npz", a, b=b)
    for name in ("stored.npz", "packed.npz", "numpy.npz"):
        with npy.load(tmp_path / name) as archive:
            assert sorted(archive) == sorted(archive.files) == ["arr_0", "b"]
            assert "arr_0.npy" in archive
            assert "c" not in archive
            assert same(archive["arr_0"], a)
            assert same(archive["b"], b)
            archive["b"][0, 0] = 7  # a copy of one's own
        with pytest.raises(ValueError, match="closed"):
            archive["b"]
    mapped = npy.load(tmp_path / "stored.npz", mmap=True)["arr_0"]
    assert same(mapped, a)
    assert not mapped.flags.writeable
    assert mapped.ctypes.data % 64 == 0
    assert same(npy.load(tmp_path / "packed.npz", mmap=True)["arr_0"], a)
    with pytest.raises(KeyError):
        npy.load(tmp_path / "stored.npz")["c"]
    with pytest.raises(ValueError, match="twice"):
        npy.savez(tmp_path / "x.npz", a, arr_0=a)


def test_open_reads_only_what_is_asked_for(tmp_path: Path):
    array = np.asfortranarray(np.arange(12, dtype=">f4").reshape(3, 4))
    npy.save(tmp_path / "a.npy", array)
    lazy = npy.open(tmp_path / "a.npy")
    assert (lazy.shape, lazy.ndim, len(lazy), lazy.order, lazy.nbytes) == ((3, 4), 2, 3, "F", 48)
    assert lazy.dtype == array.dtype
    assert np.array_equal(lazy[1], array[1])
    assert np.array_equal(lazy[:2, 1:], array[:2, 1:])
    assert lazy[2, 3] == 11
    lazy[0][0] = 5  # a copy of one's own
    assert np.array_equal(np.asarray(lazy), array)
    assert np.array_equal(np.array(lazy, dtype="<f8"), array)
    assert [row.tolist() for row in lazy] == array.tolist()
    assert repr(lazy) == "LazyArray(shape=(3, 4), descr='>f4', order='F')"


def test_a_slice_of_a_huge_file_costs_a_slice(tmp_path: Path):
    path = tmp_path / "huge.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f8", "fortran_order": False, "shape": (1 << 30, 16)}
        )
        file.truncate(file.tell() + (1 << 37))  # a hole: 128 GiB that take no room
    lazy = npy.open(path)
    assert lazy[1 << 29 : (1 << 29) + 2].tolist() == [[0.0] * 16] * 2


def test_numpy_is_imported_only_for_arrays(tmp_path: Path):
    npy.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    code = (
        "import sys; from cannery import npy; a = npy.open(sys.argv[1]);"
        "assert a.shape == (2, 3) and len(a) == 2; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.npy"], check=True)


def test_places(tmp_path: Path):
    array = np.arange(5)
    npy.save(str(tmp_path / "plain"), array)
    assert same(npy.load(tmp_path / "plain.npy"), array)
    for name in ("a.npy.gz", "a.npy.zst"):
        npy.save(tmp_path / name, array)
        assert (tmp_path / name).read_bytes()[:2] in (b"\x1f\x8b", b"\x28\xb5")
        assert same(npy.load(tmp_path / name), array)
        assert same(npy.load(tmp_path / name, mmap=True), array)
    code = "from cannery import npy; npy.save('-', npy.load('-') + 1)"
    piped = subprocess.run(
        [sys.executable, "-c", code],
        input=(tmp_path / "plain.npy").read_bytes(),
        capture_output=True,
        check=True,
    )
    assert same(npy.load(io.BytesIO(piped.stdout)), array + 1)


def test_several_arrays_in_one_file_object():
    file = io.BytesIO()
    npy.save(file, np.arange(3))
    npy.save(file, np.eye(2))
    file.seek(0)
    assert npy.load(file).tolist() == [0, 1, 2]
    assert npy.load(file).tolist() == [[1, 0], [0, 1]]


def test_a_file_can_be_replaced_while_it_is_mapped(tmp_path: Path):
    path = tmp_path / "a.npy"
    npy.save(path, np.arange(100_000))
    mapped = npy.load(path, mmap=True)
    npy.save(path, mapped[:10])
    assert mapped.sum() == 100_000 * 99_999 // 2
    assert npy.load(path).tolist() == list(range(10))
    assert names(tmp_path) == ["a.npy"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}, None]), "NPY would hold an array of Python objects as a pickle"),
        (np.zeros(2, [("a", "O")]), "NPY would hold an array of Python objects as a pickle"),
        (np.ma.masked_array([1, 2], [0, 1]), "NPY has no place for the mask of a masked array"),
        (np.array(["a"], np.dtypes.StringDType()), "NPY"),
    ],
    ids=["objects", "objects in records", "masked", "strings"],
)
def test_what_would_be_lost_is_refused(tmp_path: Path, array, message):
    with pytest.raises(ValueError, match=message) as caught:
        npy.save(tmp_path / "a.npy", array)
    assert isinstance(caught.value, CanneryError)
    assert caught.value.hint
    assert names(tmp_path) == []


def test_objects_in_files_are_refused(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    np.savez(tmp_path / "a.npz", a=np.array([{}]), b=np.arange(2))
    for mmap in (False, True):
        with pytest.raises(ValueError, match="holds Python objects, stored as a pickle"):
            npy.load(tmp_path / "a.npy", mmap=mmap)
    archive = npy.load(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"holds Python objects.* in `\$\.a`"):
        archive["a"]
    assert archive["b"].tolist() == [0, 1]


def test_broken_files_say_what_is_wrong(tmp_path: Path):
    path = tmp_path / "a.npy"
    npy.save(path, np.arange(10))
    whole = path.read_bytes()
    for mmap in (False, True):
        for end in (0, 5, 9, 100, 150):
            path.write_bytes(whole[:end])
            why = r"a\.npy: (the file ends|expected 80 bytes|the file is empty)"
            with pytest.raises(ValueError, match=why):
                npy.load(path, mmap=mmap)
        path.write_bytes(whole + b"junk")
        with pytest.raises(ValueError, match="expected the end of the file, found 4 more bytes"):
            npy.load(path, mmap=mmap)
        path.write_bytes(whole.replace(b"(10,)", b"(1000000000000,)").ljust(len(whole)))
        with pytest.raises(ValueError, match="expected 8000000000000 bytes of data"):
            npy.load(path, mmap=mmap)
        path.write_bytes(b"\x89PNG" + whole)
        with pytest.raises(ValueError, match="NUMPY"):
            npy.load(path, mmap=mmap)
    for end in (0, 5, 9, 100, 150):
        with pytest.raises(ValueError, match=r"the file ends|expected 80 bytes|nothing is left"):
            npy.load(io.BytesIO(whole[:end]))
    with pytest.raises(FileNotFoundError) as caught:
        npy.load(tmp_path / "missing.npy")
    assert isinstance(caught.value, CanneryError)


def test_lying_streams_cost_nothing():
    """A pipe has no length to hold a claim against: the claim is not believed."""

    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.data = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, out: bytearray) -> int:
            return self.data.readinto(out)

    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
    np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(ValueError, match="expected 9007199254740992 bytes of data, found 3"):
        npy.load(Pipe(file.getvalue() + b"abc"))


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_broken_archives_say_what_is_wrong(tmp_path: Path, damage):
    path = tmp_path / "a.npz"
    npy.savez(path, a=np.arange(1000))
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.npz: .*(damaged|cut off)"):
        npy.load(path)["a"]


def test_memory_is_not_kept(tmp_path: Path):
    path = tmp_path / "a.npy"
    npy.save(path, np.zeros(1 << 20))
    before = peak_memory.kilobytes()
    for _ in range(100):
        npy.load(path)
        npy.load(path, mmap=True).sum()
    assert peak_memory.kilobytes() - before < 64 << 10


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_maps_in_files_and_archives(tmp_path: Path, mode):
    arrays = {
        "c": example("<f4", (3, 4), "C"),
        "f": example(">i2", (3, 4), "F"),
        "record": example(RECORD, (2,), "C"),
        "empty": np.zeros((0, 2)),
        "one": np.array(7.0),
    }
    npy.savez(tmp_path / "a.npz", **arrays)
    npy.save(tmp_path / "a.npy", arrays["f"])
    archive = npy.load(tmp_path / "a.npz", mmap_mode=mode)
    assert archive.files == list(arrays)
    for name, array in arrays.items():
        mapped = archive[name]
        assert same(np.asarray(mapped), array)
        assert isinstance(mapped, np.memmap) or array.size == 0
        assert mapped.flags.writeable == (mode != "r") or array.size == 0
    mapped = npy.load(tmp_path / "a.npy", mode)
    assert same(np.asarray(mapped), arrays["f"])
    if mode != "r":
        mapped[0, 0] = archive["c"][0, 0] = 5
        del mapped
        assert (npy.load(tmp_path / "a.npy")[0, 0] == 5) == (mode == "r+")
        assert (npy.load(tmp_path / "a.npz", "r")["c"][0, 0] == 5) == (mode == "r+")


def test_compressed_arrays_are_not_changed_in_place(tmp_path: Path):
    npy.savez_compressed(tmp_path / "a.npz", a=np.arange(9))
    assert npy.load(tmp_path / "a.npz", mmap_mode="r")["a"].tolist() == list(range(9))
    with pytest.raises(CanneryError, match="compressed"):
        npy.load(tmp_path / "a.npz", mmap_mode="r+")["a"]
    with pytest.raises(ValueError, match="mmap_mode"):
        npy.load(tmp_path / "a.npz", mmap_mode="x")
    with pytest.raises(ValueError, match="file object"):
        npy.load(io.BytesIO(), mmap_mode="r")


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text("abcé/._ ", min_size=1, max_size=6),
        npst.arrays(npst.array_dtypes() | npst.scalar_dtypes(), npst.array_shapes(min_dims=0)),
        max_size=4,
    ),
    st.integers(1, 12),
)
def test_archives_read_back_here_and_in_numpy(arrays: dict, level: int):
    arrays = {name: array for name, array in arrays.items() if name not in ("file", "level")}
    arrays = {f"x{name}": array for name, array in arrays.items() if not array.dtype.hasobject}
    file = io.BytesIO()
    npy.savez_compressed(file, level=level, **arrays)
    file.seek(0)
    theirs = np.load(file)
    file.seek(0)
    ours = npy.load(file)
    assert list(theirs.keys()) == ours.files == list(arrays)
    every = ours.arrays()
    for name, array in arrays.items():
        assert same(theirs[name], array)
        assert same(ours[name], array)
        assert same(every[name], array)


def test_large_arrays_are_packed_in_pieces(tmp_path: Path):
    random = np.random.default_rng(0)
    for array in (
        random.integers(0, 100, 3_000_001, "u1"),
        np.asfortranarray(random.normal(size=(1500, 700))),
        np.zeros(1 << 21),
    ):
        npy.savez_compressed(tmp_path / "a.npz", a=array)
        np.savez_compressed(tmp_path / "b.npz", a=array)
        for name in ("a.npz", "b.npz"):
            assert same(npy.load(tmp_path / name)["a"], array)
        with np.load(tmp_path / "a.npz") as theirs:
            assert same(theirs["a"], array)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(CanneryError, match="damaged"):
        npy.load(tmp_path / "a.npz")["a"]


def test_rows_are_appended_in_place(tmp_path: Path):
    path = tmp_path / "a.npy"
    rows = np.arange(40, dtype=">i4").reshape(10, 4)
    npy.save(path, rows[:3])
    assert npy.append(path, rows[3:9]) == (9, 4)
    assert npy.append(path, np.asfortranarray(rows[9:])) == (10, 4)
    assert same(np.load(path), rows)
    np.save(tmp_path / "numpy.npy", rows)
    assert path.read_bytes() == (tmp_path / "numpy.npy").read_bytes()
    for wrong in (rows[0], rows.astype("f4"), rows[:, :3], np.array(1, ">i4")):
        with pytest.raises(CanneryError):
            npy.append(path, wrong)
    npy.save(tmp_path / "f.npy", np.asfortranarray(rows))
    with pytest.raises(CanneryError, match="Fortran"):
        npy.append(tmp_path / "f.npy", rows)
    assert same(np.load(path), rows)


def test_arrays_of_objects_need_leave_and_run_nothing(tmp_path: Path, suites: Path, count_cases):
    array = np.array([{"a": 1}, None, "x", 2.5, [1, 2]], dtype=object)
    npy.save(tmp_path / "a.npy", array, allow_pickle=True)
    npy.savez(tmp_path / "a.npz", a=array, n=np.arange(3), allow_pickle=True)
    assert np.load(tmp_path / "a.npy", allow_pickle=True).tolist() == array.tolist()
    assert npy.load(tmp_path / "a.npy", allow_pickle=True).tolist() == array.tolist()
    assert npy.load(io.BytesIO((tmp_path / "a.npy").read_bytes()), allow_pickle=True).shape == (5,)
    archive = npy.load(tmp_path / "a.npz")
    assert list(archive.others) == ["a"]
    with pytest.raises(ValueError, match="Python objects"):
        archive["a"]
    archive = npy.load(tmp_path / "a.npz", allow_pickle=True)
    assert archive["a"].tolist() == array.tolist()
    assert archive.arrays()["n"].tolist() == [0, 1, 2]

    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    np.save(tmp_path / "evil.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    with pytest.raises(CanneryError):
        npy.load(tmp_path / "evil.npy", allow_pickle=True)
    assert not (tmp_path / "touched").exists()
    names = sorted((suites / "npy").glob("*objarr.np[yz]"))
    for name in names:
        if "np0" in name.name:  # It names a function that NumPy has no more.
            with pytest.raises(CanneryError, match="_internal"):
                npy.load(name, allow_pickle=True, encoding="latin1")
            continue
        loaded = npy.load(name, allow_pickle=True, encoding="latin1")
        expected = np.load(name, allow_pickle=True, encoding="latin1")
        if name.suffix == ".npz":
            loaded, expected = loaded["x"], expected["x"]
        assert loaded.tolist() == expected.tolist()
    count_cases("NumPy's arrays of objects", len(names))


def test_members_that_are_no_arrays_are_told(tmp_path: Path):
    import zipfile

    np.savez(tmp_path / "a.npz", a=np.arange(3))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("notes.txt", "hello")
    loaded = npy.load(tmp_path / "a.npz")
    assert loaded.files == ["a", "notes.txt"]
    assert list(loaded.others) == ["notes.txt"]
    assert loaded["notes.txt"] == b"hello" == np.load(tmp_path / "a.npz")["notes.txt"]
    assert loaded.f.a.tolist() == [0, 1, 2]


def outcome(load: Any, *args: Any, **options: Any) -> tuple[str, Any]:
    """What loading gave: an array's class, type and values, or the kinds of the error."""
    try:
        found = load(*args, **options)
    except Exception as error:
        return "error", set(type(error).__mro__) - {Exception, BaseException, object}
    return type(found).__name__, found.tolist() if isinstance(found, np.ndarray) else found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.npy", {}), ("a.npy", {"mmap_mode": "r"}), ("a.npy", {"mmap_mode": "readonly"}),
        ("a.npy", {"mmap_mode": "r+"}), ("a.npy", {"mmap_mode": "x"}),
        ("a.npy", {"encoding": "latin1"}), ("a.npy", {"encoding": "utf-8"}),
        ("a.npy", {"fix_imports": False}), ("a.npy", {"other": 1}),
        ("empty.npy", {}), ("junk.npy", {}), ("junk.npy", {"allow_pickle": True}),
        ("list.pkl", {}), ("list.pkl", {"allow_pickle": True}), ("none.npy", {}),
        ("objects.npy", {}), ("objects.npy", {"allow_pickle": True}),
        ("objects.npy", {"allow_pickle": True, "mmap_mode": "r"}),
        ("objects.npy", {"mmap_mode": "r"}), ("cut.npy", {}), (".", {}), (5, {}), (None, {}),
    ],
)  # fmt: skip
def test_results_and_errors_are_numpys(tmp_path: Path, monkeypatch, name, options):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.arange(6))
    np.save("objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    Path("empty.npy").write_bytes(b"")
    Path("junk.npy").write_bytes(b"this is no array")
    Path("list.pkl").write_bytes(pickle.dumps([1, 2]))
    Path("cut.npy").write_bytes(Path("a.npy").read_bytes()[:-3])
    ours, theirs = (outcome(load, name, **options) for load in (npy.load, np.load))
    assert ours[0] == theirs[0]
    assert ours[1] & theirs[1] if ours[0] == "error" else ours[1] == theirs[1]


def test_arrays_are_loaded_until_the_file_ends():
    file = io.BytesIO()
    for number in range(3):
        np.save(file, np.arange(number))
    file.seek(0)
    assert [len(npy.load(file)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(EOFError):
        npy.load(file)
    with pytest.raises(TypeError, match="text"):
        npy.load(io.StringIO("x"))


def test_an_array_may_be_called_level(tmp_path: Path):
    npy.savez_compressed(tmp_path / "a.npz", level=np.arange(3))
    assert np.load(tmp_path / "a.npz")["level"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="from 1 to 12"):
        npy.savez_compressed(tmp_path / "a.npz", np.arange(3), level=0)


@pytest.mark.parametrize(
    "values",
    [
        lambda random: random.normal(size=300_000).astype("f4"),
        lambda random: random.random(200_000),
        lambda random: random.integers(0, 256, 1_500_000).astype("u1"),
        lambda random: np.arange(200_000),
        lambda random: random.integers(0, 1000, 200_000),
        lambda random: random.integers(0, 10, 200_000),
        lambda random: np.concatenate([np.zeros(150_000), random.normal(size=150_000)]),
        lambda random: random.random(1_000_000) < 0.3,
        lambda random: np.cumsum(random.normal(size=200_000)),
    ],
)
def test_files_are_about_as_small_as_numpys(tmp_path: Path, values):
    array = values(np.random.default_rng(0))
    npy.savez_compressed(tmp_path / "ours.npz", array)
    np.savez_compressed(tmp_path / "theirs.npz", array)
    sizes = [(tmp_path / f"{name}.npz").stat().st_size for name in ("ours", "theirs")]
    assert sizes[0] <= 1.07 * sizes[1]
    assert same(np.load(tmp_path / "ours.npz")["arr_0"], array)
    assert same(npy.load(tmp_path / "ours.npz")["arr_0"], array)


def test_members_of_damaged_archives_are_refused_by_name(tmp_path: Path):
    np.savez(tmp_path / "a.npz", a=np.arange(3))
    whole = (tmp_path / "a.npz").read_bytes()
    for at in range(len(whole)):
        for bit in (0, 3, 7):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            for allow_pickle in (False, True):
                try:
                    npy.load(io.BytesIO(damaged), allow_pickle=allow_pickle)["a"]
                except (CanneryError, KeyError):
                    continue
                except (TypeError, IndexError):
                    assert not damaged.startswith(b"PK")  # an array, or nothing of this kind


@pytest.mark.parametrize("kind", ["<U0", "S0", "V0"])
def test_elements_of_no_bytes_are_as_many_as_the_header_says(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.npy"
    array = np.ndarray((8,), kind, bytearray(), strides=(0,))
    with path.open("wb") as file:
        np.lib.format.write_array(file, array)
    for made in (npy.load(path), npy.load(io.BytesIO(path.read_bytes())), cannery.load(path)):
        assert made.shape == (8,)
        assert made.dtype.itemsize == 0


@pytest.mark.parametrize(
    ("method", "name"), [(zipfile.ZIP_BZIP2, "Bzip2"), (zipfile.ZIP_LZMA, "Lzma")]
)
def test_members_that_numpy_never_compresses_so_are_named(
    tmp_path: Path, method: int, name: str
) -> None:
    array = io.BytesIO()
    np.save(array, np.arange(3))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        archive.writestr("a.npy", array.getvalue())
    with pytest.raises(CanneryError, match=f"compressed by {name}"):
        npy.load(tmp_path / "a.npz")["a"]
