"""What has to hold of the objects of libraries before their compiled code may use them.

Documents and pickles build the same classes. Whatever builds one, `check_state` is asked before a
state is given to `__setstate__` (or becomes the `__dict__`), or arguments to the function that a
pickle names, and `check_object` before a finished object is handed out. A class that is not listed
has no written invariants, and is refused.

Each library has a module of its own: with two tables by full name, `STATES`, whose functions take
a state or arguments, and `OBJECTS`, whose functions take an object; or with functions like those
here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
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


def check_state(name: str, state: Any, args: Any = ()) -> None:
    """Check what is about to become the state of an instance of the class of that full name.

    The name may be that of a function that pickles call, `pandas.core.indexes.base._new_Index`:
    its arguments are the state. `args` are those that the instance was made with.

    Raises:
        PartError: if a value in it is not what compiled code relies on, or the class is not
            listed. It is a `ValueError`.
        Untrusted: if a value in it is a record.

    """
    module = _module_of(name)
    if module is not None and hasattr(module, "check_state"):
        module.check_state(name, args, state)
    else:
        _rule(module, "STATES", name)(state)


def check_object(value: Any) -> None:
    """Check a finished object, which may have been made in any way.

    Raises:
        PartError: if it is not as compiled code relies on, or its class is not listed. It is a
            `ValueError`.
        Untrusted: if a value in it is a record.

    """
    cls = type(value)
    name = f"{cls.__module__}.{cls.__qualname__}"
    module = _module_of(name)
    if module is not None and hasattr(module, "check_object"):
        module.check_object(value)
    else:
        _rule(module, "OBJECTS", name)(value)


def _rule(module: ModuleType | None, table: str, name: str) -> Rule:
    found = getattr(module, table, {}).get(name)
    if found is None:
        raise PartError(f"the invariants of {name!r} are not written")
    return found


def _module_of(name: str) -> ModuleType | None:
    """The rules of a library, which are imported when one of its names is met."""
    module = _MODULES.get(name.partition(".")[0])
    return None if module is None else _imported(module)


@cache
def _imported(module: str) -> ModuleType | None:
    full_name = f"cannery._objects.{module}"
    return import_module(full_name) if find_spec(full_name) is not None else None
