"""Classes that say by `__reduce__` how their instances are made: every form of it that is data."""

from __future__ import annotations

import copyreg
import functools
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

from cannery import _native
from cannery._objects._callables import EMPTY_OR_SMALL, name_of_callable
from cannery._objects._checks import PLAIN_DICT, TEXT, PartError, Untrusted, exact
from cannery._objects._functions import function_of
from cannery._objects._names import refuse_protocols
from cannery._objects._plans import (
    ARGS,
    ATTRIBUTES,
    FUNCTION,
    ITEMS,
    KWARGS,
    NAME,
    PAIRS,
    SETTER,
    STATE,
    Parts,
    Plan,
    set_state,
    slots_of,
)
from cannery._objects._refused import refuse
from cannery._objects._trust import VARIABLES, find_by_name, is_trusted


def plan_of_reduced(cls: Any) -> Plan:
    """The plan for a class whose instances say themselves how they are made."""
    own_attributes = _attributes_besides(cls)
    set_by_class = set_state(cls)

    def parts(value: Any) -> Parts:
        name = _name_in_module(value) if hasattr(value, "__reduce_ex__") else None
        if name is not None and find_by_name(name) is value:
            return {NAME: name}
        more = own_attributes(value)
        return _parts_of(cls, value) | ({ATTRIBUTES: more} if more else {})

    def fill(value: Any, parts: Parts) -> Any:
        if SETTER in parts:
            _trusted(parts[SETTER])(value, parts.get(STATE))
        elif STATE in parts:
            set_by_class(value, parts)
        for item in parts.get(ITEMS, ()):
            value.append(item)
        for key, item in parts.get(PAIRS, ()):
            value[key] = item
        if ATTRIBUTES in parts:
            _add_attributes(value, parts[ATTRIBUTES])
        return value

    def make(parts: Parts) -> Any:
        if NAME in parts:
            return _of_name(cls, parts[NAME])
        return fill(_made(cls, parts), parts)

    def shell(parts: Parts) -> Any:
        needed = [parts.get(name) for name in (ARGS, KWARGS, FUNCTION)]
        return None if NAME in parts or _has_gap(needed) else _made(cls, parts)

    return Plan(parts, None, fill, make, shell=shell)


# Taking apart.


def _parts_of(cls: Any, value: Any) -> Parts:
    reduced = _reduced(value)
    made_by = None if reduced is None else _made_by(cls, *reduced[:2])
    if reduced is None or made_by is None:
        return refuse(value)
    state, items, pairs, setter = reduced[2:6]
    return (
        made_by
        | ({} if state is None else {STATE: state})
        | ({} if setter is None else {SETTER: setter})
        | ({} if items is None else {ITEMS: list(items)})
        | ({} if pairs is None else {PAIRS: [tuple(pair) for pair in pairs]})
    )


def _reduced(value: Any) -> tuple[Any, ...] | None:
    """What `__reduce_ex__` gives, filled up; `None` where it says that there is nothing to save."""
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        reduced: Any = reduce(value) if reduce else value.__reduce_ex__(4)
    except TypeError:  # locks and the like say that they cannot be pickled
        return None
    if not isinstance(reduced, tuple) or not 2 <= len(reduced) <= 6:
        return None
    return (*reduced, None, None, None, None)[:6]


_METHODS = (types.FunctionType, types.MethodType)
_OF_PYTHON = (types.BuiltinFunctionType, types.ClassMethodDescriptorType)


def _made_by(cls: Any, function: Any, args: Any) -> Parts | None:
    """What is called with what; `None` for what no reader would call."""
    if function is cls:
        return {ARGS: tuple(args)}
    if function is copyreg.__newobj__ and args[0] is cls:  # pyright: ignore
        return {ARGS: tuple(args[1:]), KWARGS: {}}
    if function is copyreg.__newobj_ex__ and args[0] is cls:  # pyright: ignore
        return {ARGS: tuple(args[1]), KWARGS: dict(args[2])}
    is_empty = function is object.__new__ and tuple(args) == (cls,)
    if is_empty or (function is copyreg._reconstructor and args == (cls, object, None)):  # pyright: ignore
        return {ARGS: (), KWARGS: {}}
    if _is_called(cls, function):
        return {FUNCTION: function, ARGS: tuple(args)}
    return None


def _is_called(cls: Any, function: Any) -> bool:
    if isinstance(function, functools.partial):
        return True
    if isinstance(function, type):
        return function in cls.__mro__ or function in EMPTY_OR_SMALL
    if isinstance(function, _OF_PYTHON):
        return _is_pure(function)
    return isinstance(function, _METHODS) and function.__module__ != "copyreg"


