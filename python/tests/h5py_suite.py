"""h5py's own tests, which its wheel ships, run on `cannery.hdf5`: only the import is another one.

    python python/tests/h5py_suite.py [pytest's arguments]

prints what fails and is not in `EXCLUDED`, and what is in it and passes.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import os
import re
import sys
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
EXCLUDED: dict[str, str] = {}


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

    module = types.ModuleType("h5py")
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
    version: Any = sys.modules["h5py.version"]
    version.hdf5_version_tuple, version.hdf5_version = (1, 14, 6), "1.14.6"
    version.version, version.version_tuple = "3.16.0", (3, 16, 0, None, None, None)
    version.info = ""
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
            text = str(report.longrepr).strip().splitlines()
            self.failed[name] = text[-1] if text else ""
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
    pytest.main(
        [*map(str, files), "-q", "-p", "no:cacheprovider", "--import-mode=prepend", "--no-header",
         "-W", "ignore", "--tb=line", "-rN", f"--rootdir={folder}", f"--confcutdir={folder}",
         "-c", os.devnull, *arguments],
        plugins=[results],
    )  # fmt: skip
    return results


def excluded(name: str) -> str | None:
    """Why a test cannot apply, if it cannot."""
    for pattern, reason in EXCLUDED.items():
        if re.search(pattern, name):
            return reason
    return None


def unexpected(results: Results) -> list[str]:
    """The tests that fail and should not."""
    return sorted(name for name in results.failed if excluded(name) is None)


if __name__ == "__main__":
    outcome = run(sys.argv[1:])
    for one in unexpected(outcome):
        print(f"{one}: {outcome.failed[one][:300]}")
    count = len(outcome.failed)
    print(f"{len(outcome.passed)} passed, {count} failed, {len(outcome.skipped)} skipped")
    sys.exit(bool(unexpected(outcome)))
