"""The table of scikit-learn's classes and functions, and what it has imported of them."""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import Any

from cannery._installed import installed_module
from cannery._objects._sklearn._names import CLASSES, FUNCTIONS, parsed

_CLASSES = parsed(CLASSES)
_FUNCTIONS = parsed(FUNCTIONS)


def class_of_table(name: str) -> type | None:
    """The class of exactly this name; its module is imported only if the table has the name."""
    module, _, attribute = name.rpartition(".")
    if attribute not in _CLASSES.get(module, ()):
        return None
    found = _member(module, attribute)
    # Not what the module has imported from elsewhere.
    return found if isinstance(found, type) and found.__module__ == module else None


def function_of_table(name: str) -> Any:
    """The function of exactly this name, if it is one that only computes."""
    module, _, attribute = name.rpartition(".")
    if attribute not in _FUNCTIONS.get(module, ()):
        return None
    found = _member(module, attribute)
    is_own = isinstance(found, FunctionType) and found.__module__ == module
    return found if is_own else None


@cache
def _member(module: str, attribute: str) -> Any:
    try:
        return getattr(installed_module(module), attribute, None)
    except ImportError:  # of another version of scikit-learn
        return None


def is_table_class(cls: type) -> bool:
    """Whether this very class is one of the table."""
    return cls.__qualname__ in _CLASSES.get(cls.__module__, ()) and (
        class_of_table(f"{cls.__module__}.{cls.__qualname__}") is cls
    )


def class_names() -> list[str]:
    """All names of classes, those of other versions included."""
    return sorted(f"{module}.{name}" for module, names in _CLASSES.items() for name in names)


def function_names() -> list[str]:
    """All names of functions."""
    return sorted(f"{module}.{name}" for module, names in _FUNCTIONS.items() for name in names)
