"""Plug-ins: entry points of the group `cannery.materializers`, by the packages they are for.

`somelib = "somelib_cannery"` names a module that defines materializers for the types of the package
`somelib`, or registers them (`cannery.register`). It is imported when the first of them shows up.
"""

from __future__ import annotations

import sys
from typing import Any

GROUP = "cannery.materializers"

# Packages whose plug-ins were loaded: that may happen once.
_loaded: set[str] = set()


def load_plugins(package: str) -> bool:
    """Load what is installed for the types of a package; whether there was something to load."""
    if package in _loaded or package in sys.stdlib_module_names or package == "cannery":
        return False
    _loaded.add(package)
    found = [entry_point for entry_point in _entry_points() if entry_point.name == package]
    for entry_point in found:
        entry_point.load()  # defining its classes registers them
    return bool(found)


def _entry_points() -> Any:
    # Late: it takes longer to be imported than all of cannery.
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)
