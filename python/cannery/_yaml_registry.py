"""Registries of loaders and dumpers that remember whether a program changed them.

The plain calls of `cannery.yaml` do not go through the classes. They must when a program registered
functions with one, replaced one of its registries, or one of the methods that programs replace.
"""

from __future__ import annotations

import operator
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


_OF_LOADERS = (
    "yaml_constructors",
    "yaml_multi_constructors",
    "yaml_implicit_resolvers",
    "yaml_path_resolvers",
)
_OF_DUMPERS = ("yaml_representers", "yaml_multi_representers", "yaml_implicit_resolvers")

# With the methods that programs replace.
loader_parts = operator.attrgetter(
    *_OF_LOADERS,
    "construct_mapping",
    "construct_object",
    "compose_node",
    "resolve",
)
"""What a loader class has now that a program might replace."""

dumper_parts = operator.attrgetter(
    *_OF_DUMPERS, "represent_data", "ignore_aliases", "increase_indent", "resolve"
)
"""What a dumper class has now that a program might replace."""


def is_changed(cls: type) -> bool:
    """Whether one of the registries of a class was changed."""
    for name in {*_OF_LOADERS, *_OF_DUMPERS}:
        registry = getattr(cls, name, {})
        if id(registry) in changed:
            return True
        if name == "yaml_implicit_resolvers" and any(id(r) in changed for r in registry.values()):
            return True
    return False
