"""Whose code it is: the project's own, an installed package's, or Python's."""

from __future__ import annotations

import functools
import importlib.util
import os
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
    try:
        spec = importlib.util.find_spec(module)
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
    if _SITES.intersection(path.parts):
        return f"{top}=={_version(top)}"
    if path.is_relative_to(_STANDARD_LIBRARY):
        return PYTHON
    if _is_installed_beside(top, path):
        return f"{top}=={_version(top)}"
    return PROJECT


def _is_installed_beside(top: str, path: Path) -> bool:
    """Whether an installer put it there: `pip install --target` leaves a `.dist-info` behind."""
    root = next((p.parent for p in (path, *path.parents) if p.stem == top), None)
    if root is None or not any(root.glob("*.dist-info")):
        return False
    from importlib.metadata import distributions  # costs 10 ms, and is rarely needed

    return any(_provides(found, top) for found in distributions(path=[str(root)]))


def _provides(distribution: object, top: str) -> bool:
    files = getattr(distribution, "files", None) or ()
    names = {_normal(distribution.metadata["Name"])}  # pyright: ignore[reportAttributeAccessIssue]
    names.update(_normal(Path(file.parts[0]).stem) for file in files if file.parts)
    return _normal(top) in names


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _version(top: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(top)
    except metadata.PackageNotFoundError:
        pass
    # The package may be called otherwise than its module (`scikit-learn` and `sklearn`).
    stated = getattr(sys.modules.get(top), "__version__", None)
    if isinstance(stated, str):
        return stated
    owners = metadata.packages_distributions().get(top, ())
    return " ".join(f"{owner} {metadata.version(owner)}" for owner in sorted(owners)) or "unknown"
