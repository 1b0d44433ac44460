"""h5py's own tests, which its wheel ships, run on `cannery.hdf5`: only the import is another one.

    python python/tests/h5py_suite.py [pytest's arguments]

prints what fails and is not in `EXCLUDED`, and what is in it and passes.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import math
import os
import re
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

#: Modules of h5py's tests that are about libhdf5 itself or other programs: none of their tests
#: is about files and their objects.
OTHER_MODULES = {
    "test_h5": "the low-level API", "test_h5d_direct_chunk": "the low-level API",
    "test_h5f": "the low-level API", "test_h5o": "the low-level API",
    "test_h5p": "the low-level API", "test_h5pl": "the low-level API",
    "test_h5s": "the low-level API", "test_h5t": "the low-level API",
    "test_h5z": "the low-level API", "test_errors": "libhdf5's stack of errors",
    "test_ros3": "a driver of libhdf5", "test_dataset_swmr": "files are not written meanwhile",
    "test_file_alignment": "where libhdf5 puts data", "test_file_image": "the low-level API",
    "test_lowlevel_vds": "the low-level API", "test_virtual_source": "internal classes of h5py",
    "test_selections": "internal classes of h5py",
    "test_objects": "internal classes of h5py",
}  # fmt: skip

#: Tests of the other modules that cannot apply, by a pattern of their names, each with its reason.
EXCLUDED = {
    r"test_mode_external|elink_(mode|swmr|locking)": "how libhdf5 opens other files",
    r"TestDrivers|TestMPI|TestPageBuffering|TestFileMetaBlockSize": "drivers and caches of libhdf5",
    r"TestSWMRMode|swmr": "files are not written while others read them",
    r"TestSpaceStrategy": "free space is not kept in files",
    r"TestNewLibver": "all bounds write what HDF5 1.8 reads, and `libver` says so",
    r"TestCloseInvalidates|appropriate_low_level_id|test_get_id|create_bitfield": "low-level API",
    r"test_indexlist_(nonmonotonic|repeated)": "lists of positions may be in any order, and repeat",
    r"test_float_round_tripping|test_long_double": "numbers of 128 bits are not written",
    r"TestFileObj": "file objects are read whole when they are opened, and written when closed",
    r"TestPickle": "the class is made in a function here",
    r"Test[12]D(Zero)?Float|TestBoolIndex|ZeroSizeSelectionR|TestScalar(Array|Compound|Float)": (
        "look at h5py's inner classes"
    ),
    r"test_error_newaxis|test_mismatched_selections": "the words of a message",
    r"TestExternal::": "raw files of other names are not written",
    r"test_(complex256|mini_mapping)": "numbers of 128 bits are not written",
    r"test_no_dtype": "no warning: `float32` stays the type of what has none",
    r"test_compression_number|test_gzip_exc": "replaces a constant of h5py's, or expects its words",
    r"test_allow_unknown_filter": "chunks are not written with filters that are not known",
    r"szip": "szip is not written",
    r"TestSimpleSlicing::test_write|test_write_broadcast": (
        "a value is spread over what it is assigned to as NumPy does, axes of length 1 left out"
    ),
    r"test_append_permissions": "a superuser may write any file",
    r"TestFileLocking": "`locking=` is for libhdf5's own locks; ours follow the environment",
    r"test_native_complex": "complex numbers are written as compounds, as h5py's default is",
    r"TestScalar.*::test_mask": "a mask of a scalar is an index as others",
}

#: What applies and fails: to be mended.
OPEN = (
    r"test_deleted_ref",
    r"test_no_mappings",
    r"test_unlimited_axis",
)


class _Absent:
    """A name of libhdf5's API: it can be imported and looked into, not used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{self._name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"the low-level API is not there: {self._name}")


