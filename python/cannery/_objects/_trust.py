"""Which classes a reader may make again: those that its caller named."""

from __future__ import annotations

import dataclasses
import io
import sys
import threading
import typing
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from operator import is_
from types import ModuleType
from typing import Any, NamedTuple

from cannery._objects._registry import generation, registered_of
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

_WILDCARDS = "*?["

# No class lies so deep: a file may have a name with a million dots, each of which may end a module.
MOST_DOTS = 100

VARIABLES = (typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple)
"""The variables of generic classes: they are named like classes, and do nothing."""


CACHED = type(cache(lambda: None))
"""The type of what `functools.cache` and `lru_cache` make of a function."""


class _Reading(threading.local):
    """What a thread reads now: whose trust counts."""

    # A context variable would be as good, but CPython 3.11 crashes where it has no memory for one.
    trust: Trust | None = None


_reading = _Reading()


def is_trusted(item: Any) -> bool:
    """Whether the reader's `trust=` or `type=`, or a registration, gave a class or function.

    What a document holds otherwise is from the table. Only between `Trust.begin` and `end`.
    """
    trust = _reading.trust
    return registered_of(item) is not None or (trust is not None and trust.gave(item))


# How many parts may be gone through, for one document, to see how often they are there.
_MOST_STEPS = 1 << 21


def is_spent(steps: int) -> bool:
    """Count steps of a check for what is being read, and say whether there are too many."""
    trust = _reading.trust
    if trust is not None:
        trust.steps += steps
    return (steps if trust is None else trust.steps) > _MOST_STEPS


def check_trust(trust: Iterable[Any]) -> tuple[Any, ...]:
    """The classes, functions and names that a caller gave.

    Raises:
        TypeError: if there is anything else.

    """
    given = (trust,) if isinstance(trust, (str, type)) else tuple(trust)
    for item in given:
        if not isinstance(item, (type, str)) and not hasattr(item, "__qualname__"):
            raise TypeError(f"trust takes classes and names, not {type(item).__name__}")
    return given


class Trust:
    """Finds the classes that the caller named, by the names in a document.

    A class that was given as an object is found under its names. A full name, `"shop.Item"`, is
    looked up in the module that it names. A pattern, `"shop.*"`, matches classes of modules that
    are imported already; the module that stands before its wildcard is imported, for the caller
    named it, but never a module that only the document names.
    """

    def __init__(self, trust: Iterable[Any] = (), annotation: Any = None) -> None:
        #: Taken by checks up to now.
        self.steps = 0
        self._table = _table_of(check_trust(trust), annotation)
        self._patterns = self._table.patterns
        self._found = dict(self._table.names)

    def matches(self, name: str) -> bool:
        """Whether one of the caller's names or patterns is, or matches, this name."""
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def begin(self) -> None:
        """From now on `is_trusted` asks this trust, until `end`."""
        self._before, _reading.trust = _reading.trust, self

    def end(self) -> None:
        """Undo `begin`."""
        _reading.trust = self._before

    def given(self, name: str) -> Any:
        """The class or function that the caller gave as an object, by one of its names."""
        return self._found.get(name)

    def plain(self, name: str) -> type | None:
        """The class of that name, if it is trusted, and `keep_plain` was told of it."""
        cls = self._table.plain.get(name)
        # What was found by its name may be another class by now.
        is_it = cls is None or name in self._table.names or find_by_name(name) is cls
        return cls if is_it else None

    def keep_plain(self, name: str, cls: type) -> None:
        """Remember for this reader, and the next, that a class that is trusted is plain data."""
        self._table.plain[name] = cls

    def gave(self, item: Any) -> bool:
        """Whether a class or function was found here."""
        return any(item is found for found in self._found.values())

    def names(self, name: str) -> bool:
        """Whether the caller gave this class, by any of its names, or a pattern that matches it."""
        if self._found.get(name) is not None or self.matches(name):
            return True
        given = find_by_name(name) if self._found else None
        return given is not None and any(given is found for found in self._found.values())

    def find(self, name: str) -> Any:
        """The class or function of that name, if the caller named it; else `None`.

        Raises:
            UntrustedTypeError: if the caller did, but it may not be trusted at all.

        """
        found = self._found.get(name)
        if found is None and name not in self._found:
            found = self._found[name] = self._look_up(name)
        if found is not None:
            _refuse(name, _reason_to_refuse(found))
        return found

    def _look_up(self, name: str) -> Any:
        exact = name in self._patterns
        patterns = [pattern for pattern in self._patterns if fnmatchcase(name, pattern)]
        if not patterns:
            return None
        _refuse(name, _reason_of_name(name))
        for pattern in patterns:
            _import_named(pattern, name)
        found = find_by_name(name)
        # A name that only leads through a module to something else is not what was trusted.
        if not hasattr(found, "__module__") or not hasattr(found, "__name__"):
            return None
        if name not in names_of(found):
            return None
        # A pattern is for classes; a function must be named exactly.
        return found if exact or isinstance(found, (type, *VARIABLES)) else None


