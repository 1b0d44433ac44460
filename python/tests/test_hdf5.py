"""`cannery.hdf5` beside h5py: the same values for what h5py writes, and errors that say why not."""

import io
import random
import subprocess
import sys
import threading

import pytest

np = pytest.importorskip("numpy")
h5py = pytest.importorskip("h5py")

from cannery import hdf5  # noqa: E402
from cannery.errors import CanneryError, LimitError  # noqa: E402


@pytest.fixture
def here(tmp_path):
    return tmp_path


def file_of(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
    return path


FILTERS = [
    {},
    {"chunks": True},
    {"chunks": True, "compression": "gzip"},
    {"chunks": True, "compression": "gzip", "shuffle": True, "fletcher32": True},
    {"chunks": True, "compression": "lzf", "shuffle": True},
    {"chunks": True, "fletcher32": True},
]
DTYPES = ["i1", "<u2", ">i4", "<i8", ">u8", "<f2", ">f4", "<f8", "<c8", ">c16", "?", "S5", "V7"]


def example(random, dtype, shape):
    count = int(np.prod(shape))
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([random.random() < 0.5 for _ in range(count)], "?").reshape(shape)
    if dtype.kind in "fc":
        return np.array([random.gauss(0, 100) for _ in range(count)]).astype(dtype).reshape(shape)
    raw = bytes(random.randrange(1, 256) for _ in range(count * dtype.itemsize))
    return np.frombuffer(raw, dtype).reshape(shape)


def index(random, n):
    kind = random.randrange(5)
    if kind == 0:
        return random.randrange(-n, n)
    if kind == 1:
        return slice(None)
    if kind == 2:
        count = random.randrange(1, n + 1)
        return sorted(random.sample(range(n), count))
    start = random.randrange(-n, n + 2)
    return slice(start, random.randrange(-n, n + 2), random.randrange(1, 4))


@pytest.mark.parametrize("libver", ["earliest", "v110", "latest"])
@pytest.mark.parametrize("seed", range(8))
def test_slices_are_those_of_numpy(here, seed, libver):
    chance = random.Random(f"{seed} {libver}")
    path = here / "a.h5"
    arrays = {}
    with h5py.File(path, "w", libver=(libver, "latest")) as file:
        for number in range(12):
            rank = chance.randrange(1, 5)
            shape = tuple(chance.randrange(1, 13) for _ in range(rank))
            options = dict(chance.choice(FILTERS))
            if options:
                options["chunks"] = tuple(chance.randrange(1, n + 1) for n in shape)
                options["maxshape"] = chance.choice(
                    [None, shape, (None, *shape[1:]), (None,) * rank]
                )
            array = example(chance, chance.choice(DTYPES), shape)
            arrays[str(number)] = array
            file.create_dataset(str(number), data=array, **options)
    with hdf5.File(path) as file:
        for name, array in arrays.items():
            dataset = file[name]
            assert (dataset.shape, dataset.dtype) == (array.shape, array.dtype)
            np.testing.assert_array_equal(dataset[()], array)
            for _ in range(12):
                args = tuple(index(chance, n) for n in array.shape)
                wanted = array
                for axis, arg in reversed(list(enumerate(args))):
                    wanted = wanted[(slice(None),) * axis + (arg,)]
                found = dataset[args]
                np.testing.assert_array_equal(found, wanted, err_msg=f"{name} {args}")
                assert np.shape(found) == wanted.shape


def test_large_chunked_data_are_decoded_by_many_threads(here):
    data = np.random.default_rng(1).integers(0, 50, (700, 333), "i4")
    with h5py.File(here / "a.h5", "w") as file:
        for name, options in enumerate(FILTERS[1:]):
            file.create_dataset(str(name), data=data, **{**options, "chunks": (64, 50)})
    with hdf5.File(here / "a.h5") as file:
        for dataset in file.values():
            np.testing.assert_array_equal(dataset[()], data)
            np.testing.assert_array_equal(dataset[3:690:7, 5:300:3], data[3:690:7, 5:300:3])
        found = {}
        dataset = file["1"]
        threads = [
            threading.Thread(target=lambda k=k: found.__setitem__(k, dataset[k::8]))
            for k in range(8)
        ]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        for k in range(8):
            np.testing.assert_array_equal(found[k], data[k::8])


def test_text_and_sequences(here):
    with h5py.File(here / "a.h5", "w") as file:
        file.create_dataset("text", data=["é", "", "b" * 300], dtype=h5py.string_dtype())
        file.create_dataset("fixed", data=np.array([b"ab", b"abcde"], "S5"))
        rows = file.create_dataset("rows", (3,), h5py.vlen_dtype("<i2"))
        rows[0], rows[2] = [1, 2, 3], [9]
        kind = np.dtype(
            [("name", h5py.string_dtype()), ("n", ">i4"), ("row", h5py.vlen_dtype("f4"))]
        )
        table = file.create_dataset("table", (2,), kind)
        table[1] = ("x", 7, np.array([0.5, 1.5], "f4"))
        file.attrs["title"], file.attrs["list"] = "ü", ["a", "b"]
        file.attrs["none"] = h5py.Empty("f4")
    with hdf5.File(here / "a.h5") as file:
        assert list(file["text"].asstr()) == ["é", "", "b" * 300]
        assert file["text"][0] == "é".encode()
        assert file["fixed"][()].tolist() == [b"ab", b"abcde"]
        assert [row.tolist() for row in file["rows"][()]] == [[1, 2, 3], [], [9]]
        name, n, row = file["table"][1]
        assert (name, n, row.tolist()) == (b"x", 7, [0.5, 1.5])
        assert (file["table"][0]["name"], file["table"]["n"].tolist()) == (b"", [0, 7])
        assert file.attrs["title"] == "ü"
        assert file.attrs["list"].tolist() == ["a", "b"]
        assert file.attrs["none"] == hdf5.Empty("f4")
        assert hdf5.check_string_dtype(file["text"].dtype) == ("utf-8", None)
        assert hdf5.check_vlen_dtype(file["rows"].dtype) == np.dtype("<i2")


def test_groups_are_mappings(here):
    with h5py.File(here / "a.h5", "w", track_order=True) as file:
        file["b/inner/x"] = [1]
        file["a"] = [2]
        file["soft"] = h5py.SoftLink("/b/inner")
        file["lost"] = h5py.SoftLink("/nowhere")
        file["again"] = file["b"]
        file["b/inner/up"] = file["/"]
    with hdf5.File(here / "a.h5") as file:
        assert list(file) == ["b", "a", "soft", "lost", "again"]
        assert file["soft/x"].name == "/soft/x"
        assert file["soft"] == file["b/inner"]
        assert "soft" in file
        assert "lost" in file
        assert file.get("lost") is None
        assert file.get("lost", getlink=True).path == "/nowhere"
        assert file["b/inner/up"] == file
        names = []
        file.visit(names.append)
        assert names == ["a", "again", "again/inner", "again/inner/x"]
        assert file.visititems(lambda name, item: item.shape if name == "a" else None) == (1,)
        assert file["b/inner/x"].parent == file["b/inner"]
        with pytest.raises(KeyError, match="no object is named `nothing`") as caught:
            file["b/nothing"]
        assert isinstance(caught.value, CanneryError)


def test_references(here):
    with h5py.File(here / "a.h5", "w") as file:
        file["x"] = np.arange(60).reshape(6, 10)
        file.create_dataset("refs", data=[file["x"].ref, file.ref], dtype=h5py.ref_dtype)
        regions = file.create_dataset("regions", (3,), h5py.regionref_dtype)
        regions[0] = file["x"].regionref[1:3, 2:8:2]
        regions[1] = file["x"].regionref[np.arange(60).reshape(6, 10) % 7 == 0]
    with hdf5.File(here / "a.h5") as file, h5py.File(here / "a.h5") as peer:
        assert [file[ref].name for ref in file["refs"]] == ["/x", "/"]
        assert file[file["refs"][0]] == file["x"]
        x = file["x"]
        for ours, theirs in zip(file["regions"][:2], peer["regions"][:2], strict=True):
            np.testing.assert_array_equal(x[ours], peer["x"][theirs])
            assert x.regionref.selection(ours) == peer["x"].regionref.selection(theirs)
        assert not file["regions"][2]


def test_other_files_are_opened_only_if_allowed(here):
    outside, box = here / "outside.h5", here / "box"
    box.mkdir()
    file_of(outside, x=[1, 2])
    file_of(box / "inside.h5", x=[3, 4])
    with h5py.File(box / "a.h5", "w") as file:
        file["in"] = h5py.ExternalLink("inside.h5", "/x")
        file["out"] = h5py.ExternalLink("../outside.h5", "/x")
        file["abs"] = h5py.ExternalLink(str(outside), "/x")
        file["device"] = h5py.ExternalLink("/dev/zero", "/x")
    (box / "link.h5").symlink_to(outside)
    with h5py.File(box / "a.h5", "a") as file:
        file["symlink"] = h5py.ExternalLink("link.h5", "/x")
    with hdf5.File(box / "a.h5") as file:
        for name in file:
            with pytest.raises(KeyError, match="is not opened") as caught:
                file[name]
            assert 'external="same-folder"' in caught.value.hint
    with hdf5.File(box / "a.h5", external="same-folder") as file:
        assert file["in"][()].tolist() == [3, 4]
        for name in ("out", "abs", "symlink"):
            with pytest.raises(KeyError, match="outside the folder"):
                file[name]
        with pytest.raises(KeyError, match="not a regular file"):
            file["device"]
    with hdf5.File(box / "a.h5", external="any") as file:
        assert file["out"][()].tolist() == file["symlink"][()].tolist() == [1, 2]


def test_virtual_and_raw_data(here):
    file_of(here / "one.h5", x=np.arange(12).reshape(3, 4))
    file_of(here / "two.h5", x=np.arange(100, 112).reshape(3, 4))
    layout = h5py.VirtualLayout((2, 3, 4), "i8")
    for number, name in enumerate(["one", "two"]):
        layout[number] = h5py.VirtualSource(str(here / f"{name}.h5"), "x", (3, 4))
    strided = h5py.VirtualLayout((6, 4), "<f4")
    strided[::2] = h5py.VirtualSource(str(here / "one.h5"), "x", (3, 4))
    with h5py.File(here / "all.h5", "w") as file:
        file.create_virtual_dataset("v", layout, fillvalue=-1)
        file.create_virtual_dataset("strided", strided, fillvalue=-1)
        raw = file.create_dataset("raw", (10,), "<i2", external=[(str(here / "r.bin"), 4, 20)])
        raw[:] = np.arange(10)
    whole = np.stack([np.arange(12).reshape(3, 4), np.arange(100, 112).reshape(3, 4)])
    with hdf5.File(here / "all.h5", external="same-folder") as file:
        np.testing.assert_array_equal(file["v"][()], whole)
        np.testing.assert_array_equal(file["v"][:, 1:, ::2], whole[:, 1:, ::2])
        np.testing.assert_array_equal(file["v"][1, [0, 2], 3], whole[1, [0, 2], 3])
        np.testing.assert_array_equal(file["raw"][2:8:3], [2, 5])
        spread = np.full((6, 4), -1, "f4")
        spread[::2] = np.arange(12).reshape(3, 4)
        np.testing.assert_array_equal(file["strided"][()], spread)
        np.testing.assert_array_equal(file["strided"][1:5, 2], spread[1:5, 2])
    with hdf5.File(here / "all.h5") as file:
        for name in ("v", "raw"):
            with pytest.raises(CanneryError, match="is not opened"):
                file[name][()]


def test_files_from_memory(here):
    path = file_of(here / "a.h5", x=[1.5, 2.5])
    data = path.read_bytes()
    for where in (data, bytearray(data), io.BytesIO(data), path, str(path), path.open("rb")):
        with hdf5.File(where) as file:
            assert file["x"][()].tolist() == [1.5, 2.5]
    assert hdf5.is_hdf5(path)
    assert not hdf5.is_hdf5(__file__)


def test_a_closed_file(here):
    with hdf5.File(file_of(here / "a.h5", x=[1])) as file:
        dataset = file["x"]
    assert not file
    with pytest.raises(ValueError, match="the file is closed"):
        list(file)
    assert repr(dataset) == "<Closed HDF5 dataset>"


def test_what_datasets_say(here):
    with h5py.File(here / "a.h5", "w") as file:
        file.create_dataset(
            "x", (10, 4), ">f4", chunks=(3, 4), maxshape=(None, 4), compression="gzip",
            compression_opts=7, shuffle=True, fletcher32=True, fillvalue=2.5,
        )  # fmt: skip
    with hdf5.File(here / "a.h5") as file:
        x = file["x"]
        assert (x.compression, x.compression_opts, x.shuffle, x.fletcher32) == (
            "gzip",
            7,
            True,
            True,
        )
        assert (x.chunks, x.maxshape, x.fillvalue, x.size) == ((3, 4), (None, 4), 2.5, 40)
        assert (x.ndim, len(x), x.nbytes) == (2, 10, 160)
        assert (x[()] == 2.5).all()
        assert len(list(x.iter_chunks())) == 4
        assert x.astype("f8")[0].dtype == np.dtype("f8")
        out = np.zeros((2, 4), "f4")
        x.read_direct(out, np.s_[3:5])
        assert (out == 2.5).all()
        with pytest.raises(IndexError, match="out of range for a dimension of 10"):
            x[10]
        with pytest.raises(ValueError, match="step of at least 1"):
            x[::-1]


def test_shapes_that_memory_cannot_hold(here):
    with h5py.File(here / "a.h5", "w") as file:
        file.create_dataset("x", (1 << 40, 1 << 10), "f8", chunks=(1 << 10, 1 << 10))
    with hdf5.File(here / "a.h5") as file:
        assert file["x"][1 << 39, 5] == 0
        with pytest.raises(LimitError, match="more than there is memory") as caught:
            file["x"][()]
        assert caught.value.hint == "read it in slices"


def test_importing_reads_no_numpy_before_it_is_needed():
    code = "import sys, cannery; assert 'numpy' not in sys.modules; cannery.hdf5.File"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_contiguous_data_are_mapped(here):
    records = np.array([(1, 2.5), (3, 4.5)], [("a", "<i4"), ("b", ">f8")])
    file_of(here / "a.h5", x=np.arange(12.0).reshape(3, 4), r=records, empty=np.empty((0, 2)))
    with h5py.File(here / "a.h5", "r+", userblock_size=None) as file:
        file.create_dataset("chunked", data=np.arange(4), chunks=(2,))
        file["text"] = "x"
    with hdf5.File(here / "a.h5") as file:
        mapped = file["x"].mapped()
        np.testing.assert_array_equal(file["r"].mapped(), records)
        assert file["empty"].mapped().shape == (0, 2)
        for name in ("chunked", "text"):
            with pytest.raises(TypeError, match=r"one piece|other bytes"):
                file[name].mapped()
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(mapped, np.arange(12.0).reshape(3, 4))
    with hdf5.File((here / "a.h5").read_bytes()) as file, pytest.raises(TypeError, match="memory"):
        file["x"].mapped()


def test_mapped_data_behind_a_user_block(here):
    with h5py.File(here / "a.h5", "w", userblock_size=1024) as file:
        file["x"] = np.arange(5)
    with hdf5.File(here / "a.h5") as file:
        assert file["x"].mapped().tolist() == [0, 1, 2, 3, 4]


def test_direct_reads_need_no_other_memory(here):
    data = np.arange(1 << 20, dtype="i4").reshape(1024, 1024)
    with h5py.File(here / "a.h5", "w") as file:
        file.create_dataset("x", data=data, chunks=(64, 64), compression="gzip")
        file["big"] = data.astype(">i4")
    with hdf5.File(here / "a.h5") as file:
        out = np.zeros((2, 1024, 1024), "i4")
        file["x"].read_direct(out, dest_sel=np.s_[1])
        np.testing.assert_array_equal(out[1], data)
        assert not out[0].any()
        file["x"].read_direct(out, np.s_[5:7, ::2], np.s_[0, :2, :512])
        np.testing.assert_array_equal(out[0, :2, :512], data[5:7, ::2])
        file["big"].read_direct(out[0])
        np.testing.assert_array_equal(out[0], data)
        with pytest.raises(TypeError, match="shape"):
            file["x"].read_direct(out)


def test_arrays_leave_by_dlpack_and_arrow(here):
    pa = pytest.importorskip("pyarrow")
    enum = h5py.enum_dtype({"A": 0, "B": 1}, "u1")
    rows = np.zeros(3, [("i", ">i4"), ("s", "S3"), ("v", "<f4", (2,)), ("e", enum), ("b", "?"),
                        ("n", [("c", "<c8")])])  # fmt: skip
    rows["i"], rows["s"], rows["e"], rows["b"] = [1, 2, 3], [b"x", b"", b"zz"], [0, 1, 0], [1, 0, 1]
    rows["v"] = [[1, 2], [3, 4], [5, 6]]
    rows["n"]["c"] = [1j, 2, 3]
    with h5py.File(here / "a.h5", "w") as file:
        file.create_dataset("rows", data=rows, chunks=(2,))
        file["x"] = np.arange(6.0).reshape(2, 3)
        vlen = np.dtype([("t", h5py.string_dtype()), ("l", h5py.vlen_dtype("i2"))])
        texts = np.empty(2, vlen)
        texts["t"] = ["ä", "b"]
        texts["l"][0], texts["l"][1] = np.array([1, 2], "i2"), np.array([], "i2")
        file["texts"] = texts
    with hdf5.File(here / "a.h5") as file:
        np.testing.assert_array_equal(np.from_dlpack(file["x"]), np.arange(6.0).reshape(2, 3))
        found = pa.table(file["rows"]).to_pydict()
        assert found == {
            "i": [1, 2, 3], "s": ["x", "", "zz"], "v": [[1, 2], [3, 4], [5, 6]],
            "e": ["A", "B", "A"], "b": [True, False, True],
            "n": [{"c": {"r": 0.0, "i": 1.0}}, {"c": {"r": 2.0, "i": 0.0}},
                  {"c": {"r": 3.0, "i": 0.0}}],
        }  # fmt: skip
        assert pa.table(file["texts"]).to_pydict() == {"t": ["ä", "b"], "l": [[1, 2], []]}
        with pytest.raises(TypeError, match="records"):
            pa.table(file["x"])


def test_references_of_hdf5_1_12(suites):
    path = suites / "hdf5" / "generated" / "references_new.h5"
    if not path.exists():
        pytest.skip(f"the HDF5 suites were NOT FOUND in {path}: set CANNERY_SUITES")
    with hdf5.File(path) as file:
        group, region, attribute = file["refs"][()]
        assert file[group] == file["a/b"]
        data = file["a/b/data"]
        assert file[region] == file[attribute] == data
        np.testing.assert_array_equal(data[region], data[1:3, 2:6])
        assert attribute.attribute == "units"
        assert file[file.attrs["ref"]] == file["a/b"]


def test_quadruple_precision(suites):
    path = suites / "hdf5" / "generated" / "floats.h5"
    if not path.exists():
        pytest.skip(f"the HDF5 suites were NOT FOUND in {path}: set CANNERY_SUITES")
    wanted = np.array([1.0, -2.5, 0.0, 1e10], "f16")
    with hdf5.File(path) as file:
        for name in ("quad_le", "quad_be"):
            np.testing.assert_array_equal(file[name][()], wanted)


def test_complex_numbers_of_two_halves_stay_records(here):
    halves = np.array([(1.5, -2)], [("r", "<f2"), ("i", "<f2")])
    file_of(here / "a.h5", x=halves)
    with hdf5.File(here / "a.h5") as file:
        assert file["x"].dtype == halves.dtype
        np.testing.assert_array_equal(file["x"][()], halves)
