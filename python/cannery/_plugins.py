"""Plug-ins: entry points of the group `cannery.materializers`, by the packages they are for.

`somelib = "somelib_cannery"` names a module that defines materializers for the types of the package
`somelib`, or registers them (`cannery.register`). It is imported when the first of them shows up.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

GROUP = "cannery.materializers"

# Packages whose plug-ins were loaded: that may happen once.
_loaded: set[str] = set()


def load_plugins(package: str) -> bool:
    """Load what is installed for the types of a package; whether there was something to load."""
    if package in _loaded or package in sys.stdlib_module_names or package == "cannery":
        return False
    _loaded.add(package)
    named = (entry_point for entry_point in _entry_points() if entry_point.name == package)
    found = [entry_point for entry_point in named if _is_installed(entry_point)]
    for entry_point in found:
        entry_point.load()  # defining its classes registers them
    return bool(found)


def _is_installed(entry_point: Any) -> bool:
    """Whether a plug-in is of an installed package, and not of a folder that happens to be here.

    The folder that Python was started in, or that of the script, is looked through first; what a
    stranger's archive puts there is not to be imported.
    """
    from cannery._fingerprint._origin import is_installed

    distribution = entry_point.dist
    if distribution is None:
        return True
    place = Path(str(distribution.locate_file(""))).absolute()
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    here = {Path.cwd(), Path(script).absolute().parent if script else Path.cwd()}
    return is_installed(place) or place not in here


def _entry_points() -> Any:
    # Late: it takes longer to be imported than all of cannery.
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)