class _Missing(types.ModuleType):
    """A module of libhdf5's API, which is not there."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{self.__name__}.{name}")


def install() -> Path:
    """Put `cannery.hdf5` into the place of h5py; return the folder of its tests."""
    found = importlib.machinery.PathFinder.find_spec("h5py")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0])
    from cannery import hdf5

    module = _Missing("h5py")
    module.__dict__.update({k: v for k, v in vars(hdf5).items() if not k.startswith("__")})
    module.__path__ = []  # type: ignore[attr-defined]
    module.__spec__ = importlib.machinery.ModuleSpec("h5py", None, is_package=True)
    sys.modules["h5py"] = module
    low = ["h5", "h5a", "h5ac", "h5d", "h5ds", "h5f", "h5fd", "h5g", "h5i", "h5l", "h5o", "h5p",
           "h5pl", "h5r", "h5s", "h5t", "h5z", "_errors", "_proxy", "_conv", "version",
           "_hl", "_hl.base", "_hl.selections", "_hl.filters", "_hl.dataset", "_hl.files",
           "_hl.compat", "_hl.attrs", "_hl.group", "_hl.vds", "_hl.selections2", "_objects",
           "utils"]  # fmt: skip
    for name in low:
        one = _Missing(f"h5py.{name}")
        one.__path__ = []  # type: ignore[attr-defined]
        sys.modules[f"h5py.{name}"] = one
        holder, _, last = f"h5py.{name}".rpartition(".")
        setattr(sys.modules[holder], last, one)

    class File(hdf5.File):
        """A file that leads to others, as h5py's do."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.setdefault("external", "any")
            super().__init__(*args, **kwargs)

    module.File = File  # type: ignore[attr-defined]
    version: Any = sys.modules["h5py.version"]
    version.hdf5_version_tuple, version.hdf5_version = (1, 14, 6), "1.14.6"
    version.version, version.version_tuple = "3.16.0", (3, 16, 0, None, None, None)
    version.info = ""
    low_level: Any = sys.modules["h5py.h5"]
    low_level.get_config = lambda: types.SimpleNamespace(
        complex_names=("r", "i"), bool_names=(b"FALSE", b"TRUE"), track_order=False,
        default_file_mode="r", has_native_complex=False, ros3=False,
        direct_vfd=False, mpi=False, vol_min=False,
    )  # fmt: skip
    references: Any = sys.modules["h5py.h5r"]
    references.Reference, references.RegionReference = hdf5.Reference, hdf5.RegionReference
    filters: Any = sys.modules["h5py.h5z"]
    filters.filter_avail = lambda number: True
    numbers = {"DEFLATE": 1, "SHUFFLE": 2, "FLETCHER32": 3, "SZIP": 4, "NBIT": 5, "SCALEOFFSET": 6,
               "LZF": 32000}  # fmt: skip
    for name, number in numbers.items():
        setattr(filters, f"FILTER_{name}", number)
    named: Any = sys.modules["h5py._hl.filters"]
    named.encode = ("gzip", "shuffle", "fletcher32", "scaleoffset", "lzf")
    named.decode = (*named.encode, "szip")
    sys.modules["h5py.filters"] = module.filters = named  # type: ignore[attr-defined]
    sys.modules["h5py._hl.base"].product = math.prod  # type: ignore[attr-defined]
    module.get_config = low_level.get_config  # type: ignore[attr-defined]
    module.__version__ = "3.16.0"  # type: ignore[attr-defined]
    warnings = types.ModuleType("h5py.h5py_warnings")
    warnings.H5pyWarning = UserWarning  # type: ignore[attr-defined]
    warnings.H5pyDeprecationWarning = DeprecationWarning  # type: ignore[attr-defined]
    sys.modules["h5py.h5py_warnings"] = module.h5py_warnings = warnings  # type: ignore[attr-defined]
    objects: Any = sys.modules["h5py._objects"]
    objects.phil = contextlib.nullcontext()
    compat: Any = sys.modules["h5py._hl.compat"]
    compat.filename_encode, compat.filename_decode = os.fsencode, os.fsdecode
    tests = types.ModuleType("h5py.tests")
    tests.__path__ = [str(folder / "tests")]  # type: ignore[attr-defined]
    sys.modules["h5py.tests"] = tests
    module.tests = tests  # type: ignore[attr-defined]
    return folder / "tests"


class Results:
    """What became of each test."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.passed: set[str] = set()
        self.skipped: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = re.sub(r"^.*tests/", "", report.nodeid)
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failed[name] = str(crash or report.longrepr)
        elif report.skipped:
            self.skipped.add(name)
        elif report.when == "call":
            self.passed.add(name)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            self.failed[re.sub(r"^.*tests/", "", report.nodeid)] = lines[-1] if lines else ""


def run(arguments: list[str], modules: list[str] | None = None) -> Results:
    """Run the tests of some modules, or of all that apply."""
    import pytest

    folder = install()
    files = sorted([*folder.glob("test_*.py"), *folder.glob("test_vds/test_*.py")])
    files = [file for file in files if file.stem not in OTHER_MODULES]
    if modules is not None:
        files = [file for file in files if file.stem in modules]
    results = Results()
    # Some of the tests leave files where they run.
    os.chdir(tempfile.mkdtemp())
    pytest.main(
        [*map(str, files), "-q", "-p", "no:cacheprovider", "--import-mode=prepend", "--no-header",
         "-W", "ignore", "--continue-on-collection-errors", "--tb=line", "-rN",
         f"--rootdir={folder}", f"--confcutdir={folder}",
         "-c", os.devnull, *arguments],
        plugins=[results],
    )  # fmt: skip
    return results


def excluded(name: str, message: str) -> str | None:
    """Why a test cannot apply, if it cannot; an empty text for what is known to be open."""
    if "low-level API is not there" in message or "'tuple' object has no attribute" in message:
        return "the low-level API"
    for pattern, reason in EXCLUDED.items():
        if re.search(pattern, name):
            return reason
    return "" if any(re.search(pattern, name) for pattern in OPEN) else None


def unexpected(results: Results) -> list[str]:
    """The tests that fail and should not."""
    failed = results.failed.items()
    return sorted(name for name, message in failed if excluded(name, message) is None)


if __name__ == "__main__":
    outcome = run(sys.argv[1:])
    for one in unexpected(outcome):
        print(f"{one}: {outcome.failed[one][:300]}")
    reasons = [excluded(name, message) for name, message in outcome.failed.items()]
    print(
        f"{len(outcome.passed)} passed, {len(outcome.skipped)} skipped, "
        f"{sum(bool(reason) for reason in reasons)} cannot apply, {reasons.count('')} are open"
    )
    sys.exit(bool(unexpected(outcome)))
