"""Finds CPython's own tests for the running version."""

from __future__ import annotations

import importlib
import os
import sys
import unittest
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def find(package: str) -> ModuleType | None:
    """Import `test.<package>` from wherever a copy for this version is; `None`, loudly, if none.

    A single module of the tests is found as well as a package.

    Distributions often leave the tests out of their Python. `CANNERY_CPYTHON_TESTS` names a folder
    that has them; else the usual places are searched.
    """
    import test

    for folder in _folders():
        if (folder / package).is_dir() or (folder / f"{package}.py").is_file():
            if str(folder) not in test.__path__:
                test.__path__.append(str(folder))
            return importlib.import_module(f"test.{package}")
    warnings.warn(
        f"CPython's test.{package} was NOT FOUND, so none of its cases ran: set "
        f"CANNERY_CPYTHON_TESTS to the Lib/test folder of a CPython {VERSION}",
        stacklevel=2,
    )
    return None


def _folders() -> Iterator[Path]:
    named = os.environ.get("CANNERY_CPYTHON_TESTS")
    if named:
        yield Path(named)
    import test

    yield from map(Path, test.__path__)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{VERSION}.*/lib/python{VERSION}/test"), reverse=True)
    yield Path(f"/usr/lib/python{VERSION}/test")


def cases(package: ModuleType) -> Iterator[unittest.TestCase]:
    """Load every case of every module of a package of tests."""
    folder = Path(package.__path__[0])
    for file in sorted(folder.glob("test_*.py")):
        module = importlib.import_module(f"{package.__name__}.{file.stem}")
        yield from _flatten(unittest.defaultTestLoader.loadTestsFromModule(module))


def _flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _flatten(item)
        elif item.__class__.__module__.startswith("test."):
            yield item
