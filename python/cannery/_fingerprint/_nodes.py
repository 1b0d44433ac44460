"""Pieces of code and values, what each says and which others it leads to."""

from __future__ import annotations

from _blake2 import blake2b
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from cannery._fingerprint._values import Variable

MISSING = object()
"""Stands for what a scope does not have."""


@dataclass(frozen=True)
class Guard:
    """What was found under a name in a scope: a module's variables, or all that a class has."""

    scope: Mapping[str, Any]
    #: Without a name, all names are as they were.
    name: str | None
    found: Any

    def holds(self) -> bool:
        """Whether it is the same still."""
        if self.name is not None:
            return self.scope.get(self.name, MISSING) is self.found
        if len(self.scope) != len(self.found):
            return False
        return all(self.scope.get(name, MISSING) is value for name, value in self.found.items())


class CodeGuard:
    """A function's code and defaults, which notebooks replace when a file is edited."""

    def __init__(self, function: FunctionType) -> None:
        self._function = function
        self._code = function.__code__
        self._defaults = function.__defaults__

    def holds(self) -> bool:
        """Whether they are the same still."""
        function = self._function
        return function.__code__ is self._code and function.__defaults__ is self._defaults


@dataclass(eq=False)
class Node:
    """A function, class, module, package or value that a step's code reaches.

    What it is called is no part of its digest: code that is renamed or moved does the same.
    """

    label: str
    #: What it says itself.
    own: str
    #: What it leads to, and how: the attributes that are asked of it, for one.
    edges: list[tuple[str, Node]] = field(default_factory=list)
    #: Shows it to people; asked only when the step runs.
    show: Callable[[], str | None] | None = None
    #: The variable whose value it is.
    variable: Variable | None = None
    #: What was found in which scopes: while that is so, the node is as it was.
    guards: list[Guard | CodeGuard] = field(default_factory=list)
    #: Texts in it that may be paths of files.
    paths: tuple[str, ...] = ()
    #: The digest of all of it, once it is known.
    whole: str | None = None
    #: The nodes that lead to it and to which it leads, once they are known.
    component: list[Node] | None = None


def whole_digest(root: Node) -> str:
    """Digest a node with all that it leads to, whatever the cycles."""
    if root.whole is None:
        for component in _components(root):
            if len(component) == 1 and not _leads_to_itself(component[0]):
                component[0].whole = _digest(component[0])
            for node in component:
                node.component = component
    return _whole(root)


def _whole(node: Node) -> str:
    if node.whole is None:
        node.whole = _digest(node)
    return node.whole


def _digest(root: Node) -> str:
    """Digest a node: those in a cycle with it are numbered as a walk from it comes by them."""
    hash = blake2b(digest_size=16)
    numbers: dict[Node, int] = {root: 0}
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        hash.update(f"{len(node.edges)} {node.own}".encode("utf-8", "surrogatepass"))
        for how, child in node.edges:
            if child is not root and (
                child.component is None or child.component is not root.component
            ):
                said = _whole(child)
            else:
                if child not in numbers:
                    numbers[child] = len(numbers)
                    pending.append(child)
                said = f"node {numbers[child]}"
            hash.update(f"\0{how}\0{said}".encode("utf-8", "surrogatepass"))
    return hash.hexdigest()


def _leads_to_itself(node: Node) -> bool:
    return any(child is node for _, child in node.edges)


def _components(root: Node) -> Iterator[list[Node]]:
    """Find the strongly connected components, those first that others lead to (Tarjan)."""
    numbers: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    open_nodes: list[Node] = []
    is_open: set[Node] = set()
    path: list[tuple[Node, Iterator[tuple[str, Node]]]] = []

    def begin(node: Node) -> None:
        numbers[node] = lowest[node] = len(numbers)
        open_nodes.append(node)
        is_open.add(node)
        path.append((node, iter(node.edges)))

    begin(root)
    while path:
        node, edges = path[-1]
        for _, child in edges:
            if child.whole is not None or child.component is not None:
                continue
            if child not in numbers:
                begin(child)
                break
            if child in is_open:
                lowest[node] = min(lowest[node], numbers[child])
        else:
            path.pop()
            if path:
                lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[node])
            if lowest[node] == numbers[node]:
                place = open_nodes.index(node)
                component = open_nodes[place:]
                del open_nodes[place:]
                is_open.difference_update(component)
                yield component


def reached_nodes(root: Node) -> list[Node]:
    """List all nodes that one leads to, itself first."""
    found: dict[Node, None] = {}
    pending = [root]
    while pending:
        node = pending.pop()
        if node not in found:
            found[node] = None
            pending.extend(child for _, child in node.edges)
    return list(found)


def labelled(nodes: list[Node]) -> dict[str, tuple[str, Any]]:
    """Map labels to what pieces say and what shows them; equal labels are numbered."""
    parts: dict[str, tuple[str, Any]] = {}
    for node in nodes:
        if not node.label:
            continue
        said = _said(node)
        unique, count = node.label, 1
        while parts.get(unique, (said, None))[0] != said:
            count += 1
            unique = f"{node.label} ({count})"
        parts[unique] = said, node.show
    return parts


def _said(node: Node) -> str:
    """What a piece says, with the names of what it leads to."""
    if node.label.startswith("package "):
        return node.own
    names = [f"{how} {child.label}" for how, child in node.edges if how or child.label]
    return f"{node.own} {', '.join(names)}".rstrip() if names else node.own
