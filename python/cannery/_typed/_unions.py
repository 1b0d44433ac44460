"""Unions: several types at one place, told apart by the kind of value or by a tag."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from cannery._typed._node import KEEP, KINDS, Node, Record, Way, refusal
from cannery.errors import DataTypeError

_KIND_NAMES = {
    "null": "null",
    "bool": "booleans",
    "int": "integers",
    "float": "numbers",
    "text": "strings",
    "bytes": "bytes",
    "list": "arrays",
    "map": "objects",
}


def union_of(nodes: Sequence[Node], records: Sequence[Record], binary: bool = False) -> Node:
    """The node that takes what any of `nodes` takes.

    With `binary`, documents have bytes of their own: text stands for none where text is wanted.

    Raises:
        DataTypeError: if two of them take the same kind of value and nothing tells them apart.

    """
    for node in nodes:
        if node.is_any:
            return node
    expected = " | ".join(dict.fromkeys(node.expected for node in nodes))
    merged = Node(expected, {})
    if any(node.read is not None for node in nodes):
        return _with_reader(nodes, merged)
    for kind in KINDS:
        able = [node for node in nodes if kind in node.ways]
        if len(able) > 1:
            # What a type takes by its nature goes before what others tolerate.
            able = [node for node in able if kind not in node.lenient]
        if binary and kind == "text" and any("bytes" not in node.ways for node in able):
            able = [node for node in able if "bytes" not in node.ways]
        if able:
            merged.ways[kind] = _merge(kind, able, records)
            checks = [node.checks[kind] for node in able if kind in node.checks]
            if checks:
                merged.checks[kind] = checks[0]
    return merged


def _with_reader(nodes: Sequence[Node], merged: Node) -> Node:
    """A type that reads by itself takes everything, so nothing but null may stand beside it."""
    readers = [node for node in nodes if node.read is not None]
    others = [node for node in nodes if node.read is None]
    if len(readers) > 1 or any(set(node.ways) != {"null"} for node in others):
        raise refusal(
            f"cannot tell the types in {merged.expected} apart",
            "a pydantic model can stand in a union with None only; make the union a pydantic type",
        )
    read = readers[0].read
    assert read is not None
    merged.read = lambda data: None if data == b"null" else read(data)
    return merged


def _merge(kind: str, nodes: list[Node], records: Sequence[Record]) -> Way:
    ways = [node.ways[kind] for node in nodes]
    if len(ways) == 1 or all(way == ways[0] for way in ways):
        return ways[0]
    if kind == "int" and ("float",) in ways:
        # An integer is an integer where both are welcome.
        rest = [node for node in nodes if node.ways[kind] != ("float",)]
        return _merge(kind, rest, records)
    if kind == "map" and all(way[0] in ("record", "tagged") for way in ways):
        return _tagged(nodes, records)
    if all(way[0] == "table" and way[2] is None for way in ways):
        return _one_table(kind, nodes)
    literal = [way for way in ways if way[0] == "table" and way[3]]
    if KEEP in ways and len(literal) == len(ways) - 1:
        # A literal of a type is a value of that type.
        return KEEP
    raise ambiguity(kind, nodes)


def ambiguity(kind: str, nodes: list[Node]) -> DataTypeError:
    """Return the error for types that take the same kind of value."""
    names = " and ".join(node.expected for node in nodes)
    hint = "use one of them, or read it as Any"
    if kind == "map":
        hint = 'give each class a field that tells it apart, such as `kind: Literal["a"]`'
    return refusal(f"cannot tell {names} apart: both are {_KIND_NAMES[kind]} in a document", hint)


def _one_table(kind: str, nodes: list[Node]) -> Way:
    table: dict[Any, Any] = {}
    for node in nodes:
        for value, member in node.ways[kind][1].items():
            if table.setdefault(value, member) is not member:
                raise ambiguity(kind, nodes)
    return ("table", table, None, all(node.ways[kind][3] for node in nodes))


# Classes that a field tells apart.


def _tagged(nodes: list[Node], records: Sequence[Record]) -> Way:
    numbers = [number for node in nodes for number in _records_in(node.ways["map"])]
    candidates = [_tags(records[number]) for number in numbers]
    for key in candidates[0]:
        if all(key in tags for tags in candidates):
            by_tag = [
                (value, number)
                for number, tags in zip(numbers, candidates, strict=True)
                for value in tags[key]
            ]
            if len({(type(value), value) for value, _ in by_tag}) == len(by_tag):
                return ("tagged", key, tuple(by_tag))
    raise ambiguity("map", nodes)


def _records_in(way: Way) -> list[int]:
    return [way[1]] if way[0] == "record" else [number for _, number in way[2]]


def _tags(record: Record) -> dict[str, list[Any]]:
    """The keys that can tell the record apart, each with its values."""
    if record.tag is not None:
        return {record.tag[0]: [record.tag[1]]}
    tags = {}
    for field in record.fields:
        annotation = record.annotations.get(field.attribute)
        if field.name is not None and get_origin(annotation) is Literal:
            values = [v.value if isinstance(v, enum.Enum) else v for v in get_args(annotation)]
            if all(type(value) in (str, int) for value in values):
                tags[field.name] = values
    return tags