def _is_pure(function: Any) -> bool:
    """Whether a function of Python's own only computes."""
    owner = getattr(function, "__self__", None)
    name = f"{owner.__name__}.{function.__name__}" if isinstance(owner, type) else None
    found = function_of(f"builtins.{name}" if name else name_of_callable(function))
    return found is not None and found == function


def _name_in_module(value: Any) -> str | None:
    reduced = value.__reduce_ex__(4)
    return f"{value.__module__}.{reduced}" if isinstance(reduced, str) else None


def _attributes_besides(cls: Any) -> Callable[[Any], Parts]:
    """What instances have besides what a base of Python's own says of them in its `__reduce__`.

    A class that defines `__reduce__` itself knows what it leaves out.
    """
    above: list[type] = []
    for base in cls.__mro__:
        if {"__reduce__", "__reduce_ex__"} & base.__dict__.keys():
            break
        above.append(base)
    else:
        return lambda _: {}
    is_own = not above or base is object or cls in copyreg.dispatch_table
    if is_own or base.__module__.partition(".")[0] not in sys.stdlib_module_names:
        return lambda _: {}
    names = [name for each in above for name in slots_of(each) if name in each.__dict__]

    def besides(value: Any) -> Parts:
        parts = dict(getattr(value, "__dict__", ()))
        parts |= {name: getattr(value, name) for name in names if hasattr(value, name)}
        reduced = value.__reduce_ex__(4)
        state = reduced[2] if len(reduced) > 2 else None
        said = [
            some for some in (state if type(state) is tuple else (state,)) if type(some) is dict
        ]
        return {
            name: part for name, part in parts.items() if all(name not in some for some in said)
        }

    return besides


# Making again.


def _made(cls: Any, parts: Parts) -> Any:
    exact(tuple)(parts[ARGS], ARGS)
    if FUNCTION in parts:
        return _trusted(parts[FUNCTION], cls)(*parts[ARGS])
    if KWARGS in parts and (cls in VARIABLES or _is_compiled(cls.__reduce__)):
        # It would give its class or a function: `__new__` alone leaves pointers unset.
        raise PartError(f"no {cls.__name__} is saved by its `__new__`")
    if KWARGS in parts:
        PLAIN_DICT(parts[KWARGS], KWARGS)
        return cls.__new__(cls, *parts[ARGS], **parts[KWARGS])
    _refuse_to_call(cls)
    return cls(*parts[ARGS])


def _is_compiled(reduce: Any) -> bool:
    return reduce is not object.__reduce__ and not isinstance(reduce, types.FunctionType)


def _refuse_to_call(cls: Any) -> None:
    """Refuse to call a class with arguments of a file, where no instance is saved that way.

    What Cython writes as its `__reduce__` names a function, or says that there is nothing to save:
    for classes that open files, or hold pointers. The variables of generic classes are kept by
    name, and compile a bound that is text.
    """
    made_by_cython = getattr(cls.__reduce__, "__name__", None) == "__reduce_cython__"
    if made_by_cython or cls in (*VARIABLES, typing.ForwardRef):
        raise PartError(f"no {cls.__name__} is saved by calling it")


def _trusted(function: Any, cls: Any = None) -> Any:
    """A function that only the reader's `trust=` can have given, or one that only computes.

    Also a partial of one or of `cls`, a class that `cls` is derived from, and a type of Python's
    own that makes something empty or as large as its arguments.
    """
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    is_partial_of_cls = inner is cls and inner is not function
    is_base = isinstance(inner, type) and cls is not None and inner in cls.__mro__
    if not (
        is_partial_of_cls
        or (is_base and is_trusted(inner))
        or (isinstance(inner, type) and inner in EMPTY_OR_SMALL)
        or (isinstance(inner, _OF_PYTHON) and _is_pure(inner))
        or (isinstance(inner, _METHODS) and is_trusted(inner))
    ):
        raise Untrusted("function")
    if isinstance(inner, type):
        _refuse_to_call(inner)
    return function


def _of_name(cls: type, name: Any) -> Any:
    """The object of a module that says of itself that it is kept by its name."""
    TEXT(name, NAME)
    found = find_by_name(name)
    if type(found) is not cls or _name_in_module(found) != name:
        raise PartError(f"there is no {cls.__name__} of the name {name!r}")
    return found


def _add_attributes(value: Any, parts: Any) -> None:
    PLAIN_DICT(parts, ATTRIBUTES)
    refuse_protocols(parts)
    for name, part in parts.items():
        object.__setattr__(value, name, part)


def _has_gap(value: Any) -> bool:
    """Whether a value, or what plain containers in it hold, is still to come."""
    waiting, seen = [value], set[int]()
    while waiting:
        value = waiting.pop()
        if type(value) is _native.Placeholder:
            return True
        if type(value) in (list, tuple, dict) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if type(value) is dict else value)
        elif isinstance(value, functools.partial):
            waiting += [value.func, value.args, value.keywords]
    return False