class _Table(NamedTuple):
    """What is made of the classes and names that a caller trusts."""

    given: tuple[Any, ...]
    generation: Any
    names: dict[str, Any]
    patterns: list[str]
    #: The classes that were found to be plain data, by their names.
    plain: dict[str, type]


class _Last:
    """The table of the last caller: most programs have but one, and use it again."""

    table = _Table((), None, {}, [], {})


def _table_of(given: tuple[Any, ...], annotation: Any) -> _Table:
    last = _Last.table
    is_same = len(given) == len(last.given) and all(map(is_, given, last.given))
    if annotation is None and is_same and last.generation == generation():
        return last
    objects = [item for item in given if not isinstance(item, str)]
    objects += [cls for cls in classes_in(annotation) if _reason_to_refuse(cls) is None]
    names = {name: item for item in objects for name in names_of(item)}
    patterns = [item for item in given if isinstance(item, str)]
    table = _Table(given, generation(), names, patterns, {})
    if annotation is None:
        _Last.table = table
    return table


def _import_named(pattern: str, name: str) -> None:
    """Import the module that the caller named: all of a full name, or what stands before a `*`."""
    if pattern == name:
        _import_longest(name.split(".")[:-1])
        return
    first = min(at for at in map(pattern.find, _WILDCARDS) if at >= 0)
    _import_longest(pattern[:first].split(".")[:-1])


def _import_longest(parts: list[str]) -> None:
    """Import the module of a dotted path; what is no module at its end is a class in one."""
    for count in range(len(parts), 0, -1):
        module = ".".join(parts[:count])
        if _loaded(module) is not None:
            return
        if "__main__" in parts[:count]:
            continue
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
        else:
            return


def _loaded(module: str) -> ModuleType | None:
    """An imported module; the main script also under the name that it is imported by."""
    if module == "__main__" or module.endswith(".__main__"):
        return None
    found = sys.modules.get(module)
    if found is None and "." not in module and module == _name_of_main():
        return sys.modules["__main__"]
    return found


def _name_of_main() -> str:
    from cannery._fingerprint._origin import module_name

    return module_name("__main__")


def names_of(item: Any) -> set[str]:
    """The full names under which documents know a class or function."""
    names = {full_name(item), f"{item.__module__}.{_qualified_name(item)}"}
    owner = getattr(item, "__self__", None)
    # A class method may come from a class above.
    return names | {f"{full_name(owner)}.{item.__name__}"} if isinstance(owner, type) else names


def _qualified_name(item: Any) -> str:
    # The variables of generic classes have no qualified name.
    return getattr(item, "__qualname__", None) or item.__name__


def full_name(item: Any) -> str:
    """Name a class or function the same whether its module is run as a script or imported."""
    module = item.__module__
    if module == "__main__":
        module = _name_of_main()
    return f"{module}.{_qualified_name(item)}"


def find_by_name(name: str) -> Any:
    """What an imported module has by this name; `None` if nothing. Imports nothing."""
    if name.count(".") > MOST_DOTS:
        return None
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = _loaded(".".join(parts[:count]))
        if module is not None:
            return _member(module, parts[count:])
    return None


def is_findable(item: Any) -> bool:
    """Whether a class or function is what its own module has by its own name."""
    module = sys.modules.get(item.__module__)
    return module is not None and _member(module, _qualified_name(item).split(".")) is item


def _member(module: ModuleType, path: list[str]) -> Any:
    # Not by `getattr`: modules that load their parts late would import what a file names.
    found = vars(module).get(path[0])
    for part in path[1:]:
        found = getattr(found, part, None) if isinstance(found, type) else None
    return found


def _reason_of_name(name: str) -> str | None:
    if name.partition(".")[0] in _FORBIDDEN:
        return "reaches the interpreter or the system"
    if "__main__" in name.split("."):
        return "names the module of a script, which would run"
    return None


def _reason_to_refuse(item: Any) -> str | None:
    """Why a class or function may not be trusted, by any reader; `None` if it may."""
    module = getattr(item, "__module__", None) or ""
    if module.partition(".")[0] in _FORBIDDEN and not _is_of_project(module):
        return "reaches the interpreter or the system"
    if isinstance(item, type) and _has_finalizer(item):
        return "has a finalizer (`__del__`), which runs when the object is dropped"
    return None


def _has_finalizer(cls: type) -> bool:
    """Whether code of a class runs when an instance is dropped; files in memory are only closed."""
    finalizer = getattr(cls, "__del__", None)
    is_file = finalizer is getattr(io.IOBase, "__del__", None) and issubclass(cls, _IN_MEMORY)
    return finalizer is not None and not (
        is_file and cls.close in (io.BytesIO.close, io.StringIO.close)
    )


_IN_MEMORY = (io.BytesIO, io.StringIO)


def _is_of_project(module: str) -> bool:
    """Whether a module only has the name of one of Python's."""
    from cannery._fingerprint._origin import is_project_module

    return is_project_module(module)


def _refuse(name: str, reason: str | None) -> None:
    if reason is not None:
        error = UntrustedTypeError(f"{name!r} {reason}")
        error.hint = "it cannot be trusted: load without naming it, as a Record"
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
