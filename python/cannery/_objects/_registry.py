"""Classes with a name and a version of their own: `cannery.register`.

A registered class is saved under its stable name, so that it can be moved and renamed, and its
older versions are brought up to date when they are loaded. Who registers a class trusts it.
"""

from __future__ import annotations

import copyreg
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

Parts = dict[str, Any]
Upgrade = Callable[[Parts], Parts]
TakeApart = Callable[[Any], Parts]
Make = Callable[[Parts], Any]
T = TypeVar("T", bound=type)

# More digits than any class has versions: a number of thousands is refused by `int`.
_VERSIONED = re.compile(r"(.+)/v([0-9]{1,9})")


class Registered(NamedTuple):
    """What a registered class is called, and how its older versions are brought up to date."""

    cls: type
    name: str
    version: int
    upgrades: dict[int, Upgrade]
    parts: TakeApart | None = None
    make: Make | None = None

    @property
    def type_name(self) -> str:
        """The name that documents know it by."""
        return f"{self.name}/v{self.version}"


class _Generation:
    """How often something was registered: what is remembered about classes is of one time."""

    count = 0


def generation() -> tuple[int, int]:
    """What changes with every class that is registered, here or with `copyreg`."""
    return _Generation.count, len(copyreg.dispatch_table)


_by_class: dict[type, Registered] = {}
_by_name: dict[str, Registered] = {}
# Names that classes had before they were registered, and their versions.
_aliases: dict[str, tuple[Registered, int]] = {}


def register(
    name: str,
    upgrade_from: Mapping[int | str, Upgrade | None] | None = None,
    *,
    parts: TakeApart | None = None,
    make: Make | None = None,
) -> Callable[[T], T]:
    """Give a class a stable name and a version, and trust it.

    ```python
    @cannery.register(name="boxes/v2", upgrade_from={1: lambda parts: {**parts, "score": 1.0}})
    @dataclass
    class Box: ...
    ```

    An upgrade takes the parts of version `n` by name and returns those of version `n + 1`; the
    versions in between are gone through one after the other. Under a name, `"old_module.Box"`, it
    says what to do with objects that were saved before the class was registered, `None` if
    nothing.

    A class whose attributes do not say all, such as a compiled one of a library, is saved as the
    `parts` of an instance, a `dict` by name of anything that can be saved, of which `make` makes
    one again:

    ```python
    cannery.register("geo.grid/v1", parts=lambda grid: {"cells": grid.to_numpy()},
                     make=lambda parts: geo.Grid(parts["cells"]))(geo.Grid)
    ```

    Raises:
        ValueError: if the name ends in no version, or belongs to another class; if of `parts` and
            `make` only one is given.

    """
    match = _VERSIONED.fullmatch(name)
    if match is None:
        raise ValueError(f"expected a name with a version, such as 'boxes/v1', not {name!r}")
    if (parts is None) != (make is None):
        raise ValueError("expected `parts` and `make` together: one undoes the other")
    stem, version = match[1], int(match[2])

    def add(cls: T) -> T:
        other = _by_name.get(stem)
        if other is not None and _full_name(other.cls) != _full_name(cls):
            raise ValueError(f"{stem!r} is the name of {_full_name(other.cls)}")
        _add(Registered(cls, stem, version, {}, parts, make), upgrade_from or {})
        return cls

    return add


def _add(registered: Registered, upgrade_from: Mapping[int | str, Any]) -> None:
    _Generation.count += 1
    upgrades, version = registered.upgrades, registered.version
    upgrades |= {key: fn for key, fn in upgrade_from.items() if isinstance(key, int)}
    _by_class[registered.cls] = _by_name[registered.name] = registered
    for old, upgrade in upgrade_from.items():
        if isinstance(old, str):
            # What came before the first version is version 0.
            _aliases[old] = (registered, 0 if upgrade else version)
            if upgrade:
                upgrades.setdefault(0, upgrade)


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def name_of_registered(cls: type) -> str | None:
    """The name that documents know a class by, if it was registered."""
    found = _by_class.get(cls)
    return None if found is None else found.type_name


def registered_of(cls: type) -> Registered | None:
    """What a class was registered as."""
    return _by_class.get(cls)


def find_registered(type_name: str) -> tuple[Registered, int] | None:
    """The class of a name in a document, and the version that the document has."""
    if type_name in _aliases:
        return _aliases[type_name]
    if "/" not in type_name:
        return None
    match = _VERSIONED.fullmatch(type_name)
    found = None if match is None else _by_name.get(match[1])
    if found is None or match is None or int(match[2]) > found.version:
        return None
    return found, int(match[2])


def upgraded(registered: Registered, version: int, parts: Parts) -> Parts:
    """The parts of the registered version, made from those of an older one."""
    for step in range(version, registered.version):
        upgrade = registered.upgrades.get(step)
        if upgrade is None and step > 0:
            raise ValueError(f"no upgrade from {registered.name}/v{step} is registered")
        parts = parts if upgrade is None else upgrade(parts)
    return parts
