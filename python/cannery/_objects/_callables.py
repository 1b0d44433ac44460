"""Callables that a document may hold: functions and classes by their names, and partials of them.

A file does not choose what is called: a partial is made only of a function that computes, of a type
of Python's own that fills a collection, or of what the reader trusts.
"""

from __future__ import annotations

import functools
import types
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

from cannery._objects._checks import (
    TEXT,
    PartError,
    Untrusted,
    checked,
    dict_of,
    either,
    exact,
    held,
    leaf,
    mismatch,
)
from cannery._objects._functions import function_of
from cannery._objects._trust import CACHED, is_trusted

Parts = dict[str, Any]

_NAMED = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    CACHED,
)

# What makes something empty or small of nothing, or of a plain value. `bytes` and `bytearray` make
# as much of a number as it says, and are not among them.
EMPTY_OR_SMALL: tuple[type, ...] = (
    *(int, float, complex, str, bool, list, dict, set, frozenset, tuple),
    *(defaultdict, OrderedDict, Counter, deque),
)


def partial_parts(value: functools.partial[Any]) -> Parts:
    """What a partial is made of."""
    return {"function": value.func, "args": value.args, "keywords": value.keywords}


def _make_partial(parts: Parts) -> Any:
    _check_function(parts["function"])
    return functools.partial(parts["function"], *parts["args"], **parts["keywords"])


def fill_partial(value: Any, parts: Parts) -> None:
    """Give a partial that was made before its parts what it calls."""
    function = inner = parts["function"]
    _check_function(function)
    while isinstance(inner, functools.partial):
        if inner is value:
            raise PartError("the part 'function': it would call itself")
        inner = inner.func
    state = (function, parts["args"], parts["keywords"], None)
    functools.partial.__setstate__(value, state)  # pyright: ignore[reportAttributeAccessIssue]


def _check_function(function: Any) -> None:
    is_computing = function_of(name_of_callable(function)) is not None
    is_partial = isinstance(function, functools.partial)  # made by these rules
    if not (function in EMPTY_OR_SMALL or is_computing or is_partial or is_trusted(function)):
        raise Untrusted("functools.partial")


def name_of_callable(item: Any) -> str:
    """Name a function, or a method of a type of Python's own, in full."""
    if isinstance(item, (types.MethodDescriptorType, types.ClassMethodDescriptorType)):
        return f"builtins.{item.__qualname__}"
    return f"{getattr(item, '__module__', None)}.{getattr(item, '__qualname__', None)}"


def _is_callable(value: Any, path: str) -> None:
    if not isinstance(value, (*_NAMED, functools.partial)):
        raise mismatch(value, path, "a function or a class")


def is_factory(value: Any, path: str) -> None:
    """What makes the values that a `defaultdict` lacks: of bounded size, in bounded time."""
    if value is None:
        return None
    if not isinstance(value, functools.partial):
        return _is_callable(value, path)
    if is_trusted(value.func):
        return None
    if value.keywords or value.func not in EMPTY_OR_SMALL:
        raise PartError(f"the part {path!r}: a partial of {value.func!r} is no factory")
    for at, arg in enumerate(value.args):
        if at == 0 and value.func is defaultdict:
            is_factory(arg, path)
        else:
            either(leaf, exact(list, tuple, dict, set, frozenset))(arg, path)
    return None


make_partial = checked(
    _make_partial,
    {"function": _is_callable, "args": exact(tuple), "keywords": dict_of(TEXT, held)},
)
