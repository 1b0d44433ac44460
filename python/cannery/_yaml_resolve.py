"""Which tag a plain scalar has: YAML 1.1 by PyYAML's names, to be added to."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from cannery._yaml_nodes import MappingNode, ScalarNode, SequenceNode
from cannery._yaml_registry import Registry, Rules

_PREFIX = "tag:yaml.org,2002:"


class BaseResolver:
    """Resolves nothing but what is added to it."""

    DEFAULT_SCALAR_TAG = _PREFIX + "str"
    DEFAULT_SEQUENCE_TAG = _PREFIX + "seq"
    DEFAULT_MAPPING_TAG = _PREFIX + "map"

    yaml_implicit_resolvers: ClassVar[dict[Any, list[tuple[str, Any]]]] = Registry()
    yaml_path_resolvers: ClassVar[dict[Any, str]] = Registry()

    def __init__(self) -> None:
        self._path: list[tuple[Any, Any]] = []

    @classmethod
    def add_implicit_resolver(cls, tag: str, regexp: Any, first: Any) -> None:
        """Give plain scalars that match `regexp` and begin with one of `first` a tag."""
        if "yaml_implicit_resolvers" not in cls.__dict__:
            own = {key: Rules(found) for key, found in cls.yaml_implicit_resolvers.items()}
            cls.yaml_implicit_resolvers = Registry(own)
        for character in [None] if first is None else first:
            cls.yaml_implicit_resolvers.setdefault(character, Rules()).append((tag, regexp))

    @classmethod
    def add_path_resolver(cls, tag: str, path: Any, kind: Any = None) -> None:
        """Give the node at a path from the root a tag: keys, indexes, or `None` for any entry."""
        if "yaml_path_resolvers" not in cls.__dict__:
            cls.yaml_path_resolvers = Registry(cls.yaml_path_resolvers)
        kinds = {str: ScalarNode, list: SequenceNode, dict: MappingNode}
        steps = tuple(step[-1] if isinstance(step, (tuple, list)) else step for step in path)
        cls.yaml_path_resolvers[(steps, kinds.get(kind, kind))] = tag

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Go down to a node."""
        if self.yaml_path_resolvers:
            self._path.append((current_node, current_index))

    def ascend_resolver(self) -> None:
        """Go up again."""
        if self.yaml_path_resolvers:
            self._path.pop()

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return the tag of a node without one."""
        if kind is ScalarNode and implicit[0]:
            first = value[0] if value else ""
            rules = self.yaml_implicit_resolvers
            for tag, regexp in [*rules.get(first, ()), *rules.get(None, ())]:
                if regexp.match(value):
                    return tag
        for (path, wanted), tag in self.yaml_path_resolvers.items():
            if wanted in (None, kind) and self._is_at(path):
                return tag
        if kind is ScalarNode:
            return self.DEFAULT_SCALAR_TAG
        return self.DEFAULT_SEQUENCE_TAG if kind is SequenceNode else self.DEFAULT_MAPPING_TAG

    def _is_at(self, path: tuple[Any, ...]) -> bool:
        steps = [index for parent, index in self._path if parent is not None]
        if len(steps) != len(path):
            return False
        return all(
            want is None
            or (isinstance(step, ScalarNode) and step.value == want)
            or (isinstance(step, int) and not isinstance(want, str) and step == want)
            for want, step in zip(path, steps, strict=True)
        )


class Resolver(BaseResolver):
    """Resolves plain scalars as YAML 1.1 does."""


def _rules() -> list[tuple[str, str, list[str]]]:
    digits = "0123456789"
    return [
        ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
         list("yYnNtTfFoO")),
        ("float", r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
         r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
         list("-+." + digits)),
        ("int", r"[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+"
         r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+", list("-+" + digits)),
        ("merge", r"<<", ["<"]),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
         r"(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
         r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?", list(digits)),
        ("value", r"=", ["="]),
        ("yaml", r"[!&*]", list("!&*")),
    ]  # fmt: skip


for _name, _pattern, _first in _rules():
    Resolver.add_implicit_resolver(_PREFIX + _name, re.compile(f"(?:{_pattern})$"), _first)
