"""Modules of libraries, from where they are installed: never from the working folder.

A file that names a class of a library makes us import the library. Python would look for it in the
working folder first, where a file of a stranger may lie beside the document; so would the library
for what it imports itself.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType

_importing = threading.RLock()


def installed_module(name: str) -> ModuleType:
    """Import a module by its full name, from an installed location.

    A package that is imported already was chosen by the program, wherever it lies; its other
    modules are found beside it.

    Raises:
        ImportError: if it is not installed, or the working folder would be asked for it.

    """
    found = sys.modules.get(name)
    if found is not None:
        return found
    package = name.partition(".")[0]
    if package not in sys.modules and not _is_installed(package):
        raise ModuleNotFoundError(f"{package!r} is not installed", name=package)
    with _importing, _without_working_folder():
        return import_module(name)


def _is_installed(package: str) -> bool:
    if package in sys.builtin_module_names:
        return True
    folders = [entry for entry in sys.path if entry and _real(entry) in _roots()]
    return PathFinder.find_spec(package, folders) is not None


@contextmanager
def _without_working_folder() -> Iterator[None]:
    """Hide the working folder and the script's from imports, also from those of the library."""
    before = list(sys.path)
    hidden = {entry for entry in before if _is_hidden(entry)}
    sys.path[:] = [entry for entry in before if entry not in hidden]
    try:
        yield
    finally:
        added = [entry for entry in sys.path if entry not in before]
        sys.path[:] = added + before


def _is_hidden(entry: str) -> bool:
    if entry == "":
        return True
    here = _real(entry)
    return here == _real(os.curdir) and here not in _roots()


@cache
def _roots() -> frozenset[str]:
    """Folders that installers write to, and the standard library's."""
    names = ("purelib", "platlib", "stdlib", "platstdlib")
    found = [sysconfig.get_path(name) for name in names]
    found += [f"{sysconfig.get_path('platstdlib')}/lib-dynload"]
    found += site.getsitepackages()
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return frozenset(_real(folder) for folder in found if folder)


def _real(folder: str) -> str:
    return os.path.normcase(os.path.realpath(folder))
