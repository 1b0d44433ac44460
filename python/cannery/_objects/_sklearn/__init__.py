"""scikit-learn: estimators by their attributes, its compiled parts by the state they give.

The version that an estimator was saved with is part of its state: scikit-learn warns when another
one loads it. What is made of a file's parts is checked by `_invariants`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cannery._objects import _classes
from cannery._objects._checks import PartError, exact, mismatch
from cannery._objects._sklearn._compiled import compiled_of
from cannery._objects._sklearn._invariants import check_object, check_state
from cannery._objects._sklearn._state import check_attributes
from cannery._objects._sklearn._table import class_of_table, function_of_table, is_table_class
from cannery._objects._sklearn._values import accepting, check_value, is_function

Parts = dict[str, Any]

__all__ = ["class_of", "describer_of", "function_of", "maker_of", "shell_of"]

function_of = function_of_table


def class_of(name: str) -> None:
    """No class may be named without its maker."""
    del name


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How an estimator, or a part of one, is described."""
    if not is_table_class(cls):
        return None
    name = f"{cls.__module__}.{cls.__qualname__}"
    is_compiled = compiled_of(cls) is not None
    plan = _classes.compiled_plan_of(cls) if is_compiled else _classes.plan_of(cls)
    return None if plan is None else lambda value: (name, plan.parts(value))


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How an instance of a table class is made of checked parts."""
    cls: Any = class_of_table(name)
    if cls is None:
        return None
    if compiled_of(cls) is not None:
        make = _make_compiled
    elif issubclass(cls, tuple):
        make = _make_tuple
    else:
        make = _make_bunch if issubclass(cls, dict) else _make_plain

    def make_checked(parts: Parts) -> Any:
        # Functions in a document are those of the tables, and those that its reader trusts.
        with accepting(is_function):
            return make(cls, name, parts)

    return make_checked


def _make_compiled(cls: Any, name: str, parts: Parts) -> Any:
    unknown = parts.keys() - {_classes.ARGS, _classes.STATE}
    if unknown:
        raise PartError(f"there is no part {min(unknown)!r}")
    args, state = parts.get(_classes.ARGS), parts.get(_classes.STATE)
    check_state(name, args, state)
    compiled: Any = compiled_of(cls)
    return compiled.make(cls, args, state)


def _make_plain(cls: Any, name: str, parts: Parts) -> Any:
    check_state(name, None, parts)
    value = object.__new__(cls)
    _fill(value, parts)
    check_object(value)
    return value


def _fill(value: Any, parts: Parts) -> None:
    set_state = getattr(type(value), "__setstate__", None)
    if set_state is None:
        value.__dict__.update(parts)
    else:  # which warns of other versions, or interpolates again
        set_state(value, dict(parts))


def _make_tuple(cls: Any, name: str, parts: Parts) -> Any:
    if set(parts) != set(cls._fields):
        raise PartError(f"a {name} has the parts {', '.join(cls._fields)}")
    for field, value in parts.items():
        check_value(value, field)
    return tuple.__new__(cls, [parts[name] for name in cls._fields])


def _make_bunch(cls: Any, name: str, parts: Parts) -> Any:
    """A dict whose items are attributes too: none may answer for a protocol, or hide a method."""
    del name
    items = parts.get(_classes.ITEMS, {})
    exact(dict)(items, _classes.ITEMS)
    for key in items:
        if type(key) is not str:
            raise mismatch(key, "key", "str")
        if key.startswith("__"):
            raise PartError(f"the item {key!r} is not for a file to set")
    check_value(items, _classes.ITEMS, functions=True)
    return cls(**items)


# Nodes of a Birch tree name their neighbors, which name them again.
_LINKED = ("sklearn.cluster._birch._CFNode", "sklearn.cluster._birch._CFSubcluster")


def shell_of(name: str) -> tuple[Callable[[Parts], Any], Callable[[Any, Parts], Any]] | None:
    """How a node that is linked to others is made empty, and how it is filled."""
    cls: Any = class_of_table(name) if name in _LINKED else None
    if cls is None:
        return None

    def fill(value: Any, parts: Parts) -> None:
        with accepting(is_function):
            check_attributes(cls, parts)
        value.__dict__.update(parts)

    return lambda _: object.__new__(cls), fill
