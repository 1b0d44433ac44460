"""Callables that a document may hold: functions and classes by their names, and partials of them.

A file does not choose what is called: a partial is made only of a function that computes, of a type
of Python's own that fills a collection, or of what the reader trusts.
"""

from __future__ import annotations

import functools
import types
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

from cannery._objects import _adapters, _stdlib
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

Parts = dict[str, Any]

_NAMED = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)

# What makes something empty or small of nothing, or of a plain value. `bytes` and `bytearray` make
# as much of a number as it says, and are not among them.
_FILLED: tuple[type, ...] = (
    *(int, float, complex, str, bool, list, dict, set, frozenset, tuple),
    *(defaultdict, OrderedDict, Counter, deque),
)


def partial_parts(value: functools.partial[Any]) -> Parts:
    """What a partial is made of."""
    return {"function": value.func, "args": value.args, "keywords": value.keywords}


def _make_partial(parts: Parts) -> Any:
    function = parts["function"]
    is_computing = function_of(_name_of(function)) is not None
    if not (function in _FILLED or is_computing or is_trusted(function)):
        raise Untrusted("functools.partial")
    return functools.partial(function, *parts["args"], **parts["keywords"])


def _name_of(item: Any) -> str:
    if isinstance(item, (types.MethodDescriptorType, types.ClassMethodDescriptorType)):
        return f"builtins.{item.__qualname__}"
    return f"{getattr(item, '__module__', None)}.{getattr(item, '__qualname__', None)}"


def is_trusted(item: Any) -> bool:
    """Whether only the reader's `trust=` can have given it: the table does not have it."""
    if isinstance(item, functools.partial):
        return True  # made by these rules
    name = _name_of(item)
    if not isinstance(item, type):
        return isinstance(item, (types.FunctionType, types.MethodType)) and not function_of(name)
    in_library = _adapters.class_value(name) or _adapters.class_of(name)
    in_python = item.__module__ == "builtins" or item in _FILLED
    in_table = _stdlib.class_value(name) or _stdlib.class_of(name) or item in _stdlib.PAIRS
    return not (in_library or in_python or in_table or item.__module__ in _KNOWN_MODULES)


# Where the data types of the table are from.
_KNOWN_MODULES = frozenset(
    """
    datetime decimal fractions functools io ipaddress itertools operator pathlib re types uuid
    """.split()
)


def _is_callable(value: Any, path: str) -> None:
    if not isinstance(value, (*_NAMED, functools.partial)):
        raise mismatch(value, path, "a function or a class")


def is_factory(value: Any, path: str) -> None:
    """What makes the values that a `defaultdict` lacks: of bounded size, in bounded time."""
    if value is None:
        return None
    if not isinstance(value, functools.partial):
        return _is_callable(value, path)
    if not isinstance(value.func, functools.partial) and is_trusted(value.func):
        return None
    if value.keywords or value.func not in _FILLED:
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
