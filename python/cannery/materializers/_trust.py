"""Which classes may be made again from a stored artifact, and which functions be in it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from cannery._fingerprint._origin import is_project_module, module_name
from cannery._objects._trust import MOST_DOTS


class _Policy(NamedTuple):
    trusted: tuple[Any, ...] = ()
    project: bool = False


_NOBODY = _Policy()
_policy: ContextVar[_Policy] = ContextVar("policy", default=_NOBODY)


@contextmanager
def trusting(trust: Iterable[Any], *, project: bool = True) -> Iterator[None]:
    """Trust classes while artifacts are loaded: those of `trust`, and the project's own."""
    token = _policy.set(_Policy(tuple(trust), project))
    try:
        yield
    finally:
        _policy.reset(token)


def trusted_classes(names: Iterable[str]) -> list[Any]:
    """Choose those of the named classes that may be made, and what else is trusted."""
    policy = _policy.get()
    if not policy.project:
        return list(policy.trusted)
    return [*policy.trusted, *project_code(names).values()]


def project_code(names: Iterable[str]) -> dict[str, type | FunctionType]:
    """Find those of the named classes and functions that the project's own code defines.

    A function that a store names is a value as any other: to read it calls nothing.
    """
    found = {name: _find(name) for name in names}
    return {
        name: code
        for name, code in found.items()
        if _is_class(code) or type(code) is FunctionType
        if is_project_module(code.__module__)
    }


def class_for(name: str, types: tuple[type, ...]) -> type | None:
    """Find a class that a store names, if it may be asked of a materializer for `types`.

    It may if it is of one of those types, which says nothing where that is `object`; if the
    project's code defines it; or if the caller trusts it.
    """
    cls = find_class(name)
    if cls is None:
        return None
    bounds = tuple(each for each in types if each is not object)
    if bounds and any(base in bounds for base in cls.__mro__):
        return cls
    return cls if not bounds and _is_trusted(name, cls) else None


def named_tuple_of(name: str, wanted: Any) -> type[tuple[Any, ...]] | None:
    """Find the named tuple that a stored tuple is to be: as asked for, or one of the project's."""
    if isinstance(wanted, type) and _is_named_tuple(wanted):
        return wanted
    cls = find_class(name)
    return cls if cls is not None and _is_named_tuple(cls) and _is_trusted(name, cls) else None


def _is_named_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and isinstance(cls.__dict__.get("_fields"), tuple)


def _is_trusted(name: str, cls: type) -> bool:
    policy = _policy.get()
    if policy.project and is_project_module(cls.__module__):
        return True
    patterns = [each for each in policy.trusted if isinstance(each, str)]
    return cls in policy.trusted or any(fnmatchcase(name, pattern) for pattern in patterns)


def full_name(cls: type) -> str:
    """Name a class the same whether its module is run as a script or imported."""
    return f"{module_name(cls.__module__)}.{cls.__qualname__}"


def find_class(name: str) -> type | None:
    """Find a class of a module that is loaded. Nothing is imported, and nothing is called.

    A store names it, perhaps a stranger's: a module's own `__getattr__` could import others.
    """
    found = _find(name)
    return found if _is_class(found) else None


def _find(name: str) -> Any:
    if name.count(".") > MOST_DOTS:
        return None
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = _module(".".join(parts[:count]))
        if module is not None:
            return _member_of(module, parts[count:])
    return None


def _module(name: str) -> ModuleType | None:
    found = sys.modules.get("__main__" if name == module_name("__main__") else name)
    return found if isinstance(found, ModuleType) else None


def _member_of(module: ModuleType, names: list[str]) -> Any:
    # `ModuleType`'s own, for a module that is loaded late would load itself now.
    found: Any = ModuleType.__getattribute__(module, "__dict__").get(names[0])
    for name in names[1:]:
        found = type.__dict__["__dict__"].__get__(found).get(name) if _is_class(found) else None
    return found


def _is_class(value: Any) -> bool:
    return issubclass(type(value), type)
