"""networkx: graphs as their nodes and edges with their attributes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx

from cannery._objects._checks import PLAIN_DICT, Check, PartError, check_parts, exact, one_of
from cannery._objects._labels import check_labels, label

Parts = dict[str, Any]

_CLASSES = {cls.__name__: cls for cls in (nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph)}


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a graph is described."""
    if _CLASSES.get(cls.__name__) is not cls:
        return None
    name = f"networkx.{cls.__name__}"
    return lambda graph: (name, _parts(graph))


# What networkx keeps in a graph: its data, what it has computed of them, and marks of frozen ones.
_OWN = frozenset(
    """
    graph _node _adj _succ _pred __networkx_cache__ _graph _NODE_OK _EDGE_OK adj succ pred nodes
    edges degree in_degree
    out_degree in_edges out_edges
    """.split()
)
_COMPUTED = _OWN - frozenset(vars(nx.MultiDiGraph())) - {"_graph", "_NODE_OK", "_EDGE_OK"}
_OF_FROZEN = frozenset(vars(nx.freeze(nx.Graph()))) - frozenset(vars(nx.Graph()))


def own_attributes(cls: type) -> frozenset[str] | None:
    """What networkx itself keeps in a graph."""
    return _OWN | _OF_FROZEN if _CLASSES.get(cls.__name__) is cls else None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    cls = _CLASSES.get(name.removeprefix("networkx."))
    return None if cls is None else lambda parts: _filled(cls(), parts)


def shell_of(name: str) -> tuple[Callable[[Parts], Any], Callable[[Any, Parts], Any]] | None:
    """How a graph that is part of itself is made empty, and how it is filled."""
    cls = _CLASSES.get(name.removeprefix("networkx."))
    return None if cls is None else (lambda _: cls(), _filled)


def _parts(graph: Any) -> Parts:
    edges = graph.edges(keys=True, data=True) if graph.is_multigraph() else graph.edges(data=True)
    nodes = list(graph.nodes(data=True))
    frozen = {"frozen": True} if nx.is_frozen(graph) else {}
    return {"graph": graph.graph, "nodes": nodes, "edges": list(edges), **frozen}


_PARTS: dict[str, Check] = {
    "graph": PLAIN_DICT, "nodes": exact(list), "edges": exact(list),
}  # fmt: skip
_FROZEN: dict[str, Check] = {"frozen": one_of(True)}


def _filled(graph: Any, parts: Parts) -> Any:
    check_parts(parts, _PARTS, _FROZEN)
    nodes, edges = parts["nodes"], parts["edges"]
    _check_nodes(nodes)
    graph.graph.update(parts["graph"])
    graph.add_nodes_from(nodes)
    _check_edges(edges, graph)
    graph.add_edges_from(edges)
    for name in _COMPUTED & vars(graph).keys():
        del vars(graph)[name]
    return nx.freeze(graph) if parts.get("frozen") else graph


def _check_nodes(nodes: list[Any]) -> None:
    """Check the nodes, which are hashed together, and that each has attributes by name."""
    for at, node in enumerate(nodes):
        _check_tuple(node, 2, f"nodes[{at}]")
    check_labels([node for node, _ in nodes], "nodes")
    if any(node is None for node, _ in nodes):
        raise PartError("the part 'nodes': None is no node")


def _check_edges(edges: list[Any], graph: Any) -> None:
    """Check that edges lead from listed nodes to listed nodes, and have attributes by name."""
    length = 4 if graph.is_multigraph() else 3
    for at, edge in enumerate(edges):
        path = f"edges[{at}]"
        _check_tuple(edge, length, path)
        for end in edge[:-1]:
            label(end, path)
        if edge[0] not in graph or edge[1] not in graph:
            raise PartError(f"the part {path!r}: its ends are no nodes")
    if length == 4:
        _check_keys(edges)


def _check_keys(edges: list[Any]) -> None:
    """Check the keys of the edges between two nodes: they are hashed together."""
    by_ends: dict[Any, list[Any]] = {}
    for source, target, key, _ in edges:
        by_ends.setdefault((source, target), []).append(key)
    for keys in by_ends.values():
        if len(keys) > 64:
            check_labels(keys, "edges")


def _check_tuple(value: Any, length: int, path: str) -> None:
    exact(tuple, list)(value, path)
    if len(value) != length:
        raise PartError(f"the part {path!r}: expected {length} items, got {len(value)}")
    exact(dict)(value[-1], path)
