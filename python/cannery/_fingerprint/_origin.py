"""Whose code it is: the project's own, an installed package's, or Python's."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from cannery._fingerprint._packages import find_info, version_of

PROJECT: Final = "project"
PYTHON: Final = "python"

_STANDARD_LIBRARY = Path(os.__file__).parent
_THIS_PACKAGE = Path(__file__).parent.parent
_SITES = frozenset({"site-packages", "dist-packages"})


def origin(module: str, file: str | None = None) -> str:
    """Say whose code a module is: `PROJECT`, `PYTHON`, or `name==version` of its package."""
    top = module.partition(".")[0]
    if file is None or file.startswith("<"):
        file = file_of(module)
        if file is None:
            return PYTHON if top in sys.stdlib_module_names and top != "__main__" else PROJECT
    return _origin_of_file(top, file)


def module_name(module: str) -> str:
    """Name a module the same whether it is run as a script, with `python -m`, or imported."""
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if isinstance(name, str):
        return name.removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else module


def is_project_module(name: str) -> bool:
    """Whether a module belongs to the project; it need not be loaded."""
    return origin(name) == PROJECT


@functools.lru_cache(maxsize=4096)
def is_project_file(file: str) -> bool:
    """Whether code of this file is the project's own."""
    return not file.startswith("<frozen") and _origin_of_file(Path(file).stem, file) == PROJECT


def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python or to an installed package."""
    return bool(_SITES.intersection(path.parts)) or path.is_relative_to(_STANDARD_LIBRARY)


def file_of(module: str) -> str | None:
    """Find the file of a module, loaded or not, without importing what it is in."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        return _file_of_loaded(loaded)
    # Only the first part: to find a submodule would import what it is in.
    top = module.partition(".")[0]
    if top in sys.modules:
        return _file_of_loaded(sys.modules[top])
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec and spec.has_location else None


def _file_of_loaded(module: ModuleType) -> str | None:
    file = getattr(module, "__file__", None)
    if file is None and hasattr(module, "__path__"):
        return next(iter(module.__path__), None)  # a namespace package has a folder only
    return file


@functools.cache
def _origin_of_file(top: str, file: str) -> str:
    path = Path(os.path.abspath(file))  # noqa: PTH100  `resolve` would follow a virtualenv's links
    if path.is_relative_to(_THIS_PACKAGE):
        return PYTHON  # what a new cannery means for old results, its key format says
    site = next((folder for folder in path.parents if folder.name in _SITES), None)
    if site is not None:
        return f"{top}=={version_of(top, site)}"
    if path.is_relative_to(_STANDARD_LIBRARY):
        return PYTHON
    # `pip install --target` installs anywhere. An `.egg-info` there is of a package that is being
    # developed, whose version says nothing.
    root = next((each.parent for each in (path, *path.parents) if each.stem == top), None)
    is_target = root is not None and find_info(top, root, (".dist-info",)) is not None
    return f"{top}=={version_of(top, root)}" if is_target and root is not None else PROJECT
