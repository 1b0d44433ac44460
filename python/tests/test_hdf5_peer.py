"""`cannery.hdf5` in h5py's place: what is read, shown and raised, question by question."""

import random

import pytest

np = pytest.importorskip("numpy")
h5py = pytest.importorskip("h5py")

from cannery import hdf5  # noqa: E402
from cannery.errors import CanneryError, CorruptError  # noqa: E402


@pytest.fixture
def both(tmp_path):
    """A file of many kinds of datasets, opened by h5py and by us."""
    path = tmp_path / "many.h5"
    records = np.dtype([("a", "i4"), ("b", ">f8"), ("c", "S3")])
    with h5py.File(path, "w") as file:
        file["group/x"] = np.arange(24).reshape(4, 6)
        file.create_dataset("chunked", data=np.arange(60.0).reshape(3, 4, 5), chunks=(2, 3, 2))
        file["records"] = np.array([(1, 2.5, b"ab"), (2, -1.0, b"c")], records)
        file["texts"] = ["a", "ü", ""]
        file["scalar"] = 5
        file["empty"] = h5py.Empty("f4")
        sequences = file.create_dataset("sequences", (3,), h5py.vlen_dtype("i4"))
        sequences[0] = [1, 2]
        file["type"] = np.dtype("<i4")
        file["group"].attrs["unit"] = "m"
        file["nowhere"] = h5py.SoftLink("/none")
    with h5py.File(path) as theirs, hdf5.File(path) as ours:
        yield theirs, ours


def outcome(ask, file):
    """What an expression gives, or the built-in classes of what it raises."""
    try:
        return ask(file)
    except Exception as error:
        known = (KeyError, IndexError, ValueError, TypeError, OSError, RuntimeError)
        return {kind for kind in known if isinstance(error, kind)}


def same(theirs, ours):
    if isinstance(theirs, np.ndarray) or isinstance(ours, np.ndarray):
        if type(theirs) is not type(ours) or theirs.dtype != ours.dtype:
            return False
        if theirs.shape != ours.shape:
            return False
        pairs = zip(theirs.ravel().tolist(), ours.ravel().tolist(), strict=True)
        return all(np.array_equal(a, b) for a, b in pairs)
    # Ours are of a class of our own, too.
    return theirs <= ours if isinstance(theirs, set) else bool(theirs == ours)


