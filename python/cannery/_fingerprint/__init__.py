"""The fingerprint of a function and of the project's own code that it reaches."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cannery._fingerprint._graph import Graph
from cannery._fingerprint._nodes import (
    CodeGuard,
    Guard,
    Node,
    labelled,
    reached_nodes,
    whole_digest,
)
from cannery._fingerprint._values import Variable

__all__ = ["Fingerprint", "Graph", "ValueFingerprint", "fingerprint", "fingerprint_value"]

# Types whose `repr` says all, and no two of which have a `repr` in common.
_SHOWN = (int, str, bool, float, type(None))
_LONGEST_SHOWN = 100

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

Notes = list[tuple[str, str, str | None]]


@dataclass
class Fingerprint:
    """What a function's result may depend on besides its arguments.

    What functions and modules are called is no part of `digest`; `parts` maps the names of the
    pieces (`function helpers.clean`, `class page.Page`, `variable page.LIMIT`, `package numpy`) to
    digests or versions, for people to see which of them changed.
    """

    root: Node
    #: What could not be seen through, in words for the user.
    blind_spots: tuple[str, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """The digest of all of it."""
        return whole_digest(self.root)

    @functools.cached_property
    def nodes(self) -> list[Node]:
        """The pieces."""
        return reached_nodes(self.root)

    @property
    def parts(self) -> dict[str, str]:
        """The pieces by name."""
        parts = {label: own for label, (own, _) in labelled(self.nodes).items()}
        return parts | {"python": PYTHON_VERSION}

    def notes(self) -> Notes:
        """Return the pieces by name, with texts that show them where there are any."""
        return [
            (label, own, show and show()) for label, (own, show) in labelled(self.nodes).items()
        ]

    def is_changed(self) -> bool:
        """Whether code or a variable is another than when it was last looked at."""
        if not all(guard.holds() for guard in self._guards):
            return True
        return any(variable.is_changed() for variable in self._variables)

    def note_changes_by_step(self, seen: list[tuple[str, str]]) -> None:
        """Take the variables that are others now as what a step made of what it had seen."""
        for variable in self._variables:
            variable.note_change_by_step(seen)

    def read_by_others(self) -> dict[str, str]:
        """Return what other steps had seen outside that have left something in variables."""
        found: dict[str, str] = {}
        for variable in self._variables:
            found.update(variable.read_by_others())
        return found

    @functools.cached_property
    def _guards(self) -> list[Guard | CodeGuard]:
        return [guard for node in self.nodes for guard in node.guards]

    @functools.cached_property
    def _variables(self) -> list[Variable]:
        return [node.variable for node in self.nodes if node.variable is not None]

    @functools.cached_property
    def missing_modules(self) -> list[str]:
        """Modules that the code imports and that could not be found."""
        found = (node.label for node in self.nodes if node.own == "missing")
        return [label.removeprefix("module ") for label in found if label.startswith("module ")]

    def paths(self) -> list[str]:
        """Return what may be the paths of files among the constants that are reached."""
        return [path for node in self.nodes for path in node.paths]


@dataclass(frozen=True)
class ValueFingerprint:
    """What a parameter is: a short text or a digest, and the code that comes with it."""

    text: str
    #: Nothing for a value without code in it.
    code: Fingerprint | None = None
    blind_spots: tuple[str, ...] = ()


def fingerprint(function: Callable[..., Any], graph: Graph | None = None) -> Fingerprint:
    """Fingerprint a function, or a class, as it is loaded now.

    Comments, docstrings, formatting, names and places in files do not count, nor do the
    annotations of functions; what functions and classes do, defaults, closures, constants,
    dispatch tables and the versions of installed packages do.
    """
    graph = Graph() if graph is None else graph
    root = graph.root(function)
    return _fingerprint_of(root, graph)


def _fingerprint_of(root: Node, graph: Graph) -> Fingerprint:
    found = Fingerprint(root)
    if graph.blind_spots:
        spots = (graph.blind_spots.get(node, ()) for node in found.nodes)
        found.blind_spots = tuple(dict.fromkeys(text for texts in spots for text in texts))
    return found


def fingerprint_value(value: Any, graph: Graph | None = None, label: str = "") -> ValueFingerprint:
    """Fingerprint a parameter by its typed content: `1` is not `"1"`.

    A value that keeps its content to itself (a generator) gets a text of its own every time.
    """
    if type(value) in _SHOWN:
        text = repr(value)
        if len(text) <= _LONGEST_SHOWN:
            return ValueFingerprint(text)
    graph = Graph() if graph is None else graph
    root = graph.value(value, label)
    found = _fingerprint_of(root, graph)
    text = root.own
    if root in graph.blind_spots:
        text = os.urandom(16).hex()
    return ValueFingerprint(text, found if root.edges else None, found.blind_spots)
