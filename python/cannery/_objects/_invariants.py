"""What has to hold of the objects of libraries before their compiled code may use them.

Documents and pickles build the same classes. Whatever builds one, `check_state` is asked before a
state is given to `__setstate__` (or becomes the `__dict__`), and `check_object` before a finished
object is handed out. A class that is not listed has no written invariants, and is refused.

Each library has a module of its own with two tables by full class name: `STATES`, whose functions
take a state, and `OBJECTS`, whose functions take an object.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from cannery._objects._checks import PartError

Rule = Callable[[Any], None]
"""Raises `PartError` where a state or an object does not hold what is relied on."""

# The modules beside this one that know the classes of a package.
_MODULES = {
    "lightgbm": "_invariants_sklearn",
    "numpy": "_invariants_numpy",
    "pandas": "_invariants_pandas",
    "scipy": "_invariants_scipy",
    "sklearn": "_invariants_sklearn",
    "xgboost": "_invariants_sklearn",
}
_states: dict[str, Rule] = {}
_objects: dict[str, Rule] = {}
_loaded: set[str] = set()


def check_state(full_class_name: str, state: Any) -> None:
    """Check what is about to become the state of an instance of a class.

    Raises:
        PartError: if a value in it is not what compiled code relies on, or the class is not
            listed. It is a `ValueError`.
        Untrusted: if a value in it is a record.

    """
    _find(_states, full_class_name)(state)


def check_object(value: Any) -> None:
    """Check a finished object, which may have been made in any way.

    Raises:
        PartError: if it is not as compiled code relies on, or its class is not listed. It is a
            `ValueError`.
        Untrusted: if a value in it is a record.

    """
    cls = type(value)
    _find(_objects, f"{cls.__module__}.{cls.__qualname__}")(value)


def has_rules(full_class_name: str) -> bool:
    """Whether the invariants of a class are written."""
    _load(full_class_name)
    return full_class_name in _states or full_class_name in _objects


def _find(rules: dict[str, Rule], name: str) -> Rule:
    _load(name)
    rule = rules.get(name)
    if rule is None:
        raise PartError(f"the invariants of {name!r} are not written")
    return rule


def _load(name: str) -> None:
    """Fill the tables with those of a library, when one of its names is met."""
    package = name.partition(".")[0]
    module = _MODULES.get(package)
    if module is None or module in _loaded:
        return
    if find_spec(f"cannery._objects.{module}") is None:
        return
    found = import_module(f"cannery._objects.{module}")
    _states.update(found.STATES)
    _objects.update(found.OBJECTS)
    _loaded.add(module)


def anything(value: Any) -> None:
    """The rule of classes that rely on nothing: they are safe whatever they hold."""
    del value
