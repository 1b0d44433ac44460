"""The attributes that a library keeps in its own instances: found out from its classes.

Libraries have private names of their own, which change with every release, and set some of them
when an instance is used first. Others in an instance's `__dict__` are what a program has set.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import Any

from cannery._objects._checks import PartError
from cannery.errors import DataTypeError

Parts = dict[str, Any]


class OwnNames(frozenset[str]):
    """The names that a class, or one above it, sets in its instances, and those that are listed."""

    cls: type

    @classmethod
    def of(cls, owner: type, listed: Iterable[str] = ()) -> OwnNames:
        """Those of a class."""
        names = cls(listed)
        names.cls = owner
        return names

    def __contains__(self, name: object) -> bool:
        if type(name) is not str:
            return False
        return name in _found(self.cls) or super().__contains__(name) or _is_own(self.cls, name)

    def isdisjoint(self, other: Iterable[Any]) -> bool:
        """Whether none of the names is the library's own."""
        return not any(name in self for name in other)


def attributes_besides(
    value: Any, own: frozenset[str], again: Callable[[], Any] | None = None
) -> Parts:
    """What a program has set in an instance of a library's class.

    A compiled class does not show what it sets: `again` makes an equal instance, to see that.
    """
    more = {
        name: part
        for name, part in vars(value).items()
        if name not in own and not _is_set_elsewhere(type(value), name)
    }
    if again is None or not any(name[:1] == "_" for name in more if type(name) is str):
        return more
    fresh = again()
    if fresh is None or fresh is value:  # one that is made once, and is there for all
        return more
    return {name: part for name, part in more.items() if name not in vars(fresh)}


def refuse_attributes(value: Any, names: Iterable[str]) -> None:
    """Refuse a value with attributes that no reader would give it.

    Raises:
        DataTypeError: if there is one.

    """
    for name in names:
        error = DataTypeError(
            f"a {type(value).__name__} with the attribute {name!r} cannot be saved: "
            "no reader sets it"
        )
        error.hint = "keep what it says beside the value, or delete it"
        raise error


def _is_set_elsewhere(cls: type, name: Any) -> bool:
    """Whether a private name is one of the class, which another of its library sets."""
    is_private_of_class = type(name) is str and name[:1] == "_" and hasattr(cls, name)
    return is_private_of_class and _is_set_in(cls.__module__.partition(".")[0], name)


def check_private_names(cls: type, names: Iterable[Any]) -> None:
    """Check that no private attribute stands for one of the class, which its methods look up.

    Nor for one that notebooks look up, `_repr_html_`.

    Raises:
        PartError: if there is one.

    """
    for name in names:
        if type(name) is str and name[:1] == "_" and (name[-1:] == "_" or hasattr(cls, name)):
            raise PartError(f"the attribute {name!r} of a {cls.__name__} is the library's own")


@functools.lru_cache(maxsize=256)
def _found(cls: type) -> set[str]:
    """The library's own names that were asked for: there are no more than it has."""
    del cls
    return set()


def _is_own(cls: type, name: str) -> bool:
    listed = name in getattr(cls, "_internal_names", ()) or any(
        name in getattr(base, "__annotations__", ()) for base in cls.__mro__[:-1]
    )
    is_declared = listed and not hasattr(cls, name)
    is_own = is_declared or _is_kept_by_accessor(cls, name) or name in _set_by(cls)
    if is_own:
        _found(cls).add(name)
    return is_own


def _is_kept_by_accessor(cls: type, name: str) -> bool:
    """Whether it is that of an accessor, `series.str`, which is kept once it was used."""
    found = inspect.getattr_static(cls, name, None)
    # What is looked up on a class only where an instance has none of the name.
    is_looked_up = hasattr(type(found), "__get__") and not hasattr(type(found), "__set__")
    is_accessor = is_looked_up and isinstance(getattr(found, "_accessor", None), type)
    return is_accessor or name in getattr(cls, "_accessors", ())


# Where pandas' compiled properties keep what they have computed.
_COMPILED = frozenset({"_cache"})


@functools.lru_cache(maxsize=256)
def _set_by(cls: type) -> frozenset[str]:
    """The attributes that methods of a class, and of those above it, set."""
    items = [(name, item) for base in cls.__mro__[:-1] for name, item in vars(base).items()]
    computed = {name for name, item in items if isinstance(item, functools.cached_property)}
    codes = [code for _, item in items for code in _code_of(item)]
    return _COMPILED.union(computed, *map(_stored, codes))


@functools.lru_cache(maxsize=1000)
def _is_set_in(package: str, name: str) -> bool:
    """Whether anything in a package sets an attribute of this name."""
    prefix = f"{package}."
    modules = [module for key, module in list(sys.modules.items()) if key.startswith(prefix)]
    items = [item for module in modules for item in list(vars(module).values())]
    items += [part for item in items if isinstance(item, type) for part in vars(item).values()]
    return any(
        name in code.co_names and name in _stored(code) for item in items for code in _code_of(item)
    )


def _code_of(item: Any) -> Iterator[CodeType]:
    """The code of a function, or of those of a property or a method."""
    if inspect.isfunction(item):
        yield from _nested(item.__code__)
    for name in ("__func__", "fget", "fset", "fdel", "func", "__wrapped__"):
        if inspect.getattr_static(item, name, None) is not None:
            yield from _code_of(getattr(item, name))


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


_STORE, _EXTENDED = dis.opmap["STORE_ATTR"], dis.opmap["EXTENDED_ARG"]


def _stored(code: CodeType) -> set[str]:
    """The names of the attributes that code sets."""
    found = _stored_by_name(code)
    argument = 0
    # `dis` would take ten times as long for all of pandas.
    for operation, byte in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        argument = argument << 8 | byte
        if operation == _STORE:
            found.add(code.co_names[argument])
        if operation != _EXTENDED:
            argument = 0
    return found


_SETTERS = frozenset({"__setattr__", "setattr"})


def _stored_by_name(code: CodeType) -> set[str]:
    """The same of `object.__setattr__(self, "_x", x)`."""
    if _SETTERS.isdisjoint(code.co_names):
        return set()
    values = [step.argval for step in dis.get_instructions(code) if step.arg is not None]
    # The function is looked up, then the instance, then the name.
    return {
        name
        for function, name in zip(values, values[2:], strict=False)
        if type(function) is str and function in _SETTERS and name in code.co_consts
    }
