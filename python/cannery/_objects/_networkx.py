"""networkx: graphs as their nodes and edges with their attributes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx

Parts = dict[str, Any]

_CLASSES = {cls.__name__: cls for cls in (nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph)}


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a graph is described."""
    if _CLASSES.get(cls.__name__) is not cls:
        return None
    name = f"networkx.{cls.__name__}"
    return lambda graph: (name, _parts(graph))


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


def _filled(graph: Any, parts: Parts) -> Any:
    graph.graph.update(parts["graph"])
    graph.add_nodes_from(parts["nodes"])
    graph.add_edges_from(parts["edges"])
    return nx.freeze(graph) if parts.get("frozen") else graph
