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
    parts = {"graph": graph.graph, "nodes": nodes, "edges": list(edges)}
    order = _order_of_neighbours(graph, parts["edges"])
    more = {"frozen": True} if nx.is_frozen(graph) else {}
    return parts | more | ({} if order is None else {"neighbours": order})


def _other_neighbours(graph: Any) -> Any:
    """Where the order of a node's neighbours is not that of the edges which are listed."""
    return graph._pred if graph.is_directed() else graph._adj


def _order_of_neighbours(graph: Any, edges: list[Any]) -> list[list[Any]] | None:
    """The neighbours of each node in their order, unless the edges say it."""
    kept = _other_neighbours(graph)
    made: dict[Any, dict[Any, None]] = {node: {} for node in kept}
    for source, target, *_ in edges:
        if not graph.is_directed():
            made[source][target] = None
        made[target][source] = None
    if all(list(kept[node]) == list(some) for node, some in made.items()):
        return None
    return [list(neighbours) for neighbours in kept.values()]


def _put_in_order(graph: Any, order: list[Any]) -> None:
    kept = _other_neighbours(graph)
    if len(order) != len(kept):
        raise PartError(f"the part 'neighbours': {len(order)}, but there are {len(kept)} nodes")
    for neighbours, wanted in zip(kept.values(), order, strict=True):
        path = "neighbours"
        exact(list)(wanted, path)
        if len(wanted) != len(neighbours):
            raise PartError(f"the part {path!r}: others than the edges say")
        for node in wanted:
            label(node, path)
        edges = {node: neighbours[node] for node in wanted if node in neighbours}
        if len(edges) != len(neighbours):
            raise PartError(f"the part {path!r}: others than the edges say")
        neighbours.clear()
        neighbours.update(edges)


_PARTS: dict[str, Check] = {
    "graph": PLAIN_DICT, "nodes": exact(list), "edges": exact(list),
}  # fmt: skip
_OPTIONAL: dict[str, Check] = {"frozen": one_of(True), "neighbours": exact(list)}


def _filled(graph: Any, parts: Parts) -> Any:
    check_parts(parts, _PARTS, _OPTIONAL)
    nodes, edges = parts["nodes"], parts["edges"]
    _check_nodes(nodes)
    graph.graph.update(parts["graph"])
    graph.add_nodes_from(nodes)
    _check_edges(edges, graph)
    graph.add_edges_from(edges)
    if "neighbours" in parts:
        _put_in_order(graph, parts["neighbours"])
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
