"""Where an object that a reference led to is: the path that leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cannery.errors import CanneryError
from cannery.hdf5._types import text

if TYPE_CHECKING:
    from cannery import _native

NodeId = tuple[int, int]


class Paths:
    """The first path to each object of a file, found as far as it is asked for.

    Groups are entered as libhdf5 does: depth first, their members by name, each group once.
    """

    def __init__(self, root: _native.Hdf5Node) -> None:
        self._root = root.id
        # The group and the name, not the path: a chain of groups makes long paths.
        self._found: dict[NodeId, tuple[NodeId, bytes]] = {}
        self._rest = self._hard_links(root)

    def of(self, wanted: NodeId) -> str | None:
        """The path of an object; `None` if no link leads to it."""
        if wanted != self._root and wanted not in self._found:
            for found, place in self._rest:
                self._found[found] = place
                if found == wanted:
                    break
            else:
                return None
        names = []
        while wanted != self._root:
            wanted, name = self._found[wanted]
            names.append(text(name))
        return "/" + "/".join(reversed(names))

    def _hard_links(self, root: _native.Hdf5Node) -> Iterator[tuple[NodeId, tuple[NodeId, bytes]]]:
        seen = {root.id}
        pending = [(root, iter(_names(root)))]
        while pending:
            group, names = pending[-1]
            name = next(names, None)
            if name is None:
                pending.pop()
                continue
            node = _hard(group, name)
            if node is None or node.id in seen:
                continue
            seen.add(node.id)
            yield node.id, (group.id, name)
            pending.append((node, iter(_names(node))))


def _names(node: _native.Hdf5Node) -> list[bytes]:
    """The names of a group's members; none of what is no group, or is damaged."""
    try:
        return sorted(node.names()) if node.kind() == "group" else []
    except (CanneryError, OSError):
        return []


def _hard(group: _native.Hdf5Node, name: bytes) -> _native.Hdf5Node | None:
    try:
        return group.resolve(name) if group.link(name)[0] == "hard" else None
    except (CanneryError, OSError):
        return None
