"""Which classes a reader may make again: those that its caller named."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import reduce
from importlib import import_module
from typing import Any

from cannery.errors import UntrustedTypeError

# Modules whose names reach the interpreter, the system or an importer.
_FORBIDDEN = frozenset(
    """
    _ctypes _frozen_importlib _frozen_importlib_external _imp _io _pickle _posixsubprocess
    _socket _thread asyncio atexit bdb builtins cloudpickle code codeop commands concurrent
    copyreg ctypes dill ftplib functools gc http imp importlib inspect io joblib linecache
    marshal mmap multiprocessing nt operator os pdb pickle pkg_resources pkgutil platform
    popen2 posix posixpath pty pydoc requests runpy shelve shutil signal site smtplib socket
    socketserver sqlite3 ssl subprocess sys telnetlib tempfile threading timeit trace types
    urllib venv weakref webbrowser zipimport
    """.split()
)


class Trust:
    """Finds the classes that the caller named, by the names in a document."""

    def __init__(self, trust: Iterable[Any] = (), annotation: Any = None) -> None:
        if isinstance(trust, (str, type)):
            trust = (trust,)
        self._found: dict[str, Any] = {}
        self._patterns: list[str] = []
        for item in trust:
            self._add(item)
        for cls in classes_in(annotation):
            self._add(cls)

    def _add(self, item: Any) -> None:
        if isinstance(item, str):
            self._patterns.append(item)
        elif hasattr(item, "__qualname__"):
            for name in names_of(item):
                self._found[name] = item
        else:
            raise TypeError(f"trust takes classes and names, not {type(item).__name__}")

    def matches(self, name: str) -> bool:
        """Whether one of the caller's names or patterns is, or matches, this name."""
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def find(self, name: str) -> Any:
        """The class or function of that name, if the caller named it; else `None`.

        Raises:
            UntrustedTypeError: if the caller did, but nobody may vouch for it.

        """
        if name in self._found:
            return self._found[name]
        exact = name in self._patterns
        if not exact and not self.matches(name):
            return None
        found = self._import(name)
        # A pattern vouches for classes; a function must be named exactly.
        if not exact and not isinstance(found, type):
            found = None
        self._found[name] = found
        return found

    def _import(self, name: str) -> Any:
        _refuse_forbidden(name)
        found = find_by_name(name)
        # A name that only leads through a module to something else is not what was trusted.
        if found is None or name not in names_of(found):
            return None
        return found


def names_of(item: Any) -> set[str]:
    """The full names under which documents know a class or function."""
    return {full_name(item), f"{item.__module__}.{item.__qualname__}"}


def full_name(item: Any) -> str:
    """Name a class or function the same whether its module is run as a script or imported."""
    module = item.__module__
    if module == "__main__":
        from cannery._fingerprint._origin import module_name

        module = module_name(module)
    return f"{module}.{item.__qualname__}"


def find_by_name(name: str) -> Any:
    """What a module, which is imported if it must be, has by this name; `None` if nothing."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = _module(".".join(parts[:count]))
        if module is not None:
            return reduce(lambda value, part: getattr(value, part, None), parts[count:], module)
    return None


def _module(name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    try:
        return import_module(name)
    except ImportError:
        return None


def _refuse_forbidden(name: str) -> None:
    if name.split(".")[0] in _FORBIDDEN:
        error = UntrustedTypeError(f"{name!r} reaches the interpreter or the system")
        error.hint = "nobody may vouch for it: load without trusting it, as a Record"
        raise error


def classes_in(annotation: Any) -> set[type]:
    """The classes that an annotation names, and those that their own annotations name."""
    found: set[type] = set()
    waiting = [annotation]
    while waiting:
        item = waiting.pop()
        waiting.extend(typing.get_args(item))
        origin = typing.get_origin(item) or item
        if isinstance(origin, type) and origin not in found and origin.__module__ != "builtins":
            found.add(origin)
            waiting.extend(_fields_of(origin))
    return found


def _fields_of(cls: type) -> Iterable[Any]:
    has_fields = dataclasses.is_dataclass(cls) or hasattr(cls, "__annotations__")
    if not has_fields:
        return ()
    try:
        return typing.get_type_hints(cls).values()
    except (NameError, AttributeError, TypeError):
        return ()