QUESTIONS = {
    "an ellipsis of a scalar": lambda f: f["scalar"][...],
    "a scalar": lambda f: f["scalar"][()],
    "an index of a scalar": lambda f: f["scalar"][0],
    "one element and an ellipsis": lambda f: f["group/x"][1, 2, ...],
    "an ellipsis and one element": lambda f: type(f["group/x"][..., 1, 2]),
    "a sequence and an ellipsis": lambda f: f["sequences"][0, ...],
    "too many indices": lambda f: f["group/x"][0, 0, 0],
    "two ellipses": lambda f: f["group/x"][..., ...],
    "a negative step": lambda f: f["group/x"][::-1],
    "a step of nothing": lambda f: f["group/x"][::0],
    "a float": lambda f: f["group/x"][1.5],
    "a text": lambda f: f["group/x"]["a"],
    "a new axis": lambda f: f["group/x"][None],
    "out of range": lambda f: f["group/x"][4],
    "a mask of another shape": lambda f: f["group/x"][np.ones((2, 2), bool)],
    "a field": lambda f: f["records"]["b"],
    "fields": lambda f: f["records"]["c", "a"],
    "fields of one record": lambda f: f["records"]["c", "a", 1],
    "a field that is not there": lambda f: f["records"]["z"],
    "a view of a field": lambda f: f["records"].fields("a")[:],
    "a view of one field in a list": lambda f: f["records"].fields(["a"])[:],
    "a view of a field that is not there": lambda f: f["records"].fields("z"),
    "fields of numbers": lambda f: f["group/x"].fields("z"),
    "text of numbers": lambda f: f["group/x"].asstr(),
    "texts in an encoding without them": lambda f: f["texts"].asstr("ascii")[:],
    "texts, as far as they go": lambda f: f["texts"].asstr("ascii", "replace")[:],
    "an element of nothing": lambda f: f["empty"][0],
    "the length of nothing": lambda f: len(f["empty"]),
    "the length of a scalar": lambda f: len(f["scalar"]),
    "what sequences are before they are written": lambda f: f["sequences"].fillvalue,
    "a name that is empty": lambda f: f[""],
    "a name that is a number": lambda f: f[5],
    "a link to nothing": lambda f: f["nowhere"],
    "an attribute that is not there": lambda f: f["group"].attrs["no"],
    "an attribute whose name is a number": lambda f: f["group"].attrs[5],
    "the name of an attribute": lambda f: f["group"].attrs.get_id("unit").name,
    "sources of what is not virtual": lambda f: f["group/x"].virtual_sources(),
    "chunks of what has none": lambda f: f["group/x"].iter_chunks(),
    "a group as text": lambda f: repr(f["group"]),
    "names as text": lambda f: repr(f["group"].keys()),
    "members as text": lambda f: repr(f["group"].values()),
    "pairs as text": lambda f: repr(f["group"].items()),
    "a type as text": lambda f: repr(f["type"]),
    "a dataset as text": lambda f: repr(f["chunked"]),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_have_the_same_answers(both, question):
    theirs, ours = (outcome(QUESTIONS[question], file) for file in both)
    assert same(theirs, ours), (theirs, ours)


def some_index(r, shape):
    args = []
    for n in shape:
        kind = r.randrange(8)
        if kind < 3:
            bounds = (r.choice([None, *range(-n - 2, n + 3)]) for _ in range(2))
            args.append(slice(*bounds, r.choice([None, 1, 2, 3, -1])))
        elif kind < 5:
            args.append(r.randint(-n - 1, n))
        elif kind < 6 and not any(isinstance(arg, (list, np.ndarray)) for arg in args):
            chosen = sorted(r.sample(range(n), r.randint(0, n)))
            mask = np.array([r.random() < 0.5 for _ in range(n)])
            args.append(r.choice([chosen, np.array(chosen, "i4"), mask]))
        else:
            args.append(slice(None))
    # h5py takes no ellipsis beside a mask; we do.
    if r.random() < 0.3 and not any(np.asarray(arg).dtype.kind == "b" for arg in args):
        args[r.randrange(len(args) + 1) :] = [...]
    return tuple(args) if len(args) != 1 or r.random() < 0.5 else args[0]


@pytest.mark.parametrize("seed", range(20))
def test_random_indices_have_the_same_answers(both, seed):
    r = random.Random(seed)
    for _ in range(60):
        name = r.choice(["group/x", "chunked", "records", "texts", "sequences"])
        index = some_index(r, both[0][name].shape)
        theirs, ours = (outcome(lambda f, i=index, n=name: f[n][i], file) for file in both)
        # An index can be wrong in two ways.
        wrong = isinstance(theirs, set) and isinstance(ours, set)
        assert wrong or same(theirs, ours), (name, index, theirs, ours)


def test_blocks_are_read(both):
    for theirs, ours in zip(
        [h5py.MultiBlockSlice(1, 3, 2, 2), h5py.MultiBlockSlice(stride=4, block=2)],
        [hdf5.MultiBlockSlice(1, 3, 2, 2), hdf5.MultiBlockSlice(stride=4, block=2)],
        strict=True,
    ):
        want, found = both[0]["group/x"][1:3, theirs], both[1]["group/x"][1:3, ours]
        np.testing.assert_array_equal(found, want)
        assert repr(ours) == repr(theirs)
    for arguments in [(-1,), (0, 0), (0, 1, 1, 2), (0, 1, 0)]:
        with pytest.raises(ValueError, match=r"overlap|negative"):
            hdf5.MultiBlockSlice(*arguments)
    with pytest.raises(ValueError, match="does not fit a dimension of 6"):
        both[1]["group/x"][0, hdf5.MultiBlockSlice(0, 3, 3)]


def test_numbers_out_of_range_are_the_first_or_last(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["i8"] = np.array([-(2**63), -129, -1, 0, 127, 255, 2**40])
        file["u8"] = np.array([0, 127, 255, 2**63, 2**64 - 1], "u8")
        file["f8"] = np.array([-np.inf, -1e30, -1.7, 1.7, 255.5, 1e30, np.inf])
        file["bool"] = [True, False]
    with h5py.File(path) as theirs, hdf5.File(path) as ours:
        for name in ours:
            for dtype in ("i1", "u1", "<i2", ">u4", "<i8", "<u8", "f4", "f8"):
                found, want = ours[name].astype(dtype)[()], theirs[name].astype(dtype)[()]
                np.testing.assert_array_equal(found, want, err_msg=f"{name} as {dtype}")
                assert found.dtype == want.dtype


def test_objects_are_read_into_arrays(both):
    for file in both:
        texts = np.array([[1, 2], [3, 4], [5, 6]], object)
        file["texts"].read_direct(texts, np.s_[1:2], np.s_[1, 1:])
        sequences = np.array([None, [7, 8], None], object)
        file["sequences"].read_direct(sequences, np.s_[0:1], np.s_[1:2])
        assert texts.tolist() == [[1, 2], [3, "ü".encode()], [5, 6]]
        assert sequences[1].tolist() == [1, 2]
        sequences[1] = [7, 8]
        file["sequences"].read_direct(sequences, (0,), np.s_[1])
        assert sequences[1].tolist() == [1, 2]


def test_objects_have_the_path_that_leads_to_them(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["deep/er/x"] = [1, 2]
        file["deep"].attrs["x"] = file["deep/er/x"].ref
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["b/c"] = 1.0
        file["b/again"] = file["b"]
        file.create_dataset("refs", data=[file.ref, file["b/c"].ref], dtype=h5py.ref_dtype)
        file["regions"] = [file["refs"].regionref[:1]]
        file["out"] = h5py.ExternalLink("other.h5", "/deep")
    with (
        h5py.File(tmp_path / "a.h5") as theirs,
        hdf5.File(tmp_path / "a.h5", external="same-folder") as ours,
    ):
        for file in (theirs, ours):
            assert [file[ref].name for ref in file["refs"]] == ["/", "/b/c"]
            assert file[file["refs"][1]].parent == file["b"]
            assert file[file["regions"][0]].name == "/refs"
            out = file["out"]
            assert (out.name, out["er"].name, out["er/x"].parent.name) == (
                "/deep",
                "/deep/er",
                "/deep/er",
            )
            assert out.file.filename.endswith("other.h5")
            assert (out.file.mode, list(out.file), out.file != file) == ("r", ["deep"], True)
            assert out["er"].file == out.file
            assert out.file[out.attrs["x"]].name == "/deep/er/x"
        assert isinstance(ours["out"].file, hdf5.File)
        inner = ours["out"]["er"]
    assert not inner
    with pytest.raises(ValueError, match="closed"):
        list(inner)


def test_long_chains_of_groups_are_named(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(2000):
            group = group.create_group("g")
        group["x"] = 1
        file["refs"] = [group["x"].ref, group.ref]
    with hdf5.File(tmp_path / "a.h5") as file:
        assert file[file["refs"][0]].name == "/g" * 2000 + "/x"
        assert file[file["refs"][1]].name == "/g" * 2000


def test_what_cannot_be_read_is_an_os_error(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"no HDF5" * 100)
    with pytest.raises(OSError, match="found no superblock") as caught:
        hdf5.File(path)
    assert isinstance(caught.value, CanneryError)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(100), chunks=(50,), fletcher32=True)
        file.create_dataset("y", data=np.arange(100), chunks=(50,), compression="gzip")
        places = [file[name].id.get_chunk_info(0).byte_offset for name in "xy"]
    data = bytearray(path.read_bytes())
    for place in places:
        data[place + 9] ^= 0xFF
    path.write_bytes(data)
    with hdf5.File(path) as file:
        with pytest.raises(OSError, match="fletcher32") as caught:
            file["x"][()]
        assert isinstance(caught.value, CorruptError)
        assert file["x"][50:].tolist() == list(range(50, 100))
        with pytest.raises(hdf5.ReadError, match="deflate"):
            file["y"][0]


def test_percent_signs_in_the_names_of_virtual_sources(tmp_path):
    """`%%` stands for `%`, whether or not `%b` stands for the number of a block."""
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file["a%b"], file["a%"] = [1, 2], [3, 4]
        file.create_dataset("grows%", data=[5, 6], maxshape=(None,), chunks=(2,))
        for name, source in [("escaped", "a%%b"), ("percent", "a%%")]:
            layout = h5py.VirtualLayout((2,), "i8")
            layout[:] = h5py.VirtualSource(".", source, (2,))
            file.create_virtual_dataset(name, layout, fillvalue=-1)
        layout = h5py.VirtualLayout((2,), "i8", maxshape=(None,))
        unlimited = h5py.VirtualSource(".", "grows%%", (2,), maxshape=(None,))
        layout[: h5py.h5s.UNLIMITED] = unlimited[: h5py.h5s.UNLIMITED]
        file.create_virtual_dataset("unlimited", layout, fillvalue=-1)
    with h5py.File(tmp_path / "a.h5") as theirs, hdf5.File(tmp_path / "a.h5") as ours:
        for file in (theirs, ours):
            found = [file[name][()].tolist() for name in ("escaped", "percent", "unlimited")]
            assert found == [[1, 2], [3, 4], [5, 6]]
            assert file["percent"].virtual_sources()[0].dset_name == "a%%"


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_many_links_are_listed_and_found(tmp_path, libver):
    """In symbol tables and in heaps of many blocks, by name and in the order of their making."""
    shuffled = [f"{number * 7919 % 5000:05}ü" for number in range(5000)]
    for track_order in (False, True):
        with h5py.File(tmp_path / "a.h5", "w", libver=libver, track_order=track_order) as file:
            file["deep/x"] = 1
            for name in shuffled:
                file[name] = h5py.SoftLink("/deep/x") if name.startswith("04") else file["deep"]
            del file["00005ü"]
        with h5py.File(tmp_path / "a.h5") as theirs, hdf5.File(tmp_path / "a.h5") as ours:
            # One is looked for before the names are read, another after, and a third among all.
            assert [ours[name].name for name in ("04999ü", "00001ü")] == ["/04999ü", "/00001ü"]
            assert "00005ü" not in ours
            with pytest.raises(KeyError):
                ours["00005"]
            assert (len(ours), list(ours)) == (len(theirs), list(theirs))
            assert list(reversed(ours)) == list(reversed(theirs))
            assert [type(ours.get(name, getlink=True)).__name__ for name in ours] == [
                type(theirs.get(name, getlink=True)).__name__ for name in theirs
            ]


def test_names_that_are_no_text_are_listed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[b"caf\xe9"] = 1
        file["\U0001f600"] = 2
    with hdf5.File(tmp_path / "a.h5") as file:
        assert list(file) == ["caf\udce9", "\U0001f600"]
        assert [file[name][()] for name in file] == [1, 2]


@pytest.mark.parametrize(
    ("dtype", "known", "at", "code"),
    [
        ("S7", "13010000 07000000", 1, 0x05),
        ("S7", "13010000 07000000", 1, 0x51),
        (h5py.string_dtype(), "19010100 10000000", 2, 0x07),
    ],
)
def test_texts_of_codes_without_a_meaning_are_described(tmp_path, dtype, known, at, code):
    """Only their elements cannot be read, nor copied; what is beside them can."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (6,), dtype, chunks=(3,), compression="gzip")
        file["x"].attrs["units"] = 5
    data = (tmp_path / "a.h5").read_bytes()
    assert data.count(bytes.fromhex(known)) == 1
    place = data.index(bytes.fromhex(known)) + at
    (tmp_path / "a.h5").write_bytes(data[:place] + bytes([code]) + data[place + 1 :])
    with h5py.File(tmp_path / "a.h5") as theirs, hdf5.File(tmp_path / "a.h5") as ours:
        for file in (theirs, ours):
            found = file["x"]
            assert (found.shape, found.chunks, found.compression) == ((6,), (3,), "gzip")
            assert dict(found.attrs) == {"units": 5}
            with pytest.raises((TypeError, OSError)):
                found[()]
        assert "unknown type" in repr(ours["x"])
        with pytest.raises(TypeError, match="text of the padding"):
            _ = ours["x"].fillvalue
        with hdf5.File(tmp_path / "b.h5", "w") as copy, pytest.raises(CanneryError):
            ours.copy("x", copy)


def test_links_that_lead_to_each_other_are_members(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        file["x"] = 1
    with hdf5.File(tmp_path / "a.h5") as file:
        assert "a" in file
        with pytest.raises(KeyError, match="more than 16 links"):
            file["a"]
        assert file.get("a") is None
        assert [name for name, found in file.items() if found is None] == ["a", "b"]


def test_files_behind_links_say_what_they_are(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w", userblock_size=1024) as file:
        file["x"] = 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["out"] = h5py.ExternalLink("other.h5", "/x")
    with hdf5.File(tmp_path / "a.h5", external="same-folder") as file:
        other = file["out"].file
        assert (file.userblock_size, other.userblock_size) == (0, 1024)
        assert (other.libver, other.mode, other.swmr_mode) == (file.libver, "r", False)
