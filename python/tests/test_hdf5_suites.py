"""Thousands of datasets of other writers and hostile files, beside what libhdf5 reads."""

import importlib.util
import json
import sys

import pytest

np = pytest.importorskip("numpy")

from cannery import hdf5  # noqa: E402
from cannery.errors import CanneryError  # noqa: E402

FOLDERS = ["generated", "real", "h5py", "pyfive", "pytables", "hdf5-1.14.6", "hostile", "hostile2"]

# Where libhdf5 or h5py is wrong, and what is right. The paths stand for all differences there.
DEFENDED = {
    "generated/cache_image_latest.h5": "the cache image is read (specification IV.A.2.y)",
    "generated/cache_image_v110.h5": "the cache image is read (specification IV.A.2.y)",
    "generated/integers.h5": "integers of 3, 5, 6 and 7 bytes are read (IV.A.2.d)",
    "generated/sizes_4_4_latest.h5": "a reference of 4 bytes of ones is null",
    "generated/types_earliest.h5": "sequences of big-endian numbers keep their order",
    "generated/types_latest.h5": "sequences of big-endian numbers keep their order",
    "pyfive/tests/data/attr_datatypes.hdf5": "sequences of big-endian numbers keep their order",
    "pytables/tables/tests/vlunicode_endian.h5": "sequences of big-endian numbers keep their order",
    "real/hdf5-2/tcomplex_be.h5": "sequences of big-endian numbers keep their order",
}

# As HDF5 does: its writer did not close it.
REFUSED = {"generated/swmr_writer_open.h5"}


@pytest.fixture(scope="module")
def expect(suites):
    path = suites / "hdf5" / "expect.py"
    if not path.exists():
        pytest.skip(f"the HDF5 suites were NOT FOUND in {path.parent}: set CANNERY_SUITES")
    spec = importlib.util.spec_from_file_location("hdf5_expect", path)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


def expected(root):
    lines = (root / "expected_all.jsonl").read_text("utf-8").splitlines()
    return {record["file"]: record for record in map(json.loads, lines)}


def truth_of(root):
    lines = (root / "generated" / "truth.jsonl").read_text("utf-8").splitlines()
    return {"generated/" + record["file"]: record["truth"] for record in map(json.loads, lines)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_read_as_recorded(suites, expect, count_cases, folder):
    root = suites / "hdf5"
    records, valid = expected(root), expect.valid_files(str(root))
    wrong, cases = {}, 0
    for path in expect.files_of([str(root / folder)]):
        name = path[len(str(root)) + 1 :]
        if name not in records:
            continue
        hostile = expect.hostile(name)
        # Ten times what is judged: a busy machine is no failure.
        found = expect.one(hdf5, path, 100 if hostile else 300, 1024 if hostile else 4096, False)
        if hostile and name.rpartition("/")[2] not in valid and "crash" not in found:
            found = {"outcome": expect.outcome(found)}
        cases += 1
        differences = expect.compare(records[name], found)
        if differences and name not in DEFENDED:
            wrong[name] = differences
    count_cases(f"HDF5 {folder}", cases)
    assert not wrong
    assert cases > 0


def test_right_answers_that_are_known(suites, expect, count_cases):
    """Where h5py is wrong or fails: what was written is known."""
    root, cases = suites / "hdf5", 0
    wrong = []
    for name, answers in truth_of(root).items():
        if name in REFUSED:
            with pytest.raises(CanneryError, match="marked as open for writing"):
                hdf5.File(root / name)
            continue
        with hdf5.File(root / name, external="same-folder") as file:
            reader = expect.Reader(hdf5)
            reader.file, reader.seen = file, {}
            for path, (shape, crc, *_) in answers.items():
                cases += 1
                try:
                    dataset = file[path]
                    found = reader.dataset_value(dataset)
                except hdf5.ObjectError as error:
                    found = [None, None, f"!{type(error).__name__}"]
                values = found[2] if isinstance(found[2], list) else [found[2]]
                if crc not in values and not str(found[2]).startswith("!"):
                    wrong.append((name, path, shape, crc, found))
    count_cases("HDF5 known answers", cases)
    assert not wrong
    assert cases > 1000


def test_damaged_copies_neither_crash_nor_hang(suites, expect, count_cases, monkeypatch, tmp_path):
    folder = suites / "hdf5" / "hostile2"
    monkeypatch.setitem(sys.modules, "expect", expect)
    spec = importlib.util.spec_from_file_location("hdf5_mutate", folder / "mutate.py")
    mutate = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(mutate)
    sys.dont_write_bytecode = before
    bad, cases = [], 0
    for name in mutate.FILES:
        data = (suites / "hdf5" / "generated" / name).read_bytes()
        for what, damaged in mutate.damages(data, name, 10, 40):
            path = tmp_path / name
            path.write_bytes(damaged)
            found = expect.one(hdf5, str(path), 100, 1024, False)
            cases += 1
            if "crash" in found:
                bad.append((name, what, found["crash"]))
    count_cases("HDF5 damaged copies", cases)
    assert not bad
