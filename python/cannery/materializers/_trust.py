"""Which classes may be made again from a stored artifact."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce
from importlib import import_module
from typing import Any, NamedTuple

from cannery._fingerprint._origin import is_project_module, module_name


class _Policy(NamedTuple):
    vouched: tuple[Any, ...] = ()
    project: bool = False
    imports: bool = False


_NOBODY = _Policy()
_policy: ContextVar[_Policy] = ContextVar("policy", default=_NOBODY)


@contextmanager
def trusting(trust: Iterable[Any], *, project: bool = True, imports: bool = True) -> Iterator[None]:
    """Trust classes while artifacts are loaded: those of `trust`, and the project's own.

    Modules of the project are imported for their classes only with `imports`.
    """
    token = _policy.set(_Policy(tuple(trust), project, imports))
    try:
        yield
    finally:
        _policy.reset(token)


def trusted_classes(names: Iterable[str]) -> list[Any]:
    """Choose those of the named classes that may be made, and what else was vouched for."""
    policy = _policy.get()
    if not policy.project:
        return list(policy.vouched)
    return [*policy.vouched, *project_classes(names).values()]


def project_classes(names: Iterable[str]) -> dict[str, type]:
    """Find those of the named classes that the project's own code defines."""
    found = {name: find_class(name) for name in names}
    return {
        name: cls
        for name, cls in found.items()
        if cls is not None and is_project_module(cls.__module__)
    }


def full_name(cls: type) -> str:
    """Name a class the same whether its module is run as a script or imported."""
    return f"{module_name(cls.__module__)}.{cls.__qualname__}"


def find_class(name: str) -> type | None:
    """Find a class of a module that is loaded, or that may be imported for it."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = _module(".".join(parts[:count]))
        if module is not None:
            found = reduce(lambda value, part: getattr(value, part, None), parts[count:], module)
            return found if isinstance(found, type) else None
    return None


def _module(name: str) -> Any:
    if name == module_name("__main__"):
        return sys.modules["__main__"]
    if name in sys.modules:
        return sys.modules[name]
    if not _policy.get().imports or not is_project_module(name):
        return None
    try:
        return import_module(name)
    except ImportError:
        return None
