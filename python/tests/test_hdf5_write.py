"""Files that `cannery.hdf5` writes: read back by itself, by h5py and by h5dump."""

from __future__ import annotations

import datetime
import decimal
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

h5py = pytest.importorskip("h5py")
np = pytest.importorskip("numpy")

import hdf5_edits  # noqa: E402

import cannery  # noqa: E402
from cannery import hdf5  # noqa: E402

SEEDS = 90


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_programs_leave_what_h5py_leaves(seed: int, tmp_path: Path) -> None:
    operations = hdf5_edits.Program(seed).operations
    theirs, ours = str(tmp_path / "theirs.h5"), str(tmp_path / "ours.h5")
    try:
        hdf5_edits.apply(h5py, theirs, operations, "w")
    except (TypeError, ValueError, OSError, AttributeError) as refused:
        pytest.skip(f"h5py refuses: {refused}")
    with h5py.File(theirs) as file:
        expected = hdf5_edits.contents(file)
    half = len(operations) // 2
    first, second = [(hdf5, hdf5), (h5py, hdf5), (hdf5, h5py)][seed % 3]
    hdf5_edits.apply(first, ours, operations[:half], "w")
    live = hdf5_edits.apply(second, ours, operations[half:], "r+")
    assert live == expected
    for library in (h5py, hdf5):
        with library.File(ours) as file:
            assert hdf5_edits.contents(file) == expected, library.__name__
    h5dump = shutil.which("h5dump")
    if h5dump is not None:
        # Debian's has no LZF: of such files it shows all but the elements.
        options = ["-A"] if any("lzf" in operation.name for operation in operations) else []
        done = subprocess.run([h5dump, *options, ours], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()


def test_attributes_are_made_modified_and_deleted(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    values = {
        "text": "é", "bytes": b"ab", "number": 5, "real": 1.5, "list": [1, 2], "texts": ["a", "b"],
        "array": np.arange(6.0).reshape(2, 3), "long": np.zeros(20_000), "none": hdf5.Empty("f4"),
    }  # fmt: skip
    with hdf5.File(path, "w") as file:
        for name, value in values.items():
            file.attrs[name] = value
        file.attrs.create("small", 7, dtype="u1")
        file.attrs.modify("small", np.array(300))
        file.attrs["gone"] = 1
        del file.attrs["gone"]
        with pytest.raises(KeyError):
            del file.attrs["gone"]
        assert file.attrs["small"] == 255
    with h5py.File(path) as file, hdf5.File(path) as own:
        assert list(file.attrs) == list(own.attrs) == sorted([*values, "small"])
        assert file.attrs["text"] == "é"
        assert file.attrs["texts"].tolist() == ["a", "b"]
        assert file.attrs["small"].dtype == "u1"
        assert file.attrs["long"].shape == (20_000,)
        np.testing.assert_array_equal(file.attrs["array"], values["array"])


@pytest.mark.parametrize(
    ("compression", "options"),
    [("gzip", 9), ("lzf", None), (32015, (5,)), (32001, (0, 0, 0, 0, 5, 2, 5)),
     (32001, (0, 0, 0, 0, 5, 1, 1)), (32008, (0, 2)), (32008, (0, 3)), (32004, ()), (307, (9,))],
)  # fmt: skip
def test_filters_are_undone(compression: Any, options: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    values = (np.arange(60_000) % 700).astype("i4").reshape(300, 200)
    with hdf5.File(path, "w") as file:
        file.create_dataset(
            "x", data=values, chunks=(77, 50), compression=compression, compression_opts=options
        )
    with hdf5.File(path) as file:
        np.testing.assert_array_equal(file["x"][()], values)
        assert file["x"].stored_bytes < values.nbytes
    if compression in ("gzip", "lzf"):
        with h5py.File(path) as file:
            np.testing.assert_array_equal(file["x"][()], values)


@pytest.mark.parametrize("dtype", ["i1", "u2", ">i4", "i8", "f4", ">f8"])
def test_scaled_numbers_are_read_by_libhdf5(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    values = (np.arange(120).reshape(12, 10) % 50 + 1).astype(dtype)
    with hdf5.File(path, "w") as file:
        file.create_dataset("x", data=values, chunks=(5, 4), scaleoffset=3 if "f" in dtype else 0)
    with h5py.File(path) as file, hdf5.File(path) as own:
        np.testing.assert_allclose(file["x"][()], values, atol=1e-3)
        np.testing.assert_allclose(own["x"][()], values, atol=1e-3)


def test_many_members_have_an_index(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with hdf5.File(path, "w", track_order=True) as file:
        for i in reversed(range(3000)):
            file.create_group(f"g{i}").attrs["i"] = i
        for i in range(200):
            file.attrs[f"a{i}"] = i
    with h5py.File(path, "r+") as file:
        assert list(file) == [f"g{i}" for i in reversed(range(3000))]
        assert file["g1234"].attrs["i"] == 1234
        assert file.attrs["a150"] == 150
        file["new"] = 1
        del file["g5"]
        file.attrs["new"] = 2
    with hdf5.File(path) as file:
        assert len(file) == 3000
        assert list(file)[-1] == "new"
        assert list(file.attrs)[-1] == "new"


def test_links_references_scales_and_types(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with hdf5.File(path, "w", userblock_size=1024) as file:
        x = file.create_dataset("x", data=np.arange(12).reshape(3, 4))
        file["same"] = x
        file["type"] = np.dtype("f4")
        file.create_dataset("typed", (2,), dtype=file["type"])
        file["ref"] = np.array([x.ref, file.ref], dtype=hdf5.ref_dtype)
        regions = file.create_dataset("regions", (2,), dtype=hdf5.regionref_dtype)
        regions[0] = x.regionref[1:3, 2]
        regions[1] = x.regionref[::2, ::3]
        file["time"] = [1.0, 2.0, 3.0]
        file["time"].make_scale("seconds")
        x.dims[0].attach_scale(file["time"])
        x.dims[1].label = "column"
        del file["x"]
        assert file["same"][0, 1] == 1
    with h5py.File(path) as file:
        assert file.userblock_size == 1024
        assert "x" not in file
        assert file[file["ref"][0]] == file["same"]
        assert file["same"][file["regions"][0]].ravel().tolist() == [6, 10]
        assert file["same"][file["regions"][1]].ravel().tolist() == [0, 3, 8, 11]
        assert file["same"].dims[0]["seconds"][()].tolist() == [1.0, 2.0, 3.0]
        assert file["same"].dims[1].label == "column"
        assert file["typed"].id.get_type().committed()


def test_virtual_datasets(tmp_path: Path) -> None:
    with hdf5.File(tmp_path / "source.h5", "w") as file:
        file["x"] = np.arange(10)
    path = tmp_path / "a.h5"
    with hdf5.File(path, "w") as file:
        file["own"] = np.arange(100, 110)
        layout = hdf5.VirtualLayout((3, 10), "i8")
        layout[0] = hdf5.VirtualSource(tmp_path / "source.h5", "x", shape=(10,))
        layout[1, ::2] = hdf5.VirtualSource(file["own"])[:5]
        file.create_virtual_dataset("all", layout, fillvalue=-1)
        assert file["all"][1, :3].tolist() == [100, -1, 101]
    with h5py.File(path) as file, hdf5.File(path, external="same-folder") as own:
        assert file["all"].is_virtual
        assert len(file["all"].virtual_sources()) == 2
        np.testing.assert_array_equal(file["all"][()], own["all"][()])
        assert own["all"][0].tolist() == list(range(10))


def test_copies_between_files(tmp_path: Path) -> None:
    with hdf5.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("g/x", data=np.arange(100), chunks=(7,), compression="gzip")
        file["g/x"].attrs["unit"] = "m"
        file["g/texts"] = ["a", "é"]
        file["g/again"] = file["g/x"]
        file["g/soft"] = hdf5.SoftLink("x")
    with hdf5.File(tmp_path / "a.h5") as source, hdf5.File(tmp_path / "b.h5", "w") as file:
        source.copy("g", file, "copy")
        file.copy(source["g/x"], file, name="x", without_attrs=True)
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["copy/x"] == file["copy/again"]
        assert file["copy/x"].compression == "gzip"
        assert file["copy/x"].attrs["unit"] == "m"
        assert not file["x"].attrs
        assert list(file["copy/texts"].asstr()) == ["a", "é"]
        np.testing.assert_array_equal(file["copy/soft"][()], np.arange(100))


def test_a_new_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with hdf5.File(path, "w") as file:
        file["x"] = 1
    with hdf5.File(path, "w") as file:
        file["y"] = 2
        with h5py.File(path, locking=False) as old:
            assert list(old) == ["x"]
        file.flush()
        file["z"] = 3
    with h5py.File(path) as new:
        assert list(new) == ["y", "z"]
    assert [item.name for item in tmp_path.iterdir()] == ["a.h5"]
    with pytest.raises(FileExistsError):
        hdf5.File(path, "x")
    with hdf5.File(path) as file, pytest.raises(PermissionError):
        file["no"] = 1
    with pytest.raises(NotImplementedError):
        hdf5.File(path, "r+", swmr=True)


LOCKS = """
import h5py, sys
import cannery
from cannery import hdf5

path = sys.argv[1]
with h5py.File(path, "w") as file:
    file["x"] = 1
    for mode in ("r", "r+", "w"):
        try:
            hdf5.File(path, mode)
        except cannery.CanneryError as error:
            assert "another program" in str(error), error
        else:
            raise AssertionError(mode)
with hdf5.File(path, "r+"):
    try:
        h5py.File(path, "r+")
    except OSError as error:
        assert "lock" in str(error), error
    else:
        raise AssertionError("h5py")
h5py.File(path, "r+").close()
"""


def test_locks_are_honoured(tmp_path: Path) -> None:
    """In a process of its own: libhdf5 asks its environment only once."""
    environment = {**os.environ, "HDF5_USE_FILE_LOCKING": "TRUE"}
    command = [sys.executable, "-c", LOCKS, str(tmp_path / "a.h5")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_files_in_memory() -> None:
    memory = io.BytesIO()
    with hdf5.File(memory, "w") as file:
        file["x"] = [1, 2]
    with hdf5.File(memory, "a") as file:
        file["y"] = "text"
    with h5py.File(memory) as file:
        assert file["x"][()].tolist() == [1, 2]
        assert file["y"].asstr()[()] == "text"


def test_numbers_that_do_not_fit_become_the_nearest(tmp_path: Path) -> None:
    values = np.array([-1e30, -5.7, 3.9, 300, 1e30, np.nan])
    for name in ("i1", "u1", "i8", "u8"):
        for library in (h5py, hdf5):
            with library.File(tmp_path / f"{library.__name__}.h5", "w") as file:
                file.create_dataset("x", (6,), dtype=name)
                file["x"][:5] = values[:5]
                file["x"][5] = np.array([70_000], "i8")
        with (
            h5py.File(tmp_path / "h5py.h5") as theirs,
            hdf5.File(tmp_path / "cannery.hdf5.h5") as own,
        ):
            np.testing.assert_array_equal(own["x"][()], theirs["x"][()], err_msg=name)


def test_objects_are_dumped_as_groups(tmp_path: Path) -> None:
    value = {
        "array": np.arange(3), "text": "é", "none": None, "numbers": [1, 2, 3], "pair": ("x", 2.5),
        "mixed": [1, "a", None, [2.5], {}], "bytes": b"\0ab", "long": 2**80, "true": True,
        "date": datetime.date(2020, 1, 2), "nul": "a\0b", "empty": [], "set": {1, 2}, "complex": 3j,
        "decimal": decimal.Decimal("1.5"), 3: {"x": 1}, "a/b": "path", "real": np.float32(2.5),
    }  # fmt: skip
    path = tmp_path / "tree.h5"
    cannery.dump(value, path)
    found = cannery.load(path)
    assert list(found) == list(value)
    np.testing.assert_array_equal(found.pop("array"), value.pop("array"))
    assert found == value
    assert [type(one) for one in found.values()] == [type(one) for one in value.values()]
    cannery.dump({"a": np.arange(3), "b": {"c": "text"}}, path)
    with h5py.File(path) as file:
        assert file["b/c"].asstr()[()] == "text"
    with cannery.load(path, lazy=True) as tree:
        assert tree["a"][1] == 1
    for value in ([1, "a"], (1.5, 2.5), "text", None, datetime.date(2020, 1, 2), [[]]):
        cannery.dump(value, path)
        assert cannery.load(path) == value
    with pytest.raises(cannery.CanneryError, match="lazy"):
        cannery.load(tmp_path / "a.json", lazy=True)


def test_random_programs_ran(count_cases: Callable[[str, int], None]) -> None:
    count_cases("programs that write HDF5 files, beside h5py", SEEDS)


def test_bounds_outlive_a_smaller_shape(tmp_path: Path) -> None:
    with hdf5.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=np.arange(10), maxshape=(10,), chunks=(4,))
        file.create_dataset("y", data=np.arange(10), chunks=(4,))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        for name in "xy":
            file[name].resize((3,))
    with hdf5.File(tmp_path / "a.h5", "r+") as file:
        for name in "xy":
            assert (file[name].shape, file[name].maxshape) == ((3,), (10,))
            file[name].resize((8,))
            assert file[name][()].tolist() == [0, 1, 2, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("form", ["?", "u1", ">i4", "<f2", "f8", ">c8", "c16"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3)])
def test_numbers_are_stored_alike_with_keywords_and_without(
    form: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(form)
    paths = {name: tmp_path / f"{name}.h5" for name in ("plain", "keywords", "h5py")}
    with hdf5.File(paths["plain"], "w") as file:
        file["set"] = array
        file.create_dataset("made", data=array)
        file["turned"] = array.T
    for name, library in (("keywords", hdf5), ("h5py", h5py)):
        with library.File(paths[name], "w") as file:
            for member, data in (("set", array), ("made", array), ("turned", array.T)):
                file.create_dataset(member, data=data, track_order=False)
    found = []
    for path in paths.values():
        with h5py.File(path) as file:
            parts = ((x.dtype, x.shape, x.chunks, x[()].tobytes()) for x in file.values())
            found.append(list(parts))
    assert found[0] == found[1] == found[2]


def test_names_of_plain_members(tmp_path: Path) -> None:
    with hdf5.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("é", data=np.arange(3))
        assert made.name == "/é"
        assert made[:].tolist() == [0, 1, 2]
        file["group/x"] = 5
        file["group"]["y"] = True
        for value in (np.arange(3), 1.5):
            with pytest.raises(Exception, match="unable to create `é`: the name exists") as error:
                file["é"] = value
            assert "delete it first" in str(error.value.hint)
        for name in ("", "."):
            with pytest.raises(ValueError, match="name is missing"):
                file[name] = np.arange(3)
    with h5py.File(tmp_path / "a.h5") as file:
        assert sorted(file) == ["group", "é"]
        assert file["group/x"][()] == 5
        assert file["group/y"][()].dtype == bool
    with hdf5.File(tmp_path / "a.h5") as file, pytest.raises(OSError, match="reading only"):
        file["new"] = np.arange(3)


def test_copies_keep_the_order_of_their_members(tmp_path: Path) -> None:
    for library in (h5py, hdf5):
        with library.File(tmp_path / "a.h5", "w") as file:
            group = file.create_group("ordered", track_order=True)
            dataset = group.create_dataset("x", data=[1], track_order=True)
            group.create_group("inner", track_order=True)
            for name in "zya":
                dataset.attrs[name] = group.attrs[name] = name
                group["inner"][name] = 1
            file.create_group("sorted")["b"] = 1
            file["sorted"]["a"] = 1
            for name in ("ordered", "sorted"):
                file.copy(name, f"copy of {name}")
            file.copy("ordered", "shallow", shallow=True)
        with h5py.File(tmp_path / "a.h5") as file:
            copy = file["copy of ordered"]
            assert list(copy) == ["x", "inner"]
            assert (
                list(copy["inner"]) == list(copy["x"].attrs) == list(copy.attrs) == ["z", "y", "a"]
            )
            assert list(file["copy of sorted"]) == ["a", "b"]


def test_copies_refer_to_copies(tmp_path: Path) -> None:
    found = []
    for library in (h5py, hdf5):
        with library.File(tmp_path / "a.h5", "w") as source:
            source["x"] = np.arange(6).reshape(2, 3)
            source["group/y"] = [1.5]
            # To the group that is copied, to what lies outside of it, and to nothing.
            data = source.create_dataset("group/refs", (3,), dtype=library.ref_dtype)
            data[0], data[1] = source["group"].ref, source["x"].ref
            source["group"].attrs["back"] = data.ref
            source["group"].attrs["part"] = source["x"].regionref[1, 1:]
            with library.File(tmp_path / "b.h5", "w") as target:
                source.copy("group", target, "copy", expand_refs=True)
                source.copy("group", target, "plain")
                source.copy("group", "again", expand_refs=True)
        with h5py.File(tmp_path / "b.h5") as file:
            copy = file["copy"]
            assert file[copy["refs"][0]] == copy
            assert file[copy.attrs["back"]] == copy["refs"]
            found.append((file[copy["refs"][1]][()].tolist(), bool(copy["refs"][2])))
            assert not file["plain/refs"][0]
            region = copy.attrs["part"]
            found.append((file[region][region].tolist(), file[region] == file[copy["refs"][1]]))
        with h5py.File(tmp_path / "a.h5") as file:
            assert file[file["again/refs"][0]] == file["group"]
            assert file[file["again/refs"][1]] == file["x"]
            assert file[file["again"].attrs["back"]] == file["again/refs"]
    assert found[:2] == found[2:]


def test_copies_of_virtual_datasets_have_the_same_sources(tmp_path: Path) -> None:
    found = []
    for library in (h5py, hdf5):
        with library.File(tmp_path / "source.h5", "w") as file:
            file["x"] = np.arange(12)
        with library.File(tmp_path / "a.h5", "w") as file:
            layout = library.VirtualLayout((2, 6), "i8")
            file["own"] = np.arange(6) * 10
            layout[0] = library.VirtualSource("source.h5", "x", (12,))[::2]
            layout[1] = library.VirtualSource(file["own"])
            file.create_virtual_dataset("v", layout, fillvalue=-1)
            file["v"].attrs["unit"] = "m"
            file.copy("v", "again")
            with library.File(tmp_path / "b.h5", "w") as other:
                other["own"] = np.arange(6) * 100
                file.copy("v", other, "v")
        for name, member in (("a.h5", "again"), ("b.h5", "v")):
            with h5py.File(tmp_path / name) as file:
                copy = file[member]
                found.append((copy.is_virtual, copy[()].tolist(), copy.fillvalue, dict(copy.attrs)))
    assert found[:2] == found[2:]
