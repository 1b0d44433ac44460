"""Finds what the table names, and imports its modules from where packages are installed only."""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Sequence
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from cannery.pickle._refused import Refused


def find(module: str, name: str, imported: list[str]) -> Any:
    """What a module has by a name, which may have dots; the module is imported if it must be."""
    found: Any = module_named(module, imported)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            message = f"the installed module `{module}` has no such name"
            raise Refused(f"{module}.{name}", message) from None
        if isinstance(found, ModuleType):
            raise Refused(f"{module}.{name}", "it names a module")
    return found


def module_named(name: str, imported: list[str]) -> ModuleType:
    """The module of that name, one of the table."""
    known = sys.modules.get(name)
    if known is not None:
        return known
    parts = name.split(".")
    if "__main__" in parts:
        raise Refused(name, "it names the module of a script, which would run")
    with _OnlyInstalled():
        for count in range(1, len(parts) + 1):
            path = ".".join(parts[:count])
            if path not in sys.modules:
                _import(path, name, imported)
    return sys.modules[name]


def _import(path: str, name: str, imported: list[str]) -> None:
    try:
        importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise
        message = f"there is no module `{path}` among the installed packages"
        raise Refused(name, message) from None
    imported.append(path)


class _OnlyInstalled:
    """While it is entered, this thread imports from installed packages alone.

    A program's own folder, or the working folder, may hold files of a stranger under the name of
    a package, or of one that a package imports if it is there.
    """

    def __enter__(self) -> None:
        _finder.depth += 1
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)  # type: ignore[arg-type]

    def __exit__(self, *_: object) -> None:
        _finder.depth -= 1


class _Finder(threading.local):
    """Looks top-level modules up in the installed folders, for threads that ask for it."""

    depth = 0

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find an installed module; raise for one that lies elsewhere."""
        del target
        if self.depth == 0:
            return None
        if path is not None:
            folders = [folder for folder in path if _is_of_loaded(name) or _is_installed(folder)]
            # A package may have a finder of its own, as `six` has.
            return PathFinder.find_spec(name, folders)
        if name in sys.builtin_module_names or importlib.machinery.FrozenImporter.find_spec(name):
            return None
        spec = PathFinder.find_spec(name, [folder for folder in sys.path if _is_installed(folder)])
        if spec is None or (spec.origin is None and name not in sys.modules):
            return _missing(name)
        return spec


_finder = _Finder()


def _is_of_loaded(name: str) -> bool:
    """Whether the package was imported by the program itself, from wherever it lies."""
    return name.partition(".")[0] in sys.modules


def _missing(name: str) -> None:
    raise ModuleNotFoundError(f"No module named {name!r} is installed", name=name)


def _is_installed(folder: str) -> bool:
    folder = os.path.realpath(folder) if folder else ""
    return any(folder == base or folder.startswith(base + os.sep) for base in _bases())


@cache
def _bases() -> tuple[str, ...]:
    """The folders of the standard library and of installed packages."""
    named = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = [sysconfig.get_path(name) for name in named]
    paths += [sysconfig.get_config_var("DESTSHARED")]
    paths += [*site.getsitepackages()] if hasattr(site, "getsitepackages") else []
    if getattr(site, "ENABLE_USER_SITE", False):
        paths.append(site.getusersitepackages())
    version = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    paths += [str(Path(path).with_name(version)) for path in paths[:1] if path]
    return tuple({os.path.realpath(path) for path in paths if path})
