"""Registries of loaders and dumpers that remember whether a program changed them.

The plain calls of `cannery.yaml` do not go through the classes. They must when a program registered
functions with one, or replaced a method of one.
"""

from __future__ import annotations

from typing import Any

changed: set[int] = set()
"""The identities of what was changed; registries and classes live as long as the module."""


class Registry(dict[Any, Any]):
    """A dictionary that remembers that it was changed."""


class Rules(list[Any]):
    """A list that remembers that it was changed."""


def _remembering(kind: Any, names: str) -> None:
    for name in names.split():
        original = getattr(kind.__mro__[1], name)

        def method(self: Any, *arguments: Any, _original: Any = original, **named: Any) -> Any:
            changed.add(id(self))
            return _original(self, *arguments, **named)

        method.__name__ = name
        setattr(kind, name, method)


_remembering(Registry, "__setitem__ __delitem__ __ior__ pop popitem clear update setdefault")
_remembering(
    Rules,
    "__setitem__ __delitem__ __iadd__ __imul__ append extend insert pop remove clear sort reverse",
)


class Remembering(type):
    """The type of classes that remember that an attribute of theirs was replaced."""

    def __setattr__(cls, name: str, value: Any) -> None:
        changed.add(id(cls))
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        changed.add(id(cls))
        super().__delattr__(name)


def is_changed(cls: Any, names: tuple[str, ...]) -> bool:
    """Whether a class, one that it is made of, or one of its registries was changed."""
    if any(id(base) in changed for base in cls.__mro__):
        return True
    for name in names:
        registry = getattr(cls, name, {})
        if id(registry) in changed:
            return True
        if name == "yaml_implicit_resolvers" and any(id(r) in changed for r in registry.values()):
            return True
    return False
