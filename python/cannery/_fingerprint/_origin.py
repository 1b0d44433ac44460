"""Whose code it is: the project's own, an installed package's, or Python's."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

PROJECT: Final = "project"
PYTHON: Final = "python"

_STANDARD_LIBRARY = Path(os.__file__).parent
_THIS_PACKAGE = Path(__file__).parent.parent
_SITES = frozenset({"site-packages", "dist-packages"})


def origin(module: str, file: str | None = None) -> str:
    """Say whose code a module is: `PROJECT`, `PYTHON`, or `name==version` of its package."""
    top = module.partition(".")[0]
    if file is None or file.startswith("<"):
        file = _file_of(module)
        if file is None:
            return PYTHON if top in sys.stdlib_module_names and top != "__main__" else PROJECT
    return _origin_of_file(top, file)


def module_name(module: str) -> str:
    """Name a module the same whether it is run as a script or imported."""
    if module != "__main__":
        return module
    file = getattr(sys.modules["__main__"], "__file__", None)
    return Path(file).stem if file else module


def is_project_module(name: str) -> bool:
    """Whether a module belongs to the project; it need not be loaded."""
    return origin(name) == PROJECT


def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python or to an installed package."""
    return bool(_SITES.intersection(path.parts)) or path.is_relative_to(_STANDARD_LIBRARY)


def _file_of(module: str) -> str | None:
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
        return f"{top}=={_version(top, site) or 'unknown'}"
    if path.is_relative_to(_STANDARD_LIBRARY):
        return PYTHON
    # `pip install --target` installs anywhere.
    root = next((each.parent for each in (path, *path.parents) if each.stem == top), None)
    version = _version(top, root) if root is not None else None
    return PROJECT if version is None else f"{top}=={version}"


@functools.cache
def _version(top: str, site: Path) -> str | None:
    """Find the version of the package that installed a module, without importing either.

    `importlib.metadata` answers the same by reading everything that is installed.
    """
    infos = [entry for entry in site.iterdir() if entry.suffix in _INFO_FOLDERS]
    same_name = (info for info in infos if _normal(info.name.partition("-")[0]) == _normal(top))
    owners = (info for info in infos if _installed(info, top))
    info = next(same_name, None) or next(owners, None)
    return None if info is None else f"{_version_in(info)}"


_INFO_FOLDERS = frozenset({".dist-info", ".egg-info"})


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _installed(info: Path, top: str) -> bool:
    """Whether a package that is called otherwise installed the module, as `scikit-learn` does."""
    try:
        record = b"\n" + (info / "RECORD").read_bytes()
    except OSError:
        return False
    return any(f"\n{top}{end}".encode() in record for end in ("/", ".py,"))


def _version_in(info: Path) -> str:
    for name in ("METADATA", "PKG-INFO", ""):
        try:
            text = (info / name).read_text("utf-8", "replace")
        except OSError:
            continue
        version = re.search(r"^Version: *(.+?) *$", text, re.MULTILINE)
        if version is not None:
            return version[1]
    return info.stem.partition("-")[2]
